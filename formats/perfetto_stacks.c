// SPDX-License-Identifier: MIT
//
// Call stacks of a .pftrace. See the header. The stacks of profiles are looked up in the dictionary
// once, and kept as the numbers of their frames: each is told up to four times. Their number and
// that of their frames are bounded by the picture's sites.
#include "formats/perfetto_stacks.h"

#include "formats/limits.h"
#include "formats/packet.h"
#include "formats/picture_names.h"
#include "formats/picture_sites.h"

#include <stdlib.h>
#include <string.h>

// Modules that are none: string ids that the dictionary never gives.
enum { MODULE_UNKNOWN = 0 };
#define MODULE_NO_STACK (UINT32_MAX - 1)
#define MODULE_OTHER_STACKS UINT32_MAX

// Fields of TracePacket, InternedData and what is in that, see perfetto.proto.
enum {
    PACKET_INTERNED_DATA = 12,
    ANY_IID = 1,
    STRING_STR = 2,
    FRAME_FUNCTION_NAME_ID = 2,
    FRAME_MAPPING_ID = 3,
    FRAME_REL_PC = 4,
    CALLSTACK_FRAME_IDS = 2,
    MAPPING_PATH_STRING_IDS = 7,
};

// What is told, in the order of the fields of InternedData.
enum sort { FUNCTION_NAMES, FRAMES, CALLSTACKS, MAPPING_PATHS, MAPPINGS, SORTS };

static const uint32_t sort_fields[SORTS] = {
    [FUNCTION_NAMES] = 5, [FRAMES] = 6, [CALLSTACKS] = 7, [MAPPING_PATHS] = 17, [MAPPINGS] = 19,
};

enum {
    FIRST_CAPACITY = 64,
    TOLD_BYTES = 32 << 10,    // that are held before they are written
    TOLD_BYTES_MAX = 4 << 20, // with what one frame adds: the path of a module is of any length
    SMALL_BYTES_MAX = 64,     // of a frame or a mapping, and of a text without its bytes
    CALLSTACK_BYTES_MAX = 16 + HT_DICT_FRAMES_MAX * 6,
    NAMES = 64, // base names of modules that are kept at hand
};

struct frame {
    uint64_t address;
    uint32_t module; // by number
    uint32_t told;   // the sequence that was told of it last
};

struct module {
    uint32_t name; // string id
    uint32_t told;
};

// A stack of profiles.
struct stack {
    uint32_t first; // of its frames in `path`
    uint32_t count;
    uint32_t told;
};

struct base_name {
    uint32_t module; // by number; 0: none
    uint32_t length;
    char text[HT_PICTURE_NAME_SIZE];
};

struct ht_perfetto_stacks {
    struct ht_perfetto_sink *sink;
    const struct ht_dict *dict;
    uint32_t sequence;
    bool is_begun;
    struct ht_buffer told[SORTS]; // fields that are not written yet, of each sort
    size_t told_bytes;            // of them all
    struct ht_perfetto_extent extent;
    struct ht_picture_index frame_index;  // by address and the module's string id
    struct ht_picture_index module_index; // by string id
    struct ht_picture_index stack_index;  // by stack id, of profiles
    struct frame *frames;                 // by number - 1, as all of these; owned
    struct module *modules;
    struct stack *stacks;
    uint32_t *path; // frames by number, of one stack behind another
    uint32_t frame_capacity;
    uint32_t module_capacity;
    uint32_t stack_capacity;
    uint32_t path_capacity;
    uint32_t path_count;
    uint8_t *used; // owned: a bit for each stack of the dictionary that events use
    uint32_t used_bytes;
    struct base_name names[NAMES]; // by the lower bits of the module's number
};

struct ht_perfetto_stacks *ht_perfetto_stacks_open(struct ht_perfetto_sink *sink,
                                                   const struct ht_dict *dict)
{
    struct ht_perfetto_stacks *stacks = calloc(1, sizeof *stacks);
    if (stacks != NULL) {
        stacks->sink = sink;
        stacks->dict = dict;
        stacks->sequence = HT_PERFETTO_TRACKS;
        stacks->is_begun = true;
        for (enum sort sort = 0; sort < SORTS; sort++)
            stacks->told[sort] = ht_buffer_with_limit(TOLD_BYTES_MAX);
    }
    return stacks;
}

void ht_perfetto_stacks_close(struct ht_perfetto_stacks *stacks)
{
    if (stacks == NULL)
        return;
    for (enum sort sort = 0; sort < SORTS; sort++)
        ht_buffer_reset(&stacks->told[sort]);
    ht_picture_index_reset(&stacks->frame_index);
    ht_picture_index_reset(&stacks->module_index);
    ht_picture_index_reset(&stacks->stack_index);
    free(stacks->frames);
    free(stacks->modules);
    free(stacks->stacks);
    free(stacks->path);
    free(stacks->used);
    free(stacks);
}

static bool has_failed(const struct ht_perfetto_stacks *stacks)
{
    return stacks->sink->status != HT_OK;
}

// An array of `count` items with room for `more`: the same one after a failure.
static void *grown(struct ht_perfetto_stacks *stacks, void *items, size_t size, uint32_t count,
                   uint32_t more, uint32_t *capacity)
{
    uint32_t wanted = *capacity > 0 ? *capacity : FIRST_CAPACITY;
    while (wanted < (uint64_t)count + more)
        wanted *= 2;
    if (wanted == *capacity || has_failed(stacks))
        return items;
    void *larger = realloc(items, wanted * size);
    if (larger == NULL) {
        stacks->sink->status = ht_fail_memory(stacks->sink->error, "the call stacks");
        return items;
    }
    *capacity = wanted;
    return larger;
}

static const char *module_path(const struct ht_dict *dict, uint32_t module, size_t *length)
{
    const char *path = NULL;
    if (module == MODULE_UNKNOWN)
        path = "[unknown]";
    else if (module == MODULE_NO_STACK)
        path = "[no stack]";
    else if (module == MODULE_OTHER_STACKS)
        path = "[other stacks]";
    else
        return ht_dict_string(dict, module, length);
    *length = strlen(path);
    return path;
}

// The number of a module, or 0 after a failure.
static uint32_t number_module(struct ht_perfetto_stacks *stacks, uint32_t name)
{
    struct ht_picture_index *index = &stacks->module_index;
    uint32_t known = ht_picture_index_find(index, name, 0);
    if (known != HT_PICTURE_NONE)
        return known;
    stacks->modules = grown(stacks, stacks->modules, sizeof *stacks->modules, index->count, 1,
                            &stacks->module_capacity);
    if (has_failed(stacks))
        return 0;
    uint32_t number = index->count + 1;
    stacks->modules[number - 1] = (struct module){.name = name};
    stacks->sink->status = ht_picture_index_put(index, name, 0, number, stacks->sink->error);
    return has_failed(stacks) ? 0 : number;
}

// What a frame takes at most: its name, and the module's twice, of three bytes for each of the
// dictionary's that is no UTF-8.
static uint64_t frame_bytes(const struct ht_dict *dict, uint32_t module)
{
    enum { FRAME_BYTES = 160, BYTES_OF_ONE = 3 };
    size_t length;
    ht_dict_string(dict, module, &length);
    return FRAME_BYTES + (uint64_t)length * (BYTES_OF_ONE + 1);
}

// The number of a frame, or 0 after a failure.
static uint32_t number_frame(struct ht_perfetto_stacks *stacks, const struct ht_frame *frame)
{
    struct ht_picture_index *index = &stacks->frame_index;
    uint32_t known = ht_picture_index_find(index, frame->address, frame->module);
    if (known != HT_PICTURE_NONE)
        return known;
    uint32_t module = number_module(stacks, frame->module);
    stacks->frames = grown(stacks, stacks->frames, sizeof *stacks->frames, index->count, 1,
                           &stacks->frame_capacity);
    if (has_failed(stacks))
        return 0;
    uint32_t number = index->count + 1;
    stacks->frames[number - 1] = (struct frame){.address = frame->address, .module = module};
    stacks->extent.frame_bytes += frame_bytes(stacks->dict, frame->module);
    stacks->sink->status =
        ht_picture_index_put(index, frame->address, frame->module, number, stacks->sink->error);
    return has_failed(stacks) ? 0 : number;
}

// Numbers the frames of a stack, outermost first. Returns how many: the importer drops a stack that
// has none.
static uint32_t number_frames(struct ht_perfetto_stacks *stacks, uint32_t stack,
                              uint32_t numbers[HT_DICT_FRAMES_MAX])
{
    size_t count;
    const struct ht_frame *frames = ht_dict_stack(stacks->dict, stack, &count);
    for (size_t i = 0; i < count && !has_failed(stacks); i++)
        numbers[i] = number_frame(stacks, &frames[count - 1 - i]);
    if (count == 0) {
        struct ht_frame none = {.module = stack == 0 ? MODULE_NO_STACK : MODULE_OTHER_STACKS};
        numbers[count++] = number_frame(stacks, &none);
    }
    return (uint32_t)count;
}

static uint64_t stack_bytes(size_t frame_count)
{
    enum { STACK_BYTES = 64, FRAME_ID_BYTES = 6 };
    return STACK_BYTES + (uint64_t)frame_count * FRAME_ID_BYTES;
}

// Keeps a stack of profiles, new, by its frames.
static void keep_stack(struct ht_perfetto_stacks *stacks, const uint32_t *frames, uint32_t count)
{
    stacks->path = grown(stacks, stacks->path, sizeof *stacks->path, stacks->path_count, count,
                         &stacks->path_capacity);
    stacks->stacks = grown(stacks, stacks->stacks, sizeof *stacks->stacks,
                           stacks->stack_index.count, 1, &stacks->stack_capacity);
    if (has_failed(stacks))
        return;
    stacks->stacks[stacks->stack_index.count] =
        (struct stack){.first = stacks->path_count, .count = count};
    memcpy(&stacks->path[stacks->path_count], frames, count * sizeof *frames);
    stacks->path_count += count;
    stacks->extent.stack_bytes += stack_bytes(count);
}

uint32_t ht_perfetto_profile_stack(struct ht_perfetto_stacks *stacks, uint32_t stack)
{
    uint32_t frames[HT_DICT_FRAMES_MAX];
    struct ht_picture_index *index = &stacks->stack_index;
    uint32_t known = ht_picture_index_find(index, stack, 0);
    if (known != HT_PICTURE_NONE)
        return known;
    uint32_t count = number_frames(stacks, stack, frames);
    if (!has_failed(stacks))
        keep_stack(stacks, frames, count);
    uint32_t number = index->count + 1;
    if (!has_failed(stacks))
        stacks->sink->status = ht_picture_index_put(index, stack, 0, number, stacks->sink->error);
    return has_failed(stacks) ? 0 : number;
}

uint32_t ht_perfetto_profile_stack_count(const struct ht_perfetto_stacks *stacks)
{
    return stacks->stack_index.count;
}

struct ht_perfetto_extent ht_perfetto_stacks_extent(const struct ht_perfetto_stacks *stacks)
{
    return stacks->extent;
}

uint64_t ht_perfetto_expect_stack(struct ht_perfetto_stacks *stacks, uint32_t stack)
{
    uint32_t frames[HT_DICT_FRAMES_MAX];
    size_t depth = ht_dict_stack_depth(stacks->dict, stack);
    bool is_known = ht_picture_index_find(&stacks->stack_index, stack, 0) != HT_PICTURE_NONE;
    if (depth > 0 && !is_known)
        number_frames(stacks, stack, frames);
    return depth > 0 ? stack_bytes(depth) : 0;
}

// What the next packet begins with, whatever is told by then.
static struct ht_perfetto_head next_head(struct ht_perfetto_stacks *stacks)
{
    struct ht_perfetto_head head = {.sequence = stacks->sequence,
                                    .flags = HT_PERFETTO_STATE_NEEDED};
    if (!stacks->is_begun)
        head.flags |= HT_PERFETTO_STATE_CLEARED;
    stacks->is_begun = true;
    return head;
}

static void write_told(struct ht_perfetto_stacks *stacks)
{
    struct ht_perfetto_piece pieces[SORTS];
    size_t count = 0;
    if (stacks->told_bytes == 0)
        return;
    struct ht_perfetto_head head = next_head(stacks);
    for (enum sort sort = 0; sort < SORTS; sort++) {
        struct ht_buffer *told = &stacks->told[sort];
        if (told->size > 0)
            pieces[count++] = (struct ht_perfetto_piece){told->data, told->size};
        told->size = 0;
    }
    ht_perfetto_put_field(stacks->sink, &head, PACKET_INTERNED_DATA, pieces, count);
    stacks->told_bytes = 0;
}

// Room for what is told next, or NULL after a failure.
static uint8_t *reserve_told(struct ht_perfetto_stacks *stacks, enum sort sort, size_t size)
{
    struct ht_buffer *told = &stacks->told[sort];
    if (told->capacity - told->size < size && !has_failed(stacks))
        stacks->sink->status = ht_buffer_reserve(told, size, stacks->sink->error);
    return has_failed(stacks) ? NULL : told->data + told->size;
}

// What is told of later refers to what was told before: so it may be written at any time.
static void note_told(struct ht_perfetto_stacks *stacks, enum sort sort, const uint8_t *end)
{
    struct ht_buffer *told = &stacks->told[sort];
    size_t size = (size_t)(end - told->data);
    stacks->told_bytes += size - told->size;
    told->size = size;
    if (stacks->told_bytes >= TOLD_BYTES)
        write_told(stacks);
}

// Tells of what is packed in two places, the second of which may be none.
static void tell_bytes(struct ht_perfetto_stacks *stacks, enum sort sort, const uint8_t *head,
                       const uint8_t *head_end, const void *bytes, size_t size)
{
    size_t head_size = (size_t)(head_end - head);
    uint8_t *at = reserve_told(stacks, sort, head_size + size + SMALL_BYTES_MAX);
    if (at == NULL)
        return;
    at = ht_field_put_head(at, sort_fields[sort], head_size + size);
    memcpy(at, head, head_size);
    if (size > 0)
        memcpy(at + head_size, bytes, size);
    note_told(stacks, sort, at + head_size + size);
}

static void tell_text(struct ht_perfetto_stacks *stacks, enum sort sort, uint32_t number,
                      const char *text, size_t length)
{
    uint8_t head[SMALL_BYTES_MAX];
    uint8_t *end = ht_field_put_number(head, ANY_IID, number);
    end = ht_field_put_head(end, STRING_STR, length);
    tell_bytes(stacks, sort, head, end, text, length);
}

// The module's own name is the mapping's path, so that two modules never become one.
static void tell_module(struct ht_perfetto_stacks *stacks, uint32_t number)
{
    uint8_t mapping[SMALL_BYTES_MAX];
    struct module *module = &stacks->modules[number - 1];
    size_t length;
    if (module->told == stacks->sequence)
        return;
    module->told = stacks->sequence;
    const char *path = module_path(stacks->dict, module->name, &length);
    tell_text(stacks, MAPPING_PATHS, number, path, length);
    uint8_t *end = ht_field_put_number(mapping, ANY_IID, number);
    end = ht_field_put_number(end, MAPPING_PATH_STRING_IDS, number);
    tell_bytes(stacks, MAPPINGS, mapping, end, NULL, 0);
}

static bool is_none(uint32_t module)
{
    return module == MODULE_NO_STACK || module == MODULE_OTHER_STACKS;
}

static const struct base_name *find_base_name(struct ht_perfetto_stacks *stacks, uint32_t number)
{
    struct base_name *name = &stacks->names[number % NAMES];
    if (name->module != number) {
        ht_picture_base_name(stacks->dict, stacks->modules[number - 1].name, name->text);
        name->module = number;
        name->length = (uint32_t)strlen(name->text);
    }
    return name;
}

static void tell_frame_name(struct ht_perfetto_stacks *stacks, uint32_t number)
{
    const struct frame *frame = &stacks->frames[number - 1];
    uint32_t module = stacks->modules[frame->module - 1].name;
    size_t length;
    if (is_none(module)) {
        const char *none = module_path(stacks->dict, module, &length);
        tell_text(stacks, FUNCTION_NAMES, number, none, length);
        return;
    }
    char text[HT_PICTURE_NAME_SIZE];
    const struct base_name *base = find_base_name(stacks, frame->module);
    memcpy(text, base->text, base->length + 1);
    length = ht_picture_add_offset(text, base->length, frame->address);
    tell_text(stacks, FUNCTION_NAMES, number, text, length);
}

static void tell_frame(struct ht_perfetto_stacks *stacks, uint32_t number)
{
    uint8_t packed[SMALL_BYTES_MAX];
    struct frame *frame = &stacks->frames[number - 1];
    frame->told = stacks->sequence;
    tell_module(stacks, frame->module);
    tell_frame_name(stacks, number);
    uint8_t *end = ht_field_put_number(packed, ANY_IID, number);
    end = ht_field_put_number(end, FRAME_FUNCTION_NAME_ID, number);
    end = ht_field_put_number(end, FRAME_MAPPING_ID, frame->module);
    end = ht_field_put_number(end, FRAME_REL_PC, frame->address);
    tell_bytes(stacks, FRAMES, packed, end, NULL, 0);
}

// Tells of a call stack under a number, and first of its frames.
static void tell_callstack(struct ht_perfetto_stacks *stacks, uint32_t number,
                           const uint32_t *frames, uint32_t count)
{
    uint8_t packed[CALLSTACK_BYTES_MAX];
    for (uint32_t i = 0; i < count; i++) {
        if (stacks->frames[frames[i] - 1].told != stacks->sequence)
            tell_frame(stacks, frames[i]);
    }
    uint8_t *end = ht_field_put_number(packed, ANY_IID, number);
    for (uint32_t i = 0; i < count; i++)
        end = ht_field_put_number(end, CALLSTACK_FRAME_IDS, frames[i]);
    tell_bytes(stacks, CALLSTACKS, packed, end, NULL, 0);
}

void ht_perfetto_begin_profile(struct ht_perfetto_stacks *stacks)
{
    stacks->sequence = ++stacks->sink->sequences;
    stacks->is_begun = false;
}

void ht_perfetto_tell_stack(struct ht_perfetto_stacks *stacks, uint32_t number)
{
    struct stack *stack = &stacks->stacks[number - 1];
    if (stack->told == stacks->sequence)
        return;
    stack->told = stacks->sequence;
    tell_callstack(stacks, number, &stacks->path[stack->first], stack->count);
}

struct ht_perfetto_head ht_perfetto_stacks_head(struct ht_perfetto_stacks *stacks)
{
    write_told(stacks);
    return next_head(stacks);
}

// Makes room for the bit of a stack.
static void reserve_bit(struct ht_perfetto_stacks *stacks, uint32_t stack)
{
    uint32_t before = stacks->used_bytes;
    stacks->used =
        grown(stacks, stacks->used, sizeof *stacks->used, stack / 8, 1, &stacks->used_bytes);
    if (stacks->used_bytes > before)
        memset(stacks->used + before, 0, stacks->used_bytes - before);
}

// Tells of a stack of the dictionary under its own number.
static void tell_used(struct ht_perfetto_stacks *stacks, uint32_t stack)
{
    uint32_t frames[HT_DICT_FRAMES_MAX];
    uint32_t kept = ht_picture_index_find(&stacks->stack_index, stack, 0);
    if (kept != HT_PICTURE_NONE) {
        const struct stack *known = &stacks->stacks[kept - 1];
        tell_callstack(stacks, stack, &stacks->path[known->first], known->count);
        return;
    }
    uint32_t count = number_frames(stacks, stack, frames);
    if (!has_failed(stacks))
        tell_callstack(stacks, stack, frames, count);
}

uint64_t ht_perfetto_use_stack(struct ht_perfetto_stacks *stacks, uint32_t stack)
{
    uint8_t bit = (uint8_t)(1u << stack % 8);
    if (stack / 8 < stacks->used_bytes && (stacks->used[stack / 8] & bit) != 0)
        return stack;
    if (ht_dict_stack_depth(stacks->dict, stack) == 0)
        return 0;
    reserve_bit(stacks, stack);
    if (has_failed(stacks))
        return 0;
    stacks->used[stack / 8] |= bit;
    tell_used(stacks, stack);
    write_told(stacks);
    return has_failed(stacks) ? 0 : stack;
}
