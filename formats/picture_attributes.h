// SPDX-License-Identifier: MIT
//
// What the picture says of itself: who wrote it, where the recording comes from, and what was kept,
// left out and lost.
#ifndef HT_FORMATS_PICTURE_ATTRIBUTES_H
#define HT_FORMATS_PICTURE_ATTRIBUTES_H

#include "formats/picture_model.h"
#include "formats/picture_names.h"

enum { HT_PICTURE_ATTRIBUTES_MAX = 40 };

struct ht_picture_attribute {
    const char *key;
    const char *text; // of the trace, the host below or static; NULL: it is a number
    uint64_t number;
};

// What is kept of a finished model.
struct ht_kept ht_picture_kept(const struct ht_picture_model *model);

// The attributes of a finished model of which so much is kept, in the order that they are written.
// `host` gets the name of the machine. Returns how many.
size_t ht_picture_attributes(const struct ht_picture_model *model, const struct ht_kept *kept,
                             char host[HT_PICTURE_NAME_SIZE],
                             struct ht_picture_attribute items[HT_PICTURE_ATTRIBUTES_MAX]);

#endif
