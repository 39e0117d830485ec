// SPDX-License-Identifier: MIT
//
// The records inside an ETL buffer: every kind of record header brought to one form, and the walk
// from record to record. Says nothing about payloads (docs/formats/etl.md, section 3).
#ifndef HT_FORMATS_ETL_RECORD_H
#define HT_FORMATS_ETL_RECORD_H

#include "formats/etl_constants.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Groups that no hook has: of providers that are known by their GUID alone.
enum {
    HT_ETL_GROUP_IMAGE_ID = 0xFE, // what merge tools find out about images
    HT_ETL_GROUP_UNKNOWN = 0xFF,
};

// Thread and process of a header that has none.
#define HT_ETL_NO_ID UINT32_MAX

struct ht_etl_record {
    uint8_t header;       // enum ht_etl_header, or the family byte of a record outside C0
    uint8_t pointer_size; // 4 or 8, of this record's payload
    uint8_t group;        // from the hook, or from the provider's GUID
    uint8_t opcode;
    uint16_t version; // of the payload
    bool has_hook;    // group and opcode are the record's own hook id
    bool has_stamp;
    uint32_t tid;
    uint32_t pid;
    uint64_t stamp; // raw, of the session's clock
    const uint8_t *payload;
    size_t payload_size;
};

// A walk over the bytes of one unpacked buffer, its header included.
struct ht_etl_walk {
    const uint8_t *bytes;
    size_t at; // offset of the next record
    size_t valid;
};

enum ht_etl_step {
    HT_ETL_STEP_RECORD,  // *record is filled
    HT_ETL_STEP_END,     // no more records
    HT_ETL_STEP_DAMAGED, // the record at `at` makes no sense; nothing behind it can be found
    HT_ETL_STEP_PAST,    // the record at `at` reaches past the valid bytes
};

// Takes the next record. The payload is borrowed from the buffer.
enum ht_etl_step ht_etl_walk_next(struct ht_etl_walk *walk, struct ht_etl_record *record);

// The stamp of the record at the start of `bytes`, of which HT_ETL_STAMP_BYTES are enough. False
// when these are no record, or one without a stamp; *is_record tells which.
enum { HT_ETL_STAMP_BYTES = 0x18 };
bool ht_etl_record_stamp(const uint8_t *bytes, size_t size, uint64_t *stamp, bool *is_record);

// Text for a value of ht_etl_record.header, "?" for none.
const char *ht_etl_header_name(uint8_t header);

#endif
