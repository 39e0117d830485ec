// SPDX-License-Identifier: MIT
//
// The writing half of the compact format, for its table entry in compact_reader.c.
#ifndef HT_FORMATS_COMPACT_WRITER_H
#define HT_FORMATS_COMPACT_WRITER_H

#include "formats/format.h"

// See struct ht_format.
enum ht_status ht_compact_writer_open(struct ht_output *output, const struct ht_trace *trace,
                                      struct ht_writer **opened, struct ht_error *error);
enum ht_status ht_compact_writer_open_best(struct ht_output *output, const struct ht_trace *trace,
                                           struct ht_writer **opened, struct ht_error *error);

#endif
