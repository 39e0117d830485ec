// SPDX-License-Identifier: MIT
//
// Heap sort.
#include "replay/sort.h"

#include <string.h>

struct items {
    unsigned char *bytes;
    size_t size; // of one
    bool (*is_before)(const void *one, const void *other);
};

static unsigned char *at(const struct items *items, size_t index)
{
    return items->bytes + index * items->size;
}

static void swap(const struct items *items, size_t one, size_t other)
{
    unsigned char kept[HT_SORT_ITEM_MAX];
    memcpy(kept, at(items, one), items->size);
    memcpy(at(items, one), at(items, other), items->size);
    memcpy(at(items, other), kept, items->size);
}

// Lets the item at `top` sink to where no child is behind it.
static void sink(const struct items *items, size_t count, size_t top)
{
    for (size_t child; (child = 2 * top + 1) < count; top = child) {
        if (child + 1 < count && items->is_before(at(items, child), at(items, child + 1))) {
            child++;
        }
        if (!items->is_before(at(items, top), at(items, child))) {
            return;
        }
        swap(items, top, child);
    }
}

void ht_sort(void *bytes, size_t count, size_t item_size,
             bool (*is_before)(const void *one, const void *other))
{
    struct items items = {bytes, item_size, is_before};
    for (size_t top = count / 2; top > 0; top--) {
        sink(&items, count, top - 1);
    }
    for (size_t end = count; end > 1; end--) {
        swap(&items, 0, end - 1);
        sink(&items, end - 1, 0);
    }
}
