// SPDX-License-Identifier: MIT
//
// The dictionary of a .htape file. See the header.
#include "formats/compact_names.h"

#include <assert.h>
#include <string.h>

// How much goes into one message.
enum {
    STRINGS_A_MESSAGE = 1024,
    STRING_BYTES_A_MESSAGE = 64 << 10,
    STACKS_A_MESSAGE = 1024,
    FRAMES_A_MESSAGE = 8192,
    PROCESSES_A_MESSAGE = 256,
    THREADS_A_MESSAGE = 256,
    MODULES_A_MESSAGE = 256,
};
static_assert(FRAMES_A_MESSAGE >= (int)HT_DICT_FRAMES_MAX, "any stack fits into a message");

static enum ht_status write_strings(struct ht_names_written *written, const struct ht_trace *trace,
                                    struct ht_frame_sink *sink, struct ht_error *error)
{
    ProtobufCBinaryData text[STRINGS_A_MESSAGE];
    uint32_t count = ht_dict_string_count(trace->dict);
    while (written->strings < count) {
        Ht__Strings message = HT__STRINGS__INIT;
        message.first_id = written->strings + 1;
        message.text = text;
        for (size_t bytes = 0; written->strings < count && message.n_text < STRINGS_A_MESSAGE &&
                               bytes < STRING_BYTES_A_MESSAGE;) {
            ProtobufCBinaryData *entry = &text[message.n_text++];
            const char *string = ht_dict_string(trace->dict, ++written->strings, &entry->len);
            entry->data = (uint8_t *)string; // only read from
            bytes += entry->len;
        }
        enum ht_status status = ht_frame_sink_put(sink, HT_COMPACT_STRINGS, &message.base, error);
        if (status != HT_OK)
            return status;
    }
    return HT_OK;
}

// Adds the frames of a stack to a message whose arrays have room for them.
static void add_frames(Ht__Stacks *message, const struct ht_frame *frames, size_t count,
                       uint64_t *last_address)
{
    message->frame_count[message->n_frame_count++] = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        message->address[message->n_address++] = (int64_t)(frames[i].address - *last_address);
        message->module[message->n_module++] = frames[i].module;
        *last_address = frames[i].address;
    }
}

// The next message of stacks, as many as fit.
static enum ht_status write_some_stacks(struct ht_names_written *written,
                                        const struct ht_trace *trace, struct ht_frame_sink *sink,
                                        struct ht_error *error)
{
    uint32_t frame_count[STACKS_A_MESSAGE];
    int64_t address[FRAMES_A_MESSAGE];
    uint32_t module[FRAMES_A_MESSAGE];
    Ht__Stacks message = HT__STACKS__INIT;
    message.first_id = written->stacks + 1;
    message.frame_count = frame_count;
    message.address = address;
    message.module = module;
    uint64_t last_address = 0;
    bool has_module = false;
    while (written->stacks < ht_dict_stack_count(trace->dict) &&
           message.n_frame_count < STACKS_A_MESSAGE) {
        size_t count = 0;
        const struct ht_frame *frames = ht_dict_stack(trace->dict, written->stacks + 1, &count);
        if (message.n_address + count > FRAMES_A_MESSAGE)
            break;
        add_frames(&message, frames, count, &last_address);
        for (size_t i = 0; i < count; i++)
            has_module |= frames[i].module != 0;
        written->stacks++;
    }
    if (!has_module)
        message.n_module = 0;
    return ht_frame_sink_put(sink, HT_COMPACT_STACKS, &message.base, error);
}

static enum ht_status write_stacks(struct ht_names_written *written, const struct ht_trace *trace,
                                   struct ht_frame_sink *sink, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    while (status == HT_OK && written->stacks < ht_dict_stack_count(trace->dict))
        status = write_some_stacks(written, trace, sink, error);
    return status;
}

static Ht__Process pack_process(const struct ht_process *process)
{
    Ht__Process message = HT__PROCESS__INIT;
    message.pid = process->pid;
    message.parent_pid = process->parent_pid;
    message.start_ns = process->start_ns;
    message.end_ns = process->end_ns;
    message.name = process->name;
    message.command = process->command;
    return message;
}

static enum ht_status write_processes(struct ht_names_written *written,
                                      const struct ht_trace *trace, struct ht_frame_sink *sink,
                                      struct ht_error *error)
{
    Ht__Process entries[PROCESSES_A_MESSAGE];
    Ht__Process *pointers[PROCESSES_A_MESSAGE];
    enum ht_status status = HT_OK;
    if (written->revision == trace->revision)
        return HT_OK;
    for (uint32_t i = 0; i < trace->process_count && status == HT_OK;) {
        Ht__Processes message = HT__PROCESSES__INIT;
        message.process = pointers;
        for (; i < trace->process_count && message.n_process < PROCESSES_A_MESSAGE; i++) {
            if (trace->processes[i].revision <= written->revision)
                continue;
            entries[message.n_process] = pack_process(&trace->processes[i]);
            pointers[message.n_process] = &entries[message.n_process];
            message.n_process++;
        }
        if (message.n_process > 0)
            status = ht_frame_sink_put(sink, HT_COMPACT_PROCESSES, &message.base, error);
    }
    written->revision = trace->revision;
    return status;
}

static Ht__Thread pack_thread(const struct ht_thread *thread)
{
    Ht__Thread message = HT__THREAD__INIT;
    message.pid = thread->pid;
    message.tid = thread->tid;
    message.start_ns = thread->start_ns;
    message.end_ns = thread->end_ns;
    message.name = thread->name;
    return message;
}

// Those that have a name: nothing else is known of a thread.
static enum ht_status write_threads(struct ht_names_written *written,
                                    const struct ht_threads *threads, struct ht_frame_sink *sink,
                                    struct ht_error *error)
{
    Ht__Thread entries[THREADS_A_MESSAGE];
    Ht__Thread *pointers[THREADS_A_MESSAGE];
    Ht__Threads message = HT__THREADS__INIT;
    enum ht_status status = HT_OK;
    message.thread = pointers;
    for (uint32_t i = 0; written->threads != threads->revision && i < threads->count; i++) {
        if (threads->list[i].revision <= written->threads || threads->list[i].name == 0)
            continue;
        entries[message.n_thread] = pack_thread(&threads->list[i]);
        pointers[message.n_thread] = &entries[message.n_thread];
        if (++message.n_thread < THREADS_A_MESSAGE)
            continue;
        status = ht_frame_sink_put(sink, HT_COMPACT_THREADS, &message.base, error);
        if (status != HT_OK)
            return status;
        message.n_thread = 0;
    }
    written->threads = threads->revision;
    return message.n_thread > 0 ? ht_frame_sink_put(sink, HT_COMPACT_THREADS, &message.base, error)
                                : HT_OK;
}

static Ht__Module pack_module(const struct ht_module *module)
{
    static const uint8_t unknown[sizeof module->debug_guid];
    Ht__Module message = HT__MODULE__INIT;
    message.path = module->path;
    message.size = module->size;
    message.time_stamp = module->time_stamp;
    message.debug_name = module->debug_name;
    message.debug_age = module->debug_age;
    if (memcmp(module->debug_guid, unknown, sizeof unknown) != 0) {
        message.debug_guid.len = sizeof module->debug_guid;
        message.debug_guid.data = (uint8_t *)module->debug_guid; // only read from
    }
    return message;
}

static enum ht_status write_modules(struct ht_names_written *written, const struct ht_trace *trace,
                                    struct ht_frame_sink *sink, struct ht_error *error)
{
    Ht__Module entries[MODULES_A_MESSAGE];
    Ht__Module *pointers[MODULES_A_MESSAGE];
    enum ht_status status = HT_OK;
    while (written->modules < trace->module_count && status == HT_OK) {
        Ht__Modules message = HT__MODULES__INIT;
        message.module = pointers;
        while (written->modules < trace->module_count && message.n_module < MODULES_A_MESSAGE) {
            entries[message.n_module] = pack_module(&trace->modules[written->modules++]);
            pointers[message.n_module] = &entries[message.n_module];
            message.n_module++;
        }
        status = ht_frame_sink_put(sink, HT_COMPACT_MODULES, &message.base, error);
    }
    return status;
}

static enum ht_status write_machine(struct ht_names_written *written, const struct ht_trace *trace,
                                    struct ht_frame_sink *sink, struct ht_error *error)
{
    Ht__Machine message = HT__MACHINE__INIT;
    if (written->host == trace->host)
        return HT_OK;
    written->host = message.host = trace->host;
    return ht_frame_sink_put(sink, HT_COMPACT_MACHINE, &message.base, error);
}

bool ht_names_are_written(const struct ht_names_written *written, const struct ht_trace *trace)
{
    return written->strings == ht_dict_string_count(trace->dict) &&
           written->stacks == ht_dict_stack_count(trace->dict) &&
           written->revision == trace->revision && written->threads == trace->threads.revision &&
           written->modules == trace->module_count && written->host == trace->host;
}

enum ht_status ht_names_write(struct ht_names_written *written, const struct ht_trace *trace,
                              struct ht_frame_sink *sink, struct ht_error *error)
{
    enum ht_status status = write_strings(written, trace, sink, error);
    if (status == HT_OK)
        status = write_stacks(written, trace, sink, error);
    if (status == HT_OK)
        status = write_processes(written, trace, sink, error);
    if (status == HT_OK)
        status = write_threads(written, &trace->threads, sink, error);
    if (status == HT_OK)
        status = write_modules(written, trace, sink, error);
    if (status == HT_OK)
        status = write_machine(written, trace, sink, error);
    return status;
}

void ht_names_map_init(struct ht_names_map *map)
{
    map->strings = ht_buffer_with_limit(sizeof(uint32_t) * (1 + (size_t)HT_DICT_STRINGS_MAX));
    map->stacks = ht_buffer_with_limit(sizeof(uint32_t) * (1 + (size_t)HT_DICT_STACKS_MAX));
}

void ht_names_map_reset(struct ht_names_map *map)
{
    ht_buffer_reset(&map->strings);
    ht_buffer_reset(&map->stacks);
}

static uint32_t map_get(const struct ht_buffer *map, uint32_t number)
{
    uint32_t id = 0;
    if (number < map->size / sizeof id)
        memcpy(&id, map->data + number * sizeof id, sizeof id);
    return id;
}

static void map_set(struct ht_buffer *map, uint32_t number, uint32_t id)
{
    memcpy(map->data + number * sizeof id, &id, sizeof id);
}

// Makes the map cover `count` numbers from `first`.
static enum ht_status map_grow(struct ht_buffer *map, uint32_t first, size_t count,
                               struct ht_error *error)
{
    uint64_t end = (uint64_t)first + count;
    if (first == 0 || end > map->limit / sizeof(uint32_t))
        return ht_fail(error, HT_FORMAT, "the number of a name is 0 or over its cap");
    size_t size = (size_t)end * sizeof(uint32_t);
    if (size <= map->size)
        return HT_OK;
    enum ht_status status = ht_buffer_reserve(map, size - map->size, error);
    if (status == HT_OK) {
        memset(map->data + map->size, 0, size - map->size);
        map->size = size;
    }
    return status;
}

// Counts what a full dictionary does not take; any other failure stays one.
static enum ht_status drop_at_cap(enum ht_status status, struct ht_trace *trace, uint64_t offset)
{
    if (status != HT_LIMIT)
        return status;
    ht_trace_damage(trace, HT_LOSS_DICTIONARY, offset, "the dictionary is full");
    return HT_OK;
}

enum ht_status ht_names_read_strings(struct ht_names_map *map, const Ht__Strings *message,
                                     struct ht_trace *trace, uint64_t offset,
                                     struct ht_error *error)
{
    enum ht_status status = map_grow(&map->strings, message->first_id, message->n_text, error);
    for (size_t i = 0; i < message->n_text && status == HT_OK; i++) {
        const ProtobufCBinaryData *text = &message->text[i];
        uint32_t id = 0;
        status = ht_dict_add_string(trace->dict, (const char *)text->data, text->len, &id, error);
        status = drop_at_cap(status, trace, offset);
        map_set(&map->strings, message->first_id + (uint32_t)i, id);
    }
    return status;
}

static bool stacks_fit(const Ht__Stacks *message)
{
    uint64_t frames = 0;
    for (size_t i = 0; i < message->n_frame_count; i++) {
        if (message->frame_count[i] == 0 || message->frame_count[i] > HT_DICT_FRAMES_MAX)
            return false;
        frames += message->frame_count[i];
    }
    return frames == message->n_address && (message->n_module == 0 || message->n_module == frames);
}

enum ht_status ht_names_read_stacks(struct ht_names_map *map, const Ht__Stacks *message,
                                    struct ht_trace *trace, uint64_t offset, struct ht_error *error)
{
    if (!stacks_fit(message))
        return ht_fail(error, HT_FORMAT, "the frames of stacks do not fit their counts");
    struct ht_frame frames[HT_DICT_FRAMES_MAX];
    enum ht_status status =
        map_grow(&map->stacks, message->first_id, message->n_frame_count, error);
    uint64_t address = 0;
    size_t at = 0;
    for (size_t i = 0; i < message->n_frame_count && status == HT_OK; i++) {
        uint32_t count = message->frame_count[i];
        for (uint32_t k = 0; k < count; k++, at++) {
            address += (uint64_t)message->address[at];
            uint32_t module = message->n_module > 0 ? message->module[at] : 0;
            frames[k] = (struct ht_frame){address, map_get(&map->strings, module)};
        }
        uint32_t id = 0;
        status = ht_dict_add_stack(trace->dict, frames, count, &id, error);
        status = drop_at_cap(status, trace, offset);
        map_set(&map->stacks, message->first_id + (uint32_t)i, id);
    }
    return status;
}

enum ht_status ht_names_read_processes(const struct ht_names_map *map, const Ht__Processes *message,
                                       struct ht_trace *trace, uint64_t offset,
                                       struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (size_t i = 0; i < message->n_process && status == HT_OK; i++) {
        const Ht__Process *entry = message->process[i];
        struct ht_process process = {
            .pid = entry->pid,
            .parent_pid = entry->parent_pid,
            .start_ns = entry->start_ns,
            .end_ns = entry->end_ns,
            .name = map_get(&map->strings, entry->name),
            .command = map_get(&map->strings, entry->command),
        };
        status = drop_at_cap(ht_trace_note_process(trace, &process, error), trace, offset);
    }
    return status;
}

enum ht_status ht_names_read_threads(const struct ht_names_map *map, const Ht__Threads *message,
                                     struct ht_trace *trace, uint64_t offset,
                                     struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (size_t i = 0; i < message->n_thread && status == HT_OK; i++) {
        const Ht__Thread *entry = message->thread[i];
        struct ht_thread thread = {.pid = entry->pid,
                                   .tid = entry->tid,
                                   .start_ns = entry->start_ns,
                                   .end_ns = entry->end_ns,
                                   .name = map_get(&map->strings, entry->name)};
        status = drop_at_cap(ht_threads_note(&trace->threads, &thread, error), trace, offset);
    }
    return status;
}

static bool modules_fit(const Ht__Modules *message)
{
    for (size_t i = 0; i < message->n_module; i++) {
        size_t length = message->module[i]->debug_guid.len;
        if (length != 0 && length != sizeof((struct ht_module *)0)->debug_guid)
            return false;
    }
    return true;
}

static enum ht_status read_module(const struct ht_names_map *map, const Ht__Module *entry,
                                  struct ht_trace *trace, uint64_t offset, struct ht_error *error)
{
    struct ht_module module = {
        .path = map_get(&map->strings, entry->path),
        .size = entry->size,
        .time_stamp = entry->time_stamp,
        .debug_name = map_get(&map->strings, entry->debug_name),
        .debug_age = entry->debug_age,
    };
    if (entry->debug_guid.len != 0)
        memcpy(module.debug_guid, entry->debug_guid.data, sizeof module.debug_guid);
    if (module.path == 0) {
        ht_trace_damage(trace, HT_LOSS_DICTIONARY, offset, "a module whose path was not read");
        return HT_OK;
    }
    return drop_at_cap(ht_trace_note_module(trace, &module, error), trace, offset);
}

enum ht_status ht_names_read_modules(const struct ht_names_map *map, const Ht__Modules *message,
                                     struct ht_trace *trace, uint64_t offset,
                                     struct ht_error *error)
{
    if (!modules_fit(message))
        return ht_fail(error, HT_FORMAT, "the GUID of a module has another length than 16 bytes");
    enum ht_status status = HT_OK;
    for (size_t i = 0; i < message->n_module && status == HT_OK; i++)
        status = read_module(map, message->module[i], trace, offset, error);
    return status;
}

void ht_names_read_machine(const struct ht_names_map *map, const Ht__Machine *message,
                           struct ht_trace *trace)
{
    trace->host = map_get(&map->strings, message->host);
}

uint32_t ht_names_stack(const struct ht_names_map *map, uint32_t number)
{
    return map_get(&map->stacks, number);
}
