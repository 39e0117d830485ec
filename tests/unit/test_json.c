// SPDX-License-Identifier: MIT
#include "formats/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// A JSON writer into memory.
struct page {
    struct ht_buffer text;
    struct ht_output *output;
    struct ht_json json;
};

static int open_page(void **state)
{
    struct page *page = calloc(1, sizeof *page);
    *state = page;
    if (page == NULL)
        return -1;
    page->text = ht_buffer_with_limit(4096);
    enum ht_status status = ht_output_open_memory(&page->text, &page->output, NULL);
    page->json = ht_json_over(page->output);
    return status == HT_OK ? 0 : -1;
}

static int close_page(void **state)
{
    struct page *page = *state;
    ht_output_close(page->output);
    ht_buffer_reset(&page->text);
    free(page);
    return 0;
}

static void expect(struct page *page, const char *expected)
{
    assert_int_equal(ht_json_status(&page->json, NULL), HT_OK);
    assert_int_equal(ht_output_commit(page->output, NULL), HT_OK);
    assert_int_equal(ht_buffer_append(&page->text, "", 1, NULL), HT_OK);
    assert_string_equal((const char *)page->text.data, expected);
}

static void commas_stand_between_and_nowhere_else(void **state)
{
    struct page *page = *state;
    struct ht_json *json = &page->json;
    ht_json_begin_object(json);
    ht_json_key(json, "a");
    ht_json_begin_array(json);
    ht_json_end(json);
    ht_json_key(json, "b");
    ht_json_begin_array(json);
    ht_json_u64(json, 1);
    ht_json_begin_object(json);
    ht_json_end(json);
    ht_json_bool(json, false);
    ht_json_end(json);
    ht_json_key(json, "c");
    ht_json_bool(json, true);
    ht_json_end(json);
    expect(page, "{\"a\":[],\"b\":[1,{},false],\"c\":true}");
}

static void numbers_are_exact_at_their_ends(void **state)
{
    struct page *page = *state;
    struct ht_json *json = &page->json;
    ht_json_begin_array(json);
    ht_json_u64(json, UINT64_MAX);
    ht_json_i64(json, INT64_MIN);
    ht_json_hex(json, 0);
    ht_json_hex(json, UINT64_MAX);
    ht_json_thousandths(json, 0);
    ht_json_thousandths(json, 1500);
    ht_json_thousandths(json, UINT64_MAX);
    ht_json_real(json, 0.75);
    ht_json_real(json, 1e300);
    ht_json_end(json);
    expect(page, "[18446744073709551615,-9223372036854775808,\"0x0\",\"0xffffffffffffffff\","
                 "0.000,1.500,18446744073709551.615,0.75,1e+300]");
}

static void lines_break_before_tokens(void **state)
{
    struct page *page = *state;
    struct ht_json *json = &page->json;
    ht_json_begin_array(json);
    for (uint64_t i = 0; i < 2; i++) {
        ht_json_line(json);
        ht_json_u64(json, i);
    }
    ht_json_line(json);
    ht_json_end(json);
    expect(page, "[\n0,\n1\n]");
}

static void only_what_must_be_is_escaped(void **state)
{
    struct page *page = *state;
    ht_json_string(&page->json, "say \"C:\\x\"\n\t\x01\x1f\x7f");
    expect(page, "\"say \\\"C:\\\\x\\\"\\n\\t\\u0001\\u001f\x7f\"");
}

static void utf8_is_kept_raw(void **state)
{
    struct page *page = *state;
    ht_json_string(&page->json, "h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x93\xBC");
    expect(page, "\"h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x93\xBC\"");
}

static void bad_bytes_surrogates_and_nul_become_replacements(void **state)
{
    struct page *page = *state;
    static const char text[] = "a\xFF"
                               "b\0c\xED\xA0\x80\xE2\x82";
    ht_json_text(&page->json, text, sizeof text - 1);
    expect(page, "\"a\xEF\xBF\xBD"
                 "b\xEF\xBF\xBD"
                 "c\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void keys_are_escaped_too(void **state)
{
    struct page *page = *state;
    ht_json_begin_object(&page->json);
    ht_json_key(&page->json, "a\"b");
    ht_json_string(&page->json, "");
    ht_json_end(&page->json);
    expect(page, "{\"a\\\"b\":\"\"}");
}

// Pieces around the size of what is held, and larger ones, stay in their order.
static void long_texts_stand_where_they_belong(void **state)
{
    struct page *page = *state;
    static const size_t lengths[] = {
        1, HT_JSON_HELD_BYTES - 9, 3, HT_JSON_HELD_BYTES, HT_JSON_HELD_BYTES + 1, 2};
    static char text[HT_JSON_HELD_BYTES + 1];
    static char expected[4 * HT_JSON_HELD_BYTES];
    page->text = ht_buffer_with_limit(sizeof expected);
    size_t at = 0;
    memset(text, 'x', sizeof text);
    ht_json_begin_array(&page->json);
    expected[at++] = '[';
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        ht_json_text(&page->json, text, lengths[i]);
        if (i > 0)
            expected[at++] = ',';
        expected[at++] = '"';
        memcpy(expected + at, text, lengths[i]);
        at += lengths[i];
        expected[at++] = '"';
    }
    ht_json_end(&page->json);
    expected[at++] = ']';
    expect(page, expected);
}

static void the_first_failure_stays(void **state)
{
    struct page *page = *state;
    struct ht_error error = {""};
    for (int i = 0; i < 1000; i++)
        ht_json_string(&page->json, "more than the page holds");
    assert_int_equal(ht_json_status(&page->json, &error), HT_LIMIT);
    assert_string_not_equal(error.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commas_stand_between_and_nowhere_else, open_page,
                                        close_page),
        cmocka_unit_test_setup_teardown(numbers_are_exact_at_their_ends, open_page, close_page),
        cmocka_unit_test_setup_teardown(lines_break_before_tokens, open_page, close_page),
        cmocka_unit_test_setup_teardown(only_what_must_be_is_escaped, open_page, close_page),
        cmocka_unit_test_setup_teardown(utf8_is_kept_raw, open_page, close_page),
        cmocka_unit_test_setup_teardown(bad_bytes_surrogates_and_nul_become_replacements, open_page,
                                        close_page),
        cmocka_unit_test_setup_teardown(keys_are_escaped_too, open_page, close_page),
        cmocka_unit_test_setup_teardown(long_texts_stand_where_they_belong, open_page, close_page),
        cmocka_unit_test_setup_teardown(the_first_failure_stays, open_page, close_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
