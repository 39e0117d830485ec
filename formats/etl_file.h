// SPDX-License-Identifier: MIT
//
// An ETL file as a list of buffers: pass one over the file, which reads the buffer headers and
// the stamp of each buffer's first record, and the loading of one buffer. Does not look at events
// (docs/formats/etl.md, sections 1 and 2).
#ifndef HT_FORMATS_ETL_FILE_H
#define HT_FORMATS_ETL_FILE_H

#include "formats/bytes.h"
#include "formats/etl_header.h"
#include "formats/input.h"

#include <assert.h>

enum ht_etl_buffer_flag {
    HT_ETL_BUFFER_PACKED = 1, // compressed
    HT_ETL_BUFFER_CUT = 2,    // the file ends inside it
};

// One buffer in the list.
struct ht_etl_buffer {
    uint64_t offset;     // in the file
    int64_t first_ticks; // of its first stamped record, INT64_MIN when it has none
    uint32_t stored;     // bytes in the file, header included
    uint32_t valid;      // bytes once unpacked, header included, up to the end of its records
    uint16_t cpu;
    uint16_t flags; // enum ht_etl_buffer_flag
};
static_assert(sizeof(struct ht_etl_buffer) <= 32, "the list costs 32 bytes a buffer");

struct ht_etl_file {
    struct ht_input *input; // borrowed
    struct ht_trace *trace; // borrowed; damage is counted here
    struct ht_etl_log_header header;
    struct ht_etl_buffer *buffers; // owned; sorted by first_ticks, cpu and offset
    uint32_t buffer_count;
    uint32_t buffer_capacity;
    struct ht_buffer packed; // the stored bytes of a compressed buffer while it is unpacked
};

// Reads the log-file header and lists the buffers. Bad buffer headers and a cut end are counted
// in the trace. On failure the file needs no reset.
enum ht_status ht_etl_file_open(struct ht_etl_file *file, struct ht_input *input,
                                struct ht_trace *trace, struct ht_error *error);
void ht_etl_file_reset(struct ht_etl_file *file);

// Reads a listed buffer into `bytes`, which has room for buffer->valid, and unpacks it. *valid
// becomes the count of bytes that are there: fewer than buffer->valid when the buffer is damaged.
enum ht_status ht_etl_file_load(struct ht_etl_file *file, const struct ht_etl_buffer *buffer,
                                uint8_t *bytes, uint32_t *valid, struct ht_error *error);

#endif
