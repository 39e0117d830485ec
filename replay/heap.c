// SPDX-License-Identifier: MIT
//
// The table of heaps.
#include "replay/heap.h"

#include <string.h>

static const struct ht_heap *const heaps[] = {
#ifdef _WIN32
    &ht_heap_win32, &ht_heap_win32_lfh, &ht_heap_win32_no_lfh,
#endif
    &ht_heap_libc,  &ht_heap_null,
};

const struct ht_heap *ht_heap_at(size_t index)
{
    return index < sizeof heaps / sizeof heaps[0] ? heaps[index] : NULL;
}

const struct ht_heap *ht_heap_by_name(const char *name)
{
    const struct ht_heap *heap;
    for (size_t i = 0; (heap = ht_heap_at(i)) != NULL; i++) {
        if (strcmp(heap->name, name) == 0) {
            return heap;
        }
    }
    return NULL;
}
