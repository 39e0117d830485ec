// SPDX-License-Identifier: MIT
//
// `heaptape replay --json`. The keys are described in the manual page heaptape-replay(1).
#include "cli/replay_report.h"
#include "cli/system.h"

#include "formats/json.h"

static void put_ns(struct ht_json *json, const char *key, double ns)
{
    ht_json_key(json, key);
    ht_json_thousandths(json, (uint64_t)(ns * 1000 + 0.5));
}

static void put_head(struct ht_json *json, const struct ht_replay_report *report)
{
    const struct ht_replay_result *result = report->result;
    ht_json_line(json);
    ht_json_put_string(json, "file", report->file);
    ht_json_line(json);
    ht_json_put_string(json, "heap", result->heap->name);
    ht_json_put_string(json, "heap_version", result->heap_version);
    ht_json_put_string(json, "touch", ht_touch_name(result->touch));
    ht_json_line(json);
    ht_json_put_u64(json, "recorded_heaps", result->plan.heap_limit);
    ht_json_key(json, "is_apart");
    ht_json_bool(json, result->is_apart);
    ht_json_key(json, "heap_env");
    ht_json_begin_array(json);
    for (size_t i = 0; i < report->choice->setting_count; i++)
        ht_json_string(json, report->choice->settings[i]);
    ht_json_end(json);
    ht_json_line(json);
    ht_json_put_u64(json, "operations", result->operations);
    ht_json_key(json, "is_whole");
    ht_json_bool(json, result->is_whole);
    if (result->is_timed) {
        put_ns(json, "ns_per_op", result->ns_per_op);
        if (result->order != HT_ORDER_TIMED)
            put_ns(json, "null_ns_per_op", result->null_ns_per_op);
    }
    ht_json_put_u64(json, "operations_32bit", report->source->narrow_operations);
    ht_json_put_u64(json, "host_bits", HT_HOST_BITS);
    ht_json_put_object(json, "by_kind");
    for (int kind = 0; kind < HT_OP_KIND_COUNT; kind++)
        ht_json_put_u64(json, ht_op_kind_name((enum ht_op_kind)kind), result->plan.by_kind[kind]);
    ht_json_end(json);
}

static void put_order(struct ht_json *json, const struct ht_replay_result *result)
{
    const struct ht_schedule_totals *schedule = &result->schedule;
    const struct ht_causal_report *causal = &result->causal;
    ht_json_put_object(json, "order");
    ht_json_put_string(json, "name", ht_order_name(result->order));
    ht_json_key(json, "has_fixed_addresses");
    ht_json_bool(json, ht_system_has_fixed_addresses());
    ht_json_key(json, "is_in_parts");
    ht_json_bool(json, result->is_in_parts);
    if (result->order != HT_ORDER_SERIAL) {
        ht_json_put_u64(json, "threads", schedule->threads);
        ht_json_put_u64(json, "workers", schedule->workers);
        ht_json_put_u64(json, "window", schedule->window);
        ht_json_put_u64(json, "crossings", schedule->crossings);
        ht_json_put_u64(json, "gates", schedule->gates);
        ht_json_put_u64(json, "waits", causal->waits);
        ht_json_put_u64(json, "slice_waits", causal->slice_waits);
        ht_json_put_u64(json, "sleeps", causal->sleeps);
        ht_json_put_u64(json, "samples", causal->samples);
        ht_json_put_u64(json, "drift_mean_bytes", causal->drift_mean_bytes);
        ht_json_put_u64(json, "drift_most_bytes", causal->drift_most_bytes);
    }
    if (result->order == HT_ORDER_TIMED) {
        ht_json_key(json, "speed");
        ht_json_thousandths(json, (uint64_t)(schedule->speed * 1000 + 0.5));
        ht_json_put_u64(json, "recorded_ns", schedule->duration_ns);
        ht_json_put_u64(json, "due", causal->due);
        ht_json_put_u64(json, "late_mean_ns", causal->late_mean_ns);
        ht_json_put_u64(json, "late_most_ns", causal->late_most_ns);
        ht_json_put_u64(json, "late_over_1ms", causal->late_over_1ms);
    }
    ht_json_end(json);
}

static void put_cases(struct ht_json *json, const struct ht_realloc_cases *cases)
{
    ht_json_put_object(json, "reallocs");
    ht_json_put_u64(json, "grown", cases->grown);
    ht_json_put_u64(json, "shrunk", cases->shrunk);
    ht_json_put_u64(json, "same_size", cases->same_size);
    ht_json_put_u64(json, "to_zero", cases->to_zero);
    ht_json_put_u64(json, "in_place", cases->in_place);
    ht_json_put_u64(json, "onto_live", cases->onto_live);
    ht_json_put_u64(json, "of_null", cases->of_null);
    ht_json_put_u64(json, "failed", cases->failed);
    ht_json_end(json);
}

static void put_recorded(struct ht_json *json, const struct ht_replay_report *report)
{
    const struct ht_plan_totals *plan = &report->result->plan;
    ht_json_put_object(json, "recorded");
    ht_json_put_u64(json, "peak_bytes", plan->peak_bytes);
    ht_json_put_u64(json, "end_bytes", plan->final_bytes);
    ht_json_put_u64(json, "end_blocks", plan->final_blocks);
    ht_json_put_u64(json, "in_place", plan->by_kind[HT_OP_REALLOC_IN_PLACE]);
    ht_json_put_u64(json, "moved", plan->by_kind[HT_OP_REALLOC_MOVED]);
    ht_json_put_u64(json, "bytes_copied", plan->bytes_copied);
    ht_json_put_u64(json, "destroyed", plan->destroyed);
    ht_json_put_hex(json, "digest", plan->digest);
    put_cases(json, &report->source->counts.reallocs);
    ht_json_end(json);
}

static void put_replayed(struct ht_json *json, const struct ht_replay_result *result)
{
    const struct ht_played *played = &result->played;
    ht_json_put_object(json, "replayed");
    ht_json_put_u64(json, "peak_bytes", played->peak_bytes);
    ht_json_put_u64(json, "end_bytes", played->live_bytes);
    ht_json_put_u64(json, "end_blocks", result->final_blocks);
    ht_json_put_u64(json, "in_place", result->reallocs_in_place);
    ht_json_put_u64(json, "moved", result->reallocs_moved);
    ht_json_put_u64(json, "bytes_copied", played->bytes_copied);
    ht_json_put_u64(json, "failed_allocs", played->failed_allocs);
    ht_json_put_u64(json, "failed_reallocs", played->failed_reallocs);
    ht_json_put_u64(json, "skipped", played->skipped);
    if (!result->is_timed && result->order == HT_ORDER_SERIAL)
        ht_json_put_hex(json, "address_digest", played->address_digest);
    if (result->is_timed)
        ht_json_put_u64(json, "elapsed_ns", played->elapsed_ns);
    ht_json_end(json);
}

// Reallocs by what they did in the recording and, behind the underscore, here.
static void put_agreement(struct ht_json *json, const struct ht_played *played)
{
    ht_json_put_object(json, "agreement");
    ht_json_put_u64(json, "in_place_in_place", played->agreement[0][0]);
    ht_json_put_u64(json, "in_place_moved", played->agreement[0][1]);
    ht_json_put_u64(json, "moved_in_place", played->agreement[1][0]);
    ht_json_put_u64(json, "moved_moved", played->agreement[1][1]);
    ht_json_end(json);
}

static void put_memory(struct ht_json *json, const struct ht_replay_result *result)
{
    const struct ht_replay_resident *resident = &result->resident;
    ht_json_put_object(json, "resident");
    if (resident->source != NULL) {
        ht_json_put_string(json, "source", resident->source);
        ht_json_put_u64(json, "before_bytes", resident->before_bytes);
        ht_json_put_u64(json, "after_bytes", resident->after_bytes);
        ht_json_put_u64(json, "released_bytes", resident->released_bytes);
        ht_json_put_i64(json, "growth_bytes", resident->growth_bytes);
    }
    if (resident->peak_source != NULL) {
        ht_json_put_string(json, "peak_source", resident->peak_source);
        ht_json_put_u64(json, "peak_growth_bytes", resident->peak_growth_bytes);
    }
    ht_json_put_u64(json, "harness_bytes", result->harness_bytes);
    ht_json_end(json);
}

static void put_account(struct ht_json *json, const char *key, const struct ht_account *account)
{
    if (account->source == NULL)
        return;
    ht_json_put_object(json, key);
    for (size_t i = 0; i < account->count; i++)
        ht_json_put_u64(json, account->names[i], account->bytes[i]);
    ht_json_end(json);
}

// The heap's own figures, under its own names.
static void put_accounts(struct ht_json *json, const struct ht_replay_report *report)
{
    const struct ht_replay_result *result = report->result;
    ht_json_put_object(json, "account");
    if (result->account_after.source != NULL)
        ht_json_put_string(json, "source", result->account_after.source);
    if (result->account_after.scope != NULL)
        ht_json_put_string(json, "scope", result->account_after.scope);
    put_account(json, "before", &result->account_before);
    if (report->measure != NULL)
        put_account(json, "at_peak", ht_measure_account(report->measure));
    put_account(json, "at_end", &result->account_after);
    ht_json_end(json);
}

static void put_latency(struct ht_json *json, const struct ht_latency_report *latency)
{
    ht_json_put_object(json, "latency");
    ht_json_put_u64(json, "every", latency->every);
    ht_json_put_u64(json, "pair_ns", latency->pair_ns);
    for (int kind = 0; kind < HT_LATENCY_KIND_COUNT; kind++) {
        struct ht_latency_figures figures = latency->of[kind];
        ht_json_put_object(json, ht_latency_kind_name((enum ht_latency_kind)kind));
        ht_json_put_u64(json, "timed", figures.timed);
        ht_json_put_u64(json, "p50_ns", figures.p50_ns);
        ht_json_put_u64(json, "p90_ns", figures.p90_ns);
        ht_json_put_u64(json, "p99_ns", figures.p99_ns);
        ht_json_put_u64(json, "p999_ns", figures.p999_ns);
        ht_json_put_u64(json, "most_ns", figures.most_ns);
        ht_json_end(json);
    }
    ht_json_end(json);
}

static void put_difference(struct ht_json *json, const char *key,
                           const struct ht_difference *difference, double value)
{
    if (difference->unit == HT_DIFFERENCE_COUNT || difference->unit == HT_DIFFERENCE_NS) {
        ht_json_put_i64(json, key, (int64_t)value);
        return;
    }
    ht_json_key(json, key);
    ht_json_thousandths(json, (uint64_t)(value * 1000 + 0.5));
}

static void put_what_if(struct ht_json *json, const struct ht_replay_report *report)
{
    const struct ht_what_if_counts *changed = &report->source->changed;
    struct ht_difference differences[HT_DIFFERENCES_MAX];
    struct ht_run run = ht_run_of(report->result, report->measure);
    size_t count = ht_differences_of(&report->baseline->run, &run, differences);
    ht_json_put_object(json, "what_if");
    ht_json_key(json, "changes");
    ht_json_begin_array(json);
    for (size_t i = 0; i < report->changes->count; i++)
        ht_json_string(json, report->changes->texts[i]);
    ht_json_end(json);
    ht_json_put_u64(json, "spared", changed->spared);
    ht_json_put_u64(json, "spare_peak_bytes", changed->spare_peak_bytes);
    ht_json_put_u64(json, "elsewhere", changed->elsewhere);
    ht_json_put_u64(json, "elsewhere_peak_bytes", changed->elsewhere_peak_bytes);
    for (size_t i = 0; i < count; i++) {
        ht_json_put_object(json, differences[i].key);
        put_difference(json, "unchanged", &differences[i], differences[i].unchanged);
        put_difference(json, "what_if", &differences[i], differences[i].changed);
        ht_json_end(json);
    }
    ht_json_end(json);
}

static void put_loss(struct ht_json *json, const struct ht_replay_report *report)
{
    ht_json_put_object(json, "loss");
    for (int loss = 0; loss < HT_LOSS_COUNT; loss++)
        ht_json_put_u64(json, ht_loss_name((enum ht_loss)loss), report->source->loss[loss]);
    ht_json_put_u64(json, "adopted", report->source->counts.adopted);
    ht_json_put_u64(json, "unknown_frees", report->source->counts.unknown_frees);
    ht_json_put_u64(json, "replaced", report->source->counts.replaced);
    ht_json_put_u64(json, "old_size_differs", report->source->counts.old_size_differs);
    ht_json_end(json);
}

enum ht_status ht_replay_print_json(const struct ht_replay_report *report, struct ht_error *error)
{
    const struct ht_replay_result *result = report->result;
    struct ht_output *output = NULL;
    enum ht_status status = ht_output_open("-", &output, error);
    if (status != HT_OK)
        return status;
    struct ht_json json = ht_json_over(output);
    ht_json_begin_object(&json);
    put_head(&json, report);
    put_order(&json, result);
    if (report->baseline == NULL)
        put_recorded(&json, report);
    put_replayed(&json, result);
    if (report->baseline == NULL)
        put_agreement(&json, &result->played);
    put_memory(&json, result);
    put_accounts(&json, report);
    if (report->baseline != NULL)
        put_what_if(&json, report);
    if (report->measure != NULL)
        ht_replay_put_metrics_json(&json, report);
    if (result->latency.every > 0)
        put_latency(&json, &result->latency);
    put_loss(&json, report);
    ht_json_line(&json);
    ht_json_end(&json);
    status = ht_json_commit(&json, error);
    ht_output_close(output);
    return status;
}
