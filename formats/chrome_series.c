// SPDX-License-Identifier: MIT
//
// The series behind a counter track. See the header.
#include "formats/chrome_series.h"

#include <stdbool.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 8 };

void ht_chrome_series_reset(struct ht_chrome_series *series)
{
    free(series->buckets);
    *series = (struct ht_chrome_series){0};
}

// Number of the bucket a time falls into, ordered also across zero.
static uint64_t bucket_number(const struct ht_chrome_series *series, int64_t time_ns)
{
    return ((uint64_t)time_ns ^ UINT64_C(1) << 63) >> series->width_log2;
}

static bool fits_last_bucket(const struct ht_chrome_series *series, int64_t time_ns)
{
    if (series->count == 0)
        return false;
    int64_t last_ns = series->buckets[series->count - 1].last.time_ns;
    return bucket_number(series, last_ns) == bucket_number(series, time_ns);
}

static void merge(struct ht_chrome_bucket *into, const struct ht_chrome_bucket *later)
{
    if (later->most_bytes.bytes > into->most_bytes.bytes)
        into->most_bytes = later->most_bytes;
    if (later->most_blocks.blocks > into->most_blocks.blocks)
        into->most_blocks = later->most_blocks;
    into->last = later->last;
}

static void double_width(struct ht_chrome_series *series)
{
    uint32_t kept = 0;
    series->width_log2++;
    for (uint32_t i = 1; i < series->count; i++) {
        struct ht_chrome_bucket *into = &series->buckets[kept];
        const struct ht_chrome_bucket *later = &series->buckets[i];
        if (bucket_number(series, into->last.time_ns) == bucket_number(series, later->last.time_ns))
            merge(into, later);
        else
            series->buckets[++kept] = *later;
    }
    series->count = kept + 1;
}

static enum ht_status grow(struct ht_chrome_series *series, struct ht_error *error)
{
    uint32_t capacity = series->capacity > 0 ? series->capacity * 2 : FIRST_CAPACITY;
    struct ht_chrome_bucket *buckets = realloc(series->buckets, capacity * sizeof *buckets);
    if (buckets == NULL)
        return ht_fail_memory(error, "a counter");
    series->buckets = buckets;
    series->capacity = capacity;
    return HT_OK;
}

// Adds the state as it is now to the last bucket, or to a new one.
static enum ht_status note_state(struct ht_chrome_series *series, struct ht_error *error)
{
    struct ht_chrome_bucket bucket = {series->now, series->now, series->now};
    while (series->count == HT_CHROME_BUCKETS_MAX && !fits_last_bucket(series, series->now.time_ns))
        double_width(series);
    if (fits_last_bucket(series, series->now.time_ns)) {
        merge(&series->buckets[series->count - 1], &bucket);
        return HT_OK;
    }
    enum ht_status status = series->count == series->capacity ? grow(series, error) : HT_OK;
    if (status == HT_OK)
        series->buckets[series->count++] = bucket;
    return status;
}

enum ht_status ht_chrome_series_add(struct ht_chrome_series *series, const struct ht_change *change,
                                    int64_t time_ns, struct ht_error *error)
{
    struct ht_chrome_state *now = &series->now;
    if (series->count == 0 || time_ns > now->time_ns)
        now->time_ns = time_ns;
    switch (change->kind) {
    case HT_CHANGE_BEGIN:
        now->bytes += change->size;
        now->blocks++;
        break;
    case HT_CHANGE_RESIZE:
        now->bytes += change->size - change->old_size;
        break;
    default:
        now->bytes -= change->size;
        now->blocks--;
    }
    return note_state(series, error);
}

uint32_t ht_chrome_bucket_states(const struct ht_chrome_bucket *bucket,
                                 struct ht_chrome_state states[3])
{
    bool bytes_first = bucket->most_bytes.time_ns <= bucket->most_blocks.time_ns;
    const struct ht_chrome_state *ordered[] = {
        bytes_first ? &bucket->most_bytes : &bucket->most_blocks,
        bytes_first ? &bucket->most_blocks : &bucket->most_bytes, &bucket->last};
    uint32_t count = 0;
    for (int i = 0; i < 3; i++) {
        const struct ht_chrome_state *state = ordered[i];
        const struct ht_chrome_state *before = count > 0 ? &states[count - 1] : NULL;
        bool is_same = before != NULL && before->time_ns == state->time_ns &&
                       before->bytes == state->bytes && before->blocks == state->blocks;
        if (!is_same)
            states[count++] = *state;
    }
    return count;
}
