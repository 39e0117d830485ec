// SPDX-License-Identifier: MIT
//
// Sorts by what they have in common, then by how much they pin.
#include "replay/pinning.h"

#include "replay/sort.h"

static bool has_lower_id(const void *one, const void *other)
{
    const struct ht_pinning *left = one;
    const struct ht_pinning *right = other;
    return left->id < right->id;
}

// Of those that pin as much, the one of lower id: the order is the same on every run.
static bool pins_more(const void *one, const void *other)
{
    const struct ht_pinning *left = one;
    const struct ht_pinning *right = other;
    return left->pinned_bytes != right->pinned_bytes ? left->pinned_bytes > right->pinned_bytes
                                                     : left->id < right->id;
}

size_t ht_pinning_find(struct ht_pinning *single, size_t count, struct ht_pinning *top, size_t most)
{
    size_t groups = 0;
    ht_sort(single, count, sizeof *single, has_lower_id);
    for (size_t i = 0; i < count; i++) {
        struct ht_pinning *last = groups == 0 ? NULL : &single[groups - 1];
        if (last == NULL || last->id != single[i].id) {
            single[groups++] = single[i];
            continue;
        }
        last->blocks += single[i].blocks;
        last->requested_bytes += single[i].requested_bytes;
        last->pinned_bytes += single[i].pinned_bytes;
    }
    ht_sort(single, groups, sizeof *single, pins_more);
    size_t found = groups < most ? groups : most;
    for (size_t i = 0; i < found; i++) {
        top[i] = single[i];
    }
    return found;
}

void ht_pinner_put(struct ht_pinner *top, size_t most, struct ht_pinner pinner)
{
    for (size_t i = 0; i < most; i++) {
        if (pinner.pinned_bytes > top[i].pinned_bytes) {
            struct ht_pinner less = top[i];
            top[i] = pinner;
            pinner = less;
        }
    }
}
