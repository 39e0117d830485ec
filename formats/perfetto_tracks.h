// SPDX-License-Identifier: MIT
//
// Processes, groups and counters of a Perfetto trace, from the finished model.
#ifndef HT_FORMATS_PERFETTO_TRACKS_H
#define HT_FORMATS_PERFETTO_TRACKS_H

#include "formats/perfetto_model.h"
#include "formats/perfetto_sink.h"

enum { HT_PERFETTO_TRACKS = 1 }; // the sequence of all tracks and their events

// Track uuids by number of process and heap, 0 where there is none.
struct ht_perfetto_tracks {
    uint64_t process[HT_PERFETTO_PROCESSES_MAX];
    uint64_t heap[HT_PERFETTO_HEAPS_MAX];
};

// Writes the descriptors of processes and heaps and all counters, each track before its samples.
void ht_perfetto_put_tracks(struct ht_perfetto_sink *sink, const struct ht_perfetto_model *model,
                            struct ht_perfetto_tracks *tracks);

// The pid in the file: 0 and the unknown pid have a meaning in Perfetto, and get numbers that
// Windows does not use.
int32_t ht_perfetto_pid(uint32_t pid);

// A packet on the sequence of the tracks.
Ht__Perfetto__TracePacket ht_perfetto_track_packet(void);

// A new track's descriptor.
Ht__Perfetto__TrackDescriptor ht_perfetto_new_track(struct ht_perfetto_sink *sink, uint64_t parent,
                                                    const char *name);
void ht_perfetto_put_track(struct ht_perfetto_sink *sink, Ht__Perfetto__TrackDescriptor *track);

#endif
