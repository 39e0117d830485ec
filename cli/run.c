// SPDX-License-Identifier: MIT
//
// The two ends of the pipe. See the header.
#include "cli/run.h"

#include "replay/os.h"

struct message {
    enum ht_received what;
    struct ht_error error;
    struct ht_run run;
};

// The details but for their samples and the map.
struct details_head {
    uint64_t gap_sizes[HT_GAP_SIZES];
    struct ht_metrics_report report;
    bool has_map;
};

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static struct ht_run_metrics metrics_of(const struct ht_metrics_report *report)
{
    const struct ht_gaps *gaps = &report->look.gaps;
    const struct ht_moment *peak = &report->peak;
    uint64_t wasted =
        peak->usable_bytes > peak->live_bytes ? peak->usable_bytes - peak->live_bytes : 0;
    return (struct ht_run_metrics){
        .f1_operations = report->f1_operations,
        .f1_time = report->f1_time,
        .f2 = report->f2,
        .f3 = report->f3,
        .f4 = report->f4,
        .retention = report->retention,
        .largest_free = share(gaps->free_bytes - gaps->largest_bytes, gaps->free_bytes),
        .unusable_p99 =
            share(gaps->free_bytes - gaps->usable_bytes[HT_GAP_SIZES - 1], gaps->free_bytes),
        .waste = share(wasted, peak->usable_bytes),
        .page_peak_bytes = report->page_peak.page_bytes,
        .sparse_bytes = report->end.sparse_bytes,
        .resident_bytes = report->look.held.resident_bytes,
        .mapped_bytes = report->look.held.mapped_bytes,
        .has_waste = report->has_usable,
        .has_resident = report->resident_source != NULL && report->look.is_taken,
        .has_mapped = report->mapped_source != NULL && report->look.is_taken,
    };
}

static void put_metrics(struct ht_run *run, const struct ht_measure *measure)
{
    const struct ht_score *score = ht_measure_score(measure);
    run->has_metrics = true;
    run->recorded = metrics_of(ht_measure_recorded(measure));
    run->metrics = metrics_of(ht_measure_replayed(measure));
    run->metrics.agreed_reallocs = score->reallocs_agreed;
    run->metrics.verdict = score->verdict;
}

struct ht_run ht_run_of(const struct ht_replay_result *result, const struct ht_measure *measure)
{
    const struct ht_played *played = &result->played;
    const struct ht_plan_totals *plan = &result->plan;
    struct ht_run run = {
        .ns_per_op = result->ns_per_op,
        .null_ns_per_op = result->null_ns_per_op,
        .elapsed_ns = played->elapsed_ns,
        .operations = result->operations,
        .digest = plan->digest,
        .reallocs = plan->by_kind[HT_OP_REALLOC_IN_PLACE] + plan->by_kind[HT_OP_REALLOC_MOVED],
        .recorded_moved = plan->by_kind[HT_OP_REALLOC_MOVED],
        .recorded_peak_bytes = plan->peak_bytes,
        .recorded_heaps = plan->heap_limit,
        .in_place = result->reallocs_in_place,
        .moved = result->reallocs_moved,
        .bytes_copied = played->bytes_copied,
        .peak_bytes = played->peak_bytes,
        .end_bytes = played->live_bytes,
        .failed = played->failed_allocs + played->failed_reallocs,
        .growth_bytes = result->resident.growth_bytes,
        .peak_growth_bytes = result->resident.peak_growth_bytes,
        .has_growth = result->resident.source != NULL,
        .has_peak_growth = result->resident.peak_source != NULL,
        .is_apart = result->is_apart,
        .is_memory = result->heap->is_memory,
        .is_timed = result->is_timed,
        .latency = result->latency,
        .has_drift = result->order != HT_ORDER_SERIAL,
        .drift_mean_bytes = result->causal.drift_mean_bytes,
        .is_paced = result->order == HT_ORDER_TIMED,
        .late_mean_ns = result->causal.late_mean_ns,
    };
    for (size_t i = 0; i < sizeof run.heap_version; i++)
        run.heap_version[i] = result->heap_version[i];
    if (measure != NULL)
        put_metrics(&run, measure);
    return run;
}

void ht_run_send(const struct ht_run *run)
{
    struct message message = {.what = HT_RECEIVED_RUN, .run = *run};
    ht_child_write(ht_child_result_pipe(), &message, sizeof message);
}

void ht_run_send_failure(const struct ht_error *error, bool is_of_heap)
{
    struct message message = {
        .what = is_of_heap ? HT_RECEIVED_HEAP_FAILURE : HT_RECEIVED_FAILURE,
        .error = *error,
    };
    ht_child_write(ht_child_result_pipe(), &message, sizeof message);
}

void ht_run_send_details(const struct ht_measure *measure, const struct ht_heap_map *map)
{
    int pipe = ht_child_result_pipe();
    struct details_head head = {.report = *ht_measure_replayed(measure), .has_map = map != NULL};
    for (int i = 0; i < HT_GAP_SIZES; i++)
        head.gap_sizes[i] = ht_measure_gap_sizes(measure)[i];
    if (ht_child_write(pipe, &head, sizeof head) &&
        ht_child_write(pipe, head.report.samples,
                       head.report.sample_count * sizeof *head.report.samples) &&
        map != NULL)
        ht_child_write(pipe, map, sizeof *map);
}

static bool receive_details(const struct ht_child *child, struct ht_run_details *details)
{
    struct details_head head;
    if (!ht_child_read(child, &head, sizeof head) ||
        head.report.sample_count > HT_MEASURE_SAMPLES_MAX ||
        !ht_child_read(child, details->samples,
                       head.report.sample_count * sizeof *details->samples))
        return false;
    details->report = head.report;
    details->has_map = head.has_map;
    for (int i = 0; i < HT_GAP_SIZES; i++)
        details->gap_sizes[i] = head.gap_sizes[i];
    // What points into the other process; the system there is the one here.
    details->report.samples = details->samples;
    details->report.resident_source =
        head.report.resident_source == NULL ? NULL : ht_os_resident().source;
    details->report.mapped_source =
        head.report.mapped_source == NULL ? NULL : ht_os_mapped().source;
    return !head.has_map || ht_child_read(child, &details->map, sizeof details->map);
}

enum ht_received ht_run_receive(struct ht_child *child, const char *heap_name, struct ht_run *run,
                                struct ht_run_details *details, struct ht_error *error)
{
    struct message message;
    char how[64];
    bool is_whole = ht_child_read(child, &message, sizeof message);
    if (is_whole && details != NULL && message.run.has_metrics)
        is_whole = receive_details(child, details);
    ht_child_end(child, how, sizeof how);
    if (!is_whole) {
        ht_fail(error, HT_UNSUPPORTED, "%s: the process of a run ended with %s", heap_name, how);
        return HT_RECEIVED_HEAP_FAILURE;
    }
    *run = message.run;
    *error = message.error;
    return message.what;
}
