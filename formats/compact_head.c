// SPDX-License-Identifier: MIT
//
// The head of a block. See the header.
#include "formats/compact_head.h"

#include "formats/compact_pack.h"
#include "formats/compact_places.h"

#include <stdlib.h>
#include <string.h>

enum {
    LANES = 8, // a byte for each bit of ht_shape_field
    LANE_BITS = 8,
    LANE_MAX = UINT8_MAX,
};

static void drop_room(struct ht_head *head)
{
    free(head->shape);
    free(head->thread);
    free(head->heap);
    head->shape = NULL;
    head->thread = NULL;
    head->heap = NULL;
    head->room = 0;
}

// Makes room for the events of the block, of which is known that there are that many.
static bool make_room(struct ht_head *head)
{
    if (head->event_count <= head->room)
        return true;
    uint32_t room = HT_TABLE_ROOM_MIN;
    while (room < head->event_count)
        room *= 2;
    drop_room(head);
    head->shape = malloc(room * sizeof *head->shape);
    head->thread = malloc(room * sizeof *head->thread);
    head->heap = malloc(room * sizeof *head->heap);
    if (head->shape != NULL && head->thread != NULL && head->heap != NULL)
        head->room = room;
    else
        drop_room(head);
    return head->room > 0;
}

static void take_number(struct ht_head *head, const struct ht_packet *packet)
{
    if (packet->field == HT_BLOCK_EVENT_COUNT && packet->value <= HT_COMPACT_EVENTS_MAX)
        head->event_count = (uint32_t)packet->value;
    else if (packet->field == HT_BLOCK_FIRST_TIME_NS)
        head->start_ns = ht_unzigzag(packet->value);
    else if (packet->field == HT_BLOCK_TIME_UNIT_NS)
        head->time_unit_ns = packet->value;
    else if (packet->field == HT_BLOCK_ADDRESS_UNIT)
        head->address_unit = packet->value;
}

// Notes where each field of the message is. What is not known is left out.
static bool find_fields(struct ht_head *head, const uint8_t *data, size_t size)
{
    struct ht_cursor content = ht_cursor_over(data, size);
    struct ht_packet packet;
    while (ht_packet_next_field(&content, &packet)) {
        if (packet.data == NULL) {
            take_number(head, &packet);
        } else if (packet.field < HT_BLOCK_FIELD_LIMIT) {
            struct ht_head_column *column = &head->columns[packet.field];
            if (column->count > 0)
                return false; // one column, one field
            *column = (struct ht_head_column){packet.data, packet.size,
                                              ht_varint_count(packet.data, packet.size)};
        }
    }
    return !content.failed;
}

// A one in byte k for each bit k of the fields.
static uint64_t lanes_of(uint32_t fields)
{
    uint64_t lanes = 0;
    for (int k = 0; k < LANES; k++)
        lanes |= (uint64_t)(fields >> k & 1) << k * LANE_BITS;
    return lanes;
}

// Whether an event needs the pool of its size: where it begins a heap block, or resizes one where
// it is.
static bool has_pool(uint64_t kind, uint32_t fields)
{
    bool is_in_place = kind == HT_KIND_REALLOC && (fields & HT_SHAPE_BIRTH) != 0 &&
                       (fields & HT_SHAPE_ADDRESS) == 0;
    return (fields & HT_SHAPE_PLACE) != 0 || is_in_place;
}

static bool take_shapes(struct ht_head *head)
{
    size_t count = ht_head_count(head, HT_BLOCK_SHAPE_KIND);
    head->shape_count = count;
    if (count == 0 || count > head->event_count ||
        ht_head_count(head, HT_BLOCK_SHAPE_FLAGS) != count ||
        ht_head_count(head, HT_BLOCK_SHAPE_SOURCE) != count ||
        ht_head_count(head, HT_BLOCK_SHAPE_FIELDS) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t kind = ht_head_number(head, HT_BLOCK_SHAPE_KIND);
        uint64_t flags = ht_head_number(head, HT_BLOCK_SHAPE_FLAGS);
        uint64_t source = ht_head_number(head, HT_BLOCK_SHAPE_SOURCE);
        if (kind > UINT8_MAX || flags > UINT8_MAX || source > UINT8_MAX)
            return false;
        uint32_t fields = (uint32_t)ht_head_number(head, HT_BLOCK_SHAPE_FIELDS);
        head->shape[i] = (struct ht_head_shape){
            .lanes = lanes_of(fields),
            .fields = fields,
            .kind = (uint8_t)kind,
            .flags = (uint8_t)flags,
            .source = (uint8_t)source,
            .has_pool = has_pool(kind, fields),
        };
        head->fields |= fields;
        head->has_unknown_kind |= kind == HT_KIND_NONE || kind >= HT_KIND_COUNT;
    }
    return true;
}

static bool take_threads_and_heaps(struct ht_head *head)
{
    size_t threads = ht_head_count(head, HT_BLOCK_THREAD_PID);
    size_t heaps = ht_head_count(head, HT_BLOCK_HEAP_HANDLE);
    head->thread_count = threads;
    head->heap_count = heaps;
    if (threads == 0 || threads > head->event_count || heaps == 0 || heaps > head->event_count ||
        ht_head_count(head, HT_BLOCK_THREAD_TID) != threads)
        return false;
    for (size_t i = 0; i < threads; i++) {
        uint32_t pid = (uint32_t)ht_head_number(head, HT_BLOCK_THREAD_PID);
        head->thread[i] = (struct ht_head_thread){
            .pid = pid, .tid = (uint32_t)ht_head_number(head, HT_BLOCK_THREAD_TID)};
    }
    for (size_t i = 0; i < heaps; i++)
        head->heap[i] = ht_head_number(head, HT_BLOCK_HEAP_HANDLE);
    return true;
}

// Which fields may stand together in which kind: an address is told once.
static bool shape_fits(const struct ht_head_shape *shape)
{
    unsigned fields = shape->fields;
    bool is_born = (fields & HT_SHAPE_PLACE) != 0;
    bool is_named = (fields & HT_SHAPE_BIRTH) != 0;
    switch (shape->kind) {
    case HT_KIND_ALLOC:
        return !is_named && !(is_born && (fields & HT_SHAPE_ADDRESS) != 0);
    case HT_KIND_FREE:
        return !is_born && !(is_named && (fields & HT_SHAPE_ADDRESS) != 0);
    case HT_KIND_REALLOC:
        return !(is_born && (fields & HT_SHAPE_ADDRESS) != 0) &&
               !(is_named && (fields & HT_SHAPE_OLD_ADDRESS) != 0);
    default:
        return !is_born && !is_named;
    }
}

// The columns of every event. Shape and time are always there, so that few bytes never stand for
// many events.
static bool every_column_fits(const struct ht_head *head)
{
    static const enum ht_block_field optional[] = {HT_BLOCK_THREAD, HT_BLOCK_HEAP, HT_BLOCK_CPU};
    uint32_t count = head->event_count;
    if (ht_head_count(head, HT_BLOCK_SHAPE) != count || ht_head_count(head, HT_BLOCK_TIME) != count)
        return false;
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (ht_head_count(head, optional[i]) != 0 && ht_head_count(head, optional[i]) != count)
            return false;
    return true;
}

// Counts the events that have a field, by the field's bit, and leaves the column where it was.
// False when an event has no shape.
static bool count_fields(const struct ht_head *head, uint32_t counts[LANES])
{
    const uint8_t *at = head->columns[HT_BLOCK_SHAPE].at;
    for (uint32_t i = 0; i < head->event_count;) {
        uint32_t left = head->event_count - i;
        uint32_t end = i + (left < LANE_MAX ? left : LANE_MAX);
        uint64_t lanes = 0;
        for (; i < end; i++) {
            uint64_t shape = ht_varint_take(&at);
            if (shape >= head->shape_count)
                return false;
            lanes += head->shape[shape].lanes;
        }
        for (int k = 0; k < LANES; k++)
            counts[k] += (uint32_t)(lanes >> k * LANE_BITS & LANE_MAX);
    }
    return true;
}

// How many places are offsets; more than there are places when one is no place at all.
static size_t count_offsets(const struct ht_head *head)
{
    const uint8_t *at = head->columns[HT_BLOCK_PLACE].at;
    size_t count = ht_head_count(head, HT_BLOCK_PLACE);
    size_t offsets = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t place = ht_varint_take(&at);
        if (place >= HT_PLACE_FIRST_RANK + HT_PLACE_RANKS)
            return count + 1;
        offsets += place < HT_PLACE_FIRST_RANK;
    }
    return offsets;
}

// How many values the details have.
static uint64_t count_values(const struct ht_head *head)
{
    const uint8_t *at = head->columns[HT_BLOCK_DETAIL_COUNT].at;
    uint64_t values = 0;
    for (size_t i = 0; i < ht_head_count(head, HT_BLOCK_DETAIL_COUNT); i++) {
        uint64_t count = ht_varint_take(&at);
        values += count < UINT32_MAX ? count : UINT32_MAX;
    }
    return values;
}

// The columns of the events that have the field, by their shapes: by the bits of ht_shape_field.
static bool field_columns_fit(const struct ht_head *head)
{
    static const enum ht_block_field columns[LANES] = {
        HT_BLOCK_ADDRESS,      HT_BLOCK_SIZE,  HT_BLOCK_OLD_ADDRESS, HT_BLOCK_OLD_SIZE,
        HT_BLOCK_DETAIL_COUNT, HT_BLOCK_STACK, HT_BLOCK_BIRTH,       HT_BLOCK_PLACE,
    };
    uint32_t counts[LANES] = {0};
    for (size_t i = 0; i < head->shape_count; i++)
        if (!shape_fits(&head->shape[i]))
            return false;
    if (!count_fields(head, counts))
        return false;
    for (int k = 0; k < LANES; k++)
        if (ht_head_count(head, columns[k]) != counts[k])
            return false;
    return ht_head_count(head, HT_BLOCK_PLACE_OFFSET) == count_offsets(head) &&
           ht_head_count(head, HT_BLOCK_DETAIL) == count_values(head);
}

// Reads all that stands before the columns' values, and makes room for what it declares.
static enum ht_status take(struct ht_head *head, const uint8_t *data, size_t size,
                           struct ht_error *error)
{
    if (!find_fields(head, data, size) || head->event_count == 0 || !every_column_fits(head))
        return HT_FORMAT;
    if (!make_room(head))
        return ht_fail_memory(error, "a block of events");
    bool fits = take_shapes(head) && take_threads_and_heaps(head) && field_columns_fit(head);
    return fits ? HT_OK : HT_FORMAT;
}

enum ht_status ht_head_take(struct ht_head *head, const uint8_t *data, size_t size,
                            struct ht_error *error)
{
    head->event_count = 0;
    head->fields = 0;
    head->has_unknown_kind = false;
    head->start_ns = head->time_unit_ns = head->address_unit = 0;
    head->end = data + size;
    memset(head->columns, 0, sizeof head->columns);
    enum ht_status status = take(head, data, size, error);
    if (status != HT_OK)
        head->event_count = 0;
    return status;
}

void ht_head_free(struct ht_head *head)
{
    drop_room(head);
    *head = (struct ht_head){0};
}
