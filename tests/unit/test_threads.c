// SPDX-License-Identifier: MIT
#include "formats/threads.h"

#include "formats/limits.h"
#include "formats/trace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { PID = 8, TID = 12 };

static struct ht_threads threads;

static int tear_down(void **state)
{
    (void)state;
    ht_threads_reset(&threads);
    return 0;
}

static void note(uint32_t tid, int64_t start_ns, int64_t end_ns, uint32_t name)
{
    struct ht_thread thread = {
        .pid = PID, .tid = tid, .start_ns = start_ns, .end_ns = end_ns, .name = name};
    assert_int_equal(ht_threads_note(&threads, &thread, NULL), HT_OK);
}

static uint32_t name_in(int64_t from_ns, int64_t to_ns)
{
    return ht_threads_name(&threads, PID, TID, from_ns, to_ns);
}

static void what_is_known_of_a_thread_adds_up(void **state)
{
    (void)state;
    note(TID, 5, HT_TIME_UNKNOWN, 0);
    note(TID, 5, HT_TIME_UNKNOWN, 7);
    note(TID, 5, 90, 0);
    assert_int_equal(threads.count, 1);
    assert_int_equal(threads.list[0].name, 7);
    assert_int_equal(threads.list[0].end_ns, 90);
    assert_int_equal(threads.revision, 3);
    note(TID, 5, HT_TIME_UNKNOWN, 0);
    assert_int_equal(threads.revision, 3);
}

static void a_tid_used_again_is_another_thread(void **state)
{
    (void)state;
    note(TID, HT_TIME_UNKNOWN, 50, 1);
    note(TID, 60, 70, 2);
    note(TID, 80, HT_TIME_UNKNOWN, 0);
    assert_int_equal(threads.count, 3);
    assert_int_equal(name_in(0, 55), 1);
    assert_int_equal(name_in(0, 65), 2);
    assert_int_equal(name_in(55, 59), 0);
    assert_int_equal(name_in(71, 100), 0);
    assert_int_equal(name_in(HT_TIME_UNKNOWN, INT64_MAX), 2);
    assert_int_equal(ht_threads_last(&threads, PID, TID, 59)->name, 1);
    assert_int_equal(ht_threads_last(&threads, PID, TID, 60)->name, 2);
    assert_int_equal(ht_threads_last(&threads, PID, TID, 500)->start_ns, 80);
}

static void threads_of_other_processes_are_others(void **state)
{
    (void)state;
    note(TID, 5, HT_TIME_UNKNOWN, 7);
    assert_int_equal(ht_threads_name(&threads, PID + 4, TID, 0, 100), 0);
    assert_null(ht_threads_last(&threads, PID, TID + 4, 100));
    assert_null(ht_threads_last(&threads, PID, TID, 4));
}

static void many_threads_are_found_again(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 5000; i++)
            note(4 * i, 0, HT_TIME_UNKNOWN, i + 1);
    assert_int_equal(threads.count, 5000);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(ht_threads_name(&threads, PID, 4 * i, 0, 0), i + 1);
}

static void uses_past_the_cap_are_not_looked_at(void **state)
{
    (void)state;
    for (int64_t i = 0; i < HT_TRACE_PID_USES + 1; i++)
        note(TID, 10 * i, 10 * i + 5, (uint32_t)i + 1);
    assert_int_equal(name_in(0, 5), 0);
    assert_int_equal(name_in(10, 15), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_known_of_a_thread_adds_up, tear_down),
        cmocka_unit_test_teardown(a_tid_used_again_is_another_thread, tear_down),
        cmocka_unit_test_teardown(threads_of_other_processes_are_others, tear_down),
        cmocka_unit_test_teardown(many_threads_are_found_again, tear_down),
        cmocka_unit_test_teardown(uses_past_the_cap_are_not_looked_at, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
