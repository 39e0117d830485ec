// SPDX-License-Identifier: MIT
//
// An ETL file as a list of buffers: pass one over the file, which reads the buffer headers and
// the stamp of each buffer's first record, and the loading of one buffer. Files of one recording
// can be joined into one list. Does not look at events (docs/formats/etl.md, sections 1, 2, 5).
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
    uint8_t flags; // enum ht_etl_buffer_flag
    uint8_t source;
};
static_assert(sizeof(struct ht_etl_buffer) <= 32, "the list costs 32 bytes a buffer");

// A file whose buffers are in the list.
struct ht_etl_source {
    struct ht_input *input; // borrowed
    uint64_t zero;          // its raw stamp of time 0
};

struct ht_etl_file {
    struct ht_input *input; // borrowed; of the first source
    struct ht_trace *trace; // borrowed; damage is counted here
    struct ht_etl_log_header header;
    struct ht_etl_buffer *buffers; // owned; sorted by first_ticks, cpu and offset
    uint32_t buffer_count;
    uint32_t buffer_capacity;
    uint32_t flagged_events;  // buffers that say events were lost
    uint32_t flagged_buffers; // buffers that say a buffer was lost
    struct ht_etl_source sources[HT_INPUTS_MAX];
    uint32_t source_count;
    struct ht_buffer packed; // bytes as they are stored, while they are looked at
};

// Reads the log-file header and lists the buffers. Bad buffer headers and a cut end are counted
// in the trace. On failure the file needs no reset.
enum ht_status ht_etl_file_open(struct ht_etl_file *file, struct ht_input *input,
                                struct ht_trace *trace, struct ht_error *error);
void ht_etl_file_reset(struct ht_etl_file *file);

// Adds the buffers of another file, on the time of the first: by the raw stamps where both tell
// the same wall time of these, as one boot of one machine does, else by wall time. *is_raw tells
// which. HT_UNSUPPORTED when the clocks run at different rates.
enum ht_status ht_etl_file_join(struct ht_etl_file *file, struct ht_input *input, bool *is_raw,
                                struct ht_error *error);

// Ticks between time 0 and a raw stamp in a listed buffer; negative before it.
static inline int64_t ht_etl_file_ticks(const struct ht_etl_file *file,
                                        const struct ht_etl_buffer *buffer, uint64_t stamp)
{
    return (int64_t)(stamp - file->sources[buffer->source].zero);
}

// Reads a listed buffer into `bytes`, which has room for buffer->valid, and unpacks it by way of
// `packed`, which has the limit HT_ETL_BUFFER_MAX. *valid becomes the count of bytes that are
// there: fewer than buffer->valid when the buffer is damaged. Threads may load from one file at
// once.
enum ht_status ht_etl_file_load(const struct ht_etl_file *file, const struct ht_etl_buffer *buffer,
                                struct ht_buffer *packed, uint8_t *bytes, uint32_t *valid,
                                struct ht_error *error);

#endif
