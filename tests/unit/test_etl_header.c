// SPDX-License-Identifier: MIT
#include "formats/etl_header.h"

#include "etl_sample.h"
#include "formats/etl_constants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t head[HT_ETL_HEAD_BYTES];

static int set_up(void **state)
{
    (void)state;
    struct sample sample;
    sample_begin(&sample, 3);
    memcpy(head, sample.file.data, sizeof head);
    sample_reset(&sample);
    return 0;
}

static struct ht_etl_log_header read_head(void)
{
    struct ht_etl_log_header header;
    struct ht_error error = {""};
    assert_int_equal(ht_etl_head_read(head, sizeof head, "x.etl", &header, &error), HT_OK);
    return header;
}

static void the_documented_header_is_read(void **state)
{
    (void)state;
    ht_store32(head + 0x68 + 0x30, 7);
    ht_store32(head + 0x68 + 0x114, 9);
    struct ht_etl_log_header header = read_head();
    assert_string_equal(header.origin.format, "etl");
    assert_int_equal(header.origin.os_major, 10);
    assert_int_equal(header.origin.os_minor, 0);
    assert_int_equal(header.origin.os_build, 19045);
    assert_int_equal(header.origin.cpu_count, 2);
    assert_int_equal(header.origin.pointer_size, 8);
    assert_int_equal(header.origin.clock, HT_CLOCK_QPC);
    assert_int_equal(header.origin.clock_hz, 10000000);
    assert_false(header.origin.is_folded);
    assert_int_equal(header.origin.start_unix_ns, INT64_C(1555526400000000000));
    assert_int_equal(header.buffer_size, 0x2000);
    assert_int_equal(header.buffers_written, 3);
    assert_int_equal(header.events_lost, 7);
    assert_int_equal(header.buffers_lost, 9);
    assert_int_equal(header.clock.zero, SAMPLE_T0);
}

static void the_32_bit_form_is_eight_bytes_shorter_behind_its_pointers(void **state)
{
    (void)state;
    memmove(head + 0x68 + 0x40, head + 0x68 + 0x48, 0x118 - 0x48);
    head[0x48 + 2] = HT_ETL_SYSTEM32;
    ht_store32(head + 0x68 + 0x2C, 4);
    ht_store32(head + 0x68 + 0x10C, 5);
    struct ht_etl_log_header header = read_head();
    assert_int_equal(header.origin.pointer_size, 4);
    assert_int_equal(header.origin.clock_hz, 10000000);
    assert_int_equal(header.origin.start_unix_ns, INT64_C(1555526400000000000));
    assert_int_equal(header.buffers_lost, 5);
}

static void each_clock_type_has_its_frequency(void **state)
{
    (void)state;
    ht_store64(head + 0x68 + 0x100, 3117777);
    ht_store32(head + 0x68 + 0x110, HT_CLOCK_QPC);
    assert_int_equal(read_head().origin.clock_hz, 3117777);
    ht_store32(head + 0x68 + 0x110, HT_CLOCK_SYSTEM);
    assert_int_equal(read_head().origin.clock_hz, 10000000);
    ht_store32(head + 0x68 + 0x110, HT_CLOCK_CYCLES);
    assert_int_equal(read_head().origin.clock_hz, UINT64_C(3000000000));
    assert_int_equal(read_head().origin.clock, HT_CLOCK_CYCLES);
}

static void a_frequency_that_cannot_be_meant_is_passed_over(void **state)
{
    (void)state;
    ht_store32(head + 0x68 + 0x110, 0);
    assert_int_equal(read_head().origin.clock_hz, 10000000);
    assert_int_equal(read_head().origin.clock, HT_CLOCK_NONE);
    ht_store64(head + 0x68 + 0x100, 0);
    assert_int_equal(read_head().origin.clock_hz, 10000000);
    ht_store64(head + 0x68 + 0x100, UINT64_MAX);
    assert_int_equal(read_head().origin.clock_hz, 10000000);
    ht_store64(head + 0x68 + 0x100, 3117777);
    ht_store32(head + 0x68 + 0x110, HT_CLOCK_CYCLES);
    ht_store32(head + 0x68 + 0x34, 0);
    assert_int_equal(read_head().origin.clock_hz, 3117777);
}

static void a_start_before_1970_is_unknown(void **state)
{
    (void)state;
    ht_store64(head + 0x68 + 0x108, 0);
    assert_true(read_head().origin.start_unix_ns == HT_TIME_UNKNOWN);
    ht_store64(head + 0x68 + 0x108, UINT64_MAX);
    assert_true(read_head().origin.start_unix_ns == HT_TIME_UNKNOWN);
}

static void only_an_etl_file_is_tasted_as_one(void **state)
{
    (void)state;
    assert_true(ht_etl_head_taste(head, sizeof head));
    assert_false(ht_etl_head_taste(head, 0x67));
    assert_false(ht_etl_head_taste(head, 0));
    const struct {
        size_t at;
        uint8_t value;
    } breaks[] = {
        {0x01, 0x00},                  // BufferSize 0
        {0x03, 0x7f},                  // BufferSize huge
        {0x48 + 2, HT_ETL_PERFINFO64}, // another kind
        {0x48 + 3, 0x90},              // another family
        {0x48 + 5, 0x00},              // too small a record
        {0x48 + 7, 0x10},              // another hook
    };
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        uint8_t kept = head[breaks[i].at];
        head[breaks[i].at] = breaks[i].value;
        assert_false(ht_etl_head_taste(head, sizeof head));
        head[breaks[i].at] = kept;
    }
    assert_true(ht_etl_head_taste(head, sizeof head));
}

static void a_cut_header_says_where_it_ends(void **state)
{
    (void)state;
    struct ht_etl_log_header header;
    struct ht_error error = {""};
    assert_int_equal(ht_etl_head_read(head, 0x100, "x.etl", &header, &error), HT_FORMAT);
    assert_string_equal(error.text, "x.etl: at offset 256: expected 384 bytes of ETL header, "
                                    "found the end of file");
}

static int64_t ns(uint64_t hz, int64_t ticks)
{
    struct ht_etl_clock clock = ht_etl_clock_at(hz, 0);
    return ht_etl_clock_ns(&clock, ticks);
}

static void ticks_become_nanoseconds_rounded_toward_zero(void **state)
{
    (void)state;
    assert_int_equal(ns(10000000, 3), 300);
    assert_int_equal(ns(10000000, -3), -300);
    assert_int_equal(ns(3000000000, 1), 0);
    assert_int_equal(ns(3000000000, 2), 0);
    assert_int_equal(ns(3000000000, 5), 1);
    assert_int_equal(ns(3000000000, -5), -1);
    assert_int_equal(ns(3117777, 3117777), 1000000000);
    assert_int_equal(ns(3117777, 1), 320); // 320.74
    assert_int_equal(ns(1, 5), INT64_C(5000000000));
    // A year at 3 GHz and one tick: the product would need 86 bits.
    assert_int_equal(ns(3000000000, INT64_C(94608000000000000) + 4),
                     INT64_C(31536000000000000) + 1);
}

// As it is done by division.
static int64_t divided(uint64_t hz, uint64_t ticks)
{
    const uint64_t second = 1000000000;
    if (ticks / hz >= INT64_MAX / second)
        return INT64_MAX;
    return (int64_t)(ticks / hz * second + ticks % hz * second / hz);
}

static void any_clock_gives_what_division_gives(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1,       3,         7,          1000003,    2337949,
                                     3117777, 14318180,  999999999,  1000000001, 2994853000,
                                     10,      250000000, 9999999967, 10000000000};
    uint64_t random = 1;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        for (int round = 0; round < 20000; round++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            uint64_t ticks = random >> (1 + (random >> 7) % 60);
            uint64_t edge = ticks / rates[i] * rates[i];
            assert_int_equal(ns(rates[i], (int64_t)ticks), divided(rates[i], ticks));
            assert_int_equal(ns(rates[i], (int64_t)edge), divided(rates[i], edge));
            if (edge > 0)
                assert_int_equal(ns(rates[i], (int64_t)(edge - 1)), divided(rates[i], edge - 1));
            assert_int_equal(ns(rates[i], -(int64_t)ticks), -divided(rates[i], ticks));
        }
    }
}

static void times_past_the_range_are_the_nearest(void **state)
{
    (void)state;
    assert_true(ns(1, INT64_MAX) == INT64_MAX);
    assert_true(ns(1, INT64_MIN) == -INT64_MAX);
    assert_true(ns(10000000, INT64_MAX) == INT64_MAX);
    assert_true(ns(HT_ETL_CLOCK_HZ_MAX, INT64_MAX) == INT64_MAX / 10);
    assert_true(ns(3, INT64_MIN) == -INT64_MAX);
}

static void stamps_before_the_header_are_negative(void **state)
{
    (void)state;
    struct ht_etl_clock clock = ht_etl_clock_at(10000000, 1000);
    assert_int_equal(ht_etl_clock_ticks(&clock, 1001), 1);
    assert_int_equal(ht_etl_clock_ticks(&clock, 999), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_documented_header_is_read, set_up),
        cmocka_unit_test_setup(the_32_bit_form_is_eight_bytes_shorter_behind_its_pointers, set_up),
        cmocka_unit_test_setup(each_clock_type_has_its_frequency, set_up),
        cmocka_unit_test_setup(a_frequency_that_cannot_be_meant_is_passed_over, set_up),
        cmocka_unit_test_setup(a_start_before_1970_is_unknown, set_up),
        cmocka_unit_test_setup(only_an_etl_file_is_tasted_as_one, set_up),
        cmocka_unit_test_setup(a_cut_header_says_where_it_ends, set_up),
        cmocka_unit_test(ticks_become_nanoseconds_rounded_toward_zero),
        cmocka_unit_test(any_clock_gives_what_division_gives),
        cmocka_unit_test(times_past_the_range_are_the_nearest),
        cmocka_unit_test(stamps_before_the_header_are_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
