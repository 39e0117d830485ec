// SPDX-License-Identifier: MIT
#include "convert/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ht_summary summary;

static int open_summary(void **state)
{
    (void)state;
    return ht_summary_init(&summary, NULL, NULL) == HT_OK ? 0 : -1;
}

static int close_summary(void **state)
{
    (void)state;
    ht_summary_reset(&summary);
    ht_summary_reset(&summary);
    return 0;
}

static void add(int64_t time_ns, enum ht_kind kind, uint64_t heap, uint64_t address, uint64_t size)
{
    struct ht_event event = {.time_ns = time_ns,
                             .pid = 4,
                             .heap = heap,
                             .kind = (uint8_t)kind,
                             .address = address,
                             .size = size};
    assert_int_equal(ht_summary_add(&summary, &event, NULL), HT_OK);
}

static void add_realloc(int64_t time_ns, uint64_t old_address, uint64_t old_size, uint64_t address,
                        uint64_t size)
{
    struct ht_event event = {.time_ns = time_ns,
                             .pid = 4,
                             .heap = 1,
                             .kind = HT_KIND_REALLOC,
                             .address = address,
                             .size = size,
                             .old_address = old_address,
                             .old_size = old_size};
    assert_int_equal(ht_summary_add(&summary, &event, NULL), HT_OK);
}

static void an_empty_trace_sums_to_nothing(void **state)
{
    (void)state;
    assert_int_equal(summary.events, 0);
    assert_int_equal(summary.live.peak_bytes, 0);
    assert_int_equal(summary.heap_count, 0);
    assert_int_equal(ht_summary_unknown_blocks(&summary), 0);
}

static void the_peak_is_exact_and_the_first_of_equals(void **state)
{
    (void)state;
    add(10, HT_KIND_ALLOC, 1, 0x10, 100);
    add(20, HT_KIND_ALLOC, 2, 0x10, 50);
    add(30, HT_KIND_FREE, 1, 0x10, 0);
    add(40, HT_KIND_ALLOC, 2, 0x20, 100);
    add(50, HT_KIND_FREE, 2, 0x10, 0);
    assert_int_equal(summary.live.peak_bytes, 150);
    assert_int_equal(summary.live.peak_time_ns, 20);
    assert_int_equal(summary.live.bytes, 100);
    assert_int_equal(summary.live.blocks, 1);
    assert_int_equal(summary.heap_count, 2);
    assert_int_equal(summary.heaps[0].live.peak_bytes, 100);
    assert_int_equal(summary.heaps[0].live.bytes, 0);
    assert_int_equal(summary.heaps[0].events, 2);
    assert_int_equal(summary.heaps[1].live.peak_bytes, 150);
    assert_int_equal(summary.heaps[1].live.peak_time_ns, 40);
    assert_int_equal(summary.heaps[1].live.blocks, 1);
    assert_int_equal(summary.heaps[1].events, 3);
}

static void a_moved_realloc_counts_once_at_the_peak(void **state)
{
    (void)state;
    add(10, HT_KIND_ALLOC, 1, 0x10, 100);
    add_realloc(20, 0x10, 100, 0x20, 110);
    assert_int_equal(summary.live.peak_bytes, 110);
    assert_int_equal(summary.live.blocks, 1);
}

static void a_replaced_block_does_not_count_at_the_peak(void **state)
{
    (void)state;
    add(10, HT_KIND_ALLOC, 1, 0x10, 100);
    add(20, HT_KIND_ALLOC, 1, 0x10, 90);
    assert_int_equal(summary.live.peak_bytes, 100);
    assert_int_equal(summary.live.bytes, 90);
}

static void reallocs_are_summed_by_what_they_did(void **state)
{
    (void)state;
    add(10, HT_KIND_ALLOC, 1, 0x10, 100);
    add_realloc(20, 0x10, 100, 0x20, 300); // moved, grows: copies 100
    add_realloc(30, 0x20, 300, 0x30, 40);  // moved, shrinks: copies 40
    add_realloc(40, 0x30, 40, 0x30, 60);   // in place, grows
    add_realloc(50, 0x30, 60, 0x40, 60);   // moved, same size: copies 60
    add_realloc(60, 0x40, 60, 0, 1000);    // failed
    add_realloc(70, 0, 0, 0x50, 5);        // an alloc
    add_realloc(80, 0x60, 7, 0x60, 6);     // adopted, in place, shrinks
    add(90, HT_KIND_FREE, 1, 0x70, 0);     // unknown
    assert_int_equal(summary.by_kind[HT_KIND_REALLOC], 7);
    assert_int_equal(summary.realloc.in_place, 2);
    assert_int_equal(summary.realloc.moved, 3);
    assert_int_equal(summary.realloc.grow, 2);
    assert_int_equal(summary.realloc.shrink, 2);
    assert_int_equal(summary.realloc.same, 1);
    assert_int_equal(summary.realloc.bytes_copied, 200);
    assert_int_equal(summary.live.bytes, 60 + 5 + 6);
    assert_int_equal(summary.live.blocks, 3);
    assert_int_equal(ht_summary_unknown_blocks(&summary), 2);
}

static void a_destroyed_heap_holds_nothing(void **state)
{
    (void)state;
    add(10, HT_KIND_ALLOC, 1, 0x10, 100);
    add(10, HT_KIND_ALLOC, 1, 0x20, 100);
    add(10, HT_KIND_ALLOC, 2, 0x20, 7);
    add(20, HT_KIND_DESTROY, 1, 0, 0);
    assert_int_equal(summary.live.bytes, 7);
    assert_int_equal(summary.heaps[0].live.bytes, 0);
    assert_int_equal(summary.heaps[0].live.blocks, 0);
    assert_int_equal(summary.heaps[0].live.peak_bytes, 200);
}

static void processes_come_in_order_of_first_use(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        struct ht_event event = {
            .time_ns = i, .pid = 9000 - i % 1000, .heap = 1, .kind = HT_KIND_LOCK};
        assert_int_equal(ht_summary_add(&summary, &event, NULL), HT_OK);
    }
    assert_int_equal(summary.process_count, 1000);
    assert_int_equal(summary.heap_count, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(summary.processes[i].pid, 9000 - i);
        assert_int_equal(summary.processes[i].events, 3);
        assert_int_equal(summary.processes[i].first_ns, i);
        assert_int_equal(summary.heaps[i].events, 3);
    }
}

static void the_span_is_from_the_earliest_to_the_latest(void **state)
{
    (void)state;
    add(50, HT_KIND_LOCK, 1, 0, 0);
    add(-20, HT_KIND_UNLOCK, 1, 0, 0);
    add(70, HT_KIND_LOCK, 1, 0, 0);
    add(60, HT_KIND_UNLOCK, 1, 0, 0);
    assert_int_equal(summary.events, 4);
    assert_int_equal(summary.first_ns, -20);
    assert_int_equal(summary.last_ns, 70);
    assert_int_equal(summary.by_kind[HT_KIND_LOCK], 2);
}

#define SUMMARY_TEST(test) cmocka_unit_test_setup_teardown(test, open_summary, close_summary)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUMMARY_TEST(an_empty_trace_sums_to_nothing),
        SUMMARY_TEST(the_peak_is_exact_and_the_first_of_equals),
        SUMMARY_TEST(a_moved_realloc_counts_once_at_the_peak),
        SUMMARY_TEST(a_replaced_block_does_not_count_at_the_peak),
        SUMMARY_TEST(reallocs_are_summed_by_what_they_did),
        SUMMARY_TEST(a_destroyed_heap_holds_nothing),
        SUMMARY_TEST(processes_come_in_order_of_first_use),
        SUMMARY_TEST(the_span_is_from_the_earliest_to_the_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
