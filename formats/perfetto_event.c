// SPDX-License-Identifier: MIT
//
// Slices and instants in the making. See the header.
#include "formats/perfetto_event.h"

#include <string.h>

// Interned numbers are the enumerators plus one.
static const char *const categories[] = {"realloc", "block", "chain", "histogram",
                                         "alloc",   "free",  "mark"};
static const char *const event_names[] = {"realloc moved", "realloc in place", "realloc failed",
                                          "alloc",         "alloc failed",     "free"};
static const char *const arg_names[HT_PERFETTO_ARGS] = {
    [HT_PERFETTO_ARG_HEAP] = "heap",
    [HT_PERFETTO_ARG_ADDRESS] = "address",
    [HT_PERFETTO_ARG_OLD_ADDRESS] = "old_address",
    [HT_PERFETTO_ARG_SIZE] = "size",
    [HT_PERFETTO_ARG_OLD_SIZE] = "old_size",
    [HT_PERFETTO_ARG_MOVED] = "moved",
    [HT_PERFETTO_ARG_BLOCK_ID] = "block_id",
    [HT_PERFETTO_ARG_STEP] = "step",
    [HT_PERFETTO_ARG_SOURCE] = "source",
    [HT_PERFETTO_ARG_STACK_ID] = "stack_id",
    [HT_PERFETTO_ARG_STEPS] = "steps",
    [HT_PERFETTO_ARG_COPIED_BYTES] = "copied_bytes",
    [HT_PERFETTO_ARG_GROWTH] = "growth",
    [HT_PERFETTO_ARG_FIRST_SIZE] = "first_size",
    [HT_PERFETTO_ARG_LAST_SIZE] = "last_size",
    [HT_PERFETTO_ARG_KIND] = "kind",
    [HT_PERFETTO_ARG_BUCKET_LO] = "bucket_lo",
    [HT_PERFETTO_ARG_BUCKET_HI] = "bucket_hi",
    [HT_PERFETTO_ARG_COUNT] = "count",
    [HT_PERFETTO_ARG_ALLOC_TID] = "alloc_tid",
};

struct interned {
    Ht__Perfetto__InternedString items[HT_PERFETTO_ARGS];
    Ht__Perfetto__InternedString *pointers[HT_PERFETTO_ARGS];
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
    data.n_debug_annotation_names = HT_PERFETTO_ARGS;
    data.debug_annotation_names = intern(&interned[2], arg_names, HT_PERFETTO_ARGS);
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.sequence_flags = HT_PERFETTO_STATE_CLEARED | HT_PERFETTO_STATE_NEEDED;
    packet.interned_data = &data;
    ht_perfetto_put(sink, &packet);
}

void ht_perfetto_begin_event(struct ht_perfetto_event *event, uint64_t track, uint32_t type,
                             enum ht_perfetto_category category)
{
    ht__perfetto__track_event__init(&event->message);
    event->message.has_type = true;
    event->message.type = type;
    event->message.has_track_uuid = true;
    event->message.track_uuid = track;
    event->category = (uint64_t)category + 1;
    event->message.n_category_iids = type != HT_PERFETTO_END;
    event->message.category_iids = &event->category;
    event->message.debug_annotations = event->pointers;
}

void ht_perfetto_name_event(struct ht_perfetto_event *event, enum ht_perfetto_event_name name)
{
    event->message.has_name_iid = true;
    event->message.name_iid = (uint64_t)name + 1;
}

void ht_perfetto_link_event(struct ht_perfetto_event *event, uint64_t flow)
{
    event->flow = flow;
    event->message.n_flow_ids = 1;
    event->message.flow_ids = &event->flow;
}

Ht__Perfetto__DebugAnnotation *ht_perfetto_annotate(struct ht_perfetto_event *event,
                                                    enum ht_perfetto_arg arg)
{
    size_t at = event->message.n_debug_annotations++;
    Ht__Perfetto__DebugAnnotation *annotation = &event->annotations[at];
    ht__perfetto__debug_annotation__init(annotation);
    annotation->has_name_iid = true;
    annotation->name_iid = (uint64_t)arg + 1;
    event->pointers[at] = annotation;
    return annotation;
}

void ht_perfetto_annotate_number(struct ht_perfetto_event *event, enum ht_perfetto_arg arg,
                                 uint64_t value)
{
    Ht__Perfetto__DebugAnnotation *annotation = ht_perfetto_annotate(event, arg);
    annotation->has_uint_value = true;
    annotation->uint_value = value;
}

void ht_perfetto_annotate_pointer(struct ht_perfetto_event *event, enum ht_perfetto_arg arg,
                                  uint64_t value)
{
    Ht__Perfetto__DebugAnnotation *annotation = ht_perfetto_annotate(event, arg);
    annotation->has_pointer_value = true;
    annotation->pointer_value = value;
}

void ht_perfetto_put_event(struct ht_perfetto_sink *sink, struct ht_perfetto_event *event,
                           uint64_t stamp)
{
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.has_timestamp = true;
    packet.timestamp = stamp;
    packet.track_event = &event->message;
    ht_perfetto_put(sink, &packet);
}
