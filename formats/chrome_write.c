// SPDX-License-Identifier: MIT
//
// Writes the picture as Chrome trace events: counters of heaps and processes, reallocs as instants
// on their threads, chains and blocks as async events, and what the file holds and lacks as
// metadata. It is held in bounded form until the end, because only then are the names known. Heap
// profiles are not written: JSON has no form for them. See docs/formats/chrome.md.
#include "formats/chrome.h"

#include "formats/json.h"
#include "formats/picture_attributes.h"
#include "formats/picture_counters.h"
#include "formats/picture_fold.h"
#include "formats/picture_histograms.h"
#include "formats/picture_marks.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REALLOCS_MAX = 100000,
    BUCKETS_MAX = 512,     // of one track
    BUCKETS_SUM = 1 << 14, // of all the heaps' tracks, and of all the processes'
    GROUP_NAME_SIZE = 64,
};

struct chrome_writer {
    struct ht_writer base;
    struct ht_output *output;
    struct ht_picture_model *model;
};

static enum ht_status chrome_write(struct ht_writer *self, const struct ht_event *event,
                                   size_t count, struct ht_error *error)
{
    struct chrome_writer *writer = (struct chrome_writer *)self;
    assert(count == 1); // it takes changes
    (void)count;
    return ht_picture_model_event(writer->model, event, error);
}

static enum ht_status chrome_change(struct ht_writer *self, const struct ht_change *change,
                                    struct ht_error *error)
{
    struct chrome_writer *writer = (struct chrome_writer *)self;
    return ht_picture_model_change(writer->model, change, error);
}

static uint32_t bucket_limit(uint32_t track_count)
{
    uint32_t limit = BUCKETS_MAX;
    while ((uint64_t)limit * track_count > BUCKETS_SUM)
        limit /= 2;
    return limit;
}

// Makes the finished model's counters as coarse as viewers of JSON can take.
static void shrink_counters(struct ht_picture_model *model)
{
    uint32_t limit = bucket_limit(model->process_count);
    for (uint32_t i = 0; i < model->process_count; i++)
        ht_series_shrink(&model->processes[i].live, limit);
    limit = bucket_limit(model->heap_count);
    for (uint32_t i = 0; i < model->heap_count; i++) {
        ht_series_shrink(&model->heaps[i].live, limit);
        ht_series_shrink(&model->heaps[i].space, limit);
    }
}

static void begin_event(struct ht_json *json, const char *phase, int32_t pid, const char *name)
{
    ht_json_line(json);
    ht_json_begin_object(json);
    ht_json_put_string(json, "ph", phase);
    ht_json_put_i64(json, "pid", pid);
    ht_json_put_string(json, "name", name);
}

static void put_stamp(struct ht_json *json, uint64_t stamp)
{
    ht_json_key(json, "ts");
    ht_json_thousandths(json, stamp);
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

// The pid of a process in the file.
static int32_t pid_of(const struct ht_picture_model *model, uint32_t process)
{
    return ht_picture_pid(model->processes[process].pid);
}

// A pid used again has one row, which is named after the last use.
static void put_process(struct ht_json *json, const struct ht_picture_model *model,
                        uint32_t process, uint32_t rank)
{
    char name[HT_PICTURE_NAME_SIZE];
    if (model->processes[process].next != HT_PICTURE_NONE)
        return;
    ht_picture_process_name(model, process, name);
    if (name[0] != '\0') {
        begin_event(json, "M", pid_of(model, process), "process_name");
        begin_arguments(json);
        ht_json_put_string(json, "name", name);
        end_event(json);
    }
    begin_event(json, "M", pid_of(model, process), "process_sort_index");
    begin_arguments(json);
    ht_json_put_u64(json, "sort_index", rank);
    end_event(json);
}

// Counters of one group on their way into the file.
struct curve {
    struct ht_picture_curve base;
    struct ht_json *json;
    int32_t pid;
    char group[GROUP_NAME_SIZE];
    uint64_t end; // stamp at which every counter has a sample
    enum ht_picture_counter counter;
    bool has_last;
    uint64_t stamp; // of the last sample
    struct ht_picture_value last;
};

static void write_sample(const struct curve *curve, uint64_t stamp,
                         const struct ht_picture_value *value)
{
    const struct ht_picture_counter_text *text = &ht_picture_counter_texts[curve->counter];
    char name[2 * GROUP_NAME_SIZE];
    snprintf(name, sizeof name, "%s %s", curve->group, text->name);
    begin_event(curve->json, "C", curve->pid, name);
    put_stamp(curve->json, stamp);
    begin_arguments(curve->json);
    ht_json_key(curve->json, text->unit);
    if (value->is_real)
        ht_json_real(curve->json, value->real);
    else
        ht_json_u64(curve->json, value->number);
    end_event(curve->json);
}

// chrome://tracing does not draw the last sample, so there is one more at the end of the trace.
static void end_counter(struct curve *curve)
{
    if (curve->has_last && curve->stamp < curve->end)
        write_sample(curve, curve->end, &curve->last);
    curve->has_last = false;
}

static void begin_counter(struct ht_picture_curve *self, enum ht_picture_counter counter)
{
    struct curve *curve = (struct curve *)self;
    end_counter(curve);
    curve->counter = counter;
}

static void put_sample(struct ht_picture_curve *self, uint64_t stamp,
                       const struct ht_picture_value *value)
{
    struct curve *curve = (struct curve *)self;
    write_sample(curve, stamp, value);
    curve->has_last = true;
    curve->stamp = stamp;
    curve->last = *value;
}

// The use of a name tells those of equal pid apart, whose counters viewers would mix.
static struct curve curve_in(struct ht_json *json, const struct ht_picture_model *model,
                             uint32_t process, const char *group, unsigned use)
{
    struct curve curve = {.base = {.begin = begin_counter, .put = put_sample},
                          .json = json,
                          .pid = pid_of(model, process),
                          .end = ht_picture_stamp(model, model->last_ns)};
    if (use == 1)
        snprintf(curve.group, sizeof curve.group, "%s", group);
    else
        snprintf(curve.group, sizeof curve.group, "%s #%u", group, use);
    return curve;
}

static unsigned process_use(const struct ht_picture_model *model, uint32_t process)
{
    unsigned use = 1;
    for (uint32_t i = 0; i < process; i++)
        use += model->processes[i].pid == model->processes[process].pid;
    return use;
}

static unsigned heap_use(const struct ht_picture_model *model, uint32_t number)
{
    const struct ht_picture_heap *heap = &model->heaps[number];
    unsigned use = 1;
    for (uint32_t i = 0; i < number; i++)
        use += model->heaps[i].handle == heap->handle &&
               model->processes[model->heaps[i].process].pid == model->processes[heap->process].pid;
    return use;
}

static enum ht_status put_activity(struct ht_json *json, const struct ht_picture_model *model,
                                   uint32_t process, struct ht_error *error)
{
    const struct ht_series *live = &model->processes[process].live;
    unsigned use = process_use(model, process);
    struct curve curve = curve_in(json, model, process, "Heap activity", use);
    ht_picture_draw_live(model, live, &curve.base);
    end_counter(&curve);
    uint32_t folded = ht_picture_folded_count(model, process);
    if (folded == 0)
        return HT_OK;
    char name[GROUP_NAME_SIZE / 2];
    struct ht_series sum = {.limit = live->limit};
    enum ht_status status = ht_picture_fold_series(model, process, &sum, error);
    snprintf(name, sizeof name, "Other heaps (%" PRIu32 ")", folded);
    curve = curve_in(json, model, process, name, use);
    ht_picture_draw_live(model, &sum, &curve.base);
    end_counter(&curve);
    ht_series_reset(&sum);
    return status;
}

static void put_heap(struct ht_json *json, const struct ht_picture_model *model, uint32_t number)
{
    const struct ht_picture_heap *heap = &model->heaps[number];
    char name[GROUP_NAME_SIZE / 2];
    snprintf(name, sizeof name, "Heap 0x%" PRIx64, heap->handle);
    struct curve curve = curve_in(json, model, heap->process, name, heap_use(model, number));
    ht_picture_draw_live(model, &heap->live, &curve.base);
    ht_picture_draw_space(model, heap, &curve.base);
    end_counter(&curve);
}

static void put_argument(struct ht_json *json, const struct ht_picture_argument *argument)
{
    ht_json_key(json, ht_picture_arg_texts[argument->arg]);
    switch (argument->type) {
    case HT_PICTURE_NUMBER:
        ht_json_u64(json, argument->number);
        break;
    case HT_PICTURE_POINTER:
        ht_json_hex(json, argument->number);
        break;
    case HT_PICTURE_REAL:
        ht_json_real(json, argument->real);
        break;
    case HT_PICTURE_FLAG:
        ht_json_bool(json, argument->flag);
        break;
    default: // HT_PICTURE_TEXT
        ht_json_string(json, argument->text);
    }
}

// Begins an event of the picture up to what its phase needs besides.
static void begin_shown(struct ht_json *json, const char *phase, int32_t pid,
                        const struct ht_picture_event *shown, uint64_t stamp)
{
    bool is_titled = shown->name == HT_PICTURE_TITLED;
    begin_event(json, phase, pid, is_titled ? shown->title : ht_picture_name_texts[shown->name]);
    ht_json_put_string(json, "cat", ht_picture_category_texts[shown->category]);
    put_stamp(json, stamp);
}

static void put_arguments(struct ht_json *json, const struct ht_picture_event *shown)
{
    for (uint32_t i = 0; i < shown->arg_count; i++)
        put_argument(json, &shown->args[i]);
}

static void end_shown(struct ht_json *json, const struct ht_picture_event *shown)
{
    begin_arguments(json);
    put_arguments(json, shown);
    end_event(json);
}

static void put_process_instant(struct ht_json *json, int32_t pid,
                                const struct ht_picture_event *shown, uint64_t stamp)
{
    begin_shown(json, "i", pid, shown, stamp);
    ht_json_put_string(json, "s", "p");
    end_shown(json, shown);
}

static void put_marks(struct ht_json *json, const struct ht_picture_model *model, uint32_t process)
{
    struct ht_picture_mark marks[HT_PICTURE_MARKS_MAX];
    uint32_t count = ht_picture_collect_marks(model, process, marks);
    for (uint32_t i = 0; i < count; i++) {
        struct ht_picture_event shown;
        ht_picture_show_mark(&shown, model, process, &marks[i]);
        put_process_instant(json, pid_of(model, process), &shown, marks[i].stamp);
    }
}

// Histograms on their way into the file. Their stamps rise over all processes, because a pid used
// again has one row.
struct summary {
    struct ht_picture_summary base;
    struct ht_json *json;
    int32_t pid;
};

static void put_summary(struct ht_picture_summary *self, const struct ht_picture_event *shown,
                        uint64_t stamp)
{
    const struct summary *summary = (const struct summary *)self;
    put_process_instant(summary->json, summary->pid, shown, stamp);
}

// The async event of a block: phases "b", "n" and "e" of one process, category and id belong
// together.
static void begin_async(struct ht_json *json, const char *phase, int32_t pid,
                        const struct ht_picture_event *shown, uint64_t block_id, uint64_t stamp)
{
    begin_shown(json, phase, pid, shown, stamp);
    ht_json_key(json, "id2");
    ht_json_begin_object(json);
    ht_json_put_hex(json, "local", block_id);
    ht_json_end(json);
}

// Viewers make a row of all async events whose outermost has one name, and chrome://tracing drops
// those without an end.
static void put_slice(struct ht_json *json, const struct ht_picture_model *model, int32_t pid,
                      const struct ht_pick *pick, enum ht_picture_category category)
{
    struct ht_picture_event row;
    struct ht_picture_event shown;
    uint64_t begin = pick->stamp_ns;
    uint64_t end = ht_picture_slice_end(model, pick);
    bool is_open = end == UINT64_MAX;
    if (is_open)
        end = ht_picture_stamp(model, model->last_ns) + 1; // behind its last step
    ht_picture_begin_event(&row, category);
    row.name = HT_PICTURE_TITLED;
    snprintf(row.title, sizeof row.title, "%s", ht_picture_row_texts[category]);
    ht_picture_show_slice(&shown, model, pick, category);
    begin_async(json, "b", pid, &row, pick->life.id, begin);
    ht_json_end(json);
    begin_async(json, "b", pid, &shown, pick->life.id, begin);
    begin_arguments(json);
    put_arguments(json, &shown);
    if (is_open) {
        ht_json_key(json, "ended");
        ht_json_bool(json, false);
    }
    end_event(json);
    begin_async(json, "e", pid, &shown, pick->life.id, end);
    ht_json_end(json);
    begin_async(json, "e", pid, &row, pick->life.id, end);
    ht_json_end(json);
}

static void put_slices(struct ht_json *json, const struct ht_picture_model *model, int32_t pid,
                       struct ht_budget *slices, enum ht_picture_category category)
{
    ht_picture_stamp_slices(model, slices);
    for (uint32_t i = 0; i < slices->count; i++)
        put_slice(json, model, pid, &slices->picks[i], category);
}

static void put_realloc(struct ht_json *json, const struct ht_picture_model *model,
                        const struct ht_picture_instant *what)
{
    struct ht_picture_event shown;
    int32_t pid = pid_of(model, what->process);
    ht_picture_show_instant(&shown, what);
    begin_shown(json, "i", pid, &shown, what->stamp);
    ht_json_put_i64(json, "tid", ht_picture_tid(what->event->tid));
    ht_json_put_string(json, "s", "t");
    end_shown(json, &shown);
    if (shown.flow == 0)
        return;
    // A step of a chain that is shown.
    shown.category = HT_PICTURE_CATEGORY_CHAIN;
    begin_async(json, "n", pid, &shown, what->life->id,
                ht_picture_stamp(model, what->event->time_ns));
    end_shown(json, &shown);
}

static void put_thread_name(struct ht_json *json, int32_t pid, uint32_t tid, const char *name)
{
    begin_event(json, "M", pid, "thread_name");
    ht_json_put_i64(json, "tid", tid);
    begin_arguments(json);
    ht_json_put_string(json, "name", name);
    end_event(json);
}

// Threads that are not known are one of their process, which has a name.
static enum ht_status name_threads(struct ht_json *json, const struct ht_picture_model *model,
                                   struct ht_budget *reallocs, struct ht_error *error)
{
    struct ht_picture_index named = {0};
    enum ht_status status = HT_OK;
    for (uint32_t i = 0; i < reallocs->count && status == HT_OK; i++) {
        char name[HT_PICTURE_NAME_SIZE];
        struct ht_event *event = &reallocs->picks[i].event; // pid is the number of the process
        uint32_t tid = event->tid;
        event->tid = (uint32_t)ht_picture_tid(tid);
        if (ht_picture_index_find(&named, event->tid, event->pid) != HT_PICTURE_NONE)
            continue;
        ht_picture_thread_name(model, event->pid, tid, name);
        if (name[0] != '\0')
            put_thread_name(json, pid_of(model, event->pid), event->tid, name);
        status = ht_picture_index_put(&named, event->tid, event->pid, 0, error);
    }
    ht_picture_index_reset(&named);
    return status;
}

static enum ht_status put_reallocs(struct ht_json *json, struct ht_picture_model *model,
                                   struct ht_error *error)
{
    struct ht_budget *reallocs = &model->reallocs;
    struct ht_picture_index linked = {0};
    enum ht_status status = ht_picture_find_linked(model, &linked, error);
    if (status == HT_OK)
        status = name_threads(json, model, reallocs, error);
    ht_budget_stamp(reallocs, model->base_ns);
    for (uint32_t i = 0; i < reallocs->count && status == HT_OK; i++) {
        const struct ht_pick *pick = &reallocs->picks[i];
        struct ht_picture_instant what = ht_picture_kept_realloc(pick, pick->stamp_ns, &linked);
        put_realloc(json, model, &what);
    }
    ht_picture_index_reset(&linked);
    return status;
}

static enum ht_status put_events(struct ht_json *json, struct ht_picture_model *model,
                                 struct ht_error *error)
{
    uint32_t numbers[HT_PICTURE_PROCESSES_MAX];
    uint32_t count = ht_picture_rank(model, numbers);
    enum ht_status status = HT_OK;
    for (uint32_t i = 0; i < count; i++)
        put_process(json, model, numbers[i], i);
    for (uint32_t i = 0; i < count && status == HT_OK; i++) {
        status = put_activity(json, model, numbers[i], error);
        put_marks(json, model, numbers[i]);
    }
    for (uint32_t i = 0; i < model->heap_count; i++) {
        if (!model->heaps[i].is_folded)
            put_heap(json, model, i);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct ht_picture_process *process = &model->processes[numbers[i]];
        int32_t pid = pid_of(model, numbers[i]);
        put_slices(json, model, pid, &process->chains, HT_PICTURE_CATEGORY_CHAIN);
        put_slices(json, model, pid, &process->blocks, HT_PICTURE_CATEGORY_BLOCK);
    }
    if (status == HT_OK)
        status = put_reallocs(json, model, error);
    struct summary summary = {.base = {.put = put_summary}, .json = json};
    for (uint32_t i = 0; i < count; i++) {
        summary.pid = pid_of(model, numbers[i]);
        ht_picture_draw_histograms(model, numbers[i], &summary.base);
    }
    return status;
}

static void put_metadata(struct ht_json *json, const struct ht_picture_model *model,
                         const struct ht_kept *kept)
{
    const struct ht_origin *origin = &model->trace->origin;
    struct ht_picture_attribute attributes[HT_PICTURE_ATTRIBUTES_MAX];
    char host[HT_PICTURE_NAME_SIZE];
    size_t count = ht_picture_attributes(model, kept, host, attributes);
    char version[48];
    snprintf(version, sizeof version, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, origin->os_major,
             origin->os_minor, origin->os_build);
    ht_json_begin_object(json);
    for (size_t i = 0; i < count; i++) {
        if (attributes[i].text != NULL)
            ht_json_put_string(json, attributes[i].key, attributes[i].text);
        else
            ht_json_put_u64(json, attributes[i].key, attributes[i].number);
    }
    ht_json_put_string(json, "os_version", version);
    ht_json_put_u64(json, "cpus", origin->cpu_count);
    if (origin->start_unix_ns != HT_TIME_UNKNOWN)
        ht_json_put_i64(json, "start_unix_ns", origin->start_unix_ns);
    ht_json_end(json);
}

static enum ht_status chrome_finish(struct ht_writer *self, struct ht_error *error)
{
    struct chrome_writer *writer = (struct chrome_writer *)self;
    struct ht_picture_model *model = writer->model;
    struct ht_json json = ht_json_over(writer->output);
    enum ht_status status = ht_picture_model_finish(model, error);
    if (status != HT_OK)
        return status;
    ht_picture_fold_heaps(model);
    shrink_counters(model);
    writer->base.kept = ht_picture_kept(model);
    writer->base.kept.sites = writer->base.kept.sites_left_out = 0; // there are no profiles
    ht_json_begin_object(&json);
    ht_json_key(&json, "traceEvents");
    ht_json_begin_array(&json);
    status = put_events(&json, model, error);
    if (status != HT_OK)
        return status;
    ht_json_line(&json);
    ht_json_end(&json);
    ht_json_line(&json);
    ht_json_key(&json, "metadata");
    put_metadata(&json, model, &writer->base.kept);
    ht_json_end(&json);
    status = ht_json_status(&json, error);
    return status == HT_OK ? ht_output_write(writer->output, "\n", 1, error) : status;
}

static void chrome_close(struct ht_writer *self)
{
    struct chrome_writer *writer = (struct chrome_writer *)self;
    ht_picture_model_close(writer->model);
    free(writer);
}

static enum ht_status chrome_open_writer(struct ht_output *output, const struct ht_trace *trace,
                                         struct ht_writer **result, struct ht_error *error)
{
    const struct ht_quota quota = {.budget = (uint64_t)REALLOCS_MAX * HT_PICTURE_REALLOC_BYTES};
    struct chrome_writer *writer = calloc(1, sizeof *writer);
    *result = NULL;
    if (writer == NULL)
        return ht_fail_memory(error, "the Chrome trace writer");
    writer->base = (struct ht_writer){.write = chrome_write,
                                      .change = chrome_change,
                                      .finish = chrome_finish,
                                      .close = chrome_close};
    writer->output = output;
    writer->model = ht_picture_model_open(&writer->base, trace, &quota);
    if (writer->model == NULL) {
        free(writer);
        return ht_fail_memory(error, "the Chrome trace writer");
    }
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
