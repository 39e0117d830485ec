// SPDX-License-Identifier: MIT
//
// A small hash table from (key, owner) to a number, for what the Perfetto writer keeps by pid,
// heap handle, stack and frame.
#ifndef HT_FORMATS_PERFETTO_INDEX_H
#define HT_FORMATS_PERFETTO_INDEX_H

#include "formats/error.h"

#include <stdint.h>

#define HT_PERFETTO_NONE UINT32_MAX

struct ht_perfetto_slot {
    uint64_t key;
    uint32_t owner;
    uint32_t value; // HT_PERFETTO_NONE in a slot that is free
};

// The zero value is an empty index.
struct ht_perfetto_index {
    struct ht_perfetto_slot *slots; // owned
    uint32_t capacity;              // a power of two
    uint32_t count;
};

void ht_perfetto_index_reset(struct ht_perfetto_index *index);

// The number, or HT_PERFETTO_NONE.
uint32_t ht_perfetto_index_find(const struct ht_perfetto_index *index, uint64_t key,
                                uint32_t owner);

// Sets the number, also of a pair that has one already.
enum ht_status ht_perfetto_index_put(struct ht_perfetto_index *index, uint64_t key, uint32_t owner,
                                     uint32_t value, struct ht_error *error);

#endif
