// SPDX-License-Identifier: MIT
//
// heaptape open: a trace into the viewer with one command. Converts into a temporary file, serves
// it once to ui.perfetto.dev from this machine, and ends.
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/serve.h"
#include "cli/show.h"
#include "cli/system.h"
#include "formats/perfetto.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_NO_BROWSER = HT_OPTION_LONG, OPTION_PORT, OPTION_FULL, OPTION_BUDGET };

// The only port of this machine that ui.perfetto.dev may ask.
enum { PERFETTO_PORT = 9001, PORT_MAX = 65535 };

static const struct ht_option option_table[] = {
    {"full", OPTION_FULL, NULL, "show every event, over any budget"},
    {"budget", OPTION_BUDGET, "MB", "how large the trace may be; 100 if not given"},
    {"no-browser", OPTION_NO_BROWSER, NULL, "print the link, open nothing"},
    {"port", OPTION_PORT, "N", "serve on this port, 0 for any; ui.perfetto.dev takes only 9001"},
    {NULL, 0, NULL, NULL},
};

struct settings {
    struct ht_paths inputs;
    struct ht_quota quota;
    unsigned port;
    bool is_page_shown;
    char name[112]; // that the file is served under
};

// Of the path's last part, what a URL holds as it is. The viewer shows it.
static void name_file(struct settings *settings, const char *suffix)
{
    enum { STEM_MAX = 100 };
    const char *path = settings->inputs.paths[0];
    const char *slash = strrchr(path, '/');
    const char *stem = strcmp(path, "-") == 0 ? "trace" : slash != NULL ? slash + 1 : path;
    size_t length = strnlen(stem, STEM_MAX);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)stem[i];
        bool is_plain = byte < 0x80 && (isalnum(byte) || strchr("._-", byte) != NULL);
        settings->name[i] = is_plain ? (char)byte : '_';
    }
    snprintf(settings->name + length, sizeof settings->name - length, "%s", suffix);
}

static enum ht_status convert(struct settings *settings, FILE *file, struct ht_error *error)
{
    struct ht_stream stream = {0};
    struct ht_output *output = NULL;
    struct ht_progress_line line;
    uint64_t events = 0;
    struct ht_kept kept = {0};
    enum ht_status status = ht_stream_open_all(&stream, &settings->inputs, false, error);
    if (status == HT_OK)
        status = ht_output_open_stream(file, "a temporary file", &output, error);
    if (status == HT_OK) {
        if (settings->quota.budget == 0)
            settings->quota.budget = ht_format_perfetto.budget;
        ht_say_quota(settings->name, &settings->quota);
        ht_progress_line_begin(&line);
        struct ht_target target = {&ht_format_perfetto, output, &settings->quota, &kept};
        status = ht_convert(&stream, &target, &line.progress, &events, error);
        ht_progress_line_end(&line);
    }
    if (status == HT_OK)
        status = ht_output_commit(output, error);
    if (status == HT_OK)
        ht_say_kept(settings->name, &ht_format_perfetto, &kept);
    if (status == HT_OK)
        ht_say("%s: %s events, %s", settings->name, ht_show_count(events).text,
               ht_show_size(ht_output_bytes(output)).text);
    ht_output_close(output);
    ht_stream_close(&stream);
    return status;
}

static enum ht_status give(const struct settings *settings, struct ht_server *server, FILE *file,
                           struct ht_error *error)
{
    char link[256];
    snprintf(link, sizeof link, "%s/#!/?url=http://127.0.0.1:%u/%s", ht_http_origin,
             ht_server_port(server), settings->name);
    ht_system_catch_interrupt();
    printf("%s\n", link);
    if (fflush(stdout) != 0)
        return ht_fail(error, HT_IO, "standard output: cannot be written");
    if (!settings->is_page_shown || !ht_system_show_page(link))
        ht_say("open this link; it is waited for until ^C");
    enum ht_status status = ht_server_give(server, file, settings->name, error);
    if (status == HT_END)
        return ht_fail(error, HT_IO, "%s: ended before anybody fetched it", settings->name);
    if (status == HT_OK)
        ht_say("%s: fetched", settings->name);
    return status;
}

// The file to serve: the input itself, or what is made of it. NULL after a failure.
static FILE *make_file(struct settings *settings, bool is_as_it_is, struct ht_error *error)
{
    const char *path = settings->inputs.paths[0];
    FILE *file = is_as_it_is ? fopen(path, "rb") : ht_system_temporary_file();
    if (file == NULL) {
        ht_fail_errno(error, "%s", is_as_it_is ? path : "a temporary file");
        return NULL;
    }
    if (is_as_it_is || convert(settings, file, error) == HT_OK)
        return file;
    fclose(file);
    return NULL;
}

static enum ht_exit open_trace(struct settings *settings, bool is_as_it_is)
{
    struct ht_error error;
    struct ht_server *server = NULL;
    FILE *file = NULL;
    // The port first: that it is taken is said before the work, not after.
    enum ht_status status = ht_server_open(settings->port, &server, &error);
    if (status == HT_OK) {
        file = make_file(settings, is_as_it_is, &error);
        status = file != NULL ? give(settings, server, file, &error) : HT_IO;
    }
    ht_server_close(server);
    if (file != NULL)
        fclose(file);
    if (status != HT_OK)
        ht_say("%s", error.text);
    return status == HT_OK ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

static enum ht_exit run(int argc, char **argv)
{
    struct settings settings = {.port = PERFETTO_PORT, .is_page_shown = true};
    struct ht_options options;
    uint64_t port = PERFETTO_PORT;
    int letter;
    ht_options_init(&options, &ht_command_open, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END) {
        switch (letter) {
        case OPTION_NO_BROWSER:
            settings.is_page_shown = false;
            break;
        case OPTION_PORT:
            if (!ht_options_number(&options, PORT_MAX, &port))
                return options.exit;
            break;
        case OPTION_FULL:
            settings.quota.is_full = true;
            break;
        case OPTION_BUDGET:
            if (!ht_options_budget(&options, &settings.quota.budget))
                return options.exit;
            break;
        default:
            return options.exit;
        }
    }
    if (!ht_options_paths(&options, "IN", &settings.inputs))
        return options.exit;
    settings.inputs.is_assisted = true;
    settings.port = (unsigned)port;
    // What heaptape only writes is for viewers as it is.
    const struct ht_format *format = ht_format_by_path(settings.inputs.paths[0]);
    bool is_as_it_is = format != NULL && format->taste == NULL;
    bool has_wishes =
        options.filter_count > 0 || settings.quota.is_full || settings.quota.budget > 0;
    if (is_as_it_is && (settings.inputs.count > 1 || has_wishes))
        return ht_options_misuse(&ht_command_open, "%s is served as it is, alone",
                                 settings.inputs.paths[0]);
    name_file(&settings, is_as_it_is ? "" : ht_format_perfetto.suffix);
    return open_trace(&settings, is_as_it_is);
}

const struct ht_command ht_command_open = {
    .name = "open",
    .what = "look at a trace in Perfetto",
    .usage = "IN... [FILTER]... [--full] [--budget MB] [--no-browser] [--port N]",
    .about = "Converts into a temporary .pftrace, which ui.perfetto.dev fetches from this machine "
             "by the\n"
             "link that is printed, and opened where there is a browser. Ends when it is fetched; "
             "nothing\n"
             "leaves the machine. A .pftrace or .json is served as it is.",
    .options = option_table,
    .has_filters = true,
    .run = run,
};
