// SPDX-License-Identifier: MIT
#include "replay/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

static int open_plan(void **state)
{
    struct ht_plan *plan;
    enum ht_status status = ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, NULL);
    *state = plan;
    return status == HT_OK ? 0 : -1;
}

static int close_plan(void **state)
{
    ht_plan_close(*state);
    return 0;
}

static void add(struct ht_plan *plan, struct ht_change change)
{
    assert_int_equal(ht_plan_add(plan, &change, NULL), HT_OK);
}

static struct ht_replay_result run(const struct ht_plan *plan, const struct ht_heap *heap,
                                   enum ht_touch touch)
{
    struct ht_replay_options options = {.touch = touch};
    struct ht_replay_result result;
    struct ht_error error = {0};
    assert_int_equal(ht_replay_run(plan, heap, &options, &result, &error), HT_OK);
    return result;
}

// `count` blocks of 1000 bytes, every second one freed, the others grown to 1500, half of them by a
// recorded move. The peak comes before the frees; count / 2 blocks are live at the end.
static void add_churn(struct ht_plan *plan, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        add(plan, (struct ht_change){.kind = HT_CHANGE_BEGIN, .block = i, .size = 1000});
    }
    for (uint32_t i = 0; i < count; i += 2) {
        add(plan, (struct ht_change){.kind = HT_CHANGE_END, .block = i, .size = 1000});
    }
    for (uint32_t i = 1; i < count; i += 2) {
        add(plan, (struct ht_change){.kind = HT_CHANGE_RESIZE,
                                     .block = i,
                                     .size = 1500,
                                     .old_size = 1000,
                                     .address = i % 4 == 1,
                                     .old_address = 0});
    }
}

struct beats {
    uint64_t count;
    uint64_t last; // operations
    uint64_t stop; // beats until the replay is stopped
};

static bool beat(void *context, uint64_t operations)
{
    struct beats *beats = context;
    assert_true(operations > beats->last);
    beats->last = operations;
    return ++beats->count < beats->stop;
}

static struct ht_replay_result run_with_beats(const struct ht_plan *plan, struct beats *beats)
{
    struct ht_pulse pulse = {beat, beats};
    struct ht_replay_options options = {.touch = HT_TOUCH_NONE, .pulse = &pulse};
    struct ht_replay_result result;
    assert_int_equal(ht_replay_run(plan, &ht_heap_libc, &options, &result, NULL), HT_OK);
    return result;
}

static void pulse_is_told_until_the_last_operation(void **state)
{
    add_churn(*state, 100000);
    struct beats beats = {.stop = UINT64_MAX};
    struct ht_replay_result result = run_with_beats(*state, &beats);
    assert_true(beats.count >= 2);
    assert_int_equal(beats.last, 200000);
    assert_int_equal(result.operations, 200000);
    assert_true(result.is_whole);
}

static void replay_stopped_by_its_pulse_tells_of_the_part(void **state)
{
    add_churn(*state, 100000);
    struct beats beats = {.stop = 1};
    struct ht_replay_result result = run_with_beats(*state, &beats);
    assert_int_equal(beats.count, 1);
    assert_false(result.is_whole);
    assert_in_range(result.operations, 1, 99999);
    assert_int_equal(result.operations, beats.last);
    assert_int_equal(result.plan.operations, 200000);
    assert_int_equal(result.final_blocks, result.operations); // allocs come first
    assert_int_equal(result.played.live_bytes, result.operations * 1000);
}

static void libc_lives_as_recorded(void **state)
{
    add_churn(*state, 1000);
    struct ht_replay_result result = run(*state, &ht_heap_libc, HT_TOUCH_FILL);
    assert_int_equal(result.operations, 2000);
    assert_int_equal(result.plan.operations, 2000);
    assert_int_equal(result.plan.by_kind[HT_OP_REALLOC_MOVED], 250);
    assert_int_equal(result.plan.by_kind[HT_OP_REALLOC_IN_PLACE], 250);
    assert_int_equal(result.played.peak_bytes, 1000000);
    assert_int_equal(result.played.peak_bytes, result.plan.peak_bytes);
    assert_int_equal(result.played.live_bytes, 750000);
    assert_int_equal(result.played.live_bytes, result.plan.final_bytes);
    assert_int_equal(result.final_blocks, 500);
    assert_int_equal(result.final_blocks, result.plan.final_blocks);
    assert_int_equal(result.reallocs_in_place + result.reallocs_moved, 500);
    assert_int_equal(result.played.bytes_copied, result.reallocs_moved * 1000);
    assert_int_equal(result.played.agreement[true][false] + result.played.agreement[true][true],
                     250);
    assert_int_equal(result.played.failed_allocs + result.played.failed_reallocs, 0);
    assert_int_equal(result.played.skipped, 0);
    assert_true(result.ns_per_op > 0);
    assert_true(result.null_ns_per_op > 0);
    assert_int_equal(result.harness_bytes, result.plan.memory_bytes + 1000 * 16 + sizeof(void *));
}

static void null_keeps_every_block_in_place(void **state)
{
    add_churn(*state, 1000);
    struct ht_replay_result result = run(*state, &ht_heap_null, HT_TOUCH_FILL);
    assert_string_equal(result.heap->name, "null");
    assert_string_equal(ht_touch_name(result.touch), "none");
    assert_int_equal(result.operations, 2000);
    assert_int_equal(result.reallocs_in_place, 500);
    assert_int_equal(result.reallocs_moved, 0);
    assert_int_equal(result.played.bytes_copied, 0);
    assert_int_equal(result.played.peak_bytes, 1000000);
    assert_int_equal(result.final_blocks, 500);
}

static void a_plan_can_be_replayed_again(void **state)
{
    add_churn(*state, 100);
    struct ht_replay_result first = run(*state, &ht_heap_libc, HT_TOUCH_PAGE);
    struct ht_replay_result second = run(*state, &ht_heap_libc, HT_TOUCH_PAGE);
    assert_int_equal(first.plan.digest, second.plan.digest);
    assert_int_equal(first.played.peak_bytes, second.played.peak_bytes);
    assert_int_equal(first.final_blocks, second.final_blocks);
}

// Room for what the process does besides: pages of code first run, and, in the peak, the error of
// the kernel's counters.
enum { GROWTH_ROOM = 64 << 10, PEAK_ROOM = 512 << 10 };

static void assert_no_growth(const struct ht_replay_result *result)
{
    assert_in_range(result->resident.growth_bytes + GROWTH_ROOM, 0, 2 * GROWTH_ROOM);
    assert_in_range(result->resident.peak_growth_bytes, 0, PEAK_ROOM);
}

static void an_empty_plan_grows_by_nothing(void **state)
{
    struct ht_replay_result result = run(*state, &ht_heap_libc, HT_TOUCH_PAGE);
    assert_int_equal(result.operations, 0);
    assert_int_equal(result.final_blocks, 0);
    assert_true(result.ns_per_op == 0);
    assert_true(result.null_ns_per_op == 0);
    assert_no_growth(&result);
}

// A plan and a table of many times the room, and none of it in the growth.
static void the_null_heap_grows_by_nothing(void **state)
{
    add_churn(*state, 200000);
    struct ht_replay_result result = run(*state, &ht_heap_null, HT_TOUCH_PAGE);
    assert_true(result.harness_bytes > 8 << 20);
    assert_no_growth(&result);
}

static void growth_holds_the_live_blocks(void **state)
{
    add_churn(*state, 20000);
    struct ht_replay_result result = run(*state, &ht_heap_libc, HT_TOUCH_FILL);
    if (result.resident.source == NULL) {
        skip();
    }
    assert_true(result.resident.growth_bytes >= 14 << 20);
    assert_int_equal(result.resident.growth_bytes,
                     (int64_t)(result.resident.after_bytes - result.resident.before_bytes));
    if (result.resident.peak_source != NULL) {
        assert_true(result.resident.peak_growth_bytes >= 14 << 20);
    }
}

static enum ht_status refuse(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)heap;
    (void)self;
    return ht_fail(error, HT_UNSUPPORTED, "not here");
}

static void a_heap_that_does_not_open_is_an_error(void **state)
{
    struct ht_heap heap = ht_heap_libc;
    heap.open = refuse;
    struct ht_replay_options options = {0};
    struct ht_replay_result result;
    struct ht_error error = {0};
    add_churn(*state, 10);
    assert_int_equal(ht_replay_run(*state, &heap, &options, &result, &error), HT_UNSUPPORTED);
    assert_string_equal(error.text, "not here");
}

static void *no_allocate(void *self, size_t size)
{
    (void)self;
    (void)size;
    return NULL;
}

static void skipped_operations_do_not_count_as_played(void **state)
{
    struct ht_heap heap = ht_heap_libc;
    heap.allocate = no_allocate;
    add_churn(*state, 10);
    struct ht_replay_result result = run(*state, &heap, HT_TOUCH_PAGE);
    assert_int_equal(result.plan.operations, 20);
    assert_int_equal(result.operations, 10);
    assert_int_equal(result.played.failed_allocs, 10);
    assert_int_equal(result.played.skipped, 10);
    assert_int_equal(result.final_blocks, 0);
}

static void heaps_are_found_by_name(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct ht_heap *heap; (heap = ht_heap_at(count)) != NULL; count++) {
        assert_ptr_equal(ht_heap_by_name(heap->name), heap);
    }
    assert_true(count >= 2); // Windows has more
    assert_ptr_equal(ht_heap_by_name("libc"), &ht_heap_libc);
    assert_ptr_equal(ht_heap_by_name("null"), &ht_heap_null);
    assert_null(ht_heap_by_name("LIBC"));
}

static void libc_gives_a_block_for_no_bytes(void **state)
{
    (void)state;
    void *self;
    char version[64] = "";
    assert_int_equal(ht_heap_libc.open(&ht_heap_libc, &self, NULL), HT_OK);
    ht_heap_libc.version(self, version, sizeof version);
    assert_true(strlen(version) > 0);
    void *first = ht_heap_libc.allocate(self, 0);
    void *second = ht_heap_libc.allocate(self, 0);
    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    second = ht_heap_libc.reallocate(self, second, 100);
    assert_non_null(second);
    second = ht_heap_libc.reallocate(self, second, 0);
    assert_non_null(second);
    ht_heap_libc.release(self, first);
    ht_heap_libc.release(self, second);
    ht_heap_libc.close(self);
}

static void null_gives_one_address_and_keeps_it(void **state)
{
    (void)state;
    void *self;
    assert_int_equal(ht_heap_null.open(&ht_heap_null, &self, NULL), HT_OK);
    void *block = ht_heap_null.allocate(self, 10);
    assert_non_null(block);
    assert_ptr_equal(ht_heap_null.allocate(self, 0), block);
    assert_ptr_equal(ht_heap_null.reallocate(self, block, 1000), block);
    ht_heap_null.release(self, block);
    ht_heap_null.close(self);
}

// A plan of more than fits: of each three operations two make blocks and one ends the first of
// them, so that there are more blocks in each part than in the one before.
struct parts {
    struct ht_plan *plan;
    uint32_t added;
    uint32_t fills;
    uint32_t stop; // fills until the replay is to stop
};

enum { PARTED_OPERATIONS = 300000 };

static struct ht_change change_at(uint32_t index)
{
    uint32_t round = index / 3;
    struct ht_change change = {.heap = round % 3, .block = round + 1, .size = 24};
    if (index % 3 == 0) {
        change.block = 0;
    } else if (index % 3 == 2) {
        change.kind = HT_CHANGE_END;
        change.block = 0;
    }
    return change;
}

static enum ht_status add_part(struct parts *parts, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    while (status == HT_OK && parts->added < PARTED_OPERATIONS) {
        struct ht_change change = change_at(parts->added);
        status = ht_plan_add(parts->plan, &change, error);
        parts->added += status == HT_OK;
    }
    return status;
}

static enum ht_status fill(void *context, struct ht_error *error)
{
    struct parts *parts = context;
    ht_plan_begin_part(parts->plan);
    return ++parts->fills == parts->stop ? HT_END : add_part(parts, error);
}

static struct ht_replay_result run_parts(struct parts *parts)
{
    struct ht_refill refill = {fill, parts};
    struct ht_replay_options options = {.refill = &refill};
    struct ht_replay_result result;
    assert_int_equal(ht_replay_run(parts->plan, &ht_heap_libc, &options, &result, NULL), HT_OK);
    return result;
}

static void a_plan_in_parts_is_played_as_a_whole(void **state)
{
    struct parts whole = {.plan = *state};
    assert_int_equal(add_part(&whole, NULL), HT_OK);
    struct ht_replay_result at_once = run(whole.plan, &ht_heap_libc, HT_TOUCH_PAGE);
    struct parts parts = {.stop = UINT32_MAX};
    assert_int_equal(ht_plan_open(&parts.plan, 4 << 20, NULL), HT_OK);
    assert_int_equal(add_part(&parts, NULL), HT_LIMIT);
    struct ht_replay_result result = run_parts(&parts);
    assert_true(parts.fills >= 2);
    assert_true(result.is_whole && result.is_in_parts && !at_once.is_in_parts);
    assert_int_equal(result.plan.digest, at_once.plan.digest);
    assert_int_equal(result.plan.heap_limit, 3);
    assert_int_equal(result.operations, PARTED_OPERATIONS);
    assert_int_equal(result.played.peak_bytes, at_once.played.peak_bytes);
    assert_int_equal(result.played.live_bytes, at_once.played.live_bytes);
    assert_int_equal(result.final_blocks, at_once.final_blocks);
    ht_plan_close(parts.plan);
}

static void parts_that_stop_coming_leave_a_report(void **state)
{
    (void)state;
    struct parts parts = {.stop = 2};
    assert_int_equal(ht_plan_open(&parts.plan, 4 << 20, NULL), HT_OK);
    assert_int_equal(add_part(&parts, NULL), HT_LIMIT);
    struct ht_replay_result result = run_parts(&parts);
    assert_false(result.is_whole);
    assert_int_equal(result.operations, parts.added);
    ht_plan_close(parts.plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pulse_is_told_until_the_last_operation, open_plan,
                                        close_plan),
        cmocka_unit_test_setup_teardown(replay_stopped_by_its_pulse_tells_of_the_part, open_plan,
                                        close_plan),
        cmocka_unit_test_setup_teardown(libc_lives_as_recorded, open_plan, close_plan),
        cmocka_unit_test_setup_teardown(null_keeps_every_block_in_place, open_plan, close_plan),
        cmocka_unit_test_setup_teardown(a_plan_can_be_replayed_again, open_plan, close_plan),
        cmocka_unit_test_setup_teardown(an_empty_plan_grows_by_nothing, open_plan, close_plan),
        cmocka_unit_test_setup_teardown(the_null_heap_grows_by_nothing, open_plan, close_plan),
        cmocka_unit_test_setup_teardown(growth_holds_the_live_blocks, open_plan, close_plan),
        cmocka_unit_test_setup_teardown(a_heap_that_does_not_open_is_an_error, open_plan,
                                        close_plan),
        cmocka_unit_test_setup_teardown(skipped_operations_do_not_count_as_played, open_plan,
                                        close_plan),
        cmocka_unit_test_setup_teardown(a_plan_in_parts_is_played_as_a_whole, open_plan,
                                        close_plan),
        cmocka_unit_test(parts_that_stop_coming_leave_a_report),
        cmocka_unit_test(heaps_are_found_by_name),
        cmocka_unit_test(libc_gives_a_block_for_no_bytes),
        cmocka_unit_test(null_gives_one_address_and_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
