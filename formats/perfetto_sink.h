// SPDX-License-Identifier: MIT
//
// Packets of a Perfetto trace into an output, or only their sizes. The first failure is kept and
// everything after it does nothing, so that writers write straight down and ask once at the end.
#ifndef HT_FORMATS_PERFETTO_SINK_H
#define HT_FORMATS_PERFETTO_SINK_H

#include "formats/output.h"
#include "perfetto.pb-c.h"

enum {
    HT_PERFETTO_TRACKS = 1,        // the sequence of all tracks and their events
    HT_PERFETTO_STATE_CLEARED = 1, // sequence_flags
    HT_PERFETTO_STATE_NEEDED = 2,
};

enum ht_perfetto_type { // of a track event
    HT_PERFETTO_BEGIN = 1,
    HT_PERFETTO_END = 2,
    HT_PERFETTO_INSTANT = 3,
    HT_PERFETTO_SAMPLE = 4,
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

// What there are most of is packed by hand, and not all of it: the fields of a packet around one
// that is packed already.
struct ht_perfetto_head {
    uint32_t sequence;
    uint32_t flags; // of the sequence
    bool has_stamp;
    uint64_t stamp;
};

enum { HT_PERFETTO_PIECES_MAX = 8 };

struct ht_perfetto_piece {
    const uint8_t *data;
    size_t size;
};

// Writes a packet with that field, which is in so many pieces.
void ht_perfetto_put_field(struct ht_perfetto_sink *sink, const struct ht_perfetto_head *head,
                           uint32_t field, const struct ht_perfetto_piece *pieces, size_t count);

// The same in one piece for a track event on the sequence of the tracks, and for one that is the
// sample of a counter.
void ht_perfetto_put_packed(struct ht_perfetto_sink *sink, uint64_t stamp, const uint8_t *event,
                            size_t size);
void ht_perfetto_put_sample(struct ht_perfetto_sink *sink, uint64_t track, uint64_t stamp,
                            int64_t value);
void ht_perfetto_put_real_sample(struct ht_perfetto_sink *sink, uint64_t track, uint64_t stamp,
                                 double value);

// The first packet of a file, without which the importer drops every heap dump: its clocks, which
// all begin with it. `unix_ns` is the wall time of stamp 0, NULL where that is not known.
void ht_perfetto_put_clocks(struct ht_perfetto_sink *sink, const uint64_t *unix_ns);

// Writes what is still held, behind it the file's uuid, which is a digest of it, and tells how it
// all went.
enum ht_status ht_perfetto_sink_finish(struct ht_perfetto_sink *sink);

// A text field: protobuf-c does not change what it packs.
char *ht_perfetto_borrow(const char *text);

#endif
