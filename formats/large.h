// SPDX-License-Identifier: MIT
//
// Memory for large arrays that are used from front to back. Where the system has large pages it
// comes in these, which saves the thousands of page faults that a short run would mostly consist
// of.
#ifndef HT_FORMATS_LARGE_H
#define HT_FORMATS_LARGE_H

#include <stddef.h>

// NULL without memory. Given back with free(). One file a system implements it (large_*.c), chosen
// by CMake.
void *ht_large_alloc(size_t size);

#endif
