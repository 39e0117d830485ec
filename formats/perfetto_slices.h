// SPDX-License-Identifier: MIT
//
// What a Perfetto trace shows one by one: reallocs as instants on their threads, realloc chains
// and blocks as slices in lanes.
#ifndef HT_FORMATS_PERFETTO_SLICES_H
#define HT_FORMATS_PERFETTO_SLICES_H

#include "formats/perfetto_tracks.h"

// Write the budgets of the finished model, which they sort. HT_MEMORY goes into the sink.
void ht_perfetto_put_reallocs(struct ht_perfetto_sink *sink, struct ht_perfetto_model *model);
void ht_perfetto_put_slices(struct ht_perfetto_sink *sink, struct ht_perfetto_model *model,
                            const struct ht_perfetto_tracks *tracks);

#endif
