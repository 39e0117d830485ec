// SPDX-License-Identifier: MIT
#include "formats/etl_names.h"

#include "etl_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ht_trace trace;
static uint8_t payload[65536];

static int set_up(void **state)
{
    (void)state;
    return ht_trace_init(&trace, NULL) == HT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ht_trace_reset(&trace);
    return 0;
}

static void note_thread(uint8_t opcode, uint16_t version, uint8_t pointer_size, const char *hex,
                        int64_t time_ns)
{
    struct ht_etl_record record = {.group = HT_ETL_GROUP_THREAD,
                                   .opcode = opcode,
                                   .version = version,
                                   .pointer_size = pointer_size,
                                   .pid = 1,
                                   .tid = 2,
                                   .payload = payload,
                                   .payload_size = sample_hex(hex, payload, sizeof payload)};
    assert_true(ht_etl_names_is(&record));
    assert_int_equal(ht_etl_names_note(&record, time_ns, 77, &trace, NULL), HT_OK);
}

static void note_bytes(uint8_t opcode, uint16_t version, uint8_t pointer_size, size_t size,
                       int64_t time_ns)
{
    struct ht_etl_record record = {.group = HT_ETL_GROUP_PROCESS,
                                   .opcode = opcode,
                                   .version = version,
                                   .pointer_size = pointer_size,
                                   .pid = 1,
                                   .payload = payload,
                                   .payload_size = size};
    assert_true(ht_etl_names_is(&record));
    assert_int_equal(ht_etl_names_note(&record, time_ns, 77, &trace, NULL), HT_OK);
}

static void note(uint8_t opcode, uint16_t version, uint8_t pointer_size, const char *hex,
                 int64_t time_ns)
{
    note_bytes(opcode, version, pointer_size, sample_hex(hex, payload, sizeof payload), time_ns);
}

static void assert_only_process(uint32_t pid, uint32_t parent, const char *name,
                                const char *command)
{
    size_t length;
    assert_int_equal(trace.process_count, 1);
    assert_int_equal(trace.processes[0].pid, pid);
    assert_int_equal(trace.processes[0].parent_pid, parent);
    assert_string_equal(ht_dict_string(trace.dict, trace.processes[0].name, &length), name);
    assert_string_equal(ht_dict_string(trace.dict, trace.processes[0].command, &length), command);
    assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], 0);
}

#define SID64 "0100000000000000 0000000000000000 0101000000000005 12000000"
#define NAME "6170702e65786500"                 // app.exe
#define COMMAND "6100 2000 e400 3dd8 a9dc 0000" // "a ä💩"

static void the_process_is_the_one_in_the_payload(void **state)
{
    (void)state;
    note(
        3, 4, 8,
        "0010000000 80ffff 92100000 04000000 01000000 03010000 00a01a0000000000 00000000" SID64 NAME
            COMMAND "0000 0000",
        500);
    assert_only_process(4242, 4, "app.exe", "a \xc3\xa4\xf0\x9f\x92\xa9");
    assert_true(trace.processes[0].start_ns == HT_TIME_UNKNOWN);
    assert_true(trace.processes[0].end_ns == HT_TIME_UNKNOWN);
}

static void version_5_has_an_exit_time_behind(void **state)
{
    (void)state;
    note(
        1, 5, 8,
        "0010000000 80ffff 92100000 04000000 01000000 03010000 00a01a0000000000 00000000" SID64 NAME
            COMMAND "0000 0000 1122334455667788",
        500);
    assert_only_process(4242, 4, "app.exe", "a \xc3\xa4\xf0\x9f\x92\xa9");
    assert_int_equal(trace.processes[0].start_ns, 500);
}

static void version_3_has_no_flags(void **state)
{
    (void)state;
    note(3, 3, 4,
         "00100000 92100000 04000000 01000000 03010000 00a01a00 | 01000000 00000000"
         "0102000000000005 12000000 13000000" NAME COMMAND,
         500);
    assert_only_process(4242, 4, "app.exe", "a \xc3\xa4\xf0\x9f\x92\xa9");
}

static void version_2_may_have_no_sid(void **state)
{
    (void)state;
    note(3, 2, 8, "0010000000 80ffff 92100000 04000000 01000000 03010000 | 00000000" NAME COMMAND,
         500);
    assert_only_process(4242, 4, "app.exe", "a \xc3\xa4\xf0\x9f\x92\xa9");
}

static void version_1_has_no_command_line(void **state)
{
    (void)state;
    note(3, 1, 4, "00100000 92100000 04000000 01000000 03010000 | 00000000" NAME, 500);
    assert_only_process(4242, 4, "app.exe", "");
}

static void version_0_begins_with_the_ids(void **state)
{
    (void)state;
    note(3, 0, 4, "92100000 04000000 | 00000000" NAME, 500);
    assert_only_process(4242, 4, "app.exe", "");
}

static void names_without_an_end_stop_at_the_record(void **state)
{
    (void)state;
    note(3, 2, 4, "00100000 92100000 04000000 01000000 03010000 | 00000000 61707000 6100 62", 500);
    assert_only_process(4242, 4, "app", "a");
    note(3, 1, 4, "00100000 96100000 04000000 01000000 03010000 | 00000000 617070", 500);
    size_t length;
    assert_string_equal(ht_dict_string(trace.dict, trace.processes[1].name, &length), "app");
}

static void long_names_are_cut(void **state)
{
    (void)state;
    size_t size = sample_hex("00100000 92100000 04000000 01000000 03010000 00000000", payload, 100);
    memset(payload + size, 'x', sizeof payload - size);
    note_bytes(3, 2, 4, sizeof payload, 500);
    size_t length;
    ht_dict_string(trace.dict, trace.processes[0].name, &length);
    assert_int_equal(length, 1024);
    // An empty name, then a long command line of characters that are three bytes in UTF-8.
    payload[size] = 0;
    ht_store32(payload + 4, 4246);
    note_bytes(3, 2, 4, sizeof payload, 500);
    ht_dict_string(trace.dict, trace.processes[1].command, &length);
    assert_int_equal(length, HT_ETL_STRING_BYTES_MAX / 2 * 3);
}

static void too_short_a_record_is_counted(void **state)
{
    (void)state;
    // Nothing, no more than the first fields, and a security identifier of more parts than follow.
    const char *const cases[] = {
        "",
        "0010000000 80ffff 92100000",
        "0010000000 80ffff 92100000 04000000 01000000 03010000 0100000000000000 0000000000000000 "
        "01ff000000000005 12000000",
    };
    for (size_t i = 0; i < 3; i++) {
        note(3, 2, 8, cases[i], 500);
        assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], i + 1);
    }
    assert_int_equal(trace.process_count, 0);
    assert_int_equal(trace.damage[0].offset, 77);
}

#define PLAIN "00100000 92100000 04000000 01000000 03010000 | 00000000" NAME

static void a_life_from_start_to_end_is_one_process(void **state)
{
    (void)state;
    note(HT_ETL_PROCESS_START, 1, 4, PLAIN, 100);
    note(HT_ETL_PROCESS_DC_START, 1, 4, PLAIN, 150);
    note(HT_ETL_PROCESS_END, 1, 4, PLAIN, 900);
    note(HT_ETL_PROCESS_DEFUNCT, 1, 4, PLAIN, 950);
    assert_only_process(4242, 4, "app.exe", "");
    assert_int_equal(trace.processes[0].start_ns, 100);
    assert_int_equal(trace.processes[0].end_ns, 900);
}

static void a_pid_used_again_is_another_process(void **state)
{
    (void)state;
    note(HT_ETL_PROCESS_DC_START, 1, 4, PLAIN, 50);
    note(HT_ETL_PROCESS_END, 1, 4, PLAIN, 100);
    note(HT_ETL_PROCESS_START, 1, 4, PLAIN, 200);
    note(HT_ETL_PROCESS_DC_END, 1, 4, PLAIN, 900);
    assert_int_equal(trace.process_count, 2);
    assert_int_equal(trace.processes[0].end_ns, 100);
    assert_int_equal(trace.processes[1].start_ns, 200);
    assert_true(trace.processes[1].end_ns == HT_TIME_UNKNOWN);
}

// Process 4242, thread 4243: the fields of version 3 before the name, in either pointer width.
#define ZEROS16 "00000000000000000000000000000000"
#define THREAD64 "92100000 93100000" ZEROS16 ZEROS16 ZEROS16 "0000000000000000 00000000 08080502"
#define THREAD32 "92100000 93100000" ZEROS16 "000000000000000000000000 00000000 08080502"
#define WORKER "5700 6f00 7200 6b00 6500 7200 0000"

static void assert_thread(uint32_t number, const char *name)
{
    assert_true(trace.threads.count > number);
    const struct ht_thread *thread = &trace.threads.list[number];
    assert_int_equal(thread->pid, 4242);
    assert_int_equal(thread->tid, 4243);
    assert_string_equal(ht_dict_string(trace.dict, thread->name, NULL), name);
    assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], 0);
}

static void a_thread_has_its_name_in_versions_3_and_4(void **state)
{
    (void)state;
    note_thread(HT_ETL_THREAD_DC_START, 4, 8, THREAD64 WORKER, 500);
    assert_int_equal(trace.threads.count, 1);
    assert_thread(0, "Worker");
    assert_true(trace.threads.list[0].start_ns == HT_TIME_UNKNOWN);
    assert_true(trace.threads.list[0].end_ns == HT_TIME_UNKNOWN);
    note_thread(HT_ETL_THREAD_START, 3, 4, THREAD32 "4100 0000", 600);
    assert_thread(1, "A");
    assert_int_equal(trace.threads.list[1].start_ns, 600);
}

static void a_thread_without_a_name_has_none(void **state)
{
    (void)state;
    note_thread(HT_ETL_THREAD_START, 3, 8, THREAD64, 100);
    note_thread(HT_ETL_THREAD_DC_END, 4, 8, THREAD64 "0000", 500);
    assert_int_equal(trace.threads.count, 1);
    assert_thread(0, "");
    note_thread(HT_ETL_THREAD_START, 2, 8, THREAD64, 600); // names came later
    assert_int_equal(trace.threads.count, 1);
}

static void a_thread_name_that_is_no_utf_16_is_mended(void **state)
{
    (void)state;
    // A lone half of a pair; then a name that the record cuts, in the middle of a unit.
    note_thread(HT_ETL_THREAD_DC_START, 3, 8, THREAD64 "4100 3dd8 4200 0000", 500);
    assert_thread(0, "A\xEF\xBF\xBD"
                     "B");
    note_thread(HT_ETL_THREAD_DC_START, 3, 8, THREAD64 "4100 4200 43", 600);
    assert_thread(0, "AB");
}

static void a_long_thread_name_is_cut(void **state)
{
    (void)state;
    struct ht_etl_record record = {.group = HT_ETL_GROUP_THREAD,
                                   .opcode = HT_ETL_THREAD_DC_START,
                                   .version = 4,
                                   .pointer_size = 8,
                                   .payload = payload,
                                   .payload_size = sizeof payload};
    size_t size = sample_hex(THREAD64, payload, sizeof payload);
    memset(payload + size, 'x', sizeof payload - size);
    assert_int_equal(ht_etl_names_note(&record, 500, 77, &trace, NULL), HT_OK);
    size_t length;
    ht_dict_string(trace.dict, trace.threads.list[0].name, &length);
    assert_int_equal(length, 1024 / 2 * 3);
}

static void too_short_a_thread_record_is_counted(void **state)
{
    (void)state;
    note_thread(HT_ETL_THREAD_DC_START, 3, 8, THREAD32, 500);
    note_thread(HT_ETL_THREAD_DC_START, 4, 4, "", 500);
    assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], 2);
    assert_int_equal(trace.threads.count, 0);
    assert_string_equal(trace.damage[0].what, "a thread record is too short");
}

static void a_thread_gets_the_name_it_has_at_its_end(void **state)
{
    (void)state;
    note_thread(HT_ETL_THREAD_START, 3, 8, THREAD64, 100);
    note_thread(HT_ETL_THREAD_END, 3, 8, THREAD64 WORKER, 900);
    assert_int_equal(trace.threads.count, 1);
    assert_thread(0, "Worker");
    assert_int_equal(trace.threads.list[0].start_ns, 100);
    assert_int_equal(trace.threads.list[0].end_ns, 900);
}

static void a_tid_used_again_is_another_thread(void **state)
{
    (void)state;
    note_thread(HT_ETL_THREAD_DC_START, 3, 8, THREAD64 WORKER, 50);
    note_thread(HT_ETL_THREAD_END, 3, 8, THREAD64 WORKER, 100);
    note_thread(HT_ETL_THREAD_START, 3, 8, THREAD64, 200);
    note_thread(HT_ETL_THREAD_END, 3, 8, THREAD64 "4100 0000", 300);
    note_thread(HT_ETL_THREAD_DC_END, 3, 8, THREAD64 "4200 0000", 900); // its start was lost
    assert_int_equal(trace.threads.count, 3);
    assert_thread(0, "Worker");
    assert_int_equal(trace.threads.list[0].end_ns, 100);
    assert_thread(1, "A");
    assert_int_equal(trace.threads.list[1].start_ns, 200);
    assert_thread(2, "B");
    assert_int_equal(trace.threads.list[2].start_ns, 301);
}

// 20 bytes of numbers, the name in a field of 512, and the rest as in a real record.
static void note_host(uint16_t version, const char *name, size_t size)
{
    memset(payload, 0, sizeof payload);
    sample_hex("080e0000 08000000 00100000 00100000 00000100", payload, sizeof payload);
    sample_hex(name, payload + 20, sizeof payload - 20);
    struct ht_etl_record record = {.group = HT_ETL_GROUP_CONFIG,
                                   .opcode = HT_ETL_CONFIG_CPU,
                                   .version = version,
                                   .pointer_size = 8,
                                   .payload = payload,
                                   .payload_size = size};
    assert_true(ht_etl_names_is(&record));
    assert_int_equal(ht_etl_names_note(&record, 500, 77, &trace, NULL), HT_OK);
}

static void assert_host(const char *name)
{
    assert_string_equal(ht_dict_string(trace.dict, trace.host, NULL), name);
}

static void the_machine_has_its_name(void **state)
{
    (void)state;
    note_host(3, "5000 4300 2d00 3100 0000", 828);
    assert_host("PC-1");
    note_host(0, "5000 4300 2d00 3100 0000", 20 + 512); // again, by a record that ends behind it
    assert_host("PC-1");
    assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], 0);
}

static void of_two_machines_none_has_its_name(void **state)
{
    (void)state;
    note_host(3, "5000 0000", 828);
    note_host(3, "5100 0000", 828);
    assert_int_equal(trace.host, 0);
    note_host(3, "5000 0000", 828);
    assert_int_equal(trace.host, 0);
}

static void a_machine_without_a_name_says_nothing(void **state)
{
    (void)state;
    note_host(3, "0000", 828);
    assert_int_equal(trace.host, 0);
    note_host(3, "5000 3dd8 5100 0000", 828); // a lone half of a pair
    assert_host("P\xEF\xBF\xBDQ");
    note_host(3, "0000", 828);
    assert_host("P\xEF\xBF\xBDQ");
}

static void a_machine_name_ends_with_its_field(void **state)
{
    (void)state;
    char hex[2 * 828 + 1];
    memset(hex, '4', sizeof hex - 1); // U+4444
    hex[sizeof hex - 1] = '\0';
    note_host(3, hex, 828);
    size_t length;
    ht_dict_string(trace.dict, trace.host, &length);
    assert_int_equal(length, 3 * 256);
}

static void too_short_a_machine_record_is_counted(void **state)
{
    (void)state;
    note_host(3, "5000 0000", 20 + 511);
    note_host(3, "", 4);
    note_host(3, "", 0);
    assert_int_equal(trace.loss[HT_LOSS_DAMAGED_EVENTS], 3);
    assert_string_equal(trace.damage[0].what, "the record of the machine is too short");
    assert_int_equal(trace.host, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_process_is_the_one_in_the_payload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_5_has_an_exit_time_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_3_has_no_flags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_2_may_have_no_sid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_1_has_no_command_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_0_begins_with_the_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_without_an_end_stop_at_the_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_names_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_short_a_record_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_life_from_start_to_end_is_one_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pid_used_again_is_another_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_thread_has_its_name_in_versions_3_and_4, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_thread_without_a_name_has_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_thread_name_that_is_no_utf_16_is_mended, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_long_thread_name_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_short_a_thread_record_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_thread_gets_the_name_it_has_at_its_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_tid_used_again_is_another_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_machine_has_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_two_machines_none_has_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_machine_without_a_name_says_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_machine_name_ends_with_its_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_short_a_machine_record_is_counted, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
