// SPDX-License-Identifier: MIT
//
// The progress line. See the header.
#include "cli/progress.h"

#include "cli/show.h"
#include "cli/system.h"
#include "replay/os.h"

#include <stdio.h>

enum {
    EVENTS_BETWEEN_LOOKS = 1 << 14, // at the clock
    TELL_EVERY_MS = 200,
};

// Prints the line when it is time; `part` is how much of the whole is done, 0 when that is unknown.
static void tell(struct ht_progress_line *line, const char *what, uint64_t count, double part)
{
    uint64_t now_ns = ht_os_clock_ns();
    if (now_ns - line->told_ns < TELL_EVERY_MS * UINT64_C(1000000))
        return;
    line->told_ns = now_ns;
    line->is_shown = true;
    double seconds = (double)(now_ns - line->start_ns) / 1e9;
    double rate = (double)count / seconds / 1e6;
    if (part <= 0 || part >= 1)
        fprintf(stderr, "\r%s %s, %.1f M/s  ", ht_show_count(count).text, what, rate);
    else
        fprintf(stderr, "\r%3.0f %%, %s %s, %.1f M/s, %.0f s left  ", 100 * part,
                ht_show_count(count).text, what, rate, seconds / part - seconds);
    fflush(stderr);
}

static void tell_stream(struct ht_progress_line *line, const struct ht_stream *stream,
                        uint64_t events)
{
    uint64_t size = ht_input_size(stream->input);
    double part = size > 0 ? (double)ht_input_bytes_read(stream->input) / (double)size : 0;
    tell(line, "events", events, part);
}

void ht_progress_line_tell(struct ht_progress_line *line, const struct ht_stream *stream,
                           uint64_t events)
{
    if (line->is_wanted && events % EVENTS_BETWEEN_LOOKS == 0)
        tell_stream(line, stream, events);
}

static void tell_from_pipeline(void *context, const struct ht_stream *stream, uint64_t events)
{
    struct ht_progress_line *line = context;
    if (line->is_wanted)
        tell_stream(line, stream, events);
}

void ht_progress_line_begin(struct ht_progress_line *line)
{
    uint64_t now_ns = ht_os_clock_ns();
    *line = (struct ht_progress_line){
        .progress = {tell_from_pipeline, line},
        .is_wanted = ht_system_is_terminal(stderr),
        .start_ns = now_ns,
        .told_ns = now_ns,
    };
}

static bool beat(void *context, uint64_t operations)
{
    struct ht_progress_replay *replay = context;
    if (replay->line.is_wanted)
        tell(&replay->line, "operations", operations, (double)operations / (double)replay->total);
    return !ht_system_is_interrupted();
}

void ht_progress_replay_begin(struct ht_progress_replay *replay, uint64_t total)
{
    ht_progress_line_begin(&replay->line);
    replay->pulse = (struct ht_pulse){beat, replay};
    replay->total = total;
}

void ht_progress_line_end(struct ht_progress_line *line)
{
    if (line->is_shown)
        fprintf(stderr, "\r%70s\r", "");
    line->is_shown = false;
}
