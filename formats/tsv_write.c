// SPDX-License-Identifier: MIT
//
// Writes TSV (docs/formats/tsv.md). Lines are put together by hand in one buffer, because this is
// what a conversion to TSV spends its time on. Details of rare events and the flags are not
// written.
#include "formats/tsv.h"

#include "formats/limits.h"

#include <stdlib.h>
#include <string.h>

enum {
    TEXT_SIZE = 4 * HT_TEXT_LINE_MAX,
    HEX_MAX = 18, // "0x" and 16 digits
};

struct tsv_writer {
    struct ht_writer writer;
    struct ht_output *output;
    const struct ht_trace *trace;
    size_t used;          // bytes of text not handed to the output yet
    char text[TEXT_SIZE]; // always has room for one more line
};

static char *put_decimal(char *at, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20];
    size_t first = sizeof digits;
    while (value >= 100) {
        first -= 2;
        memcpy(digits + first, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        first -= 2;
        memcpy(digits + first, pairs + 2 * value, 2);
    } else {
        digits[--first] = (char)('0' + value);
    }
    memcpy(at, digits + first, sizeof digits - first);
    return at + (sizeof digits - first);
}

static char *put_hex(char *at, uint64_t value)
{
    unsigned shift = 0;
    while (shift < 60 && value >> shift >> 4 != 0)
        shift += 4;
    *at++ = '0';
    *at++ = 'x';
    for (unsigned left = shift + 4; left > 0; left -= 4)
        *at++ = "0123456789abcdef"[value >> (left - 4) & 15];
    return at;
}

static char *put_time(char *at, int64_t time_ns)
{
    if (time_ns >= 0)
        return put_decimal(at, (uint64_t)time_ns);
    *at++ = '-';
    return put_decimal(at, 0 - (uint64_t)time_ns);
}

// A process or thread; nothing when unknown.
static char *put_id(char *at, uint32_t id)
{
    return id != UINT32_MAX ? put_decimal(at, id) : at;
}

// A module's name with %XX for the bytes that would end it. `at` has room for 3 * length bytes.
static char *put_module(char *at, const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)name[i];
        if (byte >= 0x20 && byte != '%' && byte != '+' && byte != ',') {
            *at++ = (char)byte;
        } else {
            *at++ = '%';
            *at++ = "0123456789ABCDEF"[byte >> 4];
            *at++ = "0123456789ABCDEF"[byte & 15];
        }
    }
    return at;
}

// The frames of a stack; the outer ones that may not fit before `end` are left out.
static char *put_stack(const struct tsv_writer *tsv, uint32_t stack, char *at, const char *end)
{
    size_t count = 0;
    const struct ht_frame *frames = ht_dict_stack(tsv->trace->dict, stack, &count);
    for (size_t i = 0; i < count; i++) {
        size_t length = 0;
        const char *name = ht_dict_module_name(tsv->trace->dict, frames[i].module, &length);
        size_t room = (size_t)(end - at);
        if (room < HEX_MAX + 2 || length > (room - HEX_MAX - 2) / 3)
            break;
        if (i > 0)
            *at++ = ',';
        if (length > 0) {
            at = put_module(at, name, length);
            *at++ = '+';
        }
        at = put_hex(at, frames[i].address);
    }
    return at;
}

static char *put_event(const struct tsv_writer *tsv, const struct ht_event *event, char *at)
{
    const char *end = at + HT_TEXT_LINE_MAX - 1; // the newline comes behind
    unsigned fields = ht_kind_fields(event->kind);
    at = put_time(at, event->time_ns);
    *at++ = '\t';
    at = put_id(at, event->pid);
    *at++ = '\t';
    at = put_id(at, event->tid);
    *at++ = '\t';
    at = put_decimal(at, event->cpu);
    *at++ = '\t';
    const char *kind = ht_kind_name(event->kind);
    size_t kind_length = strlen(kind);
    memcpy(at, kind, kind_length);
    at += kind_length;
    *at++ = '\t';
    at = put_hex(at, event->heap);
    *at++ = '\t';
    if ((fields & HT_FIELD_ADDRESS) != 0)
        at = put_hex(at, event->address);
    *at++ = '\t';
    if ((fields & HT_FIELD_SIZE) != 0)
        at = put_decimal(at, event->size);
    *at++ = '\t';
    if ((fields & HT_FIELD_OLD) != 0)
        at = put_hex(at, event->old_address);
    *at++ = '\t';
    if ((fields & HT_FIELD_OLD) != 0)
        at = put_decimal(at, event->old_size);
    *at++ = '\t';
    if ((fields & HT_FIELD_SOURCE) != 0 && ht_event_source(event) != 0)
        at = put_decimal(at, ht_event_source(event));
    *at++ = '\t';
    if (ht_event_stack(event) != 0)
        at = put_stack(tsv, ht_event_stack(event), at, end);
    *at++ = '\n';
    return at;
}

static enum ht_status flush(struct tsv_writer *tsv, struct ht_error *error)
{
    size_t size = tsv->used;
    tsv->used = 0;
    return ht_output_write(tsv->output, tsv->text, size, error);
}

static enum ht_status tsv_write(struct ht_writer *self, const struct ht_event *events, size_t count,
                                struct ht_error *error)
{
    struct tsv_writer *tsv = (struct tsv_writer *)self;
    enum ht_status status = HT_OK;
    for (size_t i = 0; i < count && status == HT_OK; i++) {
        const char *end = put_event(tsv, &events[i], tsv->text + tsv->used);
        tsv->used = (size_t)(end - tsv->text);
        if (tsv->used > TEXT_SIZE - HT_TEXT_LINE_MAX)
            status = flush(tsv, error);
    }
    return status;
}

static enum ht_status tsv_finish(struct ht_writer *self, struct ht_error *error)
{
    return flush((struct tsv_writer *)self, error);
}

static void tsv_close(struct ht_writer *self)
{
    free(self);
}

enum ht_status ht_tsv_open_writer(struct ht_output *output, const struct ht_trace *trace,
                                  struct ht_writer **writer, struct ht_error *error)
{
    *writer = NULL;
    struct tsv_writer *tsv = malloc(sizeof *tsv);
    if (tsv == NULL)
        return ht_fail_memory(error, "the TSV writer");
    tsv->writer = (struct ht_writer){.write = tsv_write, .finish = tsv_finish, .close = tsv_close};
    tsv->output = output;
    tsv->trace = trace;
    static const char header[] = HT_TSV_HEADER "\n";
    tsv->used = sizeof header - 1;
    memcpy(tsv->text, header, tsv->used);
    *writer = &tsv->writer;
    return HT_OK;
}
