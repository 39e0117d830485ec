// SPDX-License-Identifier: MIT
//
// Writes HTML to an output. Names out of a trace go through ht_html_text, after which they are
// text and nothing else. The first failure is kept; after it nothing is written.
#ifndef HT_CLI_HTML_H
#define HT_CLI_HTML_H

#include "formats/output.h"

struct ht_html {
    struct ht_output *output;
    enum ht_status status;
    struct ht_error error;
};

// Markup as it is.
void ht_html_put(struct ht_html *html, const char *markup);

// Formatted markup of at most 1023 bytes, which must hold nothing that the trace or the user said.
void ht_html_print(struct ht_html *html, const char *format, ...) HT_PRINTF(2, 3);

// Text, escaped: it cannot end its element nor a quoted attribute. Control characters and what is
// not UTF-8 become U+FFFD.
void ht_html_text(struct ht_html *html, const char *text, size_t length);
void ht_html_string(struct ht_html *html, const char *text); // ends in NUL

#endif
