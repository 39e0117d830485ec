// SPDX-License-Identifier: MIT
//
// Places: a hash that finds an entry of the caller's array by its key, for arrays that no cache
// holds. It keeps only the index and a byte of each key's hash (the tag); the keys stay in the
// array, where the caller compares them. A line of the processor's cache holds twelve entries, so
// that one line tells nearly always where a key is, or that it is nowhere. An entry whose line is
// full goes to the next that is not; each full line counts those that passed it, so that a search
// knows where to stop and nothing has to be moved when an entry is removed. At most three quarters
// full: 7 to 14 bytes an entry.
//
//     struct ht_place place = ht_places_search(places, hash);
//     while (ht_places_next(places, &place))
//         if (the key of entry place.index is it)
//             break;
#ifndef HT_CONVERT_PLACES_H
#define HT_CONVERT_PLACES_H

#include "formats/bits.h"
#include "formats/cache.h"
#include "formats/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { HT_PLACES_IN_LINE = 12 };

struct ht_places_line {
    union {
        uint8_t tags[16];  // of the entries, 0 is empty; the last four are not theirs
        uint32_t words[4]; // the last: how many passed
    };
    uint32_t index[HT_PLACES_IN_LINE];
};

// The zero value is empty and full: grow it first.
struct ht_places {
    void *memory;                 // owned
    struct ht_places_line *lines; // in it, at a line of the cache
    uint32_t mask;                // number of lines - 1, the number being a power of two
    uint32_t used;
    uint32_t limit; // entries it takes before it grows
};

// A search: the entry found last.
struct ht_place {
    struct ht_places_line *line;
    uint32_t left; // private: a bit for each entry of this tag further on in the line
    uint32_t slot; // private: in the line
    uint8_t tag;   // private
    uint32_t index;
};

void ht_places_reset(struct ht_places *places);

static inline bool ht_places_is_full(const struct ht_places *places)
{
    return places->used >= places->limit;
}

// Becomes empty and twice as large. The caller puts its entries again. HT_MEMORY, nothing has
// changed then.
enum ht_status ht_places_grow(struct ht_places *places, struct ht_error *error);

// The line where the search for a hash begins. The tag is of its upper byte.
static inline struct ht_places_line *ht_places_home(const struct ht_places *places, uint64_t hash)
{
    return &places->lines[(uint32_t)(hash >> 24) & places->mask];
}

// A bit for each entry of the line with this tag.
static inline uint32_t ht_places_match(const struct ht_places_line *line, uint8_t tag)
{
    return ht_bits_equal(line->tags, tag) & ((1u << HT_PLACES_IN_LINE) - 1);
}

static inline uint8_t ht_places_tag(uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 56);
    return (uint8_t)(tag + (tag == 0));
}

static inline struct ht_place ht_places_search(const struct ht_places *places, uint64_t hash)
{
    struct ht_place place = {.line = ht_places_home(places, hash), .tag = ht_places_tag(hash)};
    place.left = ht_places_match(place.line, place.tag);
    return place;
}

static inline struct ht_places_line *ht_places_behind(const struct ht_places *places,
                                                      const struct ht_places_line *line)
{
    return &places->lines[((uint32_t)(line - places->lines) + 1) & places->mask];
}

// Finds the next entry of the search's tag. False when there are no more.
static inline bool ht_places_next(const struct ht_places *places, struct ht_place *place)
{
    while (place->left == 0) {
        if (place->line->words[3] == 0)
            return false;
        place->line = ht_places_behind(places, place->line);
        place->left = ht_places_match(place->line, place->tag);
    }
    place->slot = ht_bits_lowest(place->left);
    place->left &= place->left - 1;
    place->index = place->line->index[place->slot];
    return true;
}

// Puts an index, for which there is room.
void ht_places_put(struct ht_places *places, uint64_t hash, uint32_t index);

// Removes the entry found last, of this hash.
void ht_places_remove(struct ht_places *places, const struct ht_place *place, uint64_t hash);

#endif
