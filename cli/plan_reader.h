// SPDX-License-Identifier: MIT
//
// Reads a trace into a replay plan. The reading is done in a process of its own, so that what it
// takes from the C library's heap and gives back again leaves no trace in a heap that is measured
// here: here the plan alone is built, in memory straight from the system.
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
};

// Adds every operation of the trace, as it is under `what_if`, to the plan, and its mark to the
// trail, which may be NULL, with a line of progress. Nothing is buffered for standard output
// before.
enum ht_status ht_plan_read(const struct ht_paths *paths, const struct ht_what_if *what_if,
                            struct ht_plan *plan, struct ht_trail *trail,
                            struct ht_plan_source *source, struct ht_error *error);

#endif
