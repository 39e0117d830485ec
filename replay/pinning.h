// SPDX-License-Identifier: MIT
//
// Who pins sparse pages: shares of blocks by what they have in common. A sparse page falls to the
// blocks on it by their bytes on it, so the shares of all blocks are together the sparse pages,
// less what was rounded down.
#ifndef HT_REPLAY_PINNING_H
#define HT_REPLAY_PINNING_H

#include <stddef.h>
#include <stdint.h>

struct ht_pinning {
    uint64_t id; // what the blocks have in common: a thread, a stack, the least of a range
    uint64_t blocks;
    uint64_t requested_bytes;
    uint64_t pinned_bytes; // of sparse pages
};

// Adds up those of equal id among `count` single ones, which it reorders, and puts the `most` that
// pin most into `top`, the greatest first. Returns how many it put.
size_t ht_pinning_find(struct ht_pinning *single, size_t count, struct ht_pinning *top,
                       size_t most);

#endif
