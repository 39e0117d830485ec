// SPDX-License-Identifier: MIT
//
// A real trace of a million events against the figures known of it, and copied byte for byte.
// Takes the corpus folder, which HT_CORPUS overrides; skipped where that or xz is absent.
#include "convert/pipeline.h"
#include "convert/summary.h"
#include "formats/tsv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77, TEXT_MAX = 64 << 20 };

static int failures;

static void expect(const char *what, uint64_t found, uint64_t expected)
{
    printf("%-24s %10" PRIu64 "\n", what, found);
    if (found != expected) {
        printf("%-24s %10" PRIu64 " expected\n", "", expected);
        failures++;
    }
}

// The unpacked trace; false when it cannot be had.
static bool unpack(const char *corpus, struct ht_buffer *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/alloc/linux-node.tsv.xz", corpus);
    FILE *packed = fopen(path, "rb");
    if (packed == NULL || fclose(packed) != 0)
        return false;
    // By the environment, so that the shell never parses the path.
    if (setenv("HT_PACKED", path, 1) != 0)
        return false;
    FILE *pipe = popen("xz -dc \"$HT_PACKED\"", "r");
    if (pipe == NULL)
        return false;
    enum ht_status status = ht_buffer_reserve(text, TEXT_MAX, NULL);
    if (status == HT_OK)
        text->size = fread(text->data, 1, TEXT_MAX, pipe);
    return pclose(pipe) == 0 && status == HT_OK;
}

static enum ht_status open_text(const struct ht_buffer *text, struct ht_stream *stream,
                                struct ht_error *error)
{
    struct ht_input *input = NULL;
    enum ht_status status =
        ht_input_open_memory(text->data, text->size, "linux-node.tsv", &input, error);
    return status == HT_OK ? ht_stream_over(stream, input, false, error) : status;
}

static enum ht_status check_figures(const struct ht_buffer *text, struct ht_error *error)
{
    struct ht_stream stream = {0};
    struct ht_summary summary;
    enum ht_status status = ht_summary_init(&summary, NULL, error);
    if (status != HT_OK)
        return status;
    struct ht_event event;
    status = open_text(text, &stream, error);
    while (status == HT_OK) {
        status = ht_stream_next(&stream, &event, error);
        if (status == HT_OK)
            status = ht_summary_add(&summary, &event, error);
    }
    const struct ht_number_counts *counts = ht_number_counts(summary.number);
    expect("allocs", summary.by_kind[HT_KIND_ALLOC], 489009);
    expect("frees", summary.by_kind[HT_KIND_FREE], 475646);
    expect("reallocs", summary.by_kind[HT_KIND_REALLOC], 3884);
    expect("reallocs in place", summary.realloc.in_place, 2414);
    expect("reallocs moved", summary.realloc.moved, 1470);
    expect("blocks live at the end", summary.live.blocks, 13363);
    expect("bytes live at the end", summary.live.bytes, 899495);
    expect("unknown blocks", ht_summary_unknown_blocks(&summary), 0);
    expect("replaced blocks", counts->replaced, 0);
    expect("sizes that differ", counts->old_size_differs, 0);
    expect("damaged lines", stream.trace.loss[HT_LOSS_DAMAGED_EVENTS], 0);
    ht_stream_close(&stream);
    ht_summary_reset(&summary);
    return status == HT_END ? HT_OK : status;
}

static enum ht_status check_copy(const struct ht_buffer *text, struct ht_error *error)
{
    struct ht_stream stream = {0};
    struct ht_buffer copied = ht_buffer_with_limit(TEXT_MAX);
    struct ht_output *output = NULL;
    uint64_t events = 0;
    enum ht_status status = open_text(text, &stream, error);
    if (status == HT_OK)
        status = ht_output_open_memory(&copied, &output, error);
    if (status == HT_OK)
        status =
            ht_convert(&stream, &(struct ht_target){.format = &ht_format_tsv, .output = output},
                       NULL, &events, error);
    expect("bytes copied", copied.size, text->size);
    bool is_same = copied.size == text->size && memcmp(copied.data, text->data, text->size) == 0;
    expect("copy is the same", is_same, 1);
    ht_output_close(output);
    ht_stream_close(&stream);
    ht_buffer_reset(&copied);
    return status;
}

int main(int argc, char **argv)
{
    const char *corpus = getenv("HT_CORPUS");
    if (corpus == NULL)
        corpus = argc > 1 ? argv[1] : "";
    struct ht_error error = {""};
    struct ht_buffer text = ht_buffer_with_limit(TEXT_MAX);
    if (!unpack(corpus, &text)) {
        printf("skipped: no %s/alloc/linux-node.tsv.xz, or no xz\n", corpus);
        ht_buffer_reset(&text);
        return SKIPPED;
    }
    enum ht_status status = check_figures(&text, &error);
    if (status == HT_OK)
        status = check_copy(&text, &error);
    if (status != HT_OK)
        printf("failed: %s\n", error.text);
    ht_buffer_reset(&text);
    return status == HT_OK && failures == 0 ? 0 : 1;
}
