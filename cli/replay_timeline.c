// SPDX-License-Identifier: MIT
//
// `heaptape replay --timeline`: the samples of both columns as Perfetto counters, on the clock of
// the recording. What the file is made of is described in docs/formats/perfetto.md; here are no
// events, and so nothing but tracks, samples, and the blocks that pin most as slices.
#include "cli/replay_report.h"

#include "formats/perfetto_sink.h"

#include "cli/show.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    UNIT_COUNT = 2,
    UNIT_BYTES = 3,
    EXACT_MAX = 2 + HT_METRICS_MARKS, // moments between samples
};

// Reads one value. False where the report does not have it.
typedef bool value_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                      double *value);

static bool live_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                    double *value)
{
    (void)report;
    *value = (double)moment->live_bytes;
    return true;
}

static bool blocks_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                      double *value)
{
    (void)report;
    *value = (double)moment->live_blocks;
    return true;
}

static bool usable_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                      double *value)
{
    *value = (double)moment->usable_bytes;
    return report->has_usable;
}

static bool pages_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                     double *value)
{
    (void)report;
    *value = (double)moment->page_bytes;
    return true;
}

static bool sparse_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                      double *value)
{
    (void)report;
    *value = (double)moment->sparse_bytes;
    return true;
}

static bool spread_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                      double *value)
{
    (void)report;
    *value = moment->live_bytes > 0 ? (double)moment->page_bytes / (double)moment->live_bytes : 0;
    return moment->live_bytes > 0;
}

static bool moved_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                     double *value)
{
    (void)report;
    *value = (double)moment->moved;
    return true;
}

static bool in_place_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                        double *value)
{
    (void)report;
    *value = (double)(moment->reallocs - moment->moved);
    return true;
}

// The system is asked at samples and marks, not at the peaks between them.
static bool is_asked(const struct ht_metrics_report *report, const struct ht_moment *moment)
{
    return moment != &report->peak && moment != &report->page_peak;
}

static bool resident_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                        double *value)
{
    *value = (double)moment->held.resident_bytes;
    return report->resident_source != NULL && is_asked(report, moment);
}

static bool mapped_of(const struct ht_metrics_report *report, const struct ht_moment *moment,
                      double *value)
{
    *value = (double)moment->held.mapped_bytes;
    return report->mapped_source != NULL && is_asked(report, moment);
}

static const struct {
    const char *name;
    value_of *value;
    uint32_t unit; // 0: a ratio
    const char *share_key;
    const char *description;
} counters[] = {
    {"live_bytes", live_of, UNIT_BYTES, "space", "Requested bytes of the blocks that live."},
    {"usable_bytes", usable_of, UNIT_BYTES, "space", "What the heap says they have room for."},
    {"page_bytes", pages_of, UNIT_BYTES, "space", "Bytes of the pages that hold a live byte."},
    {"resident_bytes", resident_of, UNIT_BYTES, "space",
     "What the process holds in memory more than before the first operation."},
    {"mapped_bytes", mapped_of, UNIT_BYTES, "space",
     "Address space that it has more than before the first operation."},
    {"sparse_bytes", sparse_of, UNIT_BYTES, "space", "Pages that are less than a quarter live."},
    {"page_spread", spread_of, 0, NULL, "page_bytes / live_bytes"},
    {"live_blocks", blocks_of, UNIT_COUNT, NULL, "Blocks that live."},
    {"realloc_moved", moved_of, UNIT_COUNT, "reallocs", "Reallocs so far that moved their block."},
    {"realloc_inplace", in_place_of, UNIT_COUNT, "reallocs",
     "Reallocs so far that left their block in place."},
};

static double not_in_largest(const struct ht_gaps *gaps)
{
    return (double)(gaps->free_bytes - gaps->largest_bytes) / (double)gaps->free_bytes;
}

static double unusable_p99(const struct ht_gaps *gaps)
{
    uint64_t usable = gaps->usable_bytes[HT_GAP_SIZES - 1];
    return (double)(gaps->free_bytes - usable) / (double)gaps->free_bytes;
}

static double gap_bytes(const struct ht_gaps *gaps)
{
    return (double)gaps->free_bytes;
}

static const struct {
    const char *name;
    double (*value)(const struct ht_gaps *gaps);
    uint32_t unit;
    const char *description;
} gap_counters[] = {
    {"gap_bytes", gap_bytes, UNIT_BYTES, "Bytes of the gaps between blocks."},
    {"largest_free_index", not_in_largest, 0, "Share of them that is not in the largest."},
    {"unusable_p99", unusable_p99, 0,
     "Share of them of no use for the 99th percentile of the sizes that are requested."},
};

enum { COUNTERS = sizeof counters / sizeof *counters };

struct timeline {
    struct ht_perfetto_sink sink;
    int64_t base_ns; // stamp 0
    bool is_begun;   // the sequence is
};

static void put(struct timeline *timeline, Ht__Perfetto__TracePacket *packet)
{
    packet->has_trusted_packet_sequence_id = true;
    packet->trusted_packet_sequence_id = HT_PERFETTO_TRACKS;
    packet->has_sequence_flags = true;
    packet->sequence_flags = timeline->is_begun
                                 ? HT_PERFETTO_STATE_NEEDED
                                 : HT_PERFETTO_STATE_CLEARED | HT_PERFETTO_STATE_NEEDED;
    timeline->is_begun = true;
    ht_perfetto_put(&timeline->sink, packet);
}

static void put_track(struct timeline *timeline, Ht__Perfetto__TrackDescriptor *track)
{
    Ht__Perfetto__TracePacket packet = HT__PERFETTO__TRACE_PACKET__INIT;
    packet.has_timestamp = true;
    packet.timestamp = 0;
    packet.track_descriptor = track;
    put(timeline, &packet);
}

static Ht__Perfetto__TrackDescriptor new_track(struct timeline *timeline, uint64_t parent,
                                               const char *name)
{
    Ht__Perfetto__TrackDescriptor track = HT__PERFETTO__TRACK_DESCRIPTOR__INIT;
    track.has_uuid = true;
    track.uuid = ++timeline->sink.tracks;
    track.has_parent_uuid = parent != 0;
    track.parent_uuid = parent;
    track.name = ht_perfetto_borrow(name);
    return track;
}

// A track that samples are written to.
struct line {
    struct timeline *timeline;
    uint64_t track;
    uint64_t next_stamp; // samples of one track have different ones
    bool is_real;
};

static void put_sample(struct line *line, int64_t time_ns, double value)
{
    uint64_t stamp = (uint64_t)time_ns - (uint64_t)line->timeline->base_ns;
    if (stamp < line->next_stamp)
        stamp = line->next_stamp;
    line->next_stamp = stamp + 1;
    if (line->is_real)
        ht_perfetto_put_real_sample(&line->timeline->sink, line->track, stamp, value);
    else
        ht_perfetto_put_sample(&line->timeline->sink, line->track, stamp, (int64_t)value);
}

static struct line begin_line(struct timeline *timeline, uint64_t group, size_t rank,
                              const char *name, uint32_t unit, const char *share_key,
                              const char *text)
{
    Ht__Perfetto__CounterDescriptor description = HT__PERFETTO__COUNTER_DESCRIPTOR__INIT;
    Ht__Perfetto__TrackDescriptor track = new_track(timeline, group, name);
    description.has_unit = unit != 0;
    description.unit = unit;
    description.y_axis_share_key = ht_perfetto_borrow(share_key);
    track.counter = &description;
    track.description = ht_perfetto_borrow(text);
    track.has_sibling_order_rank = true;
    track.sibling_order_rank = (int32_t)rank;
    put_track(timeline, &track);
    return (struct line){.timeline = timeline, .track = track.uuid, .is_real = unit == 0};
}

// The peaks and the marks in order.
struct exact {
    size_t count;
    const struct ht_moment *at[EXACT_MAX];
};

static void add_exact(struct exact *exact, const struct ht_moment *moment)
{
    size_t at = exact->count++;
    for (; at > 0 && exact->at[at - 1]->operation > moment->operation; at--)
        exact->at[at] = exact->at[at - 1];
    exact->at[at] = moment;
}

static struct exact exact_of(const struct ht_metrics_report *report)
{
    struct exact exact = {0};
    add_exact(&exact, &report->peak);
    add_exact(&exact, &report->page_peak);
    for (uint32_t i = 0; i < report->mark_count && report->marks[i].look.is_taken; i++)
        add_exact(&exact, &report->marks[i].moment);
    return exact;
}

// The samples, and between them what is exact.
static void put_line(struct line *line, value_of *value, const struct ht_metrics_report *report)
{
    struct exact exact = exact_of(report);
    double told;
    size_t next = 0;
    for (uint32_t i = 0; i < report->sample_count; i++) {
        const struct ht_moment *sample = &report->samples[i];
        for (; next < exact.count && exact.at[next]->operation < sample->operation; next++)
            if (value(report, exact.at[next], &told))
                put_sample(line, exact.at[next]->time_ns, told);
        if (value(report, sample, &told))
            put_sample(line, sample->time_ns, told);
    }
}

static bool has(const struct ht_metrics_report *report, value_of *value)
{
    double told;
    for (uint32_t i = 0; i < report->sample_count; i++)
        if (value(report, &report->samples[i], &told))
            return true;
    return false;
}

static void put_gaps(struct timeline *timeline, uint64_t group,
                     const struct ht_metrics_report *report)
{
    for (size_t i = 0; i < sizeof gap_counters / sizeof *gap_counters; i++) {
        struct line line = begin_line(timeline, group, COUNTERS + i, gap_counters[i].name,
                                      gap_counters[i].unit, NULL, gap_counters[i].description);
        for (uint32_t k = 0; k < report->gaps_count; k++)
            if (report->gaps[k].gaps.free_bytes > 0)
                put_sample(&line, report->gaps[k].time_ns,
                           gap_counters[i].value(&report->gaps[k].gaps));
    }
}

static void put_edge(struct timeline *timeline, uint64_t track, uint32_t type, int64_t time_ns,
                     const char *name)
{
    Ht__Perfetto__TrackEvent event = HT__PERFETTO__TRACK_EVENT__INIT;
    event.has_type = true;
    event.type = type;
    event.has_track_uuid = true;
    event.track_uuid = track;
    event.name = ht_perfetto_borrow(name);
    Ht__Perfetto__TracePacket packet = HT__PERFETTO__TRACE_PACKET__INIT;
    packet.has_timestamp = true;
    packet.timestamp = (uint64_t)time_ns - (uint64_t)timeline->base_ns;
    packet.track_event = &event;
    put(timeline, &packet);
}

static void put_marks(struct timeline *timeline, uint64_t process,
                      const struct ht_metrics_report *report)
{
    if (report->mark_count == 0)
        return;
    Ht__Perfetto__TrackDescriptor track = new_track(timeline, process, "Marks");
    put_track(timeline, &track);
    for (uint32_t i = 0; i < report->mark_count && report->marks[i].look.is_taken; i++)
        put_edge(timeline, track.uuid, HT_PERFETTO_INSTANT, report->marks[i].moment.time_ns,
                 "mark");
}

// What a block pins, and who made it: the innermost frame, else the thread.
static void name_pinner(const struct ht_pinner *pinner, const struct ht_dict *stacks, char *name,
                        size_t size)
{
    size_t count = 0;
    size_t length = 0;
    const struct ht_frame *frames =
        stacks == NULL ? NULL : ht_dict_stack(stacks, pinner->stack, &count);
    int used = snprintf(name, size, "%s B pin ", ht_show_count(pinner->size).text);
    used += snprintf(name + used, size - (size_t)used, "%s B, ",
                     ht_show_count(pinner->pinned_bytes).text);
    if (count == 0) {
        snprintf(name + used, size - (size_t)used, "thread %" PRIu32, pinner->thread);
        return;
    }
    const char *module = ht_dict_string(stacks, frames[0].module, &length);
    snprintf(name + used, size - (size_t)used, "%.*s%s0x%" PRIx64, (int)(length < 80 ? length : 80),
             module, length > 0 ? "+" : "", frames[0].address);
}

// The blocks that pin most, each from its birth to its end on a track of its own, for they overlap
// in any way.
static void put_pinners(struct timeline *timeline, uint64_t process, const char *title,
                        const struct ht_look *look, const struct ht_replay_report *report,
                        int64_t end_ns)
{
    char name[192];
    if (look->pinners[0].pinned_bytes == 0)
        return;
    Ht__Perfetto__TrackDescriptor group = new_track(timeline, process, title);
    group.has_child_ordering = true;
    group.child_ordering = 3; // as ranked
    put_track(timeline, &group);
    for (int i = 0; i < HT_METRICS_PINNING && look->pinners[i].pinned_bytes > 0; i++) {
        const struct ht_pinner *pinner = &look->pinners[i];
        int64_t last_ns = pinner->is_ended ? pinner->ended_ns : end_ns;
        name_pinner(pinner, report->stacks, name, sizeof name);
        Ht__Perfetto__TrackDescriptor track = new_track(timeline, group.uuid, name);
        track.has_sibling_order_rank = true;
        track.sibling_order_rank = i;
        put_track(timeline, &track);
        put_edge(timeline, track.uuid, HT_PERFETTO_BEGIN, pinner->made_ns, name);
        put_edge(timeline, track.uuid, HT_PERFETTO_END, last_ns, NULL);
    }
}

// A column as a process with one group of counters.
static void put_column(struct timeline *timeline, int32_t number, const char *name,
                       const struct ht_replay_report *whole, const struct ht_metrics_report *report)
{
    Ht__Perfetto__ProcessDescriptor process = HT__PERFETTO__PROCESS_DESCRIPTOR__INIT;
    Ht__Perfetto__TrackDescriptor track = new_track(timeline, 0, NULL);
    process.has_pid = true;
    process.pid = number;
    process.process_name = ht_perfetto_borrow(name);
    track.process = &process;
    track.has_sibling_order_rank = true;
    track.sibling_order_rank = number;
    put_track(timeline, &track);
    Ht__Perfetto__TrackDescriptor group = new_track(timeline, track.uuid, "Metrics");
    group.has_child_ordering = true;
    group.child_ordering = 3; // as ranked
    put_track(timeline, &group);
    for (size_t i = 0; i < COUNTERS; i++) {
        if (!has(report, counters[i].value))
            continue;
        struct line line = begin_line(timeline, group.uuid, i, counters[i].name, counters[i].unit,
                                      counters[i].share_key, counters[i].description);
        put_line(&line, counters[i].value, report);
    }
    put_gaps(timeline, group.uuid, report);
    put_marks(timeline, track.uuid, report);
    put_pinners(timeline, track.uuid, "Pinning at the live peak", &report->look, whole,
                report->end.time_ns);
    put_pinners(timeline, track.uuid, "Pinning at the end", &report->last, whole,
                report->end.time_ns);
}

enum ht_status ht_replay_write_timeline(const struct ht_replay_report *report, const char *path,
                                        struct ht_error *error)
{
    struct ht_output *output = NULL;
    char name[128];
    enum ht_status status = ht_output_open(path, &output, error);
    if (status != HT_OK)
        return status;
    struct timeline timeline = {
        .sink = ht_perfetto_sink_over(output, error),
        .base_ns = report->was->first_ns < 0 ? report->was->first_ns : 0,
    };
    ht_perfetto_put_clocks(&timeline.sink, NULL);
    put_column(&timeline, 1, report->columns[0], report, report->was);
    snprintf(name, sizeof name, "%s: %s", report->columns[1], report->result->heap_version);
    put_column(&timeline, 2, name, report, report->is);
    status = ht_perfetto_sink_finish(&timeline.sink);
    ht_perfetto_sink_reset(&timeline.sink);
    if (status == HT_OK)
        status = ht_output_commit(output, error);
    ht_output_close(output);
    return status;
}
