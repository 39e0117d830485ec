// SPDX-License-Identifier: MIT
//
// The order of a command line: --order and what belongs to it, and the memory for a plan.
#ifndef HT_CLI_ORDER_CHOICE_H
#define HT_CLI_ORDER_CHOICE_H

#include "cli/options.h"
#include "replay/replay.h"

// The letters of the options that ht_order_choice_take takes, for a command's table.
enum {
    HT_OPTION_ORDER = HT_OPTION_LONG + 100,
    HT_OPTION_WORKERS,
    HT_OPTION_WINDOW,
    HT_OPTION_SPEED,
    HT_OPTION_PLAN_MEMORY,
    HT_OPTION_ORDER_LAST = HT_OPTION_PLAN_MEMORY,
};

// Their rows in the table of a command that has an order.
#define HT_ORDER_OPTIONS                                                                           \
    {"order", HT_OPTION_ORDER, "NAME", "serial (default), causal: threads at once, or timed"},     \
        {"workers", HT_OPTION_WORKERS, "N", "threads to play on, or all: one a recorded thread"},  \
        {"window", HT_OPTION_WINDOW, "N",                                                          \
         "operations that threads may be apart (4096 at most by default)"},                        \
        {"speed", HT_OPTION_SPEED, "X", "recorded time passes X times as fast (default 1)"},       \
    {                                                                                              \
        "plan-memory", HT_OPTION_PLAN_MEMORY, "SIZE",                                              \
            "memory for the trace's operations, as 512M (default half of all)"                     \
    }

enum { HT_ORDER_WORDS_MAX = 10 };

// What a command line asks for. The zero value is the serial order.
struct ht_order_choice {
    enum ht_order order;
    struct ht_schedule_options schedule;   // its memory_limit is the caller's
    uint64_t plan_memory;                  // bytes for what is read of the trace
    const char *words[HT_ORDER_WORDS_MAX]; // these options, as they were
    size_t word_count;
};

// Takes an option that ht_options_next gave, one of the letters above. False, after saying so, when
// its value is none.
bool ht_order_choice_take(struct ht_order_choice *choice, struct ht_options *options, int letter);

// Fills in what was not given, once all options are taken. False, after saying so, when some of
// them are for another order.
bool ht_order_choice_complete(struct ht_order_choice *choice, struct ht_options *options);

#endif
