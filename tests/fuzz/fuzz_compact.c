// SPDX-License-Identifier: MIT
//
// Fuzz target of the .htape reader. Bytes that begin as a .htape are taken as a file, all others
// as the messages of one, behind a right checksum. All are read by their index too, if they have
// one. Of those that read to their end, one in four must survive being written and read again: a
// writer costs more than all the rest.
#include "formats/compact.h"
#include "formats/compact_frames.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(enum ht_status status)
{
    if (status != HT_OK)
        abort();
}

// Reads all events; each goes to `writer` unless that is NULL. Gives how many there were.
static uint64_t read_all(const void *data, size_t size, struct ht_trace *trace,
                         struct ht_output *output, enum ht_status *status)
{
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    struct ht_writer *writer = NULL;
    struct ht_event event;
    uint64_t count = 0;
    must(ht_input_open_memory(data, size, "fuzz", &input, NULL));
    *status = ht_format_compact.open_reader(input, trace, &reader, NULL);
    if (*status == HT_OK && output != NULL)
        must(ht_format_compact.open_writer(output, trace, &writer, NULL));
    while (*status == HT_OK) {
        *status = ht_reader_next(reader, &event, NULL);
        if (*status != HT_OK)
            break;
        count++;
        if (writer != NULL)
            must(writer->write(writer, &event, 1, NULL));
    }
    if (writer != NULL) {
        must(writer->finish(writer, NULL));
        writer->close(writer);
    }
    if (reader != NULL)
        reader->close(reader);
    ht_input_close(input);
    return count;
}

// A file whose only frame holds these bytes.
static struct ht_buffer wrap(const uint8_t *data, size_t size)
{
    struct ht_buffer file = ht_buffer_with_limit(1 << 30);
    struct ht_frame_sink sink;
    struct ht_output *output = NULL;
    must(ht_output_open_memory(&file, &output, NULL));
    must(ht_compact_start_write(output, NULL));
    ht_frame_sink_init(&sink, output);
    must(ht_buffer_append(&sink.content, data, size, NULL));
    must(ht_frame_sink_end(&sink, NULL));
    must(ht_output_commit(output, NULL));
    ht_output_close(output);
    ht_frame_sink_reset(&sink);
    return file;
}

// Writes what is read from the bytes, reads that, and gives the same counts of events, modules
// and losses.
static void round_trip(const uint8_t *data, size_t size, uint64_t count)
{
    struct ht_trace first;
    struct ht_trace second;
    struct ht_output *output = NULL;
    struct ht_buffer bytes = ht_buffer_with_limit(1 << 30);
    enum ht_status status = HT_OK;
    must(ht_trace_init(&first, NULL));
    must(ht_trace_init(&second, NULL));
    must(ht_output_open_memory(&bytes, &output, NULL));
    read_all(data, size, &first, output, &status);
    must(ht_output_commit(output, NULL));
    ht_output_close(output);
    if (read_all(bytes.data, bytes.size, &second, NULL, &status) != count || status != HT_END)
        abort();
    if (second.module_count != first.module_count)
        abort();
    for (int i = 0; i < HT_LOSS_COUNT; i++)
        if (second.loss[i] != first.loss[i])
            abort();
    ht_buffer_reset(&bytes);
    ht_trace_reset(&second);
    ht_trace_reset(&first);
}

// Reads by the index, if there is one. What it leaves out comes on top of what is read.
static void seek(const uint8_t *data, size_t size)
{
    static const uint32_t pids[] = {4, 8};
    const struct ht_scope scope = {0, 1000000, pids, 2};
    struct ht_trace trace;
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    struct ht_event event;
    must(ht_trace_init(&trace, NULL));
    must(ht_input_open_memory(data, size, "fuzz", &input, NULL));
    enum ht_status status = ht_format_compact.open_reader(input, &trace, &reader, NULL);
    if (status == HT_OK)
        status = ht_format_compact.narrow(reader, &scope, NULL);
    while (status == HT_OK)
        status = ht_reader_next(reader, &event, NULL);
    if (trace.groups_read > trace.groups)
        abort();
    if (reader != NULL)
        reader->close(reader);
    ht_input_close(input);
    ht_trace_reset(&trace);
}

// By all bytes, so that whatever changes draws anew.
static bool is_drawn(const uint8_t *data, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += data[i];
    return sum % 4 == 0;
}

static void read_file(const uint8_t *data, size_t size)
{
    struct ht_trace trace;
    enum ht_status status = HT_OK;
    must(ht_trace_init(&trace, NULL));
    uint64_t count = read_all(data, size, &trace, NULL, &status);
    ht_trace_reset(&trace);
    seek(data, size);
    if (status == HT_END && count > 0 && is_drawn(data, size))
        round_trip(data, size, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (ht_compact_start_taste(data, size)) {
        read_file(data, size);
    } else {
        struct ht_buffer file = wrap(data, size);
        read_file(file.data, file.size);
        ht_buffer_reset(&file);
    }
    return 0;
}
