// SPDX-License-Identifier: MIT
//
// Names and columns of the event kinds: one table, from which every format writes and reads.
#include "formats/event.h"

#include <stddef.h>
#include <string.h>

enum { DETAIL_NAMES_MAX = 9 };

struct kind_info {
    const char *name;
    unsigned fields;
    const char *detail[DETAIL_NAMES_MAX]; // NULL-terminated
};

#define ADDRESS HT_FIELD_ADDRESS
#define SIZE HT_FIELD_SIZE
#define SOURCE HT_FIELD_SOURCE
#define SNAPSHOT_DETAIL                                                                            \
    {                                                                                              \
        "free_space", "reserved_space", "flags", "process_id", "largest_ucr", "free_list_length",  \
            "ucr_length", "allocated_space", NULL                                                  \
    }
#define SPACE_DETAIL                                                                               \
    {                                                                                              \
        "free_space", "committed_space", "reserved_space", "ucr_count", "allocated_space", NULL    \
    }
#define SUBSEGMENT_DETAIL                                                                          \
    {                                                                                              \
        "block_size", "flags", NULL                                                                \
    }

static const struct kind_info kinds[HT_KIND_COUNT] = {
    [HT_KIND_NONE] = {"?", 0, {NULL}},
    [HT_KIND_ALLOC] = {"alloc", ADDRESS | SIZE | SOURCE, {NULL}},
    [HT_KIND_REALLOC] = {"realloc", ADDRESS | SIZE | HT_FIELD_OLD | SOURCE, {NULL}},
    [HT_KIND_FREE] = {"free", ADDRESS | SOURCE, {NULL}},
    [HT_KIND_CREATE] = {"create", SIZE, {"flags", "reserved_size", "allocated_size", NULL}},
    [HT_KIND_DESTROY] = {"destroy", 0, {NULL}},
    [HT_KIND_EXTEND] = {"extend", ADDRESS | SIZE, SPACE_DETAIL},
    [HT_KIND_SNAPSHOT] = {"snapshot", SIZE, SNAPSHOT_DETAIL},
    [HT_KIND_CREATE_SNAPSHOT] = {"create_snapshot", SIZE, SNAPSHOT_DETAIL},
    [HT_KIND_DESTROY_SNAPSHOT] = {"destroy_snapshot", SIZE, SNAPSHOT_DETAIL},
    [HT_KIND_EXTEND_SNAPSHOT] = {"extend_snapshot", SIZE, SNAPSHOT_DETAIL},
    [HT_KIND_CONTRACT] = {"contract", ADDRESS | SIZE, SPACE_DETAIL},
    [HT_KIND_LOCK] = {"lock", 0, {NULL}},
    [HT_KIND_UNLOCK] = {"unlock", 0, {NULL}},
    [HT_KIND_VALIDATE] = {"validate", 0, {NULL}},
    [HT_KIND_WALK] = {"walk", 0, {NULL}},
    [HT_KIND_SUBSEGMENT_ALLOC] = {"subsegment_alloc", ADDRESS | SIZE, SUBSEGMENT_DETAIL},
    [HT_KIND_SUBSEGMENT_FREE] = {"subsegment_free", ADDRESS | SIZE, SUBSEGMENT_DETAIL},
    [HT_KIND_SUBSEGMENT_ALLOC_CACHED] = {"subsegment_alloc_cached", ADDRESS | SIZE,
                                         SUBSEGMENT_DETAIL},
    [HT_KIND_SUBSEGMENT_FREE_CACHED] = {"subsegment_free_cached", ADDRESS | SIZE,
                                        SUBSEGMENT_DETAIL},
    [HT_KIND_COMMIT] = {"commit", ADDRESS | SIZE | SOURCE, {NULL}},
    [HT_KIND_DECOMMIT] = {"decommit", ADDRESS | SIZE | SOURCE, {NULL}},
    [HT_KIND_SUBSEGMENT_INIT] = {"subsegment_init",
                                 ADDRESS | SIZE,
                                 {"block_count", "affinity_index", NULL}},
    [HT_KIND_AFFINITY_ENABLE] = {"affinity_enable", 0, {"bucket_index", NULL}},
    [HT_KIND_RESERVED] = {"reserved", 0, {"slot_index", NULL}},
    [HT_KIND_SUBSEGMENT_ACTIVATED] = {"subsegment_activated", ADDRESS, {NULL}},
    [HT_KIND_AFFINITY_ASSIGN] = {"affinity_assign", ADDRESS, {"slot_index", NULL}},
    [HT_KIND_REUSE_THRESHOLD] = {"reuse_threshold", ADDRESS, {"bucket_index", NULL}},
    [HT_KIND_RANGE_RUNDOWN] = {"range_rundown",
                               0,
                               {"flags", "process_id", "range_count", "range_address", "range_size",
                                NULL}},
    [HT_KIND_RANGE_CREATE] = {"range_create", SIZE, {"flags", NULL}},
    [HT_KIND_RANGE_RESERVE] = {"range_reserve", ADDRESS | SIZE, {NULL}},
    [HT_KIND_RANGE_RELEASE] = {"range_release", ADDRESS | SIZE, {NULL}},
    [HT_KIND_RANGE_DESTROY] = {"range_destroy", 0, {NULL}},
};

unsigned ht_kind_fields(enum ht_kind kind)
{
    return (unsigned)kind < HT_KIND_COUNT ? kinds[kind].fields : 0;
}

const char *ht_kind_name(enum ht_kind kind)
{
    return (unsigned)kind < HT_KIND_COUNT ? kinds[kind].name : "?";
}

enum ht_kind ht_kind_by_name(const char *name, uint32_t length)
{
    for (int kind = HT_KIND_NONE + 1; kind < HT_KIND_COUNT; kind++) {
        const char *candidate = kinds[kind].name;
        if (strlen(candidate) == length && memcmp(candidate, name, length) == 0)
            return (enum ht_kind)kind;
    }
    return HT_KIND_NONE;
}

const char *ht_kind_detail_name(enum ht_kind kind, uint32_t index)
{
    if ((unsigned)kind >= HT_KIND_COUNT)
        return NULL;
    if (kind == HT_KIND_RANGE_RUNDOWN && index >= 5)
        index = 3 + (index - 3) % 2;
    return index < DETAIL_NAMES_MAX ? kinds[kind].detail[index] : NULL;
}
