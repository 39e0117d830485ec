// SPDX-License-Identifier: MIT
//
// Heap profiles of a Perfetto trace: flame graphs by call stack, from the dumps of the model.
#ifndef HT_FORMATS_PERFETTO_PROFILE_H
#define HT_FORMATS_PERFETTO_PROFILE_H

#include "formats/perfetto_sink.h"
#include "formats/picture_model.h"

// Writes the profiles of every process, nothing when the recording has no stacks. A failure goes
// into the sink.
void ht_perfetto_put_profiles(struct ht_perfetto_sink *sink, const struct ht_picture_model *model);

#endif
