// SPDX-License-Identifier: MIT
//
// A small hash table from (key, owner) to a number, for what the picture keeps by pid, heap
// handle, stack and frame.
#ifndef HT_FORMATS_PICTURE_INDEX_H
#define HT_FORMATS_PICTURE_INDEX_H

#include "formats/error.h"

#include <stdint.h>

#define HT_PICTURE_NONE UINT32_MAX

struct ht_picture_slot {
    uint64_t key;
    uint32_t owner;
    uint32_t value; // HT_PICTURE_NONE in a slot that is free
};

// The zero value is an empty index.
struct ht_picture_index {
    struct ht_picture_slot *slots; // owned
    uint32_t capacity;             // a power of two
    uint32_t count;
};

void ht_picture_index_reset(struct ht_picture_index *index);

// The number, or HT_PICTURE_NONE.
uint32_t ht_picture_index_find(const struct ht_picture_index *index, uint64_t key, uint32_t owner);

// Sets the number, also of a pair that has one already.
enum ht_status ht_picture_index_put(struct ht_picture_index *index, uint64_t key, uint32_t owner,
                                    uint32_t value, struct ht_error *error);

#endif
