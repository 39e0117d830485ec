// SPDX-License-Identifier: MIT
//
// Slices and instants of a .pftrace as packets on the sequence of the tracks.
#ifndef HT_FORMATS_PERFETTO_EVENT_H
#define HT_FORMATS_PERFETTO_EVENT_H

#include "formats/perfetto_file.h"
#include "formats/picture_events.h"

// Begins the sequence of the tracks: must be its first packet. Names what its events are called.
void ht_perfetto_begin_tracks(struct ht_perfetto_sink *sink);

// Writes an instant or the beginning of a slice, before it its call stack where that is new.
void ht_perfetto_put_event(struct ht_perfetto_file *file, uint64_t track,
                           enum ht_perfetto_type type, const struct ht_picture_event *shown,
                           uint64_t stamp);

// Writes the end of the slice that is open on the track.
void ht_perfetto_put_end(struct ht_perfetto_file *file, uint64_t track, uint64_t stamp);

#endif
