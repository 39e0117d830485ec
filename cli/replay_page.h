// SPDX-License-Identifier: MIT
//
// `heaptape replay --report`: the page, and its pictures.
#ifndef HT_CLI_REPLAY_PAGE_H
#define HT_CLI_REPLAY_PAGE_H

#include "cli/html.h"
#include "cli/replay_report.h"
#include "replay/heap_map.h"

// Writes the page of a measured replay to a file; both maps are wanted.
enum ht_status ht_replay_write_page(const struct ht_replay_report *report,
                                    const struct ht_heap_map *recorded,
                                    const struct ht_heap_map *replayed, const char *path,
                                    struct ht_error *error);

// The timelines of recording and replay: bytes, and the share of pages that no block asked for.
void ht_page_put_timelines(struct ht_html *html, const struct ht_metrics_report *recorded,
                           const struct ht_metrics_report *here);

// A heap map as a picture. `name` is markup.
void ht_page_put_map(struct ht_html *html, const char *name, const struct ht_heap_map *map);

#endif
