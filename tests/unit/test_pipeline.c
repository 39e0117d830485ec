// SPDX-License-Identifier: MIT
#include "convert/pipeline.h"
#include "formats/tsv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADER HT_TSV_HEADER "\n"

// A block that moves, as it is logged, and as it is folded.
#define MOVED_BEFORE "10\t4\t1\t0\talloc\t0x1\t0x10\t8\t\t\t\t\n"
#define MOVED_REALLOC "40\t4\t1\t0\trealloc\t0x1\t0x20\t16\t0x10\t8\t\t\n"
#define MOVED_RAW                                                                                  \
    HEADER MOVED_BEFORE "20\t4\t1\t0\talloc\t0x1\t0x20\t16\t\t\t\t\n"                              \
                        "30\t4\t1\t0\tfree\t0x1\t0x10\t\t\t\t\t\n" MOVED_REALLOC
#define MOVED_FOLDED HEADER MOVED_BEFORE MOVED_REALLOC

static struct ht_buffer written;
static struct ht_error error;
static uint64_t events;

static int empty(void **state)
{
    (void)state;
    written = ht_buffer_with_limit(64 << 20);
    return 0;
}

static int release(void **state)
{
    (void)state;
    ht_buffer_reset(&written);
    return 0;
}

static enum ht_status open_text(struct ht_stream *stream, const char *text, size_t size,
                                bool is_raw)
{
    struct ht_input *input = NULL;
    assert_int_equal(ht_input_open_memory(text, size, "text", &input, NULL), HT_OK);
    return ht_stream_over(stream, input, is_raw, &error);
}

static enum ht_status convert(struct ht_stream *stream, const struct ht_format *format,
                              const struct ht_progress *progress)
{
    struct ht_output *output = NULL;
    assert_int_equal(ht_output_open_memory(&written, &output, NULL), HT_OK);
    struct ht_target target = {.format = format, .output = output};
    enum ht_status status = ht_convert(stream, &target, progress, &events, &error);
    ht_output_close(output);
    return status;
}

static void assert_converted(const char *text, bool is_raw, const char *expected)
{
    struct ht_stream stream = {0};
    assert_int_equal(open_text(&stream, text, strlen(text), is_raw), HT_OK);
    assert_int_equal(stream.trace.origin.is_folded, !is_raw);
    assert_ptr_equal(stream.format, &ht_format_tsv);
    assert_int_equal(convert(&stream, &ht_format_tsv, NULL), HT_OK);
    ht_stream_close(&stream);
    ht_stream_close(&stream);
    assert_int_equal(written.size, strlen(expected));
    assert_memory_equal(written.data, expected, written.size);
}

static void moved_reallocs_are_folded(void **state)
{
    (void)state;
    assert_converted(MOVED_RAW, false, MOVED_FOLDED);
    assert_int_equal(events, 2);
}

static void raw_events_stay_as_they_are(void **state)
{
    (void)state;
    assert_converted(MOVED_RAW, true, MOVED_RAW);
    assert_int_equal(events, 4);
}

static void an_empty_trace_converts(void **state)
{
    (void)state;
    assert_converted(HEADER, false, HEADER);
    assert_int_equal(events, 0);
}

static void what_cannot_be_opened_leaves_nothing_open(void **state)
{
    (void)state;
    struct ht_stream stream = {0};
    assert_int_equal(ht_stream_open(&stream, "/no/such/file", false, &error), HT_IO);
    assert_null(stream.input);
    assert_int_equal(open_text(&stream, "PK\3\4", 4, false), HT_FORMAT);
    assert_null(stream.input);
    assert_int_equal(open_text(&stream, "time_ns what\n", 13, false), HT_FORMAT);
    assert_null(stream.reader);
    ht_stream_close(&stream);
}

// A format whose writer takes changes: it writes a letter an event and a letter a change.
struct letters {
    struct ht_writer writer;
    struct ht_output *output;
};

static enum ht_status write_event(struct ht_writer *self, const struct ht_event *event,
                                  size_t count, struct ht_error *failure)
{
    struct letters *letters = (struct letters *)self;
    assert_int_equal(count, 1); // it takes changes
    return ht_output_write(letters->output, ht_kind_name(event->kind), 1, failure);
}

static enum ht_status write_change(struct ht_writer *self, const struct ht_change *change,
                                   struct ht_error *failure)
{
    struct letters *letters = (struct letters *)self;
    if (change->address == 0x66)
        return ht_fail(failure, HT_LIMIT, "not this one");
    return ht_output_write(letters->output, &"BRE"[change->kind], 1, failure);
}

static enum ht_status write_end(struct ht_writer *self, struct ht_error *failure)
{
    return ht_output_write(((struct letters *)self)->output, ".", 1, failure);
}

static void close_letters(struct ht_writer *self)
{
    free(self);
}

static enum ht_status open_letters(struct ht_output *output, const struct ht_trace *trace,
                                   struct ht_writer **writer, struct ht_error *failure)
{
    (void)trace;
    struct letters *letters = malloc(sizeof *letters);
    if (letters == NULL)
        return ht_fail_memory(failure, "letters");
    *letters = (struct letters){.writer = {.write = write_event,
                                           .change = write_change,
                                           .finish = write_end,
                                           .close = close_letters},
                                .output = output};
    *writer = &letters->writer;
    return HT_OK;
}

static const struct ht_format letters_format = {.name = "letters", .open_writer = open_letters};

static void a_writer_gets_the_changes_behind_their_event(void **state)
{
    (void)state;
    static const char text[] = HEADER "1\t4\t1\t0\talloc\t0x1\t0x10\t8\t\t\t\t\n"
                                      "2\t4\t1\t0\tlock\t0x1\t\t\t\t\t\t\n"
                                      "3\t4\t1\t0\trealloc\t0x1\t0x30\t8\t0x20\t8\t\t\n"
                                      "4\t4\t1\t0\tfree\t0x1\t0x10\t\t\t\t\t\n"
                                      "5\t4\t1\t0\tdestroy\t0x1\t\t\t\t\t\t\n";
    struct ht_stream stream = {0};
    assert_int_equal(open_text(&stream, text, sizeof text - 1, false), HT_OK);
    assert_int_equal(convert(&stream, &letters_format, NULL), HT_OK);
    ht_stream_close(&stream);
    assert_int_equal(written.size, 11);
    assert_memory_equal(written.data, "aBlrBRfEdE.", 11);
}

static void a_writer_that_fails_ends_the_conversion(void **state)
{
    (void)state;
    static const char text[] = HEADER "1\t4\t1\t0\talloc\t0x1\t0x10\t8\t\t\t\t\n"
                                      "2\t4\t1\t0\talloc\t0x1\t0x66\t8\t\t\t\t\n"
                                      "3\t4\t1\t0\tlock\t0x1\t\t\t\t\t\t\n";
    struct ht_stream stream = {0};
    assert_int_equal(open_text(&stream, text, sizeof text - 1, false), HT_OK);
    assert_int_equal(convert(&stream, &letters_format, NULL), HT_LIMIT);
    ht_stream_close(&stream);
    assert_string_equal(error.text, "not this one");
    assert_int_equal(events, 1);
    assert_memory_equal(written.data, "aBa", written.size);
}

static void the_end_of_a_heap_gives_all_its_blocks_to_the_writer(void **state)
{
    (void)state;
    enum { BLOCKS = 1000 };
    static const char tail[] = "9\t4\t1\t0\tdestroy\t0x1\t\t\t\t\t\t\n"
                               "9\t4\t1\t0\tlock\t0x1\t\t\t\t\t\t\n";
    struct ht_buffer text = ht_buffer_with_limit(1 << 20);
    assert_int_equal(ht_buffer_append(&text, HEADER, sizeof HEADER - 1, NULL), HT_OK);
    for (int i = 1; i <= BLOCKS; i++) {
        char line[64];
        int length = snprintf(line, sizeof line, "1\t4\t1\t0\talloc\t0x1\t0x%x0\t8\t\t\t\t\n", i);
        assert_int_equal(ht_buffer_append(&text, line, (size_t)length, NULL), HT_OK);
    }
    assert_int_equal(ht_buffer_append(&text, tail, sizeof tail - 1, NULL), HT_OK);
    struct ht_stream stream = {0};
    assert_int_equal(open_text(&stream, (const char *)text.data, text.size, false), HT_OK);
    assert_int_equal(convert(&stream, &letters_format, NULL), HT_OK);
    ht_stream_close(&stream);
    ht_buffer_reset(&text);
    assert_int_equal(events, BLOCKS + 2);
    assert_int_equal(written.size, 2 * BLOCKS + 1 + BLOCKS + 2);
    for (size_t i = 0; i < BLOCKS; i++)
        assert_memory_equal(written.data + 2 * i, "aB", 2);
    assert_int_equal(written.data[2 * BLOCKS], 'd');
    for (size_t i = 0; i < BLOCKS; i++)
        assert_int_equal(written.data[2 * BLOCKS + 1 + i], 'E');
    assert_memory_equal(written.data + 3 * BLOCKS + 1, "l.", 2);
}

static void count_tellings(void *context, const struct ht_stream *stream, uint64_t told)
{
    uint64_t *tellings = context;
    ++*tellings;
    assert_non_null(stream->reader);
    assert_int_equal(told, *tellings * 65536);
}

static void progress_is_told_every_65536_events(void **state)
{
    (void)state;
    static const char line[] = "1\t4\t1\t0\tlock\t0x1\t\t\t\t\t\t\n";
    struct ht_buffer text = ht_buffer_with_limit(16 << 20);
    assert_int_equal(ht_buffer_append(&text, HEADER, sizeof HEADER - 1, NULL), HT_OK);
    for (int i = 0; i < 140000; i++)
        assert_int_equal(ht_buffer_append(&text, line, sizeof line - 1, NULL), HT_OK);
    struct ht_stream stream = {0};
    assert_int_equal(open_text(&stream, (const char *)text.data, text.size, false), HT_OK);
    uint64_t tellings = 0;
    struct ht_progress progress = {count_tellings, &tellings};
    assert_int_equal(convert(&stream, &ht_format_tsv, &progress), HT_OK);
    ht_stream_close(&stream);
    assert_int_equal(tellings, 2);
    assert_int_equal(events, 140000);
    assert_int_equal(written.size, text.size);
    ht_buffer_reset(&text);
}

#define PIPELINE_TEST(test) cmocka_unit_test_setup_teardown(test, empty, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIPELINE_TEST(moved_reallocs_are_folded),
        PIPELINE_TEST(raw_events_stay_as_they_are),
        PIPELINE_TEST(an_empty_trace_converts),
        PIPELINE_TEST(what_cannot_be_opened_leaves_nothing_open),
        PIPELINE_TEST(a_writer_gets_the_changes_behind_their_event),
        PIPELINE_TEST(a_writer_that_fails_ends_the_conversion),
        PIPELINE_TEST(the_end_of_a_heap_gives_all_its_blocks_to_the_writer),
        PIPELINE_TEST(progress_is_told_every_65536_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
