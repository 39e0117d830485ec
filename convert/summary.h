// SPDX-License-Identifier: MIT
//
// Summary: the figures of `heaptape info`, added up from events and their changes. Used by every
// command that tells what a trace holds.
#ifndef HT_CONVERT_SUMMARY_H
#define HT_CONVERT_SUMMARY_H

#include "convert/number.h"
#include "convert/slots.h"
#include "formats/format.h"

// Live requested bytes and blocks of one heap or of all. The peak is exact: a replaced block ends
// before the one over it begins, and a realloc counts once, so no event adds what it also removes.
struct ht_live {
    uint64_t bytes;
    uint64_t blocks;
    uint64_t peak_bytes;
    int64_t peak_time_ns; // when peak_bytes was first reached
};

struct ht_heap_summary {
    struct ht_live live;
    uint64_t events;
    uint32_t process; // index of its process in `processes`
};

struct ht_realloc_summary {
    uint64_t in_place;
    uint64_t moved;
    uint64_t grow;
    uint64_t shrink;
    uint64_t same;         // new size equals the old one
    uint64_t bytes_copied; // sum over the moved of min(old size, new size)
};

struct ht_process_summary {
    uint32_t pid;
    int64_t start_ns; // which tells it from another of the same pid; HT_TIME_UNKNOWN
    int64_t first_ns; // of its first event
    uint64_t events;
};

struct ht_summary {
    uint64_t events;
    uint64_t with_stack; // events that have a call stack
    uint64_t by_kind[HT_KIND_COUNT];
    int64_t first_ns; // earliest and latest time; valid when events > 0
    int64_t last_ns;
    struct ht_realloc_summary realloc; // of those that resized a block, by its tracked old size
    struct ht_live live;               // all heaps together
    struct ht_heap_summary *heaps;     // by heap index of `number`, owned
    uint32_t heap_count;
    uint32_t heap_capacity;
    struct ht_process_summary *processes; // those with events, in order of first use, owned
    uint32_t process_count;
    uint32_t process_capacity;
    struct ht_slots process_slots; // processes by pid
    struct ht_number *number;      // owned; NULL of a tally
    struct ht_number_heap *names;  // of the heaps of a tally, owned; else NULL
};

// `trace` as for ht_number_open.
enum ht_status ht_summary_init(struct ht_summary *summary, const struct ht_trace *trace,
                               struct ht_error *error);
void ht_summary_reset(struct ht_summary *summary);

// Makes a summary of a tally: what is live, reallocs and the counts of numbering stay 0.
enum ht_status ht_summary_of_tally(struct ht_summary *summary, const struct ht_tally *tally,
                                   struct ht_error *error);

// The name of a heap, by its index.
struct ht_number_heap ht_summary_heap(const struct ht_summary *summary, uint32_t index);

// Adds one event: numbers it and applies its changes.
enum ht_status ht_summary_add(struct ht_summary *summary, const struct ht_event *event,
                              struct ht_error *error);

// Adds a run of events, faster than one by one.
enum ht_status ht_summary_add_run(struct ht_summary *summary, const struct ht_events *run,
                                  struct ht_error *error);

// Adds one change made by an event at `time_ns` to the live figures. Part of ht_summary_add; here
// for those who number themselves.
void ht_live_apply(struct ht_live *live, const struct ht_change *change, int64_t time_ns);

// Blocks the trace speaks of without having made them: adopted ones and frees of unknown ones.
uint64_t ht_summary_unknown_blocks(const struct ht_summary *summary);

#endif
