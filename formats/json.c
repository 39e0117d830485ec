// SPDX-License-Identifier: MIT
//
// The JSON writer. The rules of its text are those of RFC 8259, cut down to what every importer
// of trace JSON reads (see docs/formats/chrome.md).
#include "formats/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; // U+FFFD

struct ht_json ht_json_over(struct ht_output *output)
{
    return (struct ht_json){.output = output};
}

static void write_held(struct ht_json *json)
{
    if (json->status == HT_OK && json->held > 0)
        json->status = ht_output_write(json->output, json->text, json->held, &json->error);
    json->held = 0;
}

static void put(struct ht_json *json, const char *text, size_t length)
{
    if (length > sizeof json->text - json->held)
        write_held(json);
    if (length > sizeof json->text) {
        if (json->status == HT_OK)
            json->status = ht_output_write(json->output, text, length, &json->error);
        return;
    }
    memcpy(json->text + json->held, text, length);
    json->held += length;
}

static void start_token(struct ht_json *json, bool is_end)
{
    if (json->needs_comma && !is_end)
        put(json, ",", 1);
    if (json->breaks_line)
        put(json, "\n", 1);
    json->needs_comma = false;
    json->breaks_line = false;
}

static void begin(struct ht_json *json, const char *bracket, bool is_array)
{
    assert(json->depth < HT_JSON_DEPTH_MAX);
    start_token(json, false);
    put(json, bracket, 1);
    uint32_t bit = UINT32_C(1) << json->depth++;
    json->arrays = is_array ? json->arrays | bit : json->arrays & ~bit;
}

void ht_json_begin_object(struct ht_json *json)
{
    begin(json, "{", false);
}

void ht_json_begin_array(struct ht_json *json)
{
    begin(json, "[", true);
}

void ht_json_end(struct ht_json *json)
{
    assert(json->depth > 0);
    start_token(json, true);
    put(json, json->arrays >> --json->depth & 1 ? "]" : "}", 1);
    json->needs_comma = true;
}

void ht_json_line(struct ht_json *json)
{
    json->breaks_line = true;
}

static void put_escape(struct ht_json *json, char byte)
{
    char text[8];
    int length;
    if (byte == '"' || byte == '\\')
        length = snprintf(text, sizeof text, "\\%c", byte);
    else if (byte == '\n')
        length = snprintf(text, sizeof text, "\\n");
    else if (byte == '\t')
        length = snprintf(text, sizeof text, "\\t");
    else
        length = snprintf(text, sizeof text, "\\u%04x", (unsigned)byte);
    put(json, text, (size_t)length);
}

// True for a byte that may stand in a string as it is.
static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\';
}

static void put_text(struct ht_json *json, const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t plain = 0; // where the run of bytes began that are written as they are
    size_t at = 0;
    put(json, "\"", 1);
    while (at < length) {
        size_t step = ht_utf8_sequence(bytes + at, length - at);
        if (step > 0 && is_plain(bytes[at])) {
            at += step;
            continue;
        }
        put(json, text + plain, at - plain);
        if (step == 0 || bytes[at] == 0)
            put(json, replacement, sizeof replacement - 1);
        else
            put_escape(json, text[at]);
        plain = ++at;
    }
    put(json, text + plain, at - plain);
    put(json, "\"", 1);
}

void ht_json_key(struct ht_json *json, const char *key)
{
    start_token(json, false);
    put_text(json, key, strlen(key));
    put(json, ":", 1);
}

void ht_json_text(struct ht_json *json, const char *text, size_t length)
{
    start_token(json, false);
    put_text(json, text, length);
    json->needs_comma = true;
}

void ht_json_string(struct ht_json *json, const char *text)
{
    ht_json_text(json, text, strlen(text));
}

static void put_token(struct ht_json *json, const char *token, int length)
{
    start_token(json, false);
    put(json, token, (size_t)length);
    json->needs_comma = true;
}

void ht_json_u64(struct ht_json *json, uint64_t value)
{
    char text[24];
    put_token(json, text, snprintf(text, sizeof text, "%" PRIu64, value));
}

void ht_json_i64(struct ht_json *json, int64_t value)
{
    char text[24];
    put_token(json, text, snprintf(text, sizeof text, "%" PRId64, value));
}

void ht_json_bool(struct ht_json *json, bool value)
{
    put_token(json, value ? "true" : "false", value ? 4 : 5);
}

void ht_json_hex(struct ht_json *json, uint64_t value)
{
    char text[24];
    put_token(json, text, snprintf(text, sizeof text, "\"0x%" PRIx64 "\"", value));
}

void ht_json_thousandths(struct ht_json *json, uint64_t value)
{
    char text[32];
    put_token(json, text,
              snprintf(text, sizeof text, "%" PRIu64 ".%03" PRIu64, value / 1000, value % 1000));
}

void ht_json_real(struct ht_json *json, double value)
{
    char text[32];
    put_token(json, text, snprintf(text, sizeof text, "%.9g", value));
}

void ht_json_put_u64(struct ht_json *json, const char *key, uint64_t value)
{
    ht_json_key(json, key);
    ht_json_u64(json, value);
}

void ht_json_put_i64(struct ht_json *json, const char *key, int64_t value)
{
    ht_json_key(json, key);
    ht_json_i64(json, value);
}

void ht_json_put_hex(struct ht_json *json, const char *key, uint64_t value)
{
    ht_json_key(json, key);
    ht_json_hex(json, value);
}

void ht_json_put_string(struct ht_json *json, const char *key, const char *text)
{
    ht_json_key(json, key);
    ht_json_string(json, text);
}

void ht_json_put_object(struct ht_json *json, const char *key)
{
    ht_json_line(json);
    ht_json_key(json, key);
    ht_json_begin_object(json);
}

void ht_json_put_array(struct ht_json *json, const char *key)
{
    ht_json_line(json);
    ht_json_key(json, key);
    ht_json_begin_array(json);
}

enum ht_status ht_json_status(struct ht_json *json, struct ht_error *error)
{
    write_held(json);
    return json->status == HT_OK ? HT_OK : ht_fail(error, json->status, "%s", json->error.text);
}

enum ht_status ht_json_commit(struct ht_json *json, struct ht_error *error)
{
    enum ht_status status = ht_json_status(json, error);
    if (status == HT_OK)
        status = ht_output_write(json->output, "\n", 1, error);
    return status == HT_OK ? ht_output_commit(json->output, error) : status;
}
