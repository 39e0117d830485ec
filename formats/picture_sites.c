// SPDX-License-Identifier: MIT
//
// Sites and dumps. See the header.
#include "formats/picture_sites.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 64,
    DUMPS_MIN = 8,         // that shrinking leaves
    FIRST_WIDTH_LOG2 = 20, // about a millisecond; its low bits tell the dumps of heaps apart
};

void ht_picture_sites_reset(struct ht_picture_sites *sites)
{
    free(sites->sites);
    free(sites->changed);
    free(sites->dumped);
    ht_picture_index_reset(&sites->index);
    *sites = (struct ht_picture_sites){0};
}

static enum ht_status grow(struct ht_picture_sites *sites, struct ht_error *error)
{
    uint32_t capacity = sites->capacity > 0 ? sites->capacity * 2 : FIRST_CAPACITY;
    struct ht_picture_site *grown = realloc(sites->sites, capacity * sizeof *grown);
    if (grown == NULL)
        return ht_fail_memory(error, "the sites");
    sites->sites = grown;
    uint32_t *changed = realloc(sites->changed, capacity * sizeof *changed);
    if (changed == NULL)
        return ht_fail_memory(error, "the sites");
    sites->changed = changed;
    sites->capacity = capacity;
    return HT_OK;
}

// The stack that a new site stands for: the stack itself while there is room.
static uint32_t kept_stack(struct ht_picture_sites *sites, const struct ht_dict *dict,
                           uint32_t stack)
{
    if (stack == 0 || stack > ht_dict_stack_count(dict))
        return 0;
    if (sites->count >= HT_PICTURE_SITES_MAX)
        return HT_PICTURE_OTHER_STACKS;
    size_t frame_count;
    ht_dict_stack(dict, stack, &frame_count);
    if (frame_count > HT_PICTURE_SITE_FRAMES_MAX - sites->frames)
        return HT_PICTURE_OTHER_STACKS;
    sites->frames += (uint32_t)frame_count;
    sites->has_stacks = true;
    return stack;
}

// Finds or makes the site that stands for a stack as it is kept.
static enum ht_status find_or_make(struct ht_picture_sites *sites, uint32_t owner, uint32_t kept,
                                   uint32_t *site, struct ht_error *error)
{
    if (ht_picture_site_is_found(sites, owner, kept, site))
        return HT_OK;
    *site = ht_picture_index_find(&sites->index, kept, owner);
    if (*site != HT_PICTURE_NONE)
        return HT_OK;
    enum ht_status status = sites->count == sites->capacity ? grow(sites, error) : HT_OK;
    if (status == HT_OK)
        status = ht_picture_index_put(&sites->index, kept, owner, sites->count, error);
    if (status != HT_OK)
        return status;
    *site = sites->count++;
    sites->sites[*site] = (struct ht_picture_site){.owner = owner, .stack = kept};
    return HT_OK;
}

enum ht_status ht_picture_site_seek(struct ht_picture_sites *sites, const struct ht_dict *dict,
                                    uint32_t owner, uint32_t stack, uint32_t *site,
                                    struct ht_error *error)
{
    enum ht_status status = HT_OK;
    uint32_t kept = stack;
    *site = ht_picture_index_find(&sites->index, stack, owner);
    if (*site == HT_PICTURE_NONE) {
        kept = kept_stack(sites, dict, stack);
        status = find_or_make(sites, owner, kept, site, error);
    }
    if (status == HT_OK)
        sites->found[kept % HT_PICTURE_FOUND] = *site;
    return status;
}

static bool is_one_period(const struct ht_picture_sites *sites, uint64_t a, uint64_t b)
{
    return a >> sites->width_log2 == b >> sites->width_log2;
}

// Moves a dump to the end of those kept so far, with the one behind it when both are of one period:
// of a site that is in both, the later count stays. Returns how many dumps were taken.
static uint32_t keep_dump(struct ht_picture_sites *sites, uint32_t at, uint32_t *kept_dumps,
                          uint32_t *kept)
{
    struct ht_picture_dump dump = sites->dumps[at];
    struct ht_picture_dump later = {.end = dump.end};
    bool is_pair = at + 1 < sites->dump_count &&
                   is_one_period(sites, dump.end - 1, sites->dumps[at + 1].end - 1);
    if (is_pair)
        later = sites->dumps[at + 1];
    sites->period++;
    for (uint32_t i = 0; i < later.count; i++)
        sites->sites[sites->dumped[later.first + i].site].period = sites->period;
    uint32_t first = *kept;
    for (uint32_t i = 0; i < dump.count; i++) {
        struct ht_picture_dumped dumped = sites->dumped[dump.first + i];
        if (sites->sites[dumped.site].period != sites->period)
            sites->dumped[(*kept)++] = dumped;
    }
    memmove(&sites->dumped[*kept], &sites->dumped[later.first],
            later.count * sizeof *sites->dumped);
    *kept += later.count;
    uint64_t end = ((dump.end - 1) >> sites->width_log2) + 1;
    sites->dumps[(*kept_dumps)++] =
        (struct ht_picture_dump){end << sites->width_log2, first, *kept - first};
    return is_pair ? 2 : 1;
}

static void double_width(struct ht_picture_sites *sites)
{
    uint32_t kept_dumps = 0;
    uint32_t kept = 0;
    sites->width_log2++;
    for (uint32_t at = 0; at < sites->dump_count;)
        at += keep_dump(sites, at, &kept_dumps, &kept);
    sites->dump_count = kept_dumps;
    sites->dumped_count = kept;
}

// Sites that are written with a stack of their own.
static uint32_t count_kept(const struct ht_picture_sites *sites)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sites->count; i++) {
        uint32_t stack = ht_picture_site_stack(sites, i);
        kept += stack != 0 && stack != HT_PICTURE_OTHER_STACKS;
    }
    return kept;
}

bool ht_picture_sites_shrink(struct ht_picture_sites *sites)
{
    uint32_t dumps = sites->dump_count;
    if (dumps > DUMPS_MIN) {
        while (sites->dump_count > dumps / 2 && sites->width_log2 < 63)
            double_width(sites);
        return true;
    }
    uint32_t kept = count_kept(sites);
    while (count_kept(sites) > kept / 2 && sites->least_bytes <= UINT64_MAX / 2)
        sites->least_bytes = sites->least_bytes > 0 ? sites->least_bytes * 2 : 1;
    return kept > 0;
}

uint32_t ht_picture_site_stack(const struct ht_picture_sites *sites, uint32_t site)
{
    const struct ht_picture_site *self = &sites->sites[site];
    bool is_small = self->count.allocated_bytes < sites->least_bytes;
    return self->stack != 0 && is_small ? HT_PICTURE_OTHER_STACKS : self->stack;
}

void ht_picture_sites_restart(struct ht_picture_sites *sites)
{
    for (uint32_t i = 0; i < sites->count; i++) {
        sites->sites[i].count = (struct ht_picture_count){0};
        sites->sites[i].period = 0;
    }
    sites->changed_count = 0;
    sites->last_stamp = 0;
    sites->end_stamp = 0;
    sites->width_log2 = 0;
    sites->dumped_count = 0;
    sites->dump_count = 0;
    sites->least_bytes = 0;
}

// Makes room for the changed sites as one more dump.
static enum ht_status reserve_dump(struct ht_picture_sites *sites, struct ht_error *error)
{
    while (sites->width_log2 < 63 &&
           (sites->dump_count == HT_PICTURE_DUMPS_MAX ||
            sites->dumped_count + sites->changed_count > HT_PICTURE_COUNTS_MAX))
        double_width(sites);
    uint32_t capacity = sites->dumped_capacity > 0 ? sites->dumped_capacity : FIRST_CAPACITY;
    while (capacity < sites->dumped_count + sites->changed_count)
        capacity *= 2;
    if (capacity == sites->dumped_capacity)
        return HT_OK;
    struct ht_picture_dumped *grown = realloc(sites->dumped, capacity * sizeof *grown);
    if (grown == NULL)
        return ht_fail_memory(error, "the heap dumps");
    sites->dumped = grown;
    sites->dumped_capacity = capacity;
    return HT_OK;
}

enum ht_status ht_picture_sites_finish(struct ht_picture_sites *sites, struct ht_error *error)
{
    if (sites->changed_count == 0)
        return HT_OK;
    enum ht_status status = reserve_dump(sites, error);
    if (status != HT_OK)
        return status;
    uint64_t end = ((sites->last_stamp >> sites->width_log2) + 1) << sites->width_log2;
    uint32_t first = sites->dumped_count;
    for (uint32_t i = 0; i < sites->changed_count; i++) {
        uint32_t site = sites->changed[i];
        sites->dumped[sites->dumped_count++] =
            (struct ht_picture_dumped){site, sites->sites[site].count};
    }
    sites->dumps[sites->dump_count++] = (struct ht_picture_dump){end, first, sites->changed_count};
    sites->changed_count = 0;
    // After the width has doubled, the period before this one may be the same.
    if (sites->dump_count >= 2 &&
        is_one_period(sites, end - 1, sites->dumps[sites->dump_count - 2].end - 1)) {
        uint32_t at = sites->dump_count - 2;
        uint32_t kept_dumps = at;
        uint32_t kept = sites->dumps[at].first;
        keep_dump(sites, at, &kept_dumps, &kept);
        sites->dump_count = kept_dumps;
        sites->dumped_count = kept;
    }
    sites->period++;
    return HT_OK;
}

enum ht_status ht_picture_sites_move_on(struct ht_picture_sites *sites, uint64_t stamp,
                                        struct ht_error *error)
{
    if (sites->width_log2 == 0) {
        sites->width_log2 = FIRST_WIDTH_LOG2;
        sites->period = 1;
    }
    if (sites->changed_count > 0 && !is_one_period(sites, stamp, sites->last_stamp) &&
        stamp > sites->last_stamp) {
        enum ht_status status = ht_picture_sites_finish(sites, error);
        if (status != HT_OK)
            return status;
    }
    if (stamp > sites->last_stamp)
        sites->last_stamp = stamp;
    sites->end_stamp = ((sites->last_stamp >> sites->width_log2) + 1) << sites->width_log2;
    return HT_OK;
}
