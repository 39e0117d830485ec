// SPDX-License-Identifier: MIT
//
// The event: one thing that happened to a heap, as a fixed-size value without pointers. Every
// reader makes these and every writer takes them. Field meanings follow the heap provider's
// events (docs/formats/etl.md, section 6).
#ifndef HT_FORMATS_EVENT_H
#define HT_FORMATS_EVENT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

// What happened. The order is part of the compact format: append, never reorder.
enum ht_kind {
    HT_KIND_NONE = 0,
    HT_KIND_ALLOC,                   // opcode 0x21
    HT_KIND_REALLOC,                 // 0x22; in place when old_address == address
    HT_KIND_FREE,                    // 0x24
    HT_KIND_CREATE,                  // 0x20
    HT_KIND_DESTROY,                 // 0x23; ends every block of the heap
    HT_KIND_EXTEND,                  // 0x25
    HT_KIND_SNAPSHOT,                // 0x26
    HT_KIND_CREATE_SNAPSHOT,         // 0x27
    HT_KIND_DESTROY_SNAPSHOT,        // 0x28
    HT_KIND_EXTEND_SNAPSHOT,         // 0x29
    HT_KIND_CONTRACT,                // 0x2A
    HT_KIND_LOCK,                    // 0x2B
    HT_KIND_UNLOCK,                  // 0x2C
    HT_KIND_VALIDATE,                // 0x2D
    HT_KIND_WALK,                    // 0x2E
    HT_KIND_SUBSEGMENT_ALLOC,        // 0x2F
    HT_KIND_SUBSEGMENT_FREE,         // 0x30
    HT_KIND_SUBSEGMENT_ALLOC_CACHED, // 0x31
    HT_KIND_SUBSEGMENT_FREE_CACHED,  // 0x32
    HT_KIND_COMMIT,                  // 0x33
    HT_KIND_DECOMMIT,                // 0x34
    HT_KIND_SUBSEGMENT_INIT,         // 0x35
    HT_KIND_AFFINITY_ENABLE,         // 0x36
    HT_KIND_RESERVED,                // 0x37
    HT_KIND_SUBSEGMENT_ACTIVATED,    // 0x38
    HT_KIND_AFFINITY_ASSIGN,         // 0x39
    HT_KIND_REUSE_THRESHOLD,         // 0x3A
    HT_KIND_RANGE_RUNDOWN,           // hook 0x0264
    HT_KIND_RANGE_CREATE,            // hook 0x0265
    HT_KIND_RANGE_RESERVE,           // hook 0x0266
    HT_KIND_RANGE_RELEASE,           // hook 0x0267
    HT_KIND_RANGE_DESTROY,           // hook 0x0268
    HT_KIND_COUNT,
};

enum ht_flag {
    HT_FLAG_POINTER32 = 1, // the record came from 32-bit code
    HT_FLAG_FOLDED = 2,    // a moved realloc that stands for its alloc, free and realloc records
};

struct ht_event {
    int64_t time_ns;      // since the log header's own stamp, rounded toward zero; may be negative
    uint32_t pid;         // 0xFFFFFFFF when unknown
    uint32_t tid;         // 0xFFFFFFFF when unknown
    uint64_t heap;        // heap handle
    uint64_t address;     // of the block, or of the range the event speaks of; 0: failed or none
    uint64_t size;        // requested bytes of an alloc or realloc, else see ht_kind_fields()
    uint64_t old_address; // realloc only
    union {
        uint64_t old_size; // realloc only
        uint64_t detail;   // every other kind: id in the dictionary of its further fields, or 0
    };
    uint32_t stack_source; // stack id in the low 24 bits, source above: use the functions below
    uint16_t cpu;
    uint8_t kind;  // enum ht_kind
    uint8_t flags; // enum ht_flag
};
static_assert(sizeof(struct ht_event) == 64, "an event is one cache line");

// Dictionary id of the call stack; 0 when there is none.
static inline uint32_t ht_event_stack(const struct ht_event *event)
{
    return event->stack_source & 0xFFFFFFu;
}

// The record's Source (which part of the heap served the block), or Caller for commit and
// decommit; 0 when there is none. A Source over 255 is kept as 255.
static inline uint8_t ht_event_source(const struct ht_event *event)
{
    return (uint8_t)(event->stack_source >> 24);
}

static inline void ht_event_set_stack(struct ht_event *event, uint32_t stack)
{
    event->stack_source = (event->stack_source & 0xFF000000u) | (stack & 0xFFFFFFu);
}

static inline void ht_event_set_source(struct ht_event *event, uint32_t source)
{
    uint32_t kept = source > 255 ? 255 : source;
    event->stack_source = (event->stack_source & 0xFFFFFFu) | kept << 24;
}

// True when a realloc left its block where it was.
static inline bool ht_event_is_in_place(const struct ht_event *event)
{
    return event->address == event->old_address;
}

// Which of the optional columns a kind has. heap, pid, tid, cpu and time_ns are always there.
enum ht_field {
    HT_FIELD_ADDRESS = 1,
    HT_FIELD_SIZE = 2,
    HT_FIELD_OLD = 4, // old_address and old_size
    HT_FIELD_SOURCE = 8,
};
unsigned ht_kind_fields(enum ht_kind kind);

// The kind's name in TSV, JSON and messages, lower case; "?" for a number that is no kind.
const char *ht_kind_name(enum ht_kind kind);

// The kind of that name, or HT_KIND_NONE. `length` bytes, need not end in NUL.
enum ht_kind ht_kind_by_name(const char *name, uint32_t length);

// Name of the i-th value of this kind's detail (see formats/dict.h), NULL past the last that has
// a name. A range rundown repeats its last two names for every range.
const char *ht_kind_detail_name(enum ht_kind kind, uint32_t index);

#endif
