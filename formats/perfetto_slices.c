// SPDX-License-Identifier: MIT
//
// Instants and slices. See the header; names and annotations are in docs/formats/perfetto.md.
#include "formats/perfetto_slices.h"

#include "formats/perfetto_event.h"
#include "formats/perfetto_marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANK_CHAINS = 1 << 20 }; // behind the heaps

// Flows of a chain link its first steps only: more arrows cannot be told apart.
enum { LINKED_STEPS_MAX = 50 };

static uint64_t flow_of(uint64_t block_id)
{
    return block_id + 1; // not 0
}

static enum ht_perfetto_event_name name_of(const struct ht_event *event)
{
    switch (event->kind) {
    case HT_KIND_ALLOC:
        return event->address != 0 ? HT_PERFETTO_ALLOC : HT_PERFETTO_ALLOC_FAILED;
    case HT_KIND_FREE:
        return HT_PERFETTO_FREE;
    default:
        if (event->address == 0)
            return HT_PERFETTO_REALLOC_FAILED;
        return ht_event_is_in_place(event) ? HT_PERFETTO_REALLOC_IN_PLACE
                                           : HT_PERFETTO_REALLOC_MOVED;
    }
}

static enum ht_perfetto_category category_of(const struct ht_event *event)
{
    switch (event->kind) {
    case HT_KIND_ALLOC:
        return HT_PERFETTO_CATEGORY_ALLOC;
    case HT_KIND_FREE:
        return HT_PERFETTO_CATEGORY_FREE;
    default:
        return HT_PERFETTO_CATEGORY_REALLOC;
    }
}

static void annotate_realloc(struct ht_perfetto_event *shown, const struct ht_event *event)
{
    ht_perfetto_annotate_pointer(shown, HT_PERFETTO_ARG_OLD_ADDRESS, event->old_address);
    ht_perfetto_annotate_number(shown, HT_PERFETTO_ARG_OLD_SIZE, event->old_size);
    Ht__Perfetto__DebugAnnotation *moved = ht_perfetto_annotate(shown, HT_PERFETTO_ARG_MOVED);
    moved->has_bool_value = true;
    moved->bool_value = name_of(event) == HT_PERFETTO_REALLOC_MOVED;
}

static void use_stack(struct ht_perfetto_file *file, struct ht_perfetto_event *shown,
                      uint32_t stack)
{
    shown->message.callstack_iid = ht_perfetto_use_stack(file->stacks, stack);
    shown->message.has_callstack_iid = shown->message.callstack_iid != 0;
}

void ht_perfetto_put_instant(struct ht_perfetto_file *file, const struct ht_perfetto_instant *what)
{
    const struct ht_event *event = what->event;
    struct ht_perfetto_event shown;
    struct ht_perfetto_thread *thread = ht_perfetto_file_thread(file, what->process, event->tid);
    if (thread == NULL)
        return;
    ht_perfetto_begin_event(&shown, thread->track, HT_PERFETTO_INSTANT, category_of(event));
    ht_perfetto_name_event(&shown, name_of(event));
    ht_perfetto_annotate_pointer(&shown, HT_PERFETTO_ARG_HEAP, event->heap);
    ht_perfetto_annotate_pointer(&shown, HT_PERFETTO_ARG_ADDRESS, event->address);
    ht_perfetto_annotate_number(&shown, HT_PERFETTO_ARG_SIZE, event->size);
    if (event->kind == HT_KIND_REALLOC)
        annotate_realloc(&shown, event);
    if (what->life != NULL)
        ht_perfetto_annotate_number(&shown, HT_PERFETTO_ARG_BLOCK_ID, what->life->id);
    if (what->life != NULL && event->kind == HT_KIND_REALLOC) {
        ht_perfetto_annotate_number(&shown, HT_PERFETTO_ARG_STEP, what->life->steps);
        if (what->is_linked && what->life->steps <= LINKED_STEPS_MAX)
            ht_perfetto_link_event(&shown, flow_of(what->life->id));
    }
    if (event->kind == HT_KIND_FREE && what->life != NULL)
        ht_perfetto_annotate_number(&shown, HT_PERFETTO_ARG_ALLOC_TID, what->alloc_tid);
    ht_perfetto_annotate_number(&shown, HT_PERFETTO_ARG_SOURCE, ht_event_source(event));
    if (ht_event_stack(event) != 0)
        ht_perfetto_annotate_number(&shown, HT_PERFETTO_ARG_STACK_ID, ht_event_stack(event));
    use_stack(file, &shown, ht_event_stack(event));
    // Viewers nest instants of one stamp, and drop them when they nest too deep.
    uint64_t stamp = what->stamp > thread->next ? what->stamp : thread->next;
    thread->next = stamp + 1;
    ht_perfetto_put_event(&file->sink, &shown, stamp);
}

// The blocks whose chains are shown: their reallocs are linked.
static enum ht_status find_linked(const struct ht_picture_model *model,
                                  struct ht_picture_index *linked, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct ht_budget *chains = &model->processes[i].chains;
        for (uint32_t k = 0; k < chains->count && status == HT_OK; k++)
            status = ht_picture_index_put(linked, chains->picks[k].life.id, 0, 1, error);
    }
    return status;
}

void ht_perfetto_put_reallocs(struct ht_perfetto_file *file, struct ht_picture_model *model)
{
    struct ht_perfetto_sink *sink = &file->sink;
    struct ht_budget *reallocs = &model->reallocs;
    struct ht_picture_index linked = {0};
    if (sink->status == HT_OK)
        sink->status = find_linked(model, &linked, sink->error);
    ht_budget_stamp(reallocs, model->base_ns);
    for (uint32_t i = 0; i < reallocs->count && sink->status == HT_OK; i++) {
        const struct ht_pick *pick = &reallocs->picks[i];
        // Picks carry the number of their process in place of the pid, because a pid can be used
        // again.
        struct ht_perfetto_instant instant = {
            .event = &pick->event,
            .life = pick->life.steps > 0 ? &pick->life : NULL,
            .process = pick->event.pid,
            .stamp = pick->stamp_ns,
            .is_linked = ht_picture_index_find(&linked, pick->life.id, 0) != HT_PICTURE_NONE,
        };
        ht_perfetto_put_instant(file, &instant);
    }
    ht_picture_index_reset(&linked);
}

// The stack of a block's site, 0 where there is none.
static uint32_t stack_of(const struct ht_picture_model *model, const struct ht_pick *pick)
{
    uint32_t stack = model->sites.sites[pick->life.site].stack;
    return stack != HT_PICTURE_OTHER_STACKS ? stack : 0;
}

// "app.exe+0x1234": few distinct names, so that the viewer's tables add up by site.
static void name_site(const struct ht_picture_model *model, const struct ht_pick *pick,
                      char name[HT_PICTURE_NAME_SIZE], const char *fallback)
{
    name[0] = '\0';
    ht_picture_site_name(model->trace->dict, stack_of(model, pick), name);
    if (name[0] == '\0')
        snprintf(name, HT_PICTURE_NAME_SIZE, "%s", fallback);
}

static void annotate_block(struct ht_perfetto_event *shown, const struct ht_pick *pick)
{
    if (pick->event.heap != 0)
        ht_perfetto_annotate_pointer(shown, HT_PERFETTO_ARG_HEAP, pick->event.heap);
    ht_perfetto_annotate_pointer(shown, HT_PERFETTO_ARG_ADDRESS, pick->event.address);
    ht_perfetto_annotate_number(shown, HT_PERFETTO_ARG_SIZE, pick->event.size);
    ht_perfetto_annotate_number(shown, HT_PERFETTO_ARG_BLOCK_ID, pick->life.id);
}

static void annotate_chain(struct ht_perfetto_event *shown, const struct ht_pick *pick)
{
    const struct ht_pick_life *life = &pick->life;
    ht_perfetto_annotate_number(shown, HT_PERFETTO_ARG_STEPS, life->steps);
    ht_perfetto_annotate_number(shown, HT_PERFETTO_ARG_COPIED_BYTES, life->copied_bytes);
    ht_perfetto_annotate_number(shown, HT_PERFETTO_ARG_FIRST_SIZE, life->first_size);
    ht_perfetto_annotate_number(shown, HT_PERFETTO_ARG_LAST_SIZE, pick->event.size);
    Ht__Perfetto__DebugAnnotation *growth = ht_perfetto_annotate(shown, HT_PERFETTO_ARG_GROWTH);
    growth->has_double_value = true;
    growth->double_value =
        life->first_size > 0 ? (double)pick->event.size / (double)life->first_size : 0;
}

// Slices of one kind of one process. Those that overlap are put on tracks of equal name, which the
// viewer shows as lanes of one.
struct lanes {
    struct ht_perfetto_file *file;
    const struct ht_picture_model *model;
    uint64_t process; // track
    enum ht_perfetto_category category;
    const char *name;
    int32_t rank;
    uint64_t tracks[HT_PICTURE_SLICES_MAX];
    uint64_t free_from[HT_PICTURE_SLICES_MAX]; // stamp, UINT64_MAX with an open slice
    uint32_t count;
};

static uint64_t end_of(const struct lanes *lanes, const struct ht_pick *pick)
{
    if (pick->life.end_ns == HT_TIME_UNKNOWN)
        return UINT64_MAX;
    uint64_t end = ht_picture_stamp(lanes->model, pick->life.end_ns);
    return end > pick->stamp_ns ? end : pick->stamp_ns + 1;
}

// The track of the first lane that is free, until the pick's end.
static uint64_t take_lane(struct lanes *lanes, const struct ht_pick *pick)
{
    uint32_t lane = 0;
    while (lane < lanes->count && lanes->free_from[lane] >= pick->stamp_ns)
        lane++;
    if (lane == lanes->count) {
        Ht__Perfetto__TrackDescriptor track =
            ht_perfetto_new_track(&lanes->file->sink, lanes->process, lanes->name);
        track.has_sibling_order_rank = true;
        track.sibling_order_rank = lanes->rank;
        ht_perfetto_put_track(&lanes->file->sink, &track);
        lanes->tracks[lanes->count++] = track.uuid;
    }
    lanes->free_from[lane] = end_of(lanes, pick);
    return lanes->tracks[lane];
}

static void put_slice(struct lanes *lanes, const struct ht_pick *pick)
{
    char name[HT_PICTURE_NAME_SIZE];
    char title[HT_PICTURE_NAME_SIZE + 64];
    char size[32];
    struct ht_perfetto_event shown;
    uint64_t track = take_lane(lanes, pick);
    ht_perfetto_begin_event(&shown, track, HT_PERFETTO_BEGIN, lanes->category);
    name_site(lanes->model, pick, name,
              lanes->category == HT_PERFETTO_CATEGORY_CHAIN ? "chain" : "block");
    annotate_block(&shown, pick);
    shown.message.name = name;
    if (lanes->category == HT_PERFETTO_CATEGORY_CHAIN) {
        ht_perfetto_describe_size(pick->event.size, size);
        snprintf(title, sizeof title, "%s x%" PRIu32 " to %s", name, pick->life.steps, size);
        shown.message.name = title;
        annotate_chain(&shown, pick);
        ht_perfetto_link_event(&shown, flow_of(pick->life.id));
    }
    use_stack(lanes->file, &shown, stack_of(lanes->model, pick));
    ht_perfetto_put_event(&lanes->file->sink, &shown, pick->stamp_ns);
    if (pick->life.end_ns == HT_TIME_UNKNOWN)
        return;
    ht_perfetto_begin_event(&shown, track, HT_PERFETTO_END, lanes->category);
    ht_perfetto_put_event(&lanes->file->sink, &shown, end_of(lanes, pick));
}

static int compare_begin(const void *left, const void *right)
{
    const struct ht_pick *a = left;
    const struct ht_pick *b = right;
    if (a->stamp_ns != b->stamp_ns)
        return a->stamp_ns < b->stamp_ns ? -1 : 1;
    return a->life.id < b->life.id ? -1 : a->life.id > b->life.id;
}

static void put_lanes(struct lanes *lanes, struct ht_budget *budget)
{
    uint64_t least = ht_picture_stamp(lanes->model, lanes->model->piece_ns);
    for (uint32_t i = 0; i < budget->count; i++) {
        uint64_t stamp = ht_picture_stamp(lanes->model, budget->picks[i].event.time_ns);
        budget->picks[i].stamp_ns = stamp > least ? stamp : least;
    }
    if (budget->count > 0)
        qsort(budget->picks, budget->count, sizeof *budget->picks, compare_begin);
    for (uint32_t i = 0; i < budget->count && lanes->file->sink.status == HT_OK; i++)
        put_slice(lanes, &budget->picks[i]);
}

void ht_perfetto_put_slices(struct ht_perfetto_file *file, struct ht_picture_model *model)
{
    for (uint32_t i = 0; i < model->process_count; i++) {
        struct lanes chains = {.file = file,
                               .model = model,
                               .process = file->processes[i],
                               .category = HT_PERFETTO_CATEGORY_CHAIN,
                               .name = "Realloc chains",
                               .rank = RANK_CHAINS};
        struct lanes blocks = {.file = file,
                               .model = model,
                               .process = file->processes[i],
                               .category = HT_PERFETTO_CATEGORY_BLOCK,
                               .name = "Large and long-lived blocks",
                               .rank = RANK_CHAINS + 1};
        put_lanes(&chains, &model->processes[i].chains);
        put_lanes(&blocks, &model->processes[i].blocks);
    }
}
