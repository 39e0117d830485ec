// SPDX-License-Identifier: MIT
//
// Plain records. The first eight bytes of a SYSTEM header, which hold kind, size and hook, pick a
// layout, and the fields are loaded as it says, without a branch on the sort of event, which is as
// good as random: what a sort does not have is loaded from somewhere in the record and masked away.
#include "formats/etl_plain.h"

#include "formats/bytes.h"

enum {
    AT_TID = 0x08,
    AT_PID = 0x0C,
    AT_STAMP = 0x10,
    SOURCE_MAX = 255,
    ALIGNMENT = 8,
    LAYOUTS = 16, // by pointer size and the lowest three bits of the hook
};

// Where the fields of a record are, from its start. Of the eight bytes at each the mask keeps what
// is meant; a 32-bit pointer has at least the source behind it, so all eight are in the record.
struct layout {
    uint64_t start; // the first eight bytes, but for version and size
    uint64_t pointer_mask;
    uint64_t size_mask;
    uint64_t old_mask;
    uint32_t least; // size of the record; 0 of a layout that there is not
    uint8_t address_at;
    uint8_t size_at;
    uint8_t old_address_at;
    uint8_t old_size_at;
    uint8_t source_at;
    uint8_t kind;  // enum ht_kind
    uint8_t flags; // enum ht_flag
};

// clang-format off
static const uint64_t START_MASK = 0xFFFF0000FFFF0000;
#define START(header, opcode)                                                                      \
    ((uint64_t)HT_ETL_GROUP_HEAP << 56 | (uint64_t)(opcode) << 48 |                                \
     (uint64_t)HT_ETL_FAMILY_TRACE << 24 | (uint64_t)(header) << 16)
#define INDEX(header, opcode) (((header) == HT_ETL_SYSTEM64 ? 8 : 0) | ((opcode) & 7))
#define AT(pointer, size) (HT_ETL_SYSTEM_SIZE + (pointer) * (size))
#define ALLOC(header, size, mask, flags)                                                           \
    [INDEX(header, HT_ETL_HEAP_ALLOC)] =                                                           \
        {START(header, HT_ETL_HEAP_ALLOC), mask, mask, 0, AT(3, size) + 4,                         \
         AT(2, size), AT(1, size), AT(0, size), AT(0, size), AT(3, size), HT_KIND_ALLOC, flags}
#define REALLOC(header, size, mask, flags)                                                         \
    [INDEX(header, HT_ETL_HEAP_REALLOC)] =                                                         \
        {START(header, HT_ETL_HEAP_REALLOC), mask, mask, mask, AT(5, size) + 4,                    \
         AT(1, size), AT(3, size), AT(2, size), AT(4, size), AT(5, size), HT_KIND_REALLOC, flags}
#define FREE(header, size, mask, flags)                                                            \
    [INDEX(header, HT_ETL_HEAP_FREE)] =                                                            \
        {START(header, HT_ETL_HEAP_FREE), mask, 0, 0, AT(2, size) + 4,                             \
         AT(1, size), AT(0, size), AT(0, size), AT(0, size), AT(2, size), HT_KIND_FREE, flags}

static const struct layout layouts[LAYOUTS] = {
    ALLOC(HT_ETL_SYSTEM32, 4, UINT32_MAX, HT_FLAG_POINTER32),
    REALLOC(HT_ETL_SYSTEM32, 4, UINT32_MAX, HT_FLAG_POINTER32),
    FREE(HT_ETL_SYSTEM32, 4, UINT32_MAX, HT_FLAG_POINTER32),
    ALLOC(HT_ETL_SYSTEM64, 8, UINT64_MAX, 0),
    REALLOC(HT_ETL_SYSTEM64, 8, UINT64_MAX, 0),
    FREE(HT_ETL_SYSTEM64, 8, UINT64_MAX, 0),
};
// clang-format on

static uint32_t size_of(uint64_t word)
{
    return word >> 32 & 0xFFFF;
}

// The layout of the record that begins with this word; the word does not fit it, as is_plain()
// tells, when the record is not plain.
static const struct layout *layout_of(uint64_t word)
{
    return &layouts[(word >> (48) & 7) | (word >> 14 & 8)];
}

static bool is_plain(const struct layout *layout, uint64_t word, size_t left)
{
    return (word & START_MASK) == layout->start && layout->least > 0 &&
           size_of(word) >= layout->least && size_of(word) <= left;
}

bool ht_etl_plain_is(const struct ht_etl_walk *walk, uint64_t *stamp)
{
    if (walk->at > walk->valid || walk->valid - walk->at < HT_ETL_SYSTEM_SIZE)
        return false;
    const uint8_t *p = walk->bytes + walk->at;
    uint64_t word = ht_load64(p);
    *stamp = ht_load64(p + AT_STAMP);
    return is_plain(layout_of(word), word, walk->valid - walk->at);
}

// Everything but time and cpu.
static inline void make(struct ht_event *event, const struct layout *layout, const uint8_t *p)
{
    uint32_t source = ht_load32(p + layout->source_at);
    event->pid = ht_load32(p + AT_PID);
    event->tid = ht_load32(p + AT_TID);
    event->heap = ht_load64(p + HT_ETL_SYSTEM_SIZE) & layout->pointer_mask;
    event->address = ht_load64(p + layout->address_at) & layout->pointer_mask;
    event->size = ht_load64(p + layout->size_at) & layout->size_mask;
    event->old_address = ht_load64(p + layout->old_address_at) & layout->old_mask;
    event->old_size = ht_load64(p + layout->old_size_at) & layout->old_mask;
    event->stack_source = (source > SOURCE_MAX ? SOURCE_MAX : source) << 24;
    event->kind = layout->kind;
    event->flags = layout->flags;
}

enum ht_etl_plain ht_etl_plain_take(const struct ht_etl_stretch *stretch,
                                    struct ht_etl_batch *batch, struct ht_etl_counts *counts,
                                    int64_t *later)
{
    const struct ht_etl_stretch own = *stretch;
    const uint8_t *end = own.walk->bytes + own.walk->valid;
    const uint8_t *p = own.walk->bytes + own.walk->at;
    struct ht_event *event = batch->events + batch->count;
    struct ht_event *const first = event;
    struct ht_event *const limit = batch->events + batch->limit;
    int64_t *ticks_of = batch->ticks + batch->count;
    int64_t last = batch->last_ticks;
    bool is_later = false;
    while (event < limit && (size_t)(end - p) >= HT_ETL_SYSTEM_SIZE) {
        uint64_t word = ht_load64(p);
        const struct layout *layout = layout_of(word);
        int64_t ticks = (int64_t)(ht_load64(p + AT_STAMP) - own.zero);
        if (!is_plain(layout, word, (size_t)(end - p)) || ticks < last)
            break;
        if (ticks >= own.until_ticks) {
            *later = ticks;
            is_later = true;
            break;
        }
        make(event, layout, p);
        if (event->heap == 0)
            break;
        event->time_ns = ht_etl_clock_ns(own.clock, ticks);
        event->cpu = own.cpu;
        event++;
        *ticks_of++ = ticks;
        last = ticks;
        counts->by_header[word >> 16 & 0xFF]++;
        counts->by_hook[word >> 48]++;
        size_t stride = (size_of(word) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        // The last record may end without its padding.
        p = stride < (size_t)(end - p) ? p + stride : end;
    }
    counts->has_group[HT_ETL_GROUP_HEAP] = true;
    batch->count += (size_t)(event - first);
    batch->last_ticks = last;
    own.walk->at = (size_t)(p - own.walk->bytes);
    if (event == first)
        return HT_ETL_PLAIN_NONE;
    return is_later ? HT_ETL_PLAIN_LATER : HT_ETL_PLAIN_TAKEN;
}
