// SPDX-License-Identifier: MIT
//
// Events into the columns of one block of a .htape file. The columns and their rules are described
// in docs/formats/htape.md. No input or output.
#ifndef HT_FORMATS_COMPACT_PACK_H
#define HT_FORMATS_COMPACT_PACK_H

#include "formats/bytes.h"
#include "formats/event.h"

// What a shape says is there, in the table shape_fields.
enum ht_shape_field {
    HT_SHAPE_ADDRESS = 1,
    HT_SHAPE_SIZE = 2,
    HT_SHAPE_OLD_ADDRESS = 4,
    HT_SHAPE_OLD_SIZE = 8,
    HT_SHAPE_DETAIL = 16,
    HT_SHAPE_STACK = 32,
    HT_SHAPE_BIRTH = 64,  // ends or resizes a heap block by its number
    HT_SHAPE_PLACE = 128, // begins a heap block at a predicted address
};

// The block that is being filled, used for one block after the other. At most about 50 MB, of
// which a usual trace touches half.
struct ht_pack;

// NULL when there is no memory. Close accepts NULL.
struct ht_pack *ht_pack_open(void);
void ht_pack_close(struct ht_pack *pack);

uint32_t ht_pack_event_count(const struct ht_pack *pack);

// Adds events, for which there is room: at most HT_COMPACT_EVENTS_MAX in a block, whose details
// have at most HT_COMPACT_DETAIL_VALUES_MAX values. The detail of an event is its place in `values`
// plus one: there stands how many values it has, and then these; 0 is none.
void ht_pack_add(struct ht_pack *pack, const struct ht_event *events, size_t count,
                 const uint64_t *values);

// Appends the packed message ht.Block to `message` and begins the next block. HT_LIMIT, HT_MEMORY.
enum ht_status ht_pack_finish(struct ht_pack *pack, struct ht_buffer *message,
                              struct ht_error *error);

#endif
