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

// An open buffer, standing at a record that is wanted. A plain one is not looked into: its walk
// stands at it, and behind any other.
struct slot {
    struct ht_etl_placed placed;
    bool is_plain;
    struct ht_etl_walk walk;
    const struct ht_etl_buffer *buffer; // in the sorted list, so its place there is its rank
    uint8_t *bytes;
    size_t capacity;
    struct slot *next_free;
};

// Where an open buffer stands in the order of time.
struct place {
    int64_t ticks;
    uint64_t rank; // among equal ticks
    struct slot *slot;
};

struct ht_etl_merge {
    struct ht_etl_file *file;
    uint32_t next;       // buffers before this one in the list have been opened
    bool is_spent;       // the record of heap[0] was handed out
    int64_t quiet_ticks; // before these no other buffer, open or not, has a record
    struct place *heap;  // smallest first
    uint32_t open_count;
    uint32_t heap_capacity;
    struct slot *free_slots;
    size_t held_bytes; // of all slots, open and free
    struct ht_etl_counts counts;
};

// Without a branch: which of two buffers comes first is as good as random.
static bool is_before(const struct place *a, const struct place *b)
{
    return (a->ticks < b->ticks) | ((a->ticks == b->ticks) & (a->rank < b->rank));
}

static struct place place_of(const struct ht_etl_merge *merge, struct slot *slot)
{
    uint64_t position = (uint64_t)(slot->buffer - merge->file->buffers);
    return (struct place){slot->placed.ticks, (uint64_t)slot->placed.cpu << 32 | position, slot};
}

static void sift_down(struct ht_etl_merge *merge)
{
    struct place *heap = merge->heap;
    struct place moved = heap[0];
    uint32_t at = 0;
    for (uint32_t child = 1; child < merge->open_count; child = 2 * at + 1) {
        if (child + 1 < merge->open_count)
            child += is_before(&heap[child + 1], &heap[child]);
        if (!is_before(&heap[child], &moved))
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
        struct place *heap = realloc(merge->heap, capacity * sizeof *heap);
        if (heap == NULL)
            return ht_fail_memory(error, "the merge of ETL buffers");
        merge->heap = heap;
        merge->heap_capacity = capacity;
    }
    struct place place = place_of(merge, slot);
    uint32_t at = merge->open_count++;
    while (at > 0 && is_before(&place, &merge->heap[(at - 1) / 2])) {
        merge->heap[at] = merge->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    merge->heap[at] = place;
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

// Looks into the record at the walk and moves behind it.
static enum ht_etl_step take_record(struct ht_etl_merge *merge, struct slot *slot)
{
    struct ht_etl_placed *placed = &slot->placed;
    size_t at = slot->walk.at;
    enum ht_etl_step step = ht_etl_walk_next(&slot->walk, &placed->record);
    if (step != HT_ETL_STEP_RECORD)
        return step;
    count(&merge->counts, &placed->record);
    placed->ticks = ht_etl_file_ticks(merge->file, slot->buffer, placed->record.stamp);
    placed->offset = offset_in_file(slot, at);
    return step;
}

// Moves a slot to its next wanted record; false at the end of its buffer.
static bool advance(struct ht_etl_merge *merge, struct slot *slot)
{
    enum ht_etl_step step;
    do {
        uint64_t stamp;
        slot->is_plain = ht_etl_plain_is(&slot->walk, &stamp);
        if (slot->is_plain) {
            slot->placed.ticks = ht_etl_file_ticks(merge->file, slot->buffer, stamp);
            return true;
        }
        step = take_record(merge, slot);
        if (step == HT_ETL_STEP_RECORD && is_wanted(&slot->placed.record))
            return true;
    } while (step == HT_ETL_STEP_RECORD);
    size_t at = slot->walk.at;
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
        if (merge->open_count > 0 && merge->heap[0].ticks < buffer->first_ticks)
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
    struct slot *top = merge->heap[0].slot;
    if (advance(merge, top)) {
        merge->heap[0].ticks = top->placed.ticks;
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
        if (merge->heap[i].ticks < ticks)
            ticks = merge->heap[i].ticks;
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
        destroy_slot(merge, merge->heap[i].slot);
    while (merge->free_slots != NULL)
        destroy_slot(merge, take_free_slot(merge));
    free(merge->heap);
    free(merge);
}

// Brings the buffer with the next record to the top.
static enum ht_status seat(struct ht_etl_merge *merge, struct ht_error *error)
{
    bool is_seated = merge->is_spent && step_top(merge);
    merge->is_spent = false;
    if (is_seated)
        return HT_OK;
    enum ht_status status = open_due(merge, error);
    if (status != HT_OK)
        return status;
    if (merge->open_count == 0)
        return HT_END;
    merge->quiet_ticks = find_quiet_ticks(merge);
    return HT_OK;
}

static bool take_plain(struct ht_etl_merge *merge, struct slot *slot, struct ht_etl_batch *batch)
{
    struct ht_etl_stretch stretch = {&slot->walk, &merge->file->header.clock,
                                     merge->file->sources[slot->buffer->source].zero,
                                     merge->quiet_ticks, slot->placed.cpu};
    return ht_etl_plain_take(&stretch, batch, &merge->counts);
}

enum ht_status ht_etl_merge_next(struct ht_etl_merge *merge, struct ht_etl_batch *batch,
                                 const struct ht_etl_placed **placed, struct ht_error *error)
{
    *placed = NULL;
    batch->count = 0;
    while (batch->count < batch->limit) {
        enum ht_status status = seat(merge, error);
        if (status != HT_OK)
            return status;
        struct slot *top = merge->heap[0].slot;
        merge->is_spent = true;
        if (top->is_plain && take_plain(merge, top, batch))
            continue;
        if (top->is_plain)
            take_record(merge, top);
        *placed = &top->placed;
        return HT_OK;
    }
    return HT_OK;
}

const struct ht_etl_counts *ht_etl_merge_counts(const struct ht_etl_merge *merge)
{
    return &merge->counts;
}
