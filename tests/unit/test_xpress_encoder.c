// SPDX-License-Identifier: MIT
//
// The encoder against a decoder written here, straight from the description of the format.
#include "fixtures/xpress.h"
#include "formats/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE_MAX_TESTED = 1 << 17 };

static struct ht_xpress_scratch scratch;
static uint8_t plain[SIZE_MAX_TESTED];
static uint8_t packed[SIZE_MAX_TESTED + SIZE_MAX_TESTED / 8];
static uint8_t unpacked[SIZE_MAX_TESTED];

struct stream {
    struct ht_cursor in;
    const uint8_t *half; // byte whose high nibble is not read yet
};

static size_t take_length(struct stream *stream, unsigned low)
{
    if (low < 7)
        return low + 3;
    size_t length = 0;
    if (stream->half == NULL) {
        stream->half = ht_cursor_take(&stream->in, 1);
        assert_non_null(stream->half);
        length = *stream->half & 15;
    } else {
        length = *stream->half >> 4;
        stream->half = NULL;
    }
    if (length < 15)
        return length + 10;
    length = ht_cursor_u8(&stream->in);
    if (length < 255)
        return length + 25;
    length = ht_cursor_u16(&stream->in);
    if (length == 0) {
        length = ht_cursor_u32(&stream->in);
        assert_true(length > 0xFFFF);
    }
    assert_true(length >= 255 + 22);
    return length + 3;
}

// Decodes until `size` bytes are there, and checks that nothing but an empty flag word is left.
static void decode(const uint8_t *data, size_t data_size, uint8_t *out, size_t size)
{
    struct stream stream = {.in = ht_cursor_over(data, data_size)};
    uint32_t flags = 0;
    unsigned flag_count = 0;
    size_t at = 0;
    while (at < size) {
        if (flag_count-- == 0) {
            flags = ht_cursor_u32(&stream.in);
            flag_count = 31;
        }
        if (!(flags >> flag_count & 1)) {
            out[at++] = ht_cursor_u8(&stream.in);
            continue;
        }
        uint16_t token = ht_cursor_u16(&stream.in);
        size_t distance = (size_t)(token >> 3) + 1;
        size_t length = take_length(&stream, token & 7);
        assert_false(stream.in.failed);
        assert_true(distance <= at);
        assert_true(length <= size - at);
        for (; length > 0; length--, at++)
            out[at] = out[at - distance];
    }
    assert_false(stream.in.failed);
    size_t left = ht_cursor_left(&stream.in);
    if (flag_count == 0) {
        assert_int_equal(left, 4);
        assert_int_equal(ht_cursor_u32(&stream.in), UINT32_MAX);
    } else {
        assert_int_equal(left, 0);
        assert_int_equal(flags & ((UINT64_C(1) << flag_count) - 1),
                         (UINT64_C(1) << flag_count) - 1);
    }
}

static size_t round_trip(size_t size)
{
    size_t used = ht_xpress_encode(&scratch, plain, size, packed, sizeof packed);
    assert_true(used > 0);
    uint8_t *exact = malloc(used); // its own block, so that the sanitizer sees the end
    assert_non_null(exact);
    memcpy(exact, packed, used);
    decode(exact, used, unpacked, size);
    free(exact);
    assert_memory_equal(unpacked, plain, size);
    return used;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void nothing_is_one_empty_flag_word(void **state)
{
    (void)state;
    assert_int_equal(ht_xpress_encode(&scratch, plain, 0, packed, sizeof packed), 4);
    assert_int_equal(ht_load32(packed), UINT32_MAX);
}

static void literals_stand_behind_their_flag_word(void **state)
{
    (void)state;
    memcpy(plain, "abc", 3);
    assert_int_equal(round_trip(3), 7);
    assert_int_equal(ht_load32(packed), 0x1FFFFFFF);
    assert_memory_equal(packed + 4, "abc", 3);
}

static void group_of_32_is_followed_by_an_empty_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 32; i++)
        plain[i] = (uint8_t)i;
    assert_int_equal(round_trip(32), 4 + 32 + 4);
}

static void every_match_length_survives(void **state)
{
    (void)state;
    // A run of each length around every change of encoding, and two in a row to share a nibble.
    static const size_t lengths[] = {3,   4,   9,   10,   11,    24,    25,    26,
                                     279, 280, 281, 1000, 65537, 65538, 65539, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        memset(plain, 'x', lengths[i] + 1);
        memset(plain + lengths[i] + 1, 'y', 40);
        plain[lengths[i] + 41] = 'z';
        assert_true(round_trip(lengths[i] + 42) <= 32);
    }
}

static void matches_reach_back_8192_bytes_and_no_farther(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (size_t gap = 8190; gap <= 8194; gap++) {
        for (size_t i = 0; i < gap; i++)
            plain[i] = (uint8_t)next_random(&random);
        memcpy(plain + gap, plain, 400);
        size_t used = round_trip(gap + 400);
        assert_int_equal(used < gap + gap / 8 + 100, gap <= HT_XPRESS_WINDOW);
    }
}

static void random_structures_survive(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int round = 0; round < 200; round++) {
        size_t size = next_random(&random) % 5000;
        unsigned spread = 1 + (unsigned)(next_random(&random) % 255);
        for (size_t i = 0; i < size; i++) {
            bool is_copy = i > 100 && next_random(&random) % 4 != 0;
            plain[i] = (uint8_t)(next_random(&random) % spread);
            if (is_copy)
                plain[i] = plain[i - 60];
        }
        round_trip(size);
    }
}

static void long_input_survives(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = i % 16 < 12 ? (uint8_t)(i % 16) : (uint8_t)next_random(&random);
    assert_true(round_trip(sizeof plain) < sizeof plain / 2);
}

static void what_does_not_fit_is_refused_at_every_capacity(void **state)
{
    (void)state;
    uint64_t random = 9;
    for (size_t i = 0; i < 200; i++)
        plain[i] = (uint8_t)(next_random(&random) % 8);
    size_t whole = ht_xpress_encode(&scratch, plain, 200, packed, sizeof packed);
    for (size_t capacity = 0; capacity < whole + 20; capacity++) {
        uint8_t *out = malloc(capacity > 0 ? capacity : 1);
        assert_non_null(out);
        size_t used = ht_xpress_encode(&scratch, plain, 200, out, capacity);
        assert_true(used == 0 || used == whole);
        assert_true(used <= capacity);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_one_empty_flag_word),
        cmocka_unit_test(literals_stand_behind_their_flag_word),
        cmocka_unit_test(group_of_32_is_followed_by_an_empty_one),
        cmocka_unit_test(every_match_length_survives),
        cmocka_unit_test(matches_reach_back_8192_bytes_and_no_farther),
        cmocka_unit_test(random_structures_survive),
        cmocka_unit_test(long_input_survives),
        cmocka_unit_test(what_does_not_fit_is_refused_at_every_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
