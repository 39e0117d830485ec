// SPDX-License-Identifier: MIT
#include "replay/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int open_pages(void **state)
{
    static struct ht_pages pages;
    pages = (struct ht_pages){0};
    *state = &pages;
    return 0;
}

static int close_pages(void **state)
{
    ht_pages_reset(*state);
    return 0;
}

static void add(struct ht_pages *pages, uint32_t space, uint64_t address, uint64_t size)
{
    assert_int_equal(ht_pages_add(pages, space, address, size, NULL), HT_OK);
}

static void assert_pages(const struct ht_pages *pages, uint64_t used, uint64_t sparse)
{
    assert_int_equal(pages->used, used);
    assert_int_equal(pages->sparse, sparse);
}

static void blocks_share_a_page(void **state)
{
    struct ht_pages *pages = *state;
    add(pages, 0, 0x1000, 100);
    assert_pages(pages, 1, 1);
    add(pages, 0, 0x1800, 924);
    assert_pages(pages, 1, 0); // 1024 of 4096: no longer sparse
    ht_pages_remove(pages, 0, 0x1000, 100);
    assert_pages(pages, 1, 1);
    ht_pages_remove(pages, 0, 0x1800, 924);
    assert_pages(pages, 0, 0);
}

static void a_block_spans_pages(void **state)
{
    struct ht_pages *pages = *state;
    add(pages, 0, 0x1FFF, 2); // one byte on each
    assert_pages(pages, 2, 2);
    assert_int_equal(pages->partial, 2);
    add(pages, 0, 0x10800, 0x3000); // half, full, full, half
    assert_pages(pages, 6, 2);
    assert_int_equal(pages->partial, 4);
    ht_pages_remove(pages, 0, 0x1FFF, 2);
    ht_pages_remove(pages, 0, 0x10800, 0x3000);
    assert_pages(pages, 0, 0);
    assert_int_equal(pages->partial, 0);
}

static void full_pages_are_not_in_the_table(void **state)
{
    struct ht_pages *pages = *state;
    add(pages, 0, 0x1000, 0x1000);
    add(pages, 0, 0x4000, 0x2000);
    assert_pages(pages, 3, 0);
    assert_int_equal(pages->partial, 0);
    ht_pages_remove(pages, 0, 0x4000, 0x2000);
    assert_pages(pages, 1, 0);
}

static void a_block_of_no_bytes_is_on_no_page(void **state)
{
    struct ht_pages *pages = *state;
    add(pages, 0, 0x1000, 0);
    assert_pages(pages, 0, 0);
    ht_pages_remove(pages, 0, 0x1000, 0);
    assert_pages(pages, 0, 0);
    assert_int_equal(ht_pages_pinned_by(pages, 0, 0x1000, 0), 0);
}

static void the_same_page_of_two_spaces_is_two(void **state)
{
    struct ht_pages *pages = *state;
    add(pages, 7, 0x1000, 10);
    add(pages, 8, 0x1000, 2000);
    assert_pages(pages, 2, 1);
    assert_int_equal(ht_pages_pinned_by(pages, 7, 0x1000, 10), 4096);
    assert_int_equal(ht_pages_pinned_by(pages, 8, 0x1000, 2000), 0);
    ht_pages_remove(pages, 8, 0x1000, 2000);
    assert_pages(pages, 1, 1);
}

static void the_highest_addresses_do_not_wrap(void **state)
{
    struct ht_pages *pages = *state;
    add(pages, 0, UINT64_MAX, 1);
    assert_pages(pages, 1, 1);
    add(pages, 0, UINT64_MAX - 4096, 5000); // reaches over the end: one byte, then a full page
    assert_pages(pages, 3, 2);
    add(pages, 0, UINT64_MAX, UINT64_MAX); // one byte again
    assert_pages(pages, 3, 2);
    add(pages, 0, 0,
        UINT64_MAX); // all but the last byte: full pages, and 4095 bytes more of the last
    assert_pages(pages, 3 + (UINT64_MAX >> 12), 1);
    ht_pages_remove(pages, 0, 0, UINT64_MAX);
    ht_pages_remove(pages, 0, UINT64_MAX, UINT64_MAX);
    ht_pages_remove(pages, 0, UINT64_MAX - 4096, 5000);
    ht_pages_remove(pages, 0, UINT64_MAX, 1);
    assert_pages(pages, 0, 0);
    assert_int_equal(pages->partial, 0);
}

static void a_sparse_page_falls_to_its_blocks_by_their_bytes(void **state)
{
    struct ht_pages *pages = *state;
    add(pages, 0, 0x1800, 0x900); // 0x800 on the first page, 0x100 on the second
    assert_int_equal(ht_pages_pinned_by(pages, 0, 0x1800, 0x900), 4096);
    add(pages, 0, 0x2800, 0x200);
    assert_int_equal(ht_pages_pinned_by(pages, 0, 0x1800, 0x900), 4096 / 3);
    assert_int_equal(ht_pages_pinned_by(pages, 0, 0x2800, 0x200), 4096 * 2 / 3);
    add(pages, 0, 0x2A00, 0x100); // a quarter live: no longer sparse
    assert_int_equal(ht_pages_pinned_by(pages, 0, 0x1800, 0x900), 0);
    assert_int_equal(ht_pages_pinned_by(pages, 0, 0x2800, 0x200), 0);
    add(pages, 0, 0x7FFF, 2); // both ends on sparse pages of its own
    assert_int_equal(ht_pages_pinned_by(pages, 0, 0x7FFF, 2), 8192);
}

// Blocks that do not overlap, in a space of few pages, against a count of live bytes by byte.
enum { ARENA_PAGES = 300, SLOTS = 200, STEPS = 20000 };

struct slot {
    uint64_t at, size;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static bool is_free(const unsigned char *bytes, struct slot slot)
{
    for (uint64_t i = 0; i < slot.size; i++) {
        if (bytes[slot.at + i] != 0) {
            return false;
        }
    }
    return true;
}

static void assert_as_counted(const struct ht_pages *pages, const unsigned char *bytes)
{
    uint64_t used = 0;
    uint64_t sparse = 0;
    for (size_t page = 0; page < ARENA_PAGES; page++) {
        size_t live = 0;
        for (size_t i = 0; i < HT_PAGE_BYTES; i++) {
            live += bytes[page * HT_PAGE_BYTES + i];
        }
        used += live > 0;
        sparse += live > 0 && live < 1024;
    }
    assert_pages(pages, used, sparse);
}

static void random_blocks_are_as_counted_byte_by_byte(void **state)
{
    static unsigned char bytes[ARENA_PAGES * HT_PAGE_BYTES];
    static struct slot slots[SLOTS];
    struct ht_pages *pages = *state;
    uint64_t random = 42;
    for (int step = 0; step < STEPS; step++) {
        struct slot *slot = &slots[next_random(&random) % SLOTS];
        // Far pages, so that places in the table are met from all over.
        uint64_t base = UINT64_C(0x7F0000000000);
        if (slot->size > 0) {
            ht_pages_remove(pages, 3, base + slot->at, slot->size);
            memset(bytes + slot->at, 0, slot->size);
            slot->size = 0;
            continue;
        }
        struct slot made = {.size = 1 + next_random(&random) % (step % 7 == 0 ? 20000 : 3000)};
        made.at = next_random(&random) % (sizeof bytes - made.size);
        made.at &= step % 3 == 0 ? ~UINT64_C(4095) : ~UINT64_C(0);
        if (is_free(bytes, made)) {
            add(pages, 3, base + made.at, made.size);
            memset(bytes + made.at, 1, made.size);
            *slot = made;
        }
        if (step % 100 == 0) {
            assert_as_counted(pages, bytes);
        }
    }
}

static void the_table_grows_and_empties(void **state)
{
    enum { COUNT = 5000 };
    struct ht_pages *pages = *state;
    for (uint64_t i = 0; i < COUNT; i++) {
        add(pages, 0, i * 0x100000, 16);
    }
    assert_pages(pages, COUNT, COUNT);
    assert_true(pages->capacity >= 2 * COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        ht_pages_remove(pages, 0, (i * 7 % COUNT) * 0x100000, 16);
        assert_pages(pages, COUNT - 1 - i, COUNT - 1 - i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blocks_share_a_page, open_pages, close_pages),
        cmocka_unit_test_setup_teardown(a_block_spans_pages, open_pages, close_pages),
        cmocka_unit_test_setup_teardown(full_pages_are_not_in_the_table, open_pages, close_pages),
        cmocka_unit_test_setup_teardown(a_block_of_no_bytes_is_on_no_page, open_pages, close_pages),
        cmocka_unit_test_setup_teardown(the_same_page_of_two_spaces_is_two, open_pages,
                                        close_pages),
        cmocka_unit_test_setup_teardown(the_highest_addresses_do_not_wrap, open_pages, close_pages),
        cmocka_unit_test_setup_teardown(a_sparse_page_falls_to_its_blocks_by_their_bytes,
                                        open_pages, close_pages),
        cmocka_unit_test_setup_teardown(random_blocks_are_as_counted_byte_by_byte, open_pages,
                                        close_pages),
        cmocka_unit_test_setup_teardown(the_table_grows_and_empties, open_pages, close_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
