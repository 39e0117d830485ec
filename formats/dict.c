// SPDX-License-Identifier: MIT
//
// The dictionary: two stores of unique bytes, text and packed stacks, and the ring of details.
#include "formats/dict.h"

#include "formats/bytes.h"
#include "formats/limits.h"
#include "formats/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct ht_dict {
    struct ht_store strings;
    struct ht_store stacks;
    struct ht_frame *frames; // of the stack lent last, owned
    // Details stand in the ring, NULL before the first, as their count and then their values, at
    // consecutive positions. The id of a detail is its position plus one; positions only grow.
    uint64_t *ring;
    uint64_t ring_end;                        // position of the next detail
    uint64_t lent[HT_DICT_DETAIL_VALUES_MAX]; // the detail lent last, in one piece
};

// A stack is kept as bytes, 4 or 5 a frame where modules are known. First the number of frames less
// one, then of each frame: a byte that says how many bytes the others have, the module unless it is
// that of the frame before, the address. Both are little-endian, without the zeros at their upper
// end.
enum {
    SAME_MODULE = 0x10,
    ADDRESS_BYTES_MASK = 0x0F,
    MODULE_BYTES_SHIFT = 5,
    FRAME_BYTES_MAX = 1 + 4 + 8,
    STACK_BYTES_MAX = 1 + HT_DICT_FRAMES_MAX * FRAME_BYTES_MAX,
};
static_assert(HT_DICT_FRAMES_MAX <= 256, "a byte holds the number of frames less one");

static unsigned bytes_of(uint64_t value)
{
    unsigned bytes = 0;
    for (; value != 0; value >>= 8)
        bytes++;
    return bytes;
}

// Packs into room for STACK_BYTES_MAX and a word behind. Returns the bytes used.
static size_t pack_stack(const struct ht_frame *frames, size_t count, uint8_t *packed)
{
    uint32_t module = 0;
    uint8_t *at = packed;
    *at++ = (uint8_t)(count - 1);
    for (size_t i = 0; i < count; i++) {
        unsigned address_bytes = bytes_of(frames[i].address);
        unsigned module_bytes = bytes_of(frames[i].module);
        bool is_same = frames[i].module == module;
        uint8_t *head = at++;
        *head =
            (uint8_t)(address_bytes | (is_same ? SAME_MODULE : module_bytes << MODULE_BYTES_SHIFT));
        if (!is_same) {
            ht_store32(at, frames[i].module);
            at += module_bytes;
            module = frames[i].module;
        }
        ht_store64(at, frames[i].address);
        at += address_bytes;
    }
    return (size_t)(at - packed);
}

static uint64_t take(const uint8_t **at, unsigned bytes)
{
    uint64_t word = ht_load64(*at); // a store has slack behind its values
    *at += bytes;
    return bytes == 0 ? 0 : word << (64 - 8 * bytes) >> (64 - 8 * bytes);
}

static void unpack_stack(const uint8_t *at, size_t count, struct ht_frame *frames)
{
    uint32_t module = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned head = *at++;
        if ((head & SAME_MODULE) == 0)
            module = (uint32_t)take(&at, head >> MODULE_BYTES_SHIFT);
        frames[i] = (struct ht_frame){take(&at, head & ADDRESS_BYTES_MASK), module};
    }
}

struct ht_dict *ht_dict_open(void)
{
    struct ht_dict *dict = calloc(1, sizeof *dict);
    if (dict == NULL)
        return NULL;
    dict->strings = ht_store_with_limits(HT_DICT_STRINGS_MAX, HT_DICT_STRING_BYTES_MAX);
    dict->stacks = ht_store_with_limits(HT_DICT_STACKS_MAX, HT_DICT_STACK_BYTES_MAX);
    dict->frames = calloc(HT_DICT_FRAMES_MAX, sizeof *dict->frames);
    if (dict->frames != NULL)
        return dict;
    free(dict);
    return NULL;
}

void ht_dict_close(struct ht_dict *dict)
{
    if (dict == NULL)
        return;
    ht_store_reset(&dict->strings);
    ht_store_reset(&dict->stacks);
    free(dict->frames);
    free(dict->ring);
    free(dict);
}

enum ht_status ht_dict_add_string(struct ht_dict *dict, const char *text, size_t length,
                                  uint32_t *id, struct ht_error *error)
{
    *id = 0;
    return length > 0 ? ht_store_add(&dict->strings, text, length, id, error) : HT_OK;
}

const char *ht_dict_string(const struct ht_dict *dict, uint32_t id, size_t *length)
{
    size_t size;
    const uint8_t *text = ht_store_get(&dict->strings, id, &size);
    if (length != NULL)
        *length = size;
    return text != NULL ? (const char *)text : "";
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
    uint8_t packed[STACK_BYTES_MAX + sizeof(uint64_t)];
    *id = 0;
    if (count > HT_DICT_FRAMES_MAX)
        count = HT_DICT_FRAMES_MAX;
    if (count == 0)
        return HT_OK;
    return ht_store_add(&dict->stacks, packed, pack_stack(frames, count, packed), id, error);
}

size_t ht_dict_stack_depth(const struct ht_dict *dict, uint32_t id)
{
    size_t size;
    const uint8_t *packed = ht_store_get(&dict->stacks, id, &size);
    return packed != NULL ? (size_t)packed[0] + 1 : 0;
}

const struct ht_frame *ht_dict_stack(const struct ht_dict *dict, uint32_t id, size_t *count)
{
    size_t size;
    const uint8_t *packed = ht_store_get(&dict->stacks, id, &size);
    *count = 0;
    if (packed == NULL)
        return NULL;
    *count = (size_t)packed[0] + 1;
    unpack_stack(packed + 1, *count, dict->frames);
    return dict->frames;
}

uint32_t ht_dict_stack_count(const struct ht_dict *dict)
{
    return dict->stacks.count;
}

void ht_dict_limit_stacks(struct ht_dict *dict, size_t bytes)
{
    if (bytes < dict->stacks.byte_limit)
        dict->stacks.byte_limit = bytes;
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
