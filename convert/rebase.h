// SPDX-License-Identifier: MIT
//
// Rebase: other addresses in place of the recorded ones, which keep what metrics see. Each process
// has regions of 4 GiB by the upper half of an address. Addresses of one region stay as far from
// each other as they were, and keep their low 16 bits; the regions themselves are given new places,
// 16 GiB apart, in order of first use. So what lies on a page, in a segment or beside a block is
// the same; where that was is gone. Different addresses stay different. 0 stays 0.
#ifndef HT_CONVERT_REBASE_H
#define HT_CONVERT_REBASE_H

#include "convert/slots.h"

#define HT_REBASE_CODE UINT32_MAX // the "process" of code addresses

struct ht_region;

// A value; zero it, then ht_rebase_init.
struct ht_rebase {
    struct ht_region *regions; // owned
    uint32_t count;
    uint32_t capacity;
    uint32_t last; // the region found last
    struct ht_slots slots;
};

enum ht_status ht_rebase_init(struct ht_rebase *rebase, struct ht_error *error);
void ht_rebase_reset(struct ht_rebase *rebase);

// Replaces an address of a process. HT_LIMIT past HT_REBASE_REGIONS_MAX regions, HT_MEMORY.
enum ht_status ht_rebase_address(struct ht_rebase *rebase, uint32_t pid, uint64_t *address,
                                 struct ht_error *error);

#endif
