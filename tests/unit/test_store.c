// SPDX-License-Identifier: MIT
#include "formats/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ht_store store;

static int set_up(void **state)
{
    (void)state;
    store = ht_store_with_limits(1 << 20, 16 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ht_store_reset(&store);
    return 0;
}

static uint32_t add(const void *value, size_t size)
{
    uint32_t number = 0;
    assert_int_equal(ht_store_add(&store, value, size, &number, NULL), HT_OK);
    return number;
}

static void assert_kept(uint32_t number, const void *value, size_t size)
{
    size_t kept_size = 0;
    const uint8_t *kept = ht_store_get(&store, number, &kept_size);
    assert_int_equal(kept_size, size);
    assert_memory_equal(kept, value, size);
    assert_int_equal(kept[size], 0);
}

static void equal_values_have_one_number(void **state)
{
    (void)state;
    assert_int_equal(add("abc", 3), 1);
    assert_int_equal(add("abcd", 4), 2);
    assert_int_equal(add("abc", 3), 1);
    assert_int_equal(store.count, 2);
    assert_kept(1, "abc", 3);
    assert_kept(2, "abcd", 4);
}

static void values_differ_by_any_byte_of_any_length(void **state)
{
    (void)state;
    uint8_t value[100] = {0};
    uint32_t expected = 0;
    for (size_t size = 0; size <= sizeof value; size++) {
        assert_int_equal(add(value, size), ++expected);
        for (size_t i = 0; i < size; i++) {
            value[i] = 0x80;
            assert_int_equal(add(value, size), ++expected);
            assert_kept(expected, value, size);
            value[i] = 0;
        }
    }
}

static void many_values_are_found_again_and_never_move(void **state)
{
    (void)state;
    char text[32];
    size_t size = 0;
    add("first", 5);
    const uint8_t *first = ht_store_get(&store, 1, &size);
    for (uint32_t i = 0; i < 20000; i++)
        assert_int_equal(add(text, (size_t)snprintf(text, sizeof text, "value %u", i)), i + 2);
    for (uint32_t i = 0; i < 20000; i++)
        assert_int_equal(add(text, (size_t)snprintf(text, sizeof text, "value %u", i)), i + 2);
    assert_ptr_equal(ht_store_get(&store, 1, &size), first);
}

static void a_value_larger_than_a_page_is_kept(void **state)
{
    (void)state;
    size_t size = 3 << 20;
    uint8_t *value = malloc(size);
    assert_non_null(value);
    memset(value, 0x5A, size);
    assert_int_equal(add("before", 6), 1);
    assert_int_equal(add(value, size), 2);
    assert_int_equal(add("behind", 6), 3);
    assert_kept(2, value, size);
    assert_kept(3, "behind", 6);
    free(value);
}

static void a_full_store_takes_nothing_new_and_finds_the_old(void **state)
{
    (void)state;
    uint32_t number = 7;
    store = ht_store_with_limits(2, 100);
    add("a", 1);
    add("b", 1);
    assert_int_equal(ht_store_add(&store, "c", 1, &number, NULL), HT_LIMIT);
    assert_int_equal(number, 0);
    assert_int_equal(add("b", 1), 2);
    ht_store_reset(&store);
    store = ht_store_with_limits(100, 5);
    add("abc", 3);
    assert_int_equal(ht_store_add(&store, "xyz", 3, &number, NULL), HT_LIMIT);
    assert_int_equal(add("xy", 2), 2);
}

static void a_number_not_given_has_no_value(void **state)
{
    (void)state;
    size_t size = 9;
    assert_null(ht_store_get(&store, 0, &size));
    assert_int_equal(size, 0);
    add("a", 1);
    assert_null(ht_store_get(&store, 2, &size));
}

static void a_store_that_was_reset_begins_anew(void **state)
{
    (void)state;
    add("a", 1);
    ht_store_reset(&store);
    assert_int_equal(store.count, 0);
    assert_int_equal(add("b", 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_values_have_one_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_differ_by_any_byte_of_any_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_values_are_found_again_and_never_move, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_value_larger_than_a_page_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_store_takes_nothing_new_and_finds_the_old, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_number_not_given_has_no_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_was_reset_begins_anew, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
