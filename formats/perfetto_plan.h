// SPDX-License-Identifier: MIT
//
// Keeps a .pftrace within its budget: the parts it is made of, and what they give up when they are
// too much together.
#ifndef HT_FORMATS_PERFETTO_PLAN_H
#define HT_FORMATS_PERFETTO_PLAN_H

#include "formats/perfetto_file.h"

#define HT_PERFETTO_BUDGET UINT64_C(100000000) // bytes, where none is asked for

// In the order they are written.
enum ht_perfetto_part {
    HT_PERFETTO_COUNTERS, // the tracks of processes and heaps with them
    HT_PERFETTO_SLICES,
    HT_PERFETTO_REALLOCS,
    HT_PERFETTO_HISTOGRAMS,
    HT_PERFETTO_PROFILES,
    HT_PERFETTO_PARTS,
};

void ht_perfetto_put_part(struct ht_perfetto_file *file, struct ht_picture_model *model,
                          enum ht_perfetto_part part);

// Makes the finished model so small that its parts fit: into the quota's budget less what is in the
// file already, where the file can be split, else into the budget. HT_LIMIT when even the least
// does not.
enum ht_status ht_perfetto_plan(const struct ht_perfetto_file *file, struct ht_picture_model *model,
                                const struct ht_quota *quota, struct ht_error *error);

// Bytes of events after which a file that can be split is.
uint64_t ht_perfetto_split_at(const struct ht_quota *quota);

#endif
