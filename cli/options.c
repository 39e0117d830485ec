// SPDX-License-Identifier: MIT
//
// Command lines and help. See the header.
#include "cli/options.h"

#include "cli/filter_options.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 26 };

static void add(struct ht_options *options, size_t index, const struct ht_option *option)
{
    bool has_value = option->argument != NULL;
    assert(index <= HT_OPTIONS_MAX);
    options->names[index] = (struct option){
        option->name, has_value ? required_argument : no_argument, NULL, option->letter};
    if (option->letter >= HT_OPTION_LONG)
        return;
    char letters[] = {(char)option->letter, has_value ? ':' : '\0', '\0'};
    memcpy(options->letters + strlen(options->letters), letters, sizeof letters);
}

void ht_options_init(struct ht_options *options, const struct ht_command *command, int argc,
                     char **argv)
{
    static const struct ht_option help = {"help", 'h', NULL, ""};
    *options = (struct ht_options){
        .command = command, .argc = argc, .argv = argv, .filter = HT_FILTER_ALL};
    options->letters[0] = ':'; // tells a missing value from an unknown option
    size_t count = 0;
    for (const struct ht_option *option = command->options; option->name != NULL; option++)
        add(options, count++, option);
    for (const struct ht_option *option = ht_filter_options;
         command->has_filters && option->name != NULL; option++)
        add(options, count++, option);
    add(options, count, &help);
    opterr = 0;
    optind = 1;
}

static int next(struct ht_options *options)
{
    const struct ht_command *command = options->command;
    int at = optind;
    int letter = getopt_long(options->argc, options->argv, options->letters, options->names, NULL);
    const char *word = options->argv[optind > at ? optind - 1 : at];
    options->value = optarg;
    switch (letter) {
    case -1:
        return HT_OPTIONS_END;
    case 'h':
        ht_options_help(command);
        options->exit = HT_EXIT_DONE;
        return HT_OPTIONS_STOP;
    case ':':
        if (strchr(word, '=') == NULL) {
            options->exit = ht_options_misuse(command, "%s needs a value", word);
            return HT_OPTIONS_STOP;
        }
        // A value for one that takes none: mingw's answer, of which glibc's is the next.
        // fall through
    case '?':
        options->exit = ht_options_misuse(command, "there is no option %s", word);
        return HT_OPTIONS_STOP;
    default:
        return letter;
    }
}

int ht_options_next(struct ht_options *options)
{
    int letter;
    while ((letter = next(options)) >= HT_FILTER_PID)
        if (!ht_filter_options_take(options, letter))
            return HT_OPTIONS_STOP;
    if (letter == HT_OPTIONS_END && !ht_filter_options_check(options))
        return HT_OPTIONS_STOP;
    return letter;
}

bool ht_options_operand(struct ht_options *options, const char *what, const char **operand)
{
    int left = options->argc - optind;
    if (left == 1)
        *operand = options->argv[optind];
    else if (left == 0)
        options->exit = ht_options_misuse(options->command, "%s is missing", what);
    else
        options->exit = ht_options_misuse(options->command, "one %s only, not also %s", what,
                                          options->argv[optind + 1]);
    return left == 1;
}

bool ht_options_paths(struct ht_options *options, const char *what, struct ht_paths *paths)
{
    *paths = (struct ht_paths){.filter = options->filter};
    for (int i = optind; i < options->argc && paths->count < HT_INPUTS_MAX; i++)
        paths->paths[paths->count++] = options->argv[i];
    if (options->argc - optind > HT_INPUTS_MAX)
        options->exit = ht_options_misuse(options->command, "at most %d files", HT_INPUTS_MAX);
    else if (paths->count == 0)
        options->exit = ht_options_misuse(options->command, "%s is missing", what);
    return paths->count > 0 && options->argc - optind <= HT_INPUTS_MAX;
}

bool ht_options_no_operand(struct ht_options *options)
{
    if (optind == options->argc)
        return true;
    options->exit =
        ht_options_misuse(options->command, "%s has no place here", options->argv[optind]);
    return false;
}

bool ht_options_number(struct ht_options *options, uint64_t most, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    int base = strncmp(options->value, "0x", 2) == 0 ? 16 : 10;
    unsigned long long parsed = strtoull(options->value, &end, base);
    bool is_number = options->value[0] >= '0' && options->value[0] <= '9' && *end == '\0';
    if (is_number && errno == 0 && parsed <= most) {
        *number = parsed;
        return true;
    }
    options->exit = ht_options_misuse(options->command, "%s is no number from 0 to %llu",
                                      options->value, (unsigned long long)most);
    return false;
}

bool ht_options_budget(struct ht_options *options, uint64_t *bytes)
{
    enum { MB = 1000000, BUDGET_MAX_MB = 1000000 };
    uint64_t megabytes;
    if (!ht_options_number(options, BUDGET_MAX_MB, &megabytes))
        return false;
    *bytes = megabytes * MB;
    if (megabytes == 0)
        options->exit = ht_options_misuse(options->command, "--budget 0: expected at least 1");
    return megabytes > 0;
}

enum ht_exit ht_options_misuse(const struct ht_command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "heaptape %s: ", command->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, " (try heaptape %s --help)\n", command->name);
    va_end(arguments);
    return HT_EXIT_MISUSE;
}

static void print_option(const struct ht_option *option)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", option->name, option->argument != NULL ? " " : "",
             option->argument != NULL ? option->argument : "");
    if (option->letter < HT_OPTION_LONG)
        printf("  -%c, ", option->letter);
    else
        printf("      ");
    printf("%-*s%s\n", HELP_COLUMN - 6, left, option->what);
}

void ht_options_help(const struct ht_command *command)
{
    static const struct ht_option help = {"help", 'h', NULL, "print this"};
    const char *usage = command->usage;
    const char *lead = "Usage: ";
    while (*usage != '\0') {
        int length = (int)strcspn(usage, "\n");
        printf("%sheaptape %s %.*s\n", lead, command->name, length, usage);
        usage += length + (usage[length] == '\n');
        lead = "       ";
    }
    printf("\n%s\n\n", command->about);
    for (const struct ht_option *option = command->options; option->name != NULL; option++)
        print_option(option);
    print_option(&help);
    if (!command->has_filters)
        return;
    printf("\nFilters, see heaptape(1):\n\n");
    for (const struct ht_option *option = ht_filter_options; option->name != NULL; option++)
        print_option(option);
}
