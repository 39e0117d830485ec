// SPDX-License-Identifier: MIT
#include "convert/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHANGES_MAX = 64 };

static struct ht_number *number;
static struct ht_change changes[CHANGES_MAX];
static size_t change_count;
static uint32_t random_state;

static int open_number(void **state)
{
    (void)state;
    random_state = 1;
    return ht_number_open(&number, NULL, NULL) == HT_OK ? 0 : -1;
}

static int close_number(void **state)
{
    (void)state;
    ht_number_close(number);
    return 0;
}

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 16) % limit;
}

// Pushes an event and fetches its changes, of which there are at most CHANGES_MAX.
static void push_event(const struct ht_event *event)
{
    assert_int_equal(ht_number_push(number, event, NULL), HT_OK);
    change_count = 0;
    const struct ht_change *change;
    while (change_count < CHANGES_MAX && (change = ht_number_next(number)) != NULL)
        changes[change_count++] = *change;
}

static void push(enum ht_kind kind, uint64_t address, uint64_t size)
{
    push_event(&(struct ht_event){
        .pid = 4, .heap = 0x1000, .kind = (uint8_t)kind, .address = address, .size = size});
}

static void push_realloc(uint64_t old_address, uint64_t old_size, uint64_t address, uint64_t size)
{
    push_event(&(struct ht_event){.pid = 4,
                                  .heap = 0x1000,
                                  .kind = HT_KIND_REALLOC,
                                  .address = address,
                                  .size = size,
                                  .old_address = old_address,
                                  .old_size = old_size});
}

static void assert_change(size_t index, enum ht_change_kind kind, enum ht_change_cause cause,
                          uint32_t block, uint64_t address, uint64_t size)
{
    assert_true(index < change_count);
    assert_int_equal(changes[index].kind, kind);
    assert_int_equal(changes[index].cause, cause);
    assert_int_equal(changes[index].block, block);
    assert_int_equal(changes[index].address, address);
    assert_int_equal(changes[index].size, size);
}

static void a_block_begins_and_ends(void **state)
{
    (void)state;
    push(HT_KIND_ALLOC, 0x10, 100);
    assert_int_equal(change_count, 1);
    assert_change(0, HT_CHANGE_BEGIN, HT_CAUSE_EVENT, 0, 0x10, 100);
    assert_int_equal(ht_number_live_count(number), 1);
    push(HT_KIND_FREE, 0x10, 0);
    assert_int_equal(change_count, 1);
    assert_change(0, HT_CHANGE_END, HT_CAUSE_EVENT, 0, 0x10, 100);
    assert_int_equal(ht_number_live_count(number), 0);
    assert_int_equal(ht_number_block_limit(number), 1);
}

static void a_block_gets_the_lowest_number_that_is_free(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        push(HT_KIND_ALLOC, 0x1000 + i, 1);
        assert_int_equal(changes[0].block, i);
    }
    push(HT_KIND_FREE, 0x1000 + 4500, 0);
    push(HT_KIND_FREE, 0x1000 + 70, 0);
    push(HT_KIND_FREE, 0x1000 + 3, 0);
    uint32_t expected[] = {3, 70, 4500, 5000};
    for (uint64_t i = 0; i < 4; i++) {
        push(HT_KIND_ALLOC, 0x90000 + i, 1);
        assert_int_equal(changes[0].block, expected[i]);
    }
    assert_int_equal(ht_number_block_limit(number), 5001);
}

static void a_realloc_in_place_changes_the_size(void **state)
{
    (void)state;
    push(HT_KIND_ALLOC, 0x10, 100);
    push_realloc(0x10, 100, 0x10, 150);
    assert_int_equal(change_count, 1);
    assert_change(0, HT_CHANGE_RESIZE, HT_CAUSE_EVENT, 0, 0x10, 150);
    assert_int_equal(changes[0].old_address, 0x10);
    assert_int_equal(changes[0].old_size, 100);
}

static void a_moved_realloc_keeps_its_number(void **state)
{
    (void)state;
    push(HT_KIND_ALLOC, 0x10, 100);
    push_realloc(0x10, 100, 0x20, 150);
    assert_int_equal(change_count, 1);
    assert_change(0, HT_CHANGE_RESIZE, HT_CAUSE_EVENT, 0, 0x20, 150);
    assert_int_equal(changes[0].old_address, 0x10);
    push(HT_KIND_FREE, 0x10, 0);
    assert_int_equal(change_count, 0);
    assert_int_equal(ht_number_counts(number)->unknown_frees, 1);
    push(HT_KIND_FREE, 0x20, 0);
    assert_change(0, HT_CHANGE_END, HT_CAUSE_EVENT, 0, 0x20, 150);
}

static void realloc_of_unknown_block_is_adopted(void **state)
{
    (void)state;
    push_realloc(0x10, 100, 0x20, 150);
    assert_int_equal(change_count, 2);
    assert_change(0, HT_CHANGE_BEGIN, HT_CAUSE_ADOPTED, 0, 0x10, 100);
    assert_change(1, HT_CHANGE_RESIZE, HT_CAUSE_EVENT, 0, 0x20, 150);
    assert_int_equal(changes[1].old_size, 100);
    assert_int_equal(ht_number_counts(number)->adopted, 1);
    assert_int_equal(ht_number_counts(number)->old_size_differs, 0);
    push_realloc(0x30, 7, 0x30, 8);
    assert_change(0, HT_CHANGE_BEGIN, HT_CAUSE_ADOPTED, 1, 0x30, 7);
    assert_change(1, HT_CHANGE_RESIZE, HT_CAUSE_EVENT, 1, 0x30, 8);
}

static void a_block_made_over_another_ends_it_first(void **state)
{
    (void)state;
    push(HT_KIND_ALLOC, 0x10, 100);
    push(HT_KIND_ALLOC, 0x20, 200);
    push(HT_KIND_ALLOC, 0x10, 300);
    assert_int_equal(change_count, 2);
    assert_change(0, HT_CHANGE_END, HT_CAUSE_REPLACED, 0, 0x10, 100);
    assert_change(1, HT_CHANGE_BEGIN, HT_CAUSE_EVENT, 0, 0x10, 300);
    push_realloc(0x10, 300, 0x20, 400);
    assert_int_equal(change_count, 2);
    assert_change(0, HT_CHANGE_END, HT_CAUSE_REPLACED, 1, 0x20, 200);
    assert_change(1, HT_CHANGE_RESIZE, HT_CAUSE_EVENT, 0, 0x20, 400);
    assert_int_equal(ht_number_counts(number)->replaced, 2);
    assert_int_equal(ht_number_live_count(number), 1);
}

static void an_adopted_block_may_replace_another(void **state)
{
    (void)state;
    push(HT_KIND_ALLOC, 0x20, 200);
    push_realloc(0x10, 5, 0x20, 6);
    assert_int_equal(change_count, 3);
    assert_change(0, HT_CHANGE_END, HT_CAUSE_REPLACED, 0, 0x20, 200);
    assert_change(1, HT_CHANGE_BEGIN, HT_CAUSE_ADOPTED, 0, 0x10, 5);
    assert_change(2, HT_CHANGE_RESIZE, HT_CAUSE_EVENT, 0, 0x20, 6);
}

static void what_failed_changes_nothing(void **state)
{
    (void)state;
    push(HT_KIND_ALLOC, 0x10, 100);
    push(HT_KIND_ALLOC, 0, 100);
    assert_int_equal(change_count, 0);
    push_realloc(0x10, 100, 0, 1000);
    assert_int_equal(change_count, 0);
    push_realloc(0x99, 1, 0, 2);
    assert_int_equal(change_count, 0);
    push_realloc(0, 0, 0, 2);
    assert_int_equal(change_count, 0);
    assert_int_equal(ht_number_counts(number)->failed, 4);
    assert_int_equal(ht_number_counts(number)->adopted, 0);
    push(HT_KIND_FREE, 0x10, 0);
    assert_change(0, HT_CHANGE_END, HT_CAUSE_EVENT, 0, 0x10, 100);
}

static void a_realloc_of_nothing_is_an_alloc(void **state)
{
    (void)state;
    push_realloc(0, 0, 0x10, 100);
    assert_int_equal(change_count, 1);
    assert_change(0, HT_CHANGE_BEGIN, HT_CAUSE_EVENT, 0, 0x10, 100);
    assert_int_equal(ht_number_counts(number)->adopted, 0);
}

static void the_tracked_size_wins_over_the_recorded_old_one(void **state)
{
    (void)state;
    push(HT_KIND_ALLOC, 0x10, 100);
    push_realloc(0x10, 99, 0x10, 150);
    assert_int_equal(changes[0].old_size, 100);
    assert_int_equal(ht_number_counts(number)->old_size_differs, 1);
}

static void reallocs_are_counted_by_case(void **state)
{
    (void)state;
    const struct ht_realloc_cases *cases = &ht_number_counts(number)->reallocs;
    push(HT_KIND_ALLOC, 0x10, 100);
    push(HT_KIND_ALLOC, 0x20, 100);
    push_realloc(0x10, 100, 0x10, 101); // grows in place
    push_realloc(0x10, 100, 0x30, 50);  // shrinks, whatever the old size said, and moves
    push_realloc(0x30, 50, 0x20, 50);   // onto a block that lives
    push_realloc(0x20, 50, 0x20, 0);
    push_realloc(0x20, 0, 0x20, 0);
    push_realloc(0x99, 7, 0x98, 8);     // adopted, grows
    push_realloc(0, 0, 0x40, 10);       // of NULL
    push_realloc(0, 0, 0x98, 10);       // of NULL onto a block that lives: an alloc
    push_realloc(0x40, 10, 0, 1 << 20); // failed
    push_realloc(0, 0, 0, 10);
    assert_int_equal(cases->grown, 2);
    assert_int_equal(cases->shrunk, 2);
    assert_int_equal(cases->same_size, 2);
    assert_int_equal(cases->to_zero, 2);
    assert_int_equal(cases->in_place, 3);
    assert_int_equal(cases->onto_live, 1);
    assert_int_equal(cases->of_null, 2);
    assert_int_equal(cases->failed, 2);
    assert_int_equal(ht_number_counts(number)->replaced, 2);
}

static void a_free_of_an_unknown_block_is_counted_and_of_none_is_not(void **state)
{
    (void)state;
    push(HT_KIND_FREE, 0x10, 0);
    push(HT_KIND_FREE, 0, 0);
    assert_int_equal(change_count, 0);
    assert_int_equal(ht_number_counts(number)->unknown_frees, 1);
}

static void destroy_ends_the_blocks_of_its_heap_newest_first(void **state)
{
    (void)state;
    struct ht_event event = {.pid = 4, .kind = HT_KIND_ALLOC, .size = 1};
    for (uint64_t i = 0; i < 6; i++) {
        event.heap = 0x1000 * (1 + i % 2);
        event.address = 0x10 + i;
        push_event(&event);
    }
    push(HT_KIND_FREE, 0x12, 0);
    push_event(&(struct ht_event){.pid = 5, .heap = 0x1000, .kind = HT_KIND_DESTROY});
    assert_int_equal(change_count, 0);
    push(HT_KIND_DESTROY, 0, 0);
    assert_int_equal(change_count, 2);
    assert_change(0, HT_CHANGE_END, HT_CAUSE_DESTROYED, 4, 0x14, 1);
    assert_change(1, HT_CHANGE_END, HT_CAUSE_DESTROYED, 0, 0x10, 1);
    assert_int_equal(ht_number_live_count(number), 3);
    push(HT_KIND_FREE, 0x14, 0);
    assert_int_equal(ht_number_counts(number)->unknown_frees, 1);
    push(HT_KIND_ALLOC, 0x14, 1);
    assert_int_equal(changes[0].block, 0);
}

static void a_destroyed_heap_may_hold_any_number_of_blocks(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 10000; i++)
        push(HT_KIND_ALLOC, 0x10 * (i + 1), i);
    struct ht_event event = {.pid = 4, .heap = 0x1000, .kind = HT_KIND_DESTROY};
    assert_int_equal(ht_number_push(number, &event, NULL), HT_OK);
    for (uint64_t i = 10000; i-- > 0;) {
        const struct ht_change *change = ht_number_next(number);
        assert_non_null(change);
        assert_int_equal(change->size, i);
    }
    assert_null(ht_number_next(number));
    assert_int_equal(ht_number_live_count(number), 0);
}

static void heaps_are_told_apart_by_process_and_handle(void **state)
{
    (void)state;
    const uint32_t pids[] = {4, 5, 4, 5, 5};
    const uint64_t handles[] = {0x1000, 0x1000, 0x2000, 0x1000, 0x3000};
    const uint32_t indices[] = {0, 1, 2, 1, 3};
    for (size_t i = 0; i < 5; i++) {
        push_event(&(struct ht_event){.pid = pids[i], .heap = handles[i], .kind = HT_KIND_CREATE});
        assert_int_equal(change_count, 0);
        assert_int_equal(ht_number_current_heap(number), indices[i]);
    }
    assert_int_equal(ht_number_heap_count(number), 4);
    assert_int_equal(ht_number_heap(number, 3).pid, 5);
    assert_int_equal(ht_number_heap(number, 3).handle, 0x3000);
    push_event(&(struct ht_event){.pid = 5, .heap = 0x3000, .kind = HT_KIND_ALLOC, .address = 1});
    assert_int_equal(changes[0].heap, 3);
}

static void many_heaps_are_found_again(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < 3000; i++) {
            push_event(&(struct ht_event){.pid = i % 7, .heap = i * 0x10000, .kind = HT_KIND_LOCK});
            assert_int_equal(ht_number_current_heap(number), i);
        }
    }
}

// The independent model: live blocks in a plain array, searched from end to end.
struct model_block {
    bool is_live;
    uint32_t pid;
    uint64_t heap, address, size, age;
};

enum { MODEL_BLOCKS = 128 };

static struct model_block model[MODEL_BLOCKS]; // by number
static uint64_t model_age;
static struct ht_change expected[CHANGES_MAX];
static size_t expected_count;

static int model_find(const struct ht_event *event, uint64_t address)
{
    for (int i = 0; i < MODEL_BLOCKS; i++)
        if (model[i].is_live && model[i].pid == event->pid && model[i].heap == event->heap &&
            model[i].address == address)
            return i;
    return -1;
}

static struct ht_change *expect(enum ht_change_kind kind, enum ht_change_cause cause, int block)
{
    struct ht_change *change = &expected[expected_count++];
    *change = (struct ht_change){.kind = (uint8_t)kind,
                                 .cause = (uint8_t)cause,
                                 .heap = ht_number_current_heap(number),
                                 .block = (uint32_t)block,
                                 .address = model[block].address,
                                 .size = model[block].size};
    return change;
}

static void model_end(int block, enum ht_change_cause cause)
{
    expect(HT_CHANGE_END, cause, block);
    model[block].is_live = false;
}

static int model_begin(const struct ht_event *event, uint64_t address, uint64_t size,
                       enum ht_change_cause cause)
{
    int block = 0;
    while (model[block].is_live)
        block++;
    model[block] = (struct model_block){true, event->pid, event->heap, address, size, ++model_age};
    expect(HT_CHANGE_BEGIN, cause, block);
    return block;
}

static void model_realloc(const struct ht_event *event)
{
    int block = model_find(event, event->old_address);
    if (block < 0)
        block = model_begin(event, event->old_address, event->old_size, HT_CAUSE_ADOPTED);
    uint64_t old_size = model[block].size;
    model[block].address = event->address;
    model[block].size = event->size;
    struct ht_change *change = expect(HT_CHANGE_RESIZE, HT_CAUSE_EVENT, block);
    change->old_address = event->old_address;
    change->old_size = old_size;
}

static void model_destroy(const struct ht_event *event)
{
    for (;;) {
        int newest = -1;
        for (int i = 0; i < MODEL_BLOCKS; i++)
            if (model[i].is_live && model[i].pid == event->pid && model[i].heap == event->heap &&
                (newest < 0 || model[i].age > model[newest].age))
                newest = i;
        if (newest < 0)
            return;
        model_end(newest, HT_CAUSE_DESTROYED);
    }
}

static void model_push(const struct ht_event *event)
{
    expected_count = 0;
    int there = model_find(event, event->address);
    bool is_realloc = event->kind == HT_KIND_REALLOC && event->old_address != 0;
    bool is_in_place = is_realloc && event->old_address == event->address;
    if (event->kind == HT_KIND_DESTROY) {
        model_destroy(event);
    } else if (event->kind == HT_KIND_FREE) {
        if (there >= 0)
            model_end(there, HT_CAUSE_EVENT);
    } else if (event->address != 0) {
        if (there >= 0 && !is_in_place)
            model_end(there, HT_CAUSE_REPLACED);
        if (is_realloc)
            model_realloc(event);
        else
            model_begin(event, event->address, event->size, HT_CAUSE_EVENT);
    }
}

static struct ht_event random_event(void)
{
    const uint8_t kinds[] = {HT_KIND_ALLOC, HT_KIND_ALLOC,   HT_KIND_REALLOC,
                             HT_KIND_FREE,  HT_KIND_REALLOC, HT_KIND_FREE};
    return (struct ht_event){.pid = random_below(2),
                             .heap = random_below(2),
                             .kind = random_below(200) == 0 ? (uint8_t)HT_KIND_DESTROY
                                                            : kinds[random_below(6)],
                             .address = random_below(20),
                             .size = random_below(4),
                             .old_address = random_below(20),
                             .old_size = random_below(4)};
}

// The events of a run are expected or not, all of them, some or more than come.
static void random_events_do_what_a_slow_model_says(void **state)
{
    (void)state;
    struct ht_event run[64];
    for (int i = 0; i < 2000; i++) {
        uint32_t count = 1 + random_below(64);
        for (uint32_t k = 0; k < 64; k++)
            run[k] = random_event();
        ht_number_expect(number, run, random_below(65));
        for (uint32_t k = 0; k < count; k++) {
            push_event(&run[k]);
            model_push(&run[k]);
            assert_int_equal(change_count, expected_count);
            for (size_t c = 0; c < change_count; c++)
                assert_memory_equal(&changes[c], &expected[c], sizeof expected[c]);
        }
    }
}

// The note of a block is there from when it was written to the block's end, wherever it moved.
static void a_note_stays_with_its_block(void **state)
{
    (void)state;
    enum { BLOCKS = 5000 };
    ht_number_keep_notes(number, sizeof(uint64_t));
    const struct ht_blocks *blocks = ht_number_blocks(number);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        push(HT_KIND_ALLOC, 0x1000 + i, 1);
        *(uint64_t *)ht_block_note(ht_block_at(blocks, changes[0].block)) = i;
    }
    for (uint64_t i = 0; i < BLOCKS; i += 2)
        push_realloc(0x1000 + i, 1, 0x90000 + i, 2);
    assert_int_equal(blocks->limit, BLOCKS);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        uint64_t address = (i % 2 == 0 ? 0x90000 : 0x1000) + i;
        const struct ht_block *block = ht_block_at(blocks, (uint32_t)i);
        assert_int_equal(block->address, address);
        assert_int_equal(block->size, i % 2 == 0 ? 2 : 1);
        push(HT_KIND_FREE, address, 0);
        assert_int_equal(changes[0].block, i);
        assert_int_equal(block->heap, HT_BLOCK_NONE);
        assert_int_equal(*(uint64_t *)ht_block_note(ht_block_at(blocks, (uint32_t)i)), i);
    }
}

// What is live by address and by number must agree however the hash and the bitmap have grown.
static void numbers_stay_dense_under_churn(void **state)
{
    (void)state;
    enum { ADDRESSES = 1 << 15 };
    static uint32_t block_of[ADDRESSES]; // block + 1, or 0
    static uint8_t is_used[ADDRESSES];
    uint64_t live = 0;
    for (int i = 0; i < 200000; i++) {
        uint32_t at = random_below(ADDRESSES);
        push(block_of[at] == 0 ? HT_KIND_ALLOC : HT_KIND_FREE, 0x1000 + 16 * (uint64_t)at, 8);
        assert_int_equal(change_count, 1);
        uint32_t block = changes[0].block;
        if (block_of[at] == 0) {
            assert_int_equal(is_used[block], 0);
            for (uint32_t below = 0; i % 256 == 0 && below < block; below++)
                assert_int_equal(is_used[below], 1);
            block_of[at] = block + 1;
            is_used[block] = 1;
            live++;
        } else {
            assert_int_equal(block, block_of[at] - 1);
            block_of[at] = 0;
            is_used[block] = 0;
            live--;
        }
    }
    assert_int_equal(ht_number_live_count(number), live);
    assert_true(ht_number_block_limit(number) < ADDRESSES);
}

static void a_pid_used_again_has_heaps_of_its_own(void **state)
{
    (void)state;
    struct ht_trace trace;
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    const struct ht_process first = {.pid = 4, .start_ns = HT_TIME_UNKNOWN, .end_ns = 900};
    const struct ht_process second = {.pid = 4, .start_ns = 1000, .end_ns = HT_TIME_UNKNOWN};
    assert_int_equal(ht_trace_note_process(&trace, &first, NULL), HT_OK);
    assert_int_equal(ht_trace_note_process(&trace, &second, NULL), HT_OK);
    ht_number_close(number);
    assert_int_equal(ht_number_open(&number, &trace, NULL), HT_OK);
    struct ht_event event = {
        .time_ns = 500, .pid = 4, .heap = 0x1000, .kind = HT_KIND_ALLOC, .address = 16, .size = 8};
    push_event(&event);
    event.time_ns = 1500;
    event.kind = HT_KIND_FREE;
    push_event(&event);
    assert_int_equal(change_count, 0); // the block is the first process's
    assert_int_equal(ht_number_counts(number)->unknown_frees, 1);
    assert_int_equal(ht_number_heap_count(number), 2);
    assert_int_equal(ht_number_heap(number, 0).start_ns, HT_TIME_UNKNOWN);
    assert_int_equal(ht_number_heap(number, 1).start_ns, 1000);
    ht_trace_reset(&trace);
}

static void a_process_noted_between_events_counts_from_then(void **state)
{
    (void)state;
    struct ht_trace trace;
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    ht_number_close(number);
    assert_int_equal(ht_number_open(&number, &trace, NULL), HT_OK);
    struct ht_event event = {
        .time_ns = 500, .pid = 4, .heap = 0x1000, .kind = HT_KIND_ALLOC, .address = 16, .size = 8};
    const int64_t starts[] = {400, 900};
    const int64_t times[] = {500, 899, 900, 500};
    const uint32_t heaps[] = {1, 1, 2, 1};
    push_event(&event);
    assert_int_equal(ht_number_current_heap(number), 0); // of no known process
    for (size_t i = 0; i < 2; i++) {
        const struct ht_process process = {
            .pid = 4, .start_ns = starts[i], .end_ns = HT_TIME_UNKNOWN};
        assert_int_equal(ht_trace_note_process(&trace, &process, NULL), HT_OK);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        event.time_ns = times[i];
        push_event(&event);
        assert_int_equal(ht_number_current_heap(number), heaps[i]);
    }
    ht_trace_reset(&trace);
}

#define NUMBER_TEST(test) cmocka_unit_test_setup_teardown(test, open_number, close_number)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NUMBER_TEST(a_block_begins_and_ends),
        NUMBER_TEST(a_block_gets_the_lowest_number_that_is_free),
        NUMBER_TEST(a_realloc_in_place_changes_the_size),
        NUMBER_TEST(a_moved_realloc_keeps_its_number),
        NUMBER_TEST(realloc_of_unknown_block_is_adopted),
        NUMBER_TEST(a_block_made_over_another_ends_it_first),
        NUMBER_TEST(an_adopted_block_may_replace_another),
        NUMBER_TEST(a_pid_used_again_has_heaps_of_its_own),
        NUMBER_TEST(a_process_noted_between_events_counts_from_then),
        NUMBER_TEST(what_failed_changes_nothing),
        NUMBER_TEST(a_realloc_of_nothing_is_an_alloc),
        NUMBER_TEST(the_tracked_size_wins_over_the_recorded_old_one),
        NUMBER_TEST(reallocs_are_counted_by_case),
        NUMBER_TEST(a_free_of_an_unknown_block_is_counted_and_of_none_is_not),
        NUMBER_TEST(destroy_ends_the_blocks_of_its_heap_newest_first),
        NUMBER_TEST(a_destroyed_heap_may_hold_any_number_of_blocks),
        NUMBER_TEST(heaps_are_told_apart_by_process_and_handle),
        NUMBER_TEST(many_heaps_are_found_again),
        NUMBER_TEST(a_note_stays_with_its_block),
        NUMBER_TEST(random_events_do_what_a_slow_model_says),
        NUMBER_TEST(numbers_stay_dense_under_churn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
