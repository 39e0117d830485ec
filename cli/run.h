// SPDX-License-Identifier: MIT
//
// A replay in a process of its own that this program began, and what it tells its beginner through
// the pipe: one run of a comparison, or the unchanged run beside one with another policy.
#ifndef HT_CLI_RUN_H
#define HT_CLI_RUN_H

#include "cli/child.h"
#include "replay/heap_map.h"
#include "replay/replay.h"

// Figures of the metrics, as docs/replay.md has them. A ratio is 0 where it has no value.
struct ht_run_metrics {
    double f1_operations;
    double f1_time;
    double f2;
    double f3;
    double f4;
    double retention;
    double largest_free; // at the live peak
    double unusable_p99;
    double waste;             // of usable bytes at the live peak
    uint64_t page_peak_bytes; // C at its greatest
    uint64_t sparse_bytes;    // at the end
    uint64_t resident_bytes;  // at the live peak
    uint64_t mapped_bytes;    // there too
    uint64_t agreed_reallocs; // of those replayed, how many moved or stayed as recorded
    enum ht_verdict verdict;
    bool has_waste;
    bool has_resident;
    bool has_mapped;
};

// One run: flat, for a pipe.
struct ht_run {
    char heap_version[64];
    double ns_per_op;
    double null_ns_per_op;
    uint64_t elapsed_ns;
    uint64_t operations;
    uint64_t digest; // of the operations that were to be played
    uint64_t reallocs;
    uint64_t recorded_moved;
    uint64_t recorded_peak_bytes;
    uint64_t recorded_heaps;
    uint64_t in_place;
    uint64_t moved;
    uint64_t bytes_copied;
    uint64_t peak_bytes;
    uint64_t end_bytes;
    uint64_t failed; // allocs and reallocs
    int64_t growth_bytes;
    uint64_t peak_growth_bytes;
    bool has_growth; // the system tells these two
    bool has_peak_growth;
    bool is_apart;    // each recorded heap was played on one of its own
    bool is_memory;   // else there is nothing to be better or worse at
    bool is_timed;    // else it was measured
    bool has_metrics; // the next are told
    struct ht_run_metrics metrics;
    struct ht_run_metrics recorded; // the same of the recording
    struct ht_latency_report latency;
    bool has_drift; // it was played by several threads, and the next is told
    uint64_t drift_mean_bytes;
    bool is_paced; // by the recorded times, and the next is told
    uint64_t late_mean_ns;
};

// What was found, as it is sent. `measure` is NULL when no metrics were taken.
struct ht_run ht_run_of(const struct ht_replay_result *result, const struct ht_measure *measure);

// In the process of a run: send what it found, or why it found nothing, which may be the heap's
// fault or everybody's. Nobody listening is no failure.
void ht_run_send(const struct ht_run *run);
void ht_run_send_failure(const struct ht_error *error, bool is_of_heap);

enum ht_received {
    HT_RECEIVED_RUN,
    HT_RECEIVED_HEAP_FAILURE, // this heap cannot be replayed on, or ended the process
    HT_RECEIVED_FAILURE,      // nothing can be replayed
};

// All metrics of a run, for one that is set beside it.
struct ht_run_details {
    uint64_t gap_sizes[HT_GAP_SIZES];
    struct ht_metrics_report report;
    struct ht_moment samples[HT_MEASURE_SAMPLES_MAX];
    bool has_map;
    struct ht_heap_map map;
};

// Behind ht_run_send of a run with metrics; `map` may be NULL.
void ht_run_send_details(const struct ht_measure *measure, const struct ht_heap_map *map);

// Waits for what the process of a run sends, and for its end. `details` may be NULL; else they are
// expected when the run has metrics.
enum ht_received ht_run_receive(struct ht_child *child, const char *heap_name, struct ht_run *run,
                                struct ht_run_details *details, struct ht_error *error);

#endif
