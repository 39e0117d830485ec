// SPDX-License-Identifier: MIT
//
// What is known of a recording besides its events: where it comes from, its processes, what was
// lost, and the dictionary. One struct ht_trace goes with the events from reader to writer; the
// reader fills it while reading, so it is complete only after the last event.
#ifndef HT_FORMATS_TRACE_H
#define HT_FORMATS_TRACE_H

#include "formats/dict.h"
#include "formats/limits.h"
#include "formats/tally.h"
#include "formats/threads.h"

#include <stdbool.h>
#include <stdint.h>

enum ht_clock {
    HT_CLOCK_NONE = 0, // the format does not say
    HT_CLOCK_QPC = 1,  // the numbers of the ETL log header
    HT_CLOCK_SYSTEM = 2,
    HT_CLOCK_CYCLES = 3,
};

// The recording itself. Numbers that the format does not carry are 0.
struct ht_origin {
    const char *format; // name of the format the recording was made in ("etl"), static
    uint32_t os_major, os_minor, os_build;
    uint32_t pointer_size; // 4 or 8, of the recording session
    uint32_t cpu_count;
    uint32_t clock; // enum ht_clock
    uint64_t clock_hz;
    int64_t start_unix_ns; // wall time of time_ns 0; HT_TIME_UNKNOWN when not known
    bool is_folded;        // moved reallocs are single events already
    bool is_redacted;      // names are pseudonyms
    bool is_rebased;       // addresses are not those of the recording
};

#define HT_TIME_UNKNOWN INT64_MIN

// What was lost, each counted by its own number. The order is part of the compact format: append.
enum ht_loss {
    HT_LOSS_EVENTS,          // the recorder says it lost these
    HT_LOSS_BUFFERS,         // the recorder says it lost these
    HT_LOSS_DAMAGED_BUFFERS, // buffers or blocks that could not be read to their end
    HT_LOSS_DAMAGED_EVENTS,  // heap events too short or with no heap handle, lines that are none
    HT_LOSS_CUT,             // 1 when the input ends before its own end
    HT_LOSS_TIME_BACK,       // events stamped before the one ahead of them
    HT_LOSS_DETAILS,         // rare events that lost their further fields
    HT_LOSS_DICTIONARY,      // names or stacks dropped at a cap
    HT_LOSS_STACKS,          // stacks of events of which the recording does not hold the frames
    HT_LOSS_COUNT,
};

// The JSON key of a loss: "events_lost", "buffers_lost", "damaged_buffers", …
const char *ht_loss_name(enum ht_loss loss);

// A process of the recording. Names are string ids, 0 when unknown.
struct ht_process {
    uint32_t pid;
    uint32_t parent_pid;
    int64_t start_ns;  // HT_TIME_UNKNOWN when it began before the recording
    int64_t end_ns;    // HT_TIME_UNKNOWN when it outlived it
    uint32_t name;     // image name
    uint32_t command;  // command line
    uint32_t revision; // the trace's revision when this entry changed last
    uint32_t next;     // private: the entry of equal hash noted before this one, plus one
};

// A module that frames of stacks name, and what finds its symbols. 0 is unknown.
struct ht_module {
    uint32_t path;       // string id; frames have the same
    uint32_t size;       // in memory
    uint32_t time_stamp; // of its PE header
    uint32_t debug_name; // string id of its PDB file
    uint32_t debug_age;
    uint8_t debug_guid[16]; // in the order of the file: three numbers little-endian, then bytes
};

// How many records of one sort a reader met ("hook.0x1021", "header.SYSTEM64"), for info.
struct ht_counter {
    char name[32];
    uint64_t count;
};

struct ht_damage {
    uint64_t offset;  // in the input
    uint32_t input;   // which one, of several read as one
    const char *what; // static text
};

struct ht_trace {
    struct ht_origin origin;
    uint64_t loss[HT_LOSS_COUNT];
    struct ht_damage damage[HT_TRACE_DAMAGE_KEPT]; // the first places of damage
    uint32_t damage_count;
    uint32_t input; // which of several the reader is at, for the damage it finds
    char filters[HT_TRACE_FILTERS_BYTES]; // that have left out events, for people; "" when none
    uint64_t left_out;                    // events that they left out
    uint64_t groups;        // of events in the input, when the reader had an index to choose by
    uint64_t groups_read;   // of these
    struct ht_tally *tally; // of the input, when it tells, once it is read; owned
    struct ht_process *processes; // owned
    uint32_t process_count;
    uint32_t process_capacity;
    uint32_t *process_heads; // private, owned: newest entry of a hash plus one, or 0
    uint32_t revision;       // of the newest change to a process
    struct ht_threads threads;
    uint32_t host;             // string id, the name of the machine; 0 when not known
    bool has_host_note;        // private: ht_trace_note_host was called
    struct ht_module *modules; // owned, in order of first use
    uint32_t module_count;
    uint32_t module_capacity;
    bool *module_paths; // private, owned: by string id, whether a module has that path
    uint32_t module_path_capacity;
    struct ht_counter *counters; // owned
    uint32_t counter_count;
    struct ht_dict *dict; // owned
};

// An empty trace. HT_MEMORY when there is no memory; then nothing needs to be reset.
enum ht_status ht_trace_init(struct ht_trace *trace, struct ht_error *error);

// Frees what the trace owns.
void ht_trace_reset(struct ht_trace *trace);

// Counts one loss and, while there is room, keeps its place.
void ht_trace_damage(struct ht_trace *trace, enum ht_loss loss, uint64_t offset, const char *what);

// What a pid means at a time, and from when to when it means that as far as is known now.
struct ht_pid_use {
    int64_t from_ns;
    int64_t to_ns;
    const struct ht_process *process; // NULL when none is known
};

// As ht_trace_process_at.
struct ht_pid_use ht_trace_pid_use(const struct ht_trace *trace, uint32_t pid, int64_t time_ns);

// The process that has this pid at this time: the latest one that began by then; NULL when none.
// Of the uses of one pid, the HT_TRACE_PID_USES noted last are looked at.
const struct ht_process *ht_trace_process_at(const struct ht_trace *trace, uint32_t pid,
                                             int64_t time_ns);

// Notes a process, or completes what is known of it: the entry with the same pid and start (or
// with an unknown start, when the times do not contradict) takes the non-zero fields. revision of
// the entry becomes the trace's newest. `process->revision` is not read. HT_LIMIT past
// HT_DICT_PROCESSES_MAX, HT_MEMORY.
enum ht_status ht_trace_note_process(struct ht_trace *trace, const struct ht_process *process,
                                     struct ht_error *error);

// Notes the name of the machine that it was recorded on. Told of two, `host` is 0 from then on.
void ht_trace_note_host(struct ht_trace *trace, uint32_t name);

// Notes a module, each path once: of one that is known, nothing changes. HT_LIMIT past
// HT_DICT_MODULES_MAX, HT_MEMORY.
enum ht_status ht_trace_note_module(struct ht_trace *trace, const struct ht_module *module,
                                    struct ht_error *error);

// Sets a counter, by name. Past HT_TRACE_COUNTERS_MAX nothing is added.
enum ht_status ht_trace_set_counter(struct ht_trace *trace, const char *name, uint64_t count,
                                    struct ht_error *error);

#endif
