// SPDX-License-Identifier: MIT
//
// Columns into events. See the header. A run of events is taken a column at a time, in short loops
// without a choice that the processor could not foresee; only addresses go event by event. Columns
// whose numbers have no foreseeable length are read ahead, many at a time.
#include "formats/compact_unpack.h"

#include "formats/cache.h"
#include "formats/compact_column.h"
#include "formats/compact_pack.h"
#include "formats/compact_places.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVENTS = HT_COMPACT_EVENTS_MAX,
    RUN = 128, // events taken at once: they stay in the first cache
    AHEAD = 2 * RUN,
    LANES = 8, // a byte for each bit of ht_shape_field
    LANE_BITS = 8,
    LANE_MAX = UINT8_MAX,
};

struct shape {
    uint64_t lanes; // one in the lane of each field that it has
    uint32_t fields;
    uint8_t kind;
    uint8_t flags;
    uint8_t source;
    bool has_pool; // its events need one
};

struct thread {
    uint32_t pid;
    uint32_t tid;
    uint32_t last_cpu;
    bool is_used; // by an event
};

struct column {
    const uint8_t *at; // the next value
    size_t size;       // in bytes
    size_t count;      // of values; 0 for a column that is not there
};

// Numbers of a column that are read already: the next RUN, or all that are left.
struct ahead {
    size_t at;
    size_t count;
    size_t unread;              // in the column
    uint64_t values[AHEAD + 1]; // the last may be read and is not used
};

// What is known of the events of a run before their addresses. The pool and its space are of those
// that need one.
struct run {
    uint32_t fields[RUN];
    uint32_t heaps[RUN]; // indices
    uint32_t stacks[RUN];
    uint32_t spaces[RUN];
    uint32_t pools[RUN];
    uint32_t pooled[RUN + 1]; // events that need a pool
    size_t pooled_count;
};

struct ht_unpack {
    uint32_t event_count;
    uint32_t at;     // the next event
    bool is_broken;  // the next event names what is not there
    unsigned fields; // that any shape has
    bool has_unknown_kind;
    uint64_t time_ns;
    uint64_t time_unit_ns;
    int64_t first_ns; // the earliest and the latest of the events taken
    int64_t last_ns;
    uint64_t address; // the last of the column
    uint64_t address_unit;
    const uint8_t *end; // of the message
    struct column columns[HT_BLOCK_FIELD_LIMIT];
    size_t shape_count, thread_count, heap_count;
    uint32_t room;       // for the events of a block, in what follows
    struct shape *shape; // owned, as the next two
    struct thread *thread;
    uint64_t *heap;
    struct ht_places books;
    uint64_t detail[HT_DICT_DETAIL_VALUES_MAX];
    struct run run;
    struct ahead times, sizes, births, places, offsets;
    struct ht_event blank; // what all events of the block have
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
    ht_places_free(&unpack->books);
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
                    ht_places_make_room(&unpack->books, room);
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
        unpack->shape[i] = (struct shape){
            .lanes = lanes_of(fields),
            .fields = fields,
            .kind = (uint8_t)kind,
            .flags = (uint8_t)flags,
            .source = (uint8_t)source,
            .has_pool = has_pool(kind, fields),
        };
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
        unpack->thread[i] =
            (struct thread){.pid = pid, .tid = (uint32_t)take(unpack, HT_BLOCK_THREAD_TID)};
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

// Counts the events that have a field, by the field's bit, and leaves the column where it was.
// False when an event has no shape.
static bool count_fields(const struct ht_unpack *unpack, uint32_t counts[LANES])
{
    const uint8_t *at = unpack->columns[HT_BLOCK_SHAPE].at;
    for (uint32_t i = 0; i < unpack->event_count;) {
        uint32_t left = unpack->event_count - i;
        uint32_t end = i + (left < LANE_MAX ? left : LANE_MAX);
        uint64_t lanes = 0;
        for (; i < end; i++) {
            uint64_t shape = ht_varint_take(&at);
            if (shape >= unpack->shape_count)
                return false;
            lanes += unpack->shape[shape].lanes;
        }
        for (int k = 0; k < LANES; k++)
            counts[k] += (uint32_t)(lanes >> k * LANE_BITS & LANE_MAX);
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

// The columns of the events that have the field, by their shapes: by the bits of ht_shape_field.
static bool field_columns_fit(const struct ht_unpack *unpack)
{
    static const enum ht_block_field columns[LANES] = {
        HT_BLOCK_ADDRESS,      HT_BLOCK_SIZE,  HT_BLOCK_OLD_ADDRESS, HT_BLOCK_OLD_SIZE,
        HT_BLOCK_DETAIL_COUNT, HT_BLOCK_STACK, HT_BLOCK_BIRTH,       HT_BLOCK_PLACE,
    };
    uint32_t counts[LANES] = {0};
    for (size_t i = 0; i < unpack->shape_count; i++)
        if (!shape_fits(&unpack->shape[i]))
            return false;
    if (!count_fields(unpack, counts))
        return false;
    for (int k = 0; k < LANES; k++)
        if (count_of(unpack, columns[k]) != counts[k])
            return false;
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
    bool fits = take_shapes(unpack) && take_threads_and_heaps(unpack) && field_columns_fit(unpack);
    return fits ? HT_OK : HT_FORMAT;
}

static void begin_ahead(const struct ht_unpack *unpack, enum ht_block_field field,
                        struct ahead *ahead)
{
    ahead->at = ahead->count = 0;
    ahead->unread = count_of(unpack, field);
}

// A column that is not there says the same of all events.
static void begin_events(struct ht_unpack *unpack)
{
    begin_ahead(unpack, HT_BLOCK_TIME, &unpack->times);
    begin_ahead(unpack, HT_BLOCK_SIZE, &unpack->sizes);
    begin_ahead(unpack, HT_BLOCK_BIRTH, &unpack->births);
    begin_ahead(unpack, HT_BLOCK_PLACE, &unpack->places);
    begin_ahead(unpack, HT_BLOCK_PLACE_OFFSET, &unpack->offsets);
    unpack->blank = (struct ht_event){
        .pid = unpack->thread->pid, .tid = unpack->thread->tid, .heap = *unpack->heap};
    unpack->thread->is_used = count_of(unpack, HT_BLOCK_THREAD) == 0;
    unpack->first_ns = INT64_MAX;
    unpack->last_ns = INT64_MIN;
    memset(unpack->run.heaps, 0, sizeof unpack->run.heaps);
    ht_places_clear(&unpack->books);
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
    unpack->end = data + size;
    memset(unpack->columns, 0, sizeof unpack->columns);
    enum ht_status status = take_head(unpack, data, size, error);
    if (status == HT_OK)
        begin_events(unpack);
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

// Reads a column ahead of the run. Gives the place of the values that are new, up to its count.
static size_t look_ahead(struct ht_unpack *unpack, enum ht_block_field field, struct ahead *ahead)
{
    size_t left = ahead->count - ahead->at;
    if (left >= RUN || ahead->unread == 0)
        return ahead->count;
    size_t more = ahead->unread < AHEAD - left ? ahead->unread : AHEAD - left;
    memmove(ahead->values, &ahead->values[ahead->at], left * sizeof *ahead->values);
    ht_varint_take_many(&unpack->columns[field].at, unpack->end, &ahead->values[left], more);
    ahead->unread -= more;
    ahead->at = 0;
    ahead->count = left + more;
    return left;
}

static void look_ahead_signed(struct ht_unpack *unpack, enum ht_block_field field,
                              struct ahead *ahead)
{
    for (size_t i = look_ahead(unpack, field, ahead); i < ahead->count; i++)
        ahead->values[i] = ht_unzigzag(ahead->values[i]);
}

// Of births the numbers. Each is brought near.
static void look_ahead_births(struct ht_unpack *unpack)
{
    struct ht_places *books = &unpack->books;
    struct ahead *births = &unpack->births;
    for (size_t i = look_ahead(unpack, HT_BLOCK_BIRTH, births); i < births->count; i++) {
        uint64_t named = books->expected + ht_unzigzag(births->values[i]);
        births->values[i] = named;
        books->expected = (uint32_t)named + 1;
        ht_cache_fetch(&books->births[named < unpack->event_count ? named : 0]);
    }
}

// The columns of a run. Each gives how many events it could be taken for: fewer than there are when
// one names what is not there.

// What the events' shapes say, and times and sizes.
static size_t take_shapes_of(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    struct run *run = &unpack->run;
    const struct ht_event blank = unpack->blank;
    const uint8_t *at = unpack->columns[HT_BLOCK_SHAPE].at;
    const uint64_t *time = &unpack->times.values[unpack->times.at];
    const uint64_t *size = &unpack->sizes.values[unpack->sizes.at];
    uint64_t time_ns = unpack->time_ns;
    int64_t first_ns = unpack->first_ns;
    int64_t last_ns = unpack->last_ns;
    size_t pooled = 0;
    size_t i = 0;
    bool has_detail = false;
    for (; i < count && !has_detail; i++) {
        const struct shape *shape = &unpack->shape[ht_varint_take(&at)];
        bool has_size = (shape->fields & HT_SHAPE_SIZE) != 0;
        time_ns += *time++ * unpack->time_unit_ns;
        first_ns = (int64_t)time_ns < first_ns ? (int64_t)time_ns : first_ns;
        last_ns = (int64_t)time_ns > last_ns ? (int64_t)time_ns : last_ns;
        events[i] = blank;
        events[i].time_ns = (int64_t)time_ns;
        events[i].size = *size & (0 - (uint64_t)has_size);
        events[i].kind = shape->kind;
        events[i].flags = shape->flags;
        ht_event_set_source(&events[i], shape->source);
        size += has_size;
        run->fields[i] = shape->fields;
        run->pooled[pooled] = (uint32_t)i;
        pooled += shape->has_pool;
        has_detail = (shape->fields & HT_SHAPE_DETAIL) != 0;
    }
    run->pooled_count = pooled;
    unpack->time_ns = time_ns;
    unpack->first_ns = first_ns;
    unpack->last_ns = last_ns;
    unpack->columns[HT_BLOCK_SHAPE].at = at;
    unpack->times.at += i;
    unpack->sizes.at = (size_t)(size - unpack->sizes.values);
    return i;
}

static size_t take_threads(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    static const uint8_t zeros[RUN]; // for a column that is not there
    struct column *threads = &unpack->columns[HT_BLOCK_THREAD];
    struct column *cpus = &unpack->columns[HT_BLOCK_CPU];
    const uint8_t *thread_at = threads->count > 0 ? threads->at : zeros;
    const uint8_t *cpu_at = cpus->count > 0 ? cpus->at : zeros;
    size_t i = 0;
    for (; i < count; i++) {
        uint64_t number = ht_varint_take(&thread_at);
        if (number >= unpack->thread_count)
            break;
        struct thread *thread = &unpack->thread[number];
        uint64_t cpu = thread->last_cpu + ht_unzigzag(ht_varint_take(&cpu_at));
        if (cpu > UINT16_MAX)
            break;
        thread->last_cpu = (uint32_t)cpu;
        thread->is_used = true;
        events[i].pid = thread->pid;
        events[i].tid = thread->tid;
        events[i].cpu = (uint16_t)cpu;
    }
    threads->at = thread_at;
    cpus->at = cpu_at;
    return i;
}

static size_t take_heaps(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    const uint8_t *at = unpack->columns[HT_BLOCK_HEAP].at;
    size_t i = 0;
    for (; i < count; i++) {
        uint64_t heap = ht_varint_take(&at);
        if (heap >= unpack->heap_count)
            break;
        unpack->run.heaps[i] = (uint32_t)heap;
        events[i].heap = unpack->heap[heap];
    }
    unpack->columns[HT_BLOCK_HEAP].at = at;
    return i;
}

// The pools of the first `count` events. A heap mostly follows itself.
static void find_pools(struct ht_unpack *unpack, const struct ht_event *events, size_t count)
{
    struct run *run = &unpack->run;
    uint64_t heap = UINT64_MAX;
    uint32_t space = 0;
    for (size_t k = 0; k < run->pooled_count && run->pooled[k] < count; k++) {
        uint32_t i = run->pooled[k];
        uint64_t its_heap = (uint64_t)run->heaps[i] << 32 | events[i].pid;
        if (its_heap != heap)
            space = ht_places_space(&unpack->books, events[i].pid, run->heaps[i]);
        heap = its_heap;
        run->spaces[i] = space;
        run->pools[i] = ht_places_pool(&unpack->books, space, events[i].size);
    }
}

// Takes the birth that the event names. False when it does not live.
static bool take_birth(struct ht_unpack *unpack, struct ht_event *event, uint32_t *number)
{
    const struct ht_places *books = &unpack->books;
    uint64_t named = unpack->births.values[unpack->births.at++];
    if (named >= books->birth_count || !ht_places_is_live(books, named))
        return false;
    const struct ht_birth *birth = &books->births[named];
    *number = (uint32_t)named;
    if (event->kind == HT_KIND_FREE) {
        event->address = birth->address;
    } else {
        event->old_address = birth->address;
        event->old_size = birth->size;
    }
    return true;
}

// Takes the address of a heap block that begins. False when its pool has none of that rank.
static bool take_place(struct ht_unpack *unpack, struct ht_event *event, size_t i)
{
    struct ht_places *books = &unpack->books;
    uint32_t pool = unpack->run.pools[i];
    uint64_t place = unpack->places.values[unpack->places.at++];
    if (place < HT_PLACE_FIRST_RANK) {
        uint64_t offset = unpack->offsets.values[unpack->offsets.at++] * unpack->address_unit;
        event->address = offset + ht_places_base(books, pool, (enum ht_place)place, event->size);
    } else if (place - HT_PLACE_FIRST_RANK < books->pool[pool].count) {
        uint32_t rank = (uint32_t)place - HT_PLACE_FIRST_RANK;
        event->address = books->births[ht_places_take(books, pool, rank)].address;
    } else {
        return false;
    }
    ht_places_bear(books, unpack->run.spaces[i], pool, event->address, event->size);
    return true;
}

// What an event does to the birth that it names: a realloc with an address has failed, one without
// is where it was.
static void end_birth(struct ht_unpack *unpack, struct ht_event *event, size_t i, uint32_t number)
{
    struct ht_birth *birth = &unpack->books.births[number];
    unsigned fields = unpack->run.fields[i];
    if (event->kind == HT_KIND_FREE || (fields & HT_SHAPE_PLACE) != 0) {
        ht_places_release(&unpack->books, number);
    } else if ((fields & HT_SHAPE_ADDRESS) == 0) {
        event->address = birth->address;
        birth->size = event->size;
        birth->pool = unpack->run.pools[i];
    }
}

static bool take_address(struct ht_unpack *unpack, struct ht_event *event, size_t i)
{
    unsigned fields = unpack->run.fields[i];
    uint32_t number = HT_BIRTH_NONE;
    if ((fields & HT_SHAPE_ADDRESS) != 0) {
        unpack->address += take_signed(unpack, HT_BLOCK_ADDRESS) * unpack->address_unit;
        event->address = unpack->address;
    }
    if ((fields & HT_SHAPE_BIRTH) != 0 && !take_birth(unpack, event, &number))
        return false;
    if ((fields & HT_SHAPE_PLACE) != 0 && !take_place(unpack, event, i))
        return false;
    if (number != HT_BIRTH_NONE)
        end_birth(unpack, event, i, number);
    return true;
}

static size_t take_addresses(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!take_address(unpack, &events[i], i))
            return i;
    return count;
}

static void take_old(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ht_event *event = &events[i];
        if ((unpack->run.fields[i] & HT_SHAPE_OLD_ADDRESS) != 0)
            event->old_address =
                event->address + take_signed(unpack, HT_BLOCK_OLD_ADDRESS) * unpack->address_unit;
        if ((unpack->run.fields[i] & HT_SHAPE_OLD_SIZE) != 0) {
            uint64_t old_size = event->size + take_signed(unpack, HT_BLOCK_OLD_SIZE);
            if (event->kind == HT_KIND_REALLOC) // in other kinds its place is the detail's
                event->old_size = old_size;
        }
    }
}

static void take_stacks(struct ht_unpack *unpack, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool has_stack = (unpack->run.fields[i] & HT_SHAPE_STACK) != 0;
        unpack->run.stacks[i] = has_stack ? (uint32_t)take(unpack, HT_BLOCK_STACK) : 0;
    }
}

// The columns of as many of the next `wanted` events as name only what is there.
static size_t take_run(struct ht_unpack *unpack, struct ht_event *events, size_t wanted)
{
    size_t taken = wanted;
    if (count_of(unpack, HT_BLOCK_THREAD) > 0 || count_of(unpack, HT_BLOCK_CPU) > 0)
        taken = take_threads(unpack, events, taken);
    if (count_of(unpack, HT_BLOCK_HEAP) > 0)
        taken = take_heaps(unpack, events, taken);
    find_pools(unpack, events, taken);
    taken = take_addresses(unpack, events, taken);
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
    look_ahead_signed(unpack, HT_BLOCK_TIME, &unpack->times);
    look_ahead(unpack, HT_BLOCK_SIZE, &unpack->sizes);
    look_ahead_births(unpack);
    look_ahead(unpack, HT_BLOCK_PLACE, &unpack->places);
    look_ahead_signed(unpack, HT_BLOCK_PLACE_OFFSET, &unpack->offsets);
    size_t wanted = take_shapes_of(unpack, events, left < limit ? left : limit);
    size_t taken = take_run(unpack, events, wanted);
    if (taken == 0)
        return give_up(unpack);
    if ((unpack->fields & HT_SHAPE_STACK) != 0)
        out->stacks = unpack->run.stacks;
    if (taken == wanted && (unpack->run.fields[taken - 1] & HT_SHAPE_DETAIL) != 0)
        take_detail(unpack, out);
    out->is_plain = out->stacks == NULL && !out->has_detail && !unpack->has_unknown_kind;
    unpack->is_broken = taken < wanted;
    unpack->at += (uint32_t)taken;
    *count = taken;
    return HT_OK;
}

void ht_unpack_tell(const struct ht_unpack *unpack, struct ht_group *group)
{
    if (unpack->at == 0)
        return;
    ht_group_add_span(group, unpack->at, unpack->first_ns, unpack->last_ns);
    for (size_t i = 0; i < unpack->thread_count; i++)
        if (unpack->thread[i].is_used)
            ht_group_add_pid(group, unpack->thread[i].pid);
}
