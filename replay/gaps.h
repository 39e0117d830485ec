// SPDX-License-Identifier: MIT
//
// Free space between live blocks, told from their addresses alone, so that a recording and every
// heap are measured alike.
//
// A region is 64 KiB of addresses at a multiple of 64 KiB, the step in which Windows reserves them;
// it is used when it holds a live byte. A gap is a run of bytes in used regions that no live block
// has asked for, as long as it goes, over the border of regions that are both used. Gaps of fewer
// than HT_GAP_BYTES_MIN bytes are left out: a block's header and the rounding of its size.
#ifndef HT_REPLAY_GAPS_H
#define HT_REPLAY_GAPS_H

#include <stddef.h>
#include <stdint.h>

enum {
    HT_REGION_BYTES = 64 << 10,
    HT_GAP_BYTES_MIN = 32,
    HT_GAP_SIZES = 3, // sizes of request that gaps are judged by
};

// Requested bytes of a live block, at least one. Its end is at most that of the addresses.
struct ht_extent {
    uint64_t address;
    uint64_t size;
    uint32_t space; // the address space
};

// With e for the bytes of a gap.
struct ht_gaps {
    uint64_t regions;                    // used ones
    uint64_t count;                      // of gaps
    uint64_t free_bytes;                 // sum of e
    uint64_t largest_bytes;              // max of e
    uint64_t slim_bytes;                 // of the runs that are too short for a gap
    uint64_t usable_bytes[HT_GAP_SIZES]; // sum of floor(e / s) * s, with s the i-th size
};

// Finds the gaps between `count` blocks in any order, which it puts into order of space and
// address. Each of `sizes` is at least 1.
void ht_gaps_find(struct ht_extent *blocks, size_t count, const uint64_t sizes[HT_GAP_SIZES],
                  struct ht_gaps *gaps);

#endif
