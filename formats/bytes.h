// SPDX-License-Identifier: MIT
//
// Bytes in and out of memory: little-endian loads and stores that work on any host and any
// alignment, a bounds-checked cursor for parsing, a growable buffer with a named maximum, and the
// two text conversions that trace files need.
#ifndef HT_FORMATS_BYTES_H
#define HT_FORMATS_BYTES_H

#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t ht_load16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ht_load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t ht_load64(const uint8_t *p)
{
    return (uint64_t)ht_load32(p) | (uint64_t)ht_load32(p + 4) << 32;
}

static inline void ht_store16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static inline void ht_store32(uint8_t *p, uint32_t value)
{
    ht_store16(p, (uint16_t)value);
    ht_store16(p + 2, (uint16_t)(value >> 16));
}

static inline void ht_store64(uint8_t *p, uint64_t value)
{
    ht_store32(p, (uint32_t)value);
    ht_store32(p + 4, (uint32_t)(value >> 32));
}

// A place in borrowed bytes. Parse straight down and ask `failed` once at the end: after the
// first read past the end every read gives 0 and nothing moves.
struct ht_cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct ht_cursor ht_cursor_over(const void *data, size_t size)
{
    const uint8_t *at = data;
    return (struct ht_cursor){at, at + size, false};
}

static inline size_t ht_cursor_left(const struct ht_cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

// The next `size` bytes, consumed; NULL (and failed) when there are fewer.
static inline const uint8_t *ht_cursor_take(struct ht_cursor *cursor, size_t size)
{
    if (cursor->failed || ht_cursor_left(cursor) < size) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *taken = cursor->at;
    cursor->at += size;
    return taken;
}

static inline uint8_t ht_cursor_u8(struct ht_cursor *cursor)
{
    const uint8_t *p = ht_cursor_take(cursor, 1);
    return p != NULL ? *p : 0;
}

static inline uint16_t ht_cursor_u16(struct ht_cursor *cursor)
{
    const uint8_t *p = ht_cursor_take(cursor, 2);
    return p != NULL ? ht_load16(p) : 0;
}

static inline uint32_t ht_cursor_u32(struct ht_cursor *cursor)
{
    const uint8_t *p = ht_cursor_take(cursor, 4);
    return p != NULL ? ht_load32(p) : 0;
}

static inline uint64_t ht_cursor_u64(struct ht_cursor *cursor)
{
    const uint8_t *p = ht_cursor_take(cursor, 8);
    return p != NULL ? ht_load64(p) : 0;
}

// A pointer of the recorded process: `pointer_size` is 4 or 8.
static inline uint64_t ht_cursor_pointer(struct ht_cursor *cursor, unsigned pointer_size)
{
    return pointer_size == 8 ? ht_cursor_u64(cursor) : ht_cursor_u32(cursor);
}

// Bytes that grow up to `limit`, named at init. The zero value with a limit is an empty buffer.
struct ht_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t limit;
};

static inline struct ht_buffer ht_buffer_with_limit(size_t limit)
{
    return (struct ht_buffer){NULL, 0, 0, limit};
}

// Makes room for `more` bytes behind `size` without changing `size`. HT_LIMIT past the limit,
// HT_MEMORY without memory; the content is kept either way.
enum ht_status ht_buffer_reserve(struct ht_buffer *buffer, size_t more, struct ht_error *error);

// Appends a copy of `size` bytes. Fails as ht_buffer_reserve does.
enum ht_status ht_buffer_append(struct ht_buffer *buffer, const void *data, size_t size,
                                struct ht_error *error);

// Frees the bytes; the buffer is empty with the same limit.
void ht_buffer_reset(struct ht_buffer *buffer);

// Converts UTF-16LE to UTF-8 without NUL behind; stops at a NUL unit or at the end of the
// `size` bytes. What is not valid becomes U+FFFD. `out` holds ht_utf8_bound(size) bytes.
// Returns the bytes written.
size_t ht_utf8_from_utf16(const uint8_t *utf16, size_t size, char *out);

static inline size_t ht_utf8_bound(size_t utf16_size)
{
    return utf16_size / 2 * 3;
}

// Length of the valid UTF-8 sequence at `text`, 0 when there is none (overlong forms, surrogates
// and values past U+10FFFF are not valid). `size` is at least 1.
size_t ht_utf8_sequence(const uint8_t *text, size_t size);

// Copies text of an unknown 8-bit code page: valid UTF-8 is kept, any other byte becomes U+FFFD.
// `out` holds 3 * size bytes. Returns the bytes written.
size_t ht_utf8_from_bytes(const uint8_t *text, size_t size, char *out);

// Puts '?' in the place of every byte of a text that is no UTF-8 or a control character.
void ht_utf8_make_plain(char *text);

#endif
