// SPDX-License-Identifier: MIT
//
// Event Trace Log files, as Windows and its tools record them. Read only.
#ifndef HT_FORMATS_ETL_H
#define HT_FORMATS_ETL_H

#include "formats/format.h"

extern const struct ht_format ht_format_etl;

#endif
