// SPDX-License-Identifier: MIT
//
// Reads .htape, from a stream too: frame after frame, message after message, one block of events
// in memory. What is damaged is counted and stepped over. Also the format's table entry.
#include "formats/compact.h"
#include "formats/compact_ahead.h"
#include "formats/compact_names.h"
#include "formats/compact_unpack.h"
#include "formats/compact_writer.h"
#include "formats/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct compact_reader {
    struct ht_reader base;
    struct ht_trace *trace;
    const char *name; // of the input
    struct ht_frame_source *frames;
    const struct ht_frame_source *frame; // that has the frame in hand: this one or the next's
    struct ht_ahead *ahead;              // NULL without a second processor
    struct ht_cursor content;            // messages of the frame that are left
    ProtobufCMessage *message;           // the one unpacked last
    size_t budget;                       // bytes that unpacking a message may still allocate
    ProtobufCAllocator allocator;
    struct ht_names_map names;
    struct ht_unpack *unpack;      // of a block in the frame
    const struct ht_unpack *block; // whose events are given, this or one ahead; NULL for none
    struct ht_input *input;
    Ht__Index *index;            // NULL when the file is read through
    struct ht_index_place place; // of the frame, in the index
    struct ht_index_place next_place;
    const struct ht_scope *scope; // NULL when all is asked for
    struct ht_group group;        // the events of the frame
    struct ht_index_sink seen;    // what an index should tell of the frames
    bool has_frame;               // one was begun
    bool is_damaged;              // the frame is not what was written
    bool is_whole;                // no frame was before the end record
    uint64_t event_count;         // those left out included
    bool has_header;
    bool has_end;
};

// protobuf-c allocates by counts it finds in the message. Nothing is given back to the budget: a
// message is freed whole, and the next one begins with a new budget.
static void *allocate(void *context, size_t size)
{
    struct compact_reader *reader = context;
    if (size > reader->budget)
        return NULL;
    reader->budget -= size;
    return malloc(size);
}

static void release(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

static void damage(struct compact_reader *reader, enum ht_loss loss, const char *what)
{
    reader->is_damaged |= loss == HT_LOSS_DAMAGED_BUFFERS;
    ht_trace_damage(reader->trace, loss, ht_frame_source_offset(reader->frame), what);
}

// A text from the file that lives as long as the trace; that of a format we know is not copied.
static enum ht_status keep_text(struct compact_reader *reader, const char *text, const char **kept,
                                struct ht_error *error)
{
    const struct ht_format *format = ht_format_at(0);
    for (unsigned i = 0; format != NULL && strcmp(format->name, text) != 0; i++)
        format = ht_format_at(i + 1);
    if (format != NULL) {
        *kept = format->name;
        return HT_OK;
    }
    uint32_t id = 0;
    enum ht_status status = ht_dict_add_string(reader->trace->dict, text, strlen(text), &id, error);
    *kept = ht_dict_string(reader->trace->dict, id, NULL);
    return status == HT_LIMIT ? HT_OK : status;
}

static enum ht_status take_header(struct compact_reader *reader, struct ht_error *error)
{
    const Ht__Header *header = (const Ht__Header *)reader->message;
    struct ht_origin *origin = &reader->trace->origin;
    if (reader->has_header)
        return HT_FORMAT;
    if (header->version_major != HT_COMPACT_MAJOR)
        return ht_fail(
            error, HT_UNSUPPORTED, "%s: holds .htape version %u.%u: this program reads version %d",
            reader->name, header->version_major, header->version_minor, HT_COMPACT_MAJOR);
    reader->has_header = true;
    origin->os_major = header->os_major;
    origin->os_minor = header->os_minor;
    origin->os_build = header->os_build;
    origin->pointer_size = header->pointer_size;
    origin->cpu_count = header->cpu_count;
    origin->clock = header->clock;
    origin->clock_hz = header->clock_hz;
    origin->start_unix_ns = header->start_unix_ns;
    origin->is_folded = header->is_folded;
    origin->is_redacted = header->is_redacted;
    origin->is_rebased = header->is_rebased;
    snprintf(reader->trace->filters, sizeof reader->trace->filters, "%s", header->filters);
    ht_utf8_make_plain(reader->trace->filters);
    return keep_text(reader, header->format, &origin->format, error);
}

static enum ht_status take_strings(struct compact_reader *reader, struct ht_error *error)
{
    return ht_names_read_strings(&reader->names, (const Ht__Strings *)reader->message,
                                 reader->trace, ht_frame_source_offset(reader->frame), error);
}

static enum ht_status take_stacks(struct compact_reader *reader, struct ht_error *error)
{
    return ht_names_read_stacks(&reader->names, (const Ht__Stacks *)reader->message, reader->trace,
                                ht_frame_source_offset(reader->frame), error);
}

static enum ht_status take_processes(struct compact_reader *reader, struct ht_error *error)
{
    return ht_names_read_processes(&reader->names, (const Ht__Processes *)reader->message,
                                   reader->trace, ht_frame_source_offset(reader->frame), error);
}

static enum ht_status take_threads(struct compact_reader *reader, struct ht_error *error)
{
    return ht_names_read_threads(&reader->names, (const Ht__Threads *)reader->message,
                                 reader->trace, ht_frame_source_offset(reader->frame), error);
}

static enum ht_status take_machine(struct compact_reader *reader, struct ht_error *error)
{
    (void)error;
    ht_names_read_machine(&reader->names, (const Ht__Machine *)reader->message, reader->trace);
    return HT_OK;
}

static enum ht_status take_modules(struct compact_reader *reader, struct ht_error *error)
{
    return ht_names_read_modules(&reader->names, (const Ht__Modules *)reader->message,
                                 reader->trace, ht_frame_source_offset(reader->frame), error);
}

// The losses before this file was written come on top of those met while reading it.
static void take_losses(struct compact_reader *reader, const Ht__End *end)
{
    struct ht_trace *trace = reader->trace;
    for (size_t i = 0; i < end->n_loss && i < HT_LOSS_COUNT; i++)
        trace->loss[i] += end->loss[i];
    if (trace->loss[HT_LOSS_CUT] > 1)
        trace->loss[HT_LOSS_CUT] = 1;
}

static enum ht_status take_damage(struct compact_reader *reader, const Ht__End *end,
                                  struct ht_error *error)
{
    struct ht_trace *trace = reader->trace;
    enum ht_status status = HT_OK;
    for (size_t i = 0; i < end->n_damage && status == HT_OK; i++) {
        if (trace->damage_count == HT_TRACE_DAMAGE_KEPT)
            return HT_OK;
        struct ht_damage *place = &trace->damage[trace->damage_count++];
        place->offset = end->damage[i]->offset;
        status = keep_text(reader, end->damage[i]->what, &place->what, error);
    }
    return status;
}

// HT_FORMAT when its columns do not fit together.
static enum ht_status take_tally(struct compact_reader *reader, const Ht__End *end,
                                 struct ht_error *error)
{
    const Ht__Tally *message = end->tally;
    if (message == NULL || reader->trace->tally != NULL)
        return HT_OK;
    size_t count = message->n_heap_pid;
    if (count > HT_TALLY_HEAPS_MAX || message->n_heap_start_ns != count ||
        message->n_heap_handle != count || message->n_heap_events != count)
        return HT_FORMAT;
    struct ht_tally *tally = calloc(1, sizeof *tally);
    if (tally == NULL)
        return ht_fail_memory(error, "the tally");
    reader->trace->tally = tally;
    tally->events = end->event_count;
    tally->with_stack = message->with_stack;
    tally->first_ns = message->first_time_ns;
    tally->last_ns = (int64_t)((uint64_t)message->first_time_ns + message->time_span_ns);
    for (size_t i = 0; i < message->n_by_kind && i < HT_KIND_COUNT; i++)
        tally->by_kind[i] = message->by_kind[i];
    tally->heap_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        tally->heaps[i] = (struct ht_tally_heap){message->heap_pid[i], message->heap_start_ns[i],
                                                 message->heap_handle[i], message->heap_events[i]};
    return HT_OK;
}

static enum ht_status take_end(struct compact_reader *reader, struct ht_error *error)
{
    const Ht__End *end = (const Ht__End *)reader->message;
    struct ht_trace *trace = reader->trace;
    reader->has_end = true;
    if (end->event_count != reader->event_count && trace->loss[HT_LOSS_DAMAGED_BUFFERS] == 0)
        damage(reader, HT_LOSS_DAMAGED_BUFFERS, "events are missing before the end record");
    reader->is_whole = trace->loss[HT_LOSS_DAMAGED_BUFFERS] == 0;
    take_losses(reader, end);
    trace->left_out += end->left_out;
    enum ht_status status = take_damage(reader, end, error);
    for (size_t i = 0; i < end->n_counter && status == HT_OK; i++)
        status = ht_trace_set_counter(trace, end->counter[i]->name, end->counter[i]->count, error);
    return status == HT_OK ? take_tally(reader, end, error) : status;
}

static const char lying_index[] = "an index that says something else than its group";

// Compares an index with the frames that were read, which are all. The first that it does not tell
// of is enough.
static void check_index(struct compact_reader *reader, const Ht__Index *index)
{
    const Ht__Index seen = ht_index_sink_message(&reader->seen);
    struct ht_index_place place = {.offset = HT_COMPACT_START_SIZE};
    struct ht_index_place seen_place = place;
    while (place.frame < index->n_frame_bytes && seen_place.frame < seen.n_frame_bytes) {
        if (!ht_index_agrees(index, &place, &seen, &seen_place))
            break;
        ht_index_step(index, &place);
        ht_index_step(&seen, &seen_place);
    }
    if (place.frame < index->n_frame_bytes || seen_place.frame < seen.n_frame_bytes)
        ht_trace_damage(reader->trace, HT_LOSS_DAMAGED_BUFFERS, seen_place.offset, lying_index);
}

// The index is for those who seek. Here it is checked only: behind a file whose frames were all
// read, it speaks of them.
static enum ht_status take_index(struct compact_reader *reader, struct ht_error *error)
{
    (void)error;
    const Ht__Index *index = (const Ht__Index *)reader->message;
    if (!reader->is_whole)
        return HT_OK;
    if (!ht_index_fits(index, HT_COMPACT_START_SIZE, ht_frame_source_offset(reader->frame)))
        return HT_FORMAT;
    if (reader->scope == NULL && !reader->seen.is_full)
        check_index(reader, index);
    return HT_OK;
}

// What to do with a message, by its field in ht.Stream. A taker gives HT_FORMAT for a message that
// is damaged.
static const struct {
    const ProtobufCMessageDescriptor *descriptor;
    enum ht_status (*take)(struct compact_reader *reader, struct ht_error *error);
} messages[] = {
    [HT_COMPACT_HEADER] = {&ht__header__descriptor, take_header},
    [HT_COMPACT_STRINGS] = {&ht__strings__descriptor, take_strings},
    [HT_COMPACT_STACKS] = {&ht__stacks__descriptor, take_stacks},
    [HT_COMPACT_PROCESSES] = {&ht__processes__descriptor, take_processes},
    [HT_COMPACT_BLOCK] = {NULL, NULL}, // unpacked an event at a time
    [HT_COMPACT_END] = {&ht__end__descriptor, take_end},
    [HT_COMPACT_MODULES] = {&ht__modules__descriptor, take_modules},
    [HT_COMPACT_INDEX] = {&ht__index__descriptor, take_index},
    [HT_COMPACT_THREADS] = {&ht__threads__descriptor, take_threads},
    [HT_COMPACT_MACHINE] = {&ht__machine__descriptor, take_machine},
};

static void drop_message(struct compact_reader *reader)
{
    if (reader->message != NULL)
        protobuf_c_message_free_unpacked(reader->message, &reader->allocator);
    reader->message = NULL;
}

static void drop_index(struct compact_reader *reader)
{
    if (reader->index != NULL)
        protobuf_c_message_free_unpacked(&reader->index->base, &reader->allocator);
    reader->index = NULL;
}

static enum ht_status unpack_message(struct compact_reader *reader, const struct ht_packet *packet,
                                     struct ht_error *error)
{
    reader->budget = HT_COMPACT_MESSAGE_MAX;
    reader->message = protobuf_c_message_unpack(messages[packet->field].descriptor,
                                                &reader->allocator, packet->size, packet->data);
    return reader->message != NULL ? messages[packet->field].take(reader, error) : HT_FORMAT;
}

static uint64_t frame_end(const struct compact_reader *reader)
{
    return ht_frame_source_offset(reader->frame) + ht_frame_source_bytes(reader->frame);
}

// Begins with a block of events. HT_FORMAT when it is damaged.
static enum ht_status take_block(struct compact_reader *reader, const struct ht_packet *packet,
                                 struct ht_error *error)
{
    bool is_own = reader->frame == reader->frames;
    if (!is_own)
        reader->block = ht_ahead_block(reader->ahead, packet->data);
    if (reader->block != NULL)
        return HT_OK;
    enum ht_status status = ht_unpack_begin(reader->unpack, packet->data, packet->size, error);
    if (status != HT_OK)
        return status;
    reader->block = reader->unpack;
    if (is_own && reader->ahead != NULL && reader->index == NULL)
        ht_ahead_begin(reader->ahead, frame_end(reader));
    return HT_OK;
}

static enum ht_status take_message(struct compact_reader *reader, const struct ht_packet *packet,
                                   struct ht_error *error)
{
    if (packet->field >= sizeof messages / sizeof *messages)
        return HT_OK; // of a newer version
    if (reader->has_end && packet->field != HT_COMPACT_INDEX) {
        damage(reader, HT_LOSS_DAMAGED_BUFFERS, "a message behind the end record");
        return HT_OK;
    }
    if (!reader->has_header && packet->field != HT_COMPACT_HEADER) {
        damage(reader, HT_LOSS_DAMAGED_BUFFERS, "a message before the header");
        reader->has_header = true; // told once
    }
    enum ht_status status = packet->field == HT_COMPACT_BLOCK
                                ? take_block(reader, packet, error)
                                : unpack_message(reader, packet, error);
    if (status == HT_FORMAT) {
        damage(reader, HT_LOSS_DAMAGED_BUFFERS, "a damaged message");
        return HT_OK;
    }
    return status;
}

// The next frame that the index has and the scope asks for. A frame that is not as the index says
// ends the use of it: from there on the file is read through.
static enum ht_status next_indexed(struct compact_reader *reader, struct ht_error *error)
{
    const Ht__Index *index = reader->index;
    struct ht_trace *trace = reader->trace;
    while (reader->next_place.frame < index->n_frame_bytes) {
        struct ht_index_place place = reader->next_place;
        uint32_t event_count = index->event_count[place.frame];
        ht_index_step(index, &reader->next_place);
        reader->place = place;
        if (ht_index_can_skip(index, &place, reader->scope)) {
            reader->event_count += event_count;
            trace->left_out += event_count;
            continue;
        }
        enum ht_status status =
            ht_frame_source_at(reader->frames, place.offset, index->frame_bytes[place.frame],
                               &index->frame_checksum[place.frame], &reader->content, error);
        trace->groups_read += event_count > 0 && status == HT_OK;
        if (status != HT_FORMAT)
            return status;
        ht_frame_source_seek(reader->frames, place.offset);
        drop_index(reader);
        return ht_frame_source_next(reader->frames, &reader->content, error);
    }
    return HT_END;
}

// Compares what the index says of the frame with the frame. An index that lies here may have hidden
// events: the rest of the file is read through.
static void check_place(struct compact_reader *reader)
{
    const Ht__Index seen = ht_index_sink_message(&reader->seen);
    const struct ht_index_place first = {0};
    if (!reader->is_damaged && !ht_index_agrees(reader->index, &reader->place, &seen, &first)) {
        damage(reader, HT_LOSS_DAMAGED_BUFFERS, lying_index);
        drop_index(reader);
    }
    ht_index_sink_reset(&reader->seen);
    ht_index_sink_init(&reader->seen, HT_COMPACT_START_SIZE);
}

// The messages of the frame were all taken.
static enum ht_status end_frame(struct compact_reader *reader, struct ht_error *error)
{
    if (!reader->has_frame)
        return HT_OK;
    enum ht_status status =
        ht_index_sink_add(&reader->seen, ht_frame_source_bytes(reader->frame),
                          ht_frame_source_checksum(reader->frame), &reader->group, error);
    if (status == HT_OK && reader->index != NULL)
        check_place(reader);
    reader->group = (struct ht_group){0};
    reader->is_damaged = false;
    return status;
}

// The next frame of a file that is read through.
static enum ht_status next_frame(struct compact_reader *reader, struct ht_error *error)
{
    bool is_ahead = reader->ahead != NULL && reader->has_frame &&
                    ht_ahead_finish(reader->ahead, frame_end(reader), &reader->content);
    reader->frame = is_ahead ? ht_ahead_frames(reader->ahead) : reader->frames;
    if (!is_ahead)
        return ht_frame_source_next(reader->frames, &reader->content, error);
    ht_frame_source_seek(reader->frames, frame_end(reader));
    return HT_OK;
}

// Takes the next message of the file; all events of the last are taken.
static enum ht_status step(struct compact_reader *reader, struct ht_error *error)
{
    struct ht_packet packet;
    drop_message(reader);
    if (reader->block != NULL)
        ht_unpack_tell(reader->block, &reader->group);
    reader->block = NULL;
    if (ht_packet_next(&reader->content, &packet))
        return take_message(reader, &packet, error);
    if (reader->content.failed)
        damage(reader, HT_LOSS_DAMAGED_BUFFERS, "a frame that does not hold messages");
    enum ht_status status = end_frame(reader, error);
    if (status != HT_OK)
        return status;
    status = reader->index != NULL ? next_indexed(reader, error) : next_frame(reader, error);
    reader->has_frame = status == HT_OK;
    if (status != HT_OK)
        reader->content = (struct ht_cursor){0};
    if (status == HT_END && !reader->has_end && reader->trace->loss[HT_LOSS_CUT] == 0)
        damage(reader, HT_LOSS_CUT, "the file ends without its end record");
    return status;
}

// Gives an event the trace's number of its stack, for the file's.
static void adopt_stack(struct compact_reader *reader, struct ht_event *event, uint32_t number)
{
    uint32_t stack = number != 0 ? ht_names_stack(&reader->names, number) : 0;
    ht_event_set_stack(event, stack);
    if (number != 0 && stack == 0)
        damage(reader, HT_LOSS_DICTIONARY, "a stack that was not read");
}

// Turns what the file numbers into what the trace numbers, and drops the events that cannot be
// kept. Gives how many are left.
static size_t adopt(struct compact_reader *reader, const struct ht_unpacked *unpacked,
                    struct ht_event *events, size_t count)
{
    if (unpacked->is_plain)
        return count;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind == HT_KIND_NONE || events[i].kind >= HT_KIND_COUNT) {
            damage(reader, HT_LOSS_DAMAGED_EVENTS, "an event of an unknown kind");
            continue;
        }
        if (unpacked->stacks != NULL)
            adopt_stack(reader, &events[i], unpacked->stacks[i]);
        if (unpacked->has_detail && i == count - 1 && events[i].kind != HT_KIND_REALLOC)
            events[i].detail =
                ht_dict_add_detail(reader->trace->dict, unpacked->detail, unpacked->detail_count);
        if (kept != i)
            events[kept] = events[i];
        kept++;
    }
    return kept;
}

// Takes events of the block in the frame; none when it has no more.
static size_t take_events(struct compact_reader *reader, struct ht_events *events)
{
    size_t kept = 0;
    enum ht_status status = reader->block != NULL ? HT_OK : HT_END;
    while (status == HT_OK && kept == 0) {
        struct ht_unpacked unpacked;
        size_t count = events->count;
        status = reader->block != reader->unpack
                     ? ht_ahead_take(reader->ahead, &events->at, &count, &unpacked)
                     : ht_unpack_take(reader->unpack, events->at, &count, &unpacked);
        reader->event_count += count;
        kept = adopt(reader, &unpacked, events->at, count);
    }
    if (status == HT_FORMAT)
        damage(reader, HT_LOSS_DAMAGED_BUFFERS, "a block that names what is not there");
    return kept;
}

static enum ht_status read_events(struct ht_reader *self, struct ht_events *events,
                                  struct ht_error *error)
{
    struct compact_reader *reader = (struct compact_reader *)self;
    struct ht_events room = *events;
    size_t count;
    while ((count = take_events(reader, events)) == 0) {
        enum ht_status status = step(reader, error);
        if (status != HT_OK)
            return status;
        *events = room;
    }
    events->count = count;
    return HT_OK;
}

static void close_reader(struct ht_reader *self)
{
    struct compact_reader *reader = (struct compact_reader *)self;
    drop_message(reader);
    drop_index(reader);
    ht_index_sink_reset(&reader->seen);
    ht_names_map_reset(&reader->names);
    ht_ahead_close(reader->ahead);
    ht_unpack_close(reader->unpack);
    ht_frame_source_close(reader->frames);
    free(reader);
}

static enum ht_status open_reader(struct ht_input *input, struct ht_trace *trace,
                                  struct ht_reader **opened, struct ht_error *error)
{
    *opened = NULL;
    enum ht_status status = ht_compact_start_read(input, error);
    if (status != HT_OK)
        return status;
    struct compact_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return ht_fail_memory(error, "the reader");
    reader->base = (struct ht_reader){read_events, close_reader};
    reader->trace = trace;
    reader->name = ht_input_name(input);
    reader->input = input;
    reader->allocator = (ProtobufCAllocator){allocate, release, reader};
    ht_names_map_init(&reader->names);
    ht_index_sink_init(&reader->seen, HT_COMPACT_START_SIZE);
    trace->origin.format = ht_format_compact.name;
    reader->unpack = ht_unpack_open();
    status = reader->unpack != NULL ? ht_frame_source_open(input, trace, &reader->frames, error)
                                    : ht_fail_memory(error, "a block of events");
    reader->frame = reader->frames;
    // The header is the first message of the first frame: the origin is known before any event.
    for (int i = 0; i < 2 && status == HT_OK; i++)
        status = step(reader, error);
    if (status != HT_OK && status != HT_END) {
        close_reader(&reader->base);
        return status;
    }
    *opened = &reader->base;
    return HT_OK;
}

// Takes the index in this frame, if there is one and it is of this file.
static enum ht_status take_index_at(struct compact_reader *reader, struct ht_frame_source *frames,
                                    uint64_t offset, uint32_t bytes, struct ht_error *error)
{
    struct ht_cursor content;
    struct ht_packet packet;
    enum ht_status status = ht_frame_source_at(frames, offset, bytes, NULL, &content, error);
    if (status != HT_OK)
        return status == HT_FORMAT ? HT_OK : status;
    if (!ht_packet_next(&content, &packet) || packet.field != HT_COMPACT_INDEX)
        return HT_OK;
    reader->budget = HT_COMPACT_MESSAGE_MAX;
    reader->index = (Ht__Index *)protobuf_c_message_unpack(
        &ht__index__descriptor, &reader->allocator, packet.size, packet.data);
    if (reader->index != NULL && !ht_index_fits(reader->index, HT_COMPACT_START_SIZE, offset))
        drop_index(reader);
    return HT_OK;
}

// Leaves reader->index NULL when there is none that can be used: the file is read through then,
// which tells of any damage.
static enum ht_status find_index(struct compact_reader *reader, struct ht_error *error)
{
    uint8_t trailer[HT_COMPACT_TRAILER_SIZE];
    size_t got = 0;
    uint64_t size = ht_input_size(reader->input); // 0 of a stream
    if (size < HT_COMPACT_START_SIZE + sizeof trailer)
        return HT_OK;
    uint64_t end = size - sizeof trailer;
    enum ht_status status =
        ht_input_read_at(reader->input, end, trailer, sizeof trailer, &got, error);
    if (status != HT_OK || got < sizeof trailer)
        return status;
    uint64_t offset = ht_index_trailer_offset(trailer);
    if (offset < HT_COMPACT_START_SIZE || offset >= end || end - offset > HT_COMPACT_MESSAGE_MAX)
        return HT_OK;
    // Not by the reader's own source, which lends the messages of the first frame.
    struct ht_frame_source *frames = NULL;
    status = ht_frame_source_open(reader->input, reader->trace, &frames, error);
    if (status == HT_OK)
        status = take_index_at(reader, frames, offset, (uint32_t)(end - offset), error);
    ht_frame_source_close(frames);
    return status;
}

static enum ht_status narrow(struct ht_reader *self, const struct ht_scope *scope,
                             struct ht_error *error)
{
    struct compact_reader *reader = (struct compact_reader *)self;
    enum ht_status status = find_index(reader, error);
    if (status != HT_OK || reader->index == NULL)
        return status;
    reader->scope = scope;
    reader->place = (struct ht_index_place){.offset = HT_COMPACT_START_SIZE};
    reader->next_place = reader->place;
    ht_index_step(reader->index, &reader->next_place); // the header's frame has been read
    for (size_t i = 0; i < reader->index->n_event_count; i++)
        reader->trace->groups += reader->index->event_count[i] > 0;
    return HT_OK;
}

// Without memory for it, reading goes on as before.
static void assist(struct ht_reader *self)
{
    struct compact_reader *reader = (struct compact_reader *)self;
    if (ht_relay_has_processors() && ht_input_is_seekable(reader->input))
        ht_ahead_open(reader->input, &reader->ahead, NULL);
}

static const struct ht_format best = {
    .name = "htape",
    .suffix = ".htape",
    .what = "heaptape's compact format, as small as it gets",
    .open_writer = ht_compact_writer_open_best,
    .writes_apart = true,
};

const struct ht_format ht_format_compact = {
    .name = "htape",
    .suffix = ".htape",
    .what = "heaptape's compact format: lossless, for sharing and replay",
    .taste = ht_compact_start_taste,
    .open_reader = open_reader,
    .narrow = narrow,
    .assist = assist,
    .open_writer = ht_compact_writer_open,
    .best = &best,
    .writes_apart = true,
};
