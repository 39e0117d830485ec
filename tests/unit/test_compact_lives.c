// SPDX-License-Identifier: MIT
//
// Predicted addresses in the compact format: any trace survives them, however little it makes
// sense, and those that do become small. The columns are looked at with protobuf's own decoder.
#include "compact_kit.h"
#include "formats/compact_pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 8;
}

// An event of a program gone mad: few addresses, so that blocks are made over live ones, freed
// twice, freed unmade, resized with wrong sizes, in processes and heaps that have the same ones.
static struct ht_event mad_event(uint64_t *random, int64_t time_ns)
{
    uint64_t bits = next_random(random);
    struct ht_event event = {.time_ns = time_ns,
                             .pid = (uint32_t)(bits & 1),
                             .tid = (uint32_t)(bits >> 1 & 3),
                             .heap = bits >> 3 & 1,
                             .cpu = (uint16_t)(bits >> 4 & 3),
                             .kind = (uint8_t)(HT_KIND_ALLOC + (bits >> 6) % 4)};
    event.address = (bits >> 12 & 0x3F) << 4;
    if ((bits >> 20 & 0xFF) == 0)
        event.address = next_random(random) << 8 | 0xFF;
    if (event.kind != HT_KIND_FREE || (bits >> 28 & 0x3F) == 0)
        event.size = (bits >> 34 & 7) * 5;
    if (event.kind == HT_KIND_REALLOC) {
        event.old_address = (bits >> 37 & 0x3F) << 4;
        if ((bits >> 43 & 3) == 0)
            event.old_address = event.address;
        event.old_size = (bits >> 45 & 7) * 5;
    }
    return event;
}

static void check_survival(const struct ht_event *events, size_t count)
{
    struct ht_trace trace;
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    struct ht_buffer bytes = kit_write(&trace, events, count);
    struct ht_buffer expected = kit_text(&trace, events, count);
    struct kit_result result = kit_read(bytes.data, bytes.size);
    assert_int_equal(result.status, HT_END);
    assert_int_equal(result.event_count, count);
    assert_memory_equal(result.text.data, expected.data, expected.size);
    assert_int_equal(kit_losses(&result.trace), 0);
    kit_result_reset(&result);
    ht_buffer_reset(&expected);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
}

static void traces_that_make_no_sense_survive(void **state)
{
    (void)state;
    enum { COUNT = HT_COMPACT_EVENTS_MAX + 1000 };
    struct ht_event *events = calloc(COUNT, sizeof *events);
    assert_non_null(events);
    uint64_t random = 42;
    for (int i = 0; i < COUNT; i++)
        events[i] = mad_event(&random, i * 100);
    check_survival(events, COUNT);
    free(events);
}

static void as_many_heaps_threads_and_sizes_as_events_survive(void **state)
{
    (void)state;
    enum { COUNT = HT_COMPACT_EVENTS_MAX };
    struct ht_event *events = calloc(COUNT, sizeof *events);
    assert_non_null(events);
    for (uint64_t i = 0; i < COUNT; i++)
        events[i] = (struct ht_event){.kind = HT_KIND_ALLOC,
                                      .pid = (uint32_t)i,
                                      .tid = (uint32_t)(i * i),
                                      .cpu = (uint16_t)i,
                                      .heap = ~i,
                                      .address = i << 40,
                                      .size = i * i * i * i};
    check_survival(events, COUNT);
    free(events);
}

static struct ht_event alloc(uint64_t address, uint64_t size)
{
    return (struct ht_event){
        .kind = HT_KIND_ALLOC, .pid = 1, .heap = 7, .address = address, .size = size};
}

static struct ht_event release(uint64_t address)
{
    return (struct ht_event){.kind = HT_KIND_FREE, .pid = 1, .heap = 7, .address = address};
}

static struct ht_event move(uint64_t old, uint64_t old_size, uint64_t address, uint64_t size)
{
    struct ht_event event = alloc(address, size);
    event.kind = HT_KIND_REALLOC;
    event.old_address = old;
    event.old_size = old_size;
    return event;
}

// The block that the events become. The caller frees it.
static Ht__Block *block_of(const struct ht_event *events, size_t count)
{
    struct ht_pack *pack = ht_pack_open();
    struct ht_buffer message = ht_buffer_with_limit(1 << 20);
    assert_non_null(pack);
    ht_pack_add(pack, events, count, NULL);
    assert_int_equal(ht_pack_finish(pack, &message, NULL), HT_OK);
    Ht__Block *block = ht__block__unpack(NULL, message.size, message.data);
    assert_non_null(block);
    assert_int_equal(block->event_count, count);
    ht_buffer_reset(&message);
    ht_pack_close(pack);
    return block;
}

// Each release is into a pool that had none.
static void as_many_pools_with_a_release_as_blocks_survive(void **state)
{
    (void)state;
    enum { COUNT = HT_COMPACT_EVENTS_MAX / 2 };
    struct ht_event *events = calloc(2 * COUNT, sizeof *events);
    assert_non_null(events);
    for (uint64_t i = 0; i < COUNT; i++) {
        events[i] =
            (struct ht_event){.kind = HT_KIND_ALLOC, .address = (i + 1) << 32, .size = 16 * i + 16};
        events[COUNT + i] = (struct ht_event){.kind = HT_KIND_FREE, .address = (COUNT - i) << 32};
    }
    check_survival(events, 2 * COUNT);
    free(events);
}

// The example of docs/formats/htape.md, section 5.
static void births_and_places_are_those_of_the_specification(void **state)
{
    (void)state;
    const struct ht_event events[] = {
        alloc(0x1000, 24),             // birth 0, 0xFE8 behind an empty pool's 24
        alloc(0x1020, 24),             // birth 1, 8 bytes behind the end of birth 0
        alloc(0x9000, 100),            // birth 2, far from all
        release(0x1000),               // birth 0, the one expected
        release(0x1020),               // birth 1, the one expected
        alloc(0x1000, 20),             // birth 3: rank 1 of its pool, which birth 0 left
        move(0x9000, 100, 0x9000, 40), // birth 2 in place
        move(0x9000, 40, 0x2000, 80),  // birth 2 becomes birth 4
        release(0x5000),               // of no birth
    };
    const int32_t births[] = {0, 0, 0, -1};
    const uint32_t places[] = {1, 0, 0, 3, 0};
    const int64_t offsets[] = {0xFE8 / 8, 1, 0x7FC8 / 8, 0xFE8 / 8};
    Ht__Block *block = block_of(events, sizeof events / sizeof *events);
    assert_int_equal(block->address_unit, 8);
    assert_int_equal(block->n_birth, 4);
    assert_memory_equal(block->birth, births, sizeof births);
    assert_int_equal(block->n_place, 5);
    assert_memory_equal(block->place, places, sizeof places);
    assert_int_equal(block->n_place_offset, 4);
    assert_memory_equal(block->place_offset, offsets, sizeof offsets);
    assert_int_equal(block->n_address, 1);
    assert_int_equal(block->address[0], 0x5000 / 8);
    assert_int_equal(block->n_old_address, 0);
    assert_int_equal(block->n_old_size, 0);
    ht__block__free_unpacked(block, NULL);
}

static void equal_addresses_of_two_processes_stay_apart(void **state)
{
    (void)state;
    struct ht_event events[] = {alloc(0x1000, 24), alloc(0x1000, 24), release(0x1000),
                                release(0x1000),   alloc(0x1000, 24), alloc(0x1000, 24)};
    const int32_t births[] = {0, 0};
    const uint32_t places[] = {0, 1, 2, 2};
    for (size_t i = 1; i < sizeof events / sizeof *events; i += 2)
        events[i].pid = 2;
    Ht__Block *block = block_of(events, sizeof events / sizeof *events);
    assert_int_equal(block->n_birth, 2);
    assert_memory_equal(block->birth, births, sizeof births);
    assert_int_equal(block->n_place, 4);
    assert_int_equal(block->place[2], places[2]);
    assert_int_equal(block->place[3], places[3]);
    ht__block__free_unpacked(block, NULL);
}

static void a_thread_that_stays_on_its_cpu_costs_zeros(void **state)
{
    (void)state;
    struct ht_event events[] = {release(0), release(0), release(0), release(0)};
    const int32_t cpus[] = {3, 5, 0, -5};
    for (uint16_t i = 0; i < 4; i++) {
        events[i].tid = i % 2;
        events[i].cpu = i % 2 == 0 ? 3 : 5;
    }
    events[3].cpu = 0;
    Ht__Block *block = block_of(events, 4);
    assert_int_equal(block->n_cpu, 4);
    assert_memory_equal(block->cpu, cpus, sizeof cpus);
    ht__block__free_unpacked(block, NULL);
}

static void units_divide_all_differences(void **state)
{
    (void)state;
    struct ht_event events[] = {release(48), release(0), release(144), release(24)};
    const int64_t addresses[] = {2, 4, -5};
    const int64_t times[] = {0, 3, -7, 14};
    const int64_t ns[] = {5, 5 + 300, 5 - 400, 5 + 1000};
    for (size_t i = 0; i < 4; i++)
        events[i].time_ns = ns[i];
    Ht__Block *block = block_of(events, 4);
    assert_int_equal(block->first_time_ns, 5);
    assert_int_equal(block->time_unit_ns, 100);
    assert_memory_equal(block->time, times, sizeof times);
    assert_int_equal(block->address_unit, 24);
    assert_int_equal(block->n_address, 3);
    assert_memory_equal(block->address, addresses, sizeof addresses);
    ht__block__free_unpacked(block, NULL);
}

// Blocks of random sizes at addresses no one could guess, but the same ones again and again, the
// last made freed first: what is left are shapes, and ranks of zero.
static void a_heap_that_reuses_its_blocks_becomes_small(void **state)
{
    (void)state;
    enum { ROUNDS = 5000, DEPTH = 10, COUNT = 2 * ROUNDS * DEPTH };
    struct ht_trace trace;
    struct ht_event *events = calloc(COUNT, sizeof *events);
    uint64_t random = 7;
    uint64_t addresses[DEPTH];
    assert_non_null(events);
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    for (size_t k = 0; k < DEPTH; k++)
        addresses[k] = next_random(&random) & ~UINT64_C(0xF);
    for (size_t i = 0; i < COUNT; i++) {
        size_t step = i % (size_t)(2 * DEPTH);
        events[i] = step < DEPTH ? alloc(addresses[step], 64 * (step + 1))
                                 : release(addresses[2 * DEPTH - 1 - step]);
    }
    struct ht_buffer bytes = kit_write(&trace, events, COUNT);
    assert_in_range(bytes.size, 1, COUNT / 50);
    ht_buffer_reset(&bytes);
    ht_trace_reset(&trace);
    check_survival(events, COUNT);
    free(events);
}

static void the_best_way_is_smaller_and_reads_the_same(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct ht_trace trace;
    struct ht_event *events = calloc(COUNT, sizeof *events);
    assert_non_null(events);
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    uint64_t random = 42;
    for (int i = 0; i < COUNT; i++)
        events[i] = mad_event(&random, i * 100);
    struct ht_buffer expected = kit_text(&trace, events, COUNT);
    struct ht_buffer usual = kit_write(&trace, events, COUNT);
    struct ht_buffer best = kit_write_as(ht_format_compact.best, &trace, events, COUNT);
    struct kit_result result = kit_read(best.data, best.size);
    assert_int_equal(result.status, HT_END);
    assert_memory_equal(result.text.data, expected.data, expected.size);
    assert_in_range(best.size, 1, usual.size * 19 / 20);
    kit_result_reset(&result);
    ht_buffer_reset(&best);
    ht_buffer_reset(&usual);
    ht_buffer_reset(&expected);
    ht_trace_reset(&trace);
    free(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traces_that_make_no_sense_survive),
        cmocka_unit_test(as_many_heaps_threads_and_sizes_as_events_survive),
        cmocka_unit_test(as_many_pools_with_a_release_as_blocks_survive),
        cmocka_unit_test(births_and_places_are_those_of_the_specification),
        cmocka_unit_test(equal_addresses_of_two_processes_stay_apart),
        cmocka_unit_test(a_thread_that_stays_on_its_cpu_costs_zeros),
        cmocka_unit_test(units_divide_all_differences),
        cmocka_unit_test(the_best_way_is_smaller_and_reads_the_same),
        cmocka_unit_test(a_heap_that_reuses_its_blocks_becomes_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
