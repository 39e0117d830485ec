// SPDX-License-Identifier: MIT
//
// Instants and slices. See the header; names and annotations are in docs/formats/perfetto.md.
#include "formats/perfetto_slices.h"

#include "formats/perfetto_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TYPE_BEGIN = 1,
    TYPE_END = 2,
    TYPE_INSTANT = 3,
    TID_UNKNOWN = INT32_MAX, // Perfetto's idle thread has tid 0
    ANNOTATIONS_MAX = 12,
    RANK_CHAINS = 1 << 20, // behind the heaps
};

// Interned numbers are these, plus one.
enum category { CATEGORY_REALLOC, CATEGORY_BLOCK, CATEGORY_CHAIN };
static const char *const categories[] = {"realloc", "block", "chain"};

enum event_name { REALLOC_MOVED, REALLOC_IN_PLACE, REALLOC_FAILED };
static const char *const event_names[] = {"realloc moved", "realloc in place", "realloc failed"};

enum annotation {
    HEAP,
    ADDRESS,
    OLD_ADDRESS,
    SIZE,
    OLD_SIZE,
    MOVED,
    BLOCK_ID,
    STEP,
    SOURCE,
    STACK_ID,
    STEPS,
    COPIED_BYTES,
    GROWTH,
    FIRST_SIZE,
    LAST_SIZE,
};
static const char *const annotation_names[] = {
    "heap",  "address",      "old_address", "size",       "old_size",
    "moved", "block_id",     "step",        "source",     "stack_id",
    "steps", "copied_bytes", "growth",      "first_size", "last_size"};

enum { NAMES_MAX = sizeof annotation_names / sizeof *annotation_names };

struct interned {
    Ht__Perfetto__InternedString items[NAMES_MAX];
    Ht__Perfetto__InternedString *pointers[NAMES_MAX];
};

static Ht__Perfetto__InternedString **intern(struct interned *interned, const char *const *names,
                                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Ht__Perfetto__InternedString *item = &interned->items[i];
        ht__perfetto__interned_string__init(item);
        item->has_iid = true;
        item->iid = i + 1;
        item->has_str = true;
        item->str.data = (uint8_t *)ht_perfetto_borrow(names[i]);
        item->str.len = strlen(names[i]);
        interned->pointers[i] = item;
    }
    return interned->pointers;
}

void ht_perfetto_begin_tracks(struct ht_perfetto_sink *sink)
{
    struct interned interned[3];
    Ht__Perfetto__InternedData data = HT__PERFETTO__INTERNED_DATA__INIT;
    data.n_event_categories = sizeof categories / sizeof *categories;
    data.event_categories = intern(&interned[0], categories, data.n_event_categories);
    data.n_event_names = sizeof event_names / sizeof *event_names;
    data.event_names = intern(&interned[1], event_names, data.n_event_names);
    data.n_debug_annotation_names = NAMES_MAX;
    data.debug_annotation_names = intern(&interned[2], annotation_names, NAMES_MAX);
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.sequence_flags = HT_PERFETTO_STATE_CLEARED | HT_PERFETTO_STATE_NEEDED;
    packet.interned_data = &data;
    ht_perfetto_put(sink, &packet);
}

// An event in the making.
struct builder {
    Ht__Perfetto__TrackEvent event;
    Ht__Perfetto__DebugAnnotation annotations[ANNOTATIONS_MAX];
    Ht__Perfetto__DebugAnnotation *pointers[ANNOTATIONS_MAX];
    uint64_t category;
};

static void begin_event(struct builder *builder, uint64_t track, uint32_t type,
                        enum category category)
{
    ht__perfetto__track_event__init(&builder->event);
    builder->event.has_type = true;
    builder->event.type = type;
    builder->event.has_track_uuid = true;
    builder->event.track_uuid = track;
    builder->category = (uint64_t)category + 1;
    builder->event.n_category_iids = 1;
    builder->event.category_iids = &builder->category;
    builder->event.debug_annotations = builder->pointers;
}

static Ht__Perfetto__DebugAnnotation *annotate(struct builder *builder, enum annotation name)
{
    size_t at = builder->event.n_debug_annotations++;
    Ht__Perfetto__DebugAnnotation *annotation = &builder->annotations[at];
    ht__perfetto__debug_annotation__init(annotation);
    annotation->has_name_iid = true;
    annotation->name_iid = (uint64_t)name + 1;
    builder->pointers[at] = annotation;
    return annotation;
}

static void annotate_number(struct builder *builder, enum annotation name, uint64_t value)
{
    Ht__Perfetto__DebugAnnotation *annotation = annotate(builder, name);
    annotation->has_uint_value = true;
    annotation->uint_value = value;
}

static void annotate_pointer(struct builder *builder, enum annotation name, uint64_t value)
{
    Ht__Perfetto__DebugAnnotation *annotation = annotate(builder, name);
    annotation->has_pointer_value = true;
    annotation->pointer_value = value;
}

static void put_event(struct ht_perfetto_sink *sink, Ht__Perfetto__TrackEvent *event,
                      uint64_t stamp)
{
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.has_timestamp = true;
    packet.timestamp = stamp;
    packet.track_event = event;
    ht_perfetto_put(sink, &packet);
}

static enum event_name name_of(const struct ht_event *event)
{
    if (event->address == 0)
        return REALLOC_FAILED;
    return ht_event_is_in_place(event) ? REALLOC_IN_PLACE : REALLOC_MOVED;
}

static void put_realloc(struct ht_perfetto_sink *sink, const struct ht_pick *pick, uint64_t track)
{
    const struct ht_event *event = &pick->event;
    struct builder builder;
    begin_event(&builder, track, TYPE_INSTANT, CATEGORY_REALLOC);
    builder.event.has_name_iid = true;
    builder.event.name_iid = (uint64_t)name_of(event) + 1;
    annotate_pointer(&builder, HEAP, event->heap);
    annotate_pointer(&builder, ADDRESS, event->address);
    annotate_pointer(&builder, OLD_ADDRESS, event->old_address);
    annotate_number(&builder, SIZE, event->size);
    annotate_number(&builder, OLD_SIZE, event->old_size);
    Ht__Perfetto__DebugAnnotation *moved = annotate(&builder, MOVED);
    moved->has_bool_value = true;
    moved->bool_value = name_of(event) == REALLOC_MOVED;
    if (pick->life.steps > 0) {
        annotate_number(&builder, BLOCK_ID, pick->life.id);
        annotate_number(&builder, STEP, pick->life.steps);
    }
    annotate_number(&builder, SOURCE, ht_event_source(event));
    if (ht_event_stack(event) != 0)
        annotate_number(&builder, STACK_ID, ht_event_stack(event));
    put_event(sink, &builder.event, pick->stamp_ns);
}

// Where a pick's thread is. Picks carry the number of their process in place of the pid, because
// a pid can be used again.
static uint64_t put_thread(struct ht_perfetto_sink *sink, const struct ht_perfetto_model *model,
                           const struct ht_event *event)
{
    bool is_known = event->tid != 0 && event->tid != UINT32_MAX;
    Ht__Perfetto__TrackDescriptor track = ht_perfetto_new_track(sink, 0, NULL);
    Ht__Perfetto__ThreadDescriptor thread = HT__PERFETTO__THREAD_DESCRIPTOR__INIT;
    thread.has_pid = true;
    thread.pid = ht_perfetto_pid(model->processes[event->pid].pid);
    thread.has_tid = true;
    thread.tid = is_known ? event->tid : TID_UNKNOWN;
    if (!is_known)
        thread.thread_name = ht_perfetto_borrow("unknown thread");
    track.thread = &thread;
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.has_timestamp = true;
    packet.timestamp = ht_perfetto_process_stamp(model, event->pid);
    packet.track_descriptor = &track;
    ht_perfetto_put(sink, &packet);
    return track.uuid;
}

void ht_perfetto_put_reallocs(struct ht_perfetto_sink *sink, struct ht_perfetto_model *model)
{
    struct ht_budget *reallocs = &model->reallocs;
    struct ht_perfetto_index threads = {0};
    ht_budget_stamp(reallocs, model->base_ns);
    uint64_t first = sink->tracks + 1; // threads are the only tracks made here
    for (uint32_t i = 0; i < reallocs->count && sink->status == HT_OK; i++) {
        const struct ht_event *event = &reallocs->picks[i].event;
        uint32_t thread = ht_perfetto_index_find(&threads, event->tid, event->pid);
        if (thread == HT_PERFETTO_NONE) {
            thread = (uint32_t)(put_thread(sink, model, event) - first);
            sink->status =
                ht_perfetto_index_put(&threads, event->tid, event->pid, thread, sink->error);
        }
        put_realloc(sink, &reallocs->picks[i], first + thread);
    }
    ht_perfetto_index_reset(&threads);
}

static void describe_size(uint64_t size, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    uint64_t shown = size;
    for (; shown >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        shown /= 1024;
    snprintf(text, 32, "%" PRIu64 " %s", shown, units[unit]);
}

// "app.exe+0x1234": few distinct names, so that the viewer's tables add up by site.
static void name_site(const struct ht_perfetto_model *model, const struct ht_pick *pick,
                      char name[HT_PERFETTO_NAME_SIZE], const char *fallback)
{
    uint32_t stack = model->sites.sites[pick->life.site].stack;
    name[0] = '\0';
    if (stack != HT_PERFETTO_OTHER_STACKS)
        ht_perfetto_site_name(model->trace->dict, stack, name);
    if (name[0] == '\0')
        snprintf(name, HT_PERFETTO_NAME_SIZE, "%s", fallback);
}

static void annotate_block(struct builder *builder, const struct ht_pick *pick)
{
    if (pick->event.heap != 0)
        annotate_pointer(builder, HEAP, pick->event.heap);
    annotate_pointer(builder, ADDRESS, pick->event.address);
    annotate_number(builder, SIZE, pick->event.size);
    annotate_number(builder, BLOCK_ID, pick->life.id);
}

static void annotate_chain(struct builder *builder, const struct ht_pick *pick)
{
    const struct ht_pick_life *life = &pick->life;
    annotate_number(builder, STEPS, life->steps);
    annotate_number(builder, COPIED_BYTES, life->copied_bytes);
    annotate_number(builder, FIRST_SIZE, life->first_size);
    annotate_number(builder, LAST_SIZE, pick->event.size);
    Ht__Perfetto__DebugAnnotation *growth = annotate(builder, GROWTH);
    growth->has_double_value = true;
    growth->double_value =
        life->first_size > 0 ? (double)pick->event.size / (double)life->first_size : 0;
}

// Slices of one kind of one process. Those that overlap are put on tracks of equal name, which the
// viewer shows as lanes of one.
struct lanes {
    struct ht_perfetto_sink *sink;
    const struct ht_perfetto_model *model;
    uint64_t process; // track
    enum category category;
    const char *name;
    int32_t rank;
    uint64_t tracks[HT_PERFETTO_SLICES_MAX];
    uint64_t free_from[HT_PERFETTO_SLICES_MAX]; // stamp, UINT64_MAX with an open slice
    uint32_t count;
};

static uint64_t end_of(const struct lanes *lanes, const struct ht_pick *pick)
{
    if (pick->life.end_ns == HT_TIME_UNKNOWN)
        return UINT64_MAX;
    uint64_t end = ht_perfetto_stamp(lanes->model, pick->life.end_ns);
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
            ht_perfetto_new_track(lanes->sink, lanes->process, lanes->name);
        track.has_sibling_order_rank = true;
        track.sibling_order_rank = lanes->rank;
        ht_perfetto_put_track(lanes->sink, &track);
        lanes->tracks[lanes->count++] = track.uuid;
    }
    lanes->free_from[lane] = end_of(lanes, pick);
    return lanes->tracks[lane];
}

static void put_slice(struct lanes *lanes, const struct ht_pick *pick)
{
    char name[HT_PERFETTO_NAME_SIZE];
    char title[HT_PERFETTO_NAME_SIZE + 64];
    char size[32];
    struct builder builder;
    uint64_t track = take_lane(lanes, pick);
    begin_event(&builder, track, TYPE_BEGIN, lanes->category);
    name_site(lanes->model, pick, name, lanes->category == CATEGORY_CHAIN ? "chain" : "block");
    annotate_block(&builder, pick);
    builder.event.name = name;
    if (lanes->category == CATEGORY_CHAIN) {
        describe_size(pick->event.size, size);
        snprintf(title, sizeof title, "%s x%" PRIu32 " to %s", name, pick->life.steps, size);
        builder.event.name = title;
        annotate_chain(&builder, pick);
    }
    put_event(lanes->sink, &builder.event, pick->stamp_ns);
    if (pick->life.end_ns == HT_TIME_UNKNOWN)
        return;
    begin_event(&builder, track, TYPE_END, lanes->category);
    builder.event.n_category_iids = 0;
    put_event(lanes->sink, &builder.event, end_of(lanes, pick));
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
    for (uint32_t i = 0; i < budget->count; i++)
        budget->picks[i].stamp_ns = ht_perfetto_stamp(lanes->model, budget->picks[i].event.time_ns);
    if (budget->count > 0)
        qsort(budget->picks, budget->count, sizeof *budget->picks, compare_begin);
    for (uint32_t i = 0; i < budget->count; i++)
        put_slice(lanes, &budget->picks[i]);
}

void ht_perfetto_put_slices(struct ht_perfetto_sink *sink, struct ht_perfetto_model *model,
                            const struct ht_perfetto_tracks *tracks)
{
    for (uint32_t i = 0; i < model->process_count; i++) {
        struct lanes chains = {.sink = sink,
                               .model = model,
                               .process = tracks->process[i],
                               .category = CATEGORY_CHAIN,
                               .name = "Realloc chains",
                               .rank = RANK_CHAINS};
        struct lanes blocks = {.sink = sink,
                               .model = model,
                               .process = tracks->process[i],
                               .category = CATEGORY_BLOCK,
                               .name = "Large and long-lived blocks",
                               .rank = RANK_CHAINS + 1};
        put_lanes(&chains, &model->processes[i].chains);
        put_lanes(&blocks, &model->processes[i].blocks);
    }
}
