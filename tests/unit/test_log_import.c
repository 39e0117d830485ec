// SPDX-License-Identifier: MIT
//
// Allocation logs to .etl: which records each line becomes, in which order and when, and what the
// report counts. The records are read here with offsets of their own.
#include "fixtures/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 1 << 20, TEXT_MAX = 4096 };

static struct ht_buffer written;
static struct ht_log_report report;
static char text[TEXT_MAX];

static enum ht_status try_import(const char *log, const struct ht_fixture_options *options,
                                 struct ht_error *error)
{
    struct ht_output *output = NULL;
    struct ht_input *input = NULL;
    ht_buffer_reset(&written);
    memset(&report, 0, sizeof report);
    assert_int_equal(ht_input_open_memory(log, strlen(log), "log", &input, error), HT_OK);
    assert_int_equal(ht_output_open_memory(&written, &output, error), HT_OK);
    enum ht_status status = ht_fixture_from_log(input, options, output, &report, error);
    if (status == HT_OK)
        status = ht_output_commit(output, error);
    ht_output_close(output);
    ht_input_close(input);
    return status;
}

static void say(const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, sizeof text - used, format, arguments);
    va_end(arguments);
}

// One line for a heap record of 64-bit code; its stamp in ticks since the log header's.
static void say_record(const uint8_t *record)
{
    const uint8_t *p = record + HT_ETL_SYSTEM_SIZE;
    unsigned ticks = (unsigned)(ht_load64(record + 0x10) - 1000000000);
    unsigned tid = ht_load32(record + 8);
    unsigned handle = (unsigned)ht_load64(p);
    switch (record[6]) {
    case HT_ETL_HEAP_ALLOC:
        say("%u %u %x alloc %x %u\n", ticks, tid, handle, (unsigned)ht_load64(p + 0x10),
            (unsigned)ht_load64(p + 8));
        break;
    case HT_ETL_HEAP_FREE:
        say("%u %u %x free %x\n", ticks, tid, handle, (unsigned)ht_load64(p + 8));
        break;
    case HT_ETL_HEAP_REALLOC:
        say("%u %u %x realloc %x %u from %x %u\n", ticks, tid, handle, (unsigned)ht_load64(p + 8),
            (unsigned)ht_load64(p + 0x18), (unsigned)ht_load64(p + 0x10),
            (unsigned)ht_load64(p + 0x20));
        break;
    default:
        say("%u %u %x opcode %x\n", ticks, tid, handle, (unsigned)record[6]);
    }
}

// What the file says, a line a heap record, in the order of the file (one CPU).
static const char *records(void)
{
    text[0] = '\0';
    size_t size = ht_load32(written.data);
    for (size_t buffer = size; buffer < written.size; buffer += size) {
        const uint8_t *data = written.data + buffer;
        size_t at = HT_ETL_BUFFER_HEADER_SIZE;
        while (at < ht_load32(data + HT_ETL_AT_SAVED_OFFSET)) {
            if (data[at + 7] == HT_ETL_GROUP_HEAP)
                say_record(data + at);
            at += (ht_load16(data + at + 4) + 7u) & ~7u;
        }
    }
    return text;
}

static void import_on_one_cpu(const char *log)
{
    struct ht_error error = {""};
    struct ht_fixture_options options = {.cpu_count = 1};
    if (try_import(log, &options, &error) != HT_OK)
        fail_msg("%s", error.text);
}

#define CREATED "10001 4243 1f0000 opcode 20\n"

static void memory_replay_becomes_heap_records(void **state)
{
    (void)state;
    import_on_one_cpu("7: malloc 0x1000 24\n"
                      "8: calloc 0x2000 3 5\n"
                      "7: memalign 0x3000 64 100\n"
                      "7: realloc 0x1000 0x1000 20\n"
                      "8: realloc 0x4000 0x2000 99\n"
                      "8: realloc 0x5000 0x0 1\n"
                      "7: free 0x1000\n"
                      "7: free 0x0\n"
                      "8: realloc 0x0 0x5000 0\n"
                      "8: realloc 0x0 0x4000 50\n"
                      "8: thread_done 0x0\n"
                      "7: free 0x4000\n");
    assert_string_equal(records(), CREATED "10011 7 1f0000 alloc 1000 24\n"
                                           "10021 8 1f0000 alloc 2000 15\n"
                                           "10031 7 1f0000 alloc 3000 100\n"
                                           "10041 7 1f0000 realloc 1000 20 from 1000 24\n"
                                           "10051 8 1f0000 alloc 4000 99\n"
                                           "10052 8 1f0000 free 2000\n"
                                           "10053 8 1f0000 realloc 4000 99 from 2000 15\n"
                                           "10061 8 1f0000 alloc 5000 1\n"
                                           "10071 7 1f0000 free 1000\n"
                                           "10091 8 1f0000 free 5000\n"
                                           "10101 8 1f0000 alloc 0 50\n"
                                           "10111 7 1f0000 free 4000\n");
    assert_int_equal(report.format, HT_LOG_MEMORY_REPLAY);
    assert_int_equal(report.lines, 12);
    assert_int_equal(report.allocs, 5);
    assert_int_equal(report.frees, 3);
    assert_int_equal(report.reallocs_in_place, 1);
    assert_int_equal(report.reallocs_moved, 1);
    assert_int_equal(report.null_frees, 1);
    assert_int_equal(report.unknown_blocks, 0);
    assert_int_equal(report.unknown_lines, 0);
}

static void blocks_born_before_the_log_are_counted(void **state)
{
    (void)state;
    import_on_one_cpu("1: realloc 0x2000 0x1000 24\n"
                      "1: free 0x9000\n");
    assert_string_equal(records(), CREATED "10011 1 1f0000 alloc 2000 24\n"
                                           "10012 1 1f0000 free 1000\n"
                                           "10013 1 1f0000 realloc 2000 24 from 1000 0\n"
                                           "10021 1 1f0000 free 9000\n");
    assert_int_equal(report.unknown_blocks, 2);
}

static void times_of_the_log_are_kept_and_never_go_back(void **state)
{
    (void)state;
    import_on_one_cpu("1: malloc 0x1000 24 5000000 5000100\n"
                      "1: malloc 0x2000 24 5002000 5002100\n"
                      "2: malloc 0x3000 24 5001000 5001100\n"
                      "1: free 0x1000 5009000 5009100\n");
    assert_string_equal(records(), CREATED "10002 1 1f0000 alloc 1000 24\n"
                                           "10021 1 1f0000 alloc 2000 24\n"
                                           "10022 2 1f0000 alloc 3000 24\n"
                                           "10091 1 1f0000 free 1000\n");
}

static void script_ids_become_addresses(void **state)
{
    (void)state;
    import_on_one_cpu("# a script\n"
                      "a 0 8\n"
                      "a 1 8\n"
                      "r 0 9\n"
                      "\n"
                      "r 0 200\n"
                      "f 0\n"
                      "a 2 200\n"
                      "f 77\n");
    assert_string_equal(records(),
                        CREATED "10011 4243 1f0000 alloc 10000000 8\n"
                                "10021 4243 1f0000 alloc 10000010 8\n"
                                "10031 4243 1f0000 alloc 10000020 9\n"
                                "10032 4243 1f0000 free 10000000\n"
                                "10033 4243 1f0000 realloc 10000020 9 from 10000000 8\n"
                                "10041 4243 1f0000 realloc 10000020 200 from 10000020 9\n"
                                "10051 4243 1f0000 free 10000020\n"
                                "10061 4243 1f0000 alloc 10000020 200\n");
    assert_int_equal(report.format, HT_LOG_SCRIPT);
    assert_int_equal(report.lines, 9);
    assert_int_equal(report.unknown_blocks, 1);
}

static void calls_become_heap_records(void **state)
{
    (void)state;
    import_on_one_cpu("malloc(56) = 0x1000\r\n"
                      "calloc(2, 8) = 0x2000\r\n"
                      "realloc(0x1000, 64) = 0x3000\r\n"
                      "free(0x2000)");
    assert_string_equal(records(), CREATED "10011 4243 1f0000 alloc 1000 56\n"
                                           "10021 4243 1f0000 alloc 2000 16\n"
                                           "10031 4243 1f0000 alloc 3000 64\n"
                                           "10032 4243 1f0000 free 1000\n"
                                           "10033 4243 1f0000 realloc 3000 64 from 1000 56\n"
                                           "10041 4243 1f0000 free 2000\n");
    assert_int_equal(report.format, HT_LOG_CALLS);
}

#define TSV_HEADING                                                                                \
    "time_ns\tpid\ttid\tcpu\tkind\theap\taddress\tsize\told_address\told_size\tsource\tstack\n"

static void tsv_keeps_what_it_says(void **state)
{
    (void)state;
    import_on_one_cpu(TSV_HEADING "-500\t10\t11\t0\tcreate\t0x10000\t\t4096\t\t\t\t\n"
                                  "0\t10\t11\t0\talloc\t0x10000\t0x11000\t8\t\t\t2\t\n"
                                  "100\t10\t12\t0\trealloc\t0x10000\t0x12000\t9\t0x11000\t8\t2\t\n"
                                  "200\t10\t12\t0\trealloc\t0x10000\t0x12000\t7\t0x12000\t9\t2\t\n"
                                  "300\t10\t12\t0\tlock\t0x10000\t\t\t\t\t\t\n"
                                  "399\t10\t12\t0\tfree\t0x10000\t0x12000\t\t\t\t2\t0x1,0x2\n"
                                  "400\t10\t12\t0\tdestroy\t0x10000\t\t\t\t\t\t\n");
    assert_string_equal(records(), "4294967291 11 10000 opcode 20\n"
                                   "0 11 10000 alloc 11000 8\n"
                                   "1 12 10000 alloc 12000 9\n"
                                   "1 12 10000 free 11000\n"
                                   "1 12 10000 realloc 12000 9 from 11000 8\n"
                                   "2 12 10000 realloc 12000 7 from 12000 9\n"
                                   "3 12 10000 opcode 2b\n"
                                   "3 12 10000 free 12000\n"
                                   "4 12 10000 opcode 23\n");
    assert_int_equal(report.format, HT_LOG_TSV);
    assert_int_equal(report.allocs, 1);
    assert_int_equal(report.frees, 1);
    assert_int_equal(report.reallocs_in_place, 1);
    assert_int_equal(report.reallocs_moved, 1);
    assert_int_equal(report.other_events, 3);
    assert_int_equal(report.unknown_lines, 0);
}

static void tsv_that_was_not_folded_is_not_unfolded_again(void **state)
{
    (void)state;
    import_on_one_cpu(TSV_HEADING
                      "0\t10\t11\t0\talloc\t0x10000\t0x11000\t8\t\t\t\t\n"
                      "1000\t10\t11\t0\talloc\t0x10000\t0x12000\t9\t\t\t\t\n"
                      "1100\t10\t11\t0\tfree\t0x10000\t0x11000\t\t\t\t\t\n"
                      "1200\t10\t11\t0\trealloc\t0x10000\t0x12000\t9\t0x11000\t8\t\t\n");
    assert_string_equal(records(), "0 11 10000 alloc 11000 8\n"
                                   "10 11 10000 alloc 12000 9\n"
                                   "11 11 10000 free 11000\n"
                                   "12 11 10000 realloc 12000 9 from 11000 8\n");
}

static void blocks_of_a_destroyed_heap_are_not_live(void **state)
{
    (void)state;
    import_on_one_cpu(TSV_HEADING "0\t10\t11\t0\talloc\t0x10000\t0x12000\t8\t\t\t\t\n"
                                  "100\t10\t11\t0\tdestroy\t0x10000\t\t\t\t\t\t\n"
                                  "200\t10\t11\t0\talloc\t0x10000\t0x11000\t8\t\t\t\t\n"
                                  "300\t10\t11\t0\trealloc\t0x10000\t0x12000\t9\t0x11000\t8\t\t\n");
    assert_string_equal(records(), "0 11 10000 alloc 12000 8\n"
                                   "1 11 10000 opcode 23\n"
                                   "2 11 10000 alloc 11000 8\n"
                                   "3 11 10000 alloc 12000 9\n"
                                   "3 11 10000 free 11000\n"
                                   "3 11 10000 realloc 12000 9 from 11000 8\n");
}

static void unknown_lines_are_counted_and_left_out(void **state)
{
    (void)state;
    import_on_one_cpu("# first\n"
                      "a 0 8\n"
                      "a 1\n"
                      "q 1 2\n"
                      "a 2 99999999999999999999999\n"
                      "a 3 4 5\n"
                      "f 0\n");
    assert_string_equal(records(), CREATED "10011 4243 1f0000 alloc 10000000 8\n"
                                           "10021 4243 1f0000 free 10000000\n");
    assert_int_equal(report.unknown_lines, 4);
    assert_int_equal(report.first_unknown_line, 3);
}

static void threads_are_spread_over_cpus(void **state)
{
    (void)state;
    static char log[TEXT_MAX];
    size_t used = 0;
    for (int tid = 1; tid <= 40; tid++)
        used += (size_t)snprintf(log + used, sizeof log - used, "%d: malloc 0x%x 8\n", tid,
                                 0x1000 * tid);
    struct ht_error error = {""};
    struct ht_fixture_options options = {.cpu_count = 3};
    assert_int_equal(try_import(log, &options, &error), HT_OK);
    size_t size = ht_load32(written.data);
    assert_int_equal(written.size, 4 * size); // a buffer each
}

static void what_is_no_log_is_refused(void **state)
{
    (void)state;
    static const char *const logs[] = {"",
                                       "# only a comment\n",
                                       "hello\n",
                                       "1: dance 0x1 2\n",
                                       "time_ns\tpid\n",
                                       "malloc(5) 0x1000\n"};
    struct ht_fixture_options options = {.cpu_count = 1};
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        struct ht_error error = {""};
        assert_int_equal(try_import(logs[i], &options, &error), HT_FORMAT);
        assert_non_null(strstr(error.text, "log: "));
    }
}

static void failing_line_is_named(void **state)
{
    (void)state;
    struct ht_error error = {""};
    struct ht_fixture_options options = {.cpu_count = 1, .pointer_size = 4};
    assert_int_equal(try_import("malloc(1) = 0x1000\nmalloc(1) = 0x100000000\n", &options, &error),
                     HT_LIMIT);
    assert_non_null(strstr(error.text, "line 2"));
}

static void line_too_long_is_refused(void **state)
{
    (void)state;
    static char log[200000];
    memset(log, 'x', sizeof log - 1);
    memcpy(log, "a 0 8\n#", 7);
    struct ht_error error = {""};
    struct ht_fixture_options options = {.cpu_count = 1};
    assert_int_equal(try_import(log, &options, &error), HT_LIMIT);
    assert_non_null(strstr(error.text, "line 2"));
}

static void long_log_keeps_every_block(void **state)
{
    (void)state;
    enum { BLOCKS = 20000 };
    static char log[BLOCKS * 40];
    size_t used = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        used += (size_t)snprintf(log + used, sizeof log - used, "a %u 8\n", i);
    for (unsigned i = 0; i < BLOCKS; i++)
        used += (size_t)snprintf(log + used, sizeof log - used, "f %u\n", i * 7919 % BLOCKS);
    struct ht_error error = {""};
    struct ht_fixture_options options = {.cpu_count = 1, .is_compressed = true};
    assert_int_equal(try_import(log, &options, &error), HT_OK);
    assert_int_equal(report.lines, 2 * BLOCKS);
    assert_int_equal(report.frees, BLOCKS);
    assert_int_equal(report.unknown_blocks, 0);
}

int main(void)
{
    written = ht_buffer_with_limit(FILE_MAX);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_replay_becomes_heap_records),
        cmocka_unit_test(blocks_born_before_the_log_are_counted),
        cmocka_unit_test(times_of_the_log_are_kept_and_never_go_back),
        cmocka_unit_test(script_ids_become_addresses),
        cmocka_unit_test(calls_become_heap_records),
        cmocka_unit_test(tsv_keeps_what_it_says),
        cmocka_unit_test(tsv_that_was_not_folded_is_not_unfolded_again),
        cmocka_unit_test(blocks_of_a_destroyed_heap_are_not_live),
        cmocka_unit_test(unknown_lines_are_counted_and_left_out),
        cmocka_unit_test(threads_are_spread_over_cpus),
        cmocka_unit_test(what_is_no_log_is_refused),
        cmocka_unit_test(failing_line_is_named),
        cmocka_unit_test(line_too_long_is_refused),
        cmocka_unit_test(long_log_keeps_every_block),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ht_buffer_reset(&written);
    return failed;
}
