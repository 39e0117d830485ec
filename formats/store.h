// SPDX-License-Identifier: MIT
//
// Unique values of bytes, each by a small number: the same number for the same bytes. Numbers count
// from 1 in order of first use; values are kept until reset and never move.
#ifndef HT_FORMATS_STORE_H
#define HT_FORMATS_STORE_H

#include "formats/error.h"

#include <stddef.h>
#include <stdint.h>

// So many bytes behind a value may be read, whatever they hold: a decoder can load whole words.
enum { HT_STORE_SLACK_BYTES = 8 };

// A value; the zero value with limits is an empty store. The rest is private.
struct ht_store {
    uint32_t count_limit; // at most 2^31
    size_t byte_limit;    // of all values together
    uint32_t count;
    uint32_t capacity;
    size_t total_bytes;
    const uint8_t **values; // of each number, its bytes, the size in front of them; owned
    struct ht_store_slot {
        uint32_t hash;
        uint32_t number;         // 0: free
    } * slots;                   // open addressing, owned
    uint32_t slot_count;         // a power of two, or 0
    struct ht_store_page *pages; // owned
    uint8_t *page_at;
    size_t page_left; // free bytes at page_at
};

static inline struct ht_store ht_store_with_limits(uint32_t count, size_t bytes)
{
    return (struct ht_store){.count_limit = count, .byte_limit = bytes};
}

// Frees the values; the store is empty with the same limits.
void ht_store_reset(struct ht_store *store);

// Puts the number of this value, of less than 4 GiB, into *number; a copy is kept of a new one.
// HT_LIMIT at the limits, HT_MEMORY; *number is then 0.
enum ht_status ht_store_add(struct ht_store *store, const void *value, size_t size,
                            uint32_t *number, struct ht_error *error);

// The bytes of a number, followed by a NUL, valid until reset; NULL and 0 for one not given.
const uint8_t *ht_store_get(const struct ht_store *store, uint32_t number, size_t *size);

#endif
