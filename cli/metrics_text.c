// SPDX-License-Identifier: MIT
//
// The metrics of `heaptape replay --metrics` for people: recorded beside replayed.
#include "cli/figures.h"
#include "cli/replay_report.h"

#include <inttypes.h>
#include <stdio.h>

enum { FRAMES_SHOWN = 4 };

static void row(const char *label, struct ht_shown recorded, struct ht_shown here)
{
    printf("  %-30s%18s%18s\n", label, recorded.text, here.text);
}

static void row_of_ratios(const char *label, double recorded, double here)
{
    row(label, ht_figure_ratio(recorded), ht_figure_ratio(here));
}

static void row_of_counts(const char *label, uint64_t recorded, uint64_t here)
{
    row(label, ht_show_count(recorded), ht_show_count(here));
}

// "  from 10-99 B".
static struct ht_shown label_of_decade(const char *before, int decade, const char *behind)
{
    struct ht_shown label;
    snprintf(label.text, sizeof label.text, "%s%s%s", before, ht_figure_decade(decade), behind);
    return label;
}

static void print_spread(const char *const columns[2], const struct ht_metrics_report *recorded,
                         const struct ht_metrics_report *here)
{
    printf("\n  %-30s%18s%18s\n", "pages in use / live bytes", columns[0], columns[1]);
    row_of_ratios("  F1 average by operation", recorded->f1_operations, here->f1_operations);
    row_of_ratios("  F1 average by recorded time", recorded->f1_time, here->f1_time);
    row_of_ratios("  F2 at the live peak", recorded->f2, here->f2);
    row_of_ratios("  F3 at the page peak", recorded->f3, here->f3);
    row_of_ratios("  F4 page peak / live peak", recorded->f4, here->f4);
    row_of_ratios("  retention: at the end", recorded->retention, here->retention);
    row_of_counts("live peak, at operation", recorded->peak.operation, here->peak.operation);
    row_of_counts("  bytes", recorded->peak.live_bytes, here->peak.live_bytes);
    row_of_counts("  bytes of pages in use", recorded->peak.page_bytes, here->peak.page_bytes);
    row_of_counts("  bytes of sparse pages", recorded->peak.sparse_bytes, here->peak.sparse_bytes);
    row_of_counts("    blocks on them", ht_figure_pinning_blocks(&recorded->look),
                  ht_figure_pinning_blocks(&here->look));
    row_of_counts("page peak, at operation", recorded->page_peak.operation,
                  here->page_peak.operation);
    row_of_counts("  bytes of pages in use", recorded->page_peak.page_bytes,
                  here->page_peak.page_bytes);
    row_of_counts("end, bytes of pages in use", recorded->end.page_bytes, here->end.page_bytes);
    row_of_counts("  bytes of sparse pages", recorded->end.sparse_bytes, here->end.sparse_bytes);
    row_of_counts("    blocks on them", ht_figure_pinning_blocks(&recorded->last),
                  ht_figure_pinning_blocks(&here->last));
}

// The share of all bytes made that was not asked for.
static struct ht_shown waste_made(const struct ht_metrics_report *report)
{
    uint64_t requested = 0;
    uint64_t usable = 0;
    for (int i = 0; i < HT_METRICS_DECADES; i++) {
        requested += report->made[i].requested_bytes;
        usable += report->made[i].usable_bytes;
    }
    return ht_figure_rest(usable, requested);
}

// Bytes inside of blocks that were not asked for; only heaps that tell usable sizes have them.
static void print_internal(const struct ht_metrics_report *was, const struct ht_metrics_report *is)
{
    if (!is->has_usable)
        return;
    row("wasted in blocks, live peak", ht_figure_rest(was->peak.usable_bytes, was->peak.live_bytes),
        ht_figure_rest(is->peak.usable_bytes, is->peak.live_bytes));
    row("  of all blocks made", waste_made(was), waste_made(is));
}

static struct ht_shown held(const char *source, const struct ht_look *look, uint64_t bytes)
{
    return source != NULL && look->is_taken ? ht_show_count(bytes) : (struct ht_shown){"-"};
}

static double held_for_live(const struct ht_metrics_report *report)
{
    bool is_known = report->look.is_taken && report->peak.live_bytes > 0;
    return is_known ? (double)report->look.held.resident_bytes / (double)report->peak.live_bytes
                    : 0;
}

// What the system says at the live peak. It says nothing of a recording.
static void print_held(const struct ht_metrics_report *was, const struct ht_metrics_report *is)
{
    if (is->resident_source == NULL)
        return;
    row("resident growth at live peak",
        held(was->resident_source, &was->look, was->look.held.resident_bytes),
        held(is->resident_source, &is->look, is->look.held.resident_bytes));
    row_of_ratios("  for each live byte", held_for_live(was), held_for_live(is));
    row("mapped growth at live peak",
        held(was->mapped_source, &was->look, was->look.held.mapped_bytes),
        held(is->mapped_source, &is->look, is->look.held.mapped_bytes));
}

static void print_gaps(const struct ht_look *was, const struct ht_look *is,
                       const uint64_t sizes[HT_GAP_SIZES])
{
    const struct ht_gaps *recorded = &was->gaps;
    const struct ht_gaps *here = &is->gaps;
    static const char *const ranks[HT_GAP_SIZES] = {"median", "90 %", "99 %"};
    row("headers and rounding of pages", ht_figure_share(recorded->slim_bytes, was->page_bytes),
        ht_figure_share(here->slim_bytes, is->page_bytes));
    row_of_counts("gaps at the live peak", recorded->count, here->count);
    row_of_counts("  bytes", recorded->free_bytes, here->free_bytes);
    row_of_counts("  largest", recorded->largest_bytes, here->largest_bytes);
    row("  not in the largest", ht_figure_rest(recorded->free_bytes, recorded->largest_bytes),
        ht_figure_rest(here->free_bytes, here->largest_bytes));
    for (int i = 0; i < HT_GAP_SIZES; i++) {
        char label[64];
        snprintf(label, sizeof label, "  unusable for %.12s (%s)", ht_show_size(sizes[i]).text,
                 ranks[i]);
        row(label, ht_figure_rest(recorded->free_bytes, recorded->usable_bytes[i]),
            ht_figure_rest(here->free_bytes, here->usable_bytes[i]));
    }
}

static void print_grown(const struct ht_metrics_report *recorded,
                        const struct ht_metrics_report *here)
{
    printf("  grown in place\n");
    for (int i = 0; i < HT_METRICS_DECADES; i++) {
        const struct ht_metrics_grown *was = &recorded->grown[i];
        const struct ht_metrics_grown *is = &here->grown[i];
        if (was->count + is->count > 0)
            row(label_of_decade("  from ", i, " B").text,
                ht_figure_share(was->in_place, was->count),
                ht_figure_share(is->in_place, is->count));
    }
}

static void print_factors(const struct ht_metrics_report *recorded,
                          const struct ht_metrics_report *here)
{
    printf("  grown in place, by new / old\n");
    for (int i = 0; i < HT_METRICS_FACTORS; i++) {
        const struct ht_metrics_grown *was = &recorded->factors[i];
        const struct ht_metrics_grown *is = &here->factors[i];
        char label[96];
        snprintf(label, sizeof label, "  by %s", ht_figure_factor(i).text);
        if (was->count + is->count > 0)
            row(label, ht_figure_share(was->in_place, was->count),
                ht_figure_share(is->in_place, is->count));
    }
}

static void print_reallocs(const struct ht_metrics_report *recorded,
                           const struct ht_metrics_report *here)
{
    static const char *const labels[HT_DIRECTION_COUNT] = {
        [HT_DIRECTION_GROW] = "growing reallocs moved",
        [HT_DIRECTION_SHRINK] = "shrinking reallocs moved",
        [HT_DIRECTION_SAME] = "reallocs of same size moved",
    };
    if (ht_figure_requested_bytes(recorded) + ht_figure_requested_bytes(here) == 0)
        return;
    for (int i = 0; i < HT_DIRECTION_COUNT; i++) {
        const struct ht_metrics_reallocs *was = &recorded->reallocs[i];
        const struct ht_metrics_reallocs *is = &here->reallocs[i];
        if (was->count + is->count > 0)
            row(labels[i], ht_figure_share(was->moved, was->count),
                ht_figure_share(is->moved, is->count));
    }
    row("bytes copied / requested",
        ht_figure_share(ht_figure_copied_bytes(recorded), ht_figure_requested_bytes(recorded)),
        ht_figure_share(ht_figure_copied_bytes(here), ht_figure_requested_bytes(here)));
    row_of_counts("greatest old + new at a move", recorded->doubling_bytes, here->doubling_bytes);
    if (recorded->reallocs[HT_DIRECTION_GROW].count + here->reallocs[HT_DIRECTION_GROW].count > 0) {
        print_grown(recorded, here);
        print_factors(recorded, here);
    }
}

static void row_of_pinning(const char *label, const struct ht_pinning *pinning,
                           uint64_t sparse_bytes)
{
    row(label, ht_show_count(pinning->blocks),
        ht_figure_share(pinning->pinned_bytes, sparse_bytes));
}

static int most(const struct ht_pinning decades[HT_METRICS_DECADES])
{
    int found = 0;
    for (int i = 1; i < HT_METRICS_DECADES; i++)
        found = decades[i].pinned_bytes > decades[found].pinned_bytes ? i : found;
    return found;
}

// The innermost frames.
static void print_stack(const struct ht_dict *stacks, uint32_t id)
{
    size_t count = 0;
    const struct ht_frame *frames = ht_dict_stack(stacks, id, &count);
    for (size_t i = 0; i < count && i < FRAMES_SHOWN; i++) {
        size_t length = 0;
        const char *module = ht_dict_string(stacks, frames[i].module, &length);
        printf("      ");
        ht_show_name(module, length);
        printf("%s0x%" PRIx64 "\n", length > 0 ? "+" : "", frames[i].address);
    }
}

static void print_pinning(const struct ht_metrics_report *here, const struct ht_dict *stacks)
{
    const struct ht_look_pinning *by = &here->last.pinning;
    uint64_t sparse_bytes = here->end.sparse_bytes;
    int size = most(by->by_size);
    int age = most(by->by_age);
    char label[64];
    if (sparse_bytes == 0 || by->threads == 0)
        return;
    printf("\n  %-30s%18s%18s\n", "pins most of the sparse pages", "blocks", "share here");
    row_of_pinning(label_of_decade("  size ", size, " B").text, &by->by_size[size], sparse_bytes);
    row_of_pinning(label_of_decade("  made ", age, " ops ago").text, &by->by_age[age],
                   sparse_bytes);
    if (by->by_thread[0].id == UINT32_MAX)
        snprintf(label, sizeof label, "  thread unknown");
    else
        snprintf(label, sizeof label, "  thread %" PRIu64, by->by_thread[0].id);
    row_of_pinning(label, &by->by_thread[0], sparse_bytes);
    if (stacks != NULL && by->by_stack[0].id != 0) {
        row_of_pinning("  call stack", &by->by_stack[0], sparse_bytes);
        print_stack(stacks, (uint32_t)by->by_stack[0].id);
    }
}

static struct ht_shown held_at_mark(const char *source, const struct ht_metrics_mark *mark)
{
    return held(source, &mark->look, mark->look.held.resident_bytes);
}

static void print_mark(const struct ht_replay_report *report, uint32_t index)
{
    const struct ht_metrics_mark *was = &report->was->marks[index];
    const struct ht_metrics_mark *is = &report->is->marks[index];
    const struct ht_gaps *gaps[2] = {&was->look.gaps, &is->look.gaps};
    char label[64];
    if (!was->look.is_taken || !is->look.is_taken)
        return;
    snprintf(label, sizeof label, "mark at %.40s",
             ht_show_seconds(ht_measure_mark_ns(report->measure)[index]).text);
    printf("\n  %-30s%18s%18s\n", label, report->columns[0], report->columns[1]);
    row_of_counts("  operation", was->moment.operation, is->moment.operation);
    row_of_counts("  live bytes", was->moment.live_bytes, is->moment.live_bytes);
    row_of_counts("  bytes of pages in use", was->moment.page_bytes, is->moment.page_bytes);
    row("  pages / live bytes", ht_figure_quotient(was->moment.page_bytes, was->moment.live_bytes),
        ht_figure_quotient(is->moment.page_bytes, is->moment.live_bytes));
    row_of_counts("  bytes of sparse pages", was->moment.sparse_bytes, is->moment.sparse_bytes);
    row_of_counts("  bytes of gaps", gaps[0]->free_bytes, gaps[1]->free_bytes);
    row("    not in the largest", ht_figure_rest(gaps[0]->free_bytes, gaps[0]->largest_bytes),
        ht_figure_rest(gaps[1]->free_bytes, gaps[1]->largest_bytes));
    if (report->is->resident_source != NULL)
        row("  resident growth", held_at_mark(report->was->resident_source, was),
            held_at_mark(report->is->resident_source, is));
}

static void print_score(const struct ht_score *score)
{
    printf("\n  fragmentation reproduced: %s\n", ht_verdict_name(score->verdict));
    if (score->verdict == HT_VERDICT_NONE)
        return;
    printf("    %s\n", ht_figure_spread_score(score).text);
    if (score->reallocs > 0)
        printf("    %s\n", ht_figure_realloc_score(score).text);
}

void ht_replay_print_metrics_text(const struct ht_replay_report *report)
{
    const struct ht_measure *measure = report->measure;
    const struct ht_metrics_report *recorded = report->was;
    const struct ht_metrics_report *here = report->is;
    if (report->result->order != HT_ORDER_SERIAL)
        printf("\n  The metrics have each block where its thread had it, in the recorded order.\n");
    if (!report->result->is_whole)
        printf("\n  They are of the first %s operations: the next was not played.\n",
               ht_show_count(here->operations).text);
    print_spread(report->columns, recorded, here);
    print_held(recorded, here);
    print_internal(recorded, here);
    print_gaps(&recorded->look, &here->look, ht_measure_gap_sizes(measure));
    print_reallocs(recorded, here);
    if (recorded->oversized + here->oversized > 0)
        row_of_counts("left out: over 1 TiB", recorded->oversized, here->oversized);
    for (uint32_t i = 0; i < here->mark_count; i++)
        print_mark(report, i);
    print_pinning(here, report->stacks);
    if (report->baseline == NULL)
        print_score(ht_measure_score(measure));
}
