// SPDX-License-Identifier: MIT
#include "replay/heap_set.h"
#include "replay/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// A heap that is apart from others, up to `room` of them, and counts what is live in it.
struct part {
    int live;
    bool is_open;
    uint64_t made;
};

static struct part parts[4];
static uint32_t opened;
static uint32_t room;
static int whole_opened;

static enum ht_status open_part(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)heap;
    if (opened == room)
        return ht_fail(error, HT_UNSUPPORTED, "no more");
    parts[opened] = (struct part){.is_open = true};
    *self = &parts[opened++];
    return HT_OK;
}

static void close_part(void *self)
{
    struct part *part = self;
    assert_true(part->is_open);
    part->is_open = false;
}

static enum ht_status open_whole(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    whole_opened++;
    return open_part(heap, self, error);
}

static void version(void *self, char *text, size_t size)
{
    (void)self;
    (void)size;
    memcpy(text, "1", 2);
}

static void *allocate(void *self, size_t size)
{
    struct part *part = self;
    part->live++;
    part->made += size;
    return malloc(size);
}

static void *reallocate(void *self, void *block, size_t size)
{
    struct part *part = self;
    part->made += size;
    return realloc(block, size);
}

static void release(void *self, void *block)
{
    struct part *part = self;
    part->live--;
    free(block);
}

static const struct ht_heap apart_heap = {
    .name = "apart",
    .is_memory = true,
    .open = open_part,
    .close = close_part,
    .version = version,
    .allocate = allocate,
    .reallocate = reallocate,
    .release = release,
};

static struct ht_heap whole_heap(void)
{
    struct ht_heap heap = apart_heap;
    heap.open = open_whole;
    heap.apart = &apart_heap;
    return heap;
}

static int set_up(void **state)
{
    (void)state;
    memset(parts, 0, sizeof parts);
    opened = 0;
    room = 4;
    whole_opened = 0;
    return 0;
}

static int open_parts(void)
{
    int count = 0;
    for (int i = 0; i < 4; i++)
        count += parts[i].is_open;
    return count;
}

static void several_recorded_heaps_are_apart(void **state)
{
    (void)state;
    struct ht_heap heap = whole_heap();
    struct ht_heap_set set;
    assert_int_equal(ht_heap_set_open(&set, &heap, 3, NULL), HT_OK);
    assert_true(set.is_apart);
    assert_ptr_equal(set.heap, &apart_heap);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(set.selves[i], &parts[i]);
    assert_int_equal(open_parts(), 3);
    assert_int_equal(whole_opened, 0);
    ht_heap_set_close(&set);
    assert_int_equal(open_parts(), 0);
}

static void one_recorded_heap_is_the_whole(void **state)
{
    (void)state;
    for (uint32_t count = 0; count < 2; count++) {
        struct ht_heap heap = whole_heap();
        struct ht_heap_set set;
        assert_int_equal(ht_heap_set_open(&set, &heap, count, NULL), HT_OK);
        assert_false(set.is_apart);
        assert_ptr_equal(set.heap, &heap);
        assert_int_equal(set.count, 1);
        assert_int_equal(open_parts(), 1);
        ht_heap_set_close(&set);
        assert_int_equal(open_parts(), 0);
    }
    assert_int_equal(whole_opened, 2);
}

static void heap_without_others_is_opened_once_for_all(void **state)
{
    (void)state;
    struct ht_heap heap = whole_heap();
    heap.apart = NULL;
    struct ht_heap_set set;
    assert_int_equal(ht_heap_set_open(&set, &heap, 3, NULL), HT_OK);
    assert_false(set.is_apart);
    assert_int_equal(whole_opened, 1);
    assert_ptr_equal(set.selves[0], &parts[0]);
    assert_ptr_equal(set.selves[2], &parts[0]);
    ht_heap_set_close(&set);
    assert_int_equal(open_parts(), 0);
}

// The third does not open: the two that did are closed, and the whole serves for all.
static void too_many_recorded_heaps_are_all_on_one(void **state)
{
    (void)state;
    struct ht_heap limited = apart_heap;
    struct ht_heap heap = whole_heap();
    struct ht_heap_set set;
    heap.open = ht_heap_libc.open;
    heap.close = ht_heap_libc.close;
    heap.apart = &limited;
    room = 2;
    assert_int_equal(ht_heap_set_open(&set, &heap, 3, NULL), HT_OK);
    assert_false(set.is_apart);
    assert_ptr_equal(set.heap, &heap);
    assert_int_equal(opened, 2);
    assert_int_equal(open_parts(), 0);
    ht_heap_set_close(&set);
}

static void heap_that_does_not_open_is_an_error(void **state)
{
    (void)state;
    struct ht_heap heap = whole_heap();
    struct ht_heap_set set;
    struct ht_error error;
    room = 0;
    assert_int_equal(ht_heap_set_open(&set, &heap, 3, &error), HT_UNSUPPORTED);
    assert_string_equal(error.text, "no more");
}

static void add(struct ht_plan *plan, struct ht_change change)
{
    assert_int_equal(ht_plan_add(plan, &change, NULL), HT_OK);
}

static void operations_go_to_the_heap_they_were_recorded_on(void **state)
{
    (void)state;
    struct ht_heap heap = whole_heap();
    struct ht_replay_options options = {.touch = HT_TOUCH_NONE};
    struct ht_replay_result result;
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, NULL), HT_OK);
    add(plan, (struct ht_change){.kind = HT_CHANGE_BEGIN, .heap = 0, .block = 0, .size = 1});
    add(plan, (struct ht_change){.kind = HT_CHANGE_BEGIN, .heap = 2, .block = 1, .size = 20});
    add(plan, (struct ht_change){.kind = HT_CHANGE_BEGIN, .heap = 1, .block = 2, .size = 300});
    add(plan, (struct ht_change){
                  .kind = HT_CHANGE_RESIZE, .heap = 2, .block = 1, .size = 4000, .old_size = 20});
    add(plan, (struct ht_change){.kind = HT_CHANGE_END, .heap = 1, .block = 2, .size = 300});
    add(plan, (struct ht_change){.kind = HT_CHANGE_END, .heap = 2, .block = 1, .size = 4000});
    assert_int_equal(ht_replay_run(plan, &heap, &options, &result, NULL), HT_OK);
    assert_true(result.is_apart);
    assert_string_equal(result.heap_version, "1");
    assert_int_equal(parts[0].made, 1);
    assert_int_equal(parts[1].made, 300);
    assert_int_equal(parts[2].made, 4020);
    for (int i = 0; i < 3; i++)
        assert_int_equal(parts[i].live, 0); // the block left in the first is released at the end
    assert_int_equal(open_parts(), 0);
    ht_plan_close(plan);
}

// A number may have been that of a block of another heap before.
static void blocks_left_at_the_end_go_back_to_their_own_heap(void **state)
{
    (void)state;
    struct ht_heap heap = whole_heap();
    struct ht_replay_options options = {.touch = HT_TOUCH_NONE};
    struct ht_replay_result result;
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, NULL), HT_OK);
    add(plan, (struct ht_change){.kind = HT_CHANGE_BEGIN, .heap = 0, .block = 0, .size = 1});
    add(plan, (struct ht_change){.kind = HT_CHANGE_BEGIN, .heap = 1, .block = 1, .size = 2});
    add(plan, (struct ht_change){.kind = HT_CHANGE_END, .heap = 0, .block = 0, .size = 1});
    add(plan, (struct ht_change){.kind = HT_CHANGE_BEGIN, .heap = 2, .block = 0, .size = 3});
    add(plan, (struct ht_change){.kind = HT_CHANGE_BEGIN, .heap = 2, .block = 2, .size = 4});
    add(plan, (struct ht_change){
                  .kind = HT_CHANGE_RESIZE, .heap = 1, .block = 1, .size = 5, .old_size = 2});
    add(plan, (struct ht_change){.kind = HT_CHANGE_BEGIN, .heap = 0, .block = 3, .size = 6});
    add(plan, (struct ht_change){.kind = HT_CHANGE_END, .heap = 0, .block = 3, .size = 6});
    assert_int_equal(ht_replay_run(plan, &heap, &options, &result, NULL), HT_OK);
    assert_true(result.is_apart);
    assert_int_equal(result.final_blocks, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(parts[i].live, 0);
    ht_plan_close(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(several_recorded_heaps_are_apart, set_up),
        cmocka_unit_test_setup(one_recorded_heap_is_the_whole, set_up),
        cmocka_unit_test_setup(heap_without_others_is_opened_once_for_all, set_up),
        cmocka_unit_test_setup(too_many_recorded_heaps_are_all_on_one, set_up),
        cmocka_unit_test_setup(heap_that_does_not_open_is_an_error, set_up),
        cmocka_unit_test_setup(operations_go_to_the_heap_they_were_recorded_on, set_up),
        cmocka_unit_test_setup(blocks_left_at_the_end_go_back_to_their_own_heap, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
