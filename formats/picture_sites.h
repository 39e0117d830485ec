// SPDX-License-Identifier: MIT
//
// Sites and dumps. A site is a call stack within one owner, a heap or the rest of a process; it
// counts what was allocated, freed and copied there since the beginning. A dump holds the counts of
// the sites that changed in one period of time, so that the last count of each site up to a dump
// is its state at that dump. The periods are of equal width; when there are too many dumps or
// counts the width doubles and neighbours become one, so that memory is bounded.
#ifndef HT_FORMATS_PICTURE_SITES_H
#define HT_FORMATS_PICTURE_SITES_H

#include "formats/dict.h"
#include "formats/picture_index.h"

#include <stdbool.h>

enum {
    HT_PICTURE_SITES_MAX = 1 << 16,       // the stacks past it are one site of their owner
    HT_PICTURE_SITE_FRAMES_MAX = 1 << 20, // frames in the stacks of all sites
    HT_PICTURE_FOUND = 1 << 14,
    HT_PICTURE_DUMPS_MAX = 64,
    HT_PICTURE_COUNTS_MAX = 1 << 18, // held in dumps
};

#define HT_PICTURE_OTHER_STACKS UINT32_MAX // in place of a stack id

// Since the beginning, so none of them ever falls.
struct ht_picture_count {
    uint64_t allocated_bytes;
    uint64_t freed_bytes;
    uint64_t allocs;
    uint64_t frees;
    uint64_t copied_bytes; // by reallocs that moved
    uint64_t moves;
};

struct ht_picture_site {
    uint32_t owner;
    uint32_t stack;  // 0: none, or HT_PICTURE_OTHER_STACKS
    uint32_t peak;   // number of the peak that peak_bytes and peak_blocks were taken at
    uint32_t period; // private: last period it changed in
    struct ht_picture_count count;
    uint64_t peak_bytes; // live at that peak; of a later one, live now
    uint64_t peak_blocks;
};

struct ht_picture_dumped {
    uint32_t site;
    struct ht_picture_count count;
};

struct ht_picture_dump {
    uint64_t end; // stamp at which the period ends
    uint32_t first;
    uint32_t count;
};

// The zero value is empty.
struct ht_picture_sites {
    struct ht_picture_site *sites; // owned
    uint32_t count;
    uint32_t capacity;
    uint32_t frames; // in the stacks of the sites
    bool has_stacks;
    struct ht_picture_index index;
    uint32_t found[HT_PICTURE_FOUND]; // sites that were found last, by the lower bits of the stack
    uint32_t *changed;                // owned, as many as sites: those of the open period
    uint32_t changed_count;
    uint64_t last_stamp;              // of the open period
    uint64_t end_stamp;               // at which the open period ends; 0: it is to be found out
    uint32_t period;                  // serial number of the open period
    uint32_t width_log2;              // in ns, 0 before the first
    struct ht_picture_dumped *dumped; // owned
    uint32_t dumped_count;
    uint32_t dumped_capacity;
    struct ht_picture_dump dumps[HT_PICTURE_DUMPS_MAX];
    uint32_t dump_count;
    uint64_t least_bytes; // allocated, for a site to keep its stack: see ht_picture_sites_shrink
};

void ht_picture_sites_reset(struct ht_picture_sites *sites);

// Private: whether the site of a stack is among those found last.
static inline bool ht_picture_site_is_found(const struct ht_picture_sites *sites, uint32_t owner,
                                            uint32_t stack, uint32_t *site)
{
    *site = sites->found[stack % HT_PICTURE_FOUND];
    return *site < sites->count && sites->sites[*site].stack == stack &&
           sites->sites[*site].owner == owner;
}

// Private: finds or makes the site of a stack that is not among them.
enum ht_status ht_picture_site_seek(struct ht_picture_sites *sites, const struct ht_dict *dict,
                                    uint32_t owner, uint32_t stack, uint32_t *site,
                                    struct ht_error *error);

// The number of the site of a stack, made when it is new.
static inline enum ht_status ht_picture_site_find(struct ht_picture_sites *sites,
                                                  const struct ht_dict *dict, uint32_t owner,
                                                  uint32_t stack, uint32_t *site,
                                                  struct ht_error *error)
{
    return ht_picture_site_is_found(sites, owner, stack, site)
               ? HT_OK
               : ht_picture_site_seek(sites, dict, owner, stack, site, error);
}

// Private: ends the open period when this time is past it, and finds the end of the one it is in.
enum ht_status ht_picture_sites_move_on(struct ht_picture_sites *sites, uint64_t stamp,
                                        struct ht_error *error);

// To be called before the counts of a site change, at this time, when the latest peak of its
// process has the number `peak`.
static inline enum ht_status ht_picture_site_touch(struct ht_picture_sites *sites, uint32_t site,
                                                   uint64_t stamp, uint32_t peak,
                                                   struct ht_error *error)
{
    if (stamp >= sites->end_stamp) {
        enum ht_status status = ht_picture_sites_move_on(sites, stamp, error);
        if (status != HT_OK)
            return status;
    }
    struct ht_picture_site *self = &sites->sites[site];
    if (self->period != sites->period) {
        self->period = sites->period;
        sites->changed[sites->changed_count++] = site;
    }
    if (self->peak != peak) {
        self->peak = peak;
        self->peak_bytes = self->count.allocated_bytes - self->count.freed_bytes;
        self->peak_blocks = self->count.allocs - self->count.frees;
    }
    return HT_OK;
}

// Ends the open period.
enum ht_status ht_picture_sites_finish(struct ht_picture_sites *sites, struct ht_error *error);

// Makes what is written of finished sites about half: first the dumps, then the stacks of the sites
// that allocated least. False when nothing is left of either.
bool ht_picture_sites_shrink(struct ht_picture_sites *sites);

// The stack that a site is written with.
uint32_t ht_picture_site_stack(const struct ht_picture_sites *sites, uint32_t site);

// Forgets counts and dumps, not the sites.
void ht_picture_sites_restart(struct ht_picture_sites *sites);

#endif
