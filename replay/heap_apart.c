// SPDX-License-Identifier: MIT
//
// Several heaps in one library. A jemalloc arena gets a thread cache of its own, as a plain malloc
// has one. At a close the mimalloc heap ends, and the jemalloc cache, but its arena stays until
// the process ends.
#include "replay/heap_apart.h"

#include "replay/library.h"
#include "replay/os.h"

#include <stdio.h>

// What is needed of one library. The calls of the other are NULL.
struct family {
    struct ht_heap heap; // first, so that open finds the rest
    const struct ht_dynamic_heap *whole;

    void *(*mi_heap_new)(void);
    void *(*mi_heap_malloc)(void *heap, size_t size);
    void *(*mi_heap_realloc)(void *heap, void *block, size_t size);
    void (*mi_heap_delete)(void *heap);

    int (*mallctl)(const char *name, void *old, size_t *old_size, void *value, size_t size);
    void *(*mallocx)(size_t size, int flags);
    void *(*rallocx)(void *block, size_t size, int flags);
    void (*dallocx)(void *block, int flags);
};

// One heap that was opened.
struct apart {
    const struct family *family;
    void *mi_heap;
    unsigned tcache;
    int flags; // of jemalloc's calls: the arena and the cache
};

// As for the C library's heap: a block of no bytes is asked for as one.
static size_t at_least_one(size_t size)
{
    return size + (size == 0);
}

static void version(void *self, char *text, size_t size)
{
    const struct apart *apart = self;
    snprintf(text, size, "%s", apart->family->whole->version);
}

static size_t usable(void *self, void *block)
{
    const struct apart *apart = self;
    return apart->family->whole->malloc_usable_size(block);
}

static void account(void *self, struct ht_account *told)
{
    const struct apart *apart = self;
    ht_account_read(&apart->family->whole->account_calls, told);
}

// Takes over what `made` says, or fails when the library refused.
static enum ht_status keep(struct apart made, bool is_made, void **self, struct ht_error *error)
{
    struct apart *apart = is_made ? ht_os_map(sizeof *apart) : NULL;
    if (apart == NULL) {
        return ht_fail(error, HT_UNSUPPORTED, "%s: it makes no more heaps", made.family->heap.name);
    }
    *apart = made;
    *self = apart;
    return HT_OK;
}

static enum ht_status open_mimalloc(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    struct apart made = {.family = (const struct family *)heap};
    made.mi_heap = made.family->mi_heap_new();
    return keep(made, made.mi_heap != NULL, self, error);
}

// Blocks that are live go over to the library's first heap.
static void close_mimalloc(void *self)
{
    struct apart *apart = self;
    apart->family->mi_heap_delete(apart->mi_heap);
    ht_os_unmap(apart, sizeof *apart);
}

static void *allocate_mimalloc(void *self, size_t size)
{
    const struct apart *apart = self;
    return apart->family->mi_heap_malloc(apart->mi_heap, at_least_one(size));
}

static void *reallocate_mimalloc(void *self, void *block, size_t size)
{
    const struct apart *apart = self;
    return apart->family->mi_heap_realloc(apart->mi_heap, block, at_least_one(size));
}

static void release_mimalloc(void *self, void *block)
{
    const struct apart *apart = self;
    apart->family->whole->free(block);
}

static enum ht_status open_jemalloc(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    struct apart made = {.family = (const struct family *)heap};
    unsigned arena = 0;
    size_t size = sizeof arena;
    bool is_made = made.family->mallctl("arenas.create", &arena, &size, NULL, 0) == 0 &&
                   made.family->mallctl("tcache.create", &made.tcache, &size, NULL, 0) == 0;
    // MALLOCX_ARENA and MALLOCX_TCACHE of jemalloc.h.
    made.flags = (int)((arena + 1) << 20 | (made.tcache + 2) << 8);
    return keep(made, is_made, self, error);
}

static void close_jemalloc(void *self)
{
    struct apart *apart = self;
    apart->family->mallctl("tcache.destroy", NULL, NULL, &apart->tcache, sizeof apart->tcache);
    ht_os_unmap(apart, sizeof *apart);
}

static void *allocate_jemalloc(void *self, size_t size)
{
    const struct apart *apart = self;
    return apart->family->mallocx(at_least_one(size), apart->flags);
}

static void *reallocate_jemalloc(void *self, void *block, size_t size)
{
    const struct apart *apart = self;
    return apart->family->rallocx(block, at_least_one(size), apart->flags);
}

static void release_jemalloc(void *self, void *block)
{
    const struct apart *apart = self;
    apart->family->dallocx(block, apart->flags);
}

static bool find_mimalloc(void *library, struct family *family)
{
    family->mi_heap_new = (void *(*)(void))ht_library_function(library, "mi_heap_new");
    family->mi_heap_malloc =
        (void *(*)(void *, size_t))ht_library_function(library, "mi_heap_malloc");
    family->mi_heap_realloc =
        (void *(*)(void *, void *, size_t))ht_library_function(library, "mi_heap_realloc");
    family->mi_heap_delete = (void (*)(void *))ht_library_function(library, "mi_heap_delete");
    family->heap.open = open_mimalloc;
    family->heap.close = close_mimalloc;
    family->heap.allocate = allocate_mimalloc;
    family->heap.reallocate = reallocate_mimalloc;
    family->heap.release = release_mimalloc;
    return family->mi_heap_new != NULL && family->mi_heap_malloc != NULL &&
           family->mi_heap_realloc != NULL && family->mi_heap_delete != NULL;
}

static bool find_jemalloc(void *library, struct family *family)
{
    family->mallctl = (int (*)(const char *, void *, size_t *, void *, size_t))ht_library_function(
        library, "mallctl");
    family->mallocx = (void *(*)(size_t, int))ht_library_function(library, "mallocx");
    family->rallocx = (void *(*)(void *, size_t, int))ht_library_function(library, "rallocx");
    family->dallocx = (void (*)(void *, int))ht_library_function(library, "dallocx");
    family->heap.open = open_jemalloc;
    family->heap.close = close_jemalloc;
    family->heap.allocate = allocate_jemalloc;
    family->heap.reallocate = reallocate_jemalloc;
    family->heap.release = release_jemalloc;
    return family->mallctl != NULL && family->mallocx != NULL && family->rallocx != NULL &&
           family->dallocx != NULL;
}

const struct ht_heap *ht_heap_apart_of(void *library, const struct ht_dynamic_heap *whole)
{
    struct family *family = ht_os_map(sizeof *family);
    if (family == NULL) {
        return NULL;
    }
    family->whole = whole;
    family->heap.name = whole->heap.name;
    family->heap.what = whole->heap.what;
    family->heap.is_memory = true;
    family->heap.version = version;
    family->heap.usable = whole->heap.usable == NULL ? NULL : usable;
    family->heap.account = account; // both libraries have one
    if (find_mimalloc(library, family) || find_jemalloc(library, family)) {
        return &family->heap;
    }
    ht_os_unmap(family, sizeof *family);
    return NULL;
}
