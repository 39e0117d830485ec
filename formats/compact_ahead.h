// SPDX-License-Identifier: MIT
//
// Frames of a .htape file unpacked, with the block of events that each begins with, by a thread of
// their own, one at a time, while the events of the frame before are given by the caller.
#ifndef HT_FORMATS_COMPACT_AHEAD_H
#define HT_FORMATS_COMPACT_AHEAD_H

#include "formats/compact_frames.h"
#include "formats/compact_unpack.h"
#include "formats/event.h"

#include <stdbool.h>

// Holds a frame and the events of one block: 64 bytes each, and 4 for their stacks.
struct ht_ahead;

// Over a borrowed, seekable input. HT_MEMORY; *ahead is NULL then. Close accepts NULL.
enum ht_status ht_ahead_open(struct ht_input *input, struct ht_ahead **ahead,
                             struct ht_error *error);
void ht_ahead_close(struct ht_ahead *ahead);

// Begins with the frame at this offset, unless that is the one begun last.
void ht_ahead_begin(struct ht_ahead *ahead, uint64_t offset);

// Waits for the frame at this offset, if that is the one begun last, and gives its messages, valid
// until the next begin. False when it is another, not whole, or could not be read: the caller then
// reads it, and tells why.
bool ht_ahead_finish(struct ht_ahead *ahead, uint64_t offset, struct ht_cursor *content);

// Where the frame comes from.
const struct ht_frame_source *ht_ahead_frames(const struct ht_ahead *ahead);

// The block in this message of the finished frame, all of whose events were taken; NULL when it was
// not unpacked here: not the first message, or with details, or damaged, or without memory for it.
const struct ht_unpack *ht_ahead_block(const struct ht_ahead *ahead, const uint8_t *message);

// Lends the next events of the block, at most *count of them, which becomes their number; valid,
// and the caller's to change, until the next begin. As ht_unpack_take otherwise.
enum ht_status ht_ahead_take(struct ht_ahead *ahead, struct ht_event **events, size_t *count,
                             struct ht_unpacked *out);

#endif
