// SPDX-License-Identifier: MIT
//
// What a Perfetto trace shows one by one: events as instants on their threads, realloc chains and
// blocks as slices in lanes.
#ifndef HT_FORMATS_PERFETTO_SLICES_H
#define HT_FORMATS_PERFETTO_SLICES_H

#include "formats/perfetto_file.h"

// An alloc, a realloc or a free.
struct ht_perfetto_instant {
    const struct ht_event *event;
    const struct ht_pick_life *life; // of its block, NULL where it has none
    uint32_t process;
    uint32_t alloc_tid; // of a free: the thread that made the block
    uint64_t stamp;
    bool is_linked; // by a flow with the other reallocs of its block
};

// Events of a thread come in the order of their stamps.
void ht_perfetto_put_instant(struct ht_perfetto_file *file, const struct ht_perfetto_instant *what);

// Write the budgets of the finished model, which they sort. HT_MEMORY goes into the sink.
void ht_perfetto_put_reallocs(struct ht_perfetto_file *file, struct ht_picture_model *model);
void ht_perfetto_put_slices(struct ht_perfetto_file *file, struct ht_picture_model *model);

#endif
