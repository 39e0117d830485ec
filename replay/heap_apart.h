// SPDX-License-Identifier: MIT
//
// Heaps that are apart from each other in one library: mimalloc's heaps, jemalloc's arenas.
#ifndef HT_REPLAY_HEAP_APART_H
#define HT_REPLAY_HEAP_APART_H

#include "replay/heap_dynamic.h"

// The form of a library's heap of which each open makes a new one: what is to be `apart` of
// `whole`, whose name, version and usable it takes over. NULL when the library has no such heaps
// that we know, or there is no memory. Both are valid until the process ends.
const struct ht_heap *ht_heap_apart_of(void *library, const struct ht_dynamic_heap *whole);

#endif
