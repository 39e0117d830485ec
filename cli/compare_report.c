// SPDX-License-Identifier: MIT
//
// A comparison on the terminal, as JSON and as CSV. The keys are described in the manual page
// heaptape-compare(1).
#include "cli/compare.h"

#include "cli/show.h"
#include "formats/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct cell {
    char text[80];
};

static struct cell show_value(enum ht_figure figure, double value)
{
    struct cell cell;
    if (figure <= HT_FIGURE_NET_NS) {
        snprintf(cell.text, sizeof cell.text, "%.1f", value);
        return cell;
    }
    uint64_t distance = (uint64_t)((value < 0 ? -value : value) + 0.5);
    bool is_count = figure == HT_FIGURE_MOVED || figure == HT_FIGURE_FAILED;
    struct ht_shown shown = is_count ? ht_show_count(distance) : ht_show_size(distance);
    snprintf(cell.text, sizeof cell.text, "%s%.70s", value < 0 ? "-" : "", shown.text);
    return cell;
}

// The median, with the heap's place where it has one.
static struct cell show_median(const struct ht_comparison *comparison, size_t index,
                               enum ht_figure figure)
{
    struct ht_spread spread;
    if (!ht_compared_spread(&comparison->heaps[index], figure, &spread))
        return (struct cell){"unknown"};
    struct cell cell = show_value(figure, spread.median);
    size_t place = ht_compared_place(comparison, index, figure);
    if (place == 0)
        return cell;
    struct cell placed;
    snprintf(placed.text, sizeof placed.text, "#%zu  %.40s", place, cell.text);
    return placed;
}

static struct cell show_spread(const struct ht_compared *heap, enum ht_figure figure)
{
    struct cell cell = {""};
    struct ht_spread spread;
    if (ht_compared_spread(heap, figure, &spread) && spread.least < spread.most)
        snprintf(cell.text, sizeof cell.text, "%.30s..%.30s", show_value(figure, spread.least).text,
                 show_value(figure, spread.most).text);
    return cell;
}

// What the terminal shows, in this order.
static const struct {
    const char *head;
    enum ht_figure figure;
    int width;
} columns[] = {
    {"ns per op", HT_FIGURE_NS, 14},
    {"net of null", HT_FIGURE_NET_NS, 12},
    {"live peak", HT_FIGURE_PEAK, 11},
    {"resident growth", HT_FIGURE_GROWTH, 20},
    {"at its peak", HT_FIGURE_PEAK_GROWTH, 20},
    {"moved", HT_FIGURE_MOVED, 14},
    {"failed", HT_FIGURE_FAILED, 8},
};

enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

// A line of the table, without blanks at its end.
static void print_row(const char *label, int label_width, const struct cell cells[COLUMN_COUNT])
{
    int blanks = label_width - (int)strlen(label);
    printf("%s", label);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        int length = (int)strlen(cells[i].text);
        int before = 1 + (length < columns[i].width ? columns[i].width - length : 0);
        if (length > 0)
            printf("%*s%s", blanks + before, "", cells[i].text);
        blanks = length > 0 ? 0 : blanks + before;
    }
    printf("\n");
}

static void print_heap(const struct ht_comparison *comparison, size_t index, int name_width)
{
    const struct ht_compared *heap = &comparison->heaps[index];
    struct cell medians[COLUMN_COUNT];
    struct cell spreads[COLUMN_COUNT];
    if (heap->run_count == 0)
        return;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        medians[i] = show_median(comparison, index, columns[i].figure);
        spreads[i] = show_spread(heap, columns[i].figure);
    }
    print_row(heap->name, name_width, medians);
    print_row("", name_width, spreads);
}

static struct cell show_recorded(const struct ht_run *run, enum ht_figure figure)
{
    if (figure == HT_FIGURE_PEAK)
        return show_value(figure, (double)run->recorded_peak_bytes);
    if (figure == HT_FIGURE_MOVED)
        return show_value(figure, (double)run->recorded_moved);
    return (struct cell){""};
}

static void print_heads(const struct ht_run *run, int name_width)
{
    struct cell heads[COLUMN_COUNT];
    struct cell recorded[COLUMN_COUNT];
    for (int i = 0; i < COLUMN_COUNT; i++) {
        snprintf(heads[i].text, sizeof heads[i].text, "%s", columns[i].head);
        recorded[i] = show_recorded(run, columns[i].figure);
    }
    printf("\n");
    print_row("", name_width, heads);
    print_row("recorded", name_width, recorded);
}

void ht_comparison_print_text(const struct ht_comparison *comparison)
{
    const struct ht_run *any = ht_comparison_any_run(comparison);
    int name_width = (int)strlen("recorded");
    if (any == NULL)
        return;
    printf("%s, touch %s, order %s: %s operations, %s of them reallocs\n", comparison->file,
           ht_touch_name(comparison->touch), ht_order_name(comparison->order.order),
           ht_show_count(any->operations).text, ht_show_count(any->reallocs).text);
    for (size_t i = 0; i < comparison->choice.setting_count; i++)
        printf("  with %s\n", comparison->choice.settings[i]);
    for (size_t i = 0; i < comparison->heap_count; i++) {
        const struct ht_compared *heap = &comparison->heaps[i];
        if (heap->run_count > 0)
            printf("  %s: %s, %zu runs%s\n", heap->name, heap->runs[0].heap_version,
                   heap->run_count,
                   heap->runs[0].is_apart ? ", each recorded heap on one of its own" : "");
        if ((int)strlen(heap->name) > name_width)
            name_width = (int)strlen(heap->name);
    }
    print_heads(any, name_width);
    for (size_t i = 0; i < comparison->heap_count; i++)
        print_heap(comparison, i, name_width);
    printf(
        "\nEach run in a new process, heaps in turns. Medians; below them least..most of the runs\n"
        "where they differ. #: place, from %d runs on; heaps whose spreads meet share one.\n",
        HT_RUNS_TO_RANK);
}

// Quoted as RFC 4180 has it, when it must be.
static void print_csv_text(const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        printf("%s", text);
        return;
    }
    putchar('"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"')
            putchar('"');
        putchar(*c);
    }
    putchar('"');
}

static void print_csv_run(const struct ht_compared *heap, size_t index)
{
    const struct ht_run *run = &heap->runs[index];
    print_csv_text(heap->name);
    putchar(',');
    print_csv_text(run->heap_version);
    printf(",%zu,%" PRIu64 ",%.3f,%.3f,%" PRIu64 ",", index + 1, run->operations, run->ns_per_op,
           run->null_ns_per_op, run->peak_bytes);
    if (run->has_growth)
        printf("%" PRId64, run->growth_bytes);
    putchar(',');
    if (run->has_peak_growth)
        printf("%" PRIu64, run->peak_growth_bytes);
    printf(",%" PRIu64 ",%" PRIu64 "\n", run->moved, run->failed);
}

void ht_comparison_print_csv(const struct ht_comparison *comparison)
{
    printf("heap,heap_version,run,operations,ns_per_op,null_ns_per_op,peak_bytes,growth_bytes,"
           "peak_growth_bytes,reallocs_moved,failed\n");
    for (size_t i = 0; i < comparison->heap_count; i++) {
        for (size_t run = 0; run < comparison->heaps[i].run_count; run++)
            print_csv_run(&comparison->heaps[i], run);
    }
}

static void put_value(struct ht_json *json, const char *key, enum ht_figure figure, double value)
{
    ht_json_key(json, key);
    if (figure == HT_FIGURE_NS || figure == HT_FIGURE_NULL_NS)
        ht_json_thousandths(json, (uint64_t)(value * 1000 + 0.5));
    else
        ht_json_i64(json, (int64_t)value);
}

static void put_figure(struct ht_json *json, const struct ht_comparison *comparison, size_t index,
                       enum ht_figure figure, const char *key)
{
    struct ht_spread spread;
    if (!ht_compared_spread(&comparison->heaps[index], figure, &spread))
        return;
    ht_json_line(json);
    ht_json_key(json, key);
    ht_json_begin_object(json);
    put_value(json, "median", figure, spread.median);
    put_value(json, "least", figure, spread.least);
    put_value(json, "most", figure, spread.most);
    size_t place = ht_compared_place(comparison, index, figure);
    if (place > 0)
        ht_json_put_u64(json, "place", place);
    ht_json_end(json);
}

static void put_heap(struct ht_json *json, const struct ht_comparison *comparison, size_t index)
{
    static const struct {
        enum ht_figure figure;
        const char *key;
    } members[] = {
        {HT_FIGURE_NS, "ns_per_op"},
        {HT_FIGURE_NULL_NS, "null_ns_per_op"},
        {HT_FIGURE_PEAK, "peak_bytes"},
        {HT_FIGURE_GROWTH, "growth_bytes"},
        {HT_FIGURE_PEAK_GROWTH, "peak_growth_bytes"},
        {HT_FIGURE_MOVED, "reallocs_moved"},
        {HT_FIGURE_FAILED, "failed"},
    };
    const struct ht_compared *heap = &comparison->heaps[index];
    ht_json_line(json);
    ht_json_begin_object(json);
    ht_json_put_string(json, "heap", heap->name);
    if (heap->run_count > 0) {
        ht_json_put_string(json, "heap_version", heap->runs[0].heap_version);
        ht_json_key(json, "is_apart");
        ht_json_bool(json, heap->runs[0].is_apart);
    }
    ht_json_put_u64(json, "runs", heap->run_count);
    if (heap->is_failed)
        ht_json_put_string(json, "failure", heap->failure.text);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        put_figure(json, comparison, index, members[i].figure, members[i].key);
    ht_json_end(json);
}

static void put_head(struct ht_json *json, const struct ht_comparison *comparison)
{
    const struct ht_run *any = ht_comparison_any_run(comparison);
    ht_json_put_string(json, "file", comparison->file);
    ht_json_put_string(json, "touch", ht_touch_name(comparison->touch));
    ht_json_put_string(json, "order", ht_order_name(comparison->order.order));
    ht_json_put_u64(json, "runs_wanted", comparison->runs_wanted);
    ht_json_key(json, "heap_env");
    ht_json_begin_array(json);
    for (size_t i = 0; i < comparison->choice.setting_count; i++)
        ht_json_string(json, comparison->choice.settings[i]);
    ht_json_end(json);
    if (any == NULL)
        return;
    ht_json_line(json);
    ht_json_put_u64(json, "operations", any->operations);
    ht_json_put_u64(json, "reallocs", any->reallocs);
    ht_json_put_u64(json, "recorded_moved", any->recorded_moved);
    ht_json_put_u64(json, "recorded_peak_bytes", any->recorded_peak_bytes);
    ht_json_put_u64(json, "recorded_heaps", any->recorded_heaps);
    ht_json_put_hex(json, "digest", any->digest);
}

enum ht_status ht_comparison_print_json(const struct ht_comparison *comparison,
                                        struct ht_error *error)
{
    struct ht_output *output = NULL;
    enum ht_status status = ht_output_open("-", &output, error);
    if (status != HT_OK)
        return status;
    struct ht_json json = ht_json_over(output);
    ht_json_begin_object(&json);
    ht_json_line(&json);
    put_head(&json, comparison);
    ht_json_line(&json);
    ht_json_key(&json, "heaps");
    ht_json_begin_array(&json);
    for (size_t i = 0; i < comparison->heap_count; i++)
        put_heap(&json, comparison, i);
    ht_json_end(&json);
    ht_json_line(&json);
    ht_json_end(&json);
    status = ht_json_commit(&json, error);
    ht_output_close(output);
    return status;
}
