// SPDX-License-Identifier: MIT
//
// Runs a plan on the null heap and on the heap asked for, and gathers the result.
#include "replay/replay.h"

#include "replay/heap_set.h"
#include "replay/os.h"

#include <assert.h>
#include <string.h>

// Both runs use one table of blocks: all zero and resident before, and so again after each.
struct table {
    struct ht_slot *slots; // NULL when the plan names no block
    uint32_t count;
    uint64_t size_bytes;
};

// A replay on its way.
struct run {
    const struct ht_plan *plan;
    const struct ht_replay_options *options;
    struct ht_replay_result *result;
    struct table table;
    struct ht_heap_set set;
    struct ht_causal *causal; // the workers, ready to play; NULL in the serial order
};

const char *ht_order_name(enum ht_order order)
{
    static const char *const names[HT_ORDER_COUNT] = {"serial", "causal", "timed"};
    return names[order];
}

static enum ht_status open_table(struct table *table, uint32_t count, struct ht_error *error)
{
    *table = (struct table){.count = count, .size_bytes = count * (uint64_t)sizeof *table->slots};
    if (count > 0 && (table->slots = ht_os_map(table->size_bytes)) == NULL) {
        return ht_fail_memory(error, "the replay's table of blocks");
    }
    return HT_OK;
}

// Makes room for a later part of the plan.
static enum ht_status grow_table(struct table *table, uint32_t count, struct ht_error *error)
{
    struct table grown;
    if (count <= table->count) {
        return HT_OK;
    }
    uint64_t twice = 2 * (uint64_t)table->count;
    count = twice > count && twice <= UINT32_MAX ? (uint32_t)twice : count;
    enum ht_status status = open_table(&grown, count, error);
    if (status != HT_OK) {
        return status;
    }
    assert(grown.slots != NULL); // for the count is not 0
    if (table->count > 0) {
        memcpy(grown.slots, table->slots, table->size_bytes);
    }
    ht_os_unmap(table->slots, table->size_bytes);
    *table = grown;
    return HT_OK;
}

static double per_op(uint64_t elapsed_ns, uint64_t operations)
{
    return operations == 0 ? 0 : (double)elapsed_ns / (double)operations;
}

static enum ht_status run_null_serial(struct run *run, struct ht_error *error)
{
    struct ht_heap_set set;
    const struct table *table = &run->table;
    enum ht_status status =
        ht_heap_set_open(&set, &ht_heap_null, run->result->plan.heap_limit, error);
    if (status != HT_OK) {
        return status;
    }
    struct ht_played played = {0};
    ht_engine_play(run->plan, set.heap, set.selves, HT_TOUCH_NONE, NULL, table->slots, &played);
    ht_engine_release(set.heap, set.selves[0], table->slots, table->count);
    ht_heap_set_close(&set);
    run->result->null_ns_per_op = per_op(played.elapsed_ns, played.operations);
    return HT_OK;
}

static enum ht_status run_null_causal(struct run *run, struct ht_error *error)
{
    struct ht_causal *causal;
    const struct table *table = &run->table;
    enum ht_status status = ht_causal_open(&causal, run->options->schedule, &ht_heap_null, NULL,
                                           HT_TOUCH_NONE, table->slots, NULL, error);
    if (status != HT_OK) {
        return status;
    }
    struct ht_played played;
    struct ht_causal_report report;
    ht_causal_play(causal, NULL, &played, &report);
    ht_engine_release(&ht_heap_null, NULL, table->slots, table->count);
    ht_causal_close(causal);
    run->result->null_ns_per_op = per_op(played.elapsed_ns, played.operations);
    return HT_OK;
}

static enum ht_status run_null(struct run *run, struct ht_error *error)
{
    if (!run->result->is_timed || run->result->order == HT_ORDER_TIMED) {
        return HT_OK;
    }
    return run->options->schedule == NULL ? run_null_serial(run, error)
                                          : run_null_causal(run, error);
}

static void play_part(struct run *run)
{
    const struct ht_replay_options *options = run->options;
    struct ht_replay_result *result = run->result;
    if (run->causal != NULL) {
        ht_causal_play(run->causal, options->pulse, &result->played, &result->causal);
    } else if (options->measure == NULL) {
        ht_engine_play(run->plan, run->set.heap, run->set.selves, result->touch, options->pulse,
                       run->table.slots, &result->played);
    } else {
        struct ht_watch watch = ht_measure_watch(options->measure);
        ht_engine_play_watched(run->plan, run->set.heap, run->set.selves, result->touch,
                               options->pulse, &watch, run->table.slots, &result->played);
    }
}

// Plays the plan, part after part where there are several.
static enum ht_status play(struct run *run, struct ht_error *error)
{
    const struct ht_refill *refill = run->options->refill;
    enum ht_status status = refill == NULL ? HT_OK : HT_LIMIT;
    if (run->options->measure != NULL) {
        ht_measure_start(run->options->measure);
    }
    play_part(run);
    while (status == HT_LIMIT && !run->result->played.is_stopped) {
        status = refill->fill(refill->context, error);
        if (status != HT_OK && status != HT_LIMIT) {
            break;
        }
        enum ht_status grown =
            grow_table(&run->table, ht_plan_totals(run->plan)->block_limit, error);
        if (grown != HT_OK) {
            return grown;
        }
        play_part(run);
    }
    if (run->options->measure != NULL) {
        ht_measure_end(run->options->measure);
    }
    if (run->options->latency != NULL) {
        ht_latency_stop(run->options->latency);
        run->result->latency = ht_latency_report(run->options->latency);
    }
    run->result->plan = *ht_plan_totals(run->plan);
    run->result->is_whole =
        status == HT_OK && run->result->played.operations == run->result->plan.operations;
    return status == HT_LIMIT || status == HT_END ? HT_OK : status;
}

// What of the harness may grow while it plays, and what is of its options.
static uint64_t own_bytes(const struct run *run)
{
    const struct ht_measure *measure = run->options->measure;
    const struct ht_latency *latency = run->options->latency;
    return run->table.size_bytes + (measure == NULL ? 0 : ht_measure_memory_bytes(measure)) +
           (latency == NULL ? 0 : ht_latency_memory_bytes(latency));
}

static void ask(const struct run *run, struct ht_account *account)
{
    if (run->set.heap->account != NULL) {
        run->set.heap->account(run->set.selves[0], account);
    }
}

static uint64_t release(const struct run *run)
{
    const struct ht_heap_set *set = &run->set;
    if (!set->is_apart) {
        return ht_engine_release(set->heap, set->selves[0], run->table.slots, run->table.count);
    }
    return ht_engine_release_apart(run->plan, run->result->played.operations, set->heap,
                                   set->selves, run->table.slots, run->table.count);
}

// Plays on the open heap, with the figures of memory around it.
static enum ht_status run_on_heap(struct run *run, struct ht_error *error)
{
    struct ht_replay_resident *resident = &run->result->resident;
    uint64_t own_before = own_bytes(run);
    ask(run, &run->result->account_before);
    bool has_peak = ht_os_resident_peak_reset();
    uint64_t peak_before = ht_os_resident_peak().bytes;
    struct ht_os_figure before = ht_os_resident();
    enum ht_status status = play(run, error);
    struct ht_os_figure after = ht_os_resident();
    struct ht_os_figure peak = ht_os_resident_peak();
    ask(run, &run->result->account_after);
    run->result->final_blocks = release(run);
    uint64_t own_growth = own_bytes(run) - own_before;
    run->result->harness_bytes += own_bytes(run);
    resident->source = after.source;
    resident->before_bytes = before.bytes;
    resident->after_bytes = after.bytes - own_growth;
    resident->released_bytes = ht_os_resident().bytes - own_growth;
    resident->growth_bytes = (int64_t)(resident->after_bytes - before.bytes);
    if (has_peak && own_growth == 0) {
        resident->peak_source = peak.source;
        resident->peak_growth_bytes = peak.bytes > peak_before ? peak.bytes - peak_before : 0;
    }
    return status;
}

static enum ht_status run_causal(struct run *run, struct ht_error *error)
{
    const struct ht_replay_options *options = run->options;
    const struct ht_causal_watch *watch =
        options->measure == NULL ? NULL : ht_measure_causal_watch(options->measure);
    enum ht_status status =
        ht_causal_open(&run->causal, options->schedule, run->set.heap, run->set.selves[0],
                       run->result->touch, run->table.slots, watch, error);
    if (status != HT_OK) {
        return status;
    }
    run->result->harness_bytes += ht_causal_memory_bytes(run->causal);
    status = run_on_heap(run, error);
    ht_causal_close(run->causal);
    return status;
}

static enum ht_status run_ordered(struct run *run, struct ht_error *error)
{
    return run->options->schedule == NULL ? run_on_heap(run, error) : run_causal(run, error);
}

static enum ht_status run_measured(struct run *run, struct ht_error *error)
{
    struct ht_measure *measure = run->options->measure;
    const struct ht_schedule *schedule = run->options->schedule;
    const struct ht_heap_set *set = &run->set;
    enum ht_status status =
        schedule == NULL
            ? ht_measure_begin(measure, set->heap, set->selves, error)
            : ht_measure_begin_causal(measure, set->heap, set->selves, schedule, error);
    if (status == HT_OK) {
        status = run_ordered(run, error);
    }
    return status == HT_OK ? ht_measure_finish(measure, &run->result->played, error) : status;
}

static enum ht_status open_set(struct run *run, struct ht_error *error)
{
    if (run->options->refill != NULL) {
        // Later parts may have heaps that the first has not.
        return ht_heap_set_open_merged(&run->set, run->result->heap, HT_PLAN_HEAPS_MAX, error);
    }
    if (run->options->schedule != NULL) {
        return ht_heap_set_open_merged(&run->set, run->result->heap, 1, error);
    }
    return ht_heap_set_open(&run->set, run->result->heap, run->result->plan.heap_limit, error);
}

static enum ht_status open_and_run(struct run *run, struct ht_error *error)
{
    struct ht_replay_result *result = run->result;
    enum ht_status status = open_set(run, error);
    if (status != HT_OK) {
        return status;
    }
    result->is_apart = run->set.is_apart;
    result->harness_bytes += ht_heap_set_memory_bytes(&run->set);
    run->set.heap->version(run->set.selves[0], result->heap_version, sizeof result->heap_version);
    status = result->is_timed ? run_ordered(run, error) : run_measured(run, error);
    ht_heap_set_close(&run->set);
    return status;
}

// What the options say of the result before anything is played.
static void declare(const struct ht_replay_options *options, struct ht_replay_result *result)
{
    result->is_timed = options->measure == NULL;
    result->is_in_parts = options->refill != NULL;
    result->harness_bytes = result->plan.memory_bytes;
    if (options->schedule != NULL) {
        result->schedule = *ht_schedule_totals(options->schedule);
        result->order = result->schedule.speed > 0 ? HT_ORDER_TIMED : HT_ORDER_CAUSAL;
        result->harness_bytes += result->schedule.memory_bytes;
    }
}

static void derive(struct ht_replay_result *result)
{
    const struct ht_played *played = &result->played;
    result->operations = played->operations - played->skipped;
    result->reallocs_in_place = played->agreement[0][0] + played->agreement[1][0];
    result->reallocs_moved = played->agreement[0][1] + played->agreement[1][1];
    result->ns_per_op = per_op(played->elapsed_ns, result->operations);
}

enum ht_status ht_replay_run(const struct ht_plan *plan, const struct ht_heap *heap,
                             const struct ht_replay_options *options,
                             struct ht_replay_result *result, struct ht_error *error)
{
    if (options->latency != NULL) {
        heap = ht_latency_heap(options->latency);
    }
    *result = (struct ht_replay_result){
        .heap = heap,
        .touch = heap->is_memory ? options->touch : HT_TOUCH_NONE,
        .plan = *ht_plan_totals(plan),
    };
    declare(options, result);
    struct run run = {.plan = plan, .options = options, .result = result};
    uint32_t blocks = options->schedule == NULL ? result->plan.block_limit : result->schedule.slots;
    enum ht_status status = open_table(&run.table, blocks, error);
    if (status != HT_OK) {
        return status;
    }
    status = run_null(&run, error);
    if (status == HT_OK) {
        status = open_and_run(&run, error);
    }
    if (status == HT_OK) {
        derive(result);
    }
    ht_os_unmap(run.table.slots, run.table.size_bytes);
    return status;
}
