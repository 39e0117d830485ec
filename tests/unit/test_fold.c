// SPDX-License-Identifier: MIT
#include "convert/fold.h"
#include "formats/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EVENTS_MAX = 40000 };

struct events {
    struct ht_event at[EVENTS_MAX];
    size_t count;
};

// A reader over an array, which ends as it is told.
struct list_reader {
    struct ht_reader reader;
    const struct events *events;
    size_t next;
    enum ht_status ended;
    int *closed;
};

static enum ht_status list_read(struct ht_reader *self, struct ht_events *events,
                                struct ht_error *error)
{
    struct list_reader *list = (struct list_reader *)self;
    if (list->next == list->events->count)
        return list->ended == HT_END ? HT_END : ht_fail(error, list->ended, "the disk is on fire");
    events->at[0] = list->events->at[list->next++];
    events->count = 1;
    return HT_OK;
}

static void list_close(struct ht_reader *self)
{
    ++*((struct list_reader *)self)->closed;
}

static struct events input, output, again;
static uint32_t random_state;

static int empty(void **state)
{
    (void)state;
    input.count = output.count = again.count = 0;
    random_state = 1;
    return 0;
}

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 16) % limit;
}

// Folds `from` into `to`; returns how the fold ended.
static enum ht_status fold(const struct events *from, struct events *to, enum ht_status ended,
                           struct ht_error *error)
{
    int closed = 0;
    struct list_reader list = {{list_read, list_close}, from, 0, ended, &closed};
    struct ht_reader *reader = NULL;
    assert_int_equal(ht_fold_open(&list.reader, &reader, NULL), HT_OK);
    enum ht_status status = HT_OK;
    to->count = 0;
    while ((status = ht_reader_next(reader, &to->at[to->count], error)) == HT_OK)
        to->count++;
    assert_int_equal(ht_reader_next(reader, &(struct ht_event){0}, NULL), status);
    reader->close(reader);
    assert_int_equal(closed, 1);
    return status;
}

static void fold_input(void)
{
    assert_int_equal(fold(&input, &output, HT_END, NULL), HT_END);
}

static struct ht_event *add(enum ht_kind kind, uint32_t tid, uint64_t address)
{
    struct ht_event *event = &input.at[input.count++];
    *event = (struct ht_event){.time_ns = (int64_t)input.count * 10,
                               .pid = 4,
                               .tid = tid,
                               .heap = 0x1000,
                               .address = address,
                               .kind = (uint8_t)kind};
    return event;
}

static struct ht_event *add_alloc(uint32_t tid, uint64_t address, uint64_t size)
{
    struct ht_event *event = add(HT_KIND_ALLOC, tid, address);
    event->size = size;
    return event;
}

static struct ht_event *add_free(uint32_t tid, uint64_t address)
{
    return add(HT_KIND_FREE, tid, address);
}

static struct ht_event *add_realloc(uint32_t tid, uint64_t old_address, uint64_t address,
                                    uint64_t size)
{
    struct ht_event *event = add(HT_KIND_REALLOC, tid, address);
    event->size = size;
    event->old_address = old_address;
    event->old_size = 8;
    return event;
}

static void assert_same_events(const struct events *a, const struct events *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_memory_equal(&a->at[i], &b->at[i], sizeof a->at[i]);
}

static void assert_unchanged(void)
{
    fold_input();
    assert_same_events(&output, &input);
}

static const char *const orders[] = {"afr", "arf", "far", "fra", "raf", "rfa"};

// One record of a moving realloc from 0x10 to 0x20.
static void add_record(char which, uint32_t tid)
{
    if (which == 'a')
        ht_event_set_source(add_alloc(tid, 0x20, 64), 3);
    else if (which == 'f')
        ht_event_set_stack(add_free(tid, 0x10), 5);
    else
        ht_event_set_stack(add_realloc(tid, 0x10, 0x20, 64), 7);
}

static void three_records_in_any_order_become_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        input.count = 0;
        for (int record = 0; record < 3; record++)
            add_record(orders[i][record], 1);
        size_t place = (size_t)(strchr(orders[i], 'r') - orders[i]);
        struct ht_event expected = input.at[place];
        expected.flags = HT_FLAG_FOLDED;
        fold_input();
        assert_int_equal(output.count, 1);
        assert_memory_equal(&output.at[0], &expected, sizeof expected);
        assert_int_equal(ht_event_stack(&output.at[0]), 7);
        assert_int_equal(ht_event_source(&output.at[0]), 0);
    }
}

static void a_realloc_without_a_stack_gets_its_allocs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        input.count = 0;
        for (int record = 0; record < 3; record++)
            add_record(orders[i][record], 1);
        for (size_t k = 0; k < input.count; k++)
            ht_event_set_stack(&input.at[k], input.at[k].kind == HT_KIND_ALLOC ? 9 : 0);
        fold_input();
        assert_int_equal(output.count, 1);
        assert_int_equal(ht_event_stack(&output.at[0]), 9);
    }
}

static void the_events_around_keep_their_order(void **state)
{
    (void)state;
    add_free(2, 0x10);
    add_record('r', 1);
    add_alloc(2, 0x20, 64);
    add_record('a', 1);
    add_alloc(2, 0x30, 64);
    add_record('f', 1);
    add_free(2, 0x30);
    fold_input();
    assert_int_equal(output.count, 5);
    int64_t times[] = {10, 20, 30, 50, 70};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(output.at[i].time_ns, times[i]);
    assert_int_equal(output.at[1].flags, HT_FLAG_FOLDED);
}

static void a_lone_realloc_stays(void **state)
{
    (void)state;
    add_record('r', 1);
    assert_unchanged();
}

static void a_realloc_with_only_one_of_the_two_stays(void **state)
{
    (void)state;
    add_record('a', 1);
    add_record('r', 1);
    add_free(1, 0x40);
    assert_unchanged();
    input.count = 0;
    add_record('r', 1);
    add_record('f', 1);
    assert_unchanged();
}

static void an_alloc_of_another_size_is_not_its_alloc(void **state)
{
    (void)state;
    add_alloc(1, 0x20, 63);
    add_record('f', 1);
    add_record('r', 1);
    assert_unchanged();
}

static void records_of_another_thread_process_or_heap_do_not_match(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        input.count = 0;
        add_record('a', 1);
        add_record('f', 1);
        if (what == 0)
            input.at[1].tid = 2;
        else if (what == 1)
            input.at[1].pid = 5;
        else
            input.at[1].heap = 0x2000;
        add_record('r', 1);
        assert_unchanged();
    }
}

static void the_nearest_mention_of_the_new_address_must_be_the_alloc(void **state)
{
    (void)state;
    add_record('a', 1);
    add_free(1, 0x20);
    add_record('f', 1);
    add_record('r', 1);
    assert_unchanged();
}

static void the_nearest_mention_of_the_old_address_must_be_the_free(void **state)
{
    (void)state;
    add_record('a', 1);
    add_record('r', 1);
    add_realloc(1, 0x10, 0x10, 9);
    add_record('f', 1);
    assert_unchanged();
}

static void the_far_side_serves_when_the_near_one_does_not(void **state)
{
    (void)state;
    add_alloc(1, 0x10, 8);
    add_alloc(1, 0x20, 9);
    add_free(1, 0x20);
    add_record('r', 1);
    add_record('f', 1);
    add_record('a', 1);
    fold_input();
    assert_int_equal(output.count, 4);
    assert_int_equal(output.at[3].flags, HT_FLAG_FOLDED);
}

static void what_lies_before_is_taken_first(void **state)
{
    (void)state;
    add_record('a', 1);
    add_record('r', 1);
    add_record('a', 1);
    add_record('f', 1);
    fold_input();
    assert_int_equal(output.count, 2);
    assert_int_equal(output.at[1].time_ns, 30);
    input.count = 0;
    add_record('f', 1);
    add_record('r', 1);
    add_record('f', 1);
    add_record('a', 1);
    fold_input();
    assert_int_equal(output.count, 2);
    assert_int_equal(output.at[1].time_ns, 30);
}

// Records that differ in one thing only, so many that some share a bucket of the hash.
static void sharing_a_bucket_is_not_matching(void **state)
{
    (void)state;
    for (int what = 0; what < 4; what++) {
        input.count = 0;
        for (uint32_t i = 0; i < HT_FOLD_WINDOW; i++) {
            uint32_t tid = what == 0 ? i : 1;
            uint64_t other = what == 1 ? 0x1000 * (i + 1) : 0;
            size_t first = input.count;
            if (i % 3 == 0)
                add_alloc(tid, 0x20 + other, 64);
            else if (i % 3 == 1)
                add_free(tid, 0x10 + other);
            else
                add_realloc(tid, 0x10 + other, 0x20 + other, 64);
            input.at[first].heap = what == 2 ? i : 1;
            input.at[first].pid = what == 3 ? i : 1;
        }
        assert_unchanged();
    }
}

static void a_record_serves_one_realloc_only(void **state)
{
    (void)state;
    add_realloc(1, 0x10, 0x20, 64);
    add_alloc(1, 0x20, 64);
    add_realloc(1, 0x30, 0x20, 64);
    add_free(1, 0x30);
    add_free(1, 0x10);
    fold_input();
    assert_int_equal(output.count, 3);
    assert_int_equal(output.at[0].flags, 0);
    assert_int_equal(output.at[1].flags, HT_FLAG_FOLDED);
    assert_int_equal(output.at[1].old_address, 0x30);
    assert_int_equal(output.at[2].kind, HT_KIND_FREE);
    assert_int_equal(output.at[2].address, 0x10);
}

static void what_did_not_move_is_left_alone(void **state)
{
    (void)state;
    add_alloc(1, 0x20, 64);
    add_free(1, 0x20);
    add_realloc(1, 0x20, 0x20, 64);
    add_alloc(1, 0, 64);
    add_free(1, 0x10);
    add_realloc(1, 0x10, 0, 64);
    add_alloc(1, 0x20, 64);
    add_free(1, 0);
    add_realloc(1, 0, 0x20, 64);
    assert_unchanged();
}

static void a_folded_realloc_takes_nothing_more(void **state)
{
    (void)state;
    add_record('r', 1);
    input.at[0].flags = HT_FLAG_FOLDED;
    add_record('a', 1);
    add_record('f', 1);
    assert_unchanged();
}

static void add_window(size_t between)
{
    input.count = 0;
    add_alloc(3, 0x40, 1);
    add_record('a', 1);
    add_record('f', 1);
    for (size_t i = 0; i < between; i++)
        add(HT_KIND_LOCK, 1, 0);
    add_record('r', 1);
    add_alloc(3, 0x50, 1);
}

static void records_are_matched_within_the_window_only(void **state)
{
    (void)state;
    add_window(HT_FOLD_WINDOW - 3);
    fold_input();
    assert_int_equal(output.count, input.count - 2);
    add_window(HT_FOLD_WINDOW - 2);
    assert_unchanged();
}

static void a_failure_comes_after_the_events_held(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++)
        add_alloc(1, 0x10 + (uint64_t)i, 1);
    struct ht_error error = {""};
    assert_int_equal(fold(&input, &output, HT_IO, &error), HT_IO);
    assert_string_equal(error.text, "the disk is on fire");
    assert_same_events(&output, &input);
}

// Blocks of one thread in the random tests: it works on its own addresses, size 0 is no block.
struct thread {
    uint64_t sizes[6];
    char records[4]; // of a moving realloc still to be written
    uint64_t from, to, new_size;
};

// Writes the next record of a thread, and what it is to become into `again`.
static void add_random(struct thread *thread, uint32_t tid)
{
    uint64_t base = 0x100 * (1 + (uint64_t)tid);
    if (thread->records[0] == 0) {
        thread->from = random_below(6);
        thread->to = random_below(6);
        thread->new_size = 1 + random_below(3);
        bool is_live = thread->sizes[thread->from] != 0;
        bool is_moved = is_live && thread->sizes[thread->to] == 0;
        const char *records = is_moved ? orders[random_below(6)] : is_live ? "i" : "n";
        if (is_live && random_below(3) == 0)
            records = "e";
        memcpy(thread->records, records, strlen(records) + 1);
        thread->sizes[thread->from] = is_moved || records[0] == 'e' ? 0 : thread->new_size;
        if (is_moved && records[0] != 'e')
            thread->sizes[thread->to] = thread->new_size;
    }
    char record = thread->records[0];
    memmove(thread->records, thread->records + 1, 3);
    const struct ht_event *added = NULL;
    if (record == 'a')
        add_alloc(tid, base + thread->to, thread->new_size);
    else if (record == 'f')
        add_free(tid, base + thread->from);
    else if (record == 'r')
        added = add_realloc(tid, base + thread->from, base + thread->to, thread->new_size);
    else if (record == 'i')
        added = add_realloc(tid, base + thread->from, base + thread->from, thread->new_size);
    else if (record == 'e')
        added = add_free(tid, base + thread->from);
    else
        added = add_alloc(tid, base + thread->from, thread->new_size);
    if (added == NULL)
        return;
    again.at[again.count] = *added;
    again.at[again.count++].flags = record == 'r' ? HT_FLAG_FOLDED : 0;
}

static void records_of_many_threads_fold_back_to_what_was_done(void **state)
{
    (void)state;
    struct thread threads[4] = {{{0}, {0}, 0, 0, 0}};
    for (int i = 0; i < 30000; i++) {
        uint32_t tid = random_below(4);
        add_random(&threads[tid], tid);
    }
    for (uint32_t tid = 0; tid < 4; tid++)
        while (threads[tid].records[0] != 0)
            add_random(&threads[tid], tid);
    fold_input();
    assert_true(again.count < input.count - 4000);
    assert_same_events(&output, &again);
}

static void folding_twice_changes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 30000; i++) {
        uint32_t tid = random_below(3);
        uint64_t address = random_below(5);
        uint64_t size = 1 + random_below(2);
        uint32_t kind = random_below(3);
        struct ht_event *event = kind == 0   ? add_alloc(tid, address, size)
                                 : kind == 1 ? add_free(tid, address)
                                             : add_realloc(tid, random_below(5), address, size);
        event->heap = random_below(2);
    }
    fold_input();
    size_t folded = 0;
    for (size_t i = 0; i < output.count; i++)
        folded += (output.at[i].flags & HT_FLAG_FOLDED) != 0;
    assert_true(folded > 100);
    assert_int_equal(output.count, input.count - 2 * folded);
    assert_int_equal(fold(&output, &again, HT_END, NULL), HT_END);
    assert_same_events(&again, &output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(three_records_in_any_order_become_one, empty),
        cmocka_unit_test_setup(a_realloc_without_a_stack_gets_its_allocs, empty),
        cmocka_unit_test_setup(the_events_around_keep_their_order, empty),
        cmocka_unit_test_setup(a_lone_realloc_stays, empty),
        cmocka_unit_test_setup(a_realloc_with_only_one_of_the_two_stays, empty),
        cmocka_unit_test_setup(an_alloc_of_another_size_is_not_its_alloc, empty),
        cmocka_unit_test_setup(records_of_another_thread_process_or_heap_do_not_match, empty),
        cmocka_unit_test_setup(the_nearest_mention_of_the_new_address_must_be_the_alloc, empty),
        cmocka_unit_test_setup(the_nearest_mention_of_the_old_address_must_be_the_free, empty),
        cmocka_unit_test_setup(the_far_side_serves_when_the_near_one_does_not, empty),
        cmocka_unit_test_setup(what_lies_before_is_taken_first, empty),
        cmocka_unit_test_setup(sharing_a_bucket_is_not_matching, empty),
        cmocka_unit_test_setup(a_record_serves_one_realloc_only, empty),
        cmocka_unit_test_setup(what_did_not_move_is_left_alone, empty),
        cmocka_unit_test_setup(a_folded_realloc_takes_nothing_more, empty),
        cmocka_unit_test_setup(records_are_matched_within_the_window_only, empty),
        cmocka_unit_test_setup(a_failure_comes_after_the_events_held, empty),
        cmocka_unit_test_setup(records_of_many_threads_fold_back_to_what_was_done, empty),
        cmocka_unit_test_setup(folding_twice_changes_nothing, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
