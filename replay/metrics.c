// SPDX-License-Identifier: MIT
//
// Keeps the metrics of a run of operations. What changes by one block at a time is kept up with
// (L, U, C, the sparse pages); the gaps and the table of sizes are found by a look at all blocks.
#include "replay/metrics.h"

#include "replay/os.h"
#include "replay/pages.h"

#include <stddef.h>

enum block_state {
    BLOCK_NONE,
    BLOCK_LIVE,
    BLOCK_OVERSIZED, // live, but in no figure
};

struct block {
    struct ht_place place;
    uint64_t made_at; // operation
    int64_t made_ns;
    enum block_state state;
    bool is_pinner; // of a look that was asked for
};

// A look lists the blocks as the one, and then as the other.
enum {
    LISTED_BYTES = sizeof(struct ht_extent) > sizeof(struct ht_pinning) ? sizeof(struct ht_extent)
                                                                        : sizeof(struct ht_pinning),
};

struct ht_metrics {
    struct ht_metrics_options options;
    struct ht_metrics_report report;
    struct ht_pages pages;
    struct ht_moment now;
    double ratio_sum; // of C / L after the operations that left L > 0
    uint64_t ratio_count;
    double ratio_time_sum; // of C / L * ns
    double time_sum;       // ns
    uint64_t memory_bytes;
    uint32_t marks_seen; // of those of the options
    uint64_t gaps_step;  // operations from one look for gaps to the next
    enum ht_status status;
    struct ht_error error;
    void *listed; // LISTED_BYTES for each block
    struct block blocks[];
};

int ht_metrics_decade(uint64_t size)
{
    int decade = 0;
    while (size >= 10 && decade < HT_METRICS_DECADES - 1) {
        size /= 10;
        decade++;
    }
    return decade;
}

uint64_t ht_metrics_decade_from(int decade)
{
    uint64_t from = decade > 0;
    for (; decade > 0; decade--) {
        from *= 10;
    }
    return from;
}

uint32_t ht_metrics_factor_percent(int factor)
{
    static const uint32_t percents[HT_METRICS_FACTORS] = {110, 125, 150, 175, 200, 300, 400, 0};
    return percents[factor];
}

int ht_metrics_factor(uint64_t old_size, uint64_t size)
{
    int factor = 0;
    while (factor < HT_METRICS_FACTORS - 1 &&
           size * 100 > old_size * ht_metrics_factor_percent(factor)) {
        factor++;
    }
    return factor;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static struct ht_metrics_held held_now(const struct ht_metrics *metrics)
{
    const struct ht_metrics_system *system = &metrics->options.system;
    return system->held == NULL ? (struct ht_metrics_held){0}
                                : system->held(system->context, metrics->now.operation);
}

enum ht_status ht_metrics_open(struct ht_metrics **metrics,
                               const struct ht_metrics_options *options, struct ht_error *error)
{
    uint64_t blocks_bytes = options->block_limit * (uint64_t)sizeof(struct block);
    uint64_t listed_bytes = options->block_limit * (uint64_t)LISTED_BYTES;
    uint64_t memory_bytes = sizeof **metrics + blocks_bytes + listed_bytes;
    *metrics = ht_os_map(memory_bytes);
    if (*metrics == NULL) {
        return ht_fail_memory(error, "the metrics");
    }
    (*metrics)->options = *options;
    (*metrics)->memory_bytes = memory_bytes;
    (*metrics)->listed = (*metrics)->blocks + options->block_limit;
    struct ht_metrics_report *report = &(*metrics)->report;
    report->has_usable = options->has_usable;
    report->resident_source = options->system.resident_source;
    report->mapped_source = options->system.mapped_source;
    report->mark_count = options->mark_count;
    (*metrics)->gaps_step = options->operations / (HT_METRICS_GAPS - 1) + 1;
    report->samples = options->samples;
    report->sample_step = options->sample_step;
    if (report->sample_step == 0) {
        uint32_t room = options->sample_room > 0 ? options->sample_room : 1;
        report->sample_step = options->operations / room + 1;
    }
    enum ht_status status = ht_pages_reserve(&(*metrics)->pages, options->page_room, error);
    if (status != HT_OK) {
        ht_metrics_close(*metrics);
        *metrics = NULL;
    }
    return status;
}

void ht_metrics_close(struct ht_metrics *metrics)
{
    if (metrics != NULL) {
        ht_pages_reset(&metrics->pages);
        ht_os_unmap(metrics, metrics->memory_bytes);
    }
}

static void add_size(struct ht_metrics_sizes decades[HT_METRICS_DECADES],
                     const struct ht_place *place)
{
    struct ht_metrics_sizes *sizes = &decades[ht_metrics_decade(place->size)];
    sizes->blocks++;
    sizes->requested_bytes += place->size;
    sizes->usable_bytes += place->usable;
}

static void begin(struct ht_metrics *metrics, struct block *block, const struct ht_place *place)
{
    block->place = *place;
    if (place->size > HT_METRICS_SIZE_MAX) {
        block->state = BLOCK_OVERSIZED;
        metrics->report.oversized++;
        return;
    }
    block->state = BLOCK_LIVE;
    metrics->status =
        ht_pages_add(&metrics->pages, place->space, place->address, place->size, &metrics->error);
    metrics->now.live_bytes += place->size;
    metrics->now.usable_bytes += place->usable;
    metrics->now.live_blocks++;
    add_size(metrics->report.made, place);
}

static void end(struct ht_metrics *metrics, struct block *block)
{
    const struct ht_place *place = &block->place;
    if (block->state == BLOCK_LIVE) {
        ht_pages_remove(&metrics->pages, place->space, place->address, place->size);
        metrics->now.live_bytes -= place->size;
        metrics->now.usable_bytes -= place->usable;
        metrics->now.live_blocks--;
    }
    block->state = BLOCK_NONE;
}

static void add_grown(struct ht_metrics_grown *grown, bool is_moved)
{
    grown->count++;
    grown->in_place += !is_moved;
}

static void count_realloc(struct ht_metrics *metrics, const struct ht_place *old,
                          const struct ht_place *place)
{
    struct ht_metrics_report *report = &metrics->report;
    enum ht_direction direction = place->size > old->size   ? HT_DIRECTION_GROW
                                  : place->size < old->size ? HT_DIRECTION_SHRINK
                                                            : HT_DIRECTION_SAME;
    bool is_moved = place->address != old->address;
    struct ht_metrics_reallocs *reallocs = &report->reallocs[direction];
    reallocs->count++;
    reallocs->requested_bytes += place->size;
    metrics->now.reallocs++;
    metrics->now.moved += is_moved;
    if (direction == HT_DIRECTION_GROW) {
        add_grown(&report->grown[ht_metrics_decade(old->size)], is_moved);
        add_grown(&report->factors[ht_metrics_factor(old->size, place->size)], is_moved);
    }
    if (!is_moved) {
        return;
    }
    reallocs->moved++;
    reallocs->bytes_copied += place->size < old->size ? place->size : old->size;
    if (old->size + place->size > report->doubling_bytes) {
        report->doubling_bytes = old->size + place->size;
        report->doubling_operation = report->operations;
    }
}

static void look_for_gaps(struct ht_metrics *metrics, struct ht_gaps *gaps)
{
    struct ht_extent *extents = metrics->listed;
    size_t count = 0;
    for (uint32_t i = 0; i < metrics->options.block_limit; i++) {
        const struct ht_place *place = &metrics->blocks[i].place;
        if (metrics->blocks[i].state == BLOCK_LIVE && place->size > 0) {
            extents[count++] = (struct ht_extent){place->address, place->size, place->space};
        }
    }
    ht_gaps_find(extents, count, metrics->options.gap_sizes, gaps);
}

static struct ht_pinning pinning_of(const struct ht_metrics *metrics, const struct block *block)
{
    const struct ht_place *place = &block->place;
    if (block->state != BLOCK_LIVE) {
        return (struct ht_pinning){0};
    }
    return (struct ht_pinning){
        .blocks = 1,
        .requested_bytes = place->size,
        .pinned_bytes =
            ht_pages_pinned_by(&metrics->pages, place->space, place->address, place->size),
    };
}

static void add_pinning(struct ht_pinning *to, const struct ht_pinning *pinning)
{
    to->blocks += pinning->blocks;
    to->requested_bytes += pinning->requested_bytes;
    to->pinned_bytes += pinning->pinned_bytes;
}

static void look_by_decade(const struct ht_metrics *metrics, struct ht_look *look)
{
    struct ht_look_pinning *to = &look->pinning;
    for (int i = 0; i < HT_METRICS_DECADES; i++) {
        to->by_size[i].id = to->by_age[i].id = ht_metrics_decade_from(i);
    }
    for (uint32_t i = 0; i < metrics->options.block_limit; i++) {
        const struct block *block = &metrics->blocks[i];
        struct ht_pinning pinning = pinning_of(metrics, block);
        if (block->state == BLOCK_LIVE) {
            add_size(look->live, &block->place);
        }
        if (pinning.pinned_bytes > 0) {
            uint64_t age = metrics->now.operation - block->made_at;
            add_pinning(&to->by_size[ht_metrics_decade(block->place.size)], &pinning);
            add_pinning(&to->by_age[ht_metrics_decade(age)], &pinning);
        }
    }
}

// The threads that pin most, or the stacks.
static uint32_t look_for_most(struct ht_metrics *metrics, bool by_stack,
                              struct ht_pinning top[HT_METRICS_PINNING])
{
    struct ht_pinning *single = metrics->listed;
    size_t count = 0;
    for (uint32_t i = 0; i < metrics->options.block_limit; i++) {
        const struct block *block = &metrics->blocks[i];
        struct ht_pinning pinning = pinning_of(metrics, block);
        if (pinning.pinned_bytes > 0) {
            pinning.id = by_stack ? block->place.stack : block->place.thread;
            single[count++] = pinning;
        }
    }
    return (uint32_t)ht_pinning_find(single, count, top, HT_METRICS_PINNING);
}

static void look_for_pinners(struct ht_metrics *metrics, struct ht_look *look)
{
    for (uint32_t i = 0; i < metrics->options.block_limit; i++) {
        const struct block *block = &metrics->blocks[i];
        ht_pinner_put(look->pinners, HT_METRICS_PINNING,
                      (struct ht_pinner){
                          .pinned_bytes = pinning_of(metrics, block).pinned_bytes,
                          .size = block->place.size,
                          .block = i,
                          .thread = block->place.thread,
                          .stack = block->place.stack,
                          .made_ns = block->made_ns,
                      });
    }
    for (int i = 0; i < HT_METRICS_PINNING && look->pinners[i].pinned_bytes > 0; i++) {
        metrics->blocks[look->pinners[i].block].is_pinner = true;
    }
}

static void end_pinner_of(struct ht_look *look, uint32_t index, int64_t time_ns)
{
    for (int i = 0; i < HT_METRICS_PINNING; i++) {
        struct ht_pinner *pinner = &look->pinners[i];
        if (pinner->pinned_bytes > 0 && pinner->block == index && !pinner->is_ended) {
            pinner->is_ended = true;
            pinner->ended_ns = time_ns;
        }
    }
}

// The end of a block that pinned when the blocks were looked at.
static void end_pinner(struct ht_metrics *metrics, uint32_t index)
{
    struct ht_metrics_report *report = &metrics->report;
    metrics->blocks[index].is_pinner = false;
    end_pinner_of(&report->look, index, metrics->now.time_ns);
    for (uint32_t i = 0; i < metrics->marks_seen; i++) {
        end_pinner_of(&report->marks[i].look, index, metrics->now.time_ns);
    }
}

static void take_look(struct ht_metrics *metrics, struct ht_look *look)
{
    *look = (struct ht_look){.is_taken = true,
                             .operation = metrics->now.operation,
                             .page_bytes = metrics->now.page_bytes,
                             .held = held_now(metrics)};
    look_for_gaps(metrics, &look->gaps);
    look_by_decade(metrics, look);
    look->pinning.threads = look_for_most(metrics, false, look->pinning.by_thread);
    look->pinning.stacks = look_for_most(metrics, true, look->pinning.by_stack);
    look_for_pinners(metrics, look);
}

// Adds what was before this operation to the average over time: as long as until now.
static void add_time(struct ht_metrics *metrics, int64_t time_ns)
{
    struct ht_moment *now = &metrics->now;
    bool is_first = metrics->report.operations == 0;
    if (!is_first && time_ns <= now->time_ns) {
        return; // a clock that goes back stands still
    }
    if (!is_first && now->live_bytes > 0) {
        double passed_ns = (double)((uint64_t)time_ns - (uint64_t)now->time_ns);
        metrics->ratio_time_sum += ratio(now->page_bytes, now->live_bytes) * passed_ns;
        metrics->time_sum += passed_ns;
    }
    now->time_ns = time_ns;
    if (is_first) {
        metrics->report.first_ns = time_ns;
    }
}

static void add_sample(struct ht_metrics *metrics)
{
    struct ht_metrics_report *report = &metrics->report;
    if (report->sample_count < metrics->options.sample_room) {
        struct ht_moment *sample = &metrics->options.samples[report->sample_count++];
        *sample = metrics->now;
        sample->held = held_now(metrics);
    }
}

static void add_gaps(struct ht_metrics *metrics)
{
    struct ht_metrics_report *report = &metrics->report;
    struct ht_metrics_gaps *gaps = &report->gaps[report->gaps_count++];
    gaps->operation = metrics->now.operation;
    gaps->time_ns = metrics->now.time_ns;
    look_for_gaps(metrics, &gaps->gaps);
}

// Of several marks at one operation each is taken.
static void take_marks(struct ht_metrics *metrics)
{
    const struct ht_metrics_options *options = &metrics->options;
    while (metrics->marks_seen < options->mark_count &&
           options->mark_at[metrics->marks_seen] == metrics->now.operation) {
        struct ht_metrics_mark *mark = &metrics->report.marks[metrics->marks_seen++];
        take_look(metrics, &mark->look);
        mark->moment = metrics->now;
        mark->moment.held = mark->look.held;
    }
}

// Takes the figures after an operation.
static void account(struct ht_metrics *metrics)
{
    struct ht_metrics_report *report = &metrics->report;
    struct ht_moment *now = &metrics->now;
    now->operation = report->operations++;
    now->page_bytes = metrics->pages.used * HT_PAGE_BYTES;
    now->sparse_bytes = metrics->pages.sparse * HT_PAGE_BYTES;
    if (now->live_bytes > 0) {
        metrics->ratio_sum += ratio(now->page_bytes, now->live_bytes);
        metrics->ratio_count++;
    }
    if (now->live_bytes > report->peak.live_bytes) {
        report->peak = *now;
    }
    if (now->page_bytes > report->page_peak.page_bytes) {
        report->page_peak = *now;
    }
    if (now->operation == metrics->options.look_at) {
        take_look(metrics, &report->look);
    }
    take_marks(metrics);
    if (report->operations % report->sample_step == 0) {
        add_sample(metrics);
    }
    if (metrics->options.wants_gaps && report->operations % metrics->gaps_step == 0 &&
        report->gaps_count < HT_METRICS_GAPS - 1) {
        add_gaps(metrics);
    }
}

void ht_metrics_step(struct ht_metrics *metrics, int64_t time_ns, uint32_t index,
                     const struct ht_place *place)
{
    struct block *block = &metrics->blocks[index];
    struct block old = *block;
    if (metrics->status != HT_OK) {
        return;
    }
    add_time(metrics, time_ns);
    end(metrics, block);
    if (place != NULL) {
        begin(metrics, block, place);
        if (old.state == BLOCK_NONE) {
            block->made_at = metrics->report.operations;
            block->made_ns = metrics->now.time_ns;
        }
        if (old.state == BLOCK_LIVE && block->state == BLOCK_LIVE) {
            count_realloc(metrics, &old.place, place);
        }
    }
    if (place == NULL && old.is_pinner) {
        end_pinner(metrics, index);
    }
    account(metrics);
}

void ht_metrics_pass(struct ht_metrics *metrics, int64_t time_ns)
{
    if (metrics->status == HT_OK) {
        add_time(metrics, time_ns);
        account(metrics);
    }
}

enum ht_status ht_metrics_finish(struct ht_metrics *metrics, struct ht_error *error)
{
    struct ht_metrics_report *report = &metrics->report;
    if (metrics->status != HT_OK) {
        return ht_fail(error, metrics->status, "%s", metrics->error.text);
    }
    report->end = metrics->now;
    if (report->operations % report->sample_step != 0) {
        add_sample(metrics);
    }
    if (metrics->options.wants_gaps &&
        (report->gaps_count == 0 ||
         report->gaps[report->gaps_count - 1].operation != report->end.operation)) {
        add_gaps(metrics);
    }
    take_look(metrics, &report->last);
    report->f1_operations =
        metrics->ratio_count == 0 ? 0 : metrics->ratio_sum / (double)metrics->ratio_count;
    report->f1_time = metrics->time_sum > 0 ? metrics->ratio_time_sum / metrics->time_sum : 0;
    report->f2 = ratio(report->peak.page_bytes, report->peak.live_bytes);
    report->f3 = ratio(report->page_peak.page_bytes, report->page_peak.live_bytes);
    report->f4 = ratio(report->page_peak.page_bytes, report->peak.live_bytes);
    report->retention = ratio(report->end.page_bytes, report->end.live_bytes);
    return HT_OK;
}

const struct ht_metrics_report *ht_metrics_report(const struct ht_metrics *metrics)
{
    return &metrics->report;
}

uint64_t ht_metrics_memory_bytes(const struct ht_metrics *metrics)
{
    return metrics->memory_bytes + metrics->pages.memory_bytes;
}

size_t ht_metrics_page_room(const struct ht_metrics *metrics)
{
    return metrics->pages.capacity / 2;
}
