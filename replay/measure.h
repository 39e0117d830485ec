// SPDX-License-Identifier: MIT
//
// Measures a replay against its recording: the metrics of the recorded addresses, those of the
// replayed ones by the same code, and how well they agree (replay/score.h).
#ifndef HT_REPLAY_MEASURE_H
#define HT_REPLAY_MEASURE_H

#include "replay/causal.h"
#include "replay/engine.h"
#include "replay/metrics.h"
#include "replay/score.h"
#include "replay/trail.h"

enum {
    HT_MEASURE_SAMPLES = 512,         // at most, over the run, when no step is asked for
    HT_MEASURE_SAMPLES_MAX = 1 << 16, // with a step
};

struct ht_measure_options {
    uint64_t sample_step;      // operations from one sample to the next; 0 for what suits the run
    const uint64_t *gap_sizes; // to judge gaps by; NULL: those of the plan
    int64_t mark_ns[HT_METRICS_MARKS]; // recorded times, each to look at the first operation then
                                       // or later
    uint32_t mark_count;
};

struct ht_measure;

// Takes the metrics of the recording. Plan and trail are lent until closed. HT_LIMIT when there
// would be more than HT_MEASURE_SAMPLES_MAX samples, HT_FORMAT when there is no operation at a mark
// or later. On failure *measure is NULL.
enum ht_status ht_measure_open(struct ht_measure **measure, const struct ht_plan *plan,
                               const struct ht_trail *trail,
                               const struct ht_measure_options *options, struct ht_error *error);
void ht_measure_close(struct ht_measure *measure);

// Has the next replay keep the addresses of its blocks, one for each operation. HT_MEMORY.
enum ht_status ht_measure_keep_addresses(struct ht_measure *measure, struct ht_error *error);

// Makes ready for a replay on an open heap, which is lent until ht_measure_finish; `selves` are by
// recorded heap. HT_UNSUPPORTED when its blocks are no memory and so lie nowhere.
enum ht_status ht_measure_begin(struct ht_measure *measure, const struct ht_heap *heap,
                                void *const *selves, struct ht_error *error);

// What is to look on at that replay.
struct ht_watch ht_measure_watch(struct ht_measure *measure);

// The same for a replay of a schedule, a watched one with these stops; they are valid until closed.
// The figures are those of the recorded order, with each block where its worker had it.
const uint64_t *ht_measure_stops(const struct ht_measure *measure, uint32_t *count);
enum ht_status ht_measure_begin_causal(struct ht_measure *measure, const struct ht_heap *heap,
                                       void *const *selves, const struct ht_schedule *schedule,
                                       struct ht_error *error);
const struct ht_causal_watch *ht_measure_causal_watch(const struct ht_measure *measure);

// Right before the first operation, and right after the last, when nothing has been given back.
void ht_measure_start(struct ht_measure *measure);
void ht_measure_end(struct ht_measure *measure);

// After it.
enum ht_status ht_measure_finish(struct ht_measure *measure, const struct ht_played *played,
                                 struct ht_error *error);

// What it takes from the system now, the trail included.
uint64_t ht_measure_memory_bytes(const struct ht_measure *measure);

// The times of the marks, in the order of the reports.
const int64_t *ht_measure_mark_ns(const struct ht_measure *measure);

// Valid until closed; the last two are complete after ht_measure_finish.
const struct ht_metrics_report *ht_measure_recorded(const struct ht_measure *measure);
const struct ht_metrics_report *ht_measure_replayed(const struct ht_measure *measure);
const struct ht_score *ht_measure_score(const struct ht_measure *measure);

// What the heap said of itself at the live peak of the recording; all zero where it does not tell.
const struct ht_account *ht_measure_account(const struct ht_measure *measure);

// What was kept, as replay/heap_map.h takes it; NULL when nothing was.
const uint64_t *ht_measure_addresses(const struct ht_measure *measure);

// The sizes that gaps are judged by: the median, the 90th and the 99th percentile of the sizes
// requested by allocs and reallocs (the smallest size that so many requests do not exceed), at
// least 1.
const uint64_t *ht_measure_gap_sizes(const struct ht_measure *measure);

#endif
