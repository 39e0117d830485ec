// SPDX-License-Identifier: MIT
//
// The runs of a comparison as figures. See the header.
#include "cli/compare.h"

static bool has(const struct ht_run *run, enum ht_figure figure)
{
    if (figure == HT_FIGURE_GROWTH)
        return run->has_growth;
    return figure != HT_FIGURE_PEAK_GROWTH || run->has_peak_growth;
}

static double value_of(const struct ht_run *run, enum ht_figure figure)
{
    switch (figure) {
    case HT_FIGURE_NS:
        return run->ns_per_op;
    case HT_FIGURE_NULL_NS:
        return run->null_ns_per_op;
    case HT_FIGURE_NET_NS:
        return run->ns_per_op - run->null_ns_per_op;
    case HT_FIGURE_PEAK:
        return (double)run->peak_bytes;
    case HT_FIGURE_GROWTH:
        return (double)run->growth_bytes;
    case HT_FIGURE_PEAK_GROWTH:
        return (double)run->peak_growth_bytes;
    case HT_FIGURE_MOVED:
        return (double)run->moved;
    default:
        return (double)run->failed;
    }
}

bool ht_compared_spread(const struct ht_compared *heap, enum ht_figure figure,
                        struct ht_spread *spread)
{
    double values[HT_RUNS_MAX];
    for (size_t i = 0; i < heap->run_count; i++) {
        if (!has(&heap->runs[i], figure))
            return false;
        values[i] = value_of(&heap->runs[i], figure);
    }
    if (heap->run_count == 0)
        return false;
    *spread = ht_spread_of(values, heap->run_count);
    return true;
}

// The spread of a figure by which heaps have places. False when it, or the heap, has none.
static bool ranked_spread(const struct ht_compared *heap, enum ht_figure figure,
                          struct ht_spread *spread)
{
    bool is_ranked =
        figure == HT_FIGURE_NS || figure == HT_FIGURE_GROWTH || figure == HT_FIGURE_PEAK_GROWTH;
    return is_ranked && heap->run_count >= HT_RUNS_TO_RANK && heap->runs[0].is_memory &&
           ht_compared_spread(heap, figure, spread);
}

size_t ht_compared_place(const struct ht_comparison *comparison, size_t index,
                         enum ht_figure figure)
{
    struct ht_spread spreads[HT_COMPARED_MAX];
    struct ht_spread spread;
    size_t count = 0;
    size_t own = 0;
    if (!ranked_spread(&comparison->heaps[index], figure, &spread))
        return 0;
    for (size_t i = 0; i < comparison->heap_count; i++) {
        if (i == index)
            own = count;
        count += ranked_spread(&comparison->heaps[i], figure, &spreads[count]);
    }
    return ht_spread_place(spreads, count, own);
}

const struct ht_run *ht_comparison_any_run(const struct ht_comparison *comparison)
{
    for (size_t i = 0; i < comparison->heap_count; i++) {
        if (comparison->heaps[i].run_count > 0)
            return &comparison->heaps[i].runs[0];
    }
    return NULL;
}
