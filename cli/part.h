// SPDX-License-Identifier: MIT
//
// A part of a trace, what a filter leaves of it, and its figures: how many events, of whom and
// when, and the metrics of its recorded addresses. `heaptape reduce` looks at many, one pass each.
#ifndef HT_CLI_PART_H
#define HT_CLI_PART_H

#include "convert/pipeline.h"
#include "replay/metrics.h"

enum { HT_PART_VALUES_MAX = 4096 }; // of one sort; more than that are not counted

enum ht_part_sort {
    HT_PART_PIDS,
    HT_PART_HEAPS, // handles
    HT_PART_TIDS,
    HT_PART_SORTS,
};

struct ht_part_value {
    uint64_t value;
    uint64_t events;
};

struct ht_part_values {
    size_t count;
    struct ht_part_value at[HT_PART_VALUES_MAX]; // those of most events first
};

struct ht_part {
    uint64_t events;
    int64_t first_ns; // valid when events > 0
    int64_t last_ns;
    uint32_t block_limit; // one more than the highest block number
    struct ht_part_values values[HT_PART_SORTS];
    struct ht_metrics_report report; // zero when no metrics were taken
};

// Reads the part that paths->filter leaves, with a line of progress. Metrics are taken when
// `block_limit` is not 0: blocks are numbered below it. HT_LIMIT when there is one that is not,
// HT_END when the reading was interrupted from the keyboard.
enum ht_status ht_part_read(struct ht_part *part, const struct ht_paths *paths,
                            uint32_t block_limit, struct ht_error *error);

#endif
