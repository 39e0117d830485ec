// SPDX-License-Identifier: MIT
//
// Lowest: the bitmap and its summaries. See the header.
#include "convert/lowest.h"

#include "formats/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(HT_LIVE_BLOCKS_MAX <= 1 << (6 * HT_LOWEST_LEVELS), "five levels number every block");

enum { FIRST_CAPACITY = 64 };

void ht_lowest_reset(struct ht_lowest *lowest)
{
    for (int level = 0; level < HT_LOWEST_LEVELS; level++)
        free(lowest->levels[level]);
    *lowest = (struct ht_lowest){0};
}

// Index of the lowest bit set. The multiplier is a de Bruijn sequence: each of its 64 windows of
// six bits is different, and the table says which bit shifted the window there.
static uint32_t lowest_bit(uint64_t word)
{
    static const uint8_t bits[64] = {0,  1,  48, 2,  57, 49, 28, 3,  61, 58, 50, 42, 38, 29, 17, 4,
                                     62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12, 5,
                                     63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11,
                                     46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,  13, 8,  7,  6};
    return bits[(word & (0 - word)) * 0x03F79D71B4CB0A89u >> 58];
}

static size_t words_at(uint32_t capacity, int level)
{
    return (((size_t)capacity - 1) >> (6 * (level + 1))) + 1;
}

static enum ht_status grow(struct ht_lowest *lowest, struct ht_error *error)
{
    if (lowest->limit >= HT_LIVE_BLOCKS_MAX)
        return ht_fail(error, HT_LIMIT, "more than %d blocks are live at once", HT_LIVE_BLOCKS_MAX);
    uint32_t capacity = lowest->capacity > 0 ? lowest->capacity * 2 : FIRST_CAPACITY;
    for (int level = 0; level < HT_LOWEST_LEVELS; level++) {
        size_t had = lowest->capacity > 0 ? words_at(lowest->capacity, level) : 0;
        size_t wanted = words_at(capacity, level);
        if (wanted == had)
            continue;
        uint64_t *words = realloc(lowest->levels[level], wanted * sizeof *words);
        if (words == NULL)
            return ht_fail_memory(error, "the numbers of live blocks");
        memset(words + had, 0, (wanted - had) * sizeof *words);
        lowest->levels[level] = words;
    }
    lowest->capacity = capacity;
    while (words_at(capacity, (int)lowest->top) > 1)
        lowest->top++;
    return HT_OK;
}

enum ht_status ht_lowest_take(struct ht_lowest *lowest, uint32_t *number, struct ht_error *error)
{
    if (lowest->free_count == 0) {
        enum ht_status status = lowest->limit == lowest->capacity ? grow(lowest, error) : HT_OK;
        if (status == HT_OK)
            *number = lowest->limit++;
        return status;
    }
    uint32_t found = 0;
    for (uint32_t level = lowest->top + 1; level-- > 0;)
        found = found << 6 | lowest_bit(lowest->levels[level][found]);
    *number = found;
    lowest->free_count--;
    for (int level = 0; level < HT_LOWEST_LEVELS; level++, found >>= 6) {
        uint64_t *word = &lowest->levels[level][found >> 6];
        *word &= ~((uint64_t)1 << (found & 63));
        if (*word != 0)
            break;
    }
    return HT_OK;
}

void ht_lowest_give(struct ht_lowest *lowest, uint32_t number)
{
    assert(number < lowest->limit);
    lowest->free_count++;
    for (int level = 0; level < HT_LOWEST_LEVELS; level++, number >>= 6) {
        uint64_t *word = &lowest->levels[level][number >> 6];
        uint64_t before = *word;
        *word |= (uint64_t)1 << (number & 63);
        if (before != 0)
            break;
    }
}
