// SPDX-License-Identifier: MIT
//
// What a .pftrace has told so far. See the header.
#include "formats/perfetto_file.h"

#include <stdlib.h>

enum {
    EXPLICIT_ORDER = 3, // child_ordering
    NEVER_MERGED = 2,   // sibling_merge_behavior
    FIRST_CAPACITY = 64,
};

struct ht_perfetto_file *ht_perfetto_file_open(struct ht_output *output,
                                               const struct ht_picture_model *model,
                                               struct ht_error *error)
{
    struct ht_perfetto_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->sink = ht_perfetto_sink_over(output, error);
    file->model = model;
    file->stacks = ht_perfetto_stacks_open(&file->sink, model->trace->dict);
    if (file->stacks == NULL) {
        free(file);
        return NULL;
    }
    return file;
}

void ht_perfetto_file_close(struct ht_perfetto_file *file)
{
    if (file == NULL)
        return;
    ht_perfetto_stacks_close(file->stacks);
    ht_picture_index_reset(&file->thread_index);
    ht_perfetto_sink_reset(&file->sink);
    free(file->threads);
    free(file);
}

Ht__Perfetto__TracePacket ht_perfetto_track_packet(void)
{
    Ht__Perfetto__TracePacket packet = HT__PERFETTO__TRACE_PACKET__INIT;
    packet.has_trusted_packet_sequence_id = true;
    packet.trusted_packet_sequence_id = HT_PERFETTO_TRACKS;
    packet.has_sequence_flags = true;
    packet.sequence_flags = HT_PERFETTO_STATE_NEEDED;
    return packet;
}

Ht__Perfetto__TrackDescriptor ht_perfetto_new_track(struct ht_perfetto_sink *sink, uint64_t parent,
                                                    const char *name)
{
    Ht__Perfetto__TrackDescriptor track = HT__PERFETTO__TRACK_DESCRIPTOR__INIT;
    track.has_uuid = true;
    track.uuid = ++sink->tracks;
    track.has_parent_uuid = parent != 0;
    track.parent_uuid = parent;
    track.name = ht_perfetto_borrow(name);
    return track;
}

void ht_perfetto_put_track(struct ht_perfetto_sink *sink, Ht__Perfetto__TrackDescriptor *track)
{
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.track_descriptor = track;
    ht_perfetto_put(sink, &packet);
}

// Describes a process or a thread: the stamp decides from when on the pid is this process's.
static void put_described(struct ht_perfetto_file *file, uint32_t process,
                          Ht__Perfetto__TrackDescriptor *track)
{
    Ht__Perfetto__TracePacket packet = ht_perfetto_track_packet();
    packet.has_timestamp = true;
    packet.timestamp = ht_picture_process_stamp(file->model, process);
    packet.track_descriptor = track;
    ht_perfetto_put(&file->sink, &packet);
}

uint64_t ht_perfetto_file_process(struct ht_perfetto_file *file, uint32_t number)
{
    if (file->processes[number] != 0)
        return file->processes[number];
    char name[HT_PICTURE_NAME_SIZE];
    const struct ht_process *entry = ht_picture_process_entry(file->model, number);
    ht_picture_process_name(file->model, number, name);
    Ht__Perfetto__ProcessDescriptor process = HT__PERFETTO__PROCESS_DESCRIPTOR__INIT;
    Ht__Perfetto__TrackDescriptor track = ht_perfetto_new_track(&file->sink, 0, NULL);
    process.has_pid = true;
    process.pid = ht_picture_pid(file->model->processes[number].pid);
    process.process_name = name[0] != '\0' ? name : NULL;
    process.has_start_timestamp_ns = entry != NULL && entry->start_ns != HT_TIME_UNKNOWN;
    process.start_timestamp_ns = (int64_t)ht_picture_process_stamp(file->model, number);
    track.process = &process;
    track.has_child_ordering = true;
    track.child_ordering = EXPLICIT_ORDER;
    track.has_sibling_order_rank = true;
    track.sibling_order_rank = (int32_t)file->process_count++;
    file->processes[number] = track.uuid;
    put_described(file, number, &track);
    return track.uuid;
}

uint64_t ht_perfetto_put_group(struct ht_perfetto_file *file, uint32_t process, const char *name,
                               const char *description, uint32_t rank)
{
    Ht__Perfetto__TrackDescriptor group =
        ht_perfetto_new_track(&file->sink, file->processes[process], name);
    group.description = ht_perfetto_borrow(description);
    group.has_child_ordering = true;
    group.child_ordering = EXPLICIT_ORDER;
    group.has_sibling_order_rank = true;
    group.sibling_order_rank = (int32_t)rank;
    group.has_sibling_merge_behavior = true;
    group.sibling_merge_behavior = NEVER_MERGED;
    ht_perfetto_put_track(&file->sink, &group);
    return group.uuid;
}

static uint64_t put_thread(struct ht_perfetto_file *file, uint32_t process, uint32_t tid)
{
    char name[HT_PICTURE_NAME_SIZE];
    ht_perfetto_file_process(file, process); // before its first thread
    Ht__Perfetto__TrackDescriptor track = ht_perfetto_new_track(&file->sink, 0, NULL);
    Ht__Perfetto__ThreadDescriptor thread = HT__PERFETTO__THREAD_DESCRIPTOR__INIT;
    thread.has_pid = true;
    thread.pid = ht_picture_pid(file->model->processes[process].pid);
    thread.has_tid = true;
    thread.tid = ht_picture_tid(tid);
    ht_picture_thread_name(file->model, process, tid, name);
    thread.thread_name = name[0] != '\0' ? name : NULL;
    track.thread = &thread;
    put_described(file, process, &track);
    return track.uuid;
}

static enum ht_status add_thread(struct ht_perfetto_file *file, uint32_t process, uint32_t tid)
{
    struct ht_error *error = file->sink.error;
    if (file->thread_count == file->thread_capacity) {
        uint32_t capacity = file->thread_capacity > 0 ? file->thread_capacity * 2 : FIRST_CAPACITY;
        struct ht_perfetto_thread *threads = realloc(file->threads, capacity * sizeof *threads);
        if (threads == NULL)
            return ht_fail_memory(error, "the threads");
        file->threads = threads;
        file->thread_capacity = capacity;
    }
    enum ht_status status =
        ht_picture_index_put(&file->thread_index, tid, process, file->thread_count, error);
    if (status == HT_OK)
        file->threads[file->thread_count++] =
            (struct ht_perfetto_thread){.track = put_thread(file, process, tid)};
    return status;
}

struct ht_perfetto_thread *ht_perfetto_file_thread(struct ht_perfetto_file *file, uint32_t process,
                                                   uint32_t tid)
{
    uint32_t wanted = tid != 0 ? tid : UINT32_MAX;
    uint32_t found = ht_picture_index_find(&file->thread_index, wanted, process);
    if (found == HT_PICTURE_NONE && file->thread_count >= HT_PERFETTO_THREADS_MAX) {
        wanted = UINT32_MAX;
        found = ht_picture_index_find(&file->thread_index, wanted, process);
    }
    if (found == HT_PICTURE_NONE) {
        if (file->sink.status == HT_OK)
            file->sink.status = add_thread(file, process, wanted);
        if (file->sink.status != HT_OK)
            return NULL;
        found = file->thread_count - 1;
    }
    return &file->threads[found];
}
