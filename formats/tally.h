// SPDX-License-Identifier: MIT
//
// Tally: what events say each alone, counted: by kind, by heap, from when to when. A format that
// keeps it can tell what it holds without being read. Which blocks live takes convert/number.h.
#ifndef HT_FORMATS_TALLY_H
#define HT_FORMATS_TALLY_H

#include "formats/event.h"
#include "formats/limits.h"

#include <stddef.h>

struct ht_trace;

// A heap; see struct ht_number_heap for its process.
struct ht_tally_heap {
    uint32_t pid;
    int64_t start_ns;
    uint64_t handle;
    uint64_t events;
};

// A value; zero is "no events".
struct ht_tally {
    uint64_t events;
    uint64_t with_stack; // events that have a call stack
    uint64_t by_kind[HT_KIND_COUNT];
    int64_t first_ns; // earliest and latest time; valid when events > 0
    int64_t last_ns;
    struct ht_tally_heap heaps[HT_TALLY_HEAPS_MAX]; // in order of first use
    uint32_t heap_count;
    bool is_full;                           // there were more heaps than these
    uint16_t slots[2 * HT_TALLY_HEAPS_MAX]; // private: a heap plus one, by hash
    uint32_t last;                          // private: the heap of the event before
    uint32_t revision;                      // private: of the processes that it was found by
    bool is_sole;                           // private: and none of its pid began later
};

// Adds events; their processes are looked up in `trace`.
void ht_tally_add(struct ht_tally *tally, const struct ht_trace *trace,
                  const struct ht_event *events, size_t count);

#endif
