// SPDX-License-Identifier: MIT
//
// The dictionary of a .htape file: strings, stacks, processes, threads, modules and the machine
// into messages and back. Numbers in the file are the writer's own; a reader maps them to those of
// its dictionary.
#ifndef HT_FORMATS_COMPACT_NAMES_H
#define HT_FORMATS_COMPACT_NAMES_H

#include "compact.pb-c.h"
#include "formats/compact_frames.h"

// Fields of ht.Stream.
enum ht_compact_message {
    HT_COMPACT_HEADER = 1,
    HT_COMPACT_STRINGS = 2,
    HT_COMPACT_STACKS = 3,
    HT_COMPACT_PROCESSES = 4,
    HT_COMPACT_BLOCK = 5,
    HT_COMPACT_END = 6,
    HT_COMPACT_MODULES = 7,
    HT_COMPACT_INDEX = 8,
    HT_COMPACT_THREADS = 9,
    HT_COMPACT_MACHINE = 10,
};

// How much of a trace has been written. The zero value is "nothing".
struct ht_names_written {
    uint32_t strings;
    uint32_t stacks;
    uint32_t revision; // of processes
    uint32_t modules;
    uint32_t threads; // revision of these
    uint32_t host;
};

// Whether the trace has got nothing since the last call of ht_names_write.
bool ht_names_are_written(const struct ht_names_written *written, const struct ht_trace *trace);

// Writes what the trace has got since the last call: strings first, since the others name them.
enum ht_status ht_names_write(struct ht_names_written *written, const struct ht_trace *trace,
                              struct ht_frame_sink *sink, struct ht_error *error);

// Numbers in the dictionary by the number in the file. Both grow; 0 is what was not read.
struct ht_names_map {
    struct ht_buffer strings; // of uint32_t, the first for number 0
    struct ht_buffer stacks;
};

void ht_names_map_init(struct ht_names_map *map);
void ht_names_map_reset(struct ht_names_map *map);

// Take one message into the trace. HT_FORMAT when its parts do not fit together; HT_MEMORY, HT_IO.
// What is dropped at a cap of the dictionary is counted in the trace, with `offset`.
enum ht_status ht_names_read_strings(struct ht_names_map *map, const Ht__Strings *message,
                                     struct ht_trace *trace, uint64_t offset,
                                     struct ht_error *error);
enum ht_status ht_names_read_stacks(struct ht_names_map *map, const Ht__Stacks *message,
                                    struct ht_trace *trace, uint64_t offset,
                                    struct ht_error *error);
enum ht_status ht_names_read_processes(const struct ht_names_map *map, const Ht__Processes *message,
                                       struct ht_trace *trace, uint64_t offset,
                                       struct ht_error *error);
enum ht_status ht_names_read_threads(const struct ht_names_map *map, const Ht__Threads *message,
                                     struct ht_trace *trace, uint64_t offset,
                                     struct ht_error *error);
enum ht_status ht_names_read_modules(const struct ht_names_map *map, const Ht__Modules *message,
                                     struct ht_trace *trace, uint64_t offset,
                                     struct ht_error *error);

void ht_names_read_machine(const struct ht_names_map *map, const Ht__Machine *message,
                           struct ht_trace *trace);

// The dictionary's number of a stack of the file; 0 when it was not read.
uint32_t ht_names_stack(const struct ht_names_map *map, uint32_t number);

#endif
