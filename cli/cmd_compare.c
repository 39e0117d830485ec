// SPDX-License-Identifier: MIT
//
// heaptape compare: replays a trace on several heaps, each run in a new child, in turns. This
// file runs; compare.c keeps the runs, compare_report.c prints.
#include "cli/compare.h"
#include "cli/options.h"
#include "cli/order_choice.h"
#include "cli/child.h"
#include "cli/show.h"
#include "cli/system.h"
#include "replay/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_HEAP = HT_OPTION_LONG,
    OPTION_HEAP_ENV,
    OPTION_RUNS,
    OPTION_TOUCH,
    OPTION_WHAT_IF,
    OPTION_METRICS,
    OPTION_LATENCY,
    OPTION_JSON,
    OPTION_CSV,
};

enum {
    RUNS_DEFAULT = 5,
    LATENCY_MOST = 1000000000,
    ARGUMENTS_MAX = 10 + 2 * HT_HEAP_SETTINGS_MAX + HT_ORDER_WORDS_MAX + 2 * HT_FILTER_VALUES_MAX +
                    2 * HT_WHAT_IF_CHANGES_MAX + HT_INPUTS_MAX,
};

static const struct ht_option option_table[] = {
    {"heap", OPTION_HEAP, "NAME", "a heap to compare, as for replay; once for each"},
    {"heap-env", OPTION_HEAP_ENV, "SETTING",
     "VAR=VALUE, which the heaps read from their environment"},
    {"runs", OPTION_RUNS, "N", "runs of each heap (default 5)"},
    {"touch", OPTION_TOUCH, "HOW", "write into blocks: none, first, page (default), fill"},
    HT_ORDER_OPTIONS,
    {"what-if", OPTION_WHAT_IF, "CHANGE",
     "realloc=copy, growth=F, size-class-off[=N[-M]]: each heap with and without"},
    {"metrics", OPTION_METRICS, NULL, "compare the metrics of fragmentation, in place of the time"},
    {"latency", OPTION_LATENCY, "N", "time one call in N, and compare quantiles"},
    {"json", OPTION_JSON, NULL, "print medians and spreads as JSON"},
    {"csv", OPTION_CSV, NULL, "print every run as CSV"},
    {NULL, 0, NULL, NULL},
};

struct settings {
    struct ht_comparison comparison;
    const char *names[HT_COMPARED_HEAPS_MAX];
    size_t name_count;
    bool is_json;
    bool is_csv;
};

// A command line on its way.
struct line {
    const char *words[ARGUMENTS_MAX + 1];
    size_t count;
};

static void add_words(struct line *line, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        line->words[line->count++] = words[i];
}

static void add_each(struct line *line, const char *option, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_words(line, (const char *const[]){option, values[i]}, 2);
}

static enum ht_status begin_run(const struct ht_comparison *comparison,
                                const struct ht_compared *heap, struct ht_child *child,
                                struct ht_error *error)
{
    const struct ht_heap_choice *choice = &comparison->choice;
    struct line line = {{"heaptape", "replay"}, 2};
    const char *touch = ht_touch_name(comparison->touch);
    char every[24];
    const char *latency = every;
    snprintf(every, sizeof every, "%llu", (unsigned long long)comparison->latency_every);
    add_each(&line, "--heap", &heap->name, 1);
    add_each(&line, "--touch", &touch, 1);
    add_each(&line, "--heap-env", choice->settings, choice->setting_count);
    add_each(&line, "--latency", &latency, comparison->latency_every > 0);
    if (heap->is_changed)
        add_each(&line, "--what-if", comparison->changes.texts, comparison->changes.count);
    add_words(&line, (const char *const[]){"--metrics"}, comparison->has_metrics);
    add_words(&line, comparison->order.words, comparison->order.word_count);
    add_words(&line, comparison->filter_words, comparison->filter_word_count);
    add_words(&line, (const char *const[]){"--"}, 1); // a file may begin with a dash
    add_words(&line, comparison->inputs.paths, comparison->inputs.count);
    // What is executed only reads its words, but POSIX has them without const.
    char *arguments[ARGUMENTS_MAX + 1];
    memcpy(arguments, line.words, sizeof arguments);
    return ht_child_spawn(child, arguments, error);
}

static void tell(const struct ht_comparison *comparison, const char *name, size_t turn,
                 uint64_t start_ns, size_t done)
{
    if (!ht_system_is_terminal(stderr))
        return;
    size_t left = comparison->heap_count * comparison->runs_wanted - done;
    double seconds = (double)(ht_os_clock_ns() - start_ns) / 1e9;
    fprintf(stderr, "\r%70s\rrun %zu of %zu: %s", "", turn + 1, comparison->runs_wanted, name);
    if (done > 0)
        fprintf(stderr, ", %.0f s left", seconds / (double)done * (double)left);
    fflush(stderr);
}

// One run of one heap. A failure that is the heap's own ends the heap, not the comparison.
static enum ht_status run_once(const struct ht_comparison *comparison, struct ht_compared *heap,
                               struct ht_error *error)
{
    struct ht_child child;
    struct ht_run run;
    enum ht_status status = begin_run(comparison, heap, &child, error);
    if (status != HT_OK)
        return status;
    enum ht_received received = ht_run_receive(&child, heap->label, &run, NULL, error);
    if (ht_system_is_interrupted())
        return HT_OK; // what was received may be half a run
    if (received == HT_RECEIVED_FAILURE)
        return HT_IO;
    if (received == HT_RECEIVED_RUN) {
        const struct ht_run *any = ht_comparison_any_run(comparison, heap->is_changed);
        if (any != NULL && any->digest != run.digest)
            return ht_fail(error, HT_IO, "%s: it has changed from one run to the next",
                           comparison->inputs.paths[0]);
        heap->runs[heap->run_count++] = run;
    } else {
        heap->is_failed = true;
        heap->failure = *error;
    }
    return HT_OK;
}

static enum ht_status run_all(struct ht_comparison *comparison, struct ht_error *error)
{
    uint64_t start_ns = ht_os_clock_ns();
    size_t done = 0;
    enum ht_status status = HT_OK;
    ht_system_catch_interrupt();
    for (size_t turn = 0; turn < comparison->runs_wanted; turn++) {
        for (size_t i = 0; i < comparison->heap_count; i++, done++) {
            struct ht_compared *heap = &comparison->heaps[i];
            if (status != HT_OK || ht_system_is_interrupted() || heap->is_failed)
                continue;
            tell(comparison, heap->label, turn, start_ns, done);
            status = run_once(comparison, heap, error);
        }
    }
    if (ht_system_is_terminal(stderr))
        fprintf(stderr, "\r%70s\r", "");
    return status;
}

static enum ht_exit report(const struct settings *settings)
{
    const struct ht_comparison *comparison = &settings->comparison;
    struct ht_error error;
    enum ht_status status = HT_OK;
    bool is_whole = !ht_system_is_interrupted();
    for (size_t i = 0; i < comparison->heap_count; i++) {
        const struct ht_compared *heap = &comparison->heaps[i];
        if (heap->is_failed)
            ht_say("%s", heap->failure.text);
        is_whole = is_whole && !heap->is_failed;
    }
    if (ht_system_is_interrupted())
        ht_say("interrupted: this is of the runs until then");
    if (settings->is_json)
        status = ht_comparison_print_json(comparison, &error);
    else if (settings->is_csv)
        ht_comparison_print_csv(comparison);
    else
        ht_comparison_print_text(comparison);
    if (status != HT_OK)
        ht_say("%s", error.text);
    return is_whole && status == HT_OK ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

// Each heap as it is and, when there are changes, with them.
static void list_heaps(struct ht_comparison *comparison, const char *const *names)
{
    size_t of_each = comparison->changes.count > 0 ? 2 : 1;
    for (size_t i = 0; i < comparison->heap_count; i++) {
        struct ht_compared *heap = &comparison->heaps[i];
        heap->name = names[i / of_each];
        heap->is_changed = i % of_each == 1;
        snprintf(heap->label, sizeof heap->label, "%.100s%s", heap->name,
                 heap->is_changed ? ", what if" : "");
    }
}

static enum ht_exit compare(struct settings *settings)
{
    struct ht_comparison *comparison = &settings->comparison;
    struct ht_error error;
    enum ht_exit result = HT_EXIT_FAILED;
    comparison->heap_count = settings->name_count * (comparison->changes.count > 0 ? 2 : 1);
    comparison->heaps = calloc(HT_COMPARED_MAX, sizeof *comparison->heaps);
    if (comparison->heaps == NULL) {
        ht_say("there is no memory for the runs");
        return result;
    }
    list_heaps(comparison, settings->names);
    if (run_all(comparison, &error) == HT_OK)
        result = report(settings);
    else
        ht_say("%s", error.text);
    free(comparison->heaps);
    return result;
}

static bool add_heap(struct settings *settings, struct ht_options *options)
{
    if (!ht_heap_choice_check_name(options))
        return false;
    if (settings->name_count == HT_COMPARED_HEAPS_MAX) {
        options->exit = ht_options_misuse(options->command, "--heap is taken %d times at most",
                                          HT_COMPARED_HEAPS_MAX);
        return false;
    }
    settings->names[settings->name_count++] = options->value;
    return true;
}

// False when the command line is done with, after options->exit is set.
static bool take_option(struct settings *settings, struct ht_options *options, int letter)
{
    struct ht_comparison *comparison = &settings->comparison;
    uint64_t runs = 0;
    switch (letter) {
    case OPTION_HEAP:
        return add_heap(settings, options);
    case OPTION_HEAP_ENV:
        return ht_heap_choice_add_setting(&comparison->choice, options);
    case OPTION_RUNS:
        if (!ht_options_number(options, HT_RUNS_MAX, &runs))
            return false;
        comparison->runs_wanted = (size_t)runs;
        return true;
    case OPTION_TOUCH:
        return ht_heap_choice_touch(options, &comparison->touch);
    case OPTION_WHAT_IF:
        return ht_changes_take(&comparison->changes, options);
    case OPTION_METRICS:
        comparison->has_metrics = true;
        return true;
    case OPTION_LATENCY:
        return ht_options_number(options, LATENCY_MOST, &comparison->latency_every);
    case OPTION_JSON:
        settings->is_json = true;
        return true;
    case OPTION_CSV:
        settings->is_csv = true;
        return true;
    default:
        return letter >= HT_OPTION_ORDER && letter <= HT_OPTION_ORDER_LAST &&
               ht_order_choice_take(&comparison->order, options, letter);
    }
}

// What does not go together. HT_EXIT_DONE when all does.
static enum ht_exit check(const struct settings *settings)
{
    const struct ht_command *command = &ht_command_compare;
    const struct ht_comparison *comparison = &settings->comparison;
    if (strcmp(comparison->inputs.paths[0], "-") == 0)
        return ht_options_misuse(command, "IN is read once a run, so it cannot be standard input");
    if (settings->name_count == 0)
        return ht_options_misuse(command, "--heap NAME is missing");
    if (comparison->runs_wanted == 0)
        return ht_options_misuse(command, "--runs takes 1 or more");
    if (comparison->has_metrics && comparison->latency_every > 0)
        return ht_options_misuse(command,
                                 "--metrics and --latency disturb each other: one at a time");
    if (settings->is_json && settings->is_csv)
        return ht_options_misuse(command, "--json or --csv, not both");
    return HT_EXIT_DONE;
}

static enum ht_exit run(int argc, char **argv)
{
    struct settings settings = {.comparison = {.runs_wanted = RUNS_DEFAULT}};
    struct ht_comparison *comparison = &settings.comparison;
    struct ht_options options;
    int letter;
    ht_options_init(&options, &ht_command_compare, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END) {
        if (!take_option(&settings, &options, letter))
            return options.exit;
    }
    if (!ht_options_paths(&options, "IN", &comparison->inputs) ||
        !ht_order_choice_complete(&comparison->order, &options))
        return options.exit;
    comparison->filter_words = options.filter_words;
    comparison->filter_word_count = options.filter_word_count;
    enum ht_exit exit = check(&settings);
    return exit == HT_EXIT_DONE ? compare(&settings) : exit;
}

const struct ht_command ht_command_compare = {
    .name = "compare",
    .what = "replay a trace on several heaps, side by side",
    .usage = "IN... [FILTER]... --heap NAME [--heap NAME]... [--heap-env SETTING]... [--runs N]\n"
             "IN... --heap NAME... [--touch HOW] [--metrics | --latency N] [--json | --csv]\n"
             "IN... --heap NAME... [--order NAME] [--workers N] [--window N] [--speed X]\n"
             "IN... --heap NAME... --what-if CHANGE...",
    .about =
        "Each run is a process of its own, and the heaps take turns. What is told is the median\n"
        "of a heap's runs with the least and the most. From 4 runs on a heap has its place;\n"
        "those whose spreads meet share one.",
    .options = option_table,
    .has_filters = true,
    .run = run,
};
