// SPDX-License-Identifier: MIT
//
// Process payloads of versions 0 to 5, thread payloads from version 3 on, the head of what the
// machine is like, the same in all versions. The record's own ids are those of whoever logged it,
// so the process and the thread are those in the payload.
#include "formats/etl_names.h"

#include "formats/bytes.h"

#include <string.h>

enum {
    SID_FIXED_SIZE = 8, // revision, count of sub-authorities, authority
    SID_PART_SIZE = 4,
    FLAGS_SINCE = 4,
    TABLE_BASE_SINCE = 3,
    COMMAND_SINCE = 2,
    THREAD_NAME_SINCE = 3, // in some builds; the size says whether it is there
    THREAD_POINTERS = 7,
    THREAD_TAIL_SIZE = 8,   // tag of a sub-process, priorities
    HOST_NUMBERS_SIZE = 20, // clock rate, processors, memory, page and allocation size
    HOST_SIZE = 2 * 256,    // a fixed field, filled up with zeros
    // The longest text that is kept, in bytes of the record.
    NAME_BYTES_MAX = 1024,
};

struct process_names {
    uint32_t pid;
    uint32_t parent_pid;
    const uint8_t *image; // 8-bit characters
    size_t image_size;
    const uint8_t *command; // UTF-16
    size_t command_size;
};

// A TOKEN_USER of two pointers and the SID it points to, or four zero bytes for none.
static void skip_sid(struct ht_cursor *payload, unsigned pointer_size)
{
    struct ht_cursor ahead = *payload;
    if (ht_cursor_u32(&ahead) == 0) {
        *payload = ahead;
        return;
    }
    ht_cursor_take(payload, 2 * (size_t)pointer_size);
    const uint8_t *sid = ht_cursor_take(payload, SID_FIXED_SIZE);
    if (sid != NULL)
        ht_cursor_take(payload, SID_PART_SIZE * (size_t)sid[1]);
}

// Text up to a zero of `unit` bytes or, where that is missing, up to the end.
static const uint8_t *take_text(struct ht_cursor *payload, size_t unit, size_t *size)
{
    static const uint8_t zero[2];
    const uint8_t *text = payload->at;
    size_t left = ht_cursor_left(payload);
    *size = 0;
    while (*size + unit <= left && memcmp(text + *size, zero, unit) != 0)
        *size += unit;
    ht_cursor_take(payload, *size + unit <= left ? *size + unit : left);
    return text;
}

static bool parse(const struct ht_etl_record *record, struct process_names *names)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    unsigned pointer_size = record->pointer_size;
    if (record->version == 0) {
        names->pid = (uint32_t)ht_cursor_pointer(&payload, pointer_size);
        names->parent_pid = (uint32_t)ht_cursor_pointer(&payload, pointer_size);
    } else {
        ht_cursor_pointer(&payload, pointer_size); // a key of the kernel's
        names->pid = ht_cursor_u32(&payload);
        names->parent_pid = ht_cursor_u32(&payload);
        ht_cursor_take(&payload, 8); // session and exit status
    }
    if (record->version >= TABLE_BASE_SINCE)
        ht_cursor_pointer(&payload, pointer_size);
    if (record->version >= FLAGS_SINCE)
        ht_cursor_u32(&payload);
    skip_sid(&payload, pointer_size);
    if (payload.failed)
        return false;
    names->image = take_text(&payload, 1, &names->image_size);
    names->command = payload.at;
    if (record->version >= COMMAND_SINCE)
        names->command = take_text(&payload, 2, &names->command_size);
    return true;
}

// A name past the dictionary's cap is counted and left out.
static enum ht_status intern(struct ht_trace *trace, const char *text, size_t length,
                             uint64_t offset, uint32_t *id, struct ht_error *error)
{
    enum ht_status status = ht_dict_add_string(trace->dict, text, length, id, error);
    if (status != HT_LIMIT)
        return status;
    ht_trace_damage(trace, HT_LOSS_DICTIONARY, offset,
                    "no room for the name of a process, thread or machine");
    return HT_OK;
}

static enum ht_status intern_names(const struct process_names *names, uint64_t offset,
                                   struct ht_trace *trace, struct ht_process *process,
                                   struct ht_error *error)
{
    char text[HT_ETL_STRING_BYTES_MAX / 2 * 3]; // as ht_utf8_bound()
    size_t image_size = names->image_size < NAME_BYTES_MAX ? names->image_size : NAME_BYTES_MAX;
    size_t length = ht_utf8_from_bytes(names->image, image_size, text);
    enum ht_status status = intern(trace, text, length, offset, &process->name, error);
    if (status != HT_OK)
        return status;
    size_t command_size = names->command_size < HT_ETL_STRING_BYTES_MAX ? names->command_size
                                                                        : HT_ETL_STRING_BYTES_MAX;
    length = ht_utf8_from_utf16(names->command, command_size, text);
    return intern(trace, text, length, offset, &process->command, error);
}

// Where the record stands in the life of its process. False for one that is over already: the
// kernel speaks of a process again when the last handle to it is closed.
static bool place_in_time(const struct ht_trace *trace, uint8_t opcode, int64_t time_ns,
                          struct ht_process *process)
{
    process->start_ns = HT_TIME_UNKNOWN;
    process->end_ns = opcode == HT_ETL_PROCESS_END ? time_ns : HT_TIME_UNKNOWN;
    if (opcode == HT_ETL_PROCESS_START) {
        process->start_ns = time_ns;
        return true;
    }
    const struct ht_process *known = ht_trace_process_at(trace, process->pid, time_ns);
    if (known == NULL)
        return true;
    if (known->end_ns == HT_TIME_UNKNOWN || known->end_ns >= time_ns)
        process->start_ns = known->start_ns;
    else if (opcode == HT_ETL_PROCESS_DEFUNCT)
        return false;
    return true;
}

static enum ht_status note_process(const struct ht_etl_record *record, int64_t time_ns,
                                   uint64_t offset, struct ht_trace *trace, struct ht_error *error)
{
    struct process_names names = {0};
    if (!parse(record, &names)) {
        ht_trace_damage(trace, HT_LOSS_DAMAGED_EVENTS, offset, "a process record is too short");
        return HT_OK;
    }
    struct ht_process process = {.pid = names.pid, .parent_pid = names.parent_pid};
    if (!place_in_time(trace, record->opcode, time_ns, &process))
        return HT_OK;
    enum ht_status status = intern_names(&names, offset, trace, &process, error);
    return status == HT_OK ? ht_trace_note_process(trace, &process, error) : status;
}

// When a thread began, as far as is known: that of its tid whose record this is, or one behind it.
static int64_t thread_start(const struct ht_trace *trace, uint8_t opcode, int64_t time_ns,
                            const struct ht_thread *thread)
{
    if (opcode == HT_ETL_THREAD_START)
        return time_ns;
    const struct ht_thread *last =
        ht_threads_last(&trace->threads, thread->pid, thread->tid, time_ns);
    if (last == NULL)
        return HT_TIME_UNKNOWN;
    bool has_ended = last->end_ns != HT_TIME_UNKNOWN && last->end_ns < time_ns;
    return has_ended ? last->end_ns + 1 : last->start_ns;
}

static enum ht_status note_thread(const struct ht_etl_record *record, int64_t time_ns,
                                  uint64_t offset, struct ht_trace *trace, struct ht_error *error)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    struct ht_thread thread = {.pid = ht_cursor_u32(&payload), .end_ns = HT_TIME_UNKNOWN};
    thread.tid = ht_cursor_u32(&payload);
    ht_cursor_take(&payload, THREAD_POINTERS * (size_t)record->pointer_size + THREAD_TAIL_SIZE);
    if (record->version < THREAD_NAME_SINCE)
        return HT_OK;
    if (payload.failed) {
        ht_trace_damage(trace, HT_LOSS_DAMAGED_EVENTS, offset, "a thread record is too short");
        return HT_OK;
    }
    char text[NAME_BYTES_MAX / 2 * 3]; // as ht_utf8_bound()
    size_t size = ht_cursor_left(&payload);
    size_t length =
        ht_utf8_from_utf16(payload.at, size < NAME_BYTES_MAX ? size : NAME_BYTES_MAX, text);
    enum ht_status status = intern(trace, text, length, offset, &thread.name, error);
    if (status != HT_OK)
        return status;
    thread.start_ns = thread_start(trace, record->opcode, time_ns, &thread);
    if (record->opcode == HT_ETL_THREAD_END)
        thread.end_ns = time_ns;
    return ht_threads_note(&trace->threads, &thread, error);
}

static enum ht_status note_host(const struct ht_etl_record *record, uint64_t offset,
                                struct ht_trace *trace, struct ht_error *error)
{
    struct ht_cursor payload = ht_cursor_over(record->payload, record->payload_size);
    ht_cursor_take(&payload, HOST_NUMBERS_SIZE);
    const uint8_t *name = ht_cursor_take(&payload, HOST_SIZE);
    if (name == NULL) {
        ht_trace_damage(trace, HT_LOSS_DAMAGED_EVENTS, offset,
                        "the record of the machine is too short");
        return HT_OK;
    }
    char text[HOST_SIZE / 2 * 3]; // as ht_utf8_bound()
    uint32_t host = 0;
    size_t length = ht_utf8_from_utf16(name, HOST_SIZE, text);
    enum ht_status status = intern(trace, text, length, offset, &host, error);
    if (host != 0)
        ht_trace_note_host(trace, host);
    return status;
}

enum ht_status ht_etl_names_note(const struct ht_etl_record *record, int64_t time_ns,
                                 uint64_t offset, struct ht_trace *trace, struct ht_error *error)
{
    if (ht_etl_names_is_host(record))
        return note_host(record, offset, trace, error);
    enum ht_status status = ht_etl_names_is_thread(record)
                                ? note_thread(record, time_ns, offset, trace, error)
                                : note_process(record, time_ns, offset, trace, error);
    if (status != HT_LIMIT)
        return status;
    ht_trace_damage(trace, HT_LOSS_DICTIONARY, offset, "no room for a process or thread");
    return HT_OK;
}
