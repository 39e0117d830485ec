// SPDX-License-Identifier: MIT
//
// What is worth a look in a process of a Perfetto trace, as instants beside its counters.
#ifndef HT_FORMATS_PERFETTO_MARKS_H
#define HT_FORMATS_PERFETTO_MARKS_H

#include "formats/perfetto_file.h"

// Marks the peak of a process and where its heaps were destroyed, on a track of the group.
void ht_perfetto_put_marks(struct ht_perfetto_file *file, uint32_t process, uint64_t group);

// "12 MiB".
void ht_perfetto_describe_size(uint64_t size, char text[32]);

#endif
