// SPDX-License-Identifier: MIT
//
// heaptape replay: re-issues the operations of a trace on a real heap. This file makes the plan and
// runs it; replay_text.c and replay_json.c print.
#include "cli/filter_options.h"
#include "cli/heap_choice.h"
#include "cli/options.h"
#include "cli/order_choice.h"
#include "cli/plan_reader.h"
#include "cli/progress.h"
#include "cli/child.h"
#include "cli/replay_page.h"
#include "cli/replay_report.h"
#include "cli/show.h"
#include "cli/system.h"
#include "convert/pipeline.h"
#include "replay/heap_copying.h"

#include <string.h>

enum {
    OPTION_HEAP = HT_OPTION_LONG,
    OPTION_HEAP_ENV,
    OPTION_TOUCH,
    OPTION_WHAT_IF,
    OPTION_METRICS,
    OPTION_STEP,
    OPTION_MARK,
    OPTION_LATENCY,
    OPTION_JSON,
    OPTION_REPORT,
    OPTION_TIMELINE,
};

static const struct ht_option option_table[] = {
    {"heap", OPTION_HEAP, "NAME", "of `heaptape heaps` (default: its first), or a library's path"},
    {"heap-env", OPTION_HEAP_ENV, "SETTING",
     "VAR=VALUE, which the heap reads from its environment"},
    {"touch", OPTION_TOUCH, "HOW", "write into blocks: none, first, page (default), fill"},
    HT_ORDER_OPTIONS,
    {"what-if", OPTION_WHAT_IF, "CHANGE",
     "realloc=copy, growth=F, size-class-off[=N[-M]]: beside the unchanged run"},
    {"metrics", OPTION_METRICS, NULL, "take the metrics of fragmentation, in place of the time"},
    {"step", OPTION_STEP, "N", "with metrics: a sample every N operations (default: 512 in all)"},
    {"mark", OPTION_MARK, "TIME", "all metrics at this recorded time too, as 200ms; once for each"},
    {"latency", OPTION_LATENCY, "N", "time one call in N, and print quantiles"},
    {"json", OPTION_JSON, NULL, "print the report as JSON"},
    {"report", OPTION_REPORT, "OUT", "write the metrics as a page to look at, too (HTML)"},
    {"timeline", OPTION_TIMELINE, "OUT",
     "write the metrics as counters for Perfetto, too (.pftrace)"},
    {NULL, 0, NULL, NULL},
};

enum { LATENCY_MOST = 1000000000 };

struct settings {
    struct ht_paths inputs;
    struct ht_heap_choice heap;
    struct ht_order_choice order;
    struct ht_replay_options replay;
    struct ht_changes changes;
    bool has_metrics;
    struct ht_measure_options measure;
    uint64_t latency_every; // 0: no call is timed
    bool is_json;
    const char *page;     // NULL: none is wanted
    const char *timeline; // the same
    int argc;             // the command line
    char **argv;
};

// What a replay reads.
struct material {
    struct ht_plan *plan;
    struct ht_plan_source source;
    struct ht_plan_reader *reader; // NULL when the plan is whole
    struct ht_schedule *schedule;  // NULL: the order is serial
    struct ht_trail *trail;        // for the schedule, then gone, and for metrics
    struct ht_measure *measure;    // NULL: no metrics are wanted
    struct ht_latency *latency;    // NULL: no call is timed
    struct ht_stream stream;       // the trace once more, for its call stacks
    struct ht_baseline baseline;
};

// Begun by this program, to tell it what is found rather than to print it: by `heaptape compare`,
// or as the unchanged run beside a changed one.
static bool is_told_to(void)
{
    return ht_child_result_pipe() >= 0;
}

static enum ht_status map_here(const struct material *material, struct ht_heap_map **map,
                               struct ht_error *error)
{
    return ht_heap_map_make(map, material->plan, material->trail,
                            ht_measure_addresses(material->measure),
                            ht_measure_replayed(material->measure)->operations, error);
}

static enum ht_status write_page(const char *path, const struct material *material,
                                 const struct ht_replay_report *report, struct ht_error *error)
{
    struct ht_heap_map *recorded = NULL;
    struct ht_heap_map *here = NULL;
    const struct ht_heap_map *was;
    enum ht_status status = HT_OK;
    if (report->baseline == NULL) {
        status = ht_heap_map_make(&recorded, material->plan, material->trail, NULL,
                                  ht_plan_totals(material->plan)->operations, error);
        was = recorded;
    } else {
        was = &report->baseline->details->map;
    }
    if (status == HT_OK)
        status = map_here(material, &here, error);
    if (status == HT_OK)
        status = ht_replay_write_page(report, was, here, path, error);
    ht_heap_map_close(recorded);
    ht_heap_map_close(here);
    return status;
}

static enum ht_status print(const struct settings *settings, const struct material *material,
                            const struct ht_replay_result *result, struct ht_error *error)
{
    struct ht_replay_report report = {
        .file = strcmp(settings->inputs.paths[0], "-") == 0 ? "standard input"
                                                            : settings->inputs.paths[0],
        .source = &material->source,
        .choice = &settings->heap,
        .result = result,
        .measure = material->measure,
        .stacks = material->stream.trace.dict,
        .columns = {"recorded", "here"},
    };
    if (material->measure != NULL) {
        report.was = ht_measure_recorded(material->measure);
        report.is = ht_measure_replayed(material->measure);
    }
    if (settings->changes.count > 0) {
        report.changes = &settings->changes;
        report.baseline = &material->baseline;
        report.columns[0] = "unchanged";
        report.columns[1] = "what if";
    }
    if (report.baseline != NULL && report.was != NULL)
        report.was = &report.baseline->details->report;
    enum ht_status status = HT_OK;
    if (settings->is_json)
        status = ht_replay_print_json(&report, error);
    else
        ht_replay_print_text(&report);
    if (status == HT_OK && settings->page != NULL)
        status = write_page(settings->page, material, &report, error);
    if (status == HT_OK && settings->timeline != NULL)
        status = ht_replay_write_timeline(&report, settings->timeline, error);
    return status;
}

static bool has_stack(const struct ht_look *look)
{
    for (uint32_t i = 0; i < look->pinning.stacks; i++)
        if (look->pinning.by_stack[i].id != 0)
            return true;
    return false;
}

// The trace was read in another process, which took its dictionary with it. After the replay the
// heap need not be fresh any more, so it is read again here; a stream cannot be.
static enum ht_status read_stacks(struct material *material, const struct settings *settings,
                                  struct ht_error *error)
{
    const struct ht_metrics_report *recorded = ht_measure_recorded(material->measure);
    const struct ht_metrics_report *replayed = ht_measure_replayed(material->measure);
    if (strcmp(settings->inputs.paths[0], "-") == 0 ||
        (!has_stack(&recorded->look) && !has_stack(&recorded->last) &&
         !has_stack(&replayed->look) && !has_stack(&replayed->last)))
        return HT_OK;
    struct ht_event event;
    enum ht_status status = ht_stream_open_all(&material->stream, &settings->inputs, false, error);
    while (status == HT_OK)
        status = ht_stream_next(&material->stream, &event, error);
    return status == HT_END ? HT_OK : status;
}

static void material_close(struct material *material)
{
    ht_baseline_close(&material->baseline);
    ht_stream_close(&material->stream);
    ht_plan_reader_close(material->reader);
    ht_latency_close(material->latency);
    ht_measure_close(material->measure);
    ht_trail_close(material->trail);
    ht_schedule_close(material->schedule);
    ht_plan_close(material->plan);
}

// How much of the memory for a plan each of its parts may take: of all there is in the serial
// order, about as they need in the others and for metrics.
struct shares {
    uint64_t plan;
    uint64_t trail;    // 0: none is needed
    uint64_t schedule; // the same
};

static struct shares shares_of(const struct settings *settings)
{
    uint64_t sixth = settings->order.plan_memory / 6;
    uint64_t seventh = settings->order.plan_memory / 7;
    bool is_serial = settings->order.order == HT_ORDER_SERIAL;
    if (settings->has_metrics && !is_serial) // a seventh is for what the workers see
        return (struct shares){.plan = seventh, .trail = 2 * seventh, .schedule = 3 * seventh};
    if (!is_serial)
        return (struct shares){.plan = sixth, .trail = 2 * sixth, .schedule = 3 * sixth};
    if (settings->has_metrics)
        return (struct shares){.plan = 2 * sixth, .trail = 4 * sixth};
    return (struct shares){.plan = settings->order.plan_memory};
}

static enum ht_status make_measure(struct material *material, const struct settings *settings,
                                   struct ht_error *error)
{
    struct ht_measure_options options = settings->measure;
    if (material->baseline.details != NULL)
        options.gap_sizes = material->baseline.details->gap_sizes;
    enum ht_status status =
        ht_measure_open(&material->measure, material->plan, material->trail, &options, error);
    if (status == HT_OK && settings->page != NULL)
        status = ht_measure_keep_addresses(material->measure, error);
    return status;
}

static enum ht_status make_schedule(struct material *material, const struct settings *settings,
                                    struct ht_error *error)
{
    struct ht_schedule_options options = settings->order.schedule;
    options.memory_limit = shares_of(settings).schedule;
    options.is_watched = material->measure != NULL;
    if (options.is_watched)
        options.stops = ht_measure_stops(material->measure, &options.stop_count);
    enum ht_status status =
        ht_schedule_open(&material->schedule, material->plan, material->trail, &options, error);
    if (material->measure == NULL) {
        ht_trail_close(material->trail);
        material->trail = NULL;
    }
    return status;
}

// Puts what the plan has room for into it. HT_LIMIT when more is to come.
static enum ht_status fill(struct material *material, struct ht_error *error)
{
    enum ht_status status =
        ht_plan_reader_fill(material->reader, material->plan, material->trail, error);
    if (status == HT_OK)
        material->source = *ht_plan_reader_source(material->reader);
    return status;
}

// The reader stays to the end of the replay: its going would be seen in what the process holds.
static enum ht_status refill(void *context, struct ht_error *error)
{
    struct material *material = context;
    ht_plan_begin_part(material->plan);
    enum ht_status status = fill(material, error);
    return status == HT_IO && ht_system_is_interrupted() ? HT_END : status;
}

// Reads the plan, or its first part, when it need not be whole.
static enum ht_status read_plan(struct material *material, const struct settings *settings,
                                struct ht_error *error)
{
    struct shares shares = shares_of(settings);
    enum ht_status status = ht_plan_open(&material->plan, shares.plan, error);
    if (status == HT_OK && shares.trail > 0)
        status = ht_trail_open(&material->trail, shares.trail, error);
    if (status == HT_OK)
        status = ht_plan_reader_open(&material->reader, &settings->inputs,
                                     &settings->changes.what_if, shares.trail > 0, error);
    if (status == HT_OK)
        status = fill(material, error);
    if (status != HT_LIMIT || material->reader == NULL) {
        ht_plan_reader_close(material->reader);
        material->reader = NULL;
        return status;
    }
    if (shares.trail == 0)
        return HT_OK;
    return ht_fail(error, HT_LIMIT,
                   "%s: --plan-memory %llu has room for the first %s operations only, and %s needs "
                   "all of them at once",
                   settings->inputs.paths[0], (unsigned long long)settings->order.plan_memory,
                   ht_show_count(ht_plan_totals(material->plan)->operations).text,
                   settings->has_metrics ? "--metrics" : "this order");
}

// What was opened until a failure is still to be closed.
static enum ht_status material_read(struct material *material, const struct settings *settings,
                                    struct ht_error *error)
{
    *material = (struct material){0};
    enum ht_status status = HT_OK;
    if (settings->changes.count > 0 && !is_told_to())
        status = ht_baseline_take(&material->baseline, settings->argc, settings->argv,
                                  &settings->changes, settings->has_metrics, error);
    if (status == HT_OK)
        status = read_plan(material, settings, error);
    if (status == HT_OK && settings->has_metrics)
        status = make_measure(material, settings, error);
    if (status == HT_OK && settings->order.order != HT_ORDER_SERIAL)
        status = make_schedule(material, settings, error);
    return status;
}

static enum ht_status play(const struct settings *settings, struct material *material,
                           const struct ht_heap *heap, struct ht_replay_result *result,
                           struct ht_error *error)
{
    struct ht_progress_replay progress;
    struct ht_replay_options options = settings->replay;
    struct ht_refill parts = {refill, material};
    ht_progress_replay_begin(&progress, ht_plan_totals(material->plan)->operations);
    // A comparison has its own line, and so has who still reads.
    progress.line.is_wanted = progress.line.is_wanted && !is_told_to() && material->reader == NULL;
    options.pulse = &progress.pulse;
    options.measure = material->measure;
    options.latency = material->latency;
    options.schedule = material->schedule;
    options.refill = material->reader == NULL ? NULL : &parts;
    uint64_t reader_bytes =
        material->reader == NULL ? 0 : ht_plan_reader_memory_bytes(material->reader);
    enum ht_status status = ht_replay_run(material->plan, heap, &options, result, error);
    result->harness_bytes += reader_bytes;
    ht_progress_line_end(&progress.line);
    return status;
}

// Tells the process that began this one.
static enum ht_status tell(const struct settings *settings, const struct material *material,
                           const struct ht_replay_result *result, struct ht_error *error)
{
    struct ht_run run = ht_run_of(result, material->measure);
    struct ht_heap_map *map = NULL;
    enum ht_status status = HT_OK;
    if (settings->page != NULL)
        status = map_here(material, &map, error);
    if (status == HT_OK) {
        ht_run_send(&run);
        if (run.has_metrics)
            ht_run_send_details(material->measure, map);
    }
    ht_heap_map_close(map);
    return status;
}

// Reads, plays and reports.
static enum ht_status replay(const struct settings *settings, const struct ht_heap *heap,
                             struct ht_error *error)
{
    struct material material;
    struct ht_replay_result result;
    ht_system_catch_interrupt();
    enum ht_status status = material_read(&material, settings, error);
    if (status == HT_OK && settings->latency_every > 0)
        status = ht_latency_open(&material.latency, heap, (uint32_t)settings->latency_every, error);
    if (status == HT_OK)
        status = play(settings, &material, heap, &result, error);
    if (status == HT_OK && settings->has_metrics && result.is_whole && !is_told_to())
        status = read_stacks(&material, settings, error);
    if (status == HT_OK && !is_told_to())
        status = print(settings, &material, &result, error);
    else if (status == HT_OK && result.is_whole)
        status = tell(settings, &material, &result, error);
    if (status == HT_OK && !result.is_whole)
        status = ht_fail(error, HT_IO, "interrupted: this is of %s%s operations",
                         material.schedule == NULL ? "the first " : "",
                         ht_show_count(result.played.operations).text);
    material_close(&material);
    return status;
}

static enum ht_exit open_and_replay(const struct settings *settings)
{
    struct ht_error error = {0};
    const struct ht_heap *heap;
    enum ht_status status =
        ht_heap_choice_open(&settings->heap, settings->argc, settings->argv, &heap, &error);
    struct ht_copying_heap copying;
    if (status == HT_OK && settings->changes.what_if.is_copying) {
        status = ht_copying_heap_around(&copying, heap, &error);
        heap = &copying.whole.heap;
    }
    bool is_of_heap = status != HT_OK || (settings->has_metrics && !heap->is_memory);
    if (status == HT_OK)
        status = replay(settings, heap, &error);
    if (status == HT_OK)
        return HT_EXIT_DONE;
    if (is_told_to())
        ht_run_send_failure(&error, is_of_heap);
    else
        ht_say("%s", error.text);
    return HT_EXIT_FAILED;
}

static bool add_mark(struct ht_measure_options *measure, struct ht_options *options)
{
    if (measure->mark_count == HT_METRICS_MARKS) {
        options->exit = ht_options_misuse(options->command, "--mark is taken %d times at most",
                                          HT_METRICS_MARKS);
        return false;
    }
    return ht_filter_take_time(options, &measure->mark_ns[measure->mark_count++]);
}

// False when the command line is done with, after options->exit is set.
static bool take_option(struct settings *settings, struct ht_options *options, int letter)
{
    switch (letter) {
    case OPTION_HEAP:
        settings->heap.name = options->value;
        return ht_heap_choice_check_name(options);
    case OPTION_HEAP_ENV:
        return ht_heap_choice_add_setting(&settings->heap, options);
    case OPTION_TOUCH:
        return ht_heap_choice_touch(options, &settings->replay.touch);
    case OPTION_WHAT_IF:
        return ht_changes_take(&settings->changes, options);
    case OPTION_METRICS:
        settings->has_metrics = true;
        return true;
    case OPTION_STEP:
        settings->has_metrics = true;
        return ht_options_number(options, INT64_MAX, &settings->measure.sample_step);
    case OPTION_MARK:
        settings->has_metrics = true;
        return add_mark(&settings->measure, options);
    case OPTION_LATENCY:
        return ht_options_number(options, LATENCY_MOST, &settings->latency_every);
    case OPTION_JSON:
        settings->is_json = true;
        return true;
    case OPTION_REPORT:
        settings->page = options->value;
        settings->has_metrics = true;
        return true;
    case OPTION_TIMELINE:
        settings->timeline = options->value;
        settings->has_metrics = true;
        return true;
    default:
        return letter >= HT_OPTION_ORDER && letter <= HT_OPTION_ORDER_LAST &&
               ht_order_choice_take(&settings->order, options, letter);
    }
}

// An output beside the printed one is a file, and another one than the inputs.
static bool is_file(const struct settings *settings, const char *option, const char *path,
                    enum ht_exit *exit)
{
    *exit = HT_EXIT_DONE;
    if (path != NULL && strcmp(path, "-") == 0)
        *exit = ht_options_misuse(&ht_command_replay, "%s needs the name of a file", option);
    for (size_t i = 0; path != NULL && i < settings->inputs.count && *exit == HT_EXIT_DONE; i++)
        if (ht_system_is_same_file(settings->inputs.paths[i], path))
            *exit = ht_options_misuse(&ht_command_replay, "%s is also the input", path);
    return *exit == HT_EXIT_DONE;
}

// What does not go together. HT_EXIT_DONE when all does.
static enum ht_exit check(const struct settings *settings)
{
    const struct ht_command *command = &ht_command_replay;
    if (settings->has_metrics && settings->latency_every > 0)
        return ht_options_misuse(command,
                                 "--metrics and --latency disturb each other: one at a time");
    if (settings->changes.count > 0 && strcmp(settings->inputs.paths[0], "-") == 0)
        return ht_options_misuse(command,
                                 "--what-if reads IN twice, so it cannot be standard input");
    if (settings->page != NULL && settings->timeline != NULL &&
        strcmp(settings->page, settings->timeline) == 0)
        return ht_options_misuse(command, "--report and --timeline are two files");
    enum ht_exit exit;
    if (is_file(settings, "--report", settings->page, &exit))
        is_file(settings, "--timeline", settings->timeline, &exit);
    return exit;
}

static enum ht_exit run(int argc, char **argv)
{
    struct settings settings = {.heap = {.name = ht_heap_at(0)->name}, .argc = argc, .argv = argv};
    struct ht_options options;
    int letter;
    ht_options_init(&options, &ht_command_replay, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END) {
        if (!take_option(&settings, &options, letter))
            return options.exit;
    }
    if (!ht_options_paths(&options, "IN", &settings.inputs) ||
        !ht_order_choice_complete(&settings.order, &options))
        return options.exit;
    enum ht_exit exit = check(&settings);
    if (exit != HT_EXIT_DONE)
        return exit;
    return open_and_replay(&settings);
}

const struct ht_command ht_command_replay = {
    .name = "replay",
    .what = "re-issue a trace's operations on a heap",
    .usage = "IN... [FILTER]... [--heap NAME] [--heap-env SETTING]... [--touch HOW]\n"
             "IN... [--heap NAME] [--order NAME] [--workers N] [--window N] [--speed X]\n"
             "IN... [--heap NAME] [--metrics [--step N] [--mark TIME]... | --latency N] [--json]\n"
             "IN... [--heap NAME] --what-if CHANGE... [--metrics] [--json]\n"
             "IN... [--heap NAME] [--report OUT] [--timeline OUT]",
    .about =
        "Calls malloc, realloc and free with the recorded sizes, in the recorded order or by\n"
        "several threads at once, and sets what the heap did beside the recording and beside a\n"
        "heap that does nothing.",
    .options = option_table,
    .has_filters = true,
    .run = run,
};
