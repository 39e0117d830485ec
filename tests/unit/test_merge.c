// SPDX-License-Identifier: MIT
#include "convert/merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PARTS = 3, EVENTS = 8, DETAIL_VALUES = 5 };

// A part: a reader over a few events, which ends as it is told.
struct list {
    struct ht_reader reader;
    struct ht_trace trace;
    struct ht_event events[EVENTS];
    size_t count;
    size_t next;
    enum ht_status ended;
};

static struct list lists[PARTS];
static struct ht_trace merged;

static enum ht_status list_read(struct ht_reader *self, struct ht_events *events,
                                struct ht_error *error)
{
    struct list *list = (struct list *)self;
    if (list->next == list->count)
        return list->ended == HT_END ? HT_END : ht_fail(error, list->ended, "the disk is on fire");
    *events = (struct ht_events){&list->events[list->next++], 1};
    return HT_OK;
}

static int begin(void **state)
{
    (void)state;
    for (int i = 0; i < PARTS; i++) {
        lists[i] = (struct list){.reader = {list_read, NULL}, .ended = HT_END};
        if (ht_trace_init(&lists[i].trace, NULL) != HT_OK)
            return -1;
    }
    return ht_trace_init(&merged, NULL) == HT_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < PARTS; i++)
        ht_trace_reset(&lists[i].trace);
    ht_trace_reset(&merged);
    return 0;
}

static struct ht_event *add(int part, enum ht_kind kind, int64_t time_ns, uint32_t pid)
{
    struct ht_event *event = &lists[part].events[lists[part].count++];
    *event = (struct ht_event){.time_ns = time_ns, .pid = pid, .kind = (uint8_t)kind};
    return event;
}

// Merges that many parts; the text has "time:pid " of each event.
static enum ht_status merge(size_t count, bool is_redacted, bool is_rebased, char *text,
                            size_t size, struct ht_event *last)
{
    struct ht_merge_part parts[PARTS];
    const struct ht_merge_options options = {is_redacted, is_rebased};
    struct ht_reader *reader = NULL;
    struct ht_event event;
    enum ht_status status;
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct ht_merge_part){&lists[i].reader, &lists[i].trace};
    assert_int_equal(ht_merge_open(parts, count, &options, &merged, &reader, NULL), HT_OK);
    text[0] = '\0';
    while ((status = ht_reader_next(reader, &event, NULL)) == HT_OK) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%d:%u ", (int)event.time_ns, (unsigned)event.pid);
        if (last != NULL)
            *last = event;
    }
    reader->close(reader);
    return status;
}

static void assert_merged(size_t count, const char *expected)
{
    char text[256];
    assert_int_equal(merge(count, false, false, text, sizeof text, NULL), HT_END);
    assert_string_equal(text, expected);
}

static void events_come_in_the_order_of_time(void **state)
{
    (void)state;
    add(0, HT_KIND_LOCK, 10, 4);
    add(0, HT_KIND_LOCK, 5, 4); // a step back stays one
    add(0, HT_KIND_LOCK, 40, 4);
    add(1, HT_KIND_LOCK, -7, 8);
    add(1, HT_KIND_LOCK, 10, 8);
    add(2, HT_KIND_LOCK, 30, 12);
    assert_merged(3, "-7:8 10:4 5:4 10:8 30:12 40:4 ");
    assert_int_equal(merged.origin.start_unix_ns, HT_TIME_UNKNOWN);
}

static void parts_that_know_the_wall_time_are_set_by_it(void **state)
{
    (void)state;
    for (int i = 0; i < PARTS; i++)
        lists[i].trace.origin.start_unix_ns = 1000 - 100 * i;
    add(0, HT_KIND_LOCK, 1, 4);
    add(1, HT_KIND_LOCK, 1, 8);
    add(2, HT_KIND_LOCK, 150, 12);
    struct ht_process process = {.pid = 4, .start_ns = -50, .end_ns = HT_TIME_UNKNOWN};
    assert_int_equal(ht_trace_note_process(&lists[0].trace, &process, NULL), HT_OK);
    assert_merged(3, "101:8 150:12 201:4 ");
    assert_int_equal(merged.origin.start_unix_ns, 800);
    assert_int_equal(merged.process_count, 1);
    assert_int_equal(merged.processes[0].start_ns, 150);
    assert_int_equal(merged.processes[0].end_ns, HT_TIME_UNKNOWN);
}

static void equal_pids_of_two_parts_are_two(void **state)
{
    (void)state;
    add(0, HT_KIND_LOCK, 1, 100000004);
    add(1, HT_KIND_LOCK, 2, 4);
    add(0, HT_KIND_LOCK, 3, 4);
    add(2, HT_KIND_LOCK, 4, 4);
    add(2, HT_KIND_LOCK, 5, UINT32_MAX);
    add(0, HT_KIND_LOCK, 6, UINT32_MAX);
    assert_merged(3, "1:100000004 2:4 3:200000004 4:300000004 5:4294967295 6:4294967295 ");
}

static void the_pid_in_a_detail_follows(void **state)
{
    (void)state;
    struct ht_event last = {0};
    char text[64];
    size_t count = 0;
    const uint64_t values[DETAIL_VALUES] = {1, 8, 1, 0x123450010, 0x1000};
    add(0, HT_KIND_LOCK, 1, 8);
    struct ht_event *event = add(1, HT_KIND_RANGE_RUNDOWN, 2, 8);
    event->detail = ht_dict_add_detail(lists[1].trace.dict, values, DETAIL_VALUES);
    assert_int_equal(merge(2, false, true, text, sizeof text, &last), HT_END);
    const uint64_t *carried = ht_dict_detail(merged.dict, last.detail, &count);
    assert_int_equal(count, DETAIL_VALUES);
    assert_int_equal(carried[0], 1);
    assert_int_equal(carried[1], 100000008);
    assert_int_equal(carried[2], 1);
    assert_int_equal(carried[3], (UINT64_C(1) << 33) + 0x10); // the first region's middle
    assert_int_equal(carried[4], 0x1000);
}

static uint32_t add_string(int part, const char *text)
{
    uint32_t id = 0;
    assert_int_equal(ht_dict_add_string(lists[part].trace.dict, text, strlen(text), &id, NULL),
                     HT_OK);
    return id;
}

static void add_stack(int part, struct ht_event *event, uint64_t address, const char *module)
{
    const struct ht_frame frames[] = {{address, add_string(part, module)}, {0x7FF600001234, 0}};
    uint32_t stack = 0;
    assert_int_equal(ht_dict_add_stack(lists[part].trace.dict, frames, 2, &stack, NULL), HT_OK);
    ht_event_set_stack(event, stack);
}

static void stacks_and_names_get_numbers_of_the_whole(void **state)
{
    (void)state;
    struct ht_event last = {0};
    char text[64];
    size_t count = 0;
    add_string(1, "not used");
    add_stack(0, add(0, HT_KIND_LOCK, 1, 4), 0x10, "a.dll");
    add_stack(1, add(1, HT_KIND_LOCK, 2, 8), 0x10, "b.dll");
    add_stack(1, add(1, HT_KIND_LOCK, 3, 8), 0x10, "a.dll");
    assert_int_equal(merge(2, false, false, text, sizeof text, &last), HT_END);
    assert_int_equal(ht_dict_stack_count(merged.dict), 2);
    assert_int_equal(ht_dict_string_count(merged.dict), 2);
    assert_int_equal(ht_event_stack(&last), 1);
    const struct ht_frame *frames = ht_dict_stack(merged.dict, 2, &count);
    assert_int_equal(count, 2);
    assert_string_equal(ht_dict_string(merged.dict, frames[0].module, NULL), "b.dll");
    assert_int_equal(frames[1].address, 0x7FF600001234);
}

static void what_tells_a_name_is_left_out(void **state)
{
    (void)state;
    struct ht_event last = {0};
    char text[64];
    size_t count = 0;
    struct ht_trace *trace = &lists[0].trace;
    const struct ht_process process = {.pid = 4,
                                       .start_ns = HT_TIME_UNKNOWN,
                                       .end_ns = HT_TIME_UNKNOWN,
                                       .name = add_string(0, "secret.exe"),
                                       .command = add_string(0, "secret.exe --key 1")};
    const struct ht_module module = {.path = add_string(0, "C:\\secret.dll"),
                                     .size = 7,
                                     .time_stamp = 8,
                                     .debug_name = add_string(0, "secret.pdb"),
                                     .debug_age = 9,
                                     .debug_guid = {1}};
    assert_int_equal(ht_trace_note_process(trace, &process, NULL), HT_OK);
    assert_int_equal(ht_trace_note_module(trace, &module, NULL), HT_OK);
    assert_int_equal(ht_trace_set_counter(trace, "secret", 1, NULL), HT_OK);
    ht_trace_damage(trace, HT_LOSS_EVENTS, 5, "secret");
    ht_trace_note_host(trace, add_string(0, "secret-pc"));
    trace->origin.start_unix_ns = 77;
    trace->origin.format = "secret";
    snprintf(trace->filters, sizeof trace->filters, "--process secret.exe");
    add_stack(0, add(0, HT_KIND_LOCK, 1, 4), 0x10, "C:\\secret.dll");
    assert_int_equal(merge(1, true, true, text, sizeof text, &last), HT_END);
    for (uint32_t id = 1; id <= ht_dict_string_count(merged.dict); id++)
        assert_null(strstr(ht_dict_string(merged.dict, id, NULL), "secret"));
    assert_string_equal(ht_dict_string(merged.dict, merged.processes[0].name, NULL), "process-1");
    assert_int_equal(merged.processes[0].command, 0);
    const struct ht_module nothing = {.path = merged.modules[0].path};
    assert_string_equal(ht_dict_string(merged.dict, nothing.path, NULL), "module-1");
    assert_memory_equal(&merged.modules[0], &nothing, sizeof nothing);
    const struct ht_frame *frames = ht_dict_stack(merged.dict, ht_event_stack(&last), &count);
    assert_int_equal(frames[0].module, nothing.path);
    assert_int_equal(frames[0].address, 0x10);
    assert_int_equal(frames[1].address, (UINT64_C(1) << 33) + 0x1234);
    assert_string_equal(merged.origin.format, "");
    assert_string_equal(merged.filters, "filters that are not told");
    assert_int_equal(merged.origin.start_unix_ns, HT_TIME_UNKNOWN);
    assert_int_equal(merged.host, 0);
    assert_true(merged.origin.is_redacted && merged.origin.is_rebased);
    assert_int_equal(merged.counter_count + merged.damage_count, 0);
    assert_int_equal(merged.loss[HT_LOSS_EVENTS], 1);
}

static void losses_and_counters_are_added_up(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct ht_trace *trace = &lists[i].trace;
        trace->loss[HT_LOSS_CUT] = 1;
        trace->left_out = 10;
        ht_trace_damage(trace, HT_LOSS_DAMAGED_EVENTS, 5, "torn");
        assert_int_equal(ht_trace_set_counter(trace, "both", 2, NULL), HT_OK);
    }
    assert_int_equal(ht_trace_set_counter(&lists[1].trace, "one", 1, NULL), HT_OK);
    assert_merged(2, "");
    assert_int_equal(merged.loss[HT_LOSS_CUT], 1);
    assert_int_equal(merged.loss[HT_LOSS_DAMAGED_EVENTS], 2);
    assert_int_equal(merged.damage_count, 2);
    assert_int_equal(merged.left_out, 20);
    assert_int_equal(merged.counter_count, 2);
    assert_int_equal(merged.counters[0].count, 4);
    assert_int_equal(merged.counters[1].count, 1);
}

static void a_promise_holds_for_all_parts_or_not(void **state)
{
    (void)state;
    lists[0].trace.origin =
        (struct ht_origin){.format = "etl", .os_major = 10, .is_redacted = true, .is_folded = true};
    lists[1].trace.origin = (struct ht_origin){.format = "etl", .os_major = 6, .is_folded = true};
    assert_merged(2, "");
    assert_string_equal(merged.origin.format, "etl");
    assert_int_equal(merged.origin.os_major, 0);
    assert_true(merged.origin.is_folded);
    assert_false(merged.origin.is_redacted);
}

static void the_machine_is_that_of_all_parts_that_name_one(void **state)
{
    (void)state;
    ht_trace_note_host(&lists[1].trace, add_string(1, "PC-1"));
    assert_merged(2, "");
    assert_string_equal(ht_dict_string(merged.dict, merged.host, NULL), "PC-1");
}

static void of_parts_of_two_machines_none_is_named(void **state)
{
    (void)state;
    ht_trace_note_host(&lists[0].trace, add_string(0, "PC-1"));
    ht_trace_note_host(&lists[1].trace, add_string(1, "PC-2"));
    assert_merged(2, "");
    assert_int_equal(merged.host, 0);
}

static void a_part_that_fails_ends_it(void **state)
{
    (void)state;
    char text[64];
    add(0, HT_KIND_LOCK, 1, 4);
    add(1, HT_KIND_LOCK, 2, 8);
    lists[1].ended = HT_IO;
    assert_int_equal(merge(2, false, false, text, sizeof text, NULL), HT_IO);
    assert_string_equal(text, "1:4 2:8 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_come_in_the_order_of_time, begin, end),
        cmocka_unit_test_setup_teardown(parts_that_know_the_wall_time_are_set_by_it, begin, end),
        cmocka_unit_test_setup_teardown(equal_pids_of_two_parts_are_two, begin, end),
        cmocka_unit_test_setup_teardown(the_pid_in_a_detail_follows, begin, end),
        cmocka_unit_test_setup_teardown(stacks_and_names_get_numbers_of_the_whole, begin, end),
        cmocka_unit_test_setup_teardown(what_tells_a_name_is_left_out, begin, end),
        cmocka_unit_test_setup_teardown(losses_and_counters_are_added_up, begin, end),
        cmocka_unit_test_setup_teardown(a_promise_holds_for_all_parts_or_not, begin, end),
        cmocka_unit_test_setup_teardown(the_machine_is_that_of_all_parts_that_name_one, begin, end),
        cmocka_unit_test_setup_teardown(of_parts_of_two_machines_none_is_named, begin, end),
        cmocka_unit_test_setup_teardown(a_part_that_fails_ends_it, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
