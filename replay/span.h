// SPDX-License-Identifier: MIT
//
// How lists of spans grow: pieces of memory straight from the system, so that nothing is copied.
// The longer the list, the larger its next span: large ones may have large pages (replay/os.h).
#ifndef HT_REPLAY_SPAN_H
#define HT_REPLAY_SPAN_H

#include <stdint.h>

enum {
    HT_SPAN_BYTES_MIN = 1 << 20,
    HT_SPAN_BYTES_MAX = 16 << 20,
};

// Bytes of the next span of a list that has taken so many and may take so many more: as much again,
// between these two. 0 when there is not room for the least.
static inline uint64_t ht_span_bytes(uint64_t taken_bytes, uint64_t left_bytes)
{
    uint64_t bytes = HT_SPAN_BYTES_MIN;
    while (2 * bytes <= taken_bytes && 2 * bytes <= left_bytes && bytes < HT_SPAN_BYTES_MAX) {
        bytes *= 2;
    }
    return bytes <= left_bytes ? bytes : 0;
}

#endif
