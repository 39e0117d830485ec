// SPDX-License-Identifier: MIT
//
// Live bytes by page: which pages of an address space hold a live byte, and how many. It costs two
// look-ups a block, however large the block is: a page that one block fills is only counted, and
// the table holds no more than the first and the last page of each block. Its memory comes straight
// from the system and follows the pages in use, not their addresses.
//
// Blocks of a sound heap do not overlap. Where those of a damaged recording do, a page that one of
// them fills counts once for it and once more for each other block that fills or shares it.
#ifndef HT_REPLAY_PAGES_H
#define HT_REPLAY_PAGES_H

#include "formats/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    HT_PAGE_BYTES = 4096,                     // on every host, so that figures of two hosts compare
    HT_PAGE_SPARSE_BYTES = HT_PAGE_BYTES / 4, // a page with fewer live bytes is sparse
};

struct ht_page;

// A value; all zero is an empty one. Pages of different spaces are different pages.
struct ht_pages {
    uint64_t used;         // pages that hold a live byte
    uint64_t sparse;       // of these, those with fewer than HT_PAGE_SPARSE_BYTES
    uint64_t memory_bytes; // what the table takes from the system
    struct ht_page *table;
    size_t capacity; // of the table, a power of two
    size_t partial;  // pages in the table
};

// Gives the memory back.
void ht_pages_reset(struct ht_pages *pages);

// Makes room for so many pages in the table, so that it need not grow for them. HT_MEMORY.
enum ht_status ht_pages_reserve(struct ht_pages *pages, size_t partial, struct ht_error *error);

// A block begins to live. One that would reach over the end of the addresses ends there; one of no
// bytes is on no page. HT_MEMORY; the block is then on no page.
enum ht_status ht_pages_add(struct ht_pages *pages, uint32_t space, uint64_t address, uint64_t size,
                            struct ht_error *error);

// A block that was added with these values ends.
void ht_pages_remove(struct ht_pages *pages, uint32_t space, uint64_t address, uint64_t size);

// How much of the sparse pages falls to a block that was added: of each page its part of the live
// bytes there. A block of which nothing does is on no sparse page.
uint64_t ht_pages_pinned_by(const struct ht_pages *pages, uint32_t space, uint64_t address,
                            uint64_t size);

#endif
