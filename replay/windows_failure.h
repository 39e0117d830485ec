// SPDX-License-Identifier: MIT
//
// Windows' own words for a failure, as ht_fail_errno has those of the C library. On Windows only.
#ifndef HT_REPLAY_WINDOWS_FAILURE_H
#define HT_REPLAY_WINDOWS_FAILURE_H

#include "formats/error.h"

// As ht_fail with HT_IO, and behind the message what Windows says of `code`, which GetLastError
// gave.
enum ht_status ht_fail_windows(struct ht_error *error, unsigned long code, const char *format, ...)
    HT_PRINTF(3, 4);

#endif
