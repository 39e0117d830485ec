// SPDX-License-Identifier: MIT
//
// The heaps that are known by name on Windows: none, since there no library of one has a name and a
// place that could be relied on. Each is taken by its path.
#include "replay/heap_dynamic.h"

const struct ht_known_heap *ht_known_heap_at(size_t index)
{
    (void)index;
    return NULL;
}
