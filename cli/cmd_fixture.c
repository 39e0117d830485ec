// SPDX-License-Identifier: MIT
//
// heaptape fixture: writes .etl files for tests and demonstrations, made up or from a log.
#include "cli/options.h"
#include "cli/show.h"
#include "cli/system.h"
#include "fixtures/fixtures.h"

#include <stdio.h>
#include <string.h>

enum {
    OPTION_SCENARIO = HT_OPTION_LONG,
    OPTION_FROM,
    OPTION_LIST,
    OPTION_SEED,
    OPTION_EVENTS,
    OPTION_COMPRESS,
    OPTION_WINDOWS,
    OPTION_POINTER,
    OPTION_CPUS,
    OPTION_BUFFER,
    OPTION_CLOCK,
    OPTION_CLOCK_HZ,
};

static const struct ht_option option_table[] = {
    {"scenario", OPTION_SCENARIO, "NAME", "what the trace tells"},
    {"from", OPTION_FROM, "LOG", "take the events from an allocation log"},
    {"list", OPTION_LIST, NULL, "print the scenarios"},
    {"output", 'o', "OUT", "write here; - is standard output"},
    {"seed", OPTION_SEED, "N", "of the scenario's random numbers"},
    {"events", OPTION_EVENTS, "N", "how many heap events to aim at"},
    {"compress", OPTION_COMPRESS, NULL, "compress the buffers"},
    {"windows", OPTION_WINDOWS, "N", "headers as Windows 7, 10 or 11 writes them"},
    {"pointer-size", OPTION_POINTER, "N", "of the session: 4 or 8"},
    {"cpus", OPTION_CPUS, "N", "how many CPUs"},
    {"buffer-size", OPTION_BUFFER, "KIB", "size of a buffer"},
    {"clock", OPTION_CLOCK, "NAME", "qpc, system or cycles"},
    {"clock-hz", OPTION_CLOCK_HZ, "N", "ticks of the clock in a second"},
    {NULL, 0, NULL, NULL},
};

struct settings {
    struct ht_fixture_options fixture;
    const char *log;
    const char *output;
    bool is_list;
};

static enum ht_exit list(void)
{
    for (size_t i = 0; ht_fixture_scenario_at(i) != NULL; i++) {
        const struct ht_fixture_scenario *scenario = ht_fixture_scenario_at(i);
        printf("%-16s %s\n", scenario->name, scenario->description);
    }
    return HT_EXIT_DONE;
}

static void tell_import(const char *log, const struct ht_log_report *report)
{
    ht_say("%s: %s: %s lines: %s allocs, %s reallocs (%s in place), %s frees", log,
           ht_log_format_name(report->format), ht_show_count(report->lines).text,
           ht_show_count(report->allocs).text,
           ht_show_count(report->reallocs_in_place + report->reallocs_moved).text,
           ht_show_count(report->reallocs_in_place).text, ht_show_count(report->frees).text);
    if (report->unknown_lines > 0)
        ht_say("%s: %s lines are no operation, the first is line %s", log,
               ht_show_count(report->unknown_lines).text,
               ht_show_count(report->first_unknown_line).text);
    if (report->unknown_blocks > 0)
        ht_say("%s: %s operations on blocks it never allocated", log,
               ht_show_count(report->unknown_blocks).text);
}

static enum ht_status import(const struct settings *settings, struct ht_output *output,
                             struct ht_error *error)
{
    struct ht_input *log = NULL;
    struct ht_log_report report;
    enum ht_status status = ht_input_open(settings->log, &log, error);
    if (status == HT_OK)
        status = ht_fixture_from_log(log, &settings->fixture, output, &report, error);
    if (status == HT_OK)
        tell_import(settings->log, &report);
    ht_input_close(log);
    return status;
}

static enum ht_exit make(const struct settings *settings)
{
    struct ht_error error;
    struct ht_output *output = NULL;
    enum ht_status status = ht_output_open(settings->output, &output, &error);
    if (status == HT_OK && settings->log != NULL)
        status = import(settings, output, &error);
    else if (status == HT_OK)
        status = ht_fixture_write(&settings->fixture, output, &error);
    if (status == HT_OK)
        status = ht_output_commit(output, &error);
    if (status == HT_OK)
        ht_say("%s: %s", settings->output, ht_show_size(ht_output_bytes(output)).text);
    else
        ht_say("%s", error.text);
    ht_output_close(output);
    return status == HT_OK ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

static bool has_scenario(const char *name)
{
    for (size_t i = 0; ht_fixture_scenario_at(i) != NULL; i++) {
        if (strcmp(ht_fixture_scenario_at(i)->name, name) == 0)
            return true;
    }
    return false;
}

static enum ht_exit check(const struct settings *settings)
{
    const struct ht_command *command = &ht_command_fixture;
    const char *scenario = settings->fixture.scenario;
    if ((scenario != NULL) == (settings->log != NULL))
        return ht_options_misuse(command, "either --scenario NAME or --from LOG");
    if (scenario != NULL && !has_scenario(scenario))
        return ht_options_misuse(command, "there is no scenario %s: --list names them", scenario);
    if (settings->output == NULL)
        return ht_options_misuse(command, "-o OUT is missing");
    if (settings->log != NULL && ht_system_is_same_file(settings->log, settings->output))
        return ht_options_misuse(command, "%s is also the log", settings->output);
    if (strcmp(settings->output, "-") == 0 && ht_system_is_terminal(stdout))
        return ht_options_misuse(command, "etl is binary and would go to a terminal");
    return HT_EXIT_DONE;
}

static bool take_clock(struct ht_options *options, struct ht_fixture_options *fixture)
{
    static const struct {
        const char *name;
        enum ht_etl_clock clock;
    } clocks[] = {
        {"qpc", HT_ETL_CLOCK_QPC},
        {"system", HT_ETL_CLOCK_SYSTEM},
        {"cycles", HT_ETL_CLOCK_CYCLES},
    };
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        if (strcmp(clocks[i].name, options->value) == 0) {
            fixture->clock = clocks[i].clock;
            return true;
        }
    }
    options->exit = ht_options_misuse(options->command, "--clock takes qpc, system or cycles");
    return false;
}

static bool take_windows(struct ht_options *options, struct ht_fixture_options *fixture)
{
    static const struct {
        const char *name;
        enum ht_etl_windows windows;
    } versions[] = {
        {"7", HT_ETL_WINDOWS_7},
        {"10", HT_ETL_WINDOWS_10},
        {"11", HT_ETL_WINDOWS_11},
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        if (strcmp(versions[i].name, options->value) == 0) {
            fixture->windows = versions[i].windows;
            return true;
        }
    }
    options->exit = ht_options_misuse(options->command, "--windows takes 7, 10 or 11");
    return false;
}

static bool take_pointer_size(struct ht_options *options, struct ht_fixture_options *fixture)
{
    bool is_4 = strcmp(options->value, "4") == 0;
    if (!is_4 && strcmp(options->value, "8") != 0) {
        options->exit = ht_options_misuse(options->command, "--pointer-size takes 4 or 8");
        return false;
    }
    fixture->pointer_size = is_4 ? 4 : 8;
    return true;
}

// Takes one option that shapes the trace. False after misuse.
static bool take_shape(struct ht_options *options, int letter, struct ht_fixture_options *fixture)
{
    uint64_t number = 0;
    switch (letter) {
    case OPTION_SEED:
        return ht_options_number(options, UINT64_MAX, &fixture->seed);
    case OPTION_EVENTS:
        return ht_options_number(options, UINT64_MAX, &fixture->events);
    case OPTION_COMPRESS:
        fixture->is_compressed = true;
        return true;
    case OPTION_WINDOWS:
        return take_windows(options, fixture);
    case OPTION_POINTER:
        return take_pointer_size(options, fixture);
    case OPTION_CPUS:
        if (!ht_options_number(options, HT_ETL_CPUS_MAX, &number))
            return false;
        fixture->cpu_count = (uint32_t)number;
        return true;
    case OPTION_BUFFER:
        if (!ht_options_number(options, HT_ETL_BUFFER_MAX >> 10, &number))
            return false;
        fixture->buffer_size = (uint32_t)number << 10;
        return true;
    case OPTION_CLOCK:
        return take_clock(options, fixture);
    case OPTION_CLOCK_HZ:
        return ht_options_number(options, UINT64_MAX, &fixture->clock_hz);
    default: // HT_OPTIONS_STOP
        return false;
    }
}

static enum ht_exit run(int argc, char **argv)
{
    struct settings settings = {0};
    struct ht_options options;
    int letter;
    ht_options_init(&options, &ht_command_fixture, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END) {
        if (letter == OPTION_SCENARIO)
            settings.fixture.scenario = options.value;
        else if (letter == OPTION_FROM)
            settings.log = options.value;
        else if (letter == OPTION_LIST)
            settings.is_list = true;
        else if (letter == 'o')
            settings.output = options.value;
        else if (!take_shape(&options, letter, &settings.fixture))
            return options.exit;
    }
    if (!ht_options_no_operand(&options))
        return options.exit;
    if (settings.is_list)
        return list();
    enum ht_exit misuse = check(&settings);
    return misuse == HT_EXIT_DONE ? make(&settings) : misuse;
}

const struct ht_command ht_command_fixture = {
    .name = "fixture",
    .what = "write an .etl of a scenario or of an allocation log",
    .usage = "--scenario NAME [--seed N] [--events N] ... -o OUT.etl\n"
             "--from LOG ... -o OUT.etl\n"
             "--list",
    .about =
        "Writes an .etl file as Windows would. The same arguments give the same bytes on every\n"
        "host. LOG is an Android memory_replay log, a script of a/r/f lines, a trace of malloc\n"
        "calls, or heaptape's own TSV; it is read twice, so it cannot be a stream.",
    .options = option_table,
    .run = run,
};
