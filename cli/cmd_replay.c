// SPDX-License-Identifier: MIT
//
// heaptape replay: re-issues the operations of a trace on a real heap. This file makes the plan and
// runs it; replay_text.c and replay_json.c print.
#include "cli/compare.h"
#include "cli/heap_choice.h"
#include "cli/options.h"
#include "cli/plan_reader.h"
#include "cli/progress.h"
#include "cli/child.h"
#include "cli/replay_report.h"
#include "cli/show.h"
#include "cli/system.h"

#include <string.h>

enum { OPTION_HEAP = HT_OPTION_LONG, OPTION_HEAP_ENV, OPTION_TOUCH, OPTION_LATENCY, OPTION_JSON };

static const struct ht_option option_table[] = {
    {"heap", OPTION_HEAP, "NAME", "libc (default), null, jemalloc, ... or a library's path"},
    {"heap-env", OPTION_HEAP_ENV, "SETTING",
     "VAR=VALUE, which the heap reads from its environment"},
    {"touch", OPTION_TOUCH, "HOW", "write into blocks: none, first, page (default), fill"},
    {"latency", OPTION_LATENCY, "N", "time one call in N, and print quantiles"},
    {"json", OPTION_JSON, NULL, "print the report as JSON"},
    {NULL, 0, NULL, NULL},
};

enum { LATENCY_MOST = 1000000000 };

struct settings {
    const char *input;
    struct ht_heap_choice heap;
    struct ht_replay_options replay;
    uint64_t latency_every; // 0: no call is timed
    bool is_json;
};

static enum ht_status print(const struct settings *settings, const struct ht_plan_source *source,
                            const struct ht_replay_result *result, const struct ht_latency *latency,
                            struct ht_error *error)
{
    struct ht_replay_report report = {
        .file = strcmp(settings->input, "-") == 0 ? "standard input" : settings->input,
        .source = source,
        .choice = &settings->heap,
        .result = result,
        .latency = latency,
        .latency_every = settings->latency_every,
    };
    if (settings->is_json)
        return ht_replay_print_json(&report, error);
    ht_replay_print_text(&report);
    return HT_OK;
}

static enum ht_status play(const struct settings *settings, const struct ht_plan *plan,
                           const struct ht_heap *heap, struct ht_replay_result *result,
                           struct ht_error *error)
{
    struct ht_progress_replay progress;
    struct ht_replay_options options = settings->replay;
    ht_progress_replay_begin(&progress, ht_plan_totals(plan)->operations);
    progress.line.is_wanted = progress.line.is_wanted && ht_child_result_pipe() < 0;
    options.pulse = &progress.pulse;
    enum ht_status status = ht_replay_run(plan, heap, &options, result, error);
    ht_progress_line_end(&progress.line);
    return status;
}

// Reads, plays and reports; what `heaptape compare` began reports to it.
static enum ht_status replay(const struct settings *settings, const struct ht_heap *heap,
                             const struct ht_latency *latency, struct ht_error *error)
{
    struct ht_plan *plan;
    struct ht_plan_source source;
    struct ht_replay_result result;
    enum ht_status status = ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, error);
    if (status != HT_OK)
        return status;
    ht_system_catch_interrupt();
    status = ht_plan_read(settings->input, plan, &source, error);
    if (status == HT_OK)
        status = play(settings, plan, heap, &result, error);
    if (status == HT_OK && ht_child_result_pipe() < 0)
        status = print(settings, &source, &result, latency, error);
    else if (status == HT_OK && result.is_whole)
        ht_compare_send(&result);
    if (status == HT_OK && !result.is_whole)
        status = ht_fail(error, HT_IO, "interrupted: this is of the first %s operations",
                         ht_show_count(result.played.operations).text);
    ht_plan_close(plan);
    return status;
}

static enum ht_status replay_timed(const struct settings *settings, const struct ht_heap *heap,
                                   struct ht_error *error)
{
    struct ht_latency *latency;
    enum ht_status status =
        ht_latency_open(&latency, heap, (uint32_t)settings->latency_every, error);
    if (status != HT_OK)
        return status;
    status = replay(settings, ht_latency_heap(latency), latency, error);
    ht_latency_close(latency);
    return status;
}

static enum ht_exit open_and_replay(const struct settings *settings, int argc, char **argv)
{
    struct ht_error error = {0};
    const struct ht_heap *heap;
    enum ht_status status = ht_heap_choice_open(&settings->heap, argc, argv, &heap, &error);
    bool is_of_heap = status != HT_OK;
    if (status == HT_OK && settings->latency_every > 0)
        status = replay_timed(settings, heap, &error);
    else if (status == HT_OK)
        status = replay(settings, heap, NULL, &error);
    if (status == HT_OK)
        return HT_EXIT_DONE;
    if (ht_child_result_pipe() >= 0)
        ht_compare_send_failure(&error, is_of_heap);
    else
        ht_say("%s", error.text);
    return HT_EXIT_FAILED;
}

static enum ht_exit run(int argc, char **argv)
{
    struct settings settings = {.heap = {.name = "libc"}};
    struct ht_options options;
    int letter;
    ht_options_init(&options, &ht_command_replay, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END) {
        switch (letter) {
        case OPTION_HEAP:
            if (!ht_heap_choice_check_name(&options))
                return options.exit;
            settings.heap.name = options.value;
            break;
        case OPTION_HEAP_ENV:
            if (!ht_heap_choice_add_setting(&settings.heap, &options))
                return options.exit;
            break;
        case OPTION_TOUCH:
            if (!ht_heap_choice_touch(&options, &settings.replay.touch))
                return options.exit;
            break;
        case OPTION_LATENCY:
            if (!ht_options_number(&options, LATENCY_MOST, &settings.latency_every))
                return options.exit;
            break;
        case OPTION_JSON:
            settings.is_json = true;
            break;
        default:
            return options.exit;
        }
    }
    if (!ht_options_operand(&options, "IN", &settings.input))
        return options.exit;
    return open_and_replay(&settings, argc, argv);
}

const struct ht_command ht_command_replay = {
    .name = "replay",
    .what = "re-issue a trace's operations on a heap",
    .usage = "IN [--heap NAME] [--heap-env SETTING]... [--touch HOW]\n"
             "IN [--heap NAME] [--latency N] [--json]",
    .about =
        "Calls malloc, realloc and free in the recorded order with the recorded sizes, and sets\n"
        "what the heap did beside the recording and beside a heap that does nothing.",
    .options = option_table,
    .run = run,
};
