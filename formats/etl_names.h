// SPDX-License-Identifier: MIT
//
// Process and thread records to the processes and threads of the trace, and the record that names
// the machine (docs/formats/etl.md, section 7).
#ifndef HT_FORMATS_ETL_NAMES_H
#define HT_FORMATS_ETL_NAMES_H

#include "formats/etl_record.h"
#include "formats/trace.h"

static inline bool ht_etl_names_is_thread(const struct ht_etl_record *record)
{
    return record->group == HT_ETL_GROUP_THREAD && record->opcode >= HT_ETL_THREAD_START &&
           record->opcode <= HT_ETL_THREAD_DC_END;
}

static inline bool ht_etl_names_is_host(const struct ht_etl_record *record)
{
    return record->group == HT_ETL_GROUP_CONFIG && record->opcode == HT_ETL_CONFIG_CPU;
}

// True for the records that ht_etl_names_note takes.
static inline bool ht_etl_names_is(const struct ht_etl_record *record)
{
    return ht_etl_names_is_thread(record) || ht_etl_names_is_host(record) ||
           (record->group == HT_ETL_GROUP_PROCESS &&
            ((record->opcode >= HT_ETL_PROCESS_START && record->opcode <= HT_ETL_PROCESS_DC_END) ||
             record->opcode == HT_ETL_PROCESS_DEFUNCT));
}

// Notes the process, thread or machine a record speaks of. A payload that makes no sense is counted
// as a damaged event at `offset`, a name that no longer fits the dictionary as lost; only memory
// can fail.
enum ht_status ht_etl_names_note(const struct ht_etl_record *record, int64_t time_ns,
                                 uint64_t offset, struct ht_trace *trace, struct ht_error *error);

#endif
