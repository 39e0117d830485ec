// SPDX-License-Identifier: MIT
//
// How many pages hold a live block: counted as blocks come and go, two look-ups a block however
// large it is, because a page within one block is only counted. The table holds the first and the
// last page of each block. Of blocks that overlap, as in a damaged recording, such pages count for
// each.
#ifndef HT_FORMATS_PICTURE_PAGES_H
#define HT_FORMATS_PICTURE_PAGES_H

#include "formats/error.h"

#include <stdint.h>

enum { HT_PICTURE_PAGE_BYTES = 4096, HT_PICTURE_SPACES = 4096 };

struct ht_picture_page {
    uint64_t key;
    uint64_t blocks; // 0 in a slot that is free
};

// The zero value is empty.
struct ht_picture_pages {
    struct ht_picture_page *table; // owned
    uint32_t mask;                 // slots - 1, the number being a power of two
    uint32_t used;
};

void ht_picture_pages_reset(struct ht_picture_pages *pages);

// A block of `size` bytes begins or ends in this space, of HT_PICTURE_SPACES: *count changes by
// the pages that it is the first or the last on. Blocks of no bytes are on no page.
enum ht_status ht_picture_pages_add(struct ht_picture_pages *pages, uint32_t space,
                                    uint64_t address, uint64_t size, uint64_t *count,
                                    struct ht_error *error);
void ht_picture_pages_remove(struct ht_picture_pages *pages, uint32_t space, uint64_t address,
                             uint64_t size, uint64_t *count);

#endif
