// SPDX-License-Identifier: MIT
//
// What is known of a recording besides its events. See the header.
#include "formats/trace.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const loss_names[HT_LOSS_COUNT] = {
    [HT_LOSS_EVENTS] = "events_lost",
    [HT_LOSS_BUFFERS] = "buffers_lost",
    [HT_LOSS_DAMAGED_BUFFERS] = "damaged_buffers",
    [HT_LOSS_DAMAGED_EVENTS] = "damaged_events",
    [HT_LOSS_CUT] = "cut",
    [HT_LOSS_TIME_BACK] = "time_back",
    [HT_LOSS_DETAILS] = "details_lost",
    [HT_LOSS_DICTIONARY] = "names_lost",
    [HT_LOSS_STACKS] = "stacks_lost",
};

const char *ht_loss_name(enum ht_loss loss)
{
    return (unsigned)loss < HT_LOSS_COUNT ? loss_names[loss] : "?";
}

enum ht_status ht_trace_init(struct ht_trace *trace, struct ht_error *error)
{
    *trace = (struct ht_trace){.origin = {.format = "", .start_unix_ns = HT_TIME_UNKNOWN}};
    trace->dict = ht_dict_open();
    return trace->dict != NULL ? HT_OK : ht_fail_memory(error, "the dictionary");
}

void ht_trace_reset(struct ht_trace *trace)
{
    ht_dict_close(trace->dict);
    free(trace->processes);
    free(trace->process_heads);
    ht_threads_reset(&trace->threads);
    free(trace->modules);
    free(trace->module_paths);
    free(trace->counters);
    free(trace->tally);
    *trace = (struct ht_trace){.origin = {.format = ""}};
}

void ht_trace_damage(struct ht_trace *trace, enum ht_loss loss, uint64_t offset, const char *what)
{
    trace->loss[loss]++;
    if (trace->damage_count < HT_TRACE_DAMAGE_KEPT)
        trace->damage[trace->damage_count++] = (struct ht_damage){offset, trace->input, what};
}

static uint32_t head_index(const struct ht_trace *trace, uint32_t pid)
{
    // Windows pids are multiples of four; the capacity is a power of two.
    return (pid * 0x9E3779B1u >> 7) & (trace->process_capacity - 1);
}

// The entry before `entry` of equal hash, or the newest for NULL; NULL past the oldest.
static struct ht_process *next_process(const struct ht_trace *trace, uint32_t pid,
                                       const struct ht_process *entry)
{
    if (trace->process_capacity == 0)
        return NULL;
    uint32_t id = entry != NULL ? entry->next : trace->process_heads[head_index(trace, pid)];
    return id > 0 ? &trace->processes[id - 1] : NULL;
}

struct ht_pid_use ht_trace_pid_use(const struct ht_trace *trace, uint32_t pid, int64_t time_ns)
{
    struct ht_pid_use use = {INT64_MIN, INT64_MAX, NULL};
    const struct ht_process *process = next_process(trace, pid, NULL);
    for (int i = 0; process != NULL && i < HT_TRACE_PID_USES; i++) {
        bool has_begun = process->start_ns <= time_ns; // an unknown start is before everything
        if (process->pid == pid && has_begun &&
            (use.process == NULL || process->start_ns > use.from_ns)) {
            use.process = process;
            use.from_ns = process->start_ns;
        }
        if (process->pid == pid && !has_begun && process->start_ns <= use.to_ns)
            use.to_ns = process->start_ns - 1;
        process = next_process(trace, pid, process);
    }
    return use;
}

const struct ht_process *ht_trace_process_at(const struct ht_trace *trace, uint32_t pid,
                                             int64_t time_ns)
{
    return ht_trace_pid_use(trace, pid, time_ns).process;
}

// Whether two notes can be of one process: the same start, or one start unknown and the process
// whose start is known does not begin after the other one ends.
static bool is_same_process(const struct ht_process *a, const struct ht_process *b)
{
    if (a->pid != b->pid)
        return false;
    if (a->start_ns == b->start_ns)
        return true;
    if (a->start_ns != HT_TIME_UNKNOWN && b->start_ns != HT_TIME_UNKNOWN)
        return false;
    const struct ht_process *with_start = a->start_ns != HT_TIME_UNKNOWN ? a : b;
    const struct ht_process *without = with_start == a ? b : a;
    return without->end_ns == HT_TIME_UNKNOWN || with_start->start_ns <= without->end_ns;
}

static enum ht_status grow_processes(struct ht_trace *trace, struct ht_error *error)
{
    uint32_t capacity = trace->process_capacity > 0 ? trace->process_capacity * 2 : 16;
    struct ht_process *processes = realloc(trace->processes, capacity * sizeof *processes);
    if (processes == NULL)
        return ht_fail_memory(error, "the processes");
    trace->processes = processes;
    uint32_t *heads = calloc(capacity, sizeof *heads);
    if (heads == NULL)
        return ht_fail_memory(error, "the processes");
    free(trace->process_heads);
    trace->process_heads = heads;
    trace->process_capacity = capacity;
    for (uint32_t i = 0; i < trace->process_count; i++) {
        struct ht_process *process = &trace->processes[i];
        // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): entries below process_count are set
        uint32_t *head = &heads[head_index(trace, process->pid)];
        process->next = *head;
        *head = i + 1;
    }
    return HT_OK;
}

static enum ht_status add_process(struct ht_trace *trace, uint32_t pid, struct ht_process **added,
                                  struct ht_error *error)
{
    if (trace->process_count >= HT_DICT_PROCESSES_MAX)
        return ht_fail(error, HT_LIMIT, "more than %d processes", HT_DICT_PROCESSES_MAX);
    if (trace->process_count == trace->process_capacity) {
        enum ht_status status = grow_processes(trace, error);
        if (status != HT_OK)
            return status;
    }
    assert(trace->processes != NULL && trace->process_heads != NULL);
    uint32_t *head = &trace->process_heads[head_index(trace, pid)];
    *added = &trace->processes[trace->process_count++];
    **added = (struct ht_process){
        .pid = pid, .start_ns = HT_TIME_UNKNOWN, .end_ns = HT_TIME_UNKNOWN, .next = *head};
    *head = trace->process_count;
    return HT_OK;
}

// Takes the fields that are known; true when this changes anything.
static bool complete(struct ht_process *entry, const struct ht_process *known)
{
    struct ht_process before = *entry;
    if (known->parent_pid != 0)
        entry->parent_pid = known->parent_pid;
    if (known->start_ns != HT_TIME_UNKNOWN)
        entry->start_ns = known->start_ns;
    if (known->end_ns != HT_TIME_UNKNOWN)
        entry->end_ns = known->end_ns;
    if (known->name != 0)
        entry->name = known->name;
    if (known->command != 0)
        entry->command = known->command;
    return before.parent_pid != entry->parent_pid || before.start_ns != entry->start_ns ||
           before.end_ns != entry->end_ns || before.name != entry->name ||
           before.command != entry->command;
}

enum ht_status ht_trace_note_process(struct ht_trace *trace, const struct ht_process *process,
                                     struct ht_error *error)
{
    struct ht_process *entry = next_process(trace, process->pid, NULL);
    for (int i = 0; entry != NULL && !is_same_process(entry, process); i++)
        entry = i < HT_TRACE_PID_USES ? next_process(trace, process->pid, entry) : NULL;
    bool is_new = entry == NULL;
    if (is_new) {
        enum ht_status status = add_process(trace, process->pid, &entry, error);
        if (status != HT_OK)
            return status;
    }
    assert(entry != NULL);
    if (complete(entry, process) || is_new)
        entry->revision = ++trace->revision;
    return HT_OK;
}

static enum ht_status grow_module_paths(struct ht_trace *trace, uint32_t path,
                                        struct ht_error *error)
{
    uint32_t capacity = trace->module_path_capacity > 0 ? trace->module_path_capacity : 256;
    while (capacity <= path) // at most HT_DICT_STRINGS_MAX
        capacity *= 2;
    bool *paths = realloc(trace->module_paths, capacity * sizeof *paths);
    if (paths == NULL)
        return ht_fail_memory(error, "the modules");
    for (uint32_t i = trace->module_path_capacity; i < capacity; i++)
        paths[i] = false;
    trace->module_paths = paths;
    trace->module_path_capacity = capacity;
    return HT_OK;
}

void ht_trace_note_host(struct ht_trace *trace, uint32_t name)
{
    if (trace->host != name)
        trace->host = trace->has_host_note ? 0 : name;
    trace->has_host_note = true;
}

enum ht_status ht_trace_note_module(struct ht_trace *trace, const struct ht_module *module,
                                    struct ht_error *error)
{
    if (module->path >= trace->module_path_capacity) {
        enum ht_status status = grow_module_paths(trace, module->path, error);
        if (status != HT_OK)
            return status;
    }
    if (trace->module_paths[module->path])
        return HT_OK;
    if (trace->module_count >= HT_DICT_MODULES_MAX)
        return ht_fail(error, HT_LIMIT, "more than %d modules", HT_DICT_MODULES_MAX);
    if (trace->module_count == trace->module_capacity) {
        uint32_t capacity = trace->module_capacity > 0 ? trace->module_capacity * 2 : 64;
        struct ht_module *modules = realloc(trace->modules, capacity * sizeof *modules);
        if (modules == NULL)
            return ht_fail_memory(error, "the modules");
        trace->modules = modules;
        trace->module_capacity = capacity;
    }
    trace->modules[trace->module_count++] = *module;
    trace->module_paths[module->path] = true;
    return HT_OK;
}

enum ht_status ht_trace_set_counter(struct ht_trace *trace, const char *name, uint64_t count,
                                    struct ht_error *error)
{
    for (uint32_t i = 0; i < trace->counter_count; i++) {
        if (strcmp(trace->counters[i].name, name) == 0) {
            trace->counters[i].count = count;
            return HT_OK;
        }
    }
    if (trace->counter_count >= HT_TRACE_COUNTERS_MAX)
        return HT_OK;
    if (trace->counters == NULL)
        trace->counters = malloc(HT_TRACE_COUNTERS_MAX * sizeof *trace->counters);
    if (trace->counters == NULL)
        return ht_fail_memory(error, "the counters");
    struct ht_counter *counter = &trace->counters[trace->counter_count++];
    snprintf(counter->name, sizeof counter->name, "%s", name);
    counter->count = count;
    return HT_OK;
}
