// SPDX-License-Identifier: MIT
//
// What the processor can be told of its caches, where the compiler knows how. Without it all works
// the same, slower.
#ifndef HT_FORMATS_CACHE_H
#define HT_FORMATS_CACHE_H

#include <stddef.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { HT_CACHE_ALIGN = 16 };

// Brings near what will soon be used.
static inline void ht_cache_fetch(const void *place)
{
#ifdef __GNUC__
    __builtin_prefetch(place);
#else
    (void)place;
#endif
}

// Copies to an aligned place a multiple of HT_CACHE_ALIGN bytes, past the caches: for what another
// processor will read. To write lines that it has read last costs more than the rest of the copy.
// Whoever takes a lock that this thread gave up later sees them, as it does other writes.
static inline void ht_cache_copy_past(void *to, const void *from, size_t size)
{
#ifdef __SSE2__
    for (size_t at = 0; at < size; at += HT_CACHE_ALIGN)
        _mm_stream_si128((__m128i *)((char *)to + at),
                         _mm_loadu_si128((const __m128i *)((const char *)from + at)));
#else
    memcpy(to, from, size);
#endif
}

#endif
