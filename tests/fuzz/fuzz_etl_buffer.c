// SPDX-License-Identifier: MIT
//
// Fuzz target: the records of one unpacked ETL buffer. The input is the buffer's body; a header
// buffer and the buffer's own header are put before it, so that every byte of the input is a
// record's.
#include "formats/etl.h"
#include "formats/etl_constants.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_SIZE = 0x400,
    BODY_MAX = 0x10000,
    RECORD_AT = HT_ETL_BUFFER_HEADER_SIZE,
    PAYLOAD_AT = RECORD_AT + HT_ETL_SYSTEM_SIZE,
    RECORD_SIZE = HT_ETL_SYSTEM_SIZE + HT_ETL_LOG_HEADER_SIZE_64,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_buffer_header(uint8_t *at, uint32_t size, uint32_t valid)
{
    ht_store32(at + HT_ETL_AT_BUFFER_SIZE, size);
    ht_store32(at + HT_ETL_AT_SAVED_OFFSET, valid);
    ht_store32(at + HT_ETL_AT_OFFSET, valid);
    ht_store16(at + HT_ETL_AT_FLAG, HT_ETL_FLAG_PROC_INDEX);
}

// The least that is a log header: 64-bit, a clock of 10 MHz, its stamp 0.
static void put_log_header(uint8_t *file)
{
    put_buffer_header(file, FIRST_SIZE, RECORD_AT + RECORD_SIZE);
    ht_store32(file + RECORD_AT, (uint32_t)HT_ETL_FAMILY_TRACE << 24 | HT_ETL_SYSTEM64 << 16 | 2);
    ht_store16(file + RECORD_AT + 4, RECORD_SIZE);
    ht_store32(file + PAYLOAD_AT, FIRST_SIZE);
    ht_store32(file + PAYLOAD_AT + 0x2C, 8);
    ht_store64(file + PAYLOAD_AT + 0x100, 10000000);
}

static void read_all(const uint8_t *file, size_t size)
{
    struct ht_trace trace;
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    struct ht_event event;
    if (ht_trace_init(&trace, NULL) != HT_OK ||
        ht_input_open_memory(file, size, "fuzz", &input, NULL) != HT_OK ||
        ht_format_etl.open_reader(input, &trace, &reader, NULL) != HT_OK)
        abort();
    while (ht_reader_next(reader, &event, NULL) == HT_OK)
        continue;
    reader->close(reader);
    ht_input_close(input);
    ht_trace_reset(&trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > BODY_MAX)
        return 0;
    size_t file_size = FIRST_SIZE + HT_ETL_BUFFER_HEADER_SIZE + size;
    uint8_t *file = calloc(1, file_size); // of this very size, so that a read past it is seen
    if (file == NULL)
        abort();
    uint8_t *buffer = file + FIRST_SIZE;
    uint32_t buffer_size = (uint32_t)(file_size - FIRST_SIZE);
    put_log_header(file);
    put_buffer_header(buffer, buffer_size, buffer_size);
    if (size > 0)
        memcpy(buffer + HT_ETL_BUFFER_HEADER_SIZE, data, size);
    read_all(file, file_size);
    free(file);
    return 0;
}
