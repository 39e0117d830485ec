// SPDX-License-Identifier: MIT
//
// Pids of merged recordings. See the header.
#include "convert/pids.h"

#include "formats/limits.h"

#include <stdlib.h>

enum { PID_STEP = 100000000 };

#define PID_UNKNOWN UINT32_MAX

struct ht_pid {
    uint32_t part;
    uint32_t pid;
    uint32_t given;
};

enum ht_status ht_pids_init(struct ht_pids *pids, struct ht_error *error)
{
    *pids = (struct ht_pids){0};
    enum ht_status status = ht_slots_init(&pids->given, error);
    return status == HT_OK ? ht_slots_init(&pids->taken, error) : status;
}

void ht_pids_reset(struct ht_pids *pids)
{
    free(pids->pids);
    ht_slots_reset(&pids->given);
    ht_slots_reset(&pids->taken);
    *pids = (struct ht_pids){0};
}

static uint32_t tag_of(uint32_t part, uint32_t pid)
{
    return (uint32_t)(ht_mix((uint64_t)part << 32 | pid) >> 32);
}

// The slot of a pid in the merged recording, or the empty one where it would be.
static uint32_t slot_of_given(const struct ht_pids *pids, uint32_t given)
{
    const struct ht_slots *slots = &pids->taken;
    uint32_t tag = tag_of(0, given);
    uint32_t slot = ht_slots_first(slots, tag);
    while (!ht_slots_is_empty(slots, slot) &&
           pids->pids[ht_slots_index(slots, slot)].given != given)
        slot = ht_slots_next(slots, tag, slot);
    return slot;
}

static enum ht_status reserve(struct ht_pids *pids, struct ht_error *error)
{
    if (pids->count == HT_DICT_PROCESSES_MAX)
        return ht_fail(error, HT_LIMIT, "more than %d processes", HT_DICT_PROCESSES_MAX);
    if (pids->count == pids->capacity) {
        uint32_t capacity = pids->capacity > 0 ? pids->capacity * 2 : 16;
        struct ht_pid *grown = realloc(pids->pids, capacity * sizeof *grown);
        if (grown == NULL)
            return ht_fail_memory(error, "the processes");
        pids->pids = grown;
        pids->capacity = capacity;
    }
    enum ht_status status = ht_slots_reserve(&pids->given, error);
    return status == HT_OK ? ht_slots_reserve(&pids->taken, error) : status;
}

// Gives a pid of a recording, whose empty slot this is, its number in the merged one.
static void add(struct ht_pids *pids, uint32_t slot, uint32_t part, uint32_t pid)
{
    uint32_t given = pid;
    uint32_t taken = slot_of_given(pids, given);
    // Modulo 2^32 the steps go through 2^24 pids, of which one is free.
    while (given == PID_UNKNOWN || !ht_slots_is_empty(&pids->taken, taken)) {
        given += PID_STEP;
        taken = slot_of_given(pids, given);
    }
    ht_slots_put(&pids->given, slot, tag_of(part, pid), pids->count);
    ht_slots_put(&pids->taken, taken, tag_of(0, given), pids->count);
    pids->last = pids->count++;
    pids->pids[pids->last] = (struct ht_pid){part, pid, given};
}

static bool is(const struct ht_pid *entry, uint32_t part, uint32_t pid)
{
    return entry->part == part && entry->pid == pid;
}

static enum ht_status find(struct ht_pids *pids, uint32_t part, uint32_t pid,
                           struct ht_error *error)
{
    if (pids->count > 0 && is(&pids->pids[pids->last], part, pid))
        return HT_OK;
    enum ht_status status = reserve(pids, error);
    if (status != HT_OK)
        return status;
    uint32_t tag = tag_of(part, pid);
    uint32_t slot = ht_slots_first(&pids->given, tag);
    for (; !ht_slots_is_empty(&pids->given, slot); slot = ht_slots_next(&pids->given, tag, slot)) {
        pids->last = ht_slots_index(&pids->given, slot);
        if (is(&pids->pids[pids->last], part, pid))
            return HT_OK;
    }
    add(pids, slot, part, pid);
    return HT_OK;
}

enum ht_status ht_pids_map(struct ht_pids *pids, uint32_t part, uint32_t *pid,
                           struct ht_error *error)
{
    if (*pid == PID_UNKNOWN)
        return HT_OK;
    enum ht_status status = find(pids, part, *pid, error);
    if (status == HT_OK)
        *pid = pids->pids[pids->last].given;
    return status;
}
