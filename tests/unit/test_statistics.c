// SPDX-License-Identifier: MIT
#include "replay/statistics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_spread(const double *values, size_t count, double least, double median,
                          double most)
{
    struct ht_spread spread = ht_spread_of(values, count);
    assert_float_equal(spread.least, least, 0);
    assert_float_equal(spread.median, median, 0);
    assert_float_equal(spread.most, most, 0);
}

static void one_run_is_its_own_median_and_spread(void **state)
{
    (void)state;
    assert_spread((double[]){7.5}, 1, 7.5, 7.5, 7.5);
}

static void median_of_odd_runs_is_the_middle_one(void **state)
{
    (void)state;
    assert_spread((double[]){9, -2, 4, 100, 3}, 5, -2, 4, 100);
}

static void median_of_even_runs_is_the_mean_of_the_middle(void **state)
{
    (void)state;
    assert_spread((double[]){10, 1, 4, 3}, 4, 1, 3.5, 10);
    assert_spread((double[]){2, 1}, 2, 1, 1.5, 2);
}

static void equal_runs_have_no_spread(void **state)
{
    (void)state;
    assert_spread((double[]){5, 5, 5}, 3, 5, 5, 5);
}

static void values_stay_as_they_are(void **state)
{
    (void)state;
    double values[] = {3, 1, 2};
    ht_spread_of(values, 3);
    assert_float_equal(values[0], 3, 0);
    assert_float_equal(values[1], 1, 0);
    assert_float_equal(values[2], 2, 0);
}

static void most_runs_there_may_be(void **state)
{
    (void)state;
    double values[HT_RUNS_MAX];
    for (int i = 0; i < HT_RUNS_MAX; i++)
        values[i] = HT_RUNS_MAX - i;
    assert_spread(values, HT_RUNS_MAX, 1, (HT_RUNS_MAX + 1) / 2.0, HT_RUNS_MAX);
}

static struct ht_spread spread(double least, double most)
{
    return (struct ht_spread){.least = least, .most = most, .runs = HT_RUNS_TO_RANK};
}

static void spreads_that_meet_are_not_ranked(void **state)
{
    (void)state;
    struct ht_spread low = spread(1, 3);
    struct ht_spread touching = spread(3, 5);
    struct ht_spread high = spread(3.5, 5);
    assert_false(ht_spread_is_below(&low, &touching));
    assert_false(ht_spread_is_below(&touching, &low));
    assert_true(ht_spread_is_below(&low, &high));
    assert_false(ht_spread_is_below(&high, &low));
    assert_false(ht_spread_is_below(&low, &low));
}

static void few_runs_are_not_ranked(void **state)
{
    (void)state;
    struct ht_spread low = spread(1, 2);
    struct ht_spread high = spread(3, 4);
    high.runs--;
    assert_false(ht_spread_is_below(&low, &high));
    high.runs++;
    low.runs--;
    assert_false(ht_spread_is_below(&low, &high));
    low.runs++;
    assert_true(ht_spread_is_below(&low, &high));
    assert_int_equal(ht_spread_of((double[]){1, 2, 3}, 3).runs, 3);
}

static void places_are_shared_inside_the_spread(void **state)
{
    (void)state;
    // The first meets the third, and the second does; only the second is below the first; all are
    // below the last.
    struct ht_spread spreads[] = {spread(2.5, 4), spread(1, 2), spread(1.5, 3), spread(9, 9)};
    assert_int_equal(ht_spread_place(spreads, 4, 0), 2);
    assert_int_equal(ht_spread_place(spreads, 4, 1), 1);
    assert_int_equal(ht_spread_place(spreads, 4, 2), 1);
    assert_int_equal(ht_spread_place(spreads, 4, 3), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_run_is_its_own_median_and_spread),
        cmocka_unit_test(median_of_odd_runs_is_the_middle_one),
        cmocka_unit_test(median_of_even_runs_is_the_mean_of_the_middle),
        cmocka_unit_test(equal_runs_have_no_spread),
        cmocka_unit_test(values_stay_as_they_are),
        cmocka_unit_test(most_runs_there_may_be),
        cmocka_unit_test(spreads_that_meet_are_not_ranked),
        cmocka_unit_test(few_runs_are_not_ranked),
        cmocka_unit_test(places_are_shared_inside_the_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
