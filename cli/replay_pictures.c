// SPDX-License-Identifier: MIT
//
// The pictures of the page as inline SVG. What the mouse is on is told by <title> elements in the
// timelines, and in the maps by a script that the page holds itself; all is there without it.
#include "cli/replay_page.h"
#include "cli/show.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    CHART_WIDTH = 1000,
    CHART_HEIGHT = 200,
    CHART_LEFT = 76,
    GRID_LINES = 4,
    DRAWN_MAX = 1024, // samples; of more, every n-th
    STRIPS_MAX = 512,
    MAP_COLUMN = 2, // units of the picture that a cell takes
    MAP_ROW = 2,
    MAP_SHADES = 9,
    MAP_LEVELS = 64,
};

// Reads one value of a sample.
typedef double value_of(const struct ht_moment *moment);

static double live_of(const struct ht_moment *moment)
{
    return (double)moment->live_bytes;
}

static double pages_of(const struct ht_moment *moment)
{
    return (double)moment->page_bytes;
}

static double resident_of(const struct ht_moment *moment)
{
    return (double)moment->held.resident_bytes;
}

static double mapped_of(const struct ht_moment *moment)
{
    return (double)moment->held.mapped_bytes;
}

// 1 - L / C in per cent; damaged blocks that overlap may be more than their pages.
static double unasked_of(const struct ht_moment *moment)
{
    if (moment->page_bytes <= moment->live_bytes)
        return 0;
    return 100 * (double)(moment->page_bytes - moment->live_bytes) / (double)moment->page_bytes;
}

// The width stands for the operations, or for recorded time where the columns differ in those.
struct chart {
    struct ht_html *html;
    const char *const *columns;
    const struct ht_metrics_report *was;
    const struct ht_metrics_report *is;
    bool is_by_time;
    double top; // value of the upper edge
};

static double x_of(const struct chart *chart, const struct ht_moment *moment)
{
    const struct ht_metrics_report *whole = chart->was;
    double part = 1;
    if (!chart->is_by_time && whole->operations > 0)
        part = (double)(moment->operation + 1) / (double)whole->operations;
    else if (chart->is_by_time && whole->end.time_ns > whole->first_ns)
        part = ((double)moment->time_ns - (double)whole->first_ns) /
               ((double)whole->end.time_ns - (double)whole->first_ns);
    return CHART_LEFT + (CHART_WIDTH - CHART_LEFT) * (part < 1 ? part : 1);
}

static double y_of(const struct chart *chart, double value)
{
    return CHART_HEIGHT - CHART_HEIGHT * value / chart->top;
}

// The least round value that all lines of the grid are multiples of and that reaches `most`.
static double rounded_top(double most)
{
    static const double steps[] = {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
    double unit = 1;
    double decade = 1;
    int i = 0;
    while (most / GRID_LINES > 1000 * unit)
        unit *= 1024;
    while (most / GRID_LINES > 10 * decade * unit)
        decade *= 10;
    while (most / GRID_LINES > steps[i] * decade * unit)
        i++;
    return GRID_LINES * steps[i] * decade * unit;
}

static void put_points(const struct chart *chart, value_of *value,
                       const struct ht_metrics_report *report)
{
    uint32_t step = (report->sample_count - 1) / DRAWN_MAX + 1;
    for (uint32_t i = (report->sample_count - 1) % step; i < report->sample_count; i += step)
        ht_html_print(chart->html, "%.1f,%.1f ", x_of(chart, &report->samples[i]),
                      y_of(chart, value(&report->samples[i])));
}

static void put_line(const struct chart *chart, const char *style, value_of *value,
                     const struct ht_metrics_report *report)
{
    if (report->sample_count == 0)
        return;
    ht_html_print(chart->html, "<polyline class=\"%s\" points=\"", style);
    put_points(chart, value, report);
    ht_html_put(chart->html, "\"/>\n");
}

static void put_area(const struct chart *chart, value_of *value,
                     const struct ht_metrics_report *report)
{
    if (report->sample_count == 0)
        return;
    ht_html_print(chart->html, "<polygon class=\"area\" points=\"%.1f,%d ",
                  x_of(chart, &report->samples[0]), CHART_HEIGHT);
    put_points(chart, value, report);
    ht_html_print(chart->html, "%.1f,%d\"/>\n", x_of(chart, &report->end), CHART_HEIGHT);
}

static void begin_chart(const struct chart *chart, const char *label, bool is_percent)
{
    const struct ht_metrics_report *whole = chart->was;
    ht_html_print(chart->html,
                  "<svg class=\"chart\" viewBox=\"0 -10 %d %d\" role=\"img\" aria-label=\"%s\">\n",
                  CHART_WIDTH + 10, CHART_HEIGHT + 35, label);
    for (int i = 0; i <= GRID_LINES; i++) {
        double value = chart->top * i / GRID_LINES;
        struct ht_shown shown = ht_show_size((uint64_t)value);
        if (is_percent)
            snprintf(shown.text, sizeof shown.text, "%.0f %%", value);
        ht_html_print(chart->html,
                      "<path class=\"grid\" d=\"M%d %.1fH%d\"/>"
                      "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                      CHART_LEFT, y_of(chart, value), CHART_WIDTH, CHART_LEFT - 8,
                      y_of(chart, value) + 4, shown.text);
    }
    struct ht_shown from = {"operation 0"};
    struct ht_shown to = ht_show_count(whole->operations);
    if (chart->is_by_time) {
        from = ht_show_seconds(whole->first_ns);
        to = ht_show_seconds(whole->end.time_ns);
    }
    ht_html_print(chart->html,
                  "<text x=\"%d\" y=\"%d\">%s</text>"
                  "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
                  CHART_LEFT, CHART_HEIGHT + 19, from.text, CHART_WIDTH, CHART_HEIGHT + 19,
                  to.text);
}

static void put_moment(const struct chart *chart, int column, const struct ht_moment *moment)
{
    const struct ht_metrics_report *report = column == 0 ? chart->was : chart->is;
    ht_html_print(chart->html, "\n%s: live %s, pages in use %s, not asked for %.1f %%",
                  chart->columns[column], ht_show_bytes(moment->live_bytes).text,
                  ht_show_bytes(moment->page_bytes).text, unasked_of(moment));
    if (report->resident_source != NULL)
        ht_html_print(chart->html, "\n%*sresident %s, mapped %s", 4, "",
                      ht_show_bytes(moment->held.resident_bytes).text,
                      ht_show_bytes(moment->held.mapped_bytes).text);
}

// The sample of the other column that stands at the same place.
static const struct ht_moment *beside(const struct chart *chart, uint32_t index, uint32_t *at)
{
    const struct ht_metrics_report *is = chart->is;
    int64_t time_ns = chart->was->samples[index].time_ns;
    if (!chart->is_by_time)
        return index < is->sample_count ? &is->samples[index] : NULL;
    while (*at + 1 < is->sample_count && is->samples[*at + 1].time_ns <= time_ns)
        ++*at;
    return *at < is->sample_count ? &is->samples[*at] : NULL;
}

// A strip for each sample, which tells its figures.
static void put_hover(const struct chart *chart)
{
    const struct ht_metrics_report *was = chart->was;
    double from = CHART_LEFT;
    uint32_t step = was->sample_count / (STRIPS_MAX + 1) + 1;
    uint32_t at = 0;
    for (uint32_t i = 0; i < was->sample_count; i += step) {
        const struct ht_moment *moment = &was->samples[i];
        const struct ht_moment *other = beside(chart, i, &at);
        double to = x_of(chart, moment);
        ht_html_print(chart->html,
                      "<rect class=\"strip\" x=\"%.1f\" width=\"%.1f\" height=\"%d\"><title>"
                      "operation %s, %s",
                      from, to > from ? to - from : 0, CHART_HEIGHT,
                      ht_show_count(moment->operation).text, ht_show_seconds(moment->time_ns).text);
        put_moment(chart, 0, moment);
        if (other != NULL)
            put_moment(chart, 1, other);
        ht_html_put(chart->html, "</title></rect>\n");
        from = to;
    }
}

// A peak or a mark, which is exact and may lie between samples.
static void put_dot(const struct chart *chart, int column, const char *name,
                    const struct ht_moment *moment, value_of *value)
{
    ht_html_print(chart->html,
                  "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>%s, operation %s, "
                  "%s",
                  value == live_of ? "live"
                  : column == 0    ? "was"
                                   : "is",
                  x_of(chart, moment), y_of(chart, value(moment)), name,
                  ht_show_count(moment->operation).text, ht_show_seconds(moment->time_ns).text);
    put_moment(chart, column, moment);
    ht_html_put(chart->html, "</title></circle>\n");
}

static void put_marks(const struct chart *chart)
{
    const struct ht_metrics_report *reports[2] = {chart->was, chart->is};
    for (int column = 0; column < 2; column++)
        for (uint32_t i = 0; i < reports[column]->mark_count; i++)
            if (reports[column]->marks[i].look.is_taken)
                put_dot(chart, column, "mark", &reports[column]->marks[i].moment, pages_of);
}

static void put_key(struct ht_html *html, const char *style, const char *before, const char *label)
{
    ht_html_print(html,
                  "<span><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><polyline class=\"%s\" "
                  "points=\"0,5 26,5\"/></svg>%s%s</span>",
                  style, before, label);
}

static void put_area_key(struct ht_html *html, const char *behind)
{
    ht_html_put(html, "<span><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><rect class=\"area\" "
                      "width=\"26\" height=\"10\"/></svg>live bytes");
    ht_html_print(html, "%s%s</span>", behind[0] != '\0' ? ", " : "", behind);
}

static void put_bytes(struct chart *chart)
{
    struct ht_html *html = chart->html;
    ht_html_put(html, "<div class=\"block\"><h3>Live bytes, and the pages they lie on</h3>"
                      "<p class=\"key\">");
    put_area_key(html, chart->is_by_time ? chart->columns[0] : "");
    put_key(html, "was", "pages, ", chart->columns[0]);
    put_key(html, "is", "pages, ", chart->columns[1]);
    ht_html_put(html, "</p>\n");
    begin_chart(chart, "bytes over the run", false);
    put_area(chart, live_of, chart->was);
    put_line(chart, "was", pages_of, chart->was);
    put_line(chart, "is", pages_of, chart->is);
    put_hover(chart);
    put_dot(chart, 0, "live peak", &chart->was->peak, live_of);
    put_dot(chart, 0, "page peak", &chart->was->page_peak, pages_of);
    put_dot(chart, 1, "page peak", &chart->is->page_peak, pages_of);
    put_marks(chart);
    ht_html_put(html, "</svg></div>\n");
}

static void put_spread(struct chart *chart)
{
    struct ht_html *html = chart->html;
    ht_html_put(html, "<div class=\"block\"><h3>Page spread: share of the pages in use that no "
                      "block asked for</h3><p class=\"key\">");
    put_key(html, "was", "", chart->columns[0]);
    put_key(html, "is", "", chart->columns[1]);
    ht_html_put(html, "</p>\n");
    begin_chart(chart, "page spread over the run", true);
    put_line(chart, "was", unasked_of, chart->was);
    put_line(chart, "is", unasked_of, chart->is);
    put_hover(chart);
    ht_html_put(html, "</svg></div>\n");
}

static double most_of(const struct ht_metrics_report *report, value_of *value, double most)
{
    for (uint32_t i = 0; i < report->sample_count; i++)
        most = value(&report->samples[i]) > most ? value(&report->samples[i]) : most;
    return most;
}

static void put_held(struct chart *chart)
{
    struct ht_html *html = chart->html;
    const struct ht_metrics_report *was = chart->was;
    const struct ht_metrics_report *is = chart->is;
    if (is->resident_source == NULL)
        return;
    ht_html_print(html,
                  "<div class=\"block\"><h3>What the process holds more than before the first "
                  "operation</h3><p class=\"key\">");
    put_area_key(html, chart->is_by_time ? chart->columns[1] : "");
    if (was->resident_source != NULL)
        put_key(html, "was", "resident, ", chart->columns[0]);
    put_key(html, "held", "resident, ", chart->columns[1]);
    put_key(html, "map", "mapped, ", chart->columns[1]);
    ht_html_put(html, "</p>\n");
    double most = most_of(is, mapped_of, most_of(is, resident_of, (double)is->peak.live_bytes));
    chart->top = rounded_top(most_of(was, resident_of, most));
    begin_chart(chart, "resident and mapped bytes over the run", false);
    put_area(chart, live_of, is);
    if (was->resident_source != NULL)
        put_line(chart, "was", resident_of, was);
    put_line(chart, "map", mapped_of, is);
    put_line(chart, "held", resident_of, is);
    put_hover(chart);
    ht_html_print(html,
                  "</svg><p class=\"small\">Resident: %s. Mapped: %s. The harness has its memory "
                  "before and is in neither. What was mapped before and touched since counts as "
                  "resident alone.</p></div>\n",
                  is->resident_source, is->mapped_source != NULL ? is->mapped_source : "unknown");
}

void ht_page_put_timelines(struct ht_html *html, const struct ht_replay_report *report)
{
    const struct ht_metrics_report *was = report->was;
    const struct ht_metrics_report *is = report->is;
    uint64_t most = was->page_peak.page_bytes;
    most = is->page_peak.page_bytes > most ? is->page_peak.page_bytes : most;
    most = was->peak.live_bytes > most ? was->peak.live_bytes : most;
    most = is->peak.live_bytes > most ? is->peak.live_bytes : most;
    struct chart chart = {.html = html,
                          .columns = report->columns,
                          .was = was,
                          .is = is,
                          .is_by_time = report->baseline != NULL,
                          .top = rounded_top((double)most)};
    struct chart percents = chart;
    percents.top = 100;
    put_bytes(&chart);
    put_spread(&percents);
    put_held(&chart);
}

// 0 for nothing live, else 1 to `steps`, which is full.
static int level_of(const struct ht_heap_map *map, uint32_t row, uint32_t column, int steps)
{
    uint64_t live = map->row[row].live[column];
    if (live == 0)
        return 0;
    if (live >= map->row[row].size)
        return steps;
    return 1 + (int)((double)live / (double)map->row[row].size * (steps - 1));
}

// All cells of a shade as one path of runs.
static void put_shade(struct ht_html *html, const struct ht_heap_map *map, int shade)
{
    ht_html_print(html, "<path class=\"s%d\" d=\"", shade);
    for (uint32_t row = 0; row < map->rows; row++) {
        for (uint32_t column = 0; column < map->columns;) {
            uint32_t end = column;
            while (end < map->columns && level_of(map, row, end, MAP_SHADES) == shade)
                end++;
            if (end > column)
                ht_html_print(html, "M%u %uh%uv%dh-%uz", (unsigned)column * MAP_COLUMN,
                              (unsigned)row * MAP_ROW, (unsigned)(end - column) * MAP_COLUMN,
                              MAP_ROW, (unsigned)(end - column) * MAP_COLUMN);
            column = end + (end == column);
        }
    }
    ht_html_put(html, "\"/>\n");
}

// A character a cell, and the address of each row.
static void put_cells(struct ht_html *html, const struct ht_heap_map *map)
{
    ht_html_put(html, " data-cells=\"");
    for (uint32_t row = 0; row < map->rows; row++) {
        char text[HT_HEAP_MAP_COLUMNS + 1];
        for (uint32_t column = 0; column < map->columns; column++)
            text[column] =
                "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_."[level_of(
                    map, row, column, MAP_LEVELS)];
        text[map->columns] = '\0';
        ht_html_put(html, text);
    }
    ht_html_put(html, "\" data-rows=\"");
    for (uint32_t row = 0; row < map->rows; row++)
        ht_html_print(html, "%s%" PRIx64, row > 0 ? " " : "", map->row[row].address);
    ht_html_put(html, "\"");
}

void ht_page_put_map(struct ht_html *html, const char *name, const struct ht_heap_map *map)
{
    ht_html_print(html, "<figure><figcaption><b>%s</b> ", name);
    if (map->rows == 0) {
        ht_html_put(html, "nothing was live</figcaption></figure>\n");
        return;
    }
    ht_html_print(html,
                  "<span class=\"small\">%s of addresses, %s a row</span></figcaption>\n"
                  "<svg class=\"map\"",
                  ht_show_size(map->used_bytes).text, ht_show_size(map->row[0].size).text);
    ht_html_print(html,
                  " viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\" data-columns=\"%u\""
                  " data-operations=\"%" PRIu64 "\"",
                  (unsigned)map->columns * MAP_COLUMN, (unsigned)map->rows * MAP_ROW,
                  (unsigned)map->columns, map->operations);
    put_cells(html, map);
    ht_html_print(html, " role=\"img\" aria-label=\"heap map, %s\">\n", name);
    for (int shade = 1; shade <= MAP_SHADES; shade++)
        put_shade(html, map, shade);
    ht_html_put(html, "</svg>\n");
    if (map->left_out > 0)
        ht_html_print(html,
                      "<p class=\"small\">%s operations on blocks too large or too scattered are "
                      "not shown.</p>\n",
                      ht_show_count(map->left_out).text);
    ht_html_put(html, "</figure>\n");
}

void ht_page_put_map_key(struct ht_html *html)
{
    ht_html_put(html, "<p class=\"key\"><span><svg viewBox=\"0 0 27 10\" aria-hidden=\"true\" "
                      "style=\"width:90px\" preserveAspectRatio=\"none\">");
    for (int shade = 1; shade <= MAP_SHADES; shade++)
        ht_html_print(html, "<rect class=\"s%d\" x=\"%d\" width=\"3\" height=\"10\"/>", shade,
                      3 * (shade - 1));
    ht_html_put(html, "</svg>a byte live to full; none where nothing is live</span></p>\n");
}
