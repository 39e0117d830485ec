// SPDX-License-Identifier: MIT
//
// The list of threads, with a hash over pid and tid. See the header.
#include "formats/threads.h"

#include "formats/limits.h"
#include "formats/mix.h"
#include "formats/trace.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void ht_threads_reset(struct ht_threads *threads)
{
    free(threads->list);
    free(threads->heads);
    *threads = (struct ht_threads){.list = NULL};
}

static uint32_t *head_of(const struct ht_threads *threads, uint32_t pid, uint32_t tid)
{
    // The capacity is a power of two.
    return &threads->heads[ht_mix((uint64_t)pid << 32 | tid) & (threads->capacity - 1)];
}

// The newest entry of a tid that is older than `entry`, or the newest for NULL. *left counts down
// to the end of the search.
static struct ht_thread *older(const struct ht_threads *threads, uint32_t pid, uint32_t tid,
                               const struct ht_thread *entry, int *left)
{
    if (threads->capacity == 0)
        return NULL;
    uint32_t id = entry != NULL ? entry->next : *head_of(threads, pid, tid);
    for (; id != 0 && (*left)-- > 0; id = threads->list[id - 1].next) {
        struct ht_thread *found = &threads->list[id - 1];
        if (found->pid == pid && found->tid == tid)
            return found;
    }
    return NULL;
}

static enum ht_status grow(struct ht_threads *threads, struct ht_error *error)
{
    uint32_t capacity = threads->capacity > 0 ? threads->capacity * 2 : FIRST_CAPACITY;
    struct ht_thread *list = realloc(threads->list, capacity * sizeof *list);
    if (list == NULL)
        return ht_fail_memory(error, "the threads");
    threads->list = list;
    uint32_t *heads = calloc(capacity, sizeof *heads);
    if (heads == NULL)
        return ht_fail_memory(error, "the threads");
    free(threads->heads);
    threads->heads = heads;
    threads->capacity = capacity;
    for (uint32_t i = 0; i < threads->count; i++) {
        uint32_t *head = head_of(threads, list[i].pid, list[i].tid);
        list[i].next = *head;
        *head = i + 1;
    }
    return HT_OK;
}

static enum ht_status add(struct ht_threads *threads, const struct ht_thread *thread,
                          struct ht_error *error)
{
    if (threads->count >= HT_DICT_THREADS_MAX)
        return ht_fail(error, HT_LIMIT, "more than %d threads", HT_DICT_THREADS_MAX);
    if (threads->count == threads->capacity) {
        enum ht_status status = grow(threads, error);
        if (status != HT_OK)
            return status;
    }
    uint32_t *head = head_of(threads, thread->pid, thread->tid);
    struct ht_thread *added = &threads->list[threads->count++];
    *added = *thread;
    added->revision = ++threads->revision;
    added->next = *head;
    *head = threads->count;
    return HT_OK;
}

enum ht_status ht_threads_note(struct ht_threads *threads, const struct ht_thread *thread,
                               struct ht_error *error)
{
    int left = HT_TRACE_PID_USES;
    struct ht_thread *known = older(threads, thread->pid, thread->tid, NULL, &left);
    while (known != NULL && known->start_ns != thread->start_ns)
        known = older(threads, thread->pid, thread->tid, known, &left);
    if (known == NULL)
        return add(threads, thread, error);
    int64_t end_ns = thread->end_ns != HT_TIME_UNKNOWN ? thread->end_ns : known->end_ns;
    uint32_t name = thread->name != 0 ? thread->name : known->name;
    if (end_ns != known->end_ns || name != known->name)
        known->revision = ++threads->revision;
    known->end_ns = end_ns;
    known->name = name;
    return HT_OK;
}

const struct ht_thread *ht_threads_last(const struct ht_threads *threads, uint32_t pid,
                                        uint32_t tid, int64_t time_ns)
{
    int left = HT_TRACE_PID_USES;
    const struct ht_thread *last = NULL;
    const struct ht_thread *entry = older(threads, pid, tid, NULL, &left);
    for (; entry != NULL; entry = older(threads, pid, tid, entry, &left)) {
        // An unknown start is before everything.
        if (entry->start_ns <= time_ns && (last == NULL || entry->start_ns > last->start_ns))
            last = entry;
    }
    return last;
}

uint32_t ht_threads_name(const struct ht_threads *threads, uint32_t pid, uint32_t tid,
                         int64_t from_ns, int64_t to_ns)
{
    int left = HT_TRACE_PID_USES;
    const struct ht_thread *last = NULL;
    const struct ht_thread *entry = older(threads, pid, tid, NULL, &left);
    for (; entry != NULL; entry = older(threads, pid, tid, entry, &left)) {
        bool was_there = entry->start_ns <= to_ns &&
                         (entry->end_ns == HT_TIME_UNKNOWN || entry->end_ns >= from_ns);
        if (was_there && entry->name != 0 && (last == NULL || entry->start_ns > last->start_ns))
            last = entry;
    }
    return last != NULL ? last->name : 0;
}
