// SPDX-License-Identifier: MIT
//
// The columns of one block of a .htape file into events: the other direction of compact_pack.h.
// How many values each column has, is checked before the first event is handed out; what the values
// say, as the events come. No input or output.
#ifndef HT_FORMATS_COMPACT_UNPACK_H
#define HT_FORMATS_COMPACT_UNPACK_H

#include "formats/compact_index.h"

#include <stddef.h>

// A block and the place in it, used for one block after the other. At most about 18 MB; as much as
// the largest of the blocks needs.
struct ht_unpack;

// What of the events taken is still as the file has it.
struct ht_unpacked {
    bool is_plain;          // nothing: no stacks, no detail, no kind that is not known
    const uint32_t *stacks; // of each event the number in the file, or 0; NULL when none has one
    bool has_detail;        // of the last event, which is the only one that may have one
    const uint64_t *detail; // its values
    size_t detail_count;
};

// NULL when there is no memory; without events until it has a block. Close accepts NULL.
struct ht_unpack *ht_unpack_open(void);
void ht_unpack_close(struct ht_unpack *unpack);

// Begins with the first event of a packed message ht.Block, whose bytes are borrowed until the last
// was taken. HT_FORMAT when its columns do not fit together, HT_MEMORY; then it has no events.
enum ht_status ht_unpack_begin(struct ht_unpack *unpack, const uint8_t *data, size_t size,
                               struct ht_error *error);

// Takes the next events into `events`: one or more, at most *count, which becomes their number.
// They have no stacks and no details yet: *out has those, valid until the next call. HT_END after
// the last. HT_FORMAT where the block names something that is not there: it has no more events
// then.
enum ht_status ht_unpack_take(struct ht_unpack *unpack, struct ht_event *events, size_t *count,
                              struct ht_unpacked *out);

// Events that are not taken yet, and whether any of the block has a detail.
size_t ht_unpack_left(const struct ht_unpack *unpack);
bool ht_unpack_has_details(const struct ht_unpack *unpack);

// Adds to a group the events of the block, when all were taken.
void ht_unpack_tell(const struct ht_unpack *unpack, struct ht_group *group);

#endif
