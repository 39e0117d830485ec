// SPDX-License-Identifier: MIT
//
// What `heaptape compare` gathers: what stands of the runs for each heap, and the three ways of
// saying it.
#ifndef HT_CLI_COMPARE_H
#define HT_CLI_COMPARE_H

#include "cli/heap_choice.h"
#include "cli/order_choice.h"
#include "cli/run.h"
#include "replay/statistics.h"

enum { HT_COMPARED_MAX = 16 };

struct ht_compared {
    const char *name; // as given
    size_t run_count;
    struct ht_run runs[HT_RUNS_MAX];
    bool is_failed;
    struct ht_error failure; // why there are no more runs
};

struct ht_comparison {
    const char *file;
    const char *const *filter_words; // of the command line, borrowed
    size_t filter_word_count;
    struct ht_heap_choice choice; // the settings, for every heap
    enum ht_touch touch;
    bool has_metrics; // in place of times
    struct ht_order_choice order;
    size_t runs_wanted; // of each heap
    size_t heap_count;
    struct ht_compared *heaps;
};

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
    HT_FIGURE_COUNT,
};

enum ht_figure_unit {
    HT_UNIT_NS,
    HT_UNIT_BYTES,
    HT_UNIT_COUNT,
    HT_UNIT_RATIO,
    HT_UNIT_SHARE,
};

struct ht_figure_about {
    const char *key; // in JSON and CSV; NULL where it is in neither
    enum ht_figure_unit unit;
    bool is_ranked; // heaps have places by it, less being better
};

extern const struct ht_figure_about ht_figures[HT_FIGURE_COUNT];

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

// The first run of any heap, for what is the same in all; NULL when there is none.
const struct ht_run *ht_comparison_any_run(const struct ht_comparison *comparison);

void ht_comparison_print_text(const struct ht_comparison *comparison);
void ht_comparison_print_csv(const struct ht_comparison *comparison);
enum ht_status ht_comparison_print_json(const struct ht_comparison *comparison,
                                        struct ht_error *error);

#endif
