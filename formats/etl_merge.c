// SPDX-License-Identifier: MIT
//
// The merge. Buffers are opened in the order of their first stamps, each when the merge comes
// there; a binary heap of the open ones gives the next record. One CPU fills its buffers one after
// another, so about one a CPU is open. Memory of closed buffers is used again.
#include "formats/etl_merge.h"

#include "formats/etl_heap.h"
#include "formats/etl_names.h"
#include "formats/etl_stack.h"

#include <stdlib.h>

// An open buffer, standing at a record that is wanted.
struct slot {
    struct ht_etl_placed placed;
    struct ht_etl_walk walk;
    const struct ht_etl_buffer *buffer; // in the sorted list, so its place there is its rank
    uint8_t *bytes;
    size_t capacity;
    struct slot *next_free;
};

struct ht_etl_merge {
    struct ht_etl_file *file;
    uint32_t next;       // buffers before this one in the list have been opened
    bool is_lent;        // the record of heap[0] was handed out
    int64_t quiet_ticks; // before these no other buffer, open or not, has a record
    struct slot **heap;  // smallest first
    uint32_t open_count;
    uint32_t heap_capacity;
    struct slot *free_slots;
    size_t held_bytes; // of all slots, open and free
    struct ht_etl_counts counts;
};

static bool is_before(const struct slot *a, const struct slot *b)
{
    if (a->placed.ticks != b->placed.ticks)
        return a->placed.ticks < b->placed.ticks;
    if (a->placed.cpu != b->placed.cpu)
        return a->placed.cpu < b->placed.cpu;
    return a->buffer < b->buffer;
}

static void sift_down(struct ht_etl_merge *merge)
{
    struct slot **heap = merge->heap;
    struct slot *moved = heap[0];
    uint32_t at = 0;
    for (uint32_t child = 1; child < merge->open_count; child = 2 * at + 1) {
        if (child + 1 < merge->open_count && is_before(heap[child + 1], heap[child]))
            child++;
        if (!is_before(heap[child], moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static enum ht_status push(struct ht_etl_merge *merge, struct slot *slot, struct ht_error *error)
{
    if (merge->open_count == merge->heap_capacity) {
        uint32_t capacity = merge->heap_capacity > 0 ? merge->heap_capacity * 2 : 16;
        struct slot **heap = realloc(merge->heap, capacity * sizeof *heap);
        if (heap == NULL)
            return ht_fail_memory(error, "the merge of ETL buffers");
        merge->heap = heap;
        merge->heap_capacity = capacity;
    }
    uint32_t at = merge->open_count++;
    while (at > 0 && is_before(slot, merge->heap[(at - 1) / 2])) {
        merge->heap[at] = merge->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    merge->heap[at] = slot;
    return HT_OK;
}

static void destroy_slot(struct ht_etl_merge *merge, struct slot *slot)
{
    merge->held_bytes -= sizeof *slot + slot->capacity;
    free(slot->bytes);
    free(slot);
}

static void keep_slot(struct ht_etl_merge *merge, struct slot *slot)
{
    slot->next_free = merge->free_slots;
    merge->free_slots = slot;
}

static struct slot *take_free_slot(struct ht_etl_merge *merge)
{
    struct slot *slot = merge->free_slots;
    if (slot != NULL)
        merge->free_slots = slot->next_free;
    return slot;
}

// Whether a buffer of this size may be opened now: always when none is open, else within the cap.
static bool has_room(struct ht_etl_merge *merge, size_t size)
{
    if (merge->free_slots != NULL && merge->free_slots->capacity >= size)
        return true;
    size_t needed = sizeof(struct slot) + size;
    while (merge->held_bytes + needed > HT_ETL_OPEN_BYTES_MAX && merge->free_slots != NULL)
        destroy_slot(merge, take_free_slot(merge));
    return merge->open_count == 0 || merge->held_bytes + needed <= HT_ETL_OPEN_BYTES_MAX;
}

// A slot with room for so many bytes; NULL without memory.
static struct slot *make_slot(struct ht_etl_merge *merge, size_t size)
{
    struct slot *slot = take_free_slot(merge);
    if (slot == NULL) {
        slot = calloc(1, sizeof *slot);
        if (slot == NULL)
            return NULL;
        merge->held_bytes += sizeof *slot;
    }
    if (slot->capacity >= size)
        return slot;
    merge->held_bytes -= slot->capacity;
    free(slot->bytes);
    slot->bytes = malloc(size);
    slot->capacity = slot->bytes != NULL ? size : 0;
    merge->held_bytes += slot->capacity;
    if (slot->bytes != NULL)
        return slot;
    destroy_slot(merge, slot);
    return NULL;
}

static void count(struct ht_etl_counts *counts, const struct ht_etl_record *record)
{
    counts->records++;
    counts->by_header[record->header]++;
    if (record->has_hook)
        counts->by_hook[record->group << 8 | record->opcode]++;
}

static bool is_wanted(const struct ht_etl_record *record)
{
    return ht_etl_heap_is(record) || ht_etl_stack_is_ref(record) || ht_etl_names_is(record);
}

static uint64_t offset_in_file(const struct slot *slot, size_t at)
{
    bool is_packed = (slot->buffer->flags & HT_ETL_BUFFER_PACKED) != 0;
    return slot->buffer->offset + (is_packed ? 0 : at);
}

// Moves a slot to its next wanted record; false at the end of its buffer.
static bool advance(struct ht_etl_merge *merge, struct slot *slot)
{
    struct ht_etl_record *record = &slot->placed.record;
    size_t at = slot->walk.at;
    enum ht_etl_step step;
    while ((step = ht_etl_walk_next(&slot->walk, record)) == HT_ETL_STEP_RECORD) {
        count(&merge->counts, record);
        if (is_wanted(record)) {
            slot->placed.ticks = ht_etl_clock_ticks(&merge->file->header.clock, record->stamp);
            slot->placed.offset = offset_in_file(slot, at);
            return true;
        }
        at = slot->walk.at;
    }
    bool is_cut = (slot->buffer->flags & HT_ETL_BUFFER_CUT) != 0;
    if (step == HT_ETL_STEP_DAMAGED)
        ht_trace_damage(merge->file->trace, HT_LOSS_DAMAGED_BUFFERS, offset_in_file(slot, at),
                        "no record where one should begin");
    else if (step == HT_ETL_STEP_PAST && !is_cut)
        ht_trace_damage(merge->file->trace, HT_LOSS_DAMAGED_BUFFERS, offset_in_file(slot, at),
                        "a record reaches past its buffer");
    return false;
}

static enum ht_status open_buffer(struct ht_etl_merge *merge, const struct ht_etl_buffer *buffer,
                                  struct ht_error *error)
{
    struct slot *slot = make_slot(merge, buffer->valid);
    if (slot == NULL)
        return ht_fail_memory(error, "an ETL buffer");
    uint32_t valid = 0;
    enum ht_status status = ht_etl_file_load(merge->file, buffer, slot->bytes, &valid, error);
    bool is_whole = valid == buffer->valid;
    if (status == HT_OK && !is_whole)
        ht_trace_damage(merge->file->trace, HT_LOSS_DAMAGED_BUFFERS, buffer->offset,
                        "a buffer cannot be unpacked");
    slot->buffer = buffer;
    slot->placed.cpu = buffer->cpu;
    slot->walk = (struct ht_etl_walk){slot->bytes, HT_ETL_BUFFER_HEADER_SIZE, valid};
    if (status == HT_OK && is_whole && advance(merge, slot))
        status = push(merge, slot, error);
    else
        keep_slot(merge, slot);
    return status;
}

// Opens the buffers whose first stamp the merge has reached.
static enum ht_status open_due(struct ht_etl_merge *merge, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    while (status == HT_OK && merge->next < merge->file->buffer_count) {
        const struct ht_etl_buffer *buffer = &merge->file->buffers[merge->next];
        if (merge->open_count > 0 && merge->heap[0]->placed.ticks < buffer->first_ticks)
            break;
        if (!has_room(merge, buffer->valid))
            break;
        merge->next++;
        status = open_buffer(merge, buffer, error);
    }
    return status;
}

// Moves past the record that was handed out. True when the next one of the same buffer is next.
static bool step_top(struct ht_etl_merge *merge)
{
    struct slot *top = merge->heap[0];
    if (advance(merge, top)) {
        if (top->placed.ticks < merge->quiet_ticks)
            return true;
    } else {
        keep_slot(merge, top);
        merge->heap[0] = merge->heap[--merge->open_count];
    }
    if (merge->open_count > 1)
        sift_down(merge);
    return false;
}

static int64_t find_quiet_ticks(const struct ht_etl_merge *merge)
{
    int64_t ticks = INT64_MAX;
    if (merge->next < merge->file->buffer_count)
        ticks = merge->file->buffers[merge->next].first_ticks;
    for (uint32_t i = 1; i < merge->open_count && i <= 2; i++)
        if (merge->heap[i]->placed.ticks < ticks)
            ticks = merge->heap[i]->placed.ticks;
    return ticks;
}

struct ht_etl_merge *ht_etl_merge_open(struct ht_etl_file *file)
{
    struct ht_etl_merge *merge = calloc(1, sizeof *merge);
    if (merge != NULL)
        merge->file = file;
    return merge;
}

void ht_etl_merge_close(struct ht_etl_merge *merge)
{
    if (merge == NULL)
        return;
    for (uint32_t i = 0; i < merge->open_count; i++)
        destroy_slot(merge, merge->heap[i]);
    while (merge->free_slots != NULL)
        destroy_slot(merge, take_free_slot(merge));
    free(merge->heap);
    free(merge);
}

enum ht_status ht_etl_merge_next(struct ht_etl_merge *merge, const struct ht_etl_placed **placed,
                                 struct ht_error *error)
{
    if (merge->is_lent && step_top(merge)) {
        *placed = &merge->heap[0]->placed;
        return HT_OK;
    }
    merge->is_lent = false;
    enum ht_status status = open_due(merge, error);
    if (status != HT_OK)
        return status;
    if (merge->open_count == 0)
        return HT_END;
    merge->is_lent = true;
    merge->quiet_ticks = find_quiet_ticks(merge);
    *placed = &merge->heap[0]->placed;
    return HT_OK;
}

const struct ht_etl_counts *ht_etl_merge_counts(const struct ht_etl_merge *merge)
{
    return &merge->counts;
}
