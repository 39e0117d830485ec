// SPDX-License-Identifier: MIT
//
// Bits of a word, and bytes looked at sixteen at once, by the processor's own instructions where
// the compiler knows how.
#ifndef HT_FORMATS_BITS_H
#define HT_FORMATS_BITS_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// Place of the lowest bit set, from 0. At least one is.
static inline uint32_t ht_bits_lowest(uint64_t word)
{
#ifdef __GNUC__
    return (uint32_t)__builtin_ctzll(word);
#else
    uint32_t place = 0;
    for (; (word & 1) == 0; word >>= 1)
        place++;
    return place;
#endif
}

// How many bits a number takes: 0 for 0, 64 for the largest.
static inline uint32_t ht_bits_length(uint64_t number)
{
#ifdef __GNUC__
    return number != 0 ? 64 - (uint32_t)__builtin_clzll(number) : 0;
#else
    uint32_t length = 0;
    for (; number != 0; number >>= 1)
        length++;
    return length;
#endif
}

// A bit for each of 16 bytes that equals `byte`, the lowest for the first.
static inline uint32_t ht_bits_equal(const uint8_t *bytes, uint8_t byte)
{
#ifdef __SSE2__
    __m128i all = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(all, _mm_set1_epi8((char)byte)));
#else
    uint32_t bits = 0;
    for (uint32_t i = 0; i < 16; i++)
        bits |= (uint32_t)(bytes[i] == byte) << i;
    return bits;
#endif
}

#endif
