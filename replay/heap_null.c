// SPDX-License-Identifier: MIT
//
// The heap that does nothing: it hands out addresses that are no memory, each once, keeps every
// block where it is when it is resized, and takes blocks back without a word. What a replay on it
// costs is the price of the harness.
#include "replay/heap.h"

#include "replay/os.h"

#include <stdint.h>
#include <stdio.h>

struct null_heap {
    uintptr_t next;
};

static enum ht_status open_null(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)heap;
    struct null_heap *made = ht_os_map(sizeof *made);
    if (made == NULL) {
        return ht_fail_memory(error, "the null heap");
    }
    made->next = 8; // in steps of 16 this never meets 0, not even when it wraps around
    *self = made;
    return HT_OK;
}

static void close_null(void *self)
{
    ht_os_unmap(self, sizeof(struct null_heap));
}

static void version(void *self, char *text, size_t size)
{
    (void)self;
    snprintf(text, size, "null");
}

static void *allocate(void *self, size_t size)
{
    (void)size;
    struct null_heap *heap = self;
    uintptr_t address = heap->next;
    heap->next = address + 16;
    return (void *)address;
}

static void *reallocate(void *self, void *block, size_t size)
{
    (void)self;
    (void)size;
    return block;
}

static void release(void *self, void *block)
{
    (void)self;
    (void)block;
}

const struct ht_heap ht_heap_null = {
    .name = "null",
    .what = "does nothing: the price of the harness",
    .is_memory = false,
    .open = open_null,
    .close = close_null,
    .version = version,
    .allocate = allocate,
    .reallocate = reallocate,
    .release = release,
};
