// SPDX-License-Identifier: MIT
//
// The plan of a replay: the changes of a recording (convert/number.h) as operations on numbered
// blocks, decoded before any clock starts. It lies in memory straight from the system, in spans, so
// that it grows without being copied and a replay walks arrays. One that does not fit is played in
// parts, each of which takes the place of the one before.
//
// What the recording could not name (frees of unknown blocks) makes no change and so is not here.
#ifndef HT_REPLAY_PLAN_H
#define HT_REPLAY_PLAN_H

#include "formats/block.h"
#include "formats/error.h"

#include <stddef.h>
#include <stdint.h>

// The digest covers these numbers: append, never reorder.
enum ht_op_kind {
    HT_OP_ALLOC,
    HT_OP_ADOPT,            // makes a block that was older than the recording, before its realloc
    HT_OP_REALLOC_IN_PLACE, // as recorded; what the replay does is the heap's affair
    HT_OP_REALLOC_MOVED,
    HT_OP_FREE, // also of what was left in a destroyed heap, and of blocks made over
    HT_OP_KIND_COUNT,
};

struct ht_op {
    uint64_t size;  // requested bytes; of a free those of the block. At most PTRDIFF_MAX
    uint32_t block; // index into the table of blocks
    uint16_t kind;  // enum ht_op_kind
    uint16_t heap;  // index of the recorded heap; from HT_PLAN_HEAPS_MAX - 1 on they are one
};

enum { HT_PLAN_HEAPS_MAX = 1 << 16 };

// A digest of words in order, which is told to users and so never changes. It begins with this.
#define HT_DIGEST_START UINT64_C(0xcbf29ce484222325)

// One step of it: FNV-1a's, over 64-bit words, with the high half folded down since a
// multiplication alone never carries it there.
static inline uint64_t ht_digest_step(uint64_t digest, uint64_t word)
{
    digest = (digest ^ word) * UINT64_C(0x100000001b3);
    return digest ^ digest >> 32;
}

// A run of operations; the plan is a list of these, in order.
struct ht_plan_span {
    struct ht_plan_span *next; // NULL in the last
    size_t count;
    size_t room;
    struct ht_op ops[];
};

// What a plan holds, or held in parts, and how the recorded heaps, all together, lived by it.
struct ht_plan_totals {
    uint64_t operations;
    uint64_t by_kind[HT_OP_KIND_COUNT];
    uint64_t destroyed;    // of the frees: blocks left in heaps that were destroyed
    uint64_t replaced;     // of the frees: blocks whose own free is missing from the recording
    uint64_t peak_bytes;   // most requested bytes live at once, in the recording
    uint64_t final_bytes;  // requested bytes still live at its end
    uint64_t final_blocks; // blocks still live at its end
    uint64_t bytes_copied; // sum of min(old size, new size) over the reallocs that moved
    uint32_t block_limit;  // blocks to have room for: one more than the highest number
    uint32_t heap_limit;   // the same of heaps
    uint64_t digest;       // of the operations in order; the same on every host
    uint64_t memory_bytes; // what the plan takes from the system
};

struct ht_plan;

// A limit for where nobody sets one, as in measurements.
#define HT_PLAN_MEMORY_DEFAULT (UINT64_C(8) << 30)

// An empty plan. The operations and the table of blocks that a replay needs beside them may
// together take `memory_limit` bytes, give or take a MiB, the least step in which a plan grows. On
// failure *plan is NULL.
enum ht_status ht_plan_open(struct ht_plan **plan, uint64_t memory_limit, struct ht_error *error);
void ht_plan_close(struct ht_plan *plan);

// Adds the operation of one change. HT_LIMIT when it would be over the limit, HT_MEMORY; the plan
// then holds what was added until then. `change` is not in it and may be added to the next part.
enum ht_status ht_plan_add(struct ht_plan *plan, const struct ht_change *change,
                           struct ht_error *error);

// The operation of a change for a plan that is made elsewhere. Counts it into the totals there, but
// for memory_bytes; they begin with ht_plan_totals_begin.
struct ht_op ht_op_of(const struct ht_change *change, struct ht_plan_totals *totals);
struct ht_plan_totals ht_plan_totals_begin(void);

// Adds operations that were counted there, in order, as far as there is room: *added tells how
// many. HT_LIMIT and HT_MEMORY as above.
enum ht_status ht_plan_add_ops(struct ht_plan *plan, const struct ht_op *ops, size_t count,
                               size_t *added, struct ht_error *error);

// Takes over what was counted there, but for `operations`, which are those in the plan.
void ht_plan_take_totals(struct ht_plan *plan, const struct ht_plan_totals *totals);

// Begins the next part: drops the operations, but what the totals say of them stays. From here on a
// part is one span, so that the reader of the trace works while a part is played.
void ht_plan_begin_part(struct ht_plan *plan);

// The first span, never NULL; valid until the plan is closed.
const struct ht_plan_span *ht_plan_first(const struct ht_plan *plan);

// Valid until the plan is closed.
const struct ht_plan_totals *ht_plan_totals(const struct ht_plan *plan);

// "alloc", "adopt", "realloc_in_place", "realloc_moved", "free".
const char *ht_op_kind_name(enum ht_op_kind kind);

#endif
