// SPDX-License-Identifier: MIT
//
// Passes calls on, but for the realloc. Nothing is shared by calls, so that threads need no lock.
#include "replay/heap_copying.h"

#include "replay/os.h"

#include <string.h>

// One that was opened.
struct copying {
    const struct ht_heap *inner;
    void *inner_self;
};

static void *allocate(void *self, size_t size)
{
    const struct copying *copying = self;
    return copying->inner->allocate(copying->inner_self, size);
}

static void *reallocate(void *self, void *block, size_t size)
{
    const struct copying *copying = self;
    size_t old_size = copying->inner->usable(copying->inner_self, block);
    void *made = copying->inner->allocate(copying->inner_self, size);
    if (made != NULL) {
        memcpy(made, block, old_size < size ? old_size : size);
        copying->inner->release(copying->inner_self, block);
    }
    return made;
}

static void release(void *self, void *block)
{
    const struct copying *copying = self;
    copying->inner->release(copying->inner_self, block);
}

static size_t usable(void *self, void *block)
{
    const struct copying *copying = self;
    return copying->inner->usable(copying->inner_self, block);
}

static void account(void *self, struct ht_account *told)
{
    const struct copying *copying = self;
    copying->inner->account(copying->inner_self, told);
}

static void version(void *self, char *text, size_t size)
{
    const struct copying *copying = self;
    copying->inner->version(copying->inner_self, text, size);
}

static enum ht_status open_copying(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    const struct ht_heap *inner = ((const struct ht_copying_form *)heap)->inner;
    struct copying *copying = ht_os_map(sizeof *copying);
    if (copying == NULL) {
        return ht_fail_memory(error, "the copying heap");
    }
    copying->inner = inner;
    enum ht_status status = inner->open(inner, &copying->inner_self, error);
    if (status != HT_OK) {
        ht_os_unmap(copying, sizeof *copying);
        return status;
    }
    *self = copying;
    return HT_OK;
}

static void close_copying(void *self)
{
    struct copying *copying = self;
    copying->inner->close(copying->inner_self);
    ht_os_unmap(copying, sizeof *copying);
}

static struct ht_copying_form around(const struct ht_heap *inner)
{
    return (struct ht_copying_form){
        .heap = {.name = inner->name,
                 .what = inner->what,
                 .is_memory = true,
                 .open = open_copying,
                 .close = close_copying,
                 .version = version,
                 .allocate = allocate,
                 .reallocate = reallocate,
                 .release = release,
                 .usable = usable,
                 .tells_requested = inner->tells_requested,
                 .account = inner->account == NULL ? NULL : account},
        .inner = inner,
    };
}

enum ht_status ht_copying_heap_around(struct ht_copying_heap *copying, const struct ht_heap *inner,
                                      struct ht_error *error)
{
    if (!inner->is_memory || inner->usable == NULL) {
        return ht_fail(error, HT_UNSUPPORTED,
                       "realloc=copy: heap %s does not tell how many bytes there are to copy",
                       inner->name);
    }
    *copying = (struct ht_copying_heap){.whole = around(inner)};
    if (inner->apart != NULL && inner->apart->usable != NULL) {
        copying->apart = around(inner->apart);
        copying->whole.heap.apart = &copying->apart.heap;
    }
    return HT_OK;
}
