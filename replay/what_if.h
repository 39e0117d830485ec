// SPDX-License-Identifier: MIT
//
// What if: changes to the policy of the recorded program, made to the changes of its blocks before
// they become a plan. Each says what the program does otherwise; the heap stays as it is.
//
// growth=F: a block that a realloc makes larger than its capacity gets a capacity of F times the
// old one, or the size it asks for if that is more. A realloc within the capacity is no call at
// all, but where the capacity would then be over F times the size, it is cut to the size by one.
// So the capacity is never over F times what is wanted, and what is wanted of an alloc is its
// capacity.
//
// size-class-off=N-M: blocks of N to M bytes live elsewhere, as in a pool of the program's own,
// which no figure has. A block that a realloc takes across a border begins or ends there.
//
// realloc=copy: is not a change of blocks but of calls, see replay/heap_copying.h.
#ifndef HT_REPLAY_WHAT_IF_H
#define HT_REPLAY_WHAT_IF_H

#include "formats/block.h"
#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    HT_WHAT_IF_CHANGES_MAX = 3,    // kinds of them
    HT_WHAT_IF_GROWTH_MAX = 1000,  // per cent
    HT_WHAT_IF_CLASS_BYTES = 1024, // sizes up to here are off when none are named
};

// A value; all zero changes nothing.
struct ht_what_if {
    bool is_copying;         // realloc=copy
    uint32_t growth_percent; // 0: as recorded
    bool is_class_off;
    uint64_t class_from; // both included
    uint64_t class_to;
};

// Takes one change out of its text, besides those that are there. HT_FORMAT when it is none, or of
// a kind that is there.
enum ht_status ht_what_if_add(struct ht_what_if *what_if, const char *text, struct ht_error *error);

bool ht_what_if_is_any(const struct ht_what_if *what_if);

// What was changed.
struct ht_what_if_counts {
    uint64_t spared;               // reallocs that were within the capacity: no calls
    uint64_t spare_peak_bytes;     // most capacity over what was wanted, all blocks together
    uint64_t elsewhere;            // changes of blocks that live elsewhere: no calls
    uint64_t elsewhere_peak_bytes; // most that lived there at once, requested
};

struct ht_what_if_filter;

// On failure *filter is NULL.
enum ht_status ht_what_if_open(struct ht_what_if_filter **filter, const struct ht_what_if *what_if,
                               struct ht_error *error);
void ht_what_if_close(struct ht_what_if_filter *filter);

// Makes of the next change of the recording what the program does now; *is_left is false when that
// is nothing. HT_MEMORY.
enum ht_status ht_what_if_apply(struct ht_what_if_filter *filter, struct ht_change *change,
                                bool *is_left, struct ht_error *error);

// Valid until closed.
const struct ht_what_if_counts *ht_what_if_counts(const struct ht_what_if_filter *filter);

#endif
