// SPDX-License-Identifier: MIT
//
// Histograms of sizes and lifetimes in a Perfetto trace: exact, whatever is shown one by one.
#ifndef HT_FORMATS_PERFETTO_HISTOGRAMS_H
#define HT_FORMATS_PERFETTO_HISTOGRAMS_H

#include "formats/perfetto_file.h"

// Writes the histograms of every heap as instants at the end, a bucket each.
void ht_perfetto_put_histograms(struct ht_perfetto_file *file);

#endif
