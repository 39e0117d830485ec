// SPDX-License-Identifier: MIT
//
// The heap that does nothing: it hands out addresses that are no memory, each once a thread, keeps
// every block where it is when it is resized, and takes blocks back without a word. What a replay
// on it costs is the price of the harness, so threads must not wait for each other in it either.
#include "replay/heap.h"

#include <stdint.h>
#include <stdio.h>

// In steps of 16 this never meets 0, not even when it wraps around.
static _Thread_local uintptr_t next = 8;

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
    uintptr_t address = next;
    next = address + 16;
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
