// SPDX-License-Identifier: MIT
#include "replay/what_if.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ht_what_if_filter *open_with(const char *first, const char *second)
{
    struct ht_what_if what_if = {0};
    struct ht_what_if_filter *filter;
    assert_int_equal(ht_what_if_add(&what_if, first, NULL), HT_OK);
    if (second != NULL) {
        assert_int_equal(ht_what_if_add(&what_if, second, NULL), HT_OK);
    }
    assert_true(ht_what_if_is_any(&what_if));
    assert_int_equal(ht_what_if_open(&filter, &what_if, NULL), HT_OK);
    return filter;
}

static void give(struct ht_what_if_filter *filter, struct ht_change change, bool is_left,
                 struct ht_change expected)
{
    bool found;
    assert_int_equal(ht_what_if_apply(filter, &change, &found, NULL), HT_OK);
    assert_int_equal(found, is_left);
    if (is_left) {
        assert_int_equal(change.kind, expected.kind);
        assert_int_equal(change.size, expected.size);
        if (change.kind == HT_CHANGE_RESIZE) {
            assert_int_equal(change.old_size, expected.old_size);
        }
    }
}

static struct ht_change begin(uint32_t block, uint64_t size)
{
    return (struct ht_change){.kind = HT_CHANGE_BEGIN, .block = block, .size = size};
}

static struct ht_change resize(uint32_t block, uint64_t old_size, uint64_t size)
{
    return (struct ht_change){
        .kind = HT_CHANGE_RESIZE, .block = block, .size = size, .old_size = old_size};
}

static struct ht_change end(uint32_t block, uint64_t size)
{
    return (struct ht_change){.kind = HT_CHANGE_END, .block = block, .size = size};
}

static void growth_gives_capacity_and_spares_reallocs(void **state)
{
    (void)state;
    struct ht_change none = {0};
    struct ht_what_if_filter *filter = open_with("growth=2", NULL);
    give(filter, begin(5, 100), true, begin(5, 100));
    give(filter, resize(5, 100, 101), true, resize(5, 100, 200));
    give(filter, resize(5, 101, 150), false, none);
    give(filter, resize(5, 150, 200), false, none);
    give(filter, resize(5, 200, 100), false, none);               // 200 is not over 2 * 100
    give(filter, resize(5, 100, 99), true, resize(5, 200, 99));   // but over 2 * 99
    give(filter, resize(5, 99, 1000), true, resize(5, 99, 1000)); // more than twice
    give(filter, resize(5, 1000, 1001), true, resize(5, 1000, 2000));
    give(filter, end(5, 1001), true, end(5, 2000));
    give(filter, begin(5, 7), true, begin(5, 7)); // the number again: another block
    give(filter, resize(5, 7, 7), false, none);
    const struct ht_what_if_counts *counts = ht_what_if_counts(filter);
    assert_int_equal(counts->spared, 4);
    assert_int_equal(counts->spare_peak_bytes, 999);
    assert_int_equal(counts->elsewhere, 0);
    ht_what_if_close(filter);
}

static void a_factor_has_two_digits_behind_the_point(void **state)
{
    (void)state;
    struct ht_change none = {0};
    struct ht_what_if_filter *filter = open_with("growth=1.25", NULL);
    give(filter, begin(0, 1000), true, begin(0, 1000));
    give(filter, resize(0, 1000, 1001), true, resize(0, 1000, 1250));
    give(filter, resize(0, 1001, 1000), false, none);
    give(filter, resize(0, 1000, 999), true, resize(0, 1250, 999));
    ht_what_if_close(filter);
}

static void sizes_near_the_end_of_numbers_stay_sizes(void **state)
{
    (void)state;
    struct ht_what_if_filter *filter = open_with("growth=10", NULL);
    give(filter, begin(0, PTRDIFF_MAX / 2), true, begin(0, PTRDIFF_MAX / 2));
    give(filter, resize(0, 0, PTRDIFF_MAX / 2 + 1), true, resize(0, PTRDIFF_MAX / 2, PTRDIFF_MAX));
    give(filter, resize(0, 0, UINT64_MAX), true, resize(0, PTRDIFF_MAX, UINT64_MAX));
    give(filter, resize(0, 0, 0), true, resize(0, UINT64_MAX, 0));
    ht_what_if_close(filter);
}

static void blocks_of_a_class_live_elsewhere(void **state)
{
    (void)state;
    struct ht_change none = {0};
    struct ht_what_if_filter *filter = open_with("size-class-off=10-20", NULL);
    give(filter, begin(0, 9), true, begin(0, 9));
    give(filter, begin(1, 10), false, none);
    give(filter, resize(0, 9, 20), true, end(0, 9));
    give(filter, resize(1, 10, 20), false, none);
    give(filter, resize(1, 20, 21), true, begin(1, 21));
    give(filter, resize(1, 21, 22), true, resize(1, 21, 22));
    give(filter, end(0, 20), false, none);
    give(filter, end(1, 22), true, end(1, 22));
    const struct ht_what_if_counts *counts = ht_what_if_counts(filter);
    assert_int_equal(counts->elsewhere, 3);
    assert_int_equal(counts->elsewhere_peak_bytes, 40);
    assert_int_equal(counts->spared, 0);
    ht_what_if_close(filter);
}

static void the_class_is_of_what_the_growth_asks_for(void **state)
{
    (void)state;
    struct ht_what_if_filter *filter = open_with("size-class-off=100", "growth=2");
    give(filter, begin(0, 50), true, begin(0, 50));
    give(filter, resize(0, 50, 51), true, end(0, 50)); // its capacity is 100 now
    give(filter, resize(0, 51, 101), true, begin(0, 200));
    ht_what_if_close(filter);
}

static void block_numbers_far_apart_have_room(void **state)
{
    (void)state;
    struct ht_what_if_filter *filter = open_with("growth=1.5", NULL);
    give(filter, begin(1, 10), true, begin(1, 10));
    give(filter, begin(100000, 20), true, begin(100000, 20));
    give(filter, resize(1, 10, 11), true, resize(1, 10, 15));
    give(filter, resize(100000, 20, 21), true, resize(100000, 20, 30));
    ht_what_if_close(filter);
}

static void what_is_no_change_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "realloc",
                                        "realloc=move",
                                        "growth",
                                        "growth=",
                                        "growth=1",
                                        "growth=0.5",
                                        "growth=10.01",
                                        "growth=2x",
                                        "growth=-2",
                                        "growth=1.255",
                                        "growth=99999999999999999999",
                                        "size-class-off=",
                                        "size-class-off=9-8",
                                        "size-class-off=1-",
                                        "size-class-off=-1",
                                        "size-class-offs",
                                        "size-class-off=1-2-3",
                                        "size-class-off=99999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ht_what_if what_if = {0};
        struct ht_error error;
        assert_int_equal(ht_what_if_add(&what_if, texts[i], &error), HT_FORMAT);
        assert_non_null(strstr(error.text, "is no change"));
    }
    static const char *const once[] = {"realloc=copy", "growth=1.5", "size-class-off"};
    struct ht_what_if what_if = {0};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ht_what_if_add(&what_if, once[i], NULL), HT_OK);
        assert_int_equal(ht_what_if_add(&what_if, once[i], NULL), HT_FORMAT);
    }
    assert_true(what_if.is_copying && what_if.is_class_off);
    assert_int_equal(what_if.growth_percent, 150);
    assert_int_equal(what_if.class_from, 0);
    assert_int_equal(what_if.class_to, HT_WHAT_IF_CLASS_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_gives_capacity_and_spares_reallocs),
        cmocka_unit_test(a_factor_has_two_digits_behind_the_point),
        cmocka_unit_test(sizes_near_the_end_of_numbers_stay_sizes),
        cmocka_unit_test(blocks_of_a_class_live_elsewhere),
        cmocka_unit_test(the_class_is_of_what_the_growth_asks_for),
        cmocka_unit_test(block_numbers_far_apart_have_room),
        cmocka_unit_test(what_is_no_change_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
