// SPDX-License-Identifier: MIT
//
// Reads a trace in a process of its own. The changes come in blocks of a ring, in memory that both
// processes have. Through the pipe goes the number of changes in each block that is ready, and back
// a byte for each that is free again. A block of none is the last, and the ending follows it.
#include "cli/plan_reader.h"

#include "cli/child.h"
#include "cli/progress.h"
#include "cli/system.h"
#include "replay/os.h"

enum { CHANGES_OF_BLOCK = 4096, BLOCKS = 16 };

struct ending {
    enum ht_status status;
    struct ht_error error;
    struct ht_plan_source source;
};

struct sent {
    struct ht_change change;
    struct ht_trail_mark mark;
};

struct block {
    struct sent changes[CHANGES_OF_BLOCK];
};

// The reading process.
struct sender {
    const struct ht_paths *paths;
    const struct ht_what_if *what_if;
    struct ht_what_if_filter *filter;
    struct block *ring;
    struct ht_child parent; // the other end
    bool is_heard;          // somebody takes what is sent
    size_t free_blocks;
    size_t block; // that is filled
    size_t count; // of its changes
    uint64_t narrow_operations;
};

// The process that plays.
struct ht_plan_reader {
    struct sender sender; // as the reading process begins with it
    struct ht_child child;
    bool is_forked;
    size_t block; // that is taken from
    size_t count; // of its changes
    size_t taken; // of these
    struct ending ending;
};

static void send_block(struct sender *sender)
{
    sender->is_heard = ht_child_write(sender->parent.pipe, &sender->count, sizeof sender->count);
    sender->block = (sender->block + 1) % BLOCKS;
    sender->count = 0;
    sender->free_blocks--;
    unsigned char freed;
    while (sender->is_heard && sender->free_blocks == 0) {
        sender->is_heard = ht_child_read(&sender->parent, &freed, sizeof freed);
        sender->free_blocks++;
    }
}

static struct ht_trail_mark mark_of(const struct ht_event *event, const struct ht_change *change)
{
    return (struct ht_trail_mark){
        .time_ns = event->time_ns,
        .address = change->address,
        .space = event->pid,
        .thread = event->tid,
        .stack = ht_event_stack(event),
    };
}

static enum ht_status send_event(struct sender *sender, struct ht_number *number,
                                 const struct ht_event *event, struct ht_error *error)
{
    enum ht_status status = ht_number_push(number, event, error);
    const struct ht_change *change;
    while (status == HT_OK && (change = ht_number_next(number)) != NULL) {
        struct sent *sent = &sender->ring[sender->block].changes[sender->count];
        bool is_left = true;
        *sent = (struct sent){*change, mark_of(event, change)};
        status = ht_what_if_apply(sender->filter, &sent->change, &is_left, error);
        is_left = is_left && status == HT_OK;
        sender->count += is_left;
        sender->narrow_operations += is_left && (event->flags & HT_FLAG_POINTER32) != 0;
        if (sender->count == CHANGES_OF_BLOCK)
            send_block(sender);
    }
    return status;
}

static enum ht_status send_events(struct sender *sender, struct ht_stream *stream,
                                  struct ht_number *number, struct ht_error *error)
{
    struct ht_progress_line line;
    struct ht_events run;
    enum ht_status status = HT_OK;
    uint64_t events = 0;
    ht_progress_line_begin(&line);
    line.is_wanted = line.is_wanted && ht_child_result_pipe() < 0; // a comparison has its own
    while (sender->is_heard && status == HT_OK &&
           (status = ht_stream_read(stream, &run, error)) == HT_OK) {
        ht_number_expect(number, run.at, run.count);
        for (size_t i = 0; i < run.count && sender->is_heard && status == HT_OK; i++) {
            status = send_event(sender, number, &run.at[i], error);
            ht_progress_line_tell(&line, stream, ++events);
        }
    }
    ht_progress_line_end(&line);
    return status == HT_END ? HT_OK : status;
}

static void read_and_send(void *context, int pipe)
{
    struct sender *sender = context;
    struct ending ending = {0};
    struct ht_stream stream = {0};
    struct ht_number *number = NULL;
    sender->parent.pipe = pipe;
    ending.status = ht_stream_open_all(&stream, sender->paths, false, &ending.error);
    if (ending.status == HT_OK)
        ending.status = ht_number_open(&number, &stream.trace, &ending.error);
    if (ending.status == HT_OK)
        ending.status = ht_what_if_open(&sender->filter, sender->what_if, &ending.error);
    if (ending.status == HT_OK)
        ending.status = send_events(sender, &stream, number, &ending.error);
    if (ending.status == HT_OK) {
        for (int i = 0; i < HT_LOSS_COUNT; i++)
            ending.source.loss[i] = stream.trace.loss[i];
        ending.source.counts = *ht_number_counts(number);
        ending.source.narrow_operations = sender->narrow_operations;
        ending.source.changed = *ht_what_if_counts(sender->filter);
    }
    if (sender->count > 0)
        send_block(sender);
    send_block(sender);
    ht_child_write(pipe, &ending, sizeof ending);
    ht_what_if_close(sender->filter);
    ht_number_close(number);
    ht_stream_close(&stream);
}

enum ht_status ht_plan_reader_open(struct ht_plan_reader **reader, const struct ht_paths *paths,
                                   const struct ht_what_if *what_if, struct ht_error *error)
{
    struct ht_plan_reader *made = ht_os_map(sizeof *made);
    *reader = NULL;
    if (made == NULL)
        return ht_fail_memory(error, "reading the trace");
    made->sender = (struct sender){
        .paths = paths, .what_if = what_if, .is_heard = true, .free_blocks = BLOCKS};
    made->sender.ring = ht_os_map_shared(BLOCKS * sizeof *made->sender.ring);
    enum ht_status status = made->sender.ring == NULL
                                ? ht_fail_memory(error, "reading the trace")
                                : ht_child_fork(&made->child, read_and_send, &made->sender, error);
    made->is_forked = status == HT_OK;
    if (status != HT_OK) {
        ht_plan_reader_close(made);
        return status;
    }
    *reader = made;
    return HT_OK;
}

void ht_plan_reader_close(struct ht_plan_reader *reader)
{
    char how[64];
    if (reader == NULL)
        return;
    if (reader->is_forked)
        ht_child_end(&reader->child, how, sizeof how);
    ht_os_unmap(reader->sender.ring, BLOCKS * sizeof *reader->sender.ring);
    ht_os_unmap(reader, sizeof *reader);
}

// Why there is nothing more to be had of the process.
static enum ht_status fail_ended(struct ht_plan_reader *reader, struct ht_error *error)
{
    char how[64];
    const char *path = reader->sender.paths->paths[0];
    ht_child_end(&reader->child, how, sizeof how);
    reader->is_forked = false;
    if (ht_system_is_interrupted())
        return ht_fail(error, HT_IO, "%s: interrupted while it was read", path);
    return ht_fail(error, HT_IO, "%s: the process that read it ended with %s", path, how);
}

// Adds what is left of the block. A change that found no room stays in it.
static enum ht_status take_changes(struct ht_plan_reader *reader, struct ht_plan *plan,
                                   struct ht_trail *trail, struct ht_error *error)
{
    const struct block *block = &reader->sender.ring[reader->block];
    while (reader->taken < reader->count) {
        const struct sent *sent = &block->changes[reader->taken];
        enum ht_status status = ht_plan_add(plan, &sent->change, error);
        if (status == HT_OK && trail != NULL)
            status = ht_trail_add(trail, &sent->mark, error);
        if (status != HT_OK)
            return status;
        reader->taken++;
    }
    return HT_OK;
}

// Gives a block that was taken back to the process; it may have ended already.
static void free_block(struct ht_plan_reader *reader)
{
    unsigned char freed = 0;
    ht_child_write(reader->child.pipe, &freed, sizeof freed);
    reader->block = (reader->block + 1) % BLOCKS;
    reader->count = 0;
    reader->taken = 0;
}

enum ht_status ht_plan_reader_fill(struct ht_plan_reader *reader, struct ht_plan *plan,
                                   struct ht_trail *trail, struct ht_error *error)
{
    for (;;) {
        enum ht_status status = take_changes(reader, plan, trail, error);
        if (status != HT_OK)
            return status;
        if (reader->count > 0)
            free_block(reader);
        if (!ht_child_read(&reader->child, &reader->count, sizeof reader->count) ||
            reader->count > CHANGES_OF_BLOCK)
            return fail_ended(reader, error);
        if (reader->count == 0)
            break;
    }
    if (!ht_child_read(&reader->child, &reader->ending, sizeof reader->ending))
        return fail_ended(reader, error);
    if (reader->ending.status != HT_OK && error != NULL)
        *error = reader->ending.error;
    return reader->ending.status;
}

const struct ht_plan_source *ht_plan_reader_source(const struct ht_plan_reader *reader)
{
    return &reader->ending.source;
}

uint64_t ht_plan_reader_memory_bytes(const struct ht_plan_reader *reader)
{
    return sizeof *reader + BLOCKS * sizeof *reader->sender.ring;
}
