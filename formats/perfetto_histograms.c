// SPDX-License-Identifier: MIT
//
// Histograms as instants. See the header; the names are in docs/formats/perfetto.md.
#include "formats/perfetto_histograms.h"

#include "formats/perfetto_event.h"

enum { RANK = 1 << 21 }; // behind everything else

// Where the instants of one process stand: each a nanosecond after the one before.
struct summary {
    struct ht_perfetto_sink *sink;
    uint64_t track;
    uint64_t stamp;
};

// `heap` NULL: of the folded heaps together.
static void put_histogram(struct summary *summary, const uint64_t *heap, const char *kind,
                          const struct ht_picture_histogram *histogram)
{
    for (unsigned bits = 0; bits <= 64; bits++) {
        if (histogram->counts[bits] == 0)
            continue;
        struct ht_perfetto_event event;
        ht_perfetto_begin_event(&event, summary->track, HT_PERFETTO_INSTANT,
                                HT_PERFETTO_CATEGORY_HISTOGRAM);
        event.message.name = ht_perfetto_borrow(kind);
        uint64_t high = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
        if (heap != NULL)
            ht_perfetto_annotate_pointer(&event, HT_PERFETTO_ARG_HEAP, *heap);
        Ht__Perfetto__DebugAnnotation *name = ht_perfetto_annotate(&event, HT_PERFETTO_ARG_KIND);
        name->string_value = ht_perfetto_borrow(kind);
        ht_perfetto_annotate_number(&event, HT_PERFETTO_ARG_BUCKET_LO, high - high / 2);
        ht_perfetto_annotate_number(&event, HT_PERFETTO_ARG_BUCKET_HI, high);
        ht_perfetto_annotate_number(&event, HT_PERFETTO_ARG_COUNT, histogram->counts[bits]);
        ht_perfetto_put_event(summary->sink, &event, summary->stamp++);
    }
}

static void add_histogram(struct ht_picture_histogram *sum,
                          const struct ht_picture_histogram *histogram)
{
    for (unsigned bits = 0; bits <= 64; bits++)
        sum->counts[bits] += histogram->counts[bits];
}

static void put_summary(struct ht_perfetto_sink *sink, const struct ht_picture_model *model,
                        uint32_t process, uint64_t process_track)
{
    Ht__Perfetto__TrackDescriptor track = ht_perfetto_new_track(sink, process_track, "summary");
    track.has_sibling_order_rank = true;
    track.sibling_order_rank = RANK;
    ht_perfetto_put_track(sink, &track);
    struct ht_picture_histogram sizes = {{0}};
    struct ht_picture_histogram lifetimes = {{0}};
    struct summary summary = {sink, track.uuid, ht_picture_stamp(model, model->last_ns)};
    for (uint32_t i = 0; i < model->heap_count; i++) {
        const struct ht_picture_heap *heap = &model->heaps[i];
        if (heap->process != process || !heap->is_shown)
            continue;
        if (heap->is_folded) {
            add_histogram(&sizes, &heap->sizes);
            add_histogram(&lifetimes, &heap->lifetimes);
            continue;
        }
        put_histogram(&summary, &heap->handle, "size", &heap->sizes);
        put_histogram(&summary, &heap->handle, "lifetime_ns", &heap->lifetimes);
    }
    put_histogram(&summary, NULL, "size", &sizes);
    put_histogram(&summary, NULL, "lifetime_ns", &lifetimes);
}

void ht_perfetto_put_histograms(struct ht_perfetto_file *file)
{
    for (uint32_t i = 0; i < file->model->process_count; i++) {
        if (file->model->processes[i].is_shown)
            put_summary(&file->sink, file->model, i, file->processes[i]);
    }
}
