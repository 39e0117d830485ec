// SPDX-License-Identifier: MIT
//
// The window: a ring in the order of time, searched from its newest event back. Its events keep
// their stacks as two parts, kernel and user, each a stack of the survey's; the two become one
// stack of the trace, with modules, when the event leaves.
#include "formats/etl_window.h"

#include "formats/etl_survey.h"

#include <stdlib.h>

enum {
    NAMED_STACKS = 4096, // of the newest stacks of the trace, so that most are made once
    FRAMES_MAX = HT_ETL_PARTS * HT_DICT_FRAMES_MAX,
};

struct held {
    struct ht_event event;
    int64_t ticks;
    uint32_t parts[HT_ETL_PARTS]; // stacks of the survey, 0 for none
};

// What two parts of a process were named, and the ticks in which they would be again.
struct named {
    int64_t from_ticks;
    int64_t to_ticks;
    uint32_t pid;
    uint32_t parts[HT_ETL_PARTS];
    uint32_t stack;
};

struct ht_etl_window {
    struct ht_etl_file *file;
    uint64_t first; // number of the oldest event held
    uint64_t end;   // number of the next event to come
    bool is_surveyed;
    struct ht_etl_survey survey;
    struct ht_etl_stack_ref ref; // the record at hand
    struct named named[NAMED_STACKS];
    struct held ring[HT_ETL_WINDOW];
};

struct ht_etl_window *ht_etl_window_open(struct ht_etl_file *file)
{
    struct ht_etl_window *window = calloc(1, sizeof *window);
    if (window != NULL)
        window->file = file;
    return window;
}

void ht_etl_window_close(struct ht_etl_window *window)
{
    if (window == NULL)
        return;
    if (window->is_surveyed)
        ht_etl_survey_reset(&window->survey);
    free(window);
}

static struct held *held_at(struct ht_etl_window *window, uint64_t number)
{
    return &window->ring[number % HT_ETL_WINDOW];
}

struct ht_event *ht_etl_window_room(struct ht_etl_window *window)
{
    bool is_full = window->end - window->first == HT_ETL_WINDOW;
    return is_full ? NULL : &held_at(window, window->end)->event;
}

void ht_etl_window_push(struct ht_etl_window *window, int64_t ticks)
{
    struct held *held = held_at(window, window->end++);
    held->ticks = ticks;
    held->parts[HT_ETL_PART_KERNEL] = 0;
    held->parts[HT_ETL_PART_USER] = 0;
}

// The newest event of that stamp and thread that lacks the part; NULL when none is held.
static struct held *find(struct ht_etl_window *window, const struct ht_etl_stack_ref *ref,
                         int64_t ticks)
{
    for (uint64_t number = window->end; number > window->first; number--) {
        struct held *held = held_at(window, number - 1);
        if (held->ticks < ticks)
            return NULL;
        if (held->ticks == ticks && held->event.pid == ref->pid && held->event.tid == ref->tid &&
            held->parts[ref->frames.part] == 0)
            return held;
    }
    return NULL;
}

static enum ht_status survey(struct ht_etl_window *window, struct ht_error *error)
{
    if (window->is_surveyed)
        return HT_OK;
    enum ht_status status = ht_etl_survey_make(&window->survey, window->file, error);
    window->is_surveyed = status == HT_OK;
    return status;
}

enum ht_status ht_etl_window_attach(struct ht_etl_window *window,
                                    const struct ht_etl_placed *placed, struct ht_error *error)
{
    struct ht_etl_stack_ref *ref = &window->ref;
    struct ht_trace *trace = window->file->trace;
    if (window->first == window->end || !ht_etl_stack_read_ref(&placed->record, ref))
        return HT_OK;
    int64_t ticks = placed->ticks - (int64_t)(placed->record.stamp - ref->event_stamp);
    struct held *held = find(window, ref, ticks);
    if (held == NULL)
        return HT_OK;
    enum ht_status status = survey(window, error);
    if (status != HT_OK)
        return status;
    uint32_t *part = &held->parts[ref->frames.part];
    if (ref->has_key)
        *part = ht_etl_survey_stack(&window->survey, ref->key, ticks);
    else
        status = ht_dict_add_stack(window->survey.stacks, ref->frames.frames, ref->frames.count,
                                   part, error);
    if (*part == 0 && status != HT_MEMORY) {
        ht_trace_damage(trace, HT_LOSS_STACKS, placed->offset, "a stack without its frames");
        status = HT_OK;
    }
    return status;
}

// Puts the frames of a part behind those that are there, with the modules they are in.
static enum ht_status name_part(struct ht_etl_window *window, const struct held *held,
                                uint32_t part, struct ht_frame *frames, size_t *count,
                                struct ht_error *error)
{
    struct ht_etl_modules *modules = window->survey.modules;
    size_t part_count = 0;
    const struct ht_frame *raw = ht_dict_stack(window->survey.stacks, part, &part_count);
    for (size_t i = 0; i < part_count; i++) {
        struct ht_frame *frame = &frames[(*count)++];
        *frame = raw[i];
        const struct ht_etl_module *module =
            ht_etl_modules_find(modules, held->event.pid, frame->address, held->ticks);
        if (module == NULL)
            continue;
        enum ht_status status = ht_etl_modules_name(modules, module->identity, window->file->trace,
                                                    &frame->module, error);
        if (status != HT_OK)
            return status;
        if (frame->module != 0)
            frame->address -= module->base;
    }
    return HT_OK;
}

static enum ht_status name_stack(struct ht_etl_window *window, const struct held *held,
                                 uint32_t *stack, struct ht_error *error)
{
    struct ht_frame frames[FRAMES_MAX];
    struct ht_trace *trace = window->file->trace;
    size_t count = 0;
    enum ht_status status = HT_OK;
    for (int part = 0; part < HT_ETL_PARTS && status == HT_OK; part++)
        status = name_part(window, held, held->parts[part], frames, &count, error);
    if (status == HT_OK)
        status = ht_dict_add_stack(trace->dict, frames, count, stack, error);
    if (status != HT_LIMIT)
        return status;
    ht_trace_damage(trace, HT_LOSS_DICTIONARY, 0, "no room for a stack");
    return HT_OK;
}

static bool is_named(const struct named *named, const struct held *held)
{
    return named->pid == held->event.pid && named->parts[0] == held->parts[0] &&
           named->parts[1] == held->parts[1] && named->from_ticks <= held->ticks &&
           held->ticks < named->to_ticks;
}

// The held event's stack in the trace.
static enum ht_status find_stack(struct ht_etl_window *window, const struct held *held,
                                 uint32_t *stack, struct ht_error *error)
{
    uint32_t hash =
        held->event.pid * 0x9E3779B1u + held->parts[0] * 0x85EBCA6Bu + held->parts[1] * 0xC2B2AE35u;
    struct named *named = &window->named[(hash >> 16) % NAMED_STACKS];
    if (!is_named(named, held)) {
        *named = (struct named){.pid = held->event.pid, .parts = {held->parts[0], held->parts[1]}};
        enum ht_status status = name_stack(window, held, &named->stack, error);
        if (status != HT_OK)
            return status;
        ht_etl_modules_quiet(window->survey.modules, held->ticks, &named->from_ticks,
                             &named->to_ticks);
    }
    *stack = named->stack;
    return HT_OK;
}

enum ht_status ht_etl_window_take(struct ht_etl_window *window, struct ht_event *event,
                                  struct ht_error *error)
{
    if (window->first == window->end)
        return HT_END;
    const struct held *held = held_at(window, window->first++);
    *event = held->event;
    if ((held->parts[HT_ETL_PART_KERNEL] | held->parts[HT_ETL_PART_USER]) == 0)
        return HT_OK;
    uint32_t stack = 0;
    enum ht_status status = find_stack(window, held, &stack, error);
    ht_event_set_stack(event, stack);
    return status;
}
