// SPDX-License-Identifier: MIT
//
// What the replay engine costs: the same plan on the C library's heap by a bare loop of the calls,
// by the serial engine and by workers in causal order, and on the null heap, in turn, several
// rounds in one process. The plan is that of a trace of any readable format, or a made-up one; how
// fast it was built is told, too. Nothing is touched, so that the calls are all there is.
#include "convert/number.h"
#include "convert/pipeline.h"
#include "replay/causal.h"
#include "replay/engine.h"
#include "replay/heap_set.h"
#include "replay/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROUNDS = 15,
    MIDDLE = ROUNDS / 2,
    MADE_OPERATIONS = 2000000,
    MADE_BLOCKS = 1 << 14,
    MADE_THREADS = 16,
    WINDOW = 4096, // what `heaptape replay` does
};
#define MEMORY_LIMIT (UINT64_C(8) << 30)

enum loop {
    LOOP_BARE,
    LOOP_SERIAL,
    LOOP_SERIAL_NULL,
    LOOP_CAUSAL_1,
    LOOP_CAUSAL_2,
    LOOP_CAUSAL_2_NULL,
    LOOP_CAUSAL_ALL,
    LOOP_COUNT,
};

// What a loop does, but for the bare one.
static const struct {
    const char *name;
    bool is_null;
    uint32_t workers; // 0: the serial engine
} loops[LOOP_COUNT] = {
    [LOOP_BARE] = {"bare loop, libc", false, 0},
    [LOOP_SERIAL] = {"serial, libc", false, 0},
    [LOOP_SERIAL_NULL] = {"serial, null", true, 0},
    [LOOP_CAUSAL_1] = {"causal on 1, libc", false, 1},
    [LOOP_CAUSAL_2] = {"causal on 2, libc", false, 2},
    [LOOP_CAUSAL_2_NULL] = {"causal on 2, null", true, 2},
    [LOOP_CAUSAL_ALL] = {"causal on all, libc", false, HT_WORKERS_MAX},
};

// What is played.
struct recording {
    struct ht_plan *plan;
    struct ht_trail *trail;
    uint64_t events;
    double building_ns[3]; // of the processor: to read, number, and add to a plan, the least
};

// One round of one loop.
struct taken {
    uint64_t wall_ns;
    uint64_t processor_ns; // of all threads
};

static uint64_t processor_ns(void)
{
    return (uint64_t)((double)clock() * (1e9 / CLOCKS_PER_SEC));
}

// A made-up program: blocks of 8 bytes to 2 KiB, small ones more often, most of them with a short
// life; of the operations on live blocks a fifth are reallocs. A block is mostly its own thread's.
// Marsaglia's xorshift chooses, always the same.
static enum ht_status make_plan(struct recording *recording, struct ht_error *error)
{
    static uint64_t sizes[MADE_BLOCKS]; // 0: not live
    enum ht_status opened = ht_plan_open(&recording->plan, MEMORY_LIMIT, error);
    if (opened == HT_OK) {
        opened = ht_trail_open(&recording->trail, MEMORY_LIMIT, error);
    }
    if (opened != HT_OK) {
        return opened;
    }
    uint64_t random = UINT64_C(88172645463325252);
    for (uint32_t i = 0; i < MADE_OPERATIONS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint32_t block = (uint32_t)(random >> 40) % (1u << (random >> 32) % 15);
        uint64_t size = (8 + (random >> 8) % 8) << (random >> 16) % 8;
        struct ht_change change = {.block = block, .size = size, .old_size = sizes[block]};
        if (sizes[block] == 0) {
            change.kind = HT_CHANGE_BEGIN;
        } else if (random % 5 == 0) {
            change.kind = HT_CHANGE_RESIZE;
        } else {
            change.kind = HT_CHANGE_END;
            change.size = sizes[block];
            size = 0;
        }
        sizes[block] = size;
        struct ht_trail_mark mark = {.thread = (random >> 60 == 0 ? i : block) % MADE_THREADS};
        enum ht_status status = ht_plan_add(recording->plan, &change, error);
        if (status == HT_OK) {
            status = ht_trail_add(recording->trail, &mark, error);
        }
        if (status != HT_OK) {
            return status;
        }
    }
    return HT_OK;
}

// How far the making of a plan goes.
enum stage {
    STAGE_READ,
    STAGE_NUMBER,
    STAGE_PLAN,
    STAGE_TRAIL, // with a trail: not timed
};

static enum ht_status add_event(struct recording *recording, struct ht_number *number,
                                const struct ht_event *event, enum stage stage,
                                struct ht_error *error)
{
    enum ht_status status = ht_number_push(number, event, error);
    struct ht_trail_mark mark = {.space = event->pid, .thread = event->tid};
    const struct ht_change *change;
    while (status == HT_OK && (change = ht_number_next(number)) != NULL) {
        if (stage >= STAGE_PLAN) {
            status = ht_plan_add(recording->plan, change, error);
        }
        if (stage == STAGE_TRAIL && status == HT_OK) {
            status = ht_trail_add(recording->trail, &mark, error);
        }
    }
    return status;
}

static enum ht_status add_events(struct recording *recording, struct ht_stream *stream,
                                 struct ht_number *number, enum stage stage, struct ht_error *error)
{
    struct ht_events events;
    enum ht_status status = HT_OK;
    while (status == HT_OK && (status = ht_stream_read(stream, &events, error)) == HT_OK) {
        if (stage > STAGE_READ)
            ht_number_expect(number, events.at, events.count);
        for (size_t i = 0; i < events.count && stage > STAGE_READ && status == HT_OK; i++) {
            status = add_event(recording, number, &events.at[i], stage, error);
        }
        recording->events += events.count;
    }
    return status == HT_END ? HT_OK : status;
}

static enum ht_status read_once(struct recording *recording, const char *path, enum stage stage,
                                struct ht_error *error)
{
    struct ht_stream stream = {0};
    struct ht_number *number = NULL;
    recording->events = 0;
    enum ht_status status = ht_plan_open(&recording->plan, MEMORY_LIMIT, error);
    if (status == HT_OK) {
        status = ht_stream_open(&stream, path, false, error);
    }
    if (status == HT_OK) {
        status = ht_number_open(&number, &stream.trace, error);
    }
    if (status == HT_OK) {
        status = add_events(recording, &stream, number, stage, error);
    }
    ht_number_close(number);
    ht_stream_close(&stream);
    return status;
}

static enum ht_status time_stage(struct recording *recording, const char *path, enum stage stage,
                                 struct ht_error *error)
{
    double start_ns = (double)processor_ns();
    enum ht_status status = read_once(recording, path, stage, error);
    double taken_ns = (double)processor_ns() - start_ns;
    double *least_ns = &recording->building_ns[stage];
    *least_ns = *least_ns > 0 && *least_ns < taken_ns ? *least_ns : taken_ns;
    ht_plan_close(recording->plan);
    recording->plan = NULL;
    return status;
}

// Some rounds of each stage, and then the plan that is played.
static enum ht_status read_plan(struct recording *recording, const char *path,
                                struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (int round = 0; round < ROUNDS; round++) {
        for (int stage = STAGE_READ; stage <= STAGE_PLAN && status == HT_OK; stage++) {
            status = time_stage(recording, path, (enum stage)stage, error);
        }
    }
    if (status == HT_OK) {
        status = ht_trail_open(&recording->trail, MEMORY_LIMIT, error);
    }
    return status == HT_OK ? read_once(recording, path, STAGE_TRAIL, error) : status;
}

static void call(const struct ht_op *op, void **block)
{
    size_t size = (size_t)op->size + (op->size == 0);
    if (op->kind == HT_OP_FREE) {
        free(*block);
        *block = NULL;
    } else if (op->kind <= HT_OP_ADOPT) {
        *block = malloc(size);
    } else {
        void *moved = realloc(*block, size);
        *block = moved != NULL ? moved : *block;
    }
}

static void play_bare(const struct ht_plan *plan, void **blocks)
{
    for (const struct ht_plan_span *span = ht_plan_first(plan); span != NULL; span = span->next) {
        for (size_t i = 0; i < span->count; i++) {
            call(&span->ops[i], &blocks[span->ops[i].block]);
        }
    }
}

static struct taken time_bare(const struct ht_plan *plan, void **blocks)
{
    uint64_t start_ns = ht_os_clock_ns();
    uint64_t processor_start_ns = processor_ns();
    play_bare(plan, blocks);
    struct taken taken = {ht_os_clock_ns() - start_ns, processor_ns() - processor_start_ns};
    for (uint32_t i = 0; i < ht_plan_totals(plan)->block_limit; i++) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
    return taken;
}

static struct taken time_serial(const struct ht_plan *plan, const struct ht_heap_set *set,
                                struct ht_slot *slots)
{
    struct ht_played played = {0};
    uint64_t processor_start_ns = processor_ns();
    ht_engine_play(plan, set->heap, set->selves, HT_TOUCH_NONE, NULL, slots, &played);
    struct taken taken = {played.elapsed_ns, processor_ns() - processor_start_ns};
    ht_engine_release(set->heap, set->selves[0], slots, ht_plan_totals(plan)->block_limit);
    return taken;
}

static enum ht_status time_causal(const struct recording *recording,
                                  const struct ht_schedule *schedule, const struct ht_heap *heap,
                                  struct taken *taken, struct ht_error *error)
{
    uint32_t count = ht_schedule_totals(schedule)->slots;
    struct ht_slot *slots = ht_os_map(count * (uint64_t)sizeof *slots);
    struct ht_causal *causal;
    if (slots == NULL) {
        return ht_fail_memory(error, "the table of blocks");
    }
    enum ht_status status =
        ht_causal_open(&causal, schedule, heap, NULL, HT_TOUCH_NONE, slots, NULL, error);
    if (status == HT_OK) {
        struct ht_played played;
        struct ht_causal_report report;
        uint64_t processor_start_ns = processor_ns();
        ht_causal_play(causal, NULL, &played, &report);
        *taken = (struct taken){played.elapsed_ns, processor_ns() - processor_start_ns};
        ht_engine_release(heap, NULL, slots, count);
        ht_causal_close(causal);
        if (played.operations != ht_plan_totals(recording->plan)->operations) {
            status = ht_fail(error, HT_FORMAT, "not all was played");
        }
    }
    ht_os_unmap(slots, count * (uint64_t)sizeof *slots);
    return status;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = ((const struct taken *)left)->wall_ns;
    uint64_t b = ((const struct taken *)right)->wall_ns;
    return (a > b) - (a < b);
}

static int compare_processor(const void *left, const void *right)
{
    uint64_t a = ((const struct taken *)left)->processor_ns;
    uint64_t b = ((const struct taken *)right)->processor_ns;
    return (a > b) - (a < b);
}

static void report(const struct recording *recording, struct taken times[LOOP_COUNT][ROUNDS])
{
    const struct ht_plan_totals *totals = ht_plan_totals(recording->plan);
    double operations = (double)totals->operations;
    double bare = 0;
    printf("%llu operations on %lu blocks, %d rounds\n", (unsigned long long)totals->operations,
           (unsigned long)totals->block_limit, ROUNDS);
    if (recording->events > 0) {
        double events = (double)recording->events;
        const double *ns = recording->building_ns;
        printf("plan built from %llu events at %.1f million a second of the processor: ns an event "
               "to read %.1f, number %.1f, add %.1f\n",
               (unsigned long long)recording->events, events * 1e3 / ns[2], ns[0] / events,
               (ns[1] - ns[0]) / events, (ns[2] - ns[1]) / events);
    }
    printf("ns an operation       median    - bare     least   processor\n");
    for (int loop = 0; loop < LOOP_COUNT; loop++) {
        qsort(times[loop], ROUNDS, sizeof times[loop][0], compare);
        double median = (double)times[loop][MIDDLE].wall_ns / operations;
        double least = (double)times[loop][0].wall_ns / operations;
        bare = loop == LOOP_BARE ? median : bare;
        qsort(times[loop], ROUNDS, sizeof times[loop][0], compare_processor);
        printf("%-20s %7.2f  %+8.2f  %8.2f  %10.2f\n", loops[loop].name, median, median - bare,
               least, (double)times[loop][MIDDLE].processor_ns / operations);
    }
}

// What the loops share.
struct tables {
    struct ht_heap_set null;
    struct ht_heap_set libc;
    struct ht_slot *slots;
    void **blocks;
    struct ht_schedule *schedules[LOOP_COUNT]; // NULL where there is none
};

static enum ht_status time_loop(const struct recording *recording, const struct tables *tables,
                                int loop, struct taken *taken, struct ht_error *error)
{
    const struct ht_heap_set *set = loops[loop].is_null ? &tables->null : &tables->libc;
    if (loop == LOOP_BARE) {
        *taken = time_bare(recording->plan, tables->blocks);
    } else if (tables->schedules[loop] == NULL) {
        *taken = time_serial(recording->plan, set, tables->slots);
    } else {
        return time_causal(recording, tables->schedules[loop], set->heap, taken, error);
    }
    return HT_OK;
}

static enum ht_status make_schedules(const struct recording *recording, struct tables *tables,
                                     struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (int loop = 0; loop < LOOP_COUNT && status == HT_OK; loop++) {
        struct ht_schedule_options options = {
            .workers = loops[loop].workers, .window = WINDOW, .memory_limit = MEMORY_LIMIT};
        if (loops[loop].workers > 0) {
            status = ht_schedule_open(&tables->schedules[loop], recording->plan, recording->trail,
                                      &options, error);
        }
    }
    return status;
}

static enum ht_status run_rounds(const struct recording *recording, struct tables *tables,
                                 struct ht_error *error)
{
    static struct taken times[LOOP_COUNT][ROUNDS];
    enum ht_status status = make_schedules(recording, tables, error);
    for (int round = 0; round < ROUNDS; round++) {
        for (int loop = 0; loop < LOOP_COUNT && status == HT_OK; loop++) {
            status = time_loop(recording, tables, loop, &times[loop][round], error);
        }
    }
    if (status == HT_OK) {
        report(recording, times);
    }
    for (int loop = 0; loop < LOOP_COUNT; loop++) {
        ht_schedule_close(tables->schedules[loop]);
    }
    return status;
}

static enum ht_status run(const struct recording *recording, struct ht_error *error)
{
    const struct ht_plan_totals *totals = ht_plan_totals(recording->plan);
    struct tables tables = {0};
    uint64_t slots_size = totals->block_limit * (uint64_t)sizeof *tables.slots;
    uint64_t blocks_size = totals->block_limit * (uint64_t)sizeof *tables.blocks;
    enum ht_status status =
        ht_heap_set_open(&tables.null, &ht_heap_null, totals->heap_limit, error);
    if (status != HT_OK) {
        return status;
    }
    status = ht_heap_set_open(&tables.libc, &ht_heap_libc, totals->heap_limit, error);
    if (status != HT_OK) {
        ht_heap_set_close(&tables.null);
        return status;
    }
    tables.slots = ht_os_map(slots_size);
    tables.blocks = ht_os_map(blocks_size);
    if (tables.slots == NULL || tables.blocks == NULL) {
        status = ht_fail_memory(error, "the tables of blocks");
    } else {
        status = run_rounds(recording, &tables, error);
    }
    ht_os_unmap(tables.blocks, blocks_size);
    ht_os_unmap(tables.slots, slots_size);
    ht_heap_set_close(&tables.libc);
    ht_heap_set_close(&tables.null);
    return status;
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: bench_replay [TRACE]\n");
        return 2;
    }
    struct ht_error error = {0};
    struct recording recording = {0};
    enum ht_status status =
        argc == 2 ? read_plan(&recording, argv[1], &error) : make_plan(&recording, &error);
    if (status == HT_OK && ht_plan_totals(recording.plan)->operations == 0) {
        status = ht_fail(&error, HT_FORMAT, "%s: no operations to replay", argv[1]);
    }
    if (status == HT_OK) {
        status = run(&recording, &error);
    }
    ht_trail_close(recording.trail);
    ht_plan_close(recording.plan);
    if (status != HT_OK) {
        fprintf(stderr, "bench_replay: %s\n", error.text);
        return 1;
    }
    return 0;
}
