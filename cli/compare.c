// SPDX-License-Identifier: MIT
//
// The runs of a comparison as figures. See the header.
#include "cli/compare.h"

#include <stdio.h>

static const struct ht_figure_about about[HT_FIGURE_LATENCY] = {
    [HT_FIGURE_NS] = {"ns_per_op", HT_UNIT_NS, true},
    [HT_FIGURE_NULL_NS] = {"null_ns_per_op", HT_UNIT_NS, false},
    [HT_FIGURE_NET_NS] = {"", HT_UNIT_NS, false},
    [HT_FIGURE_PEAK] = {"peak_bytes", HT_UNIT_BYTES, false},
    [HT_FIGURE_GROWTH] = {"growth_bytes", HT_UNIT_BYTES, true},
    [HT_FIGURE_PEAK_GROWTH] = {"peak_growth_bytes", HT_UNIT_BYTES, true},
    [HT_FIGURE_MOVED] = {"reallocs_moved", HT_UNIT_COUNT, false},
    [HT_FIGURE_FAILED] = {"failed", HT_UNIT_COUNT, false},
    [HT_FIGURE_DRIFT] = {"drift_mean_bytes", HT_UNIT_BYTES, false},
    [HT_FIGURE_LATE] = {"late_mean_ns", HT_UNIT_COUNT, false},
    [HT_FIGURE_F1] = {"f1_operations", HT_UNIT_RATIO, true},
    [HT_FIGURE_F1_TIME] = {"f1_time", HT_UNIT_RATIO, true},
    [HT_FIGURE_F2] = {"f2", HT_UNIT_RATIO, true},
    [HT_FIGURE_F3] = {"f3", HT_UNIT_RATIO, true},
    [HT_FIGURE_F4] = {"f4", HT_UNIT_RATIO, true},
    [HT_FIGURE_RETENTION] = {"retention", HT_UNIT_RATIO, true},
    [HT_FIGURE_PAGE_PEAK] = {"page_peak_bytes", HT_UNIT_BYTES, true},
    [HT_FIGURE_SPARSE] = {"sparse_bytes", HT_UNIT_BYTES, true},
    [HT_FIGURE_LARGEST_FREE] = {"largest_free_index", HT_UNIT_SHARE, false},
    [HT_FIGURE_UNUSABLE] = {"unusable_p99", HT_UNIT_SHARE, false},
    [HT_FIGURE_WASTE] = {"waste", HT_UNIT_SHARE, true},
    [HT_FIGURE_RESIDENT_AT_PEAK] = {"resident_at_peak_bytes", HT_UNIT_BYTES, true},
    [HT_FIGURE_MAPPED_AT_PEAK] = {"mapped_at_peak_bytes", HT_UNIT_BYTES, true},
    [HT_FIGURE_AS_RECORDED] = {"as_recorded", HT_UNIT_SHARE, false},
};

struct ht_figure_about ht_figure_about(enum ht_figure figure)
{
    static const char *const quantiles[HT_LATENCY_QUANTILES] = {"p50", "p90", "p99", "p999",
                                                                "most"};
    if (figure < HT_FIGURE_LATENCY)
        return about[figure];
    int kind = ((int)figure - HT_FIGURE_LATENCY) / HT_LATENCY_QUANTILES;
    int quantile = ((int)figure - HT_FIGURE_LATENCY) % HT_LATENCY_QUANTILES;
    struct ht_figure_about of_latency = {"", HT_UNIT_COUNT, true};
    snprintf(of_latency.key, sizeof of_latency.key, "%s_%s_ns",
             ht_latency_kind_name((enum ht_latency_kind)kind), quantiles[quantile]);
    return of_latency;
}

bool ht_figure_is_told(const struct ht_comparison *comparison, enum ht_figure figure)
{
    if (figure >= HT_FIGURE_LATENCY)
        return comparison->latency_every > 0;
    if (figure >= HT_FIGURE_F1)
        return comparison->has_metrics;
    if (figure == HT_FIGURE_DRIFT)
        return comparison->order.order != HT_ORDER_SERIAL;
    if (figure == HT_FIGURE_LATE)
        return comparison->order.order == HT_ORDER_TIMED;
    return about[figure].unit != HT_UNIT_NS || !comparison->has_metrics;
}

// A ratio of 0 has no value.
static bool tell(double *value, double told, bool is_told)
{
    *value = told;
    return is_told;
}

static bool metrics_figure(const struct ht_run_metrics *metrics, enum ht_figure figure,
                           double *value)
{
    switch (figure) {
    case HT_FIGURE_F1:
        return tell(value, metrics->f1_operations, metrics->f1_operations > 0);
    case HT_FIGURE_F1_TIME:
        return tell(value, metrics->f1_time, metrics->f1_time > 0);
    case HT_FIGURE_F2:
        return tell(value, metrics->f2, metrics->f2 > 0);
    case HT_FIGURE_F3:
        return tell(value, metrics->f3, metrics->f3 > 0);
    case HT_FIGURE_F4:
        return tell(value, metrics->f4, metrics->f4 > 0);
    case HT_FIGURE_RETENTION:
        return tell(value, metrics->retention, metrics->retention > 0);
    case HT_FIGURE_PAGE_PEAK:
        return tell(value, (double)metrics->page_peak_bytes, true);
    case HT_FIGURE_SPARSE:
        return tell(value, (double)metrics->sparse_bytes, true);
    case HT_FIGURE_LARGEST_FREE:
        return tell(value, metrics->largest_free, true);
    case HT_FIGURE_UNUSABLE:
        return tell(value, metrics->unusable_p99, true);
    case HT_FIGURE_WASTE:
        return tell(value, metrics->waste, metrics->has_waste);
    case HT_FIGURE_RESIDENT_AT_PEAK:
        return tell(value, (double)metrics->resident_bytes, metrics->has_resident);
    case HT_FIGURE_MAPPED_AT_PEAK:
        return tell(value, (double)metrics->mapped_bytes, metrics->has_mapped);
    default:
        return false;
    }
}

static bool latency_figure(const struct ht_latency_report *latency, int index, double *value)
{
    const struct ht_latency_figures *of = &latency->of[index / HT_LATENCY_QUANTILES];
    const uint64_t quantiles[HT_LATENCY_QUANTILES] = {of->p50_ns, of->p90_ns, of->p99_ns,
                                                      of->p999_ns, of->most_ns};
    return tell(value, (double)quantiles[index % HT_LATENCY_QUANTILES], of->timed > 0);
}

bool ht_run_figure(const struct ht_run *run, enum ht_figure figure, double *value)
{
    if (figure >= HT_FIGURE_LATENCY)
        return latency_figure(&run->latency, (int)figure - HT_FIGURE_LATENCY, value);
    switch (figure) {
    case HT_FIGURE_NS:
        return tell(value, run->ns_per_op, run->is_timed);
    case HT_FIGURE_NULL_NS:
        return tell(value, run->null_ns_per_op, run->is_timed);
    case HT_FIGURE_NET_NS:
        return tell(value, run->ns_per_op - run->null_ns_per_op, run->is_timed);
    case HT_FIGURE_PEAK:
        return tell(value, (double)run->peak_bytes, true);
    case HT_FIGURE_GROWTH:
        return tell(value, (double)run->growth_bytes, run->has_growth);
    case HT_FIGURE_PEAK_GROWTH:
        return tell(value, (double)run->peak_growth_bytes, run->has_peak_growth);
    case HT_FIGURE_MOVED:
        return tell(value, (double)run->moved, true);
    case HT_FIGURE_FAILED:
        return tell(value, (double)run->failed, true);
    case HT_FIGURE_DRIFT:
        return tell(value, (double)run->drift_mean_bytes, run->has_drift);
    case HT_FIGURE_LATE:
        return tell(value, (double)run->late_mean_ns, run->is_paced);
    case HT_FIGURE_AS_RECORDED:
        return tell(
            value,
            run->reallocs == 0 ? 0 : (double)run->metrics.agreed_reallocs / (double)run->reallocs,
            run->has_metrics && run->reallocs > 0);
    default:
        return run->has_metrics && metrics_figure(&run->metrics, figure, value);
    }
}

bool ht_recorded_figure(const struct ht_run *run, enum ht_figure figure, double *value)
{
    if (figure == HT_FIGURE_PEAK)
        return tell(value, (double)run->recorded_peak_bytes, true);
    if (figure == HT_FIGURE_MOVED)
        return tell(value, (double)run->recorded_moved, true);
    return run->has_metrics && metrics_figure(&run->recorded, figure, value);
}

bool ht_compared_spread(const struct ht_compared *heap, enum ht_figure figure,
                        struct ht_spread *spread)
{
    double values[HT_RUNS_MAX];
    for (size_t i = 0; i < heap->run_count; i++) {
        if (!ht_run_figure(&heap->runs[i], figure, &values[i]))
            return false;
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
    return ht_figure_about(figure).is_ranked && heap->run_count >= HT_RUNS_TO_RANK &&
           heap->runs[0].is_memory && ht_compared_spread(heap, figure, spread);
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

const struct ht_run *ht_comparison_any_run(const struct ht_comparison *comparison, bool is_changed)
{
    for (size_t i = 0; i < comparison->heap_count; i++) {
        if (comparison->heaps[i].run_count > 0 && comparison->heaps[i].is_changed == is_changed)
            return &comparison->heaps[i].runs[0];
    }
    return NULL;
}
