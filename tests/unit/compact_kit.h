// SPDX-License-Identifier: MIT
//
// What the tests of the compact format share: a sample trace that has everything, files made of
// it, and traces as text, so that two of them can be compared.
#ifndef HT_TESTS_COMPACT_KIT_H
#define HT_TESTS_COMPACT_KIT_H

#include "compact.pb-c.h"
#include "formats/compact.h"
#include "formats/compact_frames.h"
#include "formats/compact_names.h"

enum {
    KIT_EVENTS = 3 * HT_KIND_COUNT,
    KIT_BLOCK_EVENTS = 5, // of a block of kit_three_blocks
};

// A trace with each kind three times, two modules and extreme values; events are in the caller's
// array.
void kit_sample(struct ht_trace *trace, struct ht_event events[KIT_EVENTS]);

// The events as a .htape file by the format's writer. The caller resets the buffer.
struct ht_buffer kit_write(const struct ht_trace *trace, const struct ht_event *events,
                           size_t count);

// The same by another way of writing it: the format's `best`.
struct ht_buffer kit_write_as(const struct ht_format *format, const struct ht_trace *trace,
                              const struct ht_event *events, size_t count);

// A file begun by hand, to put into it what the writer never would: start and header.
struct kit_file {
    struct ht_buffer bytes;
    struct ht_output *output;
    struct ht_frame_sink sink;
};
void kit_begin(struct kit_file *file);

// Each of these is a frame of its own.
void kit_message(struct kit_file *file, uint32_t field, const ProtobufCMessage *message);
void kit_block(struct kit_file *file, const struct ht_trace *trace, const struct ht_event *events,
               size_t count);
void kit_end_record(struct kit_file *file, uint64_t event_count);

// The file's bytes so far, valid until the next of these calls; reset by kit_close.
struct ht_buffer *kit_bytes(struct kit_file *file);
void kit_close(struct kit_file *file);

// The first events of the sample as a file of three blocks, with an index; its dictionary is before
// them.
struct ht_buffer kit_three_blocks(const struct ht_trace *trace, const struct ht_event *events);

// What was read from a file.
struct kit_result {
    enum ht_status status; // HT_END, or the failure
    struct ht_trace trace;
    struct ht_buffer text; // a line an event, NUL-terminated
    size_t event_count;
    struct ht_error error;
};

// Reads bytes as .htape. The caller resets the result.
struct kit_result kit_read(const void *bytes, size_t size);

// The same with a second processor.
struct kit_result kit_read_assisted(const void *bytes, size_t size);

// The same for these events only, by the index.
struct kit_result kit_read_narrow(const void *bytes, size_t size, const struct ht_scope *scope);
void kit_result_reset(struct kit_result *result);

// Appends a line with every field of an event, its detail and its stack.
void kit_print(struct ht_buffer *text, const struct ht_trace *trace, const struct ht_event *event);

// All lines of the events.
struct ht_buffer kit_text(const struct ht_trace *trace, const struct ht_event *events,
                          size_t count);

// That a trace has the modules of another, in order and with all their fields.
void kit_check_modules(const struct ht_trace *trace, const struct ht_trace *expected);

// Damage of all kinds that was told.
uint64_t kit_losses(const struct ht_trace *trace);

#endif
