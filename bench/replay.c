// SPDX-License-Identifier: MIT
//
// What the replay engine costs: the same plan on the C library's heap by the engine and by a bare
// loop of the same calls, and by the engine on the null heap, in turn, several rounds in one
// process. The plan is that of a trace of any readable format, or a made-up one. Nothing is
// touched, so that the calls are all there is.
#include "convert/number.h"
#include "convert/pipeline.h"
#include "replay/engine.h"
#include "replay/heap_set.h"
#include "replay/os.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 15, MIDDLE = ROUNDS / 2, MADE_OPERATIONS = 2000000, MADE_BLOCKS = 1 << 14 };

enum loop { LOOP_BARE, LOOP_ENGINE, LOOP_NULL, LOOP_COUNT };

// A made-up program: blocks of 8 bytes to 2 KiB, small ones more often, most of them with a short
// life; of the operations on live blocks a fifth are reallocs. Marsaglia's xorshift chooses, always
// the same.
static enum ht_status make_plan(struct ht_plan *plan, struct ht_error *error)
{
    static uint64_t sizes[MADE_BLOCKS]; // 0: not live
    uint64_t random = UINT64_C(88172645463325252);
    for (int i = 0; i < MADE_OPERATIONS; i++) {
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
        enum ht_status status = ht_plan_add(plan, &change, error);
        if (status != HT_OK) {
            return status;
        }
    }
    return HT_OK;
}

static enum ht_status add_event(struct ht_plan *plan, struct ht_number *number,
                                const struct ht_event *event, struct ht_error *error)
{
    enum ht_status status = ht_number_push(number, event, error);
    const struct ht_change *change;
    while (status == HT_OK && (change = ht_number_next(number)) != NULL) {
        status = ht_plan_add(plan, change, error);
    }
    return status;
}

static enum ht_status read_plan(struct ht_plan *plan, const char *path, struct ht_error *error)
{
    struct ht_stream stream = {0};
    enum ht_status status = ht_stream_open(&stream, path, false, error);
    if (status != HT_OK) {
        return status;
    }
    struct ht_number *number = NULL;
    status = ht_number_open(&number, &stream.trace, error);
    struct ht_event event;
    while (status == HT_OK && (status = ht_stream_next(&stream, &event, error)) == HT_OK) {
        status = add_event(plan, number, &event, error);
    }
    ht_number_close(number);
    ht_stream_close(&stream);
    return status == HT_END ? HT_OK : status;
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

static uint64_t time_bare(const struct ht_plan *plan, void **blocks)
{
    uint64_t start_ns = ht_os_clock_ns();
    for (const struct ht_plan_span *span = ht_plan_first(plan); span != NULL; span = span->next) {
        for (size_t i = 0; i < span->count; i++) {
            call(&span->ops[i], &blocks[span->ops[i].block]);
        }
    }
    uint64_t elapsed_ns = ht_os_clock_ns() - start_ns;
    for (uint32_t i = 0; i < ht_plan_totals(plan)->block_limit; i++) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
    return elapsed_ns;
}

static uint64_t time_engine(const struct ht_plan *plan, const struct ht_heap_set *set,
                            struct ht_slot *slots)
{
    struct ht_played played = {0};
    ht_engine_play(plan, set->heap, set->selves, HT_TOUCH_NONE, NULL, slots, &played);
    ht_engine_release(set->heap, set->selves[0], slots, ht_plan_totals(plan)->block_limit);
    return played.elapsed_ns;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void report(const struct ht_plan_totals *totals, uint64_t times[LOOP_COUNT][ROUNDS])
{
    static const char *const names[LOOP_COUNT] = {"bare loop, libc", "engine, libc",
                                                  "engine, null"};
    double median[LOOP_COUNT], least[LOOP_COUNT];
    double operations = (double)totals->operations;
    printf("%llu operations on %lu blocks, %d rounds\n", (unsigned long long)totals->operations,
           (unsigned long)totals->block_limit, ROUNDS);
    printf("ns an operation    median    least\n");
    for (int loop = 0; loop < LOOP_COUNT; loop++) {
        qsort(times[loop], ROUNDS, sizeof times[loop][0], compare);
        median[loop] = (double)times[loop][MIDDLE] / operations;
        least[loop] = (double)times[loop][0] / operations;
        printf("%-16s %8.2f %8.2f\n", names[loop], median[loop], least[loop]);
    }
    printf("engine - bare    %+8.2f %+8.2f\n", median[LOOP_ENGINE] - median[LOOP_BARE],
           least[LOOP_ENGINE] - least[LOOP_BARE]);
    printf("engine / bare    %8.3f %8.3f\n", median[LOOP_ENGINE] / median[LOOP_BARE],
           least[LOOP_ENGINE] / least[LOOP_BARE]);
}

static enum ht_status run(const struct ht_plan *plan, struct ht_error *error)
{
    static uint64_t times[LOOP_COUNT][ROUNDS];
    uint32_t limit = ht_plan_totals(plan)->block_limit;
    uint64_t slots_size = limit * (uint64_t)sizeof(struct ht_slot);
    uint64_t blocks_size = limit * (uint64_t)sizeof(void *);
    uint32_t heaps = ht_plan_totals(plan)->heap_limit;
    struct ht_heap_set null, libc;
    enum ht_status status = ht_heap_set_open(&null, &ht_heap_null, heaps, error);
    if (status != HT_OK) {
        return status;
    }
    status = ht_heap_set_open(&libc, &ht_heap_libc, heaps, error);
    if (status != HT_OK) {
        ht_heap_set_close(&null);
        return status;
    }
    struct ht_slot *slots = ht_os_map(slots_size);
    void **blocks = ht_os_map(blocks_size);
    if (slots == NULL || blocks == NULL) {
        status = ht_fail_memory(error, "the tables of blocks");
        goto out;
    }
    for (int round = 0; round < ROUNDS; round++) {
        times[LOOP_BARE][round] = time_bare(plan, blocks);
        times[LOOP_ENGINE][round] = time_engine(plan, &libc, slots);
        times[LOOP_NULL][round] = time_engine(plan, &null, slots);
    }
    report(ht_plan_totals(plan), times);
out:
    ht_os_unmap(blocks, blocks_size);
    ht_os_unmap(slots, slots_size);
    ht_heap_set_close(&libc);
    ht_heap_set_close(&null);
    return status;
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: bench_replay [TRACE]\n");
        return 2;
    }
    struct ht_error error = {0};
    struct ht_plan *plan = NULL;
    enum ht_status status = ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, &error);
    if (status == HT_OK) {
        status = argc == 2 ? read_plan(plan, argv[1], &error) : make_plan(plan, &error);
    }
    if (status == HT_OK && ht_plan_totals(plan)->operations == 0) {
        status = ht_fail(&error, HT_FORMAT, "%s: no operations to replay", argv[1]);
    }
    if (status == HT_OK) {
        status = run(plan, &error);
    }
    ht_plan_close(plan);
    if (status != HT_OK) {
        fprintf(stderr, "bench_replay: %s\n", error.text);
        return 1;
    }
    return 0;
}
