// SPDX-License-Identifier: MIT
//
// A heap's account: what the allocator says of itself, in its own words. Its figures are of the
// whole process unless they have another scope, and mean what the allocator means by them; the
// metrics of replay/metrics.h are those that compare. Reading one takes no memory from the heap.
#ifndef HT_REPLAY_ACCOUNT_H
#define HT_REPLAY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HT_ACCOUNT_FIGURES = 8 };

// A value; all zero is one of a heap that tells nothing.
struct ht_account {
    const char *source; // the call that told, static text; NULL: there is none
    const char *scope;  // what the figures are of, static text; NULL: the whole process
    size_t count;
    const char *names[HT_ACCOUNT_FIGURES]; // as the allocator calls them, static text
    uint64_t bytes[HT_ACCOUNT_FIGURES];
};

// The calls of a library that tell; all NULL in one that has none.
struct ht_account_calls {
    int (*mallctl)(const char *name, void *old, size_t *old_size, void *value, size_t size);
    int (*tcmalloc_property)(const char *name, size_t *value);
    void (*mi_process_info)(size_t *elapsed_ms, size_t *user_ms, size_t *system_ms,
                            size_t *current_rss, size_t *peak_rss, size_t *current_commit,
                            size_t *peak_commit, size_t *page_faults);
};

// False when the library has none of them.
bool ht_account_find(void *library, struct ht_account_calls *calls);

// What they tell now. A figure that this build of the library does not have is left out.
void ht_account_read(const struct ht_account_calls *calls, struct ht_account *account);

// Adds a figure where there is room.
void ht_account_add(struct ht_account *account, const char *name, uint64_t bytes);

#endif
