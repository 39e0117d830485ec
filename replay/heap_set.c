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

enum ht_status ht_heap_set_open(struct ht_heap_set *set, const struct ht_heap *heap, uint32_t count,
                                struct ht_error *error)
{
    *set = (struct ht_heap_set){.count = count > 0 ? count : 1};
    set->selves = ht_os_map(ht_heap_set_memory_bytes(set));
    if (set->selves == NULL) {
        return ht_fail_memory(error, "the table of heaps");
    }
    set->is_apart = set->count > 1 && heap->apart != NULL && open_apart(set, heap->apart);
    if (set->is_apart) {
        return HT_OK;
    }
    set->heap = heap;
    void *self;
    enum ht_status status = heap->open(heap, &self, error);
    if (status != HT_OK) {
        ht_os_unmap(set->selves, ht_heap_set_memory_bytes(set));
        return status;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        set->selves[i] = self;
    }
    return HT_OK;
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
