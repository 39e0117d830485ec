// SPDX-License-Identifier: MIT
//
// `heaptape info` for people: plain, aligned text. What JSON lists whole is cut here where it
// gets long, and says so.
#include "cli/info.h"
#include "cli/show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAPS_SHOWN = 20,
    RECORDS_SHOWN = 20,
};

static void row(const char *label, const char *format, ...) HT_PRINTF(2, 3);

static void row(const char *label, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("  %-14s", label);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

static void count_row(const char *label, uint64_t count)
{
    printf("  %-24s%16s\n", label, ht_show_count(count).text);
}

static void print_cut(uint64_t shown, uint64_t count, const char *option)
{
    if (count > shown)
        printf("  ... and %s more (%s has all)\n", ht_show_count(count - shown).text, option);
}

static const char *clock_name(uint32_t clock)
{
    static const char *const names[] = {"unknown", "performance counter", "system time",
                                        "CPU cycles"};
    return clock < sizeof names / sizeof *names ? names[clock] : names[0];
}

static void print_origin(const struct ht_trace *trace)
{
    const struct ht_origin *origin = &trace->origin;
    if (origin->os_major > 0)
        row("recorded on",
            "Windows %" PRIu32 ".%" PRIu32 " build %" PRIu32 ", %" PRIu32 "-bit, %" PRIu32 " CPUs",
            origin->os_major, origin->os_minor, origin->os_build, origin->pointer_size * 8,
            origin->cpu_count);
    if (trace->host != 0) {
        size_t length;
        const char *host = ht_dict_string(trace->dict, trace->host, &length);
        printf("  %-14s", "machine");
        ht_show_name(host, length);
        putchar('\n');
    }
    if (origin->start_unix_ns != HT_TIME_UNKNOWN)
        row("recorded at", "%s", ht_show_wall_time(origin->start_unix_ns).text);
    if (origin->clock != HT_CLOCK_NONE)
        row("clock", "%s, %s Hz", clock_name(origin->clock), ht_show_count(origin->clock_hz).text);
}

static void print_changes(const struct ht_origin *origin)
{
    if (origin->is_redacted || origin->is_rebased)
        row("changed", "%s%s%s", origin->is_redacted ? "names redacted" : "",
            origin->is_redacted && origin->is_rebased ? ", " : "",
            origin->is_rebased ? "addresses rebased" : "");
}

static void print_filters(const struct ht_trace *trace)
{
    if (trace->filters[0] == '\0')
        return;
    printf("  %-14s", "filtered by");
    ht_show_name(trace->filters, strlen(trace->filters));
    printf(", which left out %s events\n", ht_show_count(trace->left_out).text);
}

static void print_head(const struct ht_stream *stream)
{
    const char *format = stream->format->name;
    const char *origin = stream->trace.origin.format;
    bool is_original = *origin == '\0' || strcmp(origin, format) == 0;
    uint64_t size = ht_stream_size(stream);
    printf("%s\n", ht_input_name(stream->input));
    for (size_t i = 0; i < stream->joined_count; i++)
        printf("%s\n", ht_input_name(stream->joined[i]));
    row("format", "%s%s%s", format, is_original ? "" : ", recorded as ", is_original ? "" : origin);
    if (size > 0)
        row("size", "%s", ht_show_bytes(size).text);
    if (stream->trace.groups > 0)
        row("index", "%s", ht_show_part(stream).text);
    print_origin(&stream->trace);
    print_changes(&stream->trace.origin);
    print_filters(&stream->trace);
}

static void print_totals(const struct ht_summary *summary)
{
    const struct ht_live *live = &summary->live;
    row("heap events", "%s", ht_show_count(summary->events).text);
    if (summary->events == 0)
        return;
    uint64_t span_ns = (uint64_t)summary->last_ns - (uint64_t)summary->first_ns;
    row("first at", "%s", ht_show_seconds(summary->first_ns).text);
    row("span", "%s", ht_show_seconds((int64_t)span_ns).text);
    if (summary->number == NULL)
        return;
    row("peak live", "%s at %s", ht_show_bytes(live->peak_bytes).text,
        ht_show_seconds(live->peak_time_ns).text);
    row("live at end", "%s in %s blocks", ht_show_bytes(live->bytes).text,
        ht_show_count(live->blocks).text);
}

static void print_stacks(const struct ht_info *info)
{
    if (info->summary->with_stack == 0)
        return;
    uint32_t distinct = ht_dict_stack_count(info->stream->trace.dict);
    row("stacks", "of %s events, %s distinct, in %s modules",
        ht_show_count(info->summary->with_stack).text, ht_show_count(distinct).text,
        ht_show_count(info->module_count).text);
}

static void explain_no_events(const struct ht_trace *trace)
{
    char loss[256];
    printf("\nNo heap events%s: this was recorded without heap tracing.",
           ht_show_loss(trace->loss, loss, sizeof loss)
               ? " in what could be read.\nThe rest, see below, may have some. If not"
               : "");
    printf(" To record them, in an\n"
           "elevated prompt, for a program that starts after it:\n"
           "  wpr -HeapTracingConfig APP.exe enable\n"
           "  wpr -start Heap -filemode\n"
           "  wpr -stop app.etl\n"
           "or for one that runs:\n"
           "  xperf -start HeapSession -heap -Pids PID -stackwalk HeapAlloc+HeapRealloc\n"
           "  xperf -stop HeapSession -d app.etl\n");
}

static void print_kinds(const struct ht_summary *summary)
{
    printf("\nevents by kind\n");
    for (int kind = 0; kind < HT_KIND_COUNT; kind++) {
        if (summary->by_kind[kind] > 0)
            count_row(ht_kind_name((enum ht_kind)kind), summary->by_kind[kind]);
    }
}

static void print_reallocs(const struct ht_realloc_summary *sums)
{
    uint64_t count = sums->in_place + sums->moved;
    if (count == 0)
        return;
    printf("\nreallocs of a block\n");
    count_row("all", count);
    count_row("in place", sums->in_place);
    count_row("moved", sums->moved);
    count_row("grow", sums->grow);
    count_row("shrink", sums->shrink);
    count_row("same size", sums->same);
    count_row("bytes copied by moves", sums->bytes_copied);
}

static void print_processes(const struct ht_info *info)
{
    const struct ht_dict *dict = info->stream->trace.dict;
    if (info->process_count > 0)
        printf("\n  %10s %14s  process\n", "pid", "heap events");
    for (uint32_t i = 0; i < info->process_count; i++) {
        const struct ht_info_process *process = &info->processes[i];
        size_t length;
        uint32_t name_id = process->known != NULL ? process->known->name : 0;
        const char *name = ht_dict_string(dict, name_id, &length);
        printf("  %10" PRIu32 " %14s  ", process->pid, ht_show_count(process->events).text);
        if (length > 0)
            ht_show_name(name, length);
        else
            fputs("(not named)", stdout);
        putchar('\n');
    }
}

// Of heaps whose events were not read.
static void print_tallied_heaps(const struct ht_info *info)
{
    const struct ht_summary *summary = info->summary;
    printf("\n  %10s %18s %14s\n", "pid", "heap", "events");
    for (uint32_t i = 0; i < summary->heap_count && i < HEAPS_SHOWN; i++) {
        struct ht_number_heap heap = ht_summary_heap(summary, info->heaps[i]);
        char handle[24];
        snprintf(handle, sizeof handle, "0x%" PRIx64, heap.handle);
        printf("  %10" PRIu32 " %18s %14s\n", heap.pid, handle,
               ht_show_count(summary->heaps[info->heaps[i]].events).text);
    }
    print_cut(HEAPS_SHOWN, summary->heap_count, "--json");
}

static void print_heaps(const struct ht_info *info)
{
    const struct ht_summary *summary = info->summary;
    if (summary->heap_count > 0)
        printf("\n  %10s %18s %14s %16s %16s\n", "pid", "heap", "events", "peak live bytes",
               "bytes at end");
    for (uint32_t i = 0; i < summary->heap_count && i < HEAPS_SHOWN; i++) {
        uint32_t index = info->heaps[i];
        struct ht_number_heap heap = ht_summary_heap(summary, index);
        const struct ht_heap_summary *figures = &summary->heaps[index];
        char handle[24];
        snprintf(handle, sizeof handle, "0x%" PRIx64, heap.handle);
        printf("  %10" PRIu32 " %18s %14s %16s %16s\n", heap.pid, handle,
               ht_show_count(figures->events).text, ht_show_count(figures->live.peak_bytes).text,
               ht_show_count(figures->live.bytes).text);
    }
    print_cut(HEAPS_SHOWN, summary->heap_count, "--json");
}

// Blocks and calls that do not add up: not lost by the recorder, but older than the recording, or
// between what it lost.
static void print_oddities(const struct ht_summary *summary)
{
    const struct ht_number_counts *counts = ht_number_counts(summary->number);
    const struct {
        const char *what;
        uint64_t count;
    } oddities[] = {
        {"reallocs of them", counts->adopted},  {"frees of them", counts->unknown_frees},
        {"blocks made over", counts->replaced}, {"old size differs", counts->old_size_differs},
        {"calls that failed", counts->failed},
    };
    printf("\nwhat does not add up\n");
    count_row("unknown blocks", ht_summary_unknown_blocks(summary));
    for (size_t i = 0; i < sizeof oddities / sizeof *oddities; i++) {
        if (oddities[i].count > 0)
            count_row(oddities[i].what, oddities[i].count);
    }
}

static void print_loss(const struct ht_stream *stream)
{
    const struct ht_trace *trace = &stream->trace;
    bool is_lossy = false;
    printf("\nlost or damaged\n");
    for (int loss = 0; loss < HT_LOSS_COUNT; loss++) {
        if (trace->loss[loss] > 0)
            count_row(ht_loss_name((enum ht_loss)loss), trace->loss[loss]);
        is_lossy = is_lossy || trace->loss[loss] > 0;
    }
    if (!is_lossy)
        printf("  nothing\n");
    for (uint32_t i = 0; i < trace->damage_count; i++) {
        const struct ht_damage *damage = &trace->damage[i];
        const struct ht_input *input = ht_stream_input(stream, damage->input);
        bool is_one_of_several = stream->joined_count > 0 && input != NULL;
        printf("  at offset %" PRIu64 "%s%s: %s\n", damage->offset, is_one_of_several ? " of " : "",
               is_one_of_several ? ht_input_name(input) : "", damage->what);
    }
}

static int compare_counters(const void *left, const void *right)
{
    const struct ht_counter *a = *(const struct ht_counter *const *)left;
    const struct ht_counter *b = *(const struct ht_counter *const *)right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a < b ? -1 : 1; // the order of the file
}

static void print_records(const struct ht_trace *trace, bool has_all)
{
    const uint32_t limit = has_all ? HT_TRACE_COUNTERS_MAX : RECORDS_SHOWN;
    const struct ht_counter *largest[HT_TRACE_COUNTERS_MAX];
    uint32_t count = trace->counter_count;
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++)
        largest[i] = &trace->counters[i];
    qsort(largest, count, sizeof *largest, compare_counters);
    printf("\nrecords in the file\n");
    for (uint32_t i = 0; i < count && i < limit; i++) {
        printf("  %16s  ", ht_show_count(largest[i]->count).text);
        ht_show_name(largest[i]->name, strlen(largest[i]->name));
        putchar('\n');
    }
    print_cut(limit, count, "--all-events");
}

void ht_info_print_text(const struct ht_info *info)
{
    const struct ht_summary *summary = info->summary;
    print_head(info->stream);
    print_totals(summary);
    print_stacks(info);
    if (summary->events == 0 && info->stream->trace.left_out == 0)
        explain_no_events(&info->stream->trace);
    print_processes(info);
    if (summary->number == NULL) {
        print_tallied_heaps(info);
        print_kinds(summary);
        printf(
            "\nThe events were not read. --scan tells what was live, what reallocs did, and what\n"
            "does not add up.\n");
    } else if (summary->events > 0) {
        print_heaps(info);
        print_kinds(summary);
        print_reallocs(&summary->realloc);
        print_oddities(summary);
    }
    print_loss(info->stream);
    print_records(&info->stream->trace, info->has_all_events);
}
