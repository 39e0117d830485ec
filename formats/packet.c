// SPDX-License-Identifier: MIT
//
// Framing of protobuf messages. See the header. The wire format is described in protobuf's
// "Encoding" page.
#include "formats/packet.h"

enum {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5,
    VARINT_SIZE_MAX = 10,
    FIELD_MAX = (1 << 29) - 1,
};

static size_t put_varint(uint8_t *out, uint64_t value)
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        out[size++] = (uint8_t)(value | 0x80);
    out[size++] = (uint8_t)value;
    return size;
}

enum ht_status ht_packet_append(struct ht_buffer *sink, uint32_t field,
                                const ProtobufCMessage *message, struct ht_error *error)
{
    uint8_t head[2 * VARINT_SIZE_MAX];
    size_t size = protobuf_c_message_get_packed_size(message);
    size_t head_size = put_varint(head, (uint64_t)field << 3 | WIRE_BYTES);
    head_size += put_varint(head + head_size, size);
    if (size > sink->limit) // keeps the sum below from wrapping
        return ht_fail(error, HT_LIMIT, "a message of %zu bytes is over the cap of %zu", size,
                       sink->limit);
    enum ht_status status = ht_buffer_reserve(sink, head_size + size, error);
    if (status != HT_OK)
        return status;
    ht_buffer_append(sink, head, head_size, NULL);
    sink->size += protobuf_c_message_pack(message, sink->data + sink->size);
    return HT_OK;
}

static uint64_t take_varint(struct ht_cursor *content)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = ht_cursor_u8(content);
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    content->failed = true;
    return 0;
}

static const uint8_t *take_bytes(struct ht_cursor *content, size_t *size)
{
    uint64_t length = take_varint(content);
    if (length > ht_cursor_left(content)) {
        content->failed = true;
        return NULL;
    }
    *size = (size_t)length;
    return ht_cursor_take(content, *size);
}

bool ht_packet_next(struct ht_cursor *content, struct ht_packet *packet)
{
    while (!content->failed && ht_cursor_left(content) > 0) {
        uint64_t tag = take_varint(content);
        if (tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
            content->failed = true;
        switch (tag & 7) {
        case WIRE_VARINT:
            take_varint(content);
            break;
        case WIRE_FIXED64:
            ht_cursor_take(content, 8);
            break;
        case WIRE_FIXED32:
            ht_cursor_take(content, 4);
            break;
        case WIRE_BYTES:
            packet->field = (uint32_t)(tag >> 3);
            packet->data = take_bytes(content, &packet->size);
            if (!content->failed)
                return true;
            break;
        default:
            content->failed = true;
        }
    }
    return false;
}
