// SPDX-License-Identifier: MIT
//
// Programs of small hand-made recordings, written as text: "E0 a0 O0 | E0 W0 f0" is two workers, of
// which the first enters slice 0, allocs slot 0 and opens gate 0. Samples are left out of it.
#include "replay/schedule.h"

#include "recording_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct recording_kit recording;
    struct ht_schedule *schedule;
    struct ht_schedule_options options;
    char text[1024];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    if (fixture == NULL || !recording_kit_open(&fixture->recording)) {
        return -1;
    }
    fixture->options = (struct ht_schedule_options){.window = 1000, .memory_limit = 1 << 24};
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ht_schedule_close(fixture->schedule);
    recording_kit_close(&fixture->recording);
    free(fixture);
    return 0;
}

static void add(struct fixture *fixture, uint32_t thread, int64_t time_ns, struct ht_change change)
{
    recording_kit_add(&fixture->recording, change,
                      (struct ht_trail_mark){.thread = thread, .time_ns = time_ns});
}

static void begin(struct fixture *fixture, uint32_t thread, uint32_t block)
{
    add(fixture, thread, 0,
        (struct ht_change){.kind = HT_CHANGE_BEGIN, .block = block, .size = 100});
}

static void resize(struct fixture *fixture, uint32_t thread, uint32_t block)
{
    add(fixture, thread, 0,
        (struct ht_change){.kind = HT_CHANGE_RESIZE, .block = block, .size = 100, .old_size = 100});
}

static void end(struct fixture *fixture, uint32_t thread, uint32_t block)
{
    add(fixture, thread, 0, (struct ht_change){.kind = HT_CHANGE_END, .block = block, .size = 100});
}

static void write_step(char *text, size_t size, const struct ht_step *step)
{
    static const char letters[] = {
        [HT_OP_ALLOC] = 'a',         [HT_OP_ADOPT] = 'a', [HT_OP_REALLOC_IN_PLACE] = 'r',
        [HT_OP_REALLOC_MOVED] = 'r', [HT_OP_FREE] = 'f',  [HT_STEP_ENTER] = 'E',
        [HT_STEP_WAIT] = 'W',        [HT_STEP_OPEN] = 'O'};
    size_t length = strlen(text);
    if (step->kind == HT_STEP_DUE) {
        snprintf(text + length, size - length, "D%u ", (unsigned)step->size);
    } else if (step->kind != HT_STEP_SAMPLE) {
        snprintf(text + length, size - length, "%c%u ", letters[step->kind], (unsigned)step->at);
    }
}

static const char *programs(struct fixture *fixture)
{
    struct ht_error error = {0};
    assert_int_equal(ht_schedule_open(&fixture->schedule, fixture->recording.plan,
                                      fixture->recording.trail, &fixture->options, &error),
                     HT_OK);
    fixture->text[0] = '\0';
    for (uint32_t i = 0; i < ht_schedule_totals(fixture->schedule)->workers; i++) {
        const struct ht_program *program = ht_schedule_program(fixture->schedule, i);
        if (i > 0) {
            strncat(fixture->text, "| ", sizeof fixture->text - strlen(fixture->text) - 1);
        }
        for (uint64_t at = 0; at < program->count; at++) {
            write_step(fixture->text, sizeof fixture->text, &program->steps[at]);
        }
    }
    return fixture->text;
}

static void a_block_of_another_thread_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 7, 0);
    resize(fixture, 8, 0);
    resize(fixture, 7, 0);
    end(fixture, 8, 0);
    assert_string_equal(programs(fixture), "E0 a0 O0 W1 r0 O2 | E0 W0 r0 O1 W2 f0 ");
    const struct ht_schedule_totals *totals = ht_schedule_totals(fixture->schedule);
    assert_int_equal(totals->threads, 2);
    assert_int_equal(totals->gates, 3);
    assert_int_equal(totals->crossings, 3);
    assert_int_equal(totals->operations, 4);
}

static void a_number_used_again_joins_nothing(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 1, 0);
    end(fixture, 1, 0);
    begin(fixture, 2, 0);
    end(fixture, 2, 0);
    assert_string_equal(programs(fixture), "E0 a0 f0 | E0 a64 f64 ");
    assert_int_equal(ht_schedule_totals(fixture->schedule)->crossings, 0);
}

static void a_slot_is_used_again_by_who_freed_its_block(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 1, 0);
    end(fixture, 2, 0);
    begin(fixture, 1, 0);
    begin(fixture, 2, 1);
    assert_string_equal(programs(fixture), "E0 a0 O0 a1 | E0 W0 f0 a0 ");
    assert_int_equal(ht_schedule_totals(fixture->schedule)->slots, 64);
}

static void what_an_earlier_wait_settled_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 1, 0);
    begin(fixture, 1, 1);
    end(fixture, 2, 1);
    end(fixture, 2, 0);
    assert_string_equal(programs(fixture), "E0 a0 a1 O0 | E0 W0 f1 f0 ");
    assert_int_equal(ht_schedule_totals(fixture->schedule)->crossings, 2);
}

static void a_wait_for_an_older_operation_settles_no_newer(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 1, 0);
    begin(fixture, 1, 1);
    end(fixture, 2, 0);
    end(fixture, 2, 1);
    assert_string_equal(programs(fixture), "E0 a0 O0 a1 O1 | E0 W0 f0 W1 f1 ");
}

static void threads_of_one_worker_stay_in_recorded_order(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.workers = 1;
    begin(fixture, 1, 0);
    begin(fixture, 2, 1);
    end(fixture, 3, 0);
    end(fixture, 1, 1);
    assert_string_equal(programs(fixture), "E0 a0 a1 f0 f1 ");
    assert_int_equal(ht_schedule_totals(fixture->schedule)->threads, 3);
}

// The busiest thread goes to the first worker.
static void each_worker_gets_about_as_much(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.workers = 2;
    begin(fixture, 1, 0);
    begin(fixture, 2, 1);
    begin(fixture, 2, 2);
    begin(fixture, 2, 3);
    begin(fixture, 3, 4);
    begin(fixture, 3, 5);
    assert_string_equal(programs(fixture), "E0 a64 a65 a66 | E0 a0 a1 a2 ");
}

static void slices_are_half_a_window(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.window = 4;
    begin(fixture, 1, 0);
    begin(fixture, 1, 1);
    begin(fixture, 1, 2);
    begin(fixture, 2, 3);
    begin(fixture, 1, 4);
    assert_string_equal(programs(fixture), "E0 a0 a1 E1 a2 E2 a3 | E1 a64 ");
    const struct ht_schedule_totals *totals = ht_schedule_totals(fixture->schedule);
    assert_int_equal(totals->slices, 3);
    assert_int_equal(totals->window, 4);
    assert_int_equal(ht_schedule_slice_workers(fixture->schedule, 0), 1);
    assert_int_equal(ht_schedule_slice_workers(fixture->schedule, 1), 2);
    assert_int_equal(ht_schedule_slice_workers(fixture->schedule, 2), 1);
}

static uint64_t window_of(struct fixture *fixture)
{
    struct ht_schedule *schedule;
    fixture->options.memory_limit = 1 << 30;
    assert_int_equal(ht_schedule_open(&schedule, fixture->recording.plan, fixture->recording.trail,
                                      &fixture->options, NULL),
                     HT_OK);
    uint64_t window = ht_schedule_totals(schedule)->window;
    ht_schedule_close(schedule);
    return window;
}

static void default_window_is_a_64th_of_the_plan_up_to_4096(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.window = 0;
    begin(fixture, 1, 0);
    assert_int_equal(window_of(fixture), 2);
    for (uint32_t i = 1; i < 10 * 64; i++) {
        begin(fixture, i % 3, i);
    }
    assert_int_equal(window_of(fixture), 10);
    for (uint32_t i = 10 * 64; i < 5000 * 64; i++) {
        begin(fixture, i % 3, i);
    }
    assert_int_equal(window_of(fixture), 4096);
    fixture->options.window = 6000;
    assert_int_equal(window_of(fixture), 6000);
}

static void times_are_scaled_and_never_go_back(void **state)
{
    struct fixture *fixture = *state;
    static const int64_t times_ns[] = {-100, 100, 40, 300};
    fixture->options.speed = 2;
    for (uint32_t i = 0; i < 4; i++) {
        add(fixture, 1, times_ns[i],
            (struct ht_change){.kind = HT_CHANGE_BEGIN, .block = i, .size = 8});
    }
    assert_string_equal(programs(fixture), "E0 a0 D100 a1 a2 D200 a3 ");
    assert_int_equal(ht_schedule_totals(fixture->schedule)->duration_ns, 200);
}

static void the_sample_is_where_most_lived(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 1, 0);
    begin(fixture, 1, 1);
    end(fixture, 1, 0);
    programs(fixture);
    const struct ht_program *program = ht_schedule_program(fixture->schedule, 0);
    assert_int_equal(ht_schedule_totals(fixture->schedule)->samples, 1);
    assert_int_equal(program->count, 5);
    assert_int_equal(program->steps[3].kind, HT_STEP_SAMPLE);
    assert_int_equal(program->steps[3].size, 200);
}

static void nothing_needs_no_worker(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(programs(fixture), "");
}

static void the_limit_is_an_error_that_names_it(void **state)
{
    struct fixture *fixture = *state;
    struct ht_error error = {0};
    fixture->options.memory_limit = 1000;
    begin(fixture, 1, 0);
    assert_int_equal(ht_schedule_open(&fixture->schedule, fixture->recording.plan,
                                      fixture->recording.trail, &fixture->options, &error),
                     HT_LIMIT);
    assert_null(fixture->schedule);
    assert_non_null(strstr(error.text, "1000 bytes of memory are the limit"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_block_of_another_thread_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_number_used_again_joins_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slot_is_used_again_by_who_freed_its_block, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_an_earlier_wait_settled_is_not_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_wait_for_an_older_operation_settles_no_newer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(threads_of_one_worker_stay_in_recorded_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_worker_gets_about_as_much, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slices_are_half_a_window, set_up, tear_down),
        cmocka_unit_test_setup_teardown(default_window_is_a_64th_of_the_plan_up_to_4096, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(times_are_scaled_and_never_go_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_sample_is_where_most_lived, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_needs_no_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_limit_is_an_error_that_names_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
