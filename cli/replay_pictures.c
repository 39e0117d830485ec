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
    CHART_LEFT = 70,
    GRID_LINES = 4,
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

// 1 - L / C in per cent; damaged blocks that overlap may be more than their pages.
static double unasked_of(const struct ht_moment *moment)
{
    if (moment->page_bytes <= moment->live_bytes)
        return 0;
    return 100 * (double)(moment->page_bytes - moment->live_bytes) / (double)moment->page_bytes;
}

struct chart {
    struct ht_html *html;
    uint64_t operations; // that the width stands for, at least 1
    double top;          // value of the upper edge
};

static double x_of(const struct chart *chart, uint64_t operation)
{
    return CHART_LEFT +
           (double)(CHART_WIDTH - CHART_LEFT) * (double)(operation + 1) / (double)chart->operations;
}

static double y_of(const struct chart *chart, double value)
{
    return CHART_HEIGHT - CHART_HEIGHT * value / chart->top;
}

static void put_line(const struct chart *chart, const char *style, value_of *value,
                     const struct ht_metrics_report *report)
{
    ht_html_print(chart->html, "<polyline class=\"%s\" points=\"", style);
    for (uint32_t i = 0; i < report->sample_count; i++)
        ht_html_print(chart->html, "%.1f,%.1f ", x_of(chart, report->samples[i].operation),
                      y_of(chart, value(&report->samples[i])));
    ht_html_put(chart->html, "\"/>\n");
}

static void begin_chart(const struct chart *chart, const char *label, bool is_percent)
{
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
    ht_html_print(chart->html,
                  "<text x=\"%d\" y=\"%d\">operation 0</text>"
                  "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
                  CHART_LEFT, CHART_HEIGHT + 18, CHART_WIDTH, CHART_HEIGHT + 18,
                  ht_show_count(chart->operations).text);
}

static void put_moment(struct ht_html *html, const char *name, const struct ht_moment *moment)
{
    ht_html_print(html, "\n%s: live %s, pages in use %s, not asked for %.1f %%", name,
                  ht_show_bytes(moment->live_bytes).text, ht_show_bytes(moment->page_bytes).text,
                  unasked_of(moment));
}

// A strip for each sample, which tells its figures.
static void put_hover(const struct chart *chart, const struct ht_metrics_report *recorded,
                      const struct ht_metrics_report *here)
{
    double from = CHART_LEFT;
    for (uint32_t i = 0; i < recorded->sample_count; i++) {
        const struct ht_moment *moment = &recorded->samples[i];
        double to = x_of(chart, moment->operation);
        ht_html_print(chart->html,
                      "<rect class=\"strip\" x=\"%.1f\" width=\"%.1f\" height=\"%d\"><title>"
                      "operation %s, %s",
                      from, to - from, CHART_HEIGHT, ht_show_count(moment->operation).text,
                      ht_show_seconds(moment->time_ns).text);
        put_moment(chart->html, "recorded", moment);
        if (i < here->sample_count)
            put_moment(chart->html, "here", &here->samples[i]);
        ht_html_put(chart->html, "</title></rect>\n");
        from = to;
    }
}

void ht_page_put_timelines(struct ht_html *html, const struct ht_metrics_report *recorded,
                           const struct ht_metrics_report *here)
{
    uint64_t most = recorded->page_peak.page_bytes;
    most = here->page_peak.page_bytes > most ? here->page_peak.page_bytes : most;
    most = recorded->peak.live_bytes > most ? recorded->peak.live_bytes : most;
    struct chart chart = {.html = html,
                          .operations = recorded->operations > 0 ? recorded->operations : 1,
                          .top = most > 0 ? (double)most : 1};
    ht_html_put(html, "<h3>Bytes</h3><p class=\"key\"><span class=\"live\">live, requested</span>"
                      " <span class=\"was\">pages in use, recorded</span>"
                      " <span class=\"is\">pages in use, here</span></p>\n");
    begin_chart(&chart, "bytes over the run", false);
    put_line(&chart, "live", live_of, recorded);
    put_line(&chart, "was", pages_of, recorded);
    put_line(&chart, "is", pages_of, here);
    put_hover(&chart, recorded, here);
    ht_html_put(html, "</svg>\n<h3>Page spread: share of the pages in use that no block asked for"
                      "</h3><p class=\"key\"><span class=\"was\">recorded</span>"
                      " <span class=\"is\">here</span></p>\n");
    chart.top = 100;
    begin_chart(&chart, "page spread over the run", true);
    put_line(&chart, "was", unasked_of, recorded);
    put_line(&chart, "is", unasked_of, here);
    put_hover(&chart, recorded, here);
    ht_html_put(html, "</svg>\n");
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
    double part = (double)shade / MAP_SHADES; // from a pale blue to a dark one
    ht_html_print(html, "<path fill=\"#%02X%02X%02X\" d=\"", (unsigned)(222 - 214 * part),
                  (unsigned)(235 - 187 * part), (unsigned)(247 - 140 * part));
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
    ht_html_print(html, "%s of addresses, %s a row</figcaption>\n<svg class=\"map\"",
                  ht_show_size(map->used_bytes).text, ht_show_size(map->row[0].size).text);
    ht_html_print(html,
                  " viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\" data-columns=\"%u\""
                  " data-operations=\"%" PRIu64 "\"",
                  (unsigned)map->columns * MAP_COLUMN, (unsigned)map->rows * MAP_ROW,
                  (unsigned)map->columns, map->operations);
    put_cells(html, map);
    ht_html_put(html, "><title></title>\n");
    for (int shade = 1; shade <= MAP_SHADES; shade++)
        put_shade(html, map, shade);
    ht_html_put(html, "</svg></figure>\n");
    if (map->left_out > 0)
        ht_html_print(html,
                      "<p>%s operations on blocks too large or too scattered are not shown."
                      "</p>\n",
                      ht_show_count(map->left_out).text);
}
