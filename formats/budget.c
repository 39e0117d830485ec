// SPDX-License-Identifier: MIT
//
// A bounded binary heap. See the header.
#include "formats/budget.h"

#include <stdbool.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void ht_budget_reset(struct ht_budget *budget)
{
    free(budget->picks);
    *budget = (struct ht_budget){.limit = budget->limit};
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_ranks(const struct ht_pick *a, const struct ht_pick *b)
{
    int first = compare(a->rank[0], b->rank[0]);
    return first != 0 ? first : compare(a->rank[1], b->rank[1]);
}

static bool is_smaller(const struct ht_pick *a, const struct ht_pick *b)
{
    int ranks = compare_ranks(a, b);
    return ranks != 0 ? ranks < 0 : a->order > b->order;
}

static void swap(struct ht_pick *a, struct ht_pick *b)
{
    struct ht_pick kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct ht_budget *budget, uint32_t at)
{
    while (at > 0 && is_smaller(&budget->picks[at], &budget->picks[(at - 1) / 2])) {
        swap(&budget->picks[at], &budget->picks[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct ht_budget *budget, uint32_t at)
{
    for (;;) {
        uint32_t smallest = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < budget->count; child++) {
            if (is_smaller(&budget->picks[child], &budget->picks[smallest]))
                smallest = child;
        }
        if (smallest == at)
            return;
        swap(&budget->picks[at], &budget->picks[smallest]);
        at = smallest;
    }
}

static enum ht_status grow(struct ht_budget *budget, struct ht_error *error)
{
    uint32_t capacity = budget->capacity > 0 ? budget->capacity * 2 : FIRST_CAPACITY;
    struct ht_pick *picks = realloc(budget->picks, capacity * sizeof *picks);
    if (picks == NULL)
        return ht_fail_memory(error, "the biggest of the trace");
    budget->picks = picks;
    budget->capacity = capacity;
    return HT_OK;
}

enum ht_status ht_budget_offer(struct ht_budget *budget, const struct ht_pick *pick,
                               struct ht_error *error)
{
    uint64_t order = budget->offered++;
    if (budget->count == budget->limit) {
        if (budget->count > 0 && compare_ranks(&budget->picks[0], pick) < 0) {
            budget->picks[0] = *pick;
            budget->picks[0].order = order;
            sift_down(budget, 0);
        }
        return HT_OK;
    }
    enum ht_status status = budget->count == budget->capacity ? grow(budget, error) : HT_OK;
    if (status == HT_OK) {
        budget->picks[budget->count] = *pick;
        budget->picks[budget->count].order = order;
        sift_up(budget, budget->count++);
    }
    return status;
}

static int compare_smaller(const void *left, const void *right)
{
    return is_smaller(left, right) ? 1 : -1;
}

void ht_budget_shrink(struct ht_budget *budget, uint32_t limit)
{
    if (budget->count <= limit)
        return;
    qsort(budget->picks, budget->count, sizeof *budget->picks, compare_smaller);
    budget->count = limit;
}

void ht_budget_restart(struct ht_budget *budget)
{
    budget->count = 0;
    budget->offered = 0;
}

struct ht_pick ht_pick_realloc(const struct ht_event *event)
{
    uint64_t copied = event->size < event->old_size ? event->size : event->old_size;
    if (ht_event_is_in_place(event) || event->address == 0)
        copied = 0;
    return (struct ht_pick){.rank = {copied, event->size}, .event = *event};
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
