// SPDX-License-Identifier: MIT
//
// Merge: several traces as one, in the order of time, and the changes that a trace goes through on
// its way into another: names redacted, addresses rebased. Of one part, it is these changes alone.
//
// Time 0 is the earliest wall time that a part began at, when all parts know theirs; else all parts
// begin together. The parts are taken as recordings of different machines: their processes are
// kept apart (convert/pids.h). Where the parts were recorded is told when it is the same for all.
// Their losses are added up.
#ifndef HT_CONVERT_MERGE_H
#define HT_CONVERT_MERGE_H

#include "formats/format.h"

struct ht_merge_part {
    struct ht_reader *reader;
    const struct ht_trace *trace;
};

struct ht_merge_options {
    bool is_redacted; // names, wall time, damage and counters go; see convert/redact.h
    bool is_rebased;  // see convert/rebase.h
};

// Opens over parts that outlive the reader. `trace` is empty and gets what the parts' have.
enum ht_status ht_merge_open(const struct ht_merge_part *parts, size_t count,
                             const struct ht_merge_options *options, struct ht_trace *trace,
                             struct ht_reader **reader, struct ht_error *error);

#endif
