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

// Packs `message` behind the content of `sink`, as field `field` of the outer message. On failure
// (HT_LIMIT at the buffer's limit, HT_MEMORY) the content is as before.
enum ht_status ht_packet_append(struct ht_buffer *sink, uint32_t field,
                                const ProtobufCMessage *message, struct ht_error *error);

// A message inside the outer one, still packed, in the bytes it was found in.
struct ht_packet {
    uint32_t field;
    const uint8_t *data;
    size_t size;
};

// Takes the next message of the outer one; fields of other wire types are stepped over. False at
// the end, and where the bytes are no protobuf: then the cursor has failed.
bool ht_packet_next(struct ht_cursor *content, struct ht_packet *packet);

#endif
