// SPDX-License-Identifier: MIT
//
// Fuzz target of the import of allocation logs: the first byte chooses options, the rest is a log.
#include "fixtures/fixtures.h"

enum { OUTPUT_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct ht_fixture_options options = {
        .is_compressed = (data[0] & 1) != 0,
        .pointer_size = data[0] & 2 ? 4 : 8,
        .buffer_size = 1024,
    };
    struct ht_buffer written = ht_buffer_with_limit(OUTPUT_MAX);
    struct ht_log_report report;
    struct ht_output *output = NULL;
    struct ht_input *input = NULL;
    if (ht_input_open_memory(data + 1, size - 1, "log", &input, NULL) == HT_OK &&
        ht_output_open_memory(&written, &output, NULL) == HT_OK)
        ht_fixture_from_log(input, &options, output, &report, NULL);
    ht_output_close(output);
    ht_input_close(input);
    ht_buffer_reset(&written);
    return 0;
}
