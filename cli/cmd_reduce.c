// SPDX-License-Identifier: MIT
//
// heaptape reduce: the smallest part of a trace that still shows its fragmentation.
#include "cli/figures.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/reduce.h"
#include "cli/show.h"
#include "cli/system.h"
#include "formats/compact.h"

#include <stdio.h>
#include <string.h>

enum {
    OPTION_METRIC = HT_OPTION_LONG,
    OPTION_TOLERANCE,
    OPTION_PASSES,
};

enum { TOLERANCE_MOST = 100, PASSES_LEAST = 2, PASSES_MOST = 1000000 };

static const struct ht_option option_table[] = {
    {"output", 'o', "OUT", "write the part here, as .htape"},
    {"metric", OPTION_METRIC, "NAME", "what to keep: f2 (default), f4, retention or moved"},
    {"tolerance", OPTION_TOLERANCE, "PERCENT", "how far it may be off (default 10)"},
    {"passes", OPTION_PASSES, "N", "read the trace at most so many times (default 200)"},
    {NULL, 0, NULL, NULL},
};

struct settings {
    struct ht_paths inputs;
    const char *output;
    struct ht_reduce_options reduce;
};

static enum ht_exit check(const struct settings *settings)
{
    if (settings->output == NULL)
        return ht_options_misuse(&ht_command_reduce, "-o OUT is missing");
    if (ht_format_by_path(settings->output) != &ht_format_compact)
        return ht_options_misuse(&ht_command_reduce, "%s: OUT is a .htape", settings->output);
    for (size_t i = 0; i < settings->inputs.count; i++) {
        const char *path = settings->inputs.paths[i];
        if (strcmp(path, "-") == 0)
            return ht_options_misuse(&ht_command_reduce, "IN is read many times, and - only once");
        if (ht_system_is_same_file(path, settings->output))
            return ht_options_misuse(&ht_command_reduce, "%s is also the input", settings->output);
    }
    return HT_EXIT_DONE;
}

static enum ht_status write_part(const struct ht_paths *paths, const char *path,
                                 struct ht_error *error)
{
    struct ht_progress_line line;
    struct ht_stream stream = {0};
    struct ht_target target = {.format = &ht_format_compact};
    uint64_t events = 0;
    enum ht_status status = ht_stream_open_all(&stream, paths, false, error);
    if (status == HT_OK)
        status = ht_output_open(path, &target.output, error);
    ht_progress_line_begin(&line);
    if (status == HT_OK)
        status = ht_convert(&stream, &target, &line.progress, &events, error);
    ht_progress_line_end(&line);
    if (status == HT_OK)
        status = ht_output_commit(target.output, error);
    ht_output_close(target.output);
    ht_stream_close(&stream);
    return status;
}

static void row(const char *label, struct ht_shown whole, struct ht_shown part)
{
    printf("  %-34s%18s%18s\n", label, whole.text, part.text);
}

static void row_of_counts(const char *label, uint64_t whole, uint64_t part)
{
    row(label, ht_show_count(whole), ht_show_count(part));
}

// What is kept, and the ratio that the metrics of a replay have for it.
static void print_figures(const struct ht_reduction *reduction)
{
    static const char *const labels[HT_REDUCE_METRICS] = {
        "page bytes over live, live peak", "page peak over live peak, bytes",
        "page bytes over live, at the end", "bytes copied by moved reallocs"};
    enum ht_reduce_metric metric = reduction->options.metric;
    const struct ht_metrics_report *whole = &reduction->whole->report;
    const struct ht_metrics_report *part = &reduction->part->report;
    row_of_counts(labels[metric], ht_reduce_figure(whole, metric), ht_reduce_figure(part, metric));
    if (metric == HT_REDUCE_F2)
        row("  F2", ht_figure_ratio(whole->f2), ht_figure_ratio(part->f2));
    else if (metric == HT_REDUCE_F4)
        row("  F4", ht_figure_ratio(whole->f4), ht_figure_ratio(part->f4));
    else if (metric == HT_REDUCE_RETENTION)
        row("  retention", ht_figure_ratio(whole->retention), ht_figure_ratio(part->retention));
    else
        row("  of those requested",
            ht_figure_share(ht_figure_copied_bytes(whole), ht_figure_requested_bytes(whole)),
            ht_figure_share(ht_figure_copied_bytes(part), ht_figure_requested_bytes(part)));
}

static void print(const struct settings *settings, const struct ht_reduction *reduction)
{
    static const char *const endings[] = {
        [HT_REDUCE_NO_CUT_HELPS] = "no further cut helps",
        [HT_REDUCE_OUT_OF_PASSES] = "there may be less: --passes was the limit",
        [HT_REDUCE_INTERRUPTED] = "interrupted: the best until then",
    };
    const struct ht_part *whole = reduction->whole;
    const struct ht_part *part = reduction->part;
    printf("  %-34s%18s%18s\n", "", "whole", "part");
    row_of_counts("events", whole->events, part->events);
    row("", (struct ht_shown){""}, ht_figure_share(part->events, whole->events));
    print_figures(reduction);
    row_of_counts("processes", whole->values[HT_PART_PIDS].count, part->values[HT_PART_PIDS].count);
    row_of_counts("heap handles", whole->values[HT_PART_HEAPS].count,
                  part->values[HT_PART_HEAPS].count);
    row_of_counts("threads", whole->values[HT_PART_TIDS].count, part->values[HT_PART_TIDS].count);
    printf("\n  filters: %s\n  %u passes; %s\n",
           reduction->paths.filter.text[0] != '\0' ? reduction->paths.filter.text : "none",
           reduction->passes, endings[reduction->ending]);
    ht_say("%s: %s of %s events", settings->output, ht_show_count(part->events).text,
           ht_show_count(whole->events).text);
}

static enum ht_exit reduce(const struct settings *settings)
{
    struct ht_error error;
    struct ht_reduction reduction;
    ht_system_catch_interrupt();
    enum ht_status status = ht_reduce(&reduction, &settings->inputs, &settings->reduce, &error);
    if (status == HT_OK)
        status = write_part(&reduction.paths, settings->output, &error);
    if (status == HT_OK)
        print(settings, &reduction);
    else
        ht_say("%s", error.text);
    ht_reduction_close(&reduction);
    bool is_done = status == HT_OK && reduction.ending != HT_REDUCE_INTERRUPTED;
    return is_done ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

// False when the command line is done with, after options->exit is set.
static bool take_option(struct settings *settings, struct ht_options *options, int letter)
{
    uint64_t number = 0;
    switch (letter) {
    case 'o':
        settings->output = options->value;
        return true;
    case OPTION_METRIC:
        settings->reduce.metric = ht_reduce_metric_by_name(options->value);
        if (settings->reduce.metric < HT_REDUCE_METRICS)
            return true;
        options->exit = ht_options_misuse(
            options->command, "--metric %s: expected f2, f4, retention or moved", options->value);
        return false;
    case OPTION_TOLERANCE:
        if (!ht_options_number(options, TOLERANCE_MOST, &number))
            return false;
        settings->reduce.tolerance = (unsigned)number;
        return true;
    case OPTION_PASSES:
        if (!ht_options_number(options, PASSES_MOST, &number))
            return false;
        settings->reduce.passes = (unsigned)number;
        if (number < PASSES_LEAST)
            options->exit =
                ht_options_misuse(options->command, "--passes: expected at least %d", PASSES_LEAST);
        return number >= PASSES_LEAST;
    default:
        return false;
    }
}

static enum ht_exit run(int argc, char **argv)
{
    struct settings settings = {
        .reduce = {HT_REDUCE_F2, HT_REDUCE_TOLERANCE, HT_REDUCE_PASSES},
    };
    struct ht_options options;
    int letter;
    ht_options_init(&options, &ht_command_reduce, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END)
        if (!take_option(&settings, &options, letter))
            return options.exit;
    if (!ht_options_paths(&options, "IN", &settings.inputs))
        return options.exit;
    enum ht_exit misuse = check(&settings);
    return misuse == HT_EXIT_DONE ? reduce(&settings) : misuse;
}

const struct ht_command ht_command_reduce = {
    .name = "reduce",
    .what = "find a small part of a trace that shows the same",
    .usage = "IN... [FILTER]... -o OUT.htape [--metric NAME] [--tolerance PERCENT] [--passes N]",
    .about =
        "Cuts a trace down as long as a metric of its recorded addresses stays: what a bug report\n"
        "needs. Metrics are kept in bytes:\n"
        "\n"
        "  f2         pages in use over live bytes, at the live peak\n"
        "  f4         pages at their peak over live bytes at theirs\n"
        "  retention  pages in use over live bytes, at the end\n"
        "  moved      copied by reallocs that moved\n"
        "\n"
        "Cuts are by process, heap and end; for moved also by thread, size and start, which would\n"
        "part the blocks of a page and so make waste of their own.\n"
        "An interrupt ends the search with the best part until then, and status 1.",
    .options = option_table,
    .has_filters = true,
    .run = run,
};
