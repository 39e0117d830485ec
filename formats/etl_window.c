// SPDX-License-Identifier: MIT
//
// The window: a ring in the order of time, searched from its newest event back. What an event is
// given is kept beside it in two parts, kernel and user, each a stack as it was recorded; the two
// become one stack of the trace, with modules, when the event leaves.
//
// Stacks repeat again and again, so those without a key are kept as well, each once, and what they
// were named is remembered. When they have become too many all are forgotten but those of events
// that wait: the trace keeps every stack anyhow, and naming one again gives the same.
#include "formats/etl_window.h"

#include "formats/etl_survey.h"
#include "formats/mix.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAMED_STACKS = 1 << 15, // of the newest stacks of the trace, so that most are made once
    FRAMES_MAX = HT_ETL_PARTS * HT_DICT_FRAMES_MAX,
    LENT_MAX = 256,
    GONE = 1 << 16, // of the events that left without a stack, by the hash of stamp and thread
    RING = HT_ETL_WINDOW + LENT_MAX, // events held back and events lent: a cache takes them
};

// What an event that has a stack is marked with until the stack has its number in the trace.
enum { MARK = 1 };

// Stacks as they were recorded, 0 for none: numbers of the recent ones or, marked, of the survey's.
struct parts {
    uint32_t of[HT_ETL_PARTS];
};

static const uint32_t OF_SURVEY = UINT32_C(1) << 31;
static_assert((HT_ETL_RECENT_STACKS | HT_ETL_STACK_KEYS_MAX) >> 31 == 0, "the mark is a bit more");
static_assert(RING * FRAMES_MAX * sizeof(uint64_t) < HT_ETL_RECENT_BYTES &&
                  RING * HT_ETL_PARTS < (int)HT_ETL_RECENT_STACKS,
              "the stacks of all events that wait are recent");

// What two parts of a process were named, and the ticks in which they would be again.
struct named {
    int64_t from_ticks;
    int64_t to_ticks;
    uint32_t pid;
    struct parts parts;
    uint32_t stack;
};

struct ht_etl_window {
    struct ht_etl_file *file;
    uint64_t first;     // number of the oldest event held
    uint64_t end;       // number of the next event to come
    int64_t last_ticks; // of the newest event
    bool is_surveyed;
    bool has_refs; // stacks of something have come by: gone is kept
    struct ht_etl_survey survey;
    struct ht_store recent;
    struct ht_etl_frames frames; // of the record at hand
    struct named named[NAMED_STACKS];
    struct ht_event events[RING];
    int64_t ticks[RING];
    struct parts parts[RING]; // of the marked events
    uint32_t gone[GONE];
};

struct ht_etl_window *ht_etl_window_open(struct ht_etl_file *file)
{
    struct ht_etl_window *window = calloc(1, sizeof *window);
    if (window == NULL)
        return NULL;
    window->file = file;
    window->last_ticks = INT64_MIN;
    window->recent = ht_store_with_limits(HT_ETL_RECENT_STACKS, HT_ETL_RECENT_BYTES);
    return window;
}

void ht_etl_window_close(struct ht_etl_window *window)
{
    if (window == NULL)
        return;
    if (window->is_surveyed)
        ht_etl_survey_reset(&window->survey);
    ht_store_reset(&window->recent);
    free(window);
}

void ht_etl_window_room(struct ht_etl_window *window, size_t wanted, struct ht_etl_batch *room)
{
    size_t held = (size_t)(window->end - window->first);
    size_t at = window->end % RING;
    size_t full = HT_ETL_WINDOW + (wanted < LENT_MAX ? wanted : LENT_MAX);
    size_t limit = full > held ? full - held : 0;
    *room = (struct ht_etl_batch){.events = window->events + at,
                                  .ticks = window->ticks + at,
                                  .limit = limit < RING - at ? limit : RING - at,
                                  .last_ticks = window->last_ticks};
}

void ht_etl_window_push(struct ht_etl_window *window, size_t count)
{
    window->end += count;
    if (count > 0)
        window->last_ticks = window->ticks[(window->end - 1) % RING];
}

// Place of the newest event of that stamp and thread that lacks the part; RING when there is none
// among those that wait.
static size_t find(const struct ht_etl_window *window, const struct ht_etl_stack_ref *ref,
                   int64_t ticks)
{
    uint64_t oldest = window->first;
    if (window->end - oldest > HT_ETL_WINDOW)
        oldest = window->end - HT_ETL_WINDOW;
    for (uint64_t number = window->end; number > oldest; number--) {
        size_t at = (number - 1) % RING;
        const struct ht_event *event = &window->events[at];
        if (window->ticks[at] < ticks)
            return RING;
        if (window->ticks[at] == ticks && event->pid == ref->pid && event->tid == ref->tid &&
            (ht_event_stack(event) == 0 || window->parts[at].of[ref->part] == 0))
            return at;
    }
    return RING;
}

static uint64_t hash_of(int64_t ticks, uint32_t pid, uint32_t tid)
{
    return ht_mix((uint64_t)ticks ^ ((uint64_t)pid << 32 | tid) * 0x9E3779B97F4A7C15u);
}

// Whether a stack of no event that waits is that of one that has left, as far as is remembered.
static bool is_late(struct ht_etl_window *window, const struct ht_etl_stack_ref *ref, int64_t ticks)
{
    uint64_t hash = hash_of(ticks, ref->pid, ref->tid);
    uint32_t *gone = &window->gone[hash % GONE];
    bool is_late = window->has_refs && *gone == (uint32_t)(hash >> 32 | 1);
    if (is_late)
        *gone = 0;
    window->has_refs = true;
    return is_late;
}

static enum ht_status survey(struct ht_etl_window *window, struct ht_error *error)
{
    if (window->is_surveyed)
        return HT_OK;
    enum ht_status status = ht_etl_survey_make(&window->survey, window->file, error);
    window->is_surveyed = status == HT_OK;
    return status;
}

static uint32_t find_by_key(const struct ht_etl_window *window, uint64_t key, int64_t ticks)
{
    uint32_t stack = ht_etl_survey_stack(&window->survey, key, ticks);
    return stack != 0 ? stack | OF_SURVEY : 0;
}

static const uint8_t *frames_of(const struct ht_etl_window *window, uint32_t part, size_t *size)
{
    bool is_of_survey = (part & OF_SURVEY) != 0;
    return ht_store_get(is_of_survey ? &window->survey.stacks : &window->recent, part & ~OF_SURVEY,
                        size);
}

// Forgets the recent stacks but those of events that wait, which get new numbers.
static enum ht_status forget(struct ht_etl_window *window, struct ht_error *error)
{
    struct ht_store kept =
        ht_store_with_limits(window->recent.count_limit, window->recent.byte_limit);
    enum ht_status status = HT_OK;
    for (uint64_t number = window->first; number < window->end; number++) {
        size_t at = number % RING;
        for (int i = 0; i < HT_ETL_PARTS && ht_event_stack(&window->events[at]) != 0; i++) {
            uint32_t *part = &window->parts[at].of[i];
            size_t size = 0;
            const uint8_t *frames = frames_of(window, *part, &size);
            if (frames != NULL && (*part & OF_SURVEY) == 0 && status == HT_OK)
                status = ht_store_add(&kept, frames, size, part, error);
        }
    }
    ht_store_reset(&window->recent);
    window->recent = kept;
    memset(window->named, 0, sizeof window->named);
    return status;
}

// The number of the stack of a record among the recent ones; 0 when it has no frames.
static enum ht_status add_recent(struct ht_etl_window *window, const struct ht_etl_record *record,
                                 uint32_t *part, struct ht_error *error)
{
    struct ht_etl_frames *frames = &window->frames;
    *part = 0;
    ht_etl_stack_read_frames(record, frames);
    if (frames->size == 0)
        return HT_OK;
    enum ht_status status = ht_store_add(&window->recent, frames->bytes, frames->size, part, error);
    if (status != HT_LIMIT)
        return status;
    status = forget(window, error);
    return status == HT_OK ? ht_store_add(&window->recent, frames->bytes, frames->size, part, error)
                           : status;
}

enum ht_status ht_etl_window_attach(struct ht_etl_window *window,
                                    const struct ht_etl_placed *placed, struct ht_error *error)
{
    struct ht_etl_stack_ref ref;
    struct ht_trace *trace = window->file->trace;
    if (window->first == window->end || !ht_etl_stack_read_ref(&placed->record, &ref))
        return HT_OK;
    // A stamp may be anything; one that is far off wraps, and is of no event.
    uint64_t behind = placed->record.stamp - ref.event_stamp;
    int64_t ticks = (int64_t)((uint64_t)placed->ticks - behind);
    size_t at = find(window, &ref, ticks);
    if (at == RING) {
        if (is_late(window, &ref, ticks))
            ht_trace_damage(trace, HT_LOSS_STACKS, placed->offset, "a stack too far behind");
        return HT_OK;
    }
    enum ht_status status = survey(window, error);
    if (status != HT_OK)
        return status;
    struct ht_event *event = &window->events[at];
    if (ht_event_stack(event) == 0)
        window->parts[at] = (struct parts){{0, 0}};
    uint32_t *part = &window->parts[at].of[ref.part];
    if (ref.has_key)
        *part = find_by_key(window, ref.key, ticks);
    else
        status = add_recent(window, &placed->record, part, error);
    if (status != HT_OK)
        return status;
    if (*part == 0) {
        ht_trace_damage(trace, HT_LOSS_STACKS, placed->offset, "a stack without its frames");
        return HT_OK;
    }
    ht_event_set_stack(event, MARK);
    window->has_refs = true;
    return HT_OK;
}

// Puts the frames of a part behind those that are there, with the modules they are in.
static enum ht_status name_part(struct ht_etl_window *window, size_t at, uint32_t part,
                                struct ht_frame *frames, size_t *count, struct ht_error *error)
{
    struct ht_etl_modules *modules = window->survey.modules;
    size_t size = 0;
    const uint8_t *raw = frames_of(window, part, &size);
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        struct ht_frame *frame = &frames[(*count)++];
        *frame = (struct ht_frame){.address = ht_load64(raw + i)};
        const struct ht_etl_module *module =
            ht_etl_modules_find(modules, window->events[at].pid, frame->address, window->ticks[at]);
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

static enum ht_status name_stack(struct ht_etl_window *window, size_t at, uint32_t *stack,
                                 struct ht_error *error)
{
    struct ht_frame frames[FRAMES_MAX];
    struct ht_trace *trace = window->file->trace;
    size_t count = 0;
    enum ht_status status = HT_OK;
    for (int part = 0; part < HT_ETL_PARTS && status == HT_OK; part++)
        status = name_part(window, at, window->parts[at].of[part], frames, &count, error);
    if (status == HT_OK)
        status = ht_dict_add_stack(trace->dict, frames, count, stack, error);
    if (status != HT_LIMIT)
        return status;
    ht_trace_damage(trace, HT_LOSS_DICTIONARY, 0, "no room for a stack");
    return HT_OK;
}

// The number of a held event's stack in the trace.
static enum ht_status find_stack(struct ht_etl_window *window, size_t at, uint32_t *stack,
                                 struct ht_error *error)
{
    const struct parts *parts = &window->parts[at];
    uint32_t pid = window->events[at].pid;
    int64_t ticks = window->ticks[at];
    uint32_t hash = pid * 0x9E3779B1u + parts->of[0] * 0x85EBCA6Bu + parts->of[1] * 0xC2B2AE35u;
    struct named *named = &window->named[(hash >> 16) % NAMED_STACKS];
    bool is_named = named->pid == pid && named->parts.of[0] == parts->of[0] &&
                    named->parts.of[1] == parts->of[1] && named->from_ticks <= ticks &&
                    ticks < named->to_ticks;
    if (!is_named) {
        *named = (struct named){.pid = pid, .parts = *parts};
        enum ht_status status = name_stack(window, at, &named->stack, error);
        if (status != HT_OK)
            return status;
        ht_etl_modules_quiet(window->survey.modules, pid, ticks, &named->from_ticks,
                             &named->to_ticks);
    }
    *stack = named->stack;
    return HT_OK;
}

// Gives the events from one place to another their stacks in the trace.
static enum ht_status finish(struct ht_etl_window *window, size_t from, size_t to,
                             struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (size_t at = from; at < to && status == HT_OK; at++) {
        struct ht_event *event = &window->events[at];
        uint32_t stack = 0;
        if (ht_event_stack(event) != 0) {
            status = find_stack(window, at, &stack, error);
            ht_event_set_stack(event, stack);
        } else {
            uint64_t hash = hash_of(window->ticks[at], event->pid, event->tid);
            window->gone[hash % GONE] = (uint32_t)(hash >> 32 | 1);
        }
    }
    return status;
}

enum ht_status ht_etl_window_take(struct ht_etl_window *window, bool is_last,
                                  struct ht_events *events, struct ht_error *error)
{
    size_t at = window->first % RING;
    size_t ready = (size_t)(window->end - window->first);
    if (!is_last)
        ready = ready > HT_ETL_WINDOW ? ready - HT_ETL_WINDOW : 0;
    if (ready == 0)
        return HT_END;
    if (ready > RING - at)
        ready = RING - at;
    if (ready > events->count)
        ready = events->count;
    *events = (struct ht_events){window->events + at, ready};
    enum ht_status status = HT_OK;
    if (window->has_refs)
        status = finish(window, at, at + ready, error);
    window->first += ready;
    return status;
}
