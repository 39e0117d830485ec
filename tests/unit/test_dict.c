// SPDX-License-Identifier: MIT
#include "formats/dict.h"
#include "formats/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int open_dict(void **state)
{
    *state = ht_dict_open();
    return *state != NULL ? 0 : -1;
}

static int close_dict(void **state)
{
    ht_dict_close(*state);
    return 0;
}

static uint32_t add(struct ht_dict *dict, const char *text)
{
    uint32_t id = 0;
    assert_int_equal(ht_dict_add_string(dict, text, strlen(text), &id, NULL), HT_OK);
    return id;
}

static void equal_strings_share_an_id(void **state)
{
    uint32_t a = add(*state, "ntdll.dll");
    uint32_t b = add(*state, "app.exe");
    assert_int_equal(a, 1);
    assert_int_equal(b, 2);
    assert_int_equal(add(*state, "ntdll.dll"), a);
    assert_int_equal(ht_dict_string_count(*state), 2);
    size_t length = 0;
    assert_string_equal(ht_dict_string(*state, b, &length), "app.exe");
    assert_int_equal(length, 7);
}

static void empty_and_unknown_strings_are_number_zero(void **state)
{
    assert_int_equal(add(*state, ""), 0);
    assert_string_equal(ht_dict_string(*state, 0, NULL), "");
    assert_string_equal(ht_dict_string(*state, 99, NULL), "");
}

static void many_strings_are_found_again_and_never_move(void **state)
{
    char text[32];
    add(*state, "first");
    const char *first = ht_dict_string(*state, 1, NULL);
    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof text, "string %d", i);
        assert_int_equal(add(*state, text), i + 2);
    }
    for (int i = 0; i < 20000; i += 777) {
        snprintf(text, sizeof text, "string %d", i);
        assert_int_equal(add(*state, text), i + 2);
        assert_string_equal(ht_dict_string(*state, (uint32_t)i + 2, NULL), text);
    }
    assert_ptr_equal(ht_dict_string(*state, 1, NULL), first);
}

static void equal_stacks_share_an_id_whatever_their_padding(void **state)
{
    struct ht_frame frames[2];
    uint32_t a = 0;
    uint32_t b = 0;
    memset(frames, 0x55, sizeof frames);
    frames[0].address = frames[1].address = 16;
    frames[0].module = frames[1].module = 3;
    assert_int_equal(ht_dict_add_stack(*state, frames, 2, &a, NULL), HT_OK);
    memset(frames, 0xAA, sizeof frames);
    frames[0].address = frames[1].address = 16;
    frames[0].module = frames[1].module = 3;
    assert_int_equal(ht_dict_add_stack(*state, frames, 2, &b, NULL), HT_OK);
    assert_int_equal(a, 1);
    assert_int_equal(b, 1);
    size_t count = 0;
    const struct ht_frame *kept = ht_dict_stack(*state, a, &count);
    assert_int_equal(count, 2);
    assert_int_equal(kept[1].address, 16);
    assert_int_equal(kept[1].module, 3);
}

static void a_stack_keeps_its_innermost_frames_at_the_cap(void **state)
{
    struct ht_frame frames[HT_DICT_FRAMES_MAX + 5] = {{0}};
    for (uint32_t i = 0; i < HT_DICT_FRAMES_MAX + 5; i++)
        frames[i].address = i;
    uint32_t id = 0;
    size_t count = 0;
    assert_int_equal(ht_dict_add_stack(*state, frames, HT_DICT_FRAMES_MAX + 5, &id, NULL), HT_OK);
    const struct ht_frame *kept = ht_dict_stack(*state, id, &count);
    assert_int_equal(count, HT_DICT_FRAMES_MAX);
    assert_int_equal(ht_dict_stack_depth(*state, id), HT_DICT_FRAMES_MAX);
    assert_int_equal(ht_dict_stack_depth(*state, 0), 0);
    assert_int_equal(kept[count - 1].address, HT_DICT_FRAMES_MAX - 1);
}

static void frames_come_back_whatever_their_width(void **state)
{
    struct ht_frame frames[64 + 1] = {{0}};
    uint32_t id = 0;
    size_t count = 0;
    for (uint32_t i = 0; i <= 64; i++) {
        frames[i].address = i < 64 ? UINT64_C(1) << i : UINT64_MAX;
        frames[i].module = i % 3 == 0 ? 0 : UINT32_MAX >> i % 32;
    }
    assert_int_equal(ht_dict_add_stack(*state, frames, 65, &id, NULL), HT_OK);
    const struct ht_frame *kept = ht_dict_stack(*state, id, &count);
    assert_int_equal(count, 65);
    for (size_t i = 0; i < count; i++) {
        assert_true(kept[i].address == frames[i].address);
        assert_int_equal(kept[i].module, frames[i].module);
    }
}

static void a_full_dictionary_of_stacks_takes_no_other(void **state)
{
    struct ht_frame frames[2] = {{0x1000, 1}, {0x2000, 1}};
    uint32_t id = 0;
    size_t count = 0;
    ht_dict_limit_stacks(*state, 14); // of 8, 5 and 5 bytes
    assert_int_equal(ht_dict_add_stack(*state, frames, 2, &id, NULL), HT_OK);
    assert_int_equal(ht_dict_add_stack(*state, frames, 1, &id, NULL), HT_OK);
    frames[0].address++;
    assert_int_equal(ht_dict_add_stack(*state, frames, 1, &id, NULL), HT_LIMIT);
    assert_int_equal(id, 0);
    assert_int_equal(ht_dict_stack_count(*state), 2);
    assert_int_equal(ht_dict_stack(*state, 1, &count)[1].address, 0x2000);
}

static void a_detail_is_there_until_the_ring_has_gone_round(void **state)
{
    const uint64_t values[3] = {7, 8, UINT64_MAX};
    size_t count = 0;
    uint64_t id = ht_dict_add_detail(*state, values, 3);
    assert_true(id > 0);
    const uint64_t *kept = ht_dict_detail(*state, id, &count);
    assert_int_equal(count, 3);
    assert_true(kept[0] == 7 && kept[2] == UINT64_MAX);
    // Each further detail takes four places of the ring.
    for (int used = 4; used + 4 <= HT_DICT_DETAIL_RING_VALUES; used += 4)
        ht_dict_add_detail(*state, values, 3);
    assert_non_null(ht_dict_detail(*state, id, &count));
    ht_dict_add_detail(*state, values, 3);
    assert_null(ht_dict_detail(*state, id, &count));
    assert_int_equal(count, 0);
}

static void a_detail_that_was_never_given_is_none(void **state)
{
    size_t count = 1;
    assert_null(ht_dict_detail(*state, 0, &count));
    assert_int_equal(count, 0);
    assert_null(ht_dict_detail(*state, 5, &count));
}

static void a_detail_across_the_end_of_the_ring_is_whole(void **state)
{
    uint64_t values[HT_DICT_DETAIL_VALUES_MAX];
    for (uint64_t i = 0; i < HT_DICT_DETAIL_VALUES_MAX; i++)
        values[i] = i;
    uint64_t id = 0;
    for (int used = 0; used <= HT_DICT_DETAIL_RING_VALUES; used += HT_DICT_DETAIL_VALUES_MAX + 1)
        id = ht_dict_add_detail(*state, values, HT_DICT_DETAIL_VALUES_MAX);
    size_t count = 0;
    const uint64_t *kept = ht_dict_detail(*state, id, &count);
    assert_int_equal(count, HT_DICT_DETAIL_VALUES_MAX);
    assert_memory_equal(kept, values, sizeof values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_strings_share_an_id, open_dict, close_dict),
        cmocka_unit_test_setup_teardown(empty_and_unknown_strings_are_number_zero, open_dict,
                                        close_dict),
        cmocka_unit_test_setup_teardown(many_strings_are_found_again_and_never_move, open_dict,
                                        close_dict),
        cmocka_unit_test_setup_teardown(equal_stacks_share_an_id_whatever_their_padding, open_dict,
                                        close_dict),
        cmocka_unit_test_setup_teardown(a_stack_keeps_its_innermost_frames_at_the_cap, open_dict,
                                        close_dict),
        cmocka_unit_test_setup_teardown(frames_come_back_whatever_their_width, open_dict,
                                        close_dict),
        cmocka_unit_test_setup_teardown(a_full_dictionary_of_stacks_takes_no_other, open_dict,
                                        close_dict),
        cmocka_unit_test_setup_teardown(a_detail_is_there_until_the_ring_has_gone_round, open_dict,
                                        close_dict),
        cmocka_unit_test_setup_teardown(a_detail_that_was_never_given_is_none, open_dict,
                                        close_dict),
        cmocka_unit_test_setup_teardown(a_detail_across_the_end_of_the_ring_is_whole, open_dict,
                                        close_dict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
