// SPDX-License-Identifier: MIT
//
// The records of an ETL file that matter here, in the order of time: a merge over the file's
// buffers that holds about one open buffer a CPU. Every record, of any kind, is counted as it
// passes (docs/formats/etl.md, section 5.2).
#ifndef HT_FORMATS_ETL_MERGE_H
#define HT_FORMATS_ETL_MERGE_H

#include "formats/etl_file.h"
#include "formats/etl_plain.h"

struct ht_etl_merge;

// A record in its place in the trace.
struct ht_etl_placed {
    struct ht_etl_record record;
    int64_t ticks;   // since time 0
    uint64_t offset; // in the file; of its buffer where that is compressed
    uint16_t cpu;
};

// A merge over a borrowed file. NULL when there is no memory. Close accepts NULL.
struct ht_etl_merge *ht_etl_merge_open(struct ht_etl_file *file);
void ht_etl_merge_close(struct ht_etl_merge *merge);

// Lets a merge from which nothing was taken yet load buffers ahead on a second processor, if there
// is one.
void ht_etl_merge_assist(struct ht_etl_merge *merge);

// Makes events of the plain records that are next into the batch, whose count becomes theirs, and
// puts the heap, stack or process record behind them into *placed, lent until the next call: NULL
// when the batch is full. HT_END after the last. The order is (ticks, cpu, position in the cpu's
// buffers). Damaged buffers are counted in the file's trace and cost only what is behind the
// damage.
enum ht_status ht_etl_merge_next(struct ht_etl_merge *merge, struct ht_etl_batch *batch,
                                 const struct ht_etl_placed **placed, struct ht_error *error);

// What has been counted so far; valid until close.
const struct ht_etl_counts *ht_etl_merge_counts(const struct ht_etl_merge *merge);

#endif
