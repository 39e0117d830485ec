// SPDX-License-Identifier: MIT
#include "replay/measure.h"
#include "replay/replay.h"

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
    struct ht_plan *plan;
    struct ht_trail *trail;
    int64_t time_ns;
    uint32_t space;
};

static int open_recording(void **state)
{
    static struct recording recording;
    recording = (struct recording){0};
    *state = &recording;
    arena.room = malloc(ARENA_BYTES + ARENA_ALIGNMENT);
    arena.bytes =
        (unsigned char *)arena.room + (ARENA_ALIGNMENT - (uintptr_t)arena.room % ARENA_ALIGNMENT);
    arena.stride = 4096;
    arena.moves = false;
    arena.refused = ARENA_BYTES;
    return arena.room == NULL ||
           ht_plan_open(&recording.plan, HT_PLAN_MEMORY_DEFAULT, NULL) != HT_OK ||
           ht_trail_open(&recording.trail, HT_PLAN_MEMORY_DEFAULT, NULL) != HT_OK;
}

static int close_recording(void **state)
{
    struct recording *recording = *state;
    ht_trail_close(recording->trail);
    ht_plan_close(recording->plan);
    free(arena.room);
    return 0;
}

static void add(struct recording *recording, struct ht_change change)
{
    assert_int_equal(ht_plan_add(recording->plan, &change, NULL), HT_OK);
    struct ht_trail_mark mark = {.time_ns = recording->time_ns += 10,
                                 .address = change.address,
                                 .space = recording->space,
                                 .thread = 5,
                                 .stack = 6};
    assert_int_equal(ht_trail_add(recording->trail, &mark, NULL), HT_OK);
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

static struct ht_measure *measure_on(struct recording *recording, const struct ht_heap *heap,
                                     struct ht_replay_result *result)
{
    struct ht_measure *measure;
    struct ht_error error = {0};
    assert_int_equal(ht_measure_open(&measure, recording->plan, recording->trail, 0, NULL, &error),
                     HT_OK);
    struct ht_replay_options options = {.measure = measure};
    assert_int_equal(ht_replay_run(recording->plan, heap, &options, result, &error), HT_OK);
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
    assert_int_equal(ht_measure_open(&measure, recording->plan, recording->trail, 0, NULL, NULL),
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
    assert_int_equal(ht_measure_open(&measure, recording->plan, recording->trail, 0, NULL, &error),
                     HT_OK);
    struct ht_replay_options options = {.measure = measure};
    assert_int_equal(ht_replay_run(recording->plan, &ht_heap_null, &options, &result, &error),
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
    assert_int_equal(ht_measure_open(&measure, recording->plan, recording->trail, 0, NULL, NULL),
                     HT_OK);
    struct ht_replay_options options = {.pulse = &pulse, .measure = measure};
    assert_int_equal(ht_replay_run(recording->plan, &ht_heap_libc, &options, &result, NULL), HT_OK);
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
                result.plan.memory_bytes + ht_trail_memory_bytes(recording->trail) + 5000 * 64);
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
        cmocka_unit_test_setup_teardown(null_cannot_be_measured, open_recording, close_recording),
        cmocka_unit_test_setup_teardown(a_measured_replay_is_not_timed, open_recording,
                                        close_recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
