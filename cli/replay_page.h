// SPDX-License-Identifier: MIT
//
// `heaptape replay --report`: the page, and its parts.
#ifndef HT_CLI_REPLAY_PAGE_H
#define HT_CLI_REPLAY_PAGE_H

#include "cli/html.h"
#include "cli/replay_report.h"
#include "replay/heap_map.h"

// Writes the page of a measured replay to a file; a map for each column is wanted.
enum ht_status ht_replay_write_page(const struct ht_replay_report *report,
                                    const struct ht_heap_map *was, const struct ht_heap_map *is,
                                    const char *path, struct ht_error *error);

// All before the content, and all behind it.
void ht_page_begin(struct ht_html *html);
void ht_page_end(struct ht_html *html);

// The timelines of both columns: bytes, page spread, and what the process holds.
void ht_page_put_timelines(struct ht_html *html, const struct ht_replay_report *report);

// A heap map as a picture, and what its colours mean. `name` is markup.
void ht_page_put_map(struct ht_html *html, const char *name, const struct ht_heap_map *map);
void ht_page_put_map_key(struct ht_html *html);

// The tables.
void ht_page_put_tables(struct ht_html *html, const struct ht_replay_report *report);

// A cell whose hover says the same figure more exactly; both are markup.
void ht_page_put_cell(struct ht_html *html, const char *text, const char *exact);

#endif
