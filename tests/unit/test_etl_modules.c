// SPDX-License-Identifier: MIT
//
// The map of modules, on image records written by hand in every version.
#include "formats/etl_modules.h"

#include "etl_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PID = 4242, BASE = 0x10000000, SIZE = 0x20000 };

static struct ht_trace trace;
static struct ht_etl_modules *modules;
static uint8_t payload[65536];

static int set_up(void **state)
{
    (void)state;
    modules = ht_etl_modules_open();
    return modules != NULL && ht_trace_init(&trace, NULL) == HT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ht_etl_modules_close(modules);
    ht_trace_reset(&trace);
    return 0;
}

static bool note_record(const struct ht_etl_record *record, int64_t ticks)
{
    enum ht_status status = HT_FORMAT;
    assert_true(ht_etl_modules_is(record));
    bool is_whole = ht_etl_modules_note(modules, record, ticks, &status, NULL);
    assert_int_equal(status, HT_OK);
    return is_whole;
}

static void note_hex(uint8_t group, uint8_t opcode, uint16_t version, uint8_t pointer_size,
                     const char *hex)
{
    struct ht_etl_record record = {.group = group,
                                   .opcode = opcode,
                                   .version = version,
                                   .pointer_size = pointer_size,
                                   .pid = PID,
                                   .payload = payload,
                                   .payload_size = sample_hex(hex, payload, sizeof payload)};
    assert_true(note_record(&record, 0));
}

// An image record of version 3 with a one-letter name, at BASE.
static void note(uint8_t opcode, uint32_t pid, char name, int64_t ticks)
{
    bool is_load = opcode == HT_ETL_IMAGE_LOAD;
    memset(payload, 0, 0x3C);
    ht_store64(payload, BASE);
    ht_store64(payload + 8, SIZE);
    ht_store32(payload + 0x10, pid);
    payload[0x38] = (uint8_t)name;
    struct ht_etl_record record = {.group = is_load ? HT_ETL_GROUP_PROCESS : HT_ETL_GROUP_IMAGE,
                                   .opcode = opcode,
                                   .version = 3,
                                   .pointer_size = 8,
                                   .payload = payload,
                                   .payload_size = 0x3C};
    assert_true(note_record(&record, ticks));
}

static void note_birth(uint32_t pid, int64_t ticks)
{
    ht_store64(payload, 1);
    ht_store32(payload + 8, pid);
    struct ht_etl_record record = {.group = HT_ETL_GROUP_PROCESS,
                                   .opcode = HT_ETL_PROCESS_START,
                                   .version = 4,
                                   .pointer_size = 8,
                                   .payload = payload,
                                   .payload_size = 12};
    assert_true(note_record(&record, ticks));
}

static void finish(void)
{
    assert_int_equal(ht_etl_modules_finish(modules, NULL), HT_OK);
}

static const char *name_at(uint32_t pid, uint64_t address, int64_t ticks)
{
    size_t length;
    uint32_t name = 0;
    const struct ht_etl_module *module = ht_etl_modules_find(modules, pid, address, ticks);
    if (module == NULL)
        return "";
    assert_int_equal(ht_etl_modules_name(modules, module->identity, &trace, &name, NULL), HT_OK);
    return ht_dict_string(trace.dict, name, &length);
}

static void every_version_of_the_record_is_read(void **state)
{
    (void)state;
    // "a": version 0 has the pid of its header; the others their own.
    note_hex(HT_ETL_GROUP_IMAGE, HT_ETL_IMAGE_LOAD, 0, 4, "00000100 00100000 6100 0000");
    note_hex(HT_ETL_GROUP_IMAGE, HT_ETL_IMAGE_DC_START, 1, 4,
             "00000200 00100000 01000000 6200 0000");
    note_hex(HT_ETL_GROUP_IMAGE, HT_ETL_IMAGE_DC_START, 2, 4,
             "00000300 00100000 02000000 00000000 78563412 00000000 00000300"
             "00000000 00000000 00000000 00000000 6300 0000");
    note_hex(HT_ETL_GROUP_PROCESS, HT_ETL_IMAGE_LOAD, 3, 8,
             "0000040000000000 0010000000000000 03000000 00000000 78563412 00000000"
             "0000030000000000 00000000 00000000 00000000 00000000 6400 0000");
    finish();
    assert_string_equal(name_at(PID, 0x10FFF, 5), "a");
    assert_string_equal(name_at(1, 0x20000, 5), "b");
    assert_string_equal(name_at(2, 0x30000, 5), "c");
    assert_string_equal(name_at(3, 0x40000, 5), "d");
    assert_int_equal(trace.module_count, 4);
    assert_int_equal(trace.modules[3].time_stamp, 0x12345678);
    assert_int_equal(trace.modules[3].size, 0x1000);
}

static void a_module_has_its_addresses_and_no_others(void **state)
{
    (void)state;
    note(HT_ETL_IMAGE_DC_START, PID, 'm', 0);
    finish();
    assert_string_equal(name_at(PID, BASE, 0), "m");
    assert_string_equal(name_at(PID, BASE + SIZE - 1, 0), "m");
    assert_null(ht_etl_modules_find(modules, PID, BASE - 1, 0));
    assert_null(ht_etl_modules_find(modules, PID, BASE + SIZE, 0));
    assert_null(ht_etl_modules_find(modules, PID + 4, BASE, 0));
}

static void a_load_and_an_unload_bound_the_time(void **state)
{
    (void)state;
    note(HT_ETL_IMAGE_UNLOAD, PID, 'm', 20);
    note(HT_ETL_IMAGE_LOAD, PID, 'm', 10);
    note(HT_ETL_IMAGE_LOAD, PID, 'n', 30);
    finish();
    assert_string_equal(name_at(PID, BASE, 9), "");
    assert_string_equal(name_at(PID, BASE, 10), "m");
    assert_string_equal(name_at(PID, BASE, 19), "m");
    assert_string_equal(name_at(PID, BASE, 20), "");
    assert_string_equal(name_at(PID, BASE, 30), "n");
}

static void a_rundown_names_what_was_there_before_it(void **state)
{
    (void)state;
    note(HT_ETL_IMAGE_DC_END, PID, 'm', 1000);
    finish();
    assert_string_equal(name_at(PID, BASE, -5), "m");
    assert_string_equal(name_at(PID, BASE, 2000), "m");
}

static void an_unload_alone_names_what_was_there_before_it(void **state)
{
    (void)state;
    note(HT_ETL_IMAGE_UNLOAD, PID, 'm', 50);
    note(HT_ETL_IMAGE_DC_END, PID, 'n', 1000);
    finish();
    assert_string_equal(name_at(PID, BASE, 49), "m");
    assert_string_equal(name_at(PID, BASE, 50), "n");
}

static void a_module_told_twice_is_one(void **state)
{
    (void)state;
    note(HT_ETL_IMAGE_DC_START, PID, 'm', 1);
    note(HT_ETL_IMAGE_DC_START, PID, 'm', 2);
    note(HT_ETL_IMAGE_DC_END, PID, 'm', 1000);
    note(HT_ETL_IMAGE_UNLOAD, PID, 'm', 1001);
    finish();
    assert_string_equal(name_at(PID, BASE, 500), "m");
    assert_string_equal(name_at(PID, BASE, 1001), "");
}

static void processes_of_one_pid_are_kept_apart(void **state)
{
    (void)state;
    note_birth(PID, 100);
    note_birth(PID, 200);
    note_birth(PID + 4, 150);
    note(HT_ETL_IMAGE_DC_START, PID, 'a', 0);
    note(HT_ETL_IMAGE_DC_END, PID, 'c', 900);
    finish();
    assert_string_equal(name_at(PID, BASE, 50), "a");
    assert_string_equal(name_at(PID, BASE, 99), "a");
    assert_string_equal(name_at(PID, BASE, 100), "");
    assert_string_equal(name_at(PID, BASE, 199), "");
    assert_string_equal(name_at(PID, BASE, 200), "c");
}

static void the_kernel_is_in_every_process(void **state)
{
    (void)state;
    note(HT_ETL_IMAGE_DC_START, 4, 'k', 0);
    finish();
    assert_string_equal(name_at(PID, BASE + 1, 0), "k");
    assert_string_equal(name_at(4, BASE + 1, 0), "k");
    assert_string_equal(name_at(0, BASE + 1, 0), "k");
}

static void quiet_lasts_from_change_to_change(void **state)
{
    (void)state;
    int64_t from;
    int64_t to;
    note_birth(PID, 40);
    note(HT_ETL_IMAGE_LOAD, PID, 'm', 10);
    note(HT_ETL_IMAGE_UNLOAD, PID, 'm', 20);
    finish();
    ht_etl_modules_quiet(modules, PID, 5, &from, &to);
    assert_true(from == INT64_MIN && to == 10);
    ht_etl_modules_quiet(modules, PID, 10, &from, &to);
    assert_true(from == 10 && to == 20);
    ht_etl_modules_quiet(modules, PID, 39, &from, &to);
    assert_true(from == 20 && to == 40);
    ht_etl_modules_quiet(modules, PID, 40, &from, &to);
    assert_true(from == 40 && to == INT64_MAX);
}

static void quiet_is_of_a_process_and_the_kernel(void **state)
{
    (void)state;
    int64_t from;
    int64_t to;
    note_birth(PID + 4, 15);
    note(HT_ETL_IMAGE_LOAD, PID + 4, 'm', 20);
    note(HT_ETL_IMAGE_LOAD, 4, 'k', 30);
    note(HT_ETL_IMAGE_LOAD, PID - 4, 'm', 40);
    note(HT_ETL_IMAGE_LOAD, PID, 'm', 50);
    finish();
    ht_etl_modules_quiet(modules, PID, 25, &from, &to);
    assert_true(from == INT64_MIN && to == 30);
    ht_etl_modules_quiet(modules, PID, 45, &from, &to);
    assert_true(from == 30 && to == 50);
    ht_etl_modules_quiet(modules, 4, 45, &from, &to);
    assert_true(from == 30 && to == INT64_MAX);
}

static void the_debug_file_is_kept(void **state)
{
    (void)state;
    note(HT_ETL_IMAGE_DC_START, 4, 'm', 0);
    // A record of a merged recording, but for the base.
    note_hex(HT_ETL_GROUP_IMAGE_ID, HT_ETL_IMAGE_ID_RSDS, 2, 8,
             "0000001000000000 04000000 dfd883ec5955e046b630133ebd979266 02000000"
             "6e74646c6c2e70646200");
    finish();
    size_t length;
    assert_string_equal(name_at(PID, BASE, 0), "m");
    assert_int_equal(trace.module_count, 1);
    const struct ht_module *module = &trace.modules[0];
    assert_string_equal(ht_dict_string(trace.dict, module->debug_name, &length), "ntdll.pdb");
    assert_int_equal(module->debug_age, 2);
    assert_int_equal(module->debug_guid[0], 0xDF);
    assert_int_equal(module->debug_guid[15], 0x66);
}

static void a_record_that_is_too_short_is_refused(void **state)
{
    (void)state;
    struct ht_etl_record record = {.group = HT_ETL_GROUP_IMAGE,
                                   .opcode = HT_ETL_IMAGE_DC_START,
                                   .version = 3,
                                   .pointer_size = 8,
                                   .payload = payload};
    for (record.payload_size = 0; record.payload_size < 0x38; record.payload_size++)
        assert_false(note_record(&record, 0));
    record.group = HT_ETL_GROUP_IMAGE_ID;
    record.opcode = HT_ETL_IMAGE_ID_RSDS;
    for (record.payload_size = 0; record.payload_size < 0x20; record.payload_size++)
        assert_false(note_record(&record, 0));
    finish();
    assert_null(ht_etl_modules_find(modules, 0, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_version_of_the_record_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_module_has_its_addresses_and_no_others, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_load_and_an_unload_bound_the_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rundown_names_what_was_there_before_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_unload_alone_names_what_was_there_before_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_module_told_twice_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(processes_of_one_pid_are_kept_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_kernel_is_in_every_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quiet_lasts_from_change_to_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quiet_is_of_a_process_and_the_kernel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_debug_file_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_that_is_too_short_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
