// SPDX-License-Identifier: MIT
//
// Filter: leaves out the events that are not asked for. What is left out is counted in the trace,
// which also says by which filters.
//
// Process, heap, time and kind are of each event. A range of time ends before its end, so that
// neighbouring ranges share no event. Thread and size are of a block: it is followed from the first
// alloc or realloc on that matches, until it ends, and all its events are kept, whichever thread
// and size they are of. The free of a block that is not followed is left out. Following begins
// with the range of time, so what a reader skips before it makes no difference. Of events that are
// not of a block those of other threads are left out, but for destroy, which ends blocks; size does
// not concern them.
#ifndef HT_CONVERT_FILTER_H
#define HT_CONVERT_FILTER_H

#include "formats/format.h"

// What is asked for; several values of one sort are alternatives, and so are pids and processes.
// HT_FILTER_ALL asks for everything.
struct ht_filter {
    uint32_t pids[HT_FILTER_VALUES_MAX];
    size_t pid_count;
    const char *processes[HT_FILTER_VALUES_MAX]; // file names without folder, in any case; borrowed
    size_t process_count;
    uint64_t heaps[HT_FILTER_VALUES_MAX]; // handles
    size_t heap_count;
    uint32_t tids[HT_FILTER_VALUES_MAX];
    size_t tid_count;
    uint64_t kinds; // a bit for each enum ht_kind; 0: every kind
    int64_t from_ns;
    int64_t until_ns; // the first time that is not asked for
    uint64_t min_size;
    uint64_t max_size;
    char text[HT_TRACE_FILTERS_BYTES]; // as the person wrote it; "" when everything is asked for
};

#define HT_FILTER_ALL                                                                              \
    ((struct ht_filter){.from_ns = INT64_MIN, .until_ns = INT64_MAX, .max_size = UINT64_MAX})

// Wraps `source`, which then belongs to the filter and is closed with it; `trace` is that of its
// events. On failure the source stays the caller's and *reader is NULL.
enum ht_status ht_filter_open(const struct ht_filter *filter, struct ht_trace *trace,
                              struct ht_reader *source, struct ht_reader **reader,
                              struct ht_error *error);

#endif
