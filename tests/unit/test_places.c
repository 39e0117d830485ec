// SPDX-License-Identifier: MIT
#include "convert/places.h"

#include "formats/mix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 20000 };

static struct ht_places places;
static bool is_in[KEYS];

static int open_places(void **state)
{
    (void)state;
    memset(is_in, 0, sizeof is_in);
    return ht_places_grow(&places, NULL) == HT_OK ? 0 : -1;
}

static int close_places(void **state)
{
    (void)state;
    ht_places_reset(&places);
    return 0;
}

// `spread` is how many hashes there are: with few, many keys share a line and a tag.
static uint64_t hash_of(uint32_t key, uint32_t spread)
{
    return ht_mix(key % spread);
}

static bool find(uint32_t key, uint32_t spread, struct ht_place *place)
{
    *place = ht_places_search(&places, hash_of(key, spread));
    while (ht_places_next(&places, place))
        if (place->index == key)
            return true;
    return false;
}

static void put(uint32_t key, uint32_t spread)
{
    if (ht_places_is_full(&places)) {
        assert_int_equal(ht_places_grow(&places, NULL), HT_OK);
        for (uint32_t i = 0; i < KEYS; i++)
            if (is_in[i])
                ht_places_put(&places, hash_of(i, spread), i);
    }
    ht_places_put(&places, hash_of(key, spread), key);
    is_in[key] = true;
}

static void take(uint32_t key, uint32_t spread)
{
    struct ht_place place;
    assert_true(find(key, spread, &place));
    ht_places_remove(&places, &place, hash_of(key, spread));
    is_in[key] = false;
}

static void check(uint32_t spread)
{
    uint32_t count = 0;
    struct ht_place place;
    for (uint32_t key = 0; key < KEYS; key++) {
        assert_int_equal(find(key, spread, &place), is_in[key]);
        count += is_in[key];
    }
    assert_int_equal(places.used, count);
}

static void what_was_put_is_found_until_it_is_removed(void **state)
{
    (void)state;
    for (uint32_t key = 0; key < KEYS; key++)
        put(key, KEYS);
    check(KEYS);
    for (uint32_t key = 0; key < KEYS; key += 3)
        take(key, KEYS);
    check(KEYS);
    for (uint32_t key = 0; key < KEYS; key += 6)
        put(key, KEYS);
    check(KEYS);
}

// More entries than a line has room for, of the same line and of the same tag.
static void entries_that_passed_a_full_line_are_found(void **state)
{
    (void)state;
    for (uint32_t key = 0; key < 500; key++)
        put(key, 3);
    check(3);
    for (uint32_t key = 0; key < 500; key += 2)
        take(key, 3);
    check(3);
    for (uint32_t key = 0; key < 500; key += 4)
        put(key, 3);
    check(3);
}

static void nothing_is_left_behind_by_what_passed(void **state)
{
    (void)state;
    for (uint32_t key = 0; key < 500; key++)
        put(key, 3);
    for (uint32_t key = 0; key < 500; key++)
        take(key, 3);
    assert_int_equal(places.used, 0);
    for (uint32_t line = 0; line <= places.mask; line++)
        for (int i = 0; i < 4; i++)
            assert_int_equal(places.lines[line].words[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_found_until_it_is_removed, open_places,
                                        close_places),
        cmocka_unit_test_setup_teardown(entries_that_passed_a_full_line_are_found, open_places,
                                        close_places),
        cmocka_unit_test_setup_teardown(nothing_is_left_behind_by_what_passed, open_places,
                                        close_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
