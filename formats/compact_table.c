// SPDX-License-Identifier: MIT
//
// Tables of distinct values. See the header.
#include "formats/compact_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BITS = 6 };
static_assert(2 * HT_TABLE_ROOM_MIN == 1 << FIRST_BITS, "the first slots have room");

bool ht_table_make_room(struct ht_table *table, uint32_t count)
{
    ht_table_free(table);
    table->values = malloc(count * sizeof *table->values);
    table->slots = malloc(2 * count * sizeof *table->slots);
    return table->values != NULL && table->slots != NULL;
}

void ht_table_free(struct ht_table *table)
{
    free(table->values);
    free(table->slots);
    *table = (struct ht_table){0};
}

static void use_slots(struct ht_table *table, uint32_t bits)
{
    table->mask = ((uint32_t)1 << bits) - 1;
    table->shift = 64 - bits;
    memset(table->slots, 0, ((size_t)table->mask + 1) * sizeof *table->slots);
}

void ht_table_clear(struct ht_table *table)
{
    table->count = 0;
    use_slots(table, FIRST_BITS);
}

static void grow(struct ht_table *table)
{
    use_slots(table, 64 - table->shift + 1);
    for (uint32_t i = 0; i < table->count; i++)
        table->slots[ht_table_find(table, table->values[i])] = i + 1;
}

uint32_t ht_table_add(struct ht_table *table, uint64_t value)
{
    if (table->count > table->mask / 2)
        grow(table);
    uint32_t slot = ht_table_find(table, value);
    table->values[table->count++] = value;
    table->slots[slot] = table->count;
    return table->count - 1;
}
