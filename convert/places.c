// SPDX-License-Identifier: MIT
//
// Places: growing, putting and removing. See the header.
#include "convert/places.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_LINES = 8, LINE_BYTES = 64 };

static_assert(sizeof(struct ht_places_line) == LINE_BYTES, "a line of the cache");

void ht_places_reset(struct ht_places *places)
{
    free(places->memory);
    *places = (struct ht_places){0};
}

enum ht_status ht_places_grow(struct ht_places *places, struct ht_error *error)
{
    size_t lines = places->lines != NULL ? ((size_t)places->mask + 1) * 2 : FIRST_LINES;
    void *memory = NULL;
    if (lines < SIZE_MAX / LINE_BYTES)
        memory = calloc(lines + 1, LINE_BYTES);
    if (memory == NULL)
        return ht_fail_memory(error, "a hash");
    // The old one goes before the new one is written to: so they never take memory both.
    free(places->memory);
    uintptr_t behind = (uintptr_t)memory % LINE_BYTES;
    *places = (struct ht_places){
        .memory = memory,
        .lines = (void *)((unsigned char *)memory + (behind > 0 ? LINE_BYTES - behind : 0)),
        .mask = (uint32_t)(lines - 1),
        .limit = (uint32_t)(lines * HT_PLACES_IN_LINE / 4 * 3),
    };
    return HT_OK;
}

void ht_places_put(struct ht_places *places, uint64_t hash, uint32_t index)
{
    struct ht_places_line *line = ht_places_home(places, hash);
    uint32_t empty = ht_places_match(line, 0);
    for (; empty == 0; empty = ht_places_match(line, 0)) {
        line->words[3]++;
        line = ht_places_behind(places, line);
    }
    uint32_t slot = ht_bits_lowest(empty);
    line->tags[slot] = ht_places_tag(hash);
    line->index[slot] = index;
    places->used++;
}

void ht_places_remove(struct ht_places *places, const struct ht_place *place, uint64_t hash)
{
    struct ht_places_line *line = ht_places_home(places, hash);
    for (; line != place->line; line = ht_places_behind(places, line))
        line->words[3]--;
    line->tags[place->slot] = 0;
    places->used--;
}
