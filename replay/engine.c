// SPDX-License-Identifier: MIT
//
// The replay loop. It is written once and compiled once for every way to touch: the policy is a
// constant of each, and is not asked for in the loop.
#include "replay/engine.h"

#include "replay/os.h"

#include <string.h>

enum { TOUCH_BYTE = 0xA5 }; // not 0, which the system's fresh pages hold anyway

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

struct player {
    const struct ht_heap *heap;
    void *const *selves;          // by recorded heap
    const struct ht_pulse *pulse; // may be NULL
    struct ht_slot *slots;
    size_t page_mask;
    struct ht_played played;
};

// Touches the bytes from `old_size` to `size` of a block.
static inline void touch_bytes(const struct player *player, unsigned char *block, size_t old_size,
                               size_t size, enum ht_touch touch)
{
    if (touch == HT_TOUCH_NONE || size <= old_size || (touch == HT_TOUCH_FIRST && old_size > 0)) {
        return;
    }
    if (touch == HT_TOUCH_FILL) {
        memset(block + old_size, TOUCH_BYTE, size - old_size);
        return;
    }
    block[old_size] = TOUCH_BYTE;
    if (touch == HT_TOUCH_PAGE) {
        size_t mask = player->page_mask;
        size_t to_next_page = mask + 1 - ((uintptr_t)(block + old_size) & mask);
        for (size_t at = old_size + to_next_page; at < size; at += mask + 1) {
            block[at] = TOUCH_BYTE;
        }
    }
}

static inline void add_live(struct ht_played *played, size_t old_size, size_t size)
{
    played->live_bytes += (uint64_t)size - old_size;
    if (played->live_bytes > played->peak_bytes) {
        played->peak_bytes = played->live_bytes;
    }
}

static inline void begin_block(struct player *player, void *self, struct ht_slot *slot, size_t size,
                               enum ht_touch touch)
{
    unsigned char *block = player->heap->allocate(self, size);
    if (block == NULL) {
        player->played.failed_allocs++;
        return;
    }
    touch_bytes(player, block, 0, size, touch);
    *slot = (struct ht_slot){block, size};
    add_live(&player->played, 0, size);
}

static inline void resize_block(struct player *player, void *self, struct ht_slot *slot,
                                size_t size, bool was_moved, enum ht_touch touch)
{
    struct ht_slot old = *slot;
    if (old.address == NULL) {
        player->played.skipped++;
        return;
    }
    // As a number, for the pointer is not to be looked at once its block is gone.
    uintptr_t old_address = (uintptr_t)old.address;
    unsigned char *block = player->heap->reallocate(self, old.address, size);
    if (block == NULL) {
        player->played.failed_reallocs++;
        return;
    }
    touch_bytes(player, block, old.size, size, touch);
    *slot = (struct ht_slot){block, size};
    add_live(&player->played, old.size, size);
    bool is_moved = (uintptr_t)block != old_address;
    player->played.agreement[was_moved][is_moved]++;
    player->played.bytes_copied += is_moved ? (old.size < size ? old.size : size) : 0;
}

static inline void end_block(struct player *player, void *self, struct ht_slot *slot)
{
    struct ht_slot old = *slot;
    if (old.address == NULL) {
        player->played.skipped++;
        return;
    }
    *slot = (struct ht_slot){0};
    player->played.live_bytes -= old.size;
    player->heap->release(self, old.address);
}

static inline void play_op(struct player *player, const struct ht_op *op, enum ht_touch touch)
{
    struct ht_slot *slot = &player->slots[op->block];
    void *self = player->selves[op->heap];
    if (op->kind == HT_OP_FREE) {
        end_block(player, self, slot);
    } else if (op->kind <= HT_OP_ADOPT) {
        begin_block(player, self, slot, (size_t)op->size, touch);
    } else {
        resize_block(player, self, slot, (size_t)op->size, op->kind == HT_OP_REALLOC_MOVED, touch);
    }
}

// Between two spans: false when it is to end here.
static bool goes_on(struct player *player, const struct ht_plan_span *span)
{
    const struct ht_pulse *pulse = player->pulse;
    player->played.operations += span->count;
    return pulse == NULL || pulse->beat(pulse->context, player->played.operations);
}

static inline void play(struct player *player, const struct ht_plan_span *span, enum ht_touch touch)
{
    bool is_on = true;
    for (; span != NULL && is_on; is_on = goes_on(player, span), span = span->next) {
        const struct ht_op *end = span->ops + span->count;
        for (const struct ht_op *op = span->ops; op != end; op++) {
            play_op(player, op, touch);
        }
    }
}

static void play_none(struct player *player, const struct ht_plan_span *span)
{
    play(player, span, HT_TOUCH_NONE);
}

static void play_first(struct player *player, const struct ht_plan_span *span)
{
    play(player, span, HT_TOUCH_FIRST);
}

static void play_page(struct player *player, const struct ht_plan_span *span)
{
    play(player, span, HT_TOUCH_PAGE);
}

static void play_fill(struct player *player, const struct ht_plan_span *span)
{
    play(player, span, HT_TOUCH_FILL);
}

// A heap whose blocks are no memory has nothing to touch.
static enum ht_touch touch_on(const struct ht_heap *heap, enum ht_touch touch)
{
    return heap->is_memory ? touch : HT_TOUCH_NONE;
}

void ht_engine_play(const struct ht_plan *plan, const struct ht_heap *heap, void *const *selves,
                    enum ht_touch touch, const struct ht_pulse *pulse, struct ht_slot *slots,
                    struct ht_played *played)
{
    static void (*const loops[HT_TOUCH_COUNT])(struct player *, const struct ht_plan_span *) = {
        [HT_TOUCH_NONE] = play_none,
        [HT_TOUCH_FIRST] = play_first,
        [HT_TOUCH_PAGE] = play_page,
        [HT_TOUCH_FILL] = play_fill,
    };
    struct player player = {
        .heap = heap,
        .selves = selves,
        .pulse = pulse,
        .slots = slots,
        .page_mask = ht_os_page_size() - 1,
    };
    void (*loop)(struct player *, const struct ht_plan_span *) = loops[touch_on(heap, touch)];
    uint64_t start_ns = ht_os_clock_ns();
    loop(&player, ht_plan_first(plan));
    player.played.elapsed_ns = ht_os_clock_ns() - start_ns;
    *played = player.played;
}

void ht_engine_play_watched(const struct ht_plan *plan, const struct ht_heap *heap,
                            void *const *selves, enum ht_touch touch, const struct ht_pulse *pulse,
                            const struct ht_watch *watch, struct ht_slot *slots,
                            struct ht_played *played)
{
    struct player player = {
        .heap = heap,
        .selves = selves,
        .pulse = pulse,
        .slots = slots,
        .page_mask = ht_os_page_size() - 1,
    };
    bool is_on = true;
    touch = touch_on(heap, touch);
    for (const struct ht_plan_span *span = ht_plan_first(plan); span != NULL && is_on;
         is_on = goes_on(&player, span), span = span->next) {
        for (size_t i = 0; i < span->count; i++) {
            const struct ht_op *op = &span->ops[i];
            play_op(&player, op, touch);
            watch->see(watch->context, op, &slots[op->block]);
        }
    }
    *played = player.played;
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
