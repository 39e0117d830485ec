// SPDX-License-Identifier: MIT
//
// The index of a .htape file: where each frame is, and for a frame with events how many, from when
// to when and of which processes. It stands behind the end record; the last bytes of the file say
// where. Knows the numbers only; the frames are read and written in compact_frames.c.
#ifndef HT_FORMATS_COMPACT_INDEX_H
#define HT_FORMATS_COMPACT_INDEX_H

#include "compact.pb-c.h"
#include "formats/bytes.h"
#include "formats/event.h"
#include "formats/format.h"

enum { HT_COMPACT_TRAILER_SIZE = 24 };

// The events of a frame that is being filled. The zero value is "none".
struct ht_group {
    uint32_t event_count;
    uint32_t pid_count; // HT_COMPACT_GROUP_PIDS_MAX + 1: too many to tell
    int64_t first_ns;   // earliest and latest time
    int64_t last_ns;
    uint32_t pids[HT_COMPACT_GROUP_PIDS_MAX];
};

// Adds events.
void ht_group_add(struct ht_group *group, const struct ht_event *events, size_t count);

// Adds so many events, at least one, from the earliest of them to the latest, and a process of
// some.
void ht_group_add_span(struct ht_group *group, uint32_t count, int64_t first_ns, int64_t last_ns);
void ht_group_add_pid(struct ht_group *group, uint32_t pid);

// The columns of ht.Index that are being filled, one value a frame; `pid` has those of all frames.
struct ht_index_sink {
    struct ht_buffer frame_bytes; // of uint32_t, as the next two
    struct ht_buffer frame_checksum;
    struct ht_buffer event_count;
    struct ht_buffer first_time_ns; // of int64_t
    struct ht_buffer time_span_ns;  // of uint64_t
    struct ht_buffer pid_count;     // of uint32_t, as the next
    struct ht_buffer pid;
    uint64_t end; // offset in the file behind the last frame
    bool is_full; // there is no room for the index, and none is written
};

// `start` is the offset of the first frame in the file.
void ht_index_sink_init(struct ht_index_sink *sink, uint64_t start);
void ht_index_sink_reset(struct ht_index_sink *sink);

// Adds a frame that was written, or read. HT_MEMORY.
enum ht_status ht_index_sink_add(struct ht_index_sink *sink, size_t frame_bytes, uint32_t checksum,
                                 const struct ht_group *group, struct ht_error *error);

// The message of what was added. Its columns are valid until the next call.
Ht__Index ht_index_sink_message(const struct ht_index_sink *sink);

// The last bytes of a file whose index frame is at `offset`, and that offset of a trailer; 0 when
// it is none.
void ht_index_trailer_put(uint8_t trailer[HT_COMPACT_TRAILER_SIZE], uint64_t offset);
uint64_t ht_index_trailer_offset(const uint8_t trailer[HT_COMPACT_TRAILER_SIZE]);

// Whether the columns of an index fit together and its frames fill the file from `start` up to the
// index itself, at `offset`.
bool ht_index_fits(const Ht__Index *index, uint64_t start, uint64_t offset);

// Goes through the frames of an index that fits.
struct ht_index_place {
    size_t frame;
    size_t pid; // its place in the column of pids
    uint64_t offset;
};

// Steps from a frame to the next.
void ht_index_step(const Ht__Index *index, struct ht_index_place *place);

// Whether an index says of its frame what another says of its own. To tell no processes is no
// difference.
bool ht_index_agrees(const Ht__Index *index, const struct ht_index_place *place,
                     const Ht__Index *other, const struct ht_index_place *other_place);

// Whether a frame has events, and none that is asked for.
bool ht_index_can_skip(const Ht__Index *index, const struct ht_index_place *place,
                       const struct ht_scope *scope);

#endif
