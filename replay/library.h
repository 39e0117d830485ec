// SPDX-License-Identifier: MIT
//
// Shared libraries by file name or path: loading, and finding functions in them. One file a system
// implements it, chosen by CMake.
//
// A library stays loaded until the process ends: a heap has hooks in the ends of threads and of the
// process, and blocks that others hold. Its names are its own: loading it changes no call that is
// bound already, so the program's own malloc is not replaced.
#ifndef HT_REPLAY_LIBRARY_H
#define HT_REPLAY_LIBRARY_H

#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>

// True when the name is a path rather than a word: it has a "/" or what else parts the system's
// paths.
bool ht_library_is_path(const char *name);

enum ht_library_state {
    HT_LIBRARY_LOADED,
    HT_LIBRARY_ABSENT,         // no such file
    HT_LIBRARY_NO_THREAD_ROOM, // it needs thread-local memory that only a new process can set aside
    HT_LIBRARY_BROKEN,
};

// Loads `file`, which the system searches in its folders when it has no "/". On failure `error`
// has the system's own reason. *library is lent for the rest of the process.
enum ht_library_state ht_library_load(const char *file, void **library, struct ht_error *error);

// Any function, to be cast to what it is.
typedef void ht_function(void);

// The function of that name in the library or in a library that it needs, but not in the C
// library, which every library needs. NULL when there is none.
ht_function *ht_library_function(void *library, const char *name);

// The path of the file that a function was loaded from; valid until the process ends.
const char *ht_library_path(ht_function *function);

// What is to be said of every library's figures here, to stand behind a name: "" or, where Windows
// is none, " under Wine 8.0". Static text.
const char *ht_library_note(void);

#endif
