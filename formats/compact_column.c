// SPDX-License-Identifier: MIT
//
// Columns of varints, many at a time. See the header.
#include "formats/compact_column.h"

#include "formats/bytes.h"

static const uint64_t stop_bits = 0x8080808080808080;
static const uint64_t ones = 0x0101010101010101;

enum { WORD = sizeof(uint64_t) };

// A word at a time: each byte of `lanes` counts those of its place that end no number, and is added
// up before it is full.
size_t ht_varint_count(const uint8_t *data, size_t size)
{
    enum { WORDS = UINT8_MAX / WORD };
    size_t count = size;
    size_t i = 0;
    for (; size - i >= WORDS * WORD; i += WORDS * WORD) {
        uint64_t lanes = 0;
        for (size_t k = 0; k < WORDS; k++)
            lanes += ht_load64(&data[i + k * WORD]) >> 7 & ones;
        count -= lanes * ones >> 56;
    }
    for (; i < size; i++)
        count -= data[i] >> 7;
    return size > 0 && data[size - 1] < 0x80 ? count : 0;
}

void ht_varint_take_many(const uint8_t **at, const uint8_t *end, uint64_t *values, size_t count)
{
    const uint8_t *byte = *at;
    size_t i = 0;
    while (count - i >= WORD && (size_t)(end - byte) >= WORD) {
        if ((ht_load64(byte) & stop_bits) == 0) {
            for (size_t k = 0; k < WORD; k++)
                values[i + k] = byte[k];
            byte += WORD;
            i += WORD;
        } else {
            for (int k = 0; k < WORD && i < count; k++, i++)
                values[i] = ht_varint_take(&byte);
        }
    }
    for (; i < count; i++)
        values[i] = ht_varint_take(&byte);
    *at = byte;
}
