// SPDX-License-Identifier: MIT
//
// Bytes from a file, from a stream or from memory. One input has one sequential position;
// seekable inputs can also be read anywhere. Reads are not buffered: ask for large pieces.
#ifndef HT_FORMATS_INPUT_H
#define HT_FORMATS_INPUT_H

#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ht_input;

// Opens a file; "-" is standard input. A directory is refused. On failure *input is NULL.
enum ht_status ht_input_open(const char *path, struct ht_input **input, struct ht_error *error);

// Reads from `size` borrowed bytes, which outlive the input. `name` is for messages, borrowed.
enum ht_status ht_input_open_memory(const void *data, size_t size, const char *name,
                                    struct ht_input **input, struct ht_error *error);

// Closes; accepts NULL.
void ht_input_close(struct ht_input *input);

// The path, or "standard input"; valid until close.
const char *ht_input_name(const struct ht_input *input);

bool ht_input_is_seekable(const struct ht_input *input);

// Size in bytes of a seekable input, 0 for a stream.
uint64_t ht_input_size(const struct ht_input *input);

// Bytes handed out so far by ht_input_read and ht_input_read_at together: the measure of progress.
uint64_t ht_input_bytes_read(const struct ht_input *input);

// Lends the first bytes without consuming them, at most HT_TASTE_BYTES and fewer only when the
// input is shorter; valid until close. To be called before anything is read.
enum ht_status ht_input_taste(struct ht_input *input, const uint8_t **head, size_t *size,
                              struct ht_error *error);

// Reads the next bytes. *got is `size` except at the end of the input.
enum ht_status ht_input_read(struct ht_input *input, void *data, size_t size, size_t *got,
                             struct ht_error *error);

// Reads at an offset of a seekable input; the sequential position stays. *got is `size` except
// past the end.
enum ht_status ht_input_read_at(struct ht_input *input, uint64_t offset, void *data, size_t size,
                                size_t *got, struct ht_error *error);

#endif
