// SPDX-License-Identifier: MIT
//
// The columns of one block of a .htape file into events: the other direction of compact_pack.h,
// with every column checked before the first event is handed out. No input or output.
#ifndef HT_FORMATS_COMPACT_UNPACK_H
#define HT_FORMATS_COMPACT_UNPACK_H

#include "compact.pb-c.h"
#include "formats/event.h"

#include <stddef.h>

// A place in a block. A value; the block is borrowed.
struct ht_unpack {
    const Ht__Block *block;
    uint32_t at; // the next event
    uint64_t time_ns;
    uint64_t address;
    size_t addresses, sizes, old_addresses, old_sizes, details, values, stacks; // taken of each
};

// An event whose stack and detail are still those of the file.
struct ht_unpacked {
    struct ht_event event;
    uint32_t stack; // number in the file, 0 when there is none
    bool has_detail;
    const uint64_t *detail; // its values, valid as long as the block
    size_t detail_count;
};

// Begins with the first event of the block. False when its columns do not fit together; then it
// has no events.
bool ht_unpack_begin(struct ht_unpack *unpack, const Ht__Block *block);

// Takes the next event; false after the last.
bool ht_unpack_next(struct ht_unpack *unpack, struct ht_unpacked *out);

#endif
