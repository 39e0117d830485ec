// SPDX-License-Identifier: MIT
//
// The compact format on bad files: what is whole is read, what is not is told, and nothing large
// is allocated for it.
#include "compact_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample {
    struct ht_trace trace;
    struct ht_event events[KIT_EVENTS];
    struct ht_buffer bytes; // of a file of three blocks
    struct ht_buffer text;
};

static int open_sample(void **state)
{
    struct sample *sample = malloc(sizeof *sample);
    if (sample == NULL)
        return -1;
    kit_sample(&sample->trace, sample->events);
    sample->bytes = kit_three_blocks(&sample->trace, sample->events);
    sample->text = kit_text(&sample->trace, sample->events, 3 * KIT_BLOCK_EVENTS);
    *state = sample;
    return 0;
}

static int close_sample(void **state)
{
    struct sample *sample = *state;
    ht_buffer_reset(&sample->text);
    ht_buffer_reset(&sample->bytes);
    ht_trace_reset(&sample->trace);
    free(sample);
    return 0;
}

static void a_file_without_damage_tells_none(void **state)
{
    const struct sample *sample = *state;
    struct kit_result result = kit_read(sample->bytes.data, sample->bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_string_equal(result.text.data, sample->text.data);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_result_reset(&result);
}

// Where the frames of the sample begin: header, dictionary, three blocks, end, index.
static size_t frame_at(const struct ht_buffer *bytes, int index)
{
    for (size_t at = HT_COMPACT_START_SIZE; at + 4 <= bytes->size; at++)
        if (ht_load32(bytes->data + at) == 0x184D2204 && index-- == 0)
            return at;
    fail_msg("no such frame");
    return 0;
}

static void a_cut_at_every_byte_keeps_the_whole_blocks(void **state)
{
    const struct sample *sample = *state;
    size_t last_count = 0;
    size_t trailer_at = sample->bytes.size - HT_COMPACT_TRAILER_SIZE;
    size_t end_at = frame_at(&sample->bytes, 6); // behind the end record: there the index begins
    for (size_t size = 0; size < sample->bytes.size; size++) {
        uint8_t *exact = malloc(size + 1);
        assert_non_null(exact);
        memcpy(exact, sample->bytes.data, size);
        struct kit_result result = kit_read(exact, size);
        if (size < HT_COMPACT_START_SIZE) {
            assert_int_equal(result.status, HT_FORMAT);
        } else {
            // The end of a skippable frame may be missing.
            bool is_whole = size == end_at || size == trailer_at || size >= trailer_at + 8;
            assert_int_equal(result.status, HT_END);
            assert_int_equal(result.trace.loss[HT_LOSS_CUT], is_whole ? 0 : 1);
            assert_int_equal(kit_losses(&result.trace), is_whole ? 0 : 1);
        }
        assert_int_equal(result.event_count % KIT_BLOCK_EVENTS, 0);
        assert_true(result.event_count >= last_count);
        assert_memory_equal(result.text.data, sample->text.data, result.text.size - 1);
        last_count = result.event_count;
        kit_result_reset(&result);
        free(exact);
    }
    assert_int_equal(last_count, 3 * KIT_BLOCK_EVENTS);
}

static void check_assisted(const void *bytes, size_t size)
{
    struct kit_result result = kit_read(bytes, size);
    struct kit_result assisted = kit_read_assisted(bytes, size);
    assert_int_equal(assisted.status, result.status);
    assert_int_equal(assisted.event_count, result.event_count);
    assert_string_equal(assisted.text.data, result.text.data);
    assert_memory_equal(assisted.trace.loss, result.trace.loss, sizeof result.trace.loss);
    assert_int_equal(assisted.trace.damage_count, result.trace.damage_count);
    for (uint32_t i = 0; i < result.trace.damage_count; i++)
        assert_int_equal(assisted.trace.damage[i].offset, result.trace.damage[i].offset);
    kit_result_reset(&result);
    kit_result_reset(&assisted);
}

static void a_second_processor_changes_nothing(void **state)
{
    enum { CUT_STEP = 29, FLIP_STEP = 61 };
    const struct sample *sample = *state;
    for (size_t size = HT_COMPACT_START_SIZE; size < sample->bytes.size; size += CUT_STEP)
        check_assisted(sample->bytes.data, size);
    for (size_t bit = 0; bit < sample->bytes.size * 8; bit += FLIP_STEP) {
        sample->bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        check_assisted(sample->bytes.data, sample->bytes.size);
        sample->bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    check_assisted(sample->bytes.data, sample->bytes.size);
}

static void every_flipped_bit_is_told_or_harmless(void **state)
{
    const struct sample *sample = *state;
    size_t untold = 0;
    for (size_t bit = 0; bit < sample->bytes.size * 8; bit++) {
        sample->bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct kit_result result = kit_read(sample->bytes.data, sample->bytes.size);
        sample->bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (result.status == HT_END && kit_losses(&result.trace) == 0) {
            untold++;
            assert_string_equal(result.text.data, sample->text.data);
            kit_check_modules(&result.trace, &sample->trace);
        }
        kit_result_reset(&result);
    }
    // The minor version, and places where another LZ4 sequence unpacks to the same bytes.
    assert_in_range(untold, 8, sample->bytes.size * 8 / 10);
}

static void check_second_block_lost(struct kit_result *result, const struct sample *sample)
{
    struct ht_buffer first = kit_text(&sample->trace, sample->events, KIT_BLOCK_EVENTS);
    struct ht_buffer last =
        kit_text(&sample->trace, sample->events + 2 * KIT_BLOCK_EVENTS, KIT_BLOCK_EVENTS);
    assert_int_equal(result->status, HT_END);
    assert_int_equal(result->event_count, 2 * KIT_BLOCK_EVENTS);
    assert_memory_equal(result->text.data, first.data, first.size - 1);
    assert_string_equal(result->text.data + first.size - 1, last.data);
    assert_int_equal(result->trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    assert_int_equal(kit_losses(&result->trace), 1);
    assert_int_equal(result->trace.damage_count, 1);
    ht_buffer_reset(&first);
    ht_buffer_reset(&last);
    kit_result_reset(result);
}

static void a_damaged_block_costs_that_block(void **state)
{
    struct sample *sample = *state;
    size_t at = frame_at(&sample->bytes, 3);
    sample->bytes.data[at + 40] ^= 1;
    struct kit_result result = kit_read(sample->bytes.data, sample->bytes.size);
    assert_int_equal(result.trace.damage[0].offset, at);
    check_second_block_lost(&result, sample);
}

static void a_length_that_swallows_the_next_frames_is_survived(void **state)
{
    struct sample *sample = *state;
    sample->bytes.data[frame_at(&sample->bytes, 3) + 7 + 1] ^= 0x40;
    struct kit_result result = kit_read(sample->bytes.data, sample->bytes.size);
    check_second_block_lost(&result, sample);
}

static void a_block_taken_out_is_missed_at_the_end(void **state)
{
    struct sample *sample = *state;
    size_t from = frame_at(&sample->bytes, 3);
    size_t to = frame_at(&sample->bytes, 4);
    memmove(sample->bytes.data + from, sample->bytes.data + to, sample->bytes.size - to);
    struct kit_result result = kit_read(sample->bytes.data, sample->bytes.size - (to - from));
    check_second_block_lost(&result, sample);
}

static void a_lost_dictionary_costs_stacks_and_not_events(void **state)
{
    struct sample *sample = *state;
    sample->bytes.data[frame_at(&sample->bytes, 1) + 30] ^= 1;
    struct kit_result result = kit_read(sample->bytes.data, sample->bytes.size);
    uint64_t with_stack = 0;
    for (size_t i = 0; i < 3 * KIT_BLOCK_EVENTS; i++)
        with_stack += ht_event_stack(&sample->events[i]) != 0;
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, 3 * KIT_BLOCK_EVENTS);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    assert_int_equal(result.trace.loss[HT_LOSS_DICTIONARY], with_stack);
    assert_int_equal(result.trace.module_count, 0);
    kit_result_reset(&result);
}

static void messages_behind_the_end_record_are_told(void **state)
{
    (void)state;
    struct kit_file file;
    kit_begin(&file);
    kit_end_record(&file, 0);
    kit_end_record(&file, 0);
    struct ht_buffer *bytes = kit_bytes(&file);
    struct kit_result result = kit_read(bytes->data, bytes->size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    kit_result_reset(&result);
    kit_close(&file);
}

// Columns of two events that fit: a block to be made wrong in one place.
struct columns {
    Ht__Block block;
    uint32_t kind[1], flags[1], source[1], fields[1];
    uint32_t pid[1], tid[1];
    uint64_t handle[1];
    uint32_t shape[2], thread[2], stack[2], detail_count[2], place[2];
    int32_t cpu[2], birth[2];
    int64_t time[2], address[2], place_offset[2];
    uint64_t detail[3];
};

static void fill_columns(struct columns *columns)
{
    *columns = (struct columns){.kind = {HT_KIND_EXTEND},
                                .fields = {1 | 16},
                                .time = {0, 1},
                                .address = {1, 2},
                                .detail_count = {1, 2}};
    Ht__Block *block = &columns->block;
    ht__block__init(block);
    block->event_count = 2;
    block->n_shape_kind = block->n_shape_flags = block->n_shape_source = 1;
    block->n_shape_fields = block->n_thread_pid = block->n_thread_tid = block->n_heap_handle = 1;
    block->shape_kind = columns->kind;
    block->shape_flags = columns->flags;
    block->shape_source = columns->source;
    block->shape_fields = columns->fields;
    block->thread_pid = columns->pid;
    block->thread_tid = columns->tid;
    block->heap_handle = columns->handle;
    block->n_shape = block->n_time = block->n_address = block->n_detail_count = 2;
    block->shape = columns->shape;
    block->time_unit_ns = block->address_unit = 16;
    block->time = columns->time;
    block->address = columns->address;
    block->detail_count = columns->detail_count;
    block->n_detail = 3;
    block->detail = columns->detail;
    block->cpu = columns->cpu;
    block->stack = columns->stack;
}

// Reads a file of this block and gives the events that came of it.
static size_t events_of(const struct columns *columns)
{
    struct kit_file file;
    kit_begin(&file);
    kit_message(&file, HT_COMPACT_BLOCK, &columns->block.base);
    kit_end_record(&file, 2);
    struct ht_buffer *bytes = kit_bytes(&file);
    struct kit_result result = kit_read(bytes->data, bytes->size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(kit_losses(&result.trace), result.event_count == 2 ? 0 : 1);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], kit_losses(&result.trace));
    size_t count = result.event_count;
    kit_result_reset(&result);
    kit_close(&file);
    return count;
}

static void columns_that_do_not_fit_cost_the_block(void **state)
{
    (void)state;
    struct columns columns;
    fill_columns(&columns);
    assert_int_equal(events_of(&columns), 2);
    size_t *const counts[] = {
        &columns.block.n_shape_kind,   &columns.block.n_shape_flags,  &columns.block.n_shape_source,
        &columns.block.n_shape_fields, &columns.block.n_thread_pid,   &columns.block.n_thread_tid,
        &columns.block.n_heap_handle,  &columns.block.n_shape,        &columns.block.n_time,
        &columns.block.n_address,      &columns.block.n_detail_count, &columns.block.n_detail,
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        --*counts[i];
        assert_int_equal(events_of(&columns), 0);
        ++*counts[i];
    }
    size_t *const absent[] = {&columns.block.n_cpu, &columns.block.n_stack};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        *absent[i] = 1;
        assert_int_equal(events_of(&columns), 0);
        *absent[i] = 0;
    }
}

static void values_out_of_range_cost_the_rest(void **state)
{
    (void)state;
    struct columns columns;
    fill_columns(&columns);
    columns.shape[1] = 1;
    assert_int_equal(events_of(&columns), 0);
    fill_columns(&columns);
    columns.block.n_cpu = 2;
    columns.cpu[1] = UINT16_MAX;
    assert_int_equal(events_of(&columns), 2);
    columns.cpu[0]++;
    assert_int_equal(events_of(&columns), 1);
    columns.cpu[0] = -1;
    assert_int_equal(events_of(&columns), 0);
    fill_columns(&columns);
    columns.block.n_thread = 2;
    columns.block.thread = columns.thread;
    columns.thread[1] = UINT32_MAX;
    assert_int_equal(events_of(&columns), 1);
    fill_columns(&columns);
    columns.block.n_heap = 2;
    columns.block.heap = columns.thread;
    columns.thread[0] = 1;
    assert_int_equal(events_of(&columns), 0);
    fill_columns(&columns);
    columns.source[0] = 256;
    assert_int_equal(events_of(&columns), 0);
    fill_columns(&columns);
    columns.detail_count[0] = UINT32_MAX;
    assert_int_equal(events_of(&columns), 0);
    fill_columns(&columns);
    columns.block.event_count = UINT32_MAX;
    assert_int_equal(events_of(&columns), 0);
    columns.block.event_count = 0;
    assert_int_equal(events_of(&columns), 0);
}

// Two events, an alloc at a predicted place and a free of it: fits, and is made wrong from there.
static void fill_lives(struct columns *columns, uint32_t kinds[2], uint32_t fields[2])
{
    static uint32_t zeros[2];
    fill_columns(columns);
    Ht__Block *block = &columns->block;
    kinds[0] = HT_KIND_ALLOC;
    kinds[1] = HT_KIND_FREE;
    fields[0] = 128;
    fields[1] = 64;
    block->shape_kind = kinds;
    block->shape_fields = fields;
    block->shape_flags = block->shape_source = zeros;
    block->n_shape_kind = block->n_shape_fields = 2;
    block->n_shape_flags = block->n_shape_source = 2;
    columns->shape[1] = 1;
    block->n_address = block->n_detail_count = block->n_detail = 0;
    block->n_birth = block->n_place = block->n_place_offset = 1;
    block->birth = columns->birth;
    block->place = columns->place;
    block->place_offset = columns->place_offset;
}

static void births_and_places_that_are_not_there_are_told(void **state)
{
    (void)state;
    struct columns columns;
    uint32_t kinds[2], fields[2];
    fill_lives(&columns, kinds, fields);
    assert_int_equal(events_of(&columns), 2);
    const int32_t no_births[] = {1, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof no_births / sizeof *no_births; i++) {
        columns.birth[0] = no_births[i];
        assert_int_equal(events_of(&columns), 1);
    }
    fill_lives(&columns, kinds, fields);
    columns.block.n_place_offset = 0; // a rank in an empty pool
    columns.place[0] = 2;
    assert_int_equal(events_of(&columns), 0);
    columns.place[0] = 2 + 64;
    assert_int_equal(events_of(&columns), 0);
    columns.place[0] = 0; // an offset that is missing
    assert_int_equal(events_of(&columns), 0);
    fill_lives(&columns, kinds, fields);
    columns.block.n_birth = 2;
    fields[0] = 64; // freed without being born, and freed twice
    kinds[0] = HT_KIND_FREE;
    columns.block.n_place = columns.block.n_place_offset = 0;
    assert_int_equal(events_of(&columns), 0);
}

static void an_address_told_twice_costs_the_block(void **state)
{
    (void)state;
    static const struct {
        uint32_t kind, fields;
    } wrong[] = {
        {HT_KIND_ALLOC, 128 | 1},  {HT_KIND_ALLOC, 64}, {HT_KIND_FREE, 64 | 1},
        {HT_KIND_FREE, 128},       {HT_KIND_LOCK, 128}, {HT_KIND_REALLOC, 128 | 1},
        {HT_KIND_REALLOC, 64 | 4}, {HT_KIND_LOCK, 64},  {HT_KIND_COUNT, 128},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct columns columns;
        uint32_t kinds[2], fields[2];
        fill_lives(&columns, kinds, fields);
        kinds[1] = wrong[i].kind;
        fields[1] = wrong[i].fields;
        columns.block.n_birth = (fields[1] & 64) != 0;
        columns.block.n_place = columns.block.n_place_offset = 1 + (fields[1] & 128) / 128;
        columns.block.n_address = fields[1] & 1;
        columns.block.n_old_address = (fields[1] & 4) != 0;
        columns.block.old_address = columns.address;
        assert_int_equal(events_of(&columns), 0);
    }
}

static void an_old_size_never_becomes_a_detail(void **state)
{
    (void)state;
    struct columns columns;
    fill_columns(&columns);
    columns.fields[0] = 8;
    columns.block.n_address = columns.block.n_detail_count = columns.block.n_detail = 0;
    columns.block.n_old_size = 2;
    columns.block.old_size = columns.time;
    assert_int_equal(events_of(&columns), 2); // kit_print fails for a detail that is not there
}

static void the_number_of_a_name_is_capped(void **state)
{
    (void)state;
    const uint32_t numbers[] = {0, HT_DICT_STRINGS_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct kit_file file;
        ProtobufCBinaryData text[] = {{1, (uint8_t[]){'a'}}, {1, (uint8_t[]){'b'}}};
        Ht__Strings strings = HT__STRINGS__INIT;
        strings.first_id = numbers[i];
        strings.n_text = 2;
        strings.text = text;
        kit_begin(&file);
        kit_message(&file, HT_COMPACT_STRINGS, &strings.base);
        kit_end_record(&file, 0);
        struct ht_buffer *bytes = kit_bytes(&file);
        struct kit_result result = kit_read(bytes->data, bytes->size);
        assert_int_equal(result.status, HT_END);
        assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
        assert_int_equal(ht_dict_string_count(result.trace.dict), 0);
        kit_result_reset(&result);
        kit_close(&file);
    }
}

static void stacks_that_do_not_fit_are_told(void **state)
{
    (void)state;
    uint32_t counts[] = {1, 2};
    int64_t addresses[] = {5, 5, 5};
    for (int wrong = 0; wrong < 4; wrong++) {
        struct kit_file file;
        Ht__Stacks stacks = HT__STACKS__INIT;
        stacks.first_id = 1;
        stacks.n_frame_count = 2;
        stacks.frame_count = counts;
        stacks.n_address = wrong == 1 ? 2 : 3;
        stacks.address = addresses;
        stacks.n_module = wrong == 2 ? 1 : 0;
        stacks.module = counts;
        counts[0] = wrong == 3 ? 0 : 1;
        kit_begin(&file);
        kit_message(&file, HT_COMPACT_STACKS, &stacks.base);
        kit_end_record(&file, 0);
        struct ht_buffer *bytes = kit_bytes(&file);
        struct kit_result result = kit_read(bytes->data, bytes->size);
        assert_int_equal(result.status, HT_END);
        assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], wrong > 0);
        assert_int_equal(ht_dict_stack_count(result.trace.dict), wrong > 0 ? 0 : 2);
        kit_result_reset(&result);
        kit_close(&file);
    }
}

// Four modules: one without a path, one whose path is not there, two of the same path. The first
// has a GUID of this many bytes.
static struct kit_result read_odd_modules(size_t guid_length)
{
    struct kit_file file;
    ProtobufCBinaryData text = {1, (uint8_t[]){'a'}};
    Ht__Strings strings = HT__STRINGS__INIT;
    strings.first_id = 1;
    strings.n_text = 1;
    strings.text = &text;
    const uint32_t paths[] = {0, UINT32_MAX, 1, 1};
    Ht__Module entries[4];
    Ht__Module *pointers[4];
    Ht__Modules modules = HT__MODULES__INIT;
    for (uint32_t i = 0; i < 4; i++) {
        ht__module__init(&entries[i]);
        entries[i].path = paths[i];
        entries[i].size = i;
        entries[i].debug_name = 2;
        pointers[i] = &entries[i];
    }
    entries[0].debug_guid = (ProtobufCBinaryData){guid_length, (uint8_t[17]){1}};
    modules.n_module = 4;
    modules.module = pointers;
    kit_begin(&file);
    kit_message(&file, HT_COMPACT_STRINGS, &strings.base);
    kit_message(&file, HT_COMPACT_MODULES, &modules.base);
    kit_end_record(&file, 0);
    struct ht_buffer *bytes = kit_bytes(&file);
    struct kit_result result = kit_read(bytes->data, bytes->size);
    kit_close(&file);
    assert_int_equal(result.status, HT_END);
    return result;
}

static void a_module_without_its_path_is_told(void **state)
{
    (void)state;
    struct kit_result result = read_odd_modules(16);
    assert_int_equal(result.trace.loss[HT_LOSS_DICTIONARY], 2);
    assert_int_equal(kit_losses(&result.trace), 2);
    assert_int_equal(result.trace.module_count, 1);
    assert_int_equal(result.trace.modules[0].size, 2); // the first of its path
    assert_int_equal(result.trace.modules[0].debug_name, 0);
    kit_result_reset(&result);
}

static void a_guid_of_another_length_costs_the_message(void **state)
{
    (void)state;
    const size_t lengths[] = {1, 15, 17};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct kit_result result = read_odd_modules(lengths[i]);
        assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
        assert_int_equal(kit_losses(&result.trace), 1);
        assert_int_equal(result.trace.module_count, 0);
        kit_result_reset(&result);
    }
}

// A message whose arrays would take more than the cap although its bytes do not.
static void a_message_that_unpacks_too_large_is_told(void **state)
{
    (void)state;
    enum { COUNT = HT_COMPACT_MESSAGE_MAX / 8 + 1 };
    struct kit_file file;
    Ht__Stacks stacks = HT__STACKS__INIT;
    stacks.n_address = COUNT;
    stacks.address = calloc(COUNT, sizeof *stacks.address);
    assert_non_null(stacks.address);
    kit_begin(&file);
    kit_message(&file, HT_COMPACT_STACKS, &stacks.base);
    kit_end_record(&file, 0);
    struct ht_buffer *bytes = kit_bytes(&file);
    assert_in_range(bytes->size, 1, COUNT / 200);
    struct kit_result result = kit_read(bytes->data, bytes->size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    kit_result_reset(&result);
    kit_close(&file);
    free(stacks.address);
}

// Frame heads one behind the other, each a frame that fails late: work must not grow with the
// square of the file.
static void many_damaged_frames_are_given_up(void **state)
{
    (void)state;
    enum { COUNT = 4000 };
    const struct sample *sample = *state;
    const uint8_t *head = sample->bytes.data + frame_at(&sample->bytes, 0);
    struct kit_file file;
    kit_begin(&file);
    for (int i = 0; i < COUNT; i++) {
        const uint8_t length[] = {0xFF, 0xFF, 0x03, 0x80}; // a block that is not compressed
        assert_int_equal(ht_output_write(file.output, head, 7, NULL), HT_OK);
        assert_int_equal(ht_output_write(file.output, length, sizeof length, NULL), HT_OK);
    }
    struct ht_buffer *bytes = kit_bytes(&file);
    struct kit_result result = kit_read(bytes->data, bytes->size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], HT_COMPACT_DAMAGED_FRAMES_MAX);
    assert_int_equal(result.trace.loss[HT_LOSS_CUT], 1);
    kit_result_reset(&result);
    kit_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_without_damage_tells_none, open_sample,
                                        close_sample),
        cmocka_unit_test_setup_teardown(a_cut_at_every_byte_keeps_the_whole_blocks, open_sample,
                                        close_sample),
        cmocka_unit_test_setup_teardown(a_second_processor_changes_nothing, open_sample,
                                        close_sample),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_told_or_harmless, open_sample,
                                        close_sample),
        cmocka_unit_test_setup_teardown(a_damaged_block_costs_that_block, open_sample,
                                        close_sample),
        cmocka_unit_test_setup_teardown(a_length_that_swallows_the_next_frames_is_survived,
                                        open_sample, close_sample),
        cmocka_unit_test_setup_teardown(a_block_taken_out_is_missed_at_the_end, open_sample,
                                        close_sample),
        cmocka_unit_test_setup_teardown(a_lost_dictionary_costs_stacks_and_not_events, open_sample,
                                        close_sample),
        cmocka_unit_test(messages_behind_the_end_record_are_told),
        cmocka_unit_test(columns_that_do_not_fit_cost_the_block),
        cmocka_unit_test(values_out_of_range_cost_the_rest),
        cmocka_unit_test(births_and_places_that_are_not_there_are_told),
        cmocka_unit_test(an_address_told_twice_costs_the_block),
        cmocka_unit_test(an_old_size_never_becomes_a_detail),
        cmocka_unit_test(the_number_of_a_name_is_capped),
        cmocka_unit_test(stacks_that_do_not_fit_are_told),
        cmocka_unit_test(a_module_without_its_path_is_told),
        cmocka_unit_test(a_guid_of_another_length_costs_the_message),
        cmocka_unit_test(a_message_that_unpacks_too_large_is_told),
        cmocka_unit_test_setup_teardown(many_damaged_frames_are_given_up, open_sample,
                                        close_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
