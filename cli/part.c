// SPDX-License-Identifier: MIT
//
// One pass over a part of a trace. The events are numbered as for a replay and go straight into the
// metrics, without a plan, so that a pass takes memory for the blocks only. See the header.
#include "cli/part.h"

#include "cli/progress.h"
#include "cli/system.h"
#include "convert/number.h"
#include "convert/slots.h"

#include <stdlib.h>
#include <string.h>

// What a pass needs.
struct pass {
    struct ht_part *part;
    struct ht_slots slots[HT_PART_SORTS]; // of part->values
    struct ht_stream stream;
    struct ht_number *number;
    struct ht_metrics *metrics; // NULL when none are taken
    uint32_t block_limit;
};

static enum ht_status count_value(struct ht_part_values *values, struct ht_slots *slots,
                                  uint64_t value, struct ht_error *error)
{
    uint32_t tag = (uint32_t)(ht_mix(value) >> 32);
    enum ht_status status = ht_slots_reserve(slots, error);
    if (status != HT_OK)
        return status;
    uint32_t slot = ht_slots_first(slots, tag);
    while (!ht_slots_is_empty(slots, slot) &&
           values->at[ht_slots_index(slots, slot)].value != value)
        slot = ht_slots_next(slots, tag, slot);
    if (!ht_slots_is_empty(slots, slot)) {
        values->at[ht_slots_index(slots, slot)].events++;
    } else if (values->count < HT_PART_VALUES_MAX) {
        ht_slots_put(slots, slot, tag, (uint32_t)values->count);
        values->at[values->count++] = (struct ht_part_value){value, 1};
    }
    return HT_OK;
}

static enum ht_status count_event(struct pass *pass, const struct ht_event *event,
                                  struct ht_error *error)
{
    struct ht_part *part = pass->part;
    uint64_t values[HT_PART_SORTS] = {
        [HT_PART_PIDS] = event->pid, [HT_PART_HEAPS] = event->heap, [HT_PART_TIDS] = event->tid};
    enum ht_status status = HT_OK;
    for (int i = 0; i < HT_PART_SORTS && status == HT_OK; i++)
        status = count_value(&part->values[i], &pass->slots[i], values[i], error);
    if (part->events == 0 || event->time_ns < part->first_ns)
        part->first_ns = event->time_ns;
    if (part->events == 0 || event->time_ns > part->last_ns)
        part->last_ns = event->time_ns;
    part->events++;
    return status;
}

static enum ht_status take_event(struct pass *pass, const struct ht_event *event,
                                 struct ht_error *error)
{
    const struct ht_change *change;
    enum ht_status status = count_event(pass, event, error);
    if (status == HT_OK)
        status = ht_number_push(pass->number, event, error);
    while (status == HT_OK && (change = ht_number_next(pass->number)) != NULL) {
        struct ht_place place = {.address = change->address,
                                 .size = change->size,
                                 .space = event->pid,
                                 .thread = event->tid,
                                 .stack = ht_event_stack(event)};
        if (pass->metrics == NULL)
            continue;
        if (change->block >= pass->block_limit)
            return ht_fail(error, HT_LIMIT, "block %u: expected less than %u", change->block,
                           pass->block_limit);
        ht_metrics_step(pass->metrics, event->time_ns, change->block,
                        change->kind == HT_CHANGE_END ? NULL : &place);
    }
    return status;
}

static enum ht_status take_events(struct pass *pass, struct ht_error *error)
{
    struct ht_progress_line line;
    struct ht_events run;
    enum ht_status status = HT_OK;
    ht_progress_line_begin(&line);
    while (status == HT_OK && !ht_system_is_interrupted() &&
           (status = ht_stream_read(&pass->stream, &run, error)) == HT_OK) {
        for (size_t i = 0; i < run.count && status == HT_OK; i++) {
            status = take_event(pass, &run.at[i], error);
            ht_progress_line_tell(&line, &pass->stream, pass->part->events);
        }
    }
    ht_progress_line_end(&line);
    if (ht_system_is_interrupted())
        return HT_END;
    return status == HT_END ? HT_OK : status;
}

static enum ht_status pass_open(struct pass *pass, const struct ht_paths *paths,
                                struct ht_error *error)
{
    struct ht_metrics_options options = {.block_limit = pass->block_limit, .look_at = UINT64_MAX};
    for (int i = 0; i < HT_GAP_SIZES; i++)
        options.gap_sizes[i] = 1;
    enum ht_status status = ht_stream_open_all(&pass->stream, paths, false, error);
    if (status == HT_OK)
        status = ht_number_open(&pass->number, &pass->stream.trace, error);
    for (int i = 0; i < HT_PART_SORTS && status == HT_OK; i++)
        status = ht_slots_init(&pass->slots[i], error);
    if (status == HT_OK && pass->block_limit > 0)
        status = ht_metrics_open(&pass->metrics, &options, error);
    return status;
}

static void pass_close(struct pass *pass)
{
    ht_metrics_close(pass->metrics);
    for (int i = 0; i < HT_PART_SORTS; i++)
        ht_slots_reset(&pass->slots[i]);
    ht_number_close(pass->number);
    ht_stream_close(&pass->stream);
}

static int by_events(const void *left, const void *right)
{
    const struct ht_part_value *a = left;
    const struct ht_part_value *b = right;
    if (a->events != b->events)
        return a->events > b->events ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

enum ht_status ht_part_read(struct ht_part *part, const struct ht_paths *paths,
                            uint32_t block_limit, struct ht_error *error)
{
    struct pass pass = {.part = part, .block_limit = block_limit};
    memset(part, 0, sizeof *part);
    enum ht_status status = pass_open(&pass, paths, error);
    if (status == HT_OK)
        status = take_events(&pass, error);
    if (status == HT_OK && pass.metrics != NULL) {
        status = ht_metrics_finish(pass.metrics, error);
        part->report = *ht_metrics_report(pass.metrics);
    }
    if (status == HT_OK)
        part->block_limit = ht_number_block_limit(pass.number);
    for (int i = 0; i < HT_PART_SORTS; i++)
        qsort(part->values[i].at, part->values[i].count, sizeof *part->values[i].at, by_events);
    pass_close(&pass);
    return status;
}
