// SPDX-License-Identifier: MIT
//
// The ETL reader as a whole, on files put together from documented bytes.
#include "formats/etl.h"

#include "etl_sample.h"
#include "formats/etl_constants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    EVENTS_MAX = 64,
    HEAD_BYTES = 0x48 + 0x20 + 0x118, // from here on a file has its log-file header
};

// What reading a file gave.
struct reading {
    enum ht_status opened;
    struct ht_error error;
    struct ht_trace trace;
    struct ht_event events[EVENTS_MAX];
    size_t count;
};

static struct sample sample;
static struct reading reading;

static void read_with(const uint8_t *data, size_t size, bool is_assisted)
{
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    ht_trace_reset(&reading.trace);
    reading.count = 0;
    reading.error.text[0] = '\0';
    assert_int_equal(ht_trace_init(&reading.trace, NULL), HT_OK);
    // A block of its own, so that the sanitizer sees a read past the end.
    uint8_t *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, data, size);
    assert_int_equal(ht_input_open_memory(exact, size, "x.etl", &input, NULL), HT_OK);
    reading.opened = ht_format_etl.open_reader(input, &reading.trace, &reader, &reading.error);
    if (reading.opened == HT_OK) {
        struct ht_event event;
        enum ht_status status;
        if (is_assisted)
            ht_format_etl.assist(reader);
        while ((status = ht_reader_next(reader, &event, &reading.error)) == HT_OK) {
            assert_true(reading.count < EVENTS_MAX);
            reading.events[reading.count++] = event;
        }
        assert_int_equal(status, HT_END);
        assert_int_equal(ht_reader_next(reader, &event, &reading.error), HT_END);
        reader->close(reader);
    }
    ht_input_close(input);
    free(exact);
}

static void read_bytes(const uint8_t *data, size_t size)
{
    read_with(data, size, false);
}

// Reads the sample, also with a second processor, which must change nothing.
static void read_sample(void)
{
    static struct ht_event events[EVENTS_MAX];
    uint64_t loss[HT_LOSS_COUNT];
    read_with(sample.file.data, sample.file.size, true);
    assert_int_equal(reading.opened, HT_OK);
    size_t count = reading.count;
    memcpy(events, reading.events, sizeof events);
    memcpy(loss, reading.trace.loss, sizeof loss);
    read_with(sample.file.data, sample.file.size, false);
    assert_int_equal(reading.opened, HT_OK);
    assert_int_equal(reading.count, count);
    assert_memory_equal(reading.events, events, count * sizeof *events);
    assert_memory_equal(reading.trace.loss, loss, sizeof loss);
}

static int set_up(void **state)
{
    (void)state;
    return ht_trace_init(&reading.trace, NULL) == HT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sample_reset(&sample);
    ht_trace_reset(&reading.trace);
    return 0;
}

static uint64_t counter(const char *name)
{
    for (uint32_t i = 0; i < reading.trace.counter_count; i++)
        if (strcmp(reading.trace.counters[i].name, name) == 0)
            return reading.trace.counters[i].count;
    return 0;
}

static void assert_no_loss(void)
{
    for (int loss = 0; loss < HT_LOSS_COUNT; loss++)
        assert_int_equal(reading.trace.loss[loss], 0);
}

// The times of all events, in units of 100 ns.
#define assert_times(...)                                                                          \
    do {                                                                                           \
        const int64_t expected_[] = {__VA_ARGS__};                                                 \
        assert_int_equal(reading.count, sizeof expected_ / sizeof *expected_);                     \
        for (size_t i_ = 0; i_ < reading.count; i_++)                                              \
            assert_int_equal(reading.events[i_].time_ns, expected_[i_] * 100);                     \
    } while (0)

static void assert_documented_events(void)
{
    const uint8_t kinds[] = {HT_KIND_CREATE, HT_KIND_ALLOC, HT_KIND_REALLOC,
                             HT_KIND_FREE,   HT_KIND_ALLOC, HT_KIND_DESTROY};
    assert_times(200, 300, 400, 500, 600, 700);
    for (size_t i = 0; i < sizeof kinds; i++) {
        const struct ht_event *event = &reading.events[i];
        assert_int_equal(event->kind, kinds[i]);
        assert_int_equal(event->pid, 4242);
        assert_int_equal(event->tid, 4243);
        assert_int_equal(event->heap, i == 4 ? 0x4f0000 : 0x1f0000);
        assert_int_equal(event->flags, i == 4 ? HT_FLAG_POINTER32 : 0);
        assert_int_equal(event->cpu, i < 4 ? 0 : 1);
    }
    assert_int_equal(reading.events[1].address, 0x1f1000);
    assert_int_equal(reading.events[2].old_address, 0x1f1000);
    assert_int_equal(reading.events[3].address, 0x1f2000);
}

static void the_documented_file_is_read(void **state)
{
    (void)state;
    sample_documented(&sample);
    read_sample();
    assert_no_loss();
    assert_documented_events();
    size_t count;
    const uint64_t *detail = ht_dict_detail(reading.trace.dict, reading.events[0].detail, &count);
    assert_int_equal(count, 3);
    assert_int_equal(detail[1], 0x100000);
    assert_int_equal(reading.trace.origin.os_build, 19045);
    assert_int_equal(reading.trace.process_count, 1);
    assert_int_equal(reading.trace.processes[0].pid, 4242);
}

static void every_record_is_counted(void **state)
{
    (void)state;
    sample_documented(&sample);
    read_sample();
    assert_int_equal(counter("records"), 9);
    assert_int_equal(counter("buffers"), 3);
    assert_int_equal(counter("buffers.compressed"), 0);
    assert_int_equal(counter("header.SYSTEM64"), 6);
    assert_int_equal(counter("header.SYSTEM32"), 1);
    assert_int_equal(counter("header.PERFINFO64"), 2);
    assert_int_equal(counter("group.0x10"), 6);
    assert_int_equal(counter("group.0x00"), 1);
    assert_int_equal(counter("hook.0x1021"), 2);
    assert_int_equal(counter("hook.0x1820"), 1);
}

static void what_the_recorder_lost_is_told(void **state)
{
    (void)state;
    sample_documented(&sample);
    ht_store32(sample.file.data + 0x68 + 0x30, 7);
    ht_store32(sample.file.data + 0x68 + 0x114, 9);
    read_sample();
    assert_int_equal(reading.trace.loss[HT_LOSS_EVENTS], 7);
    assert_int_equal(reading.trace.loss[HT_LOSS_BUFFERS], 9);
}

static void flags_of_buffers_tell_of_losses_the_header_does_not(void **state)
{
    (void)state;
    sample_documented(&sample);
    uint8_t *first = sample.file.data + SAMPLE_BUFFER_SIZE;
    ht_store16(first + HT_ETL_AT_FLAG, HT_ETL_FLAG_PROC_INDEX | HT_ETL_FLAG_EVENTS_LOST);
    ht_store16(first + SAMPLE_BUFFER_SIZE + HT_ETL_AT_FLAG,
               HT_ETL_FLAG_PROC_INDEX | HT_ETL_FLAG_EVENTS_LOST | HT_ETL_FLAG_BUFFER_LOST);
    read_sample();
    assert_int_equal(reading.trace.loss[HT_LOSS_EVENTS], 2);
    assert_int_equal(reading.trace.loss[HT_LOSS_BUFFERS], 1);
    assert_documented_events();
    ht_store32(sample.file.data + 0x68 + 0x30, 7);
    read_sample();
    assert_int_equal(reading.trace.loss[HT_LOSS_EVENTS], 7);
}

static void add_buffer(uint16_t cpu, const uint64_t *ticks, size_t count)
{
    sample_open_buffer(&sample, cpu);
    for (size_t i = 0; i < count; i++)
        sample_add(&sample, sample_alloc, ticks[i]);
    sample_close_buffer(&sample);
}

#define ADD_BUFFER(cpu, ...)                                                                       \
    add_buffer(cpu, (const uint64_t[]){__VA_ARGS__},                                               \
               sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void cpus_are_merged_by_time(void **state)
{
    (void)state;
    sample_begin(&sample, 5);
    ADD_BUFFER(0, 10, 40, 70);
    ADD_BUFFER(1, 5, 41, 100);
    ADD_BUFFER(2, 1, 2, 3, 4, 50);
    ADD_BUFFER(0, 80, 90, 110);
    read_sample();
    assert_no_loss();
    assert_times(1, 2, 3, 4, 5, 10, 40, 41, 50, 70, 80, 90, 100, 110);
    assert_int_equal(reading.events[4].cpu, 1);
    assert_int_equal(reading.events[8].cpu, 2);
}

static void equal_stamps_are_in_the_order_of_cpus_and_buffers(void **state)
{
    (void)state;
    sample_begin(&sample, 4);
    ADD_BUFFER(3, 10, 20, 20);
    ADD_BUFFER(1, 20, 20, 30);
    ADD_BUFFER(1, 5, 20);
    read_sample();
    assert_times(5, 10, 20, 20, 20, 20, 20, 30);
    const uint16_t cpus[] = {1, 3, 1, 1, 1, 3, 3, 1};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(reading.events[i].cpu, cpus[i]);
}

static void buffers_written_newest_first_come_in_order(void **state)
{
    (void)state;
    sample_begin(&sample, 4);
    ADD_BUFFER(0, 50, 60);
    ADD_BUFFER(0, 30, 40);
    ADD_BUFFER(0, 10, 20);
    read_sample();
    assert_no_loss();
    assert_times(10, 20, 30, 40, 50, 60);
}

static void stamps_that_go_back_are_counted(void **state)
{
    (void)state;
    sample_begin(&sample, 2);
    ADD_BUFFER(0, 50, 40, 60);
    read_sample();
    assert_times(50, 40, 60);
    assert_int_equal(reading.trace.loss[HT_LOSS_TIME_BACK], 1);
}

static void stamps_before_the_header_are_negative(void **state)
{
    (void)state;
    sample_begin(&sample, 2);
    ADD_BUFFER(0, (uint64_t)-7, 3);
    read_sample();
    assert_no_loss();
    assert_times(-7, 3);
}

static void buffers_that_begin_without_a_stamp_find_their_place(void **state)
{
    (void)state;
    const char message[] = "0a000090 05000000 1234";
    sample_begin(&sample, 4);
    ADD_BUFFER(0, 10, 30);
    sample_open_buffer(&sample, 1);
    sample_add_as_is(&sample, message);
    sample_add(&sample, sample_alloc, 20);
    sample_close_buffer(&sample);
    sample_open_buffer(&sample, 1);
    sample_add_as_is(&sample, message);
    sample_add(&sample, sample_alloc, 25);
    sample_close_packed(&sample, 0);
    read_sample();
    assert_no_loss();
    assert_times(10, 20, 25, 30);
    assert_int_equal(counter("header.MESSAGE"), 2);
}

static void compressed_buffers_give_the_same_events(void **state)
{
    (void)state;
    const char *const records[] = {sample_create, sample_alloc,   sample_realloc,
                                   sample_free,   sample_alloc32, sample_destroy};
    sample_begin(&sample, 3);
    sample_open_buffer(&sample, 0);
    for (size_t i = 0; i < 4; i++)
        sample_add_as_is(&sample, records[i]);
    sample_close_packed(&sample, 0);
    sample_open_buffer(&sample, 1);
    for (size_t i = 4; i < 6; i++)
        sample_add_as_is(&sample, records[i]);
    sample_close_packed(&sample, 1000); // the filler was packed, too
    read_sample();
    assert_no_loss();
    assert_documented_events();
    assert_int_equal(counter("buffers.compressed"), 2);
}

static void headers_of_windows_7_are_read(void **state)
{
    (void)state;
    sample_documented(&sample);
    uint8_t *file = sample.file.data;
    ht_store32(file + HT_ETL_AT_SAVED_OFFSET, 0);
    ht_store16(file + HT_ETL_AT_FLAG, 1);
    ht_store16(file + 0x2000 + HT_ETL_AT_FLAG, 0);
    ht_store16(file + 0x2000 + HT_ETL_AT_PROCESSOR, 0x0800); // the alignment in the high byte
    ht_store32(file + 0x2000 + HT_ETL_AT_CURRENT_OFFSET, 0x2070);
    ht_store16(file + 0x4000 + HT_ETL_AT_FLAG, 1);
    ht_store16(file + 0x4000 + HT_ETL_AT_PROCESSOR, 0x0801);
    ht_store32(file + 0x4000 + HT_ETL_AT_OFFSET, 0); // nothing but the saved offset
    read_sample();
    assert_no_loss();
    assert_documented_events();
}

static void a_valid_length_past_the_buffer_is_cut_by_the_filler(void **state)
{
    (void)state;
    sample_documented(&sample);
    ht_store32(sample.file.data + 0x2000 + HT_ETL_AT_SAVED_OFFSET, 0x9000);
    ht_store32(sample.file.data + 0x2000 + HT_ETL_AT_OFFSET, 0x9000);
    ht_store32(sample.file.data + 0x2000 + HT_ETL_AT_CURRENT_OFFSET, 0x9000);
    read_sample();
    assert_no_loss();
    assert_documented_events();
}

static void a_zero_tail_is_the_end(void **state)
{
    (void)state;
    static const uint8_t zeros[0x4000];
    sample_documented(&sample);
    assert_int_equal(ht_buffer_append(&sample.file, zeros, sizeof zeros, NULL), HT_OK);
    read_sample();
    assert_no_loss();
    assert_documented_events();
}

static void a_cut_plain_buffer_keeps_its_whole_records(void **state)
{
    (void)state;
    sample_documented(&sample);
    sample.file.size = 0x4000 + 0x48 + 114 + 6 + 48 + 48 + 39; // one byte short of the destroy
    read_sample();
    assert_times(200, 300, 400, 500, 600);
    assert_int_equal(reading.trace.loss[HT_LOSS_CUT], 1);
    assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 0);
    assert_int_equal(reading.trace.damage[0].offset, 0x4000);
}

static void a_cut_compressed_buffer_is_dropped(void **state)
{
    (void)state;
    sample_begin(&sample, 3);
    ADD_BUFFER(0, 1, 2);
    sample_open_buffer(&sample, 0);
    sample_add(&sample, sample_alloc, 3);
    sample_close_packed(&sample, 0);
    sample.file.size -= 1;
    read_sample();
    assert_times(1, 2);
    assert_int_equal(reading.trace.loss[HT_LOSS_CUT], 1);
    assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 0);
}

static void a_cut_between_buffers_is_seen_by_their_number(void **state)
{
    (void)state;
    sample_documented(&sample);
    sample.file.size = 0x4000;
    read_sample();
    assert_times(200, 300, 400, 500);
    assert_int_equal(reading.trace.loss[HT_LOSS_CUT], 1);
}

static void every_cut_is_an_error_or_is_counted(void **state)
{
    (void)state;
    sample_documented(&sample);
    size_t whole = sample.file.size;
    for (size_t size = 0; size < whole; size++) {
        bool is_filler = size > 0 && sample.file.data[size - 1] == 0xFF;
        if (is_filler && sample.file.data[size] == 0xFF)
            continue;
        read_bytes(sample.file.data, size);
        assert_int_equal(reading.opened, size >= HEAD_BYTES ? HT_OK : HT_FORMAT);
        assert_int_equal(reading.trace.loss[HT_LOSS_CUT], size >= HEAD_BYTES ? 1 : 0);
    }
}

static void a_bad_buffer_size_is_found_again(void **state)
{
    (void)state;
    const uint32_t sizes[] = {0, 0x47, 0x7fffffff, 0x1000000, 0x3000, 0x1000, 0x48, 0x4000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        sample_begin(&sample, 5);
        ADD_BUFFER(0, 1, 2);
        ADD_BUFFER(0, 3, 4);
        ADD_BUFFER(0, 5, 6);
        ADD_BUFFER(0, 7, 8);
        ht_store32(sample.file.data + 0x4000, sizes[i]);
        read_sample();
        assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], sizes[i] == 0x4000 ? 0 : 1);
        if (sizes[i] == 0x4000) { // leads to a buffer, but past one
            assert_times(1, 2, 3, 4, 7, 8);
            assert_int_equal(reading.trace.loss[HT_LOSS_CUT], 1);
        } else {
            assert_times(1, 2, 3, 4, 5, 6, 7, 8);
            assert_int_equal(reading.trace.damage[0].offset, 0x4000);
        }
        sample_reset(&sample);
    }
}

static void a_bad_size_among_compressed_buffers_is_found_again(void **state)
{
    (void)state;
    const uint32_t sizes[] = {0, 0x7fffffff, 0x00ffffff};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t bad_at = 0;
        sample_begin(&sample, 4);
        for (uint64_t ticks = 1; ticks <= 3; ticks++) {
            sample_open_buffer(&sample, 0);
            sample_add(&sample, sample_alloc, ticks);
            if (ticks == 2)
                bad_at = sample.buffer_at;
            sample_close_packed(&sample, 0);
        }
        ht_store32(sample.file.data + bad_at, sizes[i]);
        read_sample();
        assert_times(1, 2, 3);
        assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
        assert_int_equal(reading.trace.damage[0].offset, bad_at);
        sample_reset(&sample);
    }
}

static void an_overwritten_header_costs_its_buffer(void **state)
{
    (void)state;
    sample_begin(&sample, 4);
    ADD_BUFFER(0, 1, 2);
    ADD_BUFFER(0, 3, 4);
    ADD_BUFFER(0, 5, 6);
    memset(sample.file.data + 0x4000, 0x55, 0x100);
    read_sample();
    assert_times(1, 2, 5, 6);
    assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    assert_int_equal(reading.trace.damage[0].offset, 0x4000);
}

static void a_buffer_without_a_length_is_passed_over(void **state)
{
    (void)state;
    sample_begin(&sample, 3);
    ADD_BUFFER(0, 1, 2);
    ADD_BUFFER(0, 3, 4);
    ht_store32(sample.file.data + 0x2000 + HT_ETL_AT_SAVED_OFFSET, 0);
    ht_store32(sample.file.data + 0x2000 + HT_ETL_AT_CURRENT_OFFSET, 0);
    ht_store32(sample.file.data + 0x2000 + HT_ETL_AT_OFFSET, 0);
    read_sample();
    assert_times(3, 4);
    assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
}

static void a_bad_record_costs_the_rest_of_its_buffer(void **state)
{
    (void)state;
    const struct {
        size_t at; // in the second record
        uint16_t value;
    } breaks[] = {{4, 0}, {4, 0x1f}, {4, 0xffff}, {2, 0xc0ee}, {2, 0x4002}};
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        sample_begin(&sample, 3);
        ADD_BUFFER(0, 1, 2, 3);
        ADD_BUFFER(0, 4);
        ht_store16(sample.file.data + 0x2000 + 0x48 + 64 + breaks[i].at, breaks[i].value);
        read_sample();
        assert_times(1, 4);
        assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
        assert_int_equal(reading.trace.damage[0].offset, 0x2000 + 0x48 + 64);
        sample_reset(&sample);
    }
}

static void a_corrupt_compressed_buffer_is_dropped(void **state)
{
    (void)state;
    sample_begin(&sample, 4);
    ADD_BUFFER(0, 1, 2);
    sample_open_buffer(&sample, 0);
    sample_add(&sample, sample_alloc, 3);
    sample_close_packed(&sample, 0);
    size_t bad_at = sample.buffer_at;
    ADD_BUFFER(0, 4);
    sample.file.data[bad_at + 0x48 + 3] = 0x80; // a match before there is anything to match
    read_sample();
    assert_times(1, 2, 4);
    assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    assert_int_equal(reading.trace.damage[0].offset, bad_at);
}

static void records_of_no_heap_or_too_short_are_counted(void **state)
{
    (void)state;
    sample_begin(&sample, 2);
    sample_open_buffer(&sample, 0);
    sample_add(&sample, sample_alloc, 1);
    ht_store64(sample.file.data + 0x2000 + 0x48 + 0x20, 0);
    sample_add(&sample, sample_destroy, 2);
    sample.file.data[0x2000 + 0x48 + 64 + 6] = HT_ETL_HEAP_ALLOC;
    sample_add(&sample, sample_alloc, 3);
    sample_close_buffer(&sample);
    read_sample();
    assert_times(3);
    assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_EVENTS], 2);
    assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 0);
    assert_int_equal(reading.trace.damage[0].offset, 0x2048);
}

static void heap_events_of_every_header_are_events(void **state)
{
    (void)state;
    sample_begin(&sample, 2);
    sample_open_buffer(&sample, 0);
    sample_add(&sample,
               "020004c0 3400 2110 93100000 92100000 0000000000000000 | 00001f0000000000"
               "4000000000000000 00101f0000000000 03000000",
               1);
    sample_add(&sample,
               "480014c0 21000200 93100000 92100000 0000000000000000 |"
               "ab62292280 61884ba825346b75f2a24a | 0000000000000000 | 00001f0000000000"
               "4000000000000000 00101f0000000000",
               2);
    sample_add(&sample,
               "680013c0 0000 0000 93100000 92100000 0000000000000000 |"
               "ab62292280 61884ba825346b75f2a24a | 0000 02 00 00 21 0000 0000000000000000 |"
               "0000000000000000 | 00000000000000000000000000000000 | 00001f0000000000"
               "4000000000000000 00101f0000000000",
               3);
    sample_add(&sample,
               "30000ac0 68000200 93100000 92100000 0000000000000000 |"
               "d3a86f3d 05fed011 9dda00c04fd7ba7c | 0000000000000000",
               4);
    ht_store16(sample.file.data + sample.file.size - 0x30, 0x34);
    sample_add_as_is(&sample, "00004f00");
    sample_close_buffer(&sample);
    read_sample();
    assert_no_loss();
    assert_times(1, 2, 3, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(reading.events[i].kind, HT_KIND_ALLOC);
        assert_int_equal(reading.events[i].address, 0x1f1000);
        assert_int_equal(reading.events[i].pid, 4242);
    }
    assert_int_equal(reading.events[3].kind, HT_KIND_RANGE_DESTROY);
    assert_int_equal(reading.events[3].heap, 0x4f0000);
}

static void open_buffers_stay_under_their_cap(void **state)
{
    (void)state;
    // Eight CPUs whose buffers of 16 MiB all overlap: more than may be open at once.
    sample_begin(&sample, 9);
    for (uint16_t cpu = 0; cpu < 8; cpu++) {
        sample_open_buffer(&sample, cpu);
        sample_add(&sample, sample_alloc, 100 + cpu);
        sample_add(&sample, sample_alloc, 1000 + cpu);
        sample_close_packed(&sample, (16 << 20) - 0x48 - 4 - 2 * 64);
    }
    read_sample();
    assert_int_equal(reading.count, 16);
    assert_int_equal(reading.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 0);
    assert_true(reading.trace.loss[HT_LOSS_TIME_BACK] > 0);
}

static void buffers_are_loaded_ahead_of_many(void **state)
{
    (void)state;
    sample_begin(&sample, 51);
    for (uint64_t i = 0; i < 50; i++) {
        sample_open_buffer(&sample, (uint16_t)(i % 3));
        sample_add(&sample, sample_alloc, 10 * i + 1);
        if (i % 4 == 0)
            sample_close_packed(&sample, 0);
        else
            sample_close_buffer(&sample);
    }
    read_sample();
    assert_int_equal(reading.count, 50);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(reading.events[i].time_ns, (10 * i + 1) * 100);
}

static void a_reader_that_loads_ahead_can_be_closed_at_any_time(void **state)
{
    (void)state;
    sample_begin(&sample, 41);
    for (uint64_t i = 0; i < 40; i++)
        ADD_BUFFER(0, i + 1);
    for (int reads = 0; reads < 3; reads++) {
        struct ht_input *input = NULL;
        struct ht_reader *reader = NULL;
        struct ht_event event;
        ht_trace_reset(&reading.trace);
        assert_int_equal(ht_trace_init(&reading.trace, NULL), HT_OK);
        assert_int_equal(
            ht_input_open_memory(sample.file.data, sample.file.size, "x.etl", &input, NULL), HT_OK);
        assert_int_equal(ht_format_etl.open_reader(input, &reading.trace, &reader, NULL), HT_OK);
        ht_format_etl.assist(reader);
        for (int i = 0; i < reads; i++)
            assert_int_equal(ht_reader_next(reader, &event, NULL), HT_OK);
        reader->close(reader);
        ht_input_close(input);
    }
}

static void any_changed_byte_is_survived(void **state)
{
    (void)state;
    sample_documented(&sample);
    for (size_t at = 0; at < sample.file.size; at++) {
        uint8_t kept = sample.file.data[at];
        if (kept == 0xFF)
            continue;
        const uint8_t values[] = {(uint8_t)~kept, (uint8_t)(kept ^ 1), (uint8_t)(kept + 0x40)};
        for (size_t i = 0; i < sizeof values; i++) {
            sample.file.data[at] = values[i];
            read_bytes(sample.file.data, sample.file.size);
            assert_true(reading.opened == HT_OK || reading.opened == HT_FORMAT);
        }
        sample.file.data[at] = kept;
    }
}

static void a_stream_is_refused(void **state)
{
    (void)state;
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    assert_int_equal(ht_input_open("/dev/zero", &input, NULL), HT_OK);
    assert_int_equal(ht_format_etl.open_reader(input, &reading.trace, &reader, &reading.error),
                     HT_UNSUPPORTED);
    assert_null(reader);
    assert_non_null(strstr(reading.error.text, "/dev/zero: "));
    ht_input_close(input);
}

static void what_is_no_etl_file_is_refused(void **state)
{
    (void)state;
    const char text[] = "time_ns\tpid\ttid\tcpu\tkind\n";
    read_bytes((const uint8_t *)text, sizeof text);
    assert_int_equal(reading.opened, HT_FORMAT);
    assert_string_equal(reading.error.text, "x.etl: at offset 0: expected an ETL buffer that "
                                            "begins with a log-file header");
    read_bytes((const uint8_t *)text, 0);
    assert_int_equal(reading.opened, HT_FORMAT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_documented_file_is_read),
        TEST(every_record_is_counted),
        TEST(what_the_recorder_lost_is_told),
        TEST(flags_of_buffers_tell_of_losses_the_header_does_not),
        TEST(cpus_are_merged_by_time),
        TEST(equal_stamps_are_in_the_order_of_cpus_and_buffers),
        TEST(buffers_written_newest_first_come_in_order),
        TEST(stamps_that_go_back_are_counted),
        TEST(stamps_before_the_header_are_negative),
        TEST(buffers_that_begin_without_a_stamp_find_their_place),
        TEST(compressed_buffers_give_the_same_events),
        TEST(headers_of_windows_7_are_read),
        TEST(a_valid_length_past_the_buffer_is_cut_by_the_filler),
        TEST(a_zero_tail_is_the_end),
        TEST(a_cut_plain_buffer_keeps_its_whole_records),
        TEST(a_cut_compressed_buffer_is_dropped),
        TEST(a_cut_between_buffers_is_seen_by_their_number),
        TEST(every_cut_is_an_error_or_is_counted),
        TEST(a_bad_buffer_size_is_found_again),
        TEST(a_bad_size_among_compressed_buffers_is_found_again),
        TEST(an_overwritten_header_costs_its_buffer),
        TEST(a_buffer_without_a_length_is_passed_over),
        TEST(a_bad_record_costs_the_rest_of_its_buffer),
        TEST(a_corrupt_compressed_buffer_is_dropped),
        TEST(records_of_no_heap_or_too_short_are_counted),
        TEST(heap_events_of_every_header_are_events),
        TEST(open_buffers_stay_under_their_cap),
        TEST(buffers_are_loaded_ahead_of_many),
        TEST(a_reader_that_loads_ahead_can_be_closed_at_any_time),
        TEST(any_changed_byte_is_survived),
        TEST(a_stream_is_refused),
        TEST(what_is_no_etl_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
