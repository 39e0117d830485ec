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

static void tell(struct ht_progress_line *line, const struct ht_stream *stream, uint64_t events)
{
    uint64_t now_ns = ht_os_clock_ns();
    if (now_ns - line->told_ns < TELL_EVERY_MS * UINT64_C(1000000))
        return;
    line->told_ns = now_ns;
    line->is_shown = true;
    double seconds = (double)(now_ns - line->start_ns) / 1e9;
    double rate = (double)events / seconds / 1e6;
    uint64_t size = ht_stream_size(stream);
    double part = size > 0 ? (double)ht_stream_bytes_read(stream) / (double)size : 0;
    if (part <= 0 || part >= 1)
        fprintf(stderr, "\r%s events, %.1f M/s  ", ht_show_count(events).text, rate);
    else
        fprintf(stderr, "\r%3.0f %%, %s events, %.1f M/s, %.0f s left  ", 100 * part,
                ht_show_count(events).text, rate, seconds / part - seconds);
    fflush(stderr);
}

void ht_progress_line_tell(struct ht_progress_line *line, const struct ht_stream *stream,
                           uint64_t events)
{
    if (line->is_wanted && events % EVENTS_BETWEEN_LOOKS == 0)
        tell(line, stream, events);
}

static void tell_from_pipeline(void *context, const struct ht_stream *stream, uint64_t events)
{
    struct ht_progress_line *line = context;
    if (line->is_wanted)
        tell(line, stream, events);
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

void ht_progress_line_end(struct ht_progress_line *line)
{
    if (line->is_shown)
        fprintf(stderr, "\r%70s\r", "");
    line->is_shown = false;
}
