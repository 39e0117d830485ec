// SPDX-License-Identifier: MIT
//
// The writer against records of the format's description, byte for byte, and the container's
// promises: order, flags, totals, cuts.
#include "fixtures/etl_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PID = 4242, TID = 4243, BUFFER_SIZE = 0x2000 };

static const uint64_t T0 = 1000000000;

static struct ht_etl_options usual_options(void)
{
    return (struct ht_etl_options){
        .pointer_size = 8,
        .windows = HT_ETL_WINDOWS_10,
        .buffer_size = BUFFER_SIZE,
        .cpu_count = 2,
        .clock = HT_ETL_CLOCK_QPC,
        .clock_hz = 10000000,
        .start_filetime = 0x01D4F54CF65A0000,
    };
}

// A file in memory and the writer that fills it.
struct file {
    struct ht_buffer bytes;
    struct ht_output *output;
    struct ht_etl_writer *writer;
    struct ht_error error;
};

static void file_open(struct file *file, const struct ht_etl_options *options,
                      const struct ht_etl_totals *totals)
{
    file->bytes = ht_buffer_with_limit(1 << 20);
    assert_int_equal(ht_output_open_memory(&file->bytes, &file->output, &file->error), HT_OK);
    assert_int_equal(ht_etl_writer_open(options, totals, file->output, &file->writer, &file->error),
                     HT_OK);
}

static void file_finish(struct file *file)
{
    struct ht_etl_totals totals;
    assert_int_equal(ht_etl_writer_finish(file->writer, &totals, &file->error), HT_OK);
    ht_etl_writer_close(file->writer);
    assert_int_equal(ht_output_commit(file->output, &file->error), HT_OK);
    ht_output_close(file->output);
}

// The bytes as hex digits, for comparing with text. Valid until the next call.
static const char *hex(const uint8_t *bytes, size_t size)
{
    static char text[1024];
    assert_true(2 * size < sizeof text);
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned)bytes[i]);
    text[2 * size] = '\0';
    return text;
}

static struct ht_event usual_event(enum ht_kind kind, uint64_t address, uint64_t size)
{
    struct ht_event event = {.pid = PID,
                             .tid = TID,
                             .heap = 0x1F0000,
                             .address = address,
                             .size = size,
                             .kind = (uint8_t)kind};
    ht_event_set_source(&event, 3);
    return event;
}

static void put(struct file *file, uint64_t stamp, const struct ht_event *event,
                const uint64_t *details, size_t count)
{
    struct ht_etl_shape shape = {.form = HT_ETL_FORM_SYSTEM};
    assert_int_equal(
        ht_etl_put_event(file->writer, &shape, stamp, event, details, count, &file->error), HT_OK);
}

static void log_header_is_the_verified_one(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    struct ht_etl_totals totals = {.buffer_count = 3, .last_stamp = T0 + 10000000, .cpu_count = 2};
    struct file file;
    file_open(&file, &options, &totals);
    file_finish(&file);
    const uint8_t *data = file.bytes.data;
    assert_int_equal(file.bytes.size, BUFFER_SIZE);
    assert_string_equal(hex(data, 0x48), "00200000b0010000b001000000000000"
                                         "00000000000000000000000000000000"
                                         "00000000000000000000010003000000"
                                         "b0010000210004000000000000000000"
                                         "0000000000000000");
    assert_string_equal(hex(data + 0x48, 0x68), "020002c0680100000800000004000000"
                                                "00ca9a3b000000000000000000000000"
                                                "002000000a000105654a000002000000"
                                                "8096f2f64cf5d4015a62020000000000"
                                                "01000000030000000100000008000000"
                                                "00000000b80b00000a00000000000000"
                                                "0700000000000000");
    for (size_t at = 0xB0; at < 0x160; at++)
        assert_int_equal(data[at], 0); // UTC
    assert_string_equal(hex(data + 0x160, 0x20), "0036bfba4cf5d4018096980000000000"
                                                 "00005af64cf5d4010100000000000000");
    static const char names[] = "H\0e\0a\0p\0S\0e\0s\0s\0i\0o\0n\0\0\0"
                                "C\0:\0\\\0h\0e\0a\0p\0.\0e\0t\0l\0\0";
    assert_int_equal(sizeof names, 0x30);
    assert_memory_equal(data + 0x180, names, sizeof names);
    for (size_t at = 0x1B0; at < BUFFER_SIZE; at++)
        assert_int_equal(data[at], 0xFF);
    ht_buffer_reset(&file.bytes);
}

static void log_header_of_a_narrow_session_is_shorter(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    options.pointer_size = 4;
    options.clock = HT_ETL_CLOCK_CYCLES;
    options.clock_hz = 2400000000;
    struct ht_etl_totals totals = {
        .buffer_count = 1, .cpu_count = 2, .events_lost = 5, .buffers_lost = 6};
    struct file file;
    file_open(&file, &options, &totals);
    file_finish(&file);
    const uint8_t *payload = file.bytes.data + 0x68;
    assert_int_equal(ht_load32(file.bytes.data + 0x48), 0xC0010002);
    assert_int_equal(ht_load16(file.bytes.data + 0x4C), 0x20 + 0x110 + 0x30);
    assert_int_equal(ht_load32(payload + 0x2C), 4);
    assert_int_equal(ht_load32(payload + 0x30), 5);
    assert_int_equal(ht_load32(payload + 0x34), 2400);
    assert_true(ht_load64(payload + 0xF8) == 10000000);
    assert_true(ht_load64(payload + 0x100) == options.start_filetime);
    assert_int_equal(ht_load32(payload + 0x108), HT_ETL_CLOCK_CYCLES);
    assert_int_equal(ht_load32(payload + 0x10C), 6);
    assert_int_equal(payload[0x110], 'H');
    ht_buffer_reset(&file.bytes);
}

// The first record of the first data buffer after one event was put.
static const uint8_t *record_of(struct file *file)
{
    file_finish(file);
    assert_int_equal(file->bytes.size, 2 * BUFFER_SIZE);
    return file->bytes.data + BUFFER_SIZE + HT_ETL_BUFFER_HEADER_SIZE;
}

static void check_event(uint64_t stamp, const struct ht_event *event, const uint64_t *details,
                        size_t count, const char *expected)
{
    struct ht_etl_options options = usual_options();
    struct ht_etl_totals totals = {.buffer_count = 2};
    struct file file;
    file_open(&file, &options, &totals);
    put(&file, stamp, event, details, count);
    const uint8_t *record = record_of(&file);
    assert_string_equal(hex(record, strlen(expected) / 2), expected);
    assert_int_equal(ht_load16(record + 4), strlen(expected) / 2);
    ht_buffer_reset(&file.bytes);
}

static void create_is_the_verified_record(void **state)
{
    (void)state;
    const uint64_t details[] = {2, 0x100000, 0};
    struct ht_event event = usual_event(HT_KIND_CREATE, 0, 0x1000);
    check_event(T0 + 200, &event, details, 3,
                "030002c0440020109310000092100000c8ca9a3b000000000000000000000000"
                "00001f0000000000020000000000100000000000001000000000000000000000"
                "00000000");
}

static void alloc_is_the_verified_record(void **state)
{
    (void)state;
    struct ht_event event = usual_event(HT_KIND_ALLOC, 0x1F1000, 0x40);
    check_event(T0 + 300, &event, NULL, 0,
                "020002c03c00211093100000921000002ccb9a3b000000000000000000000000"
                "00001f0000000000400000000000000000101f000000000003000000");
}

static void realloc_is_the_verified_record(void **state)
{
    (void)state;
    struct ht_event event = usual_event(HT_KIND_REALLOC, 0x1F2000, 0x80);
    event.old_address = 0x1F1000;
    event.old_size = 0x40;
    check_event(T0 + 400, &event, NULL, 0,
                "020002c04c002210931000009210000090cb9a3b000000000000000000000000"
                "00001f000000000000201f000000000000101f00000000008000000000000000"
                "400000000000000003000000");
}

static void free_is_the_verified_record(void **state)
{
    (void)state;
    struct ht_event event = usual_event(HT_KIND_FREE, 0x1F2000, 0);
    check_event(T0 + 500, &event, NULL, 0,
                "020002c0340024109310000092100000f4cb9a3b000000000000000000000000"
                "00001f000000000000201f000000000003000000");
}

static void alloc_of_narrow_code_is_the_verified_record(void **state)
{
    (void)state;
    struct ht_event event = usual_event(HT_KIND_ALLOC, 0x4F1000, 0x10);
    event.heap = 0x4F0000;
    event.flags = HT_FLAG_POINTER32;
    ht_event_set_source(&event, 2);
    check_event(T0 + 600, &event, NULL, 0,
                "020001c030002110931000009210000058cc9a3b000000000000000000000000"
                "00004f001000000000104f0002000000");
}

static void destroy_is_the_verified_record(void **state)
{
    (void)state;
    struct ht_event event = usual_event(HT_KIND_DESTROY, 0, 0);
    check_event(T0 + 700, &event, NULL, 0,
                "020002c0280023109310000092100000bccc9a3b000000000000000000000000"
                "00001f0000000000");
}

static void process_is_the_verified_record(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    struct ht_etl_totals totals = {.buffer_count = 2};
    struct ht_etl_process process = {PID, 4, 0xFFFF800000001000, "app.exe", "app.exe /x", 0};
    struct file file;
    file_open(&file, &options, &totals);
    assert_int_equal(ht_etl_put_process(file.writer, 8, 0, T0 + 100, &process, &file.error), HT_OK);
    assert_string_equal(hex(record_of(&file), 114),
                        "040011c07200030364ca9a3b00000000"
                        "001000000080ffff9210000004000000010000000301000000a01a0000000000"
                        "00000000"
                        "01000000000000000000000000000000"
                        "010100000000000512000000"
                        "6170702e65786500"
                        "6100700070002e0065007800650020002f0078000000"
                        "00000000");
    ht_buffer_reset(&file.bytes);
}

static void stack_is_the_verified_record(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    struct ht_etl_totals totals = {.buffer_count = 2};
    const uint64_t frames[] = {0x7FF600001000, 0x7FF600002000};
    struct ht_etl_stack stack = {T0 + 300, PID, TID, frames, 2};
    struct file file;
    file_open(&file, &options, &totals);
    assert_int_equal(ht_etl_put_stack(file.writer, 8, 0, T0 + 301, &stack, &file.error), HT_OK);
    assert_string_equal(hex(record_of(&file), 48), "020011c0300020182dcb9a3b00000000"
                                                   "2ccb9a3b000000009210000093100000"
                                                   "00100000f67f000000200000f67f0000");
    ht_buffer_reset(&file.bytes);
}

static void value_too_wide_for_narrow_code_is_refused(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    struct ht_etl_writer *writer = NULL;
    struct ht_error error;
    assert_int_equal(ht_etl_writer_open(&options, NULL, NULL, &writer, &error), HT_OK);
    struct ht_etl_shape shape = {.form = HT_ETL_FORM_SYSTEM};
    struct ht_event event = usual_event(HT_KIND_FREE, 0x100000000, 0);
    event.flags = HT_FLAG_POINTER32;
    assert_int_equal(ht_etl_put_event(writer, &shape, T0, &event, NULL, 0, &error), HT_LIMIT);
    ht_etl_writer_close(writer);
}

// Puts `count` frees, one a tick, on two CPUs in turn; what the pass finds.
static struct ht_etl_totals put_frees(struct ht_etl_writer *writer, unsigned count)
{
    struct ht_etl_shape shape = {.form = HT_ETL_FORM_SYSTEM};
    struct ht_etl_totals totals;
    struct ht_error error;
    for (unsigned i = 0; i < count; i++) {
        struct ht_event event = usual_event(HT_KIND_FREE, 0x1F1000 + 0x10 * i, 0);
        event.cpu = i % 2;
        assert_int_equal(ht_etl_put_event(writer, &shape, T0 + i, &event, NULL, 0, &error), HT_OK);
    }
    assert_int_equal(ht_etl_writer_finish(writer, &totals, &error), HT_OK);
    return totals;
}

// Both passes over `count` frees.
static struct ht_etl_totals write_frees(const struct ht_etl_options *options, unsigned count,
                                        struct ht_buffer *bytes)
{
    struct ht_etl_writer *writer = NULL;
    struct ht_output *output = NULL;
    struct ht_error error;
    assert_int_equal(ht_etl_writer_open(options, NULL, NULL, &writer, &error), HT_OK);
    struct ht_etl_totals counted = put_frees(writer, count);
    ht_etl_writer_close(writer);
    *bytes = ht_buffer_with_limit(1 << 20);
    assert_int_equal(ht_output_open_memory(bytes, &output, &error), HT_OK);
    assert_int_equal(ht_etl_writer_open(options, &counted, output, &writer, &error), HT_OK);
    struct ht_etl_totals written = put_frees(writer, count);
    ht_etl_writer_close(writer);
    assert_int_equal(ht_output_commit(output, &error), HT_OK);
    ht_output_close(output);
    assert_true(written.buffer_count == counted.buffer_count);
    assert_true(written.last_stamp == counted.last_stamp);
    return counted;
}

static void counting_pass_finds_what_the_header_tells(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    options.buffer_size = 1024; // 17 frees each
    struct ht_buffer bytes;
    struct ht_etl_totals totals = write_frees(&options, 100, &bytes);
    assert_int_equal(totals.buffer_count, 1 + 2 * 3);
    assert_int_equal(bytes.size, 7 * 1024);
    assert_true(totals.last_stamp == T0 + 99);
    assert_int_equal(ht_load32(bytes.data + 0x68 + 0x24), 7);
    assert_true(ht_load64(bytes.data + 0x68 + 0x10) == options.start_filetime + 99);
    ht_buffer_reset(&bytes);
}

static uint64_t sequence_at(const struct ht_buffer *bytes, size_t buffer)
{
    return ht_load64(bytes->data + buffer * 1024 + HT_ETL_AT_SEQUENCE);
}

static uint64_t time_at(const struct ht_buffer *bytes, size_t buffer)
{
    return ht_load64(bytes->data + buffer * 1024 + HT_ETL_AT_TIME_STAMP);
}

static void buffers_of_cpus_take_turns(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    options.buffer_size = 1024;
    struct ht_buffer bytes;
    write_frees(&options, 100, &bytes);
    for (size_t i = 1; i < 7; i++) {
        const uint8_t *buffer = bytes.data + i * 1024;
        uint16_t flag = i == 6 ? 0x21 : 0x20;
        assert_int_equal(ht_load16(buffer + HT_ETL_AT_PROCESSOR), (i - 1) % 2);
        assert_int_equal(ht_load16(buffer + HT_ETL_AT_FLAG), flag);
        assert_true(sequence_at(&bytes, i) == i);
    }
    ht_buffer_reset(&bytes);
}

static void newest_buffers_come_first_in_a_snapshot(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    options.buffer_size = 1024;
    options.order = HT_ETL_NEWEST_FIRST;
    struct ht_buffer bytes;
    write_frees(&options, 100, &bytes);
    assert_int_equal(bytes.size, 7 * 1024);
    for (size_t i = 2; i < 7; i++)
        assert_true(time_at(&bytes, i) < time_at(&bytes, i - 1));
    ht_buffer_reset(&bytes);
}

static void circular_file_begins_in_its_newest_third(void **state)
{
    (void)state;
    static const uint64_t sequences[] = {5, 6, 1, 2, 3, 4};
    struct ht_etl_options options = usual_options();
    options.buffer_size = 1024;
    options.order = HT_ETL_CIRCULAR;
    struct ht_buffer bytes;
    write_frees(&options, 100, &bytes);
    for (size_t i = 0; i < 6; i++)
        assert_true(sequence_at(&bytes, i + 1) == sequences[i]);
    assert_int_equal(ht_load32(bytes.data + 0x68 + 0x20), HT_ETL_MODE_CIRCULAR);
    ht_buffer_reset(&bytes);
}

static void windows_7_leaves_the_header_buffer_without_length(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    options.windows = HT_ETL_WINDOWS_7;
    options.buffer_size = 1024;
    struct ht_buffer bytes;
    write_frees(&options, 100, &bytes);
    assert_int_equal(ht_load32(bytes.data + HT_ETL_AT_SAVED_OFFSET), 0);
    assert_int_equal(ht_load32(bytes.data + HT_ETL_AT_OFFSET), 0x1B0);
    assert_int_equal(ht_load16(bytes.data + HT_ETL_AT_FLAG), 1);
    assert_int_equal(ht_load16(bytes.data + 1024 + HT_ETL_AT_FLAG), 0);
    assert_int_equal(ht_load16(bytes.data + 2048 + HT_ETL_AT_PROCESSOR), 0x0801);
    assert_int_equal(bytes.data[0x6C], 6);
    assert_int_equal(bytes.data[0x6D], 1);
    ht_buffer_reset(&bytes);
}

static void cut_file_ends_within_its_last_buffer(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    options.buffer_size = 1024;
    options.is_cut = true;
    struct ht_buffer bytes;
    write_frees(&options, 100, &bytes);
    // 16 frees of 56 bytes in the last buffer: half of them, and a byte.
    assert_int_equal(bytes.size, 6 * 1024 + 0x48 + 16 * 56 / 2 + 1);
    ht_buffer_reset(&bytes);
}

static void compressed_buffers_follow_each_other_unaligned(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    options.packing = HT_ETL_COMPRESSED;
    struct ht_buffer bytes;
    struct ht_etl_totals totals = write_frees(&options, 400, &bytes);
    size_t at = ht_load32(bytes.data);
    assert_int_equal(at, 1024);
    assert_int_equal(bytes.data[0x6E], 2);
    assert_int_equal(ht_load32(bytes.data + 0x68 + 0x20), 0x04000001);
    size_t count = 1;
    for (; at < bytes.size; count++) {
        const uint8_t *buffer = bytes.data + at;
        assert_true((ht_load16(buffer + HT_ETL_AT_FLAG) & HT_ETL_FLAG_COMPRESSED) != 0);
        assert_true(ht_load32(buffer) < ht_load32(buffer + HT_ETL_AT_SAVED_OFFSET));
        at += ht_load32(buffer);
    }
    assert_int_equal(at, bytes.size);
    assert_true(count == totals.buffer_count);
    ht_buffer_reset(&bytes);
}

static void lost_buffer_is_counted_and_gone(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    struct ht_etl_writer *writer = NULL;
    struct ht_etl_totals totals;
    struct ht_error error;
    struct ht_etl_shape shape = {.form = HT_ETL_FORM_SYSTEM};
    struct ht_event event = usual_event(HT_KIND_FREE, 0x1F1000, 0);
    assert_int_equal(ht_etl_writer_open(&options, NULL, NULL, &writer, &error), HT_OK);
    ht_etl_writer_lose_buffer(writer, 1); // nothing in it
    assert_int_equal(ht_etl_put_event(writer, &shape, T0, &event, NULL, 0, &error), HT_OK);
    ht_etl_writer_lose_buffer(writer, 0);
    ht_etl_writer_lose_event(writer);
    assert_int_equal(ht_etl_writer_finish(writer, &totals, &error), HT_OK);
    ht_etl_writer_close(writer);
    assert_int_equal(totals.buffer_count, 1);
    assert_int_equal(totals.buffers_lost, 1);
    assert_int_equal(totals.events_lost, 1);
}

static void record_larger_than_a_buffer_is_refused(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    options.buffer_size = 1024;
    struct ht_etl_writer *writer = NULL;
    struct ht_error error;
    uint64_t details[3 + 128] = {0};
    struct ht_etl_shape shape = {.form = HT_ETL_FORM_SYSTEM};
    struct ht_event event = usual_event(HT_KIND_RANGE_RUNDOWN, 0, 0);
    assert_int_equal(ht_etl_writer_open(&options, NULL, NULL, &writer, &error), HT_OK);
    assert_int_equal(ht_etl_put_event(writer, &shape, T0, &event, details, 131, &error), HT_LIMIT);
    // 952 bytes are what a buffer of 1024 has room for.
    assert_int_equal(ht_etl_put_event(writer, &shape, T0, &event, details, 3 + 112, &error), HT_OK);
    ht_etl_writer_close(writer);
}

static void stamps_follow_the_clock(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    uint64_t stamp = 0;
    assert_int_equal(ht_etl_stamp(&options, 1234567, &stamp, NULL), HT_OK);
    assert_true(stamp == T0 + 12345);
    assert_int_equal(ht_etl_stamp(&options, -1000, &stamp, NULL), HT_OK);
    assert_true(stamp == T0 - 10);
    assert_int_equal(ht_etl_stamp(&options, -100000000001, &stamp, NULL), HT_LIMIT);
    options.clock = HT_ETL_CLOCK_SYSTEM;
    assert_int_equal(ht_etl_stamp(&options, 1000, &stamp, NULL), HT_OK);
    assert_true(stamp == options.start_filetime + 10);
    options.clock = HT_ETL_CLOCK_CYCLES;
    options.clock_hz = 3000000000;
    assert_int_equal(ht_etl_stamp(&options, 1000000000000000000, &stamp, NULL), HT_OK);
    assert_true(stamp == 300000000000 + 3000000000000000000);
}

static void clock_of_the_wrong_rate_is_refused(void **state)
{
    (void)state;
    struct ht_etl_options options = usual_options();
    struct ht_etl_writer *writer = NULL;
    options.clock = HT_ETL_CLOCK_SYSTEM;
    options.clock_hz = 1000;
    assert_int_equal(ht_etl_writer_open(&options, NULL, NULL, &writer, NULL), HT_LIMIT);
    options.clock = HT_ETL_CLOCK_CYCLES;
    options.clock_hz = 3000000001;
    assert_int_equal(ht_etl_writer_open(&options, NULL, NULL, &writer, NULL), HT_LIMIT);
    assert_null(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_header_is_the_verified_one),
        cmocka_unit_test(log_header_of_a_narrow_session_is_shorter),
        cmocka_unit_test(create_is_the_verified_record),
        cmocka_unit_test(alloc_is_the_verified_record),
        cmocka_unit_test(realloc_is_the_verified_record),
        cmocka_unit_test(free_is_the_verified_record),
        cmocka_unit_test(alloc_of_narrow_code_is_the_verified_record),
        cmocka_unit_test(destroy_is_the_verified_record),
        cmocka_unit_test(process_is_the_verified_record),
        cmocka_unit_test(stack_is_the_verified_record),
        cmocka_unit_test(value_too_wide_for_narrow_code_is_refused),
        cmocka_unit_test(counting_pass_finds_what_the_header_tells),
        cmocka_unit_test(buffers_of_cpus_take_turns),
        cmocka_unit_test(newest_buffers_come_first_in_a_snapshot),
        cmocka_unit_test(circular_file_begins_in_its_newest_third),
        cmocka_unit_test(windows_7_leaves_the_header_buffer_without_length),
        cmocka_unit_test(cut_file_ends_within_its_last_buffer),
        cmocka_unit_test(compressed_buffers_follow_each_other_unaligned),
        cmocka_unit_test(lost_buffer_is_counted_and_gone),
        cmocka_unit_test(record_larger_than_a_buffer_is_refused),
        cmocka_unit_test(stamps_follow_the_clock),
        cmocka_unit_test(clock_of_the_wrong_rate_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
