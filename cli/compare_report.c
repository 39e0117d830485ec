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
    uint64_t distance = (uint64_t)((value < 0 ? -value : value) + 0.5);
    const char *sign = value < 0 ? "-" : "";
    switch (ht_figure_about(figure).unit) {
    case HT_UNIT_NS:
        snprintf(cell.text, sizeof cell.text, "%.1f", value);
        return cell;
    case HT_UNIT_RATIO:
        snprintf(cell.text, sizeof cell.text, "%.3f", value);
        return cell;
    case HT_UNIT_SHARE:
        snprintf(cell.text, sizeof cell.text, "%.1f %%", 100 * value);
        return cell;
    case HT_UNIT_COUNT:
        snprintf(cell.text, sizeof cell.text, "%s%.70s", sign, ht_show_count(distance).text);
        return cell;
    default:
        snprintf(cell.text, sizeof cell.text, "%s%.70s", sign, ht_show_size(distance).text);
        return cell;
    }
}

// The median, with the heap's place where it has one.
static struct cell show_median(const struct ht_comparison *comparison, size_t index,
                               enum ht_figure figure)
{
    struct ht_spread spread;
    if (!ht_compared_spread(&comparison->heaps[index], figure, &spread))
        return figure >= HT_FIGURE_LATENCY ? (struct cell){"-"} : (struct cell){"unknown"};
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

// The figure of a call's time, of the quantiles 50, 90, 99 and 99.9 % and the most.
#define LATENCY(kind, quantile)                                                                    \
    (enum ht_figure)(HT_FIGURE_LATENCY + (kind)*HT_LATENCY_QUANTILES + (quantile))

struct column {
    const char *head;
    enum ht_figure figure;
    int width;
};

// What the terminal shows, in this order.
static const struct column timed[] = {
    {"ns per op", HT_FIGURE_NS, 14},
    {"net of null", HT_FIGURE_NET_NS, 12},
    {"live peak", HT_FIGURE_PEAK, 11},
    {"resident growth", HT_FIGURE_GROWTH, 20},
    {"at its peak", HT_FIGURE_PEAK_GROWTH, 20},
    {"moved", HT_FIGURE_MOVED, 14},
    {"failed", HT_FIGURE_FAILED, 8},
};

static const struct column measured[] = {
    {"F1", HT_FIGURE_F1, 12},
    {"F2", HT_FIGURE_F2, 12},
    {"F4", HT_FIGURE_F4, 12},
    {"retention", HT_FIGURE_RETENTION, 14},
    {"page peak", HT_FIGURE_PAGE_PEAK, 15},
    {"wasted", HT_FIGURE_WASTE, 12},
    {"resident", HT_FIGURE_RESIDENT_AT_PEAK, 17},
    {"moved", HT_FIGURE_MOVED, 14},
    {"as recorded", HT_FIGURE_AS_RECORDED, 15},
    {"failed", HT_FIGURE_FAILED, 8},
};

static const struct column single[] = {
    {"alloc 50 %", LATENCY(HT_LATENCY_ALLOC, 0), 12},
    {"99 %", LATENCY(HT_LATENCY_ALLOC, 2), 14},
    {"in place 50 %", LATENCY(HT_LATENCY_IN_PLACE, 0), 14},
    {"99 %", LATENCY(HT_LATENCY_IN_PLACE, 2), 14},
    {"moved 50 %", LATENCY(HT_LATENCY_MOVED, 0), 14},
    {"99 %", LATENCY(HT_LATENCY_MOVED, 2), 14},
    {"free 50 %", LATENCY(HT_LATENCY_FREE, 0), 12},
    {"99 %", LATENCY(HT_LATENCY_FREE, 2), 14},
};

static const struct column drift = {"live off", HT_FIGURE_DRIFT, 11};

enum { COLUMNS_MAX = sizeof measured / sizeof *measured + 1 };

struct table {
    struct column columns[COLUMNS_MAX];
    size_t count;
    int name_width;
};

static void add_columns(struct table *table, const struct column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        table->columns[table->count++] = columns[i];
}

static struct table table_of(const struct ht_comparison *comparison)
{
    struct table table = {.name_width = (int)strlen("recorded")};
    if (comparison->latency_every > 0)
        add_columns(&table, single, sizeof single / sizeof *single);
    else if (comparison->has_metrics)
        add_columns(&table, measured, sizeof measured / sizeof *measured);
    else
        add_columns(&table, timed, sizeof timed / sizeof *timed);
    if (comparison->order.order != HT_ORDER_SERIAL)
        add_columns(&table, &drift, 1);
    for (size_t i = 0; i < comparison->heap_count; i++) {
        int width = (int)strlen(comparison->heaps[i].label);
        table.name_width = width > table.name_width ? width : table.name_width;
    }
    return table;
}

// A line of the table, without blanks at its end.
static void print_row(const struct table *table, const char *label,
                      const struct cell cells[COLUMNS_MAX])
{
    int blanks = table->name_width - (int)strlen(label);
    printf("%s", label);
    for (size_t i = 0; i < table->count; i++) {
        int length = (int)strlen(cells[i].text);
        int width = table->columns[i].width;
        int before = 1 + (length < width ? width - length : 0);
        if (length > 0)
            printf("%*s%s", blanks + before, "", cells[i].text);
        blanks = length > 0 ? 0 : blanks + before;
    }
    printf("\n");
}

static void print_heap(const struct table *table, const struct ht_comparison *comparison,
                       size_t index)
{
    const struct ht_compared *heap = &comparison->heaps[index];
    struct cell medians[COLUMNS_MAX] = {{""}};
    struct cell spreads[COLUMNS_MAX] = {{""}};
    bool has_spread = false;
    if (heap->run_count == 0)
        return;
    for (size_t i = 0; i < table->count; i++) {
        medians[i] = show_median(comparison, index, table->columns[i].figure);
        spreads[i] = show_spread(heap, table->columns[i].figure);
        has_spread = has_spread || spreads[i].text[0] != '\0';
    }
    print_row(table, heap->label, medians);
    if (has_spread)
        print_row(table, "", spreads);
}

static struct cell show_recorded(const struct ht_run *run, enum ht_figure figure)
{
    double value;
    return ht_recorded_figure(run, figure, &value) ? show_value(figure, value) : (struct cell){""};
}

static void print_heads(const struct table *table, const struct ht_run *run)
{
    struct cell heads[COLUMNS_MAX] = {{""}};
    struct cell recorded[COLUMNS_MAX] = {{""}};
    bool is_told = false;
    for (size_t i = 0; i < table->count; i++) {
        snprintf(heads[i].text, sizeof heads[i].text, "%s", table->columns[i].head);
        recorded[i] = show_recorded(run, table->columns[i].figure);
        is_told = is_told || recorded[i].text[0] != '\0';
    }
    printf("\n");
    print_row(table, "", heads);
    if (is_told)
        print_row(table, "recorded", recorded);
}

void ht_comparison_print_text(const struct ht_comparison *comparison)
{
    const struct ht_run *any = ht_comparison_any_run(comparison, false);
    struct table table = table_of(comparison);
    if (any == NULL)
        return;
    printf("%s, touch %s, order %s: %s operations, %s of them reallocs\n",
           comparison->inputs.paths[0], ht_touch_name(comparison->touch),
           ht_order_name(comparison->order.order), ht_show_count(any->operations).text,
           ht_show_count(any->reallocs).text);
    for (size_t i = 0; i < comparison->choice.setting_count; i++)
        printf("  with %s\n", comparison->choice.settings[i]);
    for (size_t i = 0; i < comparison->changes.count; i++)
        printf("  what if: %s\n", comparison->changes.texts[i]);
    for (size_t i = 0; i < comparison->heap_count; i++) {
        const struct ht_compared *heap = &comparison->heaps[i];
        if (heap->run_count > 0)
            printf("  %s: %s, %zu runs%s\n", heap->label, heap->runs[0].heap_version,
                   heap->run_count,
                   heap->runs[0].is_apart ? ", each recorded heap on one of its own" : "");
    }
    print_heads(&table, any);
    for (size_t i = 0; i < comparison->heap_count; i++)
        print_heap(&table, comparison, i);
    printf(
        "\nEach run in a new process, heaps in turns. Medians; below them least..most of the runs\n"
        "where they differ. #: place, from %d runs on; heaps whose spreads meet share one.\n",
        HT_RUNS_TO_RANK);
    if (comparison->has_metrics)
        printf(
            "F1, F2, F4, retention: pages in use for each live byte; resident: by how much the\n"
            "process grew until the live peak; as recorded: reallocs that moved or stayed so.\n");
    if (comparison->latency_every > 0)
        printf("ns that 50 and 99 %% of the calls of a kind did not exceed, of one in %s that was "
               "timed.\n",
               ht_show_count(comparison->latency_every).text);
    if (comparison->order.order != HT_ORDER_SERIAL)
        printf("live off: how far the live bytes were off the recorded ones, on average.\n");
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

// The figures in JSON and CSV are those that every run of this kind may have.
static bool is_told(const struct ht_comparison *comparison, int figure)
{
    return ht_figure_about((enum ht_figure)figure).key[0] != '\0' &&
           ht_figure_is_told(comparison, (enum ht_figure)figure);
}

// The changes in one field.
static void print_csv_changes(const struct ht_comparison *comparison,
                              const struct ht_compared *heap)
{
    for (size_t i = 0; heap->is_changed && i < comparison->changes.count; i++)
        printf("%s%s", i > 0 ? " " : "", comparison->changes.texts[i]);
    putchar(',');
}

static void print_csv_value(enum ht_figure_unit unit, double value)
{
    if (unit == HT_UNIT_BYTES || unit == HT_UNIT_COUNT)
        printf("%.0f", value);
    else
        printf("%.3f", value);
}

static void print_csv_run(const struct ht_comparison *comparison, const struct ht_compared *heap,
                          size_t index)
{
    const struct ht_run *run = &heap->runs[index];
    print_csv_text(heap->name);
    putchar(',');
    print_csv_text(run->heap_version);
    putchar(',');
    if (comparison->changes.count > 0)
        print_csv_changes(comparison, heap);
    printf("%zu,%" PRIu64, index + 1, run->operations);
    for (int i = 0; i < HT_FIGURE_COUNT; i++) {
        double value;
        if (!is_told(comparison, i))
            continue;
        putchar(',');
        if (ht_run_figure(run, (enum ht_figure)i, &value))
            print_csv_value(ht_figure_about((enum ht_figure)i).unit, value);
    }
    putchar('\n');
}

void ht_comparison_print_csv(const struct ht_comparison *comparison)
{
    printf("heap,heap_version,%srun,operations", comparison->changes.count > 0 ? "what_if," : "");
    for (int i = 0; i < HT_FIGURE_COUNT; i++)
        if (is_told(comparison, i))
            printf(",%s", ht_figure_about((enum ht_figure)i).key);
    putchar('\n');
    for (size_t i = 0; i < comparison->heap_count; i++) {
        for (size_t run = 0; run < comparison->heaps[i].run_count; run++)
            print_csv_run(comparison, &comparison->heaps[i], run);
    }
}

static void put_value(struct ht_json *json, const char *key, enum ht_figure_unit unit, double value)
{
    ht_json_key(json, key);
    if (unit == HT_UNIT_BYTES || unit == HT_UNIT_COUNT)
        ht_json_i64(json, (int64_t)value);
    else
        ht_json_thousandths(json, (uint64_t)(value * 1000 + 0.5));
}

static void put_figure(struct ht_json *json, const struct ht_comparison *comparison, size_t index,
                       enum ht_figure figure)
{
    struct ht_spread spread;
    struct ht_figure_about about = ht_figure_about(figure);
    if (!ht_compared_spread(&comparison->heaps[index], figure, &spread))
        return;
    ht_json_line(json);
    ht_json_key(json, about.key);
    ht_json_begin_object(json);
    put_value(json, "median", about.unit, spread.median);
    put_value(json, "least", about.unit, spread.least);
    put_value(json, "most", about.unit, spread.most);
    size_t place = ht_compared_place(comparison, index, figure);
    if (place > 0)
        ht_json_put_u64(json, "place", place);
    ht_json_end(json);
}

static void put_heap(struct ht_json *json, const struct ht_comparison *comparison, size_t index)
{
    const struct ht_compared *heap = &comparison->heaps[index];
    ht_json_line(json);
    ht_json_begin_object(json);
    ht_json_put_string(json, "heap", heap->name);
    ht_json_key(json, "is_changed");
    ht_json_bool(json, heap->is_changed);
    if (heap->run_count > 0) {
        ht_json_put_string(json, "heap_version", heap->runs[0].heap_version);
        ht_json_key(json, "is_apart");
        ht_json_bool(json, heap->runs[0].is_apart);
    }
    ht_json_put_u64(json, "runs", heap->run_count);
    if (heap->is_failed)
        ht_json_put_string(json, "failure", heap->failure.text);
    for (int i = 0; i < HT_FIGURE_COUNT; i++)
        if (is_told(comparison, i))
            put_figure(json, comparison, index, (enum ht_figure)i);
    ht_json_end(json);
}

static void put_head(struct ht_json *json, const struct ht_comparison *comparison)
{
    const struct ht_run *any = ht_comparison_any_run(comparison, false);
    ht_json_put_string(json, "file", comparison->inputs.paths[0]);
    ht_json_put_string(json, "touch", ht_touch_name(comparison->touch));
    ht_json_put_string(json, "order", ht_order_name(comparison->order.order));
    ht_json_put_u64(json, "runs_wanted", comparison->runs_wanted);
    ht_json_key(json, "heap_env");
    ht_json_begin_array(json);
    for (size_t i = 0; i < comparison->choice.setting_count; i++)
        ht_json_string(json, comparison->choice.settings[i]);
    ht_json_end(json);
    ht_json_key(json, "what_if");
    ht_json_begin_array(json);
    for (size_t i = 0; i < comparison->changes.count; i++)
        ht_json_string(json, comparison->changes.texts[i]);
    ht_json_end(json);
    ht_json_put_u64(json, "latency_every", comparison->latency_every);
    if (any == NULL)
        return;
    ht_json_line(json);
    ht_json_put_u64(json, "operations", any->operations);
    ht_json_put_u64(json, "reallocs", any->reallocs);
    ht_json_put_u64(json, "recorded_moved", any->recorded_moved);
    ht_json_put_u64(json, "recorded_peak_bytes", any->recorded_peak_bytes);
    ht_json_put_u64(json, "recorded_heaps", any->recorded_heaps);
    ht_json_put_hex(json, "digest", any->digest);
    if (!any->has_metrics)
        return;
    ht_json_put_object(json, "recorded");
    for (int i = HT_FIGURE_F1; i < HT_FIGURE_LATENCY; i++) {
        struct ht_figure_about about = ht_figure_about((enum ht_figure)i);
        double value;
        if (ht_recorded_figure(any, (enum ht_figure)i, &value))
            put_value(json, about.key, about.unit, value);
    }
    ht_json_end(json);
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
