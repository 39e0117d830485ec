// SPDX-License-Identifier: MIT
//
// Numbers and names for people, and the program's voice on standard error.
#ifndef HT_CLI_SHOW_H
#define HT_CLI_SHOW_H

#include "formats/error.h"
#include "formats/trace.h"

#include <stdint.h>

// A short text by value, to be printed at once: printf("%s", ht_show_count(n).text).
struct ht_shown {
    char text[64];
};

struct ht_shown ht_show_count(uint64_t count);      // 18,544
struct ht_shown ht_show_bytes(uint64_t bytes);      // 10,441,709 B (10.0 MiB)
struct ht_shown ht_show_size(uint64_t bytes);       // 10.0 MiB
struct ht_shown ht_show_seconds(int64_t time_ns);   // 1.234567890 s
struct ht_shown ht_show_wall_time(int64_t unix_ns); // 2024-05-06 07:08:09.123 UTC

// How much of an input with an index was read ("read 3 of 120 groups, 1.2 of 45.0 MiB"), "" when
// the whole was.
struct ht_stream;
struct ht_shown ht_show_part(const struct ht_stream *stream);

// Prints a name out of a trace to standard output: control characters, which a terminal would
// obey, become "?".
void ht_show_name(const char *name, size_t length);

// Writes every loss that is not 0 as "3 events_lost, 1 cut". False when there is none.
bool ht_show_loss(const uint64_t loss[HT_LOSS_COUNT], char *text, size_t size);

// Says of an output of limited size what will be in it, before it is written.
struct ht_quota;
void ht_say_quota(const char *name, const struct ht_quota *quota);

// Says of an output what was left out of what it shows one by one, nothing when nothing was.
struct ht_format;
struct ht_kept;
void ht_say_kept(const char *name, const struct ht_format *format, const struct ht_kept *kept);

// Prints "heaptape: …" and a line end to standard error.
void ht_say(const char *format, ...) HT_PRINTF(1, 2);

#endif
