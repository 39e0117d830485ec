// SPDX-License-Identifier: MIT
#include "replay/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
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

static void begin(struct ht_plan *plan, uint32_t block, uint64_t size, enum ht_change_cause cause)
{
    struct ht_change change = {.kind = HT_CHANGE_BEGIN,
                               .cause = (uint8_t)cause,
                               .block = block,
                               .address = 0x1000 * (block + 1),
                               .size = size};
    assert_int_equal(ht_plan_add(plan, &change, NULL), HT_OK);
}

static void resize(struct ht_plan *plan, uint32_t block, uint64_t old_size, uint64_t size,
                   bool is_moved)
{
    struct ht_change change = {.kind = HT_CHANGE_RESIZE,
                               .block = block,
                               .old_address = 0x1000 * (block + 1),
                               .address = 0x1000 * (block + 1) + (is_moved ? 0x10 : 0),
                               .old_size = old_size,
                               .size = size};
    assert_int_equal(ht_plan_add(plan, &change, NULL), HT_OK);
}

static void end(struct ht_plan *plan, uint32_t block, uint64_t size, enum ht_change_cause cause)
{
    struct ht_change change = {
        .kind = HT_CHANGE_END, .cause = (uint8_t)cause, .block = block, .size = size};
    assert_int_equal(ht_plan_add(plan, &change, NULL), HT_OK);
}

static void assert_op(const struct ht_op *op, enum ht_op_kind kind, uint32_t block, uint64_t size)
{
    assert_string_equal(ht_op_kind_name(op->kind), ht_op_kind_name(kind));
    assert_int_equal(op->block, block);
    assert_int_equal(op->size, size);
}

static void an_operation_takes_16_bytes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct ht_op), 16);
}

static void an_empty_plan_has_no_operation(void **state)
{
    assert_int_equal(ht_plan_first(*state)->count, 0);
    assert_null(ht_plan_first(*state)->next);
    const struct ht_plan_totals *totals = ht_plan_totals(*state);
    assert_int_equal(totals->operations, 0);
    assert_int_equal(totals->block_limit, 0);
    assert_int_equal(totals->peak_bytes, 0);
}

static void changes_become_operations_in_order(void **state)
{
    struct ht_plan *plan = *state;
    begin(plan, 0, 100, HT_CAUSE_EVENT);
    begin(plan, 1, 32, HT_CAUSE_ADOPTED);
    resize(plan, 1, 32, 64, true);
    resize(plan, 0, 100, 90, false);
    end(plan, 0, 90, HT_CAUSE_EVENT);
    const struct ht_plan_span *span = ht_plan_first(plan);
    assert_int_equal(span->count, 5);
    assert_null(span->next);
    assert_op(&span->ops[0], HT_OP_ALLOC, 0, 100);
    assert_op(&span->ops[1], HT_OP_ADOPT, 1, 32);
    assert_op(&span->ops[2], HT_OP_REALLOC_MOVED, 1, 64);
    assert_op(&span->ops[3], HT_OP_REALLOC_IN_PLACE, 0, 90);
    assert_op(&span->ops[4], HT_OP_FREE, 0, 90);
}

static void totals_are_those_of_the_recording(void **state)
{
    struct ht_plan *plan = *state;
    begin(plan, 0, 100, HT_CAUSE_EVENT);
    begin(plan, 1, 50, HT_CAUSE_EVENT);
    resize(plan, 1, 50, 200, true);
    resize(plan, 1, 200, 20, true);
    resize(plan, 0, 100, 10, false);
    begin(plan, 2, 7, HT_CAUSE_EVENT);
    end(plan, 2, 7, HT_CAUSE_REPLACED);
    end(plan, 0, 10, HT_CAUSE_DESTROYED);
    const struct ht_plan_totals *totals = ht_plan_totals(plan);
    assert_int_equal(totals->operations, 8);
    assert_int_equal(totals->by_kind[HT_OP_ALLOC], 3);
    assert_int_equal(totals->by_kind[HT_OP_ADOPT], 0);
    assert_int_equal(totals->by_kind[HT_OP_REALLOC_IN_PLACE], 1);
    assert_int_equal(totals->by_kind[HT_OP_REALLOC_MOVED], 2);
    assert_int_equal(totals->by_kind[HT_OP_FREE], 2);
    assert_int_equal(totals->replaced, 1);
    assert_int_equal(totals->destroyed, 1);
    assert_int_equal(totals->peak_bytes, 300);
    assert_int_equal(totals->final_bytes, 20);
    assert_int_equal(totals->final_blocks, 1);
    assert_int_equal(totals->bytes_copied, 50 + 20);
    assert_int_equal(totals->block_limit, 3);
}

static uint64_t digest_of(const uint64_t *sizes, size_t count, bool is_moved)
{
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, NULL), HT_OK);
    for (uint32_t i = 0; i < count; i++) {
        begin(plan, i, sizes[i], HT_CAUSE_EVENT);
    }
    resize(plan, 0, sizes[0], 1, is_moved);
    uint64_t digest = ht_plan_totals(plan)->digest;
    ht_plan_close(plan);
    return digest;
}

static void the_digest_tells_sequences_apart(void **state)
{
    (void)state;
    uint64_t digest = digest_of((uint64_t[]){16, 32, 48}, 3, true);
    assert_int_equal(digest, digest_of((uint64_t[]){16, 32, 48}, 3, true));
    assert_int_not_equal(digest, digest_of((uint64_t[]){16, 48, 32}, 3, true));
    assert_int_not_equal(digest, digest_of((uint64_t[]){16, 32, 48}, 3, false));
    assert_int_not_equal(digest, digest_of((uint64_t[]){16, 32}, 2, true));
    // Sizes that differ in the highest bit alone.
    assert_int_not_equal(digest_of((uint64_t[]){UINT64_C(1) << 63}, 1, true),
                         digest_of((uint64_t[]){0}, 1, true));
}

// Its value is written into reports, so it may not change from one version to the next.
static void the_digest_is_the_same_on_every_host(void **state)
{
    struct ht_plan *plan = *state;
    assert_int_equal(ht_plan_totals(plan)->digest, UINT64_C(0xcbf29ce484222325));
    begin(plan, 0, 24, HT_CAUSE_EVENT);
    end(plan, 0, 24, HT_CAUSE_EVENT);
    assert_int_equal(ht_plan_totals(plan)->digest, UINT64_C(0x222fbf98d73c4faa));
}

static uint64_t digest_on_heap(uint32_t heap)
{
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, NULL), HT_OK);
    struct ht_change change = {.kind = HT_CHANGE_BEGIN, .heap = heap, .size = 24};
    assert_int_equal(ht_plan_add(plan, &change, NULL), HT_OK);
    uint64_t digest = ht_plan_totals(plan)->digest;
    ht_plan_close(plan);
    return digest;
}

static void an_operation_names_its_recorded_heap(void **state)
{
    struct ht_plan *plan = *state;
    const uint32_t heaps[] = {0, 3, 2, HT_PLAN_HEAPS_MAX - 1, HT_PLAN_HEAPS_MAX, UINT32_MAX};
    const uint32_t expected[] = {0, 3, 2, 65535, 65535, 65535};
    const uint32_t limits[] = {1, 4, 4, 65536, 65536, 65536};
    for (uint32_t i = 0; i < 6; i++) {
        struct ht_change change = {.kind = HT_CHANGE_BEGIN, .heap = heaps[i], .block = i};
        assert_int_equal(ht_plan_add(plan, &change, NULL), HT_OK);
        assert_int_equal(ht_plan_first(plan)->ops[i].heap, expected[i]);
        assert_int_equal(ht_plan_first(plan)->ops[i].kind, HT_OP_ALLOC);
        assert_int_equal(ht_plan_totals(plan)->heap_limit, limits[i]);
    }
    assert_int_not_equal(digest_on_heap(0), digest_on_heap(1));
}

static void a_plan_of_several_spans_keeps_its_order(void **state)
{
    struct ht_plan *plan = *state;
    enum { COUNT = 150000 };
    for (uint32_t i = 0; i < COUNT; i++) {
        begin(plan, i, i, HT_CAUSE_EVENT);
    }
    uint32_t at = 0;
    size_t spans = 0;
    for (const struct ht_plan_span *span = ht_plan_first(plan); span != NULL; span = span->next) {
        for (size_t i = 0; i < span->count; i++) {
            assert_true(span->ops[i].block == at && span->ops[i].size == at);
            at++;
        }
        spans++;
    }
    assert_int_equal(at, COUNT);
    assert_int_equal(spans, 3);
    assert_in_range(ht_plan_totals(plan)->memory_bytes, COUNT * 16, COUNT * 16 + (2 << 20));
}

static void a_plan_stops_at_its_limit(void **state)
{
    (void)state;
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, 2 << 20, NULL), HT_OK);
    struct ht_change change = {.kind = HT_CHANGE_BEGIN, .size = 8};
    struct ht_error error = {0};
    enum ht_status status = HT_OK;
    uint64_t added = 0;
    for (; added < 1000000; added++) {
        status = ht_plan_add(plan, &change, &error);
        if (status != HT_OK) {
            break;
        }
    }
    assert_int_equal(status, HT_LIMIT);
    assert_non_null(strstr(error.text, "2097152 bytes"));
    assert_in_range(added, 60000, 2 * 65536);
    assert_int_equal(ht_plan_totals(plan)->operations, added);
    ht_plan_close(plan);
}

// Made elsewhere and added in any portions, a plan is the same, and stops at the same operation.
static void operations_counted_elsewhere_make_the_same_plan(void **state)
{
    enum { COUNT = 200000 };
    struct ht_plan *plan = *state;
    struct ht_plan *other;
    struct ht_plan_totals totals = ht_plan_totals_begin();
    struct ht_op *ops = calloc(COUNT, sizeof *ops);
    assert_non_null(ops);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct ht_change change = {.kind = i % 3 == 0   ? HT_CHANGE_BEGIN
                                           : i % 3 == 1 ? HT_CHANGE_RESIZE
                                                        : HT_CHANGE_END,
                                   .block = i / 3,
                                   .heap = i % 5,
                                   .size = i % 3 + 10,
                                   .address = i % 7,
                                   .old_size = 10};
        assert_int_equal(ht_plan_add(plan, &change, NULL), HT_OK);
        ops[i] = ht_op_of(&change, &totals);
    }
    assert_int_equal(ht_plan_open(&other, HT_PLAN_MEMORY_DEFAULT, NULL), HT_OK);
    size_t added = 0;
    for (size_t i = 0, portion = 1; i < COUNT; i += added, portion += 977) {
        size_t left = COUNT - i;
        assert_int_equal(
            ht_plan_add_ops(other, ops + i, left < portion ? left : portion, &added, NULL), HT_OK);
        assert_true(added > 0);
    }
    ht_plan_take_totals(other, &totals);
    assert_memory_equal(ht_plan_totals(other), ht_plan_totals(plan), sizeof totals);
    const struct ht_plan_span *theirs = ht_plan_first(other);
    for (const struct ht_plan_span *span = ht_plan_first(plan); span != NULL; span = span->next) {
        assert_int_equal(theirs->count, span->count);
        assert_memory_equal(theirs->ops, span->ops, span->count * sizeof *span->ops);
        theirs = theirs->next;
    }
    assert_null(theirs);
    ht_plan_close(other);

    struct ht_error error = {0};
    assert_int_equal(ht_plan_open(&other, 3 << 20, NULL), HT_OK);
    assert_int_equal(ht_plan_add_ops(other, ops, COUNT, &added, &error), HT_LIMIT);
    assert_in_range(added, (2 << 20) / sizeof *ops - 100, (3 << 20) / sizeof *ops);
    assert_int_equal(ht_plan_totals(other)->operations, added);
    ht_plan_close(other);
    free(ops);
}

static void a_limit_under_one_step_is_too_small(void **state)
{
    (void)state;
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, 4096, NULL), HT_LIMIT);
    assert_null(plan);
}

static void the_table_of_blocks_counts_toward_the_limit(void **state)
{
    (void)state;
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, 16 << 20, NULL), HT_OK);
    struct ht_change change = {.kind = HT_CHANGE_BEGIN, .block = 1 << 20, .size = 8};
    enum ht_status status = HT_OK;
    uint64_t added = 0;
    for (; added < 1000000 && status == HT_OK; added++) {
        status = ht_plan_add(plan, &change, NULL);
    }
    assert_int_equal(status, HT_LIMIT);
    assert_in_range(added, 60000, 65537);
    ht_plan_close(plan);
}

static void a_size_no_heap_can_give_stays_one(void **state)
{
    struct ht_plan *plan = *state;
    begin(plan, 0, UINT64_MAX, HT_CAUSE_EVENT);
    begin(plan, 1, 0, HT_CAUSE_EVENT);
    const struct ht_plan_span *span = ht_plan_first(plan);
    assert_op(&span->ops[0], HT_OP_ALLOC, 0, PTRDIFF_MAX);
    assert_op(&span->ops[1], HT_OP_ALLOC, 1, 0);
}

static void close_accepts_null(void **state)
{
    (void)state;
    ht_plan_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operation_takes_16_bytes),
        cmocka_unit_test_setup_teardown(an_empty_plan_has_no_operation, open_plan, close_plan),
        cmocka_unit_test_setup_teardown(changes_become_operations_in_order, open_plan, close_plan),
        cmocka_unit_test_setup_teardown(totals_are_those_of_the_recording, open_plan, close_plan),
        cmocka_unit_test(the_digest_tells_sequences_apart),
        cmocka_unit_test_setup_teardown(the_digest_is_the_same_on_every_host, open_plan,
                                        close_plan),
        cmocka_unit_test_setup_teardown(a_plan_of_several_spans_keeps_its_order, open_plan,
                                        close_plan),
        cmocka_unit_test(a_plan_stops_at_its_limit),
        cmocka_unit_test_setup_teardown(operations_counted_elsewhere_make_the_same_plan, open_plan,
                                        close_plan),
        cmocka_unit_test(a_limit_under_one_step_is_too_small),
        cmocka_unit_test_setup_teardown(an_operation_names_its_recorded_heap, open_plan,
                                        close_plan),
        cmocka_unit_test(the_table_of_blocks_counts_toward_the_limit),
        cmocka_unit_test_setup_teardown(a_size_no_heap_can_give_stays_one, open_plan, close_plan),
        cmocka_unit_test(close_accepts_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
