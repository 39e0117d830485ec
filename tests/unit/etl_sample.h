// SPDX-License-Identifier: MIT
//
// ETL files for the reader's tests, put together from hand-written hex. Knows just enough of
// buffers to set their offsets; deliberately no writer of records, so that the reader is judged
// by bytes that were written down, not by code of ours.
#ifndef HT_TESTS_ETL_SAMPLE_H
#define HT_TESTS_ETL_SAMPLE_H

#include "formats/bytes.h"

enum {
    SAMPLE_BUFFER_SIZE = 0x2000,
    SAMPLE_T0 = 1000000000, // raw stamp of the log header; the clock is 10 MHz
};

// The records of the documentation's sample, all of process 4242, thread 4243, heap 0x1f0000.
extern const char *const sample_create;
extern const char *const sample_alloc; // size 64 at 0x1f1000
extern const char *const sample_realloc;
extern const char *const sample_free;
extern const char *const sample_alloc32;
extern const char *const sample_destroy;
extern const char *const sample_stack;
extern const char *const sample_process;

// Bytes of hex text; blanks and bars are skipped.
size_t sample_hex(const char *hex, uint8_t *out, size_t room);

struct sample {
    struct ht_buffer file;
    size_t buffer_at; // of the open buffer
};

// A file with its header buffer, which says so many buffers were written.
void sample_begin(struct sample *sample, uint32_t buffers_written);
void sample_reset(struct sample *sample);

void sample_open_buffer(struct sample *sample, uint16_t cpu);
// Appends a record, padded; its stamp (at 0x10) becomes SAMPLE_T0 + ticks.
void sample_add(struct sample *sample, const char *hex, uint64_t ticks);
// The same with the stamp that is in the text.
void sample_add_as_is(struct sample *sample, const char *hex);
// Ends the open buffer, with filler up to its size.
void sample_close_buffer(struct sample *sample);
// Ends it as a compressed buffer of literals; with `filler`, of four and so many bytes FF more.
void sample_close_packed(struct sample *sample, uint32_t filler);

// The whole sample file: create, alloc, realloc, free, a 32-bit alloc, destroy, stack, process.
void sample_documented(struct sample *sample);

#endif
