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
    FIELD_MAX = (1 << 29) - 1,
};

// Puts tag and length of a field of `size` bytes, for which there is room behind them then.
static enum ht_status put_head(struct ht_buffer *sink, uint32_t field, size_t size,
                               struct ht_error *error)
{
    uint8_t head[2 * HT_VARINT_SIZE_MAX];
    uint8_t *end = ht_field_put_head(head, field, size);
    if (size > sink->limit) // keeps the sum below from wrapping
        return ht_fail(error, HT_LIMIT, "a message of %zu bytes is over the cap of %zu", size,
                       sink->limit);
    size_t head_size = (size_t)(end - head);
    enum ht_status status = ht_buffer_reserve(sink, head_size + size, error);
    return status == HT_OK ? ht_buffer_append(sink, head, head_size, NULL) : status;
}

size_t ht_packet_size(uint32_t field, const ProtobufCMessage *message)
{
    uint8_t head[2 * HT_VARINT_SIZE_MAX];
    size_t size = protobuf_c_message_get_packed_size(message);
    return (size_t)(ht_field_put_head(head, field, size) - head) + size;
}

enum ht_status ht_packet_append(struct ht_buffer *sink, uint32_t field,
                                const ProtobufCMessage *message, struct ht_error *error)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    enum ht_status status = put_head(sink, field, size, error);
    if (status == HT_OK)
        sink->size += protobuf_c_message_pack(message, sink->data + sink->size);
    return status;
}

enum ht_status ht_packet_append_bytes(struct ht_buffer *sink, uint32_t field, const void *data,
                                      size_t size, struct ht_error *error)
{
    enum ht_status status = put_head(sink, field, size, error);
    return status == HT_OK ? ht_buffer_append(sink, data, size, NULL) : status;
}

enum ht_status ht_packet_append_number(struct ht_buffer *sink, uint32_t field, uint64_t value,
                                       struct ht_error *error)
{
    uint8_t bytes[2 * HT_VARINT_SIZE_MAX];
    uint8_t *end = ht_field_put_number(bytes, field, value);
    return ht_buffer_append(sink, bytes, (size_t)(end - bytes), error);
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

bool ht_packet_next_field(struct ht_cursor *content, struct ht_packet *packet)
{
    while (!content->failed && ht_cursor_left(content) > 0) {
        uint64_t tag = take_varint(content);
        if (tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
            content->failed = true;
        *packet = (struct ht_packet){.field = (uint32_t)(tag >> 3)};
        switch (tag & 7) {
        case WIRE_VARINT:
            packet->value = take_varint(content);
            return !content->failed;
        case WIRE_BYTES:
            packet->data = take_bytes(content, &packet->size);
            return !content->failed;
        case WIRE_FIXED64:
            ht_cursor_take(content, 8);
            break;
        case WIRE_FIXED32:
            ht_cursor_take(content, 4);
            break;
        default:
            content->failed = true;
        }
    }
    return false;
}

bool ht_packet_next(struct ht_cursor *content, struct ht_packet *packet)
{
    while (ht_packet_next_field(content, packet))
        if (packet->data != NULL)
            return true;
    return false;
}
