// SPDX-License-Identifier: MIT
//
// Call stacks of one packet sequence. See the header.
#include "formats/perfetto_stacks.h"

#include "formats/limits.h"
#include "formats/picture_names.h"
#include "formats/picture_sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Modules that are none: string ids that the dictionary never gives.
enum { MODULE_UNKNOWN = 0 };
#define MODULE_NO_STACK (UINT32_MAX - 1)
#define MODULE_OTHER_STACKS UINT32_MAX

struct ht_perfetto_stacks {
    struct ht_perfetto_sink *sink;
    const struct ht_dict *dict;
    uint32_t sequence;
    bool is_begun;
    uint8_t *used; // owned: a bit for each stack of the dictionary that ht_perfetto_use_stack wrote
    uint32_t used_bytes;
    struct ht_picture_index frames;  // numbers by address and module
    struct ht_picture_index modules; // numbers by module

    // The packet in the making: what is new in one stack.
    Ht__Perfetto__InternedData data;
    uint64_t frame_ids[HT_DICT_FRAMES_MAX];
    Ht__Perfetto__Frame new_frames[HT_DICT_FRAMES_MAX];
    Ht__Perfetto__Frame *frame_pointers[HT_DICT_FRAMES_MAX];
    Ht__Perfetto__InternedString functions[HT_DICT_FRAMES_MAX];
    Ht__Perfetto__InternedString *function_pointers[HT_DICT_FRAMES_MAX];
    char names[HT_DICT_FRAMES_MAX][HT_PICTURE_NAME_SIZE];
    Ht__Perfetto__Mapping mappings[HT_DICT_FRAMES_MAX];
    Ht__Perfetto__Mapping *mapping_pointers[HT_DICT_FRAMES_MAX];
    uint64_t path_ids[HT_DICT_FRAMES_MAX];
    Ht__Perfetto__InternedString paths[HT_DICT_FRAMES_MAX];
    Ht__Perfetto__InternedString *path_pointers[HT_DICT_FRAMES_MAX];
};

struct ht_perfetto_stacks *ht_perfetto_stacks_open(struct ht_perfetto_sink *sink,
                                                   const struct ht_dict *dict)
{
    struct ht_perfetto_stacks *stacks = calloc(1, sizeof *stacks);
    if (stacks != NULL) {
        stacks->sink = sink;
        stacks->dict = dict;
    }
    return stacks;
}

void ht_perfetto_stacks_close(struct ht_perfetto_stacks *stacks)
{
    if (stacks == NULL)
        return;
    ht_picture_index_reset(&stacks->frames);
    ht_picture_index_reset(&stacks->modules);
    free(stacks->used);
    free(stacks);
}

static void forget(struct ht_perfetto_stacks *stacks)
{
    ht_picture_index_reset(&stacks->frames);
    ht_picture_index_reset(&stacks->modules);
    free(stacks->used);
    stacks->used = NULL;
    stacks->used_bytes = 0;
}

void ht_perfetto_stacks_begin(struct ht_perfetto_stacks *stacks)
{
    forget(stacks);
    stacks->sequence = ++stacks->sink->sequences;
    stacks->is_begun = false;
}

void ht_perfetto_stacks_join(struct ht_perfetto_stacks *stacks, uint32_t sequence)
{
    forget(stacks);
    stacks->sequence = sequence;
    stacks->is_begun = true;
}

Ht__Perfetto__TracePacket ht_perfetto_stacks_packet(struct ht_perfetto_stacks *stacks)
{
    Ht__Perfetto__TracePacket packet = HT__PERFETTO__TRACE_PACKET__INIT;
    packet.has_trusted_packet_sequence_id = true;
    packet.trusted_packet_sequence_id = stacks->sequence;
    packet.has_sequence_flags = true;
    packet.sequence_flags = HT_PERFETTO_STATE_NEEDED;
    if (!stacks->is_begun)
        packet.sequence_flags |= HT_PERFETTO_STATE_CLEARED;
    stacks->is_begun = true;
    return packet;
}

static Ht__Perfetto__InternedString text(uint64_t number, const char *value, size_t length)
{
    Ht__Perfetto__InternedString text = HT__PERFETTO__INTERNED_STRING__INIT;
    text.has_iid = true;
    text.iid = number;
    text.has_str = true;
    text.str.data = (uint8_t *)ht_perfetto_borrow(value);
    text.str.len = length;
    return text;
}

static const char *module_name(const struct ht_dict *dict, uint32_t module, size_t *length)
{
    const char *name = NULL;
    if (module == MODULE_UNKNOWN)
        name = "[unknown]";
    else if (module == MODULE_NO_STACK)
        name = "[no stack]";
    else if (module == MODULE_OTHER_STACKS)
        name = "[other stacks]";
    else
        return ht_dict_string(dict, module, length);
    *length = strlen(name);
    return name;
}

// The module's own name is the mapping's path, so that two modules never become one.
static uint64_t add_module(struct ht_perfetto_stacks *stacks, uint32_t module)
{
    struct ht_picture_index *index = &stacks->modules;
    uint32_t known = ht_picture_index_find(index, module, 0);
    if (known != HT_PICTURE_NONE)
        return known;
    uint32_t number = index->count + 1;
    size_t at = stacks->data.n_mappings++;
    size_t length;
    const char *path = module_name(stacks->dict, module, &length);
    Ht__Perfetto__Mapping *mapping = &stacks->mappings[at];
    ht__perfetto__mapping__init(mapping);
    mapping->has_iid = true;
    mapping->iid = number;
    mapping->n_path_string_ids = 1;
    mapping->path_string_ids = &stacks->path_ids[at];
    stacks->path_ids[at] = number;
    stacks->paths[at] = text(number, path, length);
    stacks->path_pointers[at] = &stacks->paths[at];
    stacks->mapping_pointers[at] = mapping;
    if (stacks->sink->status == HT_OK)
        stacks->sink->status = ht_picture_index_put(index, module, 0, number, stacks->sink->error);
    return number;
}

static void name_frame(const struct ht_dict *dict, const struct ht_frame *frame,
                       char name[HT_PICTURE_NAME_SIZE])
{
    size_t length;
    if (frame->module == MODULE_NO_STACK || frame->module == MODULE_OTHER_STACKS)
        snprintf(name, HT_PICTURE_NAME_SIZE, "%s", module_name(dict, frame->module, &length));
    else
        ht_picture_frame_name(dict, frame, name);
}

static uint64_t add_frame(struct ht_perfetto_stacks *stacks, const struct ht_frame *frame)
{
    struct ht_picture_index *index = &stacks->frames;
    uint32_t known = ht_picture_index_find(index, frame->address, frame->module);
    if (known != HT_PICTURE_NONE)
        return known;
    uint32_t number = index->count + 1;
    size_t at = stacks->data.n_frames++;
    Ht__Perfetto__Frame *added = &stacks->new_frames[at];
    ht__perfetto__frame__init(added);
    added->has_iid = true;
    added->iid = number;
    added->has_function_name_id = true;
    added->function_name_id = number;
    added->has_mapping_id = true;
    added->mapping_id = add_module(stacks, frame->module);
    added->has_rel_pc = true;
    added->rel_pc = frame->address;
    name_frame(stacks->dict, frame, stacks->names[at]);
    stacks->functions[at] = text(number, stacks->names[at], strlen(stacks->names[at]));
    stacks->function_pointers[at] = &stacks->functions[at];
    stacks->frame_pointers[at] = added;
    if (stacks->sink->status == HT_OK)
        stacks->sink->status =
            ht_picture_index_put(index, frame->address, frame->module, number, stacks->sink->error);
    return number;
}

void ht_perfetto_put_stack(struct ht_perfetto_stacks *stacks, uint32_t stack, uint64_t number)
{
    size_t count;
    const struct ht_frame *frames = ht_dict_stack(stacks->dict, stack, &count);
    Ht__Perfetto__InternedData *data = &stacks->data;
    Ht__Perfetto__Callstack callstack = HT__PERFETTO__CALLSTACK__INIT;
    Ht__Perfetto__Callstack *callstacks[1] = {&callstack};
    ht__perfetto__interned_data__init(data);
    for (size_t i = 0; i < count; i++) // outermost first
        stacks->frame_ids[i] = add_frame(stacks, &frames[count - 1 - i]);
    if (count == 0) { // the importer drops what has no frame
        struct ht_frame frame = {.module = stack == 0 ? MODULE_NO_STACK : MODULE_OTHER_STACKS};
        stacks->frame_ids[count++] = add_frame(stacks, &frame);
    }
    callstack.has_iid = true;
    callstack.iid = number;
    callstack.n_frame_ids = count;
    callstack.frame_ids = stacks->frame_ids;
    data->n_callstacks = 1;
    data->callstacks = callstacks;
    data->frames = stacks->frame_pointers;
    data->n_function_names = data->n_frames;
    data->function_names = stacks->function_pointers;
    data->mappings = stacks->mapping_pointers;
    data->n_mapping_paths = data->n_mappings;
    data->mapping_paths = stacks->path_pointers;
    Ht__Perfetto__TracePacket packet = ht_perfetto_stacks_packet(stacks);
    packet.interned_data = data;
    ht_perfetto_put(stacks->sink, &packet);
}

// Makes room for the bit of a stack.
static void reserve_bit(struct ht_perfetto_stacks *stacks, uint32_t stack)
{
    uint32_t bytes = stacks->used_bytes > 0 ? stacks->used_bytes : 1024;
    while (bytes <= stack / 8)
        bytes *= 2;
    if (bytes == stacks->used_bytes || stacks->sink->status != HT_OK)
        return;
    uint8_t *used = realloc(stacks->used, bytes);
    if (used == NULL) {
        stacks->sink->status = ht_fail_memory(stacks->sink->error, "the stacks in use");
        return;
    }
    memset(used + stacks->used_bytes, 0, bytes - stacks->used_bytes);
    stacks->used = used;
    stacks->used_bytes = bytes;
}

uint64_t ht_perfetto_use_stack(struct ht_perfetto_stacks *stacks, uint32_t stack)
{
    if (ht_dict_stack_depth(stacks->dict, stack) == 0)
        return 0;
    reserve_bit(stacks, stack);
    if (stacks->sink->status != HT_OK)
        return 0;
    uint8_t bit = (uint8_t)(1u << stack % 8);
    if ((stacks->used[stack / 8] & bit) == 0)
        ht_perfetto_put_stack(stacks, stack, stack);
    stacks->used[stack / 8] |= bit;
    return stack;
}
