// SPDX-License-Identifier: MIT
//
// The metrics of `heaptape replay --metrics --json`. The keys are described in docs/replay.md.
#include "cli/replay_report.h"
#include "replay/pages.h"

// A ratio without a value is left out.
static void put_ratio(struct ht_json *json, const char *key, double ratio)
{
    if (ratio > 0) {
        ht_json_key(json, key);
        ht_json_thousandths(json, (uint64_t)(ratio * 1000 + 0.5));
    }
}

static void put_share(struct ht_json *json, const char *key, uint64_t part, uint64_t whole)
{
    if (whole > 0) {
        ht_json_key(json, key);
        ht_json_thousandths(json, (uint64_t)((double)part / (double)whole * 1000 + 0.5));
    }
}

static void put_bool(struct ht_json *json, const char *key, bool value)
{
    ht_json_key(json, key);
    ht_json_bool(json, value);
}

static void begin_array(struct ht_json *json, const char *key)
{
    ht_json_line(json);
    ht_json_key(json, key);
    ht_json_begin_array(json);
}

static void put_moment(struct ht_json *json, const char *key, const struct ht_moment *moment,
                       bool has_usable)
{
    ht_json_put_object(json, key);
    ht_json_put_u64(json, "operation", moment->operation);
    ht_json_put_i64(json, "time_ns", moment->time_ns);
    ht_json_put_u64(json, "live_bytes", moment->live_bytes);
    ht_json_put_u64(json, "live_blocks", moment->live_blocks);
    if (has_usable)
        ht_json_put_u64(json, "usable_bytes", moment->usable_bytes);
    ht_json_put_u64(json, "page_bytes", moment->page_bytes);
    ht_json_put_u64(json, "sparse_bytes", moment->sparse_bytes);
    ht_json_put_u64(json, "reallocs", moment->reallocs);
    ht_json_put_u64(json, "moved", moment->moved);
    ht_json_end(json);
}

// One object for each decade that has a block.
static void put_sizes(struct ht_json *json, const char *key,
                      const struct ht_metrics_sizes decades[HT_METRICS_DECADES], bool has_usable)
{
    begin_array(json, key);
    for (int i = 0; i < HT_METRICS_DECADES; i++) {
        if (decades[i].blocks > 0) {
            ht_json_begin_object(json);
            ht_json_put_u64(json, "from", ht_metrics_decade_from(i));
            ht_json_put_u64(json, "blocks", decades[i].blocks);
            ht_json_put_u64(json, "requested_bytes", decades[i].requested_bytes);
            if (has_usable)
                ht_json_put_u64(json, "usable_bytes", decades[i].usable_bytes);
            ht_json_end(json);
        }
    }
    ht_json_end(json);
}

static void put_indexes(struct ht_json *json, const struct ht_gaps *gaps)
{
    static const char *const keys[HT_GAP_SIZES] = {"unusable_p50", "unusable_p90", "unusable_p99"};
    put_share(json, "largest_free_index", gaps->free_bytes - gaps->largest_bytes, gaps->free_bytes);
    for (int i = 0; i < HT_GAP_SIZES; i++)
        put_share(json, keys[i], gaps->free_bytes - gaps->usable_bytes[i], gaps->free_bytes);
}

static void put_gaps(struct ht_json *json, const struct ht_look *look)
{
    const struct ht_gaps *gaps = &look->gaps;
    ht_json_put_object(json, "gaps");
    ht_json_put_u64(json, "regions", gaps->regions);
    ht_json_put_u64(json, "count", gaps->count);
    ht_json_put_u64(json, "free_bytes", gaps->free_bytes);
    ht_json_put_u64(json, "largest_bytes", gaps->largest_bytes);
    ht_json_put_u64(json, "slim_bytes", gaps->slim_bytes);
    put_share(json, "header_share", gaps->slim_bytes, look->page_bytes);
    put_indexes(json, gaps);
    ht_json_end(json);
}

static void put_gaps_over_run(struct ht_json *json, const struct ht_metrics_report *report)
{
    begin_array(json, "gaps");
    for (uint32_t i = 0; i < report->gaps_count; i++) {
        const struct ht_metrics_gaps *each = &report->gaps[i];
        ht_json_line(json);
        ht_json_begin_object(json);
        ht_json_put_u64(json, "operation", each->operation);
        ht_json_put_i64(json, "time_ns", each->time_ns);
        ht_json_put_u64(json, "count", each->gaps.count);
        ht_json_put_u64(json, "free_bytes", each->gaps.free_bytes);
        put_indexes(json, &each->gaps);
        ht_json_end(json);
    }
    ht_json_end(json);
}

// Innermost first, each with the module's name where it is known.
static void put_frames(struct ht_json *json, const struct ht_dict *stacks, uint32_t id)
{
    size_t count = 0;
    const struct ht_frame *frames = ht_dict_stack(stacks, id, &count);
    ht_json_key(json, "frames");
    ht_json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        size_t length = 0;
        const char *module = ht_dict_string(stacks, frames[i].module, &length);
        ht_json_begin_object(json);
        if (length > 0) {
            ht_json_key(json, "module");
            ht_json_text(json, module, length);
        }
        ht_json_put_hex(json, "address", frames[i].address);
        ht_json_end(json);
    }
    ht_json_end(json);
}

// One object for each that pins; its key for the id says what of it is told. With `stacks` the ids
// are those of call stacks in there.
static void put_pinning_by(struct ht_json *json, const char *key, const char *id_key,
                           const struct ht_pinning *pinning, size_t count,
                           const struct ht_dict *stacks)
{
    begin_array(json, key);
    for (size_t i = 0; i < count; i++) {
        if (pinning[i].blocks == 0)
            continue;
        ht_json_begin_object(json);
        ht_json_put_u64(json, id_key, pinning[i].id);
        ht_json_put_u64(json, "blocks", pinning[i].blocks);
        ht_json_put_u64(json, "requested_bytes", pinning[i].requested_bytes);
        ht_json_put_u64(json, "pinned_bytes", pinning[i].pinned_bytes);
        if (stacks != NULL)
            put_frames(json, stacks, (uint32_t)pinning[i].id);
        ht_json_end(json);
    }
    ht_json_end(json);
}

static void put_pinning(struct ht_json *json, const struct ht_look_pinning *pinning,
                        const struct ht_dict *stacks)
{
    ht_json_put_object(json, "pinning");
    put_pinning_by(json, "by_size", "from", pinning->by_size, HT_METRICS_DECADES, NULL);
    put_pinning_by(json, "by_age", "from", pinning->by_age, HT_METRICS_DECADES, NULL);
    put_pinning_by(json, "by_thread", "tid", pinning->by_thread, pinning->threads, NULL);
    put_pinning_by(json, "by_stack", "stack", pinning->by_stack, pinning->stacks, stacks);
    ht_json_end(json);
}

static void put_look(struct ht_json *json, const char *key, const struct ht_look *look,
                     const struct ht_metrics_report *report, const struct ht_dict *stacks)
{
    if (!look->is_taken)
        return;
    ht_json_put_object(json, key);
    ht_json_put_u64(json, "operation", look->operation);
    if (report->resident_source != NULL)
        ht_json_put_u64(json, "resident_bytes", look->held.resident_bytes);
    if (report->mapped_source != NULL)
        ht_json_put_u64(json, "mapped_bytes", look->held.mapped_bytes);
    put_gaps(json, look);
    put_sizes(json, "live", look->live, report->has_usable);
    put_pinning(json, &look->pinning, stacks);
    ht_json_end(json);
}

static void put_marks(struct ht_json *json, const struct ht_metrics_report *report,
                      const int64_t *mark_ns, const struct ht_dict *stacks)
{
    begin_array(json, "marks");
    for (uint32_t i = 0; i < report->mark_count && report->marks[i].look.is_taken; i++) {
        const struct ht_metrics_mark *mark = &report->marks[i];
        ht_json_line(json);
        ht_json_begin_object(json);
        ht_json_put_i64(json, "mark_ns", mark_ns[i]);
        put_moment(json, "moment", &mark->moment, report->has_usable);
        put_look(json, "look", &mark->look, report, stacks);
        ht_json_end(json);
    }
    ht_json_end(json);
}

static void put_grown(struct ht_json *json, const struct ht_metrics_grown grown[HT_METRICS_DECADES])
{
    begin_array(json, "grown_from");
    for (int i = 0; i < HT_METRICS_DECADES; i++) {
        if (grown[i].count > 0) {
            ht_json_begin_object(json);
            ht_json_put_u64(json, "from", ht_metrics_decade_from(i));
            ht_json_put_u64(json, "count", grown[i].count);
            ht_json_put_u64(json, "in_place", grown[i].in_place);
            ht_json_end(json);
        }
    }
    ht_json_end(json);
}

static void put_factors(struct ht_json *json,
                        const struct ht_metrics_grown factors[HT_METRICS_FACTORS])
{
    begin_array(json, "grown_by");
    for (int i = 0; i < HT_METRICS_FACTORS; i++) {
        if (factors[i].count > 0) {
            ht_json_begin_object(json);
            put_share(json, "up_to", ht_metrics_factor_percent(i),
                      i < HT_METRICS_FACTORS - 1 ? 100 : 0);
            ht_json_put_u64(json, "count", factors[i].count);
            ht_json_put_u64(json, "in_place", factors[i].in_place);
            ht_json_end(json);
        }
    }
    ht_json_end(json);
}

static void put_reallocs(struct ht_json *json, const struct ht_metrics_report *report)
{
    static const char *const keys[HT_DIRECTION_COUNT] = {
        [HT_DIRECTION_GROW] = "grow",
        [HT_DIRECTION_SHRINK] = "shrink",
        [HT_DIRECTION_SAME] = "same",
    };
    ht_json_put_object(json, "reallocs");
    for (int i = 0; i < HT_DIRECTION_COUNT; i++) {
        const struct ht_metrics_reallocs *reallocs = &report->reallocs[i];
        ht_json_put_object(json, keys[i]);
        ht_json_put_u64(json, "count", reallocs->count);
        ht_json_put_u64(json, "moved", reallocs->moved);
        ht_json_put_u64(json, "requested_bytes", reallocs->requested_bytes);
        ht_json_put_u64(json, "bytes_copied", reallocs->bytes_copied);
        ht_json_end(json);
    }
    put_grown(json, report->grown);
    put_factors(json, report->factors);
    ht_json_put_u64(json, "doubling_bytes", report->doubling_bytes);
    ht_json_put_u64(json, "doubling_operation", report->doubling_operation);
    ht_json_end(json);
}

// In the order of sample_fields.
static void put_sample(struct ht_json *json, const struct ht_moment *moment)
{
    ht_json_line(json);
    ht_json_begin_array(json);
    ht_json_u64(json, moment->operation);
    ht_json_i64(json, moment->time_ns);
    ht_json_u64(json, moment->live_bytes);
    ht_json_u64(json, moment->live_blocks);
    ht_json_u64(json, moment->usable_bytes);
    ht_json_u64(json, moment->page_bytes);
    ht_json_u64(json, moment->sparse_bytes);
    ht_json_u64(json, moment->reallocs);
    ht_json_u64(json, moment->moved);
    ht_json_u64(json, moment->held.resident_bytes);
    ht_json_u64(json, moment->held.mapped_bytes);
    ht_json_end(json);
}

static void put_report(struct ht_json *json, const char *key,
                       const struct ht_metrics_report *report, const int64_t *mark_ns,
                       const struct ht_dict *stacks)
{
    ht_json_put_object(json, key);
    ht_json_put_u64(json, "operations", report->operations);
    ht_json_put_u64(json, "oversized", report->oversized);
    put_bool(json, "has_usable", report->has_usable);
    if (report->resident_source != NULL)
        ht_json_put_string(json, "resident_source", report->resident_source);
    if (report->mapped_source != NULL)
        ht_json_put_string(json, "mapped_source", report->mapped_source);
    put_ratio(json, "f1_operations", report->f1_operations);
    put_ratio(json, "f1_time", report->f1_time);
    put_ratio(json, "f2", report->f2);
    put_ratio(json, "f3", report->f3);
    put_ratio(json, "f4", report->f4);
    put_ratio(json, "retention", report->retention);
    put_moment(json, "peak", &report->peak, report->has_usable);
    put_moment(json, "page_peak", &report->page_peak, report->has_usable);
    put_moment(json, "end", &report->end, report->has_usable);
    put_look(json, "at_peak", &report->look, report, stacks);
    put_look(json, "at_end", &report->last, report, stacks);
    put_marks(json, report, mark_ns, stacks);
    put_gaps_over_run(json, report);
    put_sizes(json, "made", report->made, report->has_usable);
    put_reallocs(json, report);
    ht_json_put_u64(json, "sample_step", report->sample_step);
    begin_array(json, "samples");
    for (uint32_t i = 0; i < report->sample_count; i++)
        put_sample(json, &report->samples[i]);
    ht_json_end(json);
    ht_json_end(json);
}

static void put_score(struct ht_json *json, const struct ht_score *score)
{
    ht_json_put_object(json, "score");
    ht_json_put_string(json, "reproduced", ht_verdict_name(score->verdict));
    put_ratio(json, "f1_ratio", score->f1_ratio);
    put_ratio(json, "f2_ratio", score->f2_ratio);
    put_ratio(json, "retention_ratio", score->retention_ratio);
    ht_json_put_u64(json, "spread_limit_percent", HT_SCORE_SPREAD_PERCENT);
    put_bool(json, "spread_agrees", score->spread_agrees);
    ht_json_put_u64(json, "reallocs", score->reallocs);
    ht_json_put_u64(json, "reallocs_agreed", score->reallocs_agreed);
    ht_json_put_u64(json, "realloc_limit_percent", HT_SCORE_REALLOC_PERCENT);
    put_bool(json, "reallocs_agree", score->reallocs_agree);
    ht_json_end(json);
}

void ht_replay_put_metrics_json(struct ht_json *json, const struct ht_replay_report *report)
{
    const struct ht_measure *measure = report->measure;
    static const char *const fields[] = {
        "operation",    "time_ns",  "live_bytes", "live_blocks",    "usable_bytes", "page_bytes",
        "sparse_bytes", "reallocs", "moved",      "resident_bytes", "mapped_bytes"};
    ht_json_put_object(json, "metrics");
    if (report->baseline == NULL)
        put_score(json, ht_measure_score(measure));
    ht_json_line(json);
    ht_json_put_u64(json, "bytes_of_page", HT_PAGE_BYTES);
    ht_json_key(json, "gap_sizes");
    ht_json_begin_array(json);
    for (int i = 0; i < HT_GAP_SIZES; i++)
        ht_json_u64(json, ht_measure_gap_sizes(measure)[i]);
    ht_json_end(json);
    ht_json_key(json, "sample_fields");
    ht_json_begin_array(json);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        ht_json_string(json, fields[i]);
    ht_json_end(json);
    bool is_changed = report->baseline != NULL;
    const int64_t *mark_ns = ht_measure_mark_ns(measure);
    put_report(json, is_changed ? "unchanged" : "recorded", report->was, mark_ns, report->stacks);
    put_report(json, is_changed ? "what_if" : "replayed", report->is, mark_ns, report->stacks);
    ht_json_end(json);
}
