// SPDX-License-Identifier: MIT
//
// A recording made by hand: a plan and its trail, added to side by side.
#ifndef HT_TESTS_RECORDING_KIT_H
#define HT_TESTS_RECORDING_KIT_H

#include "replay/plan.h"
#include "replay/trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

struct recording_kit {
    struct ht_plan *plan;
    struct ht_trail *trail;
};

// False when there is no memory.
static inline bool recording_kit_open(struct recording_kit *kit)
{
    return ht_plan_open(&kit->plan, UINT64_C(1) << 30, NULL) == HT_OK &&
           ht_trail_open(&kit->trail, UINT64_C(1) << 30, NULL) == HT_OK;
}

static inline void recording_kit_close(struct recording_kit *kit)
{
    ht_trail_close(kit->trail);
    ht_plan_close(kit->plan);
}

static inline void recording_kit_add(struct recording_kit *kit, struct ht_change change,
                                     struct ht_trail_mark mark)
{
    assert_int_equal(ht_plan_add(kit->plan, &change, NULL), HT_OK);
    assert_int_equal(ht_trail_add(kit->trail, &mark, NULL), HT_OK);
}

#endif
