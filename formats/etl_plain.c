// SPDX-License-Identifier: MIT
//
// Plain records. The first eight bytes of a SYSTEM header, which hold kind, size and hook, pick a
// layout, and the fields are loaded as it says, without a branch on the sort of event, which is as
// good as random: what a sort does not have is loaded from somewhere in the record and masked away.
#include "formats/etl_plain.h"

#include "formats/bytes.h"
#include "formats/cache.h"

enum {
    AT_TID = 0x08,
    AT_PID = 0x0C,
    AT_STAMP = 0x10,
    SOURCE_MAX = 255,
    ALIGNMENT = 8,
    AHEAD_BYTES = 1024, // the bytes may still be in the caches of the processor that loaded them
    LAYOUTS = 16,       // by pointer size and the lowest three bits of the hook
    FIT_BYTES = HT_ETL_SYSTEM_SIZE + ALIGNMENT, // looked at in the header behind the last record
};
static_assert((int)HT_ETL_PLAIN_PAD >= (int)FIT_BYTES, "what is looked at is there");

// Where the fields of a record are, from its start. Of the eight bytes at each the mask keeps what
// is meant; a 32-bit pointer has at least the source behind it, so all eight are in the record.
struct layout {
    uint64_t start; // the first eight bytes, version and size all ones; 0 of a layout there is not
    uint64_t pointer_mask;
    uint64_t size_mask;
    uint64_t old_mask;
    int32_t least; // size of the record
    uint8_t address_at;
    uint8_t size_at;
    uint8_t old_address_at;
    uint8_t old_size_at;
    uint8_t source_at;
    uint8_t kind;  // enum ht_kind
    uint8_t flags; // enum ht_flag
    uint8_t number;
};

// clang-format off
#define NOT_START UINT64_C(0x0000FFFF0000FFFF) // version and size
#define START(header, opcode)                                                                      \
    (NOT_START | (uint64_t)HT_ETL_GROUP_HEAP << 56 | (uint64_t)(opcode) << 48 |                                \
     (uint64_t)HT_ETL_FAMILY_TRACE << 24 | (uint64_t)(header) << 16)
#define INDEX(header, opcode) (((header) == HT_ETL_SYSTEM64 ? 8 : 0) | ((opcode) & 7))
#define AT(pointer, size) (HT_ETL_SYSTEM_SIZE + (pointer) * (size))
#define ALLOC(header, size, mask, flags)                                                           \
    [INDEX(header, HT_ETL_HEAP_ALLOC)] =                                                           \
        {START(header, HT_ETL_HEAP_ALLOC), mask, mask, 0, AT(3, size) + 4,                         \
         AT(2, size), AT(1, size), AT(0, size), AT(0, size), AT(3, size), HT_KIND_ALLOC, flags,       \
         INDEX(header, HT_ETL_HEAP_ALLOC)}
#define REALLOC(header, size, mask, flags)                                                         \
    [INDEX(header, HT_ETL_HEAP_REALLOC)] =                                                         \
        {START(header, HT_ETL_HEAP_REALLOC), mask, mask, mask, AT(5, size) + 4,                    \
         AT(1, size), AT(3, size), AT(2, size), AT(4, size), AT(5, size), HT_KIND_REALLOC, flags,       \
         INDEX(header, HT_ETL_HEAP_REALLOC)}
#define FREE(header, size, mask, flags)                                                            \
    [INDEX(header, HT_ETL_HEAP_FREE)] =                                                            \
        {START(header, HT_ETL_HEAP_FREE), mask, 0, 0, AT(2, size) + 4,                             \
         AT(1, size), AT(0, size), AT(0, size), AT(0, size), AT(2, size), HT_KIND_FREE, flags,       \
         INDEX(header, HT_ETL_HEAP_FREE)}

static const struct layout layouts[LAYOUTS] = {
    ALLOC(HT_ETL_SYSTEM32, 4, UINT32_MAX, HT_FLAG_POINTER32),
    REALLOC(HT_ETL_SYSTEM32, 4, UINT32_MAX, HT_FLAG_POINTER32),
    FREE(HT_ETL_SYSTEM32, 4, UINT32_MAX, HT_FLAG_POINTER32),
    ALLOC(HT_ETL_SYSTEM64, 8, UINT64_MAX, 0),
    REALLOC(HT_ETL_SYSTEM64, 8, UINT64_MAX, 0),
    FREE(HT_ETL_SYSTEM64, 8, UINT64_MAX, 0),
};
// clang-format on

// The layout of the record that begins with this word; the word does not fit it, as is_plain()
// tells, when the record is not plain.
static inline const struct layout *layout_of(uint64_t word)
{
    return &layouts[(word >> 48 & 7) | (word >> 14 & 8)];
}

static inline int32_t size_of(uint64_t word)
{
    return word >> 32 & 0xFFFF;
}

static inline bool is_plain(const struct layout *layout, uint64_t word, ptrdiff_t left)
{
    int32_t size = size_of(word);
    return (word | NOT_START) == layout->start && size >= layout->least && size <= left;
}

void ht_etl_plain_look(struct ht_etl_lane *lane)
{
    const struct ht_etl_walk *walk = &lane->walk;
    lane->is_plain = false;
    if (walk->at > walk->valid || walk->valid - walk->at < HT_ETL_SYSTEM_SIZE)
        return;
    const uint8_t *p = walk->bytes + walk->at;
    lane->word = ht_load64(p);
    lane->ticks = (int64_t)(ht_load64(p + AT_STAMP) - lane->zero);
    lane->is_plain =
        is_plain(layout_of(lane->word), lane->word, (ptrdiff_t)(walk->valid - walk->at));
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

// Where the making of events stands.
struct making {
    const struct ht_etl_clock *clock;
    struct ht_event *event;
    const struct ht_event *limit;
    int64_t *ticks;
    int64_t last_ticks;
    uint32_t made[LAYOUTS];
};

// Takes the plain record at which a lane stands and those behind it before these ticks.
static inline enum ht_etl_plain take(struct making *making, struct ht_etl_lane *lane,
                                     int64_t until_ticks)
{
    const uint8_t *const end = lane->walk.bytes + lane->walk.valid;
    const uint8_t *p = lane->walk.bytes + lane->walk.at;
    struct ht_event *event = making->event;
    const struct layout *layout = layout_of(lane->word);
    int32_t size = size_of(lane->word);
    int64_t ticks = lane->ticks;
    enum ht_etl_plain how = HT_ETL_PLAIN_STUCK;
    while (ticks >= making->last_ticks) {
        ht_cache_fetch((const void *)((uintptr_t)p + AHEAD_BYTES));
        make(event, layout, p);
        if (event->heap == 0)
            break;
        event->time_ns = ht_etl_clock_ns(making->clock, ticks);
        event->cpu = lane->cpu;
        event++;
        *making->ticks++ = ticks;
        making->last_ticks = ticks;
        making->made[layout->number]++;
        how = HT_ETL_PLAIN_MOVED;
        p += (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
        uint64_t word = ht_load64(p);
        ticks = (int64_t)(ht_load64(p + AT_STAMP) - lane->zero);
        layout = layout_of(word);
        size = size_of(word);
        if (!is_plain(layout, word, end - p))
            break;
        if (ticks >= until_ticks || event == making->limit) {
            lane->word = word;
            lane->ticks = ticks;
            how = HT_ETL_PLAIN_READY;
            break;
        }
    }
    making->event = event;
    // The last record may end without its padding.
    lane->walk.at = p < end ? (size_t)(p - lane->walk.bytes) : lane->walk.valid;
    return how;
}

static void add_counts(struct ht_etl_counts *counts, const uint32_t made[LAYOUTS])
{
    for (unsigned i = 0; i < LAYOUTS; i++) {
        counts->by_header[layouts[i].start >> 16 & 0xFF] += made[i];
        counts->by_hook[layouts[i].start >> 48] += made[i];
    }
    counts->has_group[HT_ETL_GROUP_HEAP] = true;
}

// First ticks at which the lane at the top may not be the one that comes next.
static inline int64_t quiet_ticks(const struct ht_etl_order *order, int64_t due_ticks)
{
    int64_t next = ht_etl_order_next_ticks(order);
    return next < due_ticks ? next : due_ticks;
}

enum ht_etl_plain ht_etl_plain_merge(struct ht_etl_lane *lanes, struct ht_etl_order *order,
                                     int64_t due_ticks, const struct ht_etl_clock *clock,
                                     struct ht_etl_batch *batch, struct ht_etl_counts *counts)
{
    struct making making = {.clock = clock,
                            .event = batch->events + batch->count,
                            .limit = batch->events + batch->limit,
                            .ticks = batch->ticks + batch->count,
                            .last_ticks = batch->last_ticks};
    enum ht_etl_plain how;
    bool goes_on = true;
    do {
        uint32_t number = ht_etl_place_number(ht_etl_order_top(order));
        struct ht_etl_lane *lane = &lanes[number];
        how = take(&making, lane, quiet_ticks(order, due_ticks));
        if (how != HT_ETL_PLAIN_READY)
            break;
        ht_etl_order_set(order, number, (struct ht_etl_place){lane->ticks, lane->rank});
        struct ht_etl_place top = ht_etl_order_top(order);
        goes_on = top.ticks < due_ticks && lanes[ht_etl_place_number(top)].is_plain &&
                  making.event < making.limit;
    } while (goes_on);
    batch->count = (size_t)(making.event - batch->events);
    batch->last_ticks = making.last_ticks;
    add_counts(counts, making.made);
    return how;
}
