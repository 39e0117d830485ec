// SPDX-License-Identifier: MIT
//
// Writes Chrome trace events: a counter track a heap and a process, the biggest reallocs as
// instants on their threads, and what the file holds and lacks as metadata. Everything is held in
// bounded form until the end, because only then are the names and the earliest time known. Stacks
// are not written: Perfetto does not read them from JSON. See docs/formats/chrome.md.
#include "formats/chrome.h"

#include "formats/budget.h"
#include "formats/json.h"
#include "formats/series.h"

#include <inttypes.h>
#include <stdio.h>
#include <assert.h>
#include <stdlib.h>

enum {
    HEAPS_MAX = 1024, // with tracks of their own
    PROCESSES_MAX = 256,
    REALLOCS_MAX = 100000,
    BUCKETS_MAX = 512, // of one track
    SCHEMA = 1,        // of names and arguments, see docs/formats/chrome.md
};

struct heap {
    uint32_t pid;
    uint64_t handle;
    struct ht_series series;
};

struct process {
    uint32_t pid;
    int64_t first_ns; // of its first event, which tells it from another of the same pid
    struct ht_series series;
};

struct chrome_writer {
    struct ht_writer base;
    struct ht_output *output;
    const struct ht_trace *trace;
    struct ht_event event; // the newest, which the changes belong to
    uint64_t event_count;
    int64_t first_ns; // the earliest and the latest time of any event
    int64_t last_ns;
    struct ht_budget reallocs;
    uint32_t heap_count;         // met in changes; the first HEAPS_MAX are kept
    uint64_t processless_events; // of processes past PROCESSES_MAX
    struct process *process;     // of the newest event, NULL past PROCESSES_MAX
    uint32_t process_count;
    struct process processes[PROCESSES_MAX];
    struct heap heaps[HEAPS_MAX]; // by index of the heap
};

static struct process *find_process(struct chrome_writer *writer, uint32_t pid)
{
    if (writer->process != NULL && writer->process->pid == pid)
        return writer->process;
    for (uint32_t i = 0; i < writer->process_count; i++) {
        if (writer->processes[i].pid == pid)
            return &writer->processes[i];
    }
    return NULL;
}

static struct process *note_process(struct chrome_writer *writer, const struct ht_event *event)
{
    struct process *process = find_process(writer, event->pid);
    if (process == NULL && writer->process_count < PROCESSES_MAX) {
        process = &writer->processes[writer->process_count++];
        *process = (struct process){
            .pid = event->pid, .first_ns = event->time_ns, .series = {.limit = BUCKETS_MAX}};
    }
    return process;
}

static enum ht_status chrome_write(struct ht_writer *self, const struct ht_event *event,
                                   size_t count, struct ht_error *error)
{
    struct chrome_writer *writer = (struct chrome_writer *)self;
    assert(count == 1); // it takes changes
    (void)count;
    if (writer->event_count == 0 || event->time_ns < writer->first_ns)
        writer->first_ns = event->time_ns;
    if (writer->event_count == 0 || event->time_ns > writer->last_ns)
        writer->last_ns = event->time_ns;
    writer->event_count++;
    writer->event = *event;
    writer->process = note_process(writer, event);
    writer->processless_events += writer->process == NULL;
    if (event->kind != HT_KIND_REALLOC || event->old_address == 0)
        return HT_OK;
    struct ht_pick pick = ht_pick_realloc(event);
    return ht_budget_offer(&writer->reallocs, &pick, error);
}

static enum ht_status chrome_change(struct ht_writer *self, const struct ht_change *change,
                                    struct ht_error *error)
{
    struct chrome_writer *writer = (struct chrome_writer *)self;
    const struct ht_event *event = &writer->event;
    enum ht_status status = HT_OK;
    if (change->heap >= writer->heap_count)
        writer->heap_count = change->heap + 1;
    if (change->heap < HEAPS_MAX) {
        struct heap *heap = &writer->heaps[change->heap];
        heap->pid = event->pid;
        heap->handle = event->heap;
        heap->series.limit = BUCKETS_MAX;
        status = ht_series_add(&heap->series, change, event->time_ns, error);
    }
    if (status == HT_OK && writer->process != NULL)
        status = ht_series_add(&writer->process->series, change, event->time_ns, error);
    return status;
}

// What time 0 of the file stands for: no stamp in it may be negative.
static int64_t base_time(const struct chrome_writer *writer)
{
    return writer->first_ns < 0 ? writer->first_ns : 0;
}

static void begin_event(struct ht_json *json, const char *phase, uint32_t pid, const char *name)
{
    ht_json_line(json);
    ht_json_begin_object(json);
    ht_json_put_string(json, "ph", phase);
    ht_json_put_u64(json, "pid", pid);
    ht_json_put_string(json, "name", name);
}

static void put_stamp(struct ht_json *json, uint64_t stamp_ns)
{
    ht_json_key(json, "ts");
    ht_json_thousandths(json, stamp_ns);
}

static void begin_arguments(struct ht_json *json)
{
    ht_json_key(json, "args");
    ht_json_begin_object(json);
}

static void end_event(struct ht_json *json)
{
    ht_json_end(json);
    ht_json_end(json);
}

static void put_process_names(const struct chrome_writer *writer, struct ht_json *json)
{
    for (uint32_t i = 0; i < writer->process_count; i++) {
        const struct process *process = &writer->processes[i];
        const struct ht_process *known =
            ht_trace_process_at(writer->trace, process->pid, process->first_ns);
        if (known == NULL || known->name == 0)
            continue;
        size_t length;
        const char *name = ht_dict_string(writer->trace->dict, known->name, &length);
        begin_event(json, "M", process->pid, "process_name");
        begin_arguments(json);
        ht_json_key(json, "name");
        ht_json_text(json, name, length);
        end_event(json);
    }
}

// Where one counter track belongs.
struct track {
    uint32_t pid;
    const char *name;
    int64_t base_ns;
};

static void put_state(struct ht_json *json, const struct track *track,
                      const struct ht_series_state *state)
{
    begin_event(json, "C", track->pid, track->name);
    put_stamp(json, (uint64_t)state->time_ns - (uint64_t)track->base_ns);
    begin_arguments(json);
    ht_json_put_u64(json, "live_bytes", state->value[HT_LIVE_BYTES]);
    ht_json_put_u64(json, "live_blocks", state->value[HT_LIVE_BLOCKS]);
    end_event(json);
}

static void put_series(struct ht_json *json, const struct track *track,
                       const struct ht_series *series, int64_t end_ns)
{
    for (uint32_t i = 0; i < series->count; i++) {
        struct ht_series_state states[3];
        uint32_t count = ht_series_bucket_states(&series->buckets[i], states);
        for (uint32_t k = 0; k < count; k++)
            put_state(json, track, &states[k]);
    }
    // chrome://tracing does not draw the last sample, so there is one more at the end of the trace.
    struct ht_series_state last = series->now;
    if (series->count > 0 && last.time_ns < end_ns) {
        last.time_ns = end_ns;
        put_state(json, track, &last);
    }
}

// How many earlier heaps have the pid and handle of this one: a pid used again brings them back.
static unsigned earlier_uses(const struct chrome_writer *writer, uint32_t index)
{
    const struct heap *heap = &writer->heaps[index];
    unsigned uses = 0;
    for (uint32_t i = 0; i < index; i++)
        uses += writer->heaps[i].pid == heap->pid && writer->heaps[i].handle == heap->handle;
    return uses;
}

static void put_counters(const struct chrome_writer *writer, struct ht_json *json)
{
    int64_t base_ns = base_time(writer);
    for (uint32_t i = 0; i < writer->process_count; i++) {
        const struct process *process = &writer->processes[i];
        struct track track = {process->pid, "Heap activity", base_ns};
        put_series(json, &track, &process->series, writer->last_ns);
    }
    for (uint32_t i = 0; i < HEAPS_MAX; i++) {
        const struct heap *heap = &writer->heaps[i];
        unsigned uses = earlier_uses(writer, i);
        char name[64];
        int length = snprintf(name, sizeof name, "Heap 0x%" PRIx64, heap->handle);
        if (uses > 0)
            snprintf(name + length, sizeof name - (size_t)length, " #%u", uses + 1);
        struct track track = {heap->pid, name, base_ns};
        put_series(json, &track, &heap->series, writer->last_ns);
    }
}

static const char *realloc_name(const struct ht_event *event)
{
    if (event->address == 0)
        return "realloc failed";
    return ht_event_is_in_place(event) ? "realloc in place" : "realloc moved";
}

static void put_realloc(struct ht_json *json, const struct ht_pick *pick)
{
    const struct ht_event *event = &pick->event;
    begin_event(json, "i", event->pid, realloc_name(event));
    ht_json_put_u64(json, "tid", event->tid);
    put_stamp(json, pick->stamp_ns);
    ht_json_put_string(json, "s", "t");
    ht_json_put_string(json, "cat", "realloc");
    begin_arguments(json);
    ht_json_put_hex(json, "heap", event->heap);
    ht_json_put_hex(json, "address", event->address);
    ht_json_put_hex(json, "old_address", event->old_address);
    ht_json_put_u64(json, "size", event->size);
    ht_json_put_u64(json, "old_size", event->old_size);
    ht_json_key(json, "moved");
    ht_json_bool(json, event->address != 0 && !ht_event_is_in_place(event));
    end_event(json);
}

static void put_origin(struct ht_json *json, const struct ht_origin *origin)
{
    char version[48];
    snprintf(version, sizeof version, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, origin->os_major,
             origin->os_minor, origin->os_build);
    ht_json_put_string(json, "source_format", origin->format != NULL ? origin->format : "");
    ht_json_put_string(json, "os_version", version);
    ht_json_put_u64(json, "pointer_size", origin->pointer_size);
    ht_json_put_u64(json, "cpus", origin->cpu_count);
    ht_json_put_u64(json, "clock", origin->clock);
    ht_json_put_u64(json, "clock_hz", origin->clock_hz);
    if (origin->start_unix_ns != HT_TIME_UNKNOWN) {
        ht_json_put_i64(json, "start_unix_ns", origin->start_unix_ns);
    }
}

static void put_metadata(const struct chrome_writer *writer, struct ht_json *json)
{
    uint32_t heaps_kept = writer->heap_count < HEAPS_MAX ? writer->heap_count : HEAPS_MAX;
    ht_json_begin_object(json);
    ht_json_put_string(json, "writer", "heaptape");
    ht_json_put_u64(json, "schema", SCHEMA);
    put_origin(json, &writer->trace->origin);
    ht_json_put_u64(json, "time_shift_ns", 0 - (uint64_t)base_time(writer));
    ht_json_put_u64(json, "events", writer->event_count);
    ht_json_put_u64(json, "events_of_dropped_processes", writer->processless_events);
    ht_json_put_u64(json, "heaps_kept", heaps_kept);
    ht_json_put_u64(json, "heaps_dropped", writer->heap_count - heaps_kept);
    ht_json_put_u64(json, "reallocs_kept", writer->reallocs.count);
    ht_json_put_u64(json, "reallocs_dropped", writer->reallocs.offered - writer->reallocs.count);
    for (int loss = 0; loss < HT_LOSS_COUNT; loss++)
        ht_json_put_u64(json, ht_loss_name((enum ht_loss)loss), writer->trace->loss[loss]);
    ht_json_end(json);
}

static enum ht_status chrome_finish(struct ht_writer *self, struct ht_error *error)
{
    struct chrome_writer *writer = (struct chrome_writer *)self;
    struct ht_json json = ht_json_over(writer->output);
    ht_budget_stamp(&writer->reallocs, base_time(writer));
    ht_json_begin_object(&json);
    ht_json_key(&json, "traceEvents");
    ht_json_begin_array(&json);
    put_process_names(writer, &json);
    put_counters(writer, &json);
    for (uint32_t i = 0; i < writer->reallocs.count; i++)
        put_realloc(&json, &writer->reallocs.picks[i]);
    ht_json_line(&json);
    ht_json_end(&json);
    ht_json_line(&json);
    ht_json_key(&json, "metadata");
    put_metadata(writer, &json);
    ht_json_end(&json);
    enum ht_status status = ht_json_status(&json, error);
    return status == HT_OK ? ht_output_write(writer->output, "\n", 1, error) : status;
}

static void chrome_close(struct ht_writer *self)
{
    struct chrome_writer *writer = (struct chrome_writer *)self;
    for (uint32_t i = 0; i < writer->process_count; i++)
        ht_series_reset(&writer->processes[i].series);
    for (uint32_t i = 0; i < HEAPS_MAX; i++)
        ht_series_reset(&writer->heaps[i].series);
    ht_budget_reset(&writer->reallocs);
    free(writer);
}

static enum ht_status chrome_open_writer(struct ht_output *output, const struct ht_trace *trace,
                                         struct ht_writer **result, struct ht_error *error)
{
    struct chrome_writer *writer = calloc(1, sizeof *writer);
    *result = NULL;
    if (writer == NULL)
        return ht_fail_memory(error, "the Chrome trace writer");
    writer->base = (struct ht_writer){chrome_write, chrome_change, chrome_finish, chrome_close};
    writer->output = output;
    writer->trace = trace;
    writer->reallocs.limit = REALLOCS_MAX;
    *result = &writer->base;
    return HT_OK;
}

const struct ht_format ht_format_chrome = {
    .name = "json",
    .suffix = ".json",
    .what = "Chrome trace events, for Perfetto and chrome://tracing",
    .open_writer = chrome_open_writer,
    .is_text = true,
};
