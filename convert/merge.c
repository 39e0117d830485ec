// SPDX-License-Identifier: MIT
//
// Merge: the part whose next event is the earliest gives it. See the header.
#include "convert/merge.h"

#include "convert/carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_EVENTS = 64 };

struct part {
    struct ht_reader *reader; // borrowed
    struct ht_carry carry;
    struct ht_events run; // read and not yet given
    struct ht_event room[PART_EVENTS];
    bool is_over;
};

struct merge {
    struct ht_reader reader;
    struct ht_redact redact;
    struct ht_rebase rebase;
    struct ht_pids pids;
    size_t count;
    struct part parts[];
};

// Makes the next event of a part known, or its end.
static enum ht_status fill(struct part *part, struct ht_error *error)
{
    if (part->is_over || part->run.count > 0)
        return HT_OK;
    part->run = (struct ht_events){part->room, PART_EVENTS};
    enum ht_status status = part->reader->read(part->reader, &part->run, error);
    if (status == HT_OK || status == HT_END)
        part->is_over = status == HT_END;
    else
        return status;
    if (part->is_over)
        part->run.count = 0;
    status = ht_carry_names(&part->carry, error);
    return status == HT_OK && part->is_over ? ht_carry_losses(&part->carry, error) : status;
}

static int64_t next_time(const struct part *part)
{
    return (int64_t)((uint64_t)part->run.at->time_ns + (uint64_t)part->carry.shift_ns);
}

// The part that is next, the first of those of equal time; NULL when all are over.
static struct part *earliest(struct merge *merge)
{
    struct part *found = NULL;
    for (size_t i = 0; i < merge->count; i++) {
        struct part *part = &merge->parts[i];
        if (!part->is_over && (found == NULL || next_time(part) < next_time(found)))
            found = part;
    }
    return found;
}

static enum ht_status merge_read(struct ht_reader *self, struct ht_events *events,
                                 struct ht_error *error)
{
    struct merge *merge = (struct merge *)self;
    size_t count = 0;
    for (; count < events->count; count++) {
        enum ht_status status = HT_OK;
        for (size_t i = 0; i < merge->count && status == HT_OK; i++)
            status = fill(&merge->parts[i], error);
        struct part *part = status == HT_OK ? earliest(merge) : NULL;
        if (status == HT_OK && part == NULL)
            break;
        if (part != NULL) {
            events->at[count] = *part->run.at++;
            part->run.count--;
            status = ht_carry_event(&part->carry, &events->at[count], error);
        }
        if (status != HT_OK)
            return status;
    }
    events->count = count;
    return count > 0 ? HT_OK : HT_END;
}

static void merge_close(struct ht_reader *self)
{
    struct merge *merge = (struct merge *)self;
    for (size_t i = 0; i < merge->count; i++)
        ht_carry_reset(&merge->parts[i].carry);
    ht_redact_reset(&merge->redact);
    ht_rebase_reset(&merge->rebase);
    ht_pids_reset(&merge->pids);
    free(merge);
}

static void keep_if_equal(uint32_t *number, uint32_t other)
{
    if (*number != other)
        *number = 0;
}

static void add_origin(struct ht_origin *origin, const struct ht_origin *other)
{
    if (strcmp(origin->format, other->format) != 0)
        origin->format = "";
    keep_if_equal(&origin->os_major, other->os_major);
    keep_if_equal(&origin->os_minor, other->os_minor);
    keep_if_equal(&origin->os_build, other->os_build);
    keep_if_equal(&origin->pointer_size, other->pointer_size);
    keep_if_equal(&origin->clock, other->clock);
    if (origin->cpu_count < other->cpu_count)
        origin->cpu_count = other->cpu_count;
    if (origin->clock_hz != other->clock_hz)
        origin->clock_hz = 0;
    bool is_known =
        origin->start_unix_ns != HT_TIME_UNKNOWN && other->start_unix_ns != HT_TIME_UNKNOWN;
    if (!is_known)
        origin->start_unix_ns = HT_TIME_UNKNOWN;
    else if (other->start_unix_ns < origin->start_unix_ns)
        origin->start_unix_ns = other->start_unix_ns;
    origin->is_folded = origin->is_folded && other->is_folded;
    origin->is_redacted = origin->is_redacted && other->is_redacted;
    origin->is_rebased = origin->is_rebased && other->is_rebased;
}

static bool is_format(const char *name)
{
    for (unsigned i = 0; ht_format_at(i) != NULL; i++)
        if (strcmp(ht_format_at(i)->name, name) == 0)
            return true;
    return false;
}

static void set_origin(struct ht_trace *trace, const struct ht_merge_part *parts, size_t count,
                       const struct ht_merge_options *options)
{
    struct ht_origin *origin = &trace->origin;
    *origin = parts[0].trace->origin;
    for (size_t i = 1; i < count; i++)
        add_origin(origin, &parts[i].trace->origin);
    if (options->is_redacted) {
        origin->start_unix_ns = HT_TIME_UNKNOWN;
        if (!is_format(origin->format))
            origin->format = "";
    }
    origin->is_redacted = origin->is_redacted || options->is_redacted;
    origin->is_rebased = origin->is_rebased || options->is_rebased;
}

// The filters of the parts, each once. They may name what is redacted.
static void set_filters(struct ht_trace *trace, const struct ht_merge_part *parts, size_t count,
                        const struct ht_merge_options *options)
{
    bool is_hidden = options->is_redacted || options->is_rebased;
    for (size_t i = 0; i < count; i++) {
        const char *text = parts[i].trace->filters;
        size_t used = strlen(trace->filters);
        if (text[0] == '\0')
            continue;
        if (is_hidden)
            snprintf(trace->filters, sizeof trace->filters, "filters that are not told");
        else if (i == 0 || strcmp(text, parts[0].trace->filters) != 0)
            snprintf(trace->filters + used, sizeof trace->filters - used, "%s%s",
                     used > 0 ? "; " : "", text);
    }
}

static void set_shifts(struct merge *merge, const struct ht_merge_part *parts)
{
    int64_t first_ns = INT64_MAX;
    for (size_t i = 0; i < merge->count; i++) {
        int64_t start_ns = parts[i].trace->origin.start_unix_ns;
        if (start_ns < first_ns) // an unknown one is the least
            first_ns = start_ns;
    }
    for (size_t i = 0; i < merge->count && first_ns != HT_TIME_UNKNOWN; i++)
        merge->parts[i].carry.shift_ns =
            (int64_t)((uint64_t)parts[i].trace->origin.start_unix_ns - (uint64_t)first_ns);
}

enum ht_status ht_merge_open(const struct ht_merge_part *parts, size_t count,
                             const struct ht_merge_options *options, struct ht_trace *trace,
                             struct ht_reader **reader, struct ht_error *error)
{
    *reader = NULL;
    struct merge *merge = calloc(1, sizeof *merge + count * sizeof *merge->parts);
    if (merge == NULL)
        return ht_fail_memory(error, "the parts");
    merge->reader = (struct ht_reader){merge_read, merge_close};
    merge->count = count;
    for (size_t i = 0; i < count; i++) {
        merge->parts[i].reader = parts[i].reader;
        merge->parts[i].carry = (struct ht_carry){
            .from = parts[i].trace,
            .to = trace,
            .redact = options->is_redacted ? &merge->redact : NULL,
            .rebase = options->is_rebased ? &merge->rebase : NULL,
            .pids = count > 1 ? &merge->pids : NULL,
            .part = (uint32_t)i,
        };
    }
    set_shifts(merge, parts);
    enum ht_status status = ht_rebase_init(&merge->rebase, error);
    if (status == HT_OK)
        status = ht_pids_init(&merge->pids, error);
    if (status != HT_OK) {
        merge_close(&merge->reader);
        return status;
    }
    set_origin(trace, parts, count, options);
    set_filters(trace, parts, count, options);
    *reader = &merge->reader;
    return HT_OK;
}
