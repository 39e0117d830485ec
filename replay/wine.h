// SPDX-License-Identifier: MIT
//
// Which Windows this is, or that it is none: under Wine the heaps are Wine's, and every report has
// to say so. On Windows only.
#ifndef HT_REPLAY_WINE_H
#define HT_REPLAY_WINE_H

#include <stddef.h>

// Wine's own version, static text; NULL on Windows.
const char *ht_wine_version(void);

// "Wine 8.0, not Microsoft's" or "Windows 10.0.22631", cut to `size` bytes with its NUL.
void ht_wine_describe(char *text, size_t size);

#endif
