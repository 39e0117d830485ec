// SPDX-License-Identifier: MIT
//
// Histograms as instants. See the header; the names are in docs/formats/perfetto.md.
#include "formats/picture_histograms.h"

#include <stdio.h>

// `heap` NULL: of the folded heaps together.
static void put_histogram(struct ht_picture_summary *summary, const uint64_t *heap,
                          const char *kind, const struct ht_picture_histogram *histogram)
{
    for (unsigned bits = 0; bits <= 64; bits++) {
        if (histogram->counts[bits] == 0)
            continue;
        struct ht_picture_event shown;
        ht_picture_begin_event(&shown, HT_PICTURE_CATEGORY_HISTOGRAM);
        snprintf(shown.title, sizeof shown.title, "%s", kind);
        uint64_t high = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
        if (heap != NULL)
            ht_picture_add_pointer(&shown, HT_PICTURE_ARG_HEAP, *heap);
        ht_picture_add_text(&shown, HT_PICTURE_ARG_KIND, kind);
        ht_picture_add_number(&shown, HT_PICTURE_ARG_BUCKET_LO, high - high / 2);
        ht_picture_add_number(&shown, HT_PICTURE_ARG_BUCKET_HI, high);
        ht_picture_add_number(&shown, HT_PICTURE_ARG_COUNT, histogram->counts[bits]);
        summary->put(summary, &shown, summary->stamp++);
    }
}

static void add_histogram(struct ht_picture_histogram *sum,
                          const struct ht_picture_histogram *histogram)
{
    for (unsigned bits = 0; bits <= 64; bits++)
        sum->counts[bits] += histogram->counts[bits];
}

void ht_picture_draw_histograms(const struct ht_picture_model *model, uint32_t process,
                                struct ht_picture_summary *summary)
{
    struct ht_picture_histogram sizes = {{0}};
    struct ht_picture_histogram lifetimes = {{0}};
    uint64_t end = ht_picture_stamp(model, model->last_ns);
    summary->stamp = summary->stamp > end ? summary->stamp : end;
    for (uint32_t i = 0; i < model->heap_count; i++) {
        const struct ht_picture_heap *heap = &model->heaps[i];
        if (heap->process != process || !heap->is_shown)
            continue;
        if (heap->is_folded) {
            add_histogram(&sizes, &heap->sizes);
            add_histogram(&lifetimes, &heap->lifetimes);
            continue;
        }
        put_histogram(summary, &heap->handle, "size", &heap->sizes);
        put_histogram(summary, &heap->handle, "lifetime_ns", &heap->lifetimes);
    }
    put_histogram(summary, NULL, "size", &sizes);
    put_histogram(summary, NULL, "lifetime_ns", &lifetimes);
}
