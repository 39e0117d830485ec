// SPDX-License-Identifier: MIT
//
// The counters of the picture as curves: which there are, and their samples one by one. How a
// format writes them is its own part.
#ifndef HT_FORMATS_PICTURE_COUNTERS_H
#define HT_FORMATS_PICTURE_COUNTERS_H

#include "formats/picture_model.h"

enum ht_picture_counter {
    HT_COUNTER_LIVE_BYTES,
    HT_COUNTER_COMMITTED_BYTES,
    HT_COUNTER_RESERVED_BYTES,
    HT_COUNTER_LIVE_BLOCKS,
    HT_COUNTER_PAGE_SPREAD,
    HT_COUNTER_FREE_INSIDE,
    HT_COUNTER_ALLOC_RATE,
    HT_COUNTER_FREE_RATE,
    HT_COUNTER_REALLOC_RATE,
    HT_COUNTER_REALLOC_MOVED,
    HT_COUNTER_REALLOC_INPLACE,
    HT_COUNTER_COPIED_BYTES,
};

struct ht_picture_counter_text {
    const char *name;
    const char *unit;      // "bytes", "count", "/s", "x" or "%"
    const char *share_key; // of counters that belong on one scale, or NULL
    const char *description;
};

extern const struct ht_picture_counter_text ht_picture_counter_texts[];

struct ht_picture_value {
    bool is_real;
    uint64_t number; // unless it is real
    double real;
};

// Where the samples go: a format's writer embeds it as its first member and sets the functions.
struct ht_picture_curve {
    // A counter begins: samples are of it until the next one does.
    void (*begin)(struct ht_picture_curve *self, enum ht_picture_counter counter);
    // A sample. Stamps of one counter rise strictly, and each value differs from the one before.
    void (*put)(struct ht_picture_curve *self, uint64_t stamp,
                const struct ht_picture_value *value);
    const struct ht_picture_model *model; // the rest is private
    bool is_begun;
    uint64_t stamp; // of the last sample
    double value;   // of the last sample
};

// The counters that processes and heaps have alike.
void ht_picture_draw_live(const struct ht_picture_model *model, const struct ht_series *live,
                          struct ht_picture_curve *curve);

// The counters of the memory behind a heap; none where its events do not tell of it.
void ht_picture_draw_space(const struct ht_picture_model *model, const struct ht_picture_heap *heap,
                           struct ht_picture_curve *curve);

#endif
