// SPDX-License-Identifier: MIT
//
// Distinct values in order of first use: how a block of a .htape file numbers its shapes, threads
// and heaps, and what places addresses (compact_places.h) numbers its pools.
#ifndef HT_FORMATS_COMPACT_TABLE_H
#define HT_FORMATS_COMPACT_TABLE_H

#include "formats/limits.h"
#include "formats/mix.h"

// About 2 MB, of which a table of few values touches little. A value; zero it, then clear it.
struct ht_table {
    uint64_t values[HT_COMPACT_EVENTS_MAX];
    uint32_t count;
    uint32_t last;                             // index found last
    uint32_t mask;                             // of the slots in use, a power of two less one
    uint32_t slots[2 * HT_COMPACT_EVENTS_MAX]; // open addressing; index + 1, or 0
};

// Forgets all values.
void ht_table_clear(struct ht_table *table);

// ht_table_index without its short cut.
uint32_t ht_table_look_up(struct ht_table *table, uint64_t value);

// Index of a value, which the table gets when it is new. There is room for a value an event.
static inline uint32_t ht_table_index(struct ht_table *table, uint64_t value)
{
    if (table->count > 0 && table->values[table->last] == value)
        return table->last;
    return ht_table_look_up(table, value);
}

#endif
