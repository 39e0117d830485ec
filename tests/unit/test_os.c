// SPDX-License-Identifier: MIT
#include "replay/os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MIB = 1 << 20 };

static void memory_is_zeroed_and_page_aligned(void **state)
{
    (void)state;
    enum { SIZE = 100001 };
    unsigned char *memory = ht_os_map(SIZE);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % ht_os_page_size(), 0);
    for (size_t i = 0; i < SIZE; i++) {
        assert_int_equal(memory[i], 0);
    }
    memset(memory, 0xFF, SIZE);
    ht_os_unmap(memory, SIZE);
}

static void memory_that_cannot_be_is_null(void **state)
{
    (void)state;
    assert_null(ht_os_map(0));
    assert_null(ht_os_map(UINT64_MAX));
    assert_null(ht_os_map(PTRDIFF_MAX));
    ht_os_unmap(NULL, 0);
}

static void the_page_size_is_a_power_of_two(void **state)
{
    (void)state;
    size_t size = ht_os_page_size();
    assert_true(size >= 4096);
    assert_int_equal(size & (size - 1), 0);
}

static void the_clock_never_goes_back(void **state)
{
    (void)state;
    uint64_t last_ns = ht_os_clock_ns();
    assert_true(last_ns > 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t now_ns = ht_os_clock_ns();
        assert_true(now_ns >= last_ns);
        last_ns = now_ns;
    }
}

// What is mapped is resident at once, and using it later changes nothing. Half a MiB is room for
// what the process does besides.
static void mapped_memory_is_resident_before_it_is_used(void **state)
{
    (void)state;
    enum { SIZE = 16 * MIB, ROOM = MIB / 2 };
    struct ht_os_figure before = ht_os_resident();
    if (before.source == NULL) {
        skip();
    }
    unsigned char *memory = ht_os_map(SIZE);
    assert_non_null(memory);
    uint64_t mapped = ht_os_resident().bytes;
    memset(memory, 1, SIZE);
    uint64_t used = ht_os_resident().bytes;
    ht_os_unmap(memory, SIZE);
    uint64_t after = ht_os_resident().bytes;
    assert_in_range(mapped - before.bytes, SIZE - ROOM, SIZE + ROOM);
    assert_in_range(used, mapped - ROOM, mapped + ROOM);
    assert_in_range(after, before.bytes - ROOM, before.bytes + ROOM);
}

static void the_peak_keeps_what_is_gone_until_it_is_reset(void **state)
{
    (void)state;
    enum { SIZE = 16 * MIB, ROOM = MIB };
    if (!ht_os_resident_peak_reset() || ht_os_resident_peak().source == NULL) {
        skip();
    }
    uint64_t low = ht_os_resident_peak().bytes;
    ht_os_unmap(ht_os_map(SIZE), SIZE);
    uint64_t high = ht_os_resident_peak().bytes;
    assert_in_range(high - low, SIZE - ROOM, SIZE + ROOM);
    assert_true(ht_os_resident_peak_reset());
    assert_in_range(ht_os_resident_peak().bytes, low - ROOM, low + ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_page_aligned),
        cmocka_unit_test(memory_that_cannot_be_is_null),
        cmocka_unit_test(the_page_size_is_a_power_of_two),
        cmocka_unit_test(the_clock_never_goes_back),
        cmocka_unit_test(mapped_memory_is_resident_before_it_is_used),
        cmocka_unit_test(the_peak_keeps_what_is_gone_until_it_is_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
