// SPDX-License-Identifier: MIT
//
// Lowest: the bitmap and its summaries. See the header.
#include "convert/lowest.h"

#include "formats/bits.h"
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

// Notes in the summaries that a word has no bit set.
static void clear_summary(struct ht_lowest *lowest, uint32_t at)
{
    for (int level = 1; level < HT_LOWEST_LEVELS; level++, at >>= 6) {
        uint64_t *word = &lowest->levels[level][at >> 6];
        *word &= ~((uint64_t)1 << (at & 63));
        if (*word != 0)
            break;
    }
}

// Moves on to the first word with a bit set, which there is. The summaries are behind: numbers that
// come and go all the time would change them each time.
static void find_first(struct ht_lowest *lowest)
{
    while (lowest->levels[0][lowest->first] == 0) {
        clear_summary(lowest, lowest->first);
        uint32_t found = 0;
        for (uint32_t level = lowest->top; level > 0; level--)
            found = found << 6 | ht_bits_lowest(lowest->levels[level][found]);
        lowest->first = found;
    }
}

enum ht_status ht_lowest_take(struct ht_lowest *lowest, uint32_t *number, struct ht_error *error)
{
    if (lowest->free_count == 0) {
        enum ht_status status = lowest->limit == lowest->capacity ? grow(lowest, error) : HT_OK;
        if (status == HT_OK)
            *number = lowest->limit++;
        return status;
    }
    find_first(lowest);
    uint64_t *word = &lowest->levels[0][lowest->first];
    *number = lowest->first << 6 | ht_bits_lowest(*word);
    *word &= *word - 1;
    lowest->free_count--;
    return HT_OK;
}

void ht_lowest_give(struct ht_lowest *lowest, uint32_t number)
{
    assert(number < lowest->limit);
    uint32_t at = number >> 6;
    if (at < lowest->first || lowest->free_count == 0)
        lowest->first = at;
    lowest->free_count++;
    for (int level = 0; level < HT_LOWEST_LEVELS; level++, number >>= 6) {
        uint64_t *word = &lowest->levels[level][number >> 6];
        uint64_t before = *word;
        *word |= (uint64_t)1 << (number & 63);
        if (before != 0)
            break;
    }
}
