// SPDX-License-Identifier: MIT
//
// The page of `heaptape replay --report`: one file that refers to no other and loads nothing, which
// its own policy forbids besides.
#include "cli/replay_page.h"

#include "cli/figures.h"
#include "cli/system.h"
#include "replay/pages.h"

#include <inttypes.h>
#include <stdio.h>

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>heaptape replay</title>\n"
    "<style>\n"
    "body{font:15px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:1080px;"
    "margin:2em auto;padding:0 1em}\n"
    "h1{font-size:1.6em;margin:0;overflow-wrap:anywhere}h2{font-size:1.2em;margin:2em 0 .5em;"
    "border-bottom:1px solid #ccc}h3{font-size:1em;margin:1em 0 .2em}\n"
    "table{border-collapse:collapse;margin:.5em 0}th,td{padding:.15em 1.2em .15em "
    "0;text-align:left;"
    "font-weight:normal;vertical-align:top;overflow-wrap:anywhere}\n"
    "thead th{color:#555;border-bottom:1px solid #999}.n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}thead .n{text-align:right}\n"
    ".verdict{font-size:1.15em;margin:1em 0;padding:.5em .8em;border-left:5px solid #08306b;"
    "background:#f2f5f9}.small{color:#555;font-size:.9em}\n"
    "svg{display:block;width:100%}svg text{font:12px system-ui,sans-serif;fill:#555}\n"
    ".grid{stroke:#ddd;fill:none}polyline{fill:none;stroke-width:1.6}\n"
    "polyline.live{stroke:#999}polyline.was{stroke:#1f5fa8}polyline.is{stroke:#c8500a;"
    "stroke-dasharray:5 2}.strip{fill:#000;fill-opacity:0}.strip:hover{fill-opacity:.15}\n"
    ".key{margin:0;font-size:.9em}.key span{margin-right:1.2em}.key .live{color:#666}"
    ".key .was{color:#1f5fa8}.key .is{color:#b04205}.key span::before{content:\"\\2014\\00a0\"}\n"
    ".pair{display:grid;grid-template-columns:1fr 1fr;gap:1.2em}figure{margin:0}"
    ".map{height:420px;border:1px solid #999;shape-rendering:crispEdges}\n"
    "@media print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}"
    "svg,figure,table{break-inside:avoid}*{print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}}\n"
    "</style></head>\n<body>\n";

static const char script[] =
    "<script>\n"
    "document.querySelectorAll('svg.map').forEach(function (map) {\n"
    "  var data = map.dataset, rows = data.rows.split(' '), columns = +data.columns;\n"
    "  var digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.';\n"
    "  map.addEventListener('mousemove', function (event) {\n"
    "    var box = map.getBoundingClientRect();\n"
    "    var x = Math.floor((event.clientX - box.left) / box.width * columns);\n"
    "    var y = Math.floor((event.clientY - box.top) / box.height * rows.length);\n"
    "    x = Math.max(0, Math.min(columns - 1, x));\n"
    "    y = Math.max(0, Math.min(rows.length - 1, y));\n"
    "    var level = digits.indexOf(data.cells[y * columns + x]);\n"
    "    var share = level ? Math.round((level - 1) / 63 * 100) : 0;\n"
    "    var operation = Math.floor(data.operations * (x + 1) / columns);\n"
    "    map.querySelector('title').textContent = 'from 0x' + rows[y] + ', after ' + operation +\n"
    "      ' operations: ' + (level ? 'about ' + share + ' % live' : 'nothing live');\n"
    "  });\n"
    "});\n"
    "</script>\n";

// A cell whose hover says the same figure more exactly.
static void cell(struct ht_html *html, const char *text, const char *exact)
{
    ht_html_print(html, "<td class=\"n\" title=\"%s\">%s</td>", exact, text);
}

static void cell_of_count(struct ht_html *html, uint64_t count)
{
    cell(html, ht_show_count(count).text, ht_show_count(count).text);
}

static void cell_of_bytes(struct ht_html *html, uint64_t bytes)
{
    cell(html, ht_show_count(bytes).text, ht_show_size(bytes).text);
}

static void cell_of_share(struct ht_html *html, uint64_t part, uint64_t whole)
{
    char exact[160];
    snprintf(exact, sizeof exact, "%s of %s", ht_show_count(part).text, ht_show_count(whole).text);
    cell(html, ht_figure_share(part, whole).text, exact);
}

// A table's head; the first column is of labels and the rest of figures. Ended by end_table.
static void begin_table(struct ht_html *html, const char *first, const char *const *columns,
                        int count)
{
    ht_html_print(html, "<table><thead><tr><th>%s</th>", first);
    for (int i = 0; i < count; i++)
        ht_html_print(html, "<th class=\"n\">%s</th>", columns[i]);
    ht_html_put(html, "</tr></thead><tbody>\n");
}

static void end_table(struct ht_html *html)
{
    ht_html_put(html, "</tbody></table>\n");
}

static void begin_row(struct ht_html *html, const char *label)
{
    ht_html_print(html, "<tr><th>%s</th>", label);
}

static void end_row(struct ht_html *html)
{
    ht_html_put(html, "</tr>\n");
}

static void fact(struct ht_html *html, const char *label, const char *text)
{
    begin_row(html, label);
    ht_html_put(html, "<td>");
    ht_html_string(html, text);
    ht_html_put(html, "</td>");
    end_row(html);
}

static void fact_if_any(struct ht_html *html, const char *label, uint64_t count)
{
    if (count > 0)
        fact(html, label, ht_show_count(count).text);
}

static void put_facts(struct ht_html *html, const struct ht_replay_report *report)
{
    const struct ht_replay_result *result = report->result;
    char text[256];
    ht_html_put(html, "<h1>");
    ht_html_string(html, report->file);
    ht_html_put(html, " on ");
    ht_html_string(html, result->heap->name);
    ht_html_put(html, "</h1>\n<table><tbody>\n");
    fact(html, "heap", result->heap_version);
    for (size_t i = 0; i < report->choice->setting_count; i++)
        fact(html, "with", report->choice->settings[i]);
    fact(html, "touch", ht_touch_name(result->touch));
    if (result->plan.heap_limit > 1)
        fact(html, "recorded heaps",
             result->is_apart ? "each on a heap of its own" : "all on one heap");
    ht_system_describe(text, sizeof text);
    fact(html, "system", text);
    fact(html, "heaptape", HT_VERSION);
    snprintf(text, sizeof text, "0x%" PRIx64, result->plan.digest);
    fact(html, "digest of the operations", text);
    fact(html, "operations", ht_show_count(result->operations).text);
    if (!result->is_whole)
        fact(html, "interrupted; of the trace", ht_show_count(result->plan.operations).text);
    fact_if_any(html, "adopted: older than the trace", result->plan.by_kind[HT_OP_ADOPT]);
    fact_if_any(html, "skipped", result->played.skipped);
    fact_if_any(html, "allocs that failed here", result->played.failed_allocs);
    fact_if_any(html, "reallocs that failed here", result->played.failed_reallocs);
    fact_if_any(html, "frees of blocks unknown to the trace, left out",
                report->source->counts.unknown_frees);
    fact(html, "lost by the trace",
         ht_show_loss(report->source->loss, text, sizeof text) ? text : "nothing");
    end_table(html);
}

static void put_verdict(struct ht_html *html, const struct ht_score *score)
{
    ht_html_print(html, "<p class=\"verdict\">Fragmentation reproduced: <b>%s</b>",
                  ht_verdict_name(score->verdict));
    if (score->verdict != HT_VERDICT_NONE)
        ht_html_print(
            html,
            "<br><span class=\"small\">F1 %s, F2 %s, retention %s of the recorded (each to"
            " be within %d %%)",
            ht_figure_ratio(score->f1_ratio).text, ht_figure_ratio(score->f2_ratio).text,
            ht_figure_ratio(score->retention_ratio).text, HT_SCORE_SPREAD_PERCENT);
    if (score->verdict != HT_VERDICT_NONE && score->reallocs > 0)
        ht_html_print(html, "; %s of the reallocs moved or stayed as recorded (to be %d %%)",
                      ht_figure_share(score->reallocs_agreed, score->reallocs).text,
                      HT_SCORE_REALLOC_PERCENT);
    ht_html_put(html, score->verdict != HT_VERDICT_NONE ? "</span></p>\n" : "</p>\n");
}

static const char *const both[] = {"recorded", "here"};

static void row_of_ratios(struct ht_html *html, const char *label, double was, double is)
{
    char exact[64];
    begin_row(html, label);
    snprintf(exact, sizeof exact, "%.6f", was);
    cell(html, ht_figure_ratio(was).text, exact);
    snprintf(exact, sizeof exact, "%.6f", is);
    cell(html, ht_figure_ratio(is).text, exact);
    end_row(html);
}

static void row_of_counts(struct ht_html *html, const char *label, uint64_t was, uint64_t is)
{
    begin_row(html, label);
    cell_of_count(html, was);
    cell_of_count(html, is);
    end_row(html);
}

static void row_of_bytes(struct ht_html *html, const char *label, uint64_t was, uint64_t is)
{
    begin_row(html, label);
    cell_of_bytes(html, was);
    cell_of_bytes(html, is);
    end_row(html);
}

static void put_metrics(struct ht_html *html, const struct ht_metrics_report *was,
                        const struct ht_metrics_report *is)
{
    ht_html_put(html, "<h2>Pages in use for each live byte</h2>\n");
    begin_table(html, "", both, 2);
    row_of_ratios(html, "F1 average by operation", was->f1_operations, is->f1_operations);
    row_of_ratios(html, "F1 average by recorded time", was->f1_time, is->f1_time);
    row_of_ratios(html, "F2 at the live peak", was->f2, is->f2);
    row_of_ratios(html, "F3 at the page peak", was->f3, is->f3);
    row_of_ratios(html, "F4 page peak / live peak", was->f4, is->f4);
    row_of_ratios(html, "retention: at the end", was->retention, is->retention);
    row_of_counts(html, "live peak, at operation", was->peak.operation, is->peak.operation);
    row_of_bytes(html, "&ensp;bytes", was->peak.live_bytes, is->peak.live_bytes);
    row_of_bytes(html, "&ensp;bytes of pages in use", was->peak.page_bytes, is->peak.page_bytes);
    row_of_counts(html, "page peak, at operation", was->page_peak.operation,
                  is->page_peak.operation);
    row_of_bytes(html, "&ensp;bytes of pages in use", was->page_peak.page_bytes,
                 is->page_peak.page_bytes);
    row_of_bytes(html, "end, live bytes", was->end.live_bytes, is->end.live_bytes);
    row_of_bytes(html, "&ensp;bytes of pages in use", was->end.page_bytes, is->end.page_bytes);
    row_of_bytes(html, "&ensp;bytes of sparse pages", was->end.sparse_bytes, is->end.sparse_bytes);
    end_table(html);
}

// What of the usable bytes was not asked for; a heap may tell fewer than were.
static void cell_of_waste(struct ht_html *html, const struct ht_metrics_sizes *sizes)
{
    bool is_more = sizes->usable_bytes > sizes->requested_bytes;
    cell_of_share(html, is_more ? sizes->usable_bytes - sizes->requested_bytes : 0,
                  sizes->usable_bytes);
}

static void put_waste(struct ht_html *html, const struct ht_metrics_report *is)
{
    static const char *const columns[] = {"blocks made", "requested", "usable", "wasted",
                                          "wasted, live peak"};
    ht_html_put(html, "<h2>Waste inside of blocks, by requested size</h2>\n");
    if (!is->has_usable) {
        ht_html_put(html, "<p>This heap does not tell the usable size of its blocks.</p>\n");
        return;
    }
    begin_table(html, "bytes", columns, 5);
    for (int i = 0; i < HT_METRICS_DECADES; i++) {
        const struct ht_metrics_sizes *made = &is->made[i];
        const struct ht_metrics_sizes *live = &is->look.live[i];
        if (made->blocks == 0)
            continue;
        begin_row(html, ht_figure_decade(i));
        cell_of_count(html, made->blocks);
        cell_of_bytes(html, made->requested_bytes);
        cell_of_bytes(html, made->usable_bytes);
        cell_of_waste(html, made);
        cell_of_waste(html, live);
        end_row(html);
    }
    end_table(html);
    ht_html_put(html, "<p class=\"small\">The recording does not tell usable sizes.</p>\n");
}

static void put_grown(struct ht_html *html, const struct ht_metrics_report *was,
                      const struct ht_metrics_report *is)
{
    static const char *const columns[] = {"grown", "in place, recorded", "in place, here"};
    begin_table(html, "grown from, bytes", columns, 3);
    for (int i = 0; i < HT_METRICS_DECADES; i++) {
        if (was->grown[i].count + is->grown[i].count == 0)
            continue;
        begin_row(html, ht_figure_decade(i));
        cell_of_count(html, was->grown[i].count);
        cell_of_share(html, was->grown[i].in_place, was->grown[i].count);
        cell_of_share(html, is->grown[i].in_place, is->grown[i].count);
        end_row(html);
    }
    end_table(html);
}

static void put_reallocs(struct ht_html *html, const struct ht_replay_report *report,
                         const struct ht_metrics_report *was, const struct ht_metrics_report *is)
{
    static const char *const columns[] = {"count", "moved, recorded", "moved, here",
                                          "bytes copied, recorded", "bytes copied, here"};
    static const char *const directions[HT_DIRECTION_COUNT] = {
        [HT_DIRECTION_GROW] = "growing",
        [HT_DIRECTION_SHRINK] = "shrinking",
        [HT_DIRECTION_SAME] = "of the same size",
    };
    static const char *const agreement[] = {"stayed here", "moved here"};
    const uint64_t(*agreed)[2] = report->result->played.agreement;
    ht_html_put(html, "<h2>Reallocs</h2>\n");
    begin_table(html, "", columns, 5);
    for (int i = 0; i < HT_DIRECTION_COUNT; i++) {
        begin_row(html, directions[i]);
        cell_of_count(html, was->reallocs[i].count);
        cell_of_share(html, was->reallocs[i].moved, was->reallocs[i].count);
        cell_of_share(html, is->reallocs[i].moved, is->reallocs[i].count);
        cell_of_bytes(html, was->reallocs[i].bytes_copied);
        cell_of_bytes(html, is->reallocs[i].bytes_copied);
        end_row(html);
    }
    end_table(html);
    begin_table(html, "agreement", agreement, 2);
    row_of_counts(html, "stayed in the recording", agreed[0][0], agreed[0][1]);
    row_of_counts(html, "moved in the recording", agreed[1][0], agreed[1][1]);
    end_table(html);
    put_grown(html, was, is);
    ht_html_print(html, "<p>Greatest old + new size at a move: recorded %s,",
                  ht_show_bytes(was->doubling_bytes).text);
    ht_html_print(html, " here %s.</p>\n", ht_show_bytes(is->doubling_bytes).text);
}

static void put_pinning_by_decade(struct ht_html *html, const char *what,
                                  const struct ht_pinning was[HT_METRICS_DECADES],
                                  const struct ht_pinning is[HT_METRICS_DECADES])
{
    static const char *const columns[] = {"blocks, recorded", "pinned bytes", "blocks, here",
                                          "pinned bytes"};
    begin_table(html, what, columns, 4);
    for (int i = 0; i < HT_METRICS_DECADES; i++) {
        if (was[i].blocks + is[i].blocks == 0)
            continue;
        begin_row(html, ht_figure_decade(i));
        cell_of_count(html, was[i].blocks);
        cell_of_bytes(html, was[i].pinned_bytes);
        cell_of_count(html, is[i].blocks);
        cell_of_bytes(html, is[i].pinned_bytes);
        end_row(html);
    }
    end_table(html);
}

static void put_frames(struct ht_html *html, const struct ht_dict *stacks, uint64_t id)
{
    size_t count = 0;
    const struct ht_frame *frames = ht_dict_stack(stacks, (uint32_t)id, &count);
    for (size_t i = 0; i < count; i++) {
        size_t length = 0;
        const char *module = ht_dict_string(stacks, frames[i].module, &length);
        ht_html_text(html, module, length);
        ht_html_print(html, "%s0x%" PRIx64 "<br>", length > 0 ? "+" : "", frames[i].address);
    }
}

// Threads, or with `stacks` call stacks, that pin most.
static void put_pinning_by(struct ht_html *html, const char *what, const struct ht_pinning *by,
                           uint32_t count, const struct ht_dict *stacks)
{
    static const char *const columns[] = {"blocks", "pinned bytes"};
    if (count == 0)
        return;
    begin_table(html, what, columns, 2);
    for (uint32_t i = 0; i < count; i++) {
        ht_html_put(html, "<tr><th>");
        if (stacks != NULL && by[i].id != 0)
            put_frames(html, stacks, by[i].id);
        else if (stacks != NULL || by[i].id == UINT32_MAX)
            ht_html_put(html, "unknown");
        else
            ht_html_print(html, "%" PRIu64, by[i].id);
        ht_html_put(html, "</th>");
        cell_of_count(html, by[i].blocks);
        cell_of_bytes(html, by[i].pinned_bytes);
        end_row(html);
    }
    end_table(html);
}

static void put_pinning(struct ht_html *html, const struct ht_metrics_report *was,
                        const struct ht_metrics_report *is, const struct ht_dict *stacks)
{
    const struct ht_look_pinning *before = &was->last.pinning;
    const struct ht_look_pinning *now = &is->last.pinning;
    ht_html_print(html,
                  "<h2>Who pins sparse pages at the end</h2>\n<p>Pages less than a quarter live:"
                  " recorded %s,",
                  ht_show_bytes(was->end.sparse_bytes).text);
    ht_html_print(html, " here %s. They fall to the blocks on them.</p>\n",
                  ht_show_bytes(is->end.sparse_bytes).text);
    put_pinning_by_decade(html, "by size, bytes", before->by_size, now->by_size);
    put_pinning_by_decade(html, "by age, operations", before->by_age, now->by_age);
    ht_html_put(html, "<div class=\"pair\"><div>\n");
    put_pinning_by(html, "by thread, recorded", before->by_thread, before->threads, NULL);
    ht_html_put(html, "</div><div>\n");
    put_pinning_by(html, "by thread, here", now->by_thread, now->threads, NULL);
    ht_html_put(html, "</div></div>\n");
    if (stacks != NULL) {
        put_pinning_by(html, "by call stack, recorded", before->by_stack, before->stacks, stacks);
        put_pinning_by(html, "by call stack, here", now->by_stack, now->stacks, stacks);
    }
}

static void put_page(struct ht_html *html, const struct ht_replay_report *report,
                     const struct ht_heap_map *recorded, const struct ht_heap_map *replayed)
{
    const struct ht_metrics_report *was = report->was;
    const struct ht_metrics_report *is = report->is;
    ht_html_put(html, head);
    put_facts(html, report);
    put_verdict(html, ht_measure_score(report->measure));
    ht_html_put(html, "<h2>Over the run</h2>\n");
    ht_page_put_timelines(html, was, is);
    ht_html_put(html, "<h2>Heap map</h2>\n<p class=\"small\">Addresses grow downwards, the run "
                      "from left to right; the darker, the fuller with live bytes; white: nothing "
                      "live. Addresses that were never used are left out.</p>\n"
                      "<div class=\"pair\">\n");
    ht_page_put_map(html, "recorded", recorded);
    ht_page_put_map(html, "here", replayed);
    ht_html_put(html, "</div>\n");
    put_metrics(html, was, is);
    put_waste(html, is);
    put_reallocs(html, report, was, is);
    put_pinning(html, was, is, report->stacks);
    ht_html_put(html, script);
    ht_html_put(html, "</body></html>\n");
}

enum ht_status ht_replay_write_page(const struct ht_replay_report *report,
                                    const struct ht_heap_map *recorded,
                                    const struct ht_heap_map *replayed, const char *path,
                                    struct ht_error *error)
{
    struct ht_html html = {0};
    enum ht_status status = ht_output_open(path, &html.output, error);
    if (status != HT_OK)
        return status;
    put_page(&html, report, recorded, replayed);
    status = html.status;
    if (status != HT_OK)
        *error = html.error;
    else
        status = ht_output_commit(html.output, error);
    ht_output_close(html.output);
    return status;
}
