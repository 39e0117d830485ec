// SPDX-License-Identifier: MIT
//
// The replay loop. It is written once and compiled once for every way to touch: the policy is a
// constant of each, and is not asked for in the loop.
#include "replay/engine.h"

#include "replay/os.h"
#include "replay/player.h"

#include <string.h>

static const char *const touch_names[HT_TOUCH_COUNT] = {"page", "none", "first", "fill"};

const char *ht_touch_name(enum ht_touch touch)
{
    return touch_names[touch];
}

enum ht_touch ht_touch_by_name(const char *name)
{
    enum ht_touch touch = 0;
    while (touch < HT_TOUCH_COUNT && strcmp(touch_names[touch], name) != 0) {
        touch++;
    }
    return touch;
}

enum { RUN_OPS = 1 << 16 };

struct serial {
    struct ht_player player;
    void *const *selves;          // by recorded heap
    const struct ht_pulse *pulse; // may be NULL
    struct ht_slot *slots;
};

static inline void play_op(struct serial *serial, const struct ht_op *op, enum ht_touch touch)
{
    ht_player_play(&serial->player, serial->selves[op->heap], &serial->slots[op->block], op->kind,
                   (size_t)op->size, touch);
}

// Operations of one span that are played without a beat of the pulse.
struct run {
    const struct ht_plan_span *span; // NULL behind the last
    const struct ht_op *first;
    const struct ht_op *end;
};

static struct run run_of(const struct ht_plan_span *span, size_t from)
{
    size_t left = span->count - from;
    const struct ht_op *first = span->ops + from;
    return (struct run){span, first, first + (left < RUN_OPS ? left : RUN_OPS)};
}

// Counts a run that was played. The next is none when the pulse stops it here.
static struct run next_run(struct serial *serial, struct run run)
{
    const struct ht_pulse *pulse = serial->pulse;
    struct ht_played *played = &serial->player.played;
    size_t done = (size_t)(run.end - run.span->ops);
    played->operations += (size_t)(run.end - run.first);
    played->is_stopped = pulse != NULL && !pulse->beat(pulse->context, played->operations);
    if (played->is_stopped) {
        return (struct run){0};
    }
    if (done < run.span->count) {
        return run_of(run.span, done);
    }
    return run.span->next == NULL ? (struct run){0} : run_of(run.span->next, 0);
}

static inline void play(struct serial *serial, struct run run, enum ht_touch touch)
{
    for (; run.span != NULL; run = next_run(serial, run)) {
        for (const struct ht_op *op = run.first; op != run.end; op++) {
            play_op(serial, op, touch);
        }
    }
}

static void play_none(struct serial *serial, struct run run)
{
    play(serial, run, HT_TOUCH_NONE);
}

static void play_first(struct serial *serial, struct run run)
{
    play(serial, run, HT_TOUCH_FIRST);
}

static void play_page(struct serial *serial, struct run run)
{
    play(serial, run, HT_TOUCH_PAGE);
}

static void play_fill(struct serial *serial, struct run run)
{
    play(serial, run, HT_TOUCH_FILL);
}

static struct serial serial_of(const struct ht_heap *heap, void *const *selves,
                               const struct ht_pulse *pulse, struct ht_slot *slots,
                               const struct ht_played *played)
{
    return (struct serial){
        .player = {.heap = heap, .page_mask = ht_os_page_size() - 1, .played = *played},
        .selves = selves,
        .pulse = pulse,
        .slots = slots,
    };
}

void ht_engine_play(const struct ht_plan *plan, const struct ht_heap *heap, void *const *selves,
                    enum ht_touch touch, const struct ht_pulse *pulse, struct ht_slot *slots,
                    struct ht_played *played)
{
    static void (*const loops[HT_TOUCH_COUNT])(struct serial *, struct run) = {
        [HT_TOUCH_NONE] = play_none,
        [HT_TOUCH_FIRST] = play_first,
        [HT_TOUCH_PAGE] = play_page,
        [HT_TOUCH_FILL] = play_fill,
    };
    struct serial serial = serial_of(heap, selves, pulse, slots, played);
    void (*loop)(struct serial *, struct run) = loops[ht_player_touch_on(heap, touch)];
    uint64_t start_ns = ht_os_clock_ns();
    loop(&serial, run_of(ht_plan_first(plan), 0));
    serial.player.played.elapsed_ns += ht_os_clock_ns() - start_ns;
    *played = serial.player.played;
}

void ht_engine_play_watched(const struct ht_plan *plan, const struct ht_heap *heap,
                            void *const *selves, enum ht_touch touch, const struct ht_pulse *pulse,
                            const struct ht_watch *watch, struct ht_slot *slots,
                            struct ht_played *played)
{
    struct serial serial = serial_of(heap, selves, pulse, slots, played);
    uint64_t digest = HT_DIGEST_START;
    touch = ht_player_touch_on(heap, touch);
    for (struct run run = run_of(ht_plan_first(plan), 0); run.span != NULL;
         run = next_run(&serial, run)) {
        for (const struct ht_op *op = run.first; op != run.end; op++) {
            play_op(&serial, op, touch);
            digest = ht_digest_step(digest, (uintptr_t)slots[op->block].address);
            watch->see(watch->context, op, &slots[op->block]);
        }
    }
    *played = serial.player.played;
    played->address_digest = digest;
}

uint64_t ht_engine_release(const struct ht_heap *heap, void *self, struct ht_slot *slots,
                           uint32_t count)
{
    uint64_t released = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i].address != NULL) {
            heap->release(self, slots[i].address);
            slots[i] = (struct ht_slot){0};
            released++;
        }
    }
    return released;
}

// Leaves each live block's recorded heap in the place of its size.
static void mark_heaps(const struct ht_op *ops, size_t count, struct ht_slot *slots)
{
    for (size_t i = 0; i < count; i++) {
        if (ops[i].kind != HT_OP_FREE) {
            slots[ops[i].block].size = ops[i].heap;
        }
    }
}

uint64_t ht_engine_release_apart(const struct ht_plan *plan, uint64_t operations,
                                 const struct ht_heap *heap, void *const *selves,
                                 struct ht_slot *slots, uint32_t count)
{
    uint64_t released = 0;
    for (const struct ht_plan_span *span = ht_plan_first(plan); span != NULL; span = span->next) {
        size_t played = span->count < operations ? span->count : (size_t)operations;
        mark_heaps(span->ops, played, slots);
        operations -= played;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i].address != NULL) {
            heap->release(selves[slots[i].size], slots[i].address);
            released++;
        }
        slots[i] = (struct ht_slot){0};
    }
    return released;
}
