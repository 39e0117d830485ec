// SPDX-License-Identifier: MIT
//
// Status codes and error text, shared by every part of heaptape. An error is a value the caller
// owns; reporting one never allocates. Only the program in cli/ prints.
#ifndef HT_FORMATS_ERROR_H
#define HT_FORMATS_ERROR_H

#if defined(__MINGW32__)
#define HT_PRINTF(text, first) __attribute__((format(gnu_printf, text, first)))
#elif defined(__GNUC__)
#define HT_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define HT_PRINTF(text, first)
#endif

enum ht_status {
    HT_OK = 0,
    HT_END,         // no more events; not a failure
    HT_IO,          // the system refused to read or write
    HT_FORMAT,      // the input is not what it claims to be
    HT_UNSUPPORTED, // well formed, but a kind this version does not read
    HT_LIMIT,       // a length from the input is over its cap in formats/limits.h
    HT_MEMORY,      // the system has no more memory
};

enum { HT_ERROR_TEXT_SIZE = 512 };

// What went wrong, for people: file, offset, what was expected, what was found.
struct ht_error {
    char text[HT_ERROR_TEXT_SIZE];
};

// Writes the text into `error` (which may be NULL) and returns `status`, so that failing is one
// line. Text that does not fit is cut.
enum ht_status ht_fail(struct ht_error *error, enum ht_status status, const char *format, ...)
    HT_PRINTF(3, 4);

// As ht_fail with HT_IO and errno's own text behind the message.
enum ht_status ht_fail_errno(struct ht_error *error, const char *format, ...) HT_PRINTF(2, 3);

// ht_fail with HT_MEMORY and a text that names `what` could not be had.
enum ht_status ht_fail_memory(struct ht_error *error, const char *what);

#endif
