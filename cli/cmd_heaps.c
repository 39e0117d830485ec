// SPDX-License-Identifier: MIT
//
// heaptape heaps: the heaps that a trace can be replayed on here.
#include "cli/heap_choice.h"
#include "cli/options.h"
#include "cli/show.h"
#include "formats/json.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_JSON = HT_OPTION_LONG };

static const struct ht_option option_table[] = {
    {"json", OPTION_JSON, NULL, "print the list as JSON"},
    {NULL, 0, NULL, NULL},
};

// A heap, whether it is here or not.
struct listed {
    const char *name;
    const char *what;
    const char *path;    // of its library; NULL: built in, or not here
    const char *package; // what to install; NULL: built in
    bool is_here;
    bool tells_usable;
    bool tells_requested; // what is usable is only what was asked for
    bool has_own_heaps;
    char version[64];
    struct ht_error error; // why it is not here
};

enum { LISTED_MAX = 16 };

static struct listed list_built_in(const struct ht_heap *heap)
{
    struct listed listed = {
        .name = heap->name,
        .what = heap->what,
        .is_here = true,
        .tells_usable = heap->usable != NULL,
        .tells_requested = heap->tells_requested,
        .has_own_heaps = heap->apart != NULL,
    };
    void *self;
    listed.is_here = heap->open(heap, &self, &listed.error) == HT_OK;
    if (listed.is_here) {
        heap->version(self, listed.version, sizeof listed.version);
        heap->close(self);
    }
    return listed;
}

static struct listed list_known(const struct ht_known_heap *known, int argc, char **argv)
{
    struct listed listed = {
        .name = known->name,
        .what = known->what,
        .package = known->package,
    };
    const struct ht_dynamic_heap *heap;
    if (ht_heap_choice_load(known->name, argc, argv, &heap, &listed.error) != HT_DYNAMIC_READY)
        return listed;
    listed.is_here = true;
    listed.path = heap->path;
    listed.tells_usable = heap->heap.usable != NULL;
    listed.has_own_heaps = heap->heap.apart != NULL;
    snprintf(listed.version, sizeof listed.version, "%s", heap->version);
    return listed;
}

static size_t list_all(struct listed *list, int argc, char **argv)
{
    size_t count = 0;
    for (size_t i = 0; ht_heap_at(i) != NULL && count < LISTED_MAX; i++)
        list[count++] = list_built_in(ht_heap_at(i));
    for (size_t i = 0; ht_known_heap_at(i) != NULL && count < LISTED_MAX; i++)
        list[count++] = list_known(ht_known_heap_at(i), argc, argv);
    return count;
}

// Names and versions have a width that suits the longest.
struct widths {
    int name;
    int version;
};

static int wider(int width, const char *text)
{
    int wanted = (int)strlen(text) + 2;
    return wanted > width ? wanted : width;
}

static struct widths widths_of(const struct listed *list, size_t count)
{
    struct widths widths = {10, 18};
    for (size_t i = 0; i < count; i++) {
        widths.name = wider(widths.name, list[i].name);
        widths.version = wider(widths.version, list[i].version);
    }
    return widths;
}

static const char *usable_of(const struct listed *heap)
{
    if (heap->tells_requested)
        return "asked";
    return heap->tells_usable ? "yes" : "no";
}

static void print_text(const struct listed *list, size_t count)
{
    struct widths widths = widths_of(list, count);
    printf("%-*s%-*s%-8s%-11s%s\n", widths.name, "name", widths.version, "version", "usable",
           "own heaps", "where");
    for (size_t i = 0; i < count; i++) {
        const struct listed *heap = &list[i];
        if (heap->is_here)
            printf("%-*s%-*s%-8s%-11s%s\n", widths.name, heap->name, widths.version, heap->version,
                   usable_of(heap), heap->has_own_heaps ? "yes" : "no",
                   heap->path != NULL ? heap->path : "built in");
        else
            printf("%-*s%s\n", widths.name, heap->name, heap->error.text);
    }
    printf(
        "\nusable: tells how much of a block may be used; asked: only what was asked for.\n"
        "own heaps: of several recorded heaps each is played on one of its own, else all on\n"
        "one. Any other library with malloc, realloc and free of its own is taken by its path.\n");
}

static void put_string(struct ht_json *json, const char *key, const char *text)
{
    if (text == NULL)
        return;
    ht_json_put_string(json, key, text);
}

static void put_bool(struct ht_json *json, const char *key, bool value)
{
    ht_json_key(json, key);
    ht_json_bool(json, value);
}

static void put_heap(struct ht_json *json, const struct listed *heap)
{
    ht_json_line(json);
    ht_json_begin_object(json);
    put_string(json, "name", heap->name);
    put_string(json, "what", heap->what);
    put_bool(json, "is_here", heap->is_here);
    put_string(json, "package", heap->package);
    if (heap->is_here) {
        put_string(json, "version", heap->version);
        put_string(json, "path", heap->path);
        put_bool(json, "usable", heap->tells_usable);
        put_bool(json, "usable_is_requested", heap->tells_requested);
        put_bool(json, "own_heaps", heap->has_own_heaps);
    } else {
        put_string(json, "failure", heap->error.text);
    }
    ht_json_end(json);
}

static enum ht_status print_json(const struct listed *list, size_t count, struct ht_error *error)
{
    struct ht_output *output = NULL;
    enum ht_status status = ht_output_open("-", &output, error);
    if (status != HT_OK)
        return status;
    struct ht_json json = ht_json_over(output);
    ht_json_begin_object(&json);
    ht_json_key(&json, "heaps");
    ht_json_begin_array(&json);
    for (size_t i = 0; i < count; i++)
        put_heap(&json, &list[i]);
    ht_json_end(&json);
    ht_json_end(&json);
    status = ht_json_commit(&json, error);
    ht_output_close(output);
    return status;
}

static enum ht_exit run(int argc, char **argv)
{
    struct ht_options options;
    struct listed list[LISTED_MAX];
    struct ht_error error;
    bool is_json = false;
    int letter;
    ht_options_init(&options, &ht_command_heaps, argc, argv);
    while ((letter = ht_options_next(&options)) != HT_OPTIONS_END) {
        if (letter != OPTION_JSON)
            return options.exit;
        is_json = true;
    }
    if (!ht_options_no_operand(&options))
        return options.exit;
    size_t count = list_all(list, argc, argv);
    if (!is_json) {
        print_text(list, count);
        return HT_EXIT_DONE;
    }
    if (print_json(list, count, &error) == HT_OK)
        return HT_EXIT_DONE;
    ht_say("%s", error.text);
    return HT_EXIT_FAILED;
}

const struct ht_command ht_command_heaps = {
    .name = "heaps",
    .what = "list the heaps there are to replay on",
    .usage = "[--json]",
    .about =
        "What is built in, and the libraries known by name: those found here, with version and\n"
        "place, and what to install for the others.",
    .options = option_table,
    .run = run,
};
