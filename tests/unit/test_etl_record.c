// SPDX-License-Identifier: MIT
#include "formats/etl_record.h"

#include "etl_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t bytes[4096];

static struct ht_etl_walk walk_over(const char *hex)
{
    memset(bytes, 0xff, sizeof bytes);
    return (struct ht_etl_walk){bytes, 0, sample_hex(hex, bytes, sizeof bytes)};
}

static struct ht_etl_record only_record(const char *hex)
{
    struct ht_etl_walk walk = walk_over(hex);
    struct ht_etl_record record;
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_RECORD);
    struct ht_etl_record none;
    assert_int_equal(ht_etl_walk_next(&walk, &none), HT_ETL_STEP_END);
    return record;
}

static void a_system_header_gives_ids_stamp_and_hook(void **state)
{
    (void)state;
    struct ht_etl_record record = only_record(sample_alloc);
    assert_int_equal(record.header, HT_ETL_SYSTEM64);
    assert_int_equal(record.pointer_size, 8);
    assert_int_equal(record.group, HT_ETL_GROUP_HEAP);
    assert_int_equal(record.opcode, HT_ETL_HEAP_ALLOC);
    assert_int_equal(record.version, 2);
    assert_true(record.has_hook);
    assert_int_equal(record.tid, 4243);
    assert_int_equal(record.pid, 4242);
    assert_int_equal(record.stamp, 0x3b9acb2c);
    assert_int_equal(record.payload_size, 28);
    assert_ptr_equal(record.payload, bytes + 0x20);
}

static void the_kind_gives_the_pointer_size(void **state)
{
    (void)state;
    struct ht_etl_record record = only_record(sample_alloc32);
    assert_int_equal(record.header, HT_ETL_SYSTEM32);
    assert_int_equal(record.pointer_size, 4);
    assert_int_equal(record.payload_size, 16);
}

static void a_compact_header_has_no_times(void **state)
{
    (void)state;
    struct ht_etl_record record =
        only_record("020004c0 2c00 2410 93100000 92100000 f4cb9a3b00000000 | 00001f0000000000"
                    "00201f0000000000 03000000 | 00000000");
    assert_int_equal(record.header, HT_ETL_COMPACT64);
    assert_int_equal(record.opcode, HT_ETL_HEAP_FREE);
    assert_int_equal(record.pid, 4242);
    assert_int_equal(record.stamp, 0x3b9acbf4);
    assert_int_equal(record.payload_size, 20);
    assert_int_equal(ht_load64(record.payload), 0x1f0000);
}

static void a_perfinfo_header_has_no_ids(void **state)
{
    (void)state;
    struct ht_etl_record record = only_record(sample_stack);
    assert_int_equal(record.header, HT_ETL_PERFINFO64);
    assert_int_equal(record.group, HT_ETL_GROUP_STACK);
    assert_int_equal(record.pid, HT_ETL_NO_ID);
    assert_int_equal(record.tid, HT_ETL_NO_ID);
    assert_int_equal(record.stamp, 0x3b9acb2d);
    assert_int_equal(record.payload_size, 0x20);
}

static void hardware_counters_before_a_payload_are_skipped(void **state)
{
    (void)state;
    // PEBS index and two counters, then four bytes of payload.
    struct ht_etl_record record =
        only_record("028210c0 2c00 2018 0100000000000000 | 1111111111111111 2222222222222222"
                    "3333333333333333 | efbeadde | 00000000");
    assert_int_equal(record.version, 2);
    assert_int_equal(record.pointer_size, 4);
    assert_int_equal(record.payload_size, 4);
    assert_int_equal(ht_load32(record.payload), 0xdeadbeef);
}

static void counters_past_the_record_leave_no_payload(void **state)
{
    (void)state;
    struct ht_etl_record record =
        only_record("028711c0 1800 2018 0100000000000000 1111111111111111");
    assert_int_equal(record.payload_size, 0);
}

static void a_full_header_is_mapped_by_its_guid(void **state)
{
    (void)state;
    struct ht_etl_record record = only_record(
        "440014c0 21000200 93100000 92100000 2ccb9a3b00000000 | ab62292280 61884ba825346b75f2a24a |"
        "0000000000000000 | 00001f0000000000 4000000000000000 03000000 | 00000000");
    assert_int_equal(record.header, HT_ETL_FULL64);
    assert_int_equal(record.group, HT_ETL_GROUP_HEAP);
    assert_int_equal(record.opcode, HT_ETL_HEAP_ALLOC);
    assert_int_equal(record.version, 2);
    assert_false(record.has_hook);
    assert_int_equal(record.pid, 4242);
    assert_int_equal(record.tid, 4243);
    assert_int_equal(record.payload_size, 20);
}

static void every_known_guid_has_its_group(void **state)
{
    (void)state;
    const struct {
        const char *guid;
        uint8_t group;
    } cases[] = {
        {"00d9fd68 3e4a d111 84f40000f80464e3", HT_ETL_GROUP_HEADER},
        {"d3a86f3d 05fe d011 9dda00c04fd7ba7c", HT_ETL_GROUP_MEMORY},
        {"d0a86f3d 05fe d011 9dda00c04fd7ba7c", HT_ETL_GROUP_PROCESS},
        {"d1a86f3d 05fe d011 9dda00c04fd7ba7c", HT_ETL_GROUP_THREAD},
        {"653a8501 8f41 364f aefcdc0f1d2fd235", HT_ETL_GROUP_CONFIG},
        {"b4bf1dce 7e13 a64d 87b03f59aa102cbc", HT_ETL_GROUP_PERFINFO},
        {"ab622922 8061 884b a825346b75f2a24a", HT_ETL_GROUP_HEAP},
        {"1d5db12c c15f d211 abe100a0c911f518", HT_ETL_GROUP_IMAGE},
        {"46fef2de d67b 804b bd94f57fe20d0ce3", HT_ETL_GROUP_STACK},
        {"11ca81d7 c061 8743 b83daf52d3d2dd6a", HT_ETL_GROUP_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ht_etl_walk walk = walk_over("30000ac0 21000200 01000000 02000000 0300000000000000");
        sample_hex(cases[i].guid, bytes + 0x18, 16);
        walk.valid = 0x30;
        struct ht_etl_record record;
        assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_RECORD);
        assert_int_equal(record.group, cases[i].group);
        assert_int_equal(record.pointer_size, 4);
    }
}

static void an_instance_header_is_longer(void **state)
{
    (void)state;
    struct ht_etl_record record = only_record(
        "500015c0 24000200 93100000 92100000 2ccb9a3b00000000 | ab62292280 61884ba825346b75f2a24a |"
        "0000000000000000 | 01000000 02000000 00000000000000000000000000000000 |"
        "00001f0000000000");
    assert_int_equal(record.opcode, HT_ETL_HEAP_FREE);
    assert_int_equal(record.payload_size, 8);
}

#define EVENT_HEADER(size, flags)                                                                  \
    size "13c0" flags "0000 93100000 92100000 2ccb9a3b00000000 |"                                  \
         "ab62292280 61884ba825346b75f2a24a | 0000 03 00 00 20 0000 0000000000000000 |"            \
         "0000000000000000 | 00000000000000000000000000000000 |"

static void an_event_header_takes_opcode_and_version_from_its_descriptor(void **state)
{
    (void)state;
    struct ht_etl_record record = only_record(EVENT_HEADER("5800", "0000") "00001f0000000000");
    assert_int_equal(record.header, HT_ETL_EVENT64);
    assert_int_equal(record.group, HT_ETL_GROUP_HEAP);
    assert_int_equal(record.opcode, HT_ETL_HEAP_CREATE);
    assert_int_equal(record.version, 3);
    assert_int_equal(record.payload_size, 8);
}

static void extended_items_are_skipped(void **state)
{
    (void)state;
    // Two items, of 4 and of 8 bytes of data; the first is padded.
    struct ht_etl_record record =
        only_record(EVENT_HEADER("7800", "0100") "1000 0300 0100 0400 11111111 00000000 |"
                                                 "1000 0d00 0000 0800 2222222222222222 |"
                                                 "00001f0000000000");
    assert_int_equal(record.payload_size, 8);
    assert_int_equal(ht_load64(record.payload), 0x1f0000);
}

static void extended_items_past_the_record_leave_no_payload(void **state)
{
    (void)state;
    struct ht_etl_record record =
        only_record(EVENT_HEADER("6000", "0100") "1000 0300 0100 ff00 1111111100000000");
    assert_int_equal(record.payload_size, 0);
}

static void records_without_a_stamp_are_walked_over(void **state)
{
    (void)state;
    struct ht_etl_walk walk = walk_over("0a000090 05000000 1234 aaaaaaaaaaaa | 080000b0 00000000 |"
                                        "020002c0 2800 2310 93100000 92100000 bccc9a3b00000000"
                                        "0000000000000000 00001f0000000000");
    struct ht_etl_record record;
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_RECORD);
    assert_string_equal(ht_etl_header_name(record.header), "MESSAGE");
    assert_false(record.has_stamp);
    assert_int_equal(record.group, HT_ETL_GROUP_UNKNOWN);
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_RECORD);
    assert_string_equal(ht_etl_header_name(record.header), "TIME");
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_RECORD);
    assert_int_equal(record.opcode, HT_ETL_HEAP_DESTROY);
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_END);
}

static void filler_ends_the_walk(void **state)
{
    (void)state;
    struct ht_etl_walk walk = walk_over("ffffffff ffffffff");
    struct ht_etl_record record;
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_END);
    walk = walk_over("020002c0 280023");
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_END);
}

static void what_is_no_record_is_damage(void **state)
{
    (void)state;
    const char *const cases[] = {
        "020002c0 0000 2110 93100000 92100000", // size 0
        "020002c0 1f00 2110 93100000 92100000", // below its header
        "02000cc0 2800 2110 93100000 92100000", // a kind on its way out
        "020099c0 2800 2110 93100000 92100000", // no kind
        "02000240 2800 2110 93100000 92100000", // no family
        "00000000 0000 0000 00000000 00000000", "04000090 0000 0000",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ht_etl_walk walk = walk_over(cases[i]);
        struct ht_etl_record record;
        assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_DAMAGED);
        assert_int_equal(walk.at, 0);
    }
}

static void a_record_past_the_valid_bytes_is_told_apart(void **state)
{
    (void)state;
    struct ht_etl_walk walk = walk_over(sample_alloc);
    struct ht_etl_record record;
    walk.valid = 59;
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_PAST);
    walk.valid = 60; // the padding need not be there
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_RECORD);
    assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_header_gives_ids_stamp_and_hook),
        cmocka_unit_test(the_kind_gives_the_pointer_size),
        cmocka_unit_test(a_compact_header_has_no_times),
        cmocka_unit_test(a_perfinfo_header_has_no_ids),
        cmocka_unit_test(hardware_counters_before_a_payload_are_skipped),
        cmocka_unit_test(counters_past_the_record_leave_no_payload),
        cmocka_unit_test(a_full_header_is_mapped_by_its_guid),
        cmocka_unit_test(every_known_guid_has_its_group),
        cmocka_unit_test(an_instance_header_is_longer),
        cmocka_unit_test(an_event_header_takes_opcode_and_version_from_its_descriptor),
        cmocka_unit_test(extended_items_are_skipped),
        cmocka_unit_test(extended_items_past_the_record_leave_no_payload),
        cmocka_unit_test(records_without_a_stamp_are_walked_over),
        cmocka_unit_test(filler_ends_the_walk),
        cmocka_unit_test(what_is_no_record_is_damage),
        cmocka_unit_test(a_record_past_the_valid_bytes_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
