// SPDX-License-Identifier: MIT
//
// From series to samples. See the header; what the counters are is in docs/formats/perfetto.md.
#include "formats/picture_counters.h"

enum { RATE_WINDOW_LOG2 = 24 }; // at least 16.8 ms in ns

const struct ht_picture_counter_text ht_picture_counter_texts[] = {
    [HT_COUNTER_LIVE_BYTES] =
        {"live_bytes", "bytes", "space",
         "Requested bytes of the blocks that live, since the recording began."},
    [HT_COUNTER_COMMITTED_BYTES] = {"committed_bytes", "bytes", "space",
                                    "Memory committed for the heap, as its events tell."},
    [HT_COUNTER_RESERVED_BYTES] = {"reserved_bytes", "bytes", "space",
                                   "Address space reserved for the heap, as its events tell."},
    [HT_COUNTER_LIVE_BLOCKS] = {"live_blocks", "count", NULL, "Blocks that live."},
    [HT_COUNTER_PAGE_SPREAD] =
        {"page_spread", "x", NULL,
         "Bytes of the 4096-byte pages that hold a live block / live_bytes: 1 is tight, "
         "more is scattered."},
    [HT_COUNTER_FREE_INSIDE] =
        {"free_inside_committed", "%", NULL,
         "100 x (1 - live_bytes / committed_bytes), 0 where more lives than is known "
         "to be committed."},
    [HT_COUNTER_ALLOC_RATE] = {"alloc_rate", "/s", "rate", "Allocations a second."},
    [HT_COUNTER_FREE_RATE] = {"free_rate", "/s", "rate", "Frees a second."},
    [HT_COUNTER_REALLOC_RATE] = {"realloc_rate", "/s", "rate", "Reallocs a second."},
    [HT_COUNTER_REALLOC_MOVED] = {"realloc_moved", "count", "reallocs",
                                  "Reallocs so far that moved their block."},
    [HT_COUNTER_REALLOC_INPLACE] = {"realloc_inplace", "count", "reallocs",
                                    "Reallocs so far that left their block in place."},
    [HT_COUNTER_COPIED_BYTES] =
        {"copied_bytes", "bytes", NULL,
         "Bytes that moved reallocs had to copy so far: the smaller of old and new "
         "size."},
};

static void begin(struct ht_picture_curve *curve, const struct ht_picture_model *model,
                  enum ht_picture_counter counter)
{
    curve->model = model;
    curve->is_begun = false;
    curve->begin(curve, counter);
}

// Samples of one counter never have the same stamp: the later one moves on by 1 ns.
static void put(struct ht_picture_curve *curve, uint64_t stamp,
                const struct ht_picture_value *value)
{
    double shown = value->is_real ? value->real : (double)value->number;
    if (curve->is_begun && shown <= curve->value && shown >= curve->value)
        return;
    if (curve->is_begun && stamp <= curve->stamp)
        stamp = curve->stamp + 1;
    curve->put(curve, stamp, value);
    curve->is_begun = true;
    curve->stamp = stamp;
    curve->value = shown;
}

static void put_number(struct ht_picture_curve *curve, uint64_t stamp, uint64_t number)
{
    struct ht_picture_value value = {.number = number};
    put(curve, stamp, &value);
}

static void put_real(struct ht_picture_curve *curve, uint64_t stamp, double real)
{
    struct ht_picture_value value = {.is_real = true, .real = real};
    put(curve, stamp, &value);
}

// One of the two values of a series.
static void draw_value(struct ht_picture_curve *curve, const struct ht_series *series, int which)
{
    for (uint32_t i = 0; i < series->count; i++) {
        struct ht_series_state states[3];
        uint32_t count = ht_series_bucket_states(&series->buckets[i], states);
        for (uint32_t k = 0; k < count; k++)
            put_number(curve, ht_picture_stamp(curve->model, states[k].time_ns),
                       states[k].value[which]);
    }
}

// How many bytes of pages stand behind a live byte.
static void draw_spread(struct ht_picture_curve *curve, const struct ht_series *series)
{
    for (uint32_t i = 0; i < series->count; i++) {
        const struct ht_series_state *last = &series->buckets[i].last;
        double pages = (double)last->pages * HT_PICTURE_PAGE_BYTES;
        double live = (double)last->value[HT_LIVE_BYTES];
        put_real(curve, ht_picture_stamp(curve->model, last->time_ns), live > 0 ? pages / live : 0);
    }
}

static uint64_t total_of(const struct ht_series_totals *totals, enum ht_picture_counter counter)
{
    switch (counter) {
    case HT_COUNTER_ALLOC_RATE:
        return totals->allocs;
    case HT_COUNTER_FREE_RATE:
        return totals->frees;
    case HT_COUNTER_REALLOC_MOVED:
        return totals->moved;
    case HT_COUNTER_REALLOC_INPLACE:
        return totals->in_place;
    case HT_COUNTER_COPIED_BYTES:
        return totals->copied_bytes;
    default: // HT_COUNTER_REALLOC_RATE
        return totals->in_place + totals->moved;
    }
}

static void draw_total(struct ht_picture_curve *curve, const struct ht_series *series,
                       enum ht_picture_counter counter)
{
    for (uint32_t i = 0; i < series->count; i++)
        put_number(curve, ht_picture_stamp(curve->model, series->buckets[i].last.time_ns),
                   total_of(&series->buckets[i].totals, counter));
}

// One sample a window, at its beginning, and 0 where nothing follows, but not behind the recording,
// which would seem longer than it is: windows are as wide as the buckets, at least
// RATE_WINDOW_LOG2.
static void draw_rate(struct ht_picture_curve *curve, const struct ht_series *series,
                      enum ht_picture_counter counter)
{
    uint32_t width_log2 =
        series->width_log2 > RATE_WINDOW_LOG2 ? series->width_log2 : RATE_WINDOW_LOG2;
    uint64_t before = 0;
    for (uint32_t i = 0; i < series->count;) {
        uint64_t window = ht_series_bucket_number(series->buckets[i].last.time_ns, width_log2);
        uint64_t total = before;
        for (; i < series->count &&
               ht_series_bucket_number(series->buckets[i].last.time_ns, width_log2) == window;
             i++)
            total = total_of(&series->buckets[i].totals, counter);
        int64_t from_ns = (int64_t)(window << width_log2 ^ UINT64_C(1) << 63);
        double seconds = (double)(UINT64_C(1) << width_log2) / 1e9;
        uint64_t from = ht_picture_stamp(curve->model, from_ns);
        put_real(curve, from, (double)(total - before) / seconds);
        bool is_followed =
            i < series->count &&
            ht_series_bucket_number(series->buckets[i].last.time_ns, width_log2) == window + 1;
        uint64_t until = from + (UINT64_C(1) << width_log2);
        if (!is_followed && until <= ht_picture_stamp(curve->model, curve->model->last_ns))
            put_real(curve, until, 0);
        before = total;
    }
}

static void draw_free_inside(struct ht_picture_curve *curve, const struct ht_picture_heap *heap)
{
    const struct ht_series *live = &heap->live;
    const struct ht_series *space = &heap->space;
    double live_bytes = 0;
    double committed = 0;
    uint32_t i = 0;
    uint32_t k = 0;
    while (i < live->count || k < space->count) {
        bool is_live = k == space->count || (i < live->count && live->buckets[i].last.time_ns <=
                                                                    space->buckets[k].last.time_ns);
        const struct ht_series_state *state =
            is_live ? &live->buckets[i++].last : &space->buckets[k++].last;
        if (is_live)
            live_bytes = (double)state->value[HT_LIVE_BYTES];
        else
            committed = (double)state->value[HT_PICTURE_COMMITTED];
        if (committed > 0)
            put_real(curve, ht_picture_stamp(curve->model, state->time_ns),
                     live_bytes < committed ? 100 * (1 - live_bytes / committed) : 0);
    }
}

void ht_picture_draw_live(const struct ht_picture_model *model, const struct ht_series *live,
                          struct ht_picture_curve *curve)
{
    static const enum ht_picture_counter values[2] = {
        [HT_LIVE_BYTES] = HT_COUNTER_LIVE_BYTES,
        [HT_LIVE_BLOCKS] = HT_COUNTER_LIVE_BLOCKS,
    };
    for (int i = 0; i < 2; i++) {
        begin(curve, model, values[i]);
        draw_value(curve, live, i);
    }
    begin(curve, model, HT_COUNTER_PAGE_SPREAD);
    draw_spread(curve, live);
    for (int counter = HT_COUNTER_ALLOC_RATE; counter <= HT_COUNTER_REALLOC_RATE; counter++) {
        begin(curve, model, (enum ht_picture_counter)counter);
        draw_rate(curve, live, (enum ht_picture_counter)counter);
    }
    for (int counter = HT_COUNTER_REALLOC_MOVED; counter <= HT_COUNTER_COPIED_BYTES; counter++) {
        begin(curve, model, (enum ht_picture_counter)counter);
        draw_total(curve, live, (enum ht_picture_counter)counter);
    }
}

void ht_picture_draw_space(const struct ht_picture_model *model, const struct ht_picture_heap *heap,
                           struct ht_picture_curve *curve)
{
    static const enum ht_picture_counter values[2] = {
        [HT_PICTURE_COMMITTED] = HT_COUNTER_COMMITTED_BYTES,
        [HT_PICTURE_RESERVED] = HT_COUNTER_RESERVED_BYTES,
    };
    if (heap->space.count == 0)
        return;
    for (int i = 0; i < 2; i++) {
        begin(curve, model, values[i]);
        draw_value(curve, &heap->space, i);
    }
    begin(curve, model, HT_COUNTER_FREE_INSIDE);
    draw_free_inside(curve, heap);
}
