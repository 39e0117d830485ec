// SPDX-License-Identifier: MIT
//
// Processes of ours at work: a copy of this one for a part of the work (on Windows a thread of this
// one), or a fresh run of this program. What they find comes back as bytes through a pipe, which
// goes both ways. One file a system implements it, chosen by CMake.
#ifndef HT_CLI_CHILD_H
#define HT_CLI_CHILD_H

#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>

// A value in the caller's memory.
struct ht_child {
    long id;
    int pipe; // our end
};

// Begins `work` in a copy of this process, or a thread, whose bytes written to `pipe` are read
// here, and the other way round. Neither looks at memory that the other changes but for that of
// ht_os_map_shared; `context` is lent until ht_child_end.
enum ht_status ht_child_fork(struct ht_child *child, void (*work)(void *context, int pipe),
                             void *context, struct ht_error *error);

// Begins this program as a new process with the command line `arguments`, NULL behind the last. It
// learns from ht_child_result_pipe where to write.
enum ht_status ht_child_spawn(struct ht_child *child, char *const arguments[],
                              struct ht_error *error);

// Reads exactly `size` bytes. False when the other has closed its end before, or when an interrupt
// has come that ht_system_catch_interrupt caught.
bool ht_child_read(const struct ht_child *child, void *bytes, size_t size);

// Hears the child no more, ends it after an interrupt, and waits for its end, however that comes
// about: `how` gets "status 1" or "signal 11, ...".
void ht_child_end(struct ht_child *child, char *how, size_t size);

// Writes all of it to a pipe; false when nobody reads any more.
bool ht_child_write(int pipe, const void *bytes, size_t size);

// In a process that ht_child_spawn began: where its result is to go. Else -1.
int ht_child_result_pipe(void);

#endif
