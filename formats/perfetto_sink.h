// SPDX-License-Identifier: MIT
//
// Packets of a Perfetto trace into an output, or only their sizes. The first failure is kept and
// everything after it does nothing, so that writers write straight down and ask once at the end.
#ifndef HT_FORMATS_PERFETTO_SINK_H
#define HT_FORMATS_PERFETTO_SINK_H

#include "formats/output.h"
#include "perfetto.pb-c.h"

enum {
    HT_PERFETTO_STATE_CLEARED = 1, // sequence_flags
    HT_PERFETTO_STATE_NEEDED = 2,
};

struct ht_perfetto_sink {
    struct ht_output *output; // NULL: bytes are counted only
    struct ht_buffer buffer;  // packed packets on their way
    uint32_t sequences;       // given out; 1 is that of the tracks
    uint64_t tracks;          // uuids given out
    uint64_t bytes;           // of all packets
    uint64_t digest[2];       // of what was flushed
    enum ht_status status;
    struct ht_error *error; // of the call that writes
};

// An empty sink, and freeing it. Nothing is written by the latter.
struct ht_perfetto_sink ht_perfetto_sink_over(struct ht_output *output, struct ht_error *error);
void ht_perfetto_sink_reset(struct ht_perfetto_sink *sink);

void ht_perfetto_put(struct ht_perfetto_sink *sink, const Ht__Perfetto__TracePacket *packet);

// Writes what is still held, behind it the file's uuid, which is a digest of it, and tells how it
// all went.
enum ht_status ht_perfetto_sink_finish(struct ht_perfetto_sink *sink);

// A text field: protobuf-c does not change what it packs.
char *ht_perfetto_borrow(const char *text);

#endif
