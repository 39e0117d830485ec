// SPDX-License-Identifier: MIT
//
// The program: finds the command and runs it. What commands do is in one file each.
#include "cli/options.h"
#include "cli/show.h"
#include "cli/system.h"

#include <lz4.h>
#include <protobuf-c/protobuf-c.h>
#include <zlib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ht_command *const commands[] = {
    &ht_command_convert, &ht_command_info,   &ht_command_open,  &ht_command_replay,
    &ht_command_compare, &ht_command_reduce, &ht_command_heaps, &ht_command_fixture,
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const struct ht_command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static enum ht_exit print_help(void)
{
    printf("Usage: heaptape COMMAND ...\n"
           "       heaptape help COMMAND\n"
           "       heaptape --version\n"
           "\n"
           "Converts, shows and replays recordings of Windows heaps.\n"
           "\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s%s\n", commands[i]->name, commands[i]->what);
    printf(
        "\nAn input is found out by its bytes: .etl, .htape or .tsv. \"-\" is standard input or\n"
        "output. Exit status: 0 done, 1 failed, 2 misuse.\n");
    return HT_EXIT_DONE;
}

static enum ht_exit print_version(void)
{
    printf("heaptape %s (LZ4 %s, protobuf-c %s, zlib %s)\n", HT_VERSION, LZ4_versionString(),
           protobuf_c_version(), zlibVersion());
    return HT_EXIT_DONE;
}

static enum ht_exit misuse(const char *what, const char *word)
{
    ht_say("%s %s (try heaptape --help)", what, word);
    return HT_EXIT_MISUSE;
}

static enum ht_exit print_help_of(int argc, char **argv)
{
    if (argc < 2)
        return print_help();
    const struct ht_command *command = find(argv[1]);
    if (command == NULL)
        return misuse("there is no command", argv[1]);
    ht_options_help(command);
    return HT_EXIT_DONE;
}

static enum ht_exit run(int argc, char **argv)
{
    if (argc < 1)
        return misuse("a command is missing:",
                      "convert, info, open, replay, compare, reduce, heaps or fixture");
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
        return print_help();
    if (strcmp(argv[0], "--version") == 0)
        return print_version();
    if (strcmp(argv[0], "help") == 0)
        return print_help_of(argc, argv);
    const struct ht_command *command = find(argv[0]);
    if (command == NULL)
        return misuse(argv[0][0] == '-' ? "there is no option" : "there is no command", argv[0]);
    return command->run(argc, argv);
}

int main(int argc, char **argv)
{
    ht_system_begin();
    enum ht_exit result = run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        ht_say("standard output: cannot be written");
        return HT_EXIT_FAILED;
    }
    return (int)result;
}
