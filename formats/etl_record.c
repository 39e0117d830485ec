// SPDX-License-Identifier: MIT
//
// Record headers. The walk ends where Windows' own walk ends: at filler, at an unknown family or
// kind, at a size below the kind's header, at a record that crosses the end of the valid bytes.
#include "formats/etl_record.h"

#include "formats/bytes.h"

#include <string.h>

enum { RECORD_ALIGNMENT = 8, GUID_SIZE = 16, PMC_COUNTERS_MASK = 7, VALUE_SIZE = 8 };

// Where the fields of a record's header are.
enum shape {
    SHAPE_NONE, // not a kind that can be walked
    SHAPE_SYSTEM,
    SHAPE_COMPACT,
    SHAPE_PERFINFO,
    SHAPE_FULL,
    SHAPE_INSTANCE,
    SHAPE_EVENT,
    SHAPE_OPAQUE, // only its size is known
};

struct header_info {
    const char *name;
    uint8_t shape;
    uint8_t size; // of the header
    uint8_t size_at;
    uint8_t pointer_size;
};

static const struct header_info headers[] = {
    [HT_ETL_SYSTEM32] = {"SYSTEM32", SHAPE_SYSTEM, HT_ETL_SYSTEM_SIZE, 4, 4},
    [HT_ETL_SYSTEM64] = {"SYSTEM64", SHAPE_SYSTEM, HT_ETL_SYSTEM_SIZE, 4, 8},
    [HT_ETL_COMPACT32] = {"COMPACT32", SHAPE_COMPACT, HT_ETL_COMPACT_SIZE, 4, 4},
    [HT_ETL_COMPACT64] = {"COMPACT64", SHAPE_COMPACT, HT_ETL_COMPACT_SIZE, 4, 8},
    [HT_ETL_FULL32] = {"FULL32", SHAPE_FULL, HT_ETL_FULL_SIZE, 0, 4},
    [HT_ETL_INSTANCE32] = {"INSTANCE32", SHAPE_INSTANCE, HT_ETL_INSTANCE_SIZE, 0, 4},
    [HT_ETL_ERROR] = {"ERROR", SHAPE_OPAQUE, HT_ETL_ERROR_SIZE, 0, 8},
    [HT_ETL_MESSAGE] = {"MESSAGE", SHAPE_OPAQUE, HT_ETL_MESSAGE_SIZE, 0, 8},
    [HT_ETL_PERFINFO32] = {"PERFINFO32", SHAPE_PERFINFO, HT_ETL_PERFINFO_SIZE, 4, 4},
    [HT_ETL_PERFINFO64] = {"PERFINFO64", SHAPE_PERFINFO, HT_ETL_PERFINFO_SIZE, 4, 8},
    [HT_ETL_EVENT32] = {"EVENT_HEADER32", SHAPE_EVENT, HT_ETL_EVENT_SIZE, 0, 4},
    [HT_ETL_EVENT64] = {"EVENT_HEADER64", SHAPE_EVENT, HT_ETL_EVENT_SIZE, 0, 8},
    [HT_ETL_FULL64] = {"FULL64", SHAPE_FULL, HT_ETL_FULL_SIZE, 0, 8},
    [HT_ETL_INSTANCE64] = {"INSTANCE64", SHAPE_INSTANCE, HT_ETL_INSTANCE_SIZE, 0, 8},
};
static const struct header_info message = {"MESSAGE", SHAPE_OPAQUE, HT_ETL_MESSAGE_SIZE, 0, 8};
static const struct header_info timed = {"TIME", SHAPE_OPAQUE, HT_ETL_MESSAGE_SIZE, 0, 8};
static const struct header_info none = {"?", SHAPE_NONE, 0, 0, 8};

static const struct header_info *header_by_kind(uint8_t kind)
{
    bool is_known = kind < sizeof headers / sizeof *headers && headers[kind].shape != SHAPE_NONE;
    return is_known ? &headers[kind] : &none;
}

static const struct header_info *header_of(uint32_t marker)
{
    switch (marker >> 24) {
    case HT_ETL_FAMILY_TRACE:
        return header_by_kind((uint8_t)(marker >> 16));
    case HT_ETL_FAMILY_MESSAGE:
        return &message;
    case HT_ETL_FAMILY_TIME:
        return &timed;
    default:
        return &none;
    }
}

const char *ht_etl_header_name(uint8_t header)
{
    return header_of(header < HT_ETL_FAMILY_MESSAGE
                         ? (uint32_t)HT_ETL_FAMILY_TRACE << 24 | (uint32_t)header << 16
                         : (uint32_t)header << 24)
        ->name;
}

bool ht_etl_record_stamp(const uint8_t *bytes, size_t size, uint64_t *stamp, bool *is_record)
{
    const struct header_info *info =
        size >= HT_ETL_STAMP_BYTES ? header_of(ht_load32(bytes)) : &none;
    *is_record = info->shape != SHAPE_NONE;
    if (!*is_record || info->shape == SHAPE_OPAQUE)
        return false;
    *stamp = ht_load64(bytes + (info->shape == SHAPE_PERFINFO ? 0x08 : 0x10));
    return true;
}

static const struct {
    uint8_t guid[GUID_SIZE];
    uint8_t group;
} providers[] = {
    {HT_ETL_GUID_HEAP, HT_ETL_GROUP_HEAP},         {HT_ETL_GUID_PAGE_FAULT, HT_ETL_GROUP_MEMORY},
    {HT_ETL_GUID_PROCESS, HT_ETL_GROUP_PROCESS},   {HT_ETL_GUID_THREAD, HT_ETL_GROUP_THREAD},
    {HT_ETL_GUID_IMAGE, HT_ETL_GROUP_IMAGE},       {HT_ETL_GUID_STACK, HT_ETL_GROUP_STACK},
    {HT_ETL_GUID_PERFINFO, HT_ETL_GROUP_PERFINFO}, {HT_ETL_GUID_EVENT_TRACE, HT_ETL_GROUP_HEADER},
    {HT_ETL_GUID_IMAGE_ID, HT_ETL_GROUP_IMAGE_ID}, {HT_ETL_GUID_CONFIG, HT_ETL_GROUP_CONFIG},
};

static uint8_t group_of_guid(const uint8_t *guid)
{
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++)
        if (memcmp(providers[i].guid, guid, GUID_SIZE) == 0)
            return providers[i].group;
    return HT_ETL_GROUP_UNKNOWN;
}

// SYSTEM and COMPACT: version, kind, size, hook, thread, process, stamp.
static void fill_system(struct ht_etl_record *record, const uint8_t *p)
{
    record->has_hook = true;
    record->version = p[0];
    record->opcode = p[6];
    record->group = p[7];
    record->tid = ht_load32(p + 0x08);
    record->pid = ht_load32(p + 0x0C);
    record->stamp = ht_load64(p + 0x10);
}

// What is left behind the parts of a header whose size varies.
static void set_payload(struct ht_etl_record *record, const struct ht_cursor *body)
{
    record->payload = body->at;
    record->payload_size = body->failed ? 0 : ht_cursor_left(body);
}

// PERFINFO has no ids; a PEBS index and hardware counters may stand before the payload.
static void fill_perfinfo(struct ht_etl_record *record, const uint8_t *p)
{
    uint16_t version = ht_load16(p);
    size_t values = (size_t)(version >> 8) & PMC_COUNTERS_MASK;
    values += (version & HT_ETL_PERFINFO_FLAG_PEBS) != 0;
    record->has_hook = true;
    record->version = version & 0xFF;
    record->opcode = p[6];
    record->group = p[7];
    record->stamp = ht_load64(p + 0x08);
    struct ht_cursor body = ht_cursor_over(record->payload, record->payload_size);
    ht_cursor_take(&body, values * VALUE_SIZE);
    set_payload(record, &body);
}

static void fill_full(struct ht_etl_record *record, const uint8_t *p)
{
    record->opcode = p[4];
    record->version = ht_load16(p + 6);
    record->tid = ht_load32(p + 0x08);
    record->pid = ht_load32(p + 0x0C);
    record->stamp = ht_load64(p + 0x10);
    record->group = group_of_guid(p + 0x18);
}

// Extended items: total size, type, whether another follows, data size; then the data, padded.
static void skip_extended_items(struct ht_cursor *body)
{
    bool has_next = true;
    while (has_next && !body->failed) {
        const uint8_t *item = ht_cursor_take(body, 8);
        if (item == NULL)
            return;
        has_next = (ht_load16(item + 4) & 1) != 0;
        size_t data_size = ht_load16(item + 6);
        ht_cursor_take(body, (data_size + RECORD_ALIGNMENT - 1) & ~(size_t)(RECORD_ALIGNMENT - 1));
    }
}

static void fill_event(struct ht_etl_record *record, const uint8_t *p)
{
    record->tid = ht_load32(p + 0x08);
    record->pid = ht_load32(p + 0x0C);
    record->stamp = ht_load64(p + 0x10);
    record->group = group_of_guid(p + 0x18);
    record->version = p[0x2A];
    record->opcode = p[0x2D];
    if ((ht_load16(p + 4) & HT_ETL_EVENT_FLAG_EXTENDED) == 0)
        return;
    struct ht_cursor body = ht_cursor_over(record->payload, record->payload_size);
    skip_extended_items(&body);
    set_payload(record, &body);
}

static void fill(struct ht_etl_record *record, const struct header_info *info, const uint8_t *p,
                 size_t size)
{
    uint8_t family = p[3];
    *record = (struct ht_etl_record){.header = family == HT_ETL_FAMILY_TRACE ? p[2] : family,
                                     .pointer_size = info->pointer_size,
                                     .group = HT_ETL_GROUP_UNKNOWN,
                                     .has_stamp = info->shape != SHAPE_OPAQUE,
                                     .tid = HT_ETL_NO_ID,
                                     .pid = HT_ETL_NO_ID,
                                     .payload = p + info->size,
                                     .payload_size = size - info->size};
    switch (info->shape) {
    case SHAPE_SYSTEM:
    case SHAPE_COMPACT:
        fill_system(record, p);
        break;
    case SHAPE_PERFINFO:
        fill_perfinfo(record, p);
        break;
    case SHAPE_FULL:
    case SHAPE_INSTANCE:
        fill_full(record, p);
        break;
    case SHAPE_EVENT:
        fill_event(record, p);
        break;
    default:
        break;
    }
}

enum ht_etl_step ht_etl_walk_next(struct ht_etl_walk *walk, struct ht_etl_record *record)
{
    if (walk->at > walk->valid || walk->valid - walk->at < RECORD_ALIGNMENT)
        return HT_ETL_STEP_END;
    const uint8_t *p = walk->bytes + walk->at;
    uint32_t marker = ht_load32(p);
    if (marker == UINT32_MAX)
        return HT_ETL_STEP_END;
    const struct header_info *info = header_of(marker);
    if (info->shape == SHAPE_NONE)
        return HT_ETL_STEP_DAMAGED;
    size_t size = ht_load16(p + info->size_at);
    if (size < info->size)
        return HT_ETL_STEP_DAMAGED;
    if (size > walk->valid - walk->at)
        return HT_ETL_STEP_PAST;
    fill(record, info, p, size);
    walk->at += (size + RECORD_ALIGNMENT - 1) & ~(size_t)(RECORD_ALIGNMENT - 1);
    return HT_ETL_STEP_RECORD;
}
