// SPDX-License-Identifier: MIT
//
// Windows' own heaps, of which Wine has others: what is asked here is what both promise.
#include "replay/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct ht_heap *const heaps[] = {
    &ht_heap_win32,
    &ht_heap_win32_lfh,
    &ht_heap_win32_no_lfh,
};

enum { HEAPS = sizeof heaps / sizeof *heaps };

static void *opened(const struct ht_heap *heap)
{
    void *self;
    assert_int_equal(heap->open(heap, &self, NULL), HT_OK);
    return self;
}

// The figure of that name in what the heap says of itself.
static uint64_t told(const struct ht_heap *heap, void *self, const char *name)
{
    struct ht_account account;
    heap->account(self, &account);
    assert_string_equal(account.source, "HeapWalk");
    for (size_t i = 0; i < account.count; i++) {
        if (strcmp(account.names[i], name) == 0) {
            return account.bytes[i];
        }
    }
    fail_msg("no figure %s", name);
    return 0;
}

static void no_bytes_are_a_block_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAPS; i++) {
        void *self = opened(heaps[i]);
        unsigned char *block = heaps[i]->allocate(self, 0);
        assert_non_null(block);
        assert_int_equal(heaps[i]->usable(self, block), 0);
        block = heaps[i]->reallocate(self, block, 10);
        assert_non_null(block);
        block = heaps[i]->reallocate(self, block, 0);
        assert_non_null(block);
        heaps[i]->release(self, block);
        heaps[i]->close(self);
    }
}

static void a_realloc_that_cannot_be_leaves_the_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAPS; i++) {
        void *self = opened(heaps[i]);
        unsigned char *block = heaps[i]->allocate(self, 1000);
        memset(block, 0x5A, 1000);
        assert_null(heaps[i]->reallocate(self, block, SIZE_MAX / 4));
        assert_int_equal(heaps[i]->usable(self, block), 1000);
        assert_int_equal(block[0], 0x5A);
        assert_int_equal(block[999], 0x5A);
        heaps[i]->release(self, block);
        heaps[i]->close(self);
    }
}

static void the_account_is_of_all_that_are_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEAPS; i++) {
        void *one = opened(heaps[i]);
        void *other = opened(heaps[i]);
        assert_ptr_not_equal(one, other);
        assert_int_equal(told(heaps[i], one, "busy"), 0);
        uint64_t committed = told(heaps[i], one, "committed");
        void *small = heaps[i]->allocate(one, 100);
        void *large = heaps[i]->allocate(other, 8000000);
        assert_int_equal(told(heaps[i], one, "busy"), 8000100);
        assert_int_equal(told(heaps[i], other, "busy"), 8000100);
        assert_in_range(told(heaps[i], one, "outside_regions"), 8000000, 8100000);
        assert_in_range(told(heaps[i], one, "committed"), committed, committed + (1 << 20));
        heaps[i]->release(one, small);
        heaps[i]->close(one);
        assert_int_equal(told(heaps[i], other, "busy"), 8000000);
        heaps[i]->release(other, large);
        heaps[i]->close(other);
    }
}

static void the_version_has_the_request_and_the_answer(void **state)
{
    (void)state;
    static const char *const requests[HEAPS] = {
        "; LFH not asked for, answer ", "; LFH asked for, answer ", "; LFH ruled out, answer "};
    for (size_t i = 0; i < HEAPS; i++) {
        char text[64];
        void *self = opened(heaps[i]);
        heaps[i]->version(self, text, sizeof text);
        assert_true(strstr(text, "Wine ") == text || strstr(text, "Windows ") == text);
        assert_non_null(strstr(text, requests[i]));
        heaps[i]->close(self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bytes_are_a_block_too),
        cmocka_unit_test(a_realloc_that_cannot_be_leaves_the_block),
        cmocka_unit_test(the_account_is_of_all_that_are_open),
        cmocka_unit_test(the_version_has_the_request_and_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
