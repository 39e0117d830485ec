// SPDX-License-Identifier: MIT
//
// Processes, groups and counters. See the header; names and units are in docs/formats/perfetto.md.
#include "formats/perfetto_tracks.h"

#include "formats/perfetto_slices.h"
#include "formats/picture_counters.h"
#include "formats/picture_fold.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    EXPLICIT_ORDER = 3, // process_ordering
    UNIT_COUNT = 2,
    UNIT_BYTES = 3,
    RANK_ACTIVITY = 1, // of groups in their process
    RANK_HEAPS = 2,
    RANK_OTHERS = RANK_HEAPS + HT_PICTURE_HEAPS_MAX,
};

// Counters of one group on their way to a sink.
struct line {
    struct ht_picture_curve base;
    struct ht_perfetto_sink *sink;
    uint64_t group;
    uint64_t track;
};

static void begin_line(struct ht_picture_curve *self, enum ht_picture_counter counter)
{
    struct line *line = (struct line *)self;
    const struct ht_picture_counter_text *text = &ht_picture_counter_texts[counter];
    bool is_bytes = strcmp(text->unit, "bytes") == 0;
    bool is_count = strcmp(text->unit, "count") == 0;
    Ht__Perfetto__CounterDescriptor description = HT__PERFETTO__COUNTER_DESCRIPTOR__INIT;
    Ht__Perfetto__TrackDescriptor track =
        ht_perfetto_new_track(line->sink, line->group, text->name);
    description.has_unit = is_bytes || is_count;
    description.unit = is_bytes ? UNIT_BYTES : is_count ? UNIT_COUNT : 0;
    description.unit_name = description.has_unit ? NULL : ht_perfetto_borrow(text->unit);
    description.y_axis_share_key = ht_perfetto_borrow(text->share_key);
    track.counter = &description;
    track.description = ht_perfetto_borrow(text->description);
    track.has_sibling_order_rank = true;
    track.sibling_order_rank = (int32_t)counter;
    ht_perfetto_put_track(line->sink, &track);
    line->track = track.uuid;
}

static void put_sample(struct ht_picture_curve *self, uint64_t stamp,
                       const struct ht_picture_value *value)
{
    const struct line *line = (const struct line *)self;
    if (value->is_real)
        ht_perfetto_put_real_sample(line->sink, line->track, stamp, value->real);
    else
        ht_perfetto_put_sample(line->sink, line->track, stamp,
                               value->number < INT64_MAX ? (int64_t)value->number : INT64_MAX);
}

static struct line line_in(struct ht_perfetto_sink *sink, uint64_t group)
{
    return (struct line){
        .base = {.begin = begin_line, .put = put_sample}, .sink = sink, .group = group};
}

// The heaps that are folded, as one.
static void put_others(struct ht_perfetto_file *file, uint32_t process)
{
    struct ht_series live = {.limit = file->model->processes[process].live.limit};
    uint32_t count = ht_picture_folded_count(file->model, process);
    if (count == 0 || file->sink.status != HT_OK)
        return;
    file->sink.status = ht_picture_fold_series(file->model, process, &live, file->sink.error);
    char name[32];
    snprintf(name, sizeof name, "Other heaps (%" PRIu32 ")", count);
    uint64_t group = ht_perfetto_put_group(
        file, process, name, "The heaps that are small beside the peak of the process.",
        RANK_OTHERS);
    struct line line = line_in(&file->sink, group);
    ht_picture_draw_live(file->model, &live, &line.base);
    ht_series_reset(&live);
}

static void put_heap(struct ht_perfetto_file *file, uint32_t number)
{
    struct ht_perfetto_sink *sink = &file->sink;
    const struct ht_picture_model *model = file->model;
    const struct ht_picture_heap *heap = &model->heaps[number];
    uint32_t uses = ht_picture_uses_before(model, number);
    char name[40];
    int length = snprintf(name, sizeof name, "Heap 0x%" PRIx64, heap->handle);
    if (uses > 0)
        snprintf(name + length, sizeof name - (size_t)length, " #%" PRIu32, uses + 1);
    uint64_t group =
        ht_perfetto_put_group(file, heap->process, name,
                              heap->is_destroyed ? "One heap, destroyed within the recording."
                                                 : "One heap of the process.",
                              number + RANK_HEAPS);
    struct line line = line_in(sink, group);
    ht_picture_draw_live(model, &heap->live, &line.base);
    ht_picture_draw_space(model, heap, &line.base);
}

// Whether a process of this pid is in the file: any other would be made up by naming it.
static bool is_shown_pid(const struct ht_picture_model *model, uint32_t pid)
{
    uint32_t number = ht_picture_index_find(&model->pids, pid, 0);
    return number != HT_PICTURE_NONE && model->processes[number].is_shown;
}

// Gives the process its parent and its command line. The first word becomes its name, so it is the
// name; the importer cuts a single word at a space, so there are always two.
static void put_command(struct ht_perfetto_file *file, uint32_t number)
{
    const struct ht_picture_model *model = file->model;
    const struct ht_process *entry = ht_picture_process_entry(model, number);
    char name[HT_PICTURE_NAME_SIZE];
    char command[HT_PICTURE_NAME_SIZE] = "";
    ht_picture_process_name(model, number, name);
    if (name[0] == '\0')
        return;
    if (entry != NULL)
        ht_picture_text(model->trace->dict, entry->command, command);
    Ht__Perfetto__ProcessTree tree = HT__PERFETTO__PROCESS_TREE__INIT;
    Ht__Perfetto__ProcessTree__Process process = HT__PERFETTO__PROCESS_TREE__PROCESS__INIT;
    Ht__Perfetto__ProcessTree__Process *processes[1] = {&process};
    char *words[2] = {name, command};
    process.has_pid = true;
    process.pid = ht_picture_pid(model->processes[number].pid);
    process.has_ppid = entry != NULL && entry->parent_pid != 0 && entry->parent_pid != entry->pid &&
                       is_shown_pid(model, entry->parent_pid);
    process.ppid = process.has_ppid ? ht_picture_pid(entry->parent_pid) : 0;
    process.n_cmdline = 2;
    process.cmdline = words;
    tree.n_processes = 1;
    tree.processes = processes;
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.has_timestamp = true;
    packet.timestamp = ht_picture_process_stamp(model, number);
    packet.process_tree = &tree;
    ht_perfetto_put(&file->sink, &packet);
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
    const struct ht_picture_model *model = file->model;
    uint32_t numbers[HT_PICTURE_PROCESSES_MAX];
    uint32_t count = ht_picture_rank(model, numbers);
    for (uint32_t i = 0; i < count; i++)
        ht_perfetto_file_process(file, numbers[i]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = numbers[i];
        put_command(file, number);
        uint64_t group = ht_perfetto_put_group(file, number, "Heap activity",
                                               "All heaps of the process.", RANK_ACTIVITY);
        struct line line = line_in(&file->sink, group);
        ht_picture_draw_live(model, &model->processes[number].live, &line.base);
        ht_perfetto_put_marks(file, number, group);
        put_others(file, number);
    }
    for (uint32_t i = 0; i < model->heap_count; i++) {
        if (model->heaps[i].is_shown && !model->heaps[i].is_folded)
            put_heap(file, i);
    }
}
