// SPDX-License-Identifier: MIT
//
// Figures as text. See the header.
#include "cli/figures.h"

#include <stdio.h>

struct ht_shown ht_figure_ratio(double ratio)
{
    struct ht_shown shown = {"-"};
    if (ratio > 0)
        snprintf(shown.text, sizeof shown.text, "%.3f", ratio);
    return shown;
}

struct ht_shown ht_figure_quotient(uint64_t part, uint64_t whole)
{
    return ht_figure_ratio(whole > 0 ? (double)part / (double)whole : 0);
}

struct ht_shown ht_figure_share(uint64_t part, uint64_t whole)
{
    struct ht_shown shown = {"-"};
    if (whole > 0)
        snprintf(shown.text, sizeof shown.text, "%.1f %%", 100 * (double)part / (double)whole);
    return shown;
}

struct ht_shown ht_figure_rest(uint64_t whole, uint64_t part)
{
    return ht_figure_share(whole > part ? whole - part : 0, whole);
}

struct ht_figure_words ht_figure_spread_score(const struct ht_score *score)
{
    struct ht_figure_words words;
    snprintf(words.text, sizeof words.text,
             "F1 %.24s, F2 %.24s, retention %.24s of the recorded (each to be within %d %%)",
             ht_figure_ratio(score->f1_ratio).text, ht_figure_ratio(score->f2_ratio).text,
             ht_figure_ratio(score->retention_ratio).text, HT_SCORE_SPREAD_PERCENT);
    return words;
}

struct ht_figure_words ht_figure_realloc_score(const struct ht_score *score)
{
    struct ht_figure_words words;
    snprintf(words.text, sizeof words.text,
             "%.24s of the reallocs moved or stayed as recorded (to be %d %%)",
             ht_figure_share(score->reallocs_agreed, score->reallocs).text,
             HT_SCORE_REALLOC_PERCENT);
    return words;
}

const char *ht_figure_decade(int decade)
{
    static const char *const decades[HT_METRICS_DECADES] = {
        "0-9",
        "10-99",
        "100-999",
        "1,000-9,999",
        "10,000-99,999",
        "100,000-999,999",
        "1,000,000-9,999,999",
        "over 9,999,999",
    };
    return decades[decade];
}

struct ht_shown ht_figure_factor(int factor)
{
    struct ht_shown shown;
    double from = factor == 0 ? 1 : ht_metrics_factor_percent(factor - 1) / 100.0;
    double to = ht_metrics_factor_percent(factor) / 100.0;
    if (to > 0)
        snprintf(shown.text, sizeof shown.text, "%g-%g", from, to);
    else
        snprintf(shown.text, sizeof shown.text, "over %g", from);
    return shown;
}

uint64_t ht_figure_copied_bytes(const struct ht_metrics_report *report)
{
    uint64_t bytes = 0;
    for (int i = 0; i < HT_DIRECTION_COUNT; i++)
        bytes += report->reallocs[i].bytes_copied;
    return bytes;
}

uint64_t ht_figure_requested_bytes(const struct ht_metrics_report *report)
{
    uint64_t bytes = 0;
    for (int i = 0; i < HT_DIRECTION_COUNT; i++)
        bytes += report->reallocs[i].requested_bytes;
    return bytes;
}

uint64_t ht_figure_pinning_blocks(const struct ht_look *look)
{
    uint64_t blocks = 0;
    for (int i = 0; i < HT_METRICS_DECADES; i++)
        blocks += look->pinning.by_size[i].blocks;
    return blocks;
}
