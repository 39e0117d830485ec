// SPDX-License-Identifier: MIT
#include "formats/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { LIMIT = 512 };

static void add(struct ht_series *series, const struct ht_change *change, int64_t time_ns)
{
    struct ht_series_step step = ht_series_step_of(change);
    assert_int_equal(ht_series_add(series, &step, time_ns, NULL), HT_OK);
}

static void peaks_stay_exact_when_buckets_merge(void **state)
{
    (void)state;
    struct ht_series series = {.limit = LIMIT};
    enum { TIMES = 100000, PEAK_AT = 31337 };
    for (int64_t i = 0; i < TIMES; i++) {
        uint64_t size = i == PEAK_AT ? 1000000 : 10 + (uint64_t)i % 7;
        struct ht_change begin = {.kind = HT_CHANGE_BEGIN, .size = size};
        struct ht_change end = {.kind = HT_CHANGE_END, .size = size};
        add(&series, &begin, i * 100 - 5000);
        add(&series, &end, i * 100 - 5000 + 50);
    }
    ht_series_settle(&series);
    assert_in_range(series.count, LIMIT / 4, LIMIT);
    struct ht_series_state peak = {0};
    int64_t before_ns = INT64_MIN;
    for (uint32_t i = 0; i < series.count; i++) {
        struct ht_series_state states[3];
        uint32_t count = ht_series_bucket_states(&series.buckets[i], states);
        for (uint32_t k = 0; k < count; k++) {
            assert_true(states[k].time_ns >= before_ns);
            before_ns = states[k].time_ns;
            if (states[k].value[HT_LIVE_BYTES] > peak.value[HT_LIVE_BYTES])
                peak = states[k];
        }
    }
    assert_int_equal(peak.value[HT_LIVE_BYTES], 1000000);
    assert_int_equal(peak.time_ns, PEAK_AT * 100 - 5000);
    assert_int_equal(series.buckets[series.count - 1].last.value[HT_LIVE_BYTES], 0);
    ht_series_reset(&series);
}

static void a_series_survives_the_ends_of_time(void **state)
{
    (void)state;
    struct ht_series series = {.limit = LIMIT};
    struct ht_change begin = {.kind = HT_CHANGE_BEGIN, .size = 1};
    for (int64_t i = 0; i < 2 * LIMIT; i++) {
        int64_t time_ns = i < LIMIT ? INT64_MIN + i : INT64_MAX - 2000 + i;
        add(&series, &begin, time_ns);
    }
    assert_in_range(series.count, 2, LIMIT);
    assert_int_equal(series.now.value[HT_LIVE_BLOCKS], 2 * LIMIT);
    ht_series_reset(&series);
}

static void time_that_goes_back_stands_still(void **state)
{
    (void)state;
    struct ht_series series = {.limit = LIMIT};
    struct ht_change begin = {.kind = HT_CHANGE_BEGIN, .size = 1};
    add(&series, &begin, 100);
    add(&series, &begin, 50);
    ht_series_settle(&series);
    assert_int_equal(series.count, 1);
    assert_int_equal(series.buckets[0].last.time_ns, 100);
    assert_int_equal(series.buckets[0].last.value[HT_LIVE_BYTES], 2);
    ht_series_reset(&series);
}

static void states_of_one_time_keep_their_order(void **state)
{
    (void)state;
    struct ht_series series = {.limit = LIMIT};
    static const uint64_t values[][2] = {{1, 9}, {5, 8}, {3, 7}};
    for (int i = 0; i < 3; i++)
        assert_int_equal(ht_series_set(&series, values[i], 100, NULL), HT_OK);
    struct ht_series_state states[3];
    assert_int_equal(ht_series_bucket_states(&series.buckets[0], states), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(states[i].value[0], values[i][0]);
    ht_series_reset(&series);
}

static void totals_count_what_changed(void **state)
{
    (void)state;
    struct ht_series series = {.limit = LIMIT};
    static const struct ht_change changes[] = {
        {.kind = HT_CHANGE_BEGIN, .address = 16, .size = 10},
        {.kind = HT_CHANGE_RESIZE, .address = 16, .size = 30, .old_address = 16, .old_size = 10},
        {.kind = HT_CHANGE_RESIZE, .address = 64, .size = 50, .old_address = 16, .old_size = 30},
        {.kind = HT_CHANGE_RESIZE, .address = 16, .size = 20, .old_address = 64, .old_size = 50},
        {.kind = HT_CHANGE_END, .address = 16, .size = 20},
    };
    for (int i = 0; i < 5; i++)
        add(&series, &changes[i], i);
    ht_series_settle(&series);
    const struct ht_series_totals *totals = &series.buckets[series.count - 1].totals;
    assert_int_equal(totals->allocs, 1);
    assert_int_equal(totals->in_place, 1);
    assert_int_equal(totals->moved, 2);
    assert_int_equal(totals->copied_bytes, 30 + 20);
    assert_int_equal(totals->frees, 1);
    assert_int_equal(series.buckets[2].totals.frees, 0);
    ht_series_reset(&series);
}

static void a_bucket_ends_as_the_step_before_the_next_one_left_it(void **state)
{
    (void)state;
    struct ht_series series = {.limit = 2};
    const struct ht_series_step step = {.value = {10, 1}, .pages = 1, .totals.allocs = 1};
    static const int64_t times_ns[] = {0, 1, 6, 7}; // the width becomes 4 ns, for two of each
    for (int i = 0; i < 4; i++)
        assert_int_equal(ht_series_add(&series, &step, times_ns[i], NULL), HT_OK);
    ht_series_settle(&series);
    assert_int_equal(series.count, 2);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(series.buckets[i].last.time_ns, times_ns[2 * i + 1]);
        assert_int_equal(series.buckets[i].last.value[HT_LIVE_BYTES], 20 * (i + 1));
        assert_int_equal(series.buckets[i].last.pages, 2 * (i + 1));
        assert_int_equal(series.buckets[i].totals.allocs, 2 * (i + 1));
        assert_int_equal(series.buckets[i].most[HT_LIVE_BYTES].pages, 2 * (i + 1));
    }
    ht_series_reset(&series);
}

static void shrinking_keeps_peaks_and_the_end(void **state)
{
    (void)state;
    struct ht_series series = {.limit = LIMIT};
    for (uint64_t i = 0; i < LIMIT; i++) {
        uint64_t value[2] = {i == 77 ? 1000 : i % 10, i};
        assert_int_equal(ht_series_set(&series, value, (int64_t)i * 1000, NULL), HT_OK);
    }
    ht_series_shrink(&series, 4);
    assert_in_range(series.count, 2, 4);
    assert_int_equal(series.buckets[0].most[0].value[0], 1000);
    assert_int_equal(series.buckets[0].most[0].time_ns, 77 * 1000);
    assert_int_equal(series.buckets[series.count - 1].last.value[1], LIMIT - 1);
    ht_series_reset(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peaks_stay_exact_when_buckets_merge),
        cmocka_unit_test(a_series_survives_the_ends_of_time),
        cmocka_unit_test(time_that_goes_back_stands_still),
        cmocka_unit_test(states_of_one_time_keep_their_order),
        cmocka_unit_test(totals_count_what_changed),
        cmocka_unit_test(a_bucket_ends_as_the_step_before_the_next_one_left_it),
        cmocka_unit_test(shrinking_keeps_peaks_and_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
