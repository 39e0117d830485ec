// SPDX-License-Identifier: MIT
//
// Windows' words for a failure. See the header.
#include "replay/windows_failure.h"

#include <windows.h>

#include <stdarg.h>
#include <stdio.h>

// Without the line end that they come with; "" when it has none.
static void find_words(unsigned long code, char *words, size_t size)
{
    DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                                  code, 0, words, (DWORD)size, NULL);
    while (length > 0 && (unsigned char)words[length - 1] <= ' ') {
        length--;
    }
    words[length] = '\0';
}

enum ht_status ht_fail_windows(struct ht_error *error, unsigned long code, const char *format, ...)
{
    if (error == NULL) {
        return HT_IO;
    }
    char words[256];
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (used > 0 && (size_t)used < sizeof error->text) {
        find_words(code, words, sizeof words);
        snprintf(error->text + used, sizeof error->text - (size_t)used, ": %s%sWindows error %lu",
                 words, words[0] != '\0' ? ", " : "", code);
    }
    return HT_IO;
}
