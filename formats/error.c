// SPDX-License-Identifier: MIT
//
// Error text. See the header.
#include "formats/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum ht_status ht_fail(struct ht_error *error, enum ht_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return status;
}

enum ht_status ht_fail_errno(struct ht_error *error, const char *format, ...)
{
    int system_error = errno;
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        int used = vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        if (used > 0 && (size_t)used < sizeof error->text)
            snprintf(error->text + used, sizeof error->text - (size_t)used, ": %s",
                     strerror(system_error));
    }
    return HT_IO;
}

enum ht_status ht_fail_memory(struct ht_error *error, const char *what)
{
    return ht_fail(error, HT_MEMORY, "no memory for %s", what);
}
