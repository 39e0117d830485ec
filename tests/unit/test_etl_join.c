// SPDX-License-Identifier: MIT
//
// Several ETL files read as one recording: heap events from one, names from the other.
#include "formats/etl.h"

#include "etl_sample.h"
#include "formats/etl_constants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

// Of the log header, in the file.
enum { AT_STAMP = 0x58, AT_LOST = 0x98, AT_FREQUENCY = 0x168, AT_START = 0x170 };
enum { EVENTS_MAX = 16 };

// An image at 7ff600000000 in process 4242, "\a.exe"; its stamp is patched.
static const char image[] =
    "030011c0 5400 0314 0000000000000000 | 00000000f67f0000 0000020000000000"
    "92100000 00000000 00000000 00000000 0000000000000000 00000000 00000000"
    "00000000 00000000 | 5c00 6100 2e00 6500 7800 6500 0000";

static struct sample heap;
static struct sample kernel;
static struct ht_trace trace;
static struct ht_error error;
static struct ht_event events[EVENTS_MAX];
static size_t count;

// Both files begin with a header of stamp SAMPLE_T0; the heap's has an alloc with a stack, and the
// kernel's, whose T0 tests move, the process and its image.
static int set_up(void **state)
{
    (void)state;
    sample_begin(&heap, 2);
    sample_open_buffer(&heap, 0);
    sample_add_as_is(&heap, sample_alloc);
    sample_add_as_is(&heap, sample_stack);
    sample_close_buffer(&heap);
    sample_begin(&kernel, 2);
    sample_open_buffer(&kernel, 0);
    sample_add_as_is(&kernel, sample_process);
    size_t at = kernel.file.size;
    sample_add_as_is(&kernel, image);
    ht_store64(kernel.file.data + at + 8, SAMPLE_T0 + 5000);
    return ht_trace_init(&trace, NULL) == HT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sample_reset(&heap);
    sample_reset(&kernel);
    ht_trace_reset(&trace);
    return 0;
}

static enum ht_status read_joined(void)
{
    struct ht_input *first = NULL;
    struct ht_input *second = NULL;
    struct ht_reader *reader = NULL;
    struct ht_event event;
    assert_int_equal(ht_input_open_memory(heap.file.data, heap.file.size, "heap.etl", &first, NULL),
                     HT_OK);
    assert_int_equal(
        ht_input_open_memory(kernel.file.data, kernel.file.size, "kernel.etl", &second, NULL),
        HT_OK);
    assert_int_equal(ht_format_etl.open_reader(first, &trace, &reader, &error), HT_OK);
    enum ht_status status = ht_format_etl.join(reader, second, &error);
    for (count = 0; status == HT_OK; count++) {
        status = ht_reader_next(reader, &event, &error);
        if (status != HT_OK)
            break;
        assert_true(count < EVENTS_MAX);
        events[count] = event;
    }
    reader->close(reader);
    ht_input_close(first);
    ht_input_close(second);
    return status;
}

static uint64_t counter(const char *name)
{
    for (uint32_t i = 0; i < trace.counter_count; i++)
        if (strcmp(trace.counters[i].name, name) == 0)
            return trace.counters[i].count;
    return 0;
}

// Moves the log header of the kernel's file by so many ticks of its clock, and by so much of the
// wall's, both of 100 ns.
static void move_start(int64_t ticks, int64_t wall)
{
    uint8_t *data = kernel.file.data;
    ht_store64(data + AT_STAMP, ht_load64(data + AT_STAMP) + (uint64_t)ticks);
    ht_store64(data + AT_START, ht_load64(data + AT_START) + (uint64_t)wall);
}

static void assert_named(void)
{
    size_t frame_count;
    size_t length;
    assert_int_equal(count, 1);
    assert_int_equal(events[0].time_ns, 30000);
    const struct ht_frame *frames =
        ht_dict_stack(trace.dict, ht_event_stack(&events[0]), &frame_count);
    assert_int_equal(frame_count, 2);
    assert_int_equal(frames[0].address, 0x1000);
    assert_string_equal(ht_dict_string(trace.dict, frames[0].module, &length), "\\a.exe");
    assert_int_equal(trace.process_count, 1);
    assert_int_equal(trace.processes[0].pid, 4242);
}

static void stacks_of_one_get_the_modules_of_the_other(void **state)
{
    (void)state;
    sample_close_buffer(&kernel);
    assert_int_equal(read_joined(), HT_END);
    assert_named();
    assert_int_equal(counter("buffers"), 4);
    assert_int_equal(counter("records"), 6);
    assert_int_equal(counter("joined.by_stamps"), 2);
}

static void one_boot_is_joined_by_its_stamps(void **state)
{
    (void)state;
    sample_add_as_is(&kernel, sample_free);
    ht_store64(kernel.file.data + kernel.file.size - 0x38 + 0x10, SAMPLE_T0 + 40000000);
    sample_close_buffer(&kernel);
    move_start(30000000, 30000000 + 5000000); // set by half a second in between
    assert_int_equal(read_joined(), HT_END);
    assert_int_equal(count, 2);
    assert_int_equal(events[0].time_ns, 30000);
    assert_true(events[1].time_ns == INT64_C(4000000000));
    assert_int_equal(counter("joined.by_stamps"), 2);
}

static void other_boots_are_joined_by_the_wall(void **state)
{
    (void)state;
    sample_add_as_is(&kernel, sample_free);
    // The counter began again; the free is 2 s after the start of its file, that 90 s after ours.
    ht_store64(kernel.file.data + kernel.file.size - 0x38 + 0x10, SAMPLE_T0 - 500000000 + 20000000);
    sample_close_buffer(&kernel);
    move_start(-500000000, 900000000);
    assert_int_equal(read_joined(), HT_END);
    assert_int_equal(count, 2);
    assert_int_equal(events[0].time_ns, 30000);
    assert_true(events[1].time_ns == INT64_C(92000000000));
    assert_int_equal(counter("joined.by_wall_time"), 2);
}

static void losses_add_up(void **state)
{
    (void)state;
    sample_close_buffer(&kernel);
    ht_store32(heap.file.data + AT_LOST, 3);
    ht_store32(kernel.file.data + AT_LOST, 4);
    assert_int_equal(read_joined(), HT_END);
    assert_int_equal(trace.loss[HT_LOSS_EVENTS], 7);
}

static void clocks_of_other_rates_are_refused(void **state)
{
    (void)state;
    sample_close_buffer(&kernel);
    ht_store64(kernel.file.data + AT_FREQUENCY, 3117777);
    assert_int_equal(read_joined(), HT_UNSUPPORTED);
    assert_non_null(strstr(error.text, "kernel.etl: its clock runs at 3117777 Hz"));
}

static void no_etl_file_is_refused(void **state)
{
    (void)state;
    sample_close_buffer(&kernel);
    kernel.file.size = 100;
    assert_int_equal(read_joined(), HT_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stacks_of_one_get_the_modules_of_the_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_boot_is_joined_by_its_stamps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_boots_are_joined_by_the_wall, set_up, tear_down),
        cmocka_unit_test_setup_teardown(losses_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clocks_of_other_rates_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_etl_file_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
