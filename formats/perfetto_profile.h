// SPDX-License-Identifier: MIT
//
// Heap profiles of a Perfetto trace: flame graphs by call stack, from the dumps of the model.
#ifndef HT_FORMATS_PERFETTO_PROFILE_H
#define HT_FORMATS_PERFETTO_PROFILE_H

#include "formats/perfetto_file.h"

// Writes the profiles of every process, nothing when the recording has no stacks. A failure goes
// into the sink. No events come behind them.
void ht_perfetto_put_profiles(struct ht_perfetto_file *file);

#endif
