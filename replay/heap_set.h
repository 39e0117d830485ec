// SPDX-License-Identifier: MIT
//
// A heap opened for the recorded heaps of a plan: for each of several one that is apart from the
// others where the heap has such, else one for all.
#ifndef HT_REPLAY_HEAP_SET_H
#define HT_REPLAY_HEAP_SET_H

#include "replay/heap.h"

#include <stdint.h>

// A value in the caller's memory.
struct ht_heap_set {
    const struct ht_heap *heap; // whose calls are to be made
    void **selves;              // by recorded heap; all the same unless is_apart
    uint32_t count;             // at least 1
    bool is_apart;
};

// Opens for `count` recorded heaps. Where not so many can be apart, none is. On failure there is
// nothing to close.
enum ht_status ht_heap_set_open(struct ht_heap_set *set, const struct ht_heap *heap, uint32_t count,
                                struct ht_error *error);

// The same with none apart, for calls that come from several threads, or for a count that is not
// known yet.
enum ht_status ht_heap_set_open_merged(struct ht_heap_set *set, const struct ht_heap *heap,
                                       uint32_t count, struct ht_error *error);
void ht_heap_set_close(struct ht_heap_set *set);

// What the set takes from the system.
uint64_t ht_heap_set_memory_bytes(const struct ht_heap_set *set);

#endif
