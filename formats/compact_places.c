// SPDX-License-Identifier: MIT
//
// Births and pools. See the header.
#include "formats/compact_places.h"

#include "formats/large.h"

#include <stdlib.h>
#include <string.h>

enum {
    POOL_ROOM_MIN = 4,
    // A pool of more than that had as many releases as half its room, and what it outgrew is less
    // than its room.
    RELEASED_PER_EVENT = 4,
};

bool ht_places_make_room(struct ht_places *places, uint32_t events)
{
    ht_places_free(places);
    places->pool = malloc(events * sizeof *places->pool);
    places->births = ht_large_alloc(events * sizeof *places->births);
    places->released = malloc(RELEASED_PER_EVENT * events * sizeof *places->released);
    return places->pool != NULL && places->births != NULL && places->released != NULL &&
           ht_table_make_room(&places->spaces, events) &&
           ht_table_make_room(&places->pools, events);
}

void ht_places_free(struct ht_places *places)
{
    ht_table_free(&places->spaces);
    ht_table_free(&places->pools);
    free(places->pool);
    free(places->births);
    free(places->released);
    *places = (struct ht_places){0};
}

void ht_places_clear(struct ht_places *places)
{
    ht_table_clear(&places->spaces);
    ht_table_clear(&places->pools);
    places->released_end = 0;
    places->birth_count = 0;
    places->expected = 0;
    places->end = 0;
}

void ht_places_grow_pool(struct ht_places *places, struct ht_pool *pool)
{
    uint32_t bottom = places->released_end;
    pool->room = pool->room > 0 ? 2 * pool->room : POOL_ROOM_MIN;
    places->released_end += pool->room;
    memcpy(&places->released[bottom], &places->released[pool->bottom],
           pool->count * sizeof *places->released);
    pool->bottom = bottom;
}
