// SPDX-License-Identifier: MIT
//
// Lowest: hands out numbers from 0, always the lowest that is free. A bitmap of the free numbers
// with summaries above it, 64 to one, so that taking and giving back cost a few words whatever
// the count: an eighth of a byte a number.
#ifndef HT_CONVERT_LOWEST_H
#define HT_CONVERT_LOWEST_H

#include "formats/error.h"

#include <stdint.h>

enum { HT_LOWEST_LEVELS = 5 }; // 64^5 numbers: HT_LIVE_BLOCKS_MAX

// Zero is empty.
struct ht_lowest {
    uint64_t *levels[HT_LOWEST_LEVELS]; // a set bit: free, or above it perhaps some free; owned
    uint32_t first;                     // no word before it has a bit set
    uint32_t top;                       // the lowest level that is a single word
    uint32_t limit;                     // numbers given so far are below this
    uint32_t free_count;                // of the numbers below limit
    uint32_t capacity;                  // numbers that the levels have room for
};

void ht_lowest_reset(struct ht_lowest *lowest);

// Takes the lowest free number. HT_LIMIT when HT_LIVE_BLOCKS_MAX are taken, HT_MEMORY; nothing
// has changed then.
enum ht_status ht_lowest_take(struct ht_lowest *lowest, uint32_t *number, struct ht_error *error);

// Gives back a number that was taken.
void ht_lowest_give(struct ht_lowest *lowest, uint32_t number);

#endif
