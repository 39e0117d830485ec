// SPDX-License-Identifier: MIT
//
// Births and pools. See the header.
#include "formats/compact_places.h"

static const uint64_t GRAIN = 8; // sizes are rounded up to it
static const uint64_t CLASS_MAX = UINT64_C(1) << (HT_POOL_CLASS_BITS - 1);

void ht_places_clear(struct ht_places *places)
{
    ht_table_clear(&places->spaces);
    ht_table_clear(&places->pools);
    places->birth_count = 0;
    places->expected = 0;
    places->end = 0;
}

static uint64_t grains(uint64_t size)
{
    return size / GRAIN + (size % GRAIN != 0);
}

uint32_t ht_places_pool(struct ht_places *places, uint32_t space, uint64_t size)
{
    uint64_t class = grains(size) < CLASS_MAX ? grains(size) : CLASS_MAX;
    uint32_t count = places->pools.count;
    uint32_t pool = ht_table_index(&places->pools, (uint64_t)space << HT_POOL_CLASS_BITS | class);
    if (pool == count) // a new one
        places->pool[pool] = (struct ht_pool){0};
    return pool;
}

uint64_t ht_places_base(const struct ht_places *places, uint32_t pool, enum ht_place place,
                        uint64_t size)
{
    return place == HT_PLACE_AT_END ? places->end : places->pool[pool].last + grains(size) * GRAIN;
}

uint32_t ht_places_rank(const struct ht_places *places, uint32_t pool, uint64_t address)
{
    uint32_t at = places->pool[pool].top;
    for (uint32_t rank = 0; at != 0 && rank < HT_PLACE_RANKS; rank++) {
        const struct ht_birth *birth = &places->births[at - 1];
        if (birth->address == address)
            return rank;
        at = birth->next;
    }
    return HT_BIRTH_NONE;
}

bool ht_places_take(struct ht_places *places, uint32_t pool, uint32_t rank, uint64_t *address)
{
    uint32_t *link = &places->pool[pool].top;
    for (; rank > 0 && *link != 0; rank--)
        link = &places->births[*link - 1].next;
    if (*link == 0)
        return false;
    struct ht_birth *birth = &places->births[*link - 1];
    *link = birth->next;
    birth->next = 0;
    *address = birth->address;
    return true;
}

void ht_places_bear(struct ht_places *places, uint32_t pool, uint64_t address, uint64_t size)
{
    places->births[places->birth_count++] = (struct ht_birth){address, size, pool, HT_BIRTH_NONE};
    places->pool[pool].last = address;
    places->end = address + grains(size) * GRAIN;
}

void ht_places_release(struct ht_places *places, uint32_t birth)
{
    struct ht_birth *released = &places->births[birth];
    struct ht_pool *pool = &places->pool[released->pool];
    released->next = pool->top;
    pool->top = birth + 1;
}
