// SPDX-License-Identifier: MIT
//
// Metrics of fragmentation, from the addresses and sizes of blocks alone. The recorded blocks and
// those of a replay go through this one code, so their figures compare. docs/replay.md explains
// them to users.
//
// In the formulas, after some operation: L is the live requested bytes; U the live usable bytes,
// where the heap tells them; C the bytes of the pages of HT_PAGE_BYTES that hold at least one live
// requested byte. C is not what the system says: it is the least that any heap can keep resident
// with its blocks at these addresses.
//
// Nothing here takes memory from any heap, so that it may be called between the calls that are
// measured. A block of more than HT_METRICS_SIZE_MAX bytes, which no heap gives but a damaged
// recording may claim, is counted as `oversized` and is in no other figure.
#ifndef HT_REPLAY_METRICS_H
#define HT_REPLAY_METRICS_H

#include "formats/error.h"
#include "replay/gaps.h"
#include "replay/pinning.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HT_METRICS_DECADES = 8, // sizes 0-9, 10-99, 100-999 ... the last without an end
    HT_METRICS_FACTORS = 8, // growth to 1.1, 1.25, 1.5 ... the last without an end
    HT_METRICS_PINNING = 8, // threads and stacks told that pin most
    HT_METRICS_GAPS = 17,   // times that gaps are looked for over the run, at most
    HT_METRICS_MARKS = 16,  // operations besides that all blocks are looked at after
};
#define HT_METRICS_SIZE_MAX (UINT64_C(1) << 40)

enum ht_direction {
    HT_DIRECTION_GROW,
    HT_DIRECTION_SHRINK,
    HT_DIRECTION_SAME,
    HT_DIRECTION_COUNT,
};

// What the system says that the process holds more than before the first operation, the memory of
// the metrics not counted. 0 also where it holds less, or the system does not tell.
struct ht_metrics_held {
    uint64_t resident_bytes;
    uint64_t mapped_bytes;
};

// Where that comes from; all zero for a recording, of which no system tells.
struct ht_metrics_system {
    const char *resident_source; // static text; NULL: it is not told
    const char *mapped_source;
    struct ht_metrics_held (*held)(void *context, uint64_t operation); // after this one
    void *context;
};

// The figures after one operation.
struct ht_moment {
    uint64_t operation;          // index in the plan, from 0
    int64_t time_ns;             // of that operation, in the recording
    uint64_t live_bytes;         // L
    uint64_t live_blocks;        // blocks of no bytes included
    uint64_t usable_bytes;       // U; 0 where the heap does not tell
    uint64_t page_bytes;         // C
    uint64_t sparse_bytes;       // of C, pages that are less than a quarter live: pinned by little
    uint64_t reallocs;           // so far, of blocks that stayed in the figures
    uint64_t moved;              // of these
    struct ht_metrics_held held; // in samples and at marks only
};

// Blocks of one decade of requested sizes.
struct ht_metrics_sizes {
    uint64_t blocks;
    uint64_t requested_bytes;
    uint64_t usable_bytes; // 0 where the heap does not tell
};

// Who pins the sparse pages: only blocks that are on one.
struct ht_look_pinning {
    struct ht_pinning by_size[HT_METRICS_DECADES]; // id: the decade's least size
    struct ht_pinning by_age[HT_METRICS_DECADES];  // the same of operations since it was made
    struct ht_pinning by_thread[HT_METRICS_PINNING];
    struct ht_pinning by_stack[HT_METRICS_PINNING];
    uint32_t threads; // of by_thread in use
    uint32_t stacks;
};

// What is too dear to keep up with at every operation: a look at all blocks after one.
struct ht_look {
    bool is_taken;
    uint64_t operation;
    uint64_t page_bytes; // C
    struct ht_metrics_held held;
    struct ht_gaps gaps;
    struct ht_metrics_sizes live[HT_METRICS_DECADES];
    struct ht_look_pinning pinning;
    struct ht_pinner pinners[HT_METRICS_PINNING]; // the blocks that pin most, those of 0 bytes none
};

// A moment that was asked for, with a look.
struct ht_metrics_mark {
    struct ht_moment moment;
    struct ht_look look; // not taken: the run ended before
};

// The gaps after some operation.
struct ht_metrics_gaps {
    uint64_t operation;
    int64_t time_ns;
    struct ht_gaps gaps;
};

// Reallocs of one direction.
struct ht_metrics_reallocs {
    uint64_t count;
    uint64_t moved;
    uint64_t requested_bytes; // sum of the new sizes
    uint64_t bytes_copied;    // sum of min(old size, new size) over those that moved
};

// Growing reallocs of one decade of old sizes, or of one range of factors.
struct ht_metrics_grown {
    uint64_t count;
    uint64_t in_place;
};

// A ratio is 0 where it has no value, for there was nothing to divide by.
struct ht_metrics_report {
    bool has_usable;
    const char *resident_source; // of the held bytes, static text; NULL: they are not told
    const char *mapped_source;
    uint64_t operations;
    int64_t first_ns;   // recorded time of the first
    uint64_t oversized; // blocks made or resized to a size over HT_METRICS_SIZE_MAX

    struct ht_moment peak;      // where L was greatest, the first time
    struct ht_moment page_peak; // where C was greatest, the first time
    struct ht_moment end;       // after the last operation
    double f1_operations;       // average of C / L over the operations that left L > 0
    double f1_time;             // the same over the recorded time while L > 0
    double f2;                  // C / L at `peak`
    double f3;                  // C / L at `page_peak`
    double f4;                  // C at `page_peak` / L at `peak`
    double retention;           // C / L at `end`

    struct ht_look look; // after the operation asked for
    struct ht_look last; // at the end
    struct ht_metrics_mark marks[HT_METRICS_MARKS];
    uint32_t mark_count;
    struct ht_metrics_gaps gaps[HT_METRICS_GAPS]; // over the run, the last at the end
    uint32_t gaps_count;
    struct ht_metrics_sizes made[HT_METRICS_DECADES]; // every block when made and when resized

    struct ht_metrics_reallocs reallocs[HT_DIRECTION_COUNT];
    struct ht_metrics_grown grown[HT_METRICS_DECADES];
    struct ht_metrics_grown factors[HT_METRICS_FACTORS]; // by new size / old size
    uint64_t doubling_bytes;     // greatest old size + new size of a realloc that moved
    uint64_t doubling_operation; // the first with it

    uint64_t sample_step; // operations from one sample to the next
    uint32_t sample_count;
    const struct ht_moment *samples; // the caller's; the last is `end`
};

struct ht_metrics_options {
    uint64_t operations;                // how many there will be
    uint32_t block_limit;               // blocks are numbered below this
    uint64_t look_at;                   // the operation to look after, UINT64_MAX for none
    uint64_t mark_at[HT_METRICS_MARKS]; // and these, in order
    uint32_t mark_count;
    uint64_t gap_sizes[HT_GAP_SIZES]; // sizes to judge gaps by, each at least 1
    bool has_usable;                  // places tell usable bytes
    bool wants_gaps;                  // over the run
    struct ht_metrics_system system;
    struct ht_moment *samples; // where to put them
    uint32_t sample_room;      // how many there is room for
    uint64_t sample_step;      // operations from one to the next; 0: so that they have room
    size_t page_room;          // partly filled pages to have room for from the start
};

// Where a block is.
struct ht_place {
    uint64_t address;
    uint64_t size;   // requested
    uint64_t usable; // 0 where the heap does not tell
    uint32_t space;  // the address space
    uint32_t thread; // that made it or gave it this size
    uint32_t stack;  // and its call stack, 0 for none
};

struct ht_metrics;

// On failure *metrics is NULL.
enum ht_status ht_metrics_open(struct ht_metrics **metrics,
                               const struct ht_metrics_options *options, struct ht_error *error);
void ht_metrics_close(struct ht_metrics *metrics);

// One operation: the block is at `place` after it, or not live when that is NULL. A block that was
// live already was reallocated. Failures wait for ht_metrics_finish.
void ht_metrics_step(struct ht_metrics *metrics, int64_t time_ns, uint32_t block,
                     const struct ht_place *place);

// One operation that changed nothing: the heap refused it.
void ht_metrics_pass(struct ht_metrics *metrics, int64_t time_ns);

// After the last operation. HT_MEMORY when there was not enough on the way.
enum ht_status ht_metrics_finish(struct ht_metrics *metrics, struct ht_error *error);

// Complete after ht_metrics_finish; valid until closed.
const struct ht_metrics_report *ht_metrics_report(const struct ht_metrics *metrics);

// What it takes from the system now, and the room it has for partly filled pages.
uint64_t ht_metrics_memory_bytes(const struct ht_metrics *metrics);
size_t ht_metrics_page_room(const struct ht_metrics *metrics);

// The decade of a size: 0 for 0-9, 1 for 10-99 ... and the least size in one.
int ht_metrics_decade(uint64_t size);
uint64_t ht_metrics_decade_from(int decade);

// The range of factors that a growth falls into, and the greatest factor in one, in per cent; 0 for
// the last, which has none. From a size of 0 everything grows without end.
int ht_metrics_factor(uint64_t old_size, uint64_t size);
uint32_t ht_metrics_factor_percent(int factor);

#endif
