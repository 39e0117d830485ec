// SPDX-License-Identifier: MIT
//
// The index of a .htape file: who seeks by it reads the groups that are asked for and gets the
// same events as who reads through, also when the file or the index is damaged.
#include "compact_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 4, EVENTS = BLOCKS * KIT_BLOCK_EVENTS, MANY = HT_COMPACT_GROUP_PIDS_MAX + 1 };

struct sample {
    struct ht_trace trace;
    struct ht_event events[EVENTS];
    struct ht_buffer bytes;
};

// Block i is of process 10 + i and of the times from 1000 * i on, with a step back.
static struct ht_event event_at(size_t i)
{
    static const int steps[KIT_BLOCK_EVENTS] = {10, 0, 20, 40, 30};
    size_t block = i / KIT_BLOCK_EVENTS;
    return (struct ht_event){.time_ns = (int64_t)block * 1000 + steps[i % KIT_BLOCK_EVENTS],
                             .pid = (uint32_t)(10 + block),
                             .heap = 0x1000,
                             .kind = HT_KIND_ALLOC,
                             .address = 0x10000 + 16 * i,
                             .size = i};
}

static void put_index(struct kit_file *file)
{
    assert_int_equal(ht_frame_sink_put_index(&file->sink, HT_COMPACT_INDEX, NULL), HT_OK);
}

static struct ht_buffer take_bytes(struct kit_file *file)
{
    struct ht_buffer bytes = *kit_bytes(file);
    file->bytes = ht_buffer_with_limit(0);
    kit_close(file);
    return bytes;
}

static int open_sample(void **state)
{
    struct sample *sample = malloc(sizeof *sample);
    if (sample == NULL || ht_trace_init(&sample->trace, NULL) != HT_OK)
        return -1;
    struct kit_file file;
    kit_begin(&file);
    for (size_t i = 0; i < EVENTS; i++)
        sample->events[i] = event_at(i);
    for (size_t i = 0; i < EVENTS; i += KIT_BLOCK_EVENTS)
        kit_block(&file, &sample->trace, sample->events + i, KIT_BLOCK_EVENTS);
    kit_end_record(&file, EVENTS);
    put_index(&file);
    sample->bytes = take_bytes(&file);
    *state = sample;
    return 0;
}

static int close_sample(void **state)
{
    struct sample *sample = *state;
    ht_buffer_reset(&sample->bytes);
    ht_trace_reset(&sample->trace);
    free(sample);
    return 0;
}

// Offset of the n-th frame: header, the blocks, end, index.
static size_t frame_at(const struct ht_buffer *bytes, int index)
{
    for (size_t at = HT_COMPACT_START_SIZE; at + 4 <= bytes->size; at++)
        if (ht_load32(bytes->data + at) == 0x184D2204 && index-- == 0)
            return at;
    fail_msg("no such frame");
    return 0;
}

static struct ht_buffer text_of_blocks(const struct sample *sample, size_t first, size_t end)
{
    return kit_text(&sample->trace, sample->events + first * KIT_BLOCK_EVENTS,
                    (end - first) * KIT_BLOCK_EVENTS);
}

// That these blocks, one behind the other, are what was read.
static void check_blocks(struct kit_result *result, const struct sample *sample, size_t first,
                         size_t end)
{
    struct ht_buffer text = text_of_blocks(sample, first, end);
    assert_int_equal(result->status, HT_END);
    assert_string_equal(result->text.data, text.data);
    assert_int_equal(kit_losses(&result->trace), 0);
    ht_buffer_reset(&text);
}

static void the_groups_asked_for_are_read(void **state)
{
    const struct sample *sample = *state;
    static const uint32_t pids[] = {7, 12, 11};
    static const struct {
        struct ht_scope scope;
        size_t first, end;
    } cases[] = {
        {{INT64_MIN, INT64_MAX, NULL, 0}, 0, 4}, {{1000, 2000, NULL, 0}, 1, 2},
        {{1040, 2000, NULL, 0}, 1, 2},           {{1041, 2000, NULL, 0}, 2, 2},
        {{1041, 2001, NULL, 0}, 2, 3},           {{INT64_MIN, 1000, NULL, 0}, 0, 1},
        {{INT64_MIN, 1001, NULL, 0}, 0, 2},      {{3000, INT64_MAX, NULL, 0}, 3, 4},
        {{INT64_MIN, INT64_MAX, pids, 3}, 1, 3}, {{2000, INT64_MAX, pids, 3}, 2, 3},
        {{INT64_MIN, INT64_MAX, pids, 1}, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t read = cases[i].end - cases[i].first;
        struct kit_result result =
            kit_read_narrow(sample->bytes.data, sample->bytes.size, &cases[i].scope);
        check_blocks(&result, sample, cases[i].first, cases[i].end);
        assert_int_equal(result.trace.groups, BLOCKS);
        assert_int_equal(result.trace.groups_read, read);
        assert_int_equal(result.trace.left_out, (BLOCKS - read) * KIT_BLOCK_EVENTS);
        kit_result_reset(&result);
    }
}

static void the_writer_indexes_what_it_writes(void **state)
{
    (void)state;
    struct ht_trace trace;
    struct ht_event events[KIT_EVENTS];
    kit_sample(&trace, events);
    struct ht_buffer bytes = kit_write(&trace, events, KIT_EVENTS);
    const struct ht_scope all = {INT64_MIN, INT64_MAX, NULL, 0};
    struct ht_buffer expected = kit_text(&trace, events, KIT_EVENTS);
    struct kit_result result = kit_read_narrow(bytes.data, bytes.size, &all);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.trace.groups, 1);
    assert_string_equal(result.text.data, expected.data);
    kit_check_modules(&result.trace, &trace);
    kit_result_reset(&result);
    const struct ht_scope none = {INT64_MIN, INT64_MAX, (const uint32_t[]){9}, 1};
    result = kit_read_narrow(bytes.data, bytes.size, &none);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, 0);
    assert_int_equal(result.trace.left_out, KIT_EVENTS);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_check_modules(&result.trace, &trace); // the dictionary is read always
    kit_result_reset(&result);
    ht_buffer_reset(&expected);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void a_group_of_too_many_processes_is_read_for_any(void **state)
{
    (void)state;
    static struct ht_event events[MANY];
    struct ht_trace trace;
    struct kit_file file;
    const struct ht_scope scope = {INT64_MIN, INT64_MAX, (const uint32_t[]){9999}, 1};
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    for (int i = 0; i < MANY; i++)
        events[i] = (struct ht_event){.pid = (uint32_t)i, .kind = HT_KIND_LOCK};
    for (size_t count = MANY - 1; count <= MANY; count++) {
        kit_begin(&file);
        kit_block(&file, &trace, events, count);
        kit_end_record(&file, count);
        put_index(&file);
        struct ht_buffer bytes = take_bytes(&file);
        struct kit_result result = kit_read_narrow(bytes.data, bytes.size, &scope);
        assert_int_equal(result.status, HT_END);
        assert_int_equal(result.event_count, count == MANY ? MANY : 0);
        kit_result_reset(&result);
        ht_buffer_reset(&bytes);
    }
    ht_trace_reset(&trace);
}

static void a_cut_index_is_done_without(void **state)
{
    const struct sample *sample = *state;
    const struct ht_scope scope = {1000, 2000, NULL, 0};
    for (size_t size = frame_at(&sample->bytes, 2 + BLOCKS); size < sample->bytes.size; size++) {
        struct kit_result result = kit_read_narrow(sample->bytes.data, size, &scope);
        struct ht_buffer text = text_of_blocks(sample, 0, BLOCKS);
        assert_int_equal(result.status, HT_END);
        assert_int_equal(result.trace.groups, 0);
        assert_string_equal(result.text.data, text.data);
        ht_buffer_reset(&text);
        kit_result_reset(&result);
    }
}

// One bit of each: reading takes its time, and test_compact_damage.c flips them all, read through.
// What is untold is what was asked for, or the whole file when the index was not found.
static void a_flipped_bit_of_any_byte_is_told_or_harmless(void **state)
{
    const struct sample *sample = *state;
    const struct ht_scope scope = {1000, 3000, NULL, 0};
    size_t untold = 0;
    for (size_t at = 0; at < sample->bytes.size; at++) {
        uint8_t bit = (uint8_t)(1u << at % 8);
        sample->bytes.data[at] ^= bit;
        struct kit_result result = kit_read_narrow(sample->bytes.data, sample->bytes.size, &scope);
        sample->bytes.data[at] ^= bit;
        bool has_index = result.trace.groups > 0;
        if (result.status == HT_END && kit_losses(&result.trace) == 0) {
            untold++;
            check_blocks(&result, sample, has_index ? 1 : 0, has_index ? 3 : BLOCKS);
        }
        kit_result_reset(&result);
    }
    // The minor version, the trailer, the groups that were not read, and where another LZ4
    // sequence unpacks to the same bytes.
    assert_in_range(untold, 1, sample->bytes.size * 6 / 10);
}

static void behind_a_damaged_group_the_file_is_read_through(void **state)
{
    struct sample *sample = *state;
    const struct ht_scope scope = {1000, 3000, NULL, 0};
    size_t at = frame_at(&sample->bytes, 2);
    sample->bytes.data[at + 20] ^= 1;
    struct kit_result result = kit_read_narrow(sample->bytes.data, sample->bytes.size, &scope);
    struct ht_buffer text = text_of_blocks(sample, 2, BLOCKS);
    assert_int_equal(result.status, HT_END);
    assert_string_equal(result.text.data, text.data);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    assert_int_equal(kit_losses(&result.trace), 1);
    assert_int_equal(result.trace.damage[0].offset, at);
    assert_int_equal(result.trace.left_out, KIT_BLOCK_EVENTS);
    ht_buffer_reset(&text);
    kit_result_reset(&result);
}

// Reads the sample with its index in place of the right one, by seeking or through.
static struct kit_result read_with(const struct sample *sample, const Ht__Index *index,
                                   bool is_seeking)
{
    const struct ht_scope scope = {1000, 2000, NULL, 0};
    struct kit_file file;
    uint8_t trailer[HT_COMPACT_TRAILER_SIZE];
    size_t index_at = frame_at(&sample->bytes, 2 + BLOCKS);
    file.bytes = ht_buffer_with_limit(64 << 20);
    assert_int_equal(ht_output_open_memory(&file.bytes, &file.output, NULL), HT_OK);
    ht_frame_sink_init(&file.sink, file.output);
    assert_int_equal(ht_output_write(file.output, sample->bytes.data, index_at, NULL), HT_OK);
    kit_message(&file, HT_COMPACT_INDEX, &index->base);
    ht_index_trailer_put(trailer, index_at);
    assert_int_equal(ht_output_write(file.output, trailer, sizeof trailer, NULL), HT_OK);
    struct ht_buffer bytes = take_bytes(&file);
    struct kit_result result = kit_read_narrow(bytes.data, bytes.size, is_seeking ? &scope : NULL);
    ht_buffer_reset(&bytes);
    return result;
}

// An index of the sample that fits, to be made wrong in one place.
struct given {
    Ht__Index index;
    uint32_t bytes[2 + BLOCKS], checksums[2 + BLOCKS], counts[2 + BLOCKS], pid_counts[2 + BLOCKS];
    int64_t first[2 + BLOCKS];
    uint64_t spans[2 + BLOCKS];
};

static void fill_index(struct given *given, const struct sample *sample)
{
    enum { FRAMES = 2 + BLOCKS };
    *given = (struct given){.counts = {0, 5, 5, 5, 5, 0},
                            .first = {0, 0, 1000, 2000, 3000, 0},
                            .spans = {0, 40, 40, 40, 40, 0}};
    for (int i = 0; i < FRAMES; i++) {
        size_t end = frame_at(&sample->bytes, i + 1);
        given->bytes[i] = (uint32_t)(end - frame_at(&sample->bytes, i));
        given->checksums[i] = ht_load32(sample->bytes.data + end - 4);
    }
    Ht__Index *index = &given->index;
    ht__index__init(index);
    index->n_frame_bytes = index->n_frame_checksum = index->n_event_count = FRAMES;
    index->n_first_time_ns = index->n_time_span_ns = index->n_pid_count = FRAMES;
    index->frame_bytes = given->bytes;
    index->frame_checksum = given->checksums;
    index->event_count = given->counts;
    index->first_time_ns = given->first;
    index->time_span_ns = given->spans;
    index->pid_count = given->pid_counts;
    index->pid = given->counts;
}

static void check_not_used(const struct sample *sample, const struct given *given)
{
    for (int is_seeking = 0; is_seeking < 2; is_seeking++) {
        struct kit_result result = read_with(sample, &given->index, is_seeking);
        assert_int_equal(result.status, HT_END);
        assert_int_equal(result.event_count, EVENTS);
        assert_int_equal(result.trace.groups, 0);
        assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
        assert_int_equal(kit_losses(&result.trace), 1);
        kit_result_reset(&result);
    }
}

static void an_index_that_does_not_fit_is_told_and_done_without(void **state)
{
    const struct sample *sample = *state;
    struct given given;
    fill_index(&given, sample);
    struct kit_result result = read_with(sample, &given.index, true);
    check_blocks(&result, sample, 1, 2);
    kit_result_reset(&result);
    size_t *const sizes[] = {&given.index.n_frame_bytes,  &given.index.n_frame_checksum,
                             &given.index.n_event_count,  &given.index.n_first_time_ns,
                             &given.index.n_time_span_ns, &given.index.n_pid_count};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        --*sizes[i];
        check_not_used(sample, &given);
        ++*sizes[i];
    }
    given.bytes[2]++;
    check_not_used(sample, &given);
    fill_index(&given, sample);
    given.index.n_pid = 1;
    check_not_used(sample, &given);
    fill_index(&given, sample);
    given.counts[2] = UINT32_MAX;
    check_not_used(sample, &given);
}

// From the first frame that is another than the index says, the file is read through; and what it
// says was left out must be what is missing at the end.
static void an_index_that_lies_never_changes_events(void **state)
{
    const struct sample *sample = *state;
    struct given given;
    fill_index(&given, sample);
    given.bytes[2]--;
    given.bytes[3]++;
    struct kit_result result = read_with(sample, &given.index, true);
    check_blocks(&result, sample, 1, BLOCKS);
    kit_result_reset(&result);
    fill_index(&given, sample);
    given.checksums[2]++;
    result = read_with(sample, &given.index, true);
    check_blocks(&result, sample, 1, BLOCKS);
    kit_result_reset(&result);
    fill_index(&given, sample);
    given.counts[3]++;
    result = read_with(sample, &given.index, true);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    kit_result_reset(&result);
}

// That an index is told, at the n-th frame, by who reads that group by it and by who reads all;
// with every event from there on.
static void check_told(const struct sample *sample, const struct given *given, int frame)
{
    for (int is_seeking = 0; is_seeking < 2; is_seeking++) {
        struct kit_result result = read_with(sample, &given->index, is_seeking);
        struct ht_buffer text = text_of_blocks(sample, is_seeking ? 1 : 0, BLOCKS);
        assert_int_equal(result.status, HT_END);
        assert_string_equal(result.text.data, text.data);
        assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
        assert_int_equal(kit_losses(&result.trace), 1);
        assert_int_equal(result.trace.damage[0].offset, frame_at(&sample->bytes, frame));
        ht_buffer_reset(&text);
        kit_result_reset(&result);
    }
}

// The group that is read is in frame 2, of process 11, from 1000 to 1040.
static void an_index_that_lies_of_a_group_that_is_read_is_told(void **state)
{
    const struct sample *sample = *state;
    struct given given;
    fill_index(&given, sample);
    given.counts[2]--;
    check_told(sample, &given, 2);
    fill_index(&given, sample);
    given.first[2] = 999;
    check_told(sample, &given, 2);
    fill_index(&given, sample);
    given.spans[2] = 39;
    check_told(sample, &given, 2);
    fill_index(&given, sample);
    uint32_t pids[] = {12, 11};
    given.pid_counts[2] = 1;
    given.index.n_pid = 1;
    given.index.pid = pids;
    check_told(sample, &given, 2);
    given.pid_counts[2] = 2;
    given.index.n_pid = 2;
    check_told(sample, &given, 2);
}

static void an_index_that_hides_a_group_is_told_when_all_is_read(void **state)
{
    const struct sample *sample = *state;
    struct given given;
    fill_index(&given, sample);
    given.first[2] = 9000;
    struct kit_result result = read_with(sample, &given.index, true);
    check_blocks(&result, sample, 1, 1); // nobody can know
    kit_result_reset(&result);
    result = read_with(sample, &given.index, false);
    assert_int_equal(result.event_count, EVENTS);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    assert_int_equal(result.trace.damage[0].offset, frame_at(&sample->bytes, 2));
    kit_result_reset(&result);
    fill_index(&given, sample); // without a frame in the middle, of the right length in all
    given.bytes[2] += given.bytes[3];
    for (int i = 3; i < 1 + BLOCKS; i++) {
        given.bytes[i] = given.bytes[i + 1];
        given.checksums[i] = given.checksums[i + 1];
        given.counts[i] = given.counts[i + 1];
    }
    given.index.n_frame_bytes = given.index.n_frame_checksum = given.index.n_event_count = 5;
    given.index.n_first_time_ns = given.index.n_time_span_ns = given.index.n_pid_count = 5;
    result = read_with(sample, &given.index, false);
    assert_int_equal(result.event_count, EVENTS);
    assert_int_equal(result.trace.loss[HT_LOSS_DAMAGED_BUFFERS], 1);
    kit_result_reset(&result);
}

static void an_index_need_not_tell_processes_nor_in_order(void **state)
{
    const struct sample *sample = *state;
    struct given given;
    fill_index(&given, sample);
    struct kit_result result = read_with(sample, &given.index, false);
    check_blocks(&result, sample, 0, BLOCKS);
    kit_result_reset(&result);
    struct ht_event events[] = {sample->events[0], sample->events[0], sample->events[0]};
    struct kit_file file;
    events[1].pid = 12;
    events[2].pid = 11;
    kit_begin(&file);
    kit_block(&file, &sample->trace, events, 3);
    kit_end_record(&file, 3);
    uint32_t *pids = (uint32_t *)(void *)file.sink.index.pid.data;
    pids[0] = 11;
    pids[2] = 10;
    put_index(&file);
    struct ht_buffer bytes = take_bytes(&file);
    result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.event_count, 3);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_result_reset(&result);
    ht_buffer_reset(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_groups_asked_for_are_read, open_sample, close_sample),
        cmocka_unit_test(the_writer_indexes_what_it_writes),
        cmocka_unit_test(a_group_of_too_many_processes_is_read_for_any),
        cmocka_unit_test_setup_teardown(a_cut_index_is_done_without, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(a_flipped_bit_of_any_byte_is_told_or_harmless, open_sample,
                                        close_sample),
        cmocka_unit_test_setup_teardown(behind_a_damaged_group_the_file_is_read_through,
                                        open_sample, close_sample),
        cmocka_unit_test_setup_teardown(an_index_that_does_not_fit_is_told_and_done_without,
                                        open_sample, close_sample),
        cmocka_unit_test_setup_teardown(an_index_that_lies_never_changes_events, open_sample,
                                        close_sample),
        cmocka_unit_test_setup_teardown(an_index_that_lies_of_a_group_that_is_read_is_told,
                                        open_sample, close_sample),
        cmocka_unit_test_setup_teardown(an_index_that_hides_a_group_is_told_when_all_is_read,
                                        open_sample, close_sample),
        cmocka_unit_test_setup_teardown(an_index_need_not_tell_processes_nor_in_order, open_sample,
                                        close_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
