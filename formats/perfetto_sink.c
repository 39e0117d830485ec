// SPDX-License-Identifier: MIT
//
// Packets into an output. See the header.
#include "formats/perfetto_sink.h"

#include "formats/mix.h"
#include "formats/packet.h"

#include <string.h>

enum {
    TRACE_PACKET = 1, // field of Trace
    HELD_BYTES = 64 << 10,
    PACKET_BYTES_MAX = 4 << 20,
    HEAD_BYTES_MAX = 64, // of a packet around a track event, and of a sample
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

// The digest depends on where flushes are, which depends on the packets alone.
static void digest(struct ht_perfetto_sink *sink)
{
    size_t at = 0;
    for (; at + 8 <= sink->buffer.size; at += 8) {
        sink->digest[0] = ht_mix(sink->digest[0] ^ ht_load64(sink->buffer.data + at));
        sink->digest[1] += sink->digest[0];
    }
    for (; at < sink->buffer.size; at++)
        sink->digest[0] = ht_mix(sink->digest[0] ^ sink->buffer.data[at]);
    sink->digest[1] = ht_mix(sink->digest[1] + sink->digest[0]);
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

struct piece {
    const uint8_t *data;
    size_t size;
};

static void put_pieces(struct ht_perfetto_sink *sink, const struct piece *pieces, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
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

void ht_perfetto_put_packed(struct ht_perfetto_sink *sink, uint64_t stamp, const uint8_t *event,
                            size_t size)
{
    uint8_t head[HEAD_BYTES_MAX];
    uint8_t tail[HT_VARINT_SIZE_MAX];
    uint8_t *end = ht_field_put_number(head, PACKET_TIMESTAMP, stamp);
    end = ht_field_put_number(end, PACKET_SEQUENCE_ID, HT_PERFETTO_TRACKS);
    end = ht_field_put_head(end, PACKET_TRACK_EVENT, size);
    size_t head_size = (size_t)(end - head);
    end = ht_field_put_number(tail, PACKET_SEQUENCE_FLAGS, HT_PERFETTO_STATE_NEEDED);
    size_t tail_size = (size_t)(end - tail);
    uint8_t outer[2 * HT_VARINT_SIZE_MAX];
    end = ht_field_put_head(outer, TRACE_PACKET, head_size + size + tail_size);
    size_t outer_size = (size_t)(end - outer);
    const struct piece pieces[] = {
        {outer, outer_size}, {head, head_size}, {event, size}, {tail, tail_size}};
    put_pieces(sink, pieces, 4);
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
    uint8_t event[HEAD_BYTES_MAX];
    uint8_t *end =
        ht_field_put_number(begin_sample(event, track), EVENT_COUNTER_VALUE, (uint64_t)value);
    ht_perfetto_put_packed(sink, stamp, event, (size_t)(end - event));
}

void ht_perfetto_put_real_sample(struct ht_perfetto_sink *sink, uint64_t track, uint64_t stamp,
                                 double value)
{
    uint8_t event[HEAD_BYTES_MAX];
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
