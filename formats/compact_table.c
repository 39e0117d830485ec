// SPDX-License-Identifier: MIT
//
// Tables of distinct values. See the header.
#include "formats/compact_table.h"

#include <string.h>

enum { FIRST_SLOTS = 64 };

// Files are not to choose values that meet in one slot: where the table lies cannot be known.
static uint32_t slot_of(const struct ht_table *table, uint64_t value)
{
    return (uint32_t)ht_mix(value + (uintptr_t)table) & table->mask;
}

static void use_slots(struct ht_table *table, uint32_t count)
{
    table->mask = count - 1;
    memset(table->slots, 0, count * sizeof *table->slots);
}

void ht_table_clear(struct ht_table *table)
{
    table->count = 0;
    table->last = 0;
    use_slots(table, FIRST_SLOTS);
}

static uint32_t find(const struct ht_table *table, uint64_t value)
{
    uint32_t slot = slot_of(table, value);
    while (table->slots[slot] != 0 && table->values[table->slots[slot] - 1] != value)
        slot = (slot + 1) & table->mask;
    return slot;
}

static void grow(struct ht_table *table)
{
    use_slots(table, 2 * (table->mask + 1));
    for (uint32_t i = 0; i < table->count; i++)
        table->slots[find(table, table->values[i])] = i + 1;
}

uint32_t ht_table_look_up(struct ht_table *table, uint64_t value)
{
    uint32_t slot = find(table, value);
    if (table->slots[slot] == 0) {
        if (table->count > table->mask / 2) {
            grow(table);
            slot = find(table, value);
        }
        table->values[table->count++] = value;
        table->slots[slot] = table->count;
    }
    table->last = table->slots[slot] - 1;
    return table->last;
}
