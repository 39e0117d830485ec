// SPDX-License-Identifier: MIT
//
// The survey. See the header.
#include "formats/etl_survey.h"

#include "formats/mix.h"

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
    if (!ht_etl_stack_read_key(record, &definition.key))
        return HT_OK;
    ht_etl_stack_read_frames(record, &frames);
    if (frames.size == 0)
        return ht_buffer_append(&survey->keys, &definition, sizeof definition, error);
    enum ht_status status =
        ht_store_add(&survey->stacks, frames.bytes, frames.size, &definition.stack, error);
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

static const struct definition *definitions_of(const struct ht_etl_survey *survey)
{
    return (const struct definition *)(const void *)survey->keys.data;
}

// Where the first definition of a key is told, plus one; 0 where it is not yet.
static uint32_t *head_of(const struct ht_etl_survey *survey, uint64_t key)
{
    const struct definition *definitions = definitions_of(survey);
    uint32_t at = (uint32_t)ht_mix(key) & survey->head_mask;
    while (survey->heads[at] != 0 && definitions[survey->heads[at] - 1].key != key)
        at = (at + 1) & survey->head_mask;
    return &survey->heads[at];
}

static bool is_before(const struct definition *definition, uint64_t key, int64_t ticks)
{
    return definition->key == key && definition->ticks < ticks;
}

static enum ht_status index_keys(struct ht_etl_survey *survey, struct ht_error *error)
{
    const struct definition *definitions = definitions_of(survey);
    uint32_t count = (uint32_t)(survey->keys.size / sizeof *definitions);
    uint32_t head_count = 2;
    qsort(survey->keys.data, count, sizeof *definitions, compare_definitions);
    while (head_count < 2 * count) // at most HT_ETL_STACK_KEYS_MAX
        head_count *= 2;
    survey->head_mask = head_count - 1;
    survey->heads = calloc(head_count, sizeof *survey->heads);
    if (survey->heads == NULL)
        return ht_fail_memory(error, "the keys of stacks");
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || definitions[i].key != definitions[i - 1].key)
            *head_of(survey, definitions[i].key) = i + 1;
    return HT_OK;
}

enum ht_status ht_etl_survey_make(struct ht_etl_survey *survey, struct ht_etl_file *file,
                                  struct ht_error *error)
{
    *survey = (struct ht_etl_survey){
        .modules = ht_etl_modules_open(),
        .stacks = ht_store_with_limits(HT_ETL_STACK_KEYS_MAX, HT_ETL_KEY_BYTES_MAX),
        .keys = ht_buffer_with_limit(sizeof(struct definition) * HT_ETL_STACK_KEYS_MAX)};
    enum ht_status status = HT_OK;
    if (survey->modules == NULL)
        status = ht_fail_memory(error, "the survey of an ETL file");
    if (status == HT_OK)
        status = walk_file(survey, file, error);
    if (status == HT_OK)
        status = ht_etl_modules_finish(survey->modules, error);
    if (status == HT_OK && survey->keys.size > 0)
        status = index_keys(survey, error);
    if (status != HT_OK)
        ht_etl_survey_reset(survey);
    return status;
}

void ht_etl_survey_reset(struct ht_etl_survey *survey)
{
    ht_etl_modules_close(survey->modules);
    ht_store_reset(&survey->stacks);
    ht_buffer_reset(&survey->keys);
    free(survey->heads);
    *survey = (struct ht_etl_survey){.keys = survey->keys, .stacks = survey->stacks};
}

uint32_t ht_etl_survey_stack(const struct ht_etl_survey *survey, uint64_t key, int64_t ticks)
{
    const struct definition *all = definitions_of(survey);
    size_t count = survey->keys.size / sizeof *all;
    uint32_t head = count > 0 ? *head_of(survey, key) : 0;
    if (head == 0)
        return 0;
    // All before `low` are too early; `high` is where the search ends.
    size_t low = head - 1;
    size_t high = low;
    for (size_t stride = 1; high < count && is_before(&all[high], key, ticks); stride *= 2) {
        low = high + 1;
        high = high + stride < count ? high + stride : count;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_before(&all[middle], key, ticks))
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && all[low].key == key ? all[low].stack : 0;
}
