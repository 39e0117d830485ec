// SPDX-License-Identifier: MIT
//
// Selection of the biggest. See the header.
#include "formats/budget.h"

#include "formats/mix.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

enum key_number { KEY_RANK, KEY_ORDER }; // the first rank

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

static void swap(struct ht_budget_key *a, struct ht_budget_key *b)
{
    struct ht_budget_key key = *a;
    *a = *b;
    *b = key;
}

// Moves keys that are larger than the first one before all others, and that one between them.
// Returns its place. No two keys are equal.
static uint32_t divide(struct ht_budget_key *keys, uint32_t count)
{
    uint32_t larger = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (is_smaller(&keys[0], &keys[i]))
            swap(&keys[i], &keys[++larger]);
    }
    swap(&keys[0], &keys[larger]);
    return larger;
}

// Moves the largest `wanted` of the keys before the others, the smallest of them last. Pivots are
// random, so that no input can make it slow.
static void select_largest(struct ht_budget_key *keys, uint32_t count, uint32_t wanted)
{
    uint64_t random = (uintptr_t)keys;
    while (count > 1) {
        random = ht_mix(random + count);
        swap(&keys[0], &keys[random % count]);
        uint32_t place = divide(keys, count);
        if (place + 1 == wanted)
            return;
        if (place + 1 > wanted) {
            count = place;
            continue;
        }
        keys += place + 1;
        count -= place + 1;
        wanted -= place + 1;
    }
}

static void drop(struct ht_budget *budget)
{
    select_largest(budget->keys, budget->count, budget->limit);
    budget->count = budget->limit;
    budget->has_least = true;
    budget->least[0] = budget->keys[budget->limit - 1].rank[0];
    budget->least[1] = budget->keys[budget->limit - 1].rank[1];
}

// Makes room for a pick. At its full size it is the limit and a quarter.
static enum ht_status reserve(struct ht_budget *budget, struct ht_error *error)
{
    uint32_t room = budget->limit + budget->limit / 4 + 1;
    if (budget->count < budget->capacity)
        return HT_OK;
    if (budget->capacity == room) {
        drop(budget);
        return HT_OK;
    }
    uint32_t capacity = budget->capacity > 0 ? budget->capacity * 2 : FIRST_CAPACITY;
    capacity = capacity < room ? capacity : room;
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
    enum ht_status status = reserve(budget, error);
    if (status != HT_OK)
        return status;
    struct ht_budget_key *key = &budget->keys[budget->count]; // of a dropped pick, or none
    uint32_t at = budget->count < budget->used ? key->at : budget->used++;
    *key = (struct ht_budget_key){{pick->rank[0], pick->rank[1]}, budget->offered++, at};
    budget->picks[at] = *pick;
    budget->picks[at].order = key->order;
    budget->count++;
    return HT_OK;
}

void ht_budget_settle(struct ht_budget *budget)
{
    if (budget->count > budget->limit)
        drop(budget);
    uint32_t dropped = budget->count;
    for (uint32_t i = 0; i < budget->count; i++) {
        if (budget->keys[i].at < budget->count)
            continue;
        while (budget->keys[dropped].at >= budget->count)
            dropped++;
        uint32_t at = budget->keys[dropped].at;
        budget->picks[at] = budget->picks[budget->keys[i].at];
        budget->keys[dropped].at = budget->keys[i].at;
        budget->keys[i].at = at;
    }
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
    ht_budget_settle(budget);
    if (budget->count <= limit)
        return;
    qsort(budget->picks, budget->count, sizeof *budget->picks, compare_larger);
    budget->count = limit;
    for (uint32_t i = 0; i < limit; i++) {
        const struct ht_pick *pick = &budget->picks[i];
        budget->keys[i] = (struct ht_budget_key){{pick->rank[0], pick->rank[1]}, pick->order, i};
    }
}

static uint64_t number_of(const struct ht_budget_key *key, enum key_number number)
{
    return number == KEY_RANK ? key->rank[0] : key->order;
}

// Puts keys into `to` in the order of one digit of a number of theirs; those of equal digits stay
// in theirs.
static void sort_by_digit(const struct ht_budget_key *keys, uint32_t count, enum key_number number,
                          unsigned shift, struct ht_budget_key *to)
{
    uint32_t places[DIGITS + 1] = {0};
    for (uint32_t i = 0; i < count; i++)
        places[(number_of(&keys[i], number) >> shift) % DIGITS + 1]++;
    for (uint32_t digit = 1; digit <= DIGITS; digit++)
        places[digit] += places[digit - 1];
    for (uint32_t i = 0; i < count; i++)
        to[places[(number_of(&keys[i], number) >> shift) % DIGITS]++] = keys[i];
}

// Sorts keys by a number of theirs; those of equal numbers stay in their order. `room` and `keys`
// may change places.
static void sort_by(struct ht_budget_key **keys, struct ht_budget_key **room, uint32_t count,
                    enum key_number number)
{
    uint64_t bits = 0; // that any of them has
    for (uint32_t i = 0; i < count; i++)
        bits |= number_of(&(*keys)[i], number);
    for (unsigned shift = 0; shift < 64 && bits >> shift != 0; shift += DIGIT_BITS) {
        sort_by_digit(*keys, count, number, shift, *room);
        struct ht_budget_key *sorted = *room;
        *room = *keys;
        *keys = sorted;
    }
}

enum ht_status ht_budget_order(struct ht_budget *budget, int64_t base_ns, struct ht_error *error)
{
    ht_budget_settle(budget);
    if (budget->count == 0)
        return HT_OK;
    struct ht_budget_key *room = malloc(budget->capacity * sizeof *room);
    if (room == NULL)
        return ht_fail_memory(error, "the biggest of the trace");
    for (uint32_t i = 0; i < budget->count; i++) {
        const struct ht_pick *pick = &budget->picks[i];
        uint64_t since = (uint64_t)pick->event.time_ns - (uint64_t)base_ns;
        budget->keys[i] = (struct ht_budget_key){{since, 0}, pick->order, i};
    }
    sort_by(&budget->keys, &room, budget->count, KEY_ORDER);
    sort_by(&budget->keys, &room, budget->count, KEY_RANK);
    free(room);
    return HT_OK;
}

void ht_budget_restart(struct ht_budget *budget)
{
    budget->count = 0;
    budget->used = 0;
    budget->has_least = false;
    budget->least[0] = budget->least[1] = 0;
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
    ht_budget_settle(budget);
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
