// SPDX-License-Identifier: MIT
#include "replay/gaps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const uint64_t sizes[HT_GAP_SIZES] = {100, 1000, 10000};

static struct ht_gaps find(struct ht_extent *blocks, size_t count)
{
    struct ht_gaps gaps;
    ht_gaps_find(blocks, count, sizes, &gaps);
    return gaps;
}

static void no_block_has_no_gap(void **state)
{
    (void)state;
    struct ht_gaps gaps = find(NULL, 0);
    assert_int_equal(gaps.regions, 0);
    assert_int_equal(gaps.count, 0);
    assert_int_equal(gaps.free_bytes, 0);
}

// 0x10000 to 0x20000 with 1000 bytes at its begin and 536 at its end: one gap of 64000 between.
static void a_gap_lies_between_two_blocks(void **state)
{
    (void)state;
    struct ht_extent blocks[] = {{0x1FDE8, 536, 0}, {0x10000, 1000, 0}};
    struct ht_gaps gaps = find(blocks, COUNT_OF(blocks));
    assert_int_equal(gaps.regions, 1);
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.free_bytes, 64000);
    assert_int_equal(gaps.largest_bytes, 64000);
    assert_int_equal(gaps.usable_bytes[0], 64000);
    assert_int_equal(gaps.usable_bytes[1], 64000);
    assert_int_equal(gaps.usable_bytes[2], 60000);
}

// Before the first block 4096, after it 65536 - 4096 - 440 = 61000.
static void a_region_is_free_before_and_behind_its_blocks(void **state)
{
    (void)state;
    struct ht_extent blocks[] = {{0x11000, 440, 0}};
    struct ht_gaps gaps = find(blocks, COUNT_OF(blocks));
    assert_int_equal(gaps.count, 2);
    assert_int_equal(gaps.free_bytes, 65096);
    assert_int_equal(gaps.largest_bytes, 61000);
    assert_int_equal(gaps.usable_bytes[0], 4000 + 61000);
    assert_int_equal(gaps.usable_bytes[2], 60000);
}

// Used regions next to each other make one gap, one unused region makes two and counts as none.
static void gaps_end_where_no_region_is_used(void **state)
{
    (void)state;
    struct ht_extent near[] = {{0x10000, 0x8000, 0}, {0x28000, 0x8000, 0}};
    struct ht_gaps gaps = find(near, COUNT_OF(near));
    assert_int_equal(gaps.regions, 2);
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.largest_bytes, 0x10000);
    struct ht_extent far[] = {{0x10000, 0x8000, 0}, {0x38000, 0x8000, 0}};
    gaps = find(far, COUNT_OF(far));
    assert_int_equal(gaps.regions, 2);
    assert_int_equal(gaps.count, 2);
    assert_int_equal(gaps.largest_bytes, 0x8000);
    assert_int_equal(gaps.free_bytes, 0x10000);
}

static void what_a_header_may_take_is_no_gap(void **state)
{
    (void)state;
    // 31 bytes between the first two, 32 before the third; what is left is full.
    struct ht_extent blocks[] = {{0x10000, 1000, 0}, {0x10407, 969, 0}, {0x107F0, 63504, 0}};
    struct ht_gaps gaps = find(blocks, COUNT_OF(blocks));
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.free_bytes, 32);
}

static void spaces_do_not_touch(void **state)
{
    (void)state;
    struct ht_extent blocks[] = {{0x18000, 0x8000, 2}, {0x10000, 0x8000, 1}};
    struct ht_gaps gaps = find(blocks, COUNT_OF(blocks));
    assert_int_equal(gaps.regions, 2);
    assert_int_equal(gaps.count, 2);
    assert_int_equal(gaps.free_bytes, 0x10000);
}

static void overlapping_blocks_count_as_their_union(void **state)
{
    (void)state;
    struct ht_extent blocks[] = {
        {0x10000, 0x12000, 0}, {0x10100, 16, 0}, {0x21000, 0x2000, 0}, {0x21000, 1, 0}};
    struct ht_gaps gaps = find(blocks, COUNT_OF(blocks));
    assert_int_equal(gaps.regions, 2);
    assert_int_equal(gaps.count, 1);
    assert_int_equal(gaps.free_bytes, 0xD000);
}

static void the_last_region_ends_with_the_addresses(void **state)
{
    (void)state;
    struct ht_extent blocks[] = {{UINT64_MAX, 100, 0}, {0, 16, 0}};
    struct ht_gaps gaps = find(blocks, COUNT_OF(blocks));
    assert_int_equal(gaps.regions, 2);
    assert_int_equal(gaps.count, 2);
    assert_int_equal(gaps.free_bytes, 65520 + 65535);
    struct ht_extent all[] = {{0, UINT64_MAX, 0}, {UINT64_MAX - 5, 1, 0}};
    gaps = find(all, COUNT_OF(all));
    assert_int_equal(gaps.regions, UINT64_C(1) << 48);
    assert_int_equal(gaps.count, 0);
}

// An independent finder: marks every byte and every region, then looks at each in turn.
enum { ARENA_BYTES = 12 * HT_REGION_BYTES, BLOCKS = 60 };

static struct ht_gaps count_slowly(const struct ht_extent *blocks, size_t count, uint64_t base)
{
    static bool is_live[ARENA_BYTES];
    static bool is_used[ARENA_BYTES / HT_REGION_BYTES + 1]; // and an unused one behind
    struct ht_gaps gaps = {0};
    memset(is_live, 0, sizeof is_live);
    memset(is_used, 0, sizeof is_used);
    for (size_t i = 0; i < count; i++) {
        for (uint64_t at = blocks[i].address - base, end = at + blocks[i].size; at < end; at++) {
            is_live[at] = true;
            is_used[at / HT_REGION_BYTES] = true;
        }
    }
    uint64_t run = 0;
    for (uint64_t at = 0; at <= ARENA_BYTES; at++) {
        if (at % HT_REGION_BYTES == 0) {
            gaps.regions += is_used[at / HT_REGION_BYTES];
        }
        if (at < ARENA_BYTES && is_used[at / HT_REGION_BYTES] && !is_live[at]) {
            run++;
            continue;
        }
        if (run >= 32) {
            gaps.count++;
            gaps.free_bytes += run;
            gaps.largest_bytes = run > gaps.largest_bytes ? run : gaps.largest_bytes;
            for (int i = 0; i < HT_GAP_SIZES; i++) {
                gaps.usable_bytes[i] += run - run % sizes[i];
            }
        }
        run = 0;
    }
    return gaps;
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void random_blocks_are_as_counted_byte_by_byte(void **state)
{
    (void)state;
    const uint64_t base = UINT64_C(0x7FFE12340000);
    uint64_t random = 4711;
    for (int round = 0; round < 60; round++) {
        struct ht_extent blocks[BLOCKS];
        size_t count = next_random(&random) % (BLOCKS + 1);
        for (size_t i = 0; i < count; i++) {
            uint64_t size = 1 + next_random(&random) % (round % 2 == 0 ? 300 : 30000);
            uint64_t at = next_random(&random) % (ARENA_BYTES - size);
            blocks[i] = (struct ht_extent){base + at, size, 5};
        }
        struct ht_gaps expected = count_slowly(blocks, count, base);
        struct ht_gaps gaps = find(blocks, count);
        assert_int_equal(gaps.regions, expected.regions);
        assert_int_equal(gaps.count, expected.count);
        assert_int_equal(gaps.free_bytes, expected.free_bytes);
        assert_int_equal(gaps.largest_bytes, expected.largest_bytes);
        assert_memory_equal(gaps.usable_bytes, expected.usable_bytes, sizeof gaps.usable_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_block_has_no_gap),
        cmocka_unit_test(a_gap_lies_between_two_blocks),
        cmocka_unit_test(a_region_is_free_before_and_behind_its_blocks),
        cmocka_unit_test(gaps_end_where_no_region_is_used),
        cmocka_unit_test(what_a_header_may_take_is_no_gap),
        cmocka_unit_test(spaces_do_not_touch),
        cmocka_unit_test(overlapping_blocks_count_as_their_union),
        cmocka_unit_test(the_last_region_ends_with_the_addresses),
        cmocka_unit_test(random_blocks_are_as_counted_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
