// SPDX-License-Identifier: MIT
//
// Packets into an output. See the header.
#include "formats/perfetto_sink.h"

#include "formats/packet.h"

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

static void flush(struct ht_perfetto_sink *sink)
{
    if (sink->status == HT_OK)
        sink->status =
            ht_output_write(sink->output, sink->buffer.data, sink->buffer.size, sink->error);
    sink->buffer.size = 0;
}

void ht_perfetto_put(struct ht_perfetto_sink *sink, const Ht__Perfetto__TracePacket *packet)
{
    if (sink->status == HT_OK)
        sink->status = ht_packet_append(&sink->buffer, TRACE_PACKET, &packet->base, sink->error);
    if (sink->buffer.size >= HELD_BYTES)
        flush(sink);
}

enum ht_status ht_perfetto_sink_finish(struct ht_perfetto_sink *sink)
{
    if (sink->buffer.size > 0)
        flush(sink);
    return sink->status;
}

char *ht_perfetto_borrow(const char *text)
{
    return (char *)text;
}
