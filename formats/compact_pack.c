// SPDX-License-Identifier: MIT
//
// Events into columns. See the header. A run of events is taken a column at a time. Most columns
// are packed as the events come; those that are divided by a unit wait for the end of the block,
// which tells it.
#include "formats/compact_pack.h"

#include "formats/cache.h"
#include "formats/compact_column.h"
#include "formats/compact_places.h"
#include "formats/compact_unit.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVENTS = HT_COMPACT_EVENTS_MAX,
    INDEX_BITS = 18,
    INDEX_SLOTS = 1 << INDEX_BITS,
    RUN = 256, // events taken at once: they stay in the first cache
    COLUMN_BYTES = EVENTS * HT_VARINT_SIZE_MAX,
};
static_assert((int)INDEX_SLOTS >= 2 * (int)EVENTS, "a search soon ends");
static_assert((int)HT_COMPACT_DETAIL_VALUES_MAX <= (int)EVENTS, "a column has room for details");

// A column that is packed already.
struct packed {
    uint8_t *end;
    uint8_t bytes[COLUMN_BYTES];
};

// A column of differences.
struct column {
    size_t count;
    uint64_t value[EVENTS];
};

// The heap of an event, and where its address is looked for in the index.
struct where {
    uint32_t space;
    uint32_t slot;
};

struct ht_pack {
    uint32_t event_count;
    int64_t first_time_ns;
    uint64_t last_time_ns;
    uint64_t last_address;
    bool has_cpus; // one that is not 0
    struct ht_table shapes, threads, heaps;
    uint16_t last_cpu[EVENTS]; // by thread
    struct ht_places places;
    uint32_t index[INDEX_SLOTS]; // birth + 1 of an address, or 0; open addressing
    struct packed shape, thread, heap, cpu, size, old_size, detail_count, detail, stack;
    struct packed birth, place;
    struct column time, address, old_address, place_offset;
    uint8_t scratch[COLUMN_BYTES];
    // Of the run, by event.
    struct where run[RUN];
    uint32_t run_fields[RUN];
};

static void begin(struct ht_pack *pack)
{
    struct packed *const packed[] = {&pack->shape,        &pack->thread, &pack->heap,
                                     &pack->cpu,          &pack->size,   &pack->old_size,
                                     &pack->detail_count, &pack->detail, &pack->stack,
                                     &pack->birth,        &pack->place};
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        packed[i]->end = packed[i]->bytes;
    pack->time.count = pack->address.count = 0;
    pack->old_address.count = pack->place_offset.count = 0;
    ht_table_clear(&pack->shapes);
    ht_table_clear(&pack->threads);
    ht_table_clear(&pack->heaps);
    ht_places_clear(&pack->places);
    // Also the first time: a page that is read before it is written to, becomes another page then,
    // of which all processors have to be told.
    memset(pack->index, 0, sizeof pack->index);
    pack->event_count = 0;
    pack->last_address = 0;
    pack->has_cpus = false;
}

struct ht_pack *ht_pack_open(void)
{
    struct ht_pack *pack = calloc(1, sizeof *pack);
    bool has_room = pack != NULL && ht_table_make_room(&pack->shapes, EVENTS) &&
                    ht_table_make_room(&pack->threads, EVENTS) &&
                    ht_table_make_room(&pack->heaps, EVENTS) &&
                    ht_places_make_room(&pack->places, EVENTS);
    if (!has_room) {
        ht_pack_close(pack);
        return NULL;
    }
    begin(pack);
    return pack;
}

void ht_pack_close(struct ht_pack *pack)
{
    if (pack == NULL)
        return;
    ht_table_free(&pack->shapes);
    ht_table_free(&pack->threads);
    ht_table_free(&pack->heaps);
    ht_places_free(&pack->places);
    free(pack);
}

uint32_t ht_pack_event_count(const struct ht_pack *pack)
{
    return pack->event_count;
}

static void put(struct packed *column, uint64_t value)
{
    column->end = ht_varint_put(column->end, value);
}

// Differences are taken modulo 2^64, so that no pair of values is too far apart.
static void put_difference(struct column *column, uint64_t value, uint64_t base)
{
    column->value[column->count++] = value - base;
}

// Where an address is looked for in the index. Where that lies cannot be known, so that no file can
// choose addresses that meet in one slot.
static uint32_t slot_of(const struct ht_pack *pack, uint32_t space, uint64_t address)
{
    uint64_t multiplier = (uintptr_t)pack * 0x9E3779B97F4A7C15u | 1;
    uint64_t key = address + ((uint64_t)space << 40);
    return (uint32_t)(key * multiplier >> (64 - INDEX_BITS));
}

// From there on, the slot of the birth at an address, or an empty one.
static uint32_t *find(struct ht_pack *pack, uint32_t slot, uint32_t space, uint64_t address)
{
    const struct ht_places *places = &pack->places;
    for (; pack->index[slot] != 0; slot = (slot + 1) & (INDEX_SLOTS - 1)) {
        const struct ht_birth *birth = &places->births[pack->index[slot] - 1];
        if (birth->address == address && birth->space == space)
            break;
    }
    return &pack->index[slot];
}

// The live birth at an address, or HT_BIRTH_NONE.
static uint32_t live_birth(struct ht_pack *pack, uint32_t slot, uint32_t space, uint64_t address)
{
    uint32_t birth = address != 0 ? *find(pack, slot, space, address) : 0;
    bool is_live = birth != 0 && ht_places_is_live(&pack->places, birth - 1);
    return is_live ? birth - 1 : HT_BIRTH_NONE;
}

static void put_birth(struct ht_pack *pack, uint32_t birth)
{
    put(&pack->birth, ht_zigzag((uint64_t)birth - pack->places.expected));
    pack->places.expected = birth + 1;
}

// Puts the address by the base it is nearer to.
static void put_offset(struct ht_pack *pack, uint32_t pool, uint64_t address, uint64_t size)
{
    uint64_t by_end = address - ht_places_base(&pack->places, pool, HT_PLACE_AT_END, size);
    uint64_t by_pool = address - ht_places_base(&pack->places, pool, HT_PLACE_IN_POOL, size);
    bool is_in_pool = ht_zigzag(by_pool) < ht_zigzag(by_end);
    put(&pack->place, is_in_pool ? HT_PLACE_IN_POOL : HT_PLACE_AT_END);
    put_difference(&pack->place_offset, is_in_pool ? by_pool : by_end, 0);
}

// Takes a birth out of its pool when it is one of those released last there. Gives its rank, or
// HT_PLACE_RANKS.
static uint32_t take_rank(struct ht_places *places, uint32_t birth)
{
    uint32_t pool = places->births[birth].pool;
    uint32_t count = places->pool[pool].count;
    uint32_t ranks = count < HT_PLACE_RANKS ? count : HT_PLACE_RANKS;
    uint32_t rank = 0;
    while (rank < ranks && *ht_places_ranked(places, &places->pool[pool], rank) != birth)
        rank++;
    if (rank == ranks)
        return HT_PLACE_RANKS;
    ht_places_take(places, pool, rank);
    return rank;
}

static void put_place(struct ht_pack *pack, const struct ht_event *event, struct where where)
{
    struct ht_places *places = &pack->places;
    uint32_t pool = ht_places_pool(places, where.space, event->size);
    uint32_t *slot = find(pack, where.slot, where.space, event->address);
    uint32_t rank = HT_PLACE_RANKS;
    // Only an address that was released into this pool is worth the search.
    if (*slot != 0 && places->births[*slot - 1].pool == pool &&
        !ht_places_is_live(places, *slot - 1))
        rank = take_rank(places, *slot - 1);
    if (rank < HT_PLACE_RANKS)
        put(&pack->place, HT_PLACE_FIRST_RANK + rank);
    else
        put_offset(pack, pool, event->address, event->size);
    ht_places_bear(places, where.space, pool, event->address, event->size);
    *slot = places->birth_count;
}

static void put_alloc(struct ht_pack *pack, const struct ht_event *event, struct where where,
                      unsigned *fields)
{
    if (event->address == 0)
        return;
    *fields |= HT_SHAPE_PLACE;
    put_place(pack, event, where);
}

static void put_plain_address(struct ht_pack *pack, uint64_t address, unsigned *fields)
{
    *fields |= HT_SHAPE_ADDRESS;
    put_difference(&pack->address, address, pack->last_address);
    pack->last_address = address;
}

static void put_free(struct ht_pack *pack, const struct ht_event *event, struct where where,
                     unsigned *fields)
{
    uint32_t birth = live_birth(pack, where.slot, where.space, event->address);
    if (birth != HT_BIRTH_NONE) {
        *fields |= HT_SHAPE_BIRTH;
        put_birth(pack, birth);
        ht_places_release(&pack->places, birth);
    } else if (event->address != 0) {
        put_plain_address(pack, event->address, fields);
    }
}

static void put_old_size(struct ht_pack *pack, const struct ht_event *event, uint64_t expected,
                         unsigned *fields)
{
    if (event->old_size == expected)
        return;
    *fields |= HT_SHAPE_OLD_SIZE;
    put(&pack->old_size, ht_zigzag(event->old_size - event->size));
}

static void put_realloc(struct ht_pack *pack, const struct ht_event *event, struct where where,
                        unsigned *fields)
{
    struct ht_places *places = &pack->places;
    uint32_t old_slot = slot_of(pack, where.space, event->old_address);
    uint32_t birth = live_birth(pack, old_slot, where.space, event->old_address);
    if (birth == HT_BIRTH_NONE) {
        if (event->old_address != 0) {
            *fields |= HT_SHAPE_OLD_ADDRESS;
            put_difference(&pack->old_address, event->old_address, event->address);
        }
        put_old_size(pack, event, 0, fields);
        put_alloc(pack, event, where, fields);
        return;
    }
    *fields |= HT_SHAPE_BIRTH;
    put_birth(pack, birth);
    put_old_size(pack, event, places->births[birth].size, fields);
    if (event->address == 0) { // it failed, and the block lives on
        put_plain_address(pack, 0, fields);
    } else if (event->address == event->old_address) {
        places->births[birth].size = event->size;
        places->births[birth].pool = ht_places_pool(places, where.space, event->size);
    } else {
        put_alloc(pack, event, where, fields);
        ht_places_release(places, birth);
    }
}

// Puts the columns of addresses and gives their fields.
static unsigned put_addresses(struct ht_pack *pack, const struct ht_event *event,
                              struct where where)
{
    unsigned fields = 0;
    switch (event->kind) {
    case HT_KIND_ALLOC:
        put_alloc(pack, event, where, &fields);
        break;
    case HT_KIND_FREE:
        put_free(pack, event, where, &fields);
        break;
    case HT_KIND_REALLOC:
        put_realloc(pack, event, where, &fields);
        return fields;
    default:
        if (event->address != 0)
            put_plain_address(pack, event->address, &fields);
    }
    if (event->old_address != 0) { // means nothing here, and is kept
        fields |= HT_SHAPE_OLD_ADDRESS;
        put_difference(&pack->old_address, event->old_address, event->address);
    }
    return fields;
}

static unsigned put_others(struct ht_pack *pack, const struct ht_event *event,
                           const uint64_t *values)
{
    unsigned fields = 0;
    if (event->size != 0) {
        fields |= HT_SHAPE_SIZE;
        put(&pack->size, event->size);
    }
    if (ht_event_stack(event) != 0) {
        fields |= HT_SHAPE_STACK;
        put(&pack->stack, ht_event_stack(event));
    }
    if (event->kind != HT_KIND_REALLOC && event->detail != 0) {
        fields |= HT_SHAPE_DETAIL;
        const uint64_t *value = &values[event->detail - 1];
        uint64_t count = *value++;
        put(&pack->detail_count, count);
        while (count-- > 0)
            put(&pack->detail, *value++);
    }
    return fields;
}

// The columns of a run.

static void put_times(struct ht_pack *pack, const struct ht_event *events, size_t count)
{
    uint64_t *times = &pack->time.value[pack->time.count];
    uint64_t last_ns = pack->last_time_ns;
    for (size_t i = 0; i < count; i++) {
        times[i] = (uint64_t)events[i].time_ns - last_ns;
        last_ns = (uint64_t)events[i].time_ns;
    }
    pack->time.count += count;
    pack->last_time_ns = last_ns;
}

// Number of an event's thread, whose last CPU is known then: 0 of a new one.
static uint32_t thread_of(struct ht_pack *pack, const struct ht_event *event)
{
    uint32_t thread_count = pack->threads.count;
    uint32_t thread = ht_table_index(&pack->threads, (uint64_t)event->pid << 32 | event->tid);
    if (thread == thread_count)
        pack->last_cpu[thread] = 0;
    return thread;
}

// A thread mostly follows itself, and is on the CPU where it was.
static void put_threads(struct ht_pack *pack, const struct ht_event *events, size_t count)
{
    uint8_t *threads = pack->thread.end;
    uint8_t *cpus = pack->cpu.end;
    uint32_t thread = 0;
    unsigned any_cpu = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ht_event *event = &events[i];
        if (i == 0 || event->tid != event[-1].tid || event->pid != event[-1].pid)
            thread = thread_of(pack, event);
        threads = ht_varint_put(threads, thread);
        cpus = ht_varint_put(cpus, ht_zigzag((uint64_t)event->cpu - pack->last_cpu[thread]));
        pack->last_cpu[thread] = event->cpu;
        any_cpu |= event->cpu;
    }
    pack->thread.end = threads;
    pack->cpu.end = cpus;
    pack->has_cpus = pack->has_cpus || any_cpu != 0;
}

static void put_heaps(struct ht_pack *pack, const struct ht_event *events, size_t count)
{
    uint8_t *heaps = pack->heap.end;
    uint32_t heap = 0;
    uint32_t space = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ht_event *event = &events[i];
        if (i == 0 || event->heap != event[-1].heap || event->pid != event[-1].pid) {
            heap = ht_table_index(&pack->heaps, event->heap);
            space = ht_places_space(&pack->places, event->pid, heap);
        }
        heaps = ht_varint_put(heaps, heap);
        pack->run[i] = (struct where){space, slot_of(pack, space, event->address)};
        ht_cache_fetch(&pack->index[pack->run[i].slot]);
    }
    pack->heap.end = heaps;
}

// Besides brings near the `ahead` events behind these.
static void put_blocks(struct ht_pack *pack, const struct ht_event *events, size_t count,
                       size_t ahead, const uint64_t *values)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t birth = pack->index[pack->run[i].slot];
        if (birth != 0)
            ht_cache_fetch(&pack->places.births[birth - 1]);
    }
    for (size_t i = 0; i < count; i++) {
        if (i < ahead)
            ht_cache_fetch(&events[count + i]);
        pack->run_fields[i] =
            put_addresses(pack, &events[i], pack->run[i]) | put_others(pack, &events[i], values);
    }
}

static void put_shapes(struct ht_pack *pack, const struct ht_event *events, size_t count)
{
    uint8_t *end = pack->shape.end;
    for (size_t i = 0; i < count; i++) {
        const struct ht_event *event = &events[i];
        uint64_t shape = (uint64_t)pack->run_fields[i] << 24 |
                         (uint64_t)ht_event_source(event) << 16 | (uint64_t)event->flags << 8 |
                         event->kind;
        end = ht_varint_put(end, ht_table_index(&pack->shapes, shape));
    }
    pack->shape.end = end;
}

void ht_pack_add(struct ht_pack *pack, const struct ht_event *events, size_t count,
                 const uint64_t *values)
{
    if (pack->event_count == 0 && count > 0) {
        pack->first_time_ns = events->time_ns;
        pack->last_time_ns = (uint64_t)events->time_ns;
    }
    pack->event_count += (uint32_t)count;
    while (count > 0) {
        size_t run = count < RUN ? count : RUN;
        put_times(pack, events, run);
        put_threads(pack, events, run);
        put_heaps(pack, events, run);
        put_blocks(pack, events, run, count - run, values);
        put_shapes(pack, events, run);
        events += run;
        count -= run;
    }
}

// The message that a block becomes, and the first failure on the way.
struct message {
    struct ht_buffer *bytes;
    struct ht_error *error;
    enum ht_status status;
};

static void add_number(struct message *message, uint32_t field, uint64_t value)
{
    if (message->status == HT_OK)
        message->status = ht_packet_append_number(message->bytes, field, value, message->error);
}

static void add_bytes(struct message *message, uint32_t field, const uint8_t *start,
                      const uint8_t *end)
{
    if (message->status == HT_OK && end > start)
        message->status = ht_packet_append_bytes(message->bytes, field, start,
                                                 (size_t)(end - start), message->error);
}

static void add_packed(struct message *message, uint32_t field, const struct packed *column)
{
    add_bytes(message, field, column->bytes, column->end);
}

// A part of the values of a table: the bits of `mask` from `shift` on.
static void add_table(struct message *message, uint32_t field, struct ht_pack *pack,
                      const struct ht_table *table, unsigned shift, uint64_t mask)
{
    uint8_t *end = pack->scratch;
    for (uint32_t i = 0; i < table->count; i++)
        end = ht_varint_put(end, table->values[i] >> shift & mask);
    add_bytes(message, field, pack->scratch, end);
}

static void add_column(struct message *message, uint32_t field, struct ht_pack *pack,
                       const struct column *column, uint64_t number)
{
    struct ht_unit unit = ht_unit_of(number);
    uint8_t *end = pack->scratch;
    for (size_t i = 0; i < column->count; i++) {
        uint64_t value = column->value[i];
        uint64_t quotient = ht_unit_divide(&unit, ht_magnitude(value));
        end = ht_varint_put(end, ht_zigzag(value >> 63 != 0 ? 0 - quotient : quotient));
    }
    add_bytes(message, field, pack->scratch, end);
}

static uint64_t common_unit(const struct column *column, uint64_t unit)
{
    return ht_unit_common(column->value, column->count, unit);
}

static void add_tables(struct message *message, struct ht_pack *pack)
{
    add_table(message, HT_BLOCK_SHAPE_KIND, pack, &pack->shapes, 0, 0xFF);
    add_table(message, HT_BLOCK_SHAPE_FLAGS, pack, &pack->shapes, 8, 0xFF);
    add_table(message, HT_BLOCK_SHAPE_SOURCE, pack, &pack->shapes, 16, 0xFF);
    add_table(message, HT_BLOCK_SHAPE_FIELDS, pack, &pack->shapes, 24, UINT32_MAX);
    add_table(message, HT_BLOCK_THREAD_PID, pack, &pack->threads, 32, UINT32_MAX);
    add_table(message, HT_BLOCK_THREAD_TID, pack, &pack->threads, 0, UINT32_MAX);
    add_table(message, HT_BLOCK_HEAP_HANDLE, pack, &pack->heaps, 0, UINT64_MAX);
}

static void add_columns(struct message *message, struct ht_pack *pack)
{
    uint64_t time_unit = ht_unit_usable(common_unit(&pack->time, 0));
    add_packed(message, HT_BLOCK_SHAPE, &pack->shape);
    add_number(message, HT_BLOCK_FIRST_TIME_NS, ht_zigzag((uint64_t)pack->first_time_ns));
    add_number(message, HT_BLOCK_TIME_UNIT_NS, time_unit);
    add_column(message, HT_BLOCK_TIME, pack, &pack->time, time_unit);
    // A column of zeros is left out.
    if (pack->threads.count > 1)
        add_packed(message, HT_BLOCK_THREAD, &pack->thread);
    if (pack->heaps.count > 1)
        add_packed(message, HT_BLOCK_HEAP, &pack->heap);
    if (pack->has_cpus)
        add_packed(message, HT_BLOCK_CPU, &pack->cpu);
    uint64_t unit = common_unit(&pack->address, 0);
    unit = common_unit(&pack->old_address, unit);
    unit = ht_unit_usable(common_unit(&pack->place_offset, unit));
    add_number(message, HT_BLOCK_ADDRESS_UNIT, unit);
    add_column(message, HT_BLOCK_ADDRESS, pack, &pack->address, unit);
    add_packed(message, HT_BLOCK_SIZE, &pack->size);
    add_column(message, HT_BLOCK_OLD_ADDRESS, pack, &pack->old_address, unit);
    add_packed(message, HT_BLOCK_OLD_SIZE, &pack->old_size);
    add_packed(message, HT_BLOCK_DETAIL_COUNT, &pack->detail_count);
    add_packed(message, HT_BLOCK_DETAIL, &pack->detail);
    add_packed(message, HT_BLOCK_STACK, &pack->stack);
    add_packed(message, HT_BLOCK_BIRTH, &pack->birth);
    add_packed(message, HT_BLOCK_PLACE, &pack->place);
    add_column(message, HT_BLOCK_PLACE_OFFSET, pack, &pack->place_offset, unit);
}

enum ht_status ht_pack_finish(struct ht_pack *pack, struct ht_buffer *message,
                              struct ht_error *error)
{
    struct message out = {message, error, HT_OK};
    add_number(&out, HT_BLOCK_EVENT_COUNT, pack->event_count);
    add_tables(&out, pack);
    add_columns(&out, pack);
    begin(pack);
    return out.status;
}
