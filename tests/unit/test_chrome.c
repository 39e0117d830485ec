// SPDX-License-Identifier: MIT
#include "formats/chrome.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PID = 8, TID = 12 };

// A trace and a writer of it into memory.
struct picture {
    struct ht_trace trace;
    struct ht_buffer text;
    struct ht_output *output;
    struct ht_writer *writer;
    struct ht_blocks blocks; // the one block that there is
    struct {
        struct ht_block block;
        uint64_t note[4];
    } record;
};

static int open_picture(void **state)
{
    struct picture *picture = calloc(1, sizeof *picture);
    *state = picture;
    if (picture == NULL || ht_trace_init(&picture->trace, NULL) != HT_OK)
        return -1;
    picture->trace.origin = (struct ht_origin){.format = "etl",
                                               .os_major = 10,
                                               .os_build = 19041,
                                               .pointer_size = 8,
                                               .cpu_count = 2,
                                               .clock = HT_CLOCK_QPC,
                                               .clock_hz = 10000000,
                                               .start_unix_ns = HT_TIME_UNKNOWN};
    picture->text = ht_buffer_with_limit(1 << 20);
    if (ht_output_open_memory(&picture->text, &picture->output, NULL) != HT_OK)
        return -1;
    enum ht_status status =
        ht_format_chrome.open_writer(picture->output, &picture->trace, &picture->writer, NULL);
    if (status != HT_OK)
        return -1;
    assert_true(picture->writer->note_size <= sizeof picture->record.note);
    memset(picture->record.note, 0xFF, sizeof picture->record.note); // nothing known of the block
    picture->blocks = (struct ht_blocks){(void *)&picture->record, sizeof picture->record, 1};
    picture->writer->blocks = &picture->blocks;
    return 0;
}

static int close_picture(void **state)
{
    struct picture *picture = *state;
    picture->writer->close(picture->writer);
    ht_output_close(picture->output);
    ht_buffer_reset(&picture->text);
    ht_trace_reset(&picture->trace);
    free(picture);
    return 0;
}

static void name_process(struct picture *picture, int64_t start_ns, int64_t end_ns,
                         const char *name)
{
    struct ht_process process = {.pid = PID, .start_ns = start_ns, .end_ns = end_ns};
    assert_int_equal(
        ht_dict_add_string(picture->trace.dict, name, strlen(name), &process.name, NULL), HT_OK);
    assert_int_equal(ht_trace_note_process(&picture->trace, &process, NULL), HT_OK);
}

static void write_event(struct picture *picture, const struct ht_event *event,
                        const struct ht_change *change)
{
    struct ht_writer *writer = picture->writer;
    assert_int_equal(writer->write(writer, event, 1, NULL), HT_OK);
    if (change == NULL)
        return;
    bool is_ended = change->kind == HT_CHANGE_END;
    picture->record.block = (struct ht_block){
        .address = change->address, .size = change->size, .heap = is_ended ? HT_BLOCK_NONE : 0};
    assert_int_equal(writer->change(writer, change, NULL), HT_OK);
}

static void write_alloc(struct picture *picture, int64_t time_ns, uint64_t address, uint64_t size)
{
    struct ht_event event = {.kind = HT_KIND_ALLOC,
                             .time_ns = time_ns,
                             .pid = PID,
                             .tid = TID,
                             .heap = 0x1f0,
                             .address = address,
                             .size = size};
    struct ht_change change = {.kind = HT_CHANGE_BEGIN, .address = address, .size = size};
    write_event(picture, &event, &change);
}

static void write_realloc(struct picture *picture, int64_t time_ns, uint64_t old_address,
                          uint64_t old_size, uint64_t address, uint64_t size)
{
    struct ht_event event = {.kind = HT_KIND_REALLOC,
                             .time_ns = time_ns,
                             .pid = PID,
                             .tid = TID,
                             .heap = 0x1f0,
                             .address = address,
                             .size = size,
                             .old_address = old_address,
                             .old_size = old_size};
    struct ht_change change = {.kind = old_address != 0 ? HT_CHANGE_RESIZE : HT_CHANGE_BEGIN,
                               .address = address,
                               .size = size,
                               .old_address = old_address,
                               .old_size = old_size};
    write_event(picture, &event, address != 0 ? &change : NULL);
}

static const char *finish(struct picture *picture)
{
    assert_int_equal(picture->writer->finish(picture->writer, NULL), HT_OK);
    assert_int_equal(ht_output_commit(picture->output, NULL), HT_OK);
    assert_int_equal(ht_buffer_append(&picture->text, "", 1, NULL), HT_OK);
    return (const char *)picture->text.data;
}

static void expect_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("expected %s in:\n%s", part, text);
}

static void an_empty_trace_ends_properly(void **state)
{
    const char *text = finish(*state);
    expect_in(text, "{\"traceEvents\":[\n],\n\"metadata\":{\"writer\":\"heaptape ");
    expect_in(
        text,
        "\",\"schema\":1,\"source_format\":\"etl\",\"host\":\"\",\"pointer_size\":8,\"clock\":1,"
        "\"clock_hz\":10000000,\"time_shift_ns\":0,\"events\":0,"
        "\"events_of_dropped_processes\":0,\"every_event\":0,\"filters\":\"\","
        "\"events_left_out\":0,\"heaps_kept\":0,\"heaps_dropped\":0,"
        "\"reallocs_kept\":0,\"reallocs_dropped\":0,\"chains_kept\":0,\"chains_dropped\":0,"
        "\"blocks_kept\":0,\"blocks_dropped\":0,\"sites_kept\":0,"
        "\"sites_dropped\":0,\"counter_width_ns\":1,\"events_lost\":0,"
        "\"buffers_lost\":0,\"damaged_buffers\":0,\"damaged_events\":0,\"cut\":0,"
        "\"time_back\":0,\"details_lost\":0,\"names_lost\":0,\"stacks_lost\":0,"
        "\"os_version\":\"10.0.19041\",\"cpus\":2}}\n");
}

static const char small_begin[] =
    "{\"traceEvents\":[\n"
    "{\"ph\":\"M\",\"pid\":8,\"name\":\"process_name\",\"args\":{\"name\":\"app.exe\"}},\n"
    "{\"ph\":\"M\",\"pid\":8,\"name\":\"process_sort_index\",\"args\":{\"sort_index\":0}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "live_bytes\",\"ts\":1.500,\"args\":{\"bytes\":100}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "live_bytes\",\"ts\":2.001,\"args\":{\"bytes\":300}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "live_blocks\",\"ts\":1.500,\"args\":{\"count\":1}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "live_blocks\",\"ts\":2.001,\"args\":{\"count\":1}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "page_spread\",\"ts\":1.500,\"args\":{\"x\":40.96}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "page_spread\",\"ts\":2.001,\"args\":{\"x\":13.6533333}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "alloc_rate\",\"ts\":0.000,\"args\":{\"/s\":59.6046448}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "alloc_rate\",\"ts\":2.001,\"args\":{\"/s\":59.6046448}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "free_rate\",\"ts\":0.000,\"args\":{\"/s\":0}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "free_rate\",\"ts\":2.001,\"args\":{\"/s\":0}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "realloc_rate\",\"ts\":0.000,\"args\":{\"/s\":59.6046448}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "realloc_rate\",\"ts\":2.001,\"args\":{\"/s\":59.6046448}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "realloc_moved\",\"ts\":1.500,\"args\":{\"count\":0}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "realloc_moved\",\"ts\":2.001,\"args\":{\"count\":1}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "realloc_inplace\",\"ts\":1.500,\"args\":{\"count\":0}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "realloc_inplace\",\"ts\":2.001,\"args\":{\"count\":0}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "copied_bytes\",\"ts\":1.500,\"args\":{\"bytes\":0}},\n"
    "{\"ph\":\"C\",\"pid\":8,\"name\":\"Heap activity "
    "copied_bytes\",\"ts\":2.001,\"args\":{\"bytes\":100}},\n"
    "{\"ph\":\"i\",\"pid\":8,\"name\":\"peak 300 "
    "B\",\"cat\":\"mark\",\"ts\":2.001,\"s\":\"p\",\"args\":{\"size\":300}},\n";

static const char small_end[] =
    "{\"ph\":\"b\",\"pid\":8,\"name\":\"Realloc "
    "chains\",\"cat\":\"chain\",\"ts\":1.500,\"id2\":{\"local\":\"0x0\"}},\n"
    "{\"ph\":\"b\",\"pid\":8,\"name\":\"chain x1 to 300 "
    "B\",\"cat\":\"chain\",\"ts\":1.500,\"id2\":{\"local\":\"0x0\"},\"args\":{\"heap\":\"0x1f0\","
    "\"address\":\"0x2000\",\"size\":300,\"block_id\":0,\"steps\":1,\"copied_bytes\":100,"
    "\"first_size\":100,\"last_size\":300,\"growth\":3,\"ended\":false}},\n"
    "{\"ph\":\"e\",\"pid\":8,\"name\":\"chain x1 to 300 "
    "B\",\"cat\":\"chain\",\"ts\":2.002,\"id2\":{\"local\":\"0x0\"}},\n"
    "{\"ph\":\"e\",\"pid\":8,\"name\":\"Realloc "
    "chains\",\"cat\":\"chain\",\"ts\":2.002,\"id2\":{\"local\":\"0x0\"}},\n"
    "{\"ph\":\"b\",\"pid\":8,\"name\":\"Large and long-lived "
    "blocks\",\"cat\":\"block\",\"ts\":1.500,\"id2\":{\"local\":\"0x0\"}},\n"
    "{\"ph\":\"b\",\"pid\":8,\"name\":\"block 300 B\",\"cat\":\"block\",\"ts\":1.500,"
    "\"id2\":{\"local\":\"0x0\"},\"args\":{\"heap\":\"0x1f0\",\"address\":\"0x2000\","
    "\"size\":300,\"block_id\":0,\"ended\":false}},\n"
    "{\"ph\":\"e\",\"pid\":8,\"name\":\"block 300 B\",\"cat\":\"block\",\"ts\":2.002,"
    "\"id2\":{\"local\":\"0x0\"}},\n"
    "{\"ph\":\"e\",\"pid\":8,\"name\":\"Large and long-lived "
    "blocks\",\"cat\":\"block\",\"ts\":2.002,\"id2\":{\"local\":\"0x0\"}},\n"
    "{\"ph\":\"i\",\"pid\":8,\"name\":\"realloc "
    "moved\",\"cat\":\"realloc\",\"ts\":2.001,\"tid\":12,\"s\":\"t\",\"args\":{\"heap\":\"0x1f0\","
    "\"address\":\"0x2000\",\"size\":300,\"old_address\":\"0x1000\",\"old_size\":100,\"moved\":"
    "true,\"block_id\":0,\"step\":1,\"source\":0}},\n"
    "{\"ph\":\"n\",\"pid\":8,\"name\":\"realloc "
    "moved\",\"cat\":\"chain\",\"ts\":2.001,\"id2\":{\"local\":\"0x0\"},\"args\":{\"heap\":"
    "\"0x1f0\","
    "\"address\":\"0x2000\",\"size\":300,\"old_address\":\"0x1000\",\"old_size\":100,\"moved\":"
    "true,\"block_id\":0,\"step\":1,\"source\":0}},\n"
    "{\"ph\":\"i\",\"pid\":8,\"name\":\"size\",\"cat\":\"histogram\",\"ts\":2.001,\"s\":\"p\","
    "\"args\":{\"heap\":\"0x1f0\",\"kind\":\"size\",\"bucket_lo\":64,\"bucket_hi\":127,\"count\":1}"
    "}\n"
    "],\n\"metadata\":";

// Between the two stand the counters of the heap, with the figures of the process.
static void a_small_trace_is_written_to_the_letter(void **state)
{
    struct picture *picture = *state;
    name_process(picture, HT_TIME_UNKNOWN, HT_TIME_UNKNOWN, "C:\\app.exe");
    write_alloc(picture, 1500, 0x1000, 100);
    write_realloc(picture, 2001, 0x1000, 100, 0x2000, 300);
    const char *text = finish(picture);
    assert_memory_equal(text, small_begin, sizeof small_begin - 1);
    expect_in(text,
              "\"name\":\"Heap 0x1f0 copied_bytes\",\"ts\":2.001,\"args\":{\"bytes\":100}},\n");
    const char *end = strstr(text, "{\"ph\":\"b\"");
    assert_non_null(end);
    assert_memory_equal(end, small_end, sizeof small_end - 1);
}

static void negative_times_are_shifted_and_the_shift_is_told(void **state)
{
    struct picture *picture = *state;
    write_alloc(picture, -700, 0x1000, 1);
    write_alloc(picture, 300, 0x2000, 1);
    const char *text = finish(picture);
    expect_in(text, "\"ts\":0.000,");
    expect_in(text, "\"ts\":1.000,");
    expect_in(text, "\"time_shift_ns\":700,");
    assert_null(strstr(text, "\"ts\":-"));
}

static void the_last_state_is_repeated_at_the_end_of_the_trace(void **state)
{
    struct picture *picture = *state;
    write_alloc(picture, 1000, 0x1000, 64);
    struct ht_event lock = {.kind = HT_KIND_LOCK, .time_ns = 9000, .pid = PID, .heap = 0x1f0};
    write_event(picture, &lock, NULL);
    expect_in(finish(picture), "\"name\":\"Heap 0x1f0 live_bytes\",\"ts\":9.000,"
                               "\"args\":{\"bytes\":64}");
}

static void reallocs_are_named_by_what_they_did(void **state)
{
    struct picture *picture = *state;
    write_alloc(picture, 1000, 0x1000, 64);
    write_realloc(picture, 2000, 0x1000, 64, 0x1000, 128);
    write_realloc(picture, 3000, 0x1000, 128, 0, 1 << 30);
    write_realloc(picture, 4000, 0, 0, 0x3000, 16); // the C library's realloc(NULL, 16)
    const char *text = finish(picture);
    expect_in(text, "\"name\":\"realloc in place\",\"cat\":\"realloc\",\"ts\":2.000,\"tid\":12,");
    expect_in(text, "\"name\":\"realloc failed\",\"cat\":\"realloc\",\"ts\":3.000,\"tid\":12,");
    expect_in(text, "\"reallocs_kept\":2,");
}

static void a_pid_used_twice_has_the_name_it_had_at_its_events(void **state)
{
    struct picture *picture = *state;
    write_alloc(picture, 500, 0x1000, 1);
    name_process(picture, HT_TIME_UNKNOWN, 900, "first");
    name_process(picture, 1000, HT_TIME_UNKNOWN, "later");
    expect_in(finish(picture), "\"process_name\",\"args\":{\"name\":\"first\"}");
}

static void a_process_told_of_only_at_the_end_has_its_name(void **state)
{
    struct picture *picture = *state;
    write_alloc(picture, 500, 0x1000, 1);
    name_process(picture, HT_TIME_UNKNOWN, HT_TIME_UNKNOWN, "late.exe");
    expect_in(finish(picture), "\"process_name\",\"args\":{\"name\":\"late.exe\"}");
}

static void the_memory_behind_a_heap_has_counters(void **state)
{
    struct picture *picture = *state;
    const uint64_t space[] = {100, 4096, 65536}; // free, committed, reserved
    struct ht_event extend = {
        .kind = HT_KIND_EXTEND, .time_ns = 2000, .pid = PID, .tid = TID, .heap = 0x1f0};
    extend.detail = ht_dict_add_detail(picture->trace.dict, space, 3);
    write_alloc(picture, 1000, 0x1000, 1024);
    write_event(picture, &extend, NULL);
    const char *text = finish(picture);
    expect_in(text, "Heap 0x1f0 committed_bytes\",\"ts\":2.000,\"args\":{\"bytes\":4096}");
    expect_in(text, "Heap 0x1f0 reserved_bytes\",\"ts\":2.000,\"args\":{\"bytes\":65536}");
    expect_in(text, "Heap 0x1f0 free_inside_committed\",\"ts\":2.000,\"args\":{\"%\":75}");
}

static void threads_that_are_not_known_have_a_name(void **state)
{
    struct picture *picture = *state;
    struct ht_event failed = {.kind = HT_KIND_REALLOC,
                              .pid = PID,
                              .tid = UINT32_MAX,
                              .heap = 0x1f0,
                              .old_address = 0x1000,
                              .size = 8};
    write_event(picture, &failed, NULL);
    failed.tid = 0;
    write_event(picture, &failed, NULL);
    const char *text = finish(picture);
    expect_in(text, "\"name\":\"thread_name\",\"tid\":2147483647,"
                    "\"args\":{\"name\":\"unknown thread\"}");
    expect_in(text, "\"ts\":0.001,\"tid\":2147483647,"); // one thread, so not the same stamp
}

static void threads_have_their_names(void **state)
{
    struct picture *picture = *state;
    struct ht_thread thread = {
        .pid = PID, .tid = TID, .start_ns = HT_TIME_UNKNOWN, .end_ns = HT_TIME_UNKNOWN};
    struct ht_event failed = {.kind = HT_KIND_REALLOC,
                              .pid = PID,
                              .tid = TID,
                              .heap = 0x1f0,
                              .old_address = 0x1000,
                              .size = 8};
    assert_int_equal(ht_dict_add_string(picture->trace.dict, "work\n\"er", 8, &thread.name, NULL),
                     HT_OK);
    assert_int_equal(ht_threads_note(&picture->trace.threads, &thread, NULL), HT_OK);
    write_event(picture, &failed, NULL);
    failed.tid = TID + 4;
    write_event(picture, &failed, NULL);
    const char *text = finish(picture);
    char expected[96];
    snprintf(expected, sizeof expected,
             "\"name\":\"thread_name\",\"tid\":%d,"
             "\"args\":{\"name\":\"work\xEF\xBF\xBD\\\"er\"}",
             TID);
    expect_in(text, expected);
    assert_null(strstr(strstr(text, "thread_name") + 1, "thread_name"));
}

static void names_are_escaped(void **state)
{
    struct picture *picture = *state;
    assert_int_equal(ht_dict_add_string(picture->trace.dict, "PC\n\"1\xED\xA0\x80", 8,
                                        &picture->trace.host, NULL),
                     HT_OK);
    name_process(picture, HT_TIME_UNKNOWN, HT_TIME_UNKNOWN, "a\"b:c\x01\xFF.exe");
    write_alloc(picture, 500, 0x1000, 1);
    const char *text = finish(picture);
    expect_in(text, "{\"name\":\"a\\\"b:c\xEF\xBF\xBD\xEF\xBF\xBD.exe\"}");
    expect_in(text, "\"host\":\"PC\xEF\xBF\xBD\\\"1\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\",");
}

static void heaps_past_the_cap_count_in_their_process(void **state)
{
    struct picture *picture = *state;
    for (uint32_t heap = 0; heap < 1030; heap++) {
        struct ht_event event = {.kind = HT_KIND_ALLOC,
                                 .time_ns = heap,
                                 .pid = PID,
                                 .heap = 0x10000 + heap,
                                 .address = 16,
                                 .size = 10};
        struct ht_change change = {.kind = HT_CHANGE_BEGIN, .heap = heap, .size = 10};
        write_event(picture, &event, &change);
    }
    const char *text = finish(picture);
    expect_in(text, "\"heaps_kept\":1024,\"heaps_dropped\":6,");
    expect_in(text, "\"Heap activity live_bytes\",\"ts\":1.029,\"args\":{\"bytes\":10300}");
    expect_in(text, "\"Heap 0x10000 live_bytes\",");
    assert_null(strstr(text, "Heap 0x10400 ")); // the 1025th
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_trace_ends_properly, open_picture, close_picture),
        cmocka_unit_test_setup_teardown(a_small_trace_is_written_to_the_letter, open_picture,
                                        close_picture),
        cmocka_unit_test_setup_teardown(negative_times_are_shifted_and_the_shift_is_told,
                                        open_picture, close_picture),
        cmocka_unit_test_setup_teardown(the_last_state_is_repeated_at_the_end_of_the_trace,
                                        open_picture, close_picture),
        cmocka_unit_test_setup_teardown(reallocs_are_named_by_what_they_did, open_picture,
                                        close_picture),
        cmocka_unit_test_setup_teardown(a_pid_used_twice_has_the_name_it_had_at_its_events,
                                        open_picture, close_picture),
        cmocka_unit_test_setup_teardown(a_process_told_of_only_at_the_end_has_its_name,
                                        open_picture, close_picture),
        cmocka_unit_test_setup_teardown(the_memory_behind_a_heap_has_counters, open_picture,
                                        close_picture),
        cmocka_unit_test_setup_teardown(threads_that_are_not_known_have_a_name, open_picture,
                                        close_picture),
        cmocka_unit_test_setup_teardown(threads_have_their_names, open_picture, close_picture),
        cmocka_unit_test_setup_teardown(names_are_escaped, open_picture, close_picture),
        cmocka_unit_test_setup_teardown(heaps_past_the_cap_count_in_their_process, open_picture,
                                        close_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
