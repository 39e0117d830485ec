// SPDX-License-Identifier: MIT
//
// The survey. See the header.
#include "formats/etl_survey.h"

#include <stdlib.h>

struct definition {
    uint64_t key;
    int64_t ticks;
    uint32_t stack;
};

static int compare_definitions(const void *left, const void *right)
{
    const struct definition *a = left;
    const struct definition *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    if (a->ticks != b->ticks)
        return a->ticks < b->ticks ? -1 : 1;
    return a->stack < b->stack ? -1 : a->stack > b->stack;
}

static enum ht_status note_key(struct ht_etl_survey *survey, const struct ht_etl_record *record,
                               int64_t ticks, struct ht_error *error)
{
    struct ht_etl_frames frames;
    struct definition definition = {.ticks = ticks};
    if (!ht_etl_stack_read_key(record, &definition.key, &frames))
        return HT_OK;
    enum ht_status status =
        ht_dict_add_stack(survey->stacks, frames.frames, frames.count, &definition.stack, error);
    return status == HT_OK ? ht_buffer_append(&survey->keys, &definition, sizeof definition, error)
                           : status;
}

static enum ht_status note(struct ht_etl_survey *survey, const struct ht_etl_record *record,
                           int64_t ticks, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    if (ht_etl_stack_is_key(record))
        status = note_key(survey, record, ticks, error);
    else if (ht_etl_modules_is(record))
        ht_etl_modules_note(survey->modules, record, ticks, &status, error);
    return status;
}

static enum ht_status walk_buffer(struct ht_etl_survey *survey, struct ht_etl_file *file,
                                  const struct ht_etl_buffer *buffer, uint8_t *bytes,
                                  struct ht_error *error)
{
    uint32_t valid = 0;
    enum ht_status status = ht_etl_file_load(file, buffer, &file->packed, bytes, &valid, error);
    if (status != HT_OK || valid != buffer->valid)
        return status;
    struct ht_etl_walk walk = {bytes, HT_ETL_BUFFER_HEADER_SIZE, valid};
    struct ht_etl_record record;
    while (status == HT_OK && ht_etl_walk_next(&walk, &record) == HT_ETL_STEP_RECORD) {
        int64_t ticks = ht_etl_file_ticks(file, buffer, record.stamp);
        status = note(survey, &record, ticks, error);
        if (status == HT_LIMIT) {
            file->trace->input = buffer->source;
            ht_trace_damage(file->trace, HT_LOSS_DICTIONARY, buffer->offset,
                            "no room for what stacks need");
            status = HT_OK;
        }
    }
    return status;
}

static enum ht_status walk_file(struct ht_etl_survey *survey, struct ht_etl_file *file,
                                struct ht_error *error)
{
    uint32_t largest = 1;
    for (uint32_t i = 0; i < file->buffer_count; i++)
        if (file->buffers[i].valid > largest)
            largest = file->buffers[i].valid;
    uint8_t *bytes = malloc(largest);
    if (bytes == NULL)
        return ht_fail_memory(error, "an ETL buffer");
    enum ht_status status = HT_OK;
    for (uint32_t i = 0; i < file->buffer_count && status == HT_OK; i++)
        status = walk_buffer(survey, file, &file->buffers[i], bytes, error);
    free(bytes);
    return status;
}

enum ht_status ht_etl_survey_make(struct ht_etl_survey *survey, struct ht_etl_file *file,
                                  struct ht_error *error)
{
    *survey = (struct ht_etl_survey){
        .modules = ht_etl_modules_open(),
        .stacks = ht_dict_open(),
        .keys = ht_buffer_with_limit(sizeof(struct definition) * HT_ETL_STACK_KEYS_MAX)};
    enum ht_status status = HT_OK;
    if (survey->modules == NULL || survey->stacks == NULL)
        status = ht_fail_memory(error, "the survey of an ETL file");
    if (status == HT_OK)
        status = walk_file(survey, file, error);
    if (status == HT_OK)
        status = ht_etl_modules_finish(survey->modules, error);
    if (status != HT_OK) {
        ht_etl_survey_reset(survey);
        return status;
    }
    if (survey->keys.size > 0)
        qsort(survey->keys.data, survey->keys.size / sizeof(struct definition),
              sizeof(struct definition), compare_definitions);
    return HT_OK;
}

void ht_etl_survey_reset(struct ht_etl_survey *survey)
{
    ht_etl_modules_close(survey->modules);
    ht_dict_close(survey->stacks);
    ht_buffer_reset(&survey->keys);
    *survey = (struct ht_etl_survey){.keys = survey->keys};
}

uint32_t ht_etl_survey_stack(const struct ht_etl_survey *survey, uint64_t key, int64_t ticks)
{
    const struct definition *definitions =
        (const struct definition *)(const void *)survey->keys.data;
    size_t count = survey->keys.size / sizeof *definitions;
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct definition *definition = &definitions[middle];
        bool is_before =
            definition->key < key || (definition->key == key && definition->ticks < ticks);
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    return low < count && definitions[low].key == key ? definitions[low].stack : 0;
}
