// SPDX-License-Identifier: MIT
//
// What is worth a look in a process of the picture, as instants beside its counters: its peak, and
// where its heaps were destroyed.
#ifndef HT_FORMATS_PICTURE_MARKS_H
#define HT_FORMATS_PICTURE_MARKS_H

#include "formats/picture_events.h"

enum { HT_PICTURE_MARKS_MAX = HT_PICTURE_HEAPS_MAX + 1 };

struct ht_picture_mark {
    uint64_t stamp;
    uint32_t heap; // that was destroyed, or HT_PICTURE_NONE: the peak
};

// The marks of a process, their stamps rising strictly. Returns how many.
uint32_t ht_picture_collect_marks(const struct ht_picture_model *model, uint32_t process,
                                  struct ht_picture_mark marks[HT_PICTURE_MARKS_MAX]);

void ht_picture_show_mark(struct ht_picture_event *shown, const struct ht_picture_model *model,
                          uint32_t process, const struct ht_picture_mark *mark);

// "12 MiB".
void ht_picture_describe_size(uint64_t size, char text[32]);

#endif
