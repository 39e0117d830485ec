// SPDX-License-Identifier: MIT
//
// What the tests of the compact format share. See the header.
#include "compact_kit.h"

#include "formats/compact_pack.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t extremes[] = {UINT64_MAX, 1, 0, 1ull << 63, 0x7FFFFFFFFFFFFFFF, 4096, 0x1000};
static const int64_t times[] = {-5000, -5000, INT64_MIN, 100, INT64_MAX, 0, -1, 900, 800};

static uint64_t extreme(size_t i)
{
    return extremes[i % (sizeof extremes / sizeof *extremes)];
}

static void add_names(struct ht_trace *trace)
{
    uint32_t module = 0;
    uint32_t name = 0;
    assert_int_equal(ht_dict_add_string(trace->dict, "ntdll.dll", 9, &module, NULL), HT_OK);
    assert_int_equal(ht_dict_add_string(trace->dict, "na\xC3\xAF\0ve", 7, &name, NULL), HT_OK);
    const struct ht_frame inner[] = {{0x1234, module}, {UINT64_MAX, 0}, {1, module}};
    const struct ht_frame outer[] = {{0x7FF612345678, 0}};
    uint32_t stack = 0;
    assert_int_equal(ht_dict_add_stack(trace->dict, inner, 3, &stack, NULL), HT_OK);
    assert_int_equal(ht_dict_add_stack(trace->dict, outer, 1, &stack, NULL), HT_OK);
    const struct ht_process process = {.pid = 8,
                                       .parent_pid = 4,
                                       .start_ns = -100,
                                       .end_ns = HT_TIME_UNKNOWN,
                                       .name = name,
                                       .command = module};
    assert_int_equal(ht_trace_note_process(trace, &process, NULL), HT_OK);
    const struct ht_module modules[] = {
        {.path = module,
         .size = UINT32_MAX,
         .time_stamp = 0x80000000,
         .debug_name = name,
         .debug_age = 3,
         .debug_guid = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}},
        {.path = name},
    };
    for (int i = 0; i < 2; i++)
        assert_int_equal(ht_trace_note_module(trace, &modules[i], NULL), HT_OK);
}

static void fill_origin(struct ht_origin *origin)
{
    *origin = (struct ht_origin){.format = "elsewhere",
                                 .os_major = 10,
                                 .os_minor = 1,
                                 .os_build = 19041,
                                 .pointer_size = 8,
                                 .cpu_count = 12,
                                 .clock = HT_CLOCK_QPC,
                                 .clock_hz = 10000000,
                                 .start_unix_ns = -77,
                                 .is_folded = true};
}

static struct ht_event sample_event(struct ht_trace *trace, size_t i)
{
    struct ht_event event = {
        .time_ns = times[i % (sizeof times / sizeof *times)],
        .pid = i % 5 == 0 ? UINT32_MAX : 8,
        .tid = (uint32_t)(i % 3),
        .heap = i % 4 == 0 ? UINT64_MAX : 0x1000 * (i % 3),
        .address = extreme(i),
        .size = extreme(i / 2),
        .old_address = extreme(i / 3),
        .cpu = i % 7 == 0 ? UINT16_MAX : (uint16_t)(i % 2),
        .kind = (uint8_t)(1 + i % (HT_KIND_COUNT - 1)),
        .flags = (uint8_t)(i % 11 == 0 ? 0xFF : i % 4),
    };
    const uint64_t values[] = {extreme(i), 0, extreme(i + 1), i};
    ht_event_set_stack(&event, (uint32_t)(i % 3));
    ht_event_set_source(&event, i % 6 == 0 ? 255 : (uint32_t)(i % 3));
    if (event.kind == HT_KIND_REALLOC)
        event.old_size = extreme(i / 5);
    else if (i % 3 != 0)
        event.detail = ht_dict_add_detail(trace->dict, values, i % 5);
    return event;
}

void kit_sample(struct ht_trace *trace, struct ht_event events[KIT_EVENTS])
{
    assert_int_equal(ht_trace_init(trace, NULL), HT_OK);
    fill_origin(&trace->origin);
    add_names(trace);
    for (size_t i = 0; i < KIT_EVENTS; i++)
        events[i] = sample_event(trace, i);
}

struct ht_buffer kit_write(const struct ht_trace *trace, const struct ht_event *events,
                           size_t count)
{
    return kit_write_as(&ht_format_compact, trace, events, count);
}

struct ht_buffer kit_write_as(const struct ht_format *format, const struct ht_trace *trace,
                              const struct ht_event *events, size_t count)
{
    struct ht_buffer bytes = ht_buffer_with_limit(64 << 20);
    struct ht_output *output = NULL;
    struct ht_writer *writer = NULL;
    assert_int_equal(ht_output_open_memory(&bytes, &output, NULL), HT_OK);
    assert_int_equal(format->open_writer(output, trace, &writer, NULL), HT_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(writer->write(writer, &events[i], 1, NULL), HT_OK);
    assert_int_equal(writer->finish(writer, NULL), HT_OK);
    writer->close(writer);
    assert_int_equal(ht_output_commit(output, NULL), HT_OK);
    ht_output_close(output);
    return bytes;
}

void kit_begin(struct kit_file *file)
{
    file->bytes = ht_buffer_with_limit(64 << 20);
    assert_int_equal(ht_output_open_memory(&file->bytes, &file->output, NULL), HT_OK);
    ht_frame_sink_init(&file->sink, file->output);
    assert_int_equal(ht_compact_start_write(file->output, NULL), HT_OK);
    Ht__Header header = HT__HEADER__INIT;
    header.version_major = HT_COMPACT_MAJOR;
    kit_message(file, HT_COMPACT_HEADER, &header.base);
}

void kit_message(struct kit_file *file, uint32_t field, const ProtobufCMessage *message)
{
    assert_int_equal(ht_frame_sink_put(&file->sink, field, message, NULL), HT_OK);
    assert_int_equal(ht_frame_sink_end(&file->sink, NULL), HT_OK);
}

void kit_block(struct kit_file *file, const struct ht_trace *trace, const struct ht_event *events,
               size_t count)
{
    struct ht_pack *pack = ht_pack_open();
    assert_non_null(pack);
    for (size_t i = 0; i < count; i++) {
        uint64_t values[1 + HT_DICT_DETAIL_VALUES_MAX] = {0};
        struct ht_event event = events[i];
        const uint64_t *detail = NULL;
        if (event.kind != HT_KIND_REALLOC)
            detail = ht_dict_detail(trace->dict, event.detail, &values[0]);
        if (detail != NULL) {
            memcpy(&values[1], detail, values[0] * sizeof *detail);
            event.detail = 1;
        }
        ht_pack_add(pack, &event, 1, values);
        ht_group_add(&file->sink.group, &events[i], 1);
    }
    struct ht_buffer block = ht_buffer_with_limit(HT_COMPACT_MESSAGE_MAX);
    assert_int_equal(ht_pack_finish(pack, &block, NULL), HT_OK);
    assert_int_equal(ht_frame_sink_put_packed(&file->sink, HT_COMPACT_BLOCK, &block, NULL), HT_OK);
    assert_int_equal(ht_frame_sink_end(&file->sink, NULL), HT_OK);
    ht_buffer_reset(&block);
    ht_pack_close(pack);
}

void kit_end_record(struct kit_file *file, uint64_t event_count)
{
    Ht__End end = HT__END__INIT;
    end.event_count = event_count;
    kit_message(file, HT_COMPACT_END, &end.base);
}

struct ht_buffer *kit_bytes(struct kit_file *file)
{
    assert_int_equal(ht_output_commit(file->output, NULL), HT_OK);
    return &file->bytes;
}

void kit_close(struct kit_file *file)
{
    ht_output_close(file->output);
    ht_frame_sink_reset(&file->sink);
    ht_buffer_reset(&file->bytes);
}

struct ht_buffer kit_three_blocks(const struct ht_trace *trace, const struct ht_event *events)
{
    struct kit_file file;
    struct ht_names_written names = {0};
    kit_begin(&file);
    assert_int_equal(ht_names_write(&names, trace, &file.sink, NULL), HT_OK);
    assert_int_equal(ht_frame_sink_end(&file.sink, NULL), HT_OK);
    for (size_t i = 0; i < 3; i++)
        kit_block(&file, trace, events + i * KIT_BLOCK_EVENTS, KIT_BLOCK_EVENTS);
    kit_end_record(&file, 3 * KIT_BLOCK_EVENTS);
    assert_int_equal(ht_frame_sink_put_index(&file.sink, HT_COMPACT_INDEX, NULL), HT_OK);
    struct ht_buffer bytes = *kit_bytes(&file);
    file.bytes = ht_buffer_with_limit(0);
    kit_close(&file);
    return bytes;
}

static void print(struct ht_buffer *text, const char *format, ...) HT_PRINTF(2, 3);

static void print(struct ht_buffer *text, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert_in_range(length, 0, sizeof line - 1);
    assert_int_equal(ht_buffer_append(text, line, (size_t)length, NULL), HT_OK);
}

void kit_print(struct ht_buffer *text, const struct ht_trace *trace, const struct ht_event *event)
{
    print(text, "%" PRId64 " %" PRIu32 " %" PRIu32 " %u %u %u %u", event->time_ns, event->pid,
          event->tid, event->cpu, event->kind, event->flags, ht_event_source(event));
    print(text, " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64, event->heap, event->address,
          event->size, event->old_address);
    size_t count = 0;
    if (event->kind == HT_KIND_REALLOC) {
        print(text, " old %" PRIx64, event->old_size);
    } else if (event->detail != 0) {
        const uint64_t *values = ht_dict_detail(trace->dict, event->detail, &count);
        assert_non_null(values);
        print(text, " detail");
        for (size_t i = 0; i < count; i++)
            print(text, " %" PRIx64, values[i]);
    }
    const struct ht_frame *frames = ht_dict_stack(trace->dict, ht_event_stack(event), &count);
    for (size_t i = 0; i < count; i++)
        print(text, " %s+%" PRIx64, ht_dict_string(trace->dict, frames[i].module, NULL),
              frames[i].address);
    print(text, "\n");
}

struct ht_buffer kit_text(const struct ht_trace *trace, const struct ht_event *events, size_t count)
{
    struct ht_buffer text = ht_buffer_with_limit(64 << 20);
    for (size_t i = 0; i < count; i++)
        kit_print(&text, trace, &events[i]);
    assert_int_equal(ht_buffer_append(&text, "", 1, NULL), HT_OK);
    return text;
}

static struct kit_result read_as(const void *bytes, size_t size, const struct ht_scope *scope,
                                 bool is_assisted)
{
    struct kit_result result = {.text = ht_buffer_with_limit(64 << 20)};
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    struct ht_event event;
    assert_int_equal(ht_trace_init(&result.trace, NULL), HT_OK);
    assert_int_equal(ht_input_open_memory(bytes, size, "test", &input, NULL), HT_OK);
    result.status = ht_format_compact.open_reader(input, &result.trace, &reader, &result.error);
    assert_int_equal(reader != NULL, result.status == HT_OK);
    if (result.status == HT_OK && is_assisted)
        ht_format_compact.assist(reader);
    if (result.status == HT_OK && scope != NULL)
        result.status = ht_format_compact.narrow(reader, scope, &result.error);
    while (result.status == HT_OK) {
        result.status = ht_reader_next(reader, &event, &result.error);
        if (result.status != HT_OK)
            break;
        kit_print(&result.text, &result.trace, &event);
        result.event_count++;
    }
    if (reader != NULL)
        reader->close(reader);
    ht_input_close(input);
    assert_int_equal(ht_buffer_append(&result.text, "", 1, NULL), HT_OK);
    return result;
}

struct kit_result kit_read(const void *bytes, size_t size)
{
    return read_as(bytes, size, NULL, false);
}

struct kit_result kit_read_assisted(const void *bytes, size_t size)
{
    return read_as(bytes, size, NULL, true);
}

struct kit_result kit_read_narrow(const void *bytes, size_t size, const struct ht_scope *scope)
{
    return read_as(bytes, size, scope, false);
}

void kit_result_reset(struct kit_result *result)
{
    ht_trace_reset(&result->trace);
    ht_buffer_reset(&result->text);
}

static void check_string(const struct ht_trace *trace, uint32_t id,
                         const struct ht_trace *expected_trace, uint32_t expected_id)
{
    size_t length = 0;
    size_t expected_length = 0;
    const char *text = ht_dict_string(trace->dict, id, &length);
    const char *expected = ht_dict_string(expected_trace->dict, expected_id, &expected_length);
    assert_int_equal(length, expected_length);
    assert_memory_equal(text, expected, length);
}

void kit_check_modules(const struct ht_trace *trace, const struct ht_trace *expected)
{
    assert_int_equal(trace->module_count, expected->module_count);
    for (uint32_t i = 0; i < trace->module_count; i++) {
        const struct ht_module *module = &trace->modules[i];
        const struct ht_module *other = &expected->modules[i];
        check_string(trace, module->path, expected, other->path);
        check_string(trace, module->debug_name, expected, other->debug_name);
        assert_int_equal(module->size, other->size);
        assert_int_equal(module->time_stamp, other->time_stamp);
        assert_int_equal(module->debug_age, other->debug_age);
        assert_memory_equal(module->debug_guid, other->debug_guid, sizeof other->debug_guid);
    }
}

uint64_t kit_losses(const struct ht_trace *trace)
{
    uint64_t sum = 0;
    for (int i = 0; i < HT_LOSS_COUNT; i++)
        sum += trace->loss[i];
    return sum;
}
