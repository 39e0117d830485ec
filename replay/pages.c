// SPDX-License-Identifier: MIT
//
// The table of partly filled pages: open addressing with linear probing. A page that becomes empty
// is taken out and the run behind it closed up, so that there are no tombstones to walk over.
#include "replay/pages.h"

#include "replay/os.h"

#include <stdbool.h>

enum { CAPACITY_MIN = 1024 };

struct ht_page {
    uint64_t number;
    uint64_t live_bytes; // 0: the place is empty
    uint32_t space;
};

// The pages of one block. Of a block within one page, and of no other, the tail is empty.
struct cover {
    uint64_t first, last;            // page numbers
    uint64_t head_bytes, tail_bytes; // on these two
    uint64_t between;                // pages that lie between them
};

static struct cover cover_of(uint64_t address, uint64_t size)
{
    uint64_t room = UINT64_MAX - address; // bytes behind the first one
    uint64_t last = address + (size - 1 < room ? size - 1 : room);
    struct cover cover = {.first = address / HT_PAGE_BYTES, .last = last / HT_PAGE_BYTES};
    if (cover.first == cover.last) {
        cover.head_bytes = last - address + 1;
        return cover;
    }
    cover.head_bytes = HT_PAGE_BYTES - address % HT_PAGE_BYTES;
    cover.tail_bytes = last % HT_PAGE_BYTES + 1;
    cover.between = cover.last - cover.first - 1;
    return cover;
}

static size_t home_of(const struct ht_pages *pages, uint32_t space, uint64_t number)
{
    uint64_t hash = (number + space * UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xD6E8FEB86659FD93);
    return (size_t)(hash ^ hash >> 32) & (pages->capacity - 1);
}

// The page's place, or the empty one where it would be put. The table is never full.
static struct ht_page *find(const struct ht_pages *pages, uint32_t space, uint64_t number)
{
    size_t at = home_of(pages, space, number);
    while (pages->table[at].live_bytes != 0 &&
           (pages->table[at].number != number || pages->table[at].space != space)) {
        at = (at + 1) & (pages->capacity - 1);
    }
    return &pages->table[at];
}

void ht_pages_reset(struct ht_pages *pages)
{
    ht_os_unmap(pages->table, pages->memory_bytes);
    *pages = (struct ht_pages){0};
}

static enum ht_status grow(struct ht_pages *pages, size_t capacity, struct ht_error *error)
{
    struct ht_pages old = *pages;
    uint64_t memory_bytes = capacity * (uint64_t)sizeof *old.table;
    struct ht_page *table = ht_os_map(memory_bytes);
    if (table == NULL) {
        return ht_fail_memory(error, "the table of pages");
    }
    pages->table = table;
    pages->capacity = capacity;
    pages->memory_bytes = memory_bytes;
    for (size_t i = 0; i < old.capacity; i++) {
        const struct ht_page *page = &old.table[i];
        if (page->live_bytes != 0) {
            *find(pages, page->space, page->number) = *page;
        }
    }
    ht_os_unmap(old.table, old.memory_bytes);
    return HT_OK;
}

enum ht_status ht_pages_reserve(struct ht_pages *pages, size_t partial, struct ht_error *error)
{
    size_t capacity = pages->capacity == 0 ? CAPACITY_MIN : pages->capacity;
    while (capacity / 2 < partial) {
        capacity *= 2;
    }
    return capacity == pages->capacity ? HT_OK : grow(pages, capacity, error);
}

// Moves into the hole every page of the run behind it that would not be found across it.
static void close_up(struct ht_pages *pages, size_t hole)
{
    size_t mask = pages->capacity - 1;
    for (size_t at = (hole + 1) & mask; pages->table[at].live_bytes != 0; at = (at + 1) & mask) {
        size_t home = home_of(pages, pages->table[at].space, pages->table[at].number);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            pages->table[hole] = pages->table[at];
            hole = at;
        }
    }
    pages->table[hole] = (struct ht_page){0};
}

static bool is_sparse(uint64_t live_bytes)
{
    return live_bytes > 0 && live_bytes < HT_PAGE_SPARSE_BYTES;
}

static void add_bytes(struct ht_pages *pages, uint32_t space, uint64_t number, uint64_t bytes)
{
    if (bytes == HT_PAGE_BYTES) {
        pages->used++;
        return;
    }
    struct ht_page *page = find(pages, space, number);
    if (page->live_bytes == 0) {
        *page = (struct ht_page){.number = number, .space = space};
        pages->partial++;
        pages->used++;
    }
    pages->sparse -= is_sparse(page->live_bytes);
    page->live_bytes += bytes;
    pages->sparse += is_sparse(page->live_bytes);
}

static void remove_bytes(struct ht_pages *pages, uint32_t space, uint64_t number, uint64_t bytes)
{
    if (bytes == HT_PAGE_BYTES) {
        pages->used--;
        return;
    }
    struct ht_page *page = find(pages, space, number);
    pages->sparse -= is_sparse(page->live_bytes);
    page->live_bytes -= bytes;
    pages->sparse += is_sparse(page->live_bytes);
    if (page->live_bytes == 0) {
        pages->partial--;
        pages->used--;
        close_up(pages, (size_t)(page - pages->table));
    }
}

enum ht_status ht_pages_add(struct ht_pages *pages, uint32_t space, uint64_t address, uint64_t size,
                            struct ht_error *error)
{
    if (size == 0) {
        return HT_OK;
    }
    enum ht_status status = ht_pages_reserve(pages, pages->partial + 2, error);
    if (status != HT_OK) {
        return status;
    }
    struct cover cover = cover_of(address, size);
    add_bytes(pages, space, cover.first, cover.head_bytes);
    if (cover.last != cover.first) {
        add_bytes(pages, space, cover.last, cover.tail_bytes);
        pages->used += cover.between;
    }
    return HT_OK;
}

void ht_pages_remove(struct ht_pages *pages, uint32_t space, uint64_t address, uint64_t size)
{
    if (size == 0) {
        return;
    }
    struct cover cover = cover_of(address, size);
    remove_bytes(pages, space, cover.first, cover.head_bytes);
    if (cover.last != cover.first) {
        remove_bytes(pages, space, cover.last, cover.tail_bytes);
        pages->used -= cover.between;
    }
}

// A page that the block fills is not looked up: no table holds it, and it is not sparse.
static uint64_t pinned_on(const struct ht_pages *pages, uint32_t space, uint64_t number,
                          uint64_t bytes)
{
    if (bytes == 0 || bytes == HT_PAGE_BYTES) {
        return 0;
    }
    uint64_t live_bytes = find(pages, space, number)->live_bytes;
    return is_sparse(live_bytes) ? HT_PAGE_BYTES * bytes / live_bytes : 0;
}

uint64_t ht_pages_pinned_by(const struct ht_pages *pages, uint32_t space, uint64_t address,
                            uint64_t size)
{
    if (size == 0) {
        return 0;
    }
    struct cover cover = cover_of(address, size);
    return pinned_on(pages, space, cover.first, cover.head_bytes) +
           pinned_on(pages, space, cover.last, cover.tail_bytes);
}
