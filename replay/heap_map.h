// SPDX-License-Identifier: MIT
//
// The heap map: how full each range of addresses was at each stage of a run, as a grid small enough
// to be looked at. Made after the run from the plan and the addresses of its blocks; the recording
// and the replay go through this one code.
//
// Addresses that no block ever had are left out, in steps of `unit_bytes`, so that the rows are
// ranges of what was used, in the order of addresses, all of one size but the last. A row may reach
// over such a hole. Memory does not grow with the addresses, and with the run only by the table of
// its blocks; it comes straight from the system.
#ifndef HT_REPLAY_HEAP_MAP_H
#define HT_REPLAY_HEAP_MAP_H

#include "formats/error.h"
#include "replay/plan.h"
#include "replay/trail.h"

#include <stddef.h>
#include <stdint.h>

enum {
    HT_HEAP_MAP_COLUMNS = 240,
    HT_HEAP_MAP_ROWS = 160,
};

// In place of an address: the operation left the block as it was.
#define HT_HEAP_MAP_UNCHANGED UINT64_MAX

struct ht_heap_map_row {
    uint64_t address;                   // of its first byte
    uint32_t space;                     // the address space of that
    uint64_t size;                      // bytes
    uint64_t live[HT_HEAP_MAP_COLUMNS]; // requested bytes after the last operation of each column;
                                        // more than `size` only where damaged blocks overlap
};

struct ht_heap_map {
    uint64_t operations; // of the run, which the columns share evenly
    uint64_t unit_bytes; // a power of two, at least 4096: greater the more scattered the blocks are
    uint64_t used_bytes; // of all rows
    uint64_t left_out;   // operations whose block is not in the map: it is over
                         // HT_METRICS_SIZE_MAX, or addresses are too scattered to keep count of
    uint32_t columns;    // in use
    uint32_t rows;
    struct ht_heap_map_row row[HT_HEAP_MAP_ROWS];
};

// Makes the map of the first `operations` of a plan. `addresses` has the address of the block after
// each, 0 when it is not live; all are of one space. NULL for those of the recording, out of the
// trail. On failure (HT_MEMORY) *map is NULL.
enum ht_status ht_heap_map_make(struct ht_heap_map **map, const struct ht_plan *plan,
                                const struct ht_trail *trail, const uint64_t *addresses,
                                uint64_t operations, struct ht_error *error);
void ht_heap_map_close(struct ht_heap_map *map);

// The first operation behind a column.
uint64_t ht_heap_map_column_end(const struct ht_heap_map *map, uint32_t column);

#endif
