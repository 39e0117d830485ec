// SPDX-License-Identifier: MIT
//
// Slots: a hash that finds an entry of the caller's array by its key. It holds only indices and
// half a hash of each key (the tag); the keys stay in the array, where the caller compares them.
// Open addressing with linear probing, at most three quarters full, no tombstones: 8 bytes a slot.
#ifndef HT_CONVERT_SLOTS_H
#define HT_CONVERT_SLOTS_H

#include "formats/error.h"
#include "formats/mix.h"

#include <stdint.h>

#define HT_SLOT_NONE UINT32_MAX

struct ht_slots {
    uint64_t *slots; // tag above, index + 1 below; 0 is empty. Owned
    uint32_t mask;   // number of slots - 1, the number being a power of two
    uint32_t used;
};

enum ht_status ht_slots_init(struct ht_slots *slots, struct ht_error *error);
void ht_slots_reset(struct ht_slots *slots);

// The index in a slot that ht_slots_first or ht_slots_next gave.
static inline uint32_t ht_slots_index(const struct ht_slots *slots, uint32_t slot)
{
    return (uint32_t)slots->slots[slot] - 1;
}

// The first slot of this tag from `slot` on, or HT_SLOT_NONE.
static inline uint32_t ht_slots_from(const struct ht_slots *slots, uint32_t tag, uint32_t slot)
{
    for (;; slot = (slot + 1) & slots->mask) {
        uint64_t found = slots->slots[slot];
        if (found == 0)
            return HT_SLOT_NONE;
        if (found >> 32 == tag)
            return slot;
    }
}

// The slots of a tag, one after the other, until HT_SLOT_NONE. Different keys may share a tag.
static inline uint32_t ht_slots_first(const struct ht_slots *slots, uint32_t tag)
{
    return ht_slots_from(slots, tag, tag & slots->mask);
}

static inline uint32_t ht_slots_next(const struct ht_slots *slots, uint32_t tag, uint32_t slot)
{
    return ht_slots_from(slots, tag, (slot + 1) & slots->mask);
}

// Adds an index (below 2^30) under a tag. On HT_MEMORY nothing has changed.
enum ht_status ht_slots_add(struct ht_slots *slots, uint32_t tag, uint32_t index,
                            struct ht_error *error);

// Removes what a slot holds, or puts it under another tag. Slots got before may hold others then.
void ht_slots_remove(struct ht_slots *slots, uint32_t slot);
void ht_slots_move(struct ht_slots *slots, uint32_t slot, uint32_t tag);

#endif
