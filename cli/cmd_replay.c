// SPDX-License-Identifier: MIT
//
// heaptape replay: re-issues the operations of a trace on a real heap. This file makes the plan and
// runs it; replay_text.c and replay_json.c print.
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/replay_report.h"
#include "cli/show.h"

#include <stdio.h>

enum { OPTION_HEAP = HT_OPTION_LONG, OPTION_TOUCH, OPTION_JSON };

static const struct ht_option option_table[] = {
    {"heap", OPTION_HEAP, "NAME", "the heap: libc (default), or null, which does nothing"},
    {"touch", OPTION_TOUCH, "HOW", "write into blocks: none, first, page (default), fill"},
    {"json", OPTION_JSON, NULL, "print the report as JSON"},
    {NULL, 0, NULL, NULL},
};

struct settings {
    struct ht_paths inputs;
    const struct ht_heap *heap;
    struct ht_replay_options replay;
    bool is_json;
};

static enum ht_status add_event(struct ht_plan *plan, struct ht_number *number,
                                const struct ht_event *event, struct ht_error *error)
{
    struct ht_change change;
    enum ht_status status = ht_number_push(number, event, error);
    while (status == HT_OK && ht_number_next(number, &change))
        status = ht_plan_add(plan, &change, error);
    return status;
}

static enum ht_status make_plan(struct ht_stream *stream, struct ht_number *number,
                                struct ht_plan *plan, struct ht_error *error)
{
    struct ht_progress_line line;
    struct ht_event event;
    enum ht_status status;
    uint64_t events = 0;
    ht_progress_line_begin(&line);
    while ((status = ht_stream_next(stream, &event, error)) == HT_OK) {
        status = add_event(plan, number, &event, error);
        if (status != HT_OK)
            break;
        ht_progress_line_tell(&line, stream, ++events);
    }
    ht_progress_line_end(&line);
    return status == HT_END ? HT_OK : status;
}

static enum ht_status play(const struct settings *settings, const struct ht_stream *stream,
                           const struct ht_number *number, const struct ht_plan *plan,
                           struct ht_error *error)
{
    struct ht_replay_result result;
    enum ht_status status = ht_replay_run(plan, settings->heap, &settings->replay, &result, error);
    if (status != HT_OK)
        return status;
    struct ht_replay_report report = {
        .file = ht_input_name(stream->input),
        .trace = &stream->trace,
        .counts = ht_number_counts(number),
        .result = &result,
    };
    if (settings->is_json)
        return ht_replay_print_json(&report, error);
    ht_replay_print_text(&report);
    return HT_OK;
}

static enum ht_exit replay(const struct settings *settings)
{
    struct ht_error error;
    struct ht_stream stream = {0};
    struct ht_number *number = NULL;
    struct ht_plan *plan = NULL;
    enum ht_status status = ht_stream_open_all(&stream, &settings->inputs, false, &error);
    if (status == HT_OK)
        status = ht_number_open(&number, &error);
    if (status == HT_OK)
        status = ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, &error);
    if (status == HT_OK)
        status = make_plan(&stream, number, plan, &error);
    if (status == HT_OK)
        status = play(settings, &stream, number, plan, &error);
    if (status != HT_OK)
        ht_say("%s", error.text);
    ht_plan_close(plan);
    ht_number_close(number);
    ht_stream_close(&stream);
    return status == HT_OK ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

static enum ht_exit misuse_of_heap(const char *name)
{
    char names[128] = "";
    size_t used = 0;
    for (size_t i = 0; ht_heap_at(i) != NULL && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "",
                                 ht_heap_at(i)->name);
    return ht_options_misuse(&ht_command_replay, "there is no heap %s: --heap takes %s", name,
                             names);
}

static enum ht_exit run(int argc, char **argv)
{
    struct settings settings = {.heap = &ht_heap_libc};
    struct ht_options options;
    int letter;
    ht_options_init(&options, &ht_command_replay, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END) {
        switch (letter) {
        case OPTION_HEAP:
            settings.heap = ht_heap_by_name(options.value);
            if (settings.heap == NULL)
                return misuse_of_heap(options.value);
            break;
        case OPTION_TOUCH:
            settings.replay.touch = ht_touch_by_name(options.value);
            if (settings.replay.touch == HT_TOUCH_COUNT)
                return ht_options_misuse(&ht_command_replay,
                                         "--touch takes none, first, page or fill, not %s",
                                         options.value);
            break;
        case OPTION_JSON:
            settings.is_json = true;
            break;
        default:
            return options.exit;
        }
    }
    if (!ht_options_paths(&options, "IN", &settings.inputs))
        return options.exit;
    return replay(&settings);
}

const struct ht_command ht_command_replay = {
    .name = "replay",
    .what = "re-issue a trace's operations on a heap",
    .usage = "IN... [--heap NAME] [--touch HOW] [--json]",
    .about =
        "Calls malloc, realloc and free in the recorded order with the recorded sizes, and sets\n"
        "what the heap did beside the recording and beside a heap that does nothing.",
    .options = option_table,
    .run = run,
};
