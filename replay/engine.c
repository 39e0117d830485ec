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

// Between two spans: false when it is to end here.
static bool goes_on(struct serial *serial, const struct ht_plan_span *span)
{
    const struct ht_pulse *pulse = serial->pulse;
    serial->player.played.operations += span->count;
    serial->player.played.is_stopped =
        pulse != NULL && !pulse->beat(pulse->context, serial->player.played.operations);
    return !serial->player.played.is_stopped;
}

static inline void play(struct serial *serial, const struct ht_plan_span *span, enum ht_touch touch)
{
    bool is_on = true;
    for (; span != NULL && is_on; is_on = goes_on(serial, span), span = span->next) {
        const struct ht_op *end = span->ops + span->count;
        for (const struct ht_op *op = span->ops; op != end; op++) {
            play_op(serial, op, touch);
        }
    }
}

static void play_none(struct serial *serial, const struct ht_plan_span *span)
{
    play(serial, span, HT_TOUCH_NONE);
}

static void play_first(struct serial *serial, const struct ht_plan_span *span)
{
    play(serial, span, HT_TOUCH_FIRST);
}

static void play_page(struct serial *serial, const struct ht_plan_span *span)
{
    play(serial, span, HT_TOUCH_PAGE);
}

static void play_fill(struct serial *serial, const struct ht_plan_span *span)
{
    play(serial, span, HT_TOUCH_FILL);
}

void ht_engine_play(const struct ht_plan *plan, const struct ht_heap *heap, void *const *selves,
                    enum ht_touch touch, const struct ht_pulse *pulse, struct ht_slot *slots,
                    struct ht_played *played)
{
    static void (*const loops[HT_TOUCH_COUNT])(struct serial *, const struct ht_plan_span *) = {
        [HT_TOUCH_NONE] = play_none,
        [HT_TOUCH_FIRST] = play_first,
        [HT_TOUCH_PAGE] = play_page,
        [HT_TOUCH_FILL] = play_fill,
    };
    struct serial serial = {
        .player = {.heap = heap, .page_mask = ht_os_page_size() - 1, .played = *played},
        .selves = selves,
        .pulse = pulse,
        .slots = slots,
    };
    void (*loop)(struct serial *, const struct ht_plan_span *) =
        loops[ht_player_touch_on(heap, touch)];
    uint64_t start_ns = ht_os_clock_ns();
    loop(&serial, ht_plan_first(plan));
    serial.player.played.elapsed_ns += ht_os_clock_ns() - start_ns;
    *played = serial.player.played;
}

void ht_engine_play_watched(const struct ht_plan *plan, const struct ht_heap *heap,
                            void *const *selves, enum ht_touch touch, const struct ht_pulse *pulse,
                            const struct ht_watch *watch, struct ht_slot *slots,
                            struct ht_played *played)
{
    struct serial serial = {
        .player = {.heap = heap, .page_mask = ht_os_page_size() - 1},
        .selves = selves,
        .pulse = pulse,
        .slots = slots,
    };
    uint64_t digest = HT_DIGEST_START;
    bool is_on = true;
    touch = ht_player_touch_on(heap, touch);
    for (const struct ht_plan_span *span = ht_plan_first(plan); span != NULL && is_on;
         is_on = goes_on(&serial, span), span = span->next) {
        for (size_t i = 0; i < span->count; i++) {
            const struct ht_op *op = &span->ops[i];
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
