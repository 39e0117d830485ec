// SPDX-License-Identifier: MIT
//
// The heaps that are known by name, in the libraries of Linux.
#include "replay/heap_dynamic.h"

static const struct ht_known_heap known_heaps[] = {
    {"jemalloc",
     "size classes in arenas, a cache for each thread",
     {"libjemalloc.so.2"},
     "libjemalloc2"},
    {"mimalloc",
     "sharded free lists in pages",
     {"libmimalloc.so.2", "libmimalloc.so.2.0"},
     "libmimalloc2.0"},
    {"tcmalloc",
     "size classes, a cache for each thread",
     {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"},
     "libtcmalloc-minimal4"},
};

const struct ht_known_heap *ht_known_heap_at(size_t index)
{
    return index < sizeof known_heaps / sizeof known_heaps[0] ? &known_heaps[index] : NULL;
}
