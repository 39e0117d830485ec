// SPDX-License-Identifier: MIT
//
// The dictionary that every reader and writer of one trace shares: strings, call stacks, and the
// further fields of rare events, each by a small number. Number 0 always means "none".
//
// Strings and stacks are kept once, forever, under the caps in formats/limits.h. Details (the
// fields of rare events that struct ht_event has no room for) are kept in a ring: only the newest
// HT_DICT_DETAIL_RING_VALUES values are there, so that memory does not grow with the file. Whoever
// needs a detail takes it when the event passes.
#ifndef HT_FORMATS_DICT_H
#define HT_FORMATS_DICT_H

#include "formats/error.h"

#include <stddef.h>
#include <stdint.h>

struct ht_dict;

// A frame of a call stack: an address, or module and offset where the module is known.
struct ht_frame {
    uint64_t address; // return address; with a module the offset (RVA) in it
    uint32_t module;  // string id of the module's path or name, 0 when unknown
};

// NULL when there is no memory. Close accepts NULL.
struct ht_dict *ht_dict_open(void);
void ht_dict_close(struct ht_dict *dict);

// Puts the id of this UTF-8 text into *id, the same id for the same text. HT_LIMIT at the caps,
// HT_MEMORY; *id is then 0. The empty text is 0.
enum ht_status ht_dict_add_string(struct ht_dict *dict, const char *text, size_t length,
                                  uint32_t *id, struct ht_error *error);

// The text of an id, NUL-terminated, valid until the dictionary closes; "" for 0 or no such id.
const char *ht_dict_string(const struct ht_dict *dict, uint32_t id, size_t *length);

// The name of a frame's module for people: what is behind the last backslash of its path.
const char *ht_dict_module_name(const struct ht_dict *dict, uint32_t id, size_t *length);

// Ids in use are 1 to count; a writer emits those added since it last looked.
uint32_t ht_dict_string_count(const struct ht_dict *dict);

// The same for stacks, innermost frame first, 1 to HT_DICT_FRAMES_MAX frames (the outermost past
// that are dropped). A stack is valid until the next call of ht_dict_stack; NULL and 0 when it is
// none.
enum ht_status ht_dict_add_stack(struct ht_dict *dict, const struct ht_frame *frames, size_t count,
                                 uint32_t *id, struct ht_error *error);
const struct ht_frame *ht_dict_stack(const struct ht_dict *dict, uint32_t id, size_t *count);

// The frames of a stack, counted only; 0 when it is none.
size_t ht_dict_stack_depth(const struct ht_dict *dict, uint32_t id);
uint32_t ht_dict_stack_count(const struct ht_dict *dict);

// Lowers the cap on the bytes of all stacks, as they are packed.
void ht_dict_limit_stacks(struct ht_dict *dict, size_t bytes);

// Keeps the values of one rare event's further fields, in the order of ht_kind_detail_name().
// At most HT_DICT_DETAIL_VALUES_MAX are kept. 0 only when there is no memory for the ring.
uint64_t ht_dict_add_detail(struct ht_dict *dict, const uint64_t *values, size_t count);

// The values of a detail, valid until the next call of this function; NULL and 0 when it is none
// or has left the ring.
const uint64_t *ht_dict_detail(struct ht_dict *dict, uint64_t id, size_t *count);

#endif
