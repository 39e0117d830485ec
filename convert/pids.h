// SPDX-License-Identifier: MIT
//
// Pids: keeps the processes of several recordings apart that are merged into one. A pid stays as it
// is while no other recording has it; the pid of the recording that comes second is told with
// 100,000,000 added, or the first multiple of that which is free.
#ifndef HT_CONVERT_PIDS_H
#define HT_CONVERT_PIDS_H

#include "convert/slots.h"

struct ht_pid;

// A value; zero it, then ht_pids_init.
struct ht_pids {
    struct ht_pid *pids; // owned
    uint32_t count;
    uint32_t capacity;
    uint32_t last;         // found last
    struct ht_slots given; // by recording and pid there
    struct ht_slots taken; // by pid in the merged one
};

enum ht_status ht_pids_init(struct ht_pids *pids, struct ht_error *error);
void ht_pids_reset(struct ht_pids *pids);

// Replaces the pid of a recording; an unknown one stays. HT_LIMIT past HT_DICT_PROCESSES_MAX pids,
// HT_MEMORY.
enum ht_status ht_pids_map(struct ht_pids *pids, uint32_t part, uint32_t *pid,
                           struct ht_error *error);

#endif
