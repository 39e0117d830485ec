// SPDX-License-Identifier: MIT
#include "formats/tally.h"
#include "formats/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ht_trace trace;
static struct ht_tally *tally;

static int begin(void **state)
{
    (void)state;
    tally = calloc(1, sizeof *tally);
    return tally != NULL && ht_trace_init(&trace, NULL) == HT_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    ht_trace_reset(&trace);
    free(tally);
    return 0;
}

static void add(enum ht_kind kind, int64_t time_ns, uint32_t pid, uint64_t heap)
{
    const struct ht_event event = {
        .kind = (uint8_t)kind, .time_ns = time_ns, .pid = pid, .heap = heap};
    ht_tally_add(tally, &trace, &event, 1);
}

static void note(uint32_t pid, int64_t start_ns)
{
    const struct ht_process process = {.pid = pid, .start_ns = start_ns, .end_ns = HT_TIME_UNKNOWN};
    assert_int_equal(ht_trace_note_process(&trace, &process, NULL), HT_OK);
}

static void check_heap(uint32_t index, uint32_t pid, int64_t start_ns, uint64_t handle,
                       uint64_t events)
{
    assert_in_range(index, 0, tally->heap_count - 1);
    assert_int_equal(tally->heaps[index].pid, pid);
    assert_int_equal(tally->heaps[index].start_ns, start_ns);
    assert_int_equal(tally->heaps[index].handle, handle);
    assert_int_equal(tally->heaps[index].events, events);
}

static void kinds_times_and_stacks_are_counted(void **state)
{
    (void)state;
    struct ht_event event = {.kind = HT_KIND_ALLOC, .time_ns = 5};
    ht_event_set_stack(&event, 3);
    ht_tally_add(tally, &trace, &event, 1);
    add(HT_KIND_FREE, -7, 0, 0);
    add(HT_KIND_ALLOC, 4, 0, 0);
    add((enum ht_kind)200, 4, 0, 0);
    assert_int_equal(tally->events, 4);
    assert_int_equal(tally->with_stack, 1);
    assert_int_equal(tally->by_kind[HT_KIND_ALLOC], 2);
    assert_int_equal(tally->by_kind[HT_KIND_FREE], 1);
    assert_int_equal(tally->first_ns, -7);
    assert_int_equal(tally->last_ns, 5);
    check_heap(0, 0, HT_TIME_UNKNOWN, 0, 4);
}

static void heaps_are_told_apart_by_process_and_handle(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        add(HT_KIND_LOCK, i, 4, 0x10);
        add(HT_KIND_LOCK, i, 8, 0x10);
        add(HT_KIND_LOCK, i, 8, 0x20);
    }
    add(HT_KIND_LOCK, 9, 8, 0x20);
    assert_int_equal(tally->heap_count, 3);
    check_heap(0, 4, HT_TIME_UNKNOWN, 0x10, 3);
    check_heap(1, 8, HT_TIME_UNKNOWN, 0x10, 3);
    check_heap(2, 8, HT_TIME_UNKNOWN, 0x20, 4);
}

static void a_pid_used_again_is_another_process(void **state)
{
    (void)state;
    note(4, 100);
    note(4, 200);
    static const int64_t times[] = {50, 150, 250, 150, 250, 260, 50};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        add(HT_KIND_LOCK, times[i], 4, 0x10);
    assert_int_equal(tally->heap_count, 3);
    check_heap(0, 4, HT_TIME_UNKNOWN, 0x10, 2);
    check_heap(1, 4, 100, 0x10, 2);
    check_heap(2, 4, 200, 0x10, 3);
}

static void a_process_that_becomes_known_counts_from_then_on(void **state)
{
    (void)state;
    add(HT_KIND_LOCK, 50, 4, 0x10);
    note(4, 10);
    add(HT_KIND_LOCK, 60, 4, 0x10);
    add(HT_KIND_LOCK, 5, 4, 0x10);
    check_heap(0, 4, HT_TIME_UNKNOWN, 0x10, 2);
    check_heap(1, 4, 10, 0x10, 1);
}

static void too_many_heaps_are_said_to_be(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2 * HT_TALLY_HEAPS_MAX; i++)
        add(HT_KIND_LOCK, 0, 4, i % HT_TALLY_HEAPS_MAX);
    assert_int_equal(tally->heap_count, HT_TALLY_HEAPS_MAX);
    assert_false(tally->is_full);
    for (uint32_t i = 0; i < HT_TALLY_HEAPS_MAX; i++)
        check_heap(i, 4, HT_TIME_UNKNOWN, i, 2);
    add(HT_KIND_LOCK, 0, 4, HT_TALLY_HEAPS_MAX);
    assert_true(tally->is_full);
    assert_int_equal(tally->events, 2 * HT_TALLY_HEAPS_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kinds_times_and_stacks_are_counted, begin, end),
        cmocka_unit_test_setup_teardown(heaps_are_told_apart_by_process_and_handle, begin, end),
        cmocka_unit_test_setup_teardown(a_pid_used_again_is_another_process, begin, end),
        cmocka_unit_test_setup_teardown(a_process_that_becomes_known_counts_from_then_on, begin,
                                        end),
        cmocka_unit_test_setup_teardown(too_many_heaps_are_said_to_be, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
