// SPDX-License-Identifier: MIT
//
// The compact format on good files: what goes in comes out, and versions.
#include "compact_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void every_kind_and_extreme_survives(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_event events[KIT_EVENTS];
    kit_sample(&trace, events);
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    struct ht_buffer expected = kit_text(&trace, events, KIT_EVENTS);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_string_equal(result.text.data, expected.data);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_result_reset(&result);
    ht_buffer_reset(&expected);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void the_origin_is_known_before_the_first_event(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_trace back;
    struct ht_event events[KIT_EVENTS];
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    kit_sample(&trace, events);
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    assert_int_equal(ht_trace_init(&back, NULL), HT_OK);
    assert_int_equal(ht_input_open_memory(bytes.data, bytes.size, "test", &input, NULL), HT_OK);
    assert_int_equal(ht_format_compact.open_reader(input, &back, &reader, NULL), HT_OK);
    assert_string_equal(back.origin.format, "elsewhere");
    assert_int_equal(back.origin.os_major, 10);
    assert_int_equal(back.origin.os_minor, 1);
    assert_int_equal(back.origin.os_build, 19041);
    assert_int_equal(back.origin.pointer_size, 8);
    assert_int_equal(back.origin.cpu_count, 12);
    assert_int_equal(back.origin.clock, HT_CLOCK_QPC);
    assert_int_equal(back.origin.clock_hz, 10000000);
    assert_int_equal(back.origin.start_unix_ns, -77);
    assert_true(back.origin.is_folded);
    reader->close(reader);
    ht_input_close(input);
    ht_trace_reset(&back);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void an_unknown_start_and_an_empty_trace_survive(void **state)
{
    (void)state;
    struct ht_trace trace;
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    trace.origin.format = "htape";
    struct ht_buffer bytes = kit_write(&trace, NULL, 0);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, 0);
    assert_int_equal(kit_losses(&result.trace), 0);
    assert_true(result.trace.origin.start_unix_ns == HT_TIME_UNKNOWN);
    assert_ptr_equal(result.trace.origin.format, ht_format_compact.name);
    assert_false(result.trace.origin.is_folded);
    kit_result_reset(&result);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void processes_modules_losses_damage_and_counters_survive(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_event events[KIT_EVENTS];
    kit_sample(&trace, events);
    for (int i = 0; i < HT_LOSS_COUNT; i++)
        trace.loss[i] = (uint64_t)i + 1;
    trace.loss[HT_LOSS_CUT] = 1;
    ht_trace_damage(&trace, HT_LOSS_EVENTS, 1ull << 40, "a place");
    assert_int_equal(ht_trace_set_counter(&trace, "hook.0x1021", UINT64_MAX, NULL), HT_OK);
    assert_int_equal(ht_trace_set_counter(&trace, "hook.0x1024", 7, NULL), HT_OK);
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_memory_equal(result.trace.loss, trace.loss, sizeof trace.loss);
    assert_int_equal(result.trace.damage_count, 1);
    assert_true(result.trace.damage[0].offset == 1ull << 40);
    assert_string_equal(result.trace.damage[0].what, "a place");
    assert_int_equal(result.trace.counter_count, 2);
    assert_string_equal(result.trace.counters[0].name, "hook.0x1021");
    assert_true(result.trace.counters[0].count == UINT64_MAX);
    assert_string_equal(result.trace.counters[1].name, "hook.0x1024");
    assert_int_equal(result.trace.process_count, 1);
    const struct ht_process *process = &result.trace.processes[0];
    size_t length = 0;
    const char *name = ht_dict_string(result.trace.dict, process->name, &length);
    assert_int_equal(length, 7);
    assert_memory_equal(name, "na\xC3\xAF\0ve", 7);
    assert_string_equal(ht_dict_string(result.trace.dict, process->command, NULL), "ntdll.dll");
    assert_int_equal(process->parent_pid, 4);
    assert_int_equal(process->start_ns, -100);
    assert_true(process->end_ns == HT_TIME_UNKNOWN);
    assert_int_equal(result.trace.module_count, 2);
    kit_check_modules(&result.trace, &trace);
    kit_result_reset(&result);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void threads_with_a_name_survive(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_event events[KIT_EVENTS];
    kit_sample(&trace, events);
    uint32_t name = 0;
    assert_int_equal(ht_dict_add_string(trace.dict, "worker", 6, &name, NULL), HT_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        struct ht_thread thread = {.pid = 8,
                                   .tid = 4 * i,
                                   .start_ns = i == 1 ? -5 : HT_TIME_UNKNOWN,
                                   .end_ns = i == 1 ? INT64_MAX : HT_TIME_UNKNOWN,
                                   .name = i % 2 == 1 ? name : 0};
        assert_int_equal(ht_threads_note(&trace.threads, &thread, NULL), HT_OK);
    }
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    const struct ht_threads *threads = &result.trace.threads;
    assert_int_equal(result.status, HT_END);
    assert_int_equal(threads->count, 500);
    assert_int_equal(threads->list[0].pid, 8);
    assert_int_equal(threads->list[0].tid, 4);
    assert_int_equal(threads->list[0].start_ns, -5);
    assert_true(threads->list[0].end_ns == INT64_MAX);
    assert_string_equal(ht_dict_string(result.trace.dict, threads->list[499].name, NULL), "worker");
    assert_int_equal(threads->list[499].tid, 4 * 999);
    assert_true(threads->list[499].start_ns == HT_TIME_UNKNOWN);
    kit_result_reset(&result);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void the_machine_survives_and_the_last_word_on_it_counts(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_event events[KIT_EVENTS];
    kit_sample(&trace, events);
    uint32_t name = 0;
    assert_int_equal(ht_dict_add_string(trace.dict, "PC-1", 4, &name, NULL), HT_OK);
    ht_trace_note_host(&trace, name);
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_string_equal(ht_dict_string(result.trace.dict, result.trace.host, NULL), "PC-1");
    kit_result_reset(&result);
    ht_buffer_reset(&bytes);
    ht_trace_note_host(&trace, 1); // another machine: none is known
    bytes = kit_write(&trace, events, KIT_EVENTS);
    result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.trace.host, 0);
    kit_result_reset(&result);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

// Event i of a long trace: a few threads and heaps, sizes of a few classes, now and then a free.
static struct ht_event long_event(uint64_t i)
{
    uint64_t random = (i + 1) * 0x9E3779B97F4A7C15u;
    random ^= random >> 29;
    bool is_free = i % 3 == 2;
    return (struct ht_event){
        .time_ns = (int64_t)(i * 300 - random % 2 * 100),
        .pid = 8,
        .tid = (uint32_t)(random >> 60) * 4,
        .heap = 0x10000 * (1 + (random >> 40) % 3),
        .address = 0x7FF600000000 + (random >> 32) % 4096 * 16,
        .size = is_free ? 0 : random % 512,
        .cpu = (uint16_t)(random >> 61),
        .kind = is_free ? HT_KIND_FREE : HT_KIND_ALLOC,
    };
}

static void many_blocks_come_back_in_order(void **state)
{
    (void)state;
    enum { COUNT = 2 * HT_COMPACT_EVENTS_MAX + 1 };
    struct ht_trace trace;
    struct ht_event *events = calloc(COUNT, sizeof *events);
    assert_non_null(events);
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    for (uint64_t i = 0; i < COUNT; i++)
        events[i] = long_event(i);
    struct ht_buffer bytes = kit_write(&trace, events, COUNT);
    struct ht_buffer expected = kit_text(&trace, events, COUNT);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, COUNT);
    assert_memory_equal(result.text.data, expected.data, expected.size);
    assert_int_equal(kit_losses(&result.trace), 0);
    assert_in_range(bytes.size, COUNT, COUNT * 10);
    kit_result_reset(&result);
    ht_buffer_reset(&expected);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
    free(events);
}

static void details_end_a_block_before_it_is_too_large(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    struct ht_trace trace;
    static uint64_t values[HT_DICT_DETAIL_VALUES_MAX];
    struct ht_event events[COUNT];
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    for (size_t i = 0; i < COUNT; i++) {
        values[0] = i;
        values[HT_DICT_DETAIL_VALUES_MAX - 1] = i * i;
        events[i] = (struct ht_event){.kind = HT_KIND_RANGE_RUNDOWN, .time_ns = (int64_t)i};
        events[i].detail = ht_dict_add_detail(trace.dict, values, HT_DICT_DETAIL_VALUES_MAX);
    }
    struct ht_buffer bytes = kit_write(&trace, events, COUNT);
    struct ht_buffer expected = kit_text(&trace, events, COUNT);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_memory_equal(result.text.data, expected.data, expected.size);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_result_reset(&result);
    ht_buffer_reset(&expected);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void a_detail_that_left_the_ring_is_counted(void **state)
{
    (void)state;
    struct ht_trace trace;
    static const uint64_t values[HT_DICT_DETAIL_VALUES_MAX];
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    struct ht_event event = {.kind = HT_KIND_CREATE};
    event.detail = ht_dict_add_detail(trace.dict, values, 1);
    for (int i = 0; i < 2 * HT_DICT_DETAIL_RING_VALUES / HT_DICT_DETAIL_VALUES_MAX; i++)
        ht_dict_add_detail(trace.dict, values, HT_DICT_DETAIL_VALUES_MAX);
    struct ht_buffer bytes = kit_write(&trace, &event, 1);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, 1);
    assert_int_equal(result.trace.loss[HT_LOSS_DETAILS], 1);
    kit_result_reset(&result);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void a_large_dictionary_takes_several_messages(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct ht_trace trace;
    static struct ht_event events[COUNT];
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        char name[100];
        uint32_t module = 0;
        uint32_t stack = 0;
        struct ht_frame frames[40];
        int length = snprintf(name, sizeof name, "%80u.dll", i);
        assert_int_equal(ht_dict_add_string(trace.dict, name, (size_t)length, &module, NULL),
                         HT_OK);
        for (uint32_t k = 0; k < 40; k++)
            frames[k] = (struct ht_frame){i * 1000 + k, i % 7 == 0 ? module : 0};
        assert_int_equal(ht_dict_add_stack(trace.dict, frames, 1 + i % 40, &stack, NULL), HT_OK);
        events[i] = (struct ht_event){.kind = HT_KIND_FREE};
        ht_event_set_stack(&events[i], stack);
        const struct ht_process process = {
            .pid = i * 4, .start_ns = 5, .end_ns = HT_TIME_UNKNOWN, .name = module};
        assert_int_equal(ht_trace_note_process(&trace, &process, NULL), HT_OK);
        const struct ht_module noted = {.path = module, .size = i, .debug_guid = {7}};
        assert_int_equal(ht_trace_note_module(&trace, &noted, NULL), HT_OK);
    }
    struct ht_buffer bytes = kit_write(&trace, events, COUNT);
    struct ht_buffer expected = kit_text(&trace, events, COUNT);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_string_equal(result.text.data, expected.data);
    assert_int_equal(result.trace.process_count, COUNT);
    assert_int_equal(result.trace.module_count, COUNT);
    kit_check_modules(&result.trace, &trace);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_string_equal(ht_dict_string(result.trace.dict, result.trace.processes[i].name, NULL),
                            ht_dict_string(trace.dict, trace.processes[i].name, NULL));
    kit_result_reset(&result);
    ht_buffer_reset(&expected);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void a_module_is_written_once_when_it_is_noted(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct kit_file file;
    struct ht_names_written names = {0};
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    kit_begin(&file);
    for (size_t i = 0, size = 0; i < 3; i++) {
        const char name = "abc"[i];
        struct ht_module module = {.size = 5};
        assert_int_equal(ht_dict_add_string(trace.dict, &name, 1, &module.path, NULL), HT_OK);
        assert_int_equal(ht_trace_note_module(&trace, &module, NULL), HT_OK);
        assert_int_equal(ht_names_write(&names, &trace, &file.sink, NULL), HT_OK);
        size = i == 0 ? file.sink.content.size : size;
        assert_int_equal(file.sink.content.size, (i + 1) * size);
        assert_int_equal(ht_names_write(&names, &trace, &file.sink, NULL), HT_OK);
        assert_int_equal(file.sink.content.size, (i + 1) * size);
    }
    kit_end_record(&file, 0);
    struct ht_buffer *bytes = kit_bytes(&file);
    struct kit_result result = kit_read(bytes->data, bytes->size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.trace.module_count, 3);
    kit_check_modules(&result.trace, &trace);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_result_reset(&result);
    kit_close(&file);
    ht_trace_reset(&trace);
}

static void what_is_read_is_written_as_the_same_bytes(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_trace back;
    struct ht_event events[KIT_EVENTS];
    struct ht_event again[KIT_EVENTS];
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    kit_sample(&trace, events);
    trace.origin.format = "htape"; // a name that the reader need not keep in the dictionary
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    assert_int_equal(ht_trace_init(&back, NULL), HT_OK);
    assert_int_equal(ht_input_open_memory(bytes.data, bytes.size, "test", &input, NULL), HT_OK);
    assert_int_equal(ht_format_compact.open_reader(input, &back, &reader, NULL), HT_OK);
    for (size_t i = 0; i < KIT_EVENTS; i++)
        assert_int_equal(ht_reader_next(reader, &again[i], NULL), HT_OK);
    struct ht_event event;
    assert_int_equal(ht_reader_next(reader, &event, NULL), HT_END);
    assert_int_equal(ht_reader_next(reader, &event, NULL), HT_END);
    reader->close(reader);
    ht_input_close(input);
    struct ht_buffer second = kit_write(&back, again, KIT_EVENTS);
    assert_int_equal(second.size, bytes.size);
    assert_memory_equal(second.data, bytes.data, bytes.size);
    ht_buffer_reset(&second);
    ht_trace_reset(&back);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void numbers_of_the_file_are_not_those_of_the_dictionary(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_trace back;
    struct ht_event events[KIT_EVENTS];
    struct ht_event event;
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    uint32_t id = 0;
    const struct ht_frame other = {99, 0};
    kit_sample(&trace, events);
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    struct ht_buffer expected = kit_text(&trace, events, KIT_EVENTS);
    struct ht_buffer text = ht_buffer_with_limit(1 << 20);
    assert_int_equal(ht_trace_init(&back, NULL), HT_OK);
    assert_int_equal(ht_dict_add_string(back.dict, "other", 5, &id, NULL), HT_OK);
    assert_int_equal(ht_dict_add_stack(back.dict, &other, 1, &id, NULL), HT_OK);
    assert_int_equal(ht_input_open_memory(bytes.data, bytes.size, "test", &input, NULL), HT_OK);
    assert_int_equal(ht_format_compact.open_reader(input, &back, &reader, NULL), HT_OK);
    while (ht_reader_next(reader, &event, NULL) == HT_OK)
        kit_print(&text, &back, &event);
    assert_int_equal(text.size + 1, expected.size);
    assert_memory_equal(text.data, expected.data, text.size);
    kit_check_modules(&back, &trace);
    reader->close(reader);
    ht_input_close(input);
    ht_buffer_reset(&text);
    ht_buffer_reset(&expected);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&back);
    ht_trace_reset(&trace);
}

static void a_newer_minor_version_is_read(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_event events[KIT_EVENTS];
    kit_sample(&trace, events);
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    bytes.data[15] = HT_COMPACT_MINOR + 1;
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, KIT_EVENTS);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_result_reset(&result);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void another_major_version_is_refused(void **state)
{
    (void)state;
    struct ht_trace trace;
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    struct ht_buffer bytes = kit_write(&trace, NULL, 0);
    bytes.data[14] = HT_COMPACT_MAJOR + 1;
    assert_true(ht_format_compact.taste(bytes.data, bytes.size));
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_UNSUPPORTED);
    assert_non_null(strstr(result.error.text, "version 2.3"));
    kit_result_reset(&result);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void a_header_of_another_major_version_is_refused(void **state)
{
    (void)state;
    struct kit_file file = {.bytes = ht_buffer_with_limit(1000)};
    assert_int_equal(ht_output_open_memory(&file.bytes, &file.output, NULL), HT_OK);
    ht_frame_sink_init(&file.sink, file.output);
    assert_int_equal(ht_compact_start_write(file.output, NULL), HT_OK);
    Ht__Header header = HT__HEADER__INIT;
    header.version_major = HT_COMPACT_MAJOR + 1;
    kit_message(&file, HT_COMPACT_HEADER, &header.base);
    struct ht_buffer *bytes = kit_bytes(&file);
    struct kit_result result = kit_read(bytes->data, bytes->size);
    assert_int_equal(result.status, HT_UNSUPPORTED);
    kit_result_reset(&result);
    kit_close(&file);
}

static void what_a_newer_version_adds_is_skipped(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_event events[KIT_EVENTS];
    struct kit_file file;
    struct ht_names_written names = {0};
    uint8_t unknown_bytes[] = {3, 1, 2, 3};
    const uint8_t skippable[] = {0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};
    ProtobufCMessageUnknownField unknown = {
        .tag = 900, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, .len = 4, unknown_bytes};
    kit_sample(&trace, events);
    kit_begin(&file);
    assert_int_equal(ht_output_write(file.output, skippable, sizeof skippable, NULL), HT_OK);
    Ht__Counter newer_message = HT__COUNTER__INIT;
    kit_message(&file, 77, &newer_message.base);
    assert_int_equal(ht_names_write(&names, &trace, &file.sink, NULL), HT_OK);
    kit_block(&file, &trace, events, 2);
    Ht__End end = HT__END__INIT;
    uint64_t loss[HT_LOSS_COUNT + 3] = {0};
    loss[HT_LOSS_COUNT + 2] = 9;
    end.event_count = 2;
    end.loss = loss;
    end.n_loss = HT_LOSS_COUNT + 3;
    end.base.unknown_fields = &unknown;
    end.base.n_unknown_fields = 1;
    kit_message(&file, HT_COMPACT_END, &end.base);
    kit_message(&file, 78, &newer_message.base);
    assert_int_equal(ht_output_write(file.output, skippable, sizeof skippable, NULL), HT_OK);
    struct ht_buffer *bytes = kit_bytes(&file);
    struct kit_result result = kit_read(bytes->data, bytes->size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, 2);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_result_reset(&result);
    kit_close(&file);
    ht_trace_reset(&trace);
}

static void an_event_of_a_newer_kind_is_counted_and_skipped(void **state)
{
    (void)state;
    struct kit_file file;
    struct ht_trace trace;
    const struct ht_event events[] = {
        {.kind = HT_KIND_FREE}, {.kind = HT_KIND_COUNT}, {.kind = HT_KIND_LOCK}};
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    kit_begin(&file);
    kit_block(&file, &trace, events, 3);
    kit_end_record(&file, 3);
    struct ht_buffer *bytes = kit_bytes(&file);
    struct kit_result result = kit_read(bytes->data, bytes->size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, 2);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_EVENTS], 1);
    assert_int_equal(kit_losses(&result.trace), 1);
    kit_result_reset(&result);
    kit_close(&file);
    ht_trace_reset(&trace);
}

static void only_the_start_of_an_htape_is_tasted(void **state)
{
    (void)state;
    struct ht_trace trace;
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    struct ht_buffer bytes = kit_write(&trace, NULL, 0);
    assert_true(ht_format_compact.taste(bytes.data, bytes.size));
    assert_true(ht_format_compact.taste(bytes.data, HT_COMPACT_START_SIZE));
    assert_false(ht_format_compact.taste(bytes.data, HT_COMPACT_START_SIZE - 1));
    assert_false(ht_format_compact.taste(bytes.data, 0));
    bytes.data[9] ^= 1;
    assert_false(ht_format_compact.taste(bytes.data, bytes.size));
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void blocks_are_unpacked_ahead(void **state)
{
    (void)state;
    enum { EVENTS = 3 * HT_COMPACT_EVENTS_MAX + 1000 };
    struct ht_trace trace;
    struct ht_event *events = calloc(EVENTS, sizeof *events);
    assert_non_null(events);
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    for (uint32_t i = 0; i < EVENTS; i++)
        events[i] = (struct ht_event){.time_ns = i * INT64_C(100),
                                      .pid = 1,
                                      .tid = i % 3,
                                      .heap = 0x10000,
                                      .address = 0x20000 + i / 2 * 64,
                                      .size = i % 2 == 0 ? i % 50 : 0,
                                      .kind = i % 2 == 0 ? HT_KIND_ALLOC : HT_KIND_FREE};
    struct ht_buffer bytes = kit_write(&trace, events, EVENTS);
    struct kit_result result = kit_read_assisted(bytes.data, bytes.size);
    struct ht_buffer text = kit_text(&trace, events, EVENTS);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, EVENTS);
    assert_string_equal(result.text.data, text.data);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_result_reset(&result);
    ht_buffer_reset(&text);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
    free(events);
}

// Leaves compact_sample.htape behind for the test of it with lz4 and protoc.
static void a_file_is_written_and_read(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_event events[KIT_EVENTS];
    struct ht_output *output = NULL;
    struct ht_writer *writer = NULL;
    struct ht_input *input = NULL;
    kit_sample(&trace, events);
    assert_int_equal(ht_output_open("compact_sample.htape", &output, NULL), HT_OK);
    assert_int_equal(ht_format_compact.open_writer(output, &trace, &writer, NULL), HT_OK);
    for (size_t i = 0; i < KIT_EVENTS; i++)
        assert_int_equal(writer->write(writer, &events[i], 1, NULL), HT_OK);
    assert_int_equal(writer->finish(writer, NULL), HT_OK);
    writer->close(writer);
    assert_int_equal(ht_output_commit(output, NULL), HT_OK);
    ht_output_close(output);
    const struct ht_format *format = NULL;
    assert_int_equal(ht_input_open("compact_sample.htape", &input, NULL), HT_OK);
    assert_int_equal(ht_format_detect(input, &format, NULL), HT_OK);
    assert_ptr_equal(format, &ht_format_compact);
    ht_input_close(input);
    ht_trace_reset(&trace);
}

static void a_stream_that_cannot_be_sought_is_read(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_trace back;
    struct ht_event events[KIT_EVENTS];
    struct ht_event event;
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    int ends[2];
    size_t count = 0;
    kit_sample(&trace, events);
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes.data, bytes.size), bytes.size); // a pipe holds as much
    close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(ht_trace_init(&back, NULL), HT_OK);
    assert_int_equal(ht_input_open("-", &input, NULL), HT_OK);
    assert_false(ht_input_is_seekable(input));
    assert_int_equal(ht_format_compact.open_reader(input, &back, &reader, NULL), HT_OK);
    while (ht_reader_next(reader, &event, NULL) == HT_OK)
        count++;
    assert_int_equal(count, KIT_EVENTS);
    assert_int_equal(kit_losses(&back), 0);
    reader->close(reader);
    ht_input_close(input);
    ht_trace_reset(&back);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_and_extreme_survives),
        cmocka_unit_test(the_origin_is_known_before_the_first_event),
        cmocka_unit_test(an_unknown_start_and_an_empty_trace_survive),
        cmocka_unit_test(processes_modules_losses_damage_and_counters_survive),
        cmocka_unit_test(threads_with_a_name_survive),
        cmocka_unit_test(the_machine_survives_and_the_last_word_on_it_counts),
        cmocka_unit_test(many_blocks_come_back_in_order),
        cmocka_unit_test(details_end_a_block_before_it_is_too_large),
        cmocka_unit_test(a_detail_that_left_the_ring_is_counted),
        cmocka_unit_test(a_large_dictionary_takes_several_messages),
        cmocka_unit_test(a_module_is_written_once_when_it_is_noted),
        cmocka_unit_test(what_is_read_is_written_as_the_same_bytes),
        cmocka_unit_test(numbers_of_the_file_are_not_those_of_the_dictionary),
        cmocka_unit_test(a_newer_minor_version_is_read),
        cmocka_unit_test(another_major_version_is_refused),
        cmocka_unit_test(a_header_of_another_major_version_is_refused),
        cmocka_unit_test(what_a_newer_version_adds_is_skipped),
        cmocka_unit_test(an_event_of_a_newer_kind_is_counted_and_skipped),
        cmocka_unit_test(only_the_start_of_an_htape_is_tasted),
        cmocka_unit_test(blocks_are_unpacked_ahead),
        cmocka_unit_test(a_file_is_written_and_read),
        cmocka_unit_test(a_stream_that_cannot_be_sought_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
