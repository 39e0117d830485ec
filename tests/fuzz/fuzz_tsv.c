// SPDX-License-Identifier: MIT
//
// Any bytes as TSV, through the reader, fold, number and writer. What is written must be read
// back as the same bytes, and what number tells must add up.
#include "convert/pipeline.h"
#include "convert/summary.h"
#include "formats/tsv.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        abort();
}

// Converts TSV to TSV as it stands; false when the bytes are no TSV.
static bool copy(const uint8_t *data, size_t size, struct ht_buffer *copied)
{
    struct ht_input *input = NULL;
    struct ht_stream stream = {0};
    struct ht_output *output = NULL;
    uint64_t events = 0;
    check(ht_input_open_memory(data, size, "fuzz", &input, NULL) == HT_OK);
    if (ht_stream_over(&stream, input, true, NULL) != HT_OK)
        return false;
    check(ht_output_open_memory(copied, &output, NULL) == HT_OK);
    struct ht_target target = {.format = &ht_format_tsv, .output = output};
    check(ht_convert(&stream, &target, NULL, &events, NULL) == HT_OK);
    ht_output_close(output);
    ht_stream_close(&stream);
    return true;
}

static void check_sums(const struct ht_summary *summary)
{
    uint64_t bytes = 0;
    uint64_t blocks = 0;
    uint64_t events = 0;
    for (uint32_t i = 0; i < summary->heap_count; i++) {
        bytes += summary->heaps[i].live.bytes;
        blocks += summary->heaps[i].live.blocks;
        events += summary->heaps[i].events;
    }
    check(bytes == summary->live.bytes);
    check(blocks == summary->live.blocks);
    check(blocks == ht_number_live_count(summary->number));
    check(blocks <= ht_number_block_limit(summary->number));
    check(events == summary->events);
}

static void sum(const uint8_t *data, size_t size)
{
    struct ht_input *input = NULL;
    struct ht_stream stream = {0};
    struct ht_summary summary;
    struct ht_event event;
    check(ht_input_open_memory(data, size, "fuzz", &input, NULL) == HT_OK);
    check(ht_stream_over(&stream, input, false, NULL) == HT_OK);
    check(ht_summary_init(&summary, NULL, NULL) == HT_OK);
    while (ht_stream_next(&stream, &event, NULL) == HT_OK)
        check(ht_summary_add(&summary, &event, NULL) == HT_OK);
    check_sums(&summary);
    ht_summary_reset(&summary);
    ht_stream_close(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ht_buffer once = ht_buffer_with_limit(64 << 20);
    struct ht_buffer twice = ht_buffer_with_limit(64 << 20);
    if (copy(data, size, &once)) {
        check(copy(once.data, once.size, &twice));
        check(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0);
        sum(data, size);
    }
    ht_buffer_reset(&once);
    ht_buffer_reset(&twice);
    return 0;
}
