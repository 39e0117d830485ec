// SPDX-License-Identifier: MIT
//
// Columns into events. See the header. A run of events is taken a column at a time, in short loops
// without a choice that the processor could not foresee; only addresses go event by event.
#include "formats/compact_unpack.h"

#include "formats/compact_column.h"
#include "formats/compact_pack.h"
#include "formats/compact_places.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVENTS = HT_COMPACT_EVENTS_MAX,
    RUN = 256, // events taken at once: they stay in the first cache
};

struct shape {
    uint8_t kind;
    uint8_t flags;
    uint8_t source;
    uint32_t fields;
    uint32_t uses;
};

struct thread {
    uint32_t pid;
    uint32_t tid;
    uint32_t last_cpu;
};

struct column {
    const uint8_t *at; // the next value
    size_t size;       // in bytes
    size_t count;      // of values; 0 for a column that is not there
};

struct ht_unpack {
    uint32_t event_count;
    uint32_t at;     // the next event
    bool is_broken;  // the next event names what is not there
    unsigned fields; // that any shape has
    bool has_unknown_kind;
    uint64_t time_ns;
    uint64_t time_unit_ns;
    uint64_t address; // the last of the column
    uint64_t address_unit;
    struct column columns[HT_BLOCK_FIELD_LIMIT];
    size_t shape_count, thread_count, heap_count;
    uint32_t room;       // for the events of a block, in what follows
    struct shape *shape; // owned, as the next two
    struct thread *thread;
    uint64_t *heap;
    struct ht_places places;
    uint64_t detail[HT_DICT_DETAIL_VALUES_MAX];
    // Of the run, by event.
    uint32_t run_fields[RUN];
    uint32_t run_heaps[RUN]; // indices
    uint32_t run_stacks[RUN];
};

struct ht_unpack *ht_unpack_open(void)
{
    return calloc(1, sizeof(struct ht_unpack));
}

static void drop_room(struct ht_unpack *unpack)
{
    free(unpack->shape);
    free(unpack->thread);
    free(unpack->heap);
    ht_places_free(&unpack->places);
    unpack->shape = NULL;
    unpack->thread = NULL;
    unpack->heap = NULL;
    unpack->room = 0;
}

// Makes room for the events of the block, of which is known that there are that many.
static bool make_room(struct ht_unpack *unpack)
{
    if (unpack->event_count <= unpack->room)
        return true;
    uint32_t room = HT_TABLE_ROOM_MIN;
    while (room < unpack->event_count)
        room *= 2;
    drop_room(unpack);
    unpack->shape = malloc(room * sizeof *unpack->shape);
    unpack->thread = malloc(room * sizeof *unpack->thread);
    unpack->heap = malloc(room * sizeof *unpack->heap);
    bool has_room = unpack->shape != NULL && unpack->thread != NULL && unpack->heap != NULL &&
                    ht_places_make_room(&unpack->places, room);
    if (has_room)
        unpack->room = room;
    else
        drop_room(unpack);
    return has_room;
}

void ht_unpack_close(struct ht_unpack *unpack)
{
    if (unpack == NULL)
        return;
    drop_room(unpack);
    free(unpack);
}

static uint64_t take(struct ht_unpack *unpack, enum ht_block_field field)
{
    return ht_varint_take(&unpack->columns[field].at);
}

static uint64_t take_signed(struct ht_unpack *unpack, enum ht_block_field field)
{
    return ht_unzigzag(take(unpack, field));
}

static size_t count_of(const struct ht_unpack *unpack, enum ht_block_field field)
{
    return unpack->columns[field].count;
}

static void take_number(struct ht_unpack *unpack, const struct ht_packet *packet)
{
    if (packet->field == HT_BLOCK_EVENT_COUNT && packet->value <= EVENTS)
        unpack->event_count = (uint32_t)packet->value;
    else if (packet->field == HT_BLOCK_FIRST_TIME_NS)
        unpack->time_ns = ht_unzigzag(packet->value);
    else if (packet->field == HT_BLOCK_TIME_UNIT_NS)
        unpack->time_unit_ns = packet->value;
    else if (packet->field == HT_BLOCK_ADDRESS_UNIT)
        unpack->address_unit = packet->value;
}

// Notes where each field of the message is. What is not known is left out.
static bool find_fields(struct ht_unpack *unpack, const uint8_t *data, size_t size)
{
    struct ht_cursor content = ht_cursor_over(data, size);
    struct ht_packet packet;
    while (ht_packet_next_field(&content, &packet)) {
        if (packet.data == NULL) {
            take_number(unpack, &packet);
        } else if (packet.field < HT_BLOCK_FIELD_LIMIT) {
            struct column *column = &unpack->columns[packet.field];
            if (column->count > 0)
                return false; // one column, one field
            *column = (struct column){packet.data, packet.size,
                                      ht_varint_count(packet.data, packet.size)};
        }
    }
    return !content.failed;
}

static bool take_shapes(struct ht_unpack *unpack)
{
    size_t count = count_of(unpack, HT_BLOCK_SHAPE_KIND);
    unpack->shape_count = count;
    if (count == 0 || count > unpack->event_count ||
        count_of(unpack, HT_BLOCK_SHAPE_FLAGS) != count ||
        count_of(unpack, HT_BLOCK_SHAPE_SOURCE) != count ||
        count_of(unpack, HT_BLOCK_SHAPE_FIELDS) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t kind = take(unpack, HT_BLOCK_SHAPE_KIND);
        uint64_t flags = take(unpack, HT_BLOCK_SHAPE_FLAGS);
        uint64_t source = take(unpack, HT_BLOCK_SHAPE_SOURCE);
        if (kind > UINT8_MAX || flags > UINT8_MAX || source > UINT8_MAX)
            return false;
        uint32_t fields = (uint32_t)take(unpack, HT_BLOCK_SHAPE_FIELDS);
        unpack->shape[i] =
            (struct shape){(uint8_t)kind, (uint8_t)flags, (uint8_t)source, fields, 0};
        unpack->fields |= fields;
        unpack->has_unknown_kind |= kind == HT_KIND_NONE || kind >= HT_KIND_COUNT;
    }
    return true;
}

static bool take_threads_and_heaps(struct ht_unpack *unpack)
{
    size_t threads = count_of(unpack, HT_BLOCK_THREAD_PID);
    size_t heaps = count_of(unpack, HT_BLOCK_HEAP_HANDLE);
    unpack->thread_count = threads;
    unpack->heap_count = heaps;
    if (threads == 0 || threads > unpack->event_count || heaps == 0 ||
        heaps > unpack->event_count || count_of(unpack, HT_BLOCK_THREAD_TID) != threads)
        return false;
    for (size_t i = 0; i < threads; i++) {
        uint32_t pid = (uint32_t)take(unpack, HT_BLOCK_THREAD_PID);
        unpack->thread[i] = (struct thread){pid, (uint32_t)take(unpack, HT_BLOCK_THREAD_TID), 0};
    }
    for (size_t i = 0; i < heaps; i++)
        unpack->heap[i] = take(unpack, HT_BLOCK_HEAP_HANDLE);
    return true;
}

// Which fields may stand together in which kind: an address is told once.
static bool shape_fits(const struct shape *shape)
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
static bool every_column_fits(const struct ht_unpack *unpack)
{
    static const enum ht_block_field optional[] = {HT_BLOCK_THREAD, HT_BLOCK_HEAP, HT_BLOCK_CPU};
    uint32_t count = unpack->event_count;
    if (count_of(unpack, HT_BLOCK_SHAPE) != count || count_of(unpack, HT_BLOCK_TIME) != count)
        return false;
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (count_of(unpack, optional[i]) != 0 && count_of(unpack, optional[i]) != count)
            return false;
    return true;
}

// Counts the uses of each shape, and leaves the column where it was.
static bool count_uses(struct ht_unpack *unpack)
{
    const uint8_t *at = unpack->columns[HT_BLOCK_SHAPE].at;
    for (uint32_t i = 0; i < unpack->event_count; i++) {
        uint64_t shape = ht_varint_take(&at);
        if (shape >= unpack->shape_count)
            return false;
        unpack->shape[shape].uses++;
    }
    return true;
}

// How many places are offsets; more than there are places when one is no place at all.
static size_t count_offsets(const struct ht_unpack *unpack)
{
    const uint8_t *at = unpack->columns[HT_BLOCK_PLACE].at;
    size_t count = count_of(unpack, HT_BLOCK_PLACE);
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
static uint64_t count_values(const struct ht_unpack *unpack)
{
    const uint8_t *at = unpack->columns[HT_BLOCK_DETAIL_COUNT].at;
    uint64_t values = 0;
    for (size_t i = 0; i < count_of(unpack, HT_BLOCK_DETAIL_COUNT); i++) {
        uint64_t count = ht_varint_take(&at);
        values += count < UINT32_MAX ? count : UINT32_MAX;
    }
    return values;
}

// The columns of the events that have the field, by their shapes.
static bool field_columns_fit(const struct ht_unpack *unpack)
{
    static const struct {
        enum ht_shape_field field;
        enum ht_block_field column;
    } pairs[] = {
        {HT_SHAPE_ADDRESS, HT_BLOCK_ADDRESS},
        {HT_SHAPE_SIZE, HT_BLOCK_SIZE},
        {HT_SHAPE_OLD_ADDRESS, HT_BLOCK_OLD_ADDRESS},
        {HT_SHAPE_OLD_SIZE, HT_BLOCK_OLD_SIZE},
        {HT_SHAPE_DETAIL, HT_BLOCK_DETAIL_COUNT},
        {HT_SHAPE_STACK, HT_BLOCK_STACK},
        {HT_SHAPE_BIRTH, HT_BLOCK_BIRTH},
        {HT_SHAPE_PLACE, HT_BLOCK_PLACE},
    };
    for (size_t i = 0; i < unpack->shape_count; i++)
        if (!shape_fits(&unpack->shape[i]))
            return false;
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        size_t count = 0;
        for (size_t i = 0; i < unpack->shape_count; i++)
            if ((unpack->shape[i].fields & pairs[k].field) != 0)
                count += unpack->shape[i].uses;
        if (count_of(unpack, pairs[k].column) != count)
            return false;
    }
    return count_of(unpack, HT_BLOCK_PLACE_OFFSET) == count_offsets(unpack) &&
           count_of(unpack, HT_BLOCK_DETAIL) == count_values(unpack);
}

// Reads all that stands before the columns' values, and makes room for what it declares.
static enum ht_status take_head(struct ht_unpack *unpack, const uint8_t *data, size_t size,
                                struct ht_error *error)
{
    if (!find_fields(unpack, data, size) || unpack->event_count == 0 || !every_column_fits(unpack))
        return HT_FORMAT;
    if (!make_room(unpack))
        return ht_fail_memory(error, "a block of events");
    bool fits = take_shapes(unpack) && take_threads_and_heaps(unpack) && count_uses(unpack) &&
                field_columns_fit(unpack);
    return fits ? HT_OK : HT_FORMAT;
}

enum ht_status ht_unpack_begin(struct ht_unpack *unpack, const uint8_t *data, size_t size,
                               struct ht_error *error)
{
    unpack->event_count = 0;
    unpack->at = 0;
    unpack->is_broken = false;
    unpack->fields = 0;
    unpack->has_unknown_kind = false;
    unpack->time_ns = unpack->time_unit_ns = 0;
    unpack->address = unpack->address_unit = 0;
    memset(unpack->columns, 0, sizeof unpack->columns);
    enum ht_status status = take_head(unpack, data, size, error);
    if (status == HT_OK)
        ht_places_clear(&unpack->places);
    else
        unpack->event_count = 0;
    return status;
}

// The detail of the last event of a run.
static void take_detail(struct ht_unpack *unpack, struct ht_unpacked *out)
{
    uint64_t count = take(unpack, HT_BLOCK_DETAIL_COUNT);
    out->has_detail = true; // also without values
    out->detail = unpack->detail;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = take(unpack, HT_BLOCK_DETAIL);
        if (i < HT_DICT_DETAIL_VALUES_MAX)
            unpack->detail[out->detail_count++] = value;
    }
}

// Takes the birth that the event names. False when it does not live.
static bool take_birth(struct ht_unpack *unpack, uint32_t *birth)
{
    struct ht_places *places = &unpack->places;
    uint64_t named = places->expected + take_signed(unpack, HT_BLOCK_BIRTH);
    if (named >= places->birth_count || !ht_places_is_live(places, named))
        return false;
    *birth = (uint32_t)named;
    places->expected = *birth + 1;
    return true;
}

// Takes the address of a heap block that begins. False when its pool has none of that rank.
static bool take_place(struct ht_unpack *unpack, struct ht_event *event, uint32_t space)
{
    struct ht_places *places = &unpack->places;
    uint32_t pool = ht_places_pool(places, space, event->size);
    uint64_t place = take(unpack, HT_BLOCK_PLACE);
    if (place < HT_PLACE_FIRST_RANK) {
        uint64_t offset = take_signed(unpack, HT_BLOCK_PLACE_OFFSET) * unpack->address_unit;
        event->address = offset + ht_places_base(places, pool, (enum ht_place)place, event->size);
    } else if (place - HT_PLACE_FIRST_RANK < places->pool[pool].count) {
        uint32_t rank = (uint32_t)place - HT_PLACE_FIRST_RANK;
        event->address = places->births[ht_places_take(places, pool, rank)].address;
    } else {
        return false;
    }
    ht_places_bear(places, space, pool, event->address, event->size);
    return true;
}

// A realloc of a birth: what is not said of its addresses and sizes is the birth's.
static bool take_realloc(struct ht_unpack *unpack, struct ht_event *event, unsigned fields,
                         uint32_t space)
{
    struct ht_places *places = &unpack->places;
    uint32_t number;
    if (!take_birth(unpack, &number))
        return false;
    struct ht_birth *birth = &places->births[number];
    event->old_address = birth->address;
    event->old_size = birth->size;
    if ((fields & HT_SHAPE_PLACE) != 0) {
        if (!take_place(unpack, event, space))
            return false;
        ht_places_release(places, number);
    } else if ((fields & HT_SHAPE_ADDRESS) == 0) {
        event->address = birth->address;
        birth->size = event->size;
        birth->pool = ht_places_pool(places, space, event->size);
    }
    return true;
}

static bool take_address(struct ht_unpack *unpack, struct ht_event *event, unsigned fields,
                         uint32_t heap)
{
    struct ht_places *places = &unpack->places;
    if ((fields & HT_SHAPE_ADDRESS) != 0) {
        unpack->address += take_signed(unpack, HT_BLOCK_ADDRESS) * unpack->address_unit;
        event->address = unpack->address;
    }
    uint32_t birth;
    switch (fields & (HT_SHAPE_PLACE | HT_SHAPE_BIRTH)) {
    case 0:
        return true;
    case HT_SHAPE_PLACE:
        return take_place(unpack, event, ht_places_space(places, event->pid, heap));
    default:
        if (event->kind == HT_KIND_REALLOC)
            return take_realloc(unpack, event, fields, ht_places_space(places, event->pid, heap));
        if (!take_birth(unpack, &birth))
            return false;
        event->address = places->births[birth].address;
        ht_places_release(places, birth);
        return true;
    }
}

// The columns of a run. Each gives how many events it could be taken for: fewer than there are when
// one names what is not there.

static size_t take_shapes_of(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    const uint8_t *at = unpack->columns[HT_BLOCK_SHAPE].at;
    size_t i = 0;
    bool has_detail = false;
    for (; i < count && !has_detail; i++) {
        const struct shape *shape = &unpack->shape[ht_varint_take(&at)];
        events[i] = (struct ht_event){.kind = shape->kind, .flags = shape->flags};
        ht_event_set_source(&events[i], shape->source);
        unpack->run_fields[i] = shape->fields;
        has_detail = (shape->fields & HT_SHAPE_DETAIL) != 0;
    }
    unpack->columns[HT_BLOCK_SHAPE].at = at;
    return i;
}

static void take_times(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    const uint8_t *at = unpack->columns[HT_BLOCK_TIME].at;
    uint64_t time_ns = unpack->time_ns;
    for (size_t i = 0; i < count; i++) {
        time_ns += ht_unzigzag(ht_varint_take(&at)) * unpack->time_unit_ns;
        events[i].time_ns = (int64_t)time_ns;
    }
    unpack->time_ns = time_ns;
    unpack->columns[HT_BLOCK_TIME].at = at;
}

static size_t take_threads(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    bool has_threads = count_of(unpack, HT_BLOCK_THREAD) > 0;
    bool has_cpus = count_of(unpack, HT_BLOCK_CPU) > 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t number = has_threads ? take(unpack, HT_BLOCK_THREAD) : 0;
        if (number >= unpack->thread_count)
            return i;
        struct thread *thread = &unpack->thread[number];
        uint64_t cpu = thread->last_cpu + (has_cpus ? take_signed(unpack, HT_BLOCK_CPU) : 0);
        if (cpu > UINT16_MAX)
            return i;
        thread->last_cpu = (uint32_t)cpu;
        events[i].pid = thread->pid;
        events[i].tid = thread->tid;
        events[i].cpu = (uint16_t)cpu;
    }
    return count;
}

static size_t take_heaps(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    bool has_heaps = count_of(unpack, HT_BLOCK_HEAP) > 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t heap = has_heaps ? take(unpack, HT_BLOCK_HEAP) : 0;
        if (heap >= unpack->heap_count)
            return i;
        unpack->run_heaps[i] = (uint32_t)heap;
        events[i].heap = unpack->heap[heap];
    }
    return count;
}

static size_t take_blocks(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned fields = unpack->run_fields[i];
        if ((fields & HT_SHAPE_SIZE) != 0)
            events[i].size = take(unpack, HT_BLOCK_SIZE);
        if (!take_address(unpack, &events[i], fields, unpack->run_heaps[i]))
            return i;
    }
    return count;
}

static void take_old(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ht_event *event = &events[i];
        if ((unpack->run_fields[i] & HT_SHAPE_OLD_ADDRESS) != 0)
            event->old_address =
                event->address + take_signed(unpack, HT_BLOCK_OLD_ADDRESS) * unpack->address_unit;
        if ((unpack->run_fields[i] & HT_SHAPE_OLD_SIZE) != 0) {
            uint64_t old_size = event->size + take_signed(unpack, HT_BLOCK_OLD_SIZE);
            if (event->kind == HT_KIND_REALLOC) // in other kinds its place is the detail's
                event->old_size = old_size;
        }
    }
}

static void take_stacks(struct ht_unpack *unpack, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool has_stack = (unpack->run_fields[i] & HT_SHAPE_STACK) != 0;
        unpack->run_stacks[i] = has_stack ? (uint32_t)take(unpack, HT_BLOCK_STACK) : 0;
    }
}

// The columns of as many of the next `wanted` events as name only what is there.
static size_t take_run(struct ht_unpack *unpack, struct ht_event *events, size_t wanted)
{
    take_times(unpack, events, wanted);
    size_t taken = take_threads(unpack, events, wanted);
    taken = take_heaps(unpack, events, taken);
    taken = take_blocks(unpack, events, taken);
    if ((unpack->fields & (HT_SHAPE_OLD_ADDRESS | HT_SHAPE_OLD_SIZE)) != 0)
        take_old(unpack, events, taken);
    if ((unpack->fields & HT_SHAPE_STACK) != 0)
        take_stacks(unpack, taken);
    return taken;
}

// The block ends here: its next event names what is not there.
static enum ht_status give_up(struct ht_unpack *unpack)
{
    unpack->event_count = unpack->at;
    unpack->is_broken = false;
    return HT_FORMAT;
}

enum ht_status ht_unpack_take(struct ht_unpack *unpack, struct ht_event *events, size_t *count,
                              struct ht_unpacked *out)
{
    size_t left = unpack->event_count - unpack->at;
    size_t limit = *count < RUN ? *count : RUN;
    *out = (struct ht_unpacked){0};
    *count = 0;
    if (unpack->is_broken)
        return give_up(unpack);
    if (left == 0)
        return HT_END;
    size_t wanted = take_shapes_of(unpack, events, left < limit ? left : limit);
    size_t taken = take_run(unpack, events, wanted);
    if (taken == 0)
        return give_up(unpack);
    if ((unpack->fields & HT_SHAPE_STACK) != 0)
        out->stacks = unpack->run_stacks;
    if (taken == wanted && (unpack->run_fields[taken - 1] & HT_SHAPE_DETAIL) != 0)
        take_detail(unpack, out);
    out->is_plain = out->stacks == NULL && !out->has_detail && !unpack->has_unknown_kind;
    unpack->is_broken = taken < wanted;
    unpack->at += (uint32_t)taken;
    *count = taken;
    return HT_OK;
}
