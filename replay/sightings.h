// SPDX-License-Identifier: MIT
//
// What workers see for the metrics: where each of their operations left its block. Each writes into
// memory of its own, in the order of its program, so that nothing is shared while they play; after
// it all is read back in recorded order.
#ifndef HT_REPLAY_SIGHTINGS_H
#define HT_REPLAY_SIGHTINGS_H

#include "replay/engine.h"
#include "replay/heap_map.h"
#include "replay/schedule.h"

#include <stdbool.h>
#include <stdint.h>

struct ht_sighting {
    uint64_t address; // of the block after the operation, as replay/heap_map.h takes it
    uint64_t usable;  // bytes; 0 where the heap does not tell
};

// Of the operation that asked for `size`, right after it and by the thread that played it.
static inline struct ht_sighting ht_sighting_of(const struct ht_heap *heap, void *self,
                                                uint64_t size, const struct ht_slot *slot)
{
    struct ht_sighting sighting = {.address = (uintptr_t)slot->address};
    if (slot->address == NULL) {
        return sighting;
    }
    if (slot->size != size) { // a realloc that failed
        sighting.address = HT_HEAP_MAP_UNCHANGED;
    } else if (heap->usable != NULL) {
        sighting.usable = heap->usable(self, slot->address);
    }
    return sighting;
}

// One worker's.
struct ht_sightings_of {
    struct ht_sighting *next; // that is read back
    struct ht_sighting *end;  // where the worker puts its next
};

struct ht_sightings;

// Makes room for one play of the schedule, which was made of this plan and trail and is needed here
// only. On failure *sightings is NULL.
enum ht_status ht_sightings_open(struct ht_sightings **sightings, const struct ht_plan *plan,
                                 const struct ht_trail *trail, const struct ht_schedule *schedule,
                                 struct ht_error *error);
void ht_sightings_close(struct ht_sightings *sightings);

// By worker; valid until closed.
struct ht_sightings_of *ht_sightings_by_worker(struct ht_sightings *sightings);

// The next operation's in recorded order. False when it was not played, or there is none.
bool ht_sightings_next(struct ht_sightings *sightings, struct ht_sighting *sighting);

// What it takes from the system.
uint64_t ht_sightings_memory_bytes(const struct ht_sightings *sightings);

#endif
