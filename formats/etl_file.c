// SPDX-License-Identifier: MIT
//
// Pass one and the loading of buffers. Where a BufferSize is bad, the next buffer is searched for
// byte by byte, since compressed buffers have any length; a found place must look like a buffer
// header in every field and lead to another.
#include "formats/etl_file.h"

#include "formats/etl_constants.h"
#include "formats/etl_record.h"
#include "formats/etl_xpress.h"

#include <stdlib.h>
#include <string.h>

enum {
    // A buffer header and enough of the body to unpack the first record's stamp.
    PEEK_BYTES = HT_ETL_BUFFER_HEADER_SIZE + 0x40,
    SCAN_BYTES = 64 << 10,
    STATE_MAX = 6,
    TYPE_MAX = 7,
    FLAGS_KNOWN = 0x7F,
};

static const uint64_t NS_PER_SECOND = 1000000000;
static const double WALL_SLACK_NS = 60e9;

#define NOT_FOUND UINT64_MAX

// The start of a buffer, as it stands in the file.
struct head {
    uint8_t bytes[PEEK_BYTES];
    size_t got;
    uint32_t size;
    uint16_t flag;
};

static bool is_size(uint32_t size)
{
    return size >= HT_ETL_BUFFER_HEADER_SIZE && size <= HT_ETL_BUFFER_MAX;
}

static enum ht_status peek(struct ht_etl_file *file, uint64_t at, struct head *head,
                           struct ht_error *error)
{
    memset(head->bytes, 0, sizeof head->bytes);
    enum ht_status status =
        ht_input_read_at(file->input, at, head->bytes, sizeof head->bytes, &head->got, error);
    head->size = ht_load32(head->bytes + HT_ETL_AT_BUFFER_SIZE);
    head->flag = ht_load16(head->bytes + HT_ETL_AT_FLAG);
    return status;
}

static uint16_t cpu_of(const struct head *head)
{
    uint16_t processor = ht_load16(head->bytes + HT_ETL_AT_PROCESSOR);
    bool is_index = (head->flag & HT_ETL_FLAG_PROC_INDEX) != 0;
    return is_index ? processor & HT_ETL_PROCESSOR_MASK : processor & 0xFF;
}

// Where the records of a buffer end, header included: the first of the header's offsets that can
// be meant. Three fields say it, and each kind of recorder leaves another one wrong or zero. Where
// all are past the end of the buffer, the filler will tell. 0 when they say nothing.
static uint32_t valid_of(const uint8_t *bytes, uint32_t limit, bool is_packed)
{
    const uint32_t saved = ht_load32(bytes + HT_ETL_AT_SAVED_OFFSET);
    const uint32_t offset = ht_load32(bytes + HT_ETL_AT_OFFSET);
    const uint32_t stated[] = {is_packed ? saved : offset, is_packed ? offset : saved,
                               ht_load32(bytes + HT_ETL_AT_CURRENT_OFFSET)};
    uint32_t clamped = 0;
    for (size_t i = 0; i < sizeof stated / sizeof *stated; i++) {
        if (stated[i] >= HT_ETL_BUFFER_HEADER_SIZE && stated[i] <= limit)
            return stated[i];
        if (stated[i] > limit)
            clamped = limit;
    }
    return is_packed ? 0 : clamped;
}

// Whether every field of these bytes is that of a buffer header of this size.
static bool is_header(const struct ht_etl_file *file, const uint8_t *bytes, uint64_t size)
{
    uint16_t flag = ht_load16(bytes + HT_ETL_AT_FLAG);
    if (size > HT_ETL_BUFFER_MAX || (flag & ~FLAGS_KNOWN) != 0 ||
        ht_load16(bytes + HT_ETL_AT_TYPE) > TYPE_MAX ||
        ht_load32(bytes + HT_ETL_AT_STATE) > STATE_MAX)
        return false;
    uint32_t saved = ht_load32(bytes + HT_ETL_AT_SAVED_OFFSET);
    if ((flag & HT_ETL_FLAG_COMPRESSED) != 0)
        return size > HT_ETL_BUFFER_HEADER_SIZE && is_size(saved);
    uint8_t family = bytes[HT_ETL_BUFFER_HEADER_SIZE + 3];
    return size == file->header.buffer_size && saved <= size &&
           valid_of(bytes, (uint32_t)size, false) > 0 &&
           (family == HT_ETL_FAMILY_TRACE || family == HT_ETL_FAMILY_MESSAGE ||
            family == HT_ETL_FAMILY_FILLER);
}

// Whether a buffer of this size at `at` is followed by another, by zeros or by the end.
static enum ht_status leads_on(struct ht_etl_file *file, uint64_t at, uint32_t size, bool *leads,
                               struct ht_error *error)
{
    uint64_t left = ht_input_size(file->input) - at;
    *leads = left == size;
    if (left <= size)
        return HT_OK;
    struct head next;
    enum ht_status status = peek(file, at + size, &next, error);
    *leads = next.got < HT_ETL_BUFFER_HEADER_SIZE || next.size == 0 || is_size(next.size);
    return status;
}

static enum ht_status scan_chunk(struct ht_etl_file *file, uint64_t at, const uint8_t *chunk,
                                 size_t size, uint64_t *found, struct ht_error *error)
{
    for (size_t i = 0; i + HT_ETL_BUFFER_HEADER_SIZE + 4 <= size; i++) {
        uint32_t stated = ht_load32(chunk + i + HT_ETL_AT_BUFFER_SIZE);
        bool leads = false;
        if (!is_size(stated) || !is_header(file, chunk + i, stated))
            continue;
        enum ht_status status = leads_on(file, at + i, stated, &leads, error);
        if (status != HT_OK || leads) {
            *found = at + i;
            return status;
        }
    }
    return HT_OK;
}

// Searches for the buffer after the one at `before`, as far as the largest buffer reaches.
static enum ht_status scan(struct ht_etl_file *file, uint64_t before, uint64_t *found,
                           struct ht_error *error)
{
    *found = NOT_FOUND;
    uint64_t from = before + HT_ETL_BUFFER_HEADER_SIZE;
    uint64_t end = ht_input_size(file->input);
    if (end - before > HT_ETL_BUFFER_MAX)
        end = before + HT_ETL_BUFFER_MAX;
    enum ht_status status = ht_buffer_reserve(&file->packed, SCAN_BYTES + PEEK_BYTES, error);
    for (uint64_t at = from; status == HT_OK && *found == NOT_FOUND && at < end; at += SCAN_BYTES) {
        size_t got = 0;
        status = ht_input_read_at(file->input, at, file->packed.data, SCAN_BYTES + PEEK_BYTES, &got,
                                  error);
        if (status == HT_OK)
            status = scan_chunk(file, at, file->packed.data, got, found, error);
    }
    return status;
}

// The first stamp of a buffer that begins with records without one.
static enum ht_status search_stamp(struct ht_etl_file *file, struct ht_etl_buffer *buffer,
                                   struct ht_error *error)
{
    uint8_t *bytes = malloc(buffer->valid);
    if (bytes == NULL)
        return ht_fail_memory(error, "an ETL buffer");
    struct ht_etl_walk walk = {bytes, HT_ETL_BUFFER_HEADER_SIZE, 0};
    struct ht_etl_record record = {.has_stamp = false};
    uint32_t valid = 0;
    enum ht_status status = ht_etl_file_load(file, buffer, &file->packed, bytes, &valid, error);
    walk.valid = valid;
    while (status == HT_OK && !record.has_stamp &&
           ht_etl_walk_next(&walk, &record) == HT_ETL_STEP_RECORD)
        if (record.has_stamp)
            buffer->first_ticks = ht_etl_clock_ticks(&file->header.clock, record.stamp);
    free(bytes);
    return status;
}

static enum ht_status find_first_ticks(struct ht_etl_file *file, const struct head *head,
                                       struct ht_etl_buffer *buffer, struct ht_error *error)
{
    const uint8_t *body = head->bytes + HT_ETL_BUFFER_HEADER_SIZE;
    uint32_t stored = buffer->stored < PEEK_BYTES ? buffer->stored : PEEK_BYTES;
    size_t size = stored - HT_ETL_BUFFER_HEADER_SIZE;
    uint8_t first[HT_ETL_STAMP_BYTES];
    if ((buffer->flags & HT_ETL_BUFFER_PACKED) != 0) {
        size = ht_etl_xpress_unpack(body, size, first, sizeof first);
        body = first;
    }
    uint64_t stamp = 0;
    bool is_record = false;
    buffer->first_ticks = INT64_MIN;
    if (ht_etl_record_stamp(body, size, &stamp, &is_record))
        buffer->first_ticks = ht_etl_clock_ticks(&file->header.clock, stamp);
    return is_record && buffer->first_ticks == INT64_MIN ? search_stamp(file, buffer, error)
                                                         : HT_OK;
}

static enum ht_status grow_list(struct ht_etl_file *file, struct ht_error *error)
{
    if (file->buffer_count < file->buffer_capacity)
        return HT_OK;
    if (file->buffer_count >= HT_ETL_BUFFERS_MAX)
        return ht_fail(error, HT_LIMIT, "%s: more than %d buffers", ht_input_name(file->input),
                       HT_ETL_BUFFERS_MAX);
    uint32_t capacity = file->buffer_capacity > 0 ? file->buffer_capacity * 2 : 64;
    struct ht_etl_buffer *buffers = realloc(file->buffers, capacity * sizeof *buffers);
    if (buffers == NULL)
        return ht_fail_memory(error, "the list of ETL buffers");
    file->buffers = buffers;
    file->buffer_capacity = capacity;
    return HT_OK;
}

// Puts the buffer at `at`, of which the file has `stored` bytes, into the list.
static enum ht_status list_buffer(struct ht_etl_file *file, uint64_t at, const struct head *head,
                                  uint32_t stored, bool is_cut, struct ht_error *error)
{
    bool is_packed = (head->flag & HT_ETL_FLAG_COMPRESSED) != 0;
    file->flagged_events += (head->flag & HT_ETL_FLAG_EVENTS_LOST) != 0;
    file->flagged_buffers += (head->flag & HT_ETL_FLAG_BUFFER_LOST) != 0;
    if (is_packed && is_cut)
        return HT_OK;
    uint32_t valid = valid_of(head->bytes,
                              is_packed ? HT_ETL_BUFFER_MAX
                              : is_cut  ? head->size
                                        : stored,
                              is_packed);
    if (valid == 0) {
        ht_trace_damage(file->trace, HT_LOSS_DAMAGED_BUFFERS, at, "no valid length in a buffer");
        return HT_OK;
    }
    if (!is_packed && valid > stored)
        valid = stored;
    enum ht_status status = grow_list(file, error);
    if (status != HT_OK)
        return status;
    struct ht_etl_buffer *buffer = &file->buffers[file->buffer_count++];
    *buffer = (struct ht_etl_buffer){.offset = at, .stored = stored, .valid = valid};
    buffer->cpu = cpu_of(head);
    buffer->flags =
        (uint8_t)((is_packed ? HT_ETL_BUFFER_PACKED : 0) | (is_cut ? HT_ETL_BUFFER_CUT : 0));
    return find_first_ticks(file, head, buffer, error);
}

// No buffer header is at `at`, where the last listed buffer leads; the next one is at `next`. True
// when it is the last one's BufferSize that is wrong, and not what is at `at`.
static bool is_last_wrong(const struct ht_etl_file *file, uint64_t at, uint64_t next)
{
    if (file->buffer_count == 0 || next == NOT_FOUND)
        return false;
    const struct ht_etl_buffer *last = &file->buffers[file->buffer_count - 1];
    bool is_plain = (last->flags & HT_ETL_BUFFER_PACKED) == 0;
    uint64_t size = next - last->offset;
    return next < at || (is_plain && last->stored != size && size == file->header.buffer_size);
}

// Lists the last buffer again, with the size that leads to `next`.
static enum ht_status relist_last(struct ht_etl_file *file, uint64_t next, struct ht_error *error)
{
    struct head head;
    uint64_t at = file->buffers[--file->buffer_count].offset;
    ht_trace_damage(file->trace, HT_LOSS_DAMAGED_BUFFERS, at, "BufferSize leads to no buffer");
    enum ht_status status = peek(file, at, &head, error);
    return status == HT_OK ? list_buffer(file, at, &head, (uint32_t)(next - at), false, error)
                           : status;
}

static bool is_zero(const struct head *head)
{
    for (size_t i = 0; i < sizeof head->bytes; i++)
        if (head->bytes[i] != 0)
            return false;
    return true;
}

// Goes on behind a buffer at `at` whose BufferSize is bad: finds the next one, and keeps the bad
// one too where the rest of its header holds. *next is the end of the file when there is none.
static enum ht_status resynchronise(struct ht_etl_file *file, uint64_t at, const struct head *head,
                                    uint64_t *next, struct ht_error *error)
{
    uint64_t end = ht_input_size(file->input);
    bool is_long = is_size(head->size);
    uint64_t from =
        is_long || file->buffer_count == 0 ? at : file->buffers[file->buffer_count - 1].offset;
    uint64_t found;
    enum ht_status status = scan(file, from, &found, error);
    *next = found != NOT_FOUND ? found : end;
    if (status != HT_OK)
        return status;
    if (is_long && found == NOT_FOUND) {
        ht_trace_damage(file->trace, HT_LOSS_CUT, at, "the file ends inside a buffer");
        return list_buffer(file, at, head, (uint32_t)(end - at), true, error);
    }
    if (found == NOT_FOUND && is_zero(head))
        return HT_OK; // space that was reserved and never written
    if (!is_long && is_last_wrong(file, at, found))
        return relist_last(file, found, error);
    ht_trace_damage(file->trace, HT_LOSS_DAMAGED_BUFFERS, at, "a bad BufferSize");
    if (at > 0 && !is_header(file, head->bytes, *next - at))
        return HT_OK;
    return list_buffer(file, at, head, (uint32_t)(*next - at), false, error);
}

static enum ht_status list_buffers(struct ht_etl_file *file, struct ht_error *error)
{
    uint64_t end = ht_input_size(file->input);
    enum ht_status status = HT_OK;
    for (uint64_t at = 0; status == HT_OK && at < end;) {
        struct head head;
        status = peek(file, at, &head, error);
        if (status != HT_OK)
            return status;
        if (head.got < HT_ETL_BUFFER_HEADER_SIZE) {
            ht_trace_damage(file->trace, HT_LOSS_CUT, at, "the file ends inside a buffer header");
            return HT_OK;
        }
        if (is_size(head.size) && head.size <= end - at) {
            status = list_buffer(file, at, &head, head.size, false, error);
            at += head.size;
        } else {
            status = resynchronise(file, at, &head, &at, error);
        }
    }
    return status;
}

// A sequential recorder counts the buffers it writes; others overwrite or drop some.
static void check_count(struct ht_etl_file *file)
{
    const struct ht_etl_log_header *header = &file->header;
    const uint64_t *loss = file->trace->loss;
    bool is_sequential =
        (header->mode & HT_ETL_MODE_SEQUENTIAL) != 0 && (header->mode & HT_ETL_MODE_CIRCULAR) == 0;
    if (is_sequential && loss[HT_LOSS_CUT] == 0 &&
        header->buffers_written > file->buffer_count + loss[HT_LOSS_DAMAGED_BUFFERS])
        ht_trace_damage(file->trace, HT_LOSS_CUT, ht_input_size(file->input),
                        "fewer buffers than the header says");
}

// The log header has the counts of what was lost, but not in a recording that was never stopped;
// there the flags of buffers tell that something was.
static void check_flags(struct ht_etl_file *file)
{
    if (file->header.events_lost < file->flagged_events)
        file->header.events_lost = file->flagged_events;
    if (file->header.buffers_lost < file->flagged_buffers)
        file->header.buffers_lost = file->flagged_buffers;
}

static int compare_buffers(const void *left, const void *right)
{
    const struct ht_etl_buffer *a = left;
    const struct ht_etl_buffer *b = right;
    if (a->first_ticks != b->first_ticks)
        return a->first_ticks < b->first_ticks ? -1 : 1;
    if (a->cpu != b->cpu)
        return a->cpu < b->cpu ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static void sort_buffers(struct ht_etl_file *file)
{
    if (file->buffer_count > 0)
        qsort(file->buffers, file->buffer_count, sizeof *file->buffers, compare_buffers);
}

enum ht_status ht_etl_file_open(struct ht_etl_file *file, struct ht_input *input,
                                struct ht_trace *trace, struct ht_error *error)
{
    *file = (struct ht_etl_file){
        .input = input, .trace = trace, .packed = ht_buffer_with_limit(HT_ETL_BUFFER_MAX)};
    file->sources[0].input = input;
    uint8_t head[HT_ETL_HEAD_BYTES] = {0};
    size_t got = 0;
    enum ht_status status = ht_input_read_at(input, 0, head, sizeof head, &got, error);
    if (status == HT_OK)
        status = ht_etl_head_read(head, got, ht_input_name(input), &file->header, error);
    if (file->header.buffer_size == 0)
        file->header.buffer_size = ht_load32(head + HT_ETL_AT_BUFFER_SIZE);
    if (status == HT_OK)
        status = list_buffers(file, error);
    if (status != HT_OK) {
        ht_etl_file_reset(file);
        return status;
    }
    file->sources[0].zero = file->header.clock.zero;
    file->source_count = 1;
    check_count(file);
    check_flags(file);
    sort_buffers(file);
    return HT_OK;
}

// The raw stamp in the other file at the wall time of the first file's time 0; the first file's
// own where the two tell the same time, give or take what clocks are set by.
static uint64_t find_zero(const struct ht_etl_log_header *first,
                          const struct ht_etl_log_header *other, bool *is_raw)
{
    int64_t raw_ns =
        ht_etl_clock_ns(&first->clock, (int64_t)(other->clock.zero - first->clock.zero));
    int64_t start = first->origin.start_unix_ns;
    int64_t other_start = other->origin.start_unix_ns;
    if (start == HT_TIME_UNKNOWN || other_start == HT_TIME_UNKNOWN)
        return first->clock.zero;
    // Wall times are positive, so their difference does not overflow.
    int64_t wall_ns = other_start - start;
    double apart_ns = (double)raw_ns - (double)wall_ns;
    *is_raw = first->origin.clock == other->origin.clock && apart_ns < WALL_SLACK_NS &&
              apart_ns > -WALL_SLACK_NS;
    if (*is_raw)
        return first->clock.zero;
    uint64_t size_ns = (uint64_t)(wall_ns < 0 ? -wall_ns : wall_ns);
    uint64_t ticks = size_ns / NS_PER_SECOND * first->clock.hz +
                     size_ns % NS_PER_SECOND * first->clock.hz / NS_PER_SECOND;
    return wall_ns < 0 ? other->clock.zero + ticks : other->clock.zero - ticks;
}

static enum ht_status take_buffers(struct ht_etl_file *file, const struct ht_etl_file *other,
                                   uint64_t zero, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (uint32_t i = 0; i < other->buffer_count; i++) {
        status = grow_list(file, error);
        if (status != HT_OK)
            return status;
        struct ht_etl_buffer *buffer = &file->buffers[file->buffer_count++];
        *buffer = other->buffers[i];
        buffer->source = (uint8_t)file->source_count;
        if (buffer->first_ticks != INT64_MIN)
            buffer->first_ticks =
                (int64_t)((uint64_t)buffer->first_ticks + (other->header.clock.zero - zero));
    }
    return HT_OK;
}

enum ht_status ht_etl_file_join(struct ht_etl_file *file, struct ht_input *input, bool *is_raw,
                                struct ht_error *error)
{
    struct ht_etl_file other;
    *is_raw = true;
    if (file->source_count == HT_INPUTS_MAX)
        return ht_fail(error, HT_LIMIT, "%s: more than %d files", ht_input_name(input),
                       HT_INPUTS_MAX);
    file->trace->input = file->source_count;
    enum ht_status status = ht_etl_file_open(&other, input, file->trace, error);
    if (status != HT_OK)
        return status;
    if (other.header.clock.hz != file->header.clock.hz) {
        status =
            ht_fail(error, HT_UNSUPPORTED,
                    "%s: its clock runs at %llu Hz, that of %s at %llu Hz: these files are not "
                    "of one recording",
                    ht_input_name(input), (unsigned long long)other.header.clock.hz,
                    ht_input_name(file->input), (unsigned long long)file->header.clock.hz);
    } else {
        uint64_t zero = find_zero(&file->header, &other.header, is_raw);
        status = take_buffers(file, &other, zero, error);
        file->sources[file->source_count++] = (struct ht_etl_source){input, zero};
        file->header.events_lost += other.header.events_lost;
        file->header.buffers_lost += other.header.buffers_lost;
        sort_buffers(file);
    }
    ht_etl_file_reset(&other);
    return status;
}

void ht_etl_file_reset(struct ht_etl_file *file)
{
    free(file->buffers);
    ht_buffer_reset(&file->packed);
    *file = (struct ht_etl_file){.packed = ht_buffer_with_limit(HT_ETL_BUFFER_MAX)};
}

enum ht_status ht_etl_file_load(const struct ht_etl_file *file, const struct ht_etl_buffer *buffer,
                                struct ht_buffer *packed, uint8_t *bytes, uint32_t *valid,
                                struct ht_error *error)
{
    struct ht_input *input = file->sources[buffer->source].input;
    size_t got = 0;
    *valid = 0;
    if ((buffer->flags & HT_ETL_BUFFER_PACKED) == 0) {
        enum ht_status status =
            ht_input_read_at(input, buffer->offset, bytes, buffer->valid, &got, error);
        *valid = (uint32_t)got;
        return status;
    }
    enum ht_status status = ht_buffer_reserve(packed, buffer->stored, error);
    if (status == HT_OK)
        status = ht_input_read_at(input, buffer->offset, packed->data, buffer->stored, &got, error);
    if (status != HT_OK || got < HT_ETL_BUFFER_HEADER_SIZE)
        return status;
    memcpy(bytes, packed->data, HT_ETL_BUFFER_HEADER_SIZE);
    size_t made = ht_etl_xpress_unpack(
        packed->data + HT_ETL_BUFFER_HEADER_SIZE, got - HT_ETL_BUFFER_HEADER_SIZE,
        bytes + HT_ETL_BUFFER_HEADER_SIZE, buffer->valid - HT_ETL_BUFFER_HEADER_SIZE);
    *valid = (uint32_t)(HT_ETL_BUFFER_HEADER_SIZE + made);
    return HT_OK;
}
