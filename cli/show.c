// SPDX-License-Identifier: MIT
//
// Humane numbers. See the header.
#include "cli/show.h"

#include "convert/pipeline.h"
#include "formats/bytes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NS_PER_S = 1000000000 };

struct ht_shown ht_show_count(uint64_t count)
{
    char digits[24];
    struct ht_shown shown;
    size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            shown.text[used++] = ',';
        shown.text[used++] = digits[i];
    }
    shown.text[used] = '\0';
    return shown;
}

struct ht_shown ht_show_size(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct ht_shown shown;
    if (bytes < 1024) {
        snprintf(shown.text, sizeof shown.text, "%" PRIu64 " B", bytes);
        return shown;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 1023.95; unit++)
        value /= 1024;
    snprintf(shown.text, sizeof shown.text, "%.1f %s", value, units[unit]);
    return shown;
}

struct ht_shown ht_show_bytes(uint64_t bytes)
{
    struct ht_shown shown;
    struct ht_shown count = ht_show_count(bytes);
    if (bytes < 1024)
        snprintf(shown.text, sizeof shown.text, "%.26s B", count.text);
    else
        snprintf(shown.text, sizeof shown.text, "%.26s B (%.20s)", count.text,
                 ht_show_size(bytes).text);
    return shown;
}

struct ht_shown ht_show_seconds(int64_t time_ns)
{
    struct ht_shown shown;
    uint64_t distance = time_ns < 0 ? 0 - (uint64_t)time_ns : (uint64_t)time_ns;
    snprintf(shown.text, sizeof shown.text, "%s%" PRIu64 ".%09" PRIu64 " s", time_ns < 0 ? "-" : "",
             distance / NS_PER_S, distance % NS_PER_S);
    return shown;
}

struct ht_shown ht_show_wall_time(int64_t unix_ns)
{
    struct ht_shown shown = {"unknown"};
    int64_t ns = unix_ns % NS_PER_S;
    time_t seconds = (time_t)(unix_ns / NS_PER_S - (ns < 0));
    struct tm parts;
    char date[32];
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        return shown;
    snprintf(shown.text, sizeof shown.text, "%s.%03d UTC", date,
             (int)((ns < 0 ? ns + NS_PER_S : ns) / 1000000));
    return shown;
}

// C0, DEL and C1 (U+0080 to U+009F, two bytes in UTF-8).
static bool is_control(const uint8_t *text, size_t length)
{
    return text[0] < 0x20 || text[0] == 0x7F || (length == 2 && text[0] == 0xC2 && text[1] < 0xA0);
}

void ht_show_name(const char *name, size_t length)
{
    const uint8_t *text = (const uint8_t *)name;
    for (size_t at = 0; at < length;) {
        size_t step = ht_utf8_sequence(text + at, length - at);
        if (step == 0 || is_control(text + at, step))
            putchar('?');
        else
            fwrite(text + at, 1, step, stdout);
        at += step > 0 ? step : 1;
    }
}

bool ht_show_loss(const uint64_t loss[HT_LOSS_COUNT], char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < HT_LOSS_COUNT; i++) {
        if (loss[i] == 0 || used >= size)
            continue;
        int more = snprintf(text + used, size - used, "%s%s %s", used > 0 ? ", " : "",
                            ht_show_count(loss[i]).text, ht_loss_name((enum ht_loss)i));
        used += more > 0 ? (size_t)more : 0;
    }
    return used > 0;
}

void ht_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("heaptape: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

struct ht_shown ht_show_part(const struct ht_stream *stream)
{
    struct ht_shown shown = {""};
    const struct ht_trace *trace = &stream->trace;
    uint64_t size = ht_stream_size(stream);
    uint64_t bytes = ht_stream_bytes_read(stream);
    if (trace->groups > 0)
        snprintf(shown.text, sizeof shown.text,
                 "read %" PRIu64 " of %" PRIu64 " groups, %.12s of %.12s", trace->groups_read,
                 trace->groups, ht_show_size(bytes < size ? bytes : size).text,
                 ht_show_size(size).text);
    return shown;
}

void ht_say_quota(const char *name, const struct ht_quota *quota)
{
    enum { MB = 1000000 };
    char files[64] = "";
    if (quota->turn != NULL)
        snprintf(files, sizeof files, ", in files of at most %" PRIu64 " MB", quota->budget / MB);
    if (quota->is_full)
        ht_say("%s: will show every event, in 60 bytes or more each%s", name, files);
    else
        ht_say("%s: will count every event and show the largest reallocs, in at most %" PRIu64
               " MB",
               name, quota->budget / MB);
}

void ht_say_kept(const char *name, const struct ht_format *format, const struct ht_kept *kept)
{
    if (kept->reallocs_left_out > 0)
        ht_say("%s: %s of %s reallocs are shown one by one, all are counted%s", name,
               ht_show_count(kept->reallocs).text,
               ht_show_count(kept->reallocs + kept->reallocs_left_out).text,
               format->open_within != NULL ? "; --full shows every event" : "");
    if (kept->sites_left_out > 0)
        ht_say("%s: %s of %s call stacks of heaps stand by themselves, the rest are [other stacks]",
               name, ht_show_count(kept->sites).text,
               ht_show_count(kept->sites + kept->sites_left_out).text);
    if (kept->events_left_out > 0)
        ht_say("%s: %s events of processes past the first 256 are left out; --pid chooses", name,
               ht_show_count(kept->events_left_out).text);
}
