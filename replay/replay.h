// SPDX-License-Identifier: MIT
//
// A replay from start to finish: the plan on the null heap for the harness's own price, then on the
// heap asked for, with the process's memory measured around it. All it finds is in one struct;
// printing is the caller's.
//
// Metrics are taken between the calls, so a replay is either timed or measured: one process plays
// once on the heap, and the heap is as fresh for the one as for the other.
#ifndef HT_REPLAY_REPLAY_H
#define HT_REPLAY_REPLAY_H

#include "replay/causal.h"
#include "replay/engine.h"
#include "replay/heap.h"
#include "replay/latency.h"
#include "replay/measure.h"
#include "replay/plan.h"

#include <stdbool.h>
#include <stdint.h>

// The order of a replay's operations.
enum ht_order {
    HT_ORDER_SERIAL, // as recorded, on one thread
    HT_ORDER_CAUSAL, // each worker's as recorded; between workers only what has to be
    HT_ORDER_TIMED,  // the same, and none before its time
    HT_ORDER_COUNT,
};

// "serial", "causal", "timed".
const char *ht_order_name(enum ht_order order);

// Where the parts of a plan come from that does not fit into memory.
struct ht_refill {
    // Puts the next part into the plan. HT_OK when it is the last, HT_LIMIT when more is to come,
    // HT_END when the replay is to stop.
    enum ht_status (*fill)(void *context, struct ht_error *error);
    void *context;
};

struct ht_replay_options {
    enum ht_touch touch;          // zero is the default
    const struct ht_pulse *pulse; // of the run on the heap; may be NULL
    struct ht_measure *measure;   // NULL: the replay is timed; else it is measured by this

    struct ht_latency *latency; // NULL: no call is timed; else it is around the heap of the run

    // NULL: the plan is whole. Else it is the first part, and is played in serial order, all
    // recorded heaps on one, and not measured.
    const struct ht_refill *refill;

    // NULL: the order is serial. Else this is run, all recorded heaps on one; it is watched and
    // has the stops of `measure` when there is that.
    const struct ht_schedule *schedule;
};

// Bytes of the process in memory, as the system tells them (replay/os.h says how and how exactly).
// The harness's memory is resident before the first figure is taken and still after the last, and
// so in none of the growths; what the metrics take on the way is taken off the figures after it,
// and leaves the peak unknown. The two sources differ by some pages: a peak may read that much
// under the growth.
struct ht_replay_resident {
    const char *source;         // where the next three come from; NULL: the system does not tell
    uint64_t before_bytes;      // before the first call
    uint64_t after_bytes;       // after the last, with what is live at the end still live
    uint64_t released_bytes;    // after that was given back to the heap too
    int64_t growth_bytes;       // after - before
    const char *peak_source;    // where the next comes from; NULL: the system does not tell
    uint64_t peak_growth_bytes; // the most during the calls, over what was there before them
};

struct ht_replay_result {
    const struct ht_heap *heap;
    char heap_version[64]; // the heap's own name and version
    bool is_apart;         // of several recorded heaps each was played on one of its own
    enum ht_touch touch;   // the one that ran: none on a heap that is no memory
    enum ht_order order;
    struct ht_schedule_totals schedule; // in the causal and the timed order
    struct ht_causal_report causal;     // the same
    struct ht_plan_totals plan;         // what was to be played, and the recording's own figures
    struct ht_played played;            // what happened on the heap
    bool is_whole;                      // the plan was played to its end, not stopped by the pulse
    bool is_in_parts;           // it was not in memory as a whole; the null heap had the first part
    uint64_t operations;        // played, without the skipped
    uint64_t reallocs_in_place; // here; the recording's are in plan.by_kind
    uint64_t reallocs_moved;    // here
    uint64_t final_blocks;      // live at the end, here
    bool is_timed;              // the next two are told: this was not measured
    double ns_per_op;           // wall time on the heap, harness and touching included; 0 for none
    double null_ns_per_op;      // the same of the null heap: what of it the harness is. 0 in the
                                // timed order, which would only wait again
    struct ht_latency_report latency; // of one call
    struct ht_replay_resident resident;
    struct ht_account account_before; // before the first call; told where the heap tells
    struct ht_account account_after;  // after the last, with what is live at the end still live
    uint64_t harness_bytes; // memory of the plan, the tables of blocks and heaps and the metrics,
                            // outside of every heap
};

// Runs it. With options->latency the calls go through that, to the heap it is around. The plan is
// only read, but for what the refill does to it. A call that the heap fails is no failure here
// (struct ht_played counts them); HT_MEMORY when the harness gets no memory, HT_UNSUPPORTED when
// the heap cannot be measured, or what the heap's open says.
enum ht_status ht_replay_run(const struct ht_plan *plan, const struct ht_heap *heap,
                             const struct ht_replay_options *options,
                             struct ht_replay_result *result, struct ht_error *error);

#endif
