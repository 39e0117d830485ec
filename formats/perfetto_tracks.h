// SPDX-License-Identifier: MIT
//
// Processes, groups and counters of a Perfetto trace, from the finished model.
#ifndef HT_FORMATS_PERFETTO_TRACKS_H
#define HT_FORMATS_PERFETTO_TRACKS_H

#include "formats/perfetto_file.h"

// How the processes are ordered.
void ht_perfetto_put_root(struct ht_perfetto_sink *sink);

// Writes the descriptors of processes and heaps and all counters, each track before its samples.
void ht_perfetto_put_tracks(struct ht_perfetto_file *file);

#endif
