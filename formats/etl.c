// SPDX-License-Identifier: MIT
//
// The ETL reader: the merged records of a file made into events with their stacks, processes and
// counters. The format is described in docs/formats/etl.md.
#include "formats/etl.h"

#include "formats/etl_heap.h"
#include "formats/etl_merge.h"
#include "formats/etl_names.h"
#include "formats/etl_stack.h"
#include "formats/etl_window.h"

#include <stdio.h>
#include <stdlib.h>

struct etl_reader {
    struct ht_reader base;
    struct ht_trace *trace;
    struct ht_etl_file file;
    struct ht_etl_merge *merge;
    struct ht_etl_window *window;
    int64_t last_time_ns;
    bool has_ended;
    struct ht_etl_heap_details details;
};

static enum ht_status report_headers(struct ht_trace *trace, const struct ht_etl_counts *counts,
                                     struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (unsigned i = 0; status == HT_OK && i < 256; i++) {
        char name[32];
        if (counts->by_header[i] == 0)
            continue;
        snprintf(name, sizeof name, "header.%s", ht_etl_header_name((uint8_t)i));
        status = ht_trace_set_counter(trace, name, counts->by_header[i], error);
    }
    return status;
}

// Groups first: hooks may be more than the trace takes.
static enum ht_status report_groups(struct ht_trace *trace, const struct ht_etl_counts *counts,
                                    struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (unsigned group = 0; status == HT_OK && group < 256; group++) {
        char name[32];
        uint64_t total = 0;
        for (unsigned opcode = 0; counts->has_group[group] && opcode < 256; opcode++)
            total += counts->by_hook[group << 8 | opcode];
        if (total == 0)
            continue;
        snprintf(name, sizeof name, "group.0x%02x", group);
        status = ht_trace_set_counter(trace, name, total, error);
    }
    return status;
}

// Counts by group and opcode, called `what`.
static enum ht_status report_hooks(struct ht_trace *trace, const char *what,
                                   const struct ht_etl_counts *counts, const uint64_t *by_hook,
                                   struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (unsigned hook = 0; status == HT_OK && hook < 65536; hook++) {
        char name[32];
        if (!counts->has_group[hook >> 8])
            hook |= 0xFF; // on to the next group
        if (by_hook[hook] == 0)
            continue;
        snprintf(name, sizeof name, "%s.0x%04x", what, hook);
        status = ht_trace_set_counter(trace, name, by_hook[hook], error);
    }
    return status;
}

// What passed by, for info. Called once, when all has.
static enum ht_status report(struct etl_reader *reader, struct ht_error *error)
{
    const struct ht_etl_counts *counts = ht_etl_merge_counts(reader->merge);
    struct ht_trace *trace = reader->trace;
    uint64_t packed = 0;
    uint64_t records = 0;
    for (unsigned i = 0; i < 256; i++)
        records += counts->by_header[i];
    for (uint32_t i = 0; i < reader->file.buffer_count; i++)
        packed += (reader->file.buffers[i].flags & HT_ETL_BUFFER_PACKED) != 0;
    enum ht_status status = ht_trace_set_counter(trace, "records", records, error);
    if (status == HT_OK)
        status = ht_trace_set_counter(trace, "buffers", reader->file.buffer_count, error);
    if (status == HT_OK)
        status = ht_trace_set_counter(trace, "buffers.compressed", packed, error);
    if (status == HT_OK)
        status = report_headers(trace, counts, error);
    if (status == HT_OK)
        status = report_groups(trace, counts, error);
    if (status == HT_OK)
        status = report_hooks(trace, "hook", counts, counts->by_hook, error);
    if (status == HT_OK)
        status = report_hooks(trace, "guid", counts, counts->by_guid, error);
    return status;
}

// Makes the event of a heap record; false when the record is damaged.
static bool make_event(struct etl_reader *reader, const struct ht_etl_placed *placed,
                       struct ht_event *event)
{
    struct ht_etl_heap_details *details = &reader->details;
    if (!ht_etl_heap_decode(&placed->record, event, details)) {
        ht_trace_damage(reader->trace, HT_LOSS_DAMAGED_EVENTS, placed->offset,
                        "a heap record that is too short or names no heap");
        return false;
    }
    event->cpu = placed->cpu;
    event->time_ns = ht_etl_clock_ns(&reader->file.header.clock, placed->ticks);
    if (event->time_ns < reader->last_time_ns)
        ht_trace_damage(reader->trace, HT_LOSS_TIME_BACK, placed->offset, "a stamp went back");
    reader->last_time_ns = event->time_ns;
    if (details->count > 0)
        event->detail = ht_dict_add_detail(reader->trace->dict, details->values, details->count);
    if (details->is_cut)
        ht_trace_damage(reader->trace, HT_LOSS_DETAILS, placed->offset,
                        "a rundown has other ranges than it says");
    return true;
}

// Takes in a record that is no heap event: a stack, or a process.
static enum ht_status take_in(struct etl_reader *reader, const struct ht_etl_placed *placed,
                              struct ht_error *error)
{
    if (ht_etl_stack_is_ref(&placed->record))
        return ht_etl_window_attach(reader->window, placed, error);
    int64_t time_ns = ht_etl_clock_ns(&reader->file.header.clock, placed->ticks);
    return ht_etl_names_note(&placed->record, time_ns, placed->offset, reader->trace, error);
}

// Takes in what the merge has next: plain events, which are made already, and perhaps a record.
static enum ht_status take_next(struct etl_reader *reader, struct ht_etl_batch *room,
                                struct ht_error *error)
{
    const struct ht_etl_placed *placed = NULL;
    enum ht_status status = ht_etl_merge_next(reader->merge, room, &placed, error);
    if (room->count > 0)
        reader->last_time_ns = room->events[room->count - 1].time_ns;
    ht_etl_window_push(reader->window, room->count);
    if (placed == NULL)
        return status;
    if (!ht_etl_heap_is(&placed->record))
        return take_in(reader, placed, error);
    if (make_event(reader, placed, &room->events[room->count])) {
        room->ticks[room->count] = placed->ticks;
        ht_etl_window_push(reader->window, 1);
    }
    return HT_OK;
}

// Fills the window until so many events can be given, as far as the file goes.
static enum ht_status fill(struct etl_reader *reader, size_t wanted, struct ht_error *error)
{
    struct ht_etl_batch room;
    enum ht_status status = HT_OK;
    while (status == HT_OK) {
        ht_etl_window_room(reader->window, wanted, &room);
        if (room.limit == 0)
            return HT_OK;
        status = take_next(reader, &room, error);
    }
    if (status != HT_END)
        return status;
    reader->has_ended = true;
    return report(reader, error);
}

static enum ht_status read_events(struct ht_reader *self, struct ht_events *events,
                                  struct ht_error *error)
{
    struct etl_reader *reader = (struct etl_reader *)self;
    enum ht_status status = reader->has_ended ? HT_OK : fill(reader, events->count, error);
    if (status != HT_OK)
        return status;
    return ht_etl_window_take(reader->window, reader->has_ended, events, error);
}

static void close_reader(struct ht_reader *self)
{
    struct etl_reader *reader = (struct etl_reader *)self;
    ht_etl_window_close(reader->window);
    ht_etl_merge_close(reader->merge);
    ht_etl_file_reset(&reader->file);
    free(reader);
}

static enum ht_status require_seekable(const struct ht_input *input, struct ht_error *error)
{
    if (ht_input_is_seekable(input))
        return HT_OK;
    return ht_fail(error, HT_UNSUPPORTED,
                   "%s: an ETL file cannot be read from a stream, because its buffers are not in "
                   "the order of time: save it to a file first",
                   ht_input_name(input));
}

static enum ht_status open_reader(struct ht_input *input, struct ht_trace *trace,
                                  struct ht_reader **opened, struct ht_error *error)
{
    *opened = NULL;
    enum ht_status status = require_seekable(input, error);
    if (status != HT_OK)
        return status;
    struct etl_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return ht_fail_memory(error, "an ETL reader");
    reader->base = (struct ht_reader){read_events, close_reader};
    reader->trace = trace;
    reader->last_time_ns = INT64_MIN;
    status = ht_etl_file_open(&reader->file, input, trace, error);
    if (status == HT_OK) {
        reader->merge = ht_etl_merge_open(&reader->file);
        reader->window = ht_etl_window_open(&reader->file);
        if (reader->merge == NULL || reader->window == NULL)
            status = ht_fail_memory(error, "an ETL reader");
    }
    if (status != HT_OK) {
        close_reader(&reader->base);
        return status;
    }
    trace->origin = reader->file.header.origin;
    trace->loss[HT_LOSS_EVENTS] += reader->file.header.events_lost;
    trace->loss[HT_LOSS_BUFFERS] += reader->file.header.buffers_lost;
    *opened = &reader->base;
    return HT_OK;
}

static enum ht_status join(struct ht_reader *self, struct ht_input *input, struct ht_error *error)
{
    struct etl_reader *reader = (struct etl_reader *)self;
    struct ht_etl_log_header *header = &reader->file.header;
    struct ht_trace *trace = reader->trace;
    bool is_raw;
    trace->loss[HT_LOSS_EVENTS] -= header->events_lost;
    trace->loss[HT_LOSS_BUFFERS] -= header->buffers_lost;
    enum ht_status status = require_seekable(input, error);
    if (status == HT_OK)
        status = ht_etl_file_join(&reader->file, input, &is_raw, error);
    trace->loss[HT_LOSS_EVENTS] += header->events_lost;
    trace->loss[HT_LOSS_BUFFERS] += header->buffers_lost;
    if (status == HT_OK)
        status = ht_trace_set_counter(trace, is_raw ? "joined.by_stamps" : "joined.by_wall_time",
                                      reader->file.source_count, error);
    return status;
}

static void assist(struct ht_reader *self)
{
    ht_etl_merge_assist(((struct etl_reader *)self)->merge);
}

const struct ht_format ht_format_etl = {
    .name = "etl",
    .suffix = ".etl",
    .what = "Windows event trace log (read only)",
    .taste = ht_etl_head_taste,
    .open_reader = open_reader,
    .join = join,
    .assist = assist,
};
