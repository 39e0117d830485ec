// SPDX-License-Identifier: MIT
//
// The columns of one block of a .htape file into events: the other direction of compact_pack.h.
// How many values each column has, is checked before the first event is handed out; what the values
// say, as the events come. No input or output.
#ifndef HT_FORMATS_COMPACT_UNPACK_H
#define HT_FORMATS_COMPACT_UNPACK_H

#include "formats/error.h"
#include "formats/event.h"

#include <stddef.h>

// A block and the place in it, used for one block after the other. At most about 15 MB, of which
// small blocks touch little.
struct ht_unpack;

// What of an event is still as the file has it.
struct ht_unpacked {
    uint32_t stack; // number in the file, 0 when there is none
    bool has_detail;
    const uint64_t *detail; // its values, valid until the next event
    size_t detail_count;
};

// NULL when there is no memory; without events until it has a block. Close accepts NULL.
struct ht_unpack *ht_unpack_open(void);
void ht_unpack_close(struct ht_unpack *unpack);

// Begins with the first event of a packed message ht.Block, whose bytes are borrowed until the last
// was taken. False when its columns do not fit together; then it has no events.
bool ht_unpack_begin(struct ht_unpack *unpack, const uint8_t *data, size_t size);

// Takes the next event, which has no stack and no detail yet; HT_END after the last. HT_FORMAT
// where the block names something that is not there: then it has no more events.
enum ht_status ht_unpack_next(struct ht_unpack *unpack, struct ht_event *event,
                              struct ht_unpacked *out);

#endif
