// SPDX-License-Identifier: MIT
//
// Slots: growing, adding and removing. See the header.
#include "convert/slots.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

enum ht_status ht_slots_init(struct ht_slots *slots, struct ht_error *error)
{
    *slots = (struct ht_slots){.mask = FIRST_SLOTS - 1};
    slots->slots = calloc(FIRST_SLOTS, sizeof *slots->slots);
    return slots->slots != NULL ? HT_OK : ht_fail_memory(error, "a hash");
}

void ht_slots_reset(struct ht_slots *slots)
{
    free(slots->slots);
    *slots = (struct ht_slots){0};
}

static void put(uint64_t *slots, uint32_t mask, uint64_t content)
{
    uint32_t slot = (uint32_t)(content >> 32) & mask;
    while (slots[slot] != 0)
        slot = (slot + 1) & mask;
    slots[slot] = content;
}

static enum ht_status grow(struct ht_slots *slots, struct ht_error *error)
{
    size_t count = ((size_t)slots->mask + 1) * 2;
    uint64_t *grown = calloc(count, sizeof *grown);
    if (grown == NULL)
        return ht_fail_memory(error, "a hash");
    uint32_t mask = (uint32_t)(count - 1);
    for (size_t slot = 0; slot <= slots->mask; slot++)
        if (slots->slots[slot] != 0)
            put(grown, mask, slots->slots[slot]);
    free(slots->slots);
    slots->slots = grown;
    slots->mask = mask;
    return HT_OK;
}

enum ht_status ht_slots_add(struct ht_slots *slots, uint32_t tag, uint32_t index,
                            struct ht_error *error)
{
    if (slots->used >= slots->mask / 4 * 3) {
        enum ht_status status = grow(slots, error);
        if (status != HT_OK)
            return status;
    }
    put(slots->slots, slots->mask, (uint64_t)tag << 32 | (index + 1));
    slots->used++;
    return HT_OK;
}

// Fills the hole with the next entry that may stand there, then that one's hole, up to the end of
// the run: so a search never has to step over a removed entry.
void ht_slots_remove(struct ht_slots *slots, uint32_t slot)
{
    uint32_t mask = slots->mask;
    uint32_t hole = slot;
    for (uint32_t next = (hole + 1) & mask; slots->slots[next] != 0; next = (next + 1) & mask) {
        uint32_t home = (uint32_t)(slots->slots[next] >> 32) & mask;
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            slots->slots[hole] = slots->slots[next];
            hole = next;
        }
    }
    slots->slots[hole] = 0;
    slots->used--;
}

void ht_slots_move(struct ht_slots *slots, uint32_t slot, uint32_t tag)
{
    uint32_t index = ht_slots_index(slots, slot);
    ht_slots_remove(slots, slot);
    put(slots->slots, slots->mask, (uint64_t)tag << 32 | (index + 1));
    slots->used++;
}
