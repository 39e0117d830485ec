// SPDX-License-Identifier: MIT
//
// Heaps out of shared libraries, found at run time and never required: those known by a name of
// ours, and any library by its path that has a malloc, realloc and free of its own.
#ifndef HT_REPLAY_HEAP_DYNAMIC_H
#define HT_REPLAY_HEAP_DYNAMIC_H

#include "replay/heap.h"

enum { HT_KNOWN_FILES_MAX = 2 };

// A heap that is known by name.
struct ht_known_heap {
    const char *name;
    const char *what;                          // one line about it
    const char *files[HT_KNOWN_FILES_MAX + 1]; // libraries it may be in, NULL behind the last
    const char *package;                       // Debian's name for what to install
};

// The i-th heap known by name, NULL past the last. Whether it is there is not said by that. One
// file a system implements it (heap_known_*.c), chosen by CMake.
const struct ht_known_heap *ht_known_heap_at(size_t index);

// A heap out of a library that is loaded.
struct ht_dynamic_heap {
    struct ht_heap heap;
    const char *path; // of the library; valid until the process ends
    char version[64];

    // The library's own; the last may be NULL.
    void *(*malloc)(size_t size);
    void *(*realloc)(void *block, size_t size);
    void (*free)(void *block);
    size_t (*malloc_usable_size)(void *block);
    struct ht_account_calls account_calls;
};

enum ht_dynamic_state {
    HT_DYNAMIC_READY,
    HT_DYNAMIC_NO_NAME,       // neither known nor a path
    HT_DYNAMIC_ABSENT,        // no such library here
    HT_DYNAMIC_NEEDS_RESTART, // of the process, with more room for thread-local memory set aside
    HT_DYNAMIC_UNUSABLE,      // it cannot be loaded or is no heap
};

// Loads the heap `name` stands for, a known name or a path. What is loaded stays loaded, and *heap
// is valid, until the process ends; `name` has to be so long, too. In every state but the first
// `error` says what is wrong, and what to install where that helps.
enum ht_dynamic_state ht_dynamic_heap_load(const char *name, const struct ht_dynamic_heap **heap,
                                           struct ht_error *error);

#endif
