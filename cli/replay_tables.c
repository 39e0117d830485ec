// SPDX-License-Identifier: MIT
//
// The tables of the page: each figure of the metrics in both columns.
#include "cli/replay_page.h"

#include "cli/figures.h"

#include <inttypes.h>
#include <stdio.h>

void ht_page_put_cell(struct ht_html *html, const char *text, const char *exact)
{
    ht_html_print(html, "<td class=\"n\" title=\"%s\">%s</td>", exact, text);
}

static void cell_of_nothing(struct ht_html *html)
{
    ht_html_put(html, "<td></td>");
}

static void cell_of_count(struct ht_html *html, uint64_t count)
{
    ht_page_put_cell(html, ht_show_count(count).text, ht_show_count(count).text);
}

static void cell_of_bytes(struct ht_html *html, uint64_t bytes)
{
    ht_page_put_cell(html, ht_show_count(bytes).text, ht_show_size(bytes).text);
}

static void cell_of_share(struct ht_html *html, uint64_t part, uint64_t whole)
{
    char exact[160];
    snprintf(exact, sizeof exact, "%s of %s", ht_show_count(part).text, ht_show_count(whole).text);
    ht_page_put_cell(html, ht_figure_share(part, whole).text, exact);
}

// A share with its bar, in the colour of its column.
static void cell_of_bar(struct ht_html *html, int column, uint64_t part, uint64_t whole)
{
    double percent = whole == 0 ? 0 : 100 * (double)part / (double)whole;
    ht_html_print(html, "<td class=\"n\" title=\"%s of ", ht_show_count(part).text);
    ht_html_print(
        html, "%s\">%s<span class=\"bar\"><i class=\"%s\" style=\"width:%.1f%%\"></i></span></td>",
        ht_show_count(whole).text, ht_figure_share(part, whole).text, column == 0 ? "was" : "is",
        percent < 100 ? percent : 100);
}

static uint64_t rest(uint64_t whole, uint64_t part)
{
    return whole > part ? whole - part : 0;
}

// A table's head; the first column is of labels and the rest of figures. Ended by end_table.
static void begin_table(struct ht_html *html, const char *first, const char *const *columns,
                        int count)
{
    ht_html_print(html, "<div class=\"scroll\"><table><thead><tr><th>%s</th>", first);
    for (int i = 0; i < count; i++)
        ht_html_print(html, "<th class=\"n\">%s</th>", columns[i]);
    ht_html_put(html, "</tr></thead><tbody>\n");
}

static void end_table(struct ht_html *html)
{
    ht_html_put(html, "</tbody></table></div>\n");
}

// A label that begins with a blank belongs to the row above.
static void begin_row(struct ht_html *html, const char *label)
{
    bool is_part = label[0] == ' ';
    ht_html_print(html, "<tr%s><th>%s</th>", is_part ? " class=\"sub\"" : "", label + is_part);
}

static void end_row(struct ht_html *html)
{
    ht_html_put(html, "</tr>\n");
}

static void cell_of_ratio(struct ht_html *html, double ratio)
{
    char exact[64];
    snprintf(exact, sizeof exact, "%.6f", ratio);
    ht_page_put_cell(html, ht_figure_ratio(ratio).text, exact);
}

static void row_of_ratios(struct ht_html *html, const char *label, double was, double is)
{
    begin_row(html, label);
    cell_of_ratio(html, was);
    cell_of_ratio(html, is);
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

static void put_spread(struct ht_html *html, const struct ht_replay_report *report)
{
    const struct ht_metrics_report *was = report->was;
    const struct ht_metrics_report *is = report->is;
    ht_html_put(html, "<div class=\"block\"><h2>Pages in use for each live byte</h2>\n");
    begin_table(html, "", report->columns, 2);
    row_of_ratios(html, "F1 average by operation", was->f1_operations, is->f1_operations);
    row_of_ratios(html, "F1 average by recorded time", was->f1_time, is->f1_time);
    row_of_ratios(html, "F2 at the live peak", was->f2, is->f2);
    row_of_ratios(html, "F3 at the page peak", was->f3, is->f3);
    row_of_ratios(html, "F4 page peak / live peak", was->f4, is->f4);
    row_of_ratios(html, "retention: at the end", was->retention, is->retention);
    row_of_counts(html, "live peak, at operation", was->peak.operation, is->peak.operation);
    row_of_bytes(html, " live bytes", was->peak.live_bytes, is->peak.live_bytes);
    row_of_bytes(html, " bytes of pages in use", was->peak.page_bytes, is->peak.page_bytes);
    row_of_bytes(html, " bytes of sparse pages", was->peak.sparse_bytes, is->peak.sparse_bytes);
    row_of_counts(html, "page peak, at operation", was->page_peak.operation,
                  is->page_peak.operation);
    row_of_bytes(html, " live bytes there", was->page_peak.live_bytes, is->page_peak.live_bytes);
    row_of_bytes(html, " bytes of pages in use then", was->page_peak.page_bytes,
                 is->page_peak.page_bytes);
    row_of_bytes(html, "end, live bytes", was->end.live_bytes, is->end.live_bytes);
    row_of_counts(html, " live blocks", was->end.live_blocks, is->end.live_blocks);
    row_of_bytes(html, " bytes of pages in use at the end", was->end.page_bytes,
                 is->end.page_bytes);
    row_of_bytes(html, " bytes of sparse pages at the end", was->end.sparse_bytes,
                 is->end.sparse_bytes);
    end_table(html);
    ht_html_put(html, "</div>\n");
}

// Calls of the trace by what they are, those of reallocs also by what they did here.
static void put_calls(struct ht_html *html, const struct ht_replay_report *report)
{
    static const char *const columns[] = {"of the trace", "here"};
    const struct ht_replay_result *result = report->result;
    const struct ht_played *played = &result->played;
    const uint64_t *by_kind = result->plan.by_kind;
    ht_html_put(html, "<div class=\"block\"><h2>Calls</h2>\n");
    begin_table(html, "", columns, 2);
    row_of_counts(html, "operations", result->plan.operations, result->operations);
    begin_row(html, "allocs");
    cell_of_count(html, by_kind[HT_OP_ALLOC]);
    cell_of_nothing(html);
    end_row(html);
    begin_row(html, " adopted: older than the trace");
    cell_of_count(html, by_kind[HT_OP_ADOPT]);
    cell_of_nothing(html);
    end_row(html);
    row_of_counts(html, "reallocs in place", by_kind[HT_OP_REALLOC_IN_PLACE],
                  result->reallocs_in_place);
    row_of_counts(html, "reallocs moved", by_kind[HT_OP_REALLOC_MOVED], result->reallocs_moved);
    row_of_bytes(html, " bytes copied", result->plan.bytes_copied, played->bytes_copied);
    begin_row(html, "frees");
    cell_of_count(html, by_kind[HT_OP_FREE]);
    cell_of_nothing(html);
    end_row(html);
    begin_row(html, " with their heap");
    cell_of_count(html, result->plan.destroyed);
    cell_of_nothing(html);
    end_row(html);
    begin_row(html, "failed: allocs, reallocs");
    cell_of_nothing(html);
    cell_of_count(html, played->failed_allocs + played->failed_reallocs);
    end_row(html);
    begin_row(html, " skipped for that");
    cell_of_nothing(html);
    cell_of_count(html, played->skipped);
    end_row(html);
    end_table(html);
    ht_html_put(html, "</div>\n");
}

static void row_of_memory(struct ht_html *html, const char *label, int64_t bytes)
{
    uint64_t distance = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    char text[80];
    snprintf(text, sizeof text, "%s%s", bytes < 0 ? "-" : "", ht_show_count(distance).text);
    begin_row(html, label);
    ht_page_put_cell(html, text, ht_show_size(distance).text);
    end_row(html);
}

// What the system says of this process.
static void put_memory(struct ht_html *html, const struct ht_replay_report *report)
{
    static const char *const columns[] = {"bytes"};
    const struct ht_replay_resident *resident = &report->result->resident;
    const struct ht_metrics_report *is = report->is;
    ht_html_put(html, "<div class=\"block\"><h2>Memory of the process</h2>\n");
    if (resident->source == NULL) {
        ht_html_put(html, "<p>The system does not tell.</p></div>\n");
        return;
    }
    begin_table(html, "resident", columns, 1);
    row_of_memory(html, "before the first operation", (int64_t)resident->before_bytes);
    row_of_memory(html, "growth until the end", resident->growth_bytes);
    if (is->resident_source != NULL && is->look.is_taken)
        row_of_memory(html, " until the live peak", (int64_t)is->look.held.resident_bytes);
    if (resident->peak_source != NULL)
        row_of_memory(html, " at its peak", (int64_t)resident->peak_growth_bytes);
    row_of_memory(html, " left when all is freed",
                  (int64_t)(resident->released_bytes - resident->before_bytes));
    if (is->mapped_source != NULL && is->look.is_taken)
        row_of_memory(html, "mapped, growth until the live peak",
                      (int64_t)is->look.held.mapped_bytes);
    if (is->mapped_source != NULL)
        row_of_memory(html, " until the end", (int64_t)is->last.held.mapped_bytes);
    row_of_memory(html, "harness, in none of the growths", (int64_t)report->result->harness_bytes);
    end_table(html);
    ht_html_print(html, "<p class=\"small\">Resident: %s.", resident->source);
    if (resident->peak_source != NULL)
        ht_html_print(html, " Its peak: %s.", resident->peak_source);
    if (is->mapped_source != NULL)
        ht_html_print(html, " Mapped: %s.", is->mapped_source);
    ht_html_put(html, "</p></div>\n");
}

// One figure of the gaps at the peak and at the end, in both columns.
static const struct ht_look *look_of(const struct ht_replay_report *report, int column)
{
    switch (column) {
    case 0:
        return &report->was->look;
    case 1:
        return &report->is->look;
    case 2:
        return &report->was->last;
    default:
        return &report->is->last;
    }
}

static void put_gaps(struct ht_html *html, const struct ht_replay_report *report)
{
    static const char *const ranks[HT_GAP_SIZES] = {"median", "90 %", "99 %"};
    const uint64_t *sizes = ht_measure_gap_sizes(report->measure);
    char heads[4][64];
    const char *columns[4];
    for (int i = 0; i < 4; i++) {
        snprintf(heads[i], sizeof heads[i], "%s, %s", i < 2 ? "live peak" : "end",
                 report->columns[i % 2]);
        columns[i] = heads[i];
    }
    ht_html_put(html, "<div class=\"block\"><h2>Gaps between blocks</h2>\n");
    begin_table(html, "", columns, 4);
    begin_row(html, "gaps");
    for (int i = 0; i < 4; i++)
        cell_of_count(html, look_of(report, i)->gaps.count);
    end_row(html);
    begin_row(html, " bytes");
    for (int i = 0; i < 4; i++)
        cell_of_bytes(html, look_of(report, i)->gaps.free_bytes);
    end_row(html);
    begin_row(html, " largest");
    for (int i = 0; i < 4; i++)
        cell_of_bytes(html, look_of(report, i)->gaps.largest_bytes);
    end_row(html);
    begin_row(html, "not in the largest");
    for (int i = 0; i < 4; i++) {
        const struct ht_gaps *gaps = &look_of(report, i)->gaps;
        cell_of_share(html, rest(gaps->free_bytes, gaps->largest_bytes), gaps->free_bytes);
    }
    end_row(html);
    for (int size = 0; size < HT_GAP_SIZES; size++) {
        char label[64];
        snprintf(label, sizeof label, "unusable for %.12s (%s)", ht_show_size(sizes[size]).text,
                 ranks[size]);
        begin_row(html, label);
        for (int i = 0; i < 4; i++) {
            const struct ht_gaps *gaps = &look_of(report, i)->gaps;
            cell_of_share(html, rest(gaps->free_bytes, gaps->usable_bytes[size]), gaps->free_bytes);
        }
        end_row(html);
    }
    begin_row(html, "headers and rounding, of the pages");
    for (int i = 0; i < 4; i++)
        cell_of_share(html, look_of(report, i)->gaps.slim_bytes, look_of(report, i)->page_bytes);
    end_row(html);
    end_table(html);
    ht_html_put(html, "<p class=\"small\">The sizes are those of which half, 90 % and 99 % of the "
                      "trace's requests are no larger. Headers and rounding: runs under 32 "
                      "bytes.</p></div>\n");
}

static void row_of_mark(struct ht_html *html, const struct ht_replay_report *report, uint32_t index,
                        int column)
{
    const struct ht_metrics_report *of = column == 0 ? report->was : report->is;
    const struct ht_metrics_mark *mark = &of->marks[index];
    const struct ht_gaps *gaps = &mark->look.gaps;
    char label[64];
    snprintf(label, sizeof label, "%.40s",
             ht_show_seconds(ht_measure_mark_ns(report->measure)[index]).text);
    ht_html_print(html, "<tr><th>%s, %s</th>", label, report->columns[column]);
    cell_of_count(html, mark->moment.operation);
    cell_of_bytes(html, mark->moment.live_bytes);
    cell_of_bytes(html, mark->moment.page_bytes);
    ht_page_put_cell(html,
                     ht_figure_quotient(mark->moment.page_bytes, mark->moment.live_bytes).text,
                     ht_show_seconds(mark->moment.time_ns).text);
    cell_of_bytes(html, mark->moment.sparse_bytes);
    cell_of_bytes(html, gaps->free_bytes);
    cell_of_share(html, rest(gaps->free_bytes, gaps->largest_bytes), gaps->free_bytes);
    if (of->resident_source != NULL)
        cell_of_bytes(html, mark->look.held.resident_bytes);
    else
        cell_of_nothing(html);
    end_row(html);
}

static void put_marks(struct ht_html *html, const struct ht_replay_report *report)
{
    static const char *const columns[] = {"operation",          "live bytes",     "pages in use",
                                          "pages / live",       "sparse",         "gaps",
                                          "not in the largest", "resident growth"};
    if (report->is->mark_count == 0)
        return;
    ht_html_put(html, "<div class=\"block\"><h2>At the marks</h2>\n");
    begin_table(html, "", columns, sizeof columns / sizeof *columns);
    for (uint32_t i = 0; i < report->is->mark_count; i++)
        for (int column = 0; column < 2; column++)
            if ((column == 0 ? report->was : report->is)->marks[i].look.is_taken)
                row_of_mark(html, report, i, column);
    end_table(html);
    ht_html_put(html, "</div>\n");
}

// What of the usable bytes was not asked for; a heap may tell fewer than were.
static void cell_of_waste(struct ht_html *html, const struct ht_metrics_sizes *sizes)
{
    cell_of_bar(html, 1, rest(sizes->usable_bytes, sizes->requested_bytes), sizes->usable_bytes);
}

static void put_waste(struct ht_html *html, const struct ht_metrics_report *is)
{
    static const char *const columns[] = {"blocks made", "requested", "usable", "wasted",
                                          "wasted, live peak"};
    ht_html_put(html, "<div class=\"block\"><h2>Waste inside of blocks, by requested size</h2>\n");
    if (!is->has_usable) {
        ht_html_put(html, "<p>This heap does not tell the usable size of its blocks.</p></div>\n");
        return;
    }
    begin_table(html, "bytes", columns, 5);
    for (int i = 0; i < HT_METRICS_DECADES; i++) {
        const struct ht_metrics_sizes *made = &is->made[i];
        if (made->blocks == 0)
            continue;
        begin_row(html, ht_figure_decade(i));
        cell_of_count(html, made->blocks);
        cell_of_bytes(html, made->requested_bytes);
        cell_of_bytes(html, made->usable_bytes);
        cell_of_waste(html, made);
        cell_of_waste(html, &is->look.live[i]);
        end_row(html);
    }
    end_table(html);
    ht_html_put(html,
                "<p class=\"small\">No recording tells usable sizes: this is of the replay.</p>"
                "</div>\n");
}

static void row_of_grown(struct ht_html *html, const char *label,
                         const struct ht_metrics_grown *was, const struct ht_metrics_grown *is)
{
    if (was->count + is->count == 0)
        return;
    begin_row(html, label);
    cell_of_count(html, was->count);
    cell_of_bar(html, 0, was->in_place, was->count);
    cell_of_bar(html, 1, is->in_place, is->count);
    end_row(html);
}

static void put_grown(struct ht_html *html, const struct ht_replay_report *report)
{
    char heads[2][48];
    const char *columns[] = {"grown", heads[0], heads[1]};
    for (int i = 0; i < 2; i++)
        snprintf(heads[i], sizeof heads[i], "in place, %s", report->columns[i]);
    ht_html_put(html, "<div class=\"two\"><div>\n");
    begin_table(html, "grown from, bytes", columns, 3);
    for (int i = 0; i < HT_METRICS_DECADES; i++)
        row_of_grown(html, ht_figure_decade(i), &report->was->grown[i], &report->is->grown[i]);
    end_table(html);
    ht_html_put(html, "</div><div>\n");
    begin_table(html, "grown by, new / old", columns, 3);
    for (int i = 0; i < HT_METRICS_FACTORS; i++)
        row_of_grown(html, ht_figure_factor(i).text, &report->was->factors[i],
                     &report->is->factors[i]);
    end_table(html);
    ht_html_put(html, "</div></div>\n");
}

static void put_agreement(struct ht_html *html, const struct ht_replay_report *report)
{
    static const char *const agreement[] = {"stayed here", "moved here"};
    const uint64_t(*agreed)[2] = report->result->played.agreement;
    begin_table(html, "agreement", agreement, 2);
    row_of_counts(html, "stayed in the recording", agreed[0][0], agreed[0][1]);
    row_of_counts(html, "moved in the recording", agreed[1][0], agreed[1][1]);
    end_table(html);
}

static void put_reallocs(struct ht_html *html, const struct ht_replay_report *report)
{
    static const char *const directions[HT_DIRECTION_COUNT] = {
        [HT_DIRECTION_GROW] = "growing",
        [HT_DIRECTION_SHRINK] = "shrinking",
        [HT_DIRECTION_SAME] = "of the same size",
    };
    const struct ht_metrics_report *was = report->was;
    const struct ht_metrics_report *is = report->is;
    char heads[4][64];
    const char *columns[] = {"count", heads[0], heads[1], heads[2], heads[3]};
    for (int i = 0; i < 4; i++)
        snprintf(heads[i], sizeof heads[i], "%s, %s", i < 2 ? "moved" : "bytes copied",
                 report->columns[i % 2]);
    ht_html_put(html, "<div class=\"block\"><h2>Reallocs</h2>\n");
    begin_table(html, "", columns, 5);
    for (int i = 0; i < HT_DIRECTION_COUNT; i++) {
        begin_row(html, directions[i]);
        cell_of_count(html, was->reallocs[i].count);
        cell_of_bar(html, 0, was->reallocs[i].moved, was->reallocs[i].count);
        cell_of_bar(html, 1, is->reallocs[i].moved, is->reallocs[i].count);
        cell_of_bytes(html, was->reallocs[i].bytes_copied);
        cell_of_bytes(html, is->reallocs[i].bytes_copied);
        end_row(html);
    }
    end_table(html);
    ht_html_put(html, "</div><div class=\"two\"><div>\n");
    begin_table(html, "", report->columns, 2);
    begin_row(html, "bytes copied / requested");
    cell_of_share(html, ht_figure_copied_bytes(was), ht_figure_requested_bytes(was));
    cell_of_share(html, ht_figure_copied_bytes(is), ht_figure_requested_bytes(is));
    end_row(html);
    row_of_bytes(html, "greatest old + new at a move", was->doubling_bytes, is->doubling_bytes);
    row_of_counts(html, " at operation", was->doubling_operation, is->doubling_operation);
    end_table(html);
    ht_html_put(html, "</div><div>\n");
    if (report->baseline == NULL)
        put_agreement(html, report);
    ht_html_put(html, "</div></div>\n");
    put_grown(html, report);
}

static void put_pinning_by_decade(struct ht_html *html, const char *what,
                                  const char *const columns[4],
                                  const struct ht_pinning was[HT_METRICS_DECADES],
                                  const struct ht_pinning is[HT_METRICS_DECADES])
{
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
    ht_html_put(html, "<div class=\"frames\">");
    for (size_t i = 0; i < count; i++) {
        size_t length = 0;
        const char *module = ht_dict_string(stacks, frames[i].module, &length);
        ht_html_text(html, module, length);
        ht_html_print(html, "%s0x%" PRIx64 "<br>", length > 0 ? "+" : "", frames[i].address);
    }
    ht_html_put(html, "</div>");
}

// Threads, or with `stacks` call stacks, that pin most.
static void put_pinning_by(struct ht_html *html, const char *what, const char *column,
                           const struct ht_pinning *by, uint32_t count,
                           const struct ht_dict *stacks)
{
    static const char *const columns[] = {"blocks", "pinned bytes"};
    char head[64];
    if (count == 0)
        return;
    snprintf(head, sizeof head, "%s, %s", what, column);
    begin_table(html, head, columns, 2);
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

static void put_pinning(struct ht_html *html, const struct ht_replay_report *report)
{
    const struct ht_look_pinning *was = &report->was->last.pinning;
    const struct ht_look_pinning *is = &report->is->last.pinning;
    const struct ht_dict *stacks = report->stacks;
    char heads[2][48];
    const char *columns[] = {heads[0], "pinned bytes", heads[1], "pinned bytes"};
    for (int i = 0; i < 2; i++)
        snprintf(heads[i], sizeof heads[i], "blocks, %s", report->columns[i]);
    ht_html_put(html, "<h2>Who pins sparse pages at the end</h2>\n");
    ht_html_print(html, "<p class=\"small\">Pages less than a quarter live: %s %s,",
                  report->columns[0], ht_show_bytes(report->was->end.sparse_bytes).text);
    ht_html_print(html, " %s %s. They fall to the blocks on them.</p>\n", report->columns[1],
                  ht_show_bytes(report->is->end.sparse_bytes).text);
    ht_html_put(html, "<div class=\"two\"><div>\n");
    put_pinning_by_decade(html, "by size, bytes", columns, was->by_size, is->by_size);
    ht_html_put(html, "</div><div>\n");
    put_pinning_by_decade(html, "by age, operations", columns, was->by_age, is->by_age);
    ht_html_put(html, "</div></div>\n<div class=\"two\"><div>\n");
    put_pinning_by(html, "by thread", report->columns[0], was->by_thread, was->threads, NULL);
    ht_html_put(html, "</div><div>\n");
    put_pinning_by(html, "by thread", report->columns[1], is->by_thread, is->threads, NULL);
    ht_html_put(html, "</div></div>\n");
    if (stacks == NULL)
        return;
    ht_html_put(html, "<div class=\"two\"><div>\n");
    put_pinning_by(html, "by call stack", report->columns[0], was->by_stack, was->stacks, stacks);
    ht_html_put(html, "</div><div>\n");
    put_pinning_by(html, "by call stack", report->columns[1], is->by_stack, is->stacks, stacks);
    ht_html_put(html, "</div></div>\n");
}

void ht_page_put_tables(struct ht_html *html, const struct ht_replay_report *report)
{
    ht_html_put(html, "<div class=\"two\"><div>\n");
    put_spread(html, report);
    ht_html_put(html, "</div><div>\n");
    put_calls(html, report);
    put_memory(html, report);
    ht_html_put(html, "</div></div>\n");
    put_gaps(html, report);
    put_marks(html, report);
    put_waste(html, report->is);
    put_reallocs(html, report);
    put_pinning(html, report);
}
