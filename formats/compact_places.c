// SPDX-License-Identifier: MIT
//
// Births and pools. See the header.
#include "formats/compact_places.h"

void ht_places_clear(struct ht_places *places)
{
    ht_table_clear(&places->spaces);
    ht_table_clear(&places->pools);
    places->birth_count = 0;
    places->expected = 0;
    places->end = 0;
}
