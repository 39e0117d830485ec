// SPDX-License-Identifier: MIT
//
// Two passes over the run: the first gathers which addresses are ever used, as ranges of units; the
// second lets the blocks live on those ranges laid end to end. When there are too many ranges the
// unit grows, which joins neighbours.
#include "replay/heap_map.h"

#include "replay/metrics.h"
#include "replay/os.h"
#include "replay/sort.h"

#include <stdbool.h>

enum {
    RANGES_MAX = 1 << 16,
    UNIT_SHIFT_LEAST = 12,
    UNIT_SHIFT_MOST = 40,
};

// Far above what any machine has, so that sums of it do not wrap.
#define USED_BYTES_MAX (UINT64_C(1) << 62)

// Used units with no hole between them.
struct range {
    uint64_t first, last; // inclusive
    uint64_t before;      // bytes of all ranges before it, once they are laid end to end
    uint32_t space;
};

// Where a block is; no bytes when it is not live or not in the map.
struct spot {
    uint64_t address;
    uint64_t size;
    uint32_t space;
};

struct builder {
    const struct ht_plan *plan;
    const struct ht_trail *trail;
    const uint64_t *addresses;
    uint64_t operations;
    struct range *ranges;
    size_t count;
    bool is_stuck;      // greater units make no more room: sorting again would be in vain
    int shift;          // a unit has 1 << shift bytes
    struct spot *spots; // by block
    uint64_t spots_bytes;
    struct ht_heap_map *map;
    uint64_t row_live[HT_HEAP_MAP_ROWS];
};

// Goes along the run.
struct walk {
    const struct ht_plan_span *span;
    size_t at;
    struct ht_trail_step step;
    uint64_t index; // of the next operation
};

static bool is_before(const void *one, const void *other)
{
    const struct range *a = one;
    const struct range *b = other;
    return a->space != b->space ? a->space < b->space : a->first < b->first;
}

// Sorts the ranges and joins those that overlap or touch.
static void join(struct builder *builder)
{
    size_t kept = 0;
    ht_sort(builder->ranges, builder->count, sizeof *builder->ranges, is_before);
    for (size_t i = 1; i < builder->count; i++) {
        struct range *end = &builder->ranges[kept];
        const struct range *next = &builder->ranges[i];
        if (end->space != next->space || next->first > end->last + 1) {
            builder->ranges[++kept] = *next;
        } else if (next->last > end->last) {
            end->last = next->last;
        }
    }
    builder->count = builder->count == 0 ? 0 : kept + 1;
}

// Makes room by joining ranges, then by greater units, until half is free.
static void make_room(struct builder *builder)
{
    join(builder);
    while (builder->count > RANGES_MAX / 2 && builder->shift < UNIT_SHIFT_MOST) {
        builder->shift++;
        for (size_t i = 0; i < builder->count; i++) {
            builder->ranges[i].first >>= 1;
            builder->ranges[i].last >>= 1;
        }
        join(builder);
    }
    builder->is_stuck = builder->count > RANGES_MAX / 2;
}

static void use(struct builder *builder, const struct spot *spot)
{
    if (builder->count == RANGES_MAX && !builder->is_stuck) {
        make_room(builder);
    }
    if (builder->count == RANGES_MAX) {
        return;
    }
    builder->ranges[builder->count++] = (struct range){
        .first = spot->address >> builder->shift,
        .last = (spot->address + spot->size - 1) >> builder->shift,
        .space = spot->space,
    };
}

static struct walk walk_begin(const struct builder *builder)
{
    return (struct walk){.span = ht_plan_first(builder->plan),
                         .step = ht_trail_begin(builder->trail)};
}

static struct spot spot_at(uint64_t address, uint64_t size, uint32_t space)
{
    uint64_t room = UINT64_MAX - address; // a block that would reach over the end ends there
    return (struct spot){.address = address, .size = size < room ? size : room, .space = space};
}

// The next operation, and where its block is after it; NULL after the last one.
static const struct ht_op *walk_next(const struct builder *builder, struct walk *walk,
                                     struct spot *spot)
{
    if (walk->index == builder->operations) {
        return NULL;
    }
    while (walk->at == walk->span->count) {
        walk->span = walk->span->next;
        walk->at = 0;
    }
    const struct ht_op *op = &walk->span->ops[walk->at++];
    uint64_t size = op->kind == HT_OP_FREE ? 0 : op->size;
    if (builder->addresses == NULL) {
        const struct ht_trail_mark *mark = ht_trail_next(&walk->step);
        *spot = spot_at(mark->address, size, mark->space);
    } else {
        uint64_t address = builder->addresses[walk->index];
        *spot = spot_at(address, address == 0 ? 0 : size, 0);
        if (address == HT_HEAP_MAP_UNCHANGED) {
            *spot = builder->spots[op->block];
        }
    }
    walk->index++;
    return op;
}

// The first pass. The table of spots is all zero and stays so: what is unchanged was seen before.
static void find_ranges(struct builder *builder)
{
    struct walk walk = walk_begin(builder);
    struct spot spot;
    while (walk_next(builder, &walk, &spot) != NULL) {
        if (spot.size > 0 && spot.size <= HT_METRICS_SIZE_MAX) {
            use(builder, &spot);
        }
    }
    make_room(builder);
}

static void lay_out_rows(struct builder *builder)
{
    struct ht_heap_map *map = builder->map;
    uint64_t units_per_row =
        ((map->used_bytes >> builder->shift) + HT_HEAP_MAP_ROWS - 1) / HT_HEAP_MAP_ROWS;
    uint64_t row_bytes = units_per_row << builder->shift;
    const struct range *range = builder->ranges;
    for (uint64_t at = 0; at < map->used_bytes; at += row_bytes) {
        struct ht_heap_map_row *row = &map->row[map->rows++];
        uint64_t rest = map->used_bytes - at;
        while (((range->last - range->first + 1) << builder->shift) <= at - range->before) {
            range++;
        }
        row->address = (range->first << builder->shift) + (at - range->before);
        row->space = range->space;
        row->size = rest < row_bytes ? rest : row_bytes;
    }
}

// Lays the ranges end to end; those that would be too much are left out.
static void lay_out(struct builder *builder)
{
    struct ht_heap_map *map = builder->map;
    size_t kept = 0;
    for (; kept < builder->count; kept++) {
        struct range *range = &builder->ranges[kept];
        uint64_t units = range->last - range->first + 1;
        if (units > (USED_BYTES_MAX - map->used_bytes) >> builder->shift) {
            break;
        }
        range->before = map->used_bytes;
        map->used_bytes += units << builder->shift;
    }
    builder->count = kept;
    map->unit_bytes = UINT64_C(1) << builder->shift;
    lay_out_rows(builder);
}

// The range that holds the spot, or NULL.
static const struct range *find(const struct builder *builder, const struct spot *spot)
{
    uint64_t first = spot->address >> builder->shift;
    size_t low = 0;
    size_t high = builder->count; // the first range behind the spot's begin is in low to high
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct range *range = &builder->ranges[middle];
        bool is_behind =
            range->space != spot->space ? range->space > spot->space : range->first > first;
        if (is_behind) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    const struct range *range = low == 0 ? NULL : &builder->ranges[low - 1];
    uint64_t last = (spot->address + spot->size - 1) >> builder->shift;
    return range != NULL && range->space == spot->space && range->last >= last ? range : NULL;
}

// Adds the bytes of a spot to its rows, or takes them off: unsigned sums come out right again.
// False when it is on none.
static bool shade(struct builder *builder, const struct spot *spot, bool is_added)
{
    const struct range *range = find(builder, spot);
    if (range == NULL) {
        return false;
    }
    uint64_t row_bytes = builder->map->row[0].size;
    uint64_t at = range->before + (spot->address - (range->first << builder->shift));
    uint64_t end = at + spot->size;
    while (at < end) {
        uint64_t row = at / row_bytes;
        uint64_t row_end = (row + 1) * row_bytes;
        uint64_t bytes = (end < row_end ? end : row_end) - at;
        builder->row_live[row] += is_added ? bytes : 0 - bytes;
        at += bytes;
    }
    return true;
}

static void move(struct builder *builder, const struct ht_op *op, const struct spot *spot)
{
    struct spot *held = &builder->spots[op->block];
    struct spot next = *spot;
    if (held->size > 0) {
        shade(builder, held, false);
    }
    if (next.size > 0 && (next.size > HT_METRICS_SIZE_MAX || !shade(builder, &next, true))) {
        builder->map->left_out++;
        next.size = 0;
    }
    *held = next;
}

static void end_column(struct builder *builder, uint32_t column)
{
    for (uint32_t i = 0; i < builder->map->rows; i++) {
        builder->map->row[i].live[column] = builder->row_live[i];
    }
}

// The second pass.
static void draw(struct builder *builder)
{
    struct ht_heap_map *map = builder->map;
    struct walk walk = walk_begin(builder);
    struct spot spot;
    uint32_t column = 0;
    const struct ht_op *op;
    while ((op = walk_next(builder, &walk, &spot)) != NULL) {
        move(builder, op, &spot);
        if (walk.index == ht_heap_map_column_end(map, column)) {
            end_column(builder, column++);
        }
    }
}

// Both passes, when there is memory.
static enum ht_status build(struct builder *builder, struct ht_error *error)
{
    uint64_t ranges_bytes = RANGES_MAX * (uint64_t)sizeof *builder->ranges;
    uint64_t block_limit = ht_plan_totals(builder->plan)->block_limit;
    builder->spots_bytes = (block_limit + 1) * sizeof *builder->spots; // never none
    builder->ranges = ht_os_map(ranges_bytes);
    builder->spots = ht_os_map(builder->spots_bytes);
    bool has_memory = builder->ranges != NULL && builder->spots != NULL;
    if (has_memory) {
        find_ranges(builder);
        lay_out(builder);
        draw(builder);
    }
    ht_os_unmap(builder->ranges, ranges_bytes);
    ht_os_unmap(builder->spots, builder->spots_bytes);
    return has_memory ? HT_OK : ht_fail_memory(error, "the heap map");
}

enum ht_status ht_heap_map_make(struct ht_heap_map **map, const struct ht_plan *plan,
                                const struct ht_trail *trail, const uint64_t *addresses,
                                uint64_t operations, struct ht_error *error)
{
    *map = ht_os_map(sizeof **map);
    if (*map == NULL) {
        return ht_fail_memory(error, "the heap map");
    }
    (*map)->operations = operations;
    (*map)->columns =
        operations < HT_HEAP_MAP_COLUMNS ? (uint32_t)operations : (uint32_t)HT_HEAP_MAP_COLUMNS;
    struct builder builder = {.plan = plan,
                              .trail = trail,
                              .addresses = addresses,
                              .operations = operations,
                              .shift = UNIT_SHIFT_LEAST,
                              .map = *map};
    enum ht_status status = build(&builder, error);
    if (status != HT_OK) {
        ht_heap_map_close(*map);
        *map = NULL;
    }
    return status;
}

void ht_heap_map_close(struct ht_heap_map *map)
{
    if (map != NULL) {
        ht_os_unmap(map, sizeof *map);
    }
}

// In two parts, so that no product overflows.
uint64_t ht_heap_map_column_end(const struct ht_heap_map *map, uint32_t column)
{
    uint64_t whole = map->operations / map->columns;
    uint64_t rest = map->operations % map->columns;
    return whole * (column + 1) + rest * (column + 1) / map->columns;
}
