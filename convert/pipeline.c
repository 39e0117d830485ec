// SPDX-License-Identifier: MIT
//
// The pipeline: opening, and the loop. See the header.
#include "convert/pipeline.h"

#include "convert/fold.h"
#include "convert/number.h"

#include <stdlib.h>

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

// Ends the opening, well or not. `paths` may be NULL.
static enum ht_status settle(struct ht_stream *stream, enum ht_status status, bool is_raw,
                             const struct ht_paths *paths, struct ht_error *error)
{
    const struct ht_filter *filter = paths != NULL ? &paths->filter : NULL;
    bool is_folding = !is_raw && !stream->trace.origin.is_folded;
    if (status == HT_OK && paths != NULL && paths->is_assisted && stream->format->assist != NULL)
        stream->format->assist(stream->reader);
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

static void close_inputs(struct ht_input *const *inputs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ht_input_close(inputs[i]);
}

// Opens inputs as one recording; the stream owns them from here, also on failure.
static enum ht_status open_recording(struct ht_stream *stream, struct ht_input *const *inputs,
                                     size_t count, bool is_raw, const struct ht_paths *paths,
                                     struct ht_error *error)
{
    enum ht_status status = open_first(stream, inputs[0], error);
    for (size_t i = 1; i < count; i++) {
        stream->joined[stream->joined_count++] = inputs[i];
        if (status == HT_OK)
            status = stream->format->join(stream->reader, inputs[i], error);
    }
    return settle(stream, status, is_raw, paths, error);
}

// What is needed of the parts is lent to the whole.
static enum ht_status merge_parts(struct ht_stream *stream, const struct ht_merge_options *changes,
                                  struct ht_error *error)
{
    struct ht_merge_part parts[HT_INPUTS_MAX];
    const struct ht_stream *first = &stream->parts[0];
    stream->input = first->input;
    stream->format = first->format;
    for (size_t i = 0; i < first->joined_count; i++)
        stream->joined[stream->joined_count++] = first->joined[i];
    for (size_t i = 1; i < stream->part_count; i++)
        stream->joined[stream->joined_count++] = stream->parts[i].input;
    for (size_t i = 0; i < stream->part_count; i++)
        parts[i] = (struct ht_merge_part){stream->parts[i].reader, &stream->parts[i].trace};
    enum ht_status status = ht_trace_init(&stream->trace, error);
    return status == HT_OK ? ht_merge_open(parts, stream->part_count, changes, &stream->trace,
                                           &stream->reader, error)
                           : status;
}

// Opens inputs as parts, each a recording, or all one when they are joint.
static enum ht_status open_parts(struct ht_stream *stream, struct ht_input *const *inputs,
                                 const struct ht_paths *paths, bool is_joint, bool is_raw,
                                 struct ht_error *error)
{
    size_t inputs_of_part = is_joint ? paths->count : 1;
    size_t part_count = paths->count / inputs_of_part;
    enum ht_status status = HT_OK;
    *stream = (struct ht_stream){.parts = calloc(part_count, sizeof *stream->parts)};
    if (stream->parts == NULL) {
        close_inputs(inputs, paths->count);
        return ht_fail_memory(error, "the parts");
    }
    size_t opened = 0;
    for (; opened < part_count && status == HT_OK; opened++) {
        struct ht_stream *part = &stream->parts[stream->part_count];
        status = open_recording(part, inputs + opened * inputs_of_part, inputs_of_part, is_raw,
                                paths, error);
        stream->part_count += status == HT_OK;
    }
    close_inputs(inputs + opened * inputs_of_part, paths->count - opened * inputs_of_part);
    if (status == HT_OK)
        status = merge_parts(stream, &paths->changes, error);
    if (status != HT_OK)
        ht_stream_close(stream);
    return status;
}

// Opens the inputs. On failure none is left open.
static enum ht_status open_inputs(struct ht_input **inputs, const struct ht_paths *paths,
                                  bool *is_joint, struct ht_error *error)
{
    const struct ht_format *first = NULL;
    enum ht_status status = HT_OK;
    size_t opened = 0;
    *is_joint = true;
    for (; opened < paths->count && status == HT_OK; opened++) {
        const struct ht_format *format = NULL;
        inputs[opened] = NULL;
        status = ht_input_open(paths->paths[opened], &inputs[opened], error);
        if (status == HT_OK)
            status = ht_format_detect(inputs[opened], &format, error);
        first = opened == 0 ? format : first;
        *is_joint = *is_joint && format == first && format != NULL && format->join != NULL;
    }
    if (status != HT_OK)
        close_inputs(inputs, opened);
    return status;
}

enum ht_status ht_stream_open_all(struct ht_stream *stream, const struct ht_paths *paths,
                                  bool is_raw, struct ht_error *error)
{
    struct ht_input *inputs[HT_INPUTS_MAX];
    bool is_joint = false;
    enum ht_status status = open_inputs(inputs, paths, &is_joint, error);
    if (status != HT_OK)
        return status;
    bool is_changed = paths->changes.is_redacted || paths->changes.is_rebased;
    if (is_changed || (paths->count > 1 && !is_joint))
        return open_parts(stream, inputs, paths, is_joint, is_raw, error);
    return open_recording(stream, inputs, paths->count, is_raw, paths, error);
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

// Reads what is there besides events. HT_END when there is no index, or it says no more.
static enum ht_status skim(struct ht_stream *stream, struct ht_error *error)
{
    const struct ht_trace *trace = &stream->trace;
    struct ht_event event;
    stream->scope = (struct ht_scope){INT64_MAX, INT64_MIN, NULL, 0};
    if (stream->format->narrow == NULL || !trace->origin.is_folded)
        return HT_END;
    enum ht_status status = stream->format->narrow(stream->reader, &stream->scope, error);
    if (status == HT_OK && trace->groups == 0)
        return HT_END;
    if (status == HT_OK)
        status = ht_stream_next(stream, &event, error);
    if (status != HT_END)
        return status == HT_OK ? HT_END : status; // an event: the index was not right
    return trace->tally != NULL ? HT_OK : HT_END;
}

enum ht_status ht_stream_skim(struct ht_stream *stream, const char *path, struct ht_error *error)
{
    struct ht_input *input = NULL;
    enum ht_status status = ht_input_open(path, &input, error);
    if (status != HT_OK)
        return status;
    status = ht_input_is_seekable(input) ? HT_OK : HT_END;
    if (status != HT_OK) {
        ht_input_close(input);
        return status;
    }
    status = open_first(stream, input, error);
    if (status == HT_OK)
        status = skim(stream, error);
    stream->trace.left_out -= status == HT_OK ? stream->trace.tally->events : 0;
    if (status != HT_OK)
        ht_stream_close(stream);
    return status;
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
    bool is_lent = stream->parts != NULL; // the parts' own inputs
    if (!is_lent)
        ht_input_close(stream->input);
    for (size_t i = 0; i < stream->joined_count && !is_lent; i++)
        ht_input_close(stream->joined[i]);
    for (size_t i = 0; is_lent && i < stream->part_count; i++)
        ht_stream_close(&stream->parts[i]);
    free(stream->parts);
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
static enum ht_status write_run(struct ht_writer *writer, struct ht_number *number,
                                const struct ht_events *run, uint64_t *events,
                                struct ht_error *error)
{
    size_t step = number != NULL ? 1 : run->count;
    if (number != NULL)
        ht_number_expect(number, run->at, run->count);
    for (size_t i = 0; i < run->count; i += step) {
        enum ht_status status = writer->write(writer, &run->at[i], step, error);
        if (status == HT_OK && number != NULL)
            status = write_changes(writer, number, &run->at[i], error);
        if (status != HT_OK)
            return status;
        *events += step;
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
        status = write_run(writer, number, &run, events, error);
        if (status != HT_OK)
            return status;
        if (progress != NULL && *events / PROGRESS_STEP > told) {
            told = *events / PROGRESS_STEP;
            progress->tell(progress->context, stream, told * PROGRESS_STEP);
        }
    }
    return status == HT_END ? writer->finish(writer, error) : status;
}

static enum ht_status open_writer(const struct ht_target *target, const struct ht_trace *trace,
                                  struct ht_writer **writer, struct ht_error *error)
{
    const struct ht_format *format = target->format;
    return target->quota != NULL
               ? format->open_within(target->output, trace, target->quota, writer, error)
               : format->open_writer(target->output, trace, writer, error);
}

// Numbers for a writer, which keeps its notes with the blocks.
static enum ht_status open_number(struct ht_writer *writer, const struct ht_trace *trace,
                                  struct ht_number **number, struct ht_error *error)
{
    enum ht_status status = ht_number_open(number, trace, error);
    if (status != HT_OK)
        return status;
    ht_number_keep_notes(*number, writer->note_size);
    writer->blocks = ht_number_blocks(*number);
    return HT_OK;
}

enum ht_status ht_convert(struct ht_stream *stream, const struct ht_target *target,
                          const struct ht_progress *progress, uint64_t *events,
                          struct ht_error *error)
{
    struct ht_writer *writer = NULL;
    struct ht_number *number = NULL;
    *events = 0;
    enum ht_status status = open_writer(target, &stream->trace, &writer, error);
    if (status != HT_OK)
        return status;
    if (writer->change != NULL)
        status = open_number(writer, &stream->trace, &number, error);
    if (status == HT_OK)
        status = pump(stream, writer, number, progress, events, error);
    ht_number_close(number);
    if (target->kept != NULL)
        *target->kept = writer->kept;
    writer->close(writer);
    return status;
}
