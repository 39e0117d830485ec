// SPDX-License-Identifier: MIT
//
// Rebase: a table of regions. See the header.
#include "convert/rebase.h"

#include "formats/limits.h"

#include <stdlib.h>

enum { REGION_BITS = 32, PLACE_BITS = 34, KEPT_BITS = 16 };

struct ht_region {
    uint32_t pid;
    uint32_t upper; // half of its addresses
    uint64_t first; // the address met first, without the bits that are kept
};

enum ht_status ht_rebase_init(struct ht_rebase *rebase, struct ht_error *error)
{
    *rebase = (struct ht_rebase){0};
    return ht_slots_init(&rebase->slots, error);
}

void ht_rebase_reset(struct ht_rebase *rebase)
{
    free(rebase->regions);
    ht_slots_reset(&rebase->slots);
    *rebase = (struct ht_rebase){0};
}

static enum ht_status reserve(struct ht_rebase *rebase, struct ht_error *error)
{
    if (rebase->count == HT_REBASE_REGIONS_MAX)
        return ht_fail(error, HT_LIMIT, "addresses in more than %d regions of 4 GiB",
                       HT_REBASE_REGIONS_MAX);
    if (rebase->count == rebase->capacity) {
        uint32_t capacity = rebase->capacity > 0 ? rebase->capacity * 2 : 16;
        struct ht_region *regions = realloc(rebase->regions, capacity * sizeof *regions);
        if (regions == NULL)
            return ht_fail_memory(error, "the regions of addresses");
        rebase->regions = regions;
        rebase->capacity = capacity;
    }
    return ht_slots_reserve(&rebase->slots, error);
}

static bool holds(const struct ht_region *region, uint32_t pid, uint64_t address)
{
    return region->pid == pid && region->upper == address >> REGION_BITS;
}

static enum ht_status find(struct ht_rebase *rebase, uint32_t pid, uint64_t address,
                           struct ht_error *error)
{
    if (rebase->count > 0 && holds(&rebase->regions[rebase->last], pid, address))
        return HT_OK;
    enum ht_status status = reserve(rebase, error);
    if (status != HT_OK)
        return status;
    struct ht_slots *slots = &rebase->slots;
    uint32_t tag = (uint32_t)(ht_mix((uint64_t)pid << 32 | address >> REGION_BITS) >> 32);
    uint32_t slot = ht_slots_first(slots, tag);
    for (; !ht_slots_is_empty(slots, slot); slot = ht_slots_next(slots, tag, slot)) {
        rebase->last = ht_slots_index(slots, slot);
        if (holds(&rebase->regions[rebase->last], pid, address))
            return HT_OK;
    }
    ht_slots_put(slots, slot, tag, rebase->count);
    rebase->last = rebase->count++;
    rebase->regions[rebase->last] = (struct ht_region){pid, (uint32_t)(address >> REGION_BITS),
                                                       address >> KEPT_BITS << KEPT_BITS};
    return HT_OK;
}

enum ht_status ht_rebase_address(struct ht_rebase *rebase, uint32_t pid, uint64_t *address,
                                 struct ht_error *error)
{
    if (*address == 0)
        return HT_OK;
    enum ht_status status = find(rebase, pid, *address, error);
    if (status != HT_OK)
        return status;
    // The middle of the region's place: the address met first need not be the lowest.
    uint64_t middle = ((uint64_t)rebase->last << PLACE_BITS) + (UINT64_C(1) << (PLACE_BITS - 1));
    *address = middle + (*address - rebase->regions[rebase->last].first);
    return HT_OK;
}
