// SPDX-License-Identifier: MIT
//
// How many pages hold a live block: counted as blocks come and go, two look-ups a block however
// large it is, because a page within one block is only counted. The table holds the first and the
// last page of each block, in regions of eight: a dense heap takes 3 to 6 bytes a page. Of blocks
// that overlap, as in a damaged recording, such pages count for each; where 65,535 of them are on
// one page it is never left again.
#ifndef HT_FORMATS_PICTURE_PAGES_H
#define HT_FORMATS_PICTURE_PAGES_H

#include "formats/error.h"

#include <stdint.h>

enum { HT_PICTURE_PAGE_BYTES = 4096, HT_PICTURE_SPACES = 4096, HT_PICTURE_REGION_PAGES = 8 };

struct ht_picture_region {
    uint64_t key;                             // 0 in a slot that is free
    uint16_t blocks[HT_PICTURE_REGION_PAGES]; // on each page
};

// The zero value is empty.
struct ht_picture_pages {
    struct ht_picture_region *table; // owned
    uint32_t mask;                   // slots - 1, the number being a power of two
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
