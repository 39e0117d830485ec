// SPDX-License-Identifier: MIT
//
// The runs of a comparison: through the pipe, and as figures. See the header.
#include "cli/compare.h"

#include "cli/child.h"

struct message {
    enum ht_received what;
    struct ht_error error;
    struct ht_compare_run run;
};

void ht_compare_send(const struct ht_replay_result *result)
{
    const struct ht_played *played = &result->played;
    const struct ht_plan_totals *plan = &result->plan;
    struct message message = {.what = HT_RECEIVED_RUN};
    message.run = (struct ht_compare_run){
        .ns_per_op = result->ns_per_op,
        .null_ns_per_op = result->null_ns_per_op,
        .operations = result->operations,
        .digest = plan->digest,
        .reallocs = plan->by_kind[HT_OP_REALLOC_IN_PLACE] + plan->by_kind[HT_OP_REALLOC_MOVED],
        .recorded_moved = plan->by_kind[HT_OP_REALLOC_MOVED],
        .recorded_peak_bytes = plan->peak_bytes,
        .recorded_heaps = plan->heap_limit,
        .moved = result->reallocs_moved,
        .peak_bytes = played->peak_bytes,
        .failed = played->failed_allocs + played->failed_reallocs,
        .growth_bytes = result->resident.growth_bytes,
        .peak_growth_bytes = result->resident.peak_growth_bytes,
        .has_growth = result->resident.source != NULL,
        .has_peak_growth = result->resident.peak_source != NULL,
        .is_apart = result->is_apart,
        .is_memory = result->heap->is_memory,
    };
    for (size_t i = 0; i < sizeof message.run.heap_version; i++)
        message.run.heap_version[i] = result->heap_version[i];
    ht_child_write(ht_child_result_pipe(), &message, sizeof message);
}

void ht_compare_send_failure(const struct ht_error *error, bool is_of_heap)
{
    struct message message = {
        .what = is_of_heap ? HT_RECEIVED_HEAP_FAILURE : HT_RECEIVED_FAILURE,
        .error = *error,
    };
    ht_child_write(ht_child_result_pipe(), &message, sizeof message);
}

enum ht_received ht_compare_receive(struct ht_child *child, const char *heap_name,
                                    struct ht_compare_run *run, struct ht_error *error)
{
    struct message message;
    char how[64];
    bool is_whole = ht_child_read(child, &message, sizeof message);
    ht_child_end(child, how, sizeof how);
    if (!is_whole) {
        ht_fail(error, HT_UNSUPPORTED, "%s: the process of a run ended with %s", heap_name, how);
        return HT_RECEIVED_HEAP_FAILURE;
    }
    *run = message.run;
    *error = message.error;
    return message.what;
}

static bool has(const struct ht_compare_run *run, enum ht_figure figure)
{
    if (figure == HT_FIGURE_GROWTH)
        return run->has_growth;
    return figure != HT_FIGURE_PEAK_GROWTH || run->has_peak_growth;
}

static double value_of(const struct ht_compare_run *run, enum ht_figure figure)
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

const struct ht_compare_run *ht_comparison_any_run(const struct ht_comparison *comparison)
{
    for (size_t i = 0; i < comparison->heap_count; i++) {
        if (comparison->heaps[i].run_count > 0)
            return &comparison->heaps[i].runs[0];
    }
    return NULL;
}
