// SPDX-License-Identifier: MIT
//
// Packets into an output. See the header.
#include "formats/perfetto_sink.h"

#include "formats/mix.h"
#include "formats/packet.h"

#include <assert.h>
#include <string.h>

enum {
    TRACE_PACKET = 1, // field of Trace
    HELD_BYTES = 64 << 10,
    PACKET_BYTES_MAX = 4 << 20,
    SMALL_BYTES_MAX = 64, // of what is around a field of a packet, and of a sample
    CLOCK_REALTIME_ID = 1,
    CLOCK_MONOTONIC_ID = 3,
    CLOCK_MONOTONIC_COARSE_ID = 4, // the stamps of heap dumps are in this
    CLOCK_BOOTTIME_ID = 6,         // all other stamps are in this
};

// Fields of TracePacket and of TrackEvent, see perfetto.proto.
enum {
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE_ID = 10,
    PACKET_TRACK_EVENT = 11,
    PACKET_SEQUENCE_FLAGS = 13,
    EVENT_TYPE = 9,
    EVENT_TRACK_UUID = 11,
    EVENT_COUNTER_VALUE = 30,
    EVENT_DOUBLE_COUNTER_VALUE = 44,
};

struct ht_perfetto_sink ht_perfetto_sink_over(struct ht_output *output, struct ht_error *error)
{
    return (struct ht_perfetto_sink){.output = output,
                                     .buffer = ht_buffer_with_limit(PACKET_BYTES_MAX),
                                     .sequences = 1,
                                     .error = error};
}

void ht_perfetto_sink_reset(struct ht_perfetto_sink *sink)
{
    ht_buffer_reset(&sink->buffer);
}

// Two words at a time, neither waiting for the other. The digest depends on where flushes are,
// which depends on the packets alone.
static void digest(struct ht_perfetto_sink *sink)
{
    enum { STEP = 16 };
    uint8_t last[STEP] = {0};
    const uint8_t *data = sink->buffer.data;
    uint64_t one = sink->digest[0] + sink->buffer.size;
    uint64_t other = sink->digest[1];
    size_t at = 0;
    for (; at + STEP <= sink->buffer.size; at += STEP) {
        one = (one ^ ht_load64(data + at)) * 0x9E3779B97F4A7C15u;
        other = (other ^ ht_load64(data + at + 8)) * 0xD6E8FEB86659FD93u;
        one ^= one >> 32;
        other ^= other >> 32;
    }
    if (at < sink->buffer.size)
        memcpy(last, data + at, sink->buffer.size - at);
    sink->digest[0] = ht_mix(one ^ ht_load64(last));
    sink->digest[1] = ht_mix(other ^ ht_load64(last + 8) ^ sink->digest[0]);
}

static void flush(struct ht_perfetto_sink *sink)
{
    digest(sink);
    if (sink->status == HT_OK)
        sink->status =
            ht_output_write(sink->output, sink->buffer.data, sink->buffer.size, sink->error);
    sink->buffer.size = 0;
}

void ht_perfetto_put(struct ht_perfetto_sink *sink, const Ht__Perfetto__TracePacket *packet)
{
    if (sink->output == NULL) {
        sink->bytes += ht_packet_size(TRACE_PACKET, &packet->base);
        return;
    }
    size_t before = sink->buffer.size;
    if (sink->status == HT_OK)
        sink->status = ht_packet_append(&sink->buffer, TRACE_PACKET, &packet->base, sink->error);
    sink->bytes += sink->buffer.size - before;
    if (sink->buffer.size >= HELD_BYTES)
        flush(sink);
}

static size_t size_of(const struct ht_perfetto_piece *pieces, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
    return size;
}

static void put_pieces(struct ht_perfetto_sink *sink, const struct ht_perfetto_piece *pieces,
                       size_t count)
{
    size_t size = size_of(pieces, count);
    struct ht_buffer *buffer = &sink->buffer;
    if (sink->output != NULL && sink->status == HT_OK)
        sink->status = ht_buffer_reserve(buffer, size, sink->error);
    if (sink->status != HT_OK)
        return;
    sink->bytes += size;
    if (sink->output == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        memcpy(buffer->data + buffer->size, pieces[i].data, pieces[i].size);
        buffer->size += pieces[i].size;
    }
    if (buffer->size >= HELD_BYTES)
        flush(sink);
}

// Fields stand in the order of their numbers: the flags in front of some and behind others.
void ht_perfetto_put_field(struct ht_perfetto_sink *sink, const struct ht_perfetto_head *head,
                           uint32_t field, const struct ht_perfetto_piece *pieces, size_t count)
{
    uint8_t outer[SMALL_BYTES_MAX];
    uint8_t before[SMALL_BYTES_MAX];
    uint8_t after[SMALL_BYTES_MAX];
    struct ht_perfetto_piece all[HT_PERFETTO_PIECES_MAX + 3];
    assert(count <= HT_PERFETTO_PIECES_MAX);
    uint8_t *before_end = before;
    uint8_t *after_end = after;
    if (head->has_stamp)
        before_end = ht_field_put_number(before_end, PACKET_TIMESTAMP, head->stamp);
    before_end = ht_field_put_number(before_end, PACKET_SEQUENCE_ID, head->sequence);
    uint8_t **flags = field > PACKET_SEQUENCE_FLAGS ? &before_end : &after_end;
    *flags = ht_field_put_number(*flags, PACKET_SEQUENCE_FLAGS, head->flags);
    before_end = ht_field_put_head(before_end, field, size_of(pieces, count));
    all[1] = (struct ht_perfetto_piece){before, (size_t)(before_end - before)};
    for (size_t i = 0; i < count; i++)
        all[2 + i] = pieces[i];
    all[2 + count] = (struct ht_perfetto_piece){after, (size_t)(after_end - after)};
    uint8_t *outer_end = ht_field_put_head(outer, TRACE_PACKET, size_of(all + 1, count + 2));
    all[0] = (struct ht_perfetto_piece){outer, (size_t)(outer_end - outer)};
    put_pieces(sink, all, count + 3);
}

void ht_perfetto_put_packed(struct ht_perfetto_sink *sink, uint64_t stamp, const uint8_t *event,
                            size_t size)
{
    const struct ht_perfetto_head head = {.sequence = HT_PERFETTO_TRACKS,
                                          .flags = HT_PERFETTO_STATE_NEEDED,
                                          .has_stamp = true,
                                          .stamp = stamp};
    ht_perfetto_put_field(sink, &head, PACKET_TRACK_EVENT, &(struct ht_perfetto_piece){event, size},
                          1);
}

// Packs what a sample begins with.
static uint8_t *begin_sample(uint8_t *at, uint64_t track)
{
    at = ht_field_put_number(at, EVENT_TYPE, HT_PERFETTO_SAMPLE);
    return ht_field_put_number(at, EVENT_TRACK_UUID, track);
}

void ht_perfetto_put_sample(struct ht_perfetto_sink *sink, uint64_t track, uint64_t stamp,
                            int64_t value)
{
    uint8_t event[SMALL_BYTES_MAX];
    uint8_t *end =
        ht_field_put_number(begin_sample(event, track), EVENT_COUNTER_VALUE, (uint64_t)value);
    ht_perfetto_put_packed(sink, stamp, event, (size_t)(end - event));
}

void ht_perfetto_put_real_sample(struct ht_perfetto_sink *sink, uint64_t track, uint64_t stamp,
                                 double value)
{
    uint8_t event[SMALL_BYTES_MAX];
    uint8_t *end = ht_field_put_real(begin_sample(event, track), EVENT_DOUBLE_COUNTER_VALUE, value);
    ht_perfetto_put_packed(sink, stamp, event, (size_t)(end - event));
}

void ht_perfetto_put_clocks(struct ht_perfetto_sink *sink, const uint64_t *unix_ns)
{
    static const uint32_t ids[] = {CLOCK_BOOTTIME_ID, CLOCK_MONOTONIC_ID, CLOCK_MONOTONIC_COARSE_ID,
                                   CLOCK_REALTIME_ID};
    Ht__Perfetto__ClockSnapshot__Clock clocks[4];
    Ht__Perfetto__ClockSnapshot__Clock *pointers[4];
    for (int i = 0; i < 4; i++) {
        ht__perfetto__clock_snapshot__clock__init(&clocks[i]);
        clocks[i].has_clock_id = true;
        clocks[i].clock_id = ids[i];
        clocks[i].has_timestamp = true;
        pointers[i] = &clocks[i];
    }
    clocks[3].timestamp = unix_ns != NULL ? *unix_ns : 0;
    Ht__Perfetto__ClockSnapshot snapshot = HT__PERFETTO__CLOCK_SNAPSHOT__INIT;
    snapshot.n_clocks = unix_ns != NULL ? 4 : 3;
    snapshot.clocks = pointers;
    snapshot.has_primary_trace_clock = true;
    snapshot.primary_trace_clock = CLOCK_BOOTTIME_ID;
    Ht__Perfetto__TracePacket packet = HT__PERFETTO__TRACE_PACKET__INIT;
    packet.clock_snapshot = &snapshot;
    ht_perfetto_put(sink, &packet);
}

static void put_uuid(struct ht_perfetto_sink *sink)
{
    Ht__Perfetto__TraceUuid uuid = HT__PERFETTO__TRACE_UUID__INIT;
    uuid.has_msb = true;
    memcpy(&uuid.msb, &sink->digest[0], sizeof uuid.msb);
    uuid.has_lsb = true;
    memcpy(&uuid.lsb, &sink->digest[1], sizeof uuid.lsb);
    Ht__Perfetto__TracePacket packet = HT__PERFETTO__TRACE_PACKET__INIT;
    packet.trace_uuid = &uuid;
    ht_perfetto_put(sink, &packet);
}

enum ht_status ht_perfetto_sink_finish(struct ht_perfetto_sink *sink)
{
    flush(sink);
    put_uuid(sink);
    flush(sink);
    return sink->status;
}

char *ht_perfetto_borrow(const char *text)
{
    return (char *)text;
}
