// SPDX-License-Identifier: MIT
//
// Carry: takes the events of one trace over into another, with what they refer to: names, stacks,
// processes, threads, modules and details get numbers there, and the machine. On the way names may
// be redacted, addresses rebased, times shifted and pids given anew.
#ifndef HT_CONVERT_CARRY_H
#define HT_CONVERT_CARRY_H

#include "convert/pids.h"
#include "convert/rebase.h"
#include "convert/redact.h"
#include "formats/bytes.h"
#include "formats/event.h"
#include "formats/trace.h"

// A value; zero it and fill in the first part.
struct ht_carry {
    const struct ht_trace *from;
    struct ht_trace *to;
    int64_t shift_ns;         // is added to times
    struct ht_redact *redact; // NULL: names stay
    struct ht_rebase *rebase; // NULL: addresses stay
    struct ht_pids *pids;     // NULL: pids stay
    uint32_t part;            // of the pids

    struct ht_buffer strings; // private: of uint32_t, number there by number here, 0 when not yet
    struct ht_buffer stacks;
    struct ht_buffer detail; // of uint64_t, that is being carried
    uint32_t revision;       // of processes, carried so far
    uint32_t modules;
    uint32_t threads; // revision of these
    uint32_t host;
};

void ht_carry_reset(struct ht_carry *carry);

// Carries the machine, processes, threads and modules that the trace has got since the last call.
enum ht_status ht_carry_names(struct ht_carry *carry, struct ht_error *error);

// Turns an event of the one trace into one of the other.
enum ht_status ht_carry_event(struct ht_carry *carry, struct ht_event *event,
                              struct ht_error *error);

// At the end: adds what the one lost, left out and counted to what the other did.
enum ht_status ht_carry_losses(struct ht_carry *carry, struct ht_error *error);

#endif
