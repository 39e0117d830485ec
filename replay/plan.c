// SPDX-License-Identifier: MIT
//
// Builds the plan of a replay. It believes its changes: numbering made sure that a block begins
// before it is resized or ends.
#include "replay/plan.h"

#include "replay/engine.h"
#include "replay/os.h"
#include "replay/span.h"

#include <string.h>

struct ht_plan {
    struct ht_plan_span *first;
    struct ht_plan_span *last; // the one that is filled
    struct ht_plan_span *idle; // those of the first part that later ones do without
    uint64_t memory_limit;
    bool is_in_parts; // this is not the first part
    struct ht_plan_totals totals;
};

const char *ht_op_kind_name(enum ht_op_kind kind)
{
    static const char *const names[HT_OP_KIND_COUNT] = {
        "alloc", "adopt", "realloc_in_place", "realloc_moved", "free",
    };
    return names[kind];
}

static enum ht_status add_span(struct ht_plan *plan, struct ht_error *error)
{
    struct ht_plan_totals *totals = &plan->totals;
    if (plan->is_in_parts) {
        return ht_fail(error, HT_LIMIT, "replay plan: a part is one span");
    }
    uint64_t used = totals->memory_bytes + totals->block_limit * (uint64_t)sizeof(struct ht_slot);
    uint64_t bytes = used > plan->memory_limit
                         ? 0
                         : ht_span_bytes(totals->memory_bytes, plan->memory_limit - used);
    if (bytes == 0) {
        return ht_fail(error, HT_LIMIT,
                       "replay plan: %llu bytes of memory are the limit, and not enough after %llu "
                       "operations on %lu blocks",
                       (unsigned long long)plan->memory_limit,
                       (unsigned long long)totals->operations, (unsigned long)totals->block_limit);
    }
    struct ht_plan_span *span = ht_os_map(bytes);
    if (span == NULL) {
        return ht_fail_memory(error, "the replay plan");
    }
    span->room = (bytes - sizeof *span) / sizeof *span->ops;
    if (plan->first == NULL) {
        plan->first = span;
    } else {
        plan->last->next = span;
    }
    plan->last = span;
    totals->memory_bytes += bytes;
    return HT_OK;
}

enum ht_status ht_plan_open(struct ht_plan **plan, uint64_t memory_limit, struct ht_error *error)
{
    *plan = ht_os_map(sizeof **plan);
    if (*plan == NULL) {
        return ht_fail_memory(error, "the replay plan");
    }
    (*plan)->memory_limit = memory_limit;
    (*plan)->totals = ht_plan_totals_begin();
    (*plan)->totals.memory_bytes = sizeof **plan;
    enum ht_status status = add_span(*plan, error);
    if (status != HT_OK) {
        ht_plan_close(*plan);
        *plan = NULL;
    }
    return status;
}

static void unmap_spans(struct ht_plan_span *span)
{
    while (span != NULL) {
        struct ht_plan_span *next = span->next;
        ht_os_unmap(span, sizeof *span + span->room * sizeof *span->ops);
        span = next;
    }
}

void ht_plan_close(struct ht_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    unmap_spans(plan->first);
    unmap_spans(plan->idle);
    ht_os_unmap(plan, sizeof *plan);
}

static enum ht_op_kind kind_of(const struct ht_change *change)
{
    switch (change->kind) {
    case HT_CHANGE_BEGIN:
        return change->cause == HT_CAUSE_ADOPTED ? HT_OP_ADOPT : HT_OP_ALLOC;
    case HT_CHANGE_RESIZE:
        return change->address == change->old_address ? HT_OP_REALLOC_IN_PLACE
                                                      : HT_OP_REALLOC_MOVED;
    default:
        return HT_OP_FREE;
    }
}

static uint16_t heap_of(const struct ht_change *change)
{
    return (uint16_t)(change->heap < HT_PLAN_HEAPS_MAX ? change->heap : HT_PLAN_HEAPS_MAX - 1);
}

struct ht_plan_totals ht_plan_totals_begin(void)
{
    return (struct ht_plan_totals){.digest = HT_DIGEST_START};
}

static inline void count(struct ht_plan_totals *totals, const struct ht_change *change,
                         enum ht_op_kind kind)
{
    switch (kind) {
    case HT_OP_FREE:
        totals->final_bytes -= change->size;
        totals->final_blocks--;
        totals->destroyed += change->cause == HT_CAUSE_DESTROYED;
        totals->replaced += change->cause == HT_CAUSE_REPLACED;
        break;
    case HT_OP_REALLOC_MOVED:
        totals->bytes_copied += change->size < change->old_size ? change->size : change->old_size;
        totals->final_bytes += change->size - change->old_size;
        break;
    case HT_OP_REALLOC_IN_PLACE:
        totals->final_bytes += change->size - change->old_size;
        break;
    default:
        totals->final_bytes += change->size;
        totals->final_blocks++;
        break;
    }
    if (totals->final_bytes > totals->peak_bytes) {
        totals->peak_bytes = totals->final_bytes;
    }
    if (change->block >= totals->block_limit) {
        totals->block_limit = change->block + 1;
    }
    uint16_t heap = heap_of(change);
    if (heap >= totals->heap_limit) {
        totals->heap_limit = heap + 1u;
    }
    totals->by_kind[kind]++;
    totals->operations++;
    totals->digest = ht_digest_step(ht_digest_step(totals->digest, change->size),
                                    (uint64_t)heap << 48 | (uint64_t)kind << 32 | change->block);
}

void ht_plan_begin_part(struct ht_plan *plan)
{
    if (!plan->is_in_parts) {
        // They stay mapped: giving them back would be seen in what the process holds.
        plan->idle = plan->first->next;
        plan->first->next = NULL;
    }
    plan->is_in_parts = true;
    plan->last = plan->first;
    plan->first->count = 0;
}

static inline struct ht_op op_of(const struct ht_change *change, struct ht_plan_totals *totals)
{
    enum ht_op_kind kind = kind_of(change);
    count(totals, change, kind);
    return (struct ht_op){
        // No heap gives PTRDIFF_MAX bytes: what is over fails as surely, and fits every host's
        // size_t.
        .size = change->size < PTRDIFF_MAX ? change->size : PTRDIFF_MAX,
        .block = change->block,
        .kind = (uint16_t)kind,
        .heap = heap_of(change),
    };
}

struct ht_op ht_op_of(const struct ht_change *change, struct ht_plan_totals *totals)
{
    return op_of(change, totals);
}

// Makes room for one more. The last span has some left mostly.
static inline enum ht_status make_room(struct ht_plan *plan, struct ht_error *error)
{
    return plan->last->count < plan->last->room ? HT_OK : add_span(plan, error);
}

enum ht_status ht_plan_add(struct ht_plan *plan, const struct ht_change *change,
                           struct ht_error *error)
{
    enum ht_status status = make_room(plan, error);
    if (status == HT_OK) {
        plan->last->ops[plan->last->count++] = op_of(change, &plan->totals);
    }
    return status;
}

enum ht_status ht_plan_add_ops(struct ht_plan *plan, const struct ht_op *ops, size_t count,
                               size_t *added, struct ht_error *error)
{
    for (*added = 0; *added < count;) {
        enum ht_status status = make_room(plan, error);
        if (status != HT_OK) {
            return status;
        }
        struct ht_plan_span *span = plan->last;
        size_t room = span->room - span->count;
        size_t part = room < count - *added ? room : count - *added;
        memcpy(span->ops + span->count, ops + *added, part * sizeof *ops);
        span->count += part;
        plan->totals.operations += part;
        *added += part;
    }
    return HT_OK;
}

void ht_plan_take_totals(struct ht_plan *plan, const struct ht_plan_totals *totals)
{
    uint64_t operations = plan->totals.operations;
    uint64_t memory_bytes = plan->totals.memory_bytes;
    plan->totals = *totals;
    plan->totals.operations = operations;
    plan->totals.memory_bytes = memory_bytes;
}

const struct ht_plan_span *ht_plan_first(const struct ht_plan *plan)
{
    return plan->first;
}

const struct ht_plan_totals *ht_plan_totals(const struct ht_plan *plan)
{
    return &plan->totals;
}
