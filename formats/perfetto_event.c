// SPDX-License-Identifier: MIT
//
// Slices and instants as packets. See the header.
#include "formats/perfetto_event.h"

#include "formats/packet.h"

#include <assert.h>
#include <string.h>

// Fields of TrackEvent and of DebugAnnotation, see perfetto.proto.
enum {
    EVENT_CATEGORY_IIDS = 3,
    EVENT_DEBUG_ANNOTATIONS = 4,
    EVENT_TYPE = 9,
    EVENT_NAME_IID = 10,
    EVENT_TRACK_UUID = 11,
    EVENT_NAME = 23,
    EVENT_FLOW_IDS = 47,
    EVENT_CALLSTACK_IID = 56,
    ANNOTATION_NAME_IID = 1,
    ANNOTATION_BOOL_VALUE = 2,
    ANNOTATION_UINT_VALUE = 3,
    ANNOTATION_DOUBLE_VALUE = 5,
    ANNOTATION_STRING_VALUE = 6,
    ANNOTATION_POINTER_VALUE = 7,
};

enum {
    TEXT_BYTES_MAX = 32,                        // of an argument: they are kinds
    ANNOTATION_BYTES_MAX = TEXT_BYTES_MAX + 32, // with its head
    EVENT_BYTES_MAX = HT_PICTURE_ARGS * ANNOTATION_BYTES_MAX + sizeof(struct ht_picture_event) + 96,
};

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

static uint8_t *put_value(uint8_t *at, const struct ht_picture_argument *argument)
{
    switch (argument->type) {
    case HT_PICTURE_NUMBER:
        return ht_field_put_number(at, ANNOTATION_UINT_VALUE, argument->number);
    case HT_PICTURE_POINTER:
        return ht_field_put_number(at, ANNOTATION_POINTER_VALUE, argument->number);
    case HT_PICTURE_REAL:
        return ht_field_put_real(at, ANNOTATION_DOUBLE_VALUE, argument->real);
    case HT_PICTURE_FLAG:
        return ht_field_put_number(at, ANNOTATION_BOOL_VALUE, argument->flag);
    default: // HT_PICTURE_TEXT
        assert(strlen(argument->text) <= TEXT_BYTES_MAX);
        return ht_field_put_bytes(at, ANNOTATION_STRING_VALUE, argument->text,
                                  strlen(argument->text));
    }
}

static uint8_t *annotate(uint8_t *at, const struct ht_picture_argument *argument)
{
    uint8_t annotation[ANNOTATION_BYTES_MAX];
    uint8_t *end =
        ht_field_put_number(annotation, ANNOTATION_NAME_IID, (uint64_t)argument->arg + 1);
    end = put_value(end, argument);
    return ht_field_put_bytes(at, EVENT_DEBUG_ANNOTATIONS, annotation, (size_t)(end - annotation));
}

void ht_perfetto_put_event(struct ht_perfetto_file *file, uint64_t track,
                           enum ht_perfetto_type type, const struct ht_picture_event *shown,
                           uint64_t stamp)
{
    uint8_t event[EVENT_BYTES_MAX];
    bool is_titled = shown->name == HT_PICTURE_TITLED;
    uint64_t stack = ht_perfetto_use_stack(file->stacks, shown->stack);
    uint8_t *at = ht_field_put_number(event, EVENT_CATEGORY_IIDS, (uint64_t)shown->category + 1);
    for (uint32_t i = 0; i < shown->arg_count; i++)
        at = annotate(at, &shown->args[i]);
    at = ht_field_put_number(at, EVENT_TYPE, type);
    if (!is_titled)
        at = ht_field_put_number(at, EVENT_NAME_IID, (uint64_t)shown->name + 1);
    at = ht_field_put_number(at, EVENT_TRACK_UUID, track);
    if (is_titled)
        at = ht_field_put_bytes(at, EVENT_NAME, shown->title, strlen(shown->title));
    if (shown->flow != 0)
        at = ht_field_put_fixed64(at, EVENT_FLOW_IDS, shown->flow);
    if (stack != 0)
        at = ht_field_put_number(at, EVENT_CALLSTACK_IID, stack);
    ht_perfetto_put_packed(&file->sink, stamp, event, (size_t)(at - event));
}

void ht_perfetto_put_end(struct ht_perfetto_file *file, uint64_t track, uint64_t stamp)
{
    uint8_t event[2 * HT_VARINT_SIZE_MAX + 8];
    uint8_t *at = ht_field_put_number(event, EVENT_TYPE, HT_PERFETTO_END);
    at = ht_field_put_number(at, EVENT_TRACK_UUID, track);
    ht_perfetto_put_packed(&file->sink, stamp, event, (size_t)(at - event));
}
