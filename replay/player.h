// SPDX-License-Identifier: MIT
//
// One operation on a heap, for the loops of every order: the call, the touching, and the counts of
// what happened. Inline, with the touch as a constant of each loop, so that a loop asks for
// nothing. It knows neither plans nor threads.
#ifndef HT_REPLAY_PLAYER_H
#define HT_REPLAY_PLAYER_H

#include "replay/engine.h"

#include <string.h>

enum { HT_TOUCH_BYTE_VALUE = 0xA5 }; // not 0, which the system's fresh pages hold anyway

// The player of one thread.
struct ht_player {
    const struct ht_heap *heap;
    size_t page_mask;
    struct ht_played played;
};

// Touches the bytes from `old_size` to `size` of a block.
static inline void ht_player_touch(const struct ht_player *player, unsigned char *block,
                                   size_t old_size, size_t size, enum ht_touch touch)
{
    if (touch == HT_TOUCH_NONE || size <= old_size || (touch == HT_TOUCH_FIRST && old_size > 0)) {
        return;
    }
    if (touch == HT_TOUCH_FILL) {
        memset(block + old_size, HT_TOUCH_BYTE_VALUE, size - old_size);
        return;
    }
    block[old_size] = HT_TOUCH_BYTE_VALUE;
    if (touch == HT_TOUCH_PAGE) {
        size_t mask = player->page_mask;
        size_t to_next_page = mask + 1 - ((uintptr_t)(block + old_size) & mask);
        for (size_t at = old_size + to_next_page; at < size; at += mask + 1) {
            block[at] = HT_TOUCH_BYTE_VALUE;
        }
    }
}

static inline void ht_player_add_live(struct ht_played *played, size_t old_size, size_t size)
{
    played->live_bytes += (uint64_t)size - old_size;
    if (played->live_bytes > played->peak_bytes) {
        played->peak_bytes = played->live_bytes;
    }
}

static inline void ht_player_begin(struct ht_player *player, void *self, struct ht_slot *slot,
                                   size_t size, enum ht_touch touch)
{
    unsigned char *block = player->heap->allocate(self, size);
    if (block == NULL) {
        player->played.failed_allocs++;
        return;
    }
    ht_player_touch(player, block, 0, size, touch);
    *slot = (struct ht_slot){block, size};
    ht_player_add_live(&player->played, 0, size);
}

static inline void ht_player_resize(struct ht_player *player, void *self, struct ht_slot *slot,
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
    ht_player_touch(player, block, old.size, size, touch);
    *slot = (struct ht_slot){block, size};
    ht_player_add_live(&player->played, old.size, size);
    bool is_moved = (uintptr_t)block != old_address;
    player->played.agreement[was_moved][is_moved]++;
    player->played.bytes_copied += is_moved ? (old.size < size ? old.size : size) : 0;
}

static inline void ht_player_end(struct ht_player *player, void *self, struct ht_slot *slot)
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

// The operation of this kind (enum ht_op_kind) on the slot's block.
static inline void ht_player_play(struct ht_player *player, void *self, struct ht_slot *slot,
                                  unsigned kind, size_t size, enum ht_touch touch)
{
    if (kind == HT_OP_FREE) {
        ht_player_end(player, self, slot);
    } else if (kind <= HT_OP_ADOPT) {
        ht_player_begin(player, self, slot, size, touch);
    } else {
        ht_player_resize(player, self, slot, size, kind == HT_OP_REALLOC_MOVED, touch);
    }
}

// A heap whose blocks are no memory has nothing to touch.
static inline enum ht_touch ht_player_touch_on(const struct ht_heap *heap, enum ht_touch touch)
{
    return heap->is_memory ? touch : HT_TOUCH_NONE;
}

#endif
