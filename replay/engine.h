// SPDX-License-Identifier: MIT
//
// The engine: walks a plan and makes its calls on a heap, in recorded order, on one thread. In the
// loop there is no lock, no clock, no lookup and no allocation but the heap's own. It neither makes
// the plan nor measures the process.
//
// The order is serial, so the same plan makes the same calls every time. A call that the heap
// fails is counted and the run goes on: a block that could not be made is missing from then on,
// and operations on it are skipped and counted; one that could not be resized lives on as it was.
#ifndef HT_REPLAY_ENGINE_H
#define HT_REPLAY_ENGINE_H

#include "replay/heap.h"
#include "replay/plan.h"

#include <stdbool.h>
#include <stdint.h>

// What is written into a block that was made, and into the grown tail of one that was resized (a
// program writes what is new, and does not write what it kept again).
enum ht_touch {
    HT_TOUCH_PAGE, // the first new byte, and one in every further page
    HT_TOUCH_NONE,
    HT_TOUCH_FIRST, // the block's first byte
    HT_TOUCH_FILL,  // every new byte
    HT_TOUCH_COUNT,
};

// "page", "none", "first", "fill".
const char *ht_touch_name(enum ht_touch touch);

// The touch of that name, HT_TOUCH_COUNT when there is none.
enum ht_touch ht_touch_by_name(const char *name);

// Where a recorded block is now.
struct ht_slot {
    unsigned char *address; // NULL: not live
    size_t size;            // requested bytes
};

// What happened on the heap. Bytes are requested bytes.
struct ht_played {
    uint64_t operations;      // of the plan, until it ended or the pulse stopped it
    uint64_t elapsed_ns;      // from before the first call to after the last; includes the touching
    uint64_t live_bytes;      // at the end
    uint64_t peak_bytes;      // most live at once
    uint64_t agreement[2][2]; // reallocs: [moved in the recording][moved here]
    uint64_t bytes_copied;    // sum of min(old size, new size) over the reallocs that moved here
    uint64_t failed_allocs;   // allocs and adopts that the heap returned NULL for
    uint64_t failed_reallocs; // the same of reallocs
    uint64_t skipped;         // operations on blocks that are missing for that
    bool is_stopped;          // by the pulse
    uint64_t address_digest; // of the block's address after each operation; 0 unless it was watched
};

// Told between the spans of a plan how many operations are done; the play stops there when it
// answers false. It takes its time from the play's, so it has to be quick.
struct ht_pulse {
    bool (*beat)(void *context, uint64_t operations);
    void *context;
};

// Plays the plan on an open heap: the operations of each recorded heap on the `selves` of its
// index, of which there are the plan's heap_limit. `pulse` may be NULL. `slots` has room for the
// plan's block_limit and is all zero before; blocks that are live at the end stay there. Adds to
// `played`, which is all zero before, so that the parts of a plan can be played one by one.
void ht_engine_play(const struct ht_plan *plan, const struct ht_heap *heap, void *const *selves,
                    enum ht_touch touch, const struct ht_pulse *pulse, struct ht_slot *slots,
                    struct ht_played *played);

// Looks on: is told of every operation after it was played, with its block as it is then.
struct ht_watch {
    void (*see)(void *context, const struct ht_op *op, const struct ht_slot *slot);
    void *context;
};

// The same calls in the same order, watched. What looks on takes its time between the calls, so
// none is told: elapsed_ns is 0.
void ht_engine_play_watched(const struct ht_plan *plan, const struct ht_heap *heap,
                            void *const *selves, enum ht_touch touch, const struct ht_pulse *pulse,
                            const struct ht_watch *watch, struct ht_slot *slots,
                            struct ht_played *played);

// Gives back every block that is live in the `count` slots, which are then zero again. Returns how
// many there were.
uint64_t ht_engine_release(const struct ht_heap *heap, void *self, struct ht_slot *slots,
                           uint32_t count);

// The same where recorded heaps have `selves` of their own, after `operations` of the plan.
uint64_t ht_engine_release_apart(const struct ht_plan *plan, uint64_t operations,
                                 const struct ht_heap *heap, void *const *selves,
                                 struct ht_slot *slots, uint32_t count);

#endif
