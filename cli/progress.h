// SPDX-License-Identifier: MIT
//
// The progress line of a long run: percent, rate and time left, on standard error, only when that
// is a terminal, at most five times a second.
#ifndef HT_CLI_PROGRESS_H
#define HT_CLI_PROGRESS_H

#include "convert/pipeline.h"
#include "replay/engine.h"

struct ht_progress_line {
    struct ht_progress progress; // to be handed to ht_convert
    bool is_wanted;
    bool is_shown; // the line stands on the terminal
    uint64_t start_ns;
    uint64_t told_ns;
};

// Begins a run. `line` stays where it is until ht_progress_line_end.
void ht_progress_line_begin(struct ht_progress_line *line);

// Tells of `events` events read so far; cheap enough for every one.
void ht_progress_line_tell(struct ht_progress_line *line, const struct ht_stream *stream,
                           uint64_t events);

// The same of a replay, as its pulse. It ends the replay at an interrupt from the keyboard.
struct ht_progress_replay {
    struct ht_progress_line line;
    struct ht_pulse pulse; // to be handed to ht_replay_run
    uint64_t total;        // operations
};

// Begins, of `total` operations. `replay` stays where it is until its line is ended.
void ht_progress_replay_begin(struct ht_progress_replay *replay, uint64_t total);

// Wipes the line; to be called before anything else is printed.
void ht_progress_line_end(struct ht_progress_line *line);

#endif
