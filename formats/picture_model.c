// SPDX-License-Identifier: MIT
//
// Processes, heaps and live blocks while the events pass. See the header.
#include "formats/picture_model.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PID_OF_ZERO = INT32_MAX - 1, // Perfetto's idle process has pid 0
    PID_UNKNOWN = INT32_MAX,
};

static uint32_t realloc_limit(const struct ht_quota *quota)
{
    uint64_t limit = quota->budget / HT_PICTURE_REALLOC_BYTES;
    return limit < HT_PICTURE_REALLOCS_MAX ? (uint32_t)limit : HT_PICTURE_REALLOCS_MAX;
}

struct ht_picture_model *ht_picture_model_open(struct ht_writer *writer,
                                               const struct ht_trace *trace,
                                               const struct ht_quota *quota)
{
    struct ht_picture_model *model = calloc(1, sizeof *model);
    if (model != NULL) {
        writer->note_size = sizeof(struct ht_picture_note);
        model->writer = writer;
        model->trace = trace;
        model->process = HT_PICTURE_NONE;
        model->heap = HT_PICTURE_NONE;
        model->free_chain = HT_PICTURE_NONE;
        model->is_full = quota->is_full;
        model->reallocs.limit = quota->is_full ? 0 : realloc_limit(quota);
    }
    return model;
}

void ht_picture_model_close(struct ht_picture_model *model)
{
    for (uint32_t i = 0; i < model->process_count; i++) {
        ht_series_reset(&model->processes[i].live);
        ht_budget_reset(&model->processes[i].blocks);
        ht_budget_reset(&model->processes[i].chains);
    }
    for (uint32_t i = 0; i < model->heap_count; i++) {
        ht_series_reset(&model->heaps[i].live);
        ht_series_reset(&model->heaps[i].space);
    }
    ht_picture_index_reset(&model->pids);
    ht_picture_index_reset(&model->handles);
    ht_picture_sites_reset(&model->sites);
    ht_budget_reset(&model->reallocs);
    ht_picture_pages_reset(&model->pages);
    free(model->tids);
    free(model->chains);
    free(model);
}

const struct ht_process *ht_picture_process_entry(const struct ht_picture_model *model,
                                                  uint32_t number)
{
    const struct ht_picture_process *process = &model->processes[number];
    return process->entry != HT_PICTURE_NONE ? &model->trace->processes[process->entry] : NULL;
}

uint64_t ht_picture_process_stamp(const struct ht_picture_model *model, uint32_t process)
{
    const struct ht_process *entry = ht_picture_process_entry(model, process);
    bool is_known = entry != NULL && entry->start_ns != HT_TIME_UNKNOWN;
    return is_known ? ht_picture_stamp(model, entry->start_ns) : 0;
}

uint64_t ht_picture_shown_stamp(const struct ht_picture_model *model, uint32_t process)
{
    uint64_t since = ht_picture_process_stamp(model, process);
    uint64_t piece = ht_picture_stamp(model, model->piece_ns);
    return since > piece ? since : piece;
}

uint32_t ht_picture_uses_before(const struct ht_picture_model *model, uint32_t heap)
{
    uint32_t uses = 0;
    for (uint32_t i = 0; i < heap; i++)
        uses += model->heaps[i].process == model->heaps[heap].process &&
                model->heaps[i].handle == model->heaps[heap].handle;
    return uses;
}

// A process and what it is ordered by.
struct ranked {
    uint64_t peak_bytes;
    uint32_t number;
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left;
    const struct ranked *b = right;
    if (a->peak_bytes != b->peak_bytes)
        return a->peak_bytes > b->peak_bytes ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

uint32_t ht_picture_rank(const struct ht_picture_model *model,
                         uint32_t numbers[HT_PICTURE_PROCESSES_MAX])
{
    struct ranked ranked[HT_PICTURE_PROCESSES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->process_count; i++) {
        if (model->processes[i].is_shown)
            ranked[count++] = (struct ranked){model->processes[i].peak_bytes, i};
    }
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = ranked[i].number;
    return count;
}

void ht_picture_process_name(const struct ht_picture_model *model, uint32_t process,
                             char name[HT_PICTURE_NAME_SIZE])
{
    const struct ht_process *entry = ht_picture_process_entry(model, process);
    if (model->processes[process].pid == UINT32_MAX)
        snprintf(name, HT_PICTURE_NAME_SIZE, "unknown process");
    else
        ht_picture_base_name(model->trace->dict, entry != NULL ? entry->name : 0, name);
}

void ht_picture_thread_name(const struct ht_picture_model *model, uint32_t process, uint32_t tid,
                            char name[HT_PICTURE_NAME_SIZE])
{
    const struct ht_process *entry = ht_picture_process_entry(model, process);
    int64_t from_ns = entry != NULL ? entry->start_ns : HT_TIME_UNKNOWN;
    int64_t to_ns = entry != NULL && entry->end_ns != HT_TIME_UNKNOWN ? entry->end_ns : INT64_MAX;
    if (ht_picture_tid(tid) == HT_PICTURE_TID_UNKNOWN)
        snprintf(name, HT_PICTURE_NAME_SIZE, "unknown thread");
    else
        ht_picture_text(model->trace->dict,
                        ht_threads_name(&model->trace->threads, model->processes[process].pid, tid,
                                        from_ns, to_ns),
                        name);
}

int32_t ht_picture_pid(uint32_t pid)
{
    if (pid == 0)
        return PID_OF_ZERO;
    return pid == UINT32_MAX ? PID_UNKNOWN : (int32_t)pid;
}

int32_t ht_picture_tid(uint32_t tid)
{
    return tid != 0 && tid != UINT32_MAX ? (int32_t)tid : HT_PICTURE_TID_UNKNOWN;
}

// Buckets that each of so many tracks may have.
static uint32_t bucket_limit(uint32_t track_count)
{
    uint32_t limit = HT_PICTURE_BUCKETS_MAX;
    while ((uint64_t)limit * track_count > HT_PICTURE_BUCKETS_SUM)
        limit /= 2;
    return limit;
}

static enum ht_status add_process(struct ht_picture_model *model, uint32_t entry,
                                  struct ht_error *error)
{
    const struct ht_event *event = &model->event;
    uint32_t before = ht_picture_index_find(&model->pids, event->pid, 0);
    if (model->process_count == HT_PICTURE_PROCESSES_MAX) {
        model->process = HT_PICTURE_NONE;
        return HT_OK;
    }
    uint32_t number = model->process_count++;
    uint32_t limit = bucket_limit(model->process_count);
    for (uint32_t i = 0; i < number; i++)
        ht_series_shrink(&model->processes[i].live, limit);
    model->processes[number] =
        (struct ht_picture_process){.pid = event->pid,
                                    .entry = entry,
                                    .next = HT_PICTURE_NONE,
                                    .first_ns = event->time_ns,
                                    .is_shown = true,
                                    .live = {.limit = limit},
                                    .blocks = {.limit = HT_PICTURE_SLICES_MAX},
                                    .chains = {.limit = HT_PICTURE_SLICES_MAX}};
    if (before != HT_PICTURE_NONE)
        model->processes[before].next = number;
    model->process = number;
    return ht_picture_index_put(&model->pids, event->pid, 0, number, error);
}

// Whether the entry that has the pid now is of a later process. Else it completes what was known
// when the process was met, or belongs to an event that came late.
static bool is_later(const struct ht_picture_model *model, uint32_t process,
                     const struct ht_process *now)
{
    const struct ht_process *known = ht_picture_process_entry(model, process);
    return now != NULL && now != known &&
           now->start_ns > (known != NULL ? known->start_ns : model->processes[process].first_ns);
}

// Whether the process of the event before is also that of this one, as far as the trace tells.
static bool is_current_process(const struct ht_picture_model *model)
{
    const struct ht_event *event = &model->event;
    return model->process != HT_PICTURE_NONE &&
           model->processes[model->process].pid == event->pid &&
           event->time_ns >= model->use.from_ns && event->time_ns <= model->use.to_ns &&
           model->revision == model->trace->revision;
}

static enum ht_status find_process(struct ht_picture_model *model, struct ht_error *error)
{
    const struct ht_event *event = &model->event;
    model->use = ht_trace_pid_use(model->trace, event->pid, event->time_ns);
    model->revision = model->trace->revision;
    const struct ht_process *entry = model->use.process;
    uint32_t entry_number =
        entry != NULL ? (uint32_t)(entry - model->trace->processes) : HT_PICTURE_NONE;
    uint32_t number = model->process;
    if (number == HT_PICTURE_NONE || model->processes[number].pid != event->pid)
        number = ht_picture_index_find(&model->pids, event->pid, 0);
    if (number == HT_PICTURE_NONE || is_later(model, number, entry))
        return add_process(model, entry_number, error);
    model->process = number;
    model->processes[number].is_shown = true;
    if (model->processes[number].entry == HT_PICTURE_NONE)
        model->processes[number].entry = entry_number;
    return HT_OK;
}

static enum ht_status add_heap(struct ht_picture_model *model, struct ht_error *error)
{
    if (model->heap_count == HT_PICTURE_HEAPS_MAX) {
        model->dropped_heaps++;
        model->heap = HT_PICTURE_NONE;
        return ht_picture_index_put(&model->handles, model->event.heap, model->process,
                                    HT_PICTURE_HEAPS_MAX, error);
    }
    uint32_t number = model->heap_count++;
    uint32_t limit = bucket_limit(model->heap_count);
    for (uint32_t i = 0; i < number; i++) {
        ht_series_shrink(&model->heaps[i].live, limit);
        ht_series_shrink(&model->heaps[i].space, limit);
    }
    model->heaps[number] = (struct ht_picture_heap){.process = model->process,
                                                    .handle = model->event.heap,
                                                    .is_shown = true,
                                                    .live = {.limit = limit},
                                                    .space = {.limit = limit}};
    model->heap = number;
    return ht_picture_index_put(&model->handles, model->event.heap, model->process, number, error);
}

static bool is_heap(const struct ht_picture_model *model, uint32_t number)
{
    return number < HT_PICTURE_HEAPS_MAX && model->heaps[number].process == model->process &&
           model->heaps[number].handle == model->event.heap;
}

// The event's heap as it is known, HT_PICTURE_HEAPS_MAX for one past the cap.
static uint32_t known_heap(const struct ht_picture_model *model)
{
    if (is_heap(model, model->heap))
        return model->heap;
    return ht_picture_index_find(&model->handles, model->event.heap, model->process);
}

static enum ht_status find_heap(struct ht_picture_model *model, struct ht_error *error)
{
    if (is_heap(model, model->heap) && model->heaps[model->heap].is_shown &&
        !model->heaps[model->heap].is_destroyed)
        return HT_OK;
    uint32_t number = known_heap(model);
    if (number == HT_PICTURE_NONE || (is_heap(model, number) && model->heaps[number].is_destroyed))
        return add_heap(model, error);
    model->heap = number < HT_PICTURE_HEAPS_MAX ? number : HT_PICTURE_NONE;
    if (model->heap != HT_PICTURE_NONE)
        model->heaps[model->heap].is_shown = true;
    return HT_OK;
}

// Takes what an event says of the memory behind its heap. An extend, a contract or a snapshot
// tells the state; commits and decommits count only for heaps that have none of those, because
// the same memory would count twice.
static bool read_space(const struct ht_picture_model *model, struct ht_picture_heap *heap,
                       uint64_t space[2])
{
    const struct ht_event *event = &model->event;
    size_t count;
    const uint64_t *detail = ht_dict_detail(model->trace->dict, event->detail, &count);
    space[HT_PICTURE_COMMITTED] = heap->space.now.value[HT_PICTURE_COMMITTED];
    space[HT_PICTURE_RESERVED] = heap->space.now.value[HT_PICTURE_RESERVED];
    switch (event->kind) {
    case HT_KIND_CREATE: // flags, reserved size, …
        if (count < 2)
            return false;
        space[HT_PICTURE_COMMITTED] = event->size;
        space[HT_PICTURE_RESERVED] = detail[1];
        return true;
    case HT_KIND_EXTEND:
    case HT_KIND_CONTRACT: // free, committed, reserved space, …
        if (count < 3)
            return false;
        space[HT_PICTURE_COMMITTED] = detail[1];
        space[HT_PICTURE_RESERVED] = detail[2];
        return heap->has_state = true;
    case HT_KIND_SNAPSHOT: // free, reserved space, …
        if (count < 2)
            return false;
        space[HT_PICTURE_COMMITTED] = event->size;
        space[HT_PICTURE_RESERVED] = detail[1];
        return heap->has_state = true;
    case HT_KIND_COMMIT:
        space[HT_PICTURE_COMMITTED] += event->size;
        return !heap->has_state;
    default: // decommit
        space[HT_PICTURE_COMMITTED] -= event->size < space[0] ? event->size : space[0];
        return !heap->has_state;
    }
}

static enum ht_status note_space(struct ht_picture_model *model, struct ht_error *error)
{
    uint64_t space[2];
    enum ht_status status = find_heap(model, error);
    if (status != HT_OK || model->heap == HT_PICTURE_NONE)
        return status;
    struct ht_picture_heap *heap = &model->heaps[model->heap];
    if (!read_space(model, heap, space))
        return HT_OK;
    return ht_series_set(&heap->space, space, model->event.time_ns, error);
}

static void note_destroy(struct ht_picture_model *model)
{
    uint32_t number = known_heap(model);
    if (!is_heap(model, number))
        return;
    model->heaps[number].is_destroyed = true;
    model->heaps[number].destroyed_ns = model->event.time_ns;
}

// A realloc that failed changes no block, but is worth a look.
static enum ht_status offer_failed(struct ht_picture_model *model, struct ht_error *error)
{
    const struct ht_event *event = &model->event;
    if (event->kind != HT_KIND_REALLOC || event->address != 0 || event->old_address == 0 ||
        model->is_full)
        return HT_OK;
    struct ht_pick pick = ht_pick_realloc(event);
    pick.event.pid = model->process;
    return ht_budget_offer(&model->reallocs, &pick, error);
}

static void note_time(struct ht_picture_model *model, int64_t time_ns)
{
    if (model->event_count++ == 0) {
        model->base_ns = time_ns < 0 ? time_ns : 0;
        model->last_ns = time_ns;
        model->piece_ns = model->base_ns;
    }
    if (time_ns > model->last_ns)
        model->last_ns = time_ns;
}

enum ht_status ht_picture_model_event(struct ht_picture_model *model, const struct ht_event *event,
                                      struct ht_error *error)
{
    note_time(model, event->time_ns);
    model->event = *event;
    model->has_life = false;
    if (event->time_ns < model->base_ns)
        model->event.time_ns = model->base_ns;
    enum ht_status status = is_current_process(model) ? HT_OK : find_process(model, error);
    if (status != HT_OK)
        return status;
    if (model->process == HT_PICTURE_NONE) {
        model->dropped_events++;
        return HT_OK;
    }
    switch (event->kind) {
    case HT_KIND_ALLOC:
    case HT_KIND_REALLOC:
        status = find_heap(model, error);
        return status == HT_OK ? offer_failed(model, error) : status;
    case HT_KIND_CREATE:
    case HT_KIND_EXTEND:
    case HT_KIND_CONTRACT:
    case HT_KIND_SNAPSHOT:
    case HT_KIND_COMMIT:
    case HT_KIND_DECOMMIT:
        return note_space(model, error);
    case HT_KIND_DESTROY:
        note_destroy(model);
        return HT_OK;
    default:
        return HT_OK;
    }
}
