// SPDX-License-Identifier: MIT
//
// From words to an order. See the header.
#include "cli/order_choice.h"

#include "replay/os.h"
#include "replay/threads.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_MOST (UINT64_C(1) << 32)
#define MEMORY_LEAST (UINT64_C(8) << 20)
#define MEMORY_MOST (UINT64_C(1) << 50)
#define MEMORY_UNTOLD (UINT64_C(4) << 30) // of a machine that does not say
#define SPEED_LEAST 0.001
#define SPEED_MOST 1000000.0

static bool take_order(struct ht_order_choice *choice, struct ht_options *options)
{
    enum ht_order order = 0;
    while (order < HT_ORDER_COUNT && strcmp(ht_order_name(order), options->value) != 0)
        order++;
    choice->order = order;
    if (order == HT_ORDER_COUNT)
        options->exit = ht_options_misuse(
            options->command, "--order takes serial, causal or timed, not %s", options->value);
    return order != HT_ORDER_COUNT;
}

static bool take_workers(struct ht_order_choice *choice, struct ht_options *options)
{
    uint64_t workers = HT_WORKERS_MAX;
    if (strcmp(options->value, "all") != 0 && !ht_options_number(options, HT_WORKERS_MAX, &workers))
        return false;
    choice->schedule.workers = (uint32_t)workers;
    if (workers == 0)
        options->exit = ht_options_misuse(options->command, "--workers takes 1 or more, or all");
    return workers > 0;
}

static bool take_window(struct ht_order_choice *choice, struct ht_options *options)
{
    if (!ht_options_number(options, WINDOW_MOST, &choice->schedule.window))
        return false;
    if (choice->schedule.window < 2)
        options->exit = ht_options_misuse(options->command, "--window takes 2 or more");
    return choice->schedule.window >= 2;
}

static bool take_speed(struct ht_order_choice *choice, struct ht_options *options)
{
    char *end = NULL;
    choice->schedule.speed = strtod(options->value, &end);
    bool is_speed = end != options->value && *end == '\0' &&
                    choice->schedule.speed >= SPEED_LEAST && choice->schedule.speed <= SPEED_MOST;
    if (!is_speed)
        options->exit = ht_options_misuse(options->command, "--speed takes %g to %.0f, not %s",
                                          SPEED_LEAST, SPEED_MOST, options->value);
    return is_speed;
}

// A number of bytes, or of KiB, MiB or GiB with K, M or G behind it.
static bool take_memory(struct ht_order_choice *choice, struct ht_options *options)
{
    static const char units[] = "KMG";
    char *end = NULL;
    unsigned long long number = strtoull(options->value, &end, 10);
    const char *unit = *end == '\0' ? NULL : strchr(units, *end);
    int shift = unit == NULL ? 0 : 10 * (int)(unit - units + 1);
    bool is_size = options->value[0] >= '0' && options->value[0] <= '9' &&
                   (*end == '\0' || (unit != NULL && end[1] == '\0')) &&
                   number <= MEMORY_MOST >> shift && number << shift >= MEMORY_LEAST;
    choice->plan_memory = is_size ? number << shift : 0;
    if (!is_size)
        options->exit = ht_options_misuse(
            options->command, "--plan-memory takes 8M or more, such as 512M or 4G, not %s",
            options->value);
    return is_size;
}

// Keeps the option as two words; of several of a kind the last counts.
static void keep_words(struct ht_order_choice *choice, const struct ht_options *options, int letter)
{
    static const char *const dashed[] = {"--order", "--workers", "--window", "--speed",
                                         "--plan-memory"};
    size_t at = 0;
    const char *name = dashed[letter - HT_OPTION_ORDER];
    while (at < choice->word_count && strcmp(choice->words[at], name) != 0)
        at += 2;
    choice->words[at] = name;
    choice->words[at + 1] = options->value;
    if (at == choice->word_count)
        choice->word_count += 2;
}

bool ht_order_choice_take(struct ht_order_choice *choice, struct ht_options *options, int letter)
{
    keep_words(choice, options, letter);
    switch (letter) {
    case HT_OPTION_ORDER:
        return take_order(choice, options);
    case HT_OPTION_WORKERS:
        return take_workers(choice, options);
    case HT_OPTION_WINDOW:
        return take_window(choice, options);
    case HT_OPTION_SPEED:
        return take_speed(choice, options);
    default:
        return take_memory(choice, options);
    }
}

// Half of what the machine has.
static uint64_t default_memory(void)
{
    uint64_t machine = ht_os_machine_bytes();
    uint64_t half = (machine > 0 ? machine : MEMORY_UNTOLD) / 2;
    return half > MEMORY_LEAST ? half : MEMORY_LEAST;
}

bool ht_order_choice_complete(struct ht_order_choice *choice, struct ht_options *options)
{
    struct ht_schedule_options *schedule = &choice->schedule;
    if (choice->order == HT_ORDER_SERIAL && (schedule->workers > 0 || schedule->window > 0)) {
        options->exit =
            ht_options_misuse(options->command, "--workers and --window are for --order causal "
                                                "and timed");
        return false;
    }
    if (choice->order != HT_ORDER_TIMED && schedule->speed > 0) {
        options->exit = ht_options_misuse(options->command, "--speed is for --order timed");
        return false;
    }
    if (choice->order == HT_ORDER_TIMED && schedule->speed <= 0)
        schedule->speed = 1;
    if (schedule->workers == 0)
        schedule->workers = ht_threads_at_once();
    if (choice->plan_memory == 0)
        choice->plan_memory = default_memory();
    return true;
}
