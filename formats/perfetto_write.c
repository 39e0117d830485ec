// SPDX-License-Identifier: MIT
//
// Writes .pftrace. Counters, profiles and what is picked are held in bounded form until the end,
// because only then are the names known and the budgets spent; then they go out packet by packet.
// With every event, the events go out as they come, before that.
#include "formats/perfetto.h"

#include "formats/perfetto_event.h"
#include "formats/perfetto_plan.h"
#include "formats/perfetto_slices.h"
#include "formats/perfetto_tracks.h"
#include "formats/picture_attributes.h"

#include <inttypes.h>
#include <stdio.h>
#include <assert.h>
#include <stdlib.h>

struct perfetto_writer {
    struct ht_writer base;
    struct ht_output *output;
    struct ht_quota *quota;
    struct ht_quota own_quota; // where the caller has none
    struct ht_picture_model *model;
    struct ht_perfetto_file *file; // NULL before the first packet
};

static void put_clocks(struct ht_perfetto_sink *sink, const struct ht_picture_model *model)
{
    int64_t start_unix_ns = model->trace->origin.start_unix_ns;
    uint64_t unix_ns = (uint64_t)start_unix_ns + (uint64_t)model->base_ns;
    ht_perfetto_put_clocks(sink, start_unix_ns != HT_TIME_UNKNOWN ? &unix_ns : NULL);
}

static void put_system(struct ht_perfetto_sink *sink, const struct ht_origin *origin)
{
    char release[48];
    snprintf(release, sizeof release, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, origin->os_major,
             origin->os_minor, origin->os_build);
    Ht__Perfetto__SystemInfo__Utsname names = HT__PERFETTO__SYSTEM_INFO__UTSNAME__INIT;
    names.sysname = ht_perfetto_borrow("Windows");
    names.release = release;
    names.version = release;
    Ht__Perfetto__SystemInfo system = HT__PERFETTO__SYSTEM_INFO__INIT;
    system.utsname = &names;
    system.has_num_cpus = true;
    system.num_cpus = origin->cpu_count;
    Ht__Perfetto__TracePacket packet = HT__PERFETTO__TRACE_PACKET__INIT;
    packet.system_info = &system;
    ht_perfetto_put(sink, &packet);
}

// Rows of the metadata table, "trace_attribute.winheap.…".
static void put_attributes(struct ht_perfetto_file *file, const struct ht_kept *kept)
{
    struct ht_picture_attribute attributes[HT_PICTURE_ATTRIBUTES_MAX];
    Ht__Perfetto__TraceAttributes__Attribute items[HT_PICTURE_ATTRIBUTES_MAX];
    Ht__Perfetto__TraceAttributes__Attribute *pointers[HT_PICTURE_ATTRIBUTES_MAX];
    char keys[HT_PICTURE_ATTRIBUTES_MAX][48];
    char host[HT_PICTURE_NAME_SIZE];
    Ht__Perfetto__TraceAttributes message = HT__PERFETTO__TRACE_ATTRIBUTES__INIT;
    message.n_attribute = ht_picture_attributes(file->model, kept, host, attributes);
    message.attribute = pointers;
    for (size_t i = 0; i < message.n_attribute; i++) {
        const struct ht_picture_attribute *attribute = &attributes[i];
        ht__perfetto__trace_attributes__attribute__init(&items[i]);
        snprintf(keys[i], sizeof keys[i], "winheap.%s", attribute->key);
        items[i].key = keys[i];
        items[i].string_value = ht_perfetto_borrow(attribute->text);
        items[i].has_long_value = attribute->text == NULL;
        items[i].long_value =
            attribute->number < INT64_MAX ? (int64_t)attribute->number : INT64_MAX;
        pointers[i] = &items[i];
    }
    Ht__Perfetto__TracePacket packet = HT__PERFETTO__TRACE_PACKET__INIT;
    packet.trace_attributes = &message;
    ht_perfetto_put(&file->sink, &packet);
}

static enum ht_status begin_file(struct perfetto_writer *writer, struct ht_error *error)
{
    writer->file = ht_perfetto_file_open(writer->output, writer->model, error);
    if (writer->file == NULL)
        return ht_fail_memory(error, "the Perfetto writer");
    put_clocks(&writer->file->sink, writer->model);
    ht_perfetto_begin_tracks(&writer->file->sink);
    ht_perfetto_put_root(&writer->file->sink);
    return HT_OK;
}

// Of the files so far.
static void add_kept(struct ht_kept *sum, const struct ht_kept *kept)
{
    sum->reallocs += kept->reallocs;
    sum->reallocs_left_out += kept->reallocs_left_out;
    sum->chains += kept->chains;
    sum->chains_left_out += kept->chains_left_out;
    sum->blocks += kept->blocks;
    sum->blocks_left_out += kept->blocks_left_out;
    sum->sites += kept->sites;
    sum->sites_left_out += kept->sites_left_out;
    sum->events_left_out += kept->events_left_out;
}

// Writes all but the events that are in the file already, and closes it.
static enum ht_status end_file(struct perfetto_writer *writer, struct ht_error *error)
{
    struct ht_perfetto_file *file = writer->file;
    struct ht_picture_model *model = writer->model;
    file->sink.error = error;
    if (file->sink.status == HT_OK)
        file->sink.status = ht_picture_model_finish(model, error);
    if (file->sink.status == HT_OK)
        file->sink.status = ht_perfetto_plan(file, model, writer->quota, error);
    struct ht_kept kept = ht_picture_kept(model);
    add_kept(&writer->base.kept, &kept);
    put_attributes(file, &kept);
    put_system(&file->sink, &model->trace->origin);
    for (enum ht_perfetto_part part = 0; part < HT_PERFETTO_PARTS; part++)
        ht_perfetto_put_part(file, model, part);
    enum ht_status status = ht_perfetto_sink_finish(&file->sink);
    ht_perfetto_file_close(file);
    writer->file = NULL;
    return status;
}

// Writes the newest event, now that it is known which block it was about.
static void put_newest(struct perfetto_writer *writer, struct ht_error *error)
{
    const struct ht_picture_model *model = writer->model;
    const struct ht_event *event = &model->event;
    bool is_shown = event->kind == HT_KIND_ALLOC || event->kind == HT_KIND_REALLOC ||
                    event->kind == HT_KIND_FREE;
    if (!is_shown || model->process == HT_PICTURE_NONE)
        return;
    struct ht_picture_instant instant = {
        .event = event,
        .life = model->has_life ? &model->life : NULL,
        .process = model->process,
        .alloc_tid = model->life_tid,
        .stamp = ht_picture_stamp(model, event->time_ns),
        .is_linked = true,
    };
    writer->file->sink.error = error;
    ht_perfetto_put_instant(writer->file, &instant);
}

// Goes on in another file when this one has taken its part of the budget.
static enum ht_status turn(struct perfetto_writer *writer, struct ht_error *error)
{
    if (writer->quota->turn == NULL ||
        writer->file->sink.bytes < ht_perfetto_split_at(writer->quota))
        return HT_OK;
    enum ht_status status = end_file(writer, error);
    if (status == HT_OK)
        status = writer->quota->turn(writer->quota, &writer->output, error);
    if (status == HT_OK)
        status = ht_picture_model_restart(writer->model, error);
    return status == HT_OK ? begin_file(writer, error) : status;
}

static enum ht_status perfetto_write(struct ht_writer *self, const struct ht_event *event,
                                     size_t count, struct ht_error *error)
{
    struct perfetto_writer *writer = (struct perfetto_writer *)self;
    assert(count == 1); // it takes changes
    (void)count;
    enum ht_status status = HT_OK;
    if (writer->file != NULL) {
        put_newest(writer, error);
        status = writer->file->sink.status;
    }
    if (writer->file != NULL && status == HT_OK)
        status = turn(writer, error);
    if (status == HT_OK)
        status = ht_picture_model_event(writer->model, event, error);
    // The first event tells what the stamps are counted from.
    return status == HT_OK && writer->quota->is_full && writer->file == NULL
               ? begin_file(writer, error)
               : status;
}

static enum ht_status perfetto_change(struct ht_writer *self, const struct ht_change *change,
                                      struct ht_error *error)
{
    struct perfetto_writer *writer = (struct perfetto_writer *)self;
    return ht_picture_model_change(writer->model, change, error);
}

static enum ht_status perfetto_finish(struct ht_writer *self, struct ht_error *error)
{
    struct perfetto_writer *writer = (struct perfetto_writer *)self;
    enum ht_status status = HT_OK;
    if (writer->file != NULL)
        put_newest(writer, error);
    else
        status = begin_file(writer, error);
    return status == HT_OK ? end_file(writer, error) : status;
}

static void perfetto_close(struct ht_writer *self)
{
    struct perfetto_writer *writer = (struct perfetto_writer *)self;
    if (writer->model != NULL)
        ht_picture_model_close(writer->model);
    ht_perfetto_file_close(writer->file);
    free(writer);
}

static enum ht_status open_within(struct ht_output *output, const struct ht_trace *trace,
                                  struct ht_quota *quota, struct ht_writer **result,
                                  struct ht_error *error)
{
    struct perfetto_writer *writer = calloc(1, sizeof *writer);
    *result = NULL;
    if (writer == NULL)
        return ht_fail_memory(error, "the Perfetto writer");
    writer->base = (struct ht_writer){.write = perfetto_write,
                                      .change = perfetto_change,
                                      .finish = perfetto_finish,
                                      .close = perfetto_close};
    writer->output = output;
    writer->quota = quota != NULL ? quota : &writer->own_quota;
    if (writer->quota->budget == 0)
        writer->quota->budget = HT_PERFETTO_BUDGET;
    writer->model = ht_picture_model_open(&writer->base, trace, writer->quota);
    if (writer->model == NULL) {
        free(writer);
        return ht_fail_memory(error, "the Perfetto writer");
    }
    *result = &writer->base;
    return HT_OK;
}

static enum ht_status open_writer(struct ht_output *output, const struct ht_trace *trace,
                                  struct ht_writer **result, struct ht_error *error)
{
    return open_within(output, trace, NULL, result, error);
}

const struct ht_format ht_format_perfetto = {
    .name = "perfetto",
    .suffix = ".pftrace",
    .what = "Perfetto trace, for ui.perfetto.dev and trace_processor",
    .open_writer = open_writer,
    .open_within = open_within,
    .budget = HT_PERFETTO_BUDGET,
};
