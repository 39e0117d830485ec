// SPDX-License-Identifier: MIT
//
// Bytes compressed into a stream of the gzip format, by zlib. The same bytes give the same stream:
// it names neither a file nor a time. Part of formats/output.h, which chooses it by a file's name.
#ifndef HT_FORMATS_GZIP_H
#define HT_FORMATS_GZIP_H

#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ht_gzip;

// Begins a stream into `file`, which stays the caller's. On failure *gzip is NULL.
enum ht_status ht_gzip_open(FILE *file, struct ht_gzip **gzip, struct ht_error *error);

// Compresses all the bytes; the end of the stream with `is_end`, after which only close may follow.
// False, with errno set, when the file cannot be written.
bool ht_gzip_write(struct ht_gzip *gzip, const void *data, size_t size, bool is_end);

// Bytes that went into the file so far.
uint64_t ht_gzip_bytes(const struct ht_gzip *gzip);

// Accepts NULL.
void ht_gzip_close(struct ht_gzip *gzip);

#endif
