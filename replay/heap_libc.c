// SPDX-License-Identifier: MIT
//
// The C library's heap: malloc, realloc, free; msvcrt's is the process's heap of Windows. The
// program itself uses it too, so open gives back to the system what lies free in it, where the
// library can; what the program still holds stays, and so does a threshold for mapped blocks that
// earlier frees have raised. A caller that wants it as fresh as in a new process does its own work
// elsewhere before.
#include "replay/heap.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#include <malloc.h>
#define HAS_MALLINFO2 __GLIBC_PREREQ(2, 33)
#else
#define HAS_MALLINFO2 0
#endif

#if defined(__MSVCRT__)
#include "replay/wine.h"
#include <malloc.h>
#endif

static enum ht_status open_libc(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)heap;
    (void)error;
    *self = NULL;
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
    return HT_OK;
}

static void close_libc(void *self)
{
    (void)self;
}

static void version(void *self, char *text, size_t size)
{
    (void)self;
#if defined(__GLIBC__)
    snprintf(text, size, "glibc %s", gnu_get_libc_version());
#elif defined(__MSVCRT__)
    char system[40];
    ht_wine_describe(system, sizeof system);
    snprintf(text, size, "%s; msvcrt", system);
#else
    snprintf(text, size, "unknown");
#endif
}

// C leaves it open what malloc(0) and realloc(p, 0) do, so a block of no bytes is asked for as one.
static size_t at_least_one(size_t size)
{
    return size + (size == 0);
}

static void *allocate(void *self, size_t size)
{
    (void)self;
    return malloc(at_least_one(size));
}

static void *reallocate(void *self, void *block, size_t size)
{
    (void)self;
    return realloc(block, at_least_one(size));
}

static void release(void *self, void *block)
{
    (void)self;
    free(block);
}

#if defined(__GLIBC__)
static size_t usable(void *self, void *block)
{
    (void)self;
    return malloc_usable_size(block);
}
#endif

#if defined(__MSVCRT__)
static size_t usable(void *self, void *block)
{
    (void)self;
    return _msize(block);
}
#endif

#if HAS_MALLINFO2
static void account(void *self, struct ht_account *told)
{
    (void)self;
    struct mallinfo2 info = mallinfo2();
    *told = (struct ht_account){.source = "mallinfo2"};
    ht_account_add(told, "arena", info.arena);
    ht_account_add(told, "hblkhd", info.hblkhd);
    ht_account_add(told, "uordblks", info.uordblks);
    ht_account_add(told, "fordblks", info.fordblks);
    ht_account_add(told, "keepcost", info.keepcost);
}
#endif

const struct ht_heap ht_heap_libc = {
    .name = "libc",
    .what = "malloc, realloc and free of the C library",
    .is_memory = true,
    .open = open_libc,
    .close = close_libc,
    .version = version,
    .allocate = allocate,
    .reallocate = reallocate,
    .release = release,
#if defined(__GLIBC__) || defined(__MSVCRT__)
    .usable = usable,
#endif
#if defined(__MSVCRT__)
    .tells_requested = true,
#endif
#if HAS_MALLINFO2
    .account = account,
#endif
};
