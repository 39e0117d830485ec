// SPDX-License-Identifier: MIT
//
// What `heaptape info` found, and its two ways of saying it.
#ifndef HT_CLI_INFO_H
#define HT_CLI_INFO_H

#include "convert/pipeline.h"
#include "convert/summary.h"

// A process, known to the recording or only met in events.
struct ht_info_process {
    uint32_t pid;
    const struct ht_process *known; // NULL when the recording does not name it
    uint64_t events;
};

struct ht_info {
    const struct ht_stream *stream;
    const struct ht_summary *summary;
    struct ht_info_process *processes; // those with heap events first, owned
    uint32_t process_count;
    uint32_t module_count; // that frames of stacks are in
    uint32_t *heaps;       // indexes of the summary's heaps, highest peak first, owned
    bool has_all_events;   // every count of the records in the file is shown
};

void ht_info_print_text(const struct ht_info *info);
enum ht_status ht_info_print_json(const struct ht_info *info, struct ht_error *error);

#endif
