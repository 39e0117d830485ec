// SPDX-License-Identifier: MIT
//
// Slices and instants as packets. See the header.
#include "formats/perfetto_event.h"

#include <assert.h>
#include <string.h>

enum { END = 2 }; // of the types of a track event

// Texts of one sort. Their interned numbers are the enumerators plus one.
struct interned {
    Ht__Perfetto__InternedString items[HT_PICTURE_ARGS];
    Ht__Perfetto__InternedString *pointers[HT_PICTURE_ARGS];
};
static_assert((int)HT_PICTURE_NAMES <= (int)HT_PICTURE_ARGS &&
                  (int)HT_PICTURE_CATEGORIES <= (int)HT_PICTURE_ARGS,
              "texts of any sort fit");

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
    data.n_event_categories = HT_PICTURE_CATEGORIES;
    data.event_categories = intern(&interned[0], ht_picture_category_texts, HT_PICTURE_CATEGORIES);
    data.n_event_names = HT_PICTURE_NAMES;
    data.event_names = intern(&interned[1], ht_picture_name_texts, HT_PICTURE_NAMES);
    data.n_debug_annotation_names = HT_PICTURE_ARGS;
    data.debug_annotation_names = intern(&interned[2], ht_picture_arg_texts, HT_PICTURE_ARGS);
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.sequence_flags = HT_PERFETTO_STATE_CLEARED | HT_PERFETTO_STATE_NEEDED;
    packet.interned_data = &data;
    ht_perfetto_put(sink, &packet);
}

static void annotate(Ht__Perfetto__DebugAnnotation *annotation,
                     const struct ht_picture_argument *argument)
{
    ht__perfetto__debug_annotation__init(annotation);
    annotation->has_name_iid = true;
    annotation->name_iid = (uint64_t)argument->arg + 1;
    switch (argument->type) {
    case HT_PICTURE_NUMBER:
        annotation->has_uint_value = true;
        annotation->uint_value = argument->number;
        break;
    case HT_PICTURE_POINTER:
        annotation->has_pointer_value = true;
        annotation->pointer_value = argument->number;
        break;
    case HT_PICTURE_REAL:
        annotation->has_double_value = true;
        annotation->double_value = argument->real;
        break;
    case HT_PICTURE_FLAG:
        annotation->has_bool_value = true;
        annotation->bool_value = argument->flag;
        break;
    default: // HT_PICTURE_TEXT
        annotation->string_value = ht_perfetto_borrow(argument->text);
    }
}

static void put_message(struct ht_perfetto_sink *sink, Ht__Perfetto__TrackEvent *message,
                        uint32_t type, uint64_t track, uint64_t stamp)
{
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    message->has_type = true;
    message->type = type;
    message->has_track_uuid = true;
    message->track_uuid = track;
    packet.has_timestamp = true;
    packet.timestamp = stamp;
    packet.track_event = message;
    ht_perfetto_put(sink, &packet);
}

void ht_perfetto_put_event(struct ht_perfetto_file *file, uint64_t track, uint32_t type,
                           const struct ht_picture_event *shown, uint64_t stamp)
{
    Ht__Perfetto__TrackEvent message = HT__PERFETTO__TRACK_EVENT__INIT;
    Ht__Perfetto__DebugAnnotation annotations[HT_PICTURE_ARGS];
    Ht__Perfetto__DebugAnnotation *pointers[HT_PICTURE_ARGS];
    uint64_t category = (uint64_t)shown->category + 1;
    uint64_t flow = shown->flow;
    for (uint32_t i = 0; i < shown->arg_count; i++) {
        annotate(&annotations[i], &shown->args[i]);
        pointers[i] = &annotations[i];
    }
    message.n_category_iids = 1;
    message.category_iids = &category;
    message.has_name_iid = shown->name != HT_PICTURE_TITLED;
    message.name_iid = message.has_name_iid ? (uint64_t)shown->name + 1 : 0;
    message.name = message.has_name_iid ? NULL : ht_perfetto_borrow(shown->title);
    message.n_debug_annotations = shown->arg_count;
    message.debug_annotations = pointers;
    message.n_flow_ids = flow != 0;
    message.flow_ids = &flow;
    message.callstack_iid = ht_perfetto_use_stack(file->stacks, shown->stack);
    message.has_callstack_iid = message.callstack_iid != 0;
    put_message(&file->sink, &message, type, track, stamp);
}

void ht_perfetto_put_end(struct ht_perfetto_file *file, uint64_t track, uint64_t stamp)
{
    Ht__Perfetto__TrackEvent message = HT__PERFETTO__TRACK_EVENT__INIT;
    put_message(&file->sink, &message, END, track, stamp);
}
