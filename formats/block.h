// SPDX-License-Identifier: MIT
//
// What an event does to the live blocks of the recorded heaps: the result of numbering
// (convert/number.h), which writers and the replay plan take.
#ifndef HT_FORMATS_BLOCK_H
#define HT_FORMATS_BLOCK_H

#include <stddef.h>
#include <stdint.h>

// A live block as numbering keeps it. Behind each is room for a note of whoever takes the changes:
// when a block begins nothing is there yet, when it ends it is there once more.
struct ht_block {
    uint64_t address;
    uint64_t size;
    uint32_t heap;  // index, HT_BLOCK_NONE where no block has this number
    uint32_t birth; // private to numbering
};

#define HT_BLOCK_NONE UINT32_MAX

// All of them, by number.
struct ht_blocks {
    unsigned char *at;
    size_t stride;
    uint32_t limit; // numbers given so far are below this
};

static inline struct ht_block *ht_block_at(const struct ht_blocks *blocks, uint32_t number)
{
    return (void *)(blocks->at + number * blocks->stride);
}

static inline void *ht_block_note(struct ht_block *block)
{
    return block + 1;
}

enum ht_change_kind {
    HT_CHANGE_BEGIN,  // a block begins to live
    HT_CHANGE_RESIZE, // a live block changes size, and address when it moved; its number stays
    HT_CHANGE_END,    // a block ends
};

// Why, where it is not simply what the event says.
enum ht_change_cause {
    HT_CAUSE_EVENT,     // the event's own effect
    HT_CAUSE_ADOPTED,   // BEGIN: a realloc named a block unknown until then
    HT_CAUSE_REPLACED,  // END: another block was made over it; its free was lost
    HT_CAUSE_DESTROYED, // END: its heap was destroyed
};

struct ht_change {
    uint8_t kind;   // enum ht_change_kind
    uint8_t cause;  // enum ht_change_cause
    uint32_t heap;  // index of the heap (pid and handle), in order of first use, from 0
    uint32_t block; // lowest number that was free when the block began, from 0
    uint64_t address;
    uint64_t size;        // requested bytes; for END those of the block that ends
    uint64_t old_address; // RESIZE only
    uint64_t old_size;    // RESIZE only
};

#endif
