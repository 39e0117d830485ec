// SPDX-License-Identifier: MIT
#include "formats/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int open_trace(void **state)
{
    struct ht_trace *trace = malloc(sizeof *trace);
    *state = trace;
    return trace != NULL && ht_trace_init(trace, NULL) == HT_OK ? 0 : -1;
}

static int close_trace(void **state)
{
    ht_trace_reset(*state);
    free(*state);
    return 0;
}

static void note(struct ht_trace *trace, uint32_t pid, int64_t start_ns, int64_t end_ns,
                 uint32_t name)
{
    struct ht_process process = {.pid = pid, .start_ns = start_ns, .end_ns = end_ns, .name = name};
    assert_int_equal(ht_trace_note_process(trace, &process, NULL), HT_OK);
}

static void a_process_noted_at_start_and_end_is_one(void **state)
{
    struct ht_trace *trace = *state;
    note(trace, 8, 100, HT_TIME_UNKNOWN, 5);
    note(trace, 8, HT_TIME_UNKNOWN, 900, 5);
    assert_int_equal(trace->process_count, 1);
    assert_int_equal(trace->processes[0].start_ns, 100);
    assert_int_equal(trace->processes[0].end_ns, 900);
    assert_int_equal(trace->processes[0].name, 5);
}

static void a_pid_used_again_is_another_process(void **state)
{
    struct ht_trace *trace = *state;
    note(trace, 8, HT_TIME_UNKNOWN, 900, 5);
    note(trace, 8, 1000, HT_TIME_UNKNOWN, 6);
    assert_int_equal(trace->process_count, 2);
    assert_int_equal(ht_trace_process_at(trace, 8, 500)->name, 5);
    assert_int_equal(ht_trace_process_at(trace, 8, 999)->name, 5);
    assert_int_equal(ht_trace_process_at(trace, 8, 1000)->name, 6);
    assert_null(ht_trace_process_at(trace, 12, 1000));
}

static void a_note_that_says_nothing_new_changes_no_revision(void **state)
{
    struct ht_trace *trace = *state;
    note(trace, 8, HT_TIME_UNKNOWN, HT_TIME_UNKNOWN, 5);
    uint32_t revision = trace->revision;
    note(trace, 8, HT_TIME_UNKNOWN, HT_TIME_UNKNOWN, 5);
    assert_int_equal(trace->revision, revision);
    note(trace, 8, HT_TIME_UNKNOWN, HT_TIME_UNKNOWN, 6);
    assert_int_equal(trace->revision, revision + 1);
    assert_int_equal(trace->processes[0].revision, revision + 1);
}

static void many_processes_are_found_by_pid(void **state)
{
    struct ht_trace *trace = *state;
    for (uint32_t i = 1; i <= 5000; i++)
        note(trace, i * 4, HT_TIME_UNKNOWN, HT_TIME_UNKNOWN, i);
    assert_int_equal(trace->process_count, 5000);
    for (uint32_t i = 1; i <= 5000; i++)
        assert_int_equal(ht_trace_process_at(trace, i * 4, 0)->name, i);
}

static void a_module_noted_again_stays_as_it_was(void **state)
{
    struct ht_trace *trace = *state;
    const uint32_t paths[] = {7, HT_DICT_STRINGS_MAX, 256, 255, 7, 256, HT_DICT_STRINGS_MAX, 1};
    for (uint32_t i = 0; i < 8; i++) {
        const struct ht_module module = {.path = paths[i], .size = i};
        assert_int_equal(ht_trace_note_module(trace, &module, NULL), HT_OK);
    }
    const uint32_t sizes[] = {0, 1, 2, 3, 7};
    assert_int_equal(trace->module_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(trace->modules[i].size, sizes[i]);
        assert_int_equal(trace->modules[i].path, paths[sizes[i]]);
    }
}

static void all_damage_is_counted_and_the_first_places_kept(void **state)
{
    struct ht_trace *trace = *state;
    for (uint64_t i = 0; i < HT_TRACE_DAMAGE_KEPT + 10; i++)
        ht_trace_damage(trace, HT_LOSS_DAMAGED_BUFFERS, i * 100, "event size 0");
    assert_int_equal(trace->loss[HT_LOSS_DAMAGED_BUFFERS], HT_TRACE_DAMAGE_KEPT + 10);
    assert_int_equal(trace->damage_count, HT_TRACE_DAMAGE_KEPT);
    assert_int_equal(trace->damage[1].offset, 100);
}

static void every_loss_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < HT_LOSS_COUNT; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(ht_loss_name((enum ht_loss)a), ht_loss_name((enum ht_loss)b));
}

static void a_counter_set_twice_has_the_last_value(void **state)
{
    struct ht_trace *trace = *state;
    assert_int_equal(ht_trace_set_counter(trace, "hook.0x1021", 5, NULL), HT_OK);
    assert_int_equal(ht_trace_set_counter(trace, "hook.0x1022", 6, NULL), HT_OK);
    assert_int_equal(ht_trace_set_counter(trace, "hook.0x1021", 7, NULL), HT_OK);
    assert_int_equal(trace->counter_count, 2);
    assert_int_equal(trace->counters[0].count, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_process_noted_at_start_and_end_is_one, open_trace,
                                        close_trace),
        cmocka_unit_test_setup_teardown(a_pid_used_again_is_another_process, open_trace,
                                        close_trace),
        cmocka_unit_test_setup_teardown(a_note_that_says_nothing_new_changes_no_revision,
                                        open_trace, close_trace),
        cmocka_unit_test_setup_teardown(many_processes_are_found_by_pid, open_trace, close_trace),
        cmocka_unit_test_setup_teardown(a_module_noted_again_stays_as_it_was, open_trace,
                                        close_trace),
        cmocka_unit_test_setup_teardown(all_damage_is_counted_and_the_first_places_kept, open_trace,
                                        close_trace),
        cmocka_unit_test(every_loss_has_a_name_of_its_own),
        cmocka_unit_test_setup_teardown(a_counter_set_twice_has_the_last_value, open_trace,
                                        close_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
