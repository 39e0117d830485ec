// SPDX-License-Identifier: MIT
//
// The threads of a recording and their names. Windows uses a tid again as soon as its thread has
// ended, so a thread is known by its process, its tid and its start.
#ifndef HT_FORMATS_THREADS_H
#define HT_FORMATS_THREADS_H

#include "formats/error.h"

#include <stdint.h>

struct ht_thread {
    uint32_t pid;
    uint32_t tid;
    int64_t start_ns;  // HT_TIME_UNKNOWN (formats/trace.h) when it began before the recording
    int64_t end_ns;    // HT_TIME_UNKNOWN when it outlived it
    uint32_t name;     // string id, 0 when it has none
    uint32_t revision; // of the list when this entry changed last
    uint32_t next;     // private: the entry of equal hash noted before this one, plus one
};

// A value; zero is "no threads".
struct ht_threads {
    struct ht_thread *list; // owned
    uint32_t count;
    uint32_t capacity;
    uint32_t revision; // of the newest change
    uint32_t *heads;   // private, owned: the newest entry of a hash plus one, or 0
};

void ht_threads_reset(struct ht_threads *threads);

// Notes a thread, or completes what is known of it: the entry with the same pid, tid and start
// takes an end and a name that are known. `thread->revision` is not read. HT_LIMIT past
// HT_DICT_THREADS_MAX, HT_MEMORY.
enum ht_status ht_threads_note(struct ht_threads *threads, const struct ht_thread *thread,
                               struct ht_error *error);

// The thread that had this tid last by a time, ended or not; NULL when none is known. Of the
// threads of one tid, the HT_TRACE_PID_USES noted last are looked at, here and below.
const struct ht_thread *ht_threads_last(const struct ht_threads *threads, uint32_t pid,
                                        uint32_t tid, int64_t time_ns);

// The name of a thread of whatever process had the pid from one time to another: of the threads
// that had this tid then the one that had it last and has a name. 0 when there is none.
uint32_t ht_threads_name(const struct ht_threads *threads, uint32_t pid, uint32_t tid,
                         int64_t from_ns, int64_t to_ns);

#endif
