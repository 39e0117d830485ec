// SPDX-License-Identifier: MIT
//
// heaptape convert: one trace into another format.
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/show.h"
#include "cli/system.h"
#include "formats/null.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_TO = HT_OPTION_LONG, OPTION_BEST, OPTION_RAW, OPTION_STRICT };

static const struct ht_option option_table[] = {
    {"output", 'o', "OUT", "write here; - is standard output"},
    {"to", OPTION_TO, "FORMAT", "the format, when OUT's suffix does not say it"},
    {"best", OPTION_BEST, NULL, "make a .htape as small as it gets, which takes longer"},
    {"raw", OPTION_RAW, NULL, "keep the three records of a moved realloc apart"},
    {"strict", OPTION_STRICT, NULL, "fail, and leave OUT alone, when the input has losses"},
    {NULL, 0, NULL, NULL},
};

struct settings {
    struct ht_paths inputs;
    const char *output;
    const struct ht_format *format;
    bool is_best;
    bool is_raw;
    bool is_strict;
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
    for (size_t i = 0; i < settings->inputs.count; i++)
        if (ht_system_is_same_file(settings->inputs.paths[i], settings->output))
            return ht_options_misuse(&ht_command_convert, "%s is also the input", settings->output);
    if (is_stdout && !settings->format->is_text && ht_system_is_terminal(stdout))
        return ht_options_misuse(&ht_command_convert, "%s is binary and would go to a terminal",
                                 settings->format->name);
    return HT_EXIT_DONE;
}

static void tell_result(const struct settings *settings, const struct ht_stream *stream,
                        const struct ht_output *output, uint64_t events)
{
    uint64_t size = ht_stream_size(stream);
    uint64_t written = ht_output_bytes(output);
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
    ht_say("%s: %s%s events, %s%s%s%s%s%s", settings->output, ht_show_count(events).text, kept,
           ht_show_size(written).text, ratio, *part.text != '\0' ? "; " : "", part.text,
           is_lossy ? "; lost: " : "", loss);
}

static enum ht_status pump(const struct settings *settings, struct ht_stream *stream,
                           struct ht_output *output, struct ht_error *error)
{
    struct ht_progress_line line;
    uint64_t events = 0;
    ht_progress_line_begin(&line);
    enum ht_status status =
        ht_convert(stream, settings->format, output, &line.progress, &events, error);
    ht_progress_line_end(&line);
    if (status != HT_OK)
        return status;
    char loss[256];
    if (settings->is_strict && ht_show_loss(stream->trace.loss, loss, sizeof loss))
        return ht_fail(error, HT_FORMAT, "%s: lost: %s", settings->inputs.paths[0], loss);
    status = ht_output_commit(output, error);
    if (status == HT_OK)
        tell_result(settings, stream, output, events);
    return status;
}

static enum ht_exit convert(const struct settings *settings)
{
    struct ht_error error;
    struct ht_stream stream = {0};
    struct ht_output *output = NULL;
    enum ht_status status =
        ht_stream_open_all(&stream, &settings->inputs, settings->is_raw, &error);
    if (status == HT_OK)
        status = ht_output_open(settings->output, &output, &error);
    if (status == HT_OK)
        status = pump(settings, &stream, output, &error);
    ht_output_close(output);
    ht_stream_close(&stream);
    if (status != HT_OK)
        ht_say("%s", error.text);
    return status == HT_OK ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

static enum ht_exit run(int argc, char **argv)
{
    struct settings settings = {0};
    struct ht_options options;
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
        case OPTION_STRICT:
            settings.is_strict = true;
            break;
        default:
            return options.exit;
        }
    }
    if (!ht_options_paths(&options, "IN", &settings.inputs))
        return options.exit;
    enum ht_exit misuse = check(&settings, format_name);
    return misuse == HT_EXIT_DONE ? convert(&settings) : misuse;
}

const struct ht_command ht_command_convert = {
    .name = "convert",
    .what = "write a trace in another format",
    .usage = "IN... [FILTER]... -o OUT [--to FORMAT] [--best] [--raw] [--strict]",
    .about =
        "Reads .etl, .htape or .tsv; several .etl files of one recording are read as one. The\n"
        "suffix of OUT says what is written:\n"
        "\n"
        "  .htape    compact and lossless, for keeping and sharing\n"
        "  .pftrace  Perfetto trace, for ui.perfetto.dev and trace_processor\n"
        "  .json     Chrome trace events, for Perfetto and chrome://tracing\n"
        "  .tsv      one line an event, for diff, DuckDB and awk\n"
        "\n"
        "--to null writes nothing, and needs no OUT: it checks the input, or times the reading.",
    .options = option_table,
    .has_filters = true,
    .run = run,
};
