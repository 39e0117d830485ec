// SPDX-License-Identifier: MIT
//
// The search for a small part of a trace. Cuts come in families, the coarsest first: processes,
// heaps, threads, sizes, and time from both ends. See the header.
#include "cli/reduce.h"

#include "cli/figures.h"
#include "cli/filter_options.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRIED_VALUES = 4,  // of those with the most events: kept alone, or left out
    TIME_HALVINGS = 4, // the finest cut in time is a sixteenth
    CUTS_OF_VALUES = 1 + 2 * TRIED_VALUES,
    CUTS_OF_SIZES = HT_METRICS_DECADES + 2,
};

enum ht_reduce_metric ht_reduce_metric_by_name(const char *name)
{
    static const char *const names[HT_REDUCE_METRICS] = {"f2", "f4", "retention", "moved"};
    int metric = 0;
    while (metric < HT_REDUCE_METRICS && strcmp(names[metric], name) != 0)
        metric++;
    return (enum ht_reduce_metric)metric;
}

// Pages over live bytes; 0 where a damaged recording has blocks over blocks.
static uint64_t excess(uint64_t page_bytes, uint64_t live_bytes)
{
    return page_bytes > live_bytes ? page_bytes - live_bytes : 0;
}

uint64_t ht_reduce_figure(const struct ht_metrics_report *report, enum ht_reduce_metric metric)
{
    switch (metric) {
    case HT_REDUCE_F2:
        return excess(report->peak.page_bytes, report->peak.live_bytes);
    case HT_REDUCE_F4:
        return excess(report->page_peak.page_bytes, report->peak.live_bytes);
    case HT_REDUCE_RETENTION:
        return excess(report->end.page_bytes, report->end.live_bytes);
    default:
        return ht_figure_copied_bytes(report);
    }
}

// The filter for `count` of the values from `first` on, but for the one at `but`.
static void choose(struct ht_filter *filter, enum ht_part_sort sort,
                   const struct ht_part_values *values, size_t first, size_t count, size_t but)
{
    size_t kept = 0;
    for (size_t i = first; i < first + count; i++) {
        uint64_t value = values->at[i].value;
        if (i == but)
            continue;
        if (sort == HT_PART_PIDS)
            filter->pids[kept] = (uint32_t)value;
        else if (sort == HT_PART_HEAPS)
            filter->heaps[kept] = value;
        else
            filter->tids[kept] = (uint32_t)value;
        kept++;
    }
    *(sort == HT_PART_PIDS    ? &filter->pid_count
      : sort == HT_PART_HEAPS ? &filter->heap_count
                              : &filter->tid_count) = kept;
}

// First each of the largest alone, then the larger half, then all but one of the largest.
static bool cut_values(const struct ht_part *part, struct ht_filter *filter, enum ht_part_sort sort,
                       unsigned index)
{
    const struct ht_part_values *values = &part->values[sort];
    size_t half = (values->count + 1) / 2;
    size_t left_out = (size_t)index - TRIED_VALUES - 1;
    if (values->count < 2 || (sort == HT_PART_PIDS && filter->process_count > 0))
        return false;
    if (index < TRIED_VALUES && index < values->count)
        choose(filter, sort, values, index, 1, SIZE_MAX);
    else if (index == TRIED_VALUES && half <= HT_FILTER_VALUES_MAX)
        choose(filter, sort, values, 0, half, SIZE_MAX);
    else if (index > TRIED_VALUES && left_out < values->count &&
             values->count <= HT_FILTER_VALUES_MAX)
        choose(filter, sort, values, 0, values->count, left_out);
    else
        return false;
    return true;
}

static bool cut_pids(const struct ht_part *part, struct ht_filter *filter, unsigned index)
{
    return cut_values(part, filter, HT_PART_PIDS, index);
}

static bool cut_heaps(const struct ht_part *part, struct ht_filter *filter, unsigned index)
{
    return cut_values(part, filter, HT_PART_HEAPS, index);
}

static bool cut_tids(const struct ht_part *part, struct ht_filter *filter, unsigned index)
{
    return cut_values(part, filter, HT_PART_TIDS, index);
}

// First each decade alone, then all but the lowest, then all but the highest.
static bool cut_sizes(const struct ht_part *part, struct ht_filter *filter, unsigned index)
{
    const struct ht_metrics_sizes *made = part->report.made;
    int low = 0;
    int high = HT_METRICS_DECADES - 1;
    while (low < high && made[low].blocks == 0)
        low++;
    while (high > low && made[high].blocks == 0)
        high--;
    if (low == high || (index < HT_METRICS_DECADES && made[index].blocks == 0))
        return false;
    if (index < HT_METRICS_DECADES)
        low = high = (int)index;
    else if (index == HT_METRICS_DECADES)
        low++;
    else
        high--;
    uint64_t least = low > 0 ? ht_metrics_decade_from(low) : 0;
    uint64_t most =
        high < HT_METRICS_DECADES - 1 ? ht_metrics_decade_from(high + 1) - 1 : UINT64_MAX;
    filter->min_size = least > filter->min_size ? least : filter->min_size;
    filter->max_size = most < filter->max_size ? most : filter->max_size;
    return filter->min_size <= filter->max_size;
}

static uint64_t part_of_time(const struct ht_part *part, unsigned index)
{
    return ((uint64_t)part->last_ns - (uint64_t)part->first_ns) >> (index + 1);
}

// Half of the time, a quarter, ...
static bool cut_end(const struct ht_part *part, struct ht_filter *filter, unsigned index)
{
    uint64_t cut = part_of_time(part, index);
    filter->until_ns = (int64_t)((uint64_t)part->last_ns - cut);
    return cut > 0;
}

static bool cut_start(const struct ht_part *part, struct ht_filter *filter, unsigned index)
{
    uint64_t cut = part_of_time(part, index);
    filter->from_ns = (int64_t)((uint64_t)part->first_ns + cut);
    return cut > 0;
}

// Each changes the filter that made the part into one for less of it, in so many ways. False when
// the way at `index` is none here. Those that may leave out some of the blocks on a page and keep
// the others would make waste that the recorded heap never had.
static const struct {
    unsigned count;
    bool splits_pages;
    bool (*cut)(const struct ht_part *part, struct ht_filter *filter, unsigned index);
} families[] = {
    {CUTS_OF_VALUES, false, cut_pids}, {CUTS_OF_VALUES, false, cut_heaps},
    {CUTS_OF_VALUES, true, cut_tids},  {CUTS_OF_SIZES, true, cut_sizes},
    {TIME_HALVINGS, false, cut_end},   {TIME_HALVINGS, true, cut_start},
};

static bool keeps_figure(const struct ht_reduction *reduction)
{
    enum ht_reduce_metric metric = reduction->options.metric;
    double whole = (double)ht_reduce_figure(&reduction->whole->report, metric);
    double tried = (double)ht_reduce_figure(&reduction->tried->report, metric);
    double off = tried > whole ? tried - whole : whole - tried;
    return off * 100 <= whole * reduction->options.tolerance;
}

static bool is_smaller(const struct ht_part *tried, const struct ht_part *part)
{
    return (double)tried->events * 100 <= (double)part->events * (100 - HT_REDUCE_GAIN_PERCENT);
}

// One pass with the filter. Takes the cut when it is a good one. A part that has more blocks at
// once than the whole, for their frees went to others, is none.
static enum ht_status try_cut(struct ht_reduction *reduction, const struct ht_filter *filter,
                              bool *is_taken, struct ht_error *error)
{
    struct ht_paths paths = reduction->paths;
    paths.filter = *filter;
    *is_taken = false;
    reduction->ending = HT_REDUCE_OUT_OF_PASSES;
    if (reduction->passes >= reduction->options.passes)
        return HT_END;
    reduction->passes++;
    reduction->ending = HT_REDUCE_INTERRUPTED; // where the reading gives HT_END
    enum ht_status status =
        ht_part_read(reduction->tried, &paths, reduction->whole->block_limit, error);
    if (status == HT_LIMIT)
        return HT_OK;
    if (status != HT_OK || !is_smaller(reduction->tried, reduction->part) ||
        !keeps_figure(reduction))
        return status;
    struct ht_part *taken = reduction->tried;
    reduction->tried = reduction->part;
    reduction->part = taken;
    reduction->paths = paths;
    *is_taken = true;
    return HT_OK;
}

// Tries the ways of a family; one that was taken is tried again on what it left. HT_END as above.
static enum ht_status try_family(struct ht_reduction *reduction, size_t family, bool *is_any_taken,
                                 struct ht_error *error)
{
    unsigned index = 0;
    if (families[family].splits_pages && reduction->options.metric != HT_REDUCE_MOVED)
        return HT_OK;
    while (index < families[family].count) {
        struct ht_filter filter = reduction->paths.filter;
        bool is_taken = false;
        enum ht_status status = HT_OK;
        if (families[family].cut(reduction->part, &filter, index) && ht_filter_write_text(&filter))
            status = try_cut(reduction, &filter, &is_taken, error);
        if (status != HT_OK)
            return status;
        *is_any_taken = *is_any_taken || is_taken;
        index += !is_taken;
    }
    return HT_OK;
}

static enum ht_status search(struct ht_reduction *reduction, struct ht_error *error)
{
    bool is_any_taken = true;
    while (is_any_taken) {
        is_any_taken = false;
        for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
            enum ht_status status = try_family(reduction, i, &is_any_taken, error);
            if (status != HT_OK)
                return status == HT_END ? HT_OK : status;
        }
    }
    reduction->ending = HT_REDUCE_NO_CUT_HELPS;
    return HT_OK;
}

// The whole is read once for the number of its blocks and once for its figures.
static enum ht_status read_whole(struct ht_reduction *reduction, struct ht_error *error)
{
    enum ht_status status = ht_part_read(reduction->whole, &reduction->paths, 0, error);
    uint32_t block_limit = reduction->whole->block_limit;
    if (status == HT_OK && block_limit > 0)
        status = ht_part_read(reduction->whole, &reduction->paths, block_limit, error);
    reduction->passes = 2;
    if (status == HT_END)
        return ht_fail(error, HT_IO, "%s: interrupted while it was read",
                       reduction->paths.paths[0]);
    if (status == HT_OK &&
        ht_reduce_figure(&reduction->whole->report, reduction->options.metric) == 0)
        return ht_fail(error, HT_UNSUPPORTED, "%s: the figure of the whole is 0: nothing to keep",
                       reduction->paths.paths[0]);
    return status;
}

enum ht_status ht_reduce(struct ht_reduction *reduction, const struct ht_paths *paths,
                         const struct ht_reduce_options *options, struct ht_error *error)
{
    *reduction = (struct ht_reduction){.paths = *paths, .options = *options};
    reduction->whole = malloc(sizeof *reduction->whole);
    reduction->part = malloc(sizeof *reduction->part);
    reduction->tried = malloc(sizeof *reduction->tried);
    if (reduction->whole == NULL || reduction->part == NULL || reduction->tried == NULL)
        return ht_fail_memory(error, "the parts of the trace");
    enum ht_status status = read_whole(reduction, error);
    if (status != HT_OK)
        return status;
    *reduction->part = *reduction->whole;
    return search(reduction, error);
}

void ht_reduction_close(struct ht_reduction *reduction)
{
    free(reduction->whole);
    free(reduction->part);
    free(reduction->tried);
}
