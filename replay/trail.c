// SPDX-License-Identifier: MIT
//
// Builds the trail of a plan, in memory straight from the system, in spans as the plan's.
#include "replay/trail.h"

#include "replay/os.h"
#include "replay/span.h"

#include <stdbool.h>
#include <string.h>

struct ht_trail {
    struct ht_trail_span *first;
    struct ht_trail_span *last; // the one that is filled
    uint64_t memory_limit;
    uint64_t memory_bytes;
};

static enum ht_status add_span(struct ht_trail *trail, struct ht_error *error)
{
    uint64_t bytes =
        trail->memory_bytes > trail->memory_limit
            ? 0
            : ht_span_bytes(trail->memory_bytes, trail->memory_limit - trail->memory_bytes);
    if (bytes == 0) {
        return ht_fail(error, HT_LIMIT, "recorded addresses: %llu bytes of memory are the limit",
                       (unsigned long long)trail->memory_limit);
    }
    struct ht_trail_span *span = ht_os_map(bytes);
    if (span == NULL) {
        return ht_fail_memory(error, "the recorded addresses");
    }
    span->room = (bytes - sizeof *span) / sizeof *span->marks;
    if (trail->first == NULL) {
        trail->first = span;
    } else {
        trail->last->next = span;
    }
    trail->last = span;
    trail->memory_bytes += bytes;
    return HT_OK;
}

enum ht_status ht_trail_open(struct ht_trail **trail, uint64_t memory_limit, struct ht_error *error)
{
    *trail = ht_os_map(sizeof **trail);
    if (*trail == NULL) {
        return ht_fail_memory(error, "the recorded addresses");
    }
    (*trail)->memory_limit = memory_limit;
    (*trail)->memory_bytes = sizeof **trail;
    enum ht_status status = add_span(*trail, error);
    if (status != HT_OK) {
        ht_trail_close(*trail);
        *trail = NULL;
    }
    return status;
}

void ht_trail_close(struct ht_trail *trail)
{
    if (trail == NULL) {
        return;
    }
    for (struct ht_trail_span *span = trail->first; span != NULL;) {
        struct ht_trail_span *next = span->next;
        ht_os_unmap(span, sizeof *span + span->room * sizeof *span->marks);
        span = next;
    }
    ht_os_unmap(trail, sizeof *trail);
}

enum ht_status ht_trail_add_marks(struct ht_trail *trail, const struct ht_trail_mark *marks,
                                  size_t count, struct ht_error *error)
{
    for (size_t added = 0; added < count;) {
        bool is_full = trail->last->count == trail->last->room;
        enum ht_status status = is_full ? add_span(trail, error) : HT_OK;
        if (status != HT_OK) {
            return status;
        }
        struct ht_trail_span *span = trail->last;
        size_t room = span->room - span->count;
        size_t part = room < count - added ? room : count - added;
        memcpy(span->marks + span->count, marks + added, part * sizeof *marks);
        span->count += part;
        added += part;
    }
    return HT_OK;
}

enum ht_status ht_trail_add(struct ht_trail *trail, const struct ht_trail_mark *mark,
                            struct ht_error *error)
{
    return ht_trail_add_marks(trail, mark, 1, error);
}

const struct ht_trail_span *ht_trail_first(const struct ht_trail *trail)
{
    return trail->first;
}

uint64_t ht_trail_memory_bytes(const struct ht_trail *trail)
{
    return trail->memory_bytes;
}
