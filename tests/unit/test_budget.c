// SPDX-License-Identifier: MIT
#include "formats/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PID = 8, TID = 12 };

static void offer(struct ht_budget *budget, int64_t time_ns, uint64_t copied, uint64_t size)
{
    struct ht_event event = {.kind = HT_KIND_REALLOC,
                             .time_ns = time_ns,
                             .pid = PID,
                             .tid = TID,
                             .address = 32,
                             .old_address = copied > 0 ? 16 : 32,
                             .size = size,
                             .old_size = copied};
    struct ht_pick pick = ht_pick_realloc(&event);
    assert_int_equal(ht_budget_offer(budget, &pick, NULL), HT_OK);
}

static void the_budget_keeps_the_biggest(void **state)
{
    (void)state;
    struct ht_budget budget = {.limit = 3};
    offer(&budget, 1, 0, 1 << 20); // in place: copies nothing
    offer(&budget, 2, 500, 600);
    offer(&budget, 3, 7, 100);
    offer(&budget, 4, 7, 200);
    offer(&budget, 5, 7, 200); // equal to the one before, later
    offer(&budget, 6, 900, 1000);
    ht_budget_stamp(&budget, 0);
    assert_int_equal(budget.offered, 6);
    assert_int_equal(budget.count, 3);
    assert_int_equal(budget.picks[0].event.time_ns, 2);
    assert_int_equal(budget.picks[1].event.time_ns, 4);
    assert_int_equal(budget.picks[2].event.time_ns, 6);
    ht_budget_reset(&budget);
}

static void equal_stamps_on_one_thread_move_on(void **state)
{
    (void)state;
    struct ht_budget budget = {.limit = 100};
    for (int i = 0; i < 3; i++)
        offer(&budget, 50, 8, 8);
    struct ht_pick elsewhere = {.event = {.time_ns = 50, .pid = PID, .tid = TID + 4}};
    assert_int_equal(ht_budget_offer(&budget, &elsewhere, NULL), HT_OK);
    ht_budget_stamp(&budget, -10);
    static const uint64_t expected[][2] = {{60, 0}, {60, 3}, {61, 1}, {62, 2}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(budget.picks[i].stamp_ns, expected[i][0]);
        assert_int_equal(budget.picks[i].order, expected[i][1]);
    }
    ht_budget_reset(&budget);
}

// A thousand in an order that is none: the keys keep the picks apart from their places.
static void many_are_kept_ordered_and_shrunk(void **state)
{
    (void)state;
    enum { OFFERS = 1000, LIMIT = 64 };
    struct ht_budget budget = {.limit = LIMIT};
    for (uint64_t i = 0; i < OFFERS; i++) {
        uint64_t copied = i * 7919 % OFFERS; // each once
        offer(&budget, (int64_t)(OFFERS - i), copied, copied);
    }
    assert_int_equal(ht_budget_order(&budget, -5, NULL), HT_OK);
    assert_int_equal(budget.count, LIMIT);
    assert_int_equal(budget.offered, OFFERS);
    for (uint32_t i = 0; i < LIMIT; i++) {
        const struct ht_pick *pick = &budget.picks[budget.keys[i].at];
        assert_true(pick->rank[0] >= OFFERS - LIMIT);
        assert_int_equal(pick->order * 7919 % OFFERS, pick->rank[0]);
        assert_int_equal(budget.keys[i].rank[0], pick->event.time_ns + 5);
        assert_true(i == 0 || budget.keys[i].rank[0] > budget.keys[i - 1].rank[0]);
    }
    ht_budget_shrink(&budget, 10);
    assert_int_equal(budget.count, 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(budget.picks[i].rank[0], OFFERS - 1 - i);
    assert_int_equal(budget.offered, OFFERS);
    ht_budget_reset(&budget);
}

// Whatever the order of the offers and however many are equal, the biggest are kept, earlier ones
// before later ones; shrunk and ordered they are still themselves.
static void what_is_kept_is_what_a_sort_would_keep(void **state)
{
    (void)state;
    enum { OFFERS = 5000, LIMIT = 100, LEFT = 30 };
    static uint64_t ranks[OFFERS];
    uint32_t random = 1;
    struct ht_budget budget = {.limit = LIMIT};
    for (uint32_t i = 0; i < OFFERS; i++) {
        random = random * 1664525u + 1013904223u;
        ranks[i] = (random >> 16) % 200;
        offer(&budget, (int64_t)(random >> 8), ranks[i], ranks[i]);
    }
    ht_budget_settle(&budget);
    assert_int_equal(budget.count, LIMIT);
    ht_budget_shrink(&budget, LEFT);
    assert_int_equal(ht_budget_order(&budget, 0, NULL), HT_OK);
    assert_int_equal(budget.count, LEFT);
    bool is_kept[OFFERS] = {false};
    for (uint32_t i = 0; i < LEFT; i++) {
        const struct ht_pick *pick = &budget.picks[budget.keys[i].at];
        assert_int_equal(pick->rank[0], ranks[pick->order]);
        assert_int_equal(budget.keys[i].order, pick->order);
        assert_int_equal(budget.keys[i].rank[0], pick->event.time_ns);
        is_kept[pick->order] = true;
    }
    for (uint32_t i = 0; i < OFFERS; i++) {
        uint32_t bigger = 0;
        for (uint32_t k = 0; k < OFFERS; k++)
            bigger += ranks[k] > ranks[i] || (ranks[k] == ranks[i] && k < i);
        assert_int_equal(is_kept[i], bigger < LEFT);
    }
    ht_budget_reset(&budget);
}

static void keys_are_in_the_order_of_times_then_of_offers(void **state)
{
    (void)state;
    enum { OFFERS = 3000 };
    uint64_t random = 1;
    struct ht_budget budget = {.limit = OFFERS};
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < OFFERS; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            offer(&budget, (int64_t)(random >> 1 >> i % 8 * 8), i % 3 == 0 ? 7 : i, 1);
        }
        assert_int_equal(ht_budget_order(&budget, 0, NULL), HT_OK);
        assert_int_equal(budget.count, OFFERS);
        for (uint32_t i = 0; i < OFFERS; i++) {
            const struct ht_budget_key *key = &budget.keys[i];
            const struct ht_budget_key *before = i > 0 ? key - 1 : NULL;
            assert_int_equal(key->rank[0], budget.picks[key->at].event.time_ns);
            assert_int_equal(key->order, budget.picks[key->at].order);
            if (before != NULL)
                assert_true(before->rank[0] < key->rank[0] ||
                            (before->rank[0] == key->rank[0] && before->order < key->order));
        }
        ht_budget_restart(&budget);
    }
    ht_budget_reset(&budget);
}

static void a_budget_of_none_only_counts(void **state)
{
    (void)state;
    struct ht_budget budget = {.limit = 0};
    offer(&budget, 1, 8, 8);
    assert_int_equal(budget.count, 0);
    assert_int_equal(budget.offered, 1);
    ht_budget_reset(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_keeps_the_biggest),
        cmocka_unit_test(equal_stamps_on_one_thread_move_on),
        cmocka_unit_test(many_are_kept_ordered_and_shrunk),
        cmocka_unit_test(what_is_kept_is_what_a_sort_would_keep),
        cmocka_unit_test(keys_are_in_the_order_of_times_then_of_offers),
        cmocka_unit_test(a_budget_of_none_only_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
