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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_keeps_the_biggest),
        cmocka_unit_test(equal_stamps_on_one_thread_move_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
