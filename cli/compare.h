// SPDX-License-Identifier: MIT
//
// What `heaptape compare` gathers: how a run's process tells what it found, what stands of it for
// each heap, and the three ways of saying it.
#ifndef HT_CLI_COMPARE_H
#define HT_CLI_COMPARE_H

#include "cli/heap_choice.h"
#include "cli/order_choice.h"
#include "replay/replay.h"
#include "replay/statistics.h"

enum { HT_COMPARED_MAX = 16 };

// One run, as its process sends it: flat, for a pipe.
struct ht_compare_run {
    char heap_version[64];
    double ns_per_op;
    double null_ns_per_op;
    uint64_t operations;
    uint64_t digest; // of the operations that were to be played
    uint64_t reallocs;
    uint64_t recorded_moved;
    uint64_t recorded_peak_bytes;
    uint64_t recorded_heaps;
    uint64_t moved;
    uint64_t peak_bytes;
    uint64_t failed; // allocs and reallocs
    int64_t growth_bytes;
    uint64_t peak_growth_bytes;
    bool has_growth; // the system tells these two
    bool has_peak_growth;
    bool is_apart;  // each recorded heap was played on one of its own
    bool is_memory; // else there is nothing to be better or worse at
};

struct ht_compared {
    const char *name; // as given
    size_t run_count;
    struct ht_compare_run runs[HT_RUNS_MAX];
    bool is_failed;
    struct ht_error failure; // why there are no more runs
};

struct ht_comparison {
    const char *file;
    const char *const *filter_words; // of the command line, borrowed
    size_t filter_word_count;
    struct ht_heap_choice choice; // the settings, for every heap
    enum ht_touch touch;
    struct ht_order_choice order;
    size_t runs_wanted; // of each heap
    size_t heap_count;
    struct ht_compared *heaps;
};

// What can be told of a heap's runs.
enum ht_figure {
    HT_FIGURE_NS,
    HT_FIGURE_NULL_NS, // on the null heap, in the same process
    HT_FIGURE_NET_NS,  // the first without the second, run by run
    HT_FIGURE_PEAK,
    HT_FIGURE_GROWTH,
    HT_FIGURE_PEAK_GROWTH,
    HT_FIGURE_MOVED,
    HT_FIGURE_FAILED,
    HT_FIGURE_COUNT,
};

// False when a run lacks the figure, or there is none.
bool ht_compared_spread(const struct ht_compared *heap, enum ht_figure figure,
                        struct ht_spread *spread);

// The heap's place by a figure, less being better, among those that have it; see ht_spread_place. 0
// when it has none: heaps that are no memory, and figures of which less is not better.
size_t ht_compared_place(const struct ht_comparison *comparison, size_t index,
                         enum ht_figure figure);

// The first run of any heap, for what is the same in all; NULL when there is none.
const struct ht_compare_run *ht_comparison_any_run(const struct ht_comparison *comparison);

// In the process of a run: send what it found, or why it found nothing, which may be the heap's
// fault or everybody's. Nobody listening is no failure.
void ht_compare_send(const struct ht_replay_result *result);
void ht_compare_send_failure(const struct ht_error *error, bool is_of_heap);

enum ht_received {
    HT_RECEIVED_RUN,
    HT_RECEIVED_HEAP_FAILURE, // this heap cannot be replayed on, or ended the process
    HT_RECEIVED_FAILURE,      // nothing can be replayed
};

struct ht_child;

// Waits for what the process of a run sends, and for its end.
enum ht_received ht_compare_receive(struct ht_child *child, const char *heap_name,
                                    struct ht_compare_run *run, struct ht_error *error);

void ht_comparison_print_text(const struct ht_comparison *comparison);
void ht_comparison_print_csv(const struct ht_comparison *comparison);
enum ht_status ht_comparison_print_json(const struct ht_comparison *comparison,
                                        struct ht_error *error);

#endif
