// SPDX-License-Identifier: MIT
//
// Chrome trace events in JSON: opens in Perfetto and in chrome://tracing, written only. What is
// in the file and what was left out is described in docs/formats/chrome.md.
#ifndef HT_FORMATS_CHROME_H
#define HT_FORMATS_CHROME_H

#include "formats/format.h"

extern const struct ht_format ht_format_chrome;

#endif
