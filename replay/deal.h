// SPDX-License-Identifier: MIT
//
// Deals the recorded threads out to workers: which worker makes which operation. A recorded thread
// stays whole, with one worker; each worker gets about as many operations as the others.
#ifndef HT_REPLAY_DEAL_H
#define HT_REPLAY_DEAL_H

#include "formats/error.h"
#include "replay/plan.h"
#include "replay/trail.h"

#include <stdint.h>

enum { HT_WORKERS_MAX = 1024 };

// A value in the caller's memory.
struct ht_deal {
    uint32_t threads;    // recorded ones: process and thread
    uint32_t workers;    // at most as many
    uint64_t operations; // of the plan
    uint32_t *worker_of; // by operation; NULL for none
};

// `workers` is at least 1 and at most HT_WORKERS_MAX. On failure there is nothing to reset.
enum ht_status ht_deal_init(struct ht_deal *deal, const struct ht_plan *plan,
                            const struct ht_trail *trail, uint32_t workers, struct ht_error *error);
void ht_deal_reset(struct ht_deal *deal);

#endif
