// SPDX-License-Identifier: MIT
//
// Columns into events. See the header.
#include "formats/compact_unpack.h"

#include "formats/compact_pack.h"
#include "formats/limits.h"

static bool is_full_or_absent(size_t count, uint32_t event_count)
{
    return count == event_count || count == 0;
}

static bool all_below(const uint32_t *values, size_t count, size_t limit)
{
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++)
        if (values[i] > most)
            most = values[i];
    return count == 0 || most < limit;
}

static bool tables_fit(const Ht__Block *block)
{
    size_t shapes = block->n_shape_kind;
    return shapes > 0 && block->n_shape_flags == shapes && block->n_shape_source == shapes &&
           block->n_shape_fields == shapes && all_below(block->shape_kind, shapes, 1 << 8) &&
           all_below(block->shape_flags, shapes, 1 << 8) &&
           all_below(block->shape_source, shapes, 1 << 8) && block->n_thread_pid > 0 &&
           block->n_thread_tid == block->n_thread_pid && block->n_heap_handle > 0;
}

// The columns of every event. Shape and time are always there, so that few bytes never stand for
// many events.
static bool indices_fit(const Ht__Block *block)
{
    uint32_t count = block->event_count;
    return count > 0 && count <= HT_COMPACT_EVENTS_MAX && block->n_shape == count &&
           block->n_time == count && is_full_or_absent(block->n_thread, count) &&
           is_full_or_absent(block->n_heap, count) && is_full_or_absent(block->n_cpu, count) &&
           all_below(block->shape, block->n_shape, block->n_shape_kind) &&
           all_below(block->thread, block->n_thread, block->n_thread_pid) &&
           all_below(block->heap, block->n_heap, block->n_heap_handle) &&
           all_below(block->cpu, block->n_cpu, 1 << 16);
}

// How many events have the field, by their shapes.
static size_t count_of(const Ht__Block *block, enum ht_shape_field field)
{
    size_t count = 0;
    for (size_t i = 0; i < block->n_shape; i++)
        count += (block->shape_fields[block->shape[i]] & field) != 0;
    return count;
}

static bool fields_fit(const Ht__Block *block)
{
    uint64_t values = 0;
    for (size_t i = 0; i < block->n_detail_count; i++)
        values += block->detail_count[i];
    return values == block->n_detail && block->n_address == count_of(block, HT_SHAPE_ADDRESS) &&
           block->n_size == count_of(block, HT_SHAPE_SIZE) &&
           block->n_old_address == count_of(block, HT_SHAPE_OLD_ADDRESS) &&
           block->n_old_size == count_of(block, HT_SHAPE_OLD_SIZE) &&
           block->n_detail_count == count_of(block, HT_SHAPE_DETAIL) &&
           block->n_stack == count_of(block, HT_SHAPE_STACK);
}

bool ht_unpack_begin(struct ht_unpack *unpack, const Ht__Block *block)
{
    *unpack = (struct ht_unpack){.block = block, .time_ns = (uint64_t)block->first_time_ns};
    bool fits = tables_fit(block) && indices_fit(block) && fields_fit(block);
    if (!fits)
        unpack->at = block->event_count;
    return fits;
}

// The value of a column at `i` that is `base` plus so many units, modulo 2^64.
static uint64_t sum(uint64_t base, int64_t difference, uint64_t unit)
{
    return base + (uint64_t)difference * unit;
}

static void take_detail(struct ht_unpack *unpack, struct ht_unpacked *out)
{
    const Ht__Block *block = unpack->block;
    out->has_detail = true; // also without values
    out->detail_count = block->detail_count[unpack->details++];
    if (out->detail_count > 0)
        out->detail = &block->detail[unpack->values];
    unpack->values += out->detail_count;
}

static void take_fields(struct ht_unpack *unpack, unsigned fields, struct ht_unpacked *out)
{
    const Ht__Block *block = unpack->block;
    struct ht_event *event = &out->event;
    uint64_t unit = block->address_unit;
    if ((fields & HT_SHAPE_ADDRESS) != 0) {
        unpack->address = sum(unpack->address, block->address[unpack->addresses++], unit);
        event->address = unpack->address;
    }
    if ((fields & HT_SHAPE_SIZE) != 0)
        event->size = block->size[unpack->sizes++];
    if ((fields & HT_SHAPE_OLD_ADDRESS) != 0)
        event->old_address = sum(event->address, block->old_address[unpack->old_addresses++], unit);
    if ((fields & HT_SHAPE_OLD_SIZE) != 0) {
        uint64_t old_size = sum(event->size, block->old_size[unpack->old_sizes++], 1);
        if (event->kind == HT_KIND_REALLOC) // in other kinds its place is the detail's
            event->old_size = old_size;
    }
    if ((fields & HT_SHAPE_STACK) != 0)
        out->stack = block->stack[unpack->stacks++];
    if ((fields & HT_SHAPE_DETAIL) != 0)
        take_detail(unpack, out);
}

bool ht_unpack_next(struct ht_unpack *unpack, struct ht_unpacked *out)
{
    const Ht__Block *block = unpack->block;
    if (unpack->at == block->event_count)
        return false;
    uint32_t at = unpack->at++;
    uint32_t shape = block->shape[at];
    uint32_t thread = block->n_thread > 0 ? block->thread[at] : 0;
    uint32_t heap = block->n_heap > 0 ? block->heap[at] : 0;
    unpack->time_ns = sum(unpack->time_ns, block->time[at], block->time_unit_ns);
    *out = (struct ht_unpacked){
        .event = {.time_ns = (int64_t)unpack->time_ns,
                  .pid = block->thread_pid[thread],
                  .tid = block->thread_tid[thread],
                  .heap = block->heap_handle[heap],
                  .cpu = (uint16_t)(block->n_cpu > 0 ? block->cpu[at] : 0),
                  .kind = (uint8_t)block->shape_kind[shape],
                  .flags = (uint8_t)block->shape_flags[shape]},
    };
    ht_event_set_source(&out->event, block->shape_source[shape]);
    take_fields(unpack, block->shape_fields[shape], out);
    return true;
}
