// SPDX-License-Identifier: MIT
//
// The engine on a heap that writes down what it is asked for. It never gives an address twice and
// never takes memory back before its end, so that whatever was written into a block stays to be
// looked at.
#include "replay/engine.h"

#include "replay/os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    ARENA_SIZE = 1 << 16,
    PLACE_SIZE = 10000, // room that every block has behind it when the heap keeps places
    BLOCKS_MAX = 16,
    LOG_SIZE = 512,
    SLOTS = 8,
    UNTOUCHED = 0x11,
};

struct given {
    unsigned char *address;
    size_t size;
    bool is_live;
};

struct log_heap {
    unsigned char *arena; // page-aligned
    size_t used;
    struct given given[BLOCKS_MAX]; // in the order they were given
    size_t given_count;
    bool keeps_place;   // reallocate in place, up to PLACE_SIZE
    bool is_full;       // nothing to be had
    bool repaints;      // what reallocate returns is all untouched again
    size_t misused;     // calls with a block that is not live
    char log[LOG_SIZE]; // "a100=0 r0,200=1 f1": blocks by the order they were given in
};

static void write_log(struct log_heap *heap, const char *format, ...) HT_PRINTF(2, 3);

static void write_log(struct log_heap *heap, const char *format, ...)
{
    size_t length = strlen(heap->log);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(heap->log + length, sizeof heap->log - length, format, arguments);
    va_end(arguments);
}

static size_t index_of(struct log_heap *heap, const void *block)
{
    for (size_t i = 0; i < heap->given_count; i++) {
        if (heap->given[i].address == block && heap->given[i].is_live) {
            return i;
        }
    }
    heap->misused++;
    return BLOCKS_MAX - 1;
}

static void *give(struct log_heap *heap, size_t size)
{
    assert_true(heap->given_count < BLOCKS_MAX - 1);
    unsigned char *address = heap->arena + heap->used;
    heap->used += heap->keeps_place && size < PLACE_SIZE ? PLACE_SIZE : size + 1;
    assert_true(heap->used <= ARENA_SIZE);
    heap->given[heap->given_count] = (struct given){address, size, true};
    write_log(heap, "=%zu ", heap->given_count++);
    return address;
}

static void *log_allocate(void *self, size_t size)
{
    struct log_heap *heap = self;
    write_log(heap, "a%zu", size);
    if (heap->is_full) {
        write_log(heap, "! ");
        return NULL;
    }
    return give(heap, size);
}

static void *log_reallocate(void *self, void *block, size_t size)
{
    struct log_heap *heap = self;
    struct given *old = &heap->given[index_of(heap, block)];
    write_log(heap, "r%zu,%zu", (size_t)(old - heap->given), size);
    if (heap->is_full) {
        write_log(heap, "! ");
        return NULL;
    }
    void *result = block;
    if (heap->keeps_place && size <= PLACE_SIZE) {
        write_log(heap, "= ");
    } else {
        old->is_live = false;
        result = give(heap, size);
        memcpy(result, block, old->size < size ? old->size : size);
    }
    if (heap->repaints) {
        memset(result, UNTOUCHED, size);
    }
    return result;
}

static void log_release(void *self, void *block)
{
    struct log_heap *heap = self;
    size_t index = index_of(heap, block);
    heap->given[index].is_live = false;
    write_log(heap, "f%zu ", index);
}

static const struct ht_heap log_heap = {
    .name = "log",
    .is_memory = true,
    .allocate = log_allocate,
    .reallocate = log_reallocate,
    .release = log_release,
};

struct fixture {
    struct ht_plan *plan;
    struct log_heap heap;
    struct ht_slot slots[SLOTS];
    struct ht_played played;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    if (fixture == NULL || ht_plan_open(&fixture->plan, HT_PLAN_MEMORY_DEFAULT, NULL) != HT_OK) {
        return -1;
    }
    fixture->heap.arena = ht_os_map(ARENA_SIZE);
    if (fixture->heap.arena == NULL) {
        return -1;
    }
    memset(fixture->heap.arena, UNTOUCHED, ARENA_SIZE);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ht_os_unmap(fixture->heap.arena, ARENA_SIZE);
    ht_plan_close(fixture->plan);
    free(fixture);
    return 0;
}

static void add(struct fixture *fixture, struct ht_change change)
{
    assert_int_equal(ht_plan_add(fixture->plan, &change, NULL), HT_OK);
}

static void begin(struct fixture *fixture, uint32_t block, uint64_t size)
{
    add(fixture, (struct ht_change){.kind = HT_CHANGE_BEGIN, .block = block, .size = size});
}

static void resize(struct fixture *fixture, uint32_t block, uint64_t size, bool was_moved)
{
    add(fixture, (struct ht_change){.kind = HT_CHANGE_RESIZE,
                                    .block = block,
                                    .size = size,
                                    .old_address = 16,
                                    .address = was_moved ? 32 : 16});
}

static void end(struct fixture *fixture, uint32_t block)
{
    add(fixture, (struct ht_change){.kind = HT_CHANGE_END, .block = block});
}

static void play(struct fixture *fixture, enum ht_touch touch)
{
    void *self = &fixture->heap;
    ht_engine_play(fixture->plan, &log_heap, &self, touch, NULL, fixture->slots, &fixture->played);
}

// Gives back what is live, and checks that the heap then has everything and was never misused.
static uint64_t release_all(struct fixture *fixture)
{
    uint64_t released = ht_engine_release(&log_heap, &fixture->heap, fixture->slots, SLOTS);
    for (size_t i = 0; i < fixture->heap.given_count; i++) {
        assert_false(fixture->heap.given[i].is_live);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        assert_null(fixture->slots[i].address);
    }
    assert_int_equal(fixture->heap.misused, 0);
    return released;
}

// Which bytes of the arena were written, as runs "from+count ".
static void assert_touched(struct fixture *fixture, const char *expected)
{
    char text[LOG_SIZE] = "";
    const unsigned char *arena = fixture->heap.arena;
    for (size_t at = 0; at < ARENA_SIZE; at++) {
        if (arena[at] == UNTOUCHED) {
            continue;
        }
        size_t from = at;
        while (at < ARENA_SIZE && arena[at] != UNTOUCHED) {
            at++;
        }
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%zu+%zu ", from, at - from);
    }
    assert_string_equal(text, expected);
}

static void calls_come_in_the_plans_order(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 0, 100);
    begin(fixture, 1, 50);
    resize(fixture, 0, 200, true);
    end(fixture, 1);
    begin(fixture, 1, 30);
    end(fixture, 0);
    play(fixture, HT_TOUCH_NONE);
    assert_string_equal(fixture->heap.log, "a100=0 a50=1 r0,200=2 f1 a30=3 f2 ");
    assert_int_equal(fixture->played.live_bytes, 30);
    assert_int_equal(fixture->played.peak_bytes, 250);
    assert_int_equal(fixture->played.failed_allocs + fixture->played.failed_reallocs, 0);
    assert_int_equal(fixture->played.skipped, 0);
    assert_int_equal(release_all(fixture), 1);
}

static void an_empty_plan_makes_no_call(void **state)
{
    struct fixture *fixture = *state;
    play(fixture, HT_TOUCH_PAGE);
    assert_string_equal(fixture->heap.log, "");
    assert_int_equal(fixture->played.peak_bytes, 0);
    assert_int_equal(release_all(fixture), 0);
}

static void an_adopted_block_is_made_first(void **state)
{
    struct fixture *fixture = *state;
    add(fixture,
        (struct ht_change){.kind = HT_CHANGE_BEGIN, .cause = HT_CAUSE_ADOPTED, .size = 64});
    resize(fixture, 0, 128, true);
    play(fixture, HT_TOUCH_NONE);
    assert_string_equal(fixture->heap.log, "a64=0 r0,128=1 ");
    assert_int_equal(fixture->played.live_bytes, 128);
    assert_int_equal(release_all(fixture), 1);
}

static void sizes_of_zero_are_passed_on(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 0, 0);
    resize(fixture, 0, 16, true);
    resize(fixture, 0, 0, true);
    play(fixture, HT_TOUCH_PAGE);
    assert_string_equal(fixture->heap.log, "a0=0 r0,16=1 r1,0=2 ");
    assert_touched(fixture, "1+1 ");
    assert_int_equal(fixture->played.live_bytes, 0);
    assert_int_equal(fixture->played.peak_bytes, 16);
    assert_int_equal(release_all(fixture), 1);
}

static void reallocs_are_scored_against_the_recording(void **state)
{
    struct fixture *fixture = *state;
    fixture->heap.keeps_place = true;
    begin(fixture, 0, 100);
    resize(fixture, 0, 200, false); // stays in both
    resize(fixture, 0, 300, true);  // moved there, stays here
    resize(fixture, 0, 400, true);
    resize(fixture, 0, 10001, false); // stayed there, moves here
    resize(fixture, 0, 13000, true);  // moves in both
    resize(fixture, 0, 12000, true);
    play(fixture, HT_TOUCH_NONE);
    assert_int_equal(fixture->played.agreement[false][false], 1);
    assert_int_equal(fixture->played.agreement[true][false], 2);
    assert_int_equal(fixture->played.agreement[false][true], 1);
    assert_int_equal(fixture->played.agreement[true][true], 2);
    assert_int_equal(fixture->played.bytes_copied, 400 + 10001 + 12000);
    assert_int_equal(release_all(fixture), 1);
}

static void a_failed_alloc_is_counted_and_its_block_skipped(void **state)
{
    struct fixture *fixture = *state;
    fixture->heap.is_full = true;
    begin(fixture, 0, 100);
    resize(fixture, 0, 200, true);
    end(fixture, 0);
    begin(fixture, 0, 300);
    play(fixture, HT_TOUCH_FILL);
    assert_string_equal(fixture->heap.log, "a100! a300! ");
    assert_int_equal(fixture->played.failed_allocs, 2);
    assert_int_equal(fixture->played.failed_reallocs, 0);
    assert_int_equal(fixture->played.skipped, 2);
    assert_int_equal(fixture->played.peak_bytes, 0);
    assert_int_equal(release_all(fixture), 0);
}

static void *fail_reallocate(void *self, void *block, size_t size)
{
    struct log_heap *heap = self;
    if (size < 1000) {
        return log_reallocate(self, block, size);
    }
    heap->is_full = true;
    log_reallocate(self, block, size);
    heap->is_full = false;
    return NULL;
}

static void a_failed_realloc_leaves_the_block_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct ht_heap heap = log_heap;
    heap.reallocate = fail_reallocate;
    begin(fixture, 0, 100);
    resize(fixture, 0, 5000, true);
    resize(fixture, 0, 120, true);
    begin(fixture, 1, 10);
    resize(fixture, 1, 6000, true);
    end(fixture, 1);
    void *self = &fixture->heap;
    ht_engine_play(fixture->plan, &heap, &self, HT_TOUCH_FILL, NULL, fixture->slots,
                   &fixture->played);
    assert_string_equal(fixture->heap.log, "a100=0 r0,5000! r0,120=1 a10=2 r2,6000! f2 ");
    assert_int_equal(fixture->played.failed_reallocs, 2);
    assert_int_equal(fixture->played.skipped, 0);
    assert_int_equal(fixture->played.live_bytes, 120);
    assert_int_equal(fixture->played.peak_bytes, 130);
    assert_int_equal(fixture->played.agreement[true][true], 1);
    assert_int_equal(release_all(fixture), 1);
}

// A block of 1000 bytes at 0 and one of 2 pages and a bit at 1001.
static void touch_two_blocks(struct fixture *fixture, enum ht_touch touch)
{
    assert_int_equal(ht_os_page_size(), 4096);
    begin(fixture, 0, 1000);
    begin(fixture, 1, 8000);
    play(fixture, touch);
}

static void touch_none_writes_nothing(void **state)
{
    touch_two_blocks(*state, HT_TOUCH_NONE);
    assert_touched(*state, "");
    release_all(*state);
}

static void touch_first_writes_one_byte_a_block(void **state)
{
    touch_two_blocks(*state, HT_TOUCH_FIRST);
    assert_touched(*state, "0+1 1001+1 ");
    release_all(*state);
}

static void touch_page_writes_one_byte_a_page(void **state)
{
    touch_two_blocks(*state, HT_TOUCH_PAGE);
    assert_touched(*state, "0+1 1001+1 4096+1 8192+1 ");
    release_all(*state);
}

static void touch_fill_writes_every_byte(void **state)
{
    touch_two_blocks(*state, HT_TOUCH_FILL);
    assert_touched(*state, "0+1000 1001+8000 ");
    release_all(*state);
}

static void what_was_kept_by_a_move_is_not_lost(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 0, 100);
    resize(fixture, 0, 300, true);
    play(fixture, HT_TOUCH_FILL);
    assert_touched(fixture, "0+100 101+300 ");
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(fixture->slots[0].address[i], fixture->heap.arena[0]);
    }
    release_all(fixture);
}

// Makes a block, resizes it, and checks what was touched after that.
static void assert_touched_by_resize(struct fixture *fixture, uint64_t old_size, uint64_t size,
                                     enum ht_touch touch, const char *expected)
{
    fixture->heap.keeps_place = true;
    fixture->heap.repaints = true;
    begin(fixture, 0, old_size);
    resize(fixture, 0, size, false);
    play(fixture, touch);
    assert_touched(fixture, expected);
    assert_int_equal(release_all(fixture), 1);
}

static void after_a_realloc_only_the_grown_tail_is_filled(void **state)
{
    assert_touched_by_resize(*state, 100, 150, HT_TOUCH_FILL, "100+50 ");
}

static void after_a_move_only_the_grown_tail_is_filled(void **state)
{
    assert_touched_by_resize(*state, 1, 10001, HT_TOUCH_FILL, "0+1 10001+10000 ");
}

static void after_a_realloc_only_pages_of_the_grown_tail_are_touched(void **state)
{
    assert_touched_by_resize(*state, 5000, 8193, HT_TOUCH_PAGE, "5000+1 8192+1 ");
}

static void the_page_behind_a_block_is_not_touched(void **state)
{
    assert_touched_by_resize(*state, 5000, 8192, HT_TOUCH_PAGE, "5000+1 ");
}

static void after_a_realloc_to_the_same_size_nothing_is_touched(void **state)
{
    assert_touched_by_resize(*state, 100, 100, HT_TOUCH_PAGE, "");
}

static void after_a_realloc_the_first_byte_is_not_touched_again(void **state)
{
    assert_touched_by_resize(*state, 100, 150, HT_TOUCH_FIRST, "");
}

static void the_first_byte_is_touched_when_there_was_none(void **state)
{
    assert_touched_by_resize(*state, 0, 150, HT_TOUCH_FIRST, "0+1 ");
}

static void after_a_shrink_nothing_is_touched(void **state)
{
    assert_touched_by_resize(*state, 5000, 50, HT_TOUCH_FILL, "50+4950 ");
}

static void a_heap_that_is_no_memory_is_not_touched(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 0, 100);
    begin(fixture, 1, 1 << 20);
    resize(fixture, 1, 2 << 20, true);
    end(fixture, 0);
    void *self;
    assert_int_equal(ht_heap_null.open(&ht_heap_null, &self, NULL), HT_OK);
    ht_engine_play(fixture->plan, &ht_heap_null, &self, HT_TOUCH_FILL, NULL, fixture->slots,
                   &fixture->played);
    assert_int_equal(fixture->played.live_bytes, 2 << 20);
    assert_int_equal(fixture->played.peak_bytes, 100 + (2 << 20));
    assert_int_equal(fixture->played.agreement[true][false], 1);
    assert_int_equal(ht_engine_release(&ht_heap_null, self, fixture->slots, SLOTS), 1);
    ht_heap_null.close(self);
}

static void touches_have_names(void **state)
{
    (void)state;
    for (enum ht_touch touch = 0; touch < HT_TOUCH_COUNT; touch++) {
        assert_int_equal(ht_touch_by_name(ht_touch_name(touch)), touch);
    }
    assert_int_equal(ht_touch_by_name("page"), HT_TOUCH_PAGE);
    assert_int_equal(ht_touch_by_name("pages"), HT_TOUCH_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_come_in_the_plans_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_plan_makes_no_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_adopted_block_is_made_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_of_zero_are_passed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reallocs_are_scored_against_the_recording, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_failed_alloc_is_counted_and_its_block_skipped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_failed_realloc_leaves_the_block_as_it_was, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(touch_none_writes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(touch_first_writes_one_byte_a_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(touch_page_writes_one_byte_a_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(touch_fill_writes_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_kept_by_a_move_is_not_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_a_realloc_only_the_grown_tail_is_filled, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(after_a_move_only_the_grown_tail_is_filled, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(after_a_realloc_only_pages_of_the_grown_tail_are_touched,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_page_behind_a_block_is_not_touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_a_realloc_to_the_same_size_nothing_is_touched, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(after_a_realloc_the_first_byte_is_not_touched_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_first_byte_is_touched_when_there_was_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(after_a_shrink_nothing_is_touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_heap_that_is_no_memory_is_not_touched, set_up, tear_down),
        cmocka_unit_test(touches_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
