// SPDX-License-Identifier: MIT
//
// A bounded binary heap. See the header.
#include "formats/budget.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void ht_budget_reset(struct ht_budget *budget)
{
    free(budget->picks);
    free(budget->keys);
    *budget = (struct ht_budget){.limit = budget->limit};
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static bool is_smaller(const struct ht_budget_key *a, const struct ht_budget_key *b)
{
    if (a->rank[0] != b->rank[0])
        return a->rank[0] < b->rank[0];
    if (a->rank[1] != b->rank[1])
        return a->rank[1] < b->rank[1];
    return a->order > b->order;
}

// Puts a key where it belongs, from a free place upwards.
static void sift_up(struct ht_budget_key *keys, uint32_t at, const struct ht_budget_key *key)
{
    while (at > 0 && is_smaller(key, &keys[(at - 1) / 2])) {
        keys[at] = keys[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    keys[at] = *key;
}

// The same from the free root downwards.
static void sift_down(struct ht_budget_key *keys, uint32_t count, const struct ht_budget_key *key)
{
    uint32_t at = 0;
    for (uint32_t child = 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && is_smaller(&keys[child + 1], &keys[child]);
        if (!is_smaller(&keys[child], key))
            break;
        keys[at] = keys[child];
        at = child;
    }
    keys[at] = *key;
}

static enum ht_status grow(struct ht_budget *budget, struct ht_error *error)
{
    uint32_t capacity = budget->capacity > 0 ? budget->capacity * 2 : FIRST_CAPACITY;
    capacity = capacity < budget->limit ? capacity : budget->limit;
    struct ht_pick *picks = realloc(budget->picks, capacity * sizeof *picks);
    if (picks == NULL)
        return ht_fail_memory(error, "the biggest of the trace");
    budget->picks = picks;
    struct ht_budget_key *keys = realloc(budget->keys, capacity * sizeof *keys);
    if (keys == NULL)
        return ht_fail_memory(error, "the biggest of the trace");
    budget->keys = keys;
    budget->capacity = capacity;
    return HT_OK;
}

enum ht_status ht_budget_offer(struct ht_budget *budget, const struct ht_pick *pick,
                               struct ht_error *error)
{
    if (!ht_budget_wants(budget, pick->rank[0], pick->rank[1]))
        return HT_OK;
    struct ht_budget_key key = {{pick->rank[0], pick->rank[1]}, budget->offered++, 0};
    if (budget->count == budget->limit) {
        key.at = budget->keys[0].at;
        sift_down(budget->keys, budget->count, &key);
    } else {
        enum ht_status status = budget->count == budget->capacity ? grow(budget, error) : HT_OK;
        if (status != HT_OK)
            return status;
        key.at = budget->count;
        sift_up(budget->keys, budget->count++, &key);
    }
    budget->picks[key.at] = *pick;
    budget->picks[key.at].order = key.order;
    return HT_OK;
}

static int compare_larger(const void *left, const void *right)
{
    const struct ht_pick *a = left;
    const struct ht_pick *b = right;
    if (a->rank[0] != b->rank[0])
        return compare(b->rank[0], a->rank[0]);
    if (a->rank[1] != b->rank[1])
        return compare(b->rank[1], a->rank[1]);
    return compare(a->order, b->order);
}

void ht_budget_shrink(struct ht_budget *budget, uint32_t limit)
{
    if (budget->count <= limit)
        return;
    qsort(budget->picks, budget->count, sizeof *budget->picks, compare_larger);
    budget->count = limit;
}

static int compare_key(const void *left, const void *right)
{
    const struct ht_budget_key *a = left;
    const struct ht_budget_key *b = right;
    if (a->rank[0] != b->rank[0])
        return compare(a->rank[0], b->rank[0]);
    return compare(a->order, b->order);
}

void ht_budget_order(struct ht_budget *budget, int64_t base_ns)
{
    if (budget->count == 0)
        return;
    for (uint32_t i = 0; i < budget->count; i++) {
        const struct ht_pick *pick = &budget->picks[i];
        uint64_t since = (uint64_t)pick->event.time_ns - (uint64_t)base_ns;
        budget->keys[i] = (struct ht_budget_key){{since, 0}, pick->order, i};
    }
    qsort(budget->keys, budget->count, sizeof *budget->keys, compare_key);
}

void ht_budget_restart(struct ht_budget *budget)
{
    budget->count = 0;
    budget->offered = 0;
}

void ht_pick_rank_realloc(const struct ht_event *event, uint64_t rank[2])
{
    bool is_copied = event->address != 0 && !ht_event_is_in_place(event);
    rank[0] = event->size < event->old_size ? event->size : event->old_size;
    rank[0] = is_copied ? rank[0] : 0;
    rank[1] = event->size;
}

struct ht_pick ht_pick_realloc(const struct ht_event *event)
{
    struct ht_pick pick = {.event = *event};
    ht_pick_rank_realloc(event, pick.rank);
    return pick;
}

static bool is_same_thread(const struct ht_event *a, const struct ht_event *b)
{
    return a->pid == b->pid && a->tid == b->tid;
}

static int compare_in_thread(const void *left, const void *right)
{
    const struct ht_pick *a = left;
    const struct ht_pick *b = right;
    if (a->event.pid != b->event.pid)
        return compare(a->event.pid, b->event.pid);
    if (a->event.tid != b->event.tid)
        return compare(a->event.tid, b->event.tid);
    if (a->stamp_ns != b->stamp_ns)
        return compare(a->stamp_ns, b->stamp_ns);
    return compare(a->order, b->order);
}

static int compare_stamp(const void *left, const void *right)
{
    const struct ht_pick *a = left;
    const struct ht_pick *b = right;
    if (a->stamp_ns != b->stamp_ns)
        return compare(a->stamp_ns, b->stamp_ns);
    return compare(a->order, b->order);
}

void ht_budget_stamp(struct ht_budget *budget, int64_t base_ns)
{
    struct ht_pick *picks = budget->picks;
    if (budget->count == 0)
        return;
    for (uint32_t i = 0; i < budget->count; i++)
        picks[i].stamp_ns = (uint64_t)picks[i].event.time_ns - (uint64_t)base_ns;
    qsort(picks, budget->count, sizeof *picks, compare_in_thread);
    for (uint32_t i = 1; i < budget->count; i++) {
        uint64_t before_ns = picks[i - 1].stamp_ns;
        if (is_same_thread(&picks[i - 1].event, &picks[i].event) && picks[i].stamp_ns <= before_ns)
            picks[i].stamp_ns = before_ns + 1;
    }
    qsort(picks, budget->count, sizeof *picks, compare_stamp);
}
