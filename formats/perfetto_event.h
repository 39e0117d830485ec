// SPDX-License-Identifier: MIT
//
// Slices and instants in the making: type, category, name and annotations of one track event.
#ifndef HT_FORMATS_PERFETTO_EVENT_H
#define HT_FORMATS_PERFETTO_EVENT_H

#include "formats/perfetto_file.h"

enum { HT_PERFETTO_BEGIN = 1, HT_PERFETTO_END = 2, HT_PERFETTO_INSTANT = 3 }; // types

enum ht_perfetto_category {
    HT_PERFETTO_CATEGORY_REALLOC,
    HT_PERFETTO_CATEGORY_BLOCK,
    HT_PERFETTO_CATEGORY_CHAIN,
    HT_PERFETTO_CATEGORY_HISTOGRAM,
    HT_PERFETTO_CATEGORY_ALLOC,
    HT_PERFETTO_CATEGORY_FREE,
    HT_PERFETTO_CATEGORY_MARK,
};

enum ht_perfetto_event_name {
    HT_PERFETTO_REALLOC_MOVED,
    HT_PERFETTO_REALLOC_IN_PLACE,
    HT_PERFETTO_REALLOC_FAILED,
    HT_PERFETTO_ALLOC,
    HT_PERFETTO_ALLOC_FAILED,
    HT_PERFETTO_FREE,
};

enum ht_perfetto_arg {
    HT_PERFETTO_ARG_HEAP,
    HT_PERFETTO_ARG_ADDRESS,
    HT_PERFETTO_ARG_OLD_ADDRESS,
    HT_PERFETTO_ARG_SIZE,
    HT_PERFETTO_ARG_OLD_SIZE,
    HT_PERFETTO_ARG_MOVED,
    HT_PERFETTO_ARG_BLOCK_ID,
    HT_PERFETTO_ARG_STEP,
    HT_PERFETTO_ARG_SOURCE,
    HT_PERFETTO_ARG_STACK_ID,
    HT_PERFETTO_ARG_STEPS,
    HT_PERFETTO_ARG_COPIED_BYTES,
    HT_PERFETTO_ARG_GROWTH,
    HT_PERFETTO_ARG_FIRST_SIZE,
    HT_PERFETTO_ARG_LAST_SIZE,
    HT_PERFETTO_ARG_KIND,
    HT_PERFETTO_ARG_BUCKET_LO,
    HT_PERFETTO_ARG_BUCKET_HI,
    HT_PERFETTO_ARG_COUNT,
    HT_PERFETTO_ARG_ALLOC_TID,
    HT_PERFETTO_ARGS,
};

// Points into itself: not to be copied.
struct ht_perfetto_event {
    Ht__Perfetto__TrackEvent message;
    Ht__Perfetto__DebugAnnotation annotations[HT_PERFETTO_ARGS];
    Ht__Perfetto__DebugAnnotation *pointers[HT_PERFETTO_ARGS];
    uint64_t category;
    uint64_t flow;
};

// Begins the sequence of the tracks: must be its first packet. Names what its events are called.
void ht_perfetto_begin_tracks(struct ht_perfetto_sink *sink);

void ht_perfetto_begin_event(struct ht_perfetto_event *event, uint64_t track, uint32_t type,
                             enum ht_perfetto_category category);
void ht_perfetto_name_event(struct ht_perfetto_event *event, enum ht_perfetto_event_name name);

// Links the event with all others of the same flow, which is not 0.
void ht_perfetto_link_event(struct ht_perfetto_event *event, uint64_t flow);

// A new annotation, whose value is the caller's to set; the two most frequent ones with it.
Ht__Perfetto__DebugAnnotation *ht_perfetto_annotate(struct ht_perfetto_event *event,
                                                    enum ht_perfetto_arg arg);
void ht_perfetto_annotate_number(struct ht_perfetto_event *event, enum ht_perfetto_arg arg,
                                 uint64_t value);
void ht_perfetto_annotate_pointer(struct ht_perfetto_event *event, enum ht_perfetto_arg arg,
                                  uint64_t value);

void ht_perfetto_put_event(struct ht_perfetto_sink *sink, struct ht_perfetto_event *event,
                           uint64_t stamp);

#endif
