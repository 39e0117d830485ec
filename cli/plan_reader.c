// SPDX-License-Identifier: MIT
//
// Reads a trace in a process of its own. The operations come in blocks of a ring, in memory that
// both processes have, written past the caches since the other processor reads it. Through the pipe
// goes what is in each block that is ready, and back a byte for each that is free again. A block of
// none is the last, and the ending follows it.
#include "cli/plan_reader.h"

#include "cli/child.h"
#include "cli/progress.h"
#include "cli/system.h"
#include "formats/cache.h"
#include "replay/os.h"

enum { OPS_OF_BLOCK = 4096, BLOCKS = 16 };

struct ending {
    enum ht_status status;
    struct ht_error error;
    struct ht_plan_source source;
};

// What goes through the pipe with a block.
struct ready {
    size_t count;                 // of its operations
    struct ht_plan_totals totals; // of all until its end
};

// What is in a block, and in one that is being filled.
struct ops {
    _Alignas(HT_CACHE_ALIGN) struct ht_op at[OPS_OF_BLOCK];
};

struct marks {
    _Alignas(HT_CACHE_ALIGN) struct ht_trail_mark at[OPS_OF_BLOCK];
};

// The reading process.
struct sender {
    const struct ht_paths *paths;
    const struct ht_what_if *what_if;
    struct ht_what_if_filter *filter; // NULL: the policy is the recorded one
    struct ops *ops;                  // the ring
    struct marks *marks;              // and that of the marks; NULL when none are wanted
    struct ht_child parent;           // the other end
    bool is_heard;                    // somebody takes what is sent
    size_t free_blocks;
    size_t block; // that is sent next
    struct ready ready;
    uint64_t narrow_operations;
    struct ops next_ops; // it is filled here
    struct marks next_marks;
};

// The process that plays.
struct ht_plan_reader {
    struct sender sender; // as the reading process begins with it
    struct ht_child child;
    bool is_forked;
    size_t block; // that is taken from
    struct ready ready;
    size_t taken; // of its operations
    struct ending ending;
};

static void send_block(struct sender *sender)
{
    size_t count = sender->ready.count;
    ht_cache_copy_past(sender->ops[sender->block].at, sender->next_ops.at,
                       count * sizeof *sender->next_ops.at);
    if (sender->marks != NULL)
        ht_cache_copy_past(sender->marks[sender->block].at, sender->next_marks.at,
                           count * sizeof *sender->next_marks.at);
    sender->is_heard = ht_child_write(sender->parent.pipe, &sender->ready, sizeof sender->ready);
    sender->block = (sender->block + 1) % BLOCKS;
    sender->ready.count = 0;
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

// Sends a change that was left under the other policy.
static void send_change(struct sender *sender, const struct ht_event *event,
                        const struct ht_change *change)
{
    size_t at = sender->ready.count++;
    sender->next_ops.at[at] = ht_op_of(change, &sender->ready.totals);
    if (sender->marks != NULL)
        sender->next_marks.at[at] = mark_of(event, change);
    sender->narrow_operations += (event->flags & HT_FLAG_POINTER32) != 0;
    if (sender->ready.count == OPS_OF_BLOCK)
        send_block(sender);
}

static enum ht_status send_event(struct sender *sender, struct ht_number *number,
                                 const struct ht_event *event, struct ht_error *error)
{
    enum ht_status status = ht_number_push(number, event, error);
    const struct ht_change *change;
    while (status == HT_OK && (change = ht_number_next(number)) != NULL) {
        if (sender->filter == NULL) {
            send_change(sender, event, change);
            continue;
        }
        struct ht_change changed = *change;
        bool is_left = true;
        status = ht_what_if_apply(sender->filter, &changed, &is_left, error);
        if (status == HT_OK && is_left)
            send_change(sender, event, &changed);
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
    if (ending.status == HT_OK && ht_what_if_is_any(sender->what_if))
        ending.status = ht_what_if_open(&sender->filter, sender->what_if, &ending.error);
    if (ending.status == HT_OK)
        ending.status = send_events(sender, &stream, number, &ending.error);
    if (ending.status == HT_OK) {
        for (int i = 0; i < HT_LOSS_COUNT; i++)
            ending.source.loss[i] = stream.trace.loss[i];
        ending.source.counts = *ht_number_counts(number);
        ending.source.narrow_operations = sender->narrow_operations;
        if (sender->filter != NULL)
            ending.source.changed = *ht_what_if_counts(sender->filter);
    }
    if (sender->ready.count > 0)
        send_block(sender);
    send_block(sender);
    ht_child_write(pipe, &ending, sizeof ending);
    ht_what_if_close(sender->filter);
    ht_number_close(number);
    ht_stream_close(&stream);
}

enum ht_status ht_plan_reader_open(struct ht_plan_reader **reader, const struct ht_paths *paths,
                                   const struct ht_what_if *what_if, bool wants_trail,
                                   struct ht_error *error)
{
    struct ht_plan_reader *made = ht_os_map(sizeof *made);
    *reader = NULL;
    if (made == NULL)
        return ht_fail_memory(error, "reading the trace");
    struct sender *sender = &made->sender;
    sender->paths = paths;
    sender->what_if = what_if;
    sender->is_heard = true;
    sender->free_blocks = BLOCKS;
    sender->ready.totals = ht_plan_totals_begin();
    sender->ops = ht_os_map_shared(BLOCKS * sizeof *sender->ops);
    sender->marks = wants_trail ? ht_os_map_shared(BLOCKS * sizeof *sender->marks) : NULL;
    bool has_room = sender->ops != NULL && (sender->marks != NULL || !wants_trail);
    enum ht_status status = has_room ? ht_child_fork(&made->child, read_and_send, sender, error)
                                     : ht_fail_memory(error, "reading the trace");
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
    ht_os_unmap(reader->sender.ops, BLOCKS * sizeof *reader->sender.ops);
    ht_os_unmap(reader->sender.marks, BLOCKS * sizeof *reader->sender.marks);
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

// Adds what is left of the block. What found no room stays in it.
static enum ht_status take_block(struct ht_plan_reader *reader, struct ht_plan *plan,
                                 struct ht_trail *trail, struct ht_error *error)
{
    const struct ht_op *ops = reader->sender.ops[reader->block].at;
    size_t added = 0;
    ht_plan_take_totals(plan, &reader->ready.totals);
    enum ht_status status = ht_plan_add_ops(plan, ops + reader->taken,
                                            reader->ready.count - reader->taken, &added, error);
    if (status == HT_OK && trail != NULL)
        status = ht_trail_add_marks(trail, reader->sender.marks[reader->block].at + reader->taken,
                                    added, error);
    reader->taken += added;
    return status;
}

// Gives a block that was taken back to the process; it may have ended already.
static void free_block(struct ht_plan_reader *reader)
{
    unsigned char freed = 0;
    ht_child_write(reader->child.pipe, &freed, sizeof freed);
    reader->block = (reader->block + 1) % BLOCKS;
    reader->ready.count = 0;
    reader->taken = 0;
}

enum ht_status ht_plan_reader_fill(struct ht_plan_reader *reader, struct ht_plan *plan,
                                   struct ht_trail *trail, struct ht_error *error)
{
    for (;;) {
        if (reader->ready.count > 0) {
            enum ht_status status = take_block(reader, plan, trail, error);
            if (status != HT_OK)
                return status;
            free_block(reader);
        }
        if (!ht_child_read(&reader->child, &reader->ready, sizeof reader->ready) ||
            reader->ready.count > OPS_OF_BLOCK)
            return fail_ended(reader, error);
        if (reader->ready.count == 0)
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
    const struct sender *sender = &reader->sender;
    return sizeof *reader + BLOCKS * sizeof *sender->ops +
           (sender->marks == NULL ? 0 : BLOCKS * sizeof *sender->marks);
}
