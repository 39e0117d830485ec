// SPDX-License-Identifier: MIT
//
// Copying what another processor will read: past this one's caches where the processor can, since
// to write a line that the other one has read last costs more than the rest of the copy.
#ifndef HT_FORMATS_STREAM_COPY_H
#define HT_FORMATS_STREAM_COPY_H

#include <stddef.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { HT_STREAM_ALIGN = 16 };

// Copies to an aligned place a multiple of HT_STREAM_ALIGN bytes. Whoever takes a lock that this
// thread gave up later sees them, as it does other writes.
static inline void ht_stream_copy(void *to, const void *from, size_t size)
{
#ifdef __SSE2__
    for (size_t at = 0; at < size; at += HT_STREAM_ALIGN)
        _mm_stream_si128((__m128i *)((char *)to + at),
                         _mm_loadu_si128((const __m128i *)((const char *)from + at)));
#else
    memcpy(to, from, size);
#endif
}

#endif
