// SPDX-License-Identifier: MIT
//
// The figures of metrics as people read them, on the terminal and on the page alike.
#ifndef HT_CLI_FIGURES_H
#define HT_CLI_FIGURES_H

#include "cli/show.h"
#include "replay/metrics.h"
#include "replay/score.h"

// "-" where there is no value: a ratio of 0, a share of nothing.
struct ht_shown ht_figure_ratio(double ratio);                     // 1.234
struct ht_shown ht_figure_share(uint64_t part, uint64_t whole);    // 12.3 %
struct ht_shown ht_figure_quotient(uint64_t part, uint64_t whole); // 1.234

// The share of what is left of the whole without a part.
struct ht_shown ht_figure_rest(uint64_t whole, uint64_t part);

// What the verdict of a score rests on, in words: the spread and, where there are any, the
// reallocs.
struct ht_figure_words {
    char text[160];
};
struct ht_figure_words ht_figure_spread_score(const struct ht_score *score);
struct ht_figure_words ht_figure_realloc_score(const struct ht_score *score);

// Sizes of a decade ("10-99"), factors of a range ("1.25-1.5").
const char *ht_figure_decade(int decade);
struct ht_shown ht_figure_factor(int factor);

// Sums over a report.
uint64_t ht_figure_copied_bytes(const struct ht_metrics_report *report);    // by reallocs
uint64_t ht_figure_requested_bytes(const struct ht_metrics_report *report); // by reallocs
uint64_t ht_figure_pinning_blocks(const struct ht_look *look);              // on sparse pages

#endif
