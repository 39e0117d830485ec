// SPDX-License-Identifier: MIT
//
// Stack payloads. See the header.
#include "formats/etl_stack.h"

#include "formats/bytes.h"

#include <string.h>

enum { FRAME_BYTES = 8, OWNER_BYTES = 16 };

// A frame in the upper half of the addresses is the kernel's. The innermost tells for all.
static enum ht_etl_part part_of(struct ht_cursor payload, unsigned pointer_size)
{
    uint64_t frame = 0;
    while (frame == 0 && ht_cursor_left(&payload) >= pointer_size)
        frame = ht_cursor_pointer(&payload, pointer_size);
    return frame >> (8 * pointer_size - 1) != 0 ? HT_ETL_PART_KERNEL : HT_ETL_PART_USER;
}

bool ht_etl_stack_read_ref(const struct ht_etl_record *record, struct ht_etl_stack_ref *ref)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    ref->event_stamp = ht_cursor_u64(&payload);
    ref->pid = ht_cursor_u32(&payload);
    ref->tid = ht_cursor_u32(&payload);
    ref->has_key = record->opcode != HT_ETL_STACK_WALK;
    if (ref->has_key) {
        ref->key = ht_cursor_pointer(&payload, record->pointer_size);
        ref->part =
            record->opcode == HT_ETL_STACK_KEY_KERNEL ? HT_ETL_PART_KERNEL : HT_ETL_PART_USER;
    } else if (!payload.failed) {
        ref->part = part_of(payload, record->pointer_size);
    }
    return !payload.failed;
}

bool ht_etl_stack_read_key(const struct ht_etl_record *record, uint64_t *key)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    *key = ht_cursor_pointer(&payload, record->pointer_size);
    return !payload.failed;
}

static bool is_zero(const uint8_t *frame)
{
    uint64_t word;
    memcpy(&word, frame, sizeof word);
    return word == 0;
}

// Whether these are frames as they are wanted already.
static bool are_whole(const uint8_t *frames, size_t count)
{
    unsigned zeros = 0;
    for (size_t i = 0; i < count; i++)
        zeros += is_zero(frames + i * FRAME_BYTES);
    return zeros == 0 && count <= HT_DICT_FRAMES_MAX;
}

static void widen(struct ht_cursor payload, unsigned pointer_size, struct ht_etl_frames *frames)
{
    frames->bytes = frames->room;
    frames->size = 0;
    while (ht_cursor_left(&payload) >= pointer_size && frames->size < sizeof frames->room) {
        uint64_t address = ht_cursor_pointer(&payload, pointer_size);
        ht_store64(frames->room + frames->size, address);
        frames->size += address != 0 ? FRAME_BYTES : 0;
    }
}

void ht_etl_stack_read_frames(const struct ht_etl_record *record, struct ht_etl_frames *frames)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    ht_cursor_take(&payload, ht_etl_stack_is_key(record) ? record->pointer_size : OWNER_BYTES);
    size_t count = ht_cursor_left(&payload) / FRAME_BYTES;
    // 32-bit code in a 64-bit session leaves zeros behind its frames.
    while (count > 0 && is_zero(payload.at + (count - 1) * FRAME_BYTES))
        count--;
    if (record->pointer_size != FRAME_BYTES || !are_whole(payload.at, count)) {
        widen(payload, record->pointer_size, frames);
        return;
    }
    frames->bytes = payload.at;
    frames->size = count * FRAME_BYTES;
}
