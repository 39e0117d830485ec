// SPDX-License-Identifier: MIT
//
// `heaptape info --json`. The keys are described in the manual page heaptape-info(1).
#include "cli/info.h"

#include "formats/bytes.h"
#include "formats/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// A time, left out when it is not known.
static void put_time(struct ht_json *json, const char *key, int64_t time_ns)
{
    if (time_ns != HT_TIME_UNKNOWN)
        ht_json_put_i64(json, key, time_ns);
}

static void put_text(struct ht_json *json, const char *key, const struct ht_dict *dict, uint32_t id)
{
    size_t length;
    const char *text = ht_dict_string(dict, id, &length);
    ht_json_key(json, key);
    ht_json_text(json, text, length);
}

static void end_list(struct ht_json *json, uint32_t count)
{
    if (count > 0)
        ht_json_line(json);
    ht_json_end(json);
}

static void put_origin(struct ht_json *json, const struct ht_trace *trace)
{
    const struct ht_origin *origin = &trace->origin;
    ht_json_put_object(json, "origin");
    ht_json_put_string(json, "format", origin->format);
    ht_json_put_u64(json, "os_major", origin->os_major);
    ht_json_put_u64(json, "os_minor", origin->os_minor);
    ht_json_put_u64(json, "os_build", origin->os_build);
    ht_json_put_u64(json, "pointer_size", origin->pointer_size);
    ht_json_put_u64(json, "cpus", origin->cpu_count);
    ht_json_put_u64(json, "clock", origin->clock);
    ht_json_put_u64(json, "clock_hz", origin->clock_hz);
    put_time(json, "start_unix_ns", origin->start_unix_ns);
    if (trace->host != 0)
        put_text(json, "host", trace->dict, trace->host);
    ht_json_key(json, "is_redacted");
    ht_json_bool(json, origin->is_redacted);
    ht_json_key(json, "is_rebased");
    ht_json_bool(json, origin->is_rebased);
    ht_json_end(json);
}

static void put_file(struct ht_json *json, const struct ht_stream *stream)
{
    ht_json_line(json);
    ht_json_put_string(json, "file", ht_input_name(stream->input));
    if (stream->joined_count > 0) {
        ht_json_put_array(json, "joined");
        for (size_t i = 0; i < stream->joined_count; i++)
            ht_json_string(json, ht_input_name(stream->joined[i]));
        ht_json_end(json);
    }
    ht_json_line(json);
    ht_json_put_string(json, "format", stream->format->name);
    put_origin(json, &stream->trace);
}

static void put_filters(struct ht_json *json, const struct ht_trace *trace)
{
    if (trace->filters[0] == '\0')
        return;
    ht_json_line(json);
    ht_json_key(json, "filters");
    ht_json_text(json, trace->filters, strlen(trace->filters));
    ht_json_put_u64(json, "left_out", trace->left_out);
    if (trace->groups == 0)
        return;
    ht_json_put_u64(json, "groups", trace->groups);
    ht_json_put_u64(json, "groups_read", trace->groups_read);
}

static void put_events(struct ht_json *json, const struct ht_summary *summary)
{
    ht_json_line(json);
    ht_json_put_u64(json, "events", summary->events);
    ht_json_key(json, "is_scanned");
    ht_json_bool(json, summary->number != NULL);
    ht_json_line(json);
    ht_json_put_u64(json, "span_ns",
                    summary->events > 0 ? (uint64_t)summary->last_ns - (uint64_t)summary->first_ns
                                        : 0);
    ht_json_put_object(json, "by_kind");
    for (int kind = 0; kind < HT_KIND_COUNT; kind++) {
        if (summary->by_kind[kind] > 0)
            ht_json_put_u64(json, ht_kind_name((enum ht_kind)kind), summary->by_kind[kind]);
    }
    ht_json_end(json);
}

static void put_processes(struct ht_json *json, const struct ht_info *info)
{
    const struct ht_dict *dict = info->stream->trace.dict;
    ht_json_put_array(json, "processes");
    for (uint32_t i = 0; i < info->process_count; i++) {
        const struct ht_info_process *process = &info->processes[i];
        ht_json_line(json);
        ht_json_begin_object(json);
        ht_json_put_u64(json, "pid", process->pid);
        ht_json_put_u64(json, "events", process->events);
        if (process->known != NULL) {
            put_text(json, "name", dict, process->known->name);
            put_text(json, "command", dict, process->known->command);
            ht_json_put_u64(json, "parent_pid", process->known->parent_pid);
            put_time(json, "start_ns", process->known->start_ns);
            put_time(json, "end_ns", process->known->end_ns);
        }
        ht_json_end(json);
    }
    end_list(json, info->process_count);
}

// Those that have a name.
static void put_threads(struct ht_json *json, const struct ht_trace *trace)
{
    uint32_t count = 0;
    ht_json_put_array(json, "threads");
    for (uint32_t i = 0; i < trace->threads.count; i++) {
        const struct ht_thread *thread = &trace->threads.list[i];
        if (thread->name == 0)
            continue;
        count++;
        ht_json_line(json);
        ht_json_begin_object(json);
        ht_json_put_u64(json, "pid", thread->pid);
        ht_json_put_u64(json, "tid", thread->tid);
        put_text(json, "name", trace->dict, thread->name);
        put_time(json, "start_ns", thread->start_ns);
        put_time(json, "end_ns", thread->end_ns);
        ht_json_end(json);
    }
    end_list(json, count);
}

static void put_live(struct ht_json *json, const struct ht_live *live)
{
    ht_json_put_u64(json, "peak_bytes", live->peak_bytes);
    ht_json_put_i64(json, "peak_time_ns", live->peak_time_ns);
    ht_json_put_u64(json, "end_bytes", live->bytes);
    ht_json_put_u64(json, "end_blocks", live->blocks);
}

static void put_heaps(struct ht_json *json, const struct ht_info *info)
{
    const struct ht_summary *summary = info->summary;
    ht_json_put_array(json, "heaps");
    for (uint32_t i = 0; i < summary->heap_count; i++) {
        uint32_t index = info->heaps[i];
        struct ht_number_heap heap = ht_summary_heap(summary, index);
        ht_json_line(json);
        ht_json_begin_object(json);
        ht_json_put_u64(json, "pid", heap.pid);
        ht_json_put_hex(json, "handle", heap.handle);
        put_time(json, "process_start_ns", heap.start_ns);
        ht_json_put_u64(json, "events", summary->heaps[index].events);
        if (summary->number != NULL)
            put_live(json, &summary->heaps[index].live);
        ht_json_end(json);
    }
    end_list(json, summary->heap_count);
}

static void put_guid(struct ht_json *json, const uint8_t *guid)
{
    char text[40];
    int used = snprintf(text, sizeof text, "%08" PRIx32 "-%04x-%04x-%02x%02x-", ht_load32(guid),
                        (unsigned)ht_load16(guid + 4), (unsigned)ht_load16(guid + 6),
                        (unsigned)guid[8], (unsigned)guid[9]);
    for (int i = 10; i < 16; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%02x", (unsigned)guid[i]);
    ht_json_put_string(json, "debug_guid", text);
}

static void put_modules(struct ht_json *json, const struct ht_trace *trace)
{
    ht_json_put_array(json, "modules");
    for (uint32_t i = 0; i < trace->module_count; i++) {
        const struct ht_module *module = &trace->modules[i];
        ht_json_line(json);
        ht_json_begin_object(json);
        put_text(json, "path", trace->dict, module->path);
        ht_json_put_u64(json, "size", module->size);
        ht_json_put_u64(json, "time_stamp", module->time_stamp);
        if (module->debug_name != 0) {
            put_text(json, "debug_name", trace->dict, module->debug_name);
            put_guid(json, module->debug_guid);
            ht_json_put_u64(json, "debug_age", module->debug_age);
        }
        ht_json_end(json);
    }
    end_list(json, trace->module_count);
}

static void put_stacks(struct ht_json *json, const struct ht_info *info)
{
    ht_json_put_object(json, "stacks");
    ht_json_put_u64(json, "events", info->summary->with_stack);
    ht_json_put_u64(json, "distinct", ht_dict_stack_count(info->stream->trace.dict));
    ht_json_put_u64(json, "modules", info->module_count);
    ht_json_end(json);
}

static void put_realloc(struct ht_json *json, const struct ht_realloc_summary *sums)
{
    ht_json_put_object(json, "realloc");
    ht_json_put_u64(json, "in_place", sums->in_place);
    ht_json_put_u64(json, "moved", sums->moved);
    ht_json_put_u64(json, "grow", sums->grow);
    ht_json_put_u64(json, "shrink", sums->shrink);
    ht_json_put_u64(json, "same", sums->same);
    ht_json_put_u64(json, "bytes_copied", sums->bytes_copied);
    ht_json_end(json);
}

static void put_number_counts(struct ht_json *json, const struct ht_summary *summary)
{
    const struct ht_number_counts *counts = ht_number_counts(summary->number);
    ht_json_put_u64(json, "unknown_blocks", ht_summary_unknown_blocks(summary));
    ht_json_put_u64(json, "adopted", counts->adopted);
    ht_json_put_u64(json, "unknown_frees", counts->unknown_frees);
    ht_json_put_u64(json, "replaced", counts->replaced);
    ht_json_put_u64(json, "old_size_differs", counts->old_size_differs);
    ht_json_put_u64(json, "failed", counts->failed);
}

static void put_loss(struct ht_json *json, const struct ht_info *info)
{
    ht_json_put_object(json, "loss");
    for (int loss = 0; loss < HT_LOSS_COUNT; loss++)
        ht_json_put_u64(json, ht_loss_name((enum ht_loss)loss), info->stream->trace.loss[loss]);
    if (info->summary->number != NULL)
        put_number_counts(json, info->summary);
    ht_json_end(json);
}

static void put_damage(struct ht_json *json, const struct ht_stream *stream)
{
    const struct ht_trace *trace = &stream->trace;
    ht_json_put_array(json, "damage");
    for (uint32_t i = 0; i < trace->damage_count; i++) {
        ht_json_line(json);
        ht_json_begin_object(json);
        const struct ht_input *input = ht_stream_input(stream, trace->damage[i].input);
        if (stream->joined_count > 0 && input != NULL)
            ht_json_put_string(json, "file", ht_input_name(input));
        ht_json_put_u64(json, "offset", trace->damage[i].offset);
        ht_json_put_string(json, "what", trace->damage[i].what);
        ht_json_end(json);
    }
    end_list(json, trace->damage_count);
}

// The counts by hook or GUID and opcode are many, and for who asks for them.
static void put_records(struct ht_json *json, const struct ht_trace *trace, bool has_all)
{
    ht_json_put_object(json, "records");
    for (uint32_t i = 0; i < trace->counter_count; i++) {
        const char *name = trace->counters[i].name;
        if (has_all || (strncmp(name, "hook.", 5) != 0 && strncmp(name, "guid.", 5) != 0))
            ht_json_put_u64(json, name, trace->counters[i].count);
    }
    ht_json_end(json);
}

enum ht_status ht_info_print_json(const struct ht_info *info, struct ht_error *error)
{
    struct ht_output *output = NULL;
    enum ht_status status = ht_output_open("-", &output, error);
    if (status != HT_OK)
        return status;
    struct ht_json json = ht_json_over(output);
    ht_json_begin_object(&json);
    put_file(&json, info->stream);
    put_filters(&json, &info->stream->trace);
    put_events(&json, info->summary);
    put_processes(&json, info);
    put_threads(&json, &info->stream->trace);
    put_heaps(&json, info);
    put_stacks(&json, info);
    put_modules(&json, &info->stream->trace);
    if (info->summary->number != NULL) {
        put_realloc(&json, &info->summary->realloc);
        ht_json_put_object(&json, "live");
        put_live(&json, &info->summary->live);
        ht_json_end(&json);
    }
    put_loss(&json, info);
    put_damage(&json, info->stream);
    put_records(&json, &info->stream->trace, info->has_all_events);
    ht_json_line(&json);
    ht_json_end(&json);
    status = ht_json_commit(&json, error);
    ht_output_close(output);
    return status;
}
