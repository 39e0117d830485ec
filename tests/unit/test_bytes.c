// SPDX-License-Identifier: MIT
#include "formats/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void loads_are_little_endian(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 0xF8};
    assert_int_equal(ht_load16(bytes), 0x0201);
    assert_int_equal(ht_load32(bytes), 0x04030201);
    assert_true(ht_load64(bytes) == 0xF807060504030201u);
}

static void stores_are_read_back(void **state)
{
    (void)state;
    uint8_t bytes[8];
    ht_store64(bytes, 0x8877665544332211u);
    assert_int_equal(bytes[0], 0x11);
    assert_int_equal(bytes[7], 0x88);
    assert_true(ht_load64(bytes) == 0x8877665544332211u);
}

static void cursor_fails_once_and_stays_failed(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 4, 5};
    struct ht_cursor cursor = ht_cursor_over(bytes, sizeof bytes);
    assert_int_equal(ht_cursor_u32(&cursor), 0x04030201);
    assert_int_equal(ht_cursor_u32(&cursor), 0);
    assert_true(cursor.failed);
    assert_int_equal(ht_cursor_u8(&cursor), 0); // there is a byte left, but the cursor has failed
}

static void cursor_reads_pointers_of_both_widths(void **state)
{
    (void)state;
    const uint8_t bytes[12] = {1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0};
    struct ht_cursor cursor = ht_cursor_over(bytes, sizeof bytes);
    assert_int_equal(ht_cursor_pointer(&cursor, 4), 1);
    assert_int_equal(ht_cursor_pointer(&cursor, 8), 2);
    assert_false(cursor.failed);
    assert_int_equal(ht_cursor_left(&cursor), 0);
}

static void buffer_grows_to_its_limit_and_no_further(void **state)
{
    (void)state;
    struct ht_error error;
    struct ht_buffer buffer = ht_buffer_with_limit(1000);
    char block[300];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ht_buffer_append(&buffer, block, sizeof block, &error), HT_OK);
    assert_int_equal(ht_buffer_append(&buffer, block, sizeof block, &error), HT_LIMIT);
    assert_string_equal(error.text, "1200 bytes are over the cap of 1000");
    assert_int_equal(buffer.size, 900);
    assert_int_equal(ht_buffer_append(&buffer, block, 100, &error), HT_OK);
    assert_int_equal(buffer.size, 1000);
    ht_buffer_reset(&buffer);
    assert_null(buffer.data);
}

static void check_utf16(const void *utf16, size_t size, const char *expected)
{
    char out[64];
    assert_true(ht_utf8_bound(size) < sizeof out);
    size_t length = ht_utf8_from_utf16(utf16, size, out);
    out[length] = 0;
    assert_string_equal(out, expected);
}

static void utf16_becomes_utf8(void **state)
{
    (void)state;
    check_utf16("a\0\xe9\0\xac\x20", 6, "a\xc3\xa9\xe2\x82\xac");
    check_utf16("\x3d\xd8\x00\xde", 4, "\xf0\x9f\x98\x80"); // a surrogate pair
    check_utf16("a\0\0\0b\0", 6, "a");                      // stops at NUL
    check_utf16("a\0b", 3, "a");                            // half a unit at the end
}

static void lone_surrogates_become_replacement_characters(void **state)
{
    (void)state;
    check_utf16("\x3d\xd8", 2, "\xef\xbf\xbd");
    check_utf16("\x00\xde"
                "a\0",
                4,
                "\xef\xbf\xbd"
                "a");
    check_utf16("\x3d\xd8\x3d\xd8\x00\xde", 6, "\xef\xbf\xbd\xf0\x9f\x98\x80");
}

static void check_bytes(const char *text, const char *expected)
{
    char out[64];
    size_t length = ht_utf8_from_bytes((const uint8_t *)text, strlen(text), out);
    out[length] = 0;
    assert_string_equal(out, expected);
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    (void)state;
    check_bytes("notepad.exe", "notepad.exe");
    check_bytes("caf\xc3\xa9", "caf\xc3\xa9");
    check_bytes("caf\xe9!", "caf\xef\xbf\xbd!");
    check_bytes("\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd");                   // overlong
    check_bytes("\xed\xa0\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"); // a surrogate
    check_bytes("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
}

static void text_of_anybody_is_made_plain(void **state)
{
    (void)state;
    char text[] = "a\xFF\x01\xC3\xA4\xED\xA0\x80\x7F\n\xF0\x9F\x98\x80\xC3";
    ht_utf8_make_plain(text);
    assert_string_equal(text, "a??\xC3\xA4?????\xF0\x9F\x98\x80?");
    char empty[] = "";
    ht_utf8_make_plain(empty);
    assert_string_equal(empty, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_are_little_endian),
        cmocka_unit_test(stores_are_read_back),
        cmocka_unit_test(cursor_fails_once_and_stays_failed),
        cmocka_unit_test(cursor_reads_pointers_of_both_widths),
        cmocka_unit_test(buffer_grows_to_its_limit_and_no_further),
        cmocka_unit_test(utf16_becomes_utf8),
        cmocka_unit_test(lone_surrogates_become_replacement_characters),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(text_of_anybody_is_made_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
