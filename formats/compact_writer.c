// SPDX-License-Identifier: MIT
//
// Writes .htape: the start, a frame with the header, then for each block a frame with what is new
// in the dictionary and a frame with the block, a frame with the end record and one with the index.
// Holds one block.
//
// Packing the events and compressing them is the work of a relay: it is as much as reading them.
// What is told of the trace is written here, when there is any, while the relay has nothing to do.
#include "formats/compact_writer.h"

#include "formats/cache.h"
#include "formats/compact_names.h"
#include "formats/compact_pack.h"
#include "formats/relay.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE_EVENTS = 4096,
    PIECE_VALUES = HT_DICT_DETAIL_VALUES_MAX + 1, // at least a detail and its count
};

// Events of one block, on their way to the packing.
struct piece {
    bool begins_block; // the block before is whole
    size_t count;
    size_t value_count;
    _Alignas(HT_CACHE_ALIGN) struct ht_event events[PIECE_EVENTS];
    uint64_t values[PIECE_VALUES]; // of their details: see ht_pack_add
};

struct compact_writer {
    struct ht_writer base;
    const struct ht_trace *trace;
    struct ht_names_written names;
    struct ht_relay *relay;
    struct piece *piece; // that is being filled
    size_t block_events; // in the block so far
    size_t block_values; // of their details
    struct ht_tally tally;
    uint64_t event_count;  // in the file
    uint64_t details_lost; // details that had left the dictionary's ring
    // The relay's, while it has work.
    struct ht_frame_sink sink;
    struct ht_pack *pack;
    struct ht_group group;  // of the events in the pack
    struct ht_buffer block; // packed
};

static char *borrow(const char *text)
{
    return (char *)text; // protobuf-c only reads what it packs
}

static enum ht_status write_header(struct compact_writer *writer, struct ht_error *error)
{
    const struct ht_origin *origin = &writer->trace->origin;
    Ht__Header header = HT__HEADER__INIT;
    header.version_major = HT_COMPACT_MAJOR;
    header.version_minor = HT_COMPACT_MINOR;
    header.format = borrow(origin->format);
    header.os_major = origin->os_major;
    header.os_minor = origin->os_minor;
    header.os_build = origin->os_build;
    header.pointer_size = origin->pointer_size;
    header.cpu_count = origin->cpu_count;
    header.clock = origin->clock;
    header.clock_hz = origin->clock_hz;
    header.start_unix_ns = origin->start_unix_ns;
    header.is_folded = origin->is_folded;
    header.is_redacted = origin->is_redacted;
    header.is_rebased = origin->is_rebased;
    header.filters = borrow(writer->trace->filters);
    enum ht_status status =
        ht_frame_sink_put(&writer->sink, HT_COMPACT_HEADER, &header.base, error);
    return status == HT_OK ? ht_frame_sink_end(&writer->sink, error) : status;
}

// The dictionary has frames of its own, so that a reader can take it without the blocks.
static enum ht_status write_names(struct compact_writer *writer, struct ht_error *error)
{
    enum ht_status status = ht_names_write(&writer->names, writer->trace, &writer->sink, error);
    return status == HT_OK ? ht_frame_sink_end(&writer->sink, error) : status;
}

static enum ht_status write_block(struct compact_writer *writer, struct ht_error *error)
{
    if (ht_pack_event_count(writer->pack) == 0)
        return HT_OK;
    writer->block.size = 0;
    writer->sink.group = writer->group;
    writer->group = (struct ht_group){0};
    enum ht_status status = ht_pack_finish(writer->pack, &writer->block, error);
    if (status == HT_OK)
        status = ht_frame_sink_put_packed(&writer->sink, HT_COMPACT_BLOCK, &writer->block, error);
    return status == HT_OK ? ht_frame_sink_end(&writer->sink, error) : status;
}

// The relay's work.
static enum ht_status pack_piece(void *context, void *relayed, struct ht_error *error)
{
    struct compact_writer *writer = context;
    const struct piece *piece = relayed;
    enum ht_status status = piece->begins_block ? write_block(writer, error) : HT_OK;
    if (status != HT_OK)
        return status;
    ht_pack_add(writer->pack, piece->events, piece->count, piece->values);
    ht_group_add(&writer->group, piece->events, piece->count);
    return HT_OK;
}

static enum ht_status pass_piece(struct compact_writer *writer, bool begins_block,
                                 struct ht_error *error)
{
    enum ht_status status = ht_relay_pass(writer->relay, error);
    writer->piece = ht_relay_piece(writer->relay);
    writer->piece->begins_block = begins_block;
    writer->piece->count = 0;
    writer->piece->value_count = 0;
    return status;
}

// The block is whole. It is written behind what its events name, which is told now, where there is
// anything to tell.
static enum ht_status end_block(struct compact_writer *writer, struct ht_error *error)
{
    writer->block_events = 0;
    writer->block_values = 0;
    enum ht_status status = pass_piece(writer, true, error);
    if (status != HT_OK || ht_names_are_written(&writer->names, writer->trace))
        return status;
    status = ht_relay_wait(writer->relay, error);
    return status == HT_OK ? write_names(writer, error) : status;
}

// Makes room for one event more, with a detail of so many values.
static enum ht_status reserve(struct compact_writer *writer, size_t values, struct ht_error *error)
{
    if (writer->block_events == HT_COMPACT_EVENTS_MAX ||
        values > HT_COMPACT_DETAIL_VALUES_MAX - writer->block_values)
        return end_block(writer, error);
    if (writer->piece->count == PIECE_EVENTS || values >= PIECE_VALUES - writer->piece->value_count)
        return pass_piece(writer, false, error);
    return HT_OK;
}

static bool has_detail(const struct ht_event *event)
{
    return event->kind != HT_KIND_REALLOC && event->detail != 0;
}

// Puts events up to the next that has a detail, as many as there is room for, and gives how many.
static size_t put_plain(struct compact_writer *writer, const struct ht_event *events, size_t count)
{
    struct piece *piece = writer->piece;
    size_t room = PIECE_EVENTS - piece->count;
    size_t block_room = HT_COMPACT_EVENTS_MAX - writer->block_events;
    room = room < block_room ? room : block_room;
    size_t put = 0;
    for (; put < count && put < room && !has_detail(&events[put]); put++)
        ht_cache_copy_past(&piece->events[piece->count + put], &events[put], sizeof *events);
    piece->count += put;
    writer->block_events += put;
    writer->event_count += put;
    return put;
}

// Puts an event with the values of its detail.
static enum ht_status put_with_detail(struct compact_writer *writer, struct ht_event event,
                                      struct ht_error *error)
{
    size_t count = 0;
    const uint64_t *detail = ht_dict_detail(writer->trace->dict, event.detail, &count);
    enum ht_status status = reserve(writer, count, error);
    if (status != HT_OK)
        return status;
    struct piece *piece = writer->piece;
    event.detail = detail != NULL ? piece->value_count + 1 : 0;
    if (detail != NULL) {
        piece->values[piece->value_count++] = count;
        memcpy(&piece->values[piece->value_count], detail, count * sizeof *detail);
        piece->value_count += count;
        writer->block_values += count;
    }
    writer->details_lost += detail == NULL;
    piece->events[piece->count++] = event;
    writer->block_events++;
    writer->event_count++;
    return HT_OK;
}

static enum ht_status write_events(struct ht_writer *self, const struct ht_event *events,
                                   size_t count, struct ht_error *error)
{
    struct compact_writer *writer = (struct compact_writer *)self;
    enum ht_status status = HT_OK;
    ht_tally_add(&writer->tally, writer->trace, events, count);
    for (size_t i = 0; i < count && status == HT_OK;) {
        if (has_detail(&events[i])) {
            status = put_with_detail(writer, events[i++], error);
            continue;
        }
        status = reserve(writer, 0, error);
        if (status == HT_OK)
            i += put_plain(writer, &events[i], count - i);
    }
    return status;
}

// The columns of heaps of a tally's message.
struct tally_columns {
    uint32_t pid[HT_TALLY_HEAPS_MAX];
    int64_t start_ns[HT_TALLY_HEAPS_MAX];
    uint64_t handle[HT_TALLY_HEAPS_MAX];
    uint64_t events[HT_TALLY_HEAPS_MAX];
};

static Ht__Tally pack_tally(struct ht_tally *tally, struct tally_columns *columns)
{
    Ht__Tally message = HT__TALLY__INIT;
    for (uint32_t i = 0; i < tally->heap_count; i++) {
        columns->pid[i] = tally->heaps[i].pid;
        columns->start_ns[i] = tally->heaps[i].start_ns;
        columns->handle[i] = tally->heaps[i].handle;
        columns->events[i] = tally->heaps[i].events;
    }
    message.with_stack = tally->with_stack;
    message.n_by_kind = HT_KIND_COUNT;
    message.by_kind = tally->by_kind;
    message.first_time_ns = tally->first_ns;
    message.time_span_ns = (uint64_t)tally->last_ns - (uint64_t)tally->first_ns;
    message.n_heap_pid = message.n_heap_start_ns = tally->heap_count;
    message.n_heap_handle = message.n_heap_events = tally->heap_count;
    message.heap_pid = columns->pid;
    message.heap_start_ns = columns->start_ns;
    message.heap_handle = columns->handle;
    message.heap_events = columns->events;
    return message;
}

static enum ht_status put_end(struct compact_writer *writer, Ht__Counter *entries,
                              Ht__Counter **pointers, struct tally_columns *columns,
                              struct ht_error *error)
{
    Ht__Tally tally = pack_tally(&writer->tally, columns);
    const struct ht_trace *trace = writer->trace;
    Ht__End end = HT__END__INIT;
    uint64_t loss[HT_LOSS_COUNT];
    Ht__Damage damage[HT_TRACE_DAMAGE_KEPT];
    Ht__Damage *damage_pointers[HT_TRACE_DAMAGE_KEPT];
    for (size_t i = 0; i < HT_LOSS_COUNT; i++)
        loss[i] = trace->loss[i];
    loss[HT_LOSS_DETAILS] += writer->details_lost;
    for (uint32_t i = 0; i < trace->damage_count; i++) {
        ht__damage__init(&damage[i]);
        damage[i].offset = trace->damage[i].offset;
        damage[i].what = borrow(trace->damage[i].what);
        damage_pointers[i] = &damage[i];
    }
    for (uint32_t i = 0; i < trace->counter_count; i++) {
        ht__counter__init(&entries[i]);
        entries[i].name = borrow(trace->counters[i].name);
        entries[i].count = trace->counters[i].count;
        pointers[i] = &entries[i];
    }
    end.event_count = writer->event_count;
    end.n_loss = HT_LOSS_COUNT;
    end.loss = loss;
    end.n_damage = trace->damage_count;
    end.damage = damage_pointers;
    end.n_counter = trace->counter_count;
    end.counter = pointers;
    end.left_out = trace->left_out;
    end.tally = writer->tally.is_full ? NULL : &tally;
    return ht_frame_sink_put(&writer->sink, HT_COMPACT_END, &end.base, error);
}

static enum ht_status write_end(struct compact_writer *writer, struct ht_error *error)
{
    size_t count = writer->trace->counter_count + (size_t)1;
    Ht__Counter *entries = calloc(count, sizeof *entries);
    Ht__Counter **pointers = calloc(count, sizeof *pointers);
    struct tally_columns *columns = malloc(sizeof *columns);
    enum ht_status status = HT_OK;
    if (entries == NULL || pointers == NULL || columns == NULL)
        status = ht_fail_memory(error, "the counters");
    else
        status = put_end(writer, entries, pointers, columns, error);
    free(columns);
    free(pointers);
    free(entries);
    return status == HT_OK ? ht_frame_sink_end(&writer->sink, error) : status;
}

static enum ht_status finish(struct ht_writer *self, struct ht_error *error)
{
    struct compact_writer *writer = (struct compact_writer *)self;
    enum ht_status status = end_block(writer, error);
    if (status == HT_OK)
        status = pass_piece(writer, false, error);
    if (status == HT_OK)
        status = ht_relay_wait(writer->relay, error);
    if (status == HT_OK)
        status = write_end(writer, error);
    return status == HT_OK ? ht_frame_sink_put_index(&writer->sink, HT_COMPACT_INDEX, error)
                           : status;
}

static void close_writer(struct ht_writer *self)
{
    struct compact_writer *writer = (struct compact_writer *)self;
    ht_relay_close(writer->relay);
    ht_frame_sink_reset(&writer->sink);
    ht_buffer_reset(&writer->block);
    ht_pack_close(writer->pack);
    free(writer);
}

static enum ht_status open_relay(struct compact_writer *writer, struct ht_error *error)
{
    const struct ht_relay_work work = {pack_piece, writer, sizeof(struct piece)};
    writer->pack = ht_pack_open();
    if (writer->pack == NULL)
        return ht_fail_memory(error, "a block of events");
    enum ht_status status = ht_relay_open(&writer->relay, &work, ht_relay_has_processors(), error);
    if (status == HT_OK)
        writer->piece = ht_relay_piece(writer->relay);
    return status;
}

static enum ht_status open_writer(struct ht_output *output, const struct ht_trace *trace,
                                  bool is_best, struct ht_writer **opened, struct ht_error *error)
{
    *opened = NULL;
    struct compact_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return ht_fail_memory(error, "the writer");
    writer->base =
        (struct ht_writer){.write = write_events, .finish = finish, .close = close_writer};
    writer->trace = trace;
    ht_frame_sink_init(&writer->sink, output);
    writer->sink.is_best = is_best;
    writer->block = ht_buffer_with_limit(HT_COMPACT_MESSAGE_MAX);
    enum ht_status status = open_relay(writer, error);
    if (status == HT_OK)
        status = ht_compact_start_write(output, error);
    if (status == HT_OK)
        status = write_header(writer, error);
    if (status == HT_OK)
        *opened = &writer->base;
    else
        close_writer(&writer->base);
    return status;
}

enum ht_status ht_compact_writer_open(struct ht_output *output, const struct ht_trace *trace,
                                      struct ht_writer **opened, struct ht_error *error)
{
    return open_writer(output, trace, false, opened, error);
}

enum ht_status ht_compact_writer_open_best(struct ht_output *output, const struct ht_trace *trace,
                                           struct ht_writer **opened, struct ht_error *error)
{
    return open_writer(output, trace, true, opened, error);
}
