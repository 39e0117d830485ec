// SPDX-License-Identifier: MIT
//
// The outside of a .htape file: its start and its LZ4 frames. See the header; LZ4's frames are
// described in lz4_Frame_format.md of the LZ4 project.
//
// The packed bytes of a frame stay in memory until the frame is known to be whole. So when it is
// not, the search for the next one begins right behind the damaged frame's first byte and does not
// trust any length that the damage may have changed.
#include "formats/compact_frames.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC_SIZE = 4,
    SKIPPABLE_HEAD_SIZE = 8,
    FLAGS_AT = 4,              // of the byte FLG in a frame
    FLAG_CONTENT_CHECKSUM = 4, // in FLG
    FRAME_TARGET = 1 << 20,    // a frame ends when its messages have this many bytes
    READ_SIZE = 64 << 10,
    BLOCK_SIZE = 1 << 20, // LZ4F_max1MB
    CHECKSUM_SIZE = 4,    // of the content, at the end of a frame
};

static const uint32_t magic_lz4 = 0x184D2204;
static const uint32_t magic_skippable = 0x184D2A50; // to 0x184D2A5F

// The start: an LZ4 skippable frame of 8 bytes, these and the version.
static const uint8_t start[] = {0x5A, 0x2A, 0x4D, 0x18, 8, 0, 0, 0, 'h', 't', 'a', 'p', 'e', 0};
enum { MAJOR_AT = sizeof start, MINOR_AT = MAJOR_AT + 1 };
static_assert(MINOR_AT + 1 == HT_COMPACT_START_SIZE, "the start is 16 bytes");

enum ht_status ht_compact_start_write(struct ht_output *output, struct ht_error *error)
{
    uint8_t bytes[HT_COMPACT_START_SIZE];
    memcpy(bytes, start, sizeof start);
    bytes[MAJOR_AT] = HT_COMPACT_MAJOR;
    bytes[MINOR_AT] = HT_COMPACT_MINOR;
    return ht_output_write(output, bytes, sizeof bytes, error);
}

bool ht_compact_start_taste(const uint8_t *head, size_t size)
{
    return size >= HT_COMPACT_START_SIZE && memcmp(head, start, sizeof start) == 0;
}

enum ht_status ht_compact_start_read(struct ht_input *input, struct ht_error *error)
{
    uint8_t bytes[HT_COMPACT_START_SIZE];
    size_t got = 0;
    const char *name = ht_input_name(input);
    enum ht_status status = ht_input_read(input, bytes, sizeof bytes, &got, error);
    if (status != HT_OK)
        return status;
    if (!ht_compact_start_taste(bytes, got))
        return ht_fail(error, HT_FORMAT, "%s: at offset 0: expected the start of a .htape file",
                       name);
    if (bytes[MAJOR_AT] != HT_COMPACT_MAJOR)
        return ht_fail(error, HT_UNSUPPORTED,
                       "%s: is .htape version %u.%u: this program reads version %d", name,
                       bytes[MAJOR_AT], bytes[MINOR_AT], HT_COMPACT_MAJOR);
    return HT_OK;
}

void ht_frame_sink_init(struct ht_frame_sink *sink, struct ht_output *output)
{
    sink->output = output;
    sink->is_best = false;
    sink->content = ht_buffer_with_limit(HT_COMPACT_MESSAGE_MAX);
    sink->packed = ht_buffer_with_limit(HT_COMPACT_MESSAGE_MAX);
    sink->group = (struct ht_group){0};
    ht_index_sink_init(&sink->index, HT_COMPACT_START_SIZE);
}

void ht_frame_sink_reset(struct ht_frame_sink *sink)
{
    ht_buffer_reset(&sink->content);
    ht_buffer_reset(&sink->packed);
    ht_index_sink_reset(&sink->index);
}

static enum ht_status end_when_full(struct ht_frame_sink *sink, struct ht_error *error)
{
    return sink->content.size >= FRAME_TARGET ? ht_frame_sink_end(sink, error) : HT_OK;
}

enum ht_status ht_frame_sink_put(struct ht_frame_sink *sink, uint32_t field,
                                 const ProtobufCMessage *message, struct ht_error *error)
{
    enum ht_status status = ht_packet_append(&sink->content, field, message, error);
    return status == HT_OK ? end_when_full(sink, error) : status;
}

enum ht_status ht_frame_sink_put_packed(struct ht_frame_sink *sink, uint32_t field,
                                        const struct ht_buffer *message, struct ht_error *error)
{
    enum ht_status status =
        ht_packet_append_bytes(&sink->content, field, message->data, message->size, error);
    return status == HT_OK ? end_when_full(sink, error) : status;
}

enum ht_status ht_frame_sink_end(struct ht_frame_sink *sink, struct ht_error *error)
{
    const LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max1MB,
                      .contentChecksumFlag = LZ4F_contentChecksumEnabled},
        .compressionLevel = sink->is_best ? LZ4F_compressionLevel_max() : 0,
    };
    if (sink->content.size == 0)
        return HT_OK;
    size_t bound = LZ4F_compressFrameBound(sink->content.size, &preferences);
    enum ht_status status = ht_buffer_reserve(&sink->packed, bound, error);
    if (status != HT_OK)
        return status;
    size_t size = LZ4F_compressFrame(sink->packed.data, bound, sink->content.data,
                                     sink->content.size, &preferences);
    if (LZ4F_isError(size))
        return ht_fail(error, HT_MEMORY, "LZ4: %s", LZ4F_getErrorName(size));
    sink->content.size = 0;
    uint32_t checksum = ht_load32(sink->packed.data + size - CHECKSUM_SIZE);
    status = ht_index_sink_add(&sink->index, size, checksum, &sink->group, error);
    sink->group = (struct ht_group){0};
    return status == HT_OK ? ht_output_write(sink->output, sink->packed.data, size, error) : status;
}

enum ht_status ht_frame_sink_put_index(struct ht_frame_sink *sink, uint32_t field,
                                       struct ht_error *error)
{
    uint64_t offset = sink->index.end;
    uint8_t trailer[HT_COMPACT_TRAILER_SIZE];
    Ht__Index message = ht_index_sink_message(&sink->index);
    if (sink->index.is_full)
        return HT_OK;
    enum ht_status status = ht_packet_append(&sink->content, field, &message.base, error);
    if (status == HT_OK)
        status = ht_frame_sink_end(sink, error);
    if (status != HT_OK)
        return status;
    ht_index_trailer_put(trailer, offset);
    return ht_output_write(sink->output, trailer, sizeof trailer, error);
}

struct ht_frame_source {
    struct ht_input *input;
    struct ht_trace *trace;
    LZ4F_dctx *lz4;
    struct ht_buffer window; // bytes of the input, from `offset` on
    uint64_t offset;
    size_t at;             // place in the window where the next frame begins
    uint64_t frame_offset; // in the input, of the frame handed out last
    struct ht_buffer content;
    unsigned damaged_count;
    bool is_seeking; // reads by offset, no longer in sequence
    bool is_single;  // there is nothing to read behind the window
};

enum ht_status ht_frame_source_open(struct ht_input *input, struct ht_trace *trace,
                                    struct ht_frame_source **source, struct ht_error *error)
{
    *source = calloc(1, sizeof **source);
    if (*source == NULL)
        return ht_fail_memory(error, "the frames");
    (*source)->input = input;
    (*source)->trace = trace;
    (*source)->window = ht_buffer_with_limit(HT_COMPACT_MESSAGE_MAX);
    (*source)->content = ht_buffer_with_limit(HT_COMPACT_MESSAGE_MAX);
    (*source)->offset = HT_COMPACT_START_SIZE;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&(*source)->lz4, LZ4F_VERSION))) {
        ht_frame_source_close(*source);
        *source = NULL;
        return ht_fail_memory(error, "LZ4");
    }
    return HT_OK;
}

void ht_frame_source_close(struct ht_frame_source *source)
{
    if (source == NULL)
        return;
    LZ4F_freeDecompressionContext(source->lz4);
    ht_buffer_reset(&source->window);
    ht_buffer_reset(&source->content);
    free(source);
}

uint64_t ht_frame_source_offset(const struct ht_frame_source *source)
{
    return source->frame_offset;
}

static const uint8_t *next_bytes(const struct ht_frame_source *source)
{
    return source->window.data + source->at;
}

uint32_t ht_frame_source_bytes(const struct ht_frame_source *source)
{
    return (uint32_t)(source->offset + source->at - source->frame_offset);
}

uint32_t ht_frame_source_checksum(const struct ht_frame_source *source)
{
    return ht_load32(next_bytes(source) - CHECKSUM_SIZE);
}

static size_t bytes_left(const struct ht_frame_source *source)
{
    return source->window.size - source->at;
}

// Reads more of the input behind the window, whose bytes before `at` are given up first. HT_END
// when there is no more, HT_LIMIT when a frame fills the window.
static enum ht_status read_more(struct ht_frame_source *source, struct ht_error *error)
{
    struct ht_buffer *window = &source->window;
    if (source->is_single)
        return HT_END;
    if (source->at > 0) {
        memmove(window->data, next_bytes(source), bytes_left(source));
        window->size -= source->at;
        source->offset += source->at;
        source->at = 0;
    }
    enum ht_status status = ht_buffer_reserve(window, READ_SIZE, error);
    if (status != HT_OK)
        return status;
    size_t got = 0;
    if (source->is_seeking)
        status = ht_input_read_at(source->input, source->offset + window->size,
                                  window->data + window->size, READ_SIZE, &got, error);
    else
        status = ht_input_read(source->input, window->data + window->size, READ_SIZE, &got, error);
    window->size += got;
    return status == HT_OK && got == 0 ? HT_END : status;
}

// Makes at least `size` bytes of the window there; HT_END when the input has fewer.
static enum ht_status need(struct ht_frame_source *source, size_t size, struct ht_error *error)
{
    while (bytes_left(source) < size) {
        enum ht_status status = read_more(source, error);
        if (status != HT_OK)
            return status;
    }
    return HT_OK;
}

// Steps over a skippable frame, which may be longer than the window. Its end may be missing.
static enum ht_status skip(struct ht_frame_source *source, struct ht_error *error)
{
    enum ht_status status = need(source, SKIPPABLE_HEAD_SIZE, error);
    if (status != HT_OK)
        return status;
    uint64_t left = SKIPPABLE_HEAD_SIZE + (uint64_t)ht_load32(next_bytes(source) + MAGIC_SIZE);
    for (;;) {
        size_t step = left < bytes_left(source) ? (size_t)left : bytes_left(source);
        source->at += step;
        left -= step;
        if (left == 0)
            return HT_OK;
        status = read_more(source, error);
        if (status != HT_OK)
            return status;
    }
}

// Room for a block of the frame behind its content, or as much as there may be.
static enum ht_status make_room(struct ht_buffer *content, struct ht_error *error)
{
    size_t most = content->limit - content->size;
    return ht_buffer_reserve(content, most > 0 && most < BLOCK_SIZE ? most : BLOCK_SIZE, error);
}

// Unpacks the frame at `at` and steps over it when it is whole. HT_FORMAT or HT_LIMIT when it is
// damaged, HT_END when the input ends first; then `at` has not moved.
//
// LZ4 gets as much as it says it wants, and room for a block: then it copies neither into buffers
// of its own.
static enum ht_status unpack(struct ht_frame_source *source, struct ht_error *error)
{
    struct ht_buffer *content = &source->content;
    content->size = 0;
    enum ht_status status = need(source, FLAGS_AT + 1, error);
    if (status == HT_OK && (next_bytes(source)[FLAGS_AT] & FLAG_CONTENT_CHECKSUM) == 0)
        return HT_FORMAT;
    LZ4F_resetDecompressionContext(source->lz4);
    size_t used = 0;
    size_t hint = FLAGS_AT + 1;
    while (status == HT_OK && hint > 0) {
        status = need(source, used + hint, error);
        if (status == HT_OK)
            status = make_room(content, error);
        if (status != HT_OK)
            break;
        size_t in_size = hint;
        size_t out_size = content->capacity - content->size;
        hint = LZ4F_decompress(source->lz4, content->data + content->size, &out_size,
                               next_bytes(source) + used, &in_size, NULL);
        if (LZ4F_isError(hint))
            return HT_FORMAT;
        used += in_size;
        content->size += out_size;
    }
    if (status == HT_OK)
        source->at += used;
    return status;
}

// Steps forward to the next place that looks like a frame. HT_END when there is none.
static enum ht_status resync(struct ht_frame_source *source, struct ht_error *error)
{
    for (;;) {
        enum ht_status status = need(source, MAGIC_SIZE, error);
        if (status != HT_OK) {
            source->at = source->window.size;
            return status;
        }
        if (ht_load32(next_bytes(source)) == magic_lz4)
            return HT_OK;
        source->at++;
    }
}

// Counts a damaged frame at `at` and goes to the next. Each costs up to a window's work, so past a
// number of them the rest of the input is given up.
static enum ht_status recover(struct ht_frame_source *source, bool was_cut, struct ht_error *error)
{
    uint64_t offset = source->offset + source->at;
    source->at++;
    enum ht_status status = resync(source, error);
    bool is_cut = was_cut && status == HT_END;
    ht_trace_damage(source->trace, is_cut ? HT_LOSS_CUT : HT_LOSS_DAMAGED_BUFFERS, offset,
                    is_cut ? "the file ends inside a frame" : "a damaged frame");
    bool is_given_up = ++source->damaged_count == HT_COMPACT_DAMAGED_FRAMES_MAX;
    return status == HT_OK && is_given_up ? HT_END : status;
}

// Steps over skippable frames, up to a frame or what should be one.
static enum ht_status find_frame(struct ht_frame_source *source, struct ht_error *error)
{
    for (;;) {
        enum ht_status status = need(source, MAGIC_SIZE, error);
        if (status != HT_OK || (ht_load32(next_bytes(source)) & 0xFFFFFFF0u) != magic_skippable)
            return status;
        status = skip(source, error);
        if (status != HT_OK)
            return status;
    }
}

// The frame at `at`. HT_FORMAT or HT_LIMIT when it is none or damaged, HT_END when the input ends
// before it or in it.
static enum ht_status take_frame(struct ht_frame_source *source, struct ht_cursor *content,
                                 struct ht_error *error)
{
    source->frame_offset = source->offset + source->at;
    if (ht_load32(next_bytes(source)) != magic_lz4)
        return HT_FORMAT;
    enum ht_status status = unpack(source, error);
    if (status == HT_OK)
        *content = ht_cursor_over(source->content.data, source->content.size);
    return status;
}

enum ht_status ht_frame_source_try(struct ht_frame_source *source, struct ht_cursor *content,
                                   struct ht_error *error)
{
    enum ht_status status = need(source, MAGIC_SIZE, error);
    return status == HT_OK ? take_frame(source, content, error) : status;
}

enum ht_status ht_frame_source_next(struct ht_frame_source *source, struct ht_cursor *content,
                                    struct ht_error *error)
{
    if (source->damaged_count == HT_COMPACT_DAMAGED_FRAMES_MAX)
        return HT_END;
    for (;;) {
        enum ht_status status = find_frame(source, error);
        source->frame_offset = source->offset + source->at;
        bool is_end = status == HT_END && bytes_left(source) == 0;
        if (status == HT_OK)
            status = take_frame(source, content, error);
        if (status == HT_OK || status == HT_IO || status == HT_MEMORY || is_end)
            return status;
        status = recover(source, status == HT_END, error);
        if (status != HT_OK)
            return status;
    }
}

void ht_frame_source_seek(struct ht_frame_source *source, uint64_t offset)
{
    source->is_seeking = true;
    source->is_single = false;
    source->window.size = 0;
    source->at = 0;
    source->offset = offset;
}

enum ht_status ht_frame_source_at(struct ht_frame_source *source, uint64_t offset, uint32_t bytes,
                                  const uint32_t *checksum, struct ht_cursor *content,
                                  struct ht_error *error)
{
    size_t got = 0;
    ht_frame_source_seek(source, offset);
    source->frame_offset = offset;
    enum ht_status status = ht_buffer_reserve(&source->window, bytes, error);
    if (status == HT_OK)
        status = ht_input_read_at(source->input, offset, source->window.data, bytes, &got, error);
    if (status != HT_OK)
        return status == HT_LIMIT ? HT_FORMAT : status;
    source->window.size = got;
    source->is_single = true;
    bool is_frame = got > CHECKSUM_SIZE && ht_load32(next_bytes(source)) == magic_lz4;
    status = is_frame ? unpack(source, error) : HT_FORMAT;
    source->is_single = false;
    if (status == HT_MEMORY)
        return status;
    if (status != HT_OK || bytes_left(source) > 0 ||
        (checksum != NULL && ht_frame_source_checksum(source) != *checksum))
        return HT_FORMAT;
    *content = ht_cursor_over(source->content.data, source->content.size);
    return HT_OK;
}
