// SPDX-License-Identifier: MIT
//
// The reallocs that a viewer shows one by one: of all that are offered the biggest are kept, as
// many as the budget allows. Bigger is more bytes copied, then the larger new size, then earlier.
#ifndef HT_FORMATS_CHROME_BUDGET_H
#define HT_FORMATS_CHROME_BUDGET_H

#include "formats/error.h"
#include "formats/event.h"

#include <stdint.h>

struct ht_chrome_pick {
    struct ht_event event;
    uint64_t order;    // of the offer
    uint64_t stamp_ns; // set by ht_chrome_budget_stamp
};

// The zero value with a limit is an empty budget.
struct ht_chrome_budget {
    uint32_t limit;
    struct ht_chrome_pick *picks; // owned; a heap with the smallest at the root
    uint32_t count;
    uint32_t capacity;
    uint64_t offered;
};

void ht_chrome_budget_reset(struct ht_chrome_budget *budget);

enum ht_status ht_chrome_budget_offer(struct ht_chrome_budget *budget, const struct ht_event *event,
                                      struct ht_error *error);

// Gives every pick its stamp, in ns since `base_ns`, which none is before, and sorts the picks by
// it. On one thread no two have the same stamp, because viewers nest such instants and drop them
// when they nest too deep: the later one moves on by 1 ns. Nothing can be offered after it.
void ht_chrome_budget_stamp(struct ht_chrome_budget *budget, int64_t base_ns);

#endif
