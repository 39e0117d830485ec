// SPDX-License-Identifier: MIT
//
// The contract of a heap that a recording can be replayed on, and the table of those that are built
// in. To add one: a file heap_NAME.c with one of these structs and its line in heap.c. Heaps from
// shared libraries are in replay/heap_dynamic.h.
//
// Sizes are what the recorded program asked for. 0 is a valid request, as it is for the Windows
// heap: it gives a block of its own that has no usable byte, also from a reallocate. A heap that
// has not the room returns NULL; a reallocate that returns NULL leaves the old block as it was.
#ifndef HT_REPLAY_HEAP_H
#define HT_REPLAY_HEAP_H

#include "formats/error.h"
#include "replay/account.h"

#include <stdbool.h>
#include <stddef.h>

struct ht_heap {
    const char *name; // what the user calls it
    const char *what; // one line about it
    bool is_memory;   // blocks are memory, to be touched; false only for `null`

    // The same heap in another form, of which each open makes a heap that is apart from the others:
    // for recordings of several heaps. NULL when there is one only; a heap of which every open
    // makes another is its own. A block is resized and released with the `self` it was made with.
    const struct ht_heap *apart;

    // Makes the heap ready and gives the `self` of all other calls, which may be NULL. `heap` is
    // this struct, for a heap that is part of a larger one. What open needs should not be taken
    // from the heap. On failure there is nothing to close.
    enum ht_status (*open)(const struct ht_heap *heap, void **self, struct ht_error *error);
    void (*close)(void *self);

    // Makes the `self` for the calls of one more thread, which close gives back too. NULL in a heap
    // that keeps nothing by thread: all share that of open.
    enum ht_status (*enter)(void *self, void **of_thread, struct ht_error *error);

    // Writes the heap's own name and version, cut to `size` bytes with its NUL.
    void (*version)(void *self, char *text, size_t size);

    void *(*allocate)(void *self, size_t size);
    void *(*reallocate)(void *self, void *block, size_t size); // block is never NULL
    void (*release)(void *self, void *block);                  // block is never NULL

    // Bytes of the block that the program may use, at least those it asked for. NULL in a heap that
    // does not tell.
    size_t (*usable)(void *self, void *block);
    bool tells_requested; // that is what was asked for: it says nothing of what a block wastes

    // What the allocator says of itself now, all its heaps together. NULL in one that does not
    // tell.
    void (*account)(void *self, struct ht_account *account);
};

// The i-th heap that is built in, NULL past the last.
const struct ht_heap *ht_heap_at(size_t index);

// The one of that name, NULL when there is none.
const struct ht_heap *ht_heap_by_name(const char *name);

extern const struct ht_heap ht_heap_libc; // malloc, realloc, free of the C library
extern const struct ht_heap ht_heap_null; // does nothing: the price of the harness

// On Windows only: HeapAlloc, HeapReAlloc, HeapFree, with the low-fragmentation heap as Windows has
// it by itself, asked for, or ruled out.
extern const struct ht_heap ht_heap_win32;
extern const struct ht_heap ht_heap_win32_lfh;
extern const struct ht_heap ht_heap_win32_no_lfh;

#endif
