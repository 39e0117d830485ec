// SPDX-License-Identifier: MIT
//
// Reads TSV (docs/formats/tsv.md), line by line from any stream. A line that is no event is
// counted with its offset and skipped; only a first line that is not the header fails.
#include "formats/tsv.h"

#include "formats/bytes.h"
#include "formats/limits.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_SIZE = 4 * HT_TEXT_LINE_MAX,
    SHOWN_MAX = 160, // bytes of a wrong header that a message shows
};

struct tsv_reader {
    struct ht_reader reader;
    struct ht_input *input;
    struct ht_trace *trace;
    uint64_t offset; // in the input, of text[0]
    size_t at;       // start of the next line in text
    size_t end;
    bool is_ended;   // the input has no more than text has
    int64_t last_ns; // time of the event before
    char text[TEXT_SIZE];
    char module[HT_TEXT_LINE_MAX];
    char clean_module[3 * HT_TEXT_LINE_MAX];
};

// A line being taken apart, column by column. The first thing wrong is kept and what is taken
// after it is 0.
struct line {
    const char *at;
    const char *end;
    const char *wrong; // static text, NULL when all is well
};

static enum ht_status refill(struct tsv_reader *tsv, struct ht_error *error)
{
    memmove(tsv->text, tsv->text + tsv->at, tsv->end - tsv->at);
    tsv->offset += tsv->at;
    tsv->end -= tsv->at;
    tsv->at = 0;
    size_t got = 0;
    size_t room = TEXT_SIZE - tsv->end;
    enum ht_status status = ht_input_read(tsv->input, tsv->text + tsv->end, room, &got, error);
    tsv->end += got;
    tsv->is_ended = got < room;
    return status;
}

// Skips a line that is too long, up to its newline.
static enum ht_status skip_line(struct tsv_reader *tsv, struct ht_error *error)
{
    ht_trace_damage(tsv->trace, HT_LOSS_DAMAGED_EVENTS, tsv->offset + tsv->at,
                    "a line is too long");
    for (;;) {
        const char *start = tsv->text + tsv->at;
        const char *newline = memchr(start, '\n', tsv->end - tsv->at);
        tsv->at = newline != NULL ? (size_t)(newline + 1 - tsv->text) : tsv->end;
        if (newline != NULL || tsv->is_ended)
            return HT_OK;
        enum ht_status status = refill(tsv, error);
        if (status != HT_OK)
            return status;
    }
}

// The next line, without its newline; HT_END after the last. Valid until the next call.
static enum ht_status next_line(struct tsv_reader *tsv, struct line *line, struct ht_error *error)
{
    for (;;) {
        const char *start = tsv->text + tsv->at;
        size_t size = tsv->end - tsv->at;
        const char *newline = memchr(start, '\n', size);
        enum ht_status status = HT_OK;
        if (newline != NULL)
            size = (size_t)(newline - start);
        if (size >= HT_TEXT_LINE_MAX) {
            status = skip_line(tsv, error);
        } else if (newline != NULL || (tsv->is_ended && size > 0)) {
            tsv->at += size + (newline != NULL);
            bool has_return = size > 0 && start[size - 1] == '\r';
            *line = (struct line){start, start + size - has_return, NULL};
            return HT_OK;
        } else {
            status = tsv->is_ended ? HT_END : refill(tsv, error);
        }
        if (status != HT_OK)
            return status;
    }
}

static void set_wrong(struct line *line, const char *wrong)
{
    if (line->wrong == NULL)
        line->wrong = wrong;
    line->at = line->end;
}

static bool is_at_tab(const struct line *line)
{
    return line->at < line->end && *line->at == '\t';
}

static void take_tab(struct line *line)
{
    if (line->at == line->end)
        set_wrong(line, "a line has fewer than twelve columns");
    else if (*line->at++ != '\t')
        set_wrong(line, "a column of a line is not well formed");
}

static const char *find(const char *at, const char *end, char wanted)
{
    const char *found = at < end ? memchr(at, wanted, (size_t)(end - at)) : NULL;
    return found != NULL ? found : end;
}

static uint64_t take_digits(struct line *line, uint64_t limit)
{
    const char *start = line->at;
    uint64_t value = 0;
    for (; line->at < line->end && *line->at >= '0' && *line->at <= '9'; line->at++) {
        uint64_t digit = (uint64_t)(*line->at - '0');
        if (value > UINT64_MAX / 10 || value * 10 > UINT64_MAX - digit) {
            set_wrong(line, "a number in a line is too large");
            return 0;
        }
        value = value * 10 + digit;
    }
    if (line->at == start && line->at < line->end)
        set_wrong(line, "a number is missing in a line");
    else if (value > limit)
        set_wrong(line, "a number in a line is too large");
    return value;
}

static uint64_t take_decimal(struct line *line, uint64_t limit)
{
    uint64_t value = take_digits(line, limit);
    take_tab(line);
    return value;
}

static int64_t take_time(struct line *line)
{
    bool is_negative = line->at < line->end && *line->at == '-';
    if (!is_negative)
        return (int64_t)take_decimal(line, INT64_MAX);
    line->at++;
    uint64_t magnitude = take_decimal(line, (uint64_t)INT64_MAX + 1);
    return magnitude > INT64_MAX ? INT64_MIN : -(int64_t)magnitude;
}

// A process or thread, which may be unknown, or a source, which may be absent.
static uint32_t take_optional(struct line *line, uint32_t absent)
{
    if (!is_at_tab(line))
        return (uint32_t)take_decimal(line, UINT32_MAX);
    line->at++;
    return absent;
}

// Value of a hexadecimal digit, 16 for anything else.
static unsigned hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return (unsigned)(digit - 'a' + 10);
    if (digit >= 'A' && digit <= 'F')
        return (unsigned)(digit - 'A' + 10);
    return 16;
}

static uint64_t take_hex_digits(struct line *line)
{
    if (line->end - line->at < 3 || line->at[0] != '0' || line->at[1] != 'x') {
        set_wrong(line, "an address in a line does not start with 0x");
        return 0;
    }
    line->at += 2;
    const char *start = line->at;
    uint64_t value = 0;
    for (; line->at < line->end && hex_digit(*line->at) < 16; line->at++) {
        if (value >> 60 != 0) {
            set_wrong(line, "an address in a line is too large");
            return 0;
        }
        value = value << 4 | hex_digit(*line->at);
    }
    if (line->at == start)
        set_wrong(line, "an address in a line has no digits");
    return value;
}

static uint64_t take_hex(struct line *line)
{
    uint64_t value = take_hex_digits(line);
    take_tab(line);
    return value;
}

static void skip_column(struct line *line)
{
    line->at = find(line->at, line->end, '\t');
    take_tab(line);
}

static enum ht_kind take_kind(struct line *line)
{
    const char *end = find(line->at, line->end, '\t');
    enum ht_kind kind = ht_kind_by_name(line->at, (uint32_t)(end - line->at));
    if (kind == HT_KIND_NONE)
        set_wrong(line, "the kind in a line is not known");
    skip_column(line);
    return kind;
}

// Every column before the stack. What stands in a column that the kind does not have is skipped.
static void take_columns(struct line *line, struct ht_event *event)
{
    *event = (struct ht_event){.time_ns = take_time(line)};
    event->pid = take_optional(line, UINT32_MAX);
    event->tid = take_optional(line, UINT32_MAX);
    event->cpu = (uint16_t)take_decimal(line, UINT16_MAX);
    event->kind = (uint8_t)take_kind(line);
    event->heap = take_hex(line);
    unsigned fields = ht_kind_fields(event->kind);
    if ((fields & HT_FIELD_ADDRESS) != 0)
        event->address = take_hex(line);
    else
        skip_column(line);
    if ((fields & HT_FIELD_SIZE) != 0)
        event->size = take_decimal(line, UINT64_MAX);
    else
        skip_column(line);
    if ((fields & HT_FIELD_OLD) != 0) {
        event->old_address = take_hex(line);
        event->old_size = take_decimal(line, UINT64_MAX);
    } else {
        skip_column(line);
        skip_column(line);
    }
    if ((fields & HT_FIELD_SOURCE) != 0)
        ht_event_set_source(event, take_optional(line, 0));
    else
        skip_column(line);
}

// Decodes %XX into the reader's room for a name; returns the length, 0 when something is wrong.
static size_t decode_module(struct tsv_reader *tsv, struct line *line, const char *end)
{
    size_t length = 0;
    while (line->at < end) {
        char byte = *line->at++;
        if (byte == '%' && end - line->at >= 2) {
            unsigned code = hex_digit(line->at[0]) << 4 | hex_digit(line->at[1]);
            bool is_code = hex_digit(line->at[0]) < 16 && hex_digit(line->at[1]) < 16;
            byte = is_code ? (char)code : '\0';
            line->at += 2;
        } else if (byte == '%') {
            byte = '\0';
        }
        if (byte == '\0') {
            set_wrong(line, "the name of a module in a line is not well formed");
            return 0;
        }
        tsv->module[length++] = byte;
    }
    if (length == 0)
        set_wrong(line, "the name of a module in a line is empty");
    return length;
}

// One frame, which ends at `end`. Fails only when the dictionary does.
static enum ht_status take_frame(struct tsv_reader *tsv, struct line *line, const char *end,
                                 struct ht_frame *frame, struct ht_error *error)
{
    *frame = (struct ht_frame){0};
    const char *plus = find(line->at, end, '+');
    enum ht_status status = HT_OK;
    if (plus < end) {
        size_t length = decode_module(tsv, line, plus);
        length = ht_utf8_from_bytes((const uint8_t *)tsv->module, length, tsv->clean_module);
        status =
            ht_dict_add_string(tsv->trace->dict, tsv->clean_module, length, &frame->module, error);
        if (line->wrong == NULL)
            line->at = plus + 1;
    }
    frame->address = take_hex_digits(line);
    if (line->wrong == NULL && line->at != end)
        set_wrong(line, "a stack in a line is not well formed");
    return status;
}

static enum ht_status take_stack(struct tsv_reader *tsv, struct line *line, uint32_t *stack,
                                 struct ht_error *error)
{
    struct ht_frame frames[HT_DICT_FRAMES_MAX];
    size_t count = 0;
    *stack = 0;
    while (line->at < line->end) {
        struct ht_frame frame;
        const char *comma = find(line->at, line->end, ',');
        enum ht_status status = take_frame(tsv, line, comma, &frame, error);
        if (status != HT_OK)
            return status;
        if (count < HT_DICT_FRAMES_MAX)
            frames[count++] = frame;
        if (line->wrong == NULL && comma < line->end && ++line->at == line->end)
            set_wrong(line, "a stack in a line is not well formed");
    }
    return line->wrong == NULL ? ht_dict_add_stack(tsv->trace->dict, frames, count, stack, error)
                               : HT_OK;
}

// Makes an event of a line, or notes in it what is wrong. Fails only without memory.
static enum ht_status take_event(struct tsv_reader *tsv, struct line *line, uint64_t offset,
                                 struct ht_event *event, struct ht_error *error)
{
    take_columns(line, event);
    if (line->at == line->end)
        return HT_OK;
    uint32_t stack = 0;
    enum ht_status status = take_stack(tsv, line, &stack, error);
    ht_event_set_stack(event, stack);
    if (status != HT_LIMIT)
        return status;
    ht_trace_damage(tsv->trace, HT_LOSS_DICTIONARY, offset, "the dictionary is full");
    return HT_OK;
}

static enum ht_status tsv_read(struct ht_reader *self, struct ht_events *events,
                               struct ht_error *error)
{
    struct tsv_reader *tsv = (struct tsv_reader *)self;
    struct ht_event *event = events->at;
    events->count = 1;
    for (;;) {
        struct line line;
        enum ht_status status = next_line(tsv, &line, error);
        if (status != HT_OK)
            return status;
        uint64_t offset = tsv->offset + (uint64_t)(line.at - tsv->text);
        status = take_event(tsv, &line, offset, event, error);
        if (status != HT_OK)
            return status;
        if (line.wrong != NULL) {
            ht_trace_damage(tsv->trace, HT_LOSS_DAMAGED_EVENTS, offset, line.wrong);
            continue;
        }
        if (event->time_ns < tsv->last_ns)
            ht_trace_damage(tsv->trace, HT_LOSS_TIME_BACK, offset, "a line goes back in time");
        tsv->last_ns = event->time_ns;
        return HT_OK;
    }
}

static void tsv_close(struct ht_reader *self)
{
    free(self);
}

static enum ht_status read_header(struct tsv_reader *tsv, struct ht_error *error)
{
    static const char header[] = HT_TSV_HEADER;
    struct line line = {"", "", NULL};
    enum ht_status status = next_line(tsv, &line, error);
    if (status != HT_OK && status != HT_END)
        return status;
    size_t length = (size_t)(line.end - line.at);
    bool is_first = tsv->offset == 0 && line.at == tsv->text;
    if (is_first && length == sizeof header - 1 && memcmp(line.at, header, length) == 0)
        return HT_OK;
    char found[SHOWN_MAX + 1] = "";
    for (size_t i = 0; i < length && i < SHOWN_MAX; i++)
        found[i] = isprint((unsigned char)line.at[i]) ? line.at[i] : ' ';
    return ht_fail(error, HT_FORMAT,
                   "%s: at offset 0: expected the header line of a TSV trace (time_ns, pid, tid, "
                   "..., stack with tabs between), found \"%s\"",
                   ht_input_name(tsv->input), found);
}

enum ht_status ht_tsv_open_reader(struct ht_input *input, struct ht_trace *trace,
                                  struct ht_reader **reader, struct ht_error *error)
{
    *reader = NULL;
    struct tsv_reader *tsv = calloc(1, sizeof *tsv);
    if (tsv == NULL)
        return ht_fail_memory(error, "the TSV reader");
    tsv->reader = (struct ht_reader){tsv_read, tsv_close};
    tsv->input = input;
    tsv->trace = trace;
    tsv->last_ns = INT64_MIN;
    trace->origin.format = ht_format_tsv.name;
    enum ht_status status = read_header(tsv, error);
    if (status != HT_OK) {
        free(tsv);
        return status;
    }
    *reader = &tsv->reader;
    return HT_OK;
}

// The first column is enough to be told which of the others is wrong.
static bool taste(const uint8_t *head, size_t size)
{
    static const char first[] = "time_ns";
    return size >= sizeof first - 1 && memcmp(head, first, sizeof first - 1) == 0;
}

const struct ht_format ht_format_tsv = {
    .name = "tsv",
    .suffix = ".tsv",
    .what = "tab-separated text, one line an event",
    .taste = taste,
    .open_reader = ht_tsv_open_reader,
    .open_writer = ht_tsv_open_writer,
    .is_text = true,
};
