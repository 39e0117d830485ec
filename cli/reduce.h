// SPDX-License-Identifier: MIT
//
// Reduce: the search for a small part of a trace that keeps a figure of its fragmentation. Parts
// are cut by filters, one pass over the trace each; a cut that keeps the figure and has fewer
// events is taken at once, and the next are tried on what it left, until none helps.
//
// The figure is one of bytes, for those add up: a part that leaves out what does no harm keeps
// them, and no small part has them by chance, as it would a ratio. It is of the recorded addresses.
// Where it is of pages, only cuts are made that keep or leave out all blocks of a page: by process,
// by heap, and the end of the trace.
#ifndef HT_CLI_REDUCE_H
#define HT_CLI_REDUCE_H

#include "cli/part.h"

enum {
    HT_REDUCE_PASSES = 200,    // at most, when nothing else is asked for
    HT_REDUCE_TOLERANCE = 10,  // per cent, the same
    HT_REDUCE_GAIN_PERCENT = 1 // a cut leaves out at least so many of the events
};

enum ht_reduce_metric {
    HT_REDUCE_F2,        // bytes of pages in use over live ones, at the live peak
    HT_REDUCE_F4,        // of pages at their peak, over live bytes at theirs
    HT_REDUCE_RETENTION, // of pages in use over live bytes, at the end
    HT_REDUCE_MOVED,     // that reallocs copied which moved
    HT_REDUCE_METRICS,
};

struct ht_reduce_options {
    enum ht_reduce_metric metric;
    unsigned tolerance; // per cent of the figure of the whole, up and down
    unsigned passes;
};

enum ht_reduce_ending {
    HT_REDUCE_NO_CUT_HELPS,
    HT_REDUCE_OUT_OF_PASSES,
    HT_REDUCE_INTERRUPTED, // from the keyboard
};

struct ht_reduction {
    struct ht_paths paths; // with the filter that makes the part
    struct ht_part *whole; // owned, as is the next
    struct ht_part *part;
    struct ht_part *tried;
    struct ht_reduce_options options;
    unsigned passes; // over the trace
    enum ht_reduce_ending ending;
};

// "f2" ... as on the command line. HT_REDUCE_METRICS when there is none of the name.
enum ht_reduce_metric ht_reduce_metric_by_name(const char *name);

// The figure of a report, in bytes.
uint64_t ht_reduce_figure(const struct ht_metrics_report *report, enum ht_reduce_metric metric);

// Searches. `paths` are files, and its filter stays in force. HT_UNSUPPORTED when the figure of the
// whole is 0. To be closed in any case.
enum ht_status ht_reduce(struct ht_reduction *reduction, const struct ht_paths *paths,
                         const struct ht_reduce_options *options, struct ht_error *error);
void ht_reduction_close(struct ht_reduction *reduction);

#endif
