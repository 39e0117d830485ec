// SPDX-License-Identifier: MIT
//
// heaptape info: what a trace is, what it holds and what it lacks. This file reads the trace;
// info_text.c and info_json.c print.
#include "cli/info.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/show.h"

#include <stdlib.h>
#include <string.h>

enum { OPTION_JSON = HT_OPTION_LONG, OPTION_ALL_EVENTS, OPTION_SCAN, OPTION_STRICT };

enum { SCANNED_ALWAYS = 1000000 }; // events that are read in no time

struct settings {
    struct ht_paths paths;
    bool is_json;
    bool has_all_events;
    bool is_scan;
    bool is_strict;
};

static const struct ht_option option_table[] = {
    {"json", OPTION_JSON, NULL, "print it as JSON"},
    {"all-events", OPTION_ALL_EVENTS, NULL, "count all records of the file, by their hooks too"},
    {"scan", OPTION_SCAN, NULL, "read every event, also of a large .htape that has an index"},
    {"strict", OPTION_STRICT, NULL, "exit with 1 when the input has losses"},
    {NULL, 0, NULL, NULL},
};

static enum ht_status read_all(struct ht_stream *stream, struct ht_summary *summary,
                               struct ht_error *error)
{
    struct ht_progress_line line;
    struct ht_events run;
    enum ht_status status;
    ht_progress_line_begin(&line);
    while ((status = ht_stream_read(stream, &run, error)) == HT_OK) {
        status = ht_summary_add_run(summary, &run, error);
        if (status != HT_OK)
            break;
        ht_progress_line_tell(&line, stream, summary->events);
    }
    ht_progress_line_end(&line);
    return status == HT_END ? HT_OK : status;
}

// The processes with events in order of first use, then the others as the recording tells them.
static enum ht_status list_processes(struct ht_info *info, struct ht_error *error)
{
    const struct ht_trace *trace = &info->stream->trace;
    const struct ht_summary *summary = info->summary;
    size_t most = (size_t)summary->process_count + trace->process_count;
    bool *is_listed = calloc((size_t)trace->process_count + 1, sizeof *is_listed);
    info->processes = calloc(most + 1, sizeof *info->processes);
    if (is_listed == NULL || info->processes == NULL) {
        free(is_listed);
        return ht_fail_memory(error, "the processes");
    }
    for (uint32_t i = 0; i < summary->process_count; i++) {
        const struct ht_process_summary *met = &summary->processes[i];
        const struct ht_process *known = ht_trace_process_at(trace, met->pid, met->first_ns);
        if (known != NULL)
            is_listed[known - trace->processes] = true;
        info->processes[info->process_count++] =
            (struct ht_info_process){met->pid, known, met->events};
    }
    for (uint32_t i = 0; i < trace->process_count; i++) {
        const struct ht_process *known = &trace->processes[i];
        if (!is_listed[i])
            info->processes[info->process_count++] = (struct ht_info_process){known->pid, known, 0};
    }
    free(is_listed);
    return HT_OK;
}

struct ranked_heap {
    uint64_t peak_bytes;
    uint64_t events; // 0 where the peak is known
    uint32_t index;
};

static int compare_rank(const void *left, const void *right)
{
    const struct ranked_heap *a = left;
    const struct ranked_heap *b = right;
    if (a->peak_bytes != b->peak_bytes)
        return a->peak_bytes > b->peak_bytes ? -1 : 1;
    if (a->events != b->events)
        return a->events > b->events ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static enum ht_status rank_heaps(struct ht_info *info, struct ht_error *error)
{
    const struct ht_summary *summary = info->summary;
    size_t count = summary->heap_count;
    struct ranked_heap *ranked = calloc(count + 1, sizeof *ranked);
    info->heaps = calloc(count + 1, sizeof *info->heaps);
    if (ranked == NULL || info->heaps == NULL) {
        free(ranked);
        return ht_fail_memory(error, "the heaps");
    }
    for (uint32_t i = 0; i < count; i++)
        ranked[i] = (struct ranked_heap){summary->heaps[i].live.peak_bytes,
                                         summary->number == NULL ? summary->heaps[i].events : 0, i};
    qsort(ranked, count, sizeof *ranked, compare_rank);
    for (uint32_t i = 0; i < count; i++)
        info->heaps[i] = ranked[i].index;
    free(ranked);
    return HT_OK;
}

// The modules that frames name, whatever format tells of them.
static enum ht_status count_modules(struct ht_info *info, struct ht_error *error)
{
    const struct ht_dict *dict = info->stream->trace.dict;
    bool *is_counted = calloc((size_t)ht_dict_string_count(dict) + 1, sizeof *is_counted);
    if (is_counted == NULL)
        return ht_fail_memory(error, "the modules");
    for (uint32_t stack = 1; stack <= ht_dict_stack_count(dict); stack++) {
        size_t count;
        const struct ht_frame *frames = ht_dict_stack(dict, stack, &count);
        for (size_t i = 0; i < count; i++) {
            info->module_count += frames[i].module != 0 && !is_counted[frames[i].module];
            is_counted[frames[i].module] = true;
        }
    }
    free(is_counted);
    return HT_OK;
}

static enum ht_status print(const struct ht_stream *stream, const struct ht_summary *summary,
                            const struct settings *settings, struct ht_error *error)
{
    struct ht_info info = {
        .stream = stream, .summary = summary, .has_all_events = settings->has_all_events};
    enum ht_status status = list_processes(&info, error);
    if (status == HT_OK)
        status = rank_heaps(&info, error);
    if (status == HT_OK)
        status = count_modules(&info, error);
    if (status == HT_OK && settings->is_json)
        status = ht_info_print_json(&info, error);
    else if (status == HT_OK)
        ht_info_print_text(&info);
    free(info.processes);
    free(info.heaps);
    return status;
}

// What a large .htape tells of itself. HT_END when it does not, or the events are few.
static enum ht_status skim(const struct ht_paths *paths, struct ht_stream *stream,
                           struct ht_summary *summary, struct ht_error *error)
{
    if (paths->count > 1 || paths->filter.text[0] != '\0' || strcmp(paths->paths[0], "-") == 0)
        return HT_END;
    enum ht_status status = ht_stream_skim(stream, paths->paths[0], error);
    if (status == HT_OK && stream->trace.tally->events > SCANNED_ALWAYS)
        return ht_summary_of_tally(summary, stream->trace.tally, error);
    ht_stream_close(stream);
    return status == HT_OK ? HT_END : status;
}

static enum ht_status scan(const struct ht_paths *paths, struct ht_stream *stream,
                           struct ht_summary *summary, struct ht_error *error)
{
    enum ht_status status = ht_stream_open_all(stream, paths, false, error);
    if (status == HT_OK)
        status = ht_summary_init(summary, &stream->trace, error);
    return status == HT_OK ? read_all(stream, summary, error) : status;
}

static enum ht_exit inform(const struct settings *settings)
{
    struct ht_error error;
    struct ht_stream stream = {0};
    struct ht_summary summary = {0};
    char loss[256];
    bool is_lossy = false;
    enum ht_status status =
        settings->is_scan ? HT_END : skim(&settings->paths, &stream, &summary, &error);
    if (status == HT_END)
        status = scan(&settings->paths, &stream, &summary, &error);
    if (status == HT_OK)
        status = print(&stream, &summary, settings, &error);
    if (status != HT_OK)
        ht_say("%s", error.text);
    else
        is_lossy = ht_show_loss(stream.trace.loss, loss, sizeof loss);
    if (settings->is_strict && is_lossy)
        ht_say("%s: lost: %s", settings->paths.paths[0], loss);
    ht_summary_reset(&summary);
    ht_stream_close(&stream);
    return status != HT_OK || (settings->is_strict && is_lossy) ? HT_EXIT_FAILED : HT_EXIT_DONE;
}

static enum ht_exit run(int argc, char **argv)
{
    struct ht_options options;
    struct settings settings = {.is_json = false};
    int letter;
    ht_options_init(&options, &ht_command_info, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END) {
        if (letter == OPTION_JSON)
            settings.is_json = true;
        else if (letter == OPTION_ALL_EVENTS)
            settings.has_all_events = true;
        else if (letter == OPTION_SCAN)
            settings.is_scan = true;
        else if (letter == OPTION_STRICT)
            settings.is_strict = true;
        else
            return options.exit;
    }
    if (!ht_options_paths(&options, "IN", &settings.paths))
        return options.exit;
    settings.paths.is_assisted = true;
    settings.is_scan = settings.is_scan || settings.is_strict;
    return inform(&settings);
}

const struct ht_command ht_command_info = {
    .name = "info",
    .what = "show what a trace holds",
    .usage = "IN... [FILTER]... [--json] [--all-events] [--scan] [--strict]",
    .about =
        "Shows what a trace is, its processes and heaps, its events by kind, what reallocs did,\n"
        "how much was live, and what the recording lost. A .htape of over a million events tells\n"
        "by its index, at once, what takes no reading of them; --scan tells the rest.",
    .options = option_table,
    .has_filters = true,
    .run = run,
};
