// SPDX-License-Identifier: MIT
//
// Open addressing with linear steps. See the header.
#include "formats/picture_index.h"

#include "formats/mix.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void ht_picture_index_reset(struct ht_picture_index *index)
{
    free(index->slots);
    *index = (struct ht_picture_index){0};
}

// The slot of the pair, or the free one where it belongs. The table's own address takes part, so
// that no input can be made to collide; nothing that is written depends on the order of slots.
static uint32_t find_slot(const struct ht_picture_index *index, uint64_t key, uint32_t owner)
{
    uint64_t hash = ht_mix((key ^ (uintptr_t)index) + owner * 0x9E3779B97F4A7C15u);
    uint32_t slot = (uint32_t)(hash >> 32) & (index->capacity - 1);
    for (;; slot = (slot + 1) & (index->capacity - 1)) {
        const struct ht_picture_slot *found = &index->slots[slot];
        if (found->value == HT_PICTURE_NONE || (found->key == key && found->owner == owner))
            return slot;
    }
}

uint32_t ht_picture_index_find(const struct ht_picture_index *index, uint64_t key, uint32_t owner)
{
    if (index->capacity == 0)
        return HT_PICTURE_NONE;
    return index->slots[find_slot(index, key, owner)].value;
}

static enum ht_status grow(struct ht_picture_index *index, struct ht_error *error)
{
    struct ht_picture_slot *old = index->slots;
    uint32_t old_capacity = index->capacity;
    uint32_t capacity = old_capacity > 0 ? old_capacity * 2 : FIRST_CAPACITY;
    struct ht_picture_slot *slots = malloc(capacity * sizeof *slots);
    if (slots == NULL)
        return ht_fail_memory(error, "an index");
    for (uint32_t i = 0; i < capacity; i++)
        slots[i] = (struct ht_picture_slot){.value = HT_PICTURE_NONE};
    index->slots = slots;
    index->capacity = capacity;
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i].value != HT_PICTURE_NONE)
            slots[find_slot(index, old[i].key, old[i].owner)] = old[i];
    }
    free(old);
    return HT_OK;
}

enum ht_status ht_picture_index_put(struct ht_picture_index *index, uint64_t key, uint32_t owner,
                                    uint32_t value, struct ht_error *error)
{
    if (index->count >= index->capacity / 2) {
        enum ht_status status = grow(index, error);
        if (status != HT_OK)
            return status;
    }
    struct ht_picture_slot *slot = &index->slots[find_slot(index, key, owner)];
    index->count += slot->value == HT_PICTURE_NONE;
    *slot = (struct ht_picture_slot){key, owner, value};
    return HT_OK;
}
