// SPDX-License-Identifier: MIT
//
// A heap around another that never reallocates: each realloc is an alloc, a copy and a free of the
// other, as in a program that knows no realloc. A copy is of what the program may use of the old
// block, for which the other heap has to tell usable sizes.
#ifndef HT_REPLAY_HEAP_COPYING_H
#define HT_REPLAY_HEAP_COPYING_H

#include "replay/heap.h"

// One form of it.
struct ht_copying_form {
    struct ht_heap heap; // first, so that its open finds the other
    const struct ht_heap *inner;
};

// A value in the caller's memory, which must stay where it is.
struct ht_copying_heap {
    struct ht_copying_form whole; // its heap is to be replayed on
    struct ht_copying_form apart; // where the other heap has such
};

// HT_UNSUPPORTED when the other heap's blocks are no memory, or it does not tell usable sizes.
enum ht_status ht_copying_heap_around(struct ht_copying_heap *copying, const struct ht_heap *inner,
                                      struct ht_error *error);

#endif
