// SPDX-License-Identifier: MIT
//
// heaptape convert: one trace into another format.
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/show.h"
#include "cli/system.h"
#include "formats/null.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_TO = HT_OPTION_LONG,
    OPTION_BEST,
    OPTION_RAW,
    OPTION_REDACT,
    OPTION_REBASE,
    OPTION_STRICT,
    OPTION_FULL,
    OPTION_BUDGET,
    OPTION_SPLIT,
};

static const struct ht_option option_table[] = {
    {"output", 'o', "OUT", "write here; - is standard output"},
    {"to", OPTION_TO, "FORMAT", "the format, when OUT's suffix does not say it"},
    {"best", OPTION_BEST, NULL, "make a .htape as small as it gets, which takes longer"},
    {"raw", OPTION_RAW, NULL, "keep the three records of a moved realloc apart"},
    {"redact", OPTION_REDACT, NULL, "put pseudonyms for names, and leave out the wall time"},
    {"rebase", OPTION_REBASE, NULL, "put other addresses for the recorded ones"},
    {"strict", OPTION_STRICT, NULL, "fail, and leave OUT alone, when the input has losses"},
    {"full", OPTION_FULL, NULL, "show every event in a .pftrace, over any budget"},
    {"budget", OPTION_BUDGET, "MB", "how large a .pftrace may be; 100 if not given"},
    {"split", OPTION_SPLIT, NULL, "with --full: go on in OUT-2, OUT-3, ... when over the budget"},
    {NULL, 0, NULL, NULL},
};

struct settings {
    struct ht_paths inputs;
    const char *output;
    const struct ht_format *format;
    bool is_best;
    bool is_raw;
    bool is_strict;
    bool has_quota; // --full, --budget or --split
    bool is_full;
    bool is_split;
    uint64_t budget;
};

// What is written: the output in hand and, with --split, those before it.
struct target {
    struct ht_quota quota; // first: the writer knows only this
    struct ht_kept kept;
    const char *path;
    struct ht_output *output;
    unsigned count;
    uint64_t bytes; // of those before it
};

static enum ht_exit misuse_of_format(const char *what, const char *name)
{
    char names[128] = "";
    size_t used = 0;
    for (unsigned i = 0; ht_format_at(i) != NULL && used < sizeof names; i++) {
        const struct ht_format *format = ht_format_at(i);
        if (format->open_writer != NULL)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                     used > 0 ? ", " : "", format->name);
    }
    return ht_options_misuse(&ht_command_convert, "%s %s: --to takes %s", what, name, names);
}

// Checks what can be known before anything is opened.
static enum ht_exit check(struct settings *settings, const char *format_name)
{
    if (format_name != NULL)
        settings->format = ht_format_by_name(format_name);
    if (settings->format == NULL && format_name != NULL)
        return misuse_of_format("there is no format", format_name);
    if (settings->output == NULL && settings->format == &ht_format_null)
        settings->output = "-";
    if (settings->output == NULL)
        return ht_options_misuse(&ht_command_convert, "-o OUT is missing");
    bool is_stdout = strcmp(settings->output, "-") == 0;
    if (settings->format == NULL)
        settings->format = ht_format_by_path(settings->output);
    if (settings->format == NULL)
        return misuse_of_format("no format is known by the name of", settings->output);
    if (settings->is_best && settings->format->best == NULL)
        return ht_options_misuse(&ht_command_convert, "%s has no --best", settings->format->name);
    if (settings->is_best)
        settings->format = settings->format->best;
    if (settings->has_quota && settings->format->open_within == NULL)
        return ht_options_misuse(&ht_command_convert, "%s has no --full, --budget or --split",
                                 settings->format->name);
    if (settings->is_split && (!settings->is_full || settings->is_strict || is_stdout))
        return ht_options_misuse(&ht_command_convert,
                                 "--split goes with --full, not with --strict, and into files");
    for (size_t i = 0; i < settings->inputs.count; i++)
        if (ht_system_is_same_file(settings->inputs.paths[i], settings->output))
            return ht_options_misuse(&ht_command_convert, "%s is also the input", settings->output);
    if (is_stdout && !settings->format->is_text && ht_system_is_terminal(stdout))
        return ht_options_misuse(&ht_command_convert, "%s is binary and would go to a terminal",
                                 settings->format->name);
    return HT_EXIT_DONE;
}

static void tell_result(const struct settings *settings, const struct ht_stream *stream,
                        const struct target *target, uint64_t events)
{
    uint64_t size = ht_stream_size(stream);
    uint64_t written = target->bytes + ht_output_bytes(target->output);
    char ratio[160] = "";
    if (size > 0 && written > 0)
        snprintf(ratio, sizeof ratio, " from %s (%.1f times %s)", ht_show_size(size).text,
                 written < size ? (double)size / (double)written : (double)written / (double)size,
                 written < size ? "smaller" : "larger");
    char loss[256];
    bool is_lossy = ht_show_loss(stream->trace.loss, loss, sizeof loss);
    char kept[80] = "";
    if (settings->inputs.filter.text[0] != '\0')
        snprintf(kept, sizeof kept, " of %s", ht_show_count(events + stream->trace.left_out).text);
    struct ht_shown part = ht_show_part(stream);
    if (target->count > 1)
        ht_say("%s: and %u files that go on, numbered to %u", target->path, target->count - 1,
               target->count);
    ht_say_kept(target->path, settings->format, &target->kept);
    if (settings->is_full && !settings->is_split && written > target->quota.budget)
        ht_say("%s: is over %s and may be slow to open; --split or filters make smaller files",
               target->path, ht_show_size(target->quota.budget).text);
    ht_say("%s: %s%s events, %s%s%s%s%s%s", settings->output, ht_show_count(events).text, kept,
           ht_show_size(written).text, ratio, *part.text != '\0' ? "; " : "", part.text,
           is_lossy ? "; lost: " : "", loss);
}

// "x.pftrace" goes on in "x-2.pftrace".
static enum ht_status open_next(struct target *target, struct ht_error *error)
{
    size_t length = strlen(target->path);
    size_t stem = length;
    while (stem > 0 && target->path[stem - 1] != '.' &&
           strchr("/\\", target->path[stem - 1]) == NULL)
        stem--;
    bool has_suffix = stem > 1 && target->path[stem - 1] == '.';
    stem = has_suffix ? stem - 1 : length;
    char *path = malloc(length + 16);
    if (path == NULL)
        return ht_fail_memory(error, "the name of an output");
    snprintf(path, length + 16, "%.*s-%u%s", (int)stem, target->path, target->count,
             target->path + stem);
    enum ht_status status = ht_output_open(path, &target->output, error);
    free(path);
    return status;
}

static enum ht_status turn(struct ht_quota *quota, struct ht_output **output,
                           struct ht_error *error)
{
    struct target *target = (struct target *)quota;
    enum ht_status status = ht_output_commit(target->output, error);
    if (status != HT_OK)
        return status;
    target->bytes += ht_output_bytes(target->output);
    target->count++;
    ht_output_close(target->output);
    target->output = NULL;
    status = open_next(target, error);
    *output = target->output;
    return status;
}

// How recordings were put together, and which of them had lost something.
static void tell_merge(const struct ht_stream *stream)
{
    bool has_wall_time = true;
    for (size_t i = 0; i < stream->part_count; i++) {
        const struct ht_trace *trace = &stream->parts[i].trace;
        char loss[256];
        has_wall_time = has_wall_time && trace->origin.start_unix_ns != HT_TIME_UNKNOWN;
        if (ht_show_loss(trace->loss, loss, sizeof loss))
            ht_say("%s: lost: %s", ht_input_name(stream->parts[i].input), loss);
    }
    ht_say("merged %zu recordings %s", stream->part_count,
           has_wall_time ? "by the wall time that they began at"
                         : "as if they had begun together: not all tell the wall time");
}

static enum ht_status pump(const struct settings *settings, struct ht_stream *stream,
                           struct target *target, struct ht_error *error)
{
    struct ht_progress_line line;
    struct ht_target to = {
        .format = settings->format, .output = target->output, .kept = &target->kept};
    uint64_t events = 0;
    if (settings->format->open_within != NULL) {
        to.quota = &target->quota;
        ht_say_quota(target->path, &target->quota);
    }
    ht_progress_line_begin(&line);
    enum ht_status status = ht_convert(stream, &to, &line.progress, &events, error);
    ht_progress_line_end(&line);
    if (status != HT_OK)
        return status;
    char loss[256];
    if (settings->is_strict && ht_show_loss(stream->trace.loss, loss, sizeof loss))
        return ht_fail(error, HT_FORMAT, "%s: lost: %s", settings->inputs.paths[0], loss);
    status = ht_output_commit(target->output, error);
    if (status == HT_OK && stream->part_count > 1)
        tell_merge(stream);
    if (status == HT_OK)
        tell_result(settings, stream, target, events);
    return status;
}

static enum ht_exit convert(const struct settings *settings)
{
    struct ht_error error;
    struct ht_stream stream = {0};
    struct target target = {
        .quota = {.budget = settings->budget > 0 ? settings->budget : settings->format->budget,
                  .is_full = settings->is_full,
                  .turn = settings->is_split ? turn : NULL},
        .path = settings->output,
        .count = 1,
    };
    enum ht_status status =
        ht_stream_open_all(&stream, &settings->inputs, settings->is_raw, &error);
    if (status == HT_OK)
        status = ht_output_open(settings->output, &target.output, &error);
    if (status == HT_OK)
        status = pump(settings, &stream, &target, &error);
    ht_output_close(target.output);
    ht_stream_close(&stream);
    if (status != HT_OK)
        ht_say("%s", error.text);
    return status == HT_OK ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

static enum ht_exit run(int argc, char **argv)
{
    struct settings settings = {0};
    struct ht_options options;
    struct ht_merge_options changes = {0};
    const char *format_name = NULL;
    int letter;
    ht_options_init(&options, &ht_command_convert, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END) {
        switch (letter) {
        case 'o':
            settings.output = options.value;
            break;
        case OPTION_TO:
            format_name = options.value;
            break;
        case OPTION_BEST:
            settings.is_best = true;
            break;
        case OPTION_RAW:
            settings.is_raw = true;
            break;
        case OPTION_REDACT:
            changes.is_redacted = true;
            break;
        case OPTION_REBASE:
            changes.is_rebased = true;
            break;
        case OPTION_STRICT:
            settings.is_strict = true;
            break;
        case OPTION_FULL:
            settings.is_full = settings.has_quota = true;
            break;
        case OPTION_SPLIT:
            settings.is_split = settings.has_quota = true;
            break;
        case OPTION_BUDGET:
            settings.has_quota = true;
            if (!ht_options_budget(&options, &settings.budget))
                return options.exit;
            break;
        default:
            return options.exit;
        }
    }
    if (!ht_options_paths(&options, "IN", &settings.inputs))
        return options.exit;
    settings.inputs.changes = changes;
    enum ht_exit misuse = check(&settings, format_name);
    if (misuse == HT_EXIT_DONE)
        settings.inputs.is_assisted = !settings.format->writes_apart;
    return misuse == HT_EXIT_DONE ? convert(&settings) : misuse;
}

const struct ht_command ht_command_convert = {
    .name = "convert",
    .what = "write a trace in another format",
    .usage = "IN... [FILTER]... -o OUT [--to FORMAT] [--best] [--raw] [--strict]\n"
             "IN... [FILTER]... -o OUT [--redact] [--rebase]\n"
             "IN... [FILTER]... -o OUT.pftrace [--full] [--budget MB] [--split]",
    .about =
        "Reads .etl, .htape or .tsv; several .etl files of one recording are read as one,\n"
        "files of other formats are merged. The\n"
        "suffix of OUT says what is written:\n"
        "\n"
        "  .htape    compact and lossless, for keeping and sharing\n"
        "  .pftrace  Perfetto trace, for ui.perfetto.dev and trace_processor\n"
        "  .json     Chrome trace events, for Perfetto and chrome://tracing\n"
        "  .tsv      one line an event, for diff, DuckDB and awk\n"
        "\n"
        "Behind any of these .gz makes a gzip file, which viewers take and heaptape does not "
        "read.\n"
        "--to null writes nothing, and needs no OUT: it checks the input, or times the reading.",
    .options = option_table,
    .has_filters = true,
    .run = run,
};
