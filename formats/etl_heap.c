// SPDX-License-Identifier: MIT
//
// Heap payloads. Allocs, reallocs and frees, nearly all there is, are read straight down; every
// other kind by a table of its fields. The size of a payload, never its version, says which of
// the trailing fields are there; bytes behind the known fields are ignored.
#include "formats/etl_heap.h"

#include "formats/bytes.h"

#include <string.h>

// A field of a payload: its width, where its value goes, whether older versions lack it. The heap
// handle, first of all, is not listed. 0 ends the list.
enum {
    POINTER = 0x10,
    DWORD = 0x20,
    BYTE = 0x30,
    WIDTH_MASK = 0x30,
    TO_ADDRESS = 0x01,
    TO_SIZE = 0x02,
    TO_SOURCE = 0x03,
    TO_DETAIL = 0x04,
    TO_MASK = 0x0F,
    OPTIONAL = 0x80, // and all behind it
};

enum { FIELDS_MAX = 10 };

struct layout {
    uint8_t kind; // enum ht_kind
    uint8_t fields[FIELDS_MAX];
};

// clang-format off
#define SNAPSHOT                                                                                   \
    {POINTER | TO_DETAIL, POINTER | TO_SIZE, POINTER | TO_DETAIL, DWORD | TO_DETAIL,               \
     DWORD | TO_DETAIL, POINTER | TO_DETAIL, DWORD | TO_DETAIL, DWORD | TO_DETAIL,                 \
     POINTER | TO_DETAIL | OPTIONAL}
#define SUBSEGMENT                                                                                 \
    {POINTER | TO_ADDRESS, POINTER | TO_SIZE, POINTER | TO_DETAIL, BYTE | TO_DETAIL | OPTIONAL}
#define COMMIT                                                                                     \
    {POINTER | TO_ADDRESS, POINTER | TO_SIZE, DWORD | TO_SOURCE | OPTIONAL}

// By opcode.
static const struct layout heap_layouts[] = {
    [HT_ETL_HEAP_CREATE] =
        {HT_KIND_CREATE,
         {DWORD | TO_DETAIL, POINTER | TO_DETAIL | OPTIONAL, POINTER | TO_SIZE,
          POINTER | TO_DETAIL}},
    [HT_ETL_HEAP_DESTROY] = {HT_KIND_DESTROY, {0}},
    [HT_ETL_HEAP_EXTEND] =
        {HT_KIND_EXTEND,
         {POINTER | TO_SIZE, POINTER | TO_ADDRESS, POINTER | TO_DETAIL, POINTER | TO_DETAIL,
          POINTER | TO_DETAIL, DWORD | TO_DETAIL, POINTER | TO_DETAIL | OPTIONAL}},
    [HT_ETL_HEAP_SNAPSHOT] = {HT_KIND_SNAPSHOT, SNAPSHOT},
    [HT_ETL_HEAP_CREATE_SNAPSHOT] = {HT_KIND_CREATE_SNAPSHOT, SNAPSHOT},
    [HT_ETL_HEAP_DESTROY_SNAPSHOT] = {HT_KIND_DESTROY_SNAPSHOT, SNAPSHOT},
    [HT_ETL_HEAP_EXTEND_SNAPSHOT] = {HT_KIND_EXTEND_SNAPSHOT, SNAPSHOT},
    [HT_ETL_HEAP_CONTRACT] =
        {HT_KIND_CONTRACT,
         {POINTER | TO_SIZE, POINTER | TO_ADDRESS, POINTER | TO_DETAIL, POINTER | TO_DETAIL,
          POINTER | TO_DETAIL, DWORD | TO_DETAIL, POINTER | TO_DETAIL | OPTIONAL}},
    [HT_ETL_HEAP_LOCK] = {HT_KIND_LOCK, {0}},
    [HT_ETL_HEAP_UNLOCK] = {HT_KIND_UNLOCK, {0}},
    [HT_ETL_HEAP_VALIDATE] = {HT_KIND_VALIDATE, {0}},
    [HT_ETL_HEAP_WALK] = {HT_KIND_WALK, {0}},
    [HT_ETL_HEAP_SUBSEGMENT_ALLOC] = {HT_KIND_SUBSEGMENT_ALLOC, SUBSEGMENT},
    [HT_ETL_HEAP_SUBSEGMENT_FREE] = {HT_KIND_SUBSEGMENT_FREE, SUBSEGMENT},
    [HT_ETL_HEAP_SUBSEGMENT_ALLOC_CACHED] =
        {HT_KIND_SUBSEGMENT_ALLOC_CACHED, SUBSEGMENT},
    [HT_ETL_HEAP_SUBSEGMENT_FREE_CACHED] =
        {HT_KIND_SUBSEGMENT_FREE_CACHED, SUBSEGMENT},
    [HT_ETL_HEAP_COMMIT] = {HT_KIND_COMMIT, COMMIT},
    [HT_ETL_HEAP_DECOMMIT] = {HT_KIND_DECOMMIT, COMMIT},
    [HT_ETL_HEAP_SUBSEGMENT_INIT] =
        {HT_KIND_SUBSEGMENT_INIT,
         {POINTER | TO_ADDRESS, POINTER | TO_SIZE, POINTER | TO_DETAIL, DWORD | TO_DETAIL}},
    [HT_ETL_HEAP_AFFINITY_ENABLE] =
        {HT_KIND_AFFINITY_ENABLE, {DWORD | TO_DETAIL}},
    [HT_ETL_HEAP_RESERVED] =
        {HT_KIND_RESERVED, {DWORD | TO_DETAIL | OPTIONAL}},
    [HT_ETL_HEAP_SUBSEGMENT_ACTIVATED] =
        {HT_KIND_SUBSEGMENT_ACTIVATED, {POINTER | TO_ADDRESS}},
    [HT_ETL_HEAP_AFFINITY_ASSIGN] =
        {HT_KIND_AFFINITY_ASSIGN, {POINTER | TO_ADDRESS, DWORD | TO_DETAIL}},
    [HT_ETL_HEAP_REUSE_THRESHOLD] =
        {HT_KIND_REUSE_THRESHOLD, {POINTER | TO_ADDRESS, DWORD | TO_DETAIL}},
};

static const struct layout range_layouts[] = {
    [HT_ETL_RANGE_RUNDOWN] =
        {HT_KIND_RANGE_RUNDOWN, {DWORD | TO_DETAIL, DWORD | TO_DETAIL, DWORD | TO_DETAIL}},
    [HT_ETL_RANGE_CREATE] =
        {HT_KIND_RANGE_CREATE, {POINTER | TO_SIZE, DWORD | TO_DETAIL}},
    [HT_ETL_RANGE_RESERVE] =
        {HT_KIND_RANGE_RESERVE, {POINTER | TO_ADDRESS, POINTER | TO_SIZE}},
    [HT_ETL_RANGE_RELEASE] =
        {HT_KIND_RANGE_RELEASE, {POINTER | TO_ADDRESS, POINTER | TO_SIZE}},
    [HT_ETL_RANGE_DESTROY] = {HT_KIND_RANGE_DESTROY, {0}},
};
// clang-format on

static uint64_t take(struct ht_cursor *payload, uint8_t field, unsigned pointer_size)
{
    switch (field & WIDTH_MASK) {
    case POINTER:
        return ht_cursor_pointer(payload, pointer_size);
    case DWORD:
        return ht_cursor_u32(payload);
    default:
        return ht_cursor_u8(payload);
    }
}

static void put(uint8_t field, uint64_t value, struct ht_event *event,
                struct ht_etl_heap_details *details)
{
    switch (field & TO_MASK) {
    case TO_ADDRESS:
        event->address = value;
        break;
    case TO_SIZE:
        event->size = value;
        break;
    case TO_SOURCE:
        ht_event_set_source(event, (uint32_t)value);
        break;
    default:
        details->values[details->count++] = value;
        break;
    }
}

// The ranges of a rundown follow its fields and a reserved dword.
static void take_ranges(struct ht_cursor *payload, unsigned pointer_size,
                        struct ht_etl_heap_details *details)
{
    uint64_t stated = details->values[details->count - 1];
    ht_cursor_u32(payload);
    for (uint64_t i = 0; i < stated; i++) {
        uint64_t address = ht_cursor_pointer(payload, pointer_size);
        uint64_t size = ht_cursor_pointer(payload, pointer_size);
        if (payload->failed || details->count + 2 > HT_DICT_DETAIL_VALUES_MAX) {
            details->is_cut = true;
            return;
        }
        details->values[details->count++] = address;
        details->values[details->count++] = size;
    }
}

static bool decode_by_layout(const struct layout *layout, struct ht_cursor *payload,
                             unsigned pointer_size, struct ht_event *event,
                             struct ht_etl_heap_details *details)
{
    event->kind = layout->kind;
    bool is_optional = false;
    for (size_t i = 0; i < FIELDS_MAX && layout->fields[i] != 0; i++) {
        uint8_t field = layout->fields[i];
        uint64_t value = take(payload, field, pointer_size);
        is_optional = is_optional || (field & OPTIONAL) != 0;
        if (payload->failed)
            return is_optional;
        put(field, value, event, details);
    }
    if (layout->kind == HT_KIND_RANGE_RUNDOWN)
        take_ranges(payload, pointer_size, details);
    return true;
}

static bool decode_alloc(struct ht_cursor *payload, unsigned pointer_size, struct ht_event *event)
{
    event->kind = HT_KIND_ALLOC;
    event->size = ht_cursor_pointer(payload, pointer_size);
    event->address = ht_cursor_pointer(payload, pointer_size);
    bool is_whole = !payload->failed;
    ht_event_set_source(event, ht_cursor_u32(payload));
    return is_whole;
}

static bool decode_realloc(struct ht_cursor *payload, unsigned pointer_size, struct ht_event *event)
{
    event->kind = HT_KIND_REALLOC;
    event->address = ht_cursor_pointer(payload, pointer_size);
    event->old_address = ht_cursor_pointer(payload, pointer_size);
    event->size = ht_cursor_pointer(payload, pointer_size);
    event->old_size = ht_cursor_pointer(payload, pointer_size);
    bool is_whole = !payload->failed;
    ht_event_set_source(event, ht_cursor_u32(payload));
    return is_whole;
}

static bool decode_free(struct ht_cursor *payload, unsigned pointer_size, struct ht_event *event)
{
    event->kind = HT_KIND_FREE;
    event->address = ht_cursor_pointer(payload, pointer_size);
    bool is_whole = !payload->failed;
    ht_event_set_source(event, ht_cursor_u32(payload));
    return is_whole;
}

// The heap handle, first of every payload. Kernel-mode heaps put zeros in front of the fields of
// a range record.
static uint64_t take_heap(struct ht_cursor *payload, unsigned pointer_size, bool is_range)
{
    struct ht_cursor shifted = *payload;
    uint64_t heap = ht_cursor_pointer(payload, pointer_size);
    if (heap != 0 || !is_range || ht_cursor_take(&shifted, HT_ETL_RANGE_KERNEL_SHIFT) == NULL)
        return heap;
    *payload = shifted;
    return ht_cursor_pointer(payload, pointer_size);
}

bool ht_etl_heap_decode(const struct ht_etl_record *record, struct ht_event *event,
                        struct ht_etl_heap_details *details)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    unsigned pointer_size = record->pointer_size;
    bool is_range = record->group == HT_ETL_GROUP_MEMORY;
    *event = (struct ht_event){
        .pid = record->pid, .tid = record->tid, .flags = pointer_size == 4 ? HT_FLAG_POINTER32 : 0};
    details->count = 0;
    details->is_cut = false;
    event->heap = take_heap(&payload, pointer_size, is_range);
    if (event->heap == 0)
        return false;
    if (is_range)
        return decode_by_layout(&range_layouts[record->opcode], &payload, pointer_size, event,
                                details);
    switch (record->opcode) {
    case HT_ETL_HEAP_ALLOC:
        return decode_alloc(&payload, pointer_size, event);
    case HT_ETL_HEAP_REALLOC:
        return decode_realloc(&payload, pointer_size, event);
    case HT_ETL_HEAP_FREE:
        return decode_free(&payload, pointer_size, event);
    default:
        return decode_by_layout(&heap_layouts[record->opcode], &payload, pointer_size, event,
                                details);
    }
}
