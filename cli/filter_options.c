// SPDX-License-Identifier: MIT
//
// The options of the filters. See the header.
#include "cli/filter_options.h"

#include "formats/bytes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct ht_option ht_filter_options[] = {
    {"pid", HT_FILTER_PID, "N", "events of this process"},
    {"process", HT_FILTER_PROCESS, "NAME", "events of processes of this file name"},
    {"heap-handle", HT_FILTER_HEAP_HANDLE, "H", "events of heaps of this handle"},
    {"tid", HT_FILTER_TID, "N", "blocks that this thread made or resized"},
    {"min-size", HT_FILTER_MIN_SIZE, "BYTES", "blocks, from when they have at least this size"},
    {"max-size", HT_FILTER_MAX_SIZE, "BYTES", "blocks, from when they have at most this size"},
    {"kind", HT_FILTER_KIND, "KIND", "events of this kind: alloc, realloc, free, ..."},
    {"from", HT_FILTER_FROM, "TIME", "events at this time or later: 1.5s, 200ms, 3m"},
    {"until", HT_FILTER_UNTIL, "TIME", "events before this time"},
    {NULL, 0, NULL, NULL},
};

static bool read_time(const char *text, int64_t *time_ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        {"ns", 1},         {"us", 1000},       {"ms", 1000000},
        {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
    };
    bool is_negative = *text == '-';
    const char *at = text + is_negative;
    size_t whole = strspn(at, "0123456789");
    size_t part = at[whole] == '.' ? 1 + strspn(at + whole + 1, "0123456789") : 0;
    const char *unit = at + whole + part;
    int64_t scale = *unit == '\0' && strspn(at, "0.") == whole + part ? 1 : 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].name) == 0)
            scale = units[i].ns;
    if (whole == 0 || part == 1 || scale == 0)
        return false;
    int64_t ns = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (ns > (INT64_MAX / scale - 9) / 10)
            return false;
        ns = ns * 10 + (*at - '0');
    }
    ns *= scale;
    for (at++; part > 0 && at < unit && scale > 1; at++) {
        scale /= 10; // a unit of 60 s is 10^9 six times, so digits past the last ns are dropped
        ns += (*at - '0') * scale;
    }
    *time_ns = is_negative ? -ns : ns;
    return true;
}

static bool misuse(struct ht_options *options, const char *what)
{
    options->exit = ht_options_misuse(options->command, "%s %s", options->value, what);
    return false;
}

static bool take_u32(struct ht_options *options, uint32_t *values, size_t *count)
{
    uint64_t value = 0;
    if (!ht_options_number(options, UINT32_MAX, &value))
        return false;
    values[(*count)++] = (uint32_t)value;
    return true;
}

static bool take_heap(struct ht_options *options)
{
    struct ht_filter *filter = &options->filter;
    return ht_options_number(options, UINT64_MAX, &filter->heaps[filter->heap_count++]);
}

static bool take_process(struct ht_options *options)
{
    struct ht_filter *filter = &options->filter;
    if (options->value[0] == '\0')
        return misuse(options, "--process takes a name");
    filter->processes[filter->process_count++] = options->value;
    return true;
}

static bool take_kind(struct ht_options *options)
{
    enum ht_kind kind = ht_kind_by_name(options->value, (uint32_t)strlen(options->value));
    if (kind == HT_KIND_NONE)
        return misuse(options,
                      "is no kind of event: --kind takes alloc, realloc, free, create, ...");
    options->filter.kinds |= UINT64_C(1) << kind;
    return true;
}

bool ht_filter_take_time(struct ht_options *options, int64_t *time_ns)
{
    return read_time(options->value, time_ns) ||
           misuse(options, "is no time: it takes a number and ns, us, ms, s, m or h");
}

static bool take(struct ht_options *options, int letter)
{
    struct ht_filter *filter = &options->filter;
    switch (letter) {
    case HT_FILTER_PID:
        return take_u32(options, filter->pids, &filter->pid_count);
    case HT_FILTER_PROCESS:
        return take_process(options);
    case HT_FILTER_HEAP_HANDLE:
        return take_heap(options);
    case HT_FILTER_TID:
        return take_u32(options, filter->tids, &filter->tid_count);
    case HT_FILTER_KIND:
        return take_kind(options);
    case HT_FILTER_FROM:
        return ht_filter_take_time(options, &filter->from_ns);
    case HT_FILTER_UNTIL:
        return ht_filter_take_time(options, &filter->until_ns);
    case HT_FILTER_MIN_SIZE:
        return ht_options_number(options, UINT64_MAX, &filter->min_size);
    default:
        return ht_options_number(options, UINT64_MAX, &filter->max_size);
    }
}

// Keeps what was asked for as the person wrote it: one word, or two with the value behind. The text
// goes into files, where it has to be text.
static bool keep_words(struct ht_options *options)
{
    struct ht_filter *filter = &options->filter;
    const char *const *words = (const char *const *)&options->argv[optind - 1];
    int count = *words == options->value ? 2 : 1;
    for (const char *const *word = words - (count - 1); word <= words; word++) {
        size_t used = strlen(filter->text);
        int length = snprintf(filter->text + used, sizeof filter->text - used, "%s%s",
                              used > 0 ? " " : "", *word);
        if (length < 0 || (size_t)length >= sizeof filter->text - used) {
            options->exit = ht_options_misuse(options->command, "the filters are too long");
            return false;
        }
        ht_utf8_make_plain(filter->text + used);
        options->filter_words[options->filter_word_count++] = *word;
    }
    return true;
}

bool ht_filter_options_take(struct ht_options *options, int letter)
{
    if (++options->filter_count > HT_FILTER_VALUES_MAX) {
        options->exit =
            ht_options_misuse(options->command, "at most %d filters", HT_FILTER_VALUES_MAX);
        return false;
    }
    return take(options, letter) && keep_words(options);
}

bool ht_filter_options_check(struct ht_options *options)
{
    const struct ht_filter *filter = &options->filter;
    const char *what = filter->from_ns >= filter->until_ns   ? "--from is not before --until"
                       : filter->min_size > filter->max_size ? "--min-size is above --max-size"
                                                             : NULL;
    if (what != NULL)
        options->exit = ht_options_misuse(options->command, "%s", what);
    return what == NULL;
}

// Adds an option and its value. False when there is no room.
static bool HT_PRINTF(2, 3) add_words(struct ht_filter *filter, const char *format, ...)
{
    size_t used = strlen(filter->text);
    size_t room = sizeof filter->text - used;
    va_list arguments;
    if (used > 0 && room > 1) {
        filter->text[used++] = ' ';
        room--;
    }
    va_start(arguments, format);
    int length = vsnprintf(filter->text + used, room, format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < room;
}

static bool add_lists(struct ht_filter *filter)
{
    bool has_room = true;
    for (size_t i = 0; i < filter->pid_count; i++)
        has_room = has_room && add_words(filter, "--pid %" PRIu32, filter->pids[i]);
    for (size_t i = 0; i < filter->process_count; i++)
        has_room = has_room && add_words(filter, "--process \"%s\"", filter->processes[i]);
    for (size_t i = 0; i < filter->heap_count; i++)
        has_room = has_room && add_words(filter, "--heap-handle 0x%" PRIx64, filter->heaps[i]);
    for (size_t i = 0; i < filter->tid_count; i++)
        has_room = has_room && add_words(filter, "--tid %" PRIu32, filter->tids[i]);
    return has_room;
}

// How many there are.
static size_t add_kinds(struct ht_filter *filter, bool *has_room)
{
    size_t count = 0;
    for (int kind = 0; kind < HT_KIND_COUNT; kind++) {
        if ((filter->kinds >> kind & 1) == 0)
            continue;
        *has_room = *has_room && add_words(filter, "--kind %s", ht_kind_name((enum ht_kind)kind));
        count++;
    }
    return count;
}

bool ht_filter_write_text(struct ht_filter *filter)
{
    filter->text[0] = '\0';
    bool has_room = add_lists(filter);
    size_t count = filter->pid_count + filter->process_count + filter->heap_count +
                   filter->tid_count + add_kinds(filter, &has_room) + (filter->min_size > 0) +
                   (filter->max_size < UINT64_MAX) + (filter->from_ns > INT64_MIN) +
                   (filter->until_ns < INT64_MAX);
    if (filter->min_size > 0)
        has_room = has_room && add_words(filter, "--min-size %" PRIu64, filter->min_size);
    if (filter->max_size < UINT64_MAX)
        has_room = has_room && add_words(filter, "--max-size %" PRIu64, filter->max_size);
    if (filter->from_ns > INT64_MIN)
        has_room = has_room && add_words(filter, "--from %" PRId64 "ns", filter->from_ns);
    if (filter->until_ns < INT64_MAX)
        has_room = has_room && add_words(filter, "--until %" PRId64 "ns", filter->until_ns);
    return has_room && count <= HT_FILTER_VALUES_MAX;
}
