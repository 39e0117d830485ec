// SPDX-License-Identifier: MIT
//
// Marks. See the header.
#include "formats/picture_marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void ht_picture_describe_size(uint64_t size, char text[32])
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
    const struct ht_picture_mark *a = left;
    const struct ht_picture_mark *b = right;
    if (a->stamp != b->stamp)
        return a->stamp < b->stamp ? -1 : 1;
    return a->heap < b->heap ? -1 : a->heap > b->heap;
}

uint32_t ht_picture_collect_marks(const struct ht_picture_model *model, uint32_t process,
                                  struct ht_picture_mark marks[HT_PICTURE_MARKS_MAX])
{
    const struct ht_picture_process *self = &model->processes[process];
    uint32_t count = 0;
    if (self->peak_bytes > 0)
        marks[count++] =
            (struct ht_picture_mark){ht_picture_stamp(model, self->peak_ns), HT_PICTURE_NONE};
    for (uint32_t i = 0; i < model->heap_count; i++) {
        const struct ht_picture_heap *heap = &model->heaps[i];
        if (heap->process == process && heap->is_shown && heap->is_destroyed)
            marks[count++] =
                (struct ht_picture_mark){ht_picture_stamp(model, heap->destroyed_ns), i};
    }
    qsort(marks, count, sizeof *marks, compare_marks);
    for (uint32_t i = 1; i < count; i++) {
        if (marks[i].stamp <= marks[i - 1].stamp)
            marks[i].stamp = marks[i - 1].stamp + 1;
    }
    return count;
}

void ht_picture_show_mark(struct ht_picture_event *shown, const struct ht_picture_model *model,
                          uint32_t process, const struct ht_picture_mark *mark)
{
    char size[32];
    ht_picture_begin_event(shown, HT_PICTURE_CATEGORY_MARK);
    if (mark->heap == HT_PICTURE_NONE) {
        uint64_t peak = model->processes[process].peak_bytes;
        ht_picture_describe_size(peak, size);
        snprintf(shown->title, sizeof shown->title, "peak %s", size);
        ht_picture_add_number(shown, HT_PICTURE_ARG_SIZE, peak);
    } else {
        uint64_t handle = model->heaps[mark->heap].handle;
        snprintf(shown->title, sizeof shown->title, "heap 0x%" PRIx64 " destroyed", handle);
        ht_picture_add_pointer(shown, HT_PICTURE_ARG_HEAP, handle);
    }
}
