// SPDX-License-Identifier: MIT
//
// The contract of a heap that a recording can be replayed on, and the table of those there are.
// To add one: a file heap_NAME.c with one of these structs and its line in heap.c.
//
// Sizes are what the recorded program asked for. 0 is a valid request, as it is for the Windows
// heap: it gives a block of its own that has no usable byte, also from a reallocate. A heap that
// has not the room returns NULL; a reallocate that returns NULL leaves the old block as it was.
#ifndef HT_REPLAY_HEAP_H
#define HT_REPLAY_HEAP_H

#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>

struct ht_heap {
    const char *name; // what the user calls it
    const char *what; // one line about it
    bool is_memory;   // blocks are memory, to be touched; false only for `null`

    // Makes the heap ready and gives the `self` of all other calls, which may be NULL. What it
    // needs for that should not be taken from the heap. On failure there is nothing to close.
    enum ht_status (*open)(void **self, struct ht_error *error);
    void (*close)(void *self);

    // Writes the heap's own name and version, cut to `size` bytes with its NUL.
    void (*version)(void *self, char *text, size_t size);

    void *(*allocate)(void *self, size_t size);
    void *(*reallocate)(void *self, void *block, size_t size); // block is never NULL
    void (*release)(void *self, void *block);                  // block is never NULL
};

// The i-th heap this program can replay on, NULL past the last.
const struct ht_heap *ht_heap_at(size_t index);

// The heap of that name, NULL when there is none.
const struct ht_heap *ht_heap_by_name(const char *name);

extern const struct ht_heap ht_heap_libc; // malloc, realloc, free of the C library
extern const struct ht_heap ht_heap_null; // does nothing: the price of the harness

#endif
