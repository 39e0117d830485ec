// SPDX-License-Identifier: MIT
//
// The store. See the header. A slot holds its value's hash, so that a look-up goes to the value
// for hardly any other than the one it seeks.
#include "formats/store.h"

#include "formats/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_BYTES = 64 << 10,
    SIZE_BYTES = 4, // of the size in front of a value
    SLOTS_MIN = 64,
    VALUES_MIN = 64,
    LANES = 4,
    WORD_BYTES = 8,
};

struct ht_store_page {
    struct ht_store_page *next;
    uint8_t bytes[];
};

static uint64_t step(uint64_t lane, const uint8_t *word)
{
    lane = (lane ^ ht_load64(word)) * 0x9E3779B97F4A7C15u;
    return lane ^ lane >> 32;
}

// Four words at a time, none waiting for another: stacks are hundreds of bytes, and there is one
// an event.
static uint32_t hash_of(const uint8_t *at, size_t size)
{
    uint64_t lanes[LANES] = {size, 1, 2, 3};
    uint8_t last[WORD_BYTES] = {0};
    for (; size >= LANES * WORD_BYTES; size -= LANES * WORD_BYTES)
        for (int lane = 0; lane < LANES; lane++, at += WORD_BYTES)
            lanes[lane] = step(lanes[lane], at);
    for (; size >= WORD_BYTES; size -= WORD_BYTES, at += WORD_BYTES)
        lanes[0] = step(lanes[0], at);
    memcpy(last, at, size);
    uint64_t hash = step(lanes[0], last);
    for (int lane = 1; lane < LANES; lane++)
        hash = (hash ^ lanes[lane]) * 0xD6E8FEB86659FD93u;
    return (uint32_t)(hash ^ hash >> 32);
}

static size_t size_of(const uint8_t *value)
{
    return ht_load32(value - SIZE_BYTES);
}

// The slot of a value, or the free one that it would get.
static struct ht_store_slot *find_slot(const struct ht_store *store, const void *value, size_t size,
                                       uint32_t hash)
{
    uint32_t mask = store->slot_count - 1;
    for (uint32_t at = hash & mask;; at = (at + 1) & mask) {
        struct ht_store_slot *slot = &store->slots[at];
        if (slot->number == 0)
            return slot;
        if (slot->hash != hash)
            continue;
        const uint8_t *kept = store->values[slot->number - 1];
        if (size_of(kept) == size && memcmp(kept, value, size) == 0)
            return slot;
    }
}

static enum ht_status grow_slots(struct ht_store *store, struct ht_error *error)
{
    uint32_t slot_count = store->slot_count > 0 ? store->slot_count * 2 : SLOTS_MIN;
    struct ht_store_slot *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL)
        return ht_fail_memory(error, "the dictionary");
    for (uint32_t i = 0; i < store->slot_count; i++) {
        uint32_t at = store->slots[i].hash & (slot_count - 1);
        if (store->slots[i].number == 0)
            continue;
        while (slots[at].number != 0)
            at = (at + 1) & (slot_count - 1);
        slots[at] = store->slots[i];
    }
    free(store->slots);
    store->slots = slots;
    store->slot_count = slot_count;
    return HT_OK;
}

static enum ht_status grow_values(struct ht_store *store, struct ht_error *error)
{
    uint32_t capacity = store->capacity > 0 ? store->capacity * 2 : VALUES_MIN;
    const uint8_t **values = realloc(store->values, capacity * sizeof *values);
    if (values == NULL)
        return ht_fail_memory(error, "the dictionary");
    store->values = values;
    store->capacity = capacity;
    return HT_OK;
}

// Room for so many bytes that stays where it is; NULL without memory.
static uint8_t *take_room(struct ht_store *store, size_t size)
{
    if (size > store->page_left) {
        size_t page_size = size > PAGE_BYTES ? size : PAGE_BYTES;
        struct ht_store_page *page = malloc(sizeof *page + page_size + HT_STORE_SLACK_BYTES);
        if (page == NULL)
            return NULL;
        memset(page->bytes + page_size, 0, HT_STORE_SLACK_BYTES);
        page->next = store->pages;
        store->pages = page;
        store->page_at = page->bytes;
        store->page_left = page_size;
    }
    uint8_t *room = store->page_at;
    store->page_at += size;
    store->page_left -= size;
    return room;
}

static enum ht_status make_room(struct ht_store *store, size_t size, struct ht_error *error)
{
    size_t bytes = store->total_bytes + size;
    if (store->count >= store->count_limit || bytes > store->byte_limit)
        return ht_fail(error, HT_LIMIT, "the dictionary is full: %u entries, %zu bytes",
                       store->count, store->total_bytes);
    enum ht_status status = HT_OK;
    if (store->count >= store->slot_count / 4 * 3)
        status = grow_slots(store, error);
    if (status == HT_OK && store->count == store->capacity)
        status = grow_values(store, error);
    return status;
}

static enum ht_status keep(struct ht_store *store, const void *value, size_t size, uint32_t hash,
                           struct ht_error *error)
{
    enum ht_status status = make_room(store, size, error);
    if (status != HT_OK)
        return status;
    uint8_t *room = take_room(store, SIZE_BYTES + size + 1);
    if (room == NULL)
        return ht_fail_memory(error, "the dictionary");
    ht_store32(room, (uint32_t)size);
    uint8_t *copy = room + SIZE_BYTES;
    memcpy(copy, value, size);
    copy[size] = 0;
    store->values[store->count++] = copy;
    *find_slot(store, value, size, hash) = (struct ht_store_slot){hash, store->count};
    store->total_bytes += size;
    return HT_OK;
}

enum ht_status ht_store_add(struct ht_store *store, const void *value, size_t size,
                            uint32_t *number, struct ht_error *error)
{
    assert(size < UINT32_MAX);
    *number = 0;
    uint32_t hash = hash_of(value, size);
    if (store->slot_count > 0)
        *number = find_slot(store, value, size, hash)->number;
    if (*number != 0)
        return HT_OK;
    enum ht_status status = keep(store, value, size, hash, error);
    if (status == HT_OK)
        *number = store->count;
    return status;
}

const uint8_t *ht_store_get(const struct ht_store *store, uint32_t number, size_t *size)
{
    bool is_known = number > 0 && number <= store->count;
    *size = is_known ? size_of(store->values[number - 1]) : 0;
    return is_known ? store->values[number - 1] : NULL;
}

void ht_store_reset(struct ht_store *store)
{
    free(store->values);
    free(store->slots);
    while (store->pages != NULL) {
        struct ht_store_page *next = store->pages->next;
        free(store->pages);
        store->pages = next;
    }
    *store = ht_store_with_limits(store->count_limit, store->byte_limit);
}
