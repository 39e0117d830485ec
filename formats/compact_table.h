// SPDX-License-Identifier: MIT
//
// Distinct values in order of first use: how a block of a .htape file numbers its shapes, threads
// and heaps, and what places addresses (compact_places.h) numbers its pools.
#ifndef HT_FORMATS_COMPACT_TABLE_H
#define HT_FORMATS_COMPACT_TABLE_H

#include "formats/limits.h"

#include <stdbool.h>

enum { HT_TABLE_ROOM_MIN = 32 };

// A value; zero it, make room, then clear it.
struct ht_table {
    uint64_t *values; // owned
    uint32_t count;
    uint32_t mask;   // of the slots in use, a power of two less one
    uint32_t shift;  // of a 64-bit hash, to a slot
    uint32_t *slots; // owned; open addressing; index + 1, or 0
};

// Makes room for so many values, a power of two of at least HT_TABLE_ROOM_MIN, in place of the room
// and the values there were: 16 bytes each. False without memory; then the table is to be freed.
bool ht_table_make_room(struct ht_table *table, uint32_t count);
void ht_table_free(struct ht_table *table);

// Forgets all values.
void ht_table_clear(struct ht_table *table);

// Adds a value that the table has not.
uint32_t ht_table_add(struct ht_table *table, uint64_t value);

// Where a value is in the slots, or would be. Files are not to choose values that meet in one slot:
// where the table lies cannot be known.
static inline uint32_t ht_table_find(const struct ht_table *table, uint64_t value)
{
    uint64_t multiplier = (uintptr_t)table * 0x9E3779B97F4A7C15u | 1;
    uint32_t slot = (uint32_t)(value * multiplier >> table->shift);
    while (table->slots[slot] != 0 && table->values[table->slots[slot] - 1] != value)
        slot = (slot + 1) & table->mask;
    return slot;
}

// Index of a value, which the table gets when it is new. There is room for it.
static inline uint32_t ht_table_index(struct ht_table *table, uint64_t value)
{
    uint32_t found = table->slots[ht_table_find(table, value)];
    return found != 0 ? found - 1 : ht_table_add(table, value);
}

#endif
