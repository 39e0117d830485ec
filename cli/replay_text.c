// SPDX-License-Identifier: MIT
//
// `heaptape replay` for people.
#include "cli/replay_report.h"
#include "cli/show.h"
#include "cli/system.h"

#include <inttypes.h>
#include <stdio.h>

static void row(const char *label, uint64_t count)
{
    printf("  %-30s%18s\n", label, ht_show_count(count).text);
}

// For what is only worth a line when it happened.
static void row_if_any(const char *label, uint64_t count)
{
    if (count > 0)
        row(label, count);
}

static void pair(const char *label, uint64_t recorded, uint64_t here)
{
    printf("  %-30s%18s%18s\n", label, ht_show_count(recorded).text, ht_show_count(here).text);
}

static void print_speed(const struct ht_replay_result *result)
{
    uint64_t reallocs =
        result->plan.by_kind[HT_OP_REALLOC_IN_PLACE] + result->plan.by_kind[HT_OP_REALLOC_MOVED];
    printf("\n");
    row("operations", result->operations);
    if (!result->is_whole)
        row("  interrupted; of the trace", result->plan.operations);
    row("  allocs", result->plan.by_kind[HT_OP_ALLOC]);
    row("  reallocs", reallocs);
    row("  frees", result->plan.by_kind[HT_OP_FREE]);
    row_if_any("  adopted: older than the trace", result->plan.by_kind[HT_OP_ADOPT]);
    row_if_any("  skipped", result->played.skipped);
    row_if_any("allocs that failed here", result->played.failed_allocs);
    row_if_any("reallocs that failed here", result->played.failed_reallocs);
    if (!result->is_timed)
        return;
    printf("  %-30s%18.1f\n", "ns per operation", result->ns_per_op);
    if (result->order != HT_ORDER_TIMED)
        printf("  %-30s%18.1f\n", "  on the null heap", result->null_ns_per_op);
}

// Another width of pointers than the recording's is another heap, even of the same name.
static void print_width(const struct ht_replay_report *report)
{
    uint64_t narrow = report->source->narrow_operations;
    if (narrow > 0 && HT_HOST_BITS != 32)
        printf("  %s of %s operations are of 32-bit code, whose blocks have smaller headers and\n"
               "  steps than those of the %d bits here; the sizes are the recorded ones\n",
               ht_show_count(narrow).text, ht_show_count(report->result->plan.operations).text,
               HT_HOST_BITS);
}

// In bytes, and as a share of the recorded peak.
static void drift(const char *label, uint64_t bytes, const struct ht_replay_result *result)
{
    double peak = (double)result->plan.peak_bytes;
    printf("  %-30s%18s%16.2f %%\n", label, ht_show_count(bytes).text,
           peak > 0 ? 100 * (double)bytes / peak : 0);
}

static void print_causal(const struct ht_replay_result *result)
{
    const struct ht_schedule_totals *schedule = &result->schedule;
    const struct ht_causal_report *causal = &result->causal;
    printf("\n");
    row("waits for another thread", causal->waits + causal->slice_waits);
    row("  of these slept", causal->sleeps);
    drift("live bytes off, on average", causal->drift_mean_bytes, result);
    drift("live bytes off, at most", causal->drift_most_bytes, result);
    if (schedule->speed <= 0)
        return;
    row("times waited for", causal->due);
    printf("  %-30s%18.3f\n", "  late on average, ms", (double)causal->late_mean_ns / 1e6);
    printf("  %-30s%18.3f\n", "  late at most, ms", (double)causal->late_most_ns / 1e6);
    row("  late by over 1 ms", causal->late_over_1ms);
}

static void print_order(const struct ht_replay_result *result)
{
    const struct ht_schedule_totals *schedule = &result->schedule;
    printf("  order %s, digest 0x%" PRIx64 ", addresses %srandomised\n",
           ht_order_name(result->order), result->plan.digest,
           ht_system_has_fixed_addresses() ? "not " : "");
    if (result->is_in_parts)
        printf("  played in parts, each read while the one before was played\n");
    if (result->order == HT_ORDER_SERIAL)
        return;
    printf("  %s recorded threads on %s, at most %s operations apart",
           ht_show_count(schedule->threads).text, ht_show_count(schedule->workers).text,
           ht_show_count(schedule->window).text);
    if (schedule->speed > 0)
        printf(", at %.15g times the recorded speed", schedule->speed);
    printf("\n");
}

// The cases of reallocs that a reader may not expect, and the directions.
static void print_cases(const struct ht_realloc_cases *cases)
{
    if (cases->grown + cases->shrunk + cases->same_size > 0) {
        row("reallocs that grow", cases->grown);
        row("  shrink", cases->shrunk);
        row("  keep the size", cases->same_size);
    }
    row_if_any("  to no bytes, of these", cases->to_zero);
    row_if_any("  onto a live block, of these", cases->onto_live);
    row_if_any("  of NULL: allocs", cases->of_null);
    row_if_any("  failed in the recording", cases->failed);
}

static void print_pairs(const struct ht_replay_report *report)
{
    const struct ht_replay_result *result = report->result;
    const struct ht_plan_totals *recorded = &result->plan;
    const struct ht_played *played = &result->played;
    printf("\n  %-30s%18s%18s\n", "", "recorded", "here");
    pair("peak live bytes", recorded->peak_bytes, played->peak_bytes);
    pair("live bytes at end", recorded->final_bytes, played->live_bytes);
    pair("live blocks at end", recorded->final_blocks, result->final_blocks);
    pair("reallocs in place", recorded->by_kind[HT_OP_REALLOC_IN_PLACE], result->reallocs_in_place);
    pair("reallocs moved", recorded->by_kind[HT_OP_REALLOC_MOVED], result->reallocs_moved);
    pair("bytes copied by moves", recorded->bytes_copied, played->bytes_copied);
    print_cases(&report->source->counts.reallocs);
}

static void growth(const char *label, int64_t bytes)
{
    uint64_t distance = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    printf("  %-30s%s%s\n", label, bytes < 0 ? "-" : "", ht_show_bytes(distance).text);
}

static void print_memory(const struct ht_replay_result *result)
{
    const struct ht_replay_resident *resident = &result->resident;
    printf("\n");
    if (resident->source != NULL) {
        growth("resident growth", resident->growth_bytes);
        growth("  left after freeing all",
               (int64_t)(resident->released_bytes - resident->before_bytes));
    }
    if (resident->peak_source != NULL)
        growth("  at the peak", (int64_t)resident->peak_growth_bytes);
    growth("harness, not in these", (int64_t)result->harness_bytes);
}

// The heap's own figures, under its own names.
static void print_account(const struct ht_replay_report *report)
{
    const struct ht_account *before = &report->result->account_before;
    const struct ht_account *after = &report->result->account_after;
    const struct ht_account *peak =
        report->measure == NULL ? after : ht_measure_account(report->measure);
    if (after->count == 0 || peak->count != after->count)
        return;
    int width = peak == after ? 0 : 14; // of the last column
    printf("\n  %-42s%14s%14s%*s\n", "the heap of itself", "before", "at the end", width,
           peak == after ? "" : "at the peak");
    for (size_t i = 0; i < after->count; i++)
        printf("    %-40s%14s%14s%*s\n", after->names[i], ht_show_count(before->bytes[i]).text,
               ht_show_count(after->bytes[i]).text, width,
               peak == after ? "" : ht_show_count(peak->bytes[i]).text);
    printf("  This is what %s says of %s, in the heap's own terms.\n", after->source,
           after->scope != NULL ? after->scope : "the whole process");
}

static void print_latency(const struct ht_latency_report *latency)
{
    printf("\n  %-20s%12s%10s%10s%10s%10s%12s\n", "one call, ns", "timed", "50 %", "90 %", "99 %",
           "99.9 %", "most");
    for (int i = 0; i < HT_LATENCY_KIND_COUNT; i++) {
        static const char *const labels[HT_LATENCY_KIND_COUNT] = {"alloc", "realloc in place",
                                                                  "realloc moved", "free"};
        struct ht_latency_figures figures = latency->of[i];
        printf("  %-20s%12s%10s%10s%10s%10s%12s\n", labels[i], ht_show_count(figures.timed).text,
               ht_show_count(figures.p50_ns).text, ht_show_count(figures.p90_ns).text,
               ht_show_count(figures.p99_ns).text, ht_show_count(figures.p999_ns).text,
               ht_show_count(figures.most_ns).text);
    }
    printf("  One call in %s was timed, which the ns per operation above include. The %s ns of a\n"
           "  timing of nothing are taken off here.\n",
           ht_show_count(latency->every).text, ht_show_count(latency->pair_ns).text);
}

static void print_what_if(const struct ht_replay_report *report)
{
    const struct ht_what_if_counts *changed = &report->source->changed;
    struct ht_difference differences[HT_DIFFERENCES_MAX];
    struct ht_run run = ht_run_of(report->result, report->measure);
    size_t count = ht_differences_of(&report->baseline->run, &run, differences);
    printf("\n  %-30s%18s%18s%14s\n", "", report->columns[0], report->columns[1], "difference");
    for (size_t i = 0; i < count; i++)
        printf("  %-30s%18s%18s%14s\n", differences[i].label,
               ht_difference_value(&differences[i], differences[i].unchanged).text,
               ht_difference_value(&differences[i], differences[i].changed).text,
               ht_difference_text(&differences[i]).text);
    if (changed->spared + changed->spare_peak_bytes + changed->elsewhere > 0)
        printf("\n");
    row_if_any("reallocs within the capacity", changed->spared);
    row_if_any("most capacity not asked for", changed->spare_peak_bytes);
    row_if_any("calls for blocks elsewhere", changed->elsewhere);
    row_if_any("  most bytes live there", changed->elsewhere_peak_bytes);
}

void ht_replay_print_text(const struct ht_replay_report *report)
{
    const struct ht_replay_result *result = report->result;
    const struct ht_number_counts *counts = &report->source->counts;
    char loss[256];
    printf("%s on %s (%s), touch %s\n", report->file, result->heap->name, result->heap_version,
           ht_touch_name(result->touch));
    if (result->plan.heap_limit > 1)
        printf("  %s recorded heaps, %s\n", ht_show_count(result->plan.heap_limit).text,
               result->is_apart ? "each on a heap of its own" : "all on one heap");
    print_order(result);
    print_width(report);
    for (size_t i = 0; i < report->choice->setting_count; i++)
        printf("  with %s\n", report->choice->settings[i]);
    for (size_t i = 0; report->changes != NULL && i < report->changes->count; i++)
        printf("  what if: %s\n", report->changes->texts[i]);
    print_speed(result);
    if (result->order != HT_ORDER_SERIAL)
        print_causal(result);
    if (result->latency.every > 0)
        print_latency(&result->latency);
    if (report->baseline != NULL)
        print_what_if(report);
    else
        print_pairs(report);
    print_memory(result);
    print_account(report);
    if (report->measure != NULL)
        ht_replay_print_metrics_text(report);
    if (counts->unknown_frees > 0)
        printf("\n  %s frees of blocks unknown to the trace were left out\n",
               ht_show_count(counts->unknown_frees).text);
    if (ht_show_loss(report->source->loss, loss, sizeof loss))
        printf("\n  the trace lost: %s\n", loss);
}
