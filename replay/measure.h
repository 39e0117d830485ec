// SPDX-License-Identifier: MIT
//
// Measures a replay against its recording: the metrics of the recorded addresses, those of the
// replayed ones by the same code, and how well they agree.
#ifndef HT_REPLAY_MEASURE_H
#define HT_REPLAY_MEASURE_H

#include "replay/engine.h"
#include "replay/metrics.h"
#include "replay/trail.h"

enum {
    // What counts as the recorded fragmentation.
    HT_SCORE_SPREAD_PERCENT = 10,  // each of three page spreads is at most so far off
    HT_SCORE_REALLOC_PERCENT = 90, // at least so many reallocs moved, or did not, as recorded
};

enum {
    HT_MEASURE_SAMPLES = 512,         // at most, over the run, when no step is asked for
    HT_MEASURE_SAMPLES_MAX = 1 << 16, // with a step
};

enum ht_verdict {
    HT_VERDICT_NONE,   // nothing was live, or the replay was stopped: there is nothing to say
    HT_VERDICT_YES,    // spread and reallocs agree; without any realloc, the spread does
    HT_VERDICT_PARTLY, // one of the two agrees
    HT_VERDICT_NO,
};

struct ht_score {
    double f1_ratio;          // replayed f1_operations / recorded; 0 where one has no value
    double f2_ratio;          // the same of f2
    double retention_ratio;   // and of retention
    uint64_t reallocs;        // that were replayed
    uint64_t reallocs_agreed; // of these, those that moved or stayed as recorded
    bool spread_agrees;       // all three, as far as they have a value
    bool reallocs_agree;      // false when there are none
    enum ht_verdict verdict;
};

struct ht_measure;

// Takes the metrics of the recording. Plan and trail are lent until closed. Samples are
// `sample_step` operations apart, 0 for what suits the run; HT_LIMIT when there would be more than
// HT_MEASURE_SAMPLES_MAX of them. Gaps are judged by `gap_sizes`, or when that is NULL by those of
// the plan. On failure *measure is NULL.
enum ht_status ht_measure_open(struct ht_measure **measure, const struct ht_plan *plan,
                               const struct ht_trail *trail, uint64_t sample_step,
                               const uint64_t *gap_sizes, struct ht_error *error);
void ht_measure_close(struct ht_measure *measure);

// Has the next replay keep the addresses of its blocks, one for each operation. HT_MEMORY.
enum ht_status ht_measure_keep_addresses(struct ht_measure *measure, struct ht_error *error);

// Makes ready for a replay on an open heap, which is lent until ht_measure_finish; `selves` are by
// recorded heap. HT_UNSUPPORTED when its blocks are no memory and so lie nowhere.
enum ht_status ht_measure_begin(struct ht_measure *measure, const struct ht_heap *heap,
                                void *const *selves, struct ht_error *error);

// What is to look on at that replay.
struct ht_watch ht_measure_watch(struct ht_measure *measure);

// After it.
enum ht_status ht_measure_finish(struct ht_measure *measure, const struct ht_played *played,
                                 struct ht_error *error);

// What it takes from the system now, the trail included.
uint64_t ht_measure_memory_bytes(const struct ht_measure *measure);

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

// "nothing to compare", "yes", "partly", "no".
const char *ht_verdict_name(enum ht_verdict verdict);

#endif
