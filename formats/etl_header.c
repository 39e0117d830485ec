// SPDX-License-Identifier: MIT
//
// The log-file header. Its 32- and 64-bit forms differ in two pointers in the middle, so the
// fields behind these are read relative to that shift.
#include "formats/etl_header.h"

#include "formats/bytes.h"
#include "formats/etl_constants.h"

static const uint64_t NS_PER_SECOND = 1000000000;
static const uint64_t TICKS_EXACT = UINT64_C(1) << 53; // so many a double counts
static const uint64_t FILETIME_HZ = 10000000;
static const uint64_t FILETIME_OF_1970 = 116444736000000000;

// Offsets in the payload, the same in both forms up to the pointers.
enum {
    AT_BUFFER_SIZE = 0x00,
    AT_MAJOR = 0x04,
    AT_MINOR = 0x05,
    AT_BUILD = 0x08,
    AT_PROCESSORS = 0x0C,
    AT_MODE = 0x20,
    AT_BUFFERS_WRITTEN = 0x24,
    AT_POINTER_SIZE = 0x2C,
    AT_EVENTS_LOST = 0x30,
    AT_CPU_MHZ = 0x34,
    // In the 32-bit form; 8 more in the 64-bit form.
    AT_PERF_FREQUENCY = 0xF8,
    AT_START_TIME = 0x100,
    AT_CLOCK_TYPE = 0x108,
    AT_BUFFERS_LOST = 0x10C,
};

enum {
    RECORD_AT = HT_ETL_BUFFER_HEADER_SIZE,
    PAYLOAD_AT = RECORD_AT + HT_ETL_SYSTEM_SIZE,
};

bool ht_etl_head_taste(const uint8_t *head, size_t size)
{
    if (size < PAYLOAD_AT)
        return false;
    const uint8_t *record = head + RECORD_AT;
    uint32_t buffer_size = ht_load32(head);
    uint8_t kind = record[2];
    size_t fixed = kind == HT_ETL_SYSTEM32 ? HT_ETL_LOG_HEADER_SIZE_32 : HT_ETL_LOG_HEADER_SIZE_64;
    return (kind == HT_ETL_SYSTEM32 || kind == HT_ETL_SYSTEM64) &&
           record[3] == HT_ETL_FAMILY_TRACE && ht_load16(record + 6) == 0 &&
           ht_load16(record + 4) >= HT_ETL_SYSTEM_SIZE + fixed &&
           buffer_size >= PAYLOAD_AT + fixed && buffer_size <= HT_ETL_BUFFER_MAX;
}

struct ht_etl_clock ht_etl_clock_at(uint64_t hz, uint64_t zero)
{
    struct ht_etl_clock clock = {.zero = zero,
                                 .hz = hz,
                                 .tick_seconds = 1 / (double)hz,
                                 .tick_nanoseconds = (double)NS_PER_SECOND / (double)hz};
    if (NS_PER_SECOND % hz == 0) {
        clock.tick_ns = NS_PER_SECOND / hz;
        clock.ticks_direct = INT64_MAX / clock.tick_ns;
    }
    return clock;
}

// Ticks a second of the session's clock. A frequency that cannot be meant is passed over.
static uint64_t clock_hz(uint32_t type, uint64_t perf_hz, uint32_t cpu_mhz)
{
    uint64_t cycles_hz = (uint64_t)cpu_mhz * 1000000;
    if (type == HT_CLOCK_SYSTEM)
        return FILETIME_HZ;
    if (type == HT_CLOCK_CYCLES && cycles_hz > 0 && cycles_hz <= HT_ETL_CLOCK_HZ_MAX)
        return cycles_hz;
    return perf_hz > 0 && perf_hz <= HT_ETL_CLOCK_HZ_MAX ? perf_hz : FILETIME_HZ;
}

static int64_t unix_ns_of_filetime(uint64_t filetime)
{
    if (filetime < FILETIME_OF_1970 || filetime - FILETIME_OF_1970 > INT64_MAX / 100)
        return HT_TIME_UNKNOWN;
    return (int64_t)(filetime - FILETIME_OF_1970) * 100;
}

static void read_payload(const uint8_t *payload, uint32_t pointer_size, uint64_t zero,
                         struct ht_etl_log_header *header)
{
    const uint8_t *late = payload + (pointer_size == 8 ? 8 : 0);
    uint32_t buffer_size = ht_load32(payload + AT_BUFFER_SIZE);
    uint32_t stated_pointer_size = ht_load32(payload + AT_POINTER_SIZE);
    uint32_t type = ht_load32(late + AT_CLOCK_TYPE);
    uint64_t hz =
        clock_hz(type, ht_load64(late + AT_PERF_FREQUENCY), ht_load32(payload + AT_CPU_MHZ));
    bool is_known_type = type >= HT_CLOCK_QPC && type <= HT_CLOCK_CYCLES;
    *header = (struct ht_etl_log_header){
        .origin =
            {
                .format = "etl",
                .os_major = payload[AT_MAJOR],
                .os_minor = payload[AT_MINOR],
                .os_build = ht_load32(payload + AT_BUILD),
                .pointer_size = stated_pointer_size == 4 || stated_pointer_size == 8
                                    ? stated_pointer_size
                                    : pointer_size,
                .cpu_count = ht_load32(payload + AT_PROCESSORS),
                .clock = is_known_type ? type : HT_CLOCK_NONE,
                .clock_hz = hz,
                .start_unix_ns = unix_ns_of_filetime(ht_load64(late + AT_START_TIME)),
            },
        .clock = ht_etl_clock_at(hz, zero),
        .buffer_size = buffer_size >= HT_ETL_BUFFER_HEADER_SIZE && buffer_size <= HT_ETL_BUFFER_MAX
                           ? buffer_size
                           : 0,
        .mode = ht_load32(payload + AT_MODE),
        .buffers_written = ht_load32(payload + AT_BUFFERS_WRITTEN),
        .events_lost = ht_load32(payload + AT_EVENTS_LOST),
        .buffers_lost = ht_load32(late + AT_BUFFERS_LOST),
    };
}

enum ht_status ht_etl_head_read(const uint8_t *head, size_t size, const char *name,
                                struct ht_etl_log_header *header, struct ht_error *error)
{
    if (!ht_etl_head_taste(head, size))
        return ht_fail(error, HT_FORMAT,
                       "%s: at offset 0: expected an ETL buffer that begins with a log-file header",
                       name);
    const uint8_t *record = head + RECORD_AT;
    uint32_t pointer_size = record[2] == HT_ETL_SYSTEM32 ? 4 : 8;
    size_t needed =
        PAYLOAD_AT + (pointer_size == 4 ? HT_ETL_LOG_HEADER_SIZE_32 : HT_ETL_LOG_HEADER_SIZE_64);
    if (size < needed)
        return ht_fail(error, HT_FORMAT,
                       "%s: at offset %zu: expected %zu bytes of ETL header, found the end of file",
                       name, size, needed);
    read_payload(head + PAYLOAD_AT, pointer_size, ht_load64(record + 0x10), header);
    return HT_OK;
}

// value / divisor, given a quotient that is off by at most one.
static uint64_t exact_quotient(uint64_t value, uint64_t divisor, uint64_t guess)
{
    int64_t rest = (int64_t)(value - guess * divisor);
    if (rest < 0)
        return guess - 1;
    return guess + ((uint64_t)rest >= divisor);
}

// Without a division: the quotients are guessed in floating point, where both factors are exact or
// nearly so, and put right.
static uint64_t scale_exact(const struct ht_etl_clock *clock, uint64_t ticks)
{
    uint64_t guess = (uint64_t)(int64_t)((double)(int64_t)ticks * clock->tick_seconds);
    uint64_t seconds = exact_quotient(ticks, clock->hz, guess);
    if (seconds >= INT64_MAX / NS_PER_SECOND)
        return INT64_MAX;
    uint64_t rest = ticks - seconds * clock->hz;
    guess = (uint64_t)(int64_t)((double)(int64_t)rest * clock->tick_nanoseconds);
    // The rest is below 10^10, so it can be scaled without overflow.
    return seconds * NS_PER_SECOND + exact_quotient(rest * NS_PER_SECOND, clock->hz, guess);
}

int64_t ht_etl_clock_scale(const struct ht_etl_clock *clock, int64_t ticks)
{
    uint64_t size = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
    uint64_t ns = INT64_MAX;
    if (clock->tick_ns > 0 && size <= clock->ticks_direct) {
        ns = size * clock->tick_ns;
    } else if (size < TICKS_EXACT) {
        ns = scale_exact(clock, size);
    } else if (size / clock->hz < INT64_MAX / NS_PER_SECOND) {
        // The rest is below 10^10, so it can be scaled without overflow.
        ns = size / clock->hz * NS_PER_SECOND + size % clock->hz * NS_PER_SECOND / clock->hz;
    }
    return ticks < 0 ? -(int64_t)ns : (int64_t)ns;
}
