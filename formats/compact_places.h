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
};

struct ht_pool {
    uint64_t last; // address placed last
    uint32_t top;  // the birth released last, plus one, or 0
};

// A value; zero it, make room, then clear it.
struct ht_places {
    struct ht_table spaces; // heaps of processes
    struct ht_table pools;  // size classes of a space
    struct ht_pool *pool;   // owned, as what follows
    struct ht_birth *births;
    // By birth, apart from the rest since the lists are walked: HT_BIRTH_NONE while it lives; once
    // it is released the birth released before it, plus one, or 0.
    uint32_t *next;
    uint32_t birth_count;
    uint32_t expected; // the birth behind the one named last
    uint64_t end;      // of the heap block placed last
};

// Makes room for a block of so many events, a power of two of at least HT_TABLE_ROOM_MIN, in place
// of the room there was: 76 bytes each. False without memory; then the places are to be freed.
bool ht_places_make_room(struct ht_places *places, uint32_t events);
void ht_places_free(struct ht_places *places);

void ht_places_clear(struct ht_places *places);

static inline bool ht_places_is_live(const struct ht_places *places, uint64_t birth)
{
    return places->next[birth] == HT_BIRTH_NONE;
}

// Number of a heap of a process; `heap` is its index in the block.
static inline uint32_t ht_places_space(struct ht_places *places, uint32_t pid, uint32_t heap)
{
    return ht_table_index(&places->spaces, (uint64_t)heap << 32 | pid);
}

// The space of a pool.
static inline uint32_t ht_pool_space(const struct ht_places *places, uint32_t pool)
{
    return (uint32_t)(places->pools.values[pool] >> HT_POOL_CLASS_BITS);
}

static inline uint64_t ht_place_grains(uint64_t size)
{
    return size / HT_PLACE_GRAIN + (size % HT_PLACE_GRAIN != 0);
}

// The pool for heap blocks of a size.
static inline uint32_t ht_places_pool(struct ht_places *places, uint32_t space, uint64_t size)
{
    const uint64_t class_max = UINT64_C(1) << (HT_POOL_CLASS_BITS - 1);
    uint64_t class = ht_place_grains(size) < class_max ? ht_place_grains(size) : class_max;
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
    return place == HT_PLACE_AT_END
               ? places->end
               : places->pool[pool].last + ht_place_grains(size) * HT_PLACE_GRAIN;
}

// Takes a birth out of its pool. The link to it is that of the pool, or of the birth released
// behind it.
static inline uint32_t ht_places_unlink(struct ht_places *places, uint32_t *link)
{
    uint32_t birth = *link - 1;
    *link = places->next[birth];
    places->next[birth] = 0;
    return birth;
}

// Takes the address of a rank out of its pool. False when the pool has none of that rank.
static inline bool ht_places_take(struct ht_places *places, uint32_t pool, uint32_t rank,
                                  uint64_t *address)
{
    uint32_t *link = &places->pool[pool].top;
    for (; rank > 0 && *link != 0; rank--)
        link = &places->next[*link - 1];
    if (*link == 0)
        return false;
    *address = places->births[ht_places_unlink(places, link)].address;
    return true;
}

// A heap block begins. There is room for a birth an event.
static inline void ht_places_bear(struct ht_places *places, uint32_t pool, uint64_t address,
                                  uint64_t size)
{
    places->next[places->birth_count] = HT_BIRTH_NONE;
    places->births[places->birth_count++] = (struct ht_birth){address, size, pool};
    places->pool[pool].last = address;
    places->end = address + ht_place_grains(size) * HT_PLACE_GRAIN;
}

// A live birth ends.
static inline void ht_places_release(struct ht_places *places, uint32_t birth)
{
    struct ht_pool *pool = &places->pool[places->births[birth].pool];
    places->next[birth] = pool->top;
    pool->top = birth + 1;
}

#endif
