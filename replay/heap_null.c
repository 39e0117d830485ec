// SPDX-License-Identifier: MIT
//
// The heap that does nothing: it hands out one address, which is no memory, for every block, keeps
// it when the block is resized, and takes blocks back without a word. What a replay on it costs is
// the price of the harness, so it has no state, which threads would share, or be looked up for
// each.
#include "replay/heap.h"

#include <stdint.h>
#include <stdio.h>

#define ADDRESS ((uintptr_t)16)

static enum ht_status open_null(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)heap;
    (void)error;
    *self = NULL;
    return HT_OK;
}

static void close_null(void *self)
{
    (void)self;
}

static void version(void *self, char *text, size_t size)
{
    (void)self;
    snprintf(text, size, "null");
}

static void *allocate(void *self, size_t size)
{
    (void)self;
    (void)size;
    return (void *)ADDRESS;
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
