// SPDX-License-Identifier: MIT
//
// Summary: sums over events and changes. See the header.
#include "convert/summary.h"

#include <stdlib.h>
#include <string.h>

enum ht_status ht_summary_init(struct ht_summary *summary, const struct ht_trace *trace,
                               struct ht_error *error)
{
    *summary = (struct ht_summary){0};
    enum ht_status status = ht_slots_init(&summary->process_slots, error);
    if (status == HT_OK)
        status = ht_number_open(&summary->number, trace, error);
    if (status != HT_OK)
        ht_summary_reset(summary);
    return status;
}

void ht_summary_reset(struct ht_summary *summary)
{
    free(summary->heaps);
    free(summary->names);
    free(summary->processes);
    ht_slots_reset(&summary->process_slots);
    ht_number_close(summary->number);
    *summary = (struct ht_summary){0};
}

void ht_live_apply(struct ht_live *live, const struct ht_change *change, int64_t time_ns)
{
    switch (change->kind) {
    case HT_CHANGE_BEGIN:
        live->bytes += change->size;
        live->blocks++;
        break;
    case HT_CHANGE_RESIZE:
        live->bytes += change->size - change->old_size;
        break;
    default:
        live->bytes -= change->size;
        live->blocks--;
        break;
    }
    if (live->bytes > live->peak_bytes) {
        live->peak_bytes = live->bytes;
        live->peak_time_ns = time_ns;
    }
}

static enum ht_status reserve_heap(struct ht_summary *summary, struct ht_error *error)
{
    if (summary->heap_count < summary->heap_capacity)
        return HT_OK;
    uint32_t capacity = summary->heap_count > 0 ? summary->heap_count * 2 : 16;
    struct ht_heap_summary *heaps = realloc(summary->heaps, capacity * sizeof *heaps);
    if (heaps == NULL)
        return ht_fail_memory(error, "the heaps");
    summary->heaps = heaps;
    summary->heap_capacity = capacity;
    return HT_OK;
}

static enum ht_status reserve_process(struct ht_summary *summary, struct ht_error *error)
{
    if (summary->process_count == summary->process_capacity) {
        uint32_t capacity = summary->process_count > 0 ? summary->process_count * 2 : 16;
        struct ht_process_summary *processes =
            realloc(summary->processes, capacity * sizeof *processes);
        if (processes == NULL)
            return ht_fail_memory(error, "the processes");
        summary->processes = processes;
        summary->process_capacity = capacity;
    }
    return ht_slots_reserve(&summary->process_slots, error);
}

// Finds the process of a heap, of which this event is the first, or makes it.
static enum ht_status find_process(struct ht_summary *summary, const struct ht_event *event,
                                   uint32_t heap, uint32_t *process, struct ht_error *error)
{
    enum ht_status status = reserve_process(summary, error);
    if (status != HT_OK)
        return status;
    struct ht_slots *slots = &summary->process_slots;
    int64_t start_ns = ht_number_heap(summary->number, heap).start_ns;
    uint32_t tag = (uint32_t)(ht_mix(event->pid) >> 32);
    uint32_t slot = ht_slots_first(slots, tag);
    for (; !ht_slots_is_empty(slots, slot); slot = ht_slots_next(slots, tag, slot)) {
        *process = ht_slots_index(slots, slot);
        const struct ht_process_summary *found = &summary->processes[*process];
        if (found->pid == event->pid && found->start_ns == start_ns)
            return HT_OK;
    }
    *process = summary->process_count++;
    ht_slots_put(slots, slot, tag, *process);
    summary->processes[*process] =
        (struct ht_process_summary){event->pid, start_ns, event->time_ns, 0};
    return HT_OK;
}

// Adds the heap of this event, its first.
static enum ht_status add_heap(struct ht_summary *summary, const struct ht_event *event,
                               struct ht_error *error)
{
    uint32_t process = 0;
    enum ht_status status = reserve_heap(summary, error);
    if (status == HT_OK)
        status = find_process(summary, event, summary->heap_count, &process, error);
    if (status == HT_OK)
        summary->heaps[summary->heap_count++] = (struct ht_heap_summary){.process = process};
    return status;
}

static void add_realloc(struct ht_realloc_summary *sums, const struct ht_change *change)
{
    bool is_moved = change->address != change->old_address;
    sums->in_place += !is_moved;
    sums->moved += is_moved;
    sums->grow += change->size > change->old_size;
    sums->shrink += change->size < change->old_size;
    sums->same += change->size == change->old_size;
    if (is_moved)
        sums->bytes_copied += change->size < change->old_size ? change->size : change->old_size;
}

static void add_event(struct ht_summary *summary, struct ht_heap_summary *heap,
                      const struct ht_event *event)
{
    if (summary->events == 0 || event->time_ns < summary->first_ns)
        summary->first_ns = event->time_ns;
    if (summary->events == 0 || event->time_ns > summary->last_ns)
        summary->last_ns = event->time_ns;
    summary->events++;
    summary->with_stack += ht_event_stack(event) != 0;
    if (event->kind < HT_KIND_COUNT)
        summary->by_kind[event->kind]++;
    heap->events++;
    summary->processes[heap->process].events++;
}

enum ht_status ht_summary_add(struct ht_summary *summary, const struct ht_event *event,
                              struct ht_error *error)
{
    enum ht_status status = ht_number_push(summary->number, event, error);
    if (status != HT_OK)
        return status;
    uint32_t current = ht_number_current_heap(summary->number);
    if (current == summary->heap_count)
        status = add_heap(summary, event, error);
    if (status != HT_OK)
        return status;
    struct ht_heap_summary *heap = &summary->heaps[current];
    add_event(summary, heap, event);
    const struct ht_change *change;
    while ((change = ht_number_next(summary->number)) != NULL) { // all of this heap
        ht_live_apply(&summary->live, change, event->time_ns);
        ht_live_apply(&heap->live, change, event->time_ns);
        if (change->kind == HT_CHANGE_RESIZE)
            add_realloc(&summary->realloc, change);
    }
    return HT_OK;
}

enum ht_status ht_summary_add_run(struct ht_summary *summary, const struct ht_events *run,
                                  struct ht_error *error)
{
    enum ht_status status = HT_OK;
    ht_number_expect(summary->number, run->at, run->count);
    for (size_t i = 0; i < run->count && status == HT_OK; i++)
        status = ht_summary_add(summary, &run->at[i], error);
    return status;
}

uint64_t ht_summary_unknown_blocks(const struct ht_summary *summary)
{
    const struct ht_number_counts *counts = ht_number_counts(summary->number);
    return counts->adopted + counts->unknown_frees;
}

struct ht_number_heap ht_summary_heap(const struct ht_summary *summary, uint32_t index)
{
    return summary->names != NULL ? summary->names[index] : ht_number_heap(summary->number, index);
}

// Counts for the process of a heap, of which there are few.
static void add_heap_to_process(struct ht_summary *summary, const struct ht_tally_heap *heap)
{
    struct ht_process_summary *process = summary->processes;
    const struct ht_process_summary *end = process + summary->process_count;
    while (process < end && (process->pid != heap->pid || process->start_ns != heap->start_ns))
        process++;
    if (process == end) {
        *process = (struct ht_process_summary){heap->pid, heap->start_ns, heap->start_ns, 0};
        summary->process_count++;
    }
    process->events += heap->events;
}

enum ht_status ht_summary_of_tally(struct ht_summary *summary, const struct ht_tally *tally,
                                   struct ht_error *error)
{
    uint32_t count = tally->heap_count;
    *summary = (struct ht_summary){.events = tally->events,
                                   .with_stack = tally->with_stack,
                                   .first_ns = tally->first_ns,
                                   .last_ns = tally->last_ns,
                                   .heap_count = count};
    memcpy(summary->by_kind, tally->by_kind, sizeof summary->by_kind);
    summary->heaps = calloc((size_t)count + 1, sizeof *summary->heaps);
    summary->names = calloc((size_t)count + 1, sizeof *summary->names);
    summary->processes = calloc((size_t)count + 1, sizeof *summary->processes);
    if (summary->heaps == NULL || summary->names == NULL || summary->processes == NULL) {
        ht_summary_reset(summary);
        return ht_fail_memory(error, "the heaps");
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct ht_tally_heap *heap = &tally->heaps[i];
        summary->names[i] = (struct ht_number_heap){heap->pid, heap->handle, heap->start_ns};
        summary->heaps[i].events = heap->events;
        add_heap_to_process(summary, heap);
    }
    return HT_OK;
}
