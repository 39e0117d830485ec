// SPDX-License-Identifier: MIT
//
// From a name to a heap. See the header.
#include "cli/heap_choice.h"

#include "cli/system.h"
#include "replay/library.h"

#include <stdio.h>
#include <string.h>

static bool is_name(const char *name)
{
    bool is_known = ht_library_is_path(name) || ht_heap_by_name(name) != NULL;
    for (size_t i = 0; !is_known && ht_known_heap_at(i) != NULL; i++)
        is_known = strcmp(ht_known_heap_at(i)->name, name) == 0;
    return is_known;
}

bool ht_heap_choice_check_name(struct ht_options *options)
{
    char names[160] = "";
    size_t used = 0;
    if (is_name(options->value))
        return true;
    for (size_t i = 0; ht_heap_at(i) != NULL && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s, ", ht_heap_at(i)->name);
    for (size_t i = 0; ht_known_heap_at(i) != NULL && used < sizeof names; i++)
        used +=
            (size_t)snprintf(names + used, sizeof names - used, "%s, ", ht_known_heap_at(i)->name);
    options->exit =
        ht_options_misuse(options->command, "there is no heap %s: --heap takes %sor a path with /",
                          options->value, names);
    return false;
}

bool ht_heap_choice_add_setting(struct ht_heap_choice *choice, struct ht_options *options)
{
    const char *equals = strchr(options->value, '=');
    if (equals == NULL || equals == options->value) {
        options->exit = ht_options_misuse(options->command, "--heap-env takes VAR=VALUE, not %s",
                                          options->value);
        return false;
    }
    if (choice->setting_count == HT_HEAP_SETTINGS_MAX) {
        options->exit = ht_options_misuse(options->command, "--heap-env is taken %d times at most",
                                          HT_HEAP_SETTINGS_MAX);
        return false;
    }
    choice->settings[choice->setting_count++] = options->value;
    return true;
}

bool ht_heap_choice_touch(struct ht_options *options, enum ht_touch *touch)
{
    *touch = ht_touch_by_name(options->value);
    if (*touch == HT_TOUCH_COUNT)
        options->exit = ht_options_misuse(
            options->command, "--touch takes none, first, page or fill, not %s", options->value);
    return *touch != HT_TOUCH_COUNT;
}

enum ht_dynamic_state ht_heap_choice_load(const char *name, int argc, char **argv,
                                          const struct ht_dynamic_heap **heap,
                                          struct ht_error *error)
{
    enum ht_dynamic_state state = ht_dynamic_heap_load(name, heap, error);
    if (state == HT_DYNAMIC_NEEDS_RESTART && !ht_system_is_restarted())
        ht_system_restart(argc, argv, error);
    return state;
}

enum ht_status ht_heap_choice_open(const struct ht_heap_choice *choice, int argc, char **argv,
                                   const struct ht_heap **heap, struct ht_error *error)
{
    if (!ht_system_is_restarted()) {
        for (size_t i = 0; i < choice->setting_count; i++) {
            if (!ht_system_set_variable(choice->settings[i]))
                return ht_fail(error, HT_UNSUPPORTED, "%s: cannot be set", choice->settings[i]);
        }
        enum ht_status status = ht_system_restart(argc, argv, error);
        if (status != HT_OK && choice->setting_count > 0)
            return status; // the heap would not have its settings
    }
    *heap = ht_heap_by_name(choice->name);
    if (*heap != NULL)
        return HT_OK;
    const struct ht_dynamic_heap *dynamic;
    if (ht_heap_choice_load(choice->name, argc, argv, &dynamic, error) != HT_DYNAMIC_READY)
        return HT_UNSUPPORTED;
    *heap = &dynamic->heap;
    return HT_OK;
}
