// SPDX-License-Identifier: MIT
//
// Marks. See the header.
#include "formats/perfetto_marks.h"

#include "formats/perfetto_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { RANK = 100 }; // behind the counters

struct mark {
    uint64_t stamp;
    uint32_t heap; // that was destroyed, or HT_PICTURE_NONE: the peak
};

void ht_perfetto_describe_size(uint64_t size, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    uint64_t shown = size;
    for (; shown >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        shown /= 1024;
    snprintf(text, 32, "%" PRIu64 " %s", shown, units[unit]);
}

static int compare_marks(const void *left, const void *right)
{
    const struct mark *a = left;
    const struct mark *b = right;
    if (a->stamp != b->stamp)
        return a->stamp < b->stamp ? -1 : 1;
    return a->heap < b->heap ? -1 : a->heap > b->heap;
}

static uint32_t collect(const struct ht_picture_model *model, uint32_t process,
                        struct mark marks[HT_PICTURE_HEAPS_MAX + 1])
{
    const struct ht_picture_process *self = &model->processes[process];
    uint32_t count = 0;
    if (self->peak_bytes > 0)
        marks[count++] = (struct mark){ht_picture_stamp(model, self->peak_ns), HT_PICTURE_NONE};
    for (uint32_t i = 0; i < model->heap_count; i++) {
        const struct ht_picture_heap *heap = &model->heaps[i];
        if (heap->process == process && heap->is_shown && heap->is_destroyed)
            marks[count++] = (struct mark){ht_picture_stamp(model, heap->destroyed_ns), i};
    }
    qsort(marks, count, sizeof *marks, compare_marks);
    return count;
}

static void put_mark(struct ht_perfetto_file *file, uint32_t process, uint64_t track,
                     const struct mark *mark)
{
    struct ht_perfetto_event event;
    char name[64];
    char size[32];
    ht_perfetto_begin_event(&event, track, HT_PERFETTO_INSTANT, HT_PERFETTO_CATEGORY_MARK);
    event.message.name = name;
    if (mark->heap == HT_PICTURE_NONE) {
        uint64_t peak = file->model->processes[process].peak_bytes;
        ht_perfetto_describe_size(peak, size);
        snprintf(name, sizeof name, "peak %s", size);
        ht_perfetto_annotate_number(&event, HT_PERFETTO_ARG_SIZE, peak);
    } else {
        uint64_t handle = file->model->heaps[mark->heap].handle;
        snprintf(name, sizeof name, "heap 0x%" PRIx64 " destroyed", handle);
        ht_perfetto_annotate_pointer(&event, HT_PERFETTO_ARG_HEAP, handle);
    }
    ht_perfetto_put_event(&file->sink, &event, mark->stamp);
}

void ht_perfetto_put_marks(struct ht_perfetto_file *file, uint32_t process, uint64_t group)
{
    struct mark marks[HT_PICTURE_HEAPS_MAX + 1];
    uint32_t count = collect(file->model, process, marks);
    if (count == 0)
        return;
    Ht__Perfetto__TrackDescriptor track = ht_perfetto_new_track(&file->sink, group, "marks");
    track.has_sibling_order_rank = true;
    track.sibling_order_rank = RANK;
    ht_perfetto_put_track(&file->sink, &track);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && marks[i].stamp <= marks[i - 1].stamp)
            marks[i].stamp = marks[i - 1].stamp + 1;
        put_mark(file, process, track.uuid, &marks[i]);
    }
}
