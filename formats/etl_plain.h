// SPDX-License-Identifier: MIT
//
// The plain way through a buffer: the allocs, reallocs and frees that Windows' own heap records,
// nearly all there is in a heap trace, made into events straight from the bytes. Whatever is not
// plain in every respect is left where it stands, for etl_record and etl_heap, which give the same
// for the plain ones too.
#ifndef HT_FORMATS_ETL_PLAIN_H
#define HT_FORMATS_ETL_PLAIN_H

#include "formats/etl_header.h"
#include "formats/etl_order.h"
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

// A buffer that is merged with others, and where it stands.
struct ht_etl_lane {
    struct ht_etl_walk walk; // at the next record when that is plain, else behind it
    uint64_t word;           // the first eight bytes of the next record, when that is plain
    int64_t ticks;           // of the next record, since time 0
    uint64_t rank;           // among lanes that stand at the same ticks, see formats/etl_order.h
    uint64_t zero;           // raw stamp of time 0
    uint16_t cpu;
    bool is_plain; // the next record, to all that its header tells
};

// Bytes behind those of a walk that may be looked at, though nothing comes of them.
enum { HT_ETL_PLAIN_PAD = 64 };

// Looks whether the record at the walk is plain, and if so when it was.
void ht_etl_plain_look(struct ht_etl_lane *lane);

// How the first lane of the order stands when no more plain records can be taken.
enum ht_etl_plain {
    HT_ETL_PLAIN_READY, // at the record it says, which is not plain or not before `due_ticks`
    HT_ETL_PLAIN_MOVED, // behind records that were taken: its place is not known
    HT_ETL_PLAIN_STUCK, // at a record that has to be taken in another way
};

// Makes events of the plain records that come next in the order of all lanes, the first of which
// stands at one, and counts them: up to the limit of the batch, which has room, to the first record
// that is not before `due_ticks`, or to one that is not plain, names no heap or goes back in time.
enum ht_etl_plain ht_etl_plain_merge(struct ht_etl_lane *lanes, struct ht_etl_order *order,
                                     int64_t due_ticks, const struct ht_etl_clock *clock,
                                     struct ht_etl_batch *batch, struct ht_etl_counts *counts);

#endif
