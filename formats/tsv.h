// SPDX-License-Identifier: MIT
//
// TSV: one line an event, for diff, awk and databases, and for the tests, which compare it.
// Described in docs/formats/tsv.md.
#ifndef HT_FORMATS_TSV_H
#define HT_FORMATS_TSV_H

#include "formats/format.h"

// The first line of every file, without its newline.
#define HT_TSV_HEADER                                                                              \
    "time_ns\tpid\ttid\tcpu\tkind\theap\taddress\tsize\told_address\told_size\tsource\tstack"

extern const struct ht_format ht_format_tsv;

// The functions of that table, one file each way.
enum ht_status ht_tsv_open_reader(struct ht_input *input, struct ht_trace *trace,
                                  struct ht_reader **reader, struct ht_error *error);
enum ht_status ht_tsv_open_writer(struct ht_output *output, const struct ht_trace *trace,
                                  struct ht_writer **writer, struct ht_error *error);

#endif
