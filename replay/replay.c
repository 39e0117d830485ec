// SPDX-License-Identifier: MIT
//
// Runs a plan on the null heap and on the heap asked for, and gathers the result.
#include "replay/replay.h"

#include "replay/heap_set.h"
#include "replay/os.h"

// Both runs use one table of blocks: all zero and resident before, and so again after each.
struct table {
    struct ht_slot *slots; // NULL when the plan names no block
    uint32_t count;
    uint64_t size_bytes;
};

static enum ht_status open_table(struct table *table, uint32_t count, struct ht_error *error)
{
    *table = (struct table){.count = count, .size_bytes = count * (uint64_t)sizeof *table->slots};
    if (count > 0 && (table->slots = ht_os_map(table->size_bytes)) == NULL) {
        return ht_fail_memory(error, "the replay's table of blocks");
    }
    return HT_OK;
}

static double per_op(uint64_t elapsed_ns, uint64_t operations)
{
    return operations == 0 ? 0 : (double)elapsed_ns / (double)operations;
}

const char *ht_order_name(enum ht_order order)
{
    static const char *const names[HT_ORDER_COUNT] = {"serial", "causal", "timed"};
    return names[order];
}

static enum ht_status run_null_causal(const struct ht_schedule *schedule, struct table *table,
                                      struct ht_replay_result *result, struct ht_error *error)
{
    struct ht_causal *causal;
    enum ht_status status =
        ht_causal_open(&causal, schedule, &ht_heap_null, NULL, HT_TOUCH_NONE, table->slots, error);
    if (status != HT_OK) {
        return status;
    }
    struct ht_played played;
    struct ht_causal_report report;
    ht_causal_play(causal, NULL, &played, &report);
    ht_engine_release(&ht_heap_null, NULL, table->slots, table->count);
    ht_causal_close(causal);
    result->null_ns_per_op = per_op(played.elapsed_ns, result->plan.operations);
    return HT_OK;
}

static enum ht_status run_null(const struct ht_plan *plan, struct table *table,
                               struct ht_replay_result *result, struct ht_error *error)
{
    struct ht_heap_set set;
    enum ht_status status = ht_heap_set_open(&set, &ht_heap_null, result->plan.heap_limit, error);
    if (status != HT_OK) {
        return status;
    }
    struct ht_played played;
    ht_engine_play(plan, set.heap, set.selves, HT_TOUCH_NONE, NULL, table->slots, &played);
    ht_engine_release(set.heap, set.selves[0], table->slots, table->count);
    ht_heap_set_close(&set);
    result->null_ns_per_op = per_op(played.elapsed_ns, result->plan.operations);
    return HT_OK;
}

// How a run plays: serial, or by the workers that are ready.
static void play(const struct ht_plan *plan, const struct ht_heap_set *set,
                 const struct ht_replay_options *options, struct ht_causal *causal,
                 struct table *table, struct ht_replay_result *result)
{
    if (causal != NULL) {
        ht_causal_play(causal, options->pulse, &result->played, &result->causal);
        return;
    }
    if (options->measure == NULL) {
        ht_engine_play(plan, set->heap, set->selves, result->touch, options->pulse, table->slots,
                       &result->played);
        return;
    }
    struct ht_watch watch = ht_measure_watch(options->measure);
    ht_engine_play_watched(plan, set->heap, set->selves, result->touch, options->pulse, &watch,
                           table->slots, &result->played);
}

static uint64_t measure_bytes(const struct ht_measure *measure)
{
    return measure == NULL ? 0 : ht_measure_memory_bytes(measure);
}

// Plays on the open heap, with the figures of memory around it.
static void run_on_heap(const struct ht_plan *plan, const struct ht_heap_set *set,
                        const struct ht_replay_options *options, struct ht_causal *causal,
                        struct table *table, struct ht_replay_result *result)
{
    struct ht_replay_resident *resident = &result->resident;
    uint64_t own_before = measure_bytes(options->measure);
    bool has_peak = ht_os_resident_peak_reset();
    uint64_t peak_before = ht_os_resident_peak().bytes;
    struct ht_os_figure before = ht_os_resident();
    play(plan, set, options, causal, table, result);
    struct ht_os_figure after = ht_os_resident();
    struct ht_os_figure peak = ht_os_resident_peak();
    result->final_blocks = ht_engine_release(set->heap, set->selves[0], table->slots, table->count);
    uint64_t own_growth = measure_bytes(options->measure) - own_before;
    resident->source = after.source;
    resident->before_bytes = before.bytes;
    resident->after_bytes = after.bytes - own_growth;
    resident->released_bytes = ht_os_resident().bytes - own_growth;
    resident->growth_bytes = (int64_t)(resident->after_bytes - before.bytes);
    if (has_peak && own_growth == 0) {
        resident->peak_source = peak.source;
        resident->peak_growth_bytes = peak.bytes > peak_before ? peak.bytes - peak_before : 0;
    }
}

static enum ht_status run_measured(const struct ht_plan *plan, const struct ht_heap_set *set,
                                   const struct ht_replay_options *options, struct table *table,
                                   struct ht_replay_result *result, struct ht_error *error)
{
    enum ht_status status = ht_measure_begin(options->measure, set->heap, set->selves, error);
    if (status != HT_OK) {
        return status;
    }
    run_on_heap(plan, set, options, NULL, table, result);
    result->harness_bytes += ht_measure_memory_bytes(options->measure);
    return ht_measure_finish(options->measure, &result->played, error);
}

static enum ht_status run_causal(const struct ht_plan *plan, const struct ht_heap_set *set,
                                 const struct ht_replay_options *options, struct table *table,
                                 struct ht_replay_result *result, struct ht_error *error)
{
    struct ht_causal *causal;
    enum ht_status status = ht_causal_open(&causal, options->schedule, set->heap, set->selves[0],
                                           result->touch, table->slots, error);
    if (status != HT_OK) {
        return status;
    }
    result->harness_bytes += ht_causal_memory_bytes(causal);
    run_on_heap(plan, set, options, causal, table, result);
    ht_causal_close(causal);
    return HT_OK;
}

static void derive(struct ht_replay_result *result)
{
    const struct ht_played *played = &result->played;
    result->is_whole = played->operations == result->plan.operations;
    result->operations = played->operations - played->skipped;
    result->reallocs_in_place = played->agreement[0][0] + played->agreement[1][0];
    result->reallocs_moved = played->agreement[0][1] + played->agreement[1][1];
    result->ns_per_op = per_op(played->elapsed_ns, result->operations);
}

// What the order says of the result before anything is played.
static void declare_order(const struct ht_replay_options *options, struct ht_replay_result *result)
{
    result->harness_bytes = result->plan.memory_bytes;
    if (options->schedule != NULL) {
        result->schedule = *ht_schedule_totals(options->schedule);
        result->order = result->schedule.speed > 0 ? HT_ORDER_TIMED : HT_ORDER_CAUSAL;
        result->harness_bytes += result->schedule.memory_bytes;
    }
}

static enum ht_status run_on_null(const struct ht_plan *plan,
                                  const struct ht_replay_options *options, struct table *table,
                                  struct ht_replay_result *result, struct ht_error *error)
{
    if (!result->is_timed || result->order == HT_ORDER_TIMED) {
        return HT_OK;
    }
    return result->order == HT_ORDER_SERIAL
               ? run_null(plan, table, result, error)
               : run_null_causal(options->schedule, table, result, error);
}

// Opens the heap and plays on it.
static enum ht_status open_and_run(const struct ht_plan *plan,
                                   const struct ht_replay_options *options, struct table *table,
                                   struct ht_replay_result *result, struct ht_error *error)
{
    struct ht_heap_set set;
    uint32_t heaps = result->order == HT_ORDER_SERIAL ? result->plan.heap_limit : 1;
    enum ht_status status = ht_heap_set_open(&set, result->heap, heaps, error);
    if (status != HT_OK) {
        return status;
    }
    result->is_apart = set.is_apart;
    result->harness_bytes += ht_heap_set_memory_bytes(&set);
    set.heap->version(set.selves[0], result->heap_version, sizeof result->heap_version);
    if (!result->is_timed) {
        status = run_measured(plan, &set, options, table, result, error);
    } else if (options->schedule != NULL) {
        status = run_causal(plan, &set, options, table, result, error);
    } else {
        run_on_heap(plan, &set, options, NULL, table, result);
    }
    ht_heap_set_close(&set);
    return status;
}

enum ht_status ht_replay_run(const struct ht_plan *plan, const struct ht_heap *heap,
                             const struct ht_replay_options *options,
                             struct ht_replay_result *result, struct ht_error *error)
{
    *result = (struct ht_replay_result){
        .heap = heap,
        .touch = heap->is_memory ? options->touch : HT_TOUCH_NONE,
        .plan = *ht_plan_totals(plan),
        .is_timed = options->measure == NULL,
    };
    declare_order(options, result);
    struct table table;
    uint32_t blocks =
        result->order == HT_ORDER_SERIAL ? result->plan.block_limit : result->schedule.slots;
    enum ht_status status = open_table(&table, blocks, error);
    if (status != HT_OK) {
        return status;
    }
    result->harness_bytes += table.size_bytes;
    status = run_on_null(plan, options, &table, result, error);
    if (status == HT_OK) {
        status = open_and_run(plan, options, &table, result, error);
    }
    if (status == HT_OK) {
        derive(result);
    }
    ht_os_unmap(table.slots, table.size_bytes);
    return status;
}
