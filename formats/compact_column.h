// SPDX-License-Identifier: MIT
//
// The columns of a block of a .htape file: their fields in ht.Block and the numbers they hold,
// each a protobuf varint, as both ends of the file go through them.
#ifndef HT_FORMATS_COMPACT_COLUMN_H
#define HT_FORMATS_COMPACT_COLUMN_H

#include "formats/packet.h"

#include <stddef.h>
#include <stdint.h>

// Fields of ht.Block, in formats/compact.proto.
enum ht_block_field {
    HT_BLOCK_EVENT_COUNT = 1,
    HT_BLOCK_SHAPE_KIND,
    HT_BLOCK_SHAPE_FLAGS,
    HT_BLOCK_SHAPE_SOURCE,
    HT_BLOCK_SHAPE_FIELDS,
    HT_BLOCK_THREAD_PID,
    HT_BLOCK_THREAD_TID,
    HT_BLOCK_HEAP_HANDLE,
    HT_BLOCK_SHAPE,
    HT_BLOCK_FIRST_TIME_NS,
    HT_BLOCK_TIME_UNIT_NS,
    HT_BLOCK_TIME,
    HT_BLOCK_THREAD,
    HT_BLOCK_HEAP,
    HT_BLOCK_CPU,
    HT_BLOCK_ADDRESS_UNIT,
    HT_BLOCK_ADDRESS,
    HT_BLOCK_SIZE,
    HT_BLOCK_OLD_ADDRESS,
    HT_BLOCK_OLD_SIZE,
    HT_BLOCK_DETAIL_COUNT,
    HT_BLOCK_DETAIL,
    HT_BLOCK_STACK,
    HT_BLOCK_BIRTH,
    HT_BLOCK_PLACE,
    HT_BLOCK_PLACE_OFFSET,
    HT_BLOCK_FIELD_LIMIT,
};

// Signed numbers of small magnitude as small unsigned ones: 0, -1, 1, -2 as 0, 1, 2, 3.
static inline uint64_t ht_zigzag(uint64_t value)
{
    return value << 1 ^ (0 - (value >> 63));
}

static inline uint64_t ht_unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

// The next number at *at, of which is known that a byte below 0x80 is in front: see
// ht_varint_count. Most numbers are a byte.
static inline uint64_t ht_varint_take(const uint8_t **at)
{
    uint64_t value = *(*at)++;
    if (value < 0x80)
        return value;
    value &= 0x7F;
    uint64_t byte = 0x80;
    for (unsigned shift = 7; byte >= 0x80; shift += 7) {
        byte = *(*at)++;
        if (shift < 64)
            value |= (byte & 0x7F) << shift;
    }
    return value;
}

// How many numbers the bytes hold; 0 when they end inside one.
size_t ht_varint_count(const uint8_t *data, size_t size);

// The next `count` numbers at *at, which are there; the bytes go on up to `end` at least.
void ht_varint_take_many(const uint8_t **at, const uint8_t *end, uint64_t *values, size_t count);

#endif
