// SPDX-License-Identifier: MIT
//
// Runs a schedule (replay/schedule.h): each worker a thread of its own, all on one heap. What a
// worker does between its calls is in its own memory; it touches what is shared only at a slice's
// begin, where it waits and where it lets another go on, and there it knows whether anybody sleeps.
#ifndef HT_REPLAY_CAUSAL_H
#define HT_REPLAY_CAUSAL_H

#include "replay/engine.h"
#include "replay/schedule.h"
#include "replay/sightings.h"

#include <stdint.h>

// How it went, besides struct ht_played.
struct ht_causal_report {
    uint64_t waits;            // gates that were closed when a worker came to them
    uint64_t slice_waits;      // slices that were
    uint64_t sleeps;           // of both: those where the worker slept
    uint64_t samples;          // of the live bytes
    uint64_t drift_mean_bytes; // how far they were off the recorded ones at a sample
    uint64_t drift_most_bytes;
    uint64_t due;          // times that were waited for
    uint64_t late_mean_ns; // how much later it was then
    uint64_t late_most_ns;
    uint64_t late_over_1ms; // times that were missed by over 1 ms
};

// Looks on at a play. What a worker sees it writes down; at a stop of the schedule it asks.
struct ht_causal_watch {
    struct ht_sightings_of *sightings; // by worker
    void (*ask)(void *context, uint32_t stop);
    void *context;
};

struct ht_causal;

// Makes ready for one play on an open heap, that may be called from several threads: the threads
// are there and wait. `slots` has room for the schedule's and is all zero. `watch` may be NULL: the
// schedule is then no watched one and has no stops. Both are lent until closed. On failure *causal
// is NULL.
enum ht_status ht_causal_open(struct ht_causal **causal, const struct ht_schedule *schedule,
                              const struct ht_heap *heap, void *self, enum ht_touch touch,
                              struct ht_slot *slots, const struct ht_causal_watch *watch,
                              struct ht_error *error);
void ht_causal_close(struct ht_causal *causal);

// Plays. The pulse, which may be NULL, is told some ten times a second. The peak in `played` is
// that of the samples, a lower bound; there is one behind the recorded peak.
void ht_causal_play(struct ht_causal *causal, const struct ht_pulse *pulse,
                    struct ht_played *played, struct ht_causal_report *report);

// What it takes from the system, but for the stacks of its threads.
uint64_t ht_causal_memory_bytes(const struct ht_causal *causal);

#endif
