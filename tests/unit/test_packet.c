// SPDX-License-Identifier: MIT
#include "compact.pb-c.h"
#include "formats/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_message_is_framed_as_a_field(void **state)
{
    (void)state;
    struct ht_buffer sink = ht_buffer_with_limit(100);
    Ht__Counter counter = HT__COUNTER__INIT;
    counter.name = (char *)"ab";
    counter.count = 300;
    assert_int_equal(ht_packet_append(&sink, 20, &counter.base, NULL), HT_OK);
    const uint8_t expected[] = {0xA2, 0x01, 7, 0x0A, 2, 'a', 'b', 0x10, 0xAC, 0x02};
    assert_int_equal(sink.size, sizeof expected);
    assert_memory_equal(sink.data, expected, sizeof expected);
    ht_buffer_reset(&sink);
}

static void a_message_over_the_limit_leaves_the_sink_as_it_was(void **state)
{
    (void)state;
    struct ht_buffer sink = ht_buffer_with_limit(12);
    Ht__Counter counter = HT__COUNTER__INIT;
    counter.name = (char *)"abcd";
    assert_int_equal(ht_packet_append(&sink, 1, &counter.base, NULL), HT_OK);
    assert_int_equal(sink.size, 8);
    assert_int_equal(ht_packet_append(&sink, 1, &counter.base, NULL), HT_LIMIT);
    assert_int_equal(sink.size, 8);
    ht_buffer_reset(&sink);
}

static void what_was_appended_is_taken_in_order(void **state)
{
    (void)state;
    struct ht_buffer sink = ht_buffer_with_limit(1000);
    Ht__Counter counter = HT__COUNTER__INIT;
    for (uint32_t i = 0; i < 3; i++) {
        counter.count = i * 100;
        assert_int_equal(ht_packet_append(&sink, i + 1, &counter.base, NULL), HT_OK);
    }
    struct ht_cursor content = ht_cursor_over(sink.data, sink.size);
    struct ht_packet packet;
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(ht_packet_next(&content, &packet));
        assert_int_equal(packet.field, i + 1);
        Ht__Counter *back = ht__counter__unpack(NULL, packet.size, packet.data);
        assert_non_null(back);
        assert_int_equal(back->count, i * 100);
        ht__counter__free_unpacked(back, NULL);
    }
    assert_false(ht_packet_next(&content, &packet));
    assert_false(content.failed);
    ht_buffer_reset(&sink);
}

static void fields_that_are_no_messages_are_stepped_over(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x08, 0xFF, 0x01,                // 1: varint
                             0x11, 1,    2,    3, 4, 5, 6, 7, // 2: 8 bytes
                             8,                               //
                             0x1D, 1,    2,    3, 4,          // 3: 4 bytes
                             0x22, 1,    'x'};                // 4: bytes
    struct ht_cursor content = ht_cursor_over(bytes, sizeof bytes);
    struct ht_packet packet;
    assert_true(ht_packet_next(&content, &packet));
    assert_int_equal(packet.field, 4);
    assert_int_equal(packet.size, 1);
    assert_int_equal(packet.data[0], 'x');
    assert_false(ht_packet_next(&content, &packet));
    assert_false(content.failed);
}

static void check_refused(const uint8_t *bytes, size_t size)
{
    struct ht_cursor content = ht_cursor_over(bytes, size);
    struct ht_packet packet;
    assert_false(ht_packet_next(&content, &packet));
    assert_true(content.failed);
    assert_false(ht_packet_next(&content, &packet));
}

static void bytes_that_are_no_protobuf_are_refused(void **state)
{
    (void)state;
    const uint8_t past_the_end[] = {0x0A, 3, 1, 2};
    const uint8_t huge_length[] = {0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                   0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0};
    const uint8_t over_64_bits[] = {0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                    0xFF, 0xFF, 0xFF, 0xFF, 0x02};
    const uint8_t endless_varint[] = {0x08, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
    const uint8_t field_0[] = {0x02, 0};
    const uint8_t group[] = {0x0B, 0x0C};
    const uint8_t no_length[] = {0x0A};
    check_refused(past_the_end, sizeof past_the_end);
    check_refused(huge_length, sizeof huge_length);
    check_refused(over_64_bits, sizeof over_64_bits);
    check_refused(endless_varint, sizeof endless_varint);
    check_refused(field_0, sizeof field_0);
    check_refused(group, sizeof group);
    check_refused(no_length, sizeof no_length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_framed_as_a_field),
        cmocka_unit_test(a_message_over_the_limit_leaves_the_sink_as_it_was),
        cmocka_unit_test(what_was_appended_is_taken_in_order),
        cmocka_unit_test(fields_that_are_no_messages_are_stepped_over),
        cmocka_unit_test(bytes_that_are_no_protobuf_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
