// SPDX-License-Identifier: MIT
//
// Threads by POSIX, which Windows has too (winpthreads). See the header.
#include "replay/threads.h"

#include "replay/os.h"

#include <pthread.h>

enum {
    STACK_BYTES = 512 * 1024, // a heap's own calls need a few KiB
    NS_PER_SECOND = 1000000000,
};

enum state { STATE_WAITING, STATE_WORKING, STATE_ENDING };

struct thread {
    struct ht_threads *threads;
    uint32_t index;
    pthread_t id;
};

struct ht_threads {
    _Atomic uint32_t state; // enum state
    _Atomic uint32_t at_work;
    void (*work)(void *context, uint32_t index);
    void *context;
    uint64_t size_bytes; // of this
    uint32_t count;      // of threads that are there
    struct thread list[];
};

static void *live(void *context)
{
    struct thread *thread = context;
    struct ht_threads *threads = thread->threads;
    uint32_t state;
    while ((state = atomic_load(&threads->state)) == STATE_WAITING) {
        ht_word_wait(&threads->state, STATE_WAITING, NS_PER_SECOND);
    }
    if (state == STATE_WORKING) {
        threads->work(threads->context, thread->index);
        if (atomic_fetch_sub(&threads->at_work, 1) == 1) {
            ht_word_wake(&threads->at_work);
        }
    }
    while (atomic_load(&threads->state) != STATE_ENDING) {
        ht_word_wait(&threads->state, STATE_WORKING, NS_PER_SECOND);
    }
    return NULL;
}

static bool start(struct ht_threads *threads, uint32_t count)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (threads->count < count) {
        struct thread *thread = &threads->list[threads->count];
        *thread = (struct thread){.threads = threads, .index = threads->count};
        if (pthread_create(&thread->id, &attributes, live, thread) != 0) {
            break;
        }
        threads->count++;
    }
    pthread_attr_destroy(&attributes);
    return threads->count == count;
}

enum ht_status ht_threads_open(struct ht_threads **threads, uint32_t count, struct ht_error *error)
{
    uint64_t size_bytes = sizeof **threads + count * (uint64_t)sizeof *(*threads)->list;
    *threads = ht_os_map(size_bytes);
    if (*threads == NULL) {
        return ht_fail_memory(error, "the threads");
    }
    (*threads)->size_bytes = size_bytes;
    if (!start(*threads, count)) {
        ht_fail(error, HT_UNSUPPORTED, "of %lu threads the system gave %lu", (unsigned long)count,
                (unsigned long)(*threads)->count);
        ht_threads_close(*threads);
        *threads = NULL;
        return HT_UNSUPPORTED;
    }
    return HT_OK;
}

void ht_threads_close(struct ht_threads *threads)
{
    if (threads == NULL) {
        return;
    }
    atomic_store(&threads->state, STATE_ENDING);
    ht_word_wake(&threads->state);
    for (uint32_t i = 0; i < threads->count; i++) {
        pthread_join(threads->list[i].id, NULL);
    }
    ht_os_unmap(threads, threads->size_bytes);
}

void ht_threads_begin(struct ht_threads *threads, void (*work)(void *context, uint32_t index),
                      void *context)
{
    threads->work = work;
    threads->context = context;
    atomic_store(&threads->at_work, threads->count);
    atomic_store(&threads->state, STATE_WORKING);
    ht_word_wake(&threads->state);
}

bool ht_threads_wait(struct ht_threads *threads, uint64_t timeout_ns)
{
    uint32_t at_work = atomic_load(&threads->at_work);
    if (at_work > 0) {
        ht_word_wait(&threads->at_work, at_work, timeout_ns);
    }
    return atomic_load(&threads->at_work) == 0;
}
