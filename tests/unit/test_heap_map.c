// SPDX-License-Identifier: MIT
#include "replay/heap_map.h"

#include "replay/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

enum { PAGE = 4096 };

struct recording {
    struct ht_plan *plan;
    struct ht_trail *trail;
    struct ht_heap_map *map;
    uint32_t space;
};

static int open_recording(void **state)
{
    static struct recording recording;
    recording = (struct recording){0};
    *state = &recording;
    return ht_plan_open(&recording.plan, HT_PLAN_MEMORY_DEFAULT, NULL) != HT_OK ||
           ht_trail_open(&recording.trail, HT_PLAN_MEMORY_DEFAULT, NULL) != HT_OK;
}

static int close_recording(void **state)
{
    struct recording *recording = *state;
    ht_heap_map_close(recording->map);
    ht_trail_close(recording->trail);
    ht_plan_close(recording->plan);
    return 0;
}

static void add(struct recording *recording, struct ht_change change)
{
    struct ht_trail_mark mark = {.address = change.address, .space = recording->space};
    assert_int_equal(ht_plan_add(recording->plan, &change, NULL), HT_OK);
    assert_int_equal(ht_trail_add(recording->trail, &mark, NULL), HT_OK);
}

static void begin(struct recording *recording, uint32_t block, uint64_t address, uint64_t size)
{
    add(recording, (struct ht_change){
                       .kind = HT_CHANGE_BEGIN, .block = block, .address = address, .size = size});
}

static void end(struct recording *recording, uint32_t block, uint64_t address, uint64_t size)
{
    add(recording, (struct ht_change){
                       .kind = HT_CHANGE_END, .block = block, .address = address, .size = size});
}

static const struct ht_heap_map *make(struct recording *recording, const uint64_t *addresses)
{
    uint64_t operations = ht_plan_totals(recording->plan)->operations;
    assert_int_equal(ht_heap_map_make(&recording->map, recording->plan, recording->trail, addresses,
                                      operations, NULL),
                     HT_OK);
    return recording->map;
}

static void used_pages_are_the_rows_in_order_of_addresses(void **state)
{
    struct recording *recording = *state;
    begin(recording, 0, 0x50000, 2048);
    begin(recording, 1, 0x10000, 4096);
    end(recording, 0, 0x50000, 2048);
    const struct ht_heap_map *map = make(recording, NULL);
    assert_int_equal(map->operations, 3);
    assert_int_equal(map->columns, 3);
    assert_int_equal(map->rows, 2);
    assert_int_equal(map->unit_bytes, PAGE);
    assert_int_equal(map->used_bytes, 2 * PAGE);
    assert_int_equal(map->row[0].address, 0x10000);
    assert_int_equal(map->row[1].address, 0x50000);
    assert_int_equal(map->row[1].size, PAGE);
    const uint64_t low[] = {0, 4096, 4096};
    const uint64_t high[] = {2048, 2048, 0};
    assert_memory_equal(map->row[0].live, low, sizeof low);
    assert_memory_equal(map->row[1].live, high, sizeof high);
}

static void a_block_over_a_border_counts_on_both_sides(void **state)
{
    struct recording *recording = *state;
    begin(recording, 0, 0x10F00, 0x1300); // 0x100 bytes, a full page, 0x200 bytes
    const struct ht_heap_map *map = make(recording, NULL);
    assert_int_equal(map->rows, 3);
    assert_int_equal(map->row[0].live[0], 0x100);
    assert_int_equal(map->row[1].live[0], 0x1000);
    assert_int_equal(map->row[2].live[0], 0x200);
}

static void a_realloc_leaves_its_old_place(void **state)
{
    struct recording *recording = *state;
    begin(recording, 0, 0x10000, 100);
    add(recording, (struct ht_change){.kind = HT_CHANGE_RESIZE,
                                      .block = 0,
                                      .old_address = 0x10000,
                                      .address = 0x20000,
                                      .old_size = 100,
                                      .size = 300});
    const struct ht_heap_map *map = make(recording, NULL);
    assert_int_equal(map->row[0].live[0], 100);
    assert_int_equal(map->row[0].live[1], 0);
    assert_int_equal(map->row[1].live[1], 300);
}

// 322 pages on at most 160 rows are three a row, and one in the last.
static void many_pages_share_rows(void **state)
{
    struct recording *recording = *state;
    begin(recording, 0, 0x100000, 322 * PAGE);
    const struct ht_heap_map *map = make(recording, NULL);
    assert_int_equal(map->rows, 108);
    assert_int_equal(map->row[0].size, 3 * PAGE);
    assert_int_equal(map->row[106].live[0], 3 * PAGE);
    assert_int_equal(map->row[107].address, 0x100000 + 321 * PAGE);
    assert_int_equal(map->row[107].size, PAGE);
    assert_int_equal(map->row[107].live[0], PAGE);
}

// 363 operations on 240 columns: one or two each, and the last column is after the last one.
static void many_operations_share_columns(void **state)
{
    struct recording *recording = *state;
    for (uint32_t i = 0; i < 363; i++) {
        begin(recording, i, 0x10000 + 8 * i, 8);
    }
    const struct ht_heap_map *map = make(recording, NULL);
    assert_int_equal(map->columns, 240);
    assert_int_equal(ht_heap_map_column_end(map, 0), 1);
    assert_int_equal(ht_heap_map_column_end(map, 1), 3);
    assert_int_equal(ht_heap_map_column_end(map, 239), 363);
    assert_int_equal(map->row[0].live[0], 8);
    assert_int_equal(map->row[0].live[1], 24);
    assert_int_equal(map->row[0].live[239], 8 * 363);
}

static void spaces_are_apart(void **state)
{
    struct recording *recording = *state;
    recording->space = 1;
    begin(recording, 0, 0x10000, 10);
    recording->space = 0;
    begin(recording, 1, 0x10000, 20);
    const struct ht_heap_map *map = make(recording, NULL);
    assert_int_equal(map->rows, 2);
    assert_int_equal(map->row[0].space, 0);
    assert_int_equal(map->row[0].live[1], 20);
    assert_int_equal(map->row[1].space, 1);
    assert_int_equal(map->row[1].live[1], 10);
}

// Every second page: too many ranges, which units of two pages join into one.
static void scattered_blocks_make_greater_units(void **state)
{
    struct recording *recording = *state;
    enum { BLOCKS = 70000 };
    for (uint32_t i = 0; i < BLOCKS; i++) {
        begin(recording, i, UINT64_C(2) * PAGE * i, 16);
    }
    const struct ht_heap_map *map = make(recording, NULL);
    uint64_t live = 0;
    for (uint32_t i = 0; i < map->rows; i++) {
        live += map->row[i].live[map->columns - 1];
    }
    assert_int_equal(map->unit_bytes, 2 * PAGE);
    assert_int_equal(map->used_bytes, UINT64_C(2) * PAGE * BLOCKS);
    assert_int_equal(live, 16 * BLOCKS);
    assert_int_equal(map->left_out, 0);
}

// No space joins another, however great the unit.
static void what_is_too_scattered_is_counted(void **state)
{
    struct recording *recording = *state;
    enum { BLOCKS = 70000 };
    for (uint32_t i = 0; i < BLOCKS; i++) {
        recording->space = i;
        begin(recording, i, 0x10000, 16);
    }
    const struct ht_heap_map *map = make(recording, NULL);
    assert_int_equal(map->left_out, BLOCKS - 65536);
    assert_true(map->used_bytes >= map->unit_bytes);
}

static void kept_addresses_take_the_place_of_the_recorded(void **state)
{
    struct recording *recording = *state;
    begin(recording, 0, 0x50000, 100);
    begin(recording, 1, 0x60000, 100); // fails in the replay
    add(recording, (struct ht_change){.kind = HT_CHANGE_RESIZE,
                                      .block = 0,
                                      .old_address = 0x50000,
                                      .address = 0x70000,
                                      .old_size = 100,
                                      .size = 300}); // so does this
    end(recording, 0, 0x70000, 300);
    const uint64_t addresses[] = {0x20000, 0, HT_HEAP_MAP_UNCHANGED, 0};
    const struct ht_heap_map *map = make(recording, addresses);
    const uint64_t live[] = {100, 100, 100, 0};
    assert_int_equal(map->rows, 1);
    assert_int_equal(map->row[0].address, 0x20000);
    assert_memory_equal(map->row[0].live, live, sizeof live);
    assert_int_equal(map->left_out, 0);
}

static void hostile_blocks_do_no_harm(void **state)
{
    struct recording *recording = *state;
    begin(recording, 0, 0x10000, HT_METRICS_SIZE_MAX + 1);
    begin(recording, 1, UINT64_MAX - 9, 4096); // reaches over the end of the addresses
    begin(recording, 2, 0x20000, HT_METRICS_SIZE_MAX);
    begin(recording, 3, 0x20000, 0);
    end(recording, 0, 0x10000, HT_METRICS_SIZE_MAX + 1);
    const struct ht_heap_map *map = make(recording, NULL);
    assert_int_equal(map->left_out, 1);
    assert_int_equal(map->used_bytes, HT_METRICS_SIZE_MAX + PAGE);
    assert_int_equal(map->row[map->rows - 1].live[1], 9);
}

static void no_operations_have_no_rows(void **state)
{
    const struct ht_heap_map *map = make(*state, NULL);
    assert_int_equal(map->rows, 0);
    assert_int_equal(map->columns, 0);
}

#define test_of(name) cmocka_unit_test_setup_teardown(name, open_recording, close_recording)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_of(used_pages_are_the_rows_in_order_of_addresses),
        test_of(a_block_over_a_border_counts_on_both_sides),
        test_of(a_realloc_leaves_its_old_place),
        test_of(many_pages_share_rows),
        test_of(many_operations_share_columns),
        test_of(spaces_are_apart),
        test_of(scattered_blocks_make_greater_units),
        test_of(what_is_too_scattered_is_counted),
        test_of(kept_addresses_take_the_place_of_the_recorded),
        test_of(hostile_blocks_do_no_harm),
        test_of(no_operations_have_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
