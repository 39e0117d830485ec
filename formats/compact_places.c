// SPDX-License-Identifier: MIT
//
// Births and pools. See the header.
#include "formats/compact_places.h"

#include <stdlib.h>

bool ht_places_make_room(struct ht_places *places, uint32_t events)
{
    ht_places_free(places);
    places->pool = malloc(events * sizeof *places->pool);
    places->births = malloc(events * sizeof *places->births);
    places->next = malloc(events * sizeof *places->next);
    return places->pool != NULL && places->births != NULL && places->next != NULL &&
           ht_table_make_room(&places->spaces, events) &&
           ht_table_make_room(&places->pools, events);
}

void ht_places_free(struct ht_places *places)
{
    ht_table_free(&places->spaces);
    ht_table_free(&places->pools);
    free(places->pool);
    free(places->births);
    free(places->next);
    *places = (struct ht_places){0};
}

void ht_places_clear(struct ht_places *places)
{
    ht_table_clear(&places->spaces);
    ht_table_clear(&places->pools);
    places->birth_count = 0;
    places->expected = 0;
    places->end = 0;
}
