// SPDX-License-Identifier: MIT
//
// Call stacks of one packet sequence: frames, their names and their modules, each written once
// before it is used. One path never has two numbers on a sequence, as the importer demands.
#ifndef HT_FORMATS_PERFETTO_STACKS_H
#define HT_FORMATS_PERFETTO_STACKS_H

#include "formats/dict.h"
#include "formats/perfetto_sink.h"
#include "formats/picture_index.h"

struct ht_perfetto_stacks;

// NULL when there is no memory.
struct ht_perfetto_stacks *ht_perfetto_stacks_open(struct ht_perfetto_sink *sink,
                                                   const struct ht_dict *dict);
void ht_perfetto_stacks_close(struct ht_perfetto_stacks *stacks);

// Begins a new sequence, which knows no stacks. Its first packet is the next one.
void ht_perfetto_stacks_begin(struct ht_perfetto_stacks *stacks);

// Goes on with a sequence that has begun, and has no stacks yet.
void ht_perfetto_stacks_join(struct ht_perfetto_stacks *stacks, uint32_t sequence);

// Writes a stack of the dictionary, unless it was written by this already, and gives its number on
// the sequence: 0 for stack 0 and for one that has no frames. Not to be mixed with
// ht_perfetto_put_stack.
uint64_t ht_perfetto_use_stack(struct ht_perfetto_stacks *stacks, uint32_t stack);

// A packet on the sequence.
Ht__Perfetto__TracePacket ht_perfetto_stacks_packet(struct ht_perfetto_stacks *stacks);

// Writes a stack under this number, which is not 0 and new: a stack of the dictionary, 0 or
// HT_PICTURE_OTHER_STACKS. A failure goes into the sink.
void ht_perfetto_put_stack(struct ht_perfetto_stacks *stacks, uint32_t stack, uint64_t number);

#endif
