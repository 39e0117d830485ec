// SPDX-License-Identifier: MIT
//
// The format that is nothing: takes every event and writes no byte. What is left of a conversion
// to it is the price of reading, and a check of the input.
#ifndef HT_FORMATS_NULL_H
#define HT_FORMATS_NULL_H

#include "formats/format.h"

extern const struct ht_format ht_format_null;

#endif
