// SPDX-License-Identifier: MIT
#include "formats/tsv.h"
#include "formats/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADER HT_TSV_HEADER "\n"

enum { EVENTS_MAX = 64 };

static struct ht_trace trace;
static struct ht_error error;
static struct ht_event events[EVENTS_MAX];
static size_t event_count;
static struct ht_buffer written;

static int open_trace(void **state)
{
    (void)state;
    event_count = 0;
    written = ht_buffer_with_limit(64 << 20);
    return ht_trace_init(&trace, NULL) == HT_OK ? 0 : -1;
}

static int close_trace(void **state)
{
    (void)state;
    ht_buffer_reset(&written);
    ht_trace_reset(&trace);
    return 0;
}

// Reads `size` bytes and writes every event again into `written`; keeps the first events. With
// `is_stored` the writer is there, else the events are only read.
static enum ht_status copy(const char *text, size_t size, bool is_stored)
{
    struct ht_input *input = NULL;
    struct ht_output *output = NULL;
    struct ht_reader *reader = NULL;
    struct ht_writer *writer = NULL;
    assert_int_equal(ht_input_open_memory(text, size, "test.tsv", &input, NULL), HT_OK);
    enum ht_status status = ht_format_tsv.open_reader(input, &trace, &reader, &error);
    if (status != HT_OK) {
        assert_null(reader);
        ht_input_close(input);
        return status;
    }
    assert_int_equal(ht_output_open_memory(&written, &output, NULL), HT_OK);
    assert_int_equal(ht_format_tsv.open_writer(output, &trace, &writer, NULL), HT_OK);
    struct ht_event event;
    event_count = 0;
    while ((status = ht_reader_next(reader, &event, &error)) == HT_OK) {
        if (event_count < EVENTS_MAX)
            events[event_count] = event;
        event_count++;
        if (is_stored)
            assert_int_equal(writer->write(writer, &event, 1, NULL), HT_OK);
    }
    assert_int_equal(writer->finish(writer, NULL), HT_OK);
    writer->close(writer);
    reader->close(reader);
    ht_output_close(output);
    ht_input_close(input);
    return status;
}

static void read_text(const char *text)
{
    assert_int_equal(copy(text, strlen(text), false), HT_END);
}

static void assert_copied_as(const char *text, const char *expected)
{
    assert_int_equal(copy(text, strlen(text), true), HT_END);
    assert_int_equal(ht_buffer_append(&written, "", 1, NULL), HT_OK);
    assert_string_equal((const char *)written.data, expected);
}

static void assert_same_when_copied(const char *text)
{
    assert_copied_as(text, text);
}

static void every_column_is_read(void **state)
{
    (void)state;
    read_text(HEADER "-1234567\t8\t12\t3\trealloc\t0x1a0000\t0x7ffe0010\t4096\t0x7ffe8000\t512\t2"
                     "\t0x401000,ntdll.dll+0x1f\n");
    assert_int_equal(event_count, 1);
    assert_int_equal(events[0].time_ns, -1234567);
    assert_int_equal(events[0].pid, 8);
    assert_int_equal(events[0].tid, 12);
    assert_int_equal(events[0].cpu, 3);
    assert_int_equal(events[0].kind, HT_KIND_REALLOC);
    assert_int_equal(events[0].heap, 0x1a0000);
    assert_int_equal(events[0].address, 0x7ffe0010);
    assert_int_equal(events[0].size, 4096);
    assert_int_equal(events[0].old_address, 0x7ffe8000);
    assert_int_equal(events[0].old_size, 512);
    assert_int_equal(events[0].flags, 0);
    assert_int_equal(ht_event_source(&events[0]), 2);
    size_t count = 0;
    const struct ht_frame *frames = ht_dict_stack(trace.dict, ht_event_stack(&events[0]), &count);
    assert_int_equal(count, 2);
    assert_int_equal(frames[0].address, 0x401000);
    assert_int_equal(frames[0].module, 0);
    assert_int_equal(frames[1].address, 0x1f);
    assert_string_equal(ht_dict_string(trace.dict, frames[1].module, NULL), "ntdll.dll");
    assert_string_equal(trace.origin.format, "tsv");
    assert_false(trace.origin.is_folded);
    assert_true(trace.origin.start_unix_ns == HT_TIME_UNKNOWN);
}

static void what_is_unknown_is_empty(void **state)
{
    (void)state;
    const char *text = HEADER "0\t\t\t0\talloc\t0x1\t0x10\t8\t\t\t\t\n";
    assert_same_when_copied(text);
    assert_true(events[0].pid == UINT32_MAX);
    assert_true(events[0].tid == UINT32_MAX);
    assert_int_equal(ht_event_source(&events[0]), 0);
    assert_int_equal(ht_event_stack(&events[0]), 0);
}

static void extremes_survive(void **state)
{
    (void)state;
    assert_same_when_copied(
        HEADER "-9223372036854775808\t4294967294\t0\t65535\trealloc\t0xffffffffffffffff"
               "\t0xffffffffffffffff\t18446744073709551615\t0x0\t18446744073709551615\t255"
               "\t0x0,0xffffffffffffffff\n"
               "-1\t0\t4294967294\t0\talloc\t0x0\t0x0\t0\t\t\t1\t\n"
               "9223372036854775807\t1\t1\t9\tfree\t0xf\t0x10\t\t\t\t\t0x1\n");
    assert_true(events[0].time_ns == INT64_MIN);
    assert_true(events[2].time_ns == INT64_MAX);
    assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], 0);
}

static void every_kind_has_its_columns(void **state)
{
    (void)state;
    struct ht_output *output = NULL;
    struct ht_writer *writer = NULL;
    struct ht_buffer text = ht_buffer_with_limit(1 << 20);
    assert_int_equal(ht_output_open_memory(&text, &output, NULL), HT_OK);
    assert_int_equal(ht_format_tsv.open_writer(output, &trace, &writer, NULL), HT_OK);
    for (int kind = HT_KIND_NONE + 1; kind < HT_KIND_COUNT; kind++) {
        struct ht_event event = {.time_ns = kind,
                                 .pid = 4,
                                 .tid = 8,
                                 .heap = 0x1000,
                                 .address = 0x20,
                                 .size = 30,
                                 .old_address = 0x40,
                                 .old_size = 50,
                                 .kind = (uint8_t)kind};
        ht_event_set_source(&event, 6);
        assert_int_equal(writer->write(writer, &event, 1, NULL), HT_OK);
    }
    assert_int_equal(writer->finish(writer, NULL), HT_OK);
    assert_null(writer->change);
    writer->close(writer);
    ht_output_close(output);
    assert_int_equal(copy((const char *)text.data, text.size, true), HT_END);
    assert_int_equal(event_count, HT_KIND_COUNT - 1);
    assert_int_equal(written.size, text.size);
    assert_memory_equal(written.data, text.data, text.size);
    ht_buffer_reset(&text);
    for (int kind = HT_KIND_NONE + 1; kind < HT_KIND_COUNT; kind++) {
        const struct ht_event *event = &events[kind - 1];
        unsigned fields = ht_kind_fields((enum ht_kind)kind);
        assert_int_equal(event->kind, kind);
        assert_int_equal(event->address, (fields & HT_FIELD_ADDRESS) != 0 ? 0x20 : 0);
        assert_int_equal(event->size, (fields & HT_FIELD_SIZE) != 0 ? 30 : 0);
        assert_int_equal(event->old_address, (fields & HT_FIELD_OLD) != 0 ? 0x40 : 0);
        assert_int_equal(event->old_size, (fields & HT_FIELD_OLD) != 0 ? 50 : 0);
        assert_int_equal(ht_event_source(event), (fields & HT_FIELD_SOURCE) != 0 ? 6 : 0);
    }
}

static void module_names_with_any_byte_survive(void **state)
{
    (void)state;
    assert_same_when_copied(HEADER "0\t1\t1\t0\tlock\t0x1\t\t\t\t\t\ta%2Cb%25c%2B%09%0Ad e\xC3\xA9"
                                   "+0x1,0x10+0x2\n");
    size_t count = 0;
    const struct ht_frame *frames = ht_dict_stack(trace.dict, ht_event_stack(&events[0]), &count);
    assert_int_equal(count, 2);
    assert_string_equal(ht_dict_string(trace.dict, frames[0].module, NULL),
                        "a,b%c+\t\nd e\xC3\xA9");
    assert_string_equal(ht_dict_string(trace.dict, frames[1].module, NULL), "0x10");
    assert_int_equal(frames[1].address, 2);
}

static void windows_line_ends_and_a_missing_last_newline_are_read(void **state)
{
    (void)state;
    assert_copied_as(HT_TSV_HEADER "\r\n1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t\r\n"
                                   "2\t1\t1\t0\tunlock\t0x1\t\t\t\t\t\t",
                     HEADER "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t\n"
                            "2\t1\t1\t0\tunlock\t0x1\t\t\t\t\t\t\n");
    assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], 0);
}

static void upper_case_digits_and_needless_columns_are_read(void **state)
{
    (void)state;
    assert_copied_as(HEADER "1\t1\t1\t0\tfree\t0xAB\t0xCDe\t77\twhat\tever\t300\t0x0A\n",
                     HEADER "1\t1\t1\t0\tfree\t0xab\t0xcde\t\t\t\t255\t0xa\n");
}

static void a_bad_line_is_counted_where_it_is_and_skipped(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t\t",
        "\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t",
        "-\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t",
        "+1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t",
        "9223372036854775808\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t",
        "-9223372036854775809\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t",
        "1\t4294967296\t1\t0\tlock\t0x1\t\t\t\t\t\t",
        "1\t1\t1x\t0\tlock\t0x1\t\t\t\t\t\t",
        "1\t1\t1\t65536\tlock\t0x1\t\t\t\t\t\t",
        "1\t1\t1\t\tlock\t0x1\t\t\t\t\t\t",
        "1\t1\t1\t0\t\t0x1\t\t\t\t\t\t",
        "1\t1\t1\t0\tLOCK\t0x1\t\t\t\t\t\t",
        "1\t1\t1\t0\t?\t0x1\t\t\t\t\t\t",
        "1\t1\t1\t0\tlock\t\t\t\t\t\t\t",
        "1\t1\t1\t0\tlock\t11\t\t\t\t\t\t",
        "1\t1\t1\t0\tlock\t0x\t\t\t\t\t\t",
        "1\t1\t1\t0\tlock\t0x11111111111111111\t\t\t\t\t\t",
        "1\t1\t1\t0\talloc\t0x1\t\t8\t\t\t\t",
        "1\t1\t1\t0\talloc\t0x1\t0x10\t\t\t\t\t",
        "1\t1\t1\t0\talloc\t0x1\t0x10\t18446744073709551616\t\t\t\t",
        "1\t1\t1\t0\trealloc\t0x1\t0x10\t8\t\t\t\t",
        "1\t1\t1\t0\trealloc\t0x1\t0x10\t8\t0x10\t\t\t",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t0x1,",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t,0x1",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t0x1 ",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t0x1,a+",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\ta",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t+0x1",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\ta%2+0x1",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\ta%zz+0x1",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\ta%00+0x1",
        "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\ta+b+0x1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s\n5\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t\n", HEADER, bad[i]);
        trace.damage_count = 0;
        read_text(text);
        assert_int_equal(event_count, 1);
        assert_int_equal(events[0].time_ns, 5);
        assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], i + 1);
        assert_int_equal(trace.damage[0].offset, sizeof HEADER - 1);
    }
}

static void a_line_that_goes_back_in_time_is_counted_and_kept(void **state)
{
    (void)state;
    const char *text = HEADER "9\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t\n"
                              "8\t1\t1\t0\tunlock\t0x1\t\t\t\t\t\t\n";
    assert_same_when_copied(text);
    assert_int_equal(trace.loss[HT_LOSS_TIME_BACK], 1);
}

static void another_header_fails_and_says_what_is_there(void **state)
{
    (void)state;
    const char *text = "time_ns\tpid\ttid\tcpu\tkind\n1\n";
    assert_int_equal(copy(text, strlen(text), false), HT_FORMAT);
    assert_non_null(strstr(error.text, "test.tsv"));
    assert_non_null(strstr(error.text, "found \"time_ns pid tid cpu kind\""));
    assert_int_equal(copy("", 0, false), HT_FORMAT);
    text = HT_TSV_HEADER "\textra\n";
    assert_int_equal(copy(text, strlen(text), false), HT_FORMAT);
}

// A text of the header, `size` times the letter x, and a good line.
static char *make_long(size_t size, size_t *whole)
{
    static const char tail[] = "\n7\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t\n";
    char *text = malloc(sizeof HEADER + size + sizeof tail);
    assert_non_null(text);
    memcpy(text, HEADER, sizeof HEADER - 1);
    memset(text + sizeof HEADER - 1, 'x', size);
    memcpy(text + sizeof HEADER - 1 + size, tail, sizeof tail - 1);
    *whole = sizeof HEADER - 1 + size + sizeof tail - 1;
    return text;
}

static void a_line_of_any_length_is_one_damage(void **state)
{
    (void)state;
    static const size_t sizes[] = {HT_TEXT_LINE_MAX - 1, HT_TEXT_LINE_MAX, 4 * HT_TEXT_LINE_MAX,
                                   1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = 0;
        char *text = make_long(sizes[i], &size);
        assert_int_equal(copy(text, size, false), HT_END);
        assert_int_equal(event_count, 1);
        assert_int_equal(events[0].time_ns, 7);
        assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], i + 1);
        free(text);
    }
    size_t size = 0;
    char *text = make_long(1 << 20, &size);
    memset(text, 'y', sizeof HEADER - 1);
    assert_int_equal(copy(text, size, false), HT_FORMAT);
    free(text);
}

static void the_longest_line_is_read_and_one_longer_is_not(void **state)
{
    (void)state;
    static const char start[] = "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t";
    for (size_t length = HT_TEXT_LINE_MAX - 1; length <= HT_TEXT_LINE_MAX; length++) {
        size_t size = 0;
        char *text = make_long(length, &size);
        char *line = text + sizeof HEADER - 1;
        memcpy(line, start, sizeof start - 1);
        memcpy(line + length - 4, "+0x2", 4);
        assert_int_equal(copy(text, size, false), HT_END);
        assert_int_equal(event_count, length < HT_TEXT_LINE_MAX ? 2 : 1);
        free(text);
    }
}

static void many_lines_are_copied_byte_for_byte(void **state)
{
    (void)state;
    struct ht_buffer text = ht_buffer_with_limit(16 << 20);
    assert_int_equal(ht_buffer_append(&text, HEADER, sizeof HEADER - 1, NULL), HT_OK);
    for (uint64_t i = 0; i < 20000; i++) {
        char line[256];
        int size = snprintf(line, sizeof line,
                            "%llu\t%llu\t3\t0\talloc\t0x%llx\t0x%llx\t%llu\t\t\t1\tm%llu+0x%llx\n",
                            (unsigned long long)i * 99, (unsigned long long)i % 7,
                            (unsigned long long)i % 11, (unsigned long long)(i << i % 40),
                            (unsigned long long)(i << i % 30), (unsigned long long)i % 5,
                            (unsigned long long)i % 13);
        assert_int_equal(ht_buffer_append(&text, line, (size_t)size, NULL), HT_OK);
    }
    assert_true(text.size > 4 * HT_TEXT_LINE_MAX);
    assert_int_equal(copy((const char *)text.data, text.size, true), HT_END);
    assert_int_equal(event_count, 20000);
    assert_int_equal(written.size, text.size);
    assert_memory_equal(written.data, text.data, text.size);
    size_t whole = text.size;
    assert_int_equal(ht_buffer_append(&text, "bad", 3, NULL), HT_OK);
    assert_int_equal(copy((const char *)text.data, text.size, false), HT_END);
    assert_int_equal(trace.damage_count, 1);
    assert_int_equal(trace.damage[0].offset, whole);
    ht_buffer_reset(&text);
}

// Frames whose names would not fit in a line: the outer ones are left out, and what is written
// can be read again.
static void a_stack_is_cut_to_the_longest_line(void **state)
{
    (void)state;
    static char name[10000];
    memset(name, ',', sizeof name);
    struct ht_frame frames[8] = {{0, 0}};
    for (uint32_t i = 0; i < 8; i++)
        frames[i].address = 1 + i;
    assert_int_equal(ht_dict_add_string(trace.dict, name, sizeof name, &frames[1].module, NULL),
                     HT_OK);
    frames[3].module = frames[5].module = frames[1].module;
    uint32_t stack = 0;
    assert_int_equal(ht_dict_add_stack(trace.dict, frames, 8, &stack, NULL), HT_OK);
    struct ht_output *output = NULL;
    struct ht_writer *writer = NULL;
    struct ht_buffer text = ht_buffer_with_limit(1 << 20);
    assert_int_equal(ht_output_open_memory(&text, &output, NULL), HT_OK);
    assert_int_equal(ht_format_tsv.open_writer(output, &trace, &writer, NULL), HT_OK);
    struct ht_event event = {.kind = HT_KIND_LOCK, .heap = 1};
    ht_event_set_stack(&event, stack);
    assert_int_equal(writer->write(writer, &event, 1, NULL), HT_OK);
    assert_int_equal(writer->finish(writer, NULL), HT_OK);
    writer->close(writer);
    ht_output_close(output);
    assert_int_equal(copy((const char *)text.data, text.size, true), HT_END);
    assert_int_equal(event_count, 1);
    size_t count = 0;
    assert_non_null(ht_dict_stack(trace.dict, ht_event_stack(&events[0]), &count));
    assert_int_equal(count, 5);
    assert_int_equal(written.size, text.size);
    assert_memory_equal(written.data, text.data, text.size);
    ht_buffer_reset(&text);
}

static void frames_past_the_cap_are_dropped(void **state)
{
    (void)state;
    char text[8192] = HEADER "1\t1\t1\t0\tlock\t0x1\t\t\t\t\t\t0x0";
    size_t length = strlen(text);
    for (int i = 1; i < HT_DICT_FRAMES_MAX + 10; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, ",0x%x", (unsigned)i);
    read_text(text);
    size_t count = 0;
    const struct ht_frame *frames = ht_dict_stack(trace.dict, ht_event_stack(&events[0]), &count);
    assert_int_equal(count, HT_DICT_FRAMES_MAX);
    assert_int_equal(frames[count - 1].address, HT_DICT_FRAMES_MAX - 1);
    assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], 0);
}

static void only_its_own_first_bytes_taste_of_it(void **state)
{
    (void)state;
    assert_true(ht_format_tsv.taste((const uint8_t *)HEADER, sizeof HEADER - 1));
    assert_false(ht_format_tsv.taste((const uint8_t *)HEADER, 6));
    assert_false(ht_format_tsv.taste((const uint8_t *)"time ns\t", 8));
    assert_ptr_equal(ht_format_by_name("tsv"), &ht_format_tsv);
    assert_ptr_equal(ht_format_by_path("a/b.tsv"), &ht_format_tsv);
}

#define TSV_TEST(test) cmocka_unit_test_setup_teardown(test, open_trace, close_trace)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TSV_TEST(every_column_is_read),
        TSV_TEST(what_is_unknown_is_empty),
        TSV_TEST(extremes_survive),
        TSV_TEST(every_kind_has_its_columns),
        TSV_TEST(module_names_with_any_byte_survive),
        TSV_TEST(windows_line_ends_and_a_missing_last_newline_are_read),
        TSV_TEST(upper_case_digits_and_needless_columns_are_read),
        TSV_TEST(a_bad_line_is_counted_where_it_is_and_skipped),
        TSV_TEST(a_line_that_goes_back_in_time_is_counted_and_kept),
        TSV_TEST(another_header_fails_and_says_what_is_there),
        TSV_TEST(a_line_of_any_length_is_one_damage),
        TSV_TEST(the_longest_line_is_read_and_one_longer_is_not),
        TSV_TEST(many_lines_are_copied_byte_for_byte),
        TSV_TEST(a_stack_is_cut_to_the_longest_line),
        TSV_TEST(frames_past_the_cap_are_dropped),
        TSV_TEST(only_its_own_first_bytes_taste_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
