// SPDX-License-Identifier: MIT
//
// The HTML writer.
#include "cli/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put(struct ht_html *html, const char *text, size_t length)
{
    if (html->status == HT_OK)
        html->status = ht_output_write(html->output, text, length, &html->error);
}

void ht_html_put(struct ht_html *html, const char *markup)
{
    put(html, markup, strlen(markup));
}

void ht_html_print(struct ht_html *html, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ht_html_put(html, text);
}

static const char *escape_of(uint8_t byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return byte < 0x20 || byte == 0x7F ? "\xEF\xBF\xBD" : NULL;
    }
}

void ht_html_text(struct ht_html *html, const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t at = 0;
    while (at < length) {
        size_t step = ht_utf8_sequence(bytes + at, length - at);
        const char *escape = step == 0 ? "\xEF\xBF\xBD" : escape_of(bytes[at]);
        if (escape != NULL)
            ht_html_put(html, escape);
        else
            put(html, text + at, step);
        at += step == 0 ? 1 : step;
    }
}

void ht_html_string(struct ht_html *html, const char *text)
{
    ht_html_text(html, text, strlen(text));
}
