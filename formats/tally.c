// SPDX-License-Identifier: MIT
//
// Counting events. See the header.
#include "formats/tally.h"

#include "formats/mix.h"
#include "formats/trace.h"

enum { SLOTS = 2 * HT_TALLY_HEAPS_MAX };

static bool is_heap(const struct ht_tally_heap *heap, const struct ht_event *event,
                    int64_t start_ns)
{
    return heap->handle == event->heap && heap->pid == event->pid && heap->start_ns == start_ns;
}

// Finds the heap of an event, or adds it; it becomes the last. False when there is no room.
static bool find(struct ht_tally *tally, const struct ht_event *event, int64_t start_ns)
{
    uint64_t hash = ht_mix(event->heap ^ (uint64_t)event->pid << 32 ^ (uint64_t)start_ns);
    uint32_t slot = (uint32_t)(hash >> 32) % SLOTS;
    for (; tally->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        tally->last = tally->slots[slot] - 1u;
        if (is_heap(&tally->heaps[tally->last], event, start_ns))
            return true;
    }
    if (tally->heap_count == HT_TALLY_HEAPS_MAX)
        return false;
    tally->last = tally->heap_count++;
    tally->slots[slot] = (uint16_t)tally->heap_count;
    tally->heaps[tally->last] = (struct ht_tally_heap){event->pid, start_ns, event->heap, 0};
    return true;
}

// Counts for the event's heap. The process is looked up only where it can be another than before.
static void add_to_heap(struct ht_tally *tally, const struct ht_trace *trace,
                        const struct ht_event *event)
{
    struct ht_tally_heap *last = &tally->heaps[tally->last];
    bool is_known = tally->heap_count > 0 && tally->revision == trace->revision &&
                    last->pid == event->pid && tally->is_sole && event->time_ns >= last->start_ns;
    if (is_known && last->handle == event->heap) {
        last->events++;
        return;
    }
    int64_t start_ns = last->start_ns;
    if (!is_known) {
        const struct ht_process *process = ht_trace_process_at(trace, event->pid, event->time_ns);
        start_ns = process != NULL ? process->start_ns : HT_TIME_UNKNOWN;
        tally->is_sole = ht_trace_process_at(trace, event->pid, INT64_MAX) == process;
        tally->revision = trace->revision;
    }
    if (find(tally, event, start_ns))
        tally->heaps[tally->last].events++;
    else
        tally->is_full = true;
}

// Counts the events in front that are of the last heap for sure, and gives how many.
static size_t add_to_last(struct ht_tally *tally, const struct ht_event *events, size_t count)
{
    struct ht_tally_heap *last = &tally->heaps[tally->last];
    size_t same = 0;
    while (same < count && tally->is_sole && events[same].heap == last->handle &&
           events[same].pid == last->pid && events[same].time_ns >= last->start_ns)
        same++;
    last->events += same;
    return same;
}

static void add_times(struct ht_tally *tally, const struct ht_event *events, size_t count)
{
    int64_t first_ns = tally->events > 0 ? tally->first_ns : INT64_MAX;
    int64_t last_ns = tally->events > 0 ? tally->last_ns : INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        first_ns = events[i].time_ns < first_ns ? events[i].time_ns : first_ns;
        last_ns = events[i].time_ns > last_ns ? events[i].time_ns : last_ns;
    }
    tally->first_ns = first_ns;
    tally->last_ns = last_ns;
    tally->events += count;
}

// Counts in turn in two places: one that was just written to is not soon read.
static void add_kinds(struct ht_tally *tally, const struct ht_event *events, size_t count)
{
    uint64_t by_kind[2][UINT8_MAX + 1] = {0};
    uint64_t with_stack = 0;
    for (size_t i = 0; i < count; i++) {
        by_kind[i % 2][events[i].kind]++;
        with_stack += ht_event_stack(&events[i]) != 0;
    }
    for (size_t kind = 0; kind < HT_KIND_COUNT; kind++)
        tally->by_kind[kind] += by_kind[0][kind] + by_kind[1][kind];
    tally->with_stack += with_stack;
}

void ht_tally_add(struct ht_tally *tally, const struct ht_trace *trace,
                  const struct ht_event *events, size_t count)
{
    add_times(tally, events, count);
    add_kinds(tally, events, count);
    for (size_t i = 0; i < count && !tally->is_full;) {
        add_to_heap(tally, trace, &events[i++]);
        if (!tally->is_full)
            i += add_to_last(tally, &events[i], count - i);
    }
}
