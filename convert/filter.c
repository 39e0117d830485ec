// SPDX-License-Identifier: MIT
//
// Filter: which events are kept. Blocks are followed by their numbers (convert/number.h), and only
// when a thread or a size is asked for. See the header.
#include "convert/filter.h"

#include "convert/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct filter {
    struct ht_reader reader;
    struct ht_reader *source; // owned
    struct ht_trace *trace;
    struct ht_filter asked;
    struct ht_number *number; // NULL when blocks need not be followed
    bool *is_followed;        // by number of the block, owned
    uint32_t capacity;
};

static bool has_u32(const uint32_t *values, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] == value)
            return true;
    return false;
}

static bool has_u64(const uint64_t *values, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] == value)
            return true;
    return false;
}

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

// Whether a path, or a name alone, ends with this file name.
static bool is_named(const char *path, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    if (name_length > length)
        return false;
    size_t at = length - name_length;
    if (at > 0 && path[at - 1] != '\\' && path[at - 1] != '/')
        return false;
    for (size_t i = 0; i < name_length; i++)
        if (lower(path[at + i]) != lower(name[i]))
            return false;
    return true;
}

static bool is_of_process(const struct filter *filter, const struct ht_event *event)
{
    const struct ht_filter *asked = &filter->asked;
    if (asked->pid_count + asked->process_count == 0 ||
        has_u32(asked->pids, asked->pid_count, event->pid))
        return true;
    if (asked->process_count == 0)
        return false;
    const struct ht_process *process =
        ht_trace_process_at(filter->trace, event->pid, event->time_ns);
    size_t length = 0;
    const char *name =
        process != NULL ? ht_dict_string(filter->trace->dict, process->name, &length) : NULL;
    for (size_t i = 0; i < asked->process_count && length > 0; i++)
        if (is_named(name, length, asked->processes[i]))
            return true;
    return false;
}

static bool is_of_thread(const struct ht_filter *asked, const struct ht_event *event)
{
    return asked->tid_count == 0 || has_u32(asked->tids, asked->tid_count, event->tid);
}

static bool begins_to_follow(const struct ht_filter *asked, const struct ht_event *event)
{
    return event->kind != HT_KIND_FREE && is_of_thread(asked, event) &&
           event->size >= asked->min_size && event->size <= asked->max_size;
}

static enum ht_status reserve(struct filter *filter, struct ht_error *error)
{
    uint32_t limit = ht_number_block_limit(filter->number);
    if (limit <= filter->capacity)
        return HT_OK;
    size_t capacity = (size_t)limit * 2;
    bool *grown = realloc(filter->is_followed, capacity * sizeof *grown);
    if (grown == NULL)
        return ht_fail_memory(error, "the blocks that are followed");
    memset(grown + filter->capacity, 0, (capacity - filter->capacity) * sizeof *grown);
    filter->is_followed = grown;
    filter->capacity = (uint32_t)capacity;
    return HT_OK;
}

// Whether an event is of a block that is followed; of one that changes none, whether it matches.
static enum ht_status follow(struct filter *filter, const struct ht_event *event, bool *is_kept,
                             struct ht_error *error)
{
    bool is_of_block = event->kind == HT_KIND_ALLOC || event->kind == HT_KIND_REALLOC ||
                       event->kind == HT_KIND_FREE;
    bool matches =
        is_of_block ? begins_to_follow(&filter->asked, event) : is_of_thread(&filter->asked, event);
    *is_kept = matches || event->kind == HT_KIND_DESTROY;
    enum ht_status status = ht_number_push(filter->number, event, error);
    if (status == HT_OK)
        status = reserve(filter, error);
    const struct ht_change *change;
    while (status == HT_OK && (change = ht_number_next(filter->number)) != NULL) {
        bool *is_followed = &filter->is_followed[change->block];
        if (change->cause == HT_CAUSE_EVENT)
            *is_kept = matches || *is_followed;
        *is_followed = change->kind != HT_CHANGE_END && change->cause == HT_CAUSE_EVENT && *is_kept;
    }
    return status;
}

static enum ht_status keep(struct filter *filter, const struct ht_event *event, bool *is_kept,
                           struct ht_error *error)
{
    const struct ht_filter *asked = &filter->asked;
    *is_kept = event->time_ns >= asked->from_ns && event->time_ns < asked->until_ns &&
               (asked->heap_count == 0 || has_u64(asked->heaps, asked->heap_count, event->heap)) &&
               is_of_process(filter, event);
    enum ht_status status = HT_OK;
    if (*is_kept && filter->number != NULL)
        status = follow(filter, event, is_kept, error);
    *is_kept = *is_kept && (asked->kinds == 0 || (asked->kinds >> event->kind & 1) != 0);
    return status;
}

// Reads a run and moves the events that are kept together, into the room that was given.
static enum ht_status filter_read(struct ht_reader *self, struct ht_events *events,
                                  struct ht_error *error)
{
    struct filter *filter = (struct filter *)self;
    struct ht_events room = *events;
    size_t kept = 0;
    while (kept == 0) {
        *events = room;
        enum ht_status status = filter->source->read(filter->source, events, error);
        for (size_t i = 0; status == HT_OK && i < events->count; i++) {
            bool is_kept = false;
            status = keep(filter, &events->at[i], &is_kept, error);
            if (is_kept)
                room.at[kept++] = events->at[i];
        }
        if (status != HT_OK)
            return status;
        filter->trace->left_out += events->count - kept;
    }
    *events = (struct ht_events){room.at, kept};
    return HT_OK;
}

static void filter_close(struct ht_reader *self)
{
    struct filter *filter = (struct filter *)self;
    filter->source->close(filter->source);
    ht_number_close(filter->number);
    free(filter->is_followed);
    free(filter);
}

// Behind the filters that the trace has been through before.
static void tell(struct ht_trace *trace, const char *text)
{
    size_t used = strlen(trace->filters);
    snprintf(trace->filters + used, sizeof trace->filters - used, "%s%s", used > 0 ? "; " : "",
             text);
}

enum ht_status ht_filter_open(const struct ht_filter *filter, struct ht_trace *trace,
                              struct ht_reader *source, struct ht_reader **reader,
                              struct ht_error *error)
{
    *reader = NULL;
    struct filter *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return ht_fail_memory(error, "the filter");
    opened->reader = (struct ht_reader){filter_read, filter_close};
    opened->source = source;
    opened->trace = trace;
    opened->asked = *filter;
    bool is_following =
        filter->tid_count > 0 || filter->min_size > 0 || filter->max_size < UINT64_MAX;
    if (is_following) {
        enum ht_status status = ht_number_open(&opened->number, trace, error);
        if (status != HT_OK) {
            free(opened);
            return status;
        }
    }
    tell(trace, filter->text);
    *reader = &opened->reader;
    return HT_OK;
}
