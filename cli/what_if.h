// SPDX-License-Identifier: MIT
//
// `heaptape replay --what-if`: the unchanged run that a changed one is set beside, in a process of
// its own with as fresh a heap, and the figures of both.
#ifndef HT_CLI_WHAT_IF_H
#define HT_CLI_WHAT_IF_H

#include "cli/options.h"
#include "cli/run.h"
#include "cli/show.h"
#include "replay/what_if.h"

// Another policy, and its changes as they were given.
struct ht_changes {
    struct ht_what_if what_if;
    const char *texts[HT_WHAT_IF_CHANGES_MAX];
    size_t count;
};

// Takes the last option's value as a change. False, after saying so, when it is none.
bool ht_changes_take(struct ht_changes *changes, struct ht_options *options);

// The unchanged run.
struct ht_baseline {
    struct ht_run run;
    struct ht_run_details *details; // NULL when no metrics are taken
};

// Runs this command line again without the words of its changes; the new process learns from its
// result pipe that it is to tell rather than to print. On failure there is nothing to close.
enum ht_status ht_baseline_take(struct ht_baseline *baseline, int argc, char **argv,
                                const struct ht_changes *changes, bool has_metrics,
                                struct ht_error *error);
void ht_baseline_close(struct ht_baseline *baseline);

enum ht_difference_unit {
    HT_DIFFERENCE_COUNT,
    HT_DIFFERENCE_NS,
    HT_DIFFERENCE_RATIO,
    HT_DIFFERENCE_SHARE,
};

// A figure of both runs.
struct ht_difference {
    const char *label;
    const char *key; // in JSON
    enum ht_difference_unit unit;
    double unchanged;
    double changed;
};

enum { HT_DIFFERENCES_MAX = 48 };

// Those that both runs have.
size_t ht_differences_of(const struct ht_run *unchanged, const struct ht_run *changed,
                         struct ht_difference differences[HT_DIFFERENCES_MAX]);

// A value, and how the changed one differs: "-5.6 %".
struct ht_shown ht_difference_value(const struct ht_difference *difference, double value);
struct ht_shown ht_difference_text(const struct ht_difference *difference);

#endif
