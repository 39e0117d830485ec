// SPDX-License-Identifier: MIT
//
// From one trace into another. See the header.
#include "convert/carry.h"

#include <string.h>

void ht_carry_reset(struct ht_carry *carry)
{
    ht_buffer_reset(&carry->strings);
    ht_buffer_reset(&carry->stacks);
    ht_buffer_reset(&carry->detail);
}

// What is dropped at a cap of the dictionary is counted, as readers do.
static enum ht_status settle(struct ht_carry *carry, enum ht_status status)
{
    if (status != HT_LIMIT)
        return status;
    carry->to->loss[HT_LOSS_DICTIONARY]++;
    return HT_OK;
}

// The entry of a map of numbers, which grows up to it with zeros.
static enum ht_status entry_of(struct ht_buffer *map, uint32_t number, uint32_t **entry,
                               struct ht_error *error)
{
    size_t size = ((size_t)number + 1) * sizeof **entry;
    map->limit = SIZE_MAX; // the numbers are those of a dictionary, which has its own caps
    if (size > map->size) {
        enum ht_status status = ht_buffer_reserve(map, size - map->size, error);
        if (status != HT_OK)
            return status;
        memset(map->data + map->size, 0, size - map->size);
        map->size = size;
    }
    void *entries = map->data;
    *entry = (uint32_t *)entries + number;
    return HT_OK;
}

static enum ht_status add_name(struct ht_carry *carry, enum ht_name_sort sort, uint32_t from,
                               uint32_t *to, struct ht_error *error)
{
    size_t length = 0;
    const char *name = ht_dict_string(carry->from->dict, from, &length);
    struct ht_pseudonym pseudonym;
    *to = 0;
    if (length == 0)
        return HT_OK;
    if (carry->redact != NULL) {
        enum ht_status status =
            ht_redact_name(carry->redact, sort, name, length, &pseudonym, error);
        if (status != HT_OK)
            return settle(carry, status);
        name = pseudonym.text;
        length = strlen(name);
    }
    return settle(carry, ht_dict_add_string(carry->to->dict, name, length, to, error));
}

static enum ht_status carry_module_name(struct ht_carry *carry, uint32_t from, uint32_t *to,
                                        struct ht_error *error)
{
    uint32_t *entry = NULL;
    *to = 0;
    if (from == 0)
        return HT_OK;
    enum ht_status status = entry_of(&carry->strings, from, &entry, error);
    if (status == HT_OK && *entry == 0)
        status = add_name(carry, HT_NAME_MODULE, from, entry, error);
    if (status == HT_OK)
        *to = *entry;
    return status;
}

static enum ht_status add_stack(struct ht_carry *carry, uint32_t from, uint32_t *to,
                                struct ht_error *error)
{
    size_t count = 0;
    const struct ht_frame *frames = ht_dict_stack(carry->from->dict, from, &count);
    struct ht_frame carried[HT_DICT_FRAMES_MAX];
    for (size_t i = 0; i < count; i++) {
        carried[i] = frames[i];
        enum ht_status status = HT_OK;
        if (frames[i].module != 0)
            status = carry_module_name(carry, frames[i].module, &carried[i].module, error);
        else if (carry->rebase != NULL)
            status = ht_rebase_address(carry->rebase, HT_REBASE_CODE, &carried[i].address, error);
        if (status != HT_OK)
            return status;
    }
    *to = 0;
    if (count == 0)
        return HT_OK;
    return settle(carry, ht_dict_add_stack(carry->to->dict, carried, count, to, error));
}

static enum ht_status carry_stack(struct ht_carry *carry, struct ht_event *event,
                                  struct ht_error *error)
{
    uint32_t *entry = NULL;
    if (ht_event_stack(event) == 0)
        return HT_OK;
    enum ht_status status = entry_of(&carry->stacks, ht_event_stack(event), &entry, error);
    if (status == HT_OK && *entry == 0)
        status = add_stack(carry, ht_event_stack(event), entry, error);
    if (status == HT_OK)
        ht_event_set_stack(event, *entry);
    return status;
}

// `pid` as it is in the trace that the address is of.
static enum ht_status carry_address(struct ht_carry *carry, uint32_t pid, uint64_t *address,
                                    struct ht_error *error)
{
    return carry->rebase != NULL ? ht_rebase_address(carry->rebase, pid, address, error) : HT_OK;
}

static enum ht_status carry_pid(struct ht_carry *carry, uint32_t *pid, struct ht_error *error)
{
    return carry->pids != NULL ? ht_pids_map(carry->pids, carry->part, pid, error) : HT_OK;
}

// Details hold pids and addresses too, which are known by their names.
static enum ht_status carry_value(struct ht_carry *carry, const struct ht_event *event,
                                  uint32_t index, uint64_t *value, struct ht_error *error)
{
    const char *name = ht_kind_detail_name((enum ht_kind)event->kind, index);
    if (name == NULL)
        return HT_OK;
    if (strcmp(name, "range_address") == 0)
        return carry_address(carry, event->pid, value, error);
    if (strcmp(name, "process_id") != 0 || *value > UINT32_MAX)
        return HT_OK;
    uint32_t pid = (uint32_t)*value;
    enum ht_status status = carry_pid(carry, &pid, error);
    *value = pid;
    return status;
}

static enum ht_status carry_detail(struct ht_carry *carry, struct ht_event *event,
                                   struct ht_error *error)
{
    size_t count = 0;
    const uint64_t *values = ht_dict_detail(carry->from->dict, event->detail, &count);
    if (values == NULL) {
        carry->to->loss[HT_LOSS_DETAILS]++;
        event->detail = 0;
        return HT_OK;
    }
    carry->detail.limit = HT_DICT_DETAIL_VALUES_MAX * sizeof *values;
    carry->detail.size = 0;
    enum ht_status status = ht_buffer_append(&carry->detail, values, count * sizeof *values, error);
    void *copied = carry->detail.data;
    for (uint32_t i = 0; i < count && status == HT_OK; i++)
        status = carry_value(carry, event, i, (uint64_t *)copied + i, error);
    if (status == HT_OK)
        event->detail = ht_dict_add_detail(carry->to->dict, copied, count);
    return status;
}

enum ht_status ht_carry_event(struct ht_carry *carry, struct ht_event *event,
                              struct ht_error *error)
{
    event->time_ns = (int64_t)((uint64_t)event->time_ns + (uint64_t)carry->shift_ns);
    enum ht_status status = carry_pid(carry, &event->pid, error);
    if (status == HT_OK)
        status = carry_address(carry, event->pid, &event->heap, error);
    if (status == HT_OK)
        status = carry_address(carry, event->pid, &event->address, error);
    if (status == HT_OK)
        status = carry_address(carry, event->pid, &event->old_address, error);
    if (status == HT_OK && event->kind != HT_KIND_REALLOC && event->detail != 0)
        status = carry_detail(carry, event, error);
    return status == HT_OK ? carry_stack(carry, event, error) : status;
}

static int64_t shifted(const struct ht_carry *carry, int64_t time_ns)
{
    if (time_ns == HT_TIME_UNKNOWN)
        return time_ns;
    return (int64_t)((uint64_t)time_ns + (uint64_t)carry->shift_ns);
}

static enum ht_status carry_process(struct ht_carry *carry, const struct ht_process *process,
                                    struct ht_error *error)
{
    struct ht_process carried = {.pid = process->pid,
                                 .parent_pid = process->parent_pid,
                                 .start_ns = shifted(carry, process->start_ns),
                                 .end_ns = shifted(carry, process->end_ns)};
    enum ht_status status = carry_pid(carry, &carried.pid, error);
    if (status == HT_OK && carried.parent_pid != 0)
        status = carry_pid(carry, &carried.parent_pid, error);
    if (status == HT_OK)
        status = add_name(carry, HT_NAME_PROCESS, process->name, &carried.name, error);
    if (status == HT_OK && carry->redact == NULL) // a command line is dropped
        status = add_name(carry, HT_NAME_PROCESS, process->command, &carried.command, error);
    if (status == HT_OK)
        status = settle(carry, ht_trace_note_process(carry->to, &carried, error));
    return status;
}

static enum ht_status carry_thread(struct ht_carry *carry, const struct ht_thread *thread,
                                   struct ht_error *error)
{
    struct ht_thread carried = *thread;
    if (thread->name == 0)
        return HT_OK;
    carried.start_ns = shifted(carry, thread->start_ns);
    carried.end_ns = shifted(carry, thread->end_ns);
    enum ht_status status = carry_pid(carry, &carried.pid, error);
    if (status == HT_OK)
        status = add_name(carry, HT_NAME_THREAD, thread->name, &carried.name, error);
    if (status == HT_OK)
        status = settle(carry, ht_threads_note(&carry->to->threads, &carried, error));
    return status;
}

static enum ht_status carry_module(struct ht_carry *carry, const struct ht_module *module,
                                   struct ht_error *error)
{
    struct ht_module carried = *module;
    enum ht_status status = HT_OK;
    if (carry->redact != NULL) // whatever finds the file finds its name
        carried = (struct ht_module){0};
    else
        status = carry_module_name(carry, module->debug_name, &carried.debug_name, error);
    if (status == HT_OK)
        status = carry_module_name(carry, module->path, &carried.path, error);
    if (status != HT_OK || carried.path == 0)
        return status;
    return settle(carry, ht_trace_note_module(carry->to, &carried, error));
}

// Of parts of several machines none is known.
static enum ht_status carry_host(struct ht_carry *carry, struct ht_error *error)
{
    uint32_t host = carry->from->host;
    if (carry->host == host || carry->redact != NULL) // a name of somebody's machine is dropped
        return HT_OK;
    carry->host = host;
    enum ht_status status = add_name(carry, HT_NAME_PROCESS, host, &host, error);
    if (status == HT_OK)
        ht_trace_note_host(carry->to, host);
    return status;
}

enum ht_status ht_carry_names(struct ht_carry *carry, struct ht_error *error)
{
    const struct ht_trace *from = carry->from;
    enum ht_status status = carry_host(carry, error);
    if (status != HT_OK)
        return status;
    for (uint32_t i = 0; carry->revision != from->revision && i < from->process_count; i++) {
        if (from->processes[i].revision > carry->revision)
            status = carry_process(carry, &from->processes[i], error);
        if (status != HT_OK)
            return status;
    }
    carry->revision = from->revision;
    const struct ht_threads *threads = &from->threads;
    for (uint32_t i = 0; carry->threads != threads->revision && i < threads->count; i++) {
        if (threads->list[i].revision > carry->threads)
            status = carry_thread(carry, &threads->list[i], error);
        if (status != HT_OK)
            return status;
    }
    carry->threads = threads->revision;
    for (; carry->modules < from->module_count && status == HT_OK; carry->modules++)
        status = carry_module(carry, &from->modules[carry->modules], error);
    return status;
}

static uint64_t counted(const struct ht_trace *trace, const char *name)
{
    for (uint32_t i = 0; i < trace->counter_count; i++)
        if (strcmp(trace->counters[i].name, name) == 0)
            return trace->counters[i].count;
    return 0;
}

enum ht_status ht_carry_losses(struct ht_carry *carry, struct ht_error *error)
{
    const struct ht_trace *from = carry->from;
    struct ht_trace *to = carry->to;
    for (int i = 0; i < HT_LOSS_COUNT; i++)
        to->loss[i] += from->loss[i];
    to->loss[HT_LOSS_CUT] = to->loss[HT_LOSS_CUT] > 0;
    to->left_out += from->left_out;
    to->groups += from->groups;
    to->groups_read += from->groups_read;
    if (carry->redact != NULL) // places and counters have texts of the file
        return HT_OK;
    for (uint32_t i = 0; i < from->damage_count && to->damage_count < HT_TRACE_DAMAGE_KEPT; i++) {
        to->damage[to->damage_count] = from->damage[i];
        to->damage[to->damage_count++].input += carry->part;
    }
    enum ht_status status = HT_OK;
    for (uint32_t i = 0; i < from->counter_count && status == HT_OK; i++) {
        const struct ht_counter *counter = &from->counters[i];
        status = ht_trace_set_counter(to, counter->name,
                                      counted(to, counter->name) + counter->count, error);
    }
    return status;
}
