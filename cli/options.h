// SPDX-License-Identifier: MIT
//
// The command line of one command: its options by getopt_long, its help from the same table, and
// what misuse says. Every command has --help without listing it.
#ifndef HT_CLI_OPTIONS_H
#define HT_CLI_OPTIONS_H

#include "cli/command.h"
#include "convert/pipeline.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

enum { HT_OPTIONS_MAX = 32 };

// What ht_options_next gives besides letters.
enum {
    HT_OPTIONS_END = 0,   // only operands are left
    HT_OPTIONS_STOP = -1, // all is said: the command ends with `exit`
};

struct ht_options {
    const struct ht_command *command;
    int argc;
    char **argv;
    char letters[3 * HT_OPTIONS_MAX + 4]; // for getopt_long
    struct option names[HT_OPTIONS_MAX + 2];
    const char *value;       // of the option that ht_options_next gave last
    struct ht_filter filter; // by the filters that the command line had
    const char *filter_words[2 * HT_FILTER_VALUES_MAX]; // these, as they were
    size_t filter_word_count;
    size_t filter_count;
    enum ht_exit exit;
};

// Fills in *options for a command's argc and argv. One command line is parsed at a time.
void ht_options_init(struct ht_options *options, const struct ht_command *command, int argc,
                     char **argv);

// The next option's letter, HT_OPTIONS_END or HT_OPTIONS_STOP. Prints the help and misuse, and
// takes the filters, itself.
int ht_options_next(struct ht_options *options);

// Takes the one operand that must be left, which the help calls `what`. False, after saying so,
// when there is another number of them.
bool ht_options_operand(struct ht_options *options, const char *what, const char **operand);

// Takes the operands that must be left, which the help calls `what`, with the filters for them.
// False, after saying so, when there are none or over HT_INPUTS_MAX.
bool ht_options_paths(struct ht_options *options, const char *what, struct ht_paths *paths);

// As ht_options_operand when there must be none.
bool ht_options_no_operand(struct ht_options *options);

// Reads the last option's value as a number, decimal or 0x…, of at most `most`. False, after
// saying so, when it is none.
bool ht_options_number(struct ht_options *options, uint64_t most, uint64_t *number);

// Reads the last option's value as the budget of a .pftrace, in MB, into bytes. False, after saying
// so, when it is none.
bool ht_options_budget(struct ht_options *options, uint64_t *bytes);

// Says on one line what is wrong with the command line and where help is.
enum ht_exit ht_options_misuse(const struct ht_command *command, const char *format, ...)
    HT_PRINTF(2, 3);

// Prints the command's help to standard output.
void ht_options_help(const struct ht_command *command);

#endif
