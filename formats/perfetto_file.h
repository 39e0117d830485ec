// SPDX-License-Identifier: MIT
//
// A .pftrace in the making: where its packets go, and what it has told so far of processes, threads
// and call stacks.
#ifndef HT_FORMATS_PERFETTO_FILE_H
#define HT_FORMATS_PERFETTO_FILE_H

#include "formats/perfetto_sink.h"
#include "formats/perfetto_stacks.h"
#include "formats/picture_model.h"
#include "formats/picture_names.h"

enum {
    // Threads with a track of their own; those past it share one of their process.
    HT_PERFETTO_THREADS_MAX = 1 << 16,
};

struct ht_perfetto_thread {
    uint64_t track;
    uint64_t next; // the least stamp that its next event can have
};

struct ht_perfetto_file {
    struct ht_perfetto_sink sink;
    const struct ht_picture_model *model;
    struct ht_perfetto_stacks *stacks;
    uint64_t processes[HT_PICTURE_PROCESSES_MAX]; // track uuids, 0 where there is none
    uint32_t process_count;                       // of these
    struct ht_picture_index thread_index;         // by tid and number of the process
    struct ht_perfetto_thread *threads;           // owned
    uint32_t thread_count;
    uint32_t thread_capacity;
};

// `output` NULL: bytes are only counted. NULL when there is no memory.
struct ht_perfetto_file *ht_perfetto_file_open(struct ht_output *output,
                                               const struct ht_picture_model *model,
                                               struct ht_error *error);
void ht_perfetto_file_close(struct ht_perfetto_file *file);

// The thread of a process, described when it is new. NULL after a failure, which the sink has.
struct ht_perfetto_thread *ht_perfetto_file_thread(struct ht_perfetto_file *file, uint32_t process,
                                                   uint32_t tid);

// The track of a process, described when it is new; those described first stand first.
uint64_t ht_perfetto_file_process(struct ht_perfetto_file *file, uint32_t process);

// A group of tracks in a process that was described, by rank among its siblings; never one with
// another of its name. Gives its track.
uint64_t ht_perfetto_put_group(struct ht_perfetto_file *file, uint32_t process, const char *name,
                               const char *description, uint32_t rank);

// A packet on the sequence of the tracks.
Ht__Perfetto__TracePacket ht_perfetto_track_packet(void);

// A new track's descriptor.
Ht__Perfetto__TrackDescriptor ht_perfetto_new_track(struct ht_perfetto_sink *sink, uint64_t parent,
                                                    const char *name);
void ht_perfetto_put_track(struct ht_perfetto_sink *sink, Ht__Perfetto__TrackDescriptor *track);

#endif
