// SPDX-License-Identifier: MIT
//
// The heap of a command line: --heap by name, --heap-env with the heap's own settings, --touch, and
// the one restart of the program that a replay needs.
#ifndef HT_CLI_HEAP_CHOICE_H
#define HT_CLI_HEAP_CHOICE_H

#include "cli/options.h"
#include "replay/engine.h"
#include "replay/heap_dynamic.h"

enum { HT_HEAP_SETTINGS_MAX = 16 };

// What a command line asks for.
struct ht_heap_choice {
    const char *name;
    const char *settings[HT_HEAP_SETTINGS_MAX]; // "NAME=VALUE"
    size_t setting_count;
};

// These take the value of an option that ht_options_next gave. False, after saying so, when it is
// no heap's name and no path; not NAME=VALUE, or one too many; no way to touch.
bool ht_heap_choice_check_name(struct ht_options *options);
bool ht_heap_choice_add_setting(struct ht_heap_choice *choice, struct ht_options *options);
bool ht_heap_choice_touch(struct ht_options *options, enum ht_touch *touch);

// Loads a heap out of a library, for a command with this argc and argv. Where that takes room for
// thread-local memory, the program begins anew, once. So nothing may have been read before.
enum ht_dynamic_state ht_heap_choice_load(const char *name, int argc, char **argv,
                                          const struct ht_dynamic_heap **heap,
                                          struct ht_error *error);

// Puts the settings in force and lets the addresses be the same every time, by beginning the
// program anew, and finds the heap. As above.
enum ht_status ht_heap_choice_open(const struct ht_heap_choice *choice, int argc, char **argv,
                                   const struct ht_heap **heap, struct ht_error *error);

#endif
