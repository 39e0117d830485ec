// SPDX-License-Identifier: MIT
//
// What `heaptape replay` found, and its two ways of saying it.
#ifndef HT_CLI_REPLAY_REPORT_H
#define HT_CLI_REPLAY_REPORT_H

#include "cli/heap_choice.h"
#include "cli/plan_reader.h"
#include "replay/latency.h"
#include "replay/replay.h"

struct ht_replay_report {
    const char *file;
    const struct ht_plan_source *source;
    const struct ht_heap_choice *choice;
    const struct ht_replay_result *result;
    const struct ht_latency *latency; // NULL when no call was timed
    uint64_t latency_every;
};

void ht_replay_print_text(const struct ht_replay_report *report);
enum ht_status ht_replay_print_json(const struct ht_replay_report *report, struct ht_error *error);

#endif
