// SPDX-License-Identifier: MIT
//
// The compact format, .htape: lossless, small, for sharing and for replay. Described in
// docs/formats/htape.md.
#ifndef HT_FORMATS_COMPACT_H
#define HT_FORMATS_COMPACT_H

#include "formats/format.h"

extern const struct ht_format ht_format_compact;

#endif
