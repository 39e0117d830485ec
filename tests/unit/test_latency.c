// SPDX-License-Identifier: MIT
#include "replay/latency.h"

#include "replay/heap_set.h"
#include "replay/replay.h"
#include "recording_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ht_latency *open_on(const struct ht_heap *heap, uint32_t every)
{
    struct ht_latency *latency;
    assert_int_equal(ht_latency_open(&latency, heap, every, NULL), HT_OK);
    return latency;
}

static void assert_figures(const struct ht_latency *latency, enum ht_latency_kind kind,
                           struct ht_latency_figures expected)
{
    struct ht_latency_figures figures = ht_latency_figures(latency, kind);
    assert_int_equal(figures.timed, expected.timed);
    assert_int_equal(figures.p50_ns, expected.p50_ns);
    assert_int_equal(figures.p90_ns, expected.p90_ns);
    assert_int_equal(figures.p99_ns, expected.p99_ns);
    assert_int_equal(figures.p999_ns, expected.p999_ns);
    assert_int_equal(figures.most_ns, expected.most_ns);
}

static void nothing_timed_is_all_zero(void **state)
{
    (void)state;
    struct ht_latency *latency = open_on(&ht_heap_null, 1);
    for (int kind = 0; kind < HT_LATENCY_KIND_COUNT; kind++)
        assert_figures(latency, (enum ht_latency_kind)kind, (struct ht_latency_figures){0});
    ht_latency_close(latency);
}

static void one_call_is_every_quantile(void **state)
{
    (void)state;
    struct ht_latency *latency = open_on(&ht_heap_null, 1);
    ht_latency_add(latency, HT_LATENCY_FREE, 1234567);
    assert_figures(latency, HT_LATENCY_FREE,
                   (struct ht_latency_figures){1, 1234567, 1234567, 1234567, 1234567, 1234567});
    assert_figures(latency, HT_LATENCY_ALLOC, (struct ht_latency_figures){0});
    ht_latency_close(latency);
}

static void short_times_are_exact(void **state)
{
    (void)state;
    struct ht_latency *latency = open_on(&ht_heap_null, 1);
    // 1 to 63 ns, and 937 calls of 0 ns: 1000 in all.
    for (uint64_t ns = 1; ns < 64; ns++)
        ht_latency_add(latency, HT_LATENCY_ALLOC, ns);
    for (int i = 0; i < 937; i++)
        ht_latency_add(latency, HT_LATENCY_ALLOC, 0);
    assert_figures(latency, HT_LATENCY_ALLOC, (struct ht_latency_figures){1000, 0, 0, 53, 62, 63});
    ht_latency_close(latency);
}

static void long_times_are_at_most_a_32nd_too_high(void **state)
{
    (void)state;
    for (uint64_t ns = 64; ns < UINT64_C(1) << 44; ns += ns / 7) {
        struct ht_latency *latency = open_on(&ht_heap_null, 1);
        ht_latency_add(latency, HT_LATENCY_MOVED, ns);
        ht_latency_add(latency, HT_LATENCY_MOVED, UINT64_C(1) << 44);
        uint64_t p50_ns = ht_latency_figures(latency, HT_LATENCY_MOVED).p50_ns;
        assert_in_range(p50_ns, ns, ns + ns / 32);
        ht_latency_close(latency);
    }
}

static void times_beyond_the_histogram_are_kept_as_the_most(void **state)
{
    (void)state;
    struct ht_latency *latency = open_on(&ht_heap_null, 1);
    ht_latency_add(latency, HT_LATENCY_MOVED, UINT64_MAX);
    assert_int_equal(ht_latency_figures(latency, HT_LATENCY_MOVED).most_ns, UINT64_MAX);
    assert_int_equal(ht_latency_figures(latency, HT_LATENCY_MOVED).timed, 1);
    ht_latency_close(latency);
}

// `count` times: a block made, grown a little and a lot, freed.
static struct ht_replay_result replay(struct ht_latency *latency, uint32_t count)
{
    struct ht_replay_options options = {.touch = HT_TOUCH_FIRST, .latency = latency};
    struct ht_replay_result result;
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, NULL), HT_OK);
    for (uint32_t i = 0; i < count; i++) {
        const struct ht_change changes[] = {
            {.kind = HT_CHANGE_BEGIN, .size = 100},
            {.kind = HT_CHANGE_RESIZE, .size = 101, .old_size = 100},
            {.kind = HT_CHANGE_END, .size = 101},
        };
        for (size_t at = 0; at < 3; at++)
            assert_int_equal(ht_plan_add(plan, &changes[at], NULL), HT_OK);
    }
    assert_int_equal(ht_replay_run(plan, &ht_heap_null, &options, &result, NULL), HT_OK);
    ht_plan_close(plan);
    return result;
}

static uint64_t timed(const struct ht_latency *latency, enum ht_latency_kind kind)
{
    return ht_latency_figures(latency, kind).timed;
}

static void every_call_is_timed_by_its_kind(void **state)
{
    (void)state;
    struct ht_latency *latency = open_on(&ht_heap_libc, 1);
    struct ht_replay_result result = replay(latency, 1000);
    assert_string_equal(result.heap->name, "libc");
    assert_int_equal(timed(latency, HT_LATENCY_ALLOC), 1000);
    assert_int_equal(timed(latency, HT_LATENCY_FREE), 1000);
    assert_int_equal(timed(latency, HT_LATENCY_IN_PLACE), result.reallocs_in_place);
    assert_int_equal(timed(latency, HT_LATENCY_MOVED), result.reallocs_moved);
    ht_latency_close(latency);
}

// The recording repeats every three calls and so does N: with even gaps one kind would be all.
static void gaps_fall_in_step_with_no_pattern(void **state)
{
    (void)state;
    struct ht_latency *latency = open_on(&ht_heap_null, 9);
    replay(latency, 9000);
    uint64_t allocs = timed(latency, HT_LATENCY_ALLOC);
    uint64_t reallocs = timed(latency, HT_LATENCY_IN_PLACE);
    uint64_t frees = timed(latency, HT_LATENCY_FREE);
    assert_in_range(allocs, 800, 1200);
    assert_in_range(reallocs, 800, 1200);
    assert_in_range(frees, 800, 1200);
    assert_in_range(allocs + reallocs + frees, 2700, 3300);
    ht_latency_close(latency);

    struct ht_latency *again = open_on(&ht_heap_null, 9);
    replay(again, 9000);
    assert_int_equal(timed(again, HT_LATENCY_ALLOC), allocs);
    ht_latency_close(again);
}

static void *no_block(void *self, void *block, size_t size)
{
    (void)self;
    (void)block;
    (void)size;
    return NULL;
}

static void a_realloc_that_fails_is_of_no_kind(void **state)
{
    (void)state;
    struct ht_heap heap = ht_heap_null;
    heap.reallocate = no_block;
    struct ht_latency *latency = open_on(&heap, 1);
    replay(latency, 10);
    assert_int_equal(timed(latency, HT_LATENCY_ALLOC), 10);
    assert_int_equal(timed(latency, HT_LATENCY_IN_PLACE), 0);
    assert_int_equal(timed(latency, HT_LATENCY_MOVED), 0);
    ht_latency_close(latency);
}

static void heaps_that_are_apart_are_timed_too(void **state)
{
    (void)state;
    struct ht_heap heap = ht_heap_null;
    heap.apart = &ht_heap_null;
    struct ht_latency *latency = open_on(&heap, 1);
    struct ht_heap_set set;
    assert_int_equal(ht_heap_set_open(&set, ht_latency_heap(latency), 2, NULL), HT_OK);
    assert_true(set.is_apart);
    assert_non_null(set.heap->allocate(set.selves[0], 1));
    assert_non_null(set.heap->allocate(set.selves[1], 1));
    assert_int_equal(timed(latency, HT_LATENCY_ALLOC), 2);
    ht_heap_set_close(&set);
    ht_latency_close(latency);
}

// They are freed when all has been played, which is none of the recorded calls.
static void blocks_that_are_left_are_not_timed(void **state)
{
    (void)state;
    struct ht_latency *latency = open_on(&ht_heap_libc, 1);
    struct ht_replay_options options = {.latency = latency};
    struct ht_replay_result result;
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, NULL), HT_OK);
    for (uint32_t i = 0; i < 100; i++) {
        struct ht_change change = {.kind = HT_CHANGE_BEGIN, .block = i, .size = 100};
        assert_int_equal(ht_plan_add(plan, &change, NULL), HT_OK);
    }
    assert_int_equal(ht_replay_run(plan, &ht_heap_libc, &options, &result, NULL), HT_OK);
    assert_int_equal(result.final_blocks, 100);
    assert_int_equal(timed(latency, HT_LATENCY_ALLOC), 100);
    assert_int_equal(timed(latency, HT_LATENCY_FREE), 0);
    assert_true(result.harness_bytes >= ht_latency_memory_bytes(latency));
    ht_plan_close(plan);
    ht_latency_close(latency);
}

// Each with a thread's gaps of its own: of every call its share is timed, whoever makes it.
static void threads_are_counted_together(void **state)
{
    enum { THREADS = 5, OF_EACH = 4000 };
    (void)state;
    struct ht_latency *latency = open_on(&ht_heap_libc, 4);
    struct ht_replay_options options = {.latency = latency};
    struct ht_schedule_options order = {.workers = THREADS, .memory_limit = 1 << 24};
    struct ht_replay_result result;
    struct recording_kit kit = {0};
    struct ht_schedule *schedule;
    assert_true(recording_kit_open(&kit));
    for (uint32_t i = 0; i < 2 * THREADS * OF_EACH; i++) {
        struct ht_trail_mark mark = {.thread = i / 2 % THREADS};
        struct ht_change change = {.kind = i % 2 == 0 ? HT_CHANGE_BEGIN : HT_CHANGE_END,
                                   .block = mark.thread,
                                   .size = 100};
        recording_kit_add(&kit, change, mark);
    }
    assert_int_equal(ht_schedule_open(&schedule, kit.plan, kit.trail, &order, NULL), HT_OK);
    options.schedule = schedule;
    assert_int_equal(ht_replay_run(kit.plan, &ht_heap_libc, &options, &result, NULL), HT_OK);
    assert_int_equal(result.schedule.workers, THREADS);
    struct ht_latency_figures allocs = ht_latency_figures(latency, HT_LATENCY_ALLOC);
    struct ht_latency_figures frees = ht_latency_figures(latency, HT_LATENCY_FREE);
    assert_in_range(allocs.timed, THREADS * OF_EACH / 5, THREADS * OF_EACH / 3);
    assert_in_range(frees.timed, THREADS * OF_EACH / 5, THREADS * OF_EACH / 3);
    assert_true(allocs.p50_ns <= allocs.p99_ns && allocs.p99_ns <= allocs.most_ns);
    ht_schedule_close(schedule);
    recording_kit_close(&kit);
    ht_latency_close(latency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_timed_is_all_zero),
        cmocka_unit_test(one_call_is_every_quantile),
        cmocka_unit_test(short_times_are_exact),
        cmocka_unit_test(long_times_are_at_most_a_32nd_too_high),
        cmocka_unit_test(times_beyond_the_histogram_are_kept_as_the_most),
        cmocka_unit_test(every_call_is_timed_by_its_kind),
        cmocka_unit_test(gaps_fall_in_step_with_no_pattern),
        cmocka_unit_test(a_realloc_that_fails_is_of_no_kind),
        cmocka_unit_test(heaps_that_are_apart_are_timed_too),
        cmocka_unit_test(blocks_that_are_left_are_not_timed),
        cmocka_unit_test(threads_are_counted_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
