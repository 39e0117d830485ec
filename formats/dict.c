// SPDX-License-Identifier: MIT
//
// The dictionary: two stores of unique byte strings (text and stacks) with a hash over them, and
// the ring of details.
#include "formats/dict.h"

#include "formats/bytes.h"
#include "formats/limits.h"

#include <stdlib.h>
#include <string.h>

// Unique values of bytes in pages that never move, so that a lent pointer stays valid. Ids count
// from 1.
struct store {
    struct item {
        const void *data; // in a page, followed by a NUL byte
        size_t size;
        uint32_t hash;
    } * items;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots;     // open addressing; an id or 0
    uint32_t slot_count; // a power of two, or 0
    struct page {
        struct page *next;
        uint8_t data[];
    } * pages;
    size_t page_left; // free bytes at page_at
    uint8_t *page_at;
    size_t total_bytes;
    uint32_t count_limit;
    size_t byte_limit;
};

struct ht_dict {
    struct store strings;
    struct store stacks;
    // Details stand in the ring, NULL before the first, as their count and then their values, at
    // consecutive positions. The id of a detail is its position plus one; positions only grow.
    uint64_t *ring;
    uint64_t ring_end;                        // position of the next detail
    uint64_t lent[HT_DICT_DETAIL_VALUES_MAX]; // the detail lent last, in one piece
};

enum { PAGE_SIZE_BYTES = 64 << 10, FRAME_ALIGNMENT = 8 };

static uint32_t hash_bytes(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t hash = 0xCBF29CE484222325u; // FNV-1a
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001B3u;
    return (uint32_t)(hash ^ hash >> 32);
}

static uint32_t find_slot(const struct store *store, const void *data, size_t size, uint32_t hash)
{
    uint32_t mask = store->slot_count - 1;
    uint32_t slot = hash & mask;
    for (; store->slots[slot] != 0; slot = (slot + 1) & mask) {
        const struct item *item = &store->items[store->slots[slot] - 1];
        if (item->hash == hash && item->size == size && memcmp(item->data, data, size) == 0)
            break;
    }
    return slot;
}

static enum ht_status grow_slots(struct store *store, struct ht_error *error)
{
    uint32_t slot_count = store->slot_count > 0 ? store->slot_count * 2 : 64;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL)
        return ht_fail_memory(error, "the dictionary");
    for (uint32_t id = 1; id <= store->count; id++) {
        uint32_t slot = store->items[id - 1].hash & (slot_count - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = id;
    }
    free(store->slots);
    store->slots = slots;
    store->slot_count = slot_count;
    return HT_OK;
}

static enum ht_status grow_items(struct store *store, struct ht_error *error)
{
    uint32_t capacity = store->capacity > 0 ? store->capacity * 2 : 64;
    struct item *items = realloc(store->items, capacity * sizeof *items);
    if (items == NULL)
        return ht_fail_memory(error, "the dictionary");
    store->items = items;
    store->capacity = capacity;
    return HT_OK;
}

// Room for `size` bytes that stays where it is; NULL without memory.
static uint8_t *take_room(struct store *store, size_t size)
{
    size = (size + FRAME_ALIGNMENT - 1) / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
    if (size > store->page_left) {
        size_t page_size = size > PAGE_SIZE_BYTES ? size : PAGE_SIZE_BYTES;
        struct page *page = malloc(sizeof *page + page_size);
        if (page == NULL)
            return NULL;
        page->next = store->pages;
        store->pages = page;
        store->page_at = page->data;
        store->page_left = page_size;
    }
    uint8_t *room = store->page_at;
    store->page_at += size;
    store->page_left -= size;
    return room;
}

static enum ht_status make_room(struct store *store, size_t size, struct ht_error *error)
{
    if (store->count >= store->count_limit || size > store->byte_limit - store->total_bytes)
        return ht_fail(error, HT_LIMIT, "the dictionary is full: %u entries, %zu bytes",
                       store->count, store->total_bytes);
    enum ht_status status = HT_OK;
    if (store->count >= store->slot_count / 2)
        status = grow_slots(store, error);
    if (status == HT_OK && store->count == store->capacity)
        status = grow_items(store, error);
    return status;
}

static enum ht_status store_add(struct store *store, const void *data, size_t size, uint32_t *id,
                                struct ht_error *error)
{
    *id = 0;
    uint32_t hash = hash_bytes(data, size);
    if (store->slot_count > 0) {
        *id = store->slots[find_slot(store, data, size, hash)];
        if (*id != 0)
            return HT_OK;
    }
    enum ht_status status = make_room(store, size, error);
    if (status != HT_OK)
        return status;
    uint8_t *copy = take_room(store, size + 1);
    if (copy == NULL)
        return ht_fail_memory(error, "the dictionary");
    memcpy(copy, data, size);
    copy[size] = 0;
    uint32_t slot = find_slot(store, data, size, hash);
    store->items[store->count] = (struct item){copy, size, hash};
    *id = store->slots[slot] = ++store->count;
    store->total_bytes += size;
    return HT_OK;
}

static void store_reset(struct store *store)
{
    free(store->items);
    free(store->slots);
    while (store->pages != NULL) {
        struct page *next = store->pages->next;
        free(store->pages);
        store->pages = next;
    }
}

struct ht_dict *ht_dict_open(void)
{
    struct ht_dict *dict = calloc(1, sizeof *dict);
    if (dict == NULL)
        return NULL;
    dict->strings.count_limit = HT_DICT_STRINGS_MAX;
    dict->strings.byte_limit = HT_DICT_STRING_BYTES_MAX;
    dict->stacks.count_limit = HT_DICT_STACKS_MAX;
    dict->stacks.byte_limit = HT_DICT_STACK_BYTES_MAX;
    return dict;
}

void ht_dict_close(struct ht_dict *dict)
{
    if (dict == NULL)
        return;
    store_reset(&dict->strings);
    store_reset(&dict->stacks);
    free(dict->ring);
    free(dict);
}

enum ht_status ht_dict_add_string(struct ht_dict *dict, const char *text, size_t length,
                                  uint32_t *id, struct ht_error *error)
{
    *id = 0;
    return length > 0 ? store_add(&dict->strings, text, length, id, error) : HT_OK;
}

const char *ht_dict_string(const struct ht_dict *dict, uint32_t id, size_t *length)
{
    bool is_known = id > 0 && id <= dict->strings.count;
    if (length != NULL)
        *length = is_known ? dict->strings.items[id - 1].size : 0;
    return is_known ? dict->strings.items[id - 1].data : "";
}

const char *ht_dict_module_name(const struct ht_dict *dict, uint32_t id, size_t *length)
{
    const char *path = ht_dict_string(dict, id, length);
    size_t from = *length;
    while (from > 0 && path[from - 1] != '\\')
        from--;
    if (from == *length)
        return path; // empty, or a folder
    *length -= from;
    return path + from;
}

uint32_t ht_dict_string_count(const struct ht_dict *dict)
{
    return dict->strings.count;
}

enum ht_status ht_dict_add_stack(struct ht_dict *dict, const struct ht_frame *frames, size_t count,
                                 uint32_t *id, struct ht_error *error)
{
    // Copied field by field, so that padding never makes two equal stacks differ.
    struct ht_frame clean[HT_DICT_FRAMES_MAX];
    *id = 0;
    if (count > HT_DICT_FRAMES_MAX)
        count = HT_DICT_FRAMES_MAX;
    if (count == 0)
        return HT_OK;
    memset(clean, 0, count * sizeof *clean);
    for (size_t i = 0; i < count; i++) {
        clean[i].address = frames[i].address;
        clean[i].module = frames[i].module;
    }
    return store_add(&dict->stacks, clean, count * sizeof *clean, id, error);
}

const struct ht_frame *ht_dict_stack(const struct ht_dict *dict, uint32_t id, size_t *count)
{
    bool is_known = id > 0 && id <= dict->stacks.count;
    *count = is_known ? dict->stacks.items[id - 1].size / sizeof(struct ht_frame) : 0;
    return is_known ? dict->stacks.items[id - 1].data : NULL;
}

uint32_t ht_dict_stack_count(const struct ht_dict *dict)
{
    return dict->stacks.count;
}

static uint64_t *ring_at(const struct ht_dict *dict, uint64_t position)
{
    return &dict->ring[position % HT_DICT_DETAIL_RING_VALUES];
}

uint64_t ht_dict_add_detail(struct ht_dict *dict, const uint64_t *values, size_t count)
{
    if (dict->ring == NULL)
        dict->ring = calloc(HT_DICT_DETAIL_RING_VALUES, sizeof *dict->ring);
    if (dict->ring == NULL)
        return 0;
    if (count > HT_DICT_DETAIL_VALUES_MAX)
        count = HT_DICT_DETAIL_VALUES_MAX;
    uint64_t position = dict->ring_end;
    *ring_at(dict, position) = count;
    for (size_t i = 0; i < count; i++)
        *ring_at(dict, position + 1 + i) = values[i];
    dict->ring_end = position + 1 + count;
    return position + 1;
}

const uint64_t *ht_dict_detail(struct ht_dict *dict, uint64_t id, size_t *count)
{
    *count = 0;
    if (id == 0 || id > dict->ring_end || dict->ring_end - (id - 1) > HT_DICT_DETAIL_RING_VALUES)
        return NULL;
    size_t kept = (size_t)*ring_at(dict, id - 1);
    if (kept > HT_DICT_DETAIL_VALUES_MAX || kept > dict->ring_end - id)
        return NULL; // not an id that was given
    for (size_t i = 0; i < kept; i++)
        dict->lent[i] = *ring_at(dict, id + i);
    *count = kept;
    return dict->lent;
}
