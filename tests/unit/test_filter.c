// SPDX-License-Identifier: MIT
#include "convert/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { EVENTS_MAX = 2000 };

// A reader over the events below.
struct list_reader {
    struct ht_reader reader;
    size_t next;
    bool is_closed;
};

static struct ht_event events[EVENTS_MAX];
static size_t event_count;
static struct ht_event kept[EVENTS_MAX];
static size_t kept_count;
static struct ht_trace trace;

// Lends its own events, so that a filter that changed them would be seen.
static enum ht_status list_read(struct ht_reader *self, struct ht_events *read,
                                struct ht_error *error)
{
    struct list_reader *list = (struct list_reader *)self;
    (void)error;
    if (list->next == event_count)
        return HT_END;
    size_t left = event_count - list->next;
    read->at = &events[list->next];
    read->count = read->count < left ? read->count : left;
    list->next += read->count;
    return HT_OK;
}

static void list_close(struct ht_reader *self)
{
    ((struct list_reader *)self)->is_closed = true;
}

static int begin(void **state)
{
    (void)state;
    event_count = 0;
    kept_count = 0;
    return ht_trace_init(&trace, NULL) == HT_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    ht_trace_reset(&trace);
    return 0;
}

static struct ht_event *add(enum ht_kind kind, uint32_t tid, uint64_t address, uint64_t size)
{
    struct ht_event *event = &events[event_count++];
    *event = (struct ht_event){.time_ns = (int64_t)event_count * 10,
                               .pid = 4,
                               .tid = tid,
                               .heap = 0x1F0,
                               .kind = (uint8_t)kind,
                               .address = address,
                               .size = size};
    return event;
}

static void add_realloc(uint32_t tid, uint64_t address, uint64_t size, uint64_t old_address)
{
    add(HT_KIND_REALLOC, tid, address, size)->old_address = old_address;
}

static void filter_all(const struct ht_filter *filter)
{
    struct list_reader list = {.reader = {list_read, list_close}};
    struct ht_reader *reader = NULL;
    kept_count = 0;
    trace.left_out = 0;
    assert_int_equal(ht_filter_open(filter, &trace, &list.reader, &reader, NULL), HT_OK);
    for (;;) {
        struct ht_event room[7];
        struct ht_events read = {room, 7};
        if (reader->read(reader, &read, NULL) != HT_OK)
            break;
        assert_in_range(read.count, 1, 7);
        memcpy(&kept[kept_count], read.at, read.count * sizeof *read.at);
        kept_count += read.count;
    }
    reader->close(reader);
    assert_true(list.is_closed);
    assert_int_equal(trace.left_out, event_count - kept_count);
}

// The times of what is kept, in tens of ns: the first event is at 1.
static void assert_kept(const char *expected)
{
    char text[1024] = "";
    for (size_t i = 0; i < kept_count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i > 0 ? " " : "",
                 (int)(kept[i].time_ns / 10));
    assert_string_equal(text, expected);
}

static void everything_passes_unchanged(void **state)
{
    (void)state;
    add(HT_KIND_ALLOC, 1, 0x1000, 16);
    add(HT_KIND_LOCK, 2, 0, 0);
    filter_all(&HT_FILTER_ALL);
    assert_int_equal(kept_count, 2);
    assert_memory_equal(kept, events, 2 * sizeof *events);
    assert_string_equal(trace.filters, "");
}

static void a_range_of_time_ends_before_its_end(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        add(HT_KIND_LOCK, 1, 0, 0);
    struct ht_filter filter = HT_FILTER_ALL;
    filter.from_ns = 20;
    filter.until_ns = 50;
    filter_all(&filter);
    assert_kept("2 3 4");
}

static void a_block_is_followed_over_threads_and_addresses(void **state)
{
    (void)state;
    struct ht_filter filter = HT_FILTER_ALL;
    filter.tids[filter.tid_count++] = 7;
    add(HT_KIND_ALLOC, 7, 0x1000, 16);
    add(HT_KIND_ALLOC, 8, 0x2000, 16);
    add_realloc(8, 0x3000, 32, 0x1000);
    add(HT_KIND_ALLOC, 8, 0x1000, 16); // at its old address
    add(HT_KIND_FREE, 8, 0x1000, 0);
    add(HT_KIND_FREE, 8, 0x3000, 0);
    add(HT_KIND_FREE, 7, 0x2000, 0);
    filter_all(&filter);
    assert_kept("1 3 6");
}

static void a_block_is_followed_from_the_realloc_that_matches(void **state)
{
    (void)state;
    struct ht_filter filter = HT_FILTER_ALL;
    filter.min_size = 100;
    add(HT_KIND_ALLOC, 1, 0x1000, 16);
    add_realloc(1, 0x1000, 50, 0x1000);
    add_realloc(1, 0x1000, 100, 0x1000);
    add_realloc(1, 0x1000, 20, 0x1000);
    add(HT_KIND_FREE, 1, 0x1000, 0);
    add_realloc(1, 0x5000, 200, 0x4000); // of a block that is not known
    add(HT_KIND_FREE, 1, 0x5000, 0);
    add(HT_KIND_FREE, 1, 0x6000, 0);
    filter_all(&filter);
    assert_kept("3 4 5 6 7");
}

static void a_block_made_over_another_is_chosen_by_itself(void **state)
{
    (void)state;
    struct ht_filter filter = HT_FILTER_ALL;
    filter.max_size = 32;
    add(HT_KIND_ALLOC, 1, 0x1000, 16);
    add(HT_KIND_ALLOC, 1, 0x1000, 64); // the free of the first was lost
    add(HT_KIND_FREE, 1, 0x1000, 0);
    add(HT_KIND_ALLOC, 1, 0x1000, 32);
    add(HT_KIND_FREE, 1, 0x1000, 0);
    filter_all(&filter);
    assert_kept("1 4 5");
}

static void heaps_live_on_for_any_thread_and_size(void **state)
{
    (void)state;
    struct ht_filter filter = HT_FILTER_ALL;
    filter.tids[filter.tid_count++] = 7;
    filter.max_size = 32;
    add(HT_KIND_CREATE, 1, 0, 0);
    add(HT_KIND_ALLOC, 7, 0x1000, 16);
    add(HT_KIND_LOCK, 1, 0, 0);
    add(HT_KIND_COMMIT, 7, 0x1000, 0x10000);
    add(HT_KIND_DESTROY, 1, 0, 0);
    add(HT_KIND_FREE, 7, 0x1000, 0); // the destroy ended it
    filter_all(&filter);
    assert_kept("2 4 5");
}

static void calls_that_failed_are_chosen_by_themselves(void **state)
{
    (void)state;
    struct ht_filter filter = HT_FILTER_ALL;
    filter.min_size = 100;
    add(HT_KIND_ALLOC, 1, 0, 99);
    add(HT_KIND_ALLOC, 1, 0, 100);
    add_realloc(1, 0, 200, 0x1000);
    add(HT_KIND_FREE, 1, 0, 0);
    filter_all(&filter);
    assert_kept("2 3");
}

static void many_blocks_are_followed(void **state)
{
    (void)state;
    struct ht_filter filter = HT_FILTER_ALL;
    filter.min_size = 8;
    for (unsigned i = 0; i < 500; i++)
        add(HT_KIND_ALLOC, 1, 0x1000 + i * 0x10, i % 16);
    for (unsigned i = 0; i < 500; i++)
        add(HT_KIND_FREE, 1, 0x1000 + i * 0x10, 0);
    filter_all(&filter);
    assert_int_equal(kept_count, 2 * (31 * 8 + 0));
    for (size_t i = 0; i < kept_count; i++)
        assert_true((kept[i].address - 0x1000) / 0x10 % 16 >= 8);
}

static void processes_are_known_by_their_file_name_and_time(void **state)
{
    (void)state;
    static const char *const names[] = {"C:\\Tools\\App.EXE", "napp.exe", "app.exe"};
    for (uint32_t i = 0; i < 3; i++) {
        struct ht_process process = {.pid = 8 + i, .start_ns = 0, .end_ns = HT_TIME_UNKNOWN};
        assert_int_equal(
            ht_dict_add_string(trace.dict, names[i], strlen(names[i]), &process.name, NULL), HT_OK);
        assert_int_equal(ht_trace_note_process(&trace, &process, NULL), HT_OK);
    }
    struct ht_process again = {.pid = 8, .start_ns = 45, .end_ns = HT_TIME_UNKNOWN};
    assert_int_equal(ht_dict_add_string(trace.dict, "other.exe", 9, &again.name, NULL), HT_OK);
    assert_int_equal(ht_trace_note_process(&trace, &again, NULL), HT_OK);
    static const uint32_t pids[] = {8, 9, 10, 11, 8};
    for (size_t i = 0; i < sizeof pids / sizeof *pids; i++)
        add(HT_KIND_LOCK, 1, 0, 0)->pid = pids[i];
    struct ht_filter filter = HT_FILTER_ALL;
    filter.processes[filter.process_count++] = "aPP.exe";
    filter_all(&filter);
    assert_kept("1 3");
    filter.pids[filter.pid_count++] = 11;
    filter_all(&filter);
    assert_kept("1 3 4");
}

static void the_trace_tells_every_filter_it_went_through(void **state)
{
    (void)state;
    struct ht_filter filter = HT_FILTER_ALL;
    snprintf(filter.text, sizeof filter.text, "--pid 4");
    filter_all(&filter);
    snprintf(filter.text, sizeof filter.text, "--from 1s");
    filter_all(&filter);
    assert_string_equal(trace.filters, "--pid 4; --from 1s");
    memset(filter.text, 'x', sizeof filter.text - 1);
    filter_all(&filter);
    assert_int_equal(strlen(trace.filters), sizeof trace.filters - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_passes_unchanged, begin, end),
        cmocka_unit_test_setup_teardown(a_range_of_time_ends_before_its_end, begin, end),
        cmocka_unit_test_setup_teardown(a_block_is_followed_over_threads_and_addresses, begin, end),
        cmocka_unit_test_setup_teardown(a_block_is_followed_from_the_realloc_that_matches, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_block_made_over_another_is_chosen_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(heaps_live_on_for_any_thread_and_size, begin, end),
        cmocka_unit_test_setup_teardown(calls_that_failed_are_chosen_by_themselves, begin, end),
        cmocka_unit_test_setup_teardown(many_blocks_are_followed, begin, end),
        cmocka_unit_test_setup_teardown(processes_are_known_by_their_file_name_and_time, begin,
                                        end),
        cmocka_unit_test_setup_teardown(the_trace_tells_every_filter_it_went_through, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
