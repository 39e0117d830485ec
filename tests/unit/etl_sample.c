// SPDX-License-Identifier: MIT
//
// ETL files from hex. See the header.
#include "etl_sample.h"

#include "formats/etl_constants.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *const sample_create =
    "030002c0 4400 2010 93100000 92100000 c8ca9a3b00000000 0000000000000000 | 00001f0000000000"
    "02000000 0000100000000000 0010000000000000 0000000000000000 | 00000000";
const char *const sample_alloc =
    "020002c0 3c00 2110 93100000 92100000 2ccb9a3b00000000 0000000000000000 | 00001f0000000000"
    "4000000000000000 00101f0000000000 03000000 | 00000000";
const char *const sample_realloc =
    "020002c0 4c00 2210 93100000 92100000 90cb9a3b00000000 0000000000000000 | 00001f0000000000"
    "00201f0000000000 00101f0000000000 8000000000000000 4000000000000000 03000000 | 00000000";
const char *const sample_free =
    "020002c0 3400 2410 93100000 92100000 f4cb9a3b00000000 0000000000000000 | 00001f0000000000"
    "00201f0000000000 03000000 | 00000000";
const char *const sample_alloc32 =
    "020001c0 3000 2110 93100000 92100000 58cc9a3b00000000 0000000000000000 | 00004f00 10000000"
    "00104f00 02000000";
const char *const sample_destroy =
    "020002c0 2800 2310 93100000 92100000 bccc9a3b00000000 0000000000000000 | 00001f0000000000";
const char *const sample_stack =
    "020011c0 3000 2018 2dcb9a3b00000000 | 2ccb9a3b00000000 92100000 93100000 00100000f67f0000"
    "00200000f67f0000";
// Version 4, rundown: "app.exe", command line "app.exe /x".
const char *const sample_process =
    "040011c0 7200 0303 64ca9a3b00000000 | 00100000 0080ffff 92100000 04000000 01000000 03010000"
    "00a01a0000000000 00000000 | 0100000000000000 0000000000000000 | 0101000000000005 12000000 |"
    "6170702e65786500 | 6100 7000 7000 2e00 6500 7800 6500 2000 2f00 7800 0000 0000 0000 |"
    "000000000000";

// The header buffer up to its two names.
static const char header_buffer[] =
    "00200000 b0010000 b0010000 00000000 00000000 00000000 00000000 00000000"
    "00000000 00000000 0000 0100 03000000 b0010000 2100 0400 00000000 00000000 00000000 00000000 |"
    "020002c0 6801 0000 08000000 04000000 00ca9a3b00000000 0000000000000000 |"
    "00200000 0a000105 654a0000 02000000 8096f2f64cf5d401 5a620200 00000000"
    "01000000 03000000 01000000 08000000 00000000 b80b0000 0a00000000000000 0700000000000000";
static const char header_times[] =
    "0036bfba4cf5d401 8096980000000000 00005af64cf5d401 01000000 00000000"
    "4800 6500 6100 7000 5300 6500 7300 7300 6900 6f00 6e00 0000"
    "4300 3a00 5c00 6800 6500 6100 7000 2e00 6500 7400 6c00 0000";
enum { HEADER_TIMES_AT = 0x160, BUFFERS_WRITTEN_AT = 0x8C };

static const char buffer_header[] =
    "00200000 00000000 00000000 00000000 00000000 00000000 01000000 00000000"
    "00000000 00000000 0000 0100 03000000 00000000 2000 0000 00000000 00000000 00000000 00000000";

size_t sample_hex(const char *hex, uint8_t *out, size_t room)
{
    size_t size = 0;
    for (; *hex != '\0'; hex++) {
        if (!isxdigit((unsigned char)*hex))
            continue;
        const char pair[] = {hex[0], hex[1], '\0'};
        if (size == room)
            abort();
        out[size++] = (uint8_t)strtoul(pair, NULL, 16);
        hex++;
    }
    return size;
}

static void append(struct sample *sample, const void *data, size_t size)
{
    if (ht_buffer_append(&sample->file, data, size, NULL) != HT_OK)
        abort();
}

static void append_hex(struct sample *sample, const char *hex)
{
    uint8_t bytes[4096];
    append(sample, bytes, sample_hex(hex, bytes, sizeof bytes));
}

static void fill(struct sample *sample, uint8_t byte, size_t up_to)
{
    while (sample->file.size < up_to)
        append(sample, &byte, 1);
}

void sample_begin(struct sample *sample, uint32_t buffers_written)
{
    *sample = (struct sample){.file = ht_buffer_with_limit(1 << 24)};
    append_hex(sample, header_buffer);
    fill(sample, 0, HEADER_TIMES_AT);
    append_hex(sample, header_times);
    fill(sample, 0xFF, SAMPLE_BUFFER_SIZE);
    ht_store32(sample->file.data + BUFFERS_WRITTEN_AT, buffers_written);
}

void sample_reset(struct sample *sample)
{
    ht_buffer_reset(&sample->file);
}

void sample_open_buffer(struct sample *sample, uint16_t cpu)
{
    sample->buffer_at = sample->file.size;
    append_hex(sample, buffer_header);
    ht_store16(sample->file.data + sample->buffer_at + HT_ETL_AT_PROCESSOR, cpu);
}

void sample_add_as_is(struct sample *sample, const char *hex)
{
    append_hex(sample, hex);
    size_t used = sample->file.size - sample->buffer_at;
    fill(sample, 0xAA, sample->buffer_at + (used + 7) / 8 * 8); // real pads are not zero
}

void sample_add(struct sample *sample, const char *hex, uint64_t ticks)
{
    size_t at = sample->file.size;
    sample_add_as_is(sample, hex);
    ht_store64(sample->file.data + at + 0x10, SAMPLE_T0 + ticks);
}

static void set_valid(struct sample *sample, uint32_t valid)
{
    uint8_t *header = sample->file.data + sample->buffer_at;
    ht_store32(header + HT_ETL_AT_SAVED_OFFSET, valid);
    ht_store32(header + HT_ETL_AT_CURRENT_OFFSET, valid);
    ht_store32(header + HT_ETL_AT_OFFSET, valid);
}

void sample_close_buffer(struct sample *sample)
{
    set_valid(sample, (uint32_t)(sample->file.size - sample->buffer_at));
    fill(sample, 0xFF, sample->buffer_at + SAMPLE_BUFFER_SIZE);
}

// One group of literals; the flags it has no use for are ones, so that what follows is a match.
static void append_group(struct sample *sample, const uint8_t *literals, size_t count)
{
    uint8_t flags[4];
    ht_store32(flags, count < 32 ? UINT32_MAX >> count : 0);
    append(sample, flags, sizeof flags);
    append(sample, literals, count);
}

static void pack(struct sample *sample, const uint8_t *body, size_t size, uint32_t filler)
{
    size_t at = 0;
    for (; size - at >= 32; at += 32)
        append_group(sample, body + at, 32);
    append_group(sample, body + at, size - at);
    if (filler == 0)
        return;
    // The match repeats the last literal: distance 1, its length in 32 bits.
    uint8_t match[] = {7, 0, 15, 255, 0, 0, 0, 0, 0, 0};
    ht_store32(match + 6, filler - 3);
    append(sample, match, sizeof match);
}

void sample_close_packed(struct sample *sample, uint32_t filler)
{
    size_t body_at = sample->buffer_at + HT_ETL_BUFFER_HEADER_SIZE;
    if (filler > 0)
        fill(sample, 0xFF, sample->file.size + 4);
    size_t size = sample->file.size - body_at;
    uint8_t *body = malloc(size + 1);
    if (body == NULL)
        abort();
    memcpy(body, sample->file.data + body_at, size);
    sample->file.size = body_at;
    pack(sample, body, size, filler);
    free(body);
    set_valid(sample, (uint32_t)(HT_ETL_BUFFER_HEADER_SIZE + size + filler));
    uint8_t *header = sample->file.data + sample->buffer_at;
    ht_store32(header + HT_ETL_AT_BUFFER_SIZE, (uint32_t)(sample->file.size - sample->buffer_at));
    ht_store16(header + HT_ETL_AT_FLAG, HT_ETL_FLAG_PROC_INDEX | HT_ETL_FLAG_COMPRESSED);
}

void sample_documented(struct sample *sample)
{
    sample_begin(sample, 3);
    sample_open_buffer(sample, 0);
    sample_add_as_is(sample, sample_create);
    sample_add_as_is(sample, sample_alloc);
    sample_add_as_is(sample, sample_realloc);
    sample_add_as_is(sample, sample_free);
    sample_close_buffer(sample);
    sample_open_buffer(sample, 1);
    sample_add_as_is(sample, sample_process);
    sample_add_as_is(sample, sample_stack);
    sample_add_as_is(sample, sample_alloc32);
    sample_add_as_is(sample, sample_destroy);
    sample_close_buffer(sample);
}
