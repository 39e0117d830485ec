// SPDX-License-Identifier: MIT
//
// The filters, which every command takes that reads a trace: their options and what they mean.
#ifndef HT_CLI_FILTER_OPTIONS_H
#define HT_CLI_FILTER_OPTIONS_H

#include "cli/options.h"

// Letters of the filters; see ht_filter_options.
enum {
    HT_FILTER_PID = 2 * HT_OPTION_LONG,
    HT_FILTER_PROCESS,
    HT_FILTER_HEAP_HANDLE,
    HT_FILTER_TID,
    HT_FILTER_KIND,
    HT_FILTER_FROM,
    HT_FILTER_UNTIL,
    HT_FILTER_MIN_SIZE,
    HT_FILTER_MAX_SIZE,
};

// As a command's own options, the last without a name.
extern const struct ht_option ht_filter_options[];

// Takes the option of this letter, with options->value, into options->filter. False, after saying
// so, when the value is none.
bool ht_filter_options_take(struct ht_options *options, int letter);

// Once all are taken: false, after saying so, when nothing can match.
bool ht_filter_options_check(struct ht_options *options);

// Writes filter->text anew, from what the filter asks for, as a person would write it for a shell.
// False when it is too long, or more than one command line takes.
bool ht_filter_write_text(struct ht_filter *filter);

// Takes the last option's value as a time: a number with a unit (ns, us, ms, s, m, h), which 0
// needs not. False, after saying so, when it is none, or has no room in 64 bits of nanoseconds.
bool ht_filter_take_time(struct ht_options *options, int64_t *time_ns);

#endif
