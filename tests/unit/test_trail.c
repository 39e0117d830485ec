// SPDX-License-Identifier: MIT
#include "replay/span.h"
#include "replay/trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

static void add(struct ht_trail *trail, uint64_t address, int64_t time_ns, uint32_t space)
{
    struct ht_trail_mark mark = {.time_ns = time_ns, .address = address, .space = space};
    assert_int_equal(ht_trail_add(trail, &mark, NULL), HT_OK);
}

static void marks_of_several_spans_come_in_order(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct ht_trail *trail;
    assert_int_equal(ht_trail_open(&trail, UINT64_C(1) << 30, NULL), HT_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        add(trail, UINT64_MAX - i, (int64_t)i - 50, i % 3);
    }
    assert_non_null(ht_trail_first(trail)->next);
    assert_true(ht_trail_memory_bytes(trail) >= COUNT * sizeof(struct ht_trail_mark));
    struct ht_trail_step step = ht_trail_begin(trail);
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct ht_trail_mark *mark = ht_trail_next(&step);
        assert_int_equal(mark->address, UINT64_MAX - i);
        assert_int_equal(mark->time_ns, (int64_t)i - 50);
        assert_int_equal(mark->space, i % 3);
    }
    ht_trail_close(trail);
}

static void the_limit_is_an_error_that_names_it(void **state)
{
    (void)state;
    struct ht_trail *trail;
    struct ht_error error = {0};
    struct ht_trail_mark mark = {0};
    enum ht_status status = HT_OK;
    assert_int_equal(ht_trail_open(&trail, 3 << 20, &error), HT_OK);
    for (uint32_t i = 0; i < 1000000 && status == HT_OK; i++) {
        status = ht_trail_add(trail, &mark, &error);
    }
    assert_int_equal(status, HT_LIMIT);
    assert_string_equal(error.text, "recorded addresses: 3145728 bytes of memory are the limit");
    assert_true(ht_trail_memory_bytes(trail) <= 3 << 20);
    ht_trail_close(trail);
}

static void a_limit_below_the_first_span_opens_nothing(void **state)
{
    (void)state;
    struct ht_trail *trail;
    assert_int_equal(ht_trail_open(&trail, 1000, NULL), HT_LIMIT);
    assert_null(trail);
    ht_trail_close(trail);
}

static void the_next_span_is_as_large_as_all_before_within_bounds(void **state)
{
    enum { MIB = 1 << 20 };
    (void)state;
    assert_int_equal(ht_span_bytes(100, 100 * MIB), MIB);
    assert_int_equal(ht_span_bytes(MIB + 100, 100 * MIB), MIB);
    assert_int_equal(ht_span_bytes(2 * MIB + 100, 100 * MIB), 2 * MIB);
    assert_int_equal(ht_span_bytes(7 * MIB, 100 * MIB), 4 * MIB);
    assert_int_equal(ht_span_bytes(900 * MIB, 100 * MIB), 16 * MIB);
    assert_int_equal(ht_span_bytes(900 * MIB, 9 * MIB), 8 * MIB);
    assert_int_equal(ht_span_bytes(900 * MIB, MIB), MIB);
    assert_int_equal(ht_span_bytes(900 * MIB, MIB - 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_of_several_spans_come_in_order),
        cmocka_unit_test(the_limit_is_an_error_that_names_it),
        cmocka_unit_test(a_limit_below_the_first_span_opens_nothing),
        cmocka_unit_test(the_next_span_is_as_large_as_all_before_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
