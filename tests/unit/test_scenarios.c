// SPDX-License-Identifier: MIT
//
// Every scenario: the same bytes whenever it is written, pinned by their hash, and options that
// reach the file. What the files mean is for the tests of the reader.
#include "fixtures/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 64 << 20 };

static struct ht_buffer written;

static enum ht_status try_write(const struct ht_fixture_options *options, struct ht_error *error)
{
    struct ht_output *output = NULL;
    ht_buffer_reset(&written);
    assert_int_equal(ht_output_open_memory(&written, &output, error), HT_OK);
    enum ht_status status = ht_fixture_write(options, output, error);
    if (status == HT_OK)
        status = ht_output_commit(output, error);
    ht_output_close(output);
    return status;
}

static void write_fixture(const struct ht_fixture_options *options)
{
    struct ht_error error = {""};
    enum ht_status status = try_write(options, &error);
    if (status != HT_OK)
        fail_msg("%s: %s", options->scenario, error.text);
}

// FNV-1a
static uint64_t hash_of_written(void)
{
    uint64_t hash = 0xCBF29CE484222325;
    for (size_t i = 0; i < written.size; i++)
        hash = (hash ^ written.data[i]) * 0x100000001B3;
    return hash;
}

struct golden {
    const char *scenario;
    uint64_t plain;
    uint64_t compressed;
};

// From seed 1 and no other option. A change here changes every golden file made from scenarios.
static const struct golden goldens[] = {
    {"empty", 0xDA4096B142BD6F45, 0xA2C57CA30708A831},
    {"one", 0x80BFEE4955808421, 0x2D67B4C0F3064B4D},
    {"lifo", 0xB393700DFED98FA7, 0xB1F26667219F5B1D},
    {"fifo", 0xD7ACD0D07F2E7D12, 0xDADB9C45A65E8D95},
    {"churn", 0x5875C54725D8D112, 0x7566DFBA9AD2512D},
    {"slots", 0x777BA4393327429F, 0x0245763E2A48F410},
    {"comb", 0x16AFD550F252A717, 0x29DA114C4D0D129F},
    {"vectors", 0x15DDE13D52022B9C, 0xE6E06B47B9AA9D94},
    {"heaps", 0xA55A41A2FAD4BAFD, 0x6804EC3E3B255F51},
    {"cpus", 0xD01333DDA59513D2, 0x960CFC08D79505D1},
    {"reuse", 0x3812FA35BA1CD063, 0x1A58E7452CDCA9E3},
    {"unknown", 0x5639F1AE02D30966, 0xE8C071A4DA21BDFD},
    {"lost", 0x50A5A43851782AE5, 0xC0FD95FF0C328CC6},
    {"stacks", 0xA043510EB15860DB, 0x63DA76966E3068B4},
    {"sites", 0xC89B986FFF97969D, 0xFA56F64BC257B805},
    {"keyed", 0xD59DB468D0039F42, 0x84B4A18FE43212D4},
    {"modules", 0x8FE5623E30C94401, 0xB90FAD7F0B3ABC6F},
    {"cut", 0x28D789273D775764, 0xE5A09281E30C1676},
    {"x86", 0xF8248EF30B597EDB, 0xFD444A2640D46CC5},
    {"wow64", 0xA8A02390879F2F50, 0x76534BFDB0F2180C},
    {"win7", 0xC5661D934792D045, 0xE4F63C92E6C4227C},
    {"headers", 0x084C56C1245A112B, 0xE504803B8FCB9D9D},
    {"kinds", 0x9A94FC2208ECFA4C, 0x61CCA67FD135294D},
    {"large", 0xFE53EDB6D2E5FB7D, 0xFFBDF6229FD3BAB5},
    {"filler", 0x75F12271586FE558, 0x75F12271586FE558},
    {"newest", 0xB9FD14FB05983252, 0xADBF1B316524F9BC},
    {"circular", 0x4E475AB3D85B9A21, 0x4D6F116611185421},
};

enum { GOLDEN_COUNT = sizeof goldens / sizeof goldens[0] };

static void bytes_are_the_pinned_ones(void **state)
{
    (void)state;
    bool is_same = true;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct ht_fixture_options options = {.scenario = goldens[i].scenario, .seed = 1};
        write_fixture(&options);
        uint64_t plain = hash_of_written();
        options.is_compressed = true;
        write_fixture(&options);
        uint64_t compressed = hash_of_written();
        if (plain == goldens[i].plain && compressed == goldens[i].compressed)
            continue;
        is_same = false;
        print_error("{\"%s\", 0x%016llX, 0x%016llX},\n", goldens[i].scenario,
                    (unsigned long long)plain, (unsigned long long)compressed);
    }
    assert_true(is_same);
}

static void every_scenario_is_pinned(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++)
        assert_string_equal(ht_fixture_scenario_at(i)->name, goldens[i].scenario);
    assert_null(ht_fixture_scenario_at(GOLDEN_COUNT));
}

static void same_arguments_give_same_bytes_and_another_seed_others(void **state)
{
    (void)state;
    struct ht_fixture_options options = {.scenario = "churn", .seed = 5, .events = 3000};
    write_fixture(&options);
    uint64_t first = hash_of_written();
    write_fixture(&options);
    assert_true(hash_of_written() == first);
    options.seed = 6;
    write_fixture(&options);
    assert_true(hash_of_written() != first);
}

// A buffer of the file that was written plain.
static const uint8_t *buffer_at(size_t index)
{
    size_t size = ht_load32(written.data);
    assert_true((index + 1) * size <= written.size);
    return written.data + index * size;
}

static const uint8_t *log_header(void)
{
    return written.data + HT_ETL_BUFFER_HEADER_SIZE + HT_ETL_SYSTEM_SIZE;
}

static void file_is_as_long_as_its_header_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct ht_fixture_options options = {.scenario = goldens[i].scenario, .seed = 2};
        write_fixture(&options);
        bool is_cut = strcmp(goldens[i].scenario, "cut") == 0;
        size_t count = 0;
        size_t end = 0;
        for (; end < written.size; count++)
            end += ht_load32(written.data + end);
        assert_int_equal(ht_load32(log_header() + 0x24), count);
        assert_int_equal(end > written.size, is_cut);
    }
}

static void number_of_events_is_about_what_was_asked_for(void **state)
{
    (void)state;
    struct ht_fixture_options options = {.scenario = "churn", .events = 50000, .cpu_count = 1};
    write_fixture(&options);
    size_t count = 0;
    for (size_t i = 1; i < ht_load32(log_header() + 0x24); i++) {
        const uint8_t *buffer = buffer_at(i);
        size_t valid = ht_load32(buffer + HT_ETL_AT_SAVED_OFFSET);
        for (size_t at = HT_ETL_BUFFER_HEADER_SIZE; at < valid; count++)
            at += (ht_load16(buffer + at + 4) + 7u) & ~7u;
    }
    assert_in_range(count, 50000, 50003); // with the process, and a realloc's three records
}

static void lost_events_are_announced(void **state)
{
    (void)state;
    struct ht_fixture_options options = {.scenario = "lost"};
    write_fixture(&options);
    assert_in_range(ht_load32(log_header() + 0x30), 20, 60); // one in 50 of 2000
    assert_int_equal(ht_load32(log_header() + 0x114), 1);
}

static void options_reach_the_log_header(void **state)
{
    (void)state;
    struct ht_fixture_options options = {
        .scenario = "lifo",
        .windows = HT_ETL_WINDOWS_7,
        .pointer_size = 4,
        .cpu_count = 7,
        .buffer_size = 0x4000,
        .clock = HT_ETL_CLOCK_CYCLES,
        .clock_hz = 2000000000,
    };
    write_fixture(&options);
    const uint8_t *header = log_header();
    assert_int_equal(ht_load32(header), 0x4000);
    assert_int_equal(header[4], 6);
    assert_int_equal(ht_load32(header + 0x0C), 7);
    assert_int_equal(ht_load32(header + 0x2C), 4);
    assert_int_equal(ht_load32(header + 0x34), 2000);
    assert_int_equal(ht_load32(header + 0x108), HT_ETL_CLOCK_CYCLES);
    // The first record of a 32-bit session's data: a process rundown with a 32-bit header.
    assert_int_equal(ht_load32(buffer_at(1) + HT_ETL_BUFFER_HEADER_SIZE), 0xC0100004);
}

static void compressing_pays(void **state)
{
    (void)state;
    struct ht_fixture_options options = {.scenario = "churn"};
    write_fixture(&options);
    size_t plain = written.size;
    options.is_compressed = true;
    write_fixture(&options);
    assert_true(written.size < plain / 4);
}

static void unknown_scenario_is_refused_by_name(void **state)
{
    (void)state;
    struct ht_error error;
    struct ht_fixture_options options = {.scenario = "nosuch"};
    assert_int_equal(try_write(&options, &error), HT_UNSUPPORTED);
    assert_non_null(strstr(error.text, "nosuch"));
}

static void options_no_trace_can_have_are_refused(void **state)
{
    (void)state;
    struct ht_error error;
    const struct ht_fixture_options bad[] = {
        {.scenario = "one", .pointer_size = 6},       {.scenario = "one", .buffer_size = 1000},
        {.scenario = "one", .cpu_count = 5000},       {.scenario = "one", .clock_hz = 9000000000},
        {.scenario = "one", .buffer_size = 1u << 25}, {.scenario = "large", .buffer_size = 1024},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(try_write(&bad[i], &error), HT_LIMIT);
}

int main(void)
{
    written = ht_buffer_with_limit(FILE_MAX);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_the_pinned_ones),
        cmocka_unit_test(every_scenario_is_pinned),
        cmocka_unit_test(same_arguments_give_same_bytes_and_another_seed_others),
        cmocka_unit_test(file_is_as_long_as_its_header_says),
        cmocka_unit_test(number_of_events_is_about_what_was_asked_for),
        cmocka_unit_test(lost_events_are_announced),
        cmocka_unit_test(options_reach_the_log_header),
        cmocka_unit_test(compressing_pays),
        cmocka_unit_test(unknown_scenario_is_refused_by_name),
        cmocka_unit_test(options_no_trace_can_have_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ht_buffer_reset(&written);
    return failed;
}
