// SPDX-License-Identifier: MIT
//
// What `heaptape compare` gathers: what stands of the runs for each heap, and the three ways of
// saying it.
#ifndef HT_CLI_COMPARE_H
#define HT_CLI_COMPARE_H

#include "cli/heap_choice.h"
#include "cli/order_choice.h"
#include "cli/run.h"
#include "cli/what_if.h"
#include "replay/statistics.h"

enum {
    HT_COMPARED_HEAPS_MAX = 16,
    HT_COMPARED_MAX = 2 * HT_COMPARED_HEAPS_MAX, // unchanged and what if
};

struct ht_compared {
    const char *name; // of the heap, as given
    bool is_changed;  // it has the policy of the comparison's changes
    char label[128];  // what a reader calls it
    size_t run_count;
    struct ht_run runs[HT_RUNS_MAX];
    bool is_failed;
    struct ht_error failure; // why there are no more runs
};

struct ht_comparison {
    struct ht_paths inputs;
    const char *const *filter_words; // of the command line, borrowed
    size_t filter_word_count;
    struct ht_heap_choice choice; // the settings, for every heap
    enum ht_touch touch;
    bool has_metrics;       // in place of times
    uint64_t latency_every; // 0: no call is timed
    struct ht_order_choice order;
    struct ht_changes changes; // none, or each heap is there once more with them
    size_t runs_wanted;        // of each heap
    size_t heap_count;
    struct ht_compared *heaps;
};

// The quantiles of a call's time, as figures.
enum { HT_LATENCY_QUANTILES = 5 };

// What can be told of a heap's runs. With metrics there is no time, and without them no metrics.
enum ht_figure {
    HT_FIGURE_NS,
    HT_FIGURE_NULL_NS, // on the null heap, in the same process
    HT_FIGURE_NET_NS,  // the first without the second, run by run
    HT_FIGURE_PEAK,
    HT_FIGURE_GROWTH,
    HT_FIGURE_PEAK_GROWTH,
    HT_FIGURE_MOVED,
    HT_FIGURE_FAILED,
    HT_FIGURE_DRIFT,
    HT_FIGURE_LATE,
    HT_FIGURE_F1,
    HT_FIGURE_F1_TIME,
    HT_FIGURE_F2,
    HT_FIGURE_F3,
    HT_FIGURE_F4,
    HT_FIGURE_RETENTION,
    HT_FIGURE_PAGE_PEAK,
    HT_FIGURE_SPARSE,
    HT_FIGURE_LARGEST_FREE,
    HT_FIGURE_UNUSABLE,
    HT_FIGURE_WASTE,
    HT_FIGURE_RESIDENT_AT_PEAK,
    HT_FIGURE_MAPPED_AT_PEAK,
    HT_FIGURE_AS_RECORDED, // of all reallocs, those that moved or stayed as recorded
    HT_FIGURE_LATENCY,     // by kind (enum ht_latency_kind), of each the quantiles
    HT_FIGURE_COUNT = HT_FIGURE_LATENCY + HT_LATENCY_KIND_COUNT * HT_LATENCY_QUANTILES,
};

enum ht_figure_unit {
    HT_UNIT_NS,
    HT_UNIT_BYTES,
    HT_UNIT_COUNT,
    HT_UNIT_RATIO,
    HT_UNIT_SHARE,
};

struct ht_figure_about {
    char key[32]; // in JSON and CSV; empty where it is in neither
    enum ht_figure_unit unit;
    bool is_ranked; // heaps have places by it, less being better
};

struct ht_figure_about ht_figure_about(enum ht_figure figure);

// True when runs of this comparison may have the figure.
bool ht_figure_is_told(const struct ht_comparison *comparison, enum ht_figure figure);

// False when the run lacks the figure; the same of its recording.
bool ht_run_figure(const struct ht_run *run, enum ht_figure figure, double *value);
bool ht_recorded_figure(const struct ht_run *run, enum ht_figure figure, double *value);

// False when a run lacks the figure, or there is none.
bool ht_compared_spread(const struct ht_compared *heap, enum ht_figure figure,
                        struct ht_spread *spread);

// The heap's place by a figure, less being better, among those that have it; see ht_spread_place. 0
// when it has none: heaps that are no memory, and figures of which less is not better.
size_t ht_compared_place(const struct ht_comparison *comparison, size_t index,
                         enum ht_figure figure);

// The first run of any heap that is changed, or is not, for what is the same in all of these; NULL
// when there is none.
const struct ht_run *ht_comparison_any_run(const struct ht_comparison *comparison, bool is_changed);

void ht_comparison_print_text(const struct ht_comparison *comparison);
void ht_comparison_print_csv(const struct ht_comparison *comparison);
enum ht_status ht_comparison_print_json(const struct ht_comparison *comparison,
                                        struct ht_error *error);

#endif
