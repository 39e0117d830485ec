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
