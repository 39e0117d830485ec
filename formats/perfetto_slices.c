// SPDX-License-Identifier: MIT
//
// Instants and slices on their tracks. See the header; names and annotations are in
// docs/formats/perfetto.md.
#include "formats/perfetto_slices.h"

#include "formats/cache.h"
#include "formats/perfetto_event.h"
#include "formats/picture_histograms.h"
#include "formats/picture_marks.h"

enum {
    RANK_MARKS = 100,      // in their group, behind the counters
    RANK_CHAINS = 1 << 20, // in their process, behind the heaps
    RANK_SUMMARY = 1 << 21,
    AHEAD = 8, // picks that are fetched into the caches: they stand in no order
};

void ht_perfetto_put_instant(struct ht_perfetto_file *file, const struct ht_picture_instant *what)
{
    struct ht_picture_event shown;
    struct ht_perfetto_thread *thread =
        ht_perfetto_file_thread(file, what->process, what->event->tid);
    if (thread == NULL)
        return;
    ht_picture_show_instant(&shown, what);
    // Viewers nest instants of one stamp, and drop them when they nest too deep.
    uint64_t stamp = what->stamp > thread->next ? what->stamp : thread->next;
    thread->next = stamp + 1;
    ht_perfetto_put_event(file, thread->track, HT_PERFETTO_INSTANT, &shown, stamp);
}

static void fetch_pick(const struct ht_pick *pick)
{
    ht_cache_fetch(&pick->rank);
    ht_cache_fetch(&pick->event.old_address);
    ht_cache_fetch(&pick->stamp_ns);
}

void ht_perfetto_put_reallocs(struct ht_perfetto_file *file, struct ht_picture_model *model)
{
    struct ht_perfetto_sink *sink = &file->sink;
    struct ht_budget *reallocs = &model->reallocs;
    struct ht_picture_index linked = {0};
    if (sink->status == HT_OK)
        sink->status = ht_picture_find_linked(model, &linked, sink->error);
    if (sink->status == HT_OK)
        sink->status = ht_budget_order(reallocs, model->base_ns, sink->error);
    for (uint32_t i = 0; i < reallocs->count && sink->status == HT_OK; i++) {
        const struct ht_budget_key *key = &reallocs->keys[i];
        if (i + AHEAD < reallocs->count)
            fetch_pick(&reallocs->picks[key[AHEAD].at]);
        struct ht_picture_instant instant =
            ht_picture_kept_realloc(&reallocs->picks[key->at], key->rank[0], &linked);
        ht_perfetto_put_instant(file, &instant);
    }
    ht_picture_index_reset(&linked);
}

// Slices of one kind of one process. Those that overlap are put on tracks of equal name, which the
// viewer shows as lanes of one.
struct lanes {
    struct ht_perfetto_file *file;
    uint64_t group; // track
    enum ht_picture_category category;
    uint64_t tracks[HT_PICTURE_SLICES_MAX];
    uint64_t free_from[HT_PICTURE_SLICES_MAX]; // stamp, UINT64_MAX with an open slice
    uint32_t count;
};

// The track of the first lane that is free, until this end.
static uint64_t take_lane(struct lanes *lanes, uint64_t begin, uint64_t end)
{
    uint32_t lane = 0;
    while (lane < lanes->count && lanes->free_from[lane] >= begin)
        lane++;
    if (lane == lanes->count) {
        Ht__Perfetto__TrackDescriptor track = ht_perfetto_new_track(
            &lanes->file->sink, lanes->group, ht_picture_row_texts[lanes->category]);
        track.has_sibling_order_rank = true;
        track.sibling_order_rank = lanes->category != HT_PICTURE_CATEGORY_CHAIN; // chains first
        ht_perfetto_put_track(&lanes->file->sink, &track);
        lanes->tracks[lanes->count++] = track.uuid;
    }
    lanes->free_from[lane] = end;
    return lanes->tracks[lane];
}

static void put_lanes(struct ht_perfetto_file *file, uint64_t group,
                      enum ht_picture_category category, struct ht_budget *budget)
{
    struct lanes lanes = {.file = file, .group = group, .category = category};
    ht_picture_stamp_slices(file->model, budget);
    for (uint32_t i = 0; i < budget->count && file->sink.status == HT_OK; i++) {
        const struct ht_pick *pick = &budget->picks[i];
        struct ht_picture_event shown;
        uint64_t end = ht_picture_slice_end(file->model, pick);
        uint64_t track = take_lane(&lanes, pick->stamp_ns, end);
        ht_picture_show_slice(&shown, file->model, pick, category);
        ht_perfetto_put_event(file, track, HT_PERFETTO_BEGIN, &shown, pick->stamp_ns);
        if (end != UINT64_MAX)
            ht_perfetto_put_end(file, track, end);
    }
}

// In a group of their own, which is folded at first: they take a row each.
void ht_perfetto_put_slices(struct ht_perfetto_file *file, struct ht_picture_model *model)
{
    for (uint32_t i = 0; i < model->process_count; i++) {
        struct ht_picture_process *process = &model->processes[i];
        if (process->blocks.count == 0)
            continue; // so there is no chain
        uint64_t group = ht_perfetto_put_group(file, i, "Chains and blocks",
                                               "The largest and longest-lived blocks, and those "
                                               "whose reallocs copied most.",
                                               RANK_CHAINS);
        put_lanes(file, group, HT_PICTURE_CATEGORY_CHAIN, &process->chains);
        put_lanes(file, group, HT_PICTURE_CATEGORY_BLOCK, &process->blocks);
    }
}

// A track of instants, described.
static uint64_t put_row(struct ht_perfetto_sink *sink, uint64_t parent, const char *name,
                        int32_t rank)
{
    Ht__Perfetto__TrackDescriptor track = ht_perfetto_new_track(sink, parent, name);
    track.has_sibling_order_rank = true;
    track.sibling_order_rank = rank;
    ht_perfetto_put_track(sink, &track);
    return track.uuid;
}

void ht_perfetto_put_marks(struct ht_perfetto_file *file, uint32_t process, uint64_t group)
{
    struct ht_picture_mark marks[HT_PICTURE_MARKS_MAX];
    uint32_t count = ht_picture_collect_marks(file->model, process, marks);
    uint64_t track = count > 0 ? put_row(&file->sink, group, "marks", RANK_MARKS) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct ht_picture_event shown;
        ht_picture_show_mark(&shown, file->model, process, &marks[i]);
        ht_perfetto_put_event(file, track, HT_PERFETTO_INSTANT, &shown, marks[i].stamp);
    }
}

// The histograms of one process on their way into a file.
struct summary {
    struct ht_picture_summary base;
    struct ht_perfetto_file *file;
    uint64_t track;
};

static void put_summary(struct ht_picture_summary *self, const struct ht_picture_event *shown,
                        uint64_t stamp)
{
    const struct summary *summary = (const struct summary *)self;
    ht_perfetto_put_event(summary->file, summary->track, HT_PERFETTO_INSTANT, shown, stamp);
}

void ht_perfetto_put_histograms(struct ht_perfetto_file *file)
{
    for (uint32_t i = 0; i < file->model->process_count; i++) {
        if (!file->model->processes[i].is_shown)
            continue;
        struct summary summary = {.base = {.put = put_summary}, .file = file};
        summary.track = put_row(&file->sink, file->processes[i], "summary", RANK_SUMMARY);
        ht_picture_draw_histograms(file->model, i, &summary.base);
    }
}
