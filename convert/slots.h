// SPDX-License-Identifier: MIT
//
// Slots: a hash that finds an entry of the caller's array by its key. It holds only indices and
// half a hash of each key (the tag, its upper bits the best); the keys stay in the array, where the
// caller compares them.
// Open addressing with linear probing, at most three quarters full, no tombstones: 8 bytes a slot.
#ifndef HT_CONVERT_SLOTS_H
#define HT_CONVERT_SLOTS_H

#include "formats/error.h"
#include "formats/mix.h"

#include <stdbool.h>
#include <stdint.h>

struct ht_slots {
    uint64_t *slots; // tag above, index + 1 below; 0 is empty. Owned
    uint32_t mask;   // number of slots - 1, the number being a power of two
    uint32_t shift;  // of a tag, to its first slot
    uint32_t used;
};

enum ht_status ht_slots_init(struct ht_slots *slots, struct ht_error *error);
void ht_slots_reset(struct ht_slots *slots);

// A search goes through the slots of a tag, one after the other, up to an empty one, where an entry
// of that tag would be put. Different keys may share a tag.
//
//     uint32_t slot = ht_slots_first(slots, tag);
//     while (!ht_slots_is_empty(slots, slot) && !(the key of ht_slots_index(slots, slot) is it))
//         slot = ht_slots_next(slots, tag, slot);
static inline bool ht_slots_is_empty(const struct ht_slots *slots, uint32_t slot)
{
    return slots->slots[slot] == 0;
}

// The index in a slot that is not empty.
static inline uint32_t ht_slots_index(const struct ht_slots *slots, uint32_t slot)
{
    return (uint32_t)slots->slots[slot] - 1;
}

// The first slot from `slot` on that has this tag or is empty.
static inline uint32_t ht_slots_from(const struct ht_slots *slots, uint32_t tag, uint32_t slot)
{
    while (slots->slots[slot] != 0 && slots->slots[slot] >> 32 != tag)
        slot = (slot + 1) & slots->mask;
    return slot;
}

static inline uint32_t ht_slots_first(const struct ht_slots *slots, uint32_t tag)
{
    return ht_slots_from(slots, tag, tag >> slots->shift);
}

static inline uint32_t ht_slots_next(const struct ht_slots *slots, uint32_t tag, uint32_t slot)
{
    return ht_slots_from(slots, tag, (slot + 1) & slots->mask);
}

// Makes room for one entry more. Slots found before may hold others then. HT_MEMORY.
enum ht_status ht_slots_reserve(struct ht_slots *slots, struct ht_error *error);

// Puts an index (below 2^30) into the empty slot that a search for its tag ended at. There is room.
static inline void ht_slots_put(struct ht_slots *slots, uint32_t slot, uint32_t tag, uint32_t index)
{
    slots->slots[slot] = (uint64_t)tag << 32 | (index + 1);
    slots->used++;
}

// Empties a slot. Slots found before may hold others then.
void ht_slots_remove(struct ht_slots *slots, uint32_t slot);

#endif
