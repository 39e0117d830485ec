// SPDX-License-Identifier: MIT
//
// Counters over time in bounded memory: two values that are sampled together, such as live bytes
// and blocks. The series holds at most `limit` buckets of equal width in time; when they are all
// in use the width doubles and neighbours become one. Each bucket keeps three true states: where
// each value was highest, and the last, so that peaks stay exact at any width.
#ifndef HT_FORMATS_SERIES_H
#define HT_FORMATS_SERIES_H

#include "formats/block.h"
#include "formats/error.h"

#include <stdint.h>

// What the values of a series are that ht_series_add feeds.
enum { HT_LIVE_BYTES, HT_LIVE_BLOCKS };

struct ht_series_state {
    int64_t time_ns;
    uint64_t order; // how many states were before it: tells those of one time apart
    uint64_t value[2];
    uint64_t pages; // that hold them, where the owner counts those
};

// What happened since the beginning, up to the end of a bucket.
struct ht_series_totals {
    uint64_t allocs;
    uint64_t frees;
    uint64_t in_place; // reallocs
    uint64_t moved;
    uint64_t copied_bytes;
};

struct ht_series_bucket {
    struct ht_series_state most[2]; // of each value; the earliest, where several are highest
    struct ht_series_state last;
    struct ht_series_totals totals;
};

// What a change adds to a state and to the totals, modulo 2^64.
struct ht_series_step {
    uint64_t value[2];
    uint64_t pages;
    struct ht_series_totals totals;
};

// The zero value with a limit, at least 2, is an empty series.
struct ht_series {
    uint32_t limit;
    struct ht_series_bucket *buckets; // owned, in order of time
    uint32_t count;
    uint32_t capacity;
    uint32_t width_log2; // of a bucket, in ns
    int64_t last_ns;     // private: what fits in the last bucket
    struct ht_series_state now;
    struct ht_series_totals totals;
};

void ht_series_reset(struct ht_series *series);

// Begins anew: no buckets and no totals, but the values as they are now.
void ht_series_restart(struct ht_series *series);

// The step of a change, without pages.
struct ht_series_step ht_series_step_of(const struct ht_change *change);

// Makes a step at this time. A time before the one ahead of it counts as that one.
enum ht_status ht_series_add(struct ht_series *series, const struct ht_series_step *step,
                             int64_t time_ns, struct ht_error *error);

// Completes the last bucket, which ht_series_add leaves for later. Whoever reads the buckets
// settles first.
void ht_series_settle(struct ht_series *series);

// Sets the values at this time, for a series of anything else, which is always settled. Times as
// above.
enum ht_status ht_series_set(struct ht_series *series, const uint64_t value[2], int64_t time_ns,
                             struct ht_error *error);

// Lowers the limit.
void ht_series_shrink(struct ht_series *series, uint32_t limit);

// Number of the bucket of this width that a time falls into, ordered also across zero.
uint64_t ht_series_bucket_number(int64_t time_ns, uint32_t width_log2);

// Puts the different states of a bucket into `states` in their order and returns how many.
uint32_t ht_series_bucket_states(const struct ht_series_bucket *bucket,
                                 struct ht_series_state states[3]);

#endif
