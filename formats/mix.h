// SPDX-License-Identifier: MIT
//
// The spreading of a key for hashes. No hash of heaptape shows in what it writes.
#ifndef HT_FORMATS_MIX_H
#define HT_FORMATS_MIX_H

#include <stdint.h>

// Spreads a key over 64 bits, so that any of them may be used.
static inline uint64_t ht_mix(uint64_t key)
{
    key ^= key >> 32;
    key *= 0xD6E8FEB86659FD93u;
    key ^= key >> 32;
    key *= 0xD6E8FEB86659FD93u;
    return key ^ key >> 32;
}

#endif
