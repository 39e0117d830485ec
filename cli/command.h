// SPDX-License-Identifier: MIT
//
// What a command of the program is. One file a command; main.c has the table of them.
#ifndef HT_CLI_COMMAND_H
#define HT_CLI_COMMAND_H

#include <stdbool.h>

// How the program ends.
enum ht_exit {
    HT_EXIT_DONE = 0,
    HT_EXIT_FAILED = 1,
    HT_EXIT_MISUSE = 2, // of the command line
};

struct ht_option {
    const char *name;     // long form; NULL behind the last
    int letter;           // short form, or a number from HT_OPTION_LONG on when it has none
    const char *argument; // what the help calls its value; NULL when it takes none
    const char *what;     // one line for the help
};

enum { HT_OPTION_LONG = 256 };

struct ht_command {
    const char *name;
    const char *what;  // one line
    const char *usage; // what stands behind the name, a line a form
    const char *about; // a paragraph for the help
    const struct ht_option *options;
    bool has_filters;                           // takes the filters too (cli/filter_options.h)
    enum ht_exit (*run)(int argc, char **argv); // argv[0] is the command's name
};

extern const struct ht_command ht_command_convert;
extern const struct ht_command ht_command_info;
extern const struct ht_command ht_command_open;
extern const struct ht_command ht_command_replay;
extern const struct ht_command ht_command_compare;
extern const struct ht_command ht_command_reduce;
extern const struct ht_command ht_command_heaps;
extern const struct ht_command ht_command_fixture;

#endif
