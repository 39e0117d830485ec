// SPDX-License-Identifier: MIT
//
// Large pages by Linux's advice; elsewhere memory as it comes.
#include "formats/large.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20 }; // of most processors; an alignment that suits none does no harm

void *ht_large_alloc(size_t size)
{
    void *memory = NULL;
    if (size < LARGE_PAGE)
        return malloc(size);
    if (posix_memalign(&memory, LARGE_PAGE, size) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    // Only whole large pages, so that no more memory is taken than was asked for.
    (void)madvise(memory, size - size % LARGE_PAGE, MADV_HUGEPAGE);
#endif
    return memory;
}
