// SPDX-License-Identifier: MIT
//
// JSON text, written as a stream: compact, valid under a strict parser, bytes that depend on the
// values alone. It sets commas, quotes and escapes; that keys and values alternate, and that what
// begins also ends, is the caller's part.
//
// Calls go straight down and nothing is asked between them: after the first failure nothing more
// is written, and ht_json_status tells of it.
#ifndef HT_FORMATS_JSON_H
#define HT_FORMATS_JSON_H

#include "formats/output.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HT_JSON_DEPTH_MAX = 32, HT_JSON_HELD_BYTES = 4096 };

// A value in the caller's memory that owns nothing.
struct ht_json {
    struct ht_output *output;
    uint32_t arrays; // bit i is set when the i-th open bracket is an array's
    uint32_t depth;
    bool needs_comma;
    bool breaks_line;
    enum ht_status status;
    struct ht_error error;
    size_t held; // bytes of the text that are not written yet
    char text[HT_JSON_HELD_BYTES];
};

// A writer that has written nothing yet. The output stays the caller's.
struct ht_json ht_json_over(struct ht_output *output);

void ht_json_begin_object(struct ht_json *json);
void ht_json_begin_array(struct ht_json *json);
void ht_json_end(struct ht_json *json); // of what began last

// The next key, value or end stands at the start of a line.
void ht_json_line(struct ht_json *json);

void ht_json_key(struct ht_json *json, const char *key);

// Text as raw UTF-8; only quotes, backslashes and bytes below 0x20 are escaped. Bytes that are
// not UTF-8, and NUL, which cuts strings in some readers, become U+FFFD.
void ht_json_text(struct ht_json *json, const char *text, size_t length);
void ht_json_string(struct ht_json *json, const char *text); // ends in NUL

void ht_json_u64(struct ht_json *json, uint64_t value);
void ht_json_i64(struct ht_json *json, int64_t value);
void ht_json_bool(struct ht_json *json, bool value);
void ht_json_hex(struct ht_json *json, uint64_t value);         // "0x1f0", as text
void ht_json_thousandths(struct ht_json *json, uint64_t value); // 1500 is 1.500
void ht_json_real(struct ht_json *json, double value);          // finite, to nine digits

// Members of an object: a key and its value.
void ht_json_put_u64(struct ht_json *json, const char *key, uint64_t value);
void ht_json_put_i64(struct ht_json *json, const char *key, int64_t value);
void ht_json_put_hex(struct ht_json *json, const char *key, uint64_t value);
void ht_json_put_string(struct ht_json *json, const char *key, const char *text);

// A member that stands at the start of a line and is an object or an array; ht_json_end ends it.
void ht_json_put_object(struct ht_json *json, const char *key);
void ht_json_put_array(struct ht_json *json, const char *key);

// Writes what is held. HT_OK, or the first failure with its text.
enum ht_status ht_json_status(struct ht_json *json, struct ht_error *error);

// Ends a document that is all of its output: a line's end behind it, and the output committed.
enum ht_status ht_json_commit(struct ht_json *json, struct ht_error *error);

#endif
