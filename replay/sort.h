// SPDX-License-Identifier: MIT
//
// A sort in place that takes no memory. qsort may take some from the heap that is measured.
#ifndef HT_REPLAY_SORT_H
#define HT_REPLAY_SORT_H

#include <stdbool.h>
#include <stddef.h>

enum { HT_SORT_ITEM_MAX = 64 }; // bytes of an item

// Puts items before which none is into front. Equal items come in any order, but always in the
// same.
void ht_sort(void *items, size_t count, size_t item_size,
             bool (*is_before)(const void *one, const void *other));

#endif
