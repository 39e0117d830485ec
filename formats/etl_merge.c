// SPDX-License-Identifier: MIT
//
// The merge. Buffers are opened in the order of their first stamps, each when the merge comes
// there; a tournament of the open ones gives the next record. One CPU fills its buffers one after
// another, so about one a CPU is open. Memory of closed buffers is used again. Since the order of
// opening is known, a second thread may load the buffers that are next meanwhile.
#include "formats/etl_merge.h"

#include "formats/etl_heap.h"
#include "formats/etl_names.h"
#include "formats/etl_order.h"
#include "formats/etl_stack.h"
#include "formats/relay.h"

#include <stdlib.h>

// Buffers that are loaded before they are needed; more are asked for when half are there.
enum { AHEAD_MAX = HT_RELAY_PIECES, AHEAD_LOW = AHEAD_MAX / 2 };

// A buffer that is loaded, then open: its lane stands at a record that is wanted. A plain one is
// not looked into.
struct slot {
    struct ht_etl_placed placed; // the record when it is not plain
    const struct ht_etl_buffer *buffer;
    uint8_t *bytes; // `capacity` and HT_ETL_PLAIN_PAD
    size_t capacity;
    uint32_t valid; // this and the next two are what became of loading
    enum ht_status status;
    struct ht_error error;
    uint32_t number; // of its lane, while it is open
    struct slot *next_closed;
    struct slot *next_owned;
};

// Who has a lane: a slot, or none, and then which lane is free, too.
struct seat {
    struct slot *slot;
    uint32_t next_free;
};

#define NO_LANE UINT32_MAX

struct ht_etl_merge {
    struct ht_etl_file *file;
    uint32_t next;  // buffers before this one in the list have been opened
    uint32_t asked; // and before this one have been asked for
    bool is_spent;  // the record at the top was handed out
    bool is_assisted;
    struct ht_relay *loader;       // NULL until the first buffer is asked for
    struct ht_buffer packed;       // the loader's
    struct slot *ahead[AHEAD_MAX]; // asked for and not opened, by their place in the list
    size_t ahead_bytes;            // of these
    struct ht_etl_order order;
    struct ht_etl_lane *lanes; // owned, as the next
    struct seat *seats;        // of the lanes
    uint32_t free_lane;        // the first, NO_LANE when there is none
    uint32_t lane_count;
    uint32_t lane_capacity;
    struct slot *slots; // all, owned
    uint32_t open_count;
    struct slot *spare; // closed, with their memory
    struct slot *bare;  // closed, without
    size_t held_bytes;  // of all slots
    struct ht_etl_counts counts;
};
static_assert(HT_ETL_OPEN_BYTES_MAX / sizeof(struct slot) < HT_ETL_ORDER_NUMBER_MASK &&
                  HT_ETL_BUFFERS_MAX <= 1 << 24,
              "a rank holds what it says");

static struct slot *top_of(const struct ht_etl_merge *merge)
{
    return merge->seats[ht_etl_place_number(ht_etl_order_top(&merge->order))].slot;
}

static struct ht_etl_lane *lane_of(const struct ht_etl_merge *merge, const struct slot *slot)
{
    return &merge->lanes[slot->number];
}

static void set_place(struct ht_etl_merge *merge, const struct slot *slot)
{
    const struct ht_etl_lane *lane = lane_of(merge, slot);
    ht_etl_order_set(&merge->order, slot->number, (struct ht_etl_place){lane->ticks, lane->rank});
}

static void put_slot(struct slot **list, struct slot *slot)
{
    slot->next_closed = *list;
    *list = slot;
}

static struct slot *take_slot(struct slot **list)
{
    struct slot *slot = *list;
    if (slot != NULL)
        *list = slot->next_closed;
    return slot;
}

static void free_bytes(struct ht_etl_merge *merge, struct slot *slot)
{
    merge->held_bytes -= slot->capacity;
    free(slot->bytes);
    slot->bytes = NULL;
    slot->capacity = 0;
}

// Whether one more buffer of this size is within the cap.
static bool fits(struct ht_etl_merge *merge, size_t size)
{
    if (merge->spare != NULL && merge->spare->capacity >= size)
        return true;
    size_t needed = sizeof(struct slot) + size;
    while (merge->held_bytes + needed > HT_ETL_OPEN_BYTES_MAX && merge->spare != NULL) {
        struct slot *slot = take_slot(&merge->spare);
        free_bytes(merge, slot);
        put_slot(&merge->bare, slot);
    }
    return merge->held_bytes + needed <= HT_ETL_OPEN_BYTES_MAX;
}

// One more slot, without memory for a buffer; NULL without memory at all.
static struct slot *add_slot(struct ht_etl_merge *merge)
{
    struct slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL)
        return NULL;
    slot->next_owned = merge->slots;
    merge->slots = slot;
    merge->held_bytes += sizeof *slot;
    return slot;
}

// A slot with room for so many bytes; NULL without memory.
static struct slot *make_slot(struct ht_etl_merge *merge, size_t size)
{
    struct slot *slot = take_slot(&merge->spare);
    if (slot == NULL)
        slot = take_slot(&merge->bare);
    if (slot == NULL)
        slot = add_slot(merge);
    if (slot == NULL || slot->capacity >= size)
        return slot;
    free_bytes(merge, slot);
    slot->bytes = calloc(1, size + HT_ETL_PLAIN_PAD);
    if (slot->bytes == NULL) {
        put_slot(&merge->bare, slot);
        return NULL;
    }
    slot->capacity = size;
    merge->held_bytes += size;
    return slot;
}

static void count(struct ht_etl_counts *counts, const struct ht_etl_record *record)
{
    counts->by_header[record->header]++;
    uint64_t *counter = record->has_hook ? counts->by_hook : counts->by_guid;
    if (record->group == HT_ETL_GROUP_UNKNOWN && !record->has_hook)
        return;
    counts->has_group[record->group] = true;
    counter[record->group << 8 | record->opcode]++;
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
    struct ht_etl_lane *lane = lane_of(merge, slot);
    size_t at = lane->walk.at;
    enum ht_etl_step step = ht_etl_walk_next(&lane->walk, &placed->record);
    if (step != HT_ETL_STEP_RECORD)
        return step;
    count(&merge->counts, &placed->record);
    lane->ticks = ht_etl_file_ticks(merge->file, slot->buffer, placed->record.stamp);
    placed->ticks = lane->ticks;
    placed->offset = offset_in_file(slot, at);
    return step;
}

static void note_damage(struct ht_etl_merge *merge, const struct slot *slot, uint64_t offset,
                        const char *what)
{
    merge->file->trace->input = slot->buffer->source;
    ht_trace_damage(merge->file->trace, HT_LOSS_DAMAGED_BUFFERS, offset, what);
}

static void note_end(struct ht_etl_merge *merge, const struct slot *slot, enum ht_etl_step step)
{
    uint64_t offset = offset_in_file(slot, lane_of(merge, slot)->walk.at);
    bool is_cut = (slot->buffer->flags & HT_ETL_BUFFER_CUT) != 0;
    if (step == HT_ETL_STEP_DAMAGED)
        note_damage(merge, slot, offset, "no record where one should begin");
    else if (step == HT_ETL_STEP_PAST && !is_cut)
        note_damage(merge, slot, offset, "a record reaches past its buffer");
}

// Moves a slot to its next wanted record; false at the end of its buffer.
static bool advance(struct ht_etl_merge *merge, struct slot *slot)
{
    struct ht_etl_lane *lane = lane_of(merge, slot);
    enum ht_etl_step step;
    do {
        ht_etl_plain_look(lane);
        if (lane->is_plain)
            return true;
        step = take_record(merge, slot);
        if (step == HT_ETL_STEP_RECORD && is_wanted(&slot->placed.record))
            return true;
    } while (step == HT_ETL_STEP_RECORD);
    note_end(merge, slot, step);
    return false;
}

// The work of the loader.
static enum ht_status load(void *context, void *piece, struct ht_error *error)
{
    struct ht_etl_merge *merge = context;
    struct slot *slot = *(struct slot **)piece;
    (void)error;
    slot->status = ht_etl_file_load(merge->file, slot->buffer, &merge->packed, slot->bytes,
                                    &slot->valid, &slot->error);
    return HT_OK;
}

// Asks for the next buffer of the list.
static enum ht_status ask(struct ht_etl_merge *merge, struct ht_error *error)
{
    const struct ht_etl_buffer *buffer = &merge->file->buffers[merge->asked];
    struct slot *slot = make_slot(merge, buffer->valid);
    if (slot == NULL)
        return ht_fail_memory(error, "an ETL buffer");
    slot->buffer = buffer;
    merge->ahead[merge->asked++ % AHEAD_MAX] = slot;
    merge->ahead_bytes += buffer->valid;
    *(struct slot **)ht_relay_piece(merge->loader) = slot;
    return ht_relay_pass(merge->loader, error);
}

static enum ht_status ask_ahead(struct ht_etl_merge *merge, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    if (!merge->is_assisted || merge->asked - merge->next > AHEAD_LOW)
        return HT_OK;
    while (status == HT_OK && merge->asked < merge->file->buffer_count &&
           merge->asked - merge->next < AHEAD_MAX) {
        uint32_t size = merge->file->buffers[merge->asked].valid;
        if (merge->ahead_bytes + size > HT_ETL_AHEAD_BYTES_MAX || !fits(merge, size))
            break;
        status = ask(merge, error);
    }
    return status;
}

// Makes room for one more lane. False without memory.
static bool reserve_lane(struct ht_etl_merge *merge)
{
    if (merge->lane_count < merge->lane_capacity)
        return true;
    uint32_t capacity = merge->lane_capacity > 0 ? merge->lane_capacity * 2 : 4;
    struct ht_etl_lane *lanes = realloc(merge->lanes, capacity * sizeof *lanes);
    if (lanes == NULL)
        return false;
    merge->lanes = lanes;
    struct seat *seats = realloc(merge->seats, capacity * sizeof *seats);
    if (seats == NULL)
        return false;
    merge->seats = seats;
    merge->lane_capacity = capacity;
    return true;
}

// Gives a slot a lane. No more are used than were ever needed at once: the more there are, the
// longer each step takes. False without memory.
static bool seat_slot(struct ht_etl_merge *merge, struct slot *slot)
{
    slot->number = merge->free_lane;
    if (slot->number == NO_LANE) {
        if (!reserve_lane(merge) || !ht_etl_order_reserve(&merge->order, merge->lane_count + 1))
            return false;
        slot->number = merge->lane_count++;
    } else {
        merge->free_lane = merge->seats[slot->number].next_free;
    }
    merge->seats[slot->number].slot = slot;
    merge->open_count++;
    return true;
}

// Closes a buffer, whose slot and lane are free then.
static void close_slot(struct ht_etl_merge *merge, struct slot *slot)
{
    ht_etl_order_set(&merge->order, slot->number, HT_ETL_PLACE_NONE);
    merge->seats[slot->number] = (struct seat){NULL, merge->free_lane};
    merge->free_lane = slot->number;
    put_slot(&merge->spare, slot);
    merge->open_count--;
}

// Moves a slot to its next wanted record, or closes it when there is none.
static void move_on(struct ht_etl_merge *merge, struct slot *slot)
{
    if (advance(merge, slot))
        set_place(merge, slot);
    else
        close_slot(merge, slot);
}

// Opens the next buffer of the list, which was asked for.
static enum ht_status open_next(struct ht_etl_merge *merge, struct ht_error *error)
{
    uint64_t position = merge->next++;
    struct slot *slot = merge->ahead[position % AHEAD_MAX];
    const struct ht_etl_buffer *buffer = slot->buffer;
    ht_relay_reach(merge->loader, position + 1);
    merge->ahead_bytes -= buffer->valid;
    if (slot->status != HT_OK) {
        put_slot(&merge->spare, slot);
        if (error != NULL)
            *error = slot->error;
        return slot->status;
    }
    if (slot->valid != buffer->valid) {
        note_damage(merge, slot, buffer->offset, "a buffer cannot be unpacked");
        put_slot(&merge->spare, slot);
        return HT_OK;
    }
    if (!seat_slot(merge, slot)) {
        put_slot(&merge->spare, slot);
        return ht_fail_memory(error, "an ETL buffer");
    }
    *lane_of(merge, slot) = (struct ht_etl_lane){
        .walk = {slot->bytes, HT_ETL_BUFFER_HEADER_SIZE, slot->valid},
        .rank = (uint64_t)buffer->cpu << 48 | position << HT_ETL_ORDER_NUMBER_BITS | slot->number,
        .zero = merge->file->sources[buffer->source].zero,
        .cpu = buffer->cpu,
    };
    slot->placed.cpu = buffer->cpu;
    move_on(merge, slot);
    return HT_OK;
}

static bool is_next_due(const struct ht_etl_merge *merge)
{
    return merge->next < merge->file->buffer_count &&
           (merge->open_count == 0 ||
            ht_etl_order_top(&merge->order).ticks >= merge->file->buffers[merge->next].first_ticks);
}

// Opens the buffers whose first stamp the merge has reached. One that has no room waits, but for
// the only one.
static enum ht_status open_due(struct ht_etl_merge *merge, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    while (status == HT_OK && is_next_due(merge)) {
        if (merge->asked == merge->next) {
            if (merge->open_count > 0 && !fits(merge, merge->file->buffers[merge->next].valid))
                break;
            status = ask(merge, error);
        }
        if (status == HT_OK)
            status = open_next(merge, error);
        if (status == HT_OK)
            status = ask_ahead(merge, error);
    }
    return status;
}

struct ht_etl_merge *ht_etl_merge_open(struct ht_etl_file *file)
{
    struct ht_etl_merge *merge = calloc(1, sizeof *merge);
    if (merge == NULL)
        return NULL;
    merge->file = file;
    merge->free_lane = NO_LANE;
    merge->packed = ht_buffer_with_limit(HT_ETL_BUFFER_MAX);
    return merge;
}

void ht_etl_merge_assist(struct ht_etl_merge *merge)
{
    merge->is_assisted = ht_relay_has_processors();
}

void ht_etl_merge_close(struct ht_etl_merge *merge)
{
    if (merge == NULL)
        return;
    ht_relay_close(merge->loader);
    ht_buffer_reset(&merge->packed);
    while (merge->slots != NULL) {
        struct slot *slot = merge->slots;
        merge->slots = slot->next_owned;
        free(slot->bytes);
        free(slot);
    }
    free(merge->lanes);
    free(merge->seats);
    ht_etl_order_reset(&merge->order);
    free(merge);
}

static enum ht_status open_loader(struct ht_etl_merge *merge, struct ht_error *error)
{
    const struct ht_relay_work work = {load, merge, sizeof(struct slot *)};
    return ht_relay_open(&merge->loader, &work, merge->is_assisted, error);
}

// Brings the buffer with the next record to the top.
static enum ht_status seat(struct ht_etl_merge *merge, struct ht_error *error)
{
    if (merge->is_spent)
        move_on(merge, top_of(merge));
    merge->is_spent = false;
    enum ht_status status = merge->loader == NULL ? open_loader(merge, error) : HT_OK;
    if (status == HT_OK)
        status = open_due(merge, error);
    if (status != HT_OK)
        return status;
    return merge->open_count > 0 ? HT_OK : HT_END;
}

// Makes events of the plain records that are next. False when the one at the top then has to be
// taken in another way.
static bool take_plain(struct ht_etl_merge *merge, struct ht_etl_batch *batch)
{
    const struct ht_etl_file *file = merge->file;
    bool is_last = merge->next == file->buffer_count;
    int64_t due_ticks = is_last ? INT64_MAX : file->buffers[merge->next].first_ticks;
    enum ht_etl_plain how = ht_etl_plain_merge(merge->lanes, &merge->order, due_ticks,
                                               &file->header.clock, batch, &merge->counts);
    merge->is_spent = how == HT_ETL_PLAIN_MOVED;
    return how != HT_ETL_PLAIN_STUCK;
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
        bool is_plain = lane_of(merge, top_of(merge))->is_plain;
        if (is_plain && take_plain(merge, batch))
            continue;
        struct slot *top = top_of(merge);
        if (is_plain)
            take_record(merge, top);
        merge->is_spent = true;
        merge->file->trace->input = top->buffer->source;
        *placed = &top->placed;
        return HT_OK;
    }
    return HT_OK;
}

const struct ht_etl_counts *ht_etl_merge_counts(const struct ht_etl_merge *merge)
{
    return &merge->counts;
}
