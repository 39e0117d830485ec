// SPDX-License-Identifier: MIT
//
// The contract between heaptape and its formats. A format is a const table of functions; the
// table of all of them is in format.c. Readers are pulled a run of events at a time, writers are
// pushed. A reader or writer embeds the struct below as its first member.
#ifndef HT_FORMATS_FORMAT_H
#define HT_FORMATS_FORMAT_H

#include "formats/block.h"
#include "formats/event.h"
#include "formats/input.h"
#include "formats/output.h"
#include "formats/trace.h"

// Which events are wanted: of a range of time, which ends before until_ns, and of these processes,
// or of all when there are none.
struct ht_scope {
    int64_t from_ns;
    int64_t until_ns;
    const uint32_t *pids;
    size_t pid_count;
};

// Events one behind another.
struct ht_events {
    struct ht_event *at;
    size_t count;
};

struct ht_reader {
    // Gives the next events. *events is room for `count` of them, at least one; it becomes the
    // events, one or more and no more than were asked for, in that room or in memory of the
    // reader's, valid until the next call. Returns HT_OK, or HT_END after the last, or a failure
    // after which only close may follow. Whatever the events refer to is in the trace until the
    // next call. What can be skipped is skipped and counted in the trace, never failed.
    enum ht_status (*read)(struct ht_reader *self, struct ht_events *events,
                           struct ht_error *error);
    // Frees the reader. The input and the trace stay the caller's.
    void (*close)(struct ht_reader *self);
};

// Reads a single event. For where speed is no matter.
static inline enum ht_status ht_reader_next(struct ht_reader *reader, struct ht_event *event,
                                            struct ht_error *error)
{
    struct ht_events events = {event, 1};
    enum ht_status status = reader->read(reader, &events, error);
    if (status == HT_OK && events.at != event)
        *event = *events.at;
    return status;
}

// What a format that does not show all of a recording one by one has shown so, and what it would
// have with more room.
struct ht_kept {
    uint64_t reallocs;
    uint64_t reallocs_left_out;
    uint64_t chains; // blocks that were reallocated
    uint64_t chains_left_out;
    uint64_t blocks; // large and long-lived
    uint64_t blocks_left_out;
    uint64_t sites; // call stacks, counted in each heap
    uint64_t sites_left_out;
    uint64_t events_left_out; // whole processes
};

struct ht_writer {
    // Takes events, in the order of the trace; one at a time when `change` is not NULL.
    enum ht_status (*write)(struct ht_writer *self, const struct ht_event *events, size_t count,
                            struct ht_error *error);
    // What the event just written did to the live blocks, once for each change. NULL when the
    // format does not need it: numbering blocks then never runs.
    enum ht_status (*change)(struct ht_writer *self, const struct ht_change *change,
                             struct ht_error *error);
    // Writes what is still held and the closing record. The output is committed by the caller.
    enum ht_status (*finish)(struct ht_writer *self, struct ht_error *error);
    // Frees the writer, finished or not. The output and the trace stay the caller's.
    void (*close)(struct ht_writer *self);
    // Of a writer that takes changes: how large a note it keeps with each live block, a multiple of
    // 8, and the blocks, which are its caller's and set before the first event.
    size_t note_size;
    const struct ht_blocks *blocks;
    struct ht_kept kept; // set by finish; all 0 of a writer that keeps everything
};

// For formats that show only a part of the events one by one: how much.
struct ht_quota {
    uint64_t budget; // bytes of one output, 0: as the format has it
    bool is_full;    // every event, whatever it takes
    // Ends the output in hand, which is whole then, and gives the next one. NULL: there is but one.
    enum ht_status (*turn)(struct ht_quota *self, struct ht_output **output,
                           struct ht_error *error);
};

struct ht_format {
    const char *name;   // "etl", for --to and messages
    const char *suffix; // ".etl"; "" when no file is known by one
    uint64_t budget;    // of open_within, in bytes, where none is asked for
    const char *what;   // one line for people

    // True when the first bytes of an input look like this format. Looks, never consumes.
    // NULL when the format is not read.
    bool (*taste)(const uint8_t *head, size_t size);

    // Opens a reader at the start of `input`. Both outlive the reader. `trace` is empty and the
    // reader sets its origin before it returns. On failure *reader is NULL.
    enum ht_status (*open_reader)(struct ht_input *input, struct ht_trace *trace,
                                  struct ht_reader **reader, struct ht_error *error);

    // Adds another input of this format, which outlives the reader, to one that has not given an
    // event yet: a recording in several files. NULL when the format has no such recordings.
    enum ht_status (*join)(struct ht_reader *reader, struct ht_input *input,
                           struct ht_error *error);

    // Tells a reader that has not given an event yet that only these are wanted, so that it may
    // leave others out; those are counted in the trace. The scope outlives the reader. NULL when
    // the format has no index.
    enum ht_status (*narrow)(struct ht_reader *reader, const struct ht_scope *scope,
                             struct ht_error *error);

    // Lets a reader that has not given an event yet use a second processor, where there is one.
    // NULL when it has no use for it.
    void (*assist)(struct ht_reader *reader);

    // Opens a writer, NULL when the format is not written. `trace` has its origin already and
    // gets the rest while events pass; writers read it at finish.
    enum ht_status (*open_writer)(struct ht_output *output, const struct ht_trace *trace,
                                  struct ht_writer **writer, struct ht_error *error);

    // The same with a quota, which outlives the writer. NULL when the format has none.
    enum ht_status (*open_within)(struct ht_output *output, const struct ht_trace *trace,
                                  struct ht_quota *quota, struct ht_writer **writer,
                                  struct ht_error *error);

    // The same format, written smaller and more slowly; NULL when there is no such way.
    const struct ht_format *best;

    bool is_text;      // what is written may go to a terminal
    bool writes_apart; // the writer uses a second processor itself
};

// The i-th format, NULL past the last.
const struct ht_format *ht_format_at(unsigned index);

// The format that is written under this name ("tsv") or to a path with its suffix; NULL when
// there is none.
const struct ht_format *ht_format_by_name(const char *name);
const struct ht_format *ht_format_by_path(const char *path);

// Finds the format of an input by its first bytes, without consuming them. HT_FORMAT with a text
// that says what the bytes look like when no format knows them.
enum ht_status ht_format_detect(struct ht_input *input, const struct ht_format **format,
                                struct ht_error *error);

#endif
