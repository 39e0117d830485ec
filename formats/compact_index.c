// SPDX-License-Identifier: MIT
//
// The index of a .htape file. See the header.
#include "formats/compact_index.h"

#include <string.h>

// The trailer: an LZ4 skippable frame of 16 bytes, these and the offset of the index.
static const uint8_t trailer_start[] = {0x5B, 0x2A, 0x4D, 0x18, 16,  0,   0,   0,
                                        'h',  't',  'a',  'p',  'e', 'i', 'd', 'x'};
static_assert(sizeof trailer_start + 8 == HT_COMPACT_TRAILER_SIZE, "the trailer is 24 bytes");

void ht_group_add_pid(struct ht_group *group, uint32_t pid)
{
    for (uint32_t i = 0; i < group->pid_count && i < HT_COMPACT_GROUP_PIDS_MAX; i++)
        if (group->pids[i] == pid)
            return;
    if (group->pid_count < HT_COMPACT_GROUP_PIDS_MAX)
        group->pids[group->pid_count] = pid;
    if (group->pid_count <= HT_COMPACT_GROUP_PIDS_MAX)
        group->pid_count++;
}

void ht_group_add(struct ht_group *group, const struct ht_event *events, size_t count)
{
    int64_t first_ns = group->event_count > 0 ? group->first_ns : INT64_MAX;
    int64_t last_ns = group->event_count > 0 ? group->last_ns : INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        first_ns = events[i].time_ns < first_ns ? events[i].time_ns : first_ns;
        last_ns = events[i].time_ns > last_ns ? events[i].time_ns : last_ns;
        if (i == 0 || events[i].pid != events[i - 1].pid)
            ht_group_add_pid(group, events[i].pid);
    }
    group->first_ns = first_ns;
    group->last_ns = last_ns;
    group->event_count += (uint32_t)count;
}

void ht_group_add_span(struct ht_group *group, uint32_t count, int64_t first_ns, int64_t last_ns)
{
    bool is_first = group->event_count == 0;
    group->first_ns = is_first || first_ns < group->first_ns ? first_ns : group->first_ns;
    group->last_ns = is_first || last_ns > group->last_ns ? last_ns : group->last_ns;
    group->event_count += count;
}

// The columns, for what is done to all of them.
enum { COLUMNS = 7 };

static void list_columns(struct ht_index_sink *sink, struct ht_buffer *columns[COLUMNS])
{
    struct ht_buffer *const all[COLUMNS] = {
        &sink->frame_bytes,  &sink->frame_checksum, &sink->event_count, &sink->first_time_ns,
        &sink->time_span_ns, &sink->pid_count,      &sink->pid};
    memcpy(columns, all, sizeof all);
}

void ht_index_sink_init(struct ht_index_sink *sink, uint64_t start)
{
    struct ht_buffer *columns[COLUMNS];
    *sink = (struct ht_index_sink){.end = start};
    list_columns(sink, columns);
    for (int i = 0; i < COLUMNS; i++)
        *columns[i] = ht_buffer_with_limit(HT_COMPACT_INDEX_COLUMN_BYTES_MAX);
}

void ht_index_sink_reset(struct ht_index_sink *sink)
{
    struct ht_buffer *columns[COLUMNS];
    list_columns(sink, columns);
    for (int i = 0; i < COLUMNS; i++)
        ht_buffer_reset(columns[i]);
}

enum ht_status ht_index_sink_add(struct ht_index_sink *sink, size_t frame_bytes, uint32_t checksum,
                                 const struct ht_group *group, struct ht_error *error)
{
    bool is_told = group->pid_count <= HT_COMPACT_GROUP_PIDS_MAX;
    uint32_t bytes = (uint32_t)frame_bytes;
    uint32_t pid_count = is_told ? group->pid_count : 0;
    uint64_t span_ns = (uint64_t)group->last_ns - (uint64_t)group->first_ns;
    const struct {
        const void *data;
        size_t size;
    } values[COLUMNS] = {
        {&bytes, sizeof bytes},
        {&checksum, sizeof checksum},
        {&group->event_count, sizeof group->event_count},
        {&group->first_ns, sizeof group->first_ns},
        {&span_ns, sizeof span_ns},
        {&pid_count, sizeof pid_count},
        {group->pids, pid_count * sizeof *group->pids},
    };
    struct ht_buffer *columns[COLUMNS];
    list_columns(sink, columns);
    sink->end += frame_bytes;
    for (int i = 0; i < COLUMNS && !sink->is_full; i++) {
        enum ht_status status = ht_buffer_append(columns[i], values[i].data, values[i].size, error);
        if (status == HT_MEMORY)
            return status;
        sink->is_full = status != HT_OK;
    }
    return HT_OK;
}

// A column holds numbers of the host, one behind the other, from malloc.
static void *numbers(const struct ht_buffer *column)
{
    return column->data;
}

Ht__Index ht_index_sink_message(const struct ht_index_sink *sink)
{
    Ht__Index message = HT__INDEX__INIT;
    size_t count = sink->frame_bytes.size / sizeof(uint32_t);
    message.n_frame_bytes = message.n_frame_checksum = message.n_event_count = count;
    message.n_first_time_ns = message.n_time_span_ns = message.n_pid_count = count;
    message.n_pid = sink->pid.size / sizeof(uint32_t);
    message.frame_bytes = numbers(&sink->frame_bytes);
    message.frame_checksum = numbers(&sink->frame_checksum);
    message.event_count = numbers(&sink->event_count);
    message.first_time_ns = numbers(&sink->first_time_ns);
    message.time_span_ns = numbers(&sink->time_span_ns);
    message.pid_count = numbers(&sink->pid_count);
    message.pid = numbers(&sink->pid);
    return message;
}

void ht_index_trailer_put(uint8_t trailer[HT_COMPACT_TRAILER_SIZE], uint64_t offset)
{
    memcpy(trailer, trailer_start, sizeof trailer_start);
    ht_store64(trailer + sizeof trailer_start, offset);
}

uint64_t ht_index_trailer_offset(const uint8_t trailer[HT_COMPACT_TRAILER_SIZE])
{
    if (memcmp(trailer, trailer_start, sizeof trailer_start) != 0)
        return 0;
    return ht_load64(trailer + sizeof trailer_start);
}

bool ht_index_fits(const Ht__Index *index, uint64_t start, uint64_t offset)
{
    size_t count = index->n_frame_bytes;
    if (count == 0 || index->n_frame_checksum != count || index->n_event_count != count ||
        index->n_first_time_ns != count || index->n_time_span_ns != count ||
        index->n_pid_count != count)
        return false;
    uint64_t bytes = start; // of at most 2^22 frames with 32 bits each: no overflow
    uint64_t pids = 0;
    for (size_t i = 0; i < count; i++) {
        if (index->frame_bytes[i] > HT_COMPACT_MESSAGE_MAX ||
            index->event_count[i] > HT_COMPACT_EVENTS_MAX)
            return false;
        bytes += index->frame_bytes[i];
        pids += index->pid_count[i];
    }
    return bytes == offset && pids == index->n_pid;
}

void ht_index_step(const Ht__Index *index, struct ht_index_place *place)
{
    place->offset += index->frame_bytes[place->frame];
    place->pid += index->pid_count[place->frame];
    place->frame++;
}

static bool tells_pid(const Ht__Index *index, const struct ht_index_place *place, uint32_t pid)
{
    uint32_t count = index->pid_count[place->frame];
    for (uint32_t i = 0; i < count; i++)
        if (index->pid[place->pid + i] == pid)
            return true;
    return count == 0;
}

// Whether all processes that an index tells are told by another.
static bool are_told(const Ht__Index *index, const struct ht_index_place *place,
                     const Ht__Index *other, const struct ht_index_place *other_place)
{
    for (uint32_t i = 0; i < index->pid_count[place->frame]; i++)
        if (!tells_pid(other, other_place, index->pid[place->pid + i]))
            return false;
    return true;
}

bool ht_index_agrees(const Ht__Index *index, const struct ht_index_place *place,
                     const Ht__Index *other, const struct ht_index_place *other_place)
{
    size_t i = place->frame;
    size_t k = other_place->frame;
    if (index->frame_bytes[i] != other->frame_bytes[k] ||
        index->frame_checksum[i] != other->frame_checksum[k] ||
        index->event_count[i] != other->event_count[k])
        return false;
    if (index->event_count[i] == 0)
        return true;
    return index->first_time_ns[i] == other->first_time_ns[k] &&
           index->time_span_ns[i] == other->time_span_ns[k] &&
           are_told(index, place, other, other_place) && are_told(other, other_place, index, place);
}

static bool has_pid(const Ht__Index *index, const struct ht_index_place *place,
                    const struct ht_scope *scope)
{
    for (size_t k = 0; k < scope->pid_count; k++)
        if (tells_pid(index, place, scope->pids[k]))
            return true;
    return scope->pid_count == 0;
}

bool ht_index_can_skip(const Ht__Index *index, const struct ht_index_place *place,
                       const struct ht_scope *scope)
{
    int64_t first_ns = index->first_time_ns[place->frame];
    int64_t last_ns = (int64_t)((uint64_t)first_ns + index->time_span_ns[place->frame]);
    bool is_in_time = first_ns < scope->until_ns && last_ns >= scope->from_ns;
    return index->event_count[place->frame] > 0 && (!is_in_time || !has_pid(index, place, scope));
}
