// SPDX-License-Identifier: MIT
//
// Sorts the live blocks and walks them once. The sort is a heap sort of our own: qsort may take
// memory from the heap that is measured.
#include "replay/gaps.h"

#include <stdbool.h>

static bool is_before(const struct ht_extent *one, const struct ht_extent *other)
{
    return one->space != other->space ? one->space < other->space : one->address < other->address;
}

static void swap(struct ht_extent *one, struct ht_extent *other)
{
    struct ht_extent kept = *one;
    *one = *other;
    *other = kept;
}

// Lets the block at `top` sink to where no child is behind it.
static void sink(struct ht_extent *blocks, size_t count, size_t top)
{
    for (size_t child; (child = 2 * top + 1) < count; top = child) {
        if (child + 1 < count && is_before(&blocks[child], &blocks[child + 1])) {
            child++;
        }
        if (!is_before(&blocks[top], &blocks[child])) {
            return;
        }
        swap(&blocks[top], &blocks[child]);
    }
}

static void sort(struct ht_extent *blocks, size_t count)
{
    for (size_t top = count / 2; top > 0; top--) {
        sink(blocks, count, top - 1);
    }
    for (size_t end = count; end > 1; end--) {
        swap(&blocks[0], &blocks[end - 1]);
        sink(blocks, end - 1, 0);
    }
}

static uint64_t last_of(const struct ht_extent *block)
{
    uint64_t room = UINT64_MAX - block->address; // bytes behind the first one
    return block->address + (block->size - 1 < room ? block->size - 1 : room);
}

static void add_gap(struct ht_gaps *gaps, uint64_t bytes, const uint64_t sizes[HT_GAP_SIZES])
{
    if (bytes < HT_GAP_BYTES_MIN) {
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
    sort(blocks, count);
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
