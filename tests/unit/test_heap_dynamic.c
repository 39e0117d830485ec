// SPDX-License-Identifier: MIT
#include "replay/heap_dynamic.h"
#include "replay/library.h"
#include "replay/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

// Paths of the libraries in tests/heaps come from CMake, and so does KNOWN_HEAPS.
#define HEAP_FILE (strrchr(HEAP_COUNTING, '/') + 1)

static const struct ht_dynamic_heap *load(const char *path)
{
    const struct ht_dynamic_heap *heap = NULL;
    struct ht_error error = {0};
    enum ht_dynamic_state state = ht_dynamic_heap_load(path, &heap, &error);
    if (state != HT_DYNAMIC_READY)
        fail_msg("%s: %s", path, error.text);
    return heap;
}

static void assert_refused(const char *name, enum ht_dynamic_state expected, const char *text)
{
    const struct ht_dynamic_heap *heap = NULL;
    struct ht_error error = {0};
    assert_int_equal(ht_dynamic_heap_load(name, &heap, &error), expected);
    assert_null(heap);
    if (strstr(error.text, text) == NULL)
        fail_msg("expected \"%s\" in: %s", text, error.text);
}

static int *counter(const char *name)
{
    void *library;
    assert_int_equal(ht_library_load(HEAP_COUNTING, &library, NULL), HT_LIBRARY_LOADED);
    ht_function *symbol = ht_library_function(library, name);
    int *count;
    assert_non_null(symbol);
    memcpy(&count, &symbol, sizeof count);
    return count;
}

static void library_by_path_is_called(void **state)
{
    (void)state;
    const struct ht_dynamic_heap *dynamic = load(HEAP_COUNTING);
    const struct ht_heap *heap = &dynamic->heap;
    void *self;
    char version[64];
    assert_int_equal(heap->open(heap, &self, NULL), HT_OK);
    heap->version(self, version, sizeof version);
    assert_ptr_equal(strstr(version, HEAP_FILE), version); // under Wine with a note behind
    assert_string_equal(heap->name, HEAP_COUNTING);
    assert_non_null(strstr(dynamic->path, HEAP_COUNTING)); // of Windows with a drive in front
    assert_true(heap->is_memory);
    assert_null(heap->apart);

    int mallocs = *counter("counted_mallocs");
    int reallocs = *counter("counted_reallocs");
    int frees = *counter("counted_frees");
    unsigned char *block = heap->allocate(self, 10);
    assert_non_null(block);
    assert_int_equal(heap->usable(self, block), 64);
    block[0] = 7;
    unsigned char *moved = heap->reallocate(self, block, 20);
    assert_non_null(moved);
    assert_int_equal(moved[0], 7);
    assert_null(heap->reallocate(self, moved, 65));
    heap->release(self, moved);
    assert_int_equal(*counter("counted_mallocs"), mallocs + 1);
    assert_int_equal(*counter("counted_reallocs"), reallocs + 2);
    assert_int_equal(*counter("counted_frees"), frees + 1);
    heap->close(self);
}

static void block_of_no_bytes_is_asked_for_as_one(void **state)
{
    (void)state;
    const struct ht_heap *heap = &load(HEAP_COUNTING)->heap;
    void *self;
    assert_int_equal(heap->open(heap, &self, NULL), HT_OK);
    void *block = heap->allocate(self, 0);
    assert_int_equal(*counter("last_size"), 1);
    block = heap->reallocate(self, block, 2);
    assert_int_equal(*counter("last_size"), 2);
    heap->reallocate(self, block, 0);
    assert_int_equal(*counter("last_size"), 1);
}

static void replay_runs_on_a_library(void **state)
{
    (void)state;
    const struct ht_heap *heap = &load(HEAP_COUNTING)->heap;
    struct ht_plan *plan;
    assert_int_equal(ht_plan_open(&plan, HT_PLAN_MEMORY_DEFAULT, NULL), HT_OK);
    const struct ht_change changes[] = {
        {.kind = HT_CHANGE_BEGIN, .block = 0, .size = 8},
        {.kind = HT_CHANGE_BEGIN, .block = 1, .size = 1000},
        {.kind = HT_CHANGE_RESIZE, .block = 0, .size = 16, .old_size = 8, .address = 1},
        {.kind = HT_CHANGE_RESIZE, .block = 0, .size = 2000, .old_size = 16, .address = 2},
        {.kind = HT_CHANGE_END, .block = 1, .size = 1000},
        {.kind = HT_CHANGE_END, .block = 0, .size = 16},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        assert_int_equal(ht_plan_add(plan, &changes[i], NULL), HT_OK);
    int frees = *counter("counted_frees");
    struct ht_replay_options options = {.touch = HT_TOUCH_FILL};
    struct ht_replay_result result;
    assert_int_equal(ht_replay_run(plan, heap, &options, &result, NULL), HT_OK);
    assert_ptr_equal(strstr(result.heap_version, HEAP_FILE), result.heap_version);
    assert_int_equal(result.played.failed_allocs, 1);
    assert_int_equal(result.played.failed_reallocs, 1);
    assert_int_equal(result.played.skipped, 1);
    assert_int_equal(result.reallocs_moved, 1);
    assert_int_equal(*counter("counted_frees"), frees + 1);
    // It tells one of the figures that it could be asked for: 64 bytes for each block it ever made,
    // of which the replay made two.
    assert_string_equal(result.account_before.source, "MallocExtension_GetNumericProperty");
    assert_int_equal(result.account_before.count, 1);
    assert_int_equal(result.account_after.count, 1);
    assert_string_equal(result.account_after.names[0], "generic.current_allocated_bytes");
    assert_int_equal(result.account_after.bytes[0], result.account_before.bytes[0] + 128);
    ht_plan_close(plan);
}

static void loading_twice_gives_the_same_library(void **state)
{
    (void)state;
    const struct ht_dynamic_heap *one = load(HEAP_COUNTING);
    const struct ht_dynamic_heap *other = load(HEAP_COUNTING);
    assert_true(one->malloc == other->malloc);
}

static void library_without_realloc_is_refused(void **state)
{
    (void)state;
    assert_refused(HEAP_NO_REALLOC, HT_DYNAMIC_UNUSABLE, "this library has no realloc");
}

static void library_with_the_c_librarys_malloc_is_refused(void **state)
{
    (void)state;
    assert_refused(HEAP_NOTHING, HT_DYNAMIC_UNUSABLE, "this library has no malloc");
}

static void missing_library_is_absent(void **state)
{
    (void)state;
    assert_refused("./no-such-library.so", HT_DYNAMIC_ABSENT, "no-such-library.so");
}

static void file_that_is_no_library_is_refused(void **state)
{
    (void)state;
    assert_refused(HEAP_NO_LIBRARY, HT_DYNAMIC_UNUSABLE, HEAP_NO_LIBRARY);
}

static void name_that_is_not_known_is_no_path(void **state)
{
    (void)state;
    assert_refused("heap_counting.so", HT_DYNAMIC_NO_NAME, "there is no heap heap_counting.so");
}

static void known_heaps_are_found_or_say_what_to_install(void **state)
{
    (void)state;
    const struct ht_known_heap *known;
    size_t count = 0;
    for (; (known = ht_known_heap_at(count)) != NULL; count++) {
        const struct ht_dynamic_heap *heap = NULL;
        struct ht_error error = {0};
        enum ht_dynamic_state found = ht_dynamic_heap_load(known->name, &heap, &error);
        if (found == HT_DYNAMIC_READY)
            assert_string_equal(heap->heap.name, known->name);
        else if (found == HT_DYNAMIC_ABSENT)
            assert_non_null(strstr(error.text, known->package));
        else
            assert_int_equal(found, HT_DYNAMIC_NEEDS_RESTART);
    }
    assert_int_equal(count, KNOWN_HEAPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_by_path_is_called),
        cmocka_unit_test(block_of_no_bytes_is_asked_for_as_one),
        cmocka_unit_test(replay_runs_on_a_library),
        cmocka_unit_test(loading_twice_gives_the_same_library),
        cmocka_unit_test(library_without_realloc_is_refused),
        cmocka_unit_test(library_with_the_c_librarys_malloc_is_refused),
        cmocka_unit_test(missing_library_is_absent),
        cmocka_unit_test(file_that_is_no_library_is_refused),
        cmocka_unit_test(name_that_is_not_known_is_no_path),
        cmocka_unit_test(known_heaps_are_found_or_say_what_to_install),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
