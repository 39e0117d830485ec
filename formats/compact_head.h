// SPDX-License-Identifier: MIT
//
// The head of a block of a .htape file: its tables, its units, and where each column is. That all
// of them fit together, as docs/formats/htape.md, section 4, says, is known when it has been taken;
// what the columns' values name, is not. No input or output.
#ifndef HT_FORMATS_COMPACT_HEAD_H
#define HT_FORMATS_COMPACT_HEAD_H

#include "formats/compact_column.h"
#include "formats/error.h"
#include "formats/limits.h"

#include <stdbool.h>

struct ht_head_shape {
    uint64_t lanes; // one in the byte of each field that it has
    uint32_t fields;
    uint8_t kind;
    uint8_t flags;
    uint8_t source;
    bool has_pool; // its events need one
};

struct ht_head_thread {
    uint32_t pid;
    uint32_t tid;
    uint32_t last_cpu; // for who goes through the events, as is the next
    bool is_used;
};

struct ht_head_column {
    const uint8_t *at; // the next value
    size_t size;       // in bytes
    size_t count;      // of values; 0 for a column that is not there
};

// Zero it; then it may take one block after the other. At most about 6 MB.
struct ht_head {
    uint32_t event_count; // 0 without a block
    unsigned fields;      // that any shape has
    bool has_unknown_kind;
    uint64_t start_ns;
    uint64_t time_unit_ns;
    uint64_t address_unit;
    const uint8_t *end; // of the message
    struct ht_head_column columns[HT_BLOCK_FIELD_LIMIT];
    size_t shape_count, thread_count, heap_count;
    uint32_t room;               // in each of what follows
    struct ht_head_shape *shape; // owned, as the next two
    struct ht_head_thread *thread;
    uint64_t *heap;
};

// Takes the head of a packed message ht.Block, whose bytes are borrowed as long as its columns are
// read. HT_FORMAT when its columns do not fit together, HT_MEMORY; then it has no events.
enum ht_status ht_head_take(struct ht_head *head, const uint8_t *data, size_t size,
                            struct ht_error *error);
void ht_head_free(struct ht_head *head);

static inline size_t ht_head_count(const struct ht_head *head, enum ht_block_field field)
{
    return head->columns[field].count;
}

// The next number of a column that has one.
static inline uint64_t ht_head_number(struct ht_head *head, enum ht_block_field field)
{
    return ht_varint_take(&head->columns[field].at);
}

static inline uint64_t ht_head_signed(struct ht_head *head, enum ht_block_field field)
{
    return ht_unzigzag(ht_head_number(head, field));
}

#endif
