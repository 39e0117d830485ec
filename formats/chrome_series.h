// SPDX-License-Identifier: MIT
//
// Live bytes and blocks over time in bounded memory. The series holds at most a fixed number of
// buckets of equal width in time; when they are all in use the width doubles and neighbours
// become one. Each bucket keeps three true states: where the bytes were highest, where the blocks
// were highest, and the last, so that peaks stay exact at any width.
#ifndef HT_FORMATS_CHROME_SERIES_H
#define HT_FORMATS_CHROME_SERIES_H

#include "formats/block.h"
#include "formats/error.h"

#include <stdint.h>

enum { HT_CHROME_BUCKETS_MAX = 512 };

struct ht_chrome_state {
    int64_t time_ns;
    uint64_t bytes;
    uint64_t blocks;
};

struct ht_chrome_bucket {
    struct ht_chrome_state most_bytes; // the earliest, where several are highest
    struct ht_chrome_state most_blocks;
    struct ht_chrome_state last;
};

// The zero value is an empty series.
struct ht_chrome_series {
    struct ht_chrome_bucket *buckets; // owned, in order of time
    uint32_t count;
    uint32_t capacity;
    uint32_t width_log2; // of a bucket, in ns
    struct ht_chrome_state now;
};

void ht_chrome_series_reset(struct ht_chrome_series *series);

// Applies a change made at this time. A time before the one ahead of it counts as that one.
enum ht_status ht_chrome_series_add(struct ht_chrome_series *series, const struct ht_change *change,
                                    int64_t time_ns, struct ht_error *error);

// Puts the different states of a bucket into `states` in order of time and returns how many.
uint32_t ht_chrome_bucket_states(const struct ht_chrome_bucket *bucket,
                                 struct ht_chrome_state states[3]);

#endif
