// SPDX-License-Identifier: MIT
//
// Plain LZ77 XPRESS. A stream is groups of a 32-bit flag word and up to 32 tokens: a literal byte
// for a 0 bit, a match for a 1 bit, the highest bit first. Most of the work is runs of literals
// and short matches, so both are copied eight bytes at a time where there is room to overshoot.
#include "formats/etl_xpress.h"

#include "formats/bytes.h"

#include <string.h>

enum {
    LENGTH_LEAST = 3,   // what a length field of 0 stands for
    IN_NIBBLE = 7,      // the length continues in half a byte
    IN_BYTE = 15,       // ... and in a byte of its own
    IN_WORD = 255,      // ... and in 16 bits, or in 32 when these are 0
    WIDE_BASE = 15 + 7, // wide lengths are absolute: they include what the narrow fields said
    WORD_BYTES = 8,
};

// The next flag is the top bit. One set bit behind the last flag marks the end of the word.
static const uint64_t FLAG_TOP = UINT64_C(1) << 63;
static const uint64_t FLAG_END = UINT64_C(1) << 31;

struct unpacker {
    struct ht_cursor in;
    const uint8_t *half; // a length byte of which the high half is not used yet
    uint8_t *start;
    uint8_t *out;
    uint8_t *out_end;
};

// A length that did not fit the match token, without LENGTH_LEAST.
static uint32_t long_length(struct unpacker *u)
{
    uint32_t length;
    if (u->half != NULL) {
        length = *u->half >> 4;
        u->half = NULL;
    } else {
        u->half = ht_cursor_take(&u->in, 1);
        length = u->half != NULL ? *u->half & 15u : 0;
    }
    if (length != IN_BYTE)
        return length + IN_NIBBLE;
    length = ht_cursor_u8(&u->in);
    if (length != IN_WORD)
        return length + WIDE_BASE;
    length = ht_cursor_u16(&u->in);
    if (length == 0)
        length = ht_cursor_u32(&u->in);
    if (length < WIDE_BASE)
        u->in.failed = true;
    return length;
}

// Repeats what lies `distance` bytes back; the source may overlap the bytes being made.
static void copy_match(struct unpacker *u, size_t distance, size_t length)
{
    uint8_t *out = u->out;
    const uint8_t *from = out - distance;
    u->out += length;
    if ((size_t)(u->out_end - out) < length + 2 * WORD_BYTES) {
        for (size_t i = 0; i < length; i++)
            out[i] = from[i];
        return;
    }
    size_t done = 0;
    if (distance < WORD_BYTES) {
        // A short period: once a word of it stands, the same bytes lie a multiple further back.
        for (; done < WORD_BYTES; done++)
            out[done] = from[done];
        size_t far = (WORD_BYTES + distance - 1) / distance * distance;
        from = out - far;
    }
    for (; done < length; done += WORD_BYTES)
        memcpy(out + done, from + done, WORD_BYTES);
}

static bool unpack_match(struct unpacker *u)
{
    uint32_t token = ht_cursor_u16(&u->in);
    size_t distance = (token >> 3) + 1;
    size_t length = token & 7u;
    if (length == IN_NIBBLE)
        length = long_length(u);
    length += LENGTH_LEAST;
    if (u->in.failed || distance > (size_t)(u->out - u->start))
        return false;
    size_t room = (size_t)(u->out_end - u->out);
    copy_match(u, distance, length < room ? length : room);
    return true;
}

// Copies the literals at the front of the flags and returns the flags behind them.
static uint64_t unpack_literals(struct unpacker *u, uint64_t flags)
{
    if (flags >> (64 - WORD_BYTES) == 0 && ht_cursor_left(&u->in) >= WORD_BYTES &&
        u->out_end - u->out >= WORD_BYTES) {
        memcpy(u->out, u->in.at, WORD_BYTES);
        u->out += WORD_BYTES;
        u->in.at += WORD_BYTES;
        return flags << WORD_BYTES;
    }
    *u->out = ht_cursor_u8(&u->in);
    u->out += !u->in.failed;
    return flags << 1;
}

size_t ht_etl_xpress_unpack(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    struct unpacker u = {ht_cursor_over(in, in_size), NULL, out, out, out + out_size};
    uint64_t flags = FLAG_TOP;
    while (u.out < u.out_end && !u.in.failed) {
        if (flags < FLAG_TOP)
            flags = unpack_literals(&u, flags);
        else if (flags == FLAG_TOP)
            flags = (uint64_t)ht_cursor_u32(&u.in) << 32 | FLAG_END;
        else if (ht_cursor_left(&u.in) == 0 || !unpack_match(&u))
            break;
        else
            flags <<= 1;
    }
    return (size_t)(u.out - out);
}
