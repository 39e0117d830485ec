// SPDX-License-Identifier: MIT
//
// What the stacks of an ETL file need to be read and what stands anywhere in it, often behind
// them: the frames of cached stacks, and the modules. A walk of its own over all buffers, made
// only for a file in which a heap event has a stack.
#ifndef HT_FORMATS_ETL_SURVEY_H
#define HT_FORMATS_ETL_SURVEY_H

#include "formats/etl_file.h"
#include "formats/etl_modules.h"
#include "formats/etl_stack.h"
#include "formats/store.h"

struct ht_etl_survey {
    struct ht_etl_modules *modules; // owned
    struct ht_store stacks;         // frames of keys, as they were recorded
    struct ht_buffer keys;          // definitions, sorted by key and time
    uint32_t *heads;                // private, owned: the first definition of a key, by its hash
    uint32_t head_mask;
};

// Makes the survey of a file. Damage is the merge's to count; only full caps are counted here. On
// failure the survey needs no reset.
enum ht_status ht_etl_survey_make(struct ht_etl_survey *survey, struct ht_etl_file *file,
                                  struct ht_error *error);
void ht_etl_survey_reset(struct ht_etl_survey *survey);

// The stack that a key meant at a time, in `stacks`; 0 when the file does not hold it. Keys are
// used again and again, each time defined when its use ends: what is meant is the first
// definition from that time on.
uint32_t ht_etl_survey_stack(const struct ht_etl_survey *survey, uint64_t key, int64_t ticks);

#endif
