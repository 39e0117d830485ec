// SPDX-License-Identifier: MIT
//
// Stacks on their way to their heap events, on files put together from bytes.
#include "formats/etl.h"

#include "etl_sample.h"
#include "formats/etl_constants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EVENTS_MAX = 16384, PID = 4242, TID = 4243 };

static struct sample sample;
static struct ht_trace trace;
static struct ht_event events[EVENTS_MAX];
static size_t count;

static int set_up(void **state)
{
    (void)state;
    sample_begin(&sample, 2);
    sample_open_buffer(&sample, 0);
    return ht_trace_init(&trace, NULL) == HT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sample_reset(&sample);
    ht_trace_reset(&trace);
    return 0;
}

static struct ht_input *input;

static struct ht_reader *open_sample(void)
{
    struct ht_reader *reader = NULL;
    sample_close_buffer(&sample);
    assert_int_equal(
        ht_input_open_memory(sample.file.data, sample.file.size, "x.etl", &input, NULL), HT_OK);
    assert_int_equal(ht_format_etl.open_reader(input, &trace, &reader, NULL), HT_OK);
    return reader;
}

static void close_sample(struct ht_reader *reader)
{
    reader->close(reader);
    ht_input_close(input);
}

static void read_sample(void)
{
    struct ht_reader *reader = open_sample();
    struct ht_event event;
    enum ht_status status;
    for (count = 0; (status = ht_reader_next(reader, &event, NULL)) == HT_OK; count++) {
        assert_true(count < EVENTS_MAX);
        events[count] = event;
    }
    assert_int_equal(status, HT_END);
    close_sample(reader);
}

static void add_alloc(uint64_t ticks)
{
    sample_add(&sample, sample_alloc, ticks);
}

// A record of the stack group: its stamp, then 64-bit words.
static void add_record(uint8_t opcode, uint64_t ticks, const uint64_t *words, size_t word_count)
{
    uint8_t bytes[512] = {2, 0, 0x11, 0xC0};
    char hex[2 * sizeof bytes + 1];
    size_t size = 16 + 8 * word_count;
    ht_store16(bytes + 4, (uint16_t)size);
    bytes[6] = opcode;
    bytes[7] = HT_ETL_GROUP_STACK;
    ht_store64(bytes + 8, SAMPLE_T0 + ticks);
    for (size_t i = 0; i < word_count; i++)
        ht_store64(bytes + 16 + 8 * i, words[i]);
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    sample_add_as_is(&sample, hex);
}

#define ADD(opcode, ticks, ...)                                                                    \
    add_record(opcode, ticks, (const uint64_t[]){__VA_ARGS__},                                     \
               sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

// The first words of a stack of the thread's event.
#define OF(ticks) SAMPLE_T0 + (ticks), (uint64_t)TID << 32 | PID

static const struct ht_frame *frames_of(size_t event, size_t expected)
{
    size_t frame_count;
    const struct ht_frame *frames =
        ht_dict_stack(trace.dict, ht_event_stack(&events[event]), &frame_count);
    assert_int_equal(frame_count, expected);
    return frames;
}

static void a_stack_finds_its_event(void **state)
{
    (void)state;
    add_alloc(100);
    ADD(HT_ETL_STACK_WALK, 101, OF(100), 0x1000, 0x2000);
    add_alloc(200);
    read_sample();
    assert_int_equal(count, 2);
    assert_int_equal(frames_of(0, 2)[1].address, 0x2000);
    frames_of(1, 0);
}

static void a_stack_of_another_thread_or_time_is_let_go_by(void **state)
{
    (void)state;
    add_alloc(100);
    ADD(HT_ETL_STACK_WALK, 101, SAMPLE_T0 + 100, (uint64_t)PID << 32 | TID, 0x1000);
    ADD(HT_ETL_STACK_WALK, 102, OF(99), 0x1000);
    ADD(HT_ETL_STACK_WALK, 103, OF(101), 0x1000);
    ADD(HT_ETL_STACK_KEY_USER, 104, OF(101), 0x77);
    read_sample();
    frames_of(0, 0);
    assert_int_equal(trace.loss[HT_LOSS_STACKS], 0);
}

static void zeros_behind_the_frames_are_dropped(void **state)
{
    (void)state;
    add_alloc(100);
    ADD(HT_ETL_STACK_WALK, 101, OF(100), 0x1000, 0, 0);
    read_sample();
    assert_int_equal(frames_of(0, 1)[0].address, 0x1000);
}

static void the_kernel_part_comes_first(void **state)
{
    (void)state;
    add_alloc(100);
    ADD(HT_ETL_STACK_WALK, 101, OF(100), 0x1000);
    ADD(HT_ETL_STACK_WALK, 102, OF(100), 0xFFFFF80000000010);
    read_sample();
    assert_true(frames_of(0, 2)[0].address == 0xFFFFF80000000010);
}

static void a_key_means_its_first_definition_from_then_on(void **state)
{
    (void)state;
    ADD(HT_ETL_STACK_KEY_DELETE, 50, 0x77, 0x1000);
    add_alloc(100);
    ADD(HT_ETL_STACK_KEY_USER, 101, OF(100), 0x77);
    ADD(HT_ETL_STACK_KEY_DELETE, 150, 0x77, 0x2000);
    add_alloc(200);
    ADD(HT_ETL_STACK_KEY_USER, 201, OF(200), 0x77);
    ADD(HT_ETL_STACK_KEY_RUNDOWN, 300, 0x77, 0x3000);
    read_sample();
    assert_int_equal(frames_of(0, 1)[0].address, 0x2000);
    assert_int_equal(frames_of(1, 1)[0].address, 0x3000);
}

static void a_definition_at_the_very_stamp_counts(void **state)
{
    (void)state;
    add_alloc(100);
    ADD(HT_ETL_STACK_KEY_CREATE, 100, 0x77, 0x1000);
    ADD(HT_ETL_STACK_KEY_USER, 101, OF(100), 0x77);
    ADD(HT_ETL_STACK_KEY_DELETE, 150, 0x77, 0x2000);
    read_sample();
    assert_int_equal(frames_of(0, 1)[0].address, 0x1000);
}

static void a_key_without_frames_is_counted_as_lost(void **state)
{
    (void)state;
    ADD(HT_ETL_STACK_KEY_DELETE, 50, 0x77, 0x1000);
    add_alloc(100);
    ADD(HT_ETL_STACK_KEY_USER, 101, OF(100), 0x77);
    read_sample();
    frames_of(0, 0);
    assert_int_equal(trace.loss[HT_LOSS_STACKS], 1);
    assert_string_equal(trace.damage[0].what, "a stack without its frames");
}

static void a_stack_in_another_buffer_finds_its_event(void **state)
{
    (void)state;
    add_alloc(100);
    add_alloc(150);
    sample_close_buffer(&sample);
    sample_open_buffer(&sample, 1);
    ADD(HT_ETL_STACK_WALK, 140, OF(100), 0x1000);
    read_sample();
    assert_int_equal(count, 2);
    assert_int_equal(frames_of(0, 1)[0].address, 0x1000);
}

static void events_of_one_stamp_have_a_stack_each(void **state)
{
    (void)state;
    add_alloc(100);
    add_alloc(100);
    ADD(HT_ETL_STACK_WALK, 101, OF(100), 0x2000);
    ADD(HT_ETL_STACK_WALK, 102, OF(100), 0x1000);
    read_sample();
    assert_int_equal(frames_of(0, 1)[0].address, 0x1000);
    assert_int_equal(frames_of(1, 1)[0].address, 0x2000);
}

static void a_stack_of_an_event_long_gone_is_let_go_by(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < HT_ETL_WINDOW + 10; i++) {
        if (i % 100 == 99) {
            sample_close_buffer(&sample);
            sample_open_buffer(&sample, 0);
        }
        add_alloc(100 + i);
    }
    ADD(HT_ETL_STACK_WALK, 90000, OF(100), 0x1000);
    ADD(HT_ETL_STACK_WALK, 90001, OF(100 + 11), 0x2000);
    read_sample();
    assert_int_equal(count, HT_ETL_WINDOW + 10);
    frames_of(0, 0);
    assert_int_equal(frames_of(11, 1)[0].address, 0x2000);
}

static void stacks_cut_anywhere_do_no_harm(void **state)
{
    (void)state;
    add_alloc(100);
    size_t at = sample.file.size;
    ADD(HT_ETL_STACK_WALK, 101, OF(100), 0x1000, 0x2000);
    ADD(HT_ETL_STACK_KEY_USER, 102, OF(100), 0x77);
    ADD(HT_ETL_STACK_KEY_DELETE, 103, 0x77, 0x3000);
    size_t sizes[] = {48, 40, 32};
    for (size_t record = 0; record < 3; at += sizes[record++]) {
        for (uint16_t size = 16; size < sizes[record]; size++) {
            struct sample whole = sample;
            sample.file = ht_buffer_with_limit(1 << 24);
            assert_int_equal(ht_buffer_append(&sample.file, whole.file.data, whole.file.size, NULL),
                             HT_OK);
            ht_store16(sample.file.data + at + 4, size);
            read_sample();
            assert_int_equal(count, 1);
            sample_reset(&sample);
            sample = whole;
            ht_trace_reset(&trace);
            assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
        }
    }
}

// Makes room in the file for another record.
static void turn_page(void)
{
    if (sample.file.size - sample.buffer_at <= SAMPLE_BUFFER_SIZE - 200)
        return;
    sample_close_buffer(&sample);
    sample_open_buffer(&sample, 0);
}

// Of a stack that comes so many events behind its own.
static void add_stack_after(size_t events_between)
{
    add_alloc(100);
    ADD(HT_ETL_STACK_WALK, 101, OF(100), 0x1000);
    add_alloc(200);
    for (size_t i = 0; i < events_between; i++) {
        turn_page();
        add_alloc(300 + i);
    }
    ADD(HT_ETL_STACK_WALK, 300 + events_between, OF(200), 0x2000);
    read_sample();
    assert_int_equal(count, 2 + events_between);
    assert_int_equal(frames_of(0, 1)[0].address, 0x1000);
}

static void a_stack_finds_its_event_as_long_as_that_waits(void **state)
{
    (void)state;
    add_stack_after(HT_ETL_WINDOW - 1);
    assert_int_equal(frames_of(1, 1)[0].address, 0x2000);
    assert_int_equal(trace.loss[HT_LOSS_STACKS], 0);
}

static void a_stack_too_far_behind_is_counted_as_lost(void **state)
{
    (void)state;
    add_stack_after(HT_ETL_WINDOW + 1000);
    frames_of(1, 0);
    assert_int_equal(trace.loss[HT_LOSS_STACKS], 1);
}

static void stacks_past_the_recent_ones_are_what_they_were(void **state)
{
    (void)state;
    const uint32_t distinct = HT_ETL_RECENT_STACKS + 5000;
    uint32_t seen = 0;
    sample.file.limit = 1 << 26;
    for (uint32_t i = 0; i < distinct + 1000; i++) {
        turn_page();
        add_alloc(10 * i);
        ADD(HT_ETL_STACK_WALK, 10 * i + 1, OF(10 * i), 0x1000 + i % distinct, 0x7000);
    }
    struct ht_event event;
    struct ht_reader *reader = open_sample();
    while (ht_reader_next(reader, &event, NULL) == HT_OK) {
        size_t frame_count;
        const struct ht_frame *frames =
            ht_dict_stack(trace.dict, ht_event_stack(&event), &frame_count);
        assert_int_equal(frame_count, 2);
        assert_int_equal(frames[0].address, 0x1000 + seen++ % distinct);
    }
    close_sample(reader);
    assert_int_equal(seen, distinct + 1000);
    assert_int_equal(ht_dict_stack_count(trace.dict), distinct);
    assert_int_equal(trace.loss[HT_LOSS_DICTIONARY] + trace.loss[HT_LOSS_STACKS], 0);
}

static void stacks_past_the_dictionary_are_counted_as_lost(void **state)
{
    (void)state;
    ht_dict_limit_stacks(trace.dict, 9); // two of one frame
    for (uint32_t i = 0; i < 4; i++) {
        add_alloc(10 * i);
        ADD(HT_ETL_STACK_WALK, 10 * i + 1, OF(10 * i), 0x1000 + i % 3);
    }
    read_sample();
    assert_int_equal(count, 4);
    assert_int_equal(frames_of(1, 1)[0].address, 0x1001);
    frames_of(2, 0);
    assert_int_equal(frames_of(3, 1)[0].address, 0x1000);
    assert_int_equal(trace.loss[HT_LOSS_DICTIONARY], 1);
    assert_string_equal(trace.damage[0].what, "no room for a stack");
}

static void zeros_between_frames_are_dropped(void **state)
{
    (void)state;
    add_alloc(100);
    ADD(HT_ETL_STACK_WALK, 101, OF(100), 0, 0x1000, 0, 0x2000, 0);
    read_sample();
    assert_int_equal(frames_of(0, 2)[0].address, 0x1000);
    assert_int_equal(frames_of(0, 2)[1].address, 0x2000);
}

static void a_stack_of_zeros_alone_is_counted_as_lost(void **state)
{
    (void)state;
    add_alloc(100);
    ADD(HT_ETL_STACK_WALK, 101, OF(100), 0, 0);
    read_sample();
    frames_of(0, 0);
    assert_int_equal(trace.loss[HT_LOSS_STACKS], 1);
}

static void a_key_has_as_many_meanings_as_definitions(void **state)
{
    (void)state;
    enum { MEANINGS = 300 };
    for (uint32_t i = 0; i < MEANINGS; i++) {
        turn_page();
        add_alloc(100 * i);
        ADD(HT_ETL_STACK_KEY_USER, 100 * i + 1, OF(100 * i), 0x77 + i % 2);
        ADD(HT_ETL_STACK_KEY_DELETE, 100 * i + 2, 0x77 + i % 2, 0x1000 + i);
    }
    read_sample();
    assert_int_equal(count, MEANINGS);
    for (uint32_t i = 0; i < MEANINGS; i++)
        assert_int_equal(frames_of(i, 1)[0].address, 0x1000 + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stack_finds_its_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stack_finds_its_event_as_long_as_that_waits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_stack_too_far_behind_is_counted_as_lost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_stack_of_another_thread_or_time_is_let_go_by, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(zeros_behind_the_frames_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_kernel_part_comes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_means_its_first_definition_from_then_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_definition_at_the_very_stamp_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_without_frames_is_counted_as_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stack_in_another_buffer_finds_its_event, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(events_of_one_stamp_have_a_stack_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stack_of_an_event_long_gone_is_let_go_by, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(stacks_cut_anywhere_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stacks_past_the_recent_ones_are_what_they_were, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(stacks_past_the_dictionary_are_counted_as_lost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(zeros_between_frames_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stack_of_zeros_alone_is_counted_as_lost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_key_has_as_many_meanings_as_definitions, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
