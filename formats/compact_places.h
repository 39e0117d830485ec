// SPDX-License-Identifier: MIT
//
// What both ends of a .htape file know of the heaps while they go through a block of events: the
// heap blocks that began in it, numbered in order ("births"), and by size class the addresses that
// were released ("pools"). With it a free is the number of a birth, and the address of a new heap
// block mostly a small number too. docs/formats/htape.md, section 5, gives the rules.
#ifndef HT_FORMATS_COMPACT_PLACES_H
#define HT_FORMATS_COMPACT_PLACES_H

#include "formats/compact_table.h"

// The values of the column `place`.
enum ht_place {
    HT_PLACE_AT_END = 0,  // an offset from the end of the heap block placed last
    HT_PLACE_IN_POOL = 1, // an offset from the end of the one placed last in the pool
    HT_PLACE_FIRST_RANK = 2,
    HT_PLACE_RANKS = 64, // so many released addresses of a pool can be named
};

enum {
    HT_POOL_CLASS_BITS = 41, // of a pool's value in its table; the space is above
    HT_PLACE_GRAIN = 8,      // sizes are rounded up to it
};

#define HT_BIRTH_NONE UINT32_MAX

struct ht_birth {
    uint64_t address;
    uint64_t size;
    uint32_t pool;
    uint32_t space : 31;
    uint32_t is_live : 1;
};

// The births released are a part of ht_places.released, the last one on top.
struct ht_pool {
    uint64_t last; // address placed last
    uint32_t bottom;
    uint32_t count;
    uint32_t room;
};

// A value; zero it, make room, then clear it.
struct ht_places {
    struct ht_table spaces; // heaps of processes
    struct ht_table pools;  // size classes of a space
    struct ht_pool *pool;   // owned, as what follows
    struct ht_birth *births;
    uint32_t *released; // of all pools; what one outgrows is not used again
    uint32_t released_end;
    uint32_t birth_count;
    uint32_t expected; // the birth behind the one named last
    uint64_t end;      // of the heap block placed last
};

// Makes room for a block of so many events, a power of two of at least HT_TABLE_ROOM_MIN, in place
// of the room there was: 96 bytes each. False without memory; then the places are to be freed.
bool ht_places_make_room(struct ht_places *places, uint32_t events);
void ht_places_free(struct ht_places *places);

void ht_places_clear(struct ht_places *places);

static inline bool ht_places_is_live(const struct ht_places *places, uint64_t birth)
{
    return places->births[birth].is_live;
}

// Number of a heap of a process; `heap` is its index in the block.
static inline uint32_t ht_places_space(struct ht_places *places, uint32_t pid, uint32_t heap)
{
    return ht_table_index(&places->spaces, (uint64_t)heap << 32 | pid);
}

static inline uint64_t ht_place_grains(uint64_t size)
{
    return size / HT_PLACE_GRAIN + (size % HT_PLACE_GRAIN != 0);
}

// Where a heap block ends.
static inline uint64_t ht_place_end(uint64_t address, uint64_t size)
{
    return address + ((size + HT_PLACE_GRAIN - 1) & ~(uint64_t)(HT_PLACE_GRAIN - 1));
}

// The pool for heap blocks of a size.
static inline uint32_t ht_places_pool(struct ht_places *places, uint32_t space, uint64_t size)
{
    const uint64_t class_max = UINT64_C(1) << (HT_POOL_CLASS_BITS - 1);
    uint64_t grains = ht_place_grains(size);
    uint64_t class = grains < class_max ? grains : class_max;
    uint32_t count = places->pools.count;
    uint32_t pool = ht_table_index(&places->pools, (uint64_t)space << HT_POOL_CLASS_BITS | class);
    if (pool == count) // a new one
        places->pool[pool] = (struct ht_pool){0};
    return pool;
}

// Where a heap block would begin for an offset of 0. `place` is below HT_PLACE_FIRST_RANK.
static inline uint64_t ht_places_base(const struct ht_places *places, uint32_t pool,
                                      enum ht_place place, uint64_t size)
{
    // Without a branch, which no processor would foresee.
    uint64_t in_pool = ht_place_end(places->pool[pool].last, size);
    return in_pool ^ ((in_pool ^ places->end) & (0 - (uint64_t)(place == HT_PLACE_AT_END)));
}

// The birth of a rank in a pool that has one: 0 is the one released last.
static inline uint32_t *ht_places_ranked(struct ht_places *places, const struct ht_pool *pool,
                                         uint32_t rank)
{
    return &places->released[pool->bottom + pool->count - 1 - rank];
}

// Takes the birth of a rank out of its pool, which has one.
static inline uint32_t ht_places_take(struct ht_places *places, uint32_t pool, uint32_t rank)
{
    uint32_t *at = ht_places_ranked(places, &places->pool[pool], rank);
    uint32_t birth = *at;
    for (; rank > 0; rank--, at++)
        at[0] = at[1];
    places->pool[pool].count--;
    return birth;
}

// A heap block begins. There is room for a birth an event.
static inline void ht_places_bear(struct ht_places *places, uint32_t space, uint32_t pool,
                                  uint64_t address, uint64_t size)
{
    places->births[places->birth_count++] =
        (struct ht_birth){address, size, pool, space & INT32_MAX, true};
    places->pool[pool].last = address;
    places->end = ht_place_end(address, size);
}

// Gives a pool that is full twice the room.
void ht_places_grow_pool(struct ht_places *places, struct ht_pool *pool);

// A live birth ends.
static inline void ht_places_release(struct ht_places *places, uint32_t birth)
{
    struct ht_pool *pool = &places->pool[places->births[birth].pool];
    places->births[birth].is_live = false;
    if (pool->count == pool->room)
        ht_places_grow_pool(places, pool);
    places->released[pool->bottom + pool->count++] = birth;
}

#endif
