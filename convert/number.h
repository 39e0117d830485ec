// SPDX-License-Identifier: MIT
//
// Number: the only stage that knows which blocks are live. It turns each event into the changes
// it makes to them, gives every block the lowest number that is free, so that a replay is an
// array index, and counts what cannot be.
//
// A block is known by process, heap handle and address; a process by its pid and, where the
// recording saw it begin, its start, so that a pid used again is another one. Rules: an alloc or
// realloc with address 0 failed and changes nothing. A realloc of old address 0 is an alloc. An
// alloc or a moved realloc onto a live block ends that block first (its free was lost). A realloc
// of an unknown block makes the block first, with the recorded old size. A free of an unknown block
// is counted, one of address 0 changes nothing. Destroy ends every block of its heap, the newest
// first. All other kinds change nothing. What a change says of a block is what was tracked, also
// where the event disagrees.
#ifndef HT_CONVERT_NUMBER_H
#define HT_CONVERT_NUMBER_H

#include "formats/block.h"
#include "formats/error.h"
#include "formats/trace.h"
#include "formats/event.h"

struct ht_number;

// Reallocs as recorded. Each that names an old block and gives one is of one of the first three, by
// its size and the one that was tracked.
struct ht_realloc_cases {
    uint64_t grown;
    uint64_t shrunk;
    uint64_t same_size;
    uint64_t to_zero;   // of these three, those to no bytes
    uint64_t in_place;  // of these three, those that left the block where it was
    uint64_t onto_live; // of these three, those that moved to where a block lived, see `replaced`
    uint64_t of_null;   // of no block: allocs
    uint64_t failed;    // gave no block
};

// What could not be, by count, and the reallocs.
struct ht_number_counts {
    uint64_t adopted;          // reallocs of a block unknown until then
    uint64_t unknown_frees;    // frees of a block that was not live
    uint64_t replaced;         // blocks that ended because another was made over them
    uint64_t old_size_differs; // reallocs whose old size is not the one tracked
    uint64_t failed;           // allocs and reallocs that gave no block
    struct ht_realloc_cases reallocs;
};

// A heap met in the trace, by index of first use.
struct ht_number_heap {
    uint32_t pid;
    uint64_t handle;
    int64_t start_ns; // of its process, which tells the uses of one pid apart; HT_TIME_UNKNOWN
};

// `trace` is that of the events, which outlives the number, or NULL: then a pid is one process.
enum ht_status ht_number_open(struct ht_number **number, const struct ht_trace *trace,
                              struct ht_error *error);
void ht_number_close(struct ht_number *number);

// Each live block shall have room for a note of so many bytes, a multiple of 8, behind its record.
// To be said before the first event; without it there is none.
void ht_number_keep_notes(struct ht_number *number, size_t size);

// What will be pushed next, one by one from these places: what numbering will need for it is then
// fetched into the caches ahead. Of something else that is pushed, this is no promise.
void ht_number_expect(struct ht_number *number, const struct ht_event *events, size_t count);

// Takes one event. Its changes are then fetched with ht_number_next before the next push.
// HT_LIMIT at the caps of formats/limits.h, HT_MEMORY.
enum ht_status ht_number_push(struct ht_number *number, const struct ht_event *event,
                              struct ht_error *error);

// The next change of the event pushed last, valid until the next call, in the order they are to be
// applied: the end of a block that lies where the event makes one, the begin of one adopted, the
// event's own effect. NULL when there are no more.
const struct ht_change *ht_number_next(struct ht_number *number);

const struct ht_number_counts *ht_number_counts(const struct ht_number *number);

// Heaps met so far, those that were only created or named included.
uint32_t ht_number_heap_count(const struct ht_number *number);
struct ht_number_heap ht_number_heap(const struct ht_number *number, uint32_t index);

// Index of the heap of the event pushed last.
uint32_t ht_number_current_heap(const struct ht_number *number);

// The records of the blocks that live, and of numbers that are free. The value stays where it is as
// long as the number; what it points to is valid until the next push.
const struct ht_blocks *ht_number_blocks(const struct ht_number *number);

// Blocks live now, and one more than the highest block number given so far.
uint64_t ht_number_live_count(const struct ht_number *number);
uint32_t ht_number_block_limit(const struct ht_number *number);

#endif
