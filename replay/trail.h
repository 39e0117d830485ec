// SPDX-License-Identifier: MIT
//
// The trail of a plan: where, when and by whom the recording had what each operation made. Only a
// replay that is measured against the recording needs it, so it is kept beside the plan and not in
// it.
#ifndef HT_REPLAY_TRAIL_H
#define HT_REPLAY_TRAIL_H

#include "formats/error.h"

#include <stddef.h>
#include <stdint.h>

struct ht_trail_mark {
    int64_t time_ns;  // of the event
    uint64_t address; // of the block after the operation; of a free, before it
    uint32_t space;   // the address space: the process
    uint32_t thread;  // of the event
    uint32_t stack;   // of the event: its id in the trace's dictionary, 0 for none
};

// A run of marks; the trail is a list of these, with one mark for each operation of the plan.
struct ht_trail_span {
    struct ht_trail_span *next; // NULL in the last
    size_t count;
    size_t room;
    struct ht_trail_mark marks[];
};

struct ht_trail;

// An empty trail, which may take `memory_limit` bytes, give or take a MiB. On failure *trail is
// NULL.
enum ht_status ht_trail_open(struct ht_trail **trail, uint64_t memory_limit,
                             struct ht_error *error);
void ht_trail_close(struct ht_trail *trail);

// Adds the mark of the operation that was added to the plan last. HT_LIMIT, HT_MEMORY; the trail
// then holds what was added until then.
enum ht_status ht_trail_add(struct ht_trail *trail, const struct ht_trail_mark *mark,
                            struct ht_error *error);

// Adds several, in order.
enum ht_status ht_trail_add_marks(struct ht_trail *trail, const struct ht_trail_mark *marks,
                                  size_t count, struct ht_error *error);

// The first span, never NULL; valid until the trail is closed.
const struct ht_trail_span *ht_trail_first(const struct ht_trail *trail);

// What it takes from the system.
uint64_t ht_trail_memory_bytes(const struct ht_trail *trail);

// Goes along a trail, a mark at a time.
struct ht_trail_step {
    const struct ht_trail_span *span;
    size_t at;
};

static inline struct ht_trail_step ht_trail_begin(const struct ht_trail *trail)
{
    return (struct ht_trail_step){.span = ht_trail_first(trail)};
}

// The next mark. There must be one: there is for every operation of the plan.
static inline const struct ht_trail_mark *ht_trail_next(struct ht_trail_step *step)
{
    if (step->at == step->span->count) {
        step->span = step->span->next;
        step->at = 0;
    }
    return &step->span->marks[step->at++];
}

#endif
