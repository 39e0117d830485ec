// SPDX-License-Identifier: MIT
//
// Framing of protobuf messages: each message of a stream is written as a length-delimited field of
// one outer message (tag, length, bytes), so that the whole stream is a protobuf message itself
// and a stock decoder reads it. Packs into a buffer and walks bytes in memory; knows neither files
// nor compression, nor what the messages mean.
#ifndef HT_FORMATS_PACKET_H
#define HT_FORMATS_PACKET_H

#include "formats/bytes.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

enum { HT_VARINT_SIZE_MAX = 10 };

// Writes a number in protobuf's variable length and gives the place behind it.
static inline uint8_t *ht_varint_put(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

// Fields of a message that is packed by hand, at a place with room for them: tag and value, of a
// number at most 15 bytes. Each gives the place behind it.
static inline uint8_t *ht_field_put_number(uint8_t *at, uint32_t field, uint64_t value)
{
    return ht_varint_put(ht_varint_put(at, (uint64_t)field << 3), value);
}

static inline uint8_t *ht_field_put_fixed64(uint8_t *at, uint32_t field, uint64_t value)
{
    at = ht_varint_put(at, (uint64_t)field << 3 | 1);
    ht_store64(at, value);
    return at + sizeof value;
}

static inline uint8_t *ht_field_put_real(uint8_t *at, uint32_t field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return ht_field_put_fixed64(at, field, bits);
}

// Tag and length of a field of bytes, which are to follow.
static inline uint8_t *ht_field_put_head(uint8_t *at, uint32_t field, size_t size)
{
    return ht_varint_put(ht_varint_put(at, (uint64_t)field << 3 | 2), size);
}

static inline uint8_t *ht_field_put_bytes(uint8_t *at, uint32_t field, const void *data,
                                          size_t size)
{
    at = ht_field_put_head(at, field, size);
    memcpy(at, data, size);
    return at + size;
}

// Packs `message` behind the content of `sink`, as field `field` of the outer message. On failure
// (HT_LIMIT at the buffer's limit, HT_MEMORY) the content is as before.
enum ht_status ht_packet_append(struct ht_buffer *sink, uint32_t field,
                                const ProtobufCMessage *message, struct ht_error *error);

// How many bytes that adds.
size_t ht_packet_size(uint32_t field, const ProtobufCMessage *message);

// The same for a message that is packed already, and for any other field of bytes.
enum ht_status ht_packet_append_bytes(struct ht_buffer *sink, uint32_t field, const void *data,
                                      size_t size, struct ht_error *error);

// The same for a field that is a number.
enum ht_status ht_packet_append_number(struct ht_buffer *sink, uint32_t field, uint64_t value,
                                       struct ht_error *error);

// A field of a message, in the bytes it was found in.
struct ht_packet {
    uint32_t field;
    const uint8_t *data; // NULL when the field is a number
    size_t size;
    uint64_t value; // of a number
};

// Takes the next field that is a varint or bytes (a message, a packed column); fields of other wire
// types are stepped over. False at the end, and where the bytes are no protobuf: then the cursor
// has failed.
bool ht_packet_next_field(struct ht_cursor *content, struct ht_packet *packet);

// Takes the next message of the outer one; fields of other wire types are stepped over. False at
// the end, and where the bytes are no protobuf: then the cursor has failed.
bool ht_packet_next(struct ht_cursor *content, struct ht_packet *packet);

#endif
