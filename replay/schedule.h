// SPDX-License-Identifier: MIT
//
// The schedule of a replay by several workers: for each a program, the operations of its recorded
// threads in recorded order, and between them where it waits for others and lets others go on.
// Made before any clock starts; replay/causal.h runs it.
//
// What waits for what. Only blocks join operations of different workers: one that resizes or frees
// a block waits for the one before it on that block. Each block has a slot of its own, which is
// used again only by the worker that freed its block, so that an address or a number used again
// joins nothing. A wait that an earlier wait for the same worker has settled is left out.
//
// Besides, the recorded order is cut into slices, and no worker begins a slice before all have
// ended the one before the last. So none is further ahead of another than two slices, the window,
// and what lives at any time is near what lived then in the recording.
//
// There is always a worker that can go on: take the operation that comes first in recorded order of
// all that are not done. Its worker's program has it next, for programs are in recorded order; the
// operation and the slices that it waits for come before it, so they are done.
#ifndef HT_REPLAY_SCHEDULE_H
#define HT_REPLAY_SCHEDULE_H

#include "formats/error.h"
#include "replay/deal.h"
#include "replay/plan.h"
#include "replay/trail.h"

#include <stdbool.h>
#include <stdint.h>

// A step of a program: an operation of the plan, by its enum ht_op_kind, or one of these.
enum ht_step_kind {
    HT_STEP_ENTER = HT_OP_KIND_COUNT, // waits until the slice may begin; the one before is ended
    HT_STEP_DUE,                      // waits until it is time
    HT_STEP_WAIT,                     // waits until the gate is open
    HT_STEP_OPEN,                     // opens the gate
    HT_STEP_SAMPLE,                   // looks at what lives
    HT_STEP_SEE,                      // writes down where the operation before left its block
    HT_STEP_STOP,                     // asks what was to be asked there
};

struct ht_step {
    uint64_t size; // requested bytes, those of HT_STEP_SEE too; of HT_STEP_DUE ns since the start;
                   // of HT_STEP_SAMPLE the bytes that lived in the recording
    uint32_t at;   // the slot, the slice, the gate or the stop
    uint32_t kind;
};

struct ht_program {
    struct ht_step *steps;
    uint64_t count;
    uint64_t operations; // of these
};

// The default on long plans; bench/README.md has what other windows do.
enum { HT_SCHEDULE_WINDOW = 4096, HT_SCHEDULE_WINDOW_PART = 64 };

struct ht_schedule_options {
    uint32_t workers; // 1 to HT_WORKERS_MAX, or 0 for HT_WORKERS_MAX; at most one a recorded thread
    uint64_t window;  // operations, at least 2; 0 for what suits the plan: a 64th of it, but not
                      // more than HT_SCHEDULE_WINDOW
    double speed;     // recorded time passes so much faster; 0: it does not matter
    uint64_t memory_limit;
    bool is_watched;       // each operation is seen
    const uint64_t *stops; // operations in order, behind each of which there is a stop; lent
    uint32_t stop_count;
};

struct ht_schedule_totals {
    uint32_t threads; // recorded
    uint32_t workers; // 0 when there are no operations
    uint64_t window;  // operations
    double speed;     // 0: time does not matter
    uint64_t operations;
    uint32_t slots;       // blocks to have room for
    uint32_t slices;      // each of window / 2 operations, but the last
    uint32_t gates;       // waits for an operation of another worker, as far as they were needed
    uint64_t crossings;   // operations on a block that another worker had last
    uint32_t samples;     // looks at what lives: in each run of some operations, behind the one
                          // that left most in the recording
    uint64_t duration_ns; // from the first operation to the last, at this speed; 0 without one
    uint64_t memory_bytes;
};

struct ht_schedule;

// Plan and trail are read only here. HT_LIMIT when it would take more memory than the limit.
// On failure *schedule is NULL.
enum ht_status ht_schedule_open(struct ht_schedule **schedule, const struct ht_plan *plan,
                                const struct ht_trail *trail,
                                const struct ht_schedule_options *options, struct ht_error *error);
void ht_schedule_close(struct ht_schedule *schedule);

// All valid until the schedule is closed.
const struct ht_schedule_totals *ht_schedule_totals(const struct ht_schedule *schedule);
const struct ht_program *ht_schedule_program(const struct ht_schedule *schedule, uint32_t worker);

// The workers that have operations in the slice.
uint32_t ht_schedule_slice_workers(const struct ht_schedule *schedule, uint32_t slice);

#endif
