// SPDX-License-Identifier: MIT
#include "replay/heap_copying.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_realloc_is_a_new_block_with_the_old_bytes(void **state)
{
    (void)state;
    struct ht_copying_heap copying;
    assert_int_equal(ht_copying_heap_around(&copying, &ht_heap_libc, NULL), HT_OK);
    const struct ht_heap *heap = &copying.whole.heap;
    void *self;
    assert_int_equal(heap->open(heap, &self, NULL), HT_OK);
    unsigned char *block = heap->allocate(self, 1000);
    assert_non_null(block);
    memset(block, 0x5A, 1000);
    uintptr_t address = (uintptr_t)block;
    unsigned char *same = heap->reallocate(self, block, 1000);
    assert_non_null(same);
    assert_true((uintptr_t)same != address);
    unsigned char *less = heap->reallocate(self, same, 10);
    unsigned char *more = heap->reallocate(self, less, 100000);
    assert_non_null(more);
    assert_true(heap->usable(self, more) >= 100000);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(more[i], 0x5A);
    }
    unsigned char *none = heap->reallocate(self, more, 0);
    assert_non_null(none);
    heap->release(self, none);
    heap->close(self);
}

static void a_heap_that_tells_no_sizes_cannot_be_copied_on(void **state)
{
    (void)state;
    struct ht_copying_heap copying;
    struct ht_error error;
    assert_int_equal(ht_copying_heap_around(&copying, &ht_heap_null, &error), HT_UNSUPPORTED);
    assert_non_null(strstr(error.text, "heap null does not tell"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_realloc_is_a_new_block_with_the_old_bytes),
        cmocka_unit_test(a_heap_that_tells_no_sizes_cannot_be_copied_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
