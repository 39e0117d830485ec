// SPDX-License-Identifier: MIT
//
// What .htape costs in time: an .etl in memory to .htape in memory beside LZ4's compression of the
// same .etl, and .htape to events beside LZ4's decompression, in turn, several rounds in one
// process. Sizes of other compressors are for bench/htape.sh, which runs this program too.
#include "convert/pipeline.h"
#include "formats/compact.h"
#include "replay/os.h"

#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 11, MIDDLE = ROUNDS / 2, FILE_MAX = 1 << 30 };

enum work { WORK_LZ4, WORK_EVENTS, WORK_HTAPE, WORK_UNLZ4, WORK_READ, WORK_COUNT };

struct bench {
    struct ht_buffer etl;
    struct ht_buffer packed; // by LZ4
    struct ht_buffer htape;
    struct ht_buffer unpacked;
    uint64_t events;
};

static enum ht_status read_file(const char *path, struct ht_buffer *file, struct ht_error *error)
{
    struct ht_input *input = NULL;
    size_t got = 0;
    enum ht_status status = ht_input_open(path, &input, error);
    if (status == HT_OK)
        status = ht_buffer_reserve(file, (size_t)ht_input_size(input), error);
    if (status == HT_OK)
        status = ht_input_read(input, file->data, (size_t)ht_input_size(input), &got, error);
    file->size = got;
    ht_input_close(input);
    return status;
}

static enum ht_status reserve(struct bench *bench, struct ht_error *error)
{
    enum ht_status status =
        ht_buffer_reserve(&bench->packed, LZ4F_compressFrameBound(bench->etl.size, NULL), error);
    if (status == HT_OK)
        status = ht_buffer_reserve(&bench->unpacked, bench->etl.size, error);
    return status == HT_OK ? ht_buffer_reserve(&bench->htape, bench->etl.size, error) : status;
}

static enum ht_status pack(struct bench *bench, struct ht_error *error)
{
    const LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max4MB, .blockMode = LZ4F_blockIndependent},
        .compressionLevel = 1,
    };
    size_t size = LZ4F_compressFrame(bench->packed.data, bench->packed.capacity, bench->etl.data,
                                     bench->etl.size, &preferences);
    bench->packed.size = size;
    return LZ4F_isError(size) ? ht_fail(error, HT_MEMORY, "LZ4: %s", LZ4F_getErrorName(size))
                              : HT_OK;
}

static enum ht_status unpack(struct bench *bench, struct ht_error *error)
{
    LZ4F_dctx *context = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return ht_fail_memory(error, "LZ4");
    size_t out_size = bench->etl.size;
    size_t in_size = bench->packed.size;
    size_t hint = LZ4F_decompress(context, bench->unpacked.data, &out_size, bench->packed.data,
                                  &in_size, NULL);
    LZ4F_freeDecompressionContext(context);
    return hint == 0 && out_size == bench->etl.size
               ? HT_OK
               : ht_fail(error, HT_FORMAT, "LZ4 does not give back what it got");
}

static enum ht_status open_stream(const struct ht_buffer *bytes, struct ht_stream *stream,
                                  struct ht_error *error)
{
    struct ht_input *input = NULL;
    enum ht_status status = ht_input_open_memory(bytes->data, bytes->size, "memory", &input, error);
    return status == HT_OK ? ht_stream_over(stream, input, false, error) : status;
}

static enum ht_status read_events(struct bench *bench, const struct ht_buffer *bytes,
                                  struct ht_error *error)
{
    struct ht_stream stream = {0};
    struct ht_event event;
    enum ht_status status = open_stream(bytes, &stream, error);
    bench->events = 0;
    while (status == HT_OK && (status = ht_stream_next(&stream, &event, error)) == HT_OK)
        bench->events++;
    ht_stream_close(&stream);
    return status == HT_END ? HT_OK : status;
}

static enum ht_status write_htape(struct bench *bench, struct ht_error *error)
{
    struct ht_stream stream = {0};
    struct ht_output *output = NULL;
    bench->htape.size = 0;
    enum ht_status status = open_stream(&bench->etl, &stream, error);
    if (status == HT_OK)
        status = ht_output_open_memory(&bench->htape, &output, error);
    if (status == HT_OK)
        status = ht_convert(&stream, &(struct ht_target){&ht_format_compact, output, NULL}, NULL,
                            &bench->events, error);
    if (status == HT_OK)
        status = ht_output_commit(output, error);
    ht_output_close(output);
    ht_stream_close(&stream);
    return status;
}

static enum ht_status run_work(struct bench *bench, enum work work, struct ht_error *error)
{
    switch (work) {
    case WORK_LZ4:
        return pack(bench, error);
    case WORK_EVENTS:
        return read_events(bench, &bench->etl, error);
    case WORK_HTAPE:
        return write_htape(bench, error);
    case WORK_UNLZ4:
        return unpack(bench, error);
    default:
        return read_events(bench, &bench->htape, error);
    }
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void report(const struct bench *bench, uint64_t times[WORK_COUNT][ROUNDS])
{
    static const char *const names[WORK_COUNT] = {
        ".etl, lz4 -1", ".etl to events", ".etl to .htape", ".etl, lz4 -d", ".htape to events"};
    static const enum work rivals[WORK_COUNT] = {WORK_LZ4, WORK_LZ4, WORK_LZ4, WORK_UNLZ4,
                                                 WORK_UNLZ4};
    double events = (double)bench->events;
    printf("%.0f events, %zu bytes of .etl, %d rounds\n", events, bench->etl.size, ROUNDS);
    printf("bytes an event: lz4 -1 %.3f, .htape %.3f\n", (double)bench->packed.size / events,
           (double)bench->htape.size / events);
    printf("ns an event       median    least  times as fast\n");
    for (int work = 0; work < WORK_COUNT; work++)
        qsort(times[work], ROUNDS, sizeof times[work][0], compare);
    for (int work = 0; work < WORK_COUNT; work++)
        printf("%-16s %7.2f  %7.2f  %.2f to %.2f\n", names[work],
               (double)times[work][MIDDLE] / events, (double)times[work][0] / events,
               (double)times[rivals[work]][MIDDLE] / (double)times[work][MIDDLE],
               (double)times[rivals[work]][0] / (double)times[work][0]);
}

static enum ht_status run(struct bench *bench, const char *path, struct ht_error *error)
{
    static uint64_t times[WORK_COUNT][ROUNDS];
    enum ht_status status = read_file(path, &bench->etl, error);
    if (status == HT_OK)
        status = reserve(bench, error);
    for (int round = -1; round < ROUNDS && status == HT_OK; round++) { // the first warms up
        for (int work = 0; work < WORK_COUNT && status == HT_OK; work++) {
            uint64_t start_ns = ht_os_clock_ns();
            status = run_work(bench, (enum work)work, error);
            if (round >= 0)
                times[work][round] = ht_os_clock_ns() - start_ns;
        }
    }
    if (status == HT_OK)
        report(bench, times);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: bench_htape FILE.etl\n");
        return 2;
    }
    struct ht_error error = {0};
    struct bench bench = {
        .etl = ht_buffer_with_limit(FILE_MAX),
        .packed = ht_buffer_with_limit(FILE_MAX),
        .htape = ht_buffer_with_limit(FILE_MAX),
        .unpacked = ht_buffer_with_limit(FILE_MAX),
    };
    enum ht_status status = run(&bench, argv[1], &error);
    ht_buffer_reset(&bench.etl);
    ht_buffer_reset(&bench.packed);
    ht_buffer_reset(&bench.htape);
    ht_buffer_reset(&bench.unpacked);
    if (status != HT_OK)
        fprintf(stderr, "bench_htape: %s\n", error.text);
    return status == HT_OK ? 0 : 1;
}
