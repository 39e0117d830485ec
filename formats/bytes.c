// SPDX-License-Identifier: MIT
//
// Growable buffers and text conversion. See the header.
#include "formats/bytes.h"

#include <stdlib.h>
#include <string.h>

enum { REPLACEMENT = 0xFFFD };

enum ht_status ht_buffer_reserve(struct ht_buffer *buffer, size_t more, struct ht_error *error)
{
    if (more > buffer->limit || buffer->size > buffer->limit - more)
        return ht_fail(error, HT_LIMIT, "%zu bytes are over the cap of %zu", buffer->size + more,
                       buffer->limit);
    size_t wanted = buffer->size + more;
    if (wanted <= buffer->capacity)
        return HT_OK;
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : 256;
    while (capacity < wanted)
        capacity += capacity / 2;
    if (capacity > buffer->limit)
        capacity = buffer->limit;
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL)
        return ht_fail_memory(error, "a buffer");
    buffer->data = data;
    buffer->capacity = capacity;
    return HT_OK;
}

enum ht_status ht_buffer_append(struct ht_buffer *buffer, const void *data, size_t size,
                                struct ht_error *error)
{
    enum ht_status status = ht_buffer_reserve(buffer, size, error);
    if (status == HT_OK && size > 0) {
        memcpy(buffer->data + buffer->size, data, size);
        buffer->size += size;
    }
    return status;
}

void ht_buffer_reset(struct ht_buffer *buffer)
{
    free(buffer->data);
    *buffer = ht_buffer_with_limit(buffer->limit);
}

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static bool is_high_surrogate(uint32_t unit)
{
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low_surrogate(uint32_t unit)
{
    return unit >= 0xDC00 && unit < 0xE000;
}

size_t ht_utf8_from_utf16(const uint8_t *utf16, size_t size, char *out)
{
    size_t written = 0;
    for (size_t at = 0; at + 2 <= size; at += 2) {
        uint32_t unit = ht_load16(utf16 + at);
        if (unit == 0)
            break;
        uint32_t next = at + 4 <= size ? ht_load16(utf16 + at + 2) : 0;
        if (is_high_surrogate(unit) && is_low_surrogate(next)) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00);
            at += 2;
        } else if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
            unit = REPLACEMENT;
        }
        written += put_utf8(unit, out + written);
    }
    return written;
}

size_t ht_utf8_sequence(const uint8_t *text, size_t size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xF0 && first < 0xF8   ? 4
                    : first >= 0xE0 && first < 0xF0 ? 3
                    : first >= 0xC0 && first < 0xE0 ? 2
                                                    : 0;
    if (length == 0 || length > size)
        return 0;
    uint32_t code = first & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3F);
    }
    bool is_surrogate = code >= 0xD800 && code < 0xE000;
    return code >= least[length] && code <= 0x10FFFF && !is_surrogate ? length : 0;
}

size_t ht_utf8_from_bytes(const uint8_t *text, size_t size, char *out)
{
    size_t written = 0;
    for (size_t at = 0; at < size;) {
        size_t length = ht_utf8_sequence(text + at, size - at);
        if (length == 0) {
            written += put_utf8(REPLACEMENT, out + written);
            at++;
        } else {
            memcpy(out + written, text + at, length);
            written += length;
            at += length;
        }
    }
    return written;
}

void ht_utf8_make_plain(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t length = ht_utf8_sequence((const uint8_t *)text, left);
        uint8_t byte = (uint8_t)*text;
        if (length == 0 || byte < 0x20 || byte == 0x7F)
            *text = '?';
        text += length > 0 ? length : 1;
        left -= length > 0 ? length : 1;
    }
}
