// SPDX-License-Identifier: MIT
#include "replay/sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    uint32_t key;
    unsigned char rest[29]; // travels with its key
};

static bool is_before(const void *one, const void *other)
{
    return ((const struct item *)one)->key < ((const struct item *)other)->key;
}

static void assert_sorts(size_t count, uint32_t keys)
{
    static struct item items[1000];
    uint32_t sum = 0;
    uint32_t random = 12345;
    for (size_t i = 0; i < count; i++) {
        random = random * 1664525 + 1013904223;
        items[i].key = (random >> 8) % keys;
        items[i].rest[28] = (unsigned char)(items[i].key * 7);
        sum += items[i].key;
    }
    ht_sort(items, count, sizeof items[0], is_before);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || items[i - 1].key <= items[i].key);
        assert_int_equal(items[i].rest[28], (unsigned char)(items[i].key * 7));
        sum -= items[i].key;
    }
    assert_int_equal(sum, 0);
}

static void items_come_out_in_order(void **state)
{
    (void)state;
    for (size_t count = 0; count < 40; count++) {
        assert_sorts(count, 1000);
    }
    assert_sorts(1000, 1000000);
}

static void equal_items_are_all_kept(void **state)
{
    (void)state;
    assert_sorts(999, 1);
    assert_sorts(1000, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_order),
        cmocka_unit_test(equal_items_are_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
