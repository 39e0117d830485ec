// SPDX-License-Identifier: MIT
#include "convert/rebase.h"
#include "formats/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ht_rebase rebase;

static int begin(void **state)
{
    (void)state;
    return ht_rebase_init(&rebase, NULL) == HT_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    ht_rebase_reset(&rebase);
    return 0;
}

static uint64_t rebased(uint32_t pid, uint64_t address)
{
    assert_int_equal(ht_rebase_address(&rebase, pid, &address, NULL), HT_OK);
    return address;
}

static void distances_and_low_bits_stay(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {0x12345678, 0, 1, 0x12345677, 0xFFFFFFFF, 0x7FFF0000};
    const uint64_t region = UINT64_C(0x1F500000000);
    uint64_t first = rebased(4, region + offsets[0]);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        uint64_t address = rebased(4, region + offsets[i]);
        assert_int_equal(address - first, offsets[i] - offsets[0]);
        assert_int_equal(address & 0xFFFF, offsets[i] & 0xFFFF);
        assert_int_not_equal(address, region + offsets[i]);
    }
}

static void nothing_stays_nothing(void **state)
{
    (void)state;
    assert_int_equal(rebased(4, 0), 0);
    assert_int_not_equal(rebased(4, 1), 0);
}

static void regions_and_processes_stay_apart(void **state)
{
    (void)state;
    enum { COUNT = 3 * 4 * 5 };
    uint64_t addresses[COUNT];
    static const uint64_t offsets[] = {0x80000000, 0, 0xFFFFFFFF, 0x10000, 0x7FFFFFFF};
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < COUNT; i++) {
            uint64_t region = (uint64_t)(i / 5 % 4 == 3 ? UINT32_MAX : i / 5 % 4) << 32;
            uint64_t offset = offsets[i % 5] > 0 ? offsets[i % 5] : 1;
            uint64_t address = rebased(i / 20, region + offset);
            if (round == 1)
                assert_int_equal(address, addresses[i]);
            addresses[i] = address;
        }
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < i; k++) {
            uint64_t from = addresses[i] < addresses[k] ? addresses[i] : addresses[k];
            uint64_t to = addresses[i] < addresses[k] ? addresses[k] : addresses[i];
            assert_true(i / 5 == k / 5 ? to > from : to - from > UINT64_C(1) << 32);
        }
}

static void where_it_was_does_not_matter(void **state)
{
    (void)state;
    uint64_t here = rebased(4, UINT64_C(0x1F512340000));
    ht_rebase_reset(&rebase);
    assert_int_equal(ht_rebase_init(&rebase, NULL), HT_OK);
    assert_int_equal(rebased(4, UINT64_C(0x2A7EDCB0000)), here);
}

static void regions_are_capped(void **state)
{
    (void)state;
    struct ht_error error;
    uint64_t address = 0;
    for (uint64_t i = 0; i < HT_REBASE_REGIONS_MAX; i++)
        rebased(4, (i << 32) + 1);
    address = (uint64_t)HT_REBASE_REGIONS_MAX << 32;
    assert_int_equal(ht_rebase_address(&rebase, 4, &address, &error), HT_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(distances_and_low_bits_stay, begin, end),
        cmocka_unit_test_setup_teardown(nothing_stays_nothing, begin, end),
        cmocka_unit_test_setup_teardown(regions_and_processes_stay_apart, begin, end),
        cmocka_unit_test_setup_teardown(where_it_was_does_not_matter, begin, end),
        cmocka_unit_test_setup_teardown(regions_are_capped, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
