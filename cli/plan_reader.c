// SPDX-License-Identifier: MIT
//
// Reads a trace in a process of its own. It sends blocks of changes, each behind their number; a
// block of none is the last, and the ending follows it.
#include "cli/plan_reader.h"

#include "cli/child.h"
#include "cli/progress.h"
#include "cli/system.h"

enum { CHANGES_OF_BLOCK = 1024 };

struct ending {
    enum ht_status status;
    struct ht_error error;
    struct ht_plan_source source;
};

struct sent {
    struct ht_change change;
    struct ht_trail_mark mark;
};

struct sender {
    const struct ht_paths *paths;
    const struct ht_what_if *what_if;
    struct ht_what_if_filter *filter;
    int pipe;
    bool is_heard; // somebody reads what is sent
    size_t count;
    struct sent changes[CHANGES_OF_BLOCK];
};

static void send_block(struct sender *sender)
{
    sender->is_heard =
        ht_child_write(sender->pipe, &sender->count, sizeof sender->count) &&
        ht_child_write(sender->pipe, sender->changes, sender->count * sizeof *sender->changes);
    sender->count = 0;
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
        struct sent sent = {*change, mark_of(event, change)};
        bool is_left = true;
        status = ht_what_if_apply(sender->filter, &sent.change, &is_left, error);
        if (status == HT_OK && is_left)
            sender->changes[sender->count++] = sent;
        if (sender->count == CHANGES_OF_BLOCK)
            send_block(sender);
    }
    return status;
}

static enum ht_status send_events(struct sender *sender, struct ht_stream *stream,
                                  struct ht_number *number, struct ht_error *error)
{
    struct ht_progress_line line;
    struct ht_event event;
    enum ht_status status = HT_OK;
    uint64_t events = 0;
    ht_progress_line_begin(&line);
    line.is_wanted = line.is_wanted && ht_child_result_pipe() < 0; // a comparison has its own
    while (sender->is_heard && (status = ht_stream_next(stream, &event, error)) == HT_OK) {
        status = send_event(sender, number, &event, error);
        if (status != HT_OK)
            break;
        ht_progress_line_tell(&line, stream, ++events);
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
    sender->pipe = pipe;
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

static enum ht_status add(struct ht_plan *plan, struct ht_trail *trail, const struct sent *sent,
                          struct ht_error *error)
{
    enum ht_status status = ht_plan_add(plan, &sent->change, error);
    if (status == HT_OK && trail != NULL)
        status = ht_trail_add(trail, &sent->mark, error);
    return status;
}

// Takes blocks until the last. HT_END when the process ended before it.
static enum ht_status take_blocks(const struct ht_child *child, struct ht_plan *plan,
                                  struct ht_trail *trail, struct sent *changes,
                                  struct ht_error *error)
{
    size_t count;
    while (ht_child_read(child, &count, sizeof count)) {
        if (count == 0)
            return HT_OK;
        if (count > CHANGES_OF_BLOCK || !ht_child_read(child, changes, count * sizeof *changes))
            break;
        for (size_t i = 0; i < count; i++) {
            enum ht_status status = add(plan, trail, &changes[i], error);
            if (status != HT_OK)
                return status;
        }
    }
    return HT_END;
}

enum ht_status ht_plan_read(const struct ht_paths *paths, const struct ht_what_if *what_if,
                            struct ht_plan *plan, struct ht_trail *trail,
                            struct ht_plan_source *source, struct ht_error *error)
{
    struct sender sender = {.paths = paths, .what_if = what_if, .is_heard = true};
    struct ht_child child;
    struct ending ending;
    char how[64];
    enum ht_status status = ht_child_fork(&child, read_and_send, &sender, error);
    if (status != HT_OK)
        return status;
    status = take_blocks(&child, plan, trail, sender.changes, error);
    bool is_whole = status == HT_OK && ht_child_read(&child, &ending, sizeof ending);
    ht_child_end(&child, how, sizeof how);
    if (is_whole) {
        *source = ending.source;
        if (ending.status != HT_OK && error != NULL)
            *error = ending.error;
        return ending.status;
    }
    if (ht_system_is_interrupted())
        return ht_fail(error, HT_IO, "%s: interrupted while it was read", paths->paths[0]);
    if (status == HT_OK || status == HT_END)
        return ht_fail(error, HT_IO, "%s: the process that read it ended with %s", paths->paths[0],
                       how);
    return status;
}
