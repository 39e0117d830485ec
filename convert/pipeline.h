// SPDX-License-Identifier: MIT
//
// The pipeline: an input of any readable format, opened as one stream of events, and the visible
// loop that pumps it into a writer.
#ifndef HT_CONVERT_PIPELINE_H
#define HT_CONVERT_PIPELINE_H

#include "convert/filter.h"
#include "convert/merge.h"
#include "formats/format.h"

enum { HT_STREAM_EVENTS = 1024 }; // read at once, unless the reader has more at hand

// An open input, several that are one recording, or several recordings merged into one. A value in
// the caller's memory; zero it before ht_stream_open.
struct ht_stream {
    struct ht_input *input;                     // the first, which names the stream
    struct ht_input *joined[HT_INPUTS_MAX - 1]; // the others
    size_t joined_count;
    const struct ht_format *format;
    struct ht_stream *parts; // that are merged, whose inputs these are; NULL when none are. Owned
    size_t part_count;
    struct ht_reader *reader; // the stages around the format's reader, or that alone
    struct ht_scope scope;    // of the format's reader
    uint32_t pids[HT_FILTER_VALUES_MAX];
    struct ht_trace trace;
    struct ht_events rest; // read and not yet taken by ht_stream_next
    struct ht_event room[HT_STREAM_EVENTS];
};

// What to read: paths ("-" is standard input), at least one, which events, and what to change.
struct ht_paths {
    const char *paths[HT_INPUTS_MAX];
    size_t count;
    struct ht_filter filter;
    struct ht_merge_options changes;
    bool is_assisted; // reading may use a second processor, for which nothing else has a use
};

// Opens `path`, finds its format, and folds moved reallocs unless `is_raw` or the input is folded
// already. On failure nothing is left open.
enum ht_status ht_stream_open(struct ht_stream *stream, const char *path, bool is_raw,
                              struct ht_error *error);

// The same for several files. When all are of one format that has recordings in several files they
// are read as one recording, else each is one and they are merged.
enum ht_status ht_stream_open_all(struct ht_stream *stream, const struct ht_paths *paths,
                                  bool is_raw, struct ht_error *error);

// Opens a file and reads only what it tells of itself, no events: stream->trace then has its tally.
// HT_END when it does not tell, or of unfolded events, or is no file; nothing is left open then.
enum ht_status ht_stream_skim(struct ht_stream *stream, const char *path, struct ht_error *error);

// The same over an input the caller opened; the stream owns it from here, also on failure.
enum ht_status ht_stream_over(struct ht_stream *stream, struct ht_input *input, bool is_raw,
                              struct ht_error *error);

// The input that damage in the trace numbers, NULL when there is none of that number.
const struct ht_input *ht_stream_input(const struct ht_stream *stream, uint32_t number);

// Bytes of all inputs, 0 when not known, and how many were read.
uint64_t ht_stream_size(const struct ht_stream *stream);
uint64_t ht_stream_bytes_read(const struct ht_stream *stream);

// The next events, one or more, valid until the next call; or HT_END.
enum ht_status ht_stream_read(struct ht_stream *stream, struct ht_events *events,
                              struct ht_error *error);

// The next event alone, or HT_END.
enum ht_status ht_stream_next(struct ht_stream *stream, struct ht_event *event,
                              struct ht_error *error);

// Closes; a stream that is zero or closed is fine.
void ht_stream_close(struct ht_stream *stream);

// Told now and then how far a long run is.
struct ht_progress {
    void (*tell)(void *context, const struct ht_stream *stream, uint64_t events);
    void *context;
};

// Where a conversion goes.
struct ht_target {
    const struct ht_format *format;
    struct ht_output *output;
    struct ht_quota *quota; // NULL, also where the format has no open_within
    struct ht_kept *kept;   // NULL, or gets what the writer kept
};

// Pumps every event of the stream into a new writer over the target's output, and finishes it.
// The output is not committed. `progress` may be NULL. *events gets the number of events written.
enum ht_status ht_convert(struct ht_stream *stream, const struct ht_target *target,
                          const struct ht_progress *progress, uint64_t *events,
                          struct ht_error *error);

#endif
