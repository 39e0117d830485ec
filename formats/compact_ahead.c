// SPDX-License-Identifier: MIT
//
// Unpacking ahead. See the header. The relay hands a block over and back; between begin and finish
// all of it is the other thread's.
#include "formats/compact_ahead.h"

#include "formats/compact_names.h"
#include "formats/large.h"
#include "formats/relay.h"

#include <stdlib.h>
#include <string.h>

struct ht_ahead {
    struct ht_relay *relay;
    struct ht_frame_source *frames;
    struct ht_unpack *unpack;
    uint64_t begun;  // frames
    uint64_t offset; // of the frame begun last
    struct ht_cursor content;
    enum ht_status frame_status;
    const uint8_t *message; // the block that was unpacked, NULL for none
    struct ht_event *events;
    uint32_t *stacks; // of each event the number in the file, or 0
    size_t room;      // for events
    size_t count;
    size_t given;
    bool is_plain;
    bool has_stacks;
    enum ht_status status; // behind the last event
};

// Makes room for the events of the block. False without memory.
static bool make_room(struct ht_ahead *ahead, size_t wanted)
{
    if (wanted <= ahead->room)
        return true;
    free(ahead->events);
    free(ahead->stacks);
    ahead->events = ht_large_alloc(wanted * sizeof *ahead->events);
    ahead->stacks = malloc(wanted * sizeof *ahead->stacks);
    bool has_room = ahead->events != NULL && ahead->stacks != NULL;
    ahead->room = has_room ? wanted : 0;
    return has_room;
}

static void keep_run(struct ht_ahead *ahead, const struct ht_unpacked *run, size_t count)
{
    uint32_t *stacks = ahead->stacks + ahead->count;
    if (run->stacks != NULL)
        memcpy(stacks, run->stacks, count * sizeof *stacks);
    else
        memset(stacks, 0, count * sizeof *stacks);
    ahead->has_stacks |= run->stacks != NULL;
    ahead->is_plain &= run->is_plain;
    ahead->count += count;
}

// Takes the events of the block. False when that is for the caller to do.
static bool take_block(struct ht_ahead *ahead, const struct ht_packet *packet)
{
    ahead->count = ahead->given = 0;
    ahead->is_plain = true;
    ahead->has_stacks = false;
    ahead->status = HT_OK;
    if (ht_unpack_begin(ahead->unpack, packet->data, packet->size, NULL) != HT_OK ||
        ht_unpack_has_details(ahead->unpack) || !make_room(ahead, ht_unpack_left(ahead->unpack)))
        return false;
    while (ahead->status == HT_OK) {
        struct ht_unpacked run;
        size_t count = ahead->room - ahead->count;
        ahead->status = ht_unpack_take(ahead->unpack, ahead->events + ahead->count, &count, &run);
        if (ahead->status == HT_OK)
            keep_run(ahead, &run, count);
    }
    return true;
}

static enum ht_status work(void *context, void *piece, struct ht_error *error)
{
    struct ht_ahead *ahead = context;
    struct ht_packet packet;
    (void)piece;
    (void)error;
    ahead->message = NULL;
    ht_frame_source_seek(ahead->frames, ahead->offset);
    ahead->frame_status = ht_frame_source_try(ahead->frames, &ahead->content, NULL);
    struct ht_cursor content = ahead->content;
    if (ahead->frame_status == HT_OK && ht_packet_next(&content, &packet) &&
        packet.field == HT_COMPACT_BLOCK && take_block(ahead, &packet))
        ahead->message = packet.data;
    return HT_OK;
}

static enum ht_status open_parts(struct ht_ahead *ahead, struct ht_input *input,
                                 struct ht_error *error)
{
    const struct ht_relay_work relay_work = {work, ahead, sizeof(uint64_t)};
    ahead->unpack = ht_unpack_open();
    if (ahead->unpack == NULL)
        return ht_fail_memory(error, "unpacking ahead");
    enum ht_status status = ht_frame_source_open(input, NULL, &ahead->frames, error);
    return status == HT_OK ? ht_relay_open(&ahead->relay, &relay_work, true, error) : status;
}

enum ht_status ht_ahead_open(struct ht_input *input, struct ht_ahead **ahead,
                             struct ht_error *error)
{
    *ahead = calloc(1, sizeof **ahead);
    if (*ahead == NULL)
        return ht_fail_memory(error, "unpacking ahead");
    enum ht_status status = open_parts(*ahead, input, error);
    if (status != HT_OK) {
        ht_ahead_close(*ahead);
        *ahead = NULL;
    }
    return status;
}

void ht_ahead_close(struct ht_ahead *ahead)
{
    if (ahead == NULL)
        return;
    ht_relay_close(ahead->relay);
    ht_frame_source_close(ahead->frames);
    ht_unpack_close(ahead->unpack);
    free(ahead->events);
    free(ahead->stacks);
    free(ahead);
}

void ht_ahead_begin(struct ht_ahead *ahead, uint64_t offset)
{
    if (ahead->begun > 0 && ahead->offset == offset)
        return;
    ht_relay_reach(ahead->relay, ahead->begun);
    ahead->offset = offset;
    ahead->begun++;
    ht_relay_piece(ahead->relay);
    ht_relay_pass(ahead->relay, NULL); // its work never fails
}

bool ht_ahead_finish(struct ht_ahead *ahead, uint64_t offset, struct ht_cursor *content)
{
    if (ahead->begun == 0 || ahead->offset != offset)
        return false;
    ht_relay_reach(ahead->relay, ahead->begun);
    *content = ahead->content;
    return ahead->frame_status == HT_OK;
}

const struct ht_frame_source *ht_ahead_frames(const struct ht_ahead *ahead)
{
    return ahead->frames;
}

const struct ht_unpack *ht_ahead_block(const struct ht_ahead *ahead, const uint8_t *message)
{
    return ahead->message == message ? ahead->unpack : NULL;
}

enum ht_status ht_ahead_take(struct ht_ahead *ahead, struct ht_event **events, size_t *count,
                             struct ht_unpacked *out)
{
    size_t left = ahead->count - ahead->given;
    *out = (struct ht_unpacked){.is_plain = ahead->is_plain};
    if (left == 0) {
        *count = 0;
        enum ht_status status = ahead->status;
        ahead->status = HT_END; // told once
        return status;
    }
    *count = *count < left ? *count : left;
    *events = ahead->events + ahead->given;
    if (ahead->has_stacks)
        out->stacks = ahead->stacks + ahead->given;
    ahead->given += *count;
    return HT_OK;
}
