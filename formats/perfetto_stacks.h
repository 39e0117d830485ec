// SPDX-License-Identifier: MIT
//
// Call stacks of a .pftrace: frames, their names and their modules. They have the same numbers on
// all packet sequences of the file, but each sequence has to be told of them before it uses them,
// once. One path never has two numbers on a sequence, as the importer demands.
#ifndef HT_FORMATS_PERFETTO_STACKS_H
#define HT_FORMATS_PERFETTO_STACKS_H

#include "formats/dict.h"
#include "formats/perfetto_sink.h"
#include "formats/picture_index.h"

struct ht_perfetto_stacks;

// Opens on the sequence of the tracks, which others begin. NULL when there is no memory.
struct ht_perfetto_stacks *ht_perfetto_stacks_open(struct ht_perfetto_sink *sink,
                                                   const struct ht_dict *dict);
void ht_perfetto_stacks_close(struct ht_perfetto_stacks *stacks);

// Tells of a stack of the dictionary, unless that was done, and gives its number on the sequence of
// the tracks: 0 for stack 0 and for one that has no frames. To be called before the first profile.
uint64_t ht_perfetto_use_stack(struct ht_perfetto_stacks *stacks, uint32_t stack);

// The stacks of profiles have numbers of their own, from 1 on in order of this call: of a stack of
// the dictionary, 0 or HT_PICTURE_OTHER_STACKS. After a failure, which the sink has, it is 0.
uint32_t ht_perfetto_profile_stack(struct ht_perfetto_stacks *stacks, uint32_t stack);
uint32_t ht_perfetto_profile_stack_count(const struct ht_perfetto_stacks *stacks);

// Begins the sequence of a profile, which knows no stacks. Its first packet is the next one.
void ht_perfetto_begin_profile(struct ht_perfetto_stacks *stacks);

// Tells the sequence of a profile's stack by its number, unless that was done. What is told is
// written at the latest before the next head is asked for.
void ht_perfetto_tell_stack(struct ht_perfetto_stacks *stacks, uint32_t number);

// What the next packet of the sequence begins with.
struct ht_perfetto_head ht_perfetto_stacks_head(struct ht_perfetto_stacks *stacks);

// What the stacks of profiles take at most, told once, and what all frames do that are numbered.
struct ht_perfetto_extent {
    uint64_t stack_bytes;
    uint64_t frame_bytes;
};
struct ht_perfetto_extent ht_perfetto_stacks_extent(const struct ht_perfetto_stacks *stacks);

// Numbers the frames of a stack that events may use, and gives what it takes at most beside them.
uint64_t ht_perfetto_expect_stack(struct ht_perfetto_stacks *stacks, uint32_t stack);

#endif
