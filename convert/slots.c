// SPDX-License-Identifier: MIT
//
// Slots: growing, adding and removing. See the header.
#include "convert/slots.h"

#include <stdlib.h>

enum { FIRST_BITS = 6 };

enum ht_status ht_slots_init(struct ht_slots *slots, struct ht_error *error)
{
    *slots = (struct ht_slots){.mask = (1 << FIRST_BITS) - 1, .shift = 32 - FIRST_BITS};
    slots->slots = calloc((size_t)slots->mask + 1, sizeof *slots->slots);
    return slots->slots != NULL ? HT_OK : ht_fail_memory(error, "a hash");
}

void ht_slots_reset(struct ht_slots *slots)
{
    free(slots->slots);
    *slots = (struct ht_slots){0};
}

static void put(struct ht_slots *slots, uint64_t content)
{
    uint32_t slot = (uint32_t)(content >> 32) >> slots->shift;
    while (slots->slots[slot] != 0)
        slot = (slot + 1) & slots->mask;
    slots->slots[slot] = content;
    slots->used++;
}

enum ht_status ht_slots_reserve(struct ht_slots *slots, struct ht_error *error)
{
    if (slots->used < slots->mask / 4 * 3)
        return HT_OK;
    size_t count = ((size_t)slots->mask + 1) * 2;
    struct ht_slots grown = {.mask = (uint32_t)(count - 1), .shift = slots->shift - 1};
    grown.slots = calloc(count, sizeof *grown.slots);
    if (grown.slots == NULL)
        return ht_fail_memory(error, "a hash");
    for (size_t slot = 0; slot <= slots->mask; slot++)
        if (slots->slots[slot] != 0)
            put(&grown, slots->slots[slot]);
    free(slots->slots);
    *slots = grown;
    return HT_OK;
}

// Fills the hole with the next entry that may stand there, then that one's hole, up to the end of
// the run: so a search never has to step over a removed entry.
void ht_slots_remove(struct ht_slots *slots, uint32_t slot)
{
    uint32_t mask = slots->mask;
    uint32_t hole = slot;
    for (uint32_t next = (hole + 1) & mask; slots->slots[next] != 0; next = (next + 1) & mask) {
        uint32_t home = (uint32_t)(slots->slots[next] >> 32) >> slots->shift;
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            slots->slots[hole] = slots->slots[next];
            hole = next;
        }
    }
    slots->slots[hole] = 0;
    slots->used--;
}
