// SPDX-License-Identifier: MIT
//
// Plain records. One 64-bit word holds family, kind, size and hook of a SYSTEM header and picks
// the layout; the fields are then loaded without a branch on the sort of event, which is as good
// as random: what a sort does not have is loaded from somewhere in the record and masked away.
#include "formats/etl_plain.h"

#include "formats/bytes.h"

enum {
    AT_TID = 0x08,
    AT_PID = 0x0C,
    AT_STAMP = 0x10,
    AT_PAYLOAD = HT_ETL_SYSTEM_SIZE,
    SOURCE_SIZE = 4,
    SOURCE_MAX = 255,
    OPCODES = 8, // the three plain ones differ in the lowest bits of their hooks
    HEAP_HOOKS = HT_ETL_GROUP_HEAP << 8 | HT_ETL_HEAP_CREATE,
    ALIGNMENT = 8,
};

// A payload in units of pointers. Its source is behind the pointers.
struct layout {
    uint8_t kind; // enum ht_kind; HT_KIND_NONE for what is not plain
    uint8_t pointers;
    uint8_t address_at;
    uint8_t size_at;
    uint8_t old_address_at;
    uint8_t old_size_at;
    uint64_t size_mask;
    uint64_t old_mask;
};

static const struct layout layouts[OPCODES] = {
    [HT_ETL_HEAP_ALLOC & 7] = {HT_KIND_ALLOC, 3, 2, 1, 0, 0, UINT64_MAX, 0},
    [HT_ETL_HEAP_REALLOC & 7] = {HT_KIND_REALLOC, 5, 1, 3, 2, 4, UINT64_MAX, UINT64_MAX},
    [HT_ETL_HEAP_FREE & 7] = {HT_KIND_FREE, 2, 1, 0, 0, 0, 0, 0},
};

// The first eight bytes of a header.
static unsigned header_of(uint64_t word)
{
    return word >> 16 & 0xFF;
}

static unsigned size_of(uint64_t word)
{
    return word >> 32 & 0xFFFF;
}

static unsigned hook_of(uint64_t word)
{
    return (unsigned)(word >> 48);
}

static unsigned pointer_size_of(uint64_t word)
{
    return header_of(word) == HT_ETL_SYSTEM64 ? 8 : 4;
}

// The layout of the record that begins with this word and has so many bytes before the end; NULL
// when it is not plain.
static const struct layout *layout_of(uint64_t word, size_t left)
{
    const struct layout *layout = &layouts[hook_of(word) % OPCODES];
    unsigned marker = (unsigned)(word >> 16 & 0xFFFF);
    unsigned least = AT_PAYLOAD + SOURCE_SIZE + pointer_size_of(word) * layout->pointers;
    bool is_system = marker == ((unsigned)HT_ETL_FAMILY_TRACE << 8 | HT_ETL_SYSTEM64) ||
                     marker == ((unsigned)HT_ETL_FAMILY_TRACE << 8 | HT_ETL_SYSTEM32);
    bool is_plain = is_system && hook_of(word) / OPCODES == HEAP_HOOKS / OPCODES &&
                    layout->kind != HT_KIND_NONE && size_of(word) >= least && size_of(word) <= left;
    return is_plain ? layout : NULL;
}

bool ht_etl_plain_is(const struct ht_etl_walk *walk, uint64_t *stamp)
{
    if (walk->at > walk->valid || walk->valid - walk->at < AT_PAYLOAD)
        return false;
    const uint8_t *p = walk->bytes + walk->at;
    *stamp = ht_load64(p + AT_STAMP);
    return layout_of(ht_load64(p), walk->valid - walk->at) != NULL;
}

static inline uint64_t load_pointer(const uint8_t *payload, unsigned index, unsigned pointer_size)
{
    return pointer_size == 8 ? ht_load64(payload + 8 * index) : ht_load32(payload + 4 * index);
}

// Everything but time and cpu.
static inline void make(struct ht_event *event, const struct layout *layout, const uint8_t *p,
                        unsigned pointer_size)
{
    const uint8_t *payload = p + AT_PAYLOAD;
    uint32_t source = ht_load32(payload + pointer_size * layout->pointers);
    event->pid = ht_load32(p + AT_PID);
    event->tid = ht_load32(p + AT_TID);
    event->heap = load_pointer(payload, 0, pointer_size);
    event->address = load_pointer(payload, layout->address_at, pointer_size);
    event->size = load_pointer(payload, layout->size_at, pointer_size) & layout->size_mask;
    event->old_address =
        load_pointer(payload, layout->old_address_at, pointer_size) & layout->old_mask;
    event->old_size = load_pointer(payload, layout->old_size_at, pointer_size) & layout->old_mask;
    event->stack_source = (source > SOURCE_MAX ? SOURCE_MAX : source) << 24;
    event->kind = layout->kind;
    event->flags = pointer_size == 4 ? HT_FLAG_POINTER32 : 0;
}

bool ht_etl_plain_take(const struct ht_etl_stretch *stretch, struct ht_etl_batch *batch,
                       struct ht_etl_counts *counts)
{
    const uint8_t *end = stretch->walk->bytes + stretch->walk->valid;
    const uint8_t *p = stretch->walk->bytes + stretch->walk->at;
    size_t count = batch->count;
    while (count < batch->limit && (size_t)(end - p) >= AT_PAYLOAD) {
        uint64_t word = ht_load64(p);
        const struct layout *layout = layout_of(word, (size_t)(end - p));
        int64_t ticks = (int64_t)(ht_load64(p + AT_STAMP) - stretch->zero);
        if (layout == NULL || ticks < batch->last_ticks || ticks >= stretch->until_ticks)
            break;
        struct ht_event *event = &batch->events[count];
        if (pointer_size_of(word) == 8)
            make(event, layout, p, 8);
        else
            make(event, layout, p, 4);
        if (event->heap == 0)
            break;
        event->time_ns = ht_etl_clock_ns(stretch->clock, ticks);
        event->cpu = stretch->cpu;
        batch->ticks[count++] = ticks;
        batch->last_ticks = ticks;
        counts->by_header[header_of(word)]++;
        counts->by_hook[hook_of(word)]++;
        size_t stride = (size_of(word) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        // The last record may end without its padding.
        p = stride < (size_t)(end - p) ? p + stride : end;
    }
    bool has_taken = count > batch->count;
    batch->count = count;
    stretch->walk->at = (size_t)(p - stretch->walk->bytes);
    return has_taken;
}
