// SPDX-License-Identifier: MIT
//
// The log-file header, first record of every ETL file: who recorded, with which clock, and what
// the recorder lost. And the clock itself: raw stamps to nanoseconds (docs/formats/etl.md,
// sections 4 and 5).
#ifndef HT_FORMATS_ETL_HEADER_H
#define HT_FORMATS_ETL_HEADER_H

#include "formats/error.h"
#include "formats/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes from the start of a file that hold the fixed part of its log-file header.
enum { HT_ETL_HEAD_BYTES = 0x48 + 0x20 + 0x118 };

struct ht_etl_clock {
    uint64_t zero; // raw stamp of the log-file header
    uint64_t hz;
    uint64_t tick_ns;      // nanoseconds of a tick where that is a whole number, else 0
    uint64_t ticks_direct; // up to here tick_ns times the ticks does not overflow
    double tick_seconds;   // both near enough to be one off
    double tick_nanoseconds;
};

struct ht_etl_log_header {
    struct ht_origin origin;
    struct ht_etl_clock clock;
    uint32_t buffer_size; // of the session's buffers; 0 when the header does not say a usable one
    uint32_t mode;
    uint32_t buffers_written;
    uint32_t events_lost;
    uint32_t buffers_lost;
};

// True when these first bytes of a file are those of an ETL file.
bool ht_etl_head_taste(const uint8_t *head, size_t size);

// Reads the first bytes of the file called `name`.
enum ht_status ht_etl_head_read(const uint8_t *head, size_t size, const char *name,
                                struct ht_etl_log_header *header, struct ht_error *error);

// A clock from a frequency and the stamp of time 0. `hz` is 1 to HT_ETL_CLOCK_HZ_MAX.
struct ht_etl_clock ht_etl_clock_at(uint64_t hz, uint64_t zero);

// Ticks between time 0 and a raw stamp; negative before it.
static inline int64_t ht_etl_clock_ticks(const struct ht_etl_clock *clock, uint64_t stamp)
{
    return (int64_t)(stamp - clock->zero);
}

// Nanoseconds of so many ticks (the second for any, the first fast for most), rounded toward zero;
// past the range of the result the nearest value, which is never HT_TIME_UNKNOWN.
int64_t ht_etl_clock_scale(const struct ht_etl_clock *clock, int64_t ticks);

static inline int64_t ht_etl_clock_ns(const struct ht_etl_clock *clock, int64_t ticks)
{
    if ((uint64_t)ticks <= clock->ticks_direct) // which no negative number is, taken so
        return (int64_t)((uint64_t)ticks * clock->tick_ns);
    return ht_etl_clock_scale(clock, ticks);
}

#endif
