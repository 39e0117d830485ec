// SPDX-License-Identifier: MIT
//
// Threads of the system, and words of memory that they wait at. They are there, with their stacks,
// before the work begins and after it has ended, so that neither falls into what is measured
// between. The words, and the rest that the systems do not have in common, are in one file a system
// (words_*.c), chosen by CMake.
#ifndef HT_REPLAY_THREADS_H
#define HT_REPLAY_THREADS_H

#include "formats/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ht_threads;

// Makes `count` threads that wait. HT_MEMORY or HT_UNSUPPORTED, and *threads NULL, when the system
// has not so many.
enum ht_status ht_threads_open(struct ht_threads **threads, uint32_t count, struct ht_error *error);

// Waits for the threads' ends, which come at once unless a work is still on. NULL is fine.
void ht_threads_close(struct ht_threads *threads);

// Has each call `work` with its index, once in the life of the threads.
void ht_threads_begin(struct ht_threads *threads, void (*work)(void *context, uint32_t index),
                      void *context);

// Waits at most so long for the end of all work; true when that has come.
bool ht_threads_wait(struct ht_threads *threads, uint64_t timeout_ns);

// Sleeps while the word has this value, until ht_word_wake, or so long, or for no reason at all.
void ht_word_wait(_Atomic uint32_t *word, uint32_t value, uint64_t timeout_ns);

// Wakes all who sleep at the word.
void ht_word_wake(_Atomic uint32_t *word);

// Sleeps until ht_os_clock_ns says this.
void ht_thread_sleep_until(uint64_t time_ns);

// Threads that the machine can run at the same time, at least 1.
uint32_t ht_threads_at_once(void);

#endif
