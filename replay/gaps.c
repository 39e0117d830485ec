// SPDX-License-Identifier: MIT
//
// Sorts the live blocks and walks them once.
#include "replay/gaps.h"

#include "replay/sort.h"

#include <stdbool.h>

static bool is_before(const void *one, const void *other)
{
    const struct ht_extent *left = one;
    const struct ht_extent *right = other;
    return left->space != right->space ? left->space < right->space
                                       : left->address < right->address;
}

static uint64_t last_of(const struct ht_extent *block)
{
    uint64_t room = UINT64_MAX - block->address; // bytes behind the first one
    return block->address + (block->size - 1 < room ? block->size - 1 : room);
}

static void add_gap(struct ht_gaps *gaps, uint64_t bytes, const uint64_t sizes[HT_GAP_SIZES])
{
    if (bytes < HT_GAP_BYTES_MIN) {
        gaps->slim_bytes += bytes;
        return;
    }
    gaps->count++;
    gaps->free_bytes += bytes;
    gaps->largest_bytes = bytes > gaps->largest_bytes ? bytes : gaps->largest_bytes;
    for (int i = 0; i < HT_GAP_SIZES; i++) {
        gaps->usable_bytes[i] += bytes / sizes[i] * sizes[i];
    }
}

static uint64_t before_in_region(uint64_t address)
{
    return address % HT_REGION_BYTES;
}

static uint64_t behind_in_region(uint64_t last)
{
    return HT_REGION_BYTES - 1 - last % HT_REGION_BYTES;
}

// From a block that ends at `last` to one behind it.
static void add_between(struct ht_gaps *gaps, uint64_t last, uint64_t next,
                        const uint64_t sizes[HT_GAP_SIZES])
{
    if (next <= last) {
        return; // they overlap
    }
    if (next / HT_REGION_BYTES - last / HT_REGION_BYTES <= 1) {
        add_gap(gaps, next - last - 1, sizes);
        return;
    }
    add_gap(gaps, behind_in_region(last), sizes);
    add_gap(gaps, before_in_region(next), sizes);
}

void ht_gaps_find(struct ht_extent *blocks, size_t count, const uint64_t sizes[HT_GAP_SIZES],
                  struct ht_gaps *gaps)
{
    *gaps = (struct ht_gaps){0};
    ht_sort(blocks, count, sizeof *blocks, is_before);
    uint64_t last = 0; // the furthest byte of the blocks before
    for (size_t i = 0; i < count; i++) {
        const struct ht_extent *block = &blocks[i];
        bool is_first = i == 0 || blocks[i - 1].space != block->space;
        uint64_t region = block->address / HT_REGION_BYTES;
        uint64_t block_last = last_of(block);
        if (is_first) {
            add_gap(gaps, i == 0 ? 0 : behind_in_region(last), sizes);
            add_gap(gaps, before_in_region(block->address), sizes);
        } else {
            add_between(gaps, last, block->address, sizes);
            region = region > last / HT_REGION_BYTES ? region : last / HT_REGION_BYTES + 1;
            block_last = block_last > last ? block_last : last;
        }
        last = block_last;
        gaps->regions += last / HT_REGION_BYTES + 1 - region;
    }
    add_gap(gaps, count == 0 ? 0 : behind_in_region(last), sizes);
}
