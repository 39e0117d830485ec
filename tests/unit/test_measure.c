// SPDX-License-Identifier: MIT
#include "replay/measure.h"
#include "replay/replay.h"
#include "recording_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// A heap that gives the next `stride` bytes of an arena for every block and never takes any back.
// A realloc stays where it is unless `moves` is set; above `refused` bytes it fails.
enum { ARENA_BYTES = 1 << 20, ARENA_ALIGNMENT = 1 << 16 };

static struct {
    void *room;
    unsigned char *bytes; // of the room, aligned; not every system has aligned_alloc
    size_t used;
    size_t stride;
    bool moves;
    size_t refused;
} arena;

static enum ht_status open_arena(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)heap;
    (void)error;
    *self = NULL;
    arena.used = 0;
    return HT_OK;
}

static void close_arena(void *self)
{
    (void)self;
}

static void arena_version(void *self, char *text, size_t size)
{
    (void)self;
    memset(text, 0, size);
}

static void *arena_allocate(void *self, size_t size)
{
    (void)self;
    assert_true(size <= arena.stride && arena.used + arena.stride <= ARENA_BYTES);
    arena.used += arena.stride;
    return arena.bytes + arena.used - arena.stride;
}

static void *arena_reallocate(void *self, void *block, size_t size)
{
    if (size > arena.refused) {
        return NULL;
    }
    return arena.moves ? arena_allocate(self, size) : block;
}

static void arena_release(void *self, void *block)
{
    (void)self;
    (void)block;
}

static size_t arena_usable(void *self, void *block)
{
    (void)self;
    (void)block;
    return arena.stride;
}

static const struct ht_heap arena_heap = {
    .name = "arena",
    .is_memory = true,
    .open = open_arena,
    .close = close_arena,
    .version = arena_version,
    .allocate = arena_allocate,
    .reallocate = arena_reallocate,
    .release = arena_release,
    .usable = arena_usable,
};

struct recording {
    struct recording_kit kit;
    int64_t time_ns;
    uint32_t space;
    uint32_t thread;
};

static int open_recording(void **state)
{
    static struct recording recording;
    recording = (struct recording){.thread = 5};
    *state = &recording;
    arena.room = malloc(ARENA_BYTES + ARENA_ALIGNMENT);
    arena.bytes =
        (unsigned char *)arena.room + (ARENA_ALIGNMENT - (uintptr_t)arena.room % ARENA_ALIGNMENT);
    arena.stride = 4096;
    arena.moves = false;
    arena.refused = ARENA_BYTES;
    return arena.room == NULL || !recording_kit_open(&recording.kit);
}

static int close_recording(void **state)
{
    struct recording *recording = *state;
    recording_kit_close(&recording->kit);
    free(arena.room);
    return 0;
}

static void add(struct recording *recording, struct ht_change change)
{
    struct ht_trail_mark mark = {.time_ns = recording->time_ns += 10,
                                 .address = change.address,
                                 .space = recording->space,
                                 .thread = recording->thread,
                                 .stack = 6};
    recording_kit_add(&recording->kit, change, mark);
}

static void begin(struct recording *recording, uint32_t block, uint64_t address, uint64_t size)
{
    add(recording, (struct ht_change){
                       .kind = HT_CHANGE_BEGIN, .block = block, .address = address, .size = size});
}

static void resize(struct recording *recording, uint32_t block, uint64_t old_address,
                   uint64_t address, uint64_t old_size, uint64_t size)
{
    add(recording, (struct ht_change){.kind = HT_CHANGE_RESIZE,
                                      .block = block,
                                      .old_address = old_address,
                                      .address = address,
                                      .old_size = old_size,
                                      .size = size});
}

static void end(struct recording *recording, uint32_t block, uint64_t size)
{
    add(recording, (struct ht_change){.kind = HT_CHANGE_END, .block = block, .size = size});
}

static const struct ht_measure_options no_options = {0};

static struct ht_measure *measure_on(struct recording *recording, const struct ht_heap *heap,
                                     struct ht_replay_result *result)
{
    struct ht_measure *measure;
    struct ht_error error = {0};
    assert_int_equal(
        ht_measure_open(&measure, recording->kit.plan, recording->kit.trail, &no_options, &error),
        HT_OK);
    struct ht_replay_options options = {.measure = measure};
    assert_int_equal(ht_replay_run(recording->kit.plan, heap, &options, result, &error), HT_OK);
    return measure;
}

static void the_same_addresses_have_the_same_figures(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    begin(recording, 0, 0x10000, 4096);
    begin(recording, 1, 0x11000, 100);
    resize(recording, 1, 0x11000, 0x11000, 100, 2000);
    begin(recording, 2, 0x12000, 50);
    end(recording, 0, 4096);
    end(recording, 1, 2000);
    struct ht_measure *measure = measure_on(recording, &arena_heap, &result);
    const struct ht_metrics_report *recorded = ht_measure_recorded(measure);
    const struct ht_metrics_report *replayed = ht_measure_replayed(measure);
    assert_int_equal(recorded->operations, 6);
    assert_int_equal(recorded->peak.operation, 3);
    assert_int_equal(recorded->peak.live_bytes, 6146);
    assert_int_equal(recorded->peak.page_bytes, 3 * 4096);
    assert_int_equal(recorded->look.operation, 3);
    assert_false(recorded->has_usable);
    assert_true(replayed->has_usable);
    assert_int_equal(replayed->peak.usable_bytes, 3 * 4096);
    assert_memory_equal(&recorded->look.gaps, &replayed->look.gaps, sizeof recorded->look.gaps);
    assert_memory_equal(&recorded->last.gaps, &replayed->last.gaps, sizeof recorded->last.gaps);
    assert_memory_equal(recorded->reallocs, replayed->reallocs, sizeof recorded->reallocs);
    assert_int_equal(recorded->sample_count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        struct ht_moment sample = replayed->samples[i];
        sample.usable_bytes = 0;
        sample.held = (struct ht_metrics_held){0}; // which no recording tells
        assert_memory_equal(&recorded->samples[i], &sample, sizeof sample);
    }
    assert_true(recorded->f1_time == replayed->f1_time);
    const struct ht_score *score = ht_measure_score(measure);
    assert_true(score->f1_ratio == 1 && score->f2_ratio == 1 && score->retention_ratio == 1);
    assert_int_equal(score->reallocs, 1);
    assert_int_equal(score->reallocs_agreed, 1);
    assert_string_equal(ht_verdict_name(score->verdict), "yes");
    ht_measure_close(measure);
}

// The recording has its blocks on one page, the heap each on its own.
static void add_dense(struct recording *recording, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        begin(recording, i, 0x10000 + i * 64, 64);
    }
}

static void another_spread_is_no(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    add_dense(recording, 20);
    struct ht_measure *measure = measure_on(recording, &arena_heap, &result);
    const struct ht_score *score = ht_measure_score(measure);
    assert_true(score->f2_ratio == 20);
    assert_false(score->spread_agrees);
    assert_int_equal(score->reallocs, 0);
    assert_string_equal(ht_verdict_name(score->verdict), "no");
    ht_measure_close(measure);
}

// At the peak the same, then the recording ends on one page and the heap on two.
static void the_same_spread_but_at_the_end_is_no(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    begin(recording, 0, 0x10000, 2048);
    begin(recording, 1, 0x10800, 2048);
    begin(recording, 2, 0x20000, 2048);
    begin(recording, 3, 0x30000, 2048);
    for (uint32_t i = 0; i < 96; i++) {
        begin(recording, 4 + i, 0x100000 + i * 4096, 2048);
    }
    for (uint32_t i = 2; i < 100; i++) {
        end(recording, i, 2048);
    }
    struct ht_measure *measure = measure_on(recording, &arena_heap, &result);
    const struct ht_score *score = ht_measure_score(measure);
    assert_true(score->f1_ratio > 1 && score->f1_ratio < 1.1);
    assert_true(score->f2_ratio > 1 && score->f2_ratio < 1.1);
    assert_true(score->retention_ratio == 2);
    assert_false(score->spread_agrees);
    assert_string_equal(ht_verdict_name(score->verdict), "no");
    ht_measure_close(measure);
}

static void another_spread_with_the_same_moves_is_partly(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    add_dense(recording, 20);
    resize(recording, 0, 0x10000, 0x10000, 64, 60);
    struct ht_measure *measure = measure_on(recording, &arena_heap, &result);
    assert_string_equal(ht_verdict_name(ht_measure_score(measure)->verdict), "partly");
    ht_measure_close(measure);
}

static void the_same_spread_with_other_moves_is_partly(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    arena.moves = true;
    begin(recording, 0, 0x10000, 64);
    resize(recording, 0, 0x10000, 0x10000, 64, 60);
    struct ht_measure *measure = measure_on(recording, &arena_heap, &result);
    const struct ht_score *score = ht_measure_score(measure);
    assert_true(score->spread_agrees);
    assert_int_equal(score->reallocs_agreed, 0);
    assert_string_equal(ht_verdict_name(score->verdict), "partly");
    assert_int_equal(ht_measure_replayed(measure)->reallocs[HT_DIRECTION_SHRINK].moved, 1);
    assert_int_equal(ht_measure_recorded(measure)->reallocs[HT_DIRECTION_SHRINK].moved, 0);
    ht_measure_close(measure);
}

static void nothing_live_is_nothing_to_compare(void **state)
{
    struct ht_replay_result result;
    struct ht_measure *measure = measure_on(*state, &arena_heap, &result);
    assert_string_equal(ht_verdict_name(ht_measure_score(measure)->verdict), "nothing to compare");
    ht_measure_close(measure);
}

static void a_realloc_that_failed_here_is_in_no_table(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    arena.refused = 1000;
    begin(recording, 0, 0x10000, 64);
    resize(recording, 0, 0x10000, 0x10000, 64, 2000);
    resize(recording, 0, 0x10000, 0x10000, 2000, 10);
    struct ht_measure *measure = measure_on(recording, &arena_heap, &result);
    const struct ht_metrics_report *replayed = ht_measure_replayed(measure);
    assert_int_equal(result.played.failed_reallocs, 1);
    assert_int_equal(replayed->operations, 3);
    assert_int_equal(replayed->reallocs[HT_DIRECTION_GROW].count, 0);
    assert_int_equal(replayed->reallocs[HT_DIRECTION_SHRINK].count, 1);
    assert_int_equal(replayed->reallocs[HT_DIRECTION_SAME].count, 0);
    assert_int_equal(replayed->peak.live_bytes, 64);
    assert_int_equal(ht_measure_recorded(measure)->peak.live_bytes, 2000);
    ht_measure_close(measure);
}

static void processes_have_addresses_of_their_own(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    begin(recording, 0, 0x10000, 4000);
    recording->space = 7;
    begin(recording, 1, 0x10000, 4000);
    struct ht_measure *measure = measure_on(recording, &arena_heap, &result);
    assert_int_equal(ht_measure_recorded(measure)->peak.page_bytes, 2 * 4096);
    assert_int_equal(ht_measure_replayed(measure)->peak.page_bytes, 2 * 4096);
    ht_measure_close(measure);
}

static void assert_gap_sizes(struct recording *recording, uint64_t median, uint64_t p90,
                             uint64_t p99)
{
    struct ht_measure *measure;
    assert_int_equal(
        ht_measure_open(&measure, recording->kit.plan, recording->kit.trail, &no_options, NULL),
        HT_OK);
    assert_int_equal(ht_measure_gap_sizes(measure)[0], median);
    assert_int_equal(ht_measure_gap_sizes(measure)[1], p90);
    assert_int_equal(ht_measure_gap_sizes(measure)[2], p99);
    ht_measure_close(measure);
}

static void gaps_are_judged_by_the_sizes_requested(void **state)
{
    struct recording *recording = *state;
    assert_gap_sizes(recording, 1, 1, 1);
    begin(recording, 0, 0x10000, 0);
    assert_gap_sizes(recording, 1, 1, 1);
    end(recording, 0, 0);
    for (uint64_t i = 99; i > 0; i--) { // with the 0 above: 0, 1000 ... 99000
        begin(recording, 0, 0x10000, i * 1000);
        end(recording, 0, i * 1000);
    }
    assert_gap_sizes(recording, 49000, 89000, 98000);
    resize(recording, 0, 0x10000, 0x10000, 1, 70000);
    resize(recording, 0, 0x10000, 0x10000, 70000, UINT64_MAX);
    assert_gap_sizes(recording, 50000, 90000, 99000); // 51st, 92nd and 101st of 102
}

static void null_cannot_be_measured(void **state)
{
    struct recording *recording = *state;
    struct ht_measure *measure;
    struct ht_replay_result result;
    struct ht_error error = {0};
    begin(recording, 0, 0x10000, 16);
    assert_int_equal(
        ht_measure_open(&measure, recording->kit.plan, recording->kit.trail, &no_options, &error),
        HT_OK);
    struct ht_replay_options options = {.measure = measure};
    assert_int_equal(ht_replay_run(recording->kit.plan, &ht_heap_null, &options, &result, &error),
                     HT_UNSUPPORTED);
    assert_string_equal(error.text,
                        "metrics: the blocks of heap null are no memory and lie nowhere");
    ht_measure_close(measure);
}

static bool stop(void *context, uint64_t operations)
{
    (void)context;
    (void)operations;
    return false;
}

static void a_replay_that_was_stopped_is_not_judged(void **state)
{
    enum { COUNT = 100000 }; // more than a span
    struct recording *recording = *state;
    struct ht_measure *measure;
    struct ht_replay_result result;
    for (uint32_t i = 0; i < COUNT; i++) {
        begin(recording, i, 0x10000 + i * 32, 16);
    }
    struct ht_pulse pulse = {.beat = stop};
    assert_int_equal(
        ht_measure_open(&measure, recording->kit.plan, recording->kit.trail, &no_options, NULL),
        HT_OK);
    struct ht_replay_options options = {.pulse = &pulse, .measure = measure};
    assert_int_equal(ht_replay_run(recording->kit.plan, &ht_heap_libc, &options, &result, NULL),
                     HT_OK);
    const struct ht_metrics_report *replayed = ht_measure_replayed(measure);
    assert_false(result.is_whole);
    assert_true(replayed->operations > 0 && replayed->operations < COUNT);
    assert_int_equal(replayed->operations, result.played.operations);
    assert_int_equal(replayed->samples[replayed->sample_count - 1].operation,
                     replayed->operations - 1);
    assert_false(replayed->look.is_taken);
    assert_string_equal(ht_verdict_name(ht_measure_score(measure)->verdict), "nothing to compare");
    ht_measure_close(measure);
}

static void who_pins_is_known_of_the_replay_too(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    add_dense(recording, 20);
    struct ht_measure *measure = measure_on(recording, &arena_heap, &result);
    const struct ht_look_pinning *recorded = &ht_measure_recorded(measure)->last.pinning;
    const struct ht_look_pinning *replayed = &ht_measure_replayed(measure)->last.pinning;
    assert_int_equal(recorded->threads, 0);
    assert_int_equal(replayed->threads, 1);
    assert_int_equal(replayed->by_thread[0].id, 5);
    assert_int_equal(replayed->by_thread[0].pinned_bytes, 20 * 4096);
    assert_int_equal(replayed->by_stack[0].id, 6);
    ht_measure_close(measure);
}

// The table of pages grows on the way: that is none of the heap's growth.
static void what_the_metrics_take_is_not_the_heaps(void **state)
{
    enum { COUNT = 40000 };
    struct recording *recording = *state;
    struct ht_replay_result result;
    for (uint32_t i = 0; i < COUNT; i++) {
        begin(recording, i, 0x10000 + i, 1000);
    }
    struct ht_measure *measure = measure_on(recording, &ht_heap_libc, &result);
    uint64_t spread = ht_measure_replayed(measure)->peak.page_bytes;
    assert_true(spread > 2 * ht_measure_recorded(measure)->peak.page_bytes);
    assert_null(result.resident.peak_source);
    if (result.resident.source != NULL) {
        assert_in_range(result.resident.growth_bytes, spread - spread / 20, spread + spread / 3);
    }
    ht_measure_close(measure);
}

static void a_measured_replay_is_not_timed(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    for (uint32_t i = 0; i < 5000; i++) {
        begin(recording, i, 0x10000 + i * 128, 100);
    }
    for (uint32_t i = 0; i < 5000; i += 2) {
        resize(recording, i, 0x10000 + i * 128, 0x10000 + i * 128, 100, 110);
    }
    struct ht_measure *measure = measure_on(recording, &ht_heap_libc, &result);
    const struct ht_metrics_report *replayed = ht_measure_replayed(measure);
    assert_false(result.is_timed);
    assert_true(result.ns_per_op == 0 && result.null_ns_per_op == 0);
    assert_int_equal(result.played.elapsed_ns, 0);
    assert_int_equal(result.operations, 7500);
    assert_int_equal(replayed->operations, 7500);
    assert_int_equal(replayed->peak.live_bytes, result.played.peak_bytes);
    assert_true(replayed->peak.page_bytes >= replayed->peak.live_bytes);
    assert_int_equal(replayed->peak.live_blocks, 5000);
    assert_true(!replayed->has_usable || replayed->peak.usable_bytes >= replayed->peak.live_bytes);
    assert_int_equal(replayed->reallocs[HT_DIRECTION_GROW].moved, result.reallocs_moved);
    assert_int_equal(replayed->reallocs[HT_DIRECTION_GROW].bytes_copied,
                     result.played.bytes_copied);
    assert_true(result.harness_bytes >
                result.plan.memory_bytes + ht_trail_memory_bytes(recording->kit.trail) + 5000 * 64);
    ht_measure_close(measure);
}

// A heap whose blocks lie where their size says, so that the addresses do not depend on who played
// what when. They are never touched.
static void *place(void *self, size_t size)
{
    (void)self;
    return (void *)(uintptr_t)(UINT64_C(0x10000000) + size * 320); // NOLINT: no memory is there
}

static void *replace(void *self, void *block, size_t size)
{
    (void)block;
    return size % 50 == 0 ? NULL : place(self, size);
}

static size_t placed_usable(void *self, void *block)
{
    (void)self;
    return ((uintptr_t)block - 0x10000000) / 320 + 5;
}

static const struct ht_heap placing_heap = {
    .name = "placing",
    .is_memory = true,
    .open = open_arena,
    .close = close_arena,
    .version = arena_version,
    .allocate = place,
    .reallocate = replace,
    .release = arena_release,
    .usable = placed_usable,
};

enum { MANY = 3000, MANY_BLOCKS = 40, MANY_THREADS = 7 };

static uint32_t next_random(uint64_t *random, uint32_t below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (uint32_t)((*random >> 20) % below);
}

// Any thread begins, resizes and ends any block.
static void add_many(struct recording *recording)
{
    uint64_t random = UINT64_C(88172645463325252);
    uint64_t sizes[MANY_BLOCKS] = {0};
    for (int i = 0; i < MANY; i++) {
        uint32_t block = next_random(&random, MANY_BLOCKS);
        uint64_t size = 1 + next_random(&random, 300);
        recording->thread = next_random(&random, MANY_THREADS);
        if (sizes[block] == 0) {
            begin(recording, block, 0x10000 + block * 512u, size);
        } else if (next_random(&random, 3) == 0) {
            resize(recording, block, 0, 0, sizes[block], size);
        } else {
            end(recording, block, sizes[block]);
            size = 0;
        }
        sizes[block] = size;
    }
}

struct slow {
    uint64_t sizes[MANY_BLOCKS];
    uint64_t live_bytes;
    uint64_t page_bytes;
    uint64_t usable_bytes;
};

// All blocks anew: their sizes, and the pages that hold them.
static void count_slowly(struct slow *slow)
{
    uint8_t pages[64] = {0};
    slow->live_bytes = slow->page_bytes = slow->usable_bytes = 0;
    for (int i = 0; i < MANY_BLOCKS; i++) {
        uint64_t size = slow->sizes[i];
        slow->live_bytes += size;
        slow->usable_bytes += size > 0 ? size + 5 : 0;
        for (uint64_t at = size * 320; at < size * 320 + size; at++) {
            pages[at / 4096] = 1;
        }
    }
    for (int i = 0; i < 64; i++) {
        slow->page_bytes += pages[i] * 4096u;
    }
}

static void assert_as_found_slowly(const struct recording *recording,
                                   const struct ht_metrics_report *report)
{
    struct slow slow = {{0}, 0, 0, 0};
    double ratios = 0;
    double count = 0;
    uint64_t index = 0;
    const struct ht_plan_span *span = ht_plan_first(recording->kit.plan);
    assert_null(span->next);
    for (; index < MANY; index++) {
        const struct ht_op *op = &span->ops[index];
        bool is_refused = op->kind >= HT_OP_REALLOC_IN_PLACE && op->kind <= HT_OP_REALLOC_MOVED &&
                          op->size % 50 == 0;
        if (!is_refused) {
            slow.sizes[op->block] = op->kind == HT_OP_FREE ? 0 : op->size;
        }
        count_slowly(&slow);
        if (slow.live_bytes > 0) {
            ratios += (double)slow.page_bytes / (double)slow.live_bytes;
            count++;
        }
        const struct ht_moment *moment = &report->samples[index / report->sample_step];
        if (index == report->peak.operation) {
            moment = &report->peak;
        }
        if (moment->operation == index) {
            assert_int_equal(moment->live_bytes, slow.live_bytes);
            assert_int_equal(moment->page_bytes, slow.page_bytes);
            assert_int_equal(moment->usable_bytes, slow.usable_bytes);
        }
        assert_true(slow.live_bytes <= report->peak.live_bytes);
    }
    assert_true(report->f1_operations > ratios / count - 1e-9 &&
                report->f1_operations < ratios / count + 1e-9);
}

static struct ht_measure *measure_by_workers(struct recording *recording, uint32_t workers,
                                             struct ht_schedule **schedule,
                                             const struct ht_measure_options *options)
{
    struct ht_measure *measure;
    struct ht_replay_result result;
    struct ht_schedule_options order = {.workers = workers, .window = 64, .memory_limit = 1 << 24};
    assert_int_equal(
        ht_measure_open(&measure, recording->kit.plan, recording->kit.trail, options, NULL), HT_OK);
    struct ht_replay_options replay = {.touch = HT_TOUCH_NONE, .measure = measure};
    *schedule = NULL;
    if (workers > 0) {
        order.is_watched = true;
        order.stops = ht_measure_stops(measure, &order.stop_count);
        assert_int_equal(
            ht_schedule_open(schedule, recording->kit.plan, recording->kit.trail, &order, NULL),
            HT_OK);
        replay.schedule = *schedule;
    }
    assert_int_equal(ht_replay_run(recording->kit.plan, &placing_heap, &replay, &result, NULL),
                     HT_OK);
    assert_false(result.is_timed);
    assert_true(result.is_whole && result.played.failed_reallocs > 0);
    return measure;
}

static void assert_same_moment(struct ht_moment one, struct ht_moment other)
{
    one.held = other.held = (struct ht_metrics_held){0}; // the system does not repeat itself
    assert_memory_equal(&one, &other, sizeof one);
}

static void assert_same_look(struct ht_look one, struct ht_look other)
{
    one.held = other.held = (struct ht_metrics_held){0};
    assert_memory_equal(&one, &other, sizeof one);
}

static void assert_same_report(const struct ht_metrics_report *one,
                               const struct ht_metrics_report *other)
{
    assert_same_moment(one->peak, other->peak);
    assert_same_moment(one->page_peak, other->page_peak);
    assert_same_moment(one->end, other->end);
    assert_true(one->f1_operations == other->f1_operations && one->f1_time == other->f1_time);
    assert_true(one->f2 == other->f2 && one->f3 == other->f3 && one->f4 == other->f4);
    assert_true(one->retention == other->retention);
    assert_same_look(one->look, other->look);
    assert_same_look(one->last, other->last);
    assert_memory_equal(one->gaps, other->gaps, sizeof one->gaps);
    assert_memory_equal(one->made, other->made, sizeof one->made);
    assert_memory_equal(one->reallocs, other->reallocs, sizeof one->reallocs);
    assert_int_equal(one->sample_count, other->sample_count);
    for (uint32_t i = 0; i < one->sample_count; i++) {
        assert_same_moment(one->samples[i], other->samples[i]);
    }
    assert_int_equal(one->mark_count, other->mark_count);
    for (uint32_t i = 0; i < one->mark_count; i++) {
        assert_same_moment(one->marks[i].moment, other->marks[i].moment);
        assert_same_look(one->marks[i].look, other->marks[i].look);
    }
}

static void workers_have_the_figures_of_the_recorded_order(void **state)
{
    static const uint32_t workers[] = {1, 2, 3, MANY_THREADS};
    static const struct ht_measure_options options = {
        .sample_step = 90, .mark_ns = {777, 20000}, .mark_count = 2};
    struct recording *recording = *state;
    struct ht_schedule *schedule;
    add_many(recording);
    struct ht_measure *serial = measure_by_workers(recording, 0, &schedule, &options);
    assert_as_found_slowly(recording, ht_measure_replayed(serial));
    assert_true(ht_measure_replayed(serial)->look.pinning.threads > 1);
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        struct ht_measure *causal = measure_by_workers(recording, workers[i], &schedule, &options);
        assert_same_report(ht_measure_replayed(serial), ht_measure_replayed(causal));
        assert_string_equal(ht_verdict_name(ht_measure_score(causal)->verdict),
                            ht_verdict_name(ht_measure_score(serial)->verdict));
        ht_schedule_close(schedule);
        ht_measure_close(causal);
    }
    ht_measure_close(serial);
}

static void a_mark_is_the_first_operation_then_or_later(void **state)
{
    static const struct ht_measure_options options = {.mark_ns = {45, -1, 30, 41}, .mark_count = 4};
    static const struct ht_measure_options late = {.mark_ns = {10, 61}, .mark_count = 2};
    struct recording *recording = *state;
    struct ht_measure *measure;
    struct ht_error error = {0};
    add_dense(recording, 6); // at 10, 20 ... 60 ns
    assert_int_equal(
        ht_measure_open(&measure, recording->kit.plan, recording->kit.trail, &options, &error),
        HT_OK);
    const struct ht_metrics_report *recorded = ht_measure_recorded(measure);
    static const struct {
        int64_t asked_ns;
        uint64_t operation;
    } marks[] = {{-1, 0}, {30, 2}, {41, 4}, {45, 4}};
    assert_int_equal(recorded->mark_count, 4);
    for (int i = 0; i < 4; i++) {
        const struct ht_metrics_mark *mark = &recorded->marks[i];
        assert_int_equal(ht_measure_mark_ns(measure)[i], marks[i].asked_ns);
        assert_true(mark->look.is_taken);
        assert_int_equal(mark->look.operation, marks[i].operation);
        assert_int_equal(mark->moment.operation, marks[i].operation);
        assert_int_equal(mark->moment.live_bytes, 64 * (marks[i].operation + 1));
    }
    ht_measure_close(measure);
    assert_int_equal(
        ht_measure_open(&measure, recording->kit.plan, recording->kit.trail, &late, &error),
        HT_FORMAT);
    assert_string_equal(error.text, "there is no operation at the mark 61 ns or later");
}

// Large blocks go back to the system when they are freed, which is after the end.
static void what_is_held_at_the_end_is_held_before_it_is_freed(void **state)
{
    struct recording *recording = *state;
    struct ht_replay_result result;
    for (uint32_t i = 0; i < 8; i++) {
        begin(recording, i, 0x10000 + i * 0x200000u, 1 << 20);
    }
    struct ht_measure *measure = measure_on(recording, &ht_heap_libc, &result);
    const struct ht_metrics_report *replayed = ht_measure_replayed(measure);
    if (replayed->resident_source != NULL) {
        assert_true(replayed->last.held.resident_bytes >= 8 << 20);
    }
    if (replayed->mapped_source != NULL) {
        assert_true(replayed->last.held.mapped_bytes >= 8 << 20);
    }
    ht_measure_close(measure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_addresses_have_the_same_figures, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(another_spread_is_no, open_recording, close_recording),
        cmocka_unit_test_setup_teardown(the_same_spread_but_at_the_end_is_no, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(another_spread_with_the_same_moves_is_partly,
                                        open_recording, close_recording),
        cmocka_unit_test_setup_teardown(the_same_spread_with_other_moves_is_partly, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(nothing_live_is_nothing_to_compare, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(a_realloc_that_failed_here_is_in_no_table, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(processes_have_addresses_of_their_own, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(gaps_are_judged_by_the_sizes_requested, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(a_replay_that_was_stopped_is_not_judged, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(who_pins_is_known_of_the_replay_too, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(what_the_metrics_take_is_not_the_heaps, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(workers_have_the_figures_of_the_recorded_order,
                                        open_recording, close_recording),
        cmocka_unit_test_setup_teardown(a_mark_is_the_first_operation_then_or_later, open_recording,
                                        close_recording),
        cmocka_unit_test_setup_teardown(what_is_held_at_the_end_is_held_before_it_is_freed,
                                        open_recording, close_recording),
        cmocka_unit_test_setup_teardown(null_cannot_be_measured, open_recording, close_recording),
        cmocka_unit_test_setup_teardown(a_measured_replay_is_not_timed, open_recording,
                                        close_recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
