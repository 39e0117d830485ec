// SPDX-License-Identifier: MIT
//
// Payloads of stack records (docs/formats/etl.md, section 9). Says nothing about whose they are.
#ifndef HT_FORMATS_ETL_STACK_H
#define HT_FORMATS_ETL_STACK_H

#include "formats/dict.h"
#include "formats/etl_record.h"
#include "formats/limits.h"

// Which part of a stack a record has.
enum ht_etl_part {
    HT_ETL_PART_KERNEL, // the inner frames
    HT_ETL_PART_USER,
    HT_ETL_PARTS,
};

// Frames as they were recorded: 8 bytes each, little-endian, innermost first, without zeros.
struct ht_etl_frames {
    const uint8_t *bytes; // lent by the record where they stand like that in it, else in `room`
    size_t size;
    uint8_t room[8 * HT_DICT_FRAMES_MAX];
};

// A record that gives the event of this stamp and thread a stack: its frames, or a key.
struct ht_etl_stack_ref {
    uint64_t event_stamp;
    uint32_t pid;
    uint32_t tid;
    enum ht_etl_part part;
    bool has_key;
    uint64_t key;
};

static inline bool ht_etl_stack_is_ref(const struct ht_etl_record *record)
{
    return record->group == HT_ETL_GROUP_STACK &&
           (record->opcode == HT_ETL_STACK_WALK || record->opcode == HT_ETL_STACK_KEY_KERNEL ||
            record->opcode == HT_ETL_STACK_KEY_USER);
}

static inline bool ht_etl_stack_is_key(const struct ht_etl_record *record)
{
    return record->group == HT_ETL_GROUP_STACK && record->opcode >= HT_ETL_STACK_KEY_CREATE &&
           record->opcode <= HT_ETL_STACK_KEY_RUNDOWN;
}

// Both are false when the record is too short.
bool ht_etl_stack_read_ref(const struct ht_etl_record *record, struct ht_etl_stack_ref *ref);
bool ht_etl_stack_read_key(const struct ht_etl_record *record, uint64_t *key);

// The frames of either record, a reference without a key or the definition of a key, that could be
// read; at most HT_DICT_FRAMES_MAX. They are valid as long as the record's bytes are.
void ht_etl_stack_read_frames(const struct ht_etl_record *record, struct ht_etl_frames *frames);

#endif
