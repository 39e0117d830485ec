// SPDX-License-Identifier: MIT
//
// Pages with live blocks. See the header. Open addressing with linear steps, without tombstones.
#include "formats/picture_pages.h"

#include "formats/mix.h"

#include <stdbool.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 1024, PAGE_LOG2 = 12, SPACE_SHIFT = 64 - PAGE_LOG2 };

void ht_picture_pages_reset(struct ht_picture_pages *pages)
{
    free(pages->table);
    *pages = (struct ht_picture_pages){0};
}

static uint64_t key_of(uint32_t space, uint64_t page)
{
    return page | (uint64_t)space << SPACE_SHIFT;
}

// The table's own address takes part, so that no input can be made to collide.
static uint32_t home_of(const struct ht_picture_pages *pages, uint64_t key)
{
    return (uint32_t)(ht_mix(key ^ (uintptr_t)pages) >> 32) & pages->mask;
}

// The slot of the key, or the free one where it belongs.
static uint32_t find(const struct ht_picture_pages *pages, uint64_t key)
{
    uint32_t slot = home_of(pages, key);
    while (pages->table[slot].blocks > 0 && pages->table[slot].key != key)
        slot = (slot + 1) & pages->mask;
    return slot;
}

// False when there is no memory.
static bool grow(struct ht_picture_pages *pages)
{
    size_t capacity = pages->table != NULL ? ((size_t)pages->mask + 1) * 2 : FIRST_CAPACITY;
    struct ht_picture_page *table = calloc(capacity, sizeof *table);
    if (table == NULL)
        return false;
    struct ht_picture_page *old = pages->table;
    size_t old_capacity = old != NULL ? (size_t)pages->mask + 1 : 0;
    pages->table = table;
    pages->mask = (uint32_t)(capacity - 1);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].blocks > 0)
            pages->table[find(pages, old[i].key)] = old[i];
    }
    free(old);
    return true;
}

// 1 when the page holds its first block, else 0.
static uint64_t hold(struct ht_picture_pages *pages, uint64_t key)
{
    struct ht_picture_page *page = &pages->table[find(pages, key)];
    page->key = key;
    page->blocks++;
    pages->used += page->blocks == 1;
    return page->blocks == 1 ? 1 : 0;
}

// Closes the gap that a removed page leaves: what stands behind it moves up to where its own place
// is not behind the gap.
static void close_gap(struct ht_picture_pages *pages, uint32_t gap)
{
    for (uint32_t slot = (gap + 1) & pages->mask; pages->table[slot].blocks > 0;
         slot = (slot + 1) & pages->mask) {
        uint32_t home = home_of(pages, pages->table[slot].key);
        if (((slot - home) & pages->mask) < ((slot - gap) & pages->mask))
            continue;
        pages->table[gap] = pages->table[slot];
        pages->table[slot].blocks = 0;
        gap = slot;
    }
}

// 1 when the page held its last block, else 0.
static uint64_t release(struct ht_picture_pages *pages, uint64_t key)
{
    uint32_t slot = find(pages, key);
    if (pages->table[slot].blocks == 0 || --pages->table[slot].blocks > 0)
        return 0;
    pages->used--;
    close_gap(pages, slot);
    return 1;
}

static uint64_t last_page(uint64_t address, uint64_t size)
{
    uint64_t last = address + (size - 1);
    return (last >= address ? last : UINT64_MAX) >> PAGE_LOG2;
}

enum ht_status ht_picture_pages_add(struct ht_picture_pages *pages, uint32_t space,
                                    uint64_t address, uint64_t size, uint64_t *count,
                                    struct ht_error *error)
{
    if (size == 0)
        return HT_OK;
    bool is_full = pages->table == NULL || pages->used + 2 > pages->mask / 2;
    if (is_full && !grow(pages))
        return ht_fail_memory(error, "the pages");
    uint64_t first = address >> PAGE_LOG2;
    uint64_t last = last_page(address, size);
    *count += hold(pages, key_of(space, first));
    if (last > first)
        *count += hold(pages, key_of(space, last)) + (last - first - 1);
    return HT_OK;
}

void ht_picture_pages_remove(struct ht_picture_pages *pages, uint32_t space, uint64_t address,
                             uint64_t size, uint64_t *count)
{
    if (size == 0 || pages->table == NULL)
        return;
    uint64_t first = address >> PAGE_LOG2;
    uint64_t last = last_page(address, size);
    *count -= release(pages, key_of(space, first));
    if (last > first)
        *count -= release(pages, key_of(space, last)) + (last - first - 1);
}
