// SPDX-License-Identifier: MIT
//
// What `heaptape replay` found, and its ways of saying it.
#ifndef HT_CLI_REPLAY_REPORT_H
#define HT_CLI_REPLAY_REPORT_H

#include "cli/heap_choice.h"
#include "cli/plan_reader.h"
#include "cli/what_if.h"
#include "formats/dict.h"
#include "formats/json.h"
#include "replay/replay.h"

enum { HT_HOST_BITS = 8 * sizeof(void *) }; // of an address in this process

struct ht_replay_report {
    const char *file;
    const struct ht_plan_source *source;
    const struct ht_heap_choice *choice;
    const struct ht_replay_result *result;
    const struct ht_measure *measure;   // NULL: no metrics were taken
    const struct ht_dict *stacks;       // of the trace, for the metrics; NULL: they are not at hand
    const struct ht_baseline *baseline; // of a run with another policy, else NULL
    const struct ht_changes *changes;   // that policy

    // Recorded and here, or unchanged and what if. The metrics are NULL when none were taken.
    const char *columns[2];
    const struct ht_metrics_report *was;
    const struct ht_metrics_report *is;
};

void ht_replay_print_text(const struct ht_replay_report *report);
enum ht_status ht_replay_print_json(const struct ht_replay_report *report, struct ht_error *error);

// Writes the metrics of both columns over recorded time as a Perfetto trace.
enum ht_status ht_replay_write_timeline(const struct ht_replay_report *report, const char *path,
                                        struct ht_error *error);

// The part of them that is the metrics'; in JSON it is one member.
void ht_replay_print_metrics_text(const struct ht_replay_report *report);
void ht_replay_put_metrics_json(struct ht_json *json, const struct ht_replay_report *report);

#endif
