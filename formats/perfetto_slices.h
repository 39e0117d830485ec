// SPDX-License-Identifier: MIT
//
// What a Perfetto trace shows one by one: events as instants on their threads, realloc chains and
// blocks as slices in lanes, marks and histograms as instants of their process.
#ifndef HT_FORMATS_PERFETTO_SLICES_H
#define HT_FORMATS_PERFETTO_SLICES_H

#include "formats/perfetto_file.h"
#include "formats/picture_events.h"

// Events of a thread come in the order of their stamps.
void ht_perfetto_put_instant(struct ht_perfetto_file *file, const struct ht_picture_instant *what);

// Write the budgets of the finished model, which they sort. HT_MEMORY goes into the sink.
void ht_perfetto_put_reallocs(struct ht_perfetto_file *file, struct ht_picture_model *model);
void ht_perfetto_put_slices(struct ht_perfetto_file *file, struct ht_picture_model *model);

// The marks of a process, on a track of the group.
void ht_perfetto_put_marks(struct ht_perfetto_file *file, uint32_t process, uint64_t group);

// The histograms of all processes, each on a track of its own.
void ht_perfetto_put_histograms(struct ht_perfetto_file *file);

#endif
