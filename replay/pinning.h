// SPDX-License-Identifier: MIT
//
// Who pins sparse pages: shares of blocks by what they have in common. A sparse page falls to the
// blocks on it by their bytes on it, so the shares of all blocks are together the sparse pages,
// less what was rounded down.
#ifndef HT_REPLAY_PINNING_H
#define HT_REPLAY_PINNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_pinning {
    uint64_t id; // what the blocks have in common: a thread, a stack, the least of a range
    uint64_t blocks;
    uint64_t requested_bytes;
    uint64_t pinned_bytes; // of sparse pages
};

// One block that pins, from its birth to its end.
struct ht_pinner {
    uint64_t pinned_bytes; // 0 in an empty one
    uint64_t size;         // requested, at the look
    uint32_t block;
    uint32_t thread; // that made it or gave it this size
    uint32_t stack;  // and its call stack, 0 for none
    bool is_ended;
    int64_t made_ns;  // recorded times; for one older than the trace that of its first realloc
    int64_t ended_ns; // when it is ended
};

// Puts it among the `most` in `top` if it pins more than one of them; the greatest first, and of
// those that pin as much the one put first.
void ht_pinner_put(struct ht_pinner *top, size_t most, struct ht_pinner pinner);

// Adds up those of equal id among `count` single ones, which it reorders, and puts the `most` that
// pin most into `top`, the greatest first. Returns how many it put.
size_t ht_pinning_find(struct ht_pinning *single, size_t count, struct ht_pinning *top,
                       size_t most);

#endif
