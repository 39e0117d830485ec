// SPDX-License-Identifier: MIT
//
// Made-up recordings of several threads that hand each other blocks, played by workers on a heap
// that checks every call. Built a second time with the thread sanitizer, which sees any wait that
// is missing.
#include "replay/causal.h"

#include "replay/os.h"
#include "recording_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 64, OPERATIONS = 6000, GREATEST = 200 };

// In front of each block of the heap.
struct head {
    _Atomic uint32_t state; // BLOCK_LIVE or BLOCK_FREED
    uint32_t size;
    struct head *next; // in the list of all
    uint64_t pad;
};

enum { BLOCK_LIVE = 0x11FE, BLOCK_FREED = 0xDEAD };

// Never uses memory again, so that a block freed twice is found.
struct check_heap {
    _Atomic(struct head *) all;
    _Atomic uint64_t misused; // calls with a block that is not live
    _Atomic uint64_t live;
    size_t refused; // the size that is not to be had; 0 for none
};

static void *check_allocate(void *self, size_t size)
{
    struct check_heap *heap = self;
    if (size == heap->refused && size > 0) {
        return NULL;
    }
    struct head *head = calloc(1, sizeof *head + size);
    if (head == NULL) {
        return NULL;
    }
    head->size = (uint32_t)size;
    head->next = atomic_load(&heap->all);
    atomic_store(&head->state, BLOCK_LIVE);
    while (!atomic_compare_exchange_weak(&heap->all, &head->next, head)) {
    }
    atomic_fetch_add(&heap->live, 1);
    return head + 1;
}

static void check_release(void *self, void *block)
{
    struct check_heap *heap = self;
    struct head *head = (struct head *)block - 1;
    if (atomic_exchange(&head->state, BLOCK_FREED) != BLOCK_LIVE) {
        atomic_fetch_add(&heap->misused, 1);
    }
    atomic_fetch_sub(&heap->live, 1);
}

static void *check_reallocate(void *self, void *block, size_t size)
{
    const struct head *head = (const struct head *)block - 1;
    void *moved = check_allocate(self, size);
    if (moved != NULL) {
        memcpy(moved, block, head->size < size ? head->size : size);
        check_release(self, block);
    }
    return moved;
}

static const struct ht_heap check_heap = {
    .name = "check",
    .is_memory = true,
    .allocate = check_allocate,
    .reallocate = check_reallocate,
    .release = check_release,
};

struct fixture {
    struct recording_kit recording;
    struct ht_schedule *schedule;
    struct check_heap heap;
    struct ht_slot *slots;
    struct ht_played played;
    struct ht_causal_report report;
    struct ht_causal_watch *watch; // NULL for none
    struct ht_sightings *sightings;
    _Atomic uint32_t asked;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    return fixture == NULL || !recording_kit_open(&fixture->recording) ? -1 : 0;
}

static void empty_heap(struct check_heap *heap)
{
    for (struct head *head = heap->all; head != NULL;) {
        struct head *next = head->next;
        free(head);
        head = next;
    }
    heap->all = NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    recording_kit_close(&fixture->recording);
    free(fixture);
    return 0;
}

static void add(struct fixture *fixture, uint32_t thread, int64_t time_ns, struct ht_change change)
{
    recording_kit_add(&fixture->recording, change,
                      (struct ht_trail_mark){.thread = thread, .time_ns = time_ns});
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> 16;
}

// Any thread begins, resizes and ends any block.
static void add_random(struct fixture *fixture, uint32_t threads)
{
    uint64_t random = UINT64_C(88172645463325252);
    uint64_t sizes[BLOCKS] = {0};
    for (int i = 0; i < OPERATIONS; i++) {
        uint32_t thread = (uint32_t)(next_random(&random) % threads);
        uint32_t block = (uint32_t)(next_random(&random) % BLOCKS);
        uint64_t size = 1 + next_random(&random) % GREATEST;
        struct ht_change change = {.block = block, .size = size, .old_size = sizes[block]};
        if (sizes[block] == 0) {
            change.kind = HT_CHANGE_BEGIN;
        } else if (next_random(&random) % 3 == 0) {
            change.kind = HT_CHANGE_RESIZE;
        } else {
            change.kind = HT_CHANGE_END;
            change.size = sizes[block];
            size = 0;
        }
        sizes[block] = size;
        add(fixture, thread, i, change);
    }
}

static void play(struct fixture *fixture, struct ht_schedule_options options,
                 const struct ht_pulse *pulse)
{
    struct ht_causal *causal;
    options.memory_limit = UINT64_C(1) << 30;
    assert_int_equal(ht_schedule_open(&fixture->schedule, fixture->recording.plan,
                                      fixture->recording.trail, &options, NULL),
                     HT_OK);
    uint32_t slots = ht_schedule_totals(fixture->schedule)->slots;
    fixture->slots = calloc(slots + 1u, sizeof *fixture->slots);
    assert_non_null(fixture->slots);
    if (fixture->watch != NULL) {
        assert_int_equal(ht_sightings_open(&fixture->sightings, fixture->recording.plan,
                                           fixture->recording.trail, fixture->schedule, NULL),
                         HT_OK);
        fixture->watch->sightings = ht_sightings_by_worker(fixture->sightings);
    }
    assert_int_equal(ht_causal_open(&causal, fixture->schedule, &check_heap, &fixture->heap,
                                    HT_TOUCH_FILL, fixture->slots, fixture->watch, NULL),
                     HT_OK);
    ht_causal_play(causal, pulse, &fixture->played, &fixture->report);
    ht_causal_close(causal);
}

// Gives back what is live, and checks that the heap then has everything and was never misused.
static uint64_t release_all(struct fixture *fixture)
{
    uint32_t slots = ht_schedule_totals(fixture->schedule)->slots;
    uint64_t released = ht_engine_release(&check_heap, &fixture->heap, fixture->slots, slots);
    assert_int_equal(fixture->heap.misused, 0);
    assert_int_equal(fixture->heap.live, 0);
    empty_heap(&fixture->heap);
    free(fixture->slots);
    ht_schedule_close(fixture->schedule);
    return released;
}

static void every_schedule_keeps_to_the_blocks_order(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t workers[] = {1, 2, 3, 11};
    static const uint64_t windows[] = {2, 50, 1000000};
    add_random(fixture, 11);
    const struct ht_plan_totals *totals = ht_plan_totals(fixture->recording.plan);
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        for (size_t j = 0; j < sizeof windows / sizeof *windows; j++) {
            play(fixture, (struct ht_schedule_options){.workers = workers[i], .window = windows[j]},
                 NULL);
            assert_int_equal(fixture->played.operations, OPERATIONS);
            assert_int_equal(fixture->played.skipped, 0);
            assert_int_equal(fixture->played.live_bytes, totals->final_bytes);
            assert_int_equal(fixture->played.agreement[0][1],
                             totals->by_kind[HT_OP_REALLOC_IN_PLACE]);
            assert_int_equal(fixture->report.samples, (OPERATIONS + 63) / 64);
            assert_int_equal(release_all(fixture), totals->final_blocks);
        }
    }
}

static void one_worker_is_the_recorded_order(void **state)
{
    struct fixture *fixture = *state;
    add_random(fixture, 5);
    play(fixture, (struct ht_schedule_options){.workers = 1, .window = 100}, NULL);
    assert_int_equal(fixture->played.peak_bytes,
                     ht_plan_totals(fixture->recording.plan)->peak_bytes);
    assert_int_equal(fixture->report.drift_most_bytes, 0);
    assert_int_equal(fixture->report.waits, 0);
    assert_int_equal(fixture->report.slice_waits, 0);
    release_all(fixture);
}

// One operation of skew or two is what a window of two leaves: at most two blocks.
static void a_small_window_keeps_the_live_bytes_near(void **state)
{
    struct fixture *fixture = *state;
    add_random(fixture, 4);
    play(fixture, (struct ht_schedule_options){.workers = 4, .window = 2}, NULL);
    assert_true(fixture->report.drift_most_bytes <= 2 * GREATEST);
    release_all(fixture);
}

static void what_the_heap_refuses_is_skipped_from_then_on(void **state)
{
    struct fixture *fixture = *state;
    struct ht_slot slots[BLOCKS] = {0};
    struct ht_played serial = {0};
    void *self = &fixture->heap;
    fixture->heap.refused = 77;
    add_random(fixture, 6);
    ht_engine_play(fixture->recording.plan, &check_heap, &self, HT_TOUCH_NONE, NULL, slots,
                   &serial);
    ht_engine_release(&check_heap, self, slots, BLOCKS);
    empty_heap(&fixture->heap);
    play(fixture, (struct ht_schedule_options){.workers = 3, .window = 100}, NULL);
    assert_true(serial.failed_allocs > 0 && serial.failed_reallocs > 0 && serial.skipped > 0);
    assert_int_equal(fixture->played.failed_allocs, serial.failed_allocs);
    assert_int_equal(fixture->played.failed_reallocs, serial.failed_reallocs);
    assert_int_equal(fixture->played.skipped, serial.skipped);
    release_all(fixture);
}

// Once the first block is there, however long that takes.
static bool stop_at_the_first(void *context, uint64_t operations)
{
    struct check_heap *heap = context;
    (void)operations;
    return atomic_load(&heap->live) == 0;
}

// The last operation is due in an hour, another worker waits for it, and a slice begins after it.
static void a_stop_ends_every_kind_of_wait(void **state)
{
    struct fixture *fixture = *state;
    struct ht_pulse pulse = {stop_at_the_first, &fixture->heap};
    int64_t hour_ns = INT64_C(3600000000000);
    struct ht_change change = {.kind = HT_CHANGE_BEGIN, .size = 10};
    add(fixture, 1, 0, change);
    change.block = 1;
    add(fixture, 1, hour_ns, change);
    change.kind = HT_CHANGE_END;
    add(fixture, 2, 0, change);
    change = (struct ht_change){.kind = HT_CHANGE_BEGIN, .size = 10, .block = 2};
    add(fixture, 3, 0, change);
    add(fixture, 3, 0, (struct ht_change){.kind = HT_CHANGE_END, .size = 10, .block = 2});
    play(fixture, (struct ht_schedule_options){.workers = 3, .window = 2, .speed = 1}, &pulse);
    assert_int_equal(fixture->played.operations, 1);
    assert_int_equal(release_all(fixture), 1);
}

static void nothing_comes_before_its_time(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < 4; i++) {
        add(fixture, i % 2, i * INT64_C(8000000),
            (struct ht_change){.kind = HT_CHANGE_BEGIN, .block = i, .size = 10});
    }
    play(fixture, (struct ht_schedule_options){.workers = 2, .window = 100, .speed = 2}, NULL);
    assert_true(fixture->played.elapsed_ns >= 8000000);
    assert_int_equal(fixture->report.due, 3);
    assert_true(fixture->report.late_most_ns >= fixture->report.late_mean_ns);
    assert_int_equal(release_all(fixture), 4);
}

static void note_stop(void *context, uint32_t stop)
{
    struct fixture *fixture = context;
    atomic_fetch_or(&fixture->asked, UINT32_C(1) << stop);
}

// The heap has the size in front of each block, and never uses its memory again.
static void what_is_seen_is_read_back_in_recorded_order(void **state)
{
    static const uint64_t stops[] = {0, 1, 77, OPERATIONS - 1};
    struct fixture *fixture = *state;
    struct ht_causal_watch watch = {.ask = note_stop, .context = fixture};
    struct ht_sighting seen;
    uint64_t failed = 0;
    fixture->watch = &watch;
    fixture->heap.refused = 77;
    add_random(fixture, 11);
    play(fixture,
         (struct ht_schedule_options){
             .workers = 3, .window = 100, .is_watched = true, .stops = stops, .stop_count = 4},
         NULL);
    assert_int_equal(fixture->asked, 0xF);
    for (const struct ht_plan_span *span = ht_plan_first(fixture->recording.plan); span != NULL;
         span = span->next) {
        for (size_t i = 0; i < span->count; i++) {
            const struct ht_op *op = &span->ops[i];
            assert_true(ht_sightings_next(fixture->sightings, &seen));
            if (op->kind == HT_OP_FREE) {
                assert_int_equal(seen.address, 0);
            } else if (op->size == 77) {
                assert_true(seen.address == 0 || seen.address == HT_HEAP_MAP_UNCHANGED);
                failed += seen.address == HT_HEAP_MAP_UNCHANGED;
            } else if (seen.address != 0) { // of a block that is missing
                assert_int_equal(((const struct head *)(uintptr_t)seen.address)[-1].size, op->size);
            }
        }
    }
    assert_false(ht_sightings_next(fixture->sightings, &seen));
    assert_int_equal(failed, fixture->played.failed_reallocs);
    ht_sightings_close(fixture->sightings);
    release_all(fixture);
}

static void what_was_not_played_is_not_read_back(void **state)
{
    struct fixture *fixture = *state;
    struct ht_causal_watch watch = {.ask = note_stop, .context = fixture};
    struct ht_pulse pulse = {stop_at_the_first, &fixture->heap};
    struct ht_sighting seen;
    fixture->watch = &watch;
    struct ht_change change = {.kind = HT_CHANGE_BEGIN, .size = 10};
    add(fixture, 1, 0, change);
    change.block = 1;
    add(fixture, 2, INT64_C(3600000000000), change); // in an hour
    change.block = 2;
    add(fixture, 1, 0, change); // which time that stands still makes due in an hour too
    play(fixture,
         (struct ht_schedule_options){.workers = 2, .window = 100, .speed = 1, .is_watched = true},
         &pulse);
    assert_true(ht_sightings_next(fixture->sightings, &seen));
    assert_false(ht_sightings_next(fixture->sightings, &seen));
    ht_sightings_close(fixture->sightings);
    assert_int_equal(release_all(fixture), 1);
}

static void nothing_is_played_by_nobody(void **state)
{
    struct fixture *fixture = *state;
    play(fixture, (struct ht_schedule_options){.workers = 2, .window = 100}, NULL);
    assert_int_equal(fixture->played.operations, 0);
    assert_int_equal(release_all(fixture), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_schedule_keeps_to_the_blocks_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_worker_is_the_recorded_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_small_window_keeps_the_live_bytes_near, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_the_heap_refuses_is_skipped_from_then_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_stop_ends_every_kind_of_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_comes_before_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_seen_is_read_back_in_recorded_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_was_not_played_is_not_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_played_by_nobody, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
