// SPDX-License-Identifier: MIT
//
// The series behind a counter track. See the header.
#include "formats/series.h"

#include <stdbool.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 8 };

void ht_series_reset(struct ht_series *series)
{
    free(series->buckets);
    *series = (struct ht_series){.limit = series->limit};
}

void ht_series_restart(struct ht_series *series)
{
    series->count = 0;
    series->width_log2 = 0;
    series->totals = (struct ht_series_totals){0};
}

uint64_t ht_series_bucket_number(int64_t time_ns, uint32_t width_log2)
{
    return ((uint64_t)time_ns ^ UINT64_C(1) << 63) >> width_log2;
}

static bool are_neighbours(const struct ht_series *series, int64_t a_ns, int64_t b_ns)
{
    return ht_series_bucket_number(a_ns, series->width_log2) ==
           ht_series_bucket_number(b_ns, series->width_log2);
}

// Whether the state as it is now belongs in the last bucket. Time does not go back.
static bool fits_last_bucket(const struct ht_series *series)
{
    return series->count > 0 && series->now.time_ns <= series->last_ns;
}

// Finds the end of the last bucket, after it or the width is another.
static void find_end(struct ht_series *series)
{
    int64_t in_bucket_ns = series->buckets[series->count - 1].last.time_ns;
    uint64_t next = ht_series_bucket_number(in_bucket_ns, series->width_log2) + 1;
    series->last_ns = (int64_t)(((next << series->width_log2) - 1) ^ UINT64_C(1) << 63);
}

static void merge(struct ht_series_bucket *into, const struct ht_series_bucket *later)
{
    for (int i = 0; i < 2; i++) {
        if (later->most[i].value[i] > into->most[i].value[i])
            into->most[i] = later->most[i];
    }
    into->last = later->last;
    into->totals = later->totals;
}

static void double_width(struct ht_series *series)
{
    uint32_t kept = 0;
    series->width_log2++;
    for (uint32_t i = 1; i < series->count; i++) {
        struct ht_series_bucket *into = &series->buckets[kept];
        const struct ht_series_bucket *later = &series->buckets[i];
        if (are_neighbours(series, into->last.time_ns, later->last.time_ns))
            merge(into, later);
        else
            series->buckets[++kept] = *later;
    }
    series->count = kept + 1;
    find_end(series);
}

void ht_series_settle(struct ht_series *series)
{
    if (series->count == 0)
        return;
    series->buckets[series->count - 1].last = series->now;
    series->buckets[series->count - 1].totals = series->totals;
}

void ht_series_shrink(struct ht_series *series, uint32_t limit)
{
    ht_series_settle(series);
    series->limit = limit;
    while (series->count > limit)
        double_width(series);
}

static enum ht_status grow(struct ht_series *series, struct ht_error *error)
{
    uint32_t capacity = series->capacity > 0 ? series->capacity * 2 : FIRST_CAPACITY;
    struct ht_series_bucket *buckets = realloc(series->buckets, capacity * sizeof *buckets);
    if (buckets == NULL)
        return ht_fail_memory(error, "a counter");
    series->buckets = buckets;
    series->capacity = capacity;
    return HT_OK;
}

// Begins a bucket with the state as it is now, or makes the last one so wide that it fits.
static enum ht_status add_bucket(struct ht_series *series, struct ht_error *error)
{
    while (series->count >= series->limit && !fits_last_bucket(series))
        double_width(series);
    if (fits_last_bucket(series))
        return HT_OK;
    enum ht_status status = series->count == series->capacity ? grow(series, error) : HT_OK;
    if (status != HT_OK)
        return status;
    series->buckets[series->count++] =
        (struct ht_series_bucket){{series->now, series->now}, series->now, series->totals};
    find_end(series);
    return HT_OK;
}

// Keeps the state as it is now where it is highest in the last bucket.
static void note_most(struct ht_series *series)
{
    struct ht_series_bucket *bucket = &series->buckets[series->count - 1];
    for (int i = 0; i < 2; i++) {
        if (series->now.value[i] > bucket->most[i].value[i])
            bucket->most[i] = series->now;
    }
}

struct ht_series_step ht_series_step_of(const struct ht_change *change)
{
    uint64_t copied = change->size < change->old_size ? change->size : change->old_size;
    switch (change->kind) {
    case HT_CHANGE_BEGIN:
        return (struct ht_series_step){.value = {change->size, 1}, .totals.allocs = 1};
    case HT_CHANGE_RESIZE:
        if (change->address == change->old_address)
            return (struct ht_series_step){.value = {change->size - change->old_size, 0},
                                           .totals.in_place = 1};
        return (struct ht_series_step){.value = {change->size - change->old_size, 0},
                                       .totals = {.moved = 1, .copied_bytes = copied}};
    default:
        return (struct ht_series_step){.value = {0 - change->size, UINT64_MAX}, .totals.frees = 1};
    }
}

// To the next state. Time does not go back.
static void move_on(struct ht_series *series, int64_t time_ns)
{
    series->now.order++;
    if (series->count == 0 || time_ns > series->now.time_ns)
        series->now.time_ns = time_ns;
}

static void make_step(struct ht_series *series, const struct ht_series_step *step)
{
    struct ht_series_state *now = &series->now;
    struct ht_series_totals *totals = &series->totals;
    now->value[0] += step->value[0];
    now->value[1] += step->value[1];
    now->pages += step->pages;
    totals->allocs += step->totals.allocs;
    totals->frees += step->totals.frees;
    totals->in_place += step->totals.in_place;
    totals->moved += step->totals.moved;
    totals->copied_bytes += step->totals.copied_bytes;
}

enum ht_status ht_series_add(struct ht_series *series, const struct ht_series_step *step,
                             int64_t time_ns, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    bool is_new = series->count == 0 || time_ns > series->last_ns;
    if (is_new)
        ht_series_settle(series);
    move_on(series, time_ns);
    make_step(series, step);
    if (is_new)
        status = add_bucket(series, error);
    if (status == HT_OK)
        note_most(series);
    return status;
}

enum ht_status ht_series_set(struct ht_series *series, const uint64_t value[2], int64_t time_ns,
                             struct ht_error *error)
{
    move_on(series, time_ns);
    series->now.value[0] = value[0];
    series->now.value[1] = value[1];
    enum ht_status status = add_bucket(series, error);
    if (status != HT_OK)
        return status;
    note_most(series);
    ht_series_settle(series);
    return HT_OK;
}

static bool are_equal(const struct ht_series_state *a, const struct ht_series_state *b)
{
    return a->time_ns == b->time_ns && a->value[0] == b->value[0] && a->value[1] == b->value[1];
}

uint32_t ht_series_bucket_states(const struct ht_series_bucket *bucket,
                                 struct ht_series_state states[3])
{
    int first = bucket->most[0].order <= bucket->most[1].order ? 0 : 1;
    const struct ht_series_state *ordered[] = {&bucket->most[first], &bucket->most[1 - first],
                                               &bucket->last};
    uint32_t count = 0;
    for (int i = 0; i < 3; i++) {
        if (count == 0 || !are_equal(&states[count - 1], ordered[i]))
            states[count++] = *ordered[i];
    }
    return count;
}
