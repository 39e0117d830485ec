// SPDX-License-Identifier: MIT
//
// The pipeline: opening, and the loop. See the header.
#include "convert/pipeline.h"

#include "convert/fold.h"
#include "convert/number.h"

enum { PROGRESS_STEP = 1 << 16 }; // events between two tellings

static enum ht_status add_fold(struct ht_stream *stream, struct ht_error *error)
{
    struct ht_reader *fold = NULL;
    enum ht_status status = ht_fold_open(stream->reader, &fold, error);
    if (status != HT_OK)
        return status;
    stream->reader = fold;
    stream->trace.origin.is_folded = true;
    return HT_OK;
}

// Opens the reader of the format, still unfolded.
static enum ht_status open_first(struct ht_stream *stream, struct ht_input *input,
                                 struct ht_error *error)
{
    *stream = (struct ht_stream){.input = input};
    enum ht_status status = ht_format_detect(input, &stream->format, error);
    if (status == HT_OK)
        status = ht_trace_init(&stream->trace, error);
    if (status == HT_OK)
        status = stream->format->open_reader(input, &stream->trace, &stream->reader, error);
    return status;
}

static enum ht_status join(struct ht_stream *stream, const char *path, struct ht_error *error)
{
    struct ht_input *input = NULL;
    const struct ht_format *format = NULL;
    enum ht_status status = ht_input_open(path, &input, error);
    if (status != HT_OK)
        return status;
    stream->joined[stream->joined_count++] = input;
    status = ht_format_detect(input, &format, error);
    if (status == HT_OK && (format != stream->format || format->join == NULL))
        return ht_fail(error, HT_UNSUPPORTED, "%s: only .etl files can be read together", path);
    return status == HT_OK ? format->join(stream->reader, input, error) : status;
}

static enum ht_status add_filter(struct ht_stream *stream, const struct ht_filter *filter,
                                 struct ht_error *error)
{
    struct ht_reader *reader = NULL;
    enum ht_status status = ht_filter_open(filter, &stream->trace, stream->reader, &reader, error);
    if (status == HT_OK)
        stream->reader = reader;
    return status;
}

// Lets the reader leave out what the filter would. Folding has to see it all.
static enum ht_status narrow(struct ht_stream *stream, const struct ht_filter *filter,
                             struct ht_error *error)
{
    bool is_of_pids = filter->process_count == 0 && filter->pid_count > 0;
    if (stream->format->narrow == NULL ||
        (!is_of_pids && filter->from_ns == INT64_MIN && filter->until_ns == INT64_MAX))
        return HT_OK;
    stream->scope = (struct ht_scope){filter->from_ns, filter->until_ns, stream->pids,
                                      is_of_pids ? filter->pid_count : 0};
    for (size_t i = 0; i < stream->scope.pid_count; i++)
        stream->pids[i] = filter->pids[i];
    return stream->format->narrow(stream->reader, &stream->scope, error);
}

// Ends the opening, well or not. `filter` may be NULL.
static enum ht_status settle(struct ht_stream *stream, enum ht_status status, bool is_raw,
                             const struct ht_filter *filter, struct ht_error *error)
{
    bool is_folding = !is_raw && !stream->trace.origin.is_folded;
    if (status == HT_OK && filter != NULL && !is_folding)
        status = narrow(stream, filter, error);
    if (status == HT_OK && is_folding)
        status = add_fold(stream, error);
    if (status == HT_OK && filter != NULL && filter->text[0] != '\0')
        status = add_filter(stream, filter, error);
    if (status != HT_OK)
        ht_stream_close(stream);
    return status;
}

enum ht_status ht_stream_open_all(struct ht_stream *stream, const struct ht_paths *paths,
                                  bool is_raw, struct ht_error *error)
{
    struct ht_input *input = NULL;
    enum ht_status status = ht_input_open(paths->paths[0], &input, error);
    if (status != HT_OK)
        return status;
    status = open_first(stream, input, error);
    for (size_t i = 1; i < paths->count && status == HT_OK; i++)
        status = join(stream, paths->paths[i], error);
    return settle(stream, status, is_raw, &paths->filter, error);
}

enum ht_status ht_stream_open(struct ht_stream *stream, const char *path, bool is_raw,
                              struct ht_error *error)
{
    struct ht_paths paths = {.paths = {path}, .count = 1, .filter = HT_FILTER_ALL};
    return ht_stream_open_all(stream, &paths, is_raw, error);
}

enum ht_status ht_stream_over(struct ht_stream *stream, struct ht_input *input, bool is_raw,
                              struct ht_error *error)
{
    return settle(stream, open_first(stream, input, error), is_raw, NULL, error);
}

const struct ht_input *ht_stream_input(const struct ht_stream *stream, uint32_t number)
{
    if (number == 0)
        return stream->input;
    return number <= stream->joined_count ? stream->joined[number - 1] : NULL;
}

uint64_t ht_stream_size(const struct ht_stream *stream)
{
    uint64_t size = ht_input_size(stream->input);
    for (size_t i = 0; i < stream->joined_count; i++)
        size += ht_input_size(stream->joined[i]);
    return size;
}

uint64_t ht_stream_bytes_read(const struct ht_stream *stream)
{
    uint64_t bytes = ht_input_bytes_read(stream->input);
    for (size_t i = 0; i < stream->joined_count; i++)
        bytes += ht_input_bytes_read(stream->joined[i]);
    return bytes;
}

enum ht_status ht_stream_read(struct ht_stream *stream, struct ht_events *events,
                              struct ht_error *error)
{
    *events = (struct ht_events){stream->room, HT_STREAM_EVENTS};
    return stream->reader->read(stream->reader, events, error);
}

enum ht_status ht_stream_next(struct ht_stream *stream, struct ht_event *event,
                              struct ht_error *error)
{
    if (stream->rest.count == 0) {
        enum ht_status status = ht_stream_read(stream, &stream->rest, error);
        if (status != HT_OK) {
            stream->rest.count = 0;
            return status;
        }
    }
    *event = *stream->rest.at++;
    stream->rest.count--;
    return HT_OK;
}

void ht_stream_close(struct ht_stream *stream)
{
    if (stream->reader != NULL)
        stream->reader->close(stream->reader);
    ht_trace_reset(&stream->trace);
    ht_input_close(stream->input);
    for (size_t i = 0; i < stream->joined_count; i++)
        ht_input_close(stream->joined[i]);
    *stream = (struct ht_stream){0};
}

// Hands the writer what the event did to the live blocks.
static enum ht_status write_changes(struct ht_writer *writer, struct ht_number *number,
                                    const struct ht_event *event, struct ht_error *error)
{
    enum ht_status status = ht_number_push(number, event, error);
    const struct ht_change *change;
    while (status == HT_OK && (change = ht_number_next(number)) != NULL)
        status = writer->change(writer, change, error);
    return status;
}

// Writes a run of events and counts those that are written whole.
static enum ht_status write_all(struct ht_writer *writer, struct ht_number *number,
                                const struct ht_events *run, uint64_t *events,
                                struct ht_error *error)
{
    for (size_t i = 0; i < run->count; i++) {
        enum ht_status status = writer->write(writer, &run->at[i], error);
        if (status == HT_OK && number != NULL)
            status = write_changes(writer, number, &run->at[i], error);
        if (status != HT_OK)
            return status;
        ++*events;
    }
    return HT_OK;
}

static enum ht_status pump(struct ht_stream *stream, struct ht_writer *writer,
                           struct ht_number *number, const struct ht_progress *progress,
                           uint64_t *events, struct ht_error *error)
{
    struct ht_events run;
    enum ht_status status = HT_OK;
    uint64_t told = 0;
    while ((status = ht_stream_read(stream, &run, error)) == HT_OK) {
        status = write_all(writer, number, &run, events, error);
        if (status != HT_OK)
            return status;
        if (progress != NULL && *events / PROGRESS_STEP > told) {
            told = *events / PROGRESS_STEP;
            progress->tell(progress->context, stream, told * PROGRESS_STEP);
        }
    }
    return status == HT_END ? writer->finish(writer, error) : status;
}

enum ht_status ht_convert(struct ht_stream *stream, const struct ht_format *format,
                          struct ht_output *output, const struct ht_progress *progress,
                          uint64_t *events, struct ht_error *error)
{
    struct ht_writer *writer = NULL;
    struct ht_number *number = NULL;
    *events = 0;
    enum ht_status status = format->open_writer(output, &stream->trace, &writer, error);
    if (status != HT_OK)
        return status;
    if (writer->change != NULL)
        status = ht_number_open(&number, &stream->trace, error);
    if (status == HT_OK)
        status = pump(stream, writer, number, progress, events, error);
    ht_number_close(number);
    writer->close(writer);
    return status;
}
