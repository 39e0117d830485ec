// SPDX-License-Identifier: MIT
//
// Events into columns. See the header.
#include "formats/compact_pack.h"

#include <stdlib.h>
#include <string.h>

enum {
    EVENTS = HT_COMPACT_EVENTS_MAX,
    TABLE_SLOTS = 2 * EVENTS, // a power of two
};

// Distinct values in order of first use: the tables of a block.
struct table {
    uint64_t value[EVENTS];
    uint32_t count;
    uint32_t last;               // index found last
    uint32_t slots[TABLE_SLOTS]; // open addressing; index + 1, or 0
};

struct column32 {
    size_t count;
    uint32_t value[EVENTS];
};

struct column64 {
    size_t count;
    int64_t value[EVENTS];
};

struct ht_pack {
    uint32_t event_count;
    int64_t first_time_ns;
    int64_t last_time_ns;
    uint64_t last_address;
    uint32_t all_cpus; // every cpu number or-ed
    struct table shapes;
    struct table threads;
    struct table heaps;
    struct column32 shape, thread, heap, cpu, stack, detail_count;
    struct column64 time, address, old_address, old_size;
    uint64_t size[EVENTS];
    size_t size_count;
    uint64_t detail[HT_COMPACT_DETAIL_VALUES_MAX];
    size_t value_count; // of `detail`
    // The tables' values taken apart into the columns they are written as.
    uint32_t shape_kind[EVENTS], shape_flags[EVENTS], shape_source[EVENTS], shape_fields[EVENTS];
    uint32_t thread_pid[EVENTS], thread_tid[EVENTS];
};

struct ht_pack *ht_pack_open(void)
{
    return calloc(1, sizeof(struct ht_pack));
}

void ht_pack_close(struct ht_pack *pack)
{
    free(pack);
}

uint32_t ht_pack_event_count(const struct ht_pack *pack)
{
    return pack->event_count;
}

bool ht_pack_has_room(const struct ht_pack *pack, size_t detail_count)
{
    return pack->event_count < EVENTS &&
           detail_count <= HT_COMPACT_DETAIL_VALUES_MAX - pack->value_count;
}

// Index of a value in the table, which gets it when it is new. A table has as many places as a
// block has events, so there is always room.
static uint32_t table_index(struct table *table, uint64_t value)
{
    if (table->count > 0 && table->value[table->last] == value)
        return table->last;
    uint32_t slot = (uint32_t)(value * 0x9E3779B97F4A7C15u >> 40) & (TABLE_SLOTS - 1);
    while (table->slots[slot] != 0 && table->value[table->slots[slot] - 1] != value)
        slot = (slot + 1) & (TABLE_SLOTS - 1);
    if (table->slots[slot] == 0) {
        table->value[table->count++] = value;
        table->slots[slot] = table->count;
    }
    table->last = table->slots[slot] - 1;
    return table->last;
}

static void table_clear(struct table *table)
{
    memset(table->slots, 0, sizeof table->slots);
    table->count = 0;
    table->last = 0;
}

static void put32(struct column32 *column, uint32_t value)
{
    column->value[column->count++] = value;
}

// Differences are taken modulo 2^64, so that no pair of values is too far apart.
static void put_difference(struct column64 *column, uint64_t value, uint64_t base)
{
    column->value[column->count++] = (int64_t)(value - base);
}

static unsigned fields_of(const struct ht_event *event, const uint64_t *detail)
{
    unsigned fields = 0;
    if (event->address != 0)
        fields |= HT_SHAPE_ADDRESS;
    if (event->size != 0)
        fields |= HT_SHAPE_SIZE;
    if (event->old_address != 0)
        fields |= HT_SHAPE_OLD_ADDRESS;
    if (event->kind == HT_KIND_REALLOC && event->old_size != 0)
        fields |= HT_SHAPE_OLD_SIZE;
    if (detail != NULL)
        fields |= HT_SHAPE_DETAIL;
    if (ht_event_stack(event) != 0)
        fields |= HT_SHAPE_STACK;
    return fields;
}

static void add_fields(struct ht_pack *pack, const struct ht_event *event, unsigned fields)
{
    if ((fields & HT_SHAPE_ADDRESS) != 0) {
        put_difference(&pack->address, event->address, pack->last_address);
        pack->last_address = event->address;
    }
    if ((fields & HT_SHAPE_SIZE) != 0)
        pack->size[pack->size_count++] = event->size;
    if ((fields & HT_SHAPE_OLD_ADDRESS) != 0)
        put_difference(&pack->old_address, event->old_address, event->address);
    if ((fields & HT_SHAPE_OLD_SIZE) != 0)
        put_difference(&pack->old_size, event->old_size, event->size);
    if ((fields & HT_SHAPE_STACK) != 0)
        put32(&pack->stack, ht_event_stack(event));
}

void ht_pack_add(struct ht_pack *pack, const struct ht_event *event, const uint64_t *detail,
                 size_t detail_count)
{
    if (pack->event_count++ == 0)
        pack->first_time_ns = pack->last_time_ns = event->time_ns;
    put_difference(&pack->time, (uint64_t)event->time_ns, (uint64_t)pack->last_time_ns);
    pack->last_time_ns = event->time_ns;

    unsigned fields = fields_of(event, detail);
    uint64_t shape = (uint64_t)fields << 24 | (uint64_t)ht_event_source(event) << 16 |
                     (uint64_t)event->flags << 8 | event->kind;
    put32(&pack->shape, table_index(&pack->shapes, shape));
    put32(&pack->thread, table_index(&pack->threads, (uint64_t)event->pid << 32 | event->tid));
    put32(&pack->heap, table_index(&pack->heaps, event->heap));
    put32(&pack->cpu, event->cpu);
    pack->all_cpus |= event->cpu;
    add_fields(pack, event, fields);
    if (detail != NULL) {
        put32(&pack->detail_count, (uint32_t)detail_count);
        memcpy(pack->detail + pack->value_count, detail, detail_count * sizeof *detail);
        pack->value_count += detail_count;
    }
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// The largest number that divides all of the values, at least 1 and never one whose product with
// a quotient could leave int64_t.
static uint64_t unit_of(const struct column64 *column, uint64_t unit)
{
    for (size_t i = 0; i < column->count && unit != 1; i++) {
        int64_t value = column->value[i];
        uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        if (unit == 0 || magnitude % unit != 0)
            unit = common_divisor(magnitude, unit);
    }
    return unit;
}

static uint64_t usable_unit(uint64_t unit)
{
    return unit == 0 || unit > INT64_MAX ? 1 : unit;
}

static void divide(struct column64 *column, uint64_t unit)
{
    if (unit == 1)
        return;
    for (size_t i = 0; i < column->count; i++)
        column->value[i] /= (int64_t)unit;
}

static void finish_tables(struct ht_pack *pack, Ht__Block *block)
{
    for (uint32_t i = 0; i < pack->shapes.count; i++) {
        uint64_t shape = pack->shapes.value[i];
        pack->shape_kind[i] = shape & 0xFF;
        pack->shape_flags[i] = shape >> 8 & 0xFF;
        pack->shape_source[i] = shape >> 16 & 0xFF;
        pack->shape_fields[i] = (uint32_t)(shape >> 24);
    }
    for (uint32_t i = 0; i < pack->threads.count; i++) {
        pack->thread_pid[i] = (uint32_t)(pack->threads.value[i] >> 32);
        pack->thread_tid[i] = (uint32_t)pack->threads.value[i];
    }
    block->n_shape_kind = block->n_shape_flags = pack->shapes.count;
    block->n_shape_source = block->n_shape_fields = pack->shapes.count;
    block->shape_kind = pack->shape_kind;
    block->shape_flags = pack->shape_flags;
    block->shape_source = pack->shape_source;
    block->shape_fields = pack->shape_fields;
    block->n_thread_pid = block->n_thread_tid = pack->threads.count;
    block->thread_pid = pack->thread_pid;
    block->thread_tid = pack->thread_tid;
    block->n_heap_handle = pack->heaps.count;
    block->heap_handle = pack->heaps.value;
}

static void finish_every(struct ht_pack *pack, Ht__Block *block)
{
    block->n_shape = pack->shape.count;
    block->shape = pack->shape.value;
    block->first_time_ns = pack->first_time_ns;
    block->time_unit_ns = usable_unit(unit_of(&pack->time, 0));
    divide(&pack->time, block->time_unit_ns);
    block->n_time = pack->time.count;
    block->time = pack->time.value;
    // A column of zeros is left out.
    block->n_thread = pack->threads.count > 1 ? pack->thread.count : 0;
    block->thread = pack->thread.value;
    block->n_heap = pack->heaps.count > 1 ? pack->heap.count : 0;
    block->heap = pack->heap.value;
    block->n_cpu = pack->all_cpus != 0 ? pack->cpu.count : 0;
    block->cpu = pack->cpu.value;
}

static void finish_fields(struct ht_pack *pack, Ht__Block *block)
{
    uint64_t unit = usable_unit(unit_of(&pack->old_address, unit_of(&pack->address, 0)));
    divide(&pack->address, unit);
    divide(&pack->old_address, unit);
    block->address_unit = unit;
    block->n_address = pack->address.count;
    block->address = pack->address.value;
    block->n_size = pack->size_count;
    block->size = pack->size;
    block->n_old_address = pack->old_address.count;
    block->old_address = pack->old_address.value;
    block->n_old_size = pack->old_size.count;
    block->old_size = pack->old_size.value;
    block->n_detail_count = pack->detail_count.count;
    block->detail_count = pack->detail_count.value;
    block->n_detail = pack->value_count;
    block->detail = pack->detail;
    block->n_stack = pack->stack.count;
    block->stack = pack->stack.value;
}

static void begin_next(struct ht_pack *pack)
{
    struct column32 *const narrow[] = {&pack->shape, &pack->thread, &pack->heap,
                                       &pack->cpu,   &pack->stack,  &pack->detail_count};
    struct column64 *const wide[] = {&pack->time, &pack->address, &pack->old_address,
                                     &pack->old_size};
    for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
        narrow[i]->count = 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        wide[i]->count = 0;
    table_clear(&pack->shapes);
    table_clear(&pack->threads);
    table_clear(&pack->heaps);
    pack->event_count = 0;
    pack->last_address = 0;
    pack->all_cpus = 0;
    pack->size_count = 0;
    pack->value_count = 0;
}

void ht_pack_finish(struct ht_pack *pack, Ht__Block *block)
{
    ht__block__init(block);
    block->event_count = pack->event_count;
    finish_tables(pack, block);
    finish_every(pack, block);
    finish_fields(pack, block);
    begin_next(pack);
}
