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

// Frames of a record, innermost first, without modules.
struct ht_etl_frames {
    struct ht_frame frames[HT_DICT_FRAMES_MAX];
    size_t count;
    enum ht_etl_part part;
};

// A record that gives the event of this stamp and thread a stack: its frames, or a key.
struct ht_etl_stack_ref {
    uint64_t event_stamp;
    uint32_t pid;
    uint32_t tid;
    bool has_key;
    uint64_t key;
    struct ht_etl_frames frames; // of a record without a key; part in any case
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
bool ht_etl_stack_read_key(const struct ht_etl_record *record, uint64_t *key,
                           struct ht_etl_frames *frames);

#endif
