// SPDX-License-Identifier: MIT
//
// What the program asks of the operating system besides what the libraries do. One file a system
// implements it, chosen by CMake.
#ifndef HT_CLI_SYSTEM_H
#define HT_CLI_SYSTEM_H

#include <stdbool.h>
#include <stdio.h>

// True when the stream goes to a terminal.
bool ht_system_is_terminal(FILE *stream);

// True when both paths exist and are one file, by whatever names.
bool ht_system_is_same_file(const char *path, const char *other);

#endif
