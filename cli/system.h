// SPDX-License-Identifier: MIT
//
// What the program asks of the operating system besides what the libraries do and children
// (cli/child.h). One file a system implements it, chosen by CMake.
#ifndef HT_CLI_SYSTEM_H
#define HT_CLI_SYSTEM_H

#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// To be called first: text goes out with the line ends that it has everywhere, "\n".
void ht_system_begin(void);

// True when the stream goes to a terminal.
bool ht_system_is_terminal(FILE *stream);

// True when both paths exist and are one file, by whatever names.
bool ht_system_is_same_file(const char *path, const char *other);

// Begins this program anew in this very process, once: with the command line of the command whose
// argc and argv these are, the environment of now, room for the thread-local memory of libraries
// that are loaded late, and addresses that are the same every time, where the system lets it.
// Returns only when it cannot, or with HT_OK where nothing is gained by it.
enum ht_status ht_system_restart(int argc, char **argv, struct ht_error *error);

// True in a process that ht_system_restart began.
bool ht_system_is_restarted(void);

// True when the system gives this process the same addresses every time.
bool ht_system_has_fixed_addresses(void);

// A new file to write and read, which is gone when it is closed. NULL, with errno, on failure.
FILE *ht_system_temporary_file(void);

// Sets a variable of the environment from "NAME=VALUE". False when it cannot.
bool ht_system_set_variable(const char *setting);

// From here on the first interrupt from the keyboard ends nothing but is remembered. The second
// ends the program, which may be stuck in a heap.
void ht_system_catch_interrupt(void);
bool ht_system_is_interrupted(void);

// Shows a web page, where there is a screen and a browser to do it. False when there is none.
bool ht_system_show_page(const char *url);

// The system's name, release and machine in one line.
void ht_system_describe(char *text, size_t size);

#endif
