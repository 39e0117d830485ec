// SPDX-License-Identifier: MIT
//
// Bytes to a file, to a stream or to memory. A file is written beside its target and renamed when
// complete, so that nothing half-written ever has the target's name.
#ifndef HT_FORMATS_OUTPUT_H
#define HT_FORMATS_OUTPUT_H

#include "formats/bytes.h"

#include <stdio.h>

struct ht_output;

// True for the name of a gzipped file, ".gz".
bool ht_output_is_gzip(const char *path);

// Opens a file for writing; "-" is standard output. A target that is no regular file (a pipe,
// /dev/null) is written directly. What is written under a name that ends in ".gz" is gzipped. On
// failure *output is NULL.
enum ht_status ht_output_open(const char *path, struct ht_output **output, struct ht_error *error);

// Writes to a stream of the caller's, who closes it; messages call it `name`, which outlives the
// output.
enum ht_status ht_output_open_stream(FILE *file, const char *name, struct ht_output **output,
                                     struct ht_error *error);

// Writes into memory: `sink` is borrowed, keeps what it holds and gets what is written behind.
enum ht_status ht_output_open_memory(struct ht_buffer *sink, struct ht_output **output,
                                     struct ht_error *error);

// Writes all the bytes, buffered.
enum ht_status ht_output_write(struct ht_output *output, const void *data, size_t size,
                               struct ht_error *error);

// Writes formatted text of at most 1023 bytes.
enum ht_status ht_output_print(struct ht_output *output, struct ht_error *error, const char *format,
                               ...) HT_PRINTF(3, 4);

// Bytes written so far; of a gzipped file those that are in it.
uint64_t ht_output_bytes(const struct ht_output *output);

// Flushes and, for a file, gives it its name. Only after this does the target exist.
enum ht_status ht_output_commit(struct ht_output *output, struct ht_error *error);

// Closes; what was not committed is removed. Accepts NULL.
void ht_output_close(struct ht_output *output);

#endif
