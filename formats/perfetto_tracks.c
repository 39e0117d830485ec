// SPDX-License-Identifier: MIT
//
// Processes, groups and counters. See the header; names and units are in docs/formats/perfetto.md.
#include "formats/perfetto_tracks.h"

#include "formats/perfetto_fold.h"
#include "formats/perfetto_marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EXPLICIT_ORDER = 3, // child_ordering, process_ordering
    NEVER_MERGED = 2,   // sibling_merge_behavior
    TYPE_COUNTER = 4,
    UNIT_COUNT = 2,
    UNIT_BYTES = 3,
    RATE_WINDOW_LOG2 = 24, // at least 16.8 ms in ns
    RANK_ACTIVITY = 1,     // of groups in their process
    RANK_HEAPS = 2,
    RANK_OTHERS = RANK_HEAPS + HT_PERFETTO_HEAPS_MAX,
};

enum counter {
    LIVE_BYTES,
    COMMITTED_BYTES,
    RESERVED_BYTES,
    LIVE_BLOCKS,
    PAGE_SPREAD,
    FREE_INSIDE,
    ALLOC_RATE,
    FREE_RATE,
    REALLOC_RATE,
    REALLOC_MOVED,
    REALLOC_INPLACE,
    COPIED_BYTES,
};

static const struct {
    const char *name;
    uint32_t unit;
    const char *unit_name;
    const char *share_key;
    const char *description;
} counters[] = {
    [LIVE_BYTES] = {"live_bytes", UNIT_BYTES, NULL, "space",
                    "Requested bytes of the blocks that live, since the recording began."},
    [COMMITTED_BYTES] = {"committed_bytes", UNIT_BYTES, NULL, "space",
                         "Memory committed for the heap, as its events tell."},
    [RESERVED_BYTES] = {"reserved_bytes", UNIT_BYTES, NULL, "space",
                        "Address space reserved for the heap, as its events tell."},
    [LIVE_BLOCKS] = {"live_blocks", UNIT_COUNT, NULL, NULL, "Blocks that live."},
    [PAGE_SPREAD] =
        {"page_spread", 0, "x", NULL,
         "Bytes of the 4096-byte pages that hold a live block / live_bytes: 1 is tight, "
         "more is scattered."},
    [FREE_INSIDE] = {"free_inside_committed", 0, "%", NULL,
                     "100 x (1 - live_bytes / committed_bytes), 0 where more lives than is known "
                     "to be committed."},
    [ALLOC_RATE] = {"alloc_rate", 0, "/s", "rate", "Allocations a second."},
    [FREE_RATE] = {"free_rate", 0, "/s", "rate", "Frees a second."},
    [REALLOC_RATE] = {"realloc_rate", 0, "/s", "rate", "Reallocs a second."},
    [REALLOC_MOVED] = {"realloc_moved", UNIT_COUNT, NULL, "reallocs",
                       "Reallocs so far that moved their block."},
    [REALLOC_INPLACE] = {"realloc_inplace", UNIT_COUNT, NULL, "reallocs",
                         "Reallocs so far that left their block in place."},
    [COPIED_BYTES] = {"copied_bytes", UNIT_BYTES, NULL, NULL,
                      "Bytes that moved reallocs had to copy so far: the smaller of old and new "
                      "size."},
};

// A track that samples are written to.
struct line {
    struct ht_perfetto_sink *sink;
    const struct ht_perfetto_model *model;
    uint64_t track;
    bool is_begun;
    uint64_t stamp; // of the last sample
    double value;   // of the last sample
};

static struct line begin_line(struct ht_perfetto_sink *sink, const struct ht_perfetto_model *model,
                              uint64_t group, enum counter counter)
{
    Ht__Perfetto__CounterDescriptor description = HT__PERFETTO__COUNTER_DESCRIPTOR__INIT;
    Ht__Perfetto__TrackDescriptor track =
        ht_perfetto_new_track(sink, group, counters[counter].name);
    description.has_unit = counters[counter].unit != 0;
    description.unit = counters[counter].unit;
    description.unit_name = ht_perfetto_borrow(counters[counter].unit_name);
    description.y_axis_share_key = ht_perfetto_borrow(counters[counter].share_key);
    track.counter = &description;
    track.description = ht_perfetto_borrow(counters[counter].description);
    track.has_sibling_order_rank = true;
    track.sibling_order_rank = (int32_t)counter;
    ht_perfetto_put_track(sink, &track);
    return (struct line){.sink = sink, .model = model, .track = track.uuid};
}

static bool is_new(const struct line *line, double value)
{
    return !line->is_begun || value < line->value || value > line->value;
}

// Samples of one track never have the same stamp: the later one moves on by 1 ns.
static void put_sample(struct line *line, uint64_t stamp, double value,
                       Ht__Perfetto__TrackEvent *event)
{
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    if (line->is_begun && stamp <= line->stamp)
        stamp = line->stamp + 1;
    event->has_type = true;
    event->type = TYPE_COUNTER;
    event->has_track_uuid = true;
    event->track_uuid = line->track;
    packet.has_timestamp = true;
    packet.timestamp = stamp;
    packet.track_event = event;
    ht_perfetto_put(line->sink, &packet);
    line->is_begun = true;
    line->stamp = stamp;
    line->value = value;
}

static void put_number(struct line *line, uint64_t stamp, uint64_t value)
{
    Ht__Perfetto__TrackEvent event = HT__PERFETTO__TRACK_EVENT__INIT;
    event.has_counter_value = true;
    event.counter_value = value < INT64_MAX ? (int64_t)value : INT64_MAX;
    if (is_new(line, (double)value))
        put_sample(line, stamp, (double)value, &event);
}

static void put_real(struct line *line, uint64_t stamp, double value)
{
    Ht__Perfetto__TrackEvent event = HT__PERFETTO__TRACK_EVENT__INIT;
    event.has_double_counter_value = true;
    event.double_counter_value = value;
    if (is_new(line, value))
        put_sample(line, stamp, value, &event);
}

// Both values of a series; where one is 0 all the time its track is left out.
static void put_series(struct ht_perfetto_sink *sink, const struct ht_perfetto_model *model,
                       uint64_t group, const struct ht_series *series,
                       const enum counter counter[2])
{
    for (int which = 0; which < 2; which++) {
        struct line line = begin_line(sink, model, group, counter[which]);
        for (uint32_t i = 0; i < series->count; i++) {
            struct ht_series_state states[3];
            uint32_t count = ht_series_bucket_states(&series->buckets[i], states);
            for (uint32_t k = 0; k < count; k++)
                put_number(&line, ht_perfetto_stamp(model, states[k].time_ns),
                           states[k].value[which]);
        }
    }
}

// At the samples of live_bytes: how many bytes of pages stand behind a live byte.
static void put_spread(struct ht_perfetto_sink *sink, const struct ht_perfetto_model *model,
                       uint64_t group, const struct ht_series *series)
{
    struct line line = begin_line(sink, model, group, PAGE_SPREAD);
    for (uint32_t i = 0; i < series->count; i++) {
        const struct ht_series_state *last = &series->buckets[i].last;
        double pages = (double)last->pages * HT_PERFETTO_PAGE_BYTES;
        double live = (double)last->value[HT_LIVE_BYTES];
        put_real(&line, ht_perfetto_stamp(model, last->time_ns), live > 0 ? pages / live : 0);
    }
}

static uint64_t total_of(const struct ht_series_totals *totals, enum counter counter)
{
    switch (counter) {
    case ALLOC_RATE:
        return totals->allocs;
    case FREE_RATE:
        return totals->frees;
    case REALLOC_MOVED:
        return totals->moved;
    case REALLOC_INPLACE:
        return totals->in_place;
    case COPIED_BYTES:
        return totals->copied_bytes;
    default: // REALLOC_RATE
        return totals->in_place + totals->moved;
    }
}

static void put_totals(struct ht_perfetto_sink *sink, const struct ht_perfetto_model *model,
                       uint64_t group, const struct ht_series *series, enum counter counter)
{
    struct line line = begin_line(sink, model, group, counter);
    for (uint32_t i = 0; i < series->count; i++)
        put_number(&line, ht_perfetto_stamp(model, series->buckets[i].last.time_ns),
                   total_of(&series->buckets[i].totals, counter));
}

// One sample a window, at its beginning, and 0 where nothing follows: windows are as wide as the
// buckets, at least RATE_WINDOW_LOG2.
static void put_rate(struct ht_perfetto_sink *sink, const struct ht_perfetto_model *model,
                     uint64_t group, const struct ht_series *series, enum counter counter)
{
    struct line line = begin_line(sink, model, group, counter);
    uint32_t width_log2 =
        series->width_log2 > RATE_WINDOW_LOG2 ? series->width_log2 : RATE_WINDOW_LOG2;
    uint64_t before = 0;
    for (uint32_t i = 0; i < series->count;) {
        uint64_t window = ht_series_bucket_number(series->buckets[i].last.time_ns, width_log2);
        uint64_t total = before;
        for (; i < series->count &&
               ht_series_bucket_number(series->buckets[i].last.time_ns, width_log2) == window;
             i++)
            total = total_of(&series->buckets[i].totals, counter);
        int64_t from_ns = (int64_t)(window << width_log2 ^ UINT64_C(1) << 63);
        double seconds = (double)(UINT64_C(1) << width_log2) / 1e9;
        uint64_t from = ht_perfetto_stamp(model, from_ns);
        put_real(&line, from, (double)(total - before) / seconds);
        bool is_followed =
            i < series->count &&
            ht_series_bucket_number(series->buckets[i].last.time_ns, width_log2) == window + 1;
        if (!is_followed)
            put_real(&line, from + (UINT64_C(1) << width_log2), 0);
        before = total;
    }
}

static void put_free_inside(struct ht_perfetto_sink *sink, const struct ht_perfetto_model *model,
                            uint64_t group, const struct ht_perfetto_heap *heap)
{
    const struct ht_series *live = &heap->live;
    const struct ht_series *space = &heap->space;
    struct line line = begin_line(sink, model, group, FREE_INSIDE);
    double live_bytes = 0;
    double committed = 0;
    uint32_t i = 0;
    uint32_t k = 0;
    while (i < live->count || k < space->count) {
        bool is_live = k == space->count || (i < live->count && live->buckets[i].last.time_ns <=
                                                                    space->buckets[k].last.time_ns);
        const struct ht_series_state *state =
            is_live ? &live->buckets[i++].last : &space->buckets[k++].last;
        if (is_live)
            live_bytes = (double)state->value[HT_LIVE_BYTES];
        else
            committed = (double)state->value[HT_PERFETTO_COMMITTED];
        if (committed > 0)
            put_real(&line, ht_perfetto_stamp(model, state->time_ns),
                     live_bytes < committed ? 100 * (1 - live_bytes / committed) : 0);
    }
}

// What processes and heaps have alike.
static void put_live_counters(struct ht_perfetto_sink *sink, const struct ht_perfetto_model *model,
                              uint64_t group, const struct ht_series *live)
{
    static const enum counter values[2] = {LIVE_BYTES, LIVE_BLOCKS};
    static const enum counter rates[] = {ALLOC_RATE, FREE_RATE, REALLOC_RATE};
    static const enum counter totals[] = {REALLOC_MOVED, REALLOC_INPLACE, COPIED_BYTES};
    put_series(sink, model, group, live, values);
    put_spread(sink, model, group, live);
    for (int i = 0; i < 3; i++)
        put_rate(sink, model, group, live, rates[i]);
    for (int i = 0; i < 3; i++)
        put_totals(sink, model, group, live, totals[i]);
}

static uint64_t put_group(struct ht_perfetto_sink *sink, uint64_t process, const char *name,
                          const char *description, uint32_t rank)
{
    Ht__Perfetto__TrackDescriptor group = ht_perfetto_new_track(sink, process, name);
    group.description = ht_perfetto_borrow(description);
    group.has_child_ordering = true;
    group.child_ordering = EXPLICIT_ORDER;
    group.has_sibling_order_rank = true;
    group.sibling_order_rank = (int32_t)rank;
    group.has_sibling_merge_behavior = true;
    group.sibling_merge_behavior = NEVER_MERGED;
    ht_perfetto_put_track(sink, &group);
    return group.uuid;
}

// The heaps that are folded, as one.
static void put_others(struct ht_perfetto_file *file, uint32_t process)
{
    struct ht_series live = {.limit = file->model->processes[process].live.limit};
    uint32_t count = ht_perfetto_folded_count(file->model, process);
    if (count == 0 || file->sink.status != HT_OK)
        return;
    file->sink.status = ht_perfetto_fold_series(file->model, process, &live, file->sink.error);
    char name[32];
    snprintf(name, sizeof name, "Other heaps (%" PRIu32 ")", count);
    uint64_t group =
        put_group(&file->sink, file->processes[process], name,
                  "The heaps that are small beside the peak of the process.", RANK_OTHERS);
    put_live_counters(&file->sink, file->model, group, &live);
    ht_series_reset(&live);
}

static void put_heap(struct ht_perfetto_file *file, uint32_t number)
{
    static const enum counter space[2] = {COMMITTED_BYTES, RESERVED_BYTES};
    struct ht_perfetto_sink *sink = &file->sink;
    const struct ht_perfetto_model *model = file->model;
    const struct ht_perfetto_heap *heap = &model->heaps[number];
    char name[32];
    snprintf(name, sizeof name, "Heap 0x%" PRIx64, heap->handle);
    uint64_t group = put_group(sink, file->processes[heap->process], name,
                               heap->is_destroyed ? "One heap, destroyed within the recording."
                                                  : "One heap of the process.",
                               number + RANK_HEAPS);
    put_live_counters(sink, model, group, &heap->live);
    if (heap->space.count > 0) {
        put_series(sink, model, group, &heap->space, space);
        put_free_inside(sink, model, group, heap);
    }
}

// Whether a process of this pid is in the file: any other would be made up by naming it.
static bool is_shown_pid(const struct ht_perfetto_model *model, uint32_t pid)
{
    uint32_t number = ht_perfetto_index_find(&model->pids, pid, 0);
    return number != HT_PERFETTO_NONE && model->processes[number].is_shown;
}

// Gives the process its parent and its command line. The first word becomes its name, so it is the
// name; the importer cuts a single word at a space, so there are always two.
static void put_command(struct ht_perfetto_file *file, uint32_t number)
{
    const struct ht_perfetto_model *model = file->model;
    const struct ht_process *entry = ht_perfetto_process_entry(model, number);
    char name[HT_PERFETTO_NAME_SIZE];
    char command[HT_PERFETTO_NAME_SIZE] = "";
    ht_perfetto_process_name(model, number, name);
    if (name[0] == '\0')
        return;
    if (entry != NULL)
        ht_perfetto_text(model->trace->dict, entry->command, command);
    Ht__Perfetto__ProcessTree tree = HT__PERFETTO__PROCESS_TREE__INIT;
    Ht__Perfetto__ProcessTree__Process process = HT__PERFETTO__PROCESS_TREE__PROCESS__INIT;
    Ht__Perfetto__ProcessTree__Process *processes[1] = {&process};
    char *words[2] = {name, command};
    process.has_pid = true;
    process.pid = ht_perfetto_pid(model->processes[number].pid);
    process.has_ppid = entry != NULL && entry->parent_pid != 0 && entry->parent_pid != entry->pid &&
                       is_shown_pid(model, entry->parent_pid);
    process.ppid = process.has_ppid ? ht_perfetto_pid(entry->parent_pid) : 0;
    process.n_cmdline = 2;
    process.cmdline = words;
    tree.n_processes = 1;
    tree.processes = processes;
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.has_timestamp = true;
    packet.timestamp = ht_perfetto_process_stamp(model, number);
    packet.process_tree = &tree;
    ht_perfetto_put(&file->sink, &packet);
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

// The numbers of the processes shown, the highest peak first.
static uint32_t rank_processes(const struct ht_perfetto_model *model,
                               struct ranked ranked[HT_PERFETTO_PROCESSES_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->process_count; i++) {
        if (model->processes[i].is_shown)
            ranked[count++] = (struct ranked){model->processes[i].peak_bytes, i};
    }
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    return count;
}

void ht_perfetto_put_root(struct ht_perfetto_sink *sink)
{
    Ht__Perfetto__TrackDescriptor root = HT__PERFETTO__TRACK_DESCRIPTOR__INIT;
    root.has_uuid = true; // 0 is the root
    root.has_process_ordering = true;
    root.process_ordering = EXPLICIT_ORDER;
    ht_perfetto_put_track(sink, &root);
}

void ht_perfetto_put_tracks(struct ht_perfetto_file *file)
{
    const struct ht_perfetto_model *model = file->model;
    struct ranked ranked[HT_PERFETTO_PROCESSES_MAX];
    uint32_t count = rank_processes(model, ranked);
    for (uint32_t i = 0; i < count; i++)
        ht_perfetto_file_process(file, ranked[i].number);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = ranked[i].number;
        put_command(file, number);
        uint64_t group = put_group(&file->sink, file->processes[number], "Heap activity",
                                   "All heaps of the process.", RANK_ACTIVITY);
        put_live_counters(&file->sink, model, group, &model->processes[number].live);
        ht_perfetto_put_marks(file, number, group);
        put_others(file, number);
    }
    for (uint32_t i = 0; i < model->heap_count; i++) {
        if (model->heaps[i].is_shown && !model->heaps[i].is_folded)
            put_heap(file, i);
    }
}
