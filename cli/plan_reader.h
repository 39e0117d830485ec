// SPDX-License-Identifier: MIT
//
// Reads a trace into a replay plan. The reading is done in a process of its own, so that what it
// takes from the C library's heap and gives back again leaves no trace in a heap that is measured
// here: here the plan alone is built, in memory straight from the system. The process reads ahead,
// also while a part of the plan is played.
#ifndef HT_CLI_PLAN_READER_H
#define HT_CLI_PLAN_READER_H

#include "convert/number.h"
#include "convert/pipeline.h"
#include "formats/trace.h"
#include "replay/plan.h"
#include "replay/trail.h"
#include "replay/what_if.h"

// What the reading says of the trace besides its operations.
struct ht_plan_source {
    uint64_t loss[HT_LOSS_COUNT];
    struct ht_number_counts counts;
    struct ht_what_if_counts changed;
    uint64_t narrow_operations; // of 32-bit code
};

struct ht_plan_reader;

// Begins to read the trace, as it is under `what_if`, with a line of progress; for a trail too if
// one is wanted. Nothing is buffered for standard output before. Paths and what_if are lent until
// closed. On failure *reader is NULL.
enum ht_status ht_plan_reader_open(struct ht_plan_reader **reader, const struct ht_paths *paths,
                                   const struct ht_what_if *what_if, bool wants_trail,
                                   struct ht_error *error);
void ht_plan_reader_close(struct ht_plan_reader *reader);

// Adds operations of the trace to the plan, and their marks to the trail, which is NULL unless it
// was wanted, to the end of the trace. HT_LIMIT when one of them is full; without a trail the next
// call goes on there.
enum ht_status ht_plan_reader_fill(struct ht_plan_reader *reader, struct ht_plan *plan,
                                   struct ht_trail *trail, struct ht_error *error);

// Complete after the end of the trace; valid until closed.
const struct ht_plan_source *ht_plan_reader_source(const struct ht_plan_reader *reader);

// What it takes from the system here.
uint64_t ht_plan_reader_memory_bytes(const struct ht_plan_reader *reader);

#endif
