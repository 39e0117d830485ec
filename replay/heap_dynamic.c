// SPDX-License-Identifier: MIT
//
// Heaps out of shared libraries: what makes a library a heap, and the calls. How libraries are
// loaded is in replay/library.h, which are known by name in heap_known_*.c.
#include "replay/heap_dynamic.h"

#include "replay/heap_apart.h"
#include "replay/library.h"
#include "replay/os.h"

#include <stdio.h>
#include <string.h>

static enum ht_status open_dynamic(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)error;
    *self = (void *)heap; // the first member of its ht_dynamic_heap
    return HT_OK;
}

static void close_dynamic(void *self)
{
    (void)self;
}

static void version(void *self, char *text, size_t size)
{
    const struct ht_dynamic_heap *heap = self;
    snprintf(text, size, "%s", heap->version);
}

// As for the C library's heap: a block of no bytes is asked for as one.
static size_t at_least_one(size_t size)
{
    return size + (size == 0);
}

static void *allocate(void *self, size_t size)
{
    const struct ht_dynamic_heap *heap = self;
    return heap->malloc(at_least_one(size));
}

static void *reallocate(void *self, void *block, size_t size)
{
    const struct ht_dynamic_heap *heap = self;
    return heap->realloc(block, at_least_one(size));
}

static void release(void *self, void *block)
{
    const struct ht_dynamic_heap *heap = self;
    heap->free(block);
}

static size_t usable(void *self, void *block)
{
    const struct ht_dynamic_heap *heap = self;
    return heap->malloc_usable_size(block);
}

static void account(void *self, struct ht_account *told)
{
    const struct ht_dynamic_heap *heap = self;
    ht_account_read(&heap->account_calls, told);
}

// Each heap has its own way to tell its version; a library that knows none is called by its file.
static void find_version(void *library, struct ht_dynamic_heap *heap)
{
    int (*mallctl)(const char *, void *, size_t *, void *, size_t) =
        (int (*)(const char *, void *, size_t *, void *, size_t))ht_library_function(library,
                                                                                     "mallctl");
    int (*mi_version)(void) = (int (*)(void))ht_library_function(library, "mi_version");
    const char *(*tc_version)(int *, int *, const char **) =
        (const char *(*)(int *, int *, const char **))ht_library_function(library, "tc_version");
    const char *text = NULL;
    size_t size = sizeof text;
    if (mallctl != NULL && mallctl("version", &text, &size, NULL, 0) == 0 && text != NULL) {
        // Of "5.3.0-0-g54eaed1d8b56" the part that people say.
        snprintf(heap->version, sizeof heap->version, "jemalloc %.*s", (int)strcspn(text, "-"),
                 text);
    } else if (mi_version != NULL) {
        int number = mi_version();
        snprintf(heap->version, sizeof heap->version, "mimalloc %d.%d.%d", number / 100,
                 number / 10 % 10, number % 10);
    } else if (tc_version != NULL) {
        snprintf(heap->version, sizeof heap->version, "%s", tc_version(NULL, NULL, NULL));
    } else {
        const char *slash = strrchr(heap->path, '/');
        snprintf(heap->version, sizeof heap->version, "%s", slash == NULL ? heap->path : slash + 1);
    }
}

static enum ht_dynamic_state find_calls(const char *name, void *library,
                                        struct ht_dynamic_heap *heap, struct ht_error *error)
{
    static const char *const names[] = {"malloc", "realloc", "free"};
    ht_function *found[3];
    for (size_t i = 0; i < 3; i++) {
        found[i] = ht_library_function(library, names[i]);
        if (found[i] == NULL) {
            ht_fail(error, HT_UNSUPPORTED,
                    "%s: a heap has malloc, realloc and free of its own; this library has no %s",
                    name, names[i]);
            return HT_DYNAMIC_UNUSABLE;
        }
    }
    heap->malloc = (void *(*)(size_t))found[0];
    heap->realloc = (void *(*)(void *, size_t))found[1];
    heap->free = (void (*)(void *))found[2];
    heap->malloc_usable_size =
        (size_t(*)(void *))ht_library_function(library, "malloc_usable_size");
    heap->path = ht_library_path(found[0]);
    return HT_DYNAMIC_READY;
}

static enum ht_dynamic_state make_heap(const char *name, const char *what, void *library,
                                       const struct ht_dynamic_heap **result,
                                       struct ht_error *error)
{
    // Once a library, and not from a heap; the process's end gives it back.
    struct ht_dynamic_heap *heap = ht_os_map(sizeof *heap);
    if (heap == NULL) {
        ht_fail_memory(error, name);
        return HT_DYNAMIC_UNUSABLE;
    }
    enum ht_dynamic_state state = find_calls(name, library, heap, error);
    if (state != HT_DYNAMIC_READY) {
        ht_os_unmap(heap, sizeof *heap);
        return state;
    }
    find_version(library, heap);
    size_t length = strlen(heap->version);
    snprintf(heap->version + length, sizeof heap->version - length, "%s", ht_library_note());
    heap->heap = (struct ht_heap){
        .name = name,
        .what = what,
        .is_memory = true,
        .open = open_dynamic,
        .close = close_dynamic,
        .version = version,
        .allocate = allocate,
        .reallocate = reallocate,
        .release = release,
        .usable = heap->malloc_usable_size == NULL ? NULL : usable,
        .account = ht_account_find(library, &heap->account_calls) ? account : NULL,
    };
    heap->heap.apart = ht_heap_apart_of(library, heap);
    *result = heap;
    return HT_DYNAMIC_READY;
}

static enum ht_dynamic_state state_of(enum ht_library_state state)
{
    switch (state) {
    case HT_LIBRARY_LOADED:
        return HT_DYNAMIC_READY;
    case HT_LIBRARY_ABSENT:
        return HT_DYNAMIC_ABSENT;
    case HT_LIBRARY_NO_THREAD_ROOM:
        return HT_DYNAMIC_NEEDS_RESTART;
    default:
        return HT_DYNAMIC_UNUSABLE;
    }
}

static enum ht_dynamic_state load_known(const struct ht_known_heap *known, void **library,
                                        struct ht_error *error)
{
    enum ht_dynamic_state state = HT_DYNAMIC_ABSENT;
    for (size_t i = 0; state == HT_DYNAMIC_ABSENT && known->files[i] != NULL; i++) {
        state = state_of(ht_library_load(known->files[i], library, error));
    }
    if (state == HT_DYNAMIC_ABSENT) {
        ht_fail(error, HT_UNSUPPORTED, "%s: there is no %s here (Debian's package is %s)",
                known->name, known->files[0], known->package);
    }
    return state;
}

static const struct ht_known_heap *known_by_name(const char *name)
{
    const struct ht_known_heap *known;
    for (size_t i = 0; (known = ht_known_heap_at(i)) != NULL; i++) {
        if (strcmp(known->name, name) == 0) {
            return known;
        }
    }
    return NULL;
}

enum ht_dynamic_state ht_dynamic_heap_load(const char *name, const struct ht_dynamic_heap **heap,
                                           struct ht_error *error)
{
    const struct ht_known_heap *known = known_by_name(name);
    void *library = NULL;
    enum ht_dynamic_state state;
    if (known != NULL) {
        state = load_known(known, &library, error);
    } else if (ht_library_is_path(name)) {
        state = state_of(ht_library_load(name, &library, error));
    } else {
        ht_fail(error, HT_UNSUPPORTED, "there is no heap %s", name);
        state = HT_DYNAMIC_NO_NAME;
    }
    if (state != HT_DYNAMIC_READY) {
        return state;
    }
    return make_heap(name, known == NULL ? "a shared library" : known->what, library, heap, error);
}
