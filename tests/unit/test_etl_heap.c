// SPDX-License-Identifier: MIT
#include "formats/etl_heap.h"

#include "etl_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint8_t payload[65536];
static struct ht_etl_heap_details details;

static struct ht_etl_record record_of(uint8_t group, uint8_t opcode, uint8_t pointer_size,
                                      const char *hex)
{
    return (struct ht_etl_record){.group = group,
                                  .opcode = opcode,
                                  .pointer_size = pointer_size,
                                  .pid = 4242,
                                  .tid = 4243,
                                  .payload = payload,
                                  .payload_size = sample_hex(hex, payload, sizeof payload)};
}

static struct ht_event decoded(uint8_t group, uint8_t opcode, uint8_t pointer_size, const char *hex)
{
    struct ht_etl_record record = record_of(group, opcode, pointer_size, hex);
    struct ht_event event;
    assert_true(ht_etl_heap_is(&record));
    assert_true(ht_etl_heap_decode(&record, &event, &details));
    assert_int_equal(event.pid, 4242);
    assert_int_equal(event.tid, 4243);
    assert_int_equal(event.flags, pointer_size == 4 ? HT_FLAG_POINTER32 : 0);
    return event;
}

static struct ht_event heap64(uint8_t opcode, const char *hex)
{
    return decoded(HT_ETL_GROUP_HEAP, opcode, 8, hex);
}

static struct ht_event heap32(uint8_t opcode, const char *hex)
{
    return decoded(HT_ETL_GROUP_HEAP, opcode, 4, hex);
}

#define assert_details(...)                                                                        \
    do {                                                                                           \
        const uint64_t expected_[] = {__VA_ARGS__};                                                \
        assert_int_equal(details.count, sizeof expected_ / sizeof *expected_);                     \
        for (size_t i_ = 0; i_ < details.count; i_++)                                              \
            assert_int_equal(details.values[i_], expected_[i_]);                                   \
    } while (0)

static void alloc_is_read_in_both_widths(void **state)
{
    (void)state;
    struct ht_event event =
        heap64(0x21, "00001f0000000000 4000000000000000 00101f0000000000 03000000");
    assert_int_equal(event.kind, HT_KIND_ALLOC);
    assert_int_equal(event.heap, 0x1f0000);
    assert_int_equal(event.size, 64);
    assert_int_equal(event.address, 0x1f1000);
    assert_int_equal(ht_event_source(&event), 3);
    assert_int_equal(details.count, 0);
    event = heap32(0x21, "00004f00 10000000 00104f00 02000000");
    assert_int_equal(event.heap, 0x4f0000);
    assert_int_equal(event.size, 16);
    assert_int_equal(event.address, 0x4f1000);
    assert_int_equal(ht_event_source(&event), 2);
}

static void realloc_is_read_in_both_widths(void **state)
{
    (void)state;
    struct ht_event event = heap64(0x22, "00001f0000000000 00201f0000000000 00101f0000000000"
                                         "8000000000000000 4000000000000000 06000000");
    assert_int_equal(event.kind, HT_KIND_REALLOC);
    assert_int_equal(event.address, 0x1f2000);
    assert_int_equal(event.old_address, 0x1f1000);
    assert_int_equal(event.size, 128);
    assert_int_equal(event.old_size, 64);
    assert_int_equal(ht_event_source(&event), 6);
    event = heap32(0x22, "00004f00 00204f00 00104f00 80000000 40000000 03000000");
    assert_int_equal(event.address, 0x4f2000);
    assert_int_equal(event.old_address, 0x4f1000);
    assert_int_equal(event.size, 128);
    assert_int_equal(event.old_size, 64);
}

static void free_is_read_in_both_widths(void **state)
{
    (void)state;
    struct ht_event event = heap64(0x24, "00001f0000000000 00201f0000000000 03000000");
    assert_int_equal(event.kind, HT_KIND_FREE);
    assert_int_equal(event.address, 0x1f2000);
    assert_int_equal(ht_event_source(&event), 3);
    event = heap32(0x24, "00004f00 00204f00 01000000");
    assert_int_equal(event.address, 0x4f2000);
    assert_int_equal(ht_event_source(&event), 1);
}

static void bytes_behind_the_known_fields_are_ignored(void **state)
{
    (void)state;
    struct ht_event event = heap64(
        0x21, "00001f0000000000 4000000000000000 00101f0000000000 03000000 1122334455667788");
    assert_int_equal(event.size, 64);
    assert_int_equal(ht_event_source(&event), 3);
}

static void a_missing_source_is_none(void **state)
{
    (void)state;
    struct ht_event event = heap64(0x24, "00001f0000000000 00201f0000000000");
    assert_int_equal(event.address, 0x1f2000);
    assert_int_equal(ht_event_source(&event), 0);
}

static void create_knows_its_old_and_its_new_form(void **state)
{
    (void)state;
    struct ht_event event =
        heap64(0x20, "00001f0000000000 02000000 0000100000000000 0010000000000000"
                     "0020000000000000");
    assert_int_equal(event.kind, HT_KIND_CREATE);
    assert_int_equal(event.size, 0x1000);
    assert_details(2, 0x100000, 0x2000);
    event = heap64(0x20, "00001f0000000000 02000000");
    assert_int_equal(event.size, 0);
    assert_details(2);
    event = heap32(0x20, "00004f00 02000000 00001000 00100000 00200000");
    assert_int_equal(event.size, 0x1000);
    assert_details(2, 0x100000, 0x2000);
}

#define SPACE64                                                                                    \
    "00001f0000000000 0010000000000000 00301f0000000000 0100000000000000 0200000000000000"         \
    "0300000000000000 04000000"

static void extend_and_contract_carry_the_heap_s_space(void **state)
{
    (void)state;
    const uint8_t opcodes[] = {0x25, 0x2a};
    const uint8_t kinds[] = {HT_KIND_EXTEND, HT_KIND_CONTRACT};
    for (size_t i = 0; i < 2; i++) {
        struct ht_event event = heap64(opcodes[i], SPACE64 "0500000000000000");
        assert_int_equal(event.kind, kinds[i]);
        assert_int_equal(event.size, 0x1000);
        assert_int_equal(event.address, 0x1f3000);
        assert_details(1, 2, 3, 4, 5);
        heap64(opcodes[i], SPACE64);
        assert_details(1, 2, 3, 4);
        event = heap32(opcodes[i],
                       "00004f00 00100000 00304f00 01000000 02000000 03000000 04000000 05000000");
        assert_int_equal(event.address, 0x4f3000);
        assert_details(1, 2, 3, 4, 5);
    }
}

static void the_four_snapshots_share_a_form(void **state)
{
    (void)state;
    for (uint8_t opcode = 0x26; opcode <= 0x29; opcode++) {
        struct ht_event event =
            heap64(opcode, "00001f0000000000 0100000000000000 0010000000000000 0300000000000000"
                           "04000000 92100000 0600000000000000 07000000 08000000"
                           "0900000000000000");
        assert_int_equal(event.kind, HT_KIND_SNAPSHOT + (opcode - 0x26));
        assert_int_equal(event.size, 0x1000);
        assert_details(1, 3, 4, 4242, 6, 7, 8, 9);
        heap64(opcode, "00001f0000000000 0100000000000000 0010000000000000 0300000000000000"
                       "04000000 92100000 0600000000000000 07000000 08000000");
        assert_details(1, 3, 4, 4242, 6, 7, 8);
    }
}

static void kinds_of_a_heap_alone_have_no_more(void **state)
{
    (void)state;
    const uint8_t opcodes[] = {0x23, 0x2b, 0x2c, 0x2d, 0x2e};
    const uint8_t kinds[] = {HT_KIND_DESTROY, HT_KIND_LOCK, HT_KIND_UNLOCK, HT_KIND_VALIDATE,
                             HT_KIND_WALK};
    for (size_t i = 0; i < sizeof opcodes; i++) {
        struct ht_event event = heap64(opcodes[i], "00001f0000000000");
        assert_int_equal(event.kind, kinds[i]);
        assert_int_equal(event.heap, 0x1f0000);
        assert_int_equal(details.count, 0);
    }
}

static void subsegments_have_a_flag_byte_in_new_builds(void **state)
{
    (void)state;
    for (uint8_t opcode = 0x2f; opcode <= 0x32; opcode++) {
        struct ht_event event = heap64(opcode, "00001f0000000000 00401f0000000000"
                                               "0040000000000000 3000000000000000");
        assert_int_equal(event.kind, HT_KIND_SUBSEGMENT_ALLOC + (opcode - 0x2f));
        assert_int_equal(event.address, 0x1f4000);
        assert_int_equal(event.size, 0x4000);
        assert_details(0x30);
        heap64(opcode, "00001f0000000000 00401f0000000000 0040000000000000 3000000000000000"
                       "01 00000000000000");
        assert_details(0x30, 1);
        heap32(opcode, "00004f00 00404f00 00400000 30000000 02 000000");
        assert_details(0x30, 2);
    }
}

static void commit_and_decommit_keep_their_caller_as_source(void **state)
{
    (void)state;
    struct ht_event event =
        heap64(0x33, "00001f0000000000 00501f0000000000 0030000000000000 0a000000 00000000");
    assert_int_equal(event.kind, HT_KIND_COMMIT);
    assert_int_equal(event.address, 0x1f5000);
    assert_int_equal(event.size, 0x3000);
    assert_int_equal(ht_event_source(&event), 10);
    event = heap32(0x34, "00004f00 00504f00 00300000 0d000000");
    assert_int_equal(event.kind, HT_KIND_DECOMMIT);
    assert_int_equal(event.address, 0x4f5000);
    assert_int_equal(ht_event_source(&event), 13);
}

static void the_rest_of_the_low_fragmentation_heap_is_read(void **state)
{
    (void)state;
    struct ht_event event = heap64(
        0x35, "00001f0000000000 00401f0000000000 3000000000000000 5500000000000000 07000000");
    assert_int_equal(event.kind, HT_KIND_SUBSEGMENT_INIT);
    assert_int_equal(event.address, 0x1f4000);
    assert_int_equal(event.size, 0x30);
    assert_details(0x55, 7);
    event = heap64(0x36, "00001f0000000000 11000000");
    assert_int_equal(event.kind, HT_KIND_AFFINITY_ENABLE);
    assert_details(0x11);
    event = heap64(0x37, "00001f0000000000 12000000");
    assert_int_equal(event.kind, HT_KIND_RESERVED);
    assert_details(0x12);
    event = heap64(0x38, "00001f0000000000 00401f0000000000");
    assert_int_equal(event.kind, HT_KIND_SUBSEGMENT_ACTIVATED);
    assert_int_equal(event.address, 0x1f4000);
    event = heap64(0x39, "00001f0000000000 00401f0000000000 13000000");
    assert_int_equal(event.kind, HT_KIND_AFFINITY_ASSIGN);
    assert_details(0x13);
    event = heap64(0x3a, "00001f0000000000 00401f0000000000 14000000");
    assert_int_equal(event.kind, HT_KIND_REUSE_THRESHOLD);
    assert_int_equal(event.address, 0x1f4000);
    assert_details(0x14);
}

static struct ht_event range64(uint8_t opcode, const char *hex)
{
    return decoded(HT_ETL_GROUP_MEMORY, opcode, 8, hex);
}

static void ranges_are_read(void **state)
{
    (void)state;
    struct ht_event event = range64(0x65, "00001f0000000000 0000100000000000 02000000 00000000");
    assert_int_equal(event.kind, HT_KIND_RANGE_CREATE);
    assert_int_equal(event.size, 0x100000);
    assert_details(2);
    event = range64(0x66, "00001f0000000000 00002f0000000000 0000020000000000");
    assert_int_equal(event.kind, HT_KIND_RANGE_RESERVE);
    assert_int_equal(event.address, 0x2f0000);
    assert_int_equal(event.size, 0x20000);
    event = decoded(HT_ETL_GROUP_MEMORY, 0x67, 4, "00004f00 00005f00 00000200");
    assert_int_equal(event.kind, HT_KIND_RANGE_RELEASE);
    assert_int_equal(event.address, 0x5f0000);
    assert_int_equal(event.size, 0x20000);
    event = range64(0x68, "00001f0000000000");
    assert_int_equal(event.kind, HT_KIND_RANGE_DESTROY);
}

static void a_rundown_lists_its_ranges(void **state)
{
    (void)state;
    struct ht_event event =
        range64(0x64, "00001f0000000000 02000000 92100000 02000000 00000000 |"
                      "00001f0000000000 0000100000000000 | 00002f0000000000 0000020000000000");
    assert_int_equal(event.kind, HT_KIND_RANGE_RUNDOWN);
    assert_details(2, 4242, 2, 0x1f0000, 0x100000, 0x2f0000, 0x20000);
    assert_false(details.is_cut);
}

static void a_rundown_of_more_ranges_than_it_holds_says_so(void **state)
{
    (void)state;
    range64(0x64, "00001f0000000000 02000000 92100000 ffffffff 00000000 |"
                  "00001f0000000000 0000100000000000 | 00002f0000000000");
    assert_details(2, 4242, 0xffffffff, 0x1f0000, 0x100000);
    assert_true(details.is_cut);
}

static void a_rundown_stops_at_the_cap_of_a_detail(void **state)
{
    (void)state;
    struct ht_etl_record record =
        record_of(HT_ETL_GROUP_MEMORY, 0x64, 4, "00004f00 02000000 92100000 ffff0000 00000000");
    memset(payload + 20, 1, sizeof payload - 20);
    record.payload_size = sizeof payload;
    struct ht_event event;
    assert_true(ht_etl_heap_decode(&record, &event, &details));
    assert_int_equal(details.count, HT_DICT_DETAIL_VALUES_MAX - 1);
    assert_true(details.is_cut);
}

static void ranges_of_kernel_heaps_begin_32_bytes_later(void **state)
{
    (void)state;
    const char zeros[] = "0000000000000000 0000000000000000 0000000000000000 0000000000000000";
    char hex[512];
    snprintf(hex, sizeof hex, "%s %s", zeros, "00001f0000000000 00002f0000000000 0000020000000000");
    struct ht_event event = range64(0x66, hex);
    assert_int_equal(event.heap, 0x1f0000);
    assert_int_equal(event.address, 0x2f0000);
    assert_int_equal(event.size, 0x20000);
}

static void every_kind_shorter_than_its_fields_is_refused(void **state)
{
    (void)state;
    // The least bytes of each 64-bit payload, by opcode from 0x20.
    const uint8_t heap_least[] = {12, 24, 40, 8,  16, 52, 56, 56, 56, 56, 52, 8,  8, 8,
                                  8,  32, 32, 32, 32, 24, 24, 36, 12, 8,  16, 20, 20};
    const uint8_t range_least[] = {20, 20, 24, 24, 8};
    uint8_t ones[64];
    memset(ones, 1, sizeof ones);
    for (size_t i = 0; i < sizeof heap_least + sizeof range_least; i++) {
        bool is_range = i >= sizeof heap_least;
        size_t least = is_range ? range_least[i - sizeof heap_least] : heap_least[i];
        struct ht_etl_record record = {
            .group = is_range ? HT_ETL_GROUP_MEMORY : HT_ETL_GROUP_HEAP,
            .opcode = (uint8_t)(is_range ? 0x64 + i - sizeof heap_least : 0x20 + i),
            .pointer_size = 8,
            .payload = ones,
            .payload_size = least};
        struct ht_event event;
        assert_true(ht_etl_heap_is(&record));
        assert_true(ht_etl_heap_decode(&record, &event, &details));
        record.payload_size = least - 1;
        assert_false(ht_etl_heap_decode(&record, &event, &details));
    }
}

static void a_record_of_no_heap_is_refused(void **state)
{
    (void)state;
    struct ht_event event;
    struct ht_etl_record record = record_of(
        HT_ETL_GROUP_HEAP, 0x21, 8, "0000000000000000 4000000000000000 00101f0000000000 03000000");
    assert_false(ht_etl_heap_decode(&record, &event, &details));
    record.payload_size = 0;
    assert_false(ht_etl_heap_decode(&record, &event, &details));
}

static void other_records_are_no_heap_records(void **state)
{
    (void)state;
    struct ht_etl_record record = {.group = HT_ETL_GROUP_PERFINFO, .opcode = 0x21};
    assert_false(ht_etl_heap_is(&record)); // 0x0F is not the heap's group
    record = (struct ht_etl_record){.group = HT_ETL_GROUP_HEAP, .opcode = 0x1f};
    assert_false(ht_etl_heap_is(&record));
    record.opcode = 0x3b;
    assert_false(ht_etl_heap_is(&record));
    record = (struct ht_etl_record){.group = HT_ETL_GROUP_MEMORY, .opcode = 0x63};
    assert_false(ht_etl_heap_is(&record));
    record.opcode = 0x69;
    assert_false(ht_etl_heap_is(&record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc_is_read_in_both_widths),
        cmocka_unit_test(realloc_is_read_in_both_widths),
        cmocka_unit_test(free_is_read_in_both_widths),
        cmocka_unit_test(bytes_behind_the_known_fields_are_ignored),
        cmocka_unit_test(a_missing_source_is_none),
        cmocka_unit_test(create_knows_its_old_and_its_new_form),
        cmocka_unit_test(extend_and_contract_carry_the_heap_s_space),
        cmocka_unit_test(the_four_snapshots_share_a_form),
        cmocka_unit_test(kinds_of_a_heap_alone_have_no_more),
        cmocka_unit_test(subsegments_have_a_flag_byte_in_new_builds),
        cmocka_unit_test(commit_and_decommit_keep_their_caller_as_source),
        cmocka_unit_test(the_rest_of_the_low_fragmentation_heap_is_read),
        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(a_rundown_lists_its_ranges),
        cmocka_unit_test(a_rundown_of_more_ranges_than_it_holds_says_so),
        cmocka_unit_test(a_rundown_stops_at_the_cap_of_a_detail),
        cmocka_unit_test(ranges_of_kernel_heaps_begin_32_bytes_later),
        cmocka_unit_test(every_kind_shorter_than_its_fields_is_refused),
        cmocka_unit_test(a_record_of_no_heap_is_refused),
        cmocka_unit_test(other_records_are_no_heap_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
