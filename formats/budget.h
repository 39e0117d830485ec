// SPDX-License-Identifier: MIT
//
// What a viewer shows one by one: of all that is offered the biggest are kept, as many as the
// budget allows. Bigger is the first rank, then the second, then earlier.
#ifndef HT_FORMATS_BUDGET_H
#define HT_FORMATS_BUDGET_H

#include "formats/error.h"
#include "formats/event.h"

#include <stdbool.h>
#include <stdint.h>

// The life of the block that a pick is about, as far as it is known.
struct ht_pick_life {
    uint64_t id;
    uint64_t first_size;
    uint64_t copied_bytes;
    int64_t end_ns; // HT_TIME_UNKNOWN while it lives
    uint32_t steps; // reallocs
    uint32_t site;  // the format's own number of where it was made
};

struct ht_pick {
    uint64_t rank[2];
    struct ht_event event;
    struct ht_pick_life life;
    uint64_t order;    // of the offer, set by ht_budget_offer
    uint64_t stamp_ns; // set by ht_budget_stamp
};

// What a pick is ordered by, and where it is.
struct ht_budget_key {
    uint64_t rank[2];
    uint64_t order;
    uint32_t at;
};

// The zero value with a limit is an empty budget. It takes a quarter more than the limit before it
// drops what is over: so most offers cost a comparison, and a few a selection.
struct ht_budget {
    uint32_t limit;
    struct ht_pick *picks;      // owned
    struct ht_budget_key *keys; // owned; in no order
    uint32_t count;             // of both; once settled, at most the limit
    uint32_t used;              // private: picks that a key has the place of, also of dropped ones
    uint32_t capacity;
    bool has_least;
    uint64_t least[2]; // ranks of the smallest that is kept, once some were dropped
    uint64_t offered;
};

void ht_budget_reset(struct ht_budget *budget);

// Whether a pick of these ranks would be kept. Where not, it counts as offered: so a pick needs to
// be made only for those that would.
static inline bool ht_budget_wants(struct ht_budget *budget, uint64_t first, uint64_t second)
{
    const uint64_t *least = budget->least;
    bool is_larger = first > least[0] || (first == least[0] && second > least[1]);
    bool is_wanted = budget->limit > 0 && (is_larger || !budget->has_least);
    budget->offered += !is_wanted;
    return is_wanted;
}

enum ht_status ht_budget_offer(struct ht_budget *budget, const struct ht_pick *pick,
                               struct ht_error *error);

// Drops what is over the limit: picks and count are those that are kept then. Whoever reads them
// settles first; the functions below do.
void ht_budget_settle(struct ht_budget *budget);

// Keeps no more than the biggest `limit`. Nothing can be offered after it.
void ht_budget_shrink(struct ht_budget *budget, uint32_t limit);

// Orders the keys by the time of their picks, which becomes their first rank in ns since `base_ns`;
// nothing is before that. Of equal times, the one offered first comes first. Nothing can be offered
// after it. HT_MEMORY.
enum ht_status ht_budget_order(struct ht_budget *budget, int64_t base_ns, struct ht_error *error);

// Forgets what was offered.
void ht_budget_restart(struct ht_budget *budget);

// The ranks of a realloc: the bytes it copied, then its new size. And it with these.
void ht_pick_rank_realloc(const struct ht_event *event, uint64_t rank[2]);
struct ht_pick ht_pick_realloc(const struct ht_event *event);

// Gives every pick the stamp of its event, in ns since `base_ns`, which none is before, and sorts
// the picks by it. On one thread no two have the same stamp, because viewers nest such instants
// and drop them when they nest too deep: the later one moves on by 1 ns. Nothing can be offered
// after it.
void ht_budget_stamp(struct ht_budget *budget, int64_t base_ns);

#endif
