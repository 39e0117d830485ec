// SPDX-License-Identifier: MIT
//
// Small heaps as one. See the header.
#include "formats/picture_fold.h"

#include <stdlib.h>

enum { FOLD_ALL = 1000 }; // per cent: more than any heap can have

static uint64_t peak_of(const struct ht_picture_heap *heap)
{
    uint64_t peak = 0;
    for (uint32_t i = 0; i < heap->live.count; i++) {
        uint64_t most = heap->live.buckets[i].most[HT_LIVE_BYTES].value[HT_LIVE_BYTES];
        peak = most > peak ? most : peak;
    }
    return peak;
}

// A heap and what it is ordered by.
struct sized {
    uint64_t peak;
    uint32_t process;
    uint32_t number;
};

static int compare_sized(const void *left, const void *right)
{
    const struct sized *a = left;
    const struct sized *b = right;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    if (a->peak != b->peak)
        return a->peak > b->peak ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static void fold(struct ht_picture_model *model)
{
    struct sized sized[HT_PICTURE_HEAPS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->heap_count; i++) {
        struct ht_picture_heap *heap = &model->heaps[i];
        heap->is_folded = false;
        if (heap->is_shown)
            sized[count++] = (struct sized){peak_of(heap), heap->process, i};
    }
    qsort(sized, count, sizeof *sized, compare_sized);
    uint32_t rank = 0;
    for (uint32_t i = 0; i < count; i++) {
        rank = i > 0 && sized[i].process == sized[i - 1].process ? rank + 1 : 0;
        uint64_t whole = model->processes[sized[i].process].peak_bytes;
        model->heaps[sized[i].number].is_folded =
            rank >= model->heaps_apart && sized[i].peak <= whole / 100 * model->fold_percent;
    }
}

void ht_picture_fold_heaps(struct ht_picture_model *model)
{
    model->heaps_apart = 16;
    model->fold_percent = 1;
    fold(model);
}

bool ht_picture_fold_more(struct ht_picture_model *model)
{
    if (model->fold_percent < FOLD_ALL)
        model->fold_percent *= 10;
    else if (model->heaps_apart > 1)
        model->heaps_apart /= 2;
    else
        return false;
    fold(model);
    return true;
}

static bool is_in(const struct ht_picture_heap *heap, uint32_t process)
{
    return heap->is_shown && heap->is_folded && heap->process == process;
}

uint32_t ht_picture_folded_count(const struct ht_picture_model *model, uint32_t process)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->heap_count; i++)
        count += is_in(&model->heaps[i], process);
    return count;
}

// A state that a heap was in from then on, and its bucket.
struct moment {
    uint32_t heap;
    const struct ht_series_bucket *bucket;
    struct ht_series_state state;
};

static int compare_moment(const void *left, const void *right)
{
    const struct moment *a = left;
    const struct moment *b = right;
    if (a->state.time_ns != b->state.time_ns)
        return a->state.time_ns < b->state.time_ns ? -1 : 1;
    if (a->heap != b->heap)
        return a->heap < b->heap ? -1 : 1;
    return a->state.order < b->state.order ? -1 : a->state.order > b->state.order;
}

// The states of all folded heaps of the process, in their order.
static struct moment *collect(const struct ht_picture_model *model, uint32_t process, size_t *count)
{
    size_t most = 0;
    *count = 0;
    for (uint32_t i = 0; i < model->heap_count; i++)
        most += is_in(&model->heaps[i], process) ? 3 * (size_t)model->heaps[i].live.count : 0;
    struct moment *moments = malloc((most > 0 ? most : 1) * sizeof *moments);
    if (moments == NULL)
        return NULL;
    for (uint32_t i = 0; i < model->heap_count; i++) {
        const struct ht_series *live = &model->heaps[i].live;
        for (uint32_t k = 0; is_in(&model->heaps[i], process) && k < live->count; k++) {
            struct ht_series_state states[3];
            uint32_t kept = ht_series_bucket_states(&live->buckets[k], states);
            for (uint32_t s = 0; s < kept; s++)
                moments[(*count)++] = (struct moment){i, &live->buckets[k], states[s]};
        }
    }
    qsort(moments, *count, sizeof *moments, compare_moment);
    return moments;
}

static void add_totals(struct ht_series_totals *sum, const struct ht_series_totals *now,
                       const struct ht_series_totals *before)
{
    sum->allocs += now->allocs - before->allocs;
    sum->frees += now->frees - before->frees;
    sum->in_place += now->in_place - before->in_place;
    sum->moved += now->moved - before->moved;
    sum->copied_bytes += now->copied_bytes - before->copied_bytes;
}

enum ht_status ht_picture_fold_series(const struct ht_picture_model *model, uint32_t process,
                                      struct ht_series *sum, struct ht_error *error)
{
    size_t count;
    struct moment *moments = collect(model, process, &count);
    struct moment *last = calloc(HT_PICTURE_HEAPS_MAX, sizeof *last);
    enum ht_status status = HT_OK;
    if (moments == NULL || last == NULL) {
        free(moments);
        free(last);
        return ht_fail_memory(error, "the other heaps");
    }
    for (size_t i = 0; i < count && status == HT_OK; i++) {
        static const struct ht_series_totals none;
        struct moment *now = &moments[i];
        struct moment *before = &last[now->heap];
        uint64_t value[2];
        for (int v = 0; v < 2; v++)
            value[v] = sum->now.value[v] + now->state.value[v] - before->state.value[v];
        sum->now.pages += now->state.pages - before->state.pages;
        add_totals(&sum->totals, &now->bucket->totals,
                   before->bucket != NULL ? &before->bucket->totals : &none);
        *before = *now;
        status = ht_series_set(sum, value, now->state.time_ns, error);
    }
    free(moments);
    free(last);
    return status;
}
