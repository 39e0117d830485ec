// SPDX-License-Identifier: MIT
//
// Windows gives large pages to few users: memory as it comes.
#include "formats/large.h"

#include <stdlib.h>

void *ht_large_alloc(size_t size)
{
    return malloc(size);
}
