// SPDX-License-Identifier: MIT
//
// How long single calls of a heap take: a heap around another that times some of the calls it
// passes on. Only the call is timed, not what a replay writes into the block. The gaps between
// timed calls vary, so that they fall in step with no pattern of the recording, and are the same
// every time. Each thread that enters has gaps and counts of its own; the figures are of all.
#ifndef HT_REPLAY_LATENCY_H
#define HT_REPLAY_LATENCY_H

#include "replay/heap.h"

#include <stdint.h>

enum ht_latency_kind {
    HT_LATENCY_ALLOC,
    HT_LATENCY_IN_PLACE, // reallocs by what they did here; those that failed are in neither
    HT_LATENCY_MOVED,
    HT_LATENCY_FREE,
    HT_LATENCY_KIND_COUNT,
};

// "alloc", "realloc_in_place", "realloc_moved", "free".
const char *ht_latency_kind_name(enum ht_latency_kind kind);

// Times, in ns, without what the timing itself took. Quantiles are at most 1/32 too high; the most
// is exact.
struct ht_latency_figures {
    uint64_t timed; // calls; the others are 0 when there are none
    uint64_t p50_ns;
    uint64_t p90_ns;
    uint64_t p99_ns;
    uint64_t p999_ns;
    uint64_t most_ns;
};

// All of them.
struct ht_latency_report {
    uint32_t every;   // 0: no call was timed
    uint64_t pair_ns; // what two looks at the clock with nothing between them took, in the median;
                      // it was taken off
    struct ht_latency_figures of[HT_LATENCY_KIND_COUNT];
};

struct ht_latency;

// Times one call in `every`, at least 1, of the heap, on average. On failure *latency is NULL.
enum ht_status ht_latency_open(struct ht_latency **latency, const struct ht_heap *heap,
                               uint32_t every, struct ht_error *error);
void ht_latency_close(struct ht_latency *latency);

// The heap to be replayed on: the other one, timed. Valid until closed.
const struct ht_heap *ht_latency_heap(const struct ht_latency *latency);

struct ht_latency_figures ht_latency_figures(const struct ht_latency *latency,
                                             enum ht_latency_kind kind);
struct ht_latency_report ht_latency_report(const struct ht_latency *latency);

// Times no call from here on.
void ht_latency_stop(struct ht_latency *latency);

// What it takes from the system.
uint64_t ht_latency_memory_bytes(const struct ht_latency *latency);

// Counts a call that took `ns`, as the heap does.
void ht_latency_add(struct ht_latency *latency, enum ht_latency_kind kind, uint64_t ns);

#endif
