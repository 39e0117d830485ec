// SPDX-License-Identifier: MIT
#include "formats/etl_xpress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Unpacks into a block of exactly the wanted size, so that the sanitizer sees an overrun.
static uint8_t *unpack(const uint8_t *in, size_t in_size, size_t wanted, size_t *made)
{
    uint8_t *exact = malloc(in_size > 0 ? in_size : 1);
    uint8_t *out = malloc(wanted > 0 ? wanted : 1);
    assert_non_null(exact);
    assert_non_null(out);
    memcpy(exact, in, in_size);
    *made = ht_etl_xpress_unpack(exact, in_size, out, wanted);
    free(exact);
    return out;
}

#define assert_unpacks(in, expected, wanted)                                                       \
    do {                                                                                           \
        size_t made_ = 0;                                                                          \
        uint8_t *out_ = unpack(in, sizeof(in), wanted, &made_);                                    \
        assert_int_equal(made_, wanted);                                                           \
        assert_memory_equal(out_, expected, wanted);                                               \
        free(out_);                                                                                \
    } while (0)

static void literals_are_copied(void **state)
{
    (void)state;
    const uint8_t in[] = {0xff, 0xff, 0xff, 0x1f, 'a', 'b', 'c'};
    assert_unpacks(in, "abc", 3);
}

static void a_full_group_of_literals_is_followed_by_the_next(void **state)
{
    (void)state;
    uint8_t in[4 + 32 + 4 + 1] = {0};
    uint8_t expected[33];
    for (uint8_t i = 0; i < 33; i++)
        expected[i] = i;
    memcpy(in + 4, expected, 32);
    memset(in + 36, 0xff, 4);
    in[39] = 0x7f;
    in[40] = 32;
    assert_unpacks(in, expected, 33);
}

static void the_published_example_unpacks(void **state)
{
    (void)state;
    // MS-XCA: 26 letters, and 300 bytes "abc".
    const uint8_t letters[] = {0x3f, 0,   0,   0,   'a', 'b', 'c', 'd', 'e', 'f',
                               'g',  'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p',
                               'q',  'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z'};
    assert_unpacks(letters, "abcdefghijklmnopqrstuvwxyz", 26);
    const uint8_t abc[] = {0xff, 0xff, 0xff, 0x1f, 'a',  'b', 'c',
                           0x17, 0x00, 0x0f, 0xff, 0x26, 0x01};
    char expected[301];
    for (size_t i = 0; i < 300; i++)
        expected[i] = "abc"[i % 3];
    assert_unpacks(abc, expected, 300);
}

// One literal, then the match `token` with `more` bytes of length behind it.
static size_t made_by_match(uint16_t token, const uint8_t *more, size_t more_size)
{
    uint8_t in[32] = {0xff, 0xff, 0xff, 0x7f, 'x'};
    in[5] = (uint8_t)token;
    in[6] = (uint8_t)(token >> 8);
    memcpy(in + 7, more, more_size);
    size_t made = 0;
    uint8_t *out = unpack(in, 7 + more_size, 100000, &made);
    for (size_t i = 0; i < made; i++)
        assert_int_equal(out[i], 'x');
    free(out);
    return made;
}

static void every_width_of_length_is_read(void **state)
{
    (void)state;
    assert_int_equal(made_by_match(0, (const uint8_t[]){0}, 0), 1 + 3);
    assert_int_equal(made_by_match(6, (const uint8_t[]){0}, 0), 1 + 9);
    assert_int_equal(made_by_match(7, (const uint8_t[]){0x00}, 1), 1 + 10);
    assert_int_equal(made_by_match(7, (const uint8_t[]){0x0e}, 1), 1 + 24);
    assert_int_equal(made_by_match(7, (const uint8_t[]){0x0f, 0x00}, 2), 1 + 25);
    assert_int_equal(made_by_match(7, (const uint8_t[]){0x0f, 0xfe}, 2), 1 + 279);
    assert_int_equal(made_by_match(7, (const uint8_t[]){0x0f, 0xff, 0x34, 0x12}, 4), 1 + 0x1237);
    assert_int_equal(made_by_match(7, (const uint8_t[]){0x0f, 0xff, 0, 0, 0x34, 0x12, 0x01, 0}, 8),
                     1 + 0x11237);
}

static void the_second_half_of_a_length_byte_serves_the_next_match(void **state)
{
    (void)state;
    // Literal, match of 3+7+2, literal, match of 3+7+5 from the same byte 0x52.
    const uint8_t in[] = {0xff, 0xff, 0xff, 0x5f, 'x', 7, 0, 0x52, 'y', 7, 0};
    char expected[1 + 12 + 1 + 15];
    memset(expected, 'x', 13);
    memset(expected + 13, 'y', 16);
    assert_unpacks(in, expected, sizeof expected);
}

static void short_periods_repeat_exactly(void **state)
{
    (void)state;
    for (size_t distance = 1; distance <= 20; distance++) {
        uint8_t in[64] = {0, 0, 0, 0};
        uint32_t flags = UINT32_MAX >> distance;
        for (size_t i = 0; i < 4; i++)
            in[i] = (uint8_t)(flags >> 8 * i);
        for (size_t i = 0; i < distance; i++)
            in[4 + i] = (uint8_t)('a' + i);
        in[4 + distance] = (uint8_t)((distance - 1) << 3 | 7);
        in[5 + distance] = 0;
        in[6 + distance] = 0x0f;
        in[7 + distance] = 100;
        size_t made = 0;
        uint8_t *out = unpack(in, 8 + distance, 500, &made);
        assert_int_equal(made, distance + 125);
        for (size_t i = 0; i < made; i++)
            assert_int_equal(out[i], 'a' + i % distance);
        free(out);
    }
}

static void a_prefix_can_be_asked_for(void **state)
{
    (void)state;
    const uint8_t abc[] = {0xff, 0xff, 0xff, 0x1f, 'a',  'b', 'c',
                           0x17, 0x00, 0x0f, 0xff, 0x26, 0x01};
    assert_unpacks(abc, "ab", 2);
    assert_unpacks(abc, "abcabca", 7);
    assert_unpacks(abc, "", 0);
}

static void flags_without_data_end_the_stream(void **state)
{
    (void)state;
    uint8_t in[4 + 32 + 4] = {0};
    memset(in + 36, 0xff, 4);
    size_t made = 0;
    uint8_t *out = unpack(in, sizeof in, 40, &made);
    assert_int_equal(made, 32);
    free(out);
}

static void damage_gives_fewer_bytes(void **state)
{
    (void)state;
    const uint8_t too_far[] = {0xff, 0xff, 0xff, 0x7f, 'x', 0x08, 0x00};
    const uint8_t at_start[] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00};
    const uint8_t narrow_wide[] = {0xff, 0xff, 0xff, 0x7f, 'x', 7, 0, 0x0f, 0xff, 21, 0};
    const uint8_t half_token[] = {0xff, 0xff, 0xff, 0x7f, 'x', 0x00};
    const uint8_t half_length[] = {0xff, 0xff, 0xff, 0x7f, 'x', 7, 0, 0x0f, 0xff, 1};
    const uint8_t no_literal[] = {0, 0, 0, 0};
    const struct {
        const uint8_t *in;
        size_t size;
        size_t made;
    } cases[] = {
        {too_far, sizeof too_far, 1},
        {at_start, sizeof at_start, 0},
        {narrow_wide, sizeof narrow_wide, 1},
        {half_token, sizeof half_token, 1},
        {half_length, sizeof half_length, 1},
        {no_literal, sizeof no_literal, 0},
        {no_literal, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t made = 99;
        free(unpack(cases[i].in, cases[i].size, 64, &made));
        assert_int_equal(made, cases[i].made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_copied),
        cmocka_unit_test(a_full_group_of_literals_is_followed_by_the_next),
        cmocka_unit_test(the_published_example_unpacks),
        cmocka_unit_test(every_width_of_length_is_read),
        cmocka_unit_test(the_second_half_of_a_length_byte_serves_the_next_match),
        cmocka_unit_test(short_periods_repeat_exactly),
        cmocka_unit_test(a_prefix_can_be_asked_for),
        cmocka_unit_test(flags_without_data_end_the_stream),
        cmocka_unit_test(damage_gives_fewer_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
