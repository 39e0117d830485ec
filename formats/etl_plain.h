// SPDX-License-Identifier: MIT
//
// The plain way through a buffer: the allocs, reallocs and frees that Windows' own heap records,
// nearly all there is in a heap trace, made into events straight from the bytes. Whatever is not
// plain in every respect is left where it stands, for etl_record and etl_heap, which give the same
// for the plain ones too.
#ifndef HT_FORMATS_ETL_PLAIN_H
#define HT_FORMATS_ETL_PLAIN_H

#include "formats/etl_header.h"
#include "formats/etl_record.h"
#include "formats/event.h"

// How many records there were.
struct ht_etl_counts {
    uint64_t by_header[256];
    bool has_group[256];     // anything of it is counted below, most of which is never looked at
    uint64_t by_hook[65536]; // of the records whose header has a hook id
    uint64_t by_guid[65536]; // of those that a GUID tells the group of, by group and opcode
};

// Events to be made, and their ticks since time 0.
struct ht_etl_batch {
    struct ht_event *events; // room for `limit`
    int64_t *ticks;          // the same
    size_t limit;
    size_t count;
    int64_t last_ticks; // of the event made last, in this batch or before it
};

// A stretch of a buffer that nothing of another buffer comes between.
struct ht_etl_stretch {
    struct ht_etl_walk *walk;
    const struct ht_etl_clock *clock;
    uint64_t zero;       // raw stamp of time 0
    int64_t until_ticks; // first ticks that do not belong to it
    uint16_t cpu;
};

// True when the walk stands at a plain record, whose raw stamp goes into *stamp.
bool ht_etl_plain_is(const struct ht_etl_walk *walk, uint64_t *stamp);

enum ht_etl_plain {
    HT_ETL_PLAIN_NONE,  // the first record has to be taken in another way
    HT_ETL_PLAIN_TAKEN, // there were some
    HT_ETL_PLAIN_LATER, // and the next is plain too, but behind the stretch
};

// Makes events of the plain records at the walk, counts them and moves the walk behind them: up to
// the limit of the batch, the end of the stretch, a stamp that goes back, or a record that is not
// plain or names no heap. *later is the ticks of the next record where that is told to be plain.
enum ht_etl_plain ht_etl_plain_take(const struct ht_etl_stretch *stretch,
                                    struct ht_etl_batch *batch, struct ht_etl_counts *counts,
                                    int64_t *later);

#endif
