// SPDX-License-Identifier: MIT
//
// Pages with live blocks. See the header. Open addressing with linear steps, without tombstones.
#include "formats/picture_pages.h"

#include "formats/mix.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 256,
    PAGE_LOG2 = 12,
    REGION_LOG2 = 3, // in pages
    SPACE_SHIFT = 64 - PAGE_LOG2 - REGION_LOG2,
};

static_assert(HT_PICTURE_REGION_PAGES == 1 << REGION_LOG2, "a region of pages");
static_assert(HT_PICTURE_SPACES < 1 << (PAGE_LOG2 + REGION_LOG2), "a key that is never 0");

void ht_picture_pages_reset(struct ht_picture_pages *pages)
{
    free(pages->table);
    *pages = (struct ht_picture_pages){0};
}

static uint64_t key_of(uint32_t space, uint64_t page)
{
    return (page >> REGION_LOG2 | (uint64_t)space << SPACE_SHIFT) + 1;
}

// The table's own address takes part, so that no input can be made to collide.
static uint32_t home_of(const struct ht_picture_pages *pages, uint64_t key)
{
    return (uint32_t)(ht_mix(key ^ (uintptr_t)pages) >> 32) & pages->mask;
}

// The region of the key, or the free slot where it belongs.
static struct ht_picture_region *find(const struct ht_picture_pages *pages, uint64_t key)
{
    uint32_t slot = home_of(pages, key);
    while (pages->table[slot].key != 0 && pages->table[slot].key != key)
        slot = (slot + 1) & pages->mask;
    return &pages->table[slot];
}

// False when there is no memory.
static bool grow(struct ht_picture_pages *pages)
{
    size_t capacity = pages->table != NULL ? ((size_t)pages->mask + 1) * 2 : FIRST_CAPACITY;
    struct ht_picture_region *table = calloc(capacity, sizeof *table);
    if (table == NULL)
        return false;
    struct ht_picture_region *old = pages->table;
    size_t old_capacity = old != NULL ? (size_t)pages->mask + 1 : 0;
    pages->table = table;
    pages->mask = (uint32_t)(capacity - 1);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != 0)
            *find(pages, old[i].key) = old[i];
    }
    free(old);
    return true;
}

// Closes the gap that a removed region leaves: what stands behind it moves up to where its own
// place is not behind the gap.
static void close_gap(struct ht_picture_pages *pages, uint32_t gap)
{
    for (uint32_t slot = (gap + 1) & pages->mask; pages->table[slot].key != 0;
         slot = (slot + 1) & pages->mask) {
        uint32_t home = home_of(pages, pages->table[slot].key);
        if (((slot - home) & pages->mask) < ((slot - gap) & pages->mask))
            continue;
        pages->table[gap] = pages->table[slot];
        gap = slot;
    }
    pages->table[gap].key = 0;
    pages->used--;
}

// One block more on a page. 1 when it is the first, else 0.
static uint64_t hold(struct ht_picture_region *region, uint64_t page)
{
    uint16_t *blocks = &region->blocks[page % HT_PICTURE_REGION_PAGES];
    *blocks = (uint16_t)(*blocks + (*blocks < UINT16_MAX));
    return *blocks == 1;
}

// One block less. 1 when it was the last, else 0.
static uint64_t release(struct ht_picture_region *region, uint64_t page)
{
    uint16_t *blocks = &region->blocks[page % HT_PICTURE_REGION_PAGES];
    bool is_held = *blocks > 0 && *blocks < UINT16_MAX;
    *blocks = (uint16_t)(*blocks - is_held);
    return is_held && *blocks == 0;
}

static struct ht_picture_region *enter(struct ht_picture_pages *pages, uint64_t key)
{
    struct ht_picture_region *region = find(pages, key);
    if (region->key == 0) {
        *region = (struct ht_picture_region){.key = key};
        pages->used++;
    }
    return region;
}

// Removes a region when no block is left on it.
static void leave(struct ht_picture_pages *pages, struct ht_picture_region *region)
{
    static const uint16_t none[HT_PICTURE_REGION_PAGES];
    if (memcmp(region->blocks, none, sizeof none) == 0)
        close_gap(pages, (uint32_t)(region - pages->table));
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
    uint64_t key = key_of(space, first);
    struct ht_picture_region *region = enter(pages, key);
    *count += hold(region, first);
    if (last == first)
        return HT_OK;
    if (key_of(space, last) != key)
        region = enter(pages, key_of(space, last));
    *count += hold(region, last) + (last - first - 1);
    return HT_OK;
}

// Takes a block from a page that it was on. 1 when it was the last there, else 0.
static uint64_t take(struct ht_picture_pages *pages, uint32_t space, uint64_t page)
{
    struct ht_picture_region *region = find(pages, key_of(space, page));
    if (region->key == 0)
        return 0;
    uint64_t is_last = release(region, page);
    if (is_last != 0)
        leave(pages, region);
    return is_last;
}

void ht_picture_pages_remove(struct ht_picture_pages *pages, uint32_t space, uint64_t address,
                             uint64_t size, uint64_t *count)
{
    if (size == 0 || pages->table == NULL)
        return;
    uint64_t first = address >> PAGE_LOG2;
    uint64_t last = last_page(address, size);
    *count -= take(pages, space, first);
    if (last > first)
        *count -= take(pages, space, last) + (last - first - 1);
}
