// SPDX-License-Identifier: MIT
//
// Payloads of heap records to events (docs/formats/etl.md, section 6).
#ifndef HT_FORMATS_ETL_HEAP_H
#define HT_FORMATS_ETL_HEAP_H

#include "formats/dict.h"
#include "formats/etl_record.h"
#include "formats/event.h"
#include "formats/limits.h"

// A decoded heap record. The detail values have a place of their own here because only the
// dictionary gives them a number.
struct ht_etl_heap_details {
    uint64_t values[HT_DICT_DETAIL_VALUES_MAX];
    size_t count;
    bool is_cut; // the record has, or should have, more values than are here
};

// True for the records that ht_etl_heap_decode takes.
static inline bool ht_etl_heap_is(const struct ht_etl_record *record)
{
    if (record->group == HT_ETL_GROUP_HEAP)
        return record->opcode >= HT_ETL_HEAP_CREATE &&
               record->opcode <= HT_ETL_HEAP_REUSE_THRESHOLD;
    return record->group == HT_ETL_GROUP_MEMORY && record->opcode >= HT_ETL_RANGE_RUNDOWN &&
           record->opcode <= HT_ETL_RANGE_DESTROY;
}

// Fills the event but for time_ns, cpu and detail. False when the payload is too short for its
// kind or names no heap.
bool ht_etl_heap_decode(const struct ht_etl_record *record, struct ht_event *event,
                        struct ht_etl_heap_details *details);

#endif
