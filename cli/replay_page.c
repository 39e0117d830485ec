// SPDX-License-Identifier: MIT
//
// The page of `heaptape replay --report`: one file that refers to no other and loads nothing, which
// its own policy forbids besides. This file has what stands around the pictures and tables.
#include "cli/replay_page.h"

#include "cli/figures.h"
#include "cli/system.h"

#include <inttypes.h>
#include <stdio.h>

static void fact(struct ht_html *html, const char *label, const char *text)
{
    ht_html_print(html, "<div><b>%s</b>", label);
    ht_html_string(html, text);
    ht_html_put(html, "</div>\n");
}

static void fact_if_any(struct ht_html *html, const char *label, uint64_t count)
{
    if (count > 0)
        fact(html, label, ht_show_count(count).text);
}

static void put_title(struct ht_html *html, const struct ht_replay_report *report)
{
    ht_html_put(html, "<h1>");
    ht_html_string(html, report->file);
    ht_html_put(html, " on ");
    ht_html_string(html, report->result->heap->name);
    ht_html_put(html, "</h1>\n");
    for (size_t i = 0; report->changes != NULL && i < report->changes->count; i++) {
        ht_html_put(html, i == 0 ? "<p>What if: <b>" : ", <b>");
        ht_html_string(html, report->changes->texts[i]);
        ht_html_put(html, "</b>");
    }
    ht_html_put(html, report->changes != NULL ? "</p>\n" : "");
}

// Of the orders of several threads, also how far they were off the recorded one.
static void put_order(struct ht_html *html, const struct ht_replay_result *result)
{
    char text[192];
    fact(html, "order", ht_order_name(result->order));
    if (result->order == HT_ORDER_SERIAL)
        return;
    snprintf(text, sizeof text, "%.40s recorded on %.40s, at most %.40s operations apart",
             ht_show_count(result->schedule.threads).text,
             ht_show_count(result->schedule.workers).text,
             ht_show_count(result->schedule.window).text);
    fact(html, "threads", text);
    fact(html, "live bytes off the recorded, on average",
         ht_show_count(result->causal.drift_mean_bytes).text);
    fact(html, "the figures", "of each block where its thread had it, in the recorded order");
}

static void put_facts(struct ht_html *html, const struct ht_replay_report *report)
{
    const struct ht_replay_result *result = report->result;
    const struct ht_what_if_counts *changed = &report->source->changed;
    char text[256];
    ht_html_put(html, "<div class=\"facts\">\n");
    fact(html, "heap", result->heap_version);
    for (size_t i = 0; i < report->choice->setting_count; i++)
        fact(html, "with", report->choice->settings[i]);
    fact(html, "operations", ht_show_count(result->operations).text);
    if (!result->is_whole)
        fact(html, "interrupted; of the trace", ht_show_count(result->plan.operations).text);
    fact(html, "touch", ht_touch_name(result->touch));
    put_order(html, result);
    if (result->plan.heap_limit > 1)
        fact(html, "recorded heaps",
             result->is_apart ? "each on a heap of its own" : "all on one heap");
    ht_system_describe(text, sizeof text);
    fact(html, "system", text);
    fact(html, "heaptape", HT_VERSION);
    snprintf(text, sizeof text, "0x%" PRIx64, result->plan.digest);
    fact(html, "digest of the operations", text);
    fact_if_any(html, "frees of blocks unknown to the trace, left out",
                report->source->counts.unknown_frees);
    fact_if_any(html, "reallocs within the capacity: no calls", changed->spared);
    fact_if_any(html, "most capacity not asked for, bytes", changed->spare_peak_bytes);
    fact_if_any(html, "calls for blocks that live elsewhere", changed->elsewhere);
    fact_if_any(html, "most bytes that live there", changed->elsewhere_peak_bytes);
    fact(html, "lost by the trace",
         ht_show_loss(report->source->loss, text, sizeof text) ? text : "nothing");
    ht_html_put(html, "</div>\n");
}

static void put_verdict(struct ht_html *html, const struct ht_score *score)
{
    static const char *const styles[] = {"none", "yes", "partly", "no"};
    ht_html_print(html, "<p class=\"verdict %s\">Fragmentation reproduced: <b>%s</b>",
                  styles[score->verdict], ht_verdict_name(score->verdict));
    if (score->verdict != HT_VERDICT_NONE)
        ht_html_print(html, "<br><span class=\"small\">%s", ht_figure_spread_score(score).text);
    if (score->verdict != HT_VERDICT_NONE && score->reallocs > 0)
        ht_html_print(html, "; %s", ht_figure_realloc_score(score).text);
    ht_html_put(html, score->verdict != HT_VERDICT_NONE ? "</span></p>\n" : "</p>\n");
}

// A figure in large; below it that of the first column.
static void tile(struct ht_html *html, const struct ht_replay_report *report, const char *label,
                 const char *is, const char *was, const char *exact)
{
    ht_html_print(html, "<div class=\"tile\" title=\"%s\"><span>%s</span><b>%s</b>", exact, label,
                  is);
    ht_html_print(html, "<span>%s %s</span></div>\n", report->columns[0], was);
}

static void tile_of_ratio(struct ht_html *html, const struct ht_replay_report *report,
                          const char *label, double was, double is)
{
    char exact[96];
    snprintf(exact, sizeof exact, "%s %.6f, %s %.6f", report->columns[1], is, report->columns[0],
             was);
    tile(html, report, label, ht_figure_ratio(is).text, ht_figure_ratio(was).text, exact);
}

static void tile_of_bytes(struct ht_html *html, const struct ht_replay_report *report,
                          const char *label, uint64_t was, uint64_t is)
{
    char exact[160];
    snprintf(exact, sizeof exact, "%s %.50s, %s %.50s", report->columns[1], ht_show_bytes(is).text,
             report->columns[0], ht_show_bytes(was).text);
    tile(html, report, label, ht_show_size(is).text, ht_show_size(was).text, exact);
}

static void put_tiles(struct ht_html *html, const struct ht_replay_report *report)
{
    const struct ht_metrics_report *was = report->was;
    const struct ht_metrics_report *is = report->is;
    char exact[192];
    ht_html_put(html, "<div class=\"tiles\">\n");
    tile_of_bytes(html, report, "live peak", was->peak.live_bytes, is->peak.live_bytes);
    tile_of_bytes(html, report, "page peak", was->page_peak.page_bytes, is->page_peak.page_bytes);
    tile_of_ratio(html, report, "F1, on average", was->f1_operations, is->f1_operations);
    tile_of_ratio(html, report, "F2, at the live peak", was->f2, is->f2);
    tile_of_ratio(html, report, "retention, at the end", was->retention, is->retention);
    snprintf(exact, sizeof exact, "%.30s of %.30s, %s %.30s of %.30s",
             ht_show_count(is->end.moved).text, ht_show_count(is->end.reallocs).text,
             report->columns[0], ht_show_count(was->end.moved).text,
             ht_show_count(was->end.reallocs).text);
    tile(html, report, "reallocs moved", ht_figure_share(is->end.moved, is->end.reallocs).text,
         ht_figure_share(was->end.moved, was->end.reallocs).text, exact);
    ht_html_put(html, "</div>\n");
}

static void put_differences(struct ht_html *html, const struct ht_replay_report *report)
{
    struct ht_difference differences[HT_DIFFERENCES_MAX];
    struct ht_run run = ht_run_of(report->result, report->measure);
    size_t count = ht_differences_of(&report->baseline->run, &run, differences);
    ht_html_print(html,
                  "<h2>The difference</h2>\n<table><thead><tr><th></th><th class=\"n\">%s</th>"
                  "<th class=\"n\">%s</th><th class=\"n\">difference</th></tr></thead><tbody>\n",
                  report->columns[0], report->columns[1]);
    for (size_t i = 0; i < count; i++) {
        const struct ht_difference *each = &differences[i];
        char exact[96];
        ht_html_print(html, "<tr><th>%s</th>", each->label);
        snprintf(exact, sizeof exact, "%.6g", each->unchanged);
        ht_page_put_cell(html, ht_difference_value(each, each->unchanged).text, exact);
        snprintf(exact, sizeof exact, "%.6g", each->changed);
        ht_page_put_cell(html, ht_difference_value(each, each->changed).text, exact);
        snprintf(exact, sizeof exact, "%+.6g", each->changed - each->unchanged);
        ht_page_put_cell(html, ht_difference_text(each).text, exact);
        ht_html_put(html, "</tr>\n");
    }
    ht_html_put(html, "</tbody></table>\n");
}

static void put_words(struct ht_html *html)
{
    ht_html_put(
        html,
        "<h2>Words</h2>\n<dl>"
        "<dt>live bytes</dt><dd>requested sizes of all live blocks</dd>"
        "<dt>pages in use</dt><dd>4096-byte pages that hold a live requested byte: the least that "
        "the heap must hold with its blocks where they are</dd>"
        "<dt>F1 to F4</dt><dd>pages in use / live bytes: on average, at the live peak, at the page "
        "peak, and the one peak by the other</dd>"
        "<dt>retention</dt><dd>the same after the last operation</dd>"
        "<dt>sparse pages</dt><dd>pages in use that are less than a quarter live</dd>"
        "<dt>gap</dt><dd>a run of 32 bytes or more between live blocks, in regions of 64 KiB that "
        "hold one</dd>"
        "<dt>usable</dt><dd>what the heap says a block has room for</dd>"
        "<dt>resident, mapped</dt><dd>what the system says of the process, less what it said "
        "before the first operation</dd></dl>\n"
        "<p class=\"small\">docs/replay.md has the formulas.</p>\n");
}

static void put_page(struct ht_html *html, const struct ht_replay_report *report,
                     const struct ht_heap_map *was, const struct ht_heap_map *is)
{
    ht_page_begin(html);
    put_title(html, report);
    put_facts(html, report);
    if (report->baseline == NULL)
        put_verdict(html, ht_measure_score(report->measure));
    put_tiles(html, report);
    ht_html_put(html, "<h2>Over the run</h2>\n");
    ht_page_put_timelines(html, report);
    ht_html_put(html, "<h2>Heap map</h2>\n<p class=\"small\">Addresses grow downwards, the run "
                      "goes from left to right; the stronger the colour, the fuller with live "
                      "bytes. Addresses that were never used are left out.</p>\n");
    ht_page_put_map_key(html);
    ht_html_put(html, "<div class=\"pair\">\n");
    ht_page_put_map(html, report->columns[0], was);
    ht_page_put_map(html, report->columns[1], is);
    ht_html_put(html, "</div>\n");
    if (report->baseline != NULL)
        put_differences(html, report);
    ht_page_put_tables(html, report);
    put_words(html);
    ht_page_end(html);
}

enum ht_status ht_replay_write_page(const struct ht_replay_report *report,
                                    const struct ht_heap_map *was, const struct ht_heap_map *is,
                                    const char *path, struct ht_error *error)
{
    struct ht_html html = {0};
    enum ht_status status = ht_output_open(path, &html.output, error);
    if (status != HT_OK)
        return status;
    put_page(&html, report, was, is);
    status = html.status;
    if (status != HT_OK)
        *error = html.error;
    else
        status = ht_output_commit(html.output, error);
    ht_output_close(html.output);
    return status;
}
