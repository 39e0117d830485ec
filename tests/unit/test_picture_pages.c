// SPDX-License-Identifier: MIT
#include "formats/picture_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum { PAGE = HT_PICTURE_PAGE_BYTES };

static uint64_t count;

static void add(struct ht_picture_pages *pages, uint32_t space, uint64_t address, uint64_t size)
{
    assert_int_equal(ht_picture_pages_add(pages, space, address, size, &count, NULL), HT_OK);
}

static void a_page_counts_once_whatever_is_on_it(void **state)
{
    (void)state;
    struct ht_picture_pages pages = {0};
    count = 0;
    add(&pages, 1, 0x10000, 16);
    add(&pages, 1, 0x10010, 16);
    assert_int_equal(count, 1);
    add(&pages, 1, 0x10FF0, 32); // and the next one
    assert_int_equal(count, 2);
    add(&pages, 2, 0x10000, 16); // another space
    assert_int_equal(count, 3);
    add(&pages, 1, 0x20000, 0);
    assert_int_equal(count, 3);
    add(&pages, 1, 0x40000, 100 * PAGE);
    assert_int_equal(count, 103);
    add(&pages, 1, UINT64_MAX - 15, 4096); // as far as addresses go
    assert_int_equal(count, 104);
    ht_picture_pages_remove(&pages, 1, UINT64_MAX - 15, 4096, &count);
    ht_picture_pages_remove(&pages, 1, 0x40000, 100 * PAGE, &count);
    ht_picture_pages_remove(&pages, 1, 0x10000, 16, &count);
    ht_picture_pages_remove(&pages, 1, 0x10010, 16, &count);
    assert_int_equal(count, 3);
    ht_picture_pages_remove(&pages, 1, 0x10FF0, 32, &count);
    ht_picture_pages_remove(&pages, 2, 0x10000, 16, &count);
    assert_int_equal(count, 0);
    assert_int_equal(pages.used, 0);
    ht_picture_pages_reset(&pages);
}

// Blocks that come and go at random, each beginning in a place of its own.
static void pages_are_those_of_a_slow_model(void **state)
{
    (void)state;
    enum { PLACES = 512, PLACE = 3 * PAGE / 2, PAGES = PLACES * 2 };
    static bool is_live[PLACES];
    static uint64_t sizes[PLACES];
    static uint32_t blocks[PAGES];
    struct ht_picture_pages pages = {0};
    uint32_t random = 1;
    uint64_t expected = 0;
    count = 0;
    for (int i = 0; i < 100000; i++) {
        random = random * 1664525u + 1013904223u;
        uint32_t place = (random >> 16) % PLACES;
        uint64_t address = (uint64_t)place * PLACE;
        if (!is_live[place])
            sizes[place] = 1 + (random >> 4) % PLACE;
        uint64_t first = address / PAGE;
        uint64_t last = (address + sizes[place] - 1) / PAGE;
        for (uint64_t page = first; page <= last; page++) {
            expected -= blocks[page] > 0;
            blocks[page] += is_live[place] ? UINT32_MAX : 1;
            expected += blocks[page] > 0;
        }
        if (is_live[place])
            ht_picture_pages_remove(&pages, 7, address, sizes[place], &count);
        else
            add(&pages, 7, address, sizes[place]);
        is_live[place] = !is_live[place];
        assert_int_equal(count, expected);
    }
    ht_picture_pages_reset(&pages);
}

// More blocks on one page than can be counted: in a damaged recording they overlap.
static void a_page_that_is_crowded_stays(void **state)
{
    (void)state;
    struct ht_picture_pages pages = {0};
    count = 0;
    for (int i = 0; i < 70000; i++)
        add(&pages, 0, 0x5000, 8);
    assert_int_equal(count, 1);
    for (int i = 0; i < 70000; i++)
        ht_picture_pages_remove(&pages, 0, 0x5000, 8, &count);
    assert_int_equal(count, 1);
    ht_picture_pages_reset(&pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_counts_once_whatever_is_on_it),
        cmocka_unit_test(pages_are_those_of_a_slow_model),
        cmocka_unit_test(a_page_that_is_crowded_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
