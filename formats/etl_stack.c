// SPDX-License-Identifier: MIT
//
// Stack payloads. See the header.
#include "formats/etl_stack.h"

#include "formats/bytes.h"

// The rest of a payload as frames. 32-bit code in a 64-bit session leaves zeros behind them. A
// frame in the upper half of the addresses is the kernel's.
static void read_frames(struct ht_cursor *payload, unsigned pointer_size,
                        struct ht_etl_frames *frames)
{
    frames->count = 0;
    while (ht_cursor_left(payload) >= pointer_size && frames->count < HT_DICT_FRAMES_MAX) {
        uint64_t address = ht_cursor_pointer(payload, pointer_size);
        if (address != 0)
            frames->frames[frames->count++] = (struct ht_frame){.address = address};
    }
    bool is_kernel = frames->count > 0 && frames->frames[0].address >> (8 * pointer_size - 1) != 0;
    frames->part = is_kernel ? HT_ETL_PART_KERNEL : HT_ETL_PART_USER;
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
        ref->frames.part =
            record->opcode == HT_ETL_STACK_KEY_KERNEL ? HT_ETL_PART_KERNEL : HT_ETL_PART_USER;
    } else if (!payload.failed) {
        read_frames(&payload, record->pointer_size, &ref->frames);
    }
    return !payload.failed;
}

bool ht_etl_stack_read_key(const struct ht_etl_record *record, uint64_t *key,
                           struct ht_etl_frames *frames)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    *key = ht_cursor_pointer(&payload, record->pointer_size);
    if (!payload.failed)
        read_frames(&payload, record->pointer_size, frames);
    return !payload.failed;
}
