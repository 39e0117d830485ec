// SPDX-License-Identifier: MIT
//
// Opens one heap or many. See the header.
#include "replay/heap_set.h"

#include "replay/os.h"

static void close_apart(struct ht_heap_set *set, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        set->heap->close(set->selves[i]);
    }
}

static bool open_apart(struct ht_heap_set *set, const struct ht_heap *apart)
{
    set->heap = apart;
    for (uint32_t i = 0; i < set->count; i++) {
        if (apart->open(apart, &set->selves[i], NULL) != HT_OK) {
            close_apart(set, i);
            return false;
        }
    }
    return true;
}

static enum ht_status open_selves(struct ht_heap_set *set, const struct ht_heap *heap,
                                  uint32_t count, struct ht_error *error)
{
    *set = (struct ht_heap_set){.heap = heap, .count = count > 0 ? count : 1};
    set->selves = ht_os_map(ht_heap_set_memory_bytes(set));
    return set->selves != NULL ? HT_OK : ht_fail_memory(error, "the table of heaps");
}

static enum ht_status open_one(struct ht_heap_set *set, const struct ht_heap *heap,
                               struct ht_error *error)
{
    void *self;
    enum ht_status status = heap->open(heap, &self, error);
    if (status != HT_OK) {
        ht_os_unmap(set->selves, ht_heap_set_memory_bytes(set));
        return status;
    }
    set->heap = heap;
    for (uint32_t i = 0; i < set->count; i++) {
        set->selves[i] = self;
    }
    return HT_OK;
}

enum ht_status ht_heap_set_open(struct ht_heap_set *set, const struct ht_heap *heap, uint32_t count,
                                struct ht_error *error)
{
    enum ht_status status = open_selves(set, heap, count, error);
    if (status != HT_OK) {
        return status;
    }
    set->is_apart = set->count > 1 && heap->apart != NULL && open_apart(set, heap->apart);
    return set->is_apart ? HT_OK : open_one(set, heap, error);
}

enum ht_status ht_heap_set_open_merged(struct ht_heap_set *set, const struct ht_heap *heap,
                                       uint32_t count, struct ht_error *error)
{
    enum ht_status status = open_selves(set, heap, count, error);
    return status == HT_OK ? open_one(set, heap, error) : status;
}

void ht_heap_set_close(struct ht_heap_set *set)
{
    close_apart(set, set->is_apart ? set->count : 1);
    ht_os_unmap(set->selves, ht_heap_set_memory_bytes(set));
}

uint64_t ht_heap_set_memory_bytes(const struct ht_heap_set *set)
{
    return set->count * (uint64_t)sizeof *set->selves;
}
