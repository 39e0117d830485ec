// SPDX-License-Identifier: MIT
//
// Fuzz target: a whole ETL file, from memory to its last event.
#include "formats/etl.h"

#include <stdlib.h>

enum { EVENTS_MAX = 1 << 20 }; // no input of a fuzzer's size has more that is worth the time

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ht_error error;
    struct ht_trace trace;
    struct ht_input *input = NULL;
    struct ht_reader *reader = NULL;
    struct ht_event event;
    if (ht_trace_init(&trace, &error) != HT_OK)
        abort();
    if (ht_input_open_memory(data, size, "fuzz", &input, &error) != HT_OK)
        abort();
    enum ht_status status = ht_format_etl.open_reader(input, &trace, &reader, &error);
    for (int i = 0; i < EVENTS_MAX && status == HT_OK; i++)
        status = ht_reader_next(reader, &event, &error);
    if (reader != NULL)
        reader->close(reader);
    ht_input_close(input);
    ht_trace_reset(&trace);
    return 0;
}
