// SPDX-License-Identifier: MIT
//
// How many blocks of which size and lifetime each heap of the picture had, as instants at the end.
#ifndef HT_FORMATS_PICTURE_HISTOGRAMS_H
#define HT_FORMATS_PICTURE_HISTOGRAMS_H

#include "formats/picture_events.h"

// Where the instants go: a format's writer embeds it as its first member.
struct ht_picture_summary {
    // Takes one; its stamp is a nanosecond behind that of the one before.
    void (*put)(struct ht_picture_summary *self, const struct ht_picture_event *shown,
                uint64_t stamp);
    uint64_t stamp; // the least that the next one has; 0 at first
};

void ht_picture_draw_histograms(const struct ht_picture_model *model, uint32_t process,
                                struct ht_picture_summary *summary);

#endif
