// SPDX-License-Identifier: MIT
//
// Columns into events. See the header. A run of events is taken a column at a time, in short loops
// without a choice that the processor could not foresee; only addresses go event by event. Columns
// whose numbers have no foreseeable length are read ahead, many at a time.
#include "formats/compact_unpack.h"

#include "formats/compact_head.h"
#include "formats/compact_pack.h"
#include "formats/compact_places.h"

#include <stdlib.h>
#include <string.h>

enum {
    RUN = 128, // events taken at once: they stay in the first cache
    AHEAD = 2 * RUN,
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
    struct ht_head head;
    uint32_t at;    // the next event
    bool is_broken; // the next event names what is not there
    uint64_t time_ns;
    int64_t first_ns; // the earliest and the latest of the events taken
    int64_t last_ns;
    uint64_t address; // the last of the column
    uint32_t room;    // for events, in the books
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

void ht_unpack_close(struct ht_unpack *unpack)
{
    if (unpack == NULL)
        return;
    ht_head_free(&unpack->head);
    ht_places_free(&unpack->books);
    free(unpack);
}

static void begin_ahead(const struct ht_unpack *unpack, enum ht_block_field field,
                        struct ahead *ahead)
{
    ahead->at = ahead->count = 0;
    ahead->unread = ht_head_count(&unpack->head, field);
}

// A column that is not there says the same of all events.
static void begin_events(struct ht_unpack *unpack)
{
    begin_ahead(unpack, HT_BLOCK_TIME, &unpack->times);
    begin_ahead(unpack, HT_BLOCK_SIZE, &unpack->sizes);
    begin_ahead(unpack, HT_BLOCK_BIRTH, &unpack->births);
    begin_ahead(unpack, HT_BLOCK_PLACE, &unpack->places);
    begin_ahead(unpack, HT_BLOCK_PLACE_OFFSET, &unpack->offsets);
    unpack->blank = (struct ht_event){.pid = unpack->head.thread->pid,
                                      .tid = unpack->head.thread->tid,
                                      .heap = *unpack->head.heap};
    unpack->head.thread->is_used = ht_head_count(&unpack->head, HT_BLOCK_THREAD) == 0;
    unpack->time_ns = unpack->head.start_ns;
    unpack->address = 0;
    unpack->first_ns = INT64_MAX;
    unpack->last_ns = INT64_MIN;
    memset(unpack->run.heaps, 0, sizeof unpack->run.heaps);
    ht_places_clear(&unpack->books);
}

// Makes the books as large as the block's tables.
static bool make_room(struct ht_unpack *unpack)
{
    if (unpack->room < unpack->head.room) {
        bool has_room = ht_places_make_room(&unpack->books, unpack->head.room);
        if (!has_room)
            ht_places_free(&unpack->books);
        unpack->room = has_room ? unpack->head.room : 0;
    }
    return unpack->room > 0;
}

enum ht_status ht_unpack_begin(struct ht_unpack *unpack, const uint8_t *data, size_t size,
                               struct ht_error *error)
{
    unpack->at = 0;
    unpack->is_broken = false;
    enum ht_status status = ht_head_take(&unpack->head, data, size, error);
    if (status != HT_OK)
        return status;
    if (!make_room(unpack)) {
        unpack->head.event_count = 0;
        return ht_fail_memory(error, "a block of events");
    }
    begin_events(unpack);
    return HT_OK;
}

// The detail of the last event of a run.
static void take_detail(struct ht_unpack *unpack, struct ht_unpacked *out)
{
    uint64_t count = ht_head_number(&unpack->head, HT_BLOCK_DETAIL_COUNT);
    out->has_detail = true; // also without values
    out->detail = unpack->detail;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = ht_head_number(&unpack->head, HT_BLOCK_DETAIL);
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
    ht_varint_take_many(&unpack->head.columns[field].at, unpack->head.end, &ahead->values[left],
                        more);
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

// Of births the numbers.
static void look_ahead_births(struct ht_unpack *unpack)
{
    struct ht_places *books = &unpack->books;
    struct ahead *births = &unpack->births;
    for (size_t i = look_ahead(unpack, HT_BLOCK_BIRTH, births); i < births->count; i++) {
        births->values[i] = books->expected + ht_unzigzag(births->values[i]);
        books->expected = (uint32_t)births->values[i] + 1;
    }
}

// The columns of a run. Each gives how many events it could be taken for: fewer than there are when
// one names what is not there.

// What the events' shapes say, and times and sizes.
static size_t take_shapes_of(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    struct run *run = &unpack->run;
    const struct ht_event blank = unpack->blank;
    const uint8_t *at = unpack->head.columns[HT_BLOCK_SHAPE].at;
    const uint64_t *time = &unpack->times.values[unpack->times.at];
    const uint64_t *size = &unpack->sizes.values[unpack->sizes.at];
    uint64_t time_ns = unpack->time_ns;
    int64_t first_ns = unpack->first_ns;
    int64_t last_ns = unpack->last_ns;
    size_t pooled = 0;
    size_t i = 0;
    bool has_detail = false;
    for (; i < count && !has_detail; i++) {
        const struct ht_head_shape *shape = &unpack->head.shape[ht_varint_take(&at)];
        bool has_size = (shape->fields & HT_SHAPE_SIZE) != 0;
        time_ns += *time++ * unpack->head.time_unit_ns;
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
    unpack->head.columns[HT_BLOCK_SHAPE].at = at;
    unpack->times.at += i;
    unpack->sizes.at = (size_t)(size - unpack->sizes.values);
    return i;
}

static size_t take_threads(struct ht_unpack *unpack, struct ht_event *events, size_t count)
{
    static const uint8_t zeros[RUN]; // for a column that is not there
    struct ht_head_column *threads = &unpack->head.columns[HT_BLOCK_THREAD];
    struct ht_head_column *cpus = &unpack->head.columns[HT_BLOCK_CPU];
    const uint8_t *thread_at = threads->count > 0 ? threads->at : zeros;
    const uint8_t *cpu_at = cpus->count > 0 ? cpus->at : zeros;
    size_t i = 0;
    for (; i < count; i++) {
        uint64_t number = ht_varint_take(&thread_at);
        if (number >= unpack->head.thread_count)
            break;
        struct ht_head_thread *thread = &unpack->head.thread[number];
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
    const uint8_t *at = unpack->head.columns[HT_BLOCK_HEAP].at;
    size_t i = 0;
    for (; i < count; i++) {
        uint64_t heap = ht_varint_take(&at);
        if (heap >= unpack->head.heap_count)
            break;
        unpack->run.heaps[i] = (uint32_t)heap;
        events[i].heap = unpack->head.heap[heap];
    }
    unpack->head.columns[HT_BLOCK_HEAP].at = at;
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
        uint64_t offset = unpack->offsets.values[unpack->offsets.at++] * unpack->head.address_unit;
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
        unpack->address +=
            ht_head_signed(&unpack->head, HT_BLOCK_ADDRESS) * unpack->head.address_unit;
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
                event->address +
                ht_head_signed(&unpack->head, HT_BLOCK_OLD_ADDRESS) * unpack->head.address_unit;
        if ((unpack->run.fields[i] & HT_SHAPE_OLD_SIZE) != 0) {
            uint64_t old_size = event->size + ht_head_signed(&unpack->head, HT_BLOCK_OLD_SIZE);
            if (event->kind == HT_KIND_REALLOC) // in other kinds its place is the detail's
                event->old_size = old_size;
        }
    }
}

static void take_stacks(struct ht_unpack *unpack, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool has_stack = (unpack->run.fields[i] & HT_SHAPE_STACK) != 0;
        unpack->run.stacks[i] =
            has_stack ? (uint32_t)ht_head_number(&unpack->head, HT_BLOCK_STACK) : 0;
    }
}

// The columns of as many of the next `wanted` events as name only what is there.
static size_t take_run(struct ht_unpack *unpack, struct ht_event *events, size_t wanted)
{
    size_t taken = wanted;
    if (ht_head_count(&unpack->head, HT_BLOCK_THREAD) > 0 ||
        ht_head_count(&unpack->head, HT_BLOCK_CPU) > 0)
        taken = take_threads(unpack, events, taken);
    if (ht_head_count(&unpack->head, HT_BLOCK_HEAP) > 0)
        taken = take_heaps(unpack, events, taken);
    find_pools(unpack, events, taken);
    taken = take_addresses(unpack, events, taken);
    if ((unpack->head.fields & (HT_SHAPE_OLD_ADDRESS | HT_SHAPE_OLD_SIZE)) != 0)
        take_old(unpack, events, taken);
    if ((unpack->head.fields & HT_SHAPE_STACK) != 0)
        take_stacks(unpack, taken);
    return taken;
}

// The block ends here: its next event names what is not there.
static enum ht_status give_up(struct ht_unpack *unpack)
{
    unpack->head.event_count = unpack->at;
    unpack->is_broken = false;
    return HT_FORMAT;
}

enum ht_status ht_unpack_take(struct ht_unpack *unpack, struct ht_event *events, size_t *count,
                              struct ht_unpacked *out)
{
    size_t left = unpack->head.event_count - unpack->at;
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
    if ((unpack->head.fields & HT_SHAPE_STACK) != 0)
        out->stacks = unpack->run.stacks;
    if (taken == wanted && (unpack->run.fields[taken - 1] & HT_SHAPE_DETAIL) != 0)
        take_detail(unpack, out);
    out->is_plain = out->stacks == NULL && !out->has_detail && !unpack->head.has_unknown_kind;
    unpack->is_broken = taken < wanted;
    unpack->at += (uint32_t)taken;
    *count = taken;
    return HT_OK;
}

size_t ht_unpack_left(const struct ht_unpack *unpack)
{
    return unpack->head.event_count - unpack->at;
}

bool ht_unpack_has_details(const struct ht_unpack *unpack)
{
    return (unpack->head.fields & HT_SHAPE_DETAIL) != 0;
}

void ht_unpack_tell(const struct ht_unpack *unpack, struct ht_group *group)
{
    if (unpack->at == 0)
        return;
    ht_group_add_span(group, unpack->at, unpack->first_ns, unpack->last_ns);
    for (size_t i = 0; i < unpack->head.thread_count; i++)
        if (unpack->head.thread[i].is_used)
            ht_group_add_pid(group, unpack->head.thread[i].pid);
}
