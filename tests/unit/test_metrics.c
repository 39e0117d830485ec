// SPDX-License-Identifier: MIT
#include "replay/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct ht_metrics_options small = {
    .operations = 100, .block_limit = 16, .look_at = UINT64_MAX, .gap_sizes = {1, 1, 1}};

enum { SAMPLES = 512 };

static struct ht_moment samples[SAMPLES];

static struct ht_metrics *open_with(const struct ht_metrics_options *asked)
{
    struct ht_metrics *metrics;
    struct ht_metrics_options options = *asked;
    options.samples = samples;
    options.sample_room = SAMPLES;
    assert_int_equal(ht_metrics_open(&metrics, &options, NULL), HT_OK);
    return metrics;
}

static void put(struct ht_metrics *metrics, int64_t time_ns, uint32_t block, uint64_t address,
                uint64_t size)
{
    struct ht_place place = {.address = address, .size = size};
    ht_metrics_step(metrics, time_ns, block, &place);
}

static void take(struct ht_metrics *metrics, int64_t time_ns, uint32_t block)
{
    ht_metrics_step(metrics, time_ns, block, NULL);
}

static const struct ht_metrics_report *finish(struct ht_metrics *metrics)
{
    assert_int_equal(ht_metrics_finish(metrics, NULL), HT_OK);
    return ht_metrics_report(metrics);
}

static void assert_near(double value, double expected)
{
    if (fabs(value - expected) > 1e-9 * fabs(expected)) {
        fail_msg("%.12g is not %.12g", value, expected);
    }
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void no_operation_has_no_figure(void **state)
{
    (void)state;
    struct ht_metrics_options options = small;
    options.operations = 0;
    options.block_limit = 0;
    struct ht_metrics *metrics = open_with(&options);
    const struct ht_metrics_report *report = finish(metrics);
    assert_int_equal(report->operations, 0);
    assert_int_equal(report->sample_count, 0);
    assert_int_equal(report->last.gaps.count, 0);
    assert_true(report->f1_operations == 0 && report->f1_time == 0);
    assert_true(report->f2 == 0 && report->f3 == 0 && report->f4 == 0 && report->retention == 0);
    ht_metrics_close(metrics);
}

// The example of docs/replay.md.
static void the_classic_four_are_as_on_paper(void **state)
{
    (void)state;
    struct ht_metrics_options options = small;
    options.operations = 6;
    struct ht_metrics *metrics = open_with(&options);
    put(metrics, 0, 0, 0x10000, 1024);   // L 1024, 1 page:  4
    put(metrics, 100, 1, 0x10400, 3072); // L 4096, 1 page:  1
    put(metrics, 300, 2, 0x11000, 4096); // L 8192, 2 pages: 1, the most bytes
    take(metrics, 400, 2);               // L 4096, 1 page:  1
    put(metrics, 700, 0, 0x20FFE, 4098); // L 7170, 3 pages: 12288 / 7170, the most pages
    take(metrics, 1000, 1);              // L 4098, 2 pages: 8192 / 4098
    const struct ht_metrics_report *report = finish(metrics);
    assert_int_equal(report->operations, 6);
    assert_int_equal(report->peak.operation, 2);
    assert_int_equal(report->peak.time_ns, 300);
    assert_int_equal(report->peak.live_bytes, 8192);
    assert_int_equal(report->peak.live_blocks, 3);
    assert_int_equal(report->peak.page_bytes, 8192);
    assert_int_equal(report->peak.sparse_bytes, 0);
    assert_int_equal(report->page_peak.operation, 4);
    assert_int_equal(report->page_peak.page_bytes, 12288);
    assert_int_equal(report->page_peak.live_bytes, 7170);
    assert_int_equal(report->page_peak.sparse_bytes, 4096); // 0x20FFE: two bytes
    assert_int_equal(report->end.operation, 5);
    assert_int_equal(report->end.live_bytes, 4098);
    assert_int_equal(report->end.page_bytes, 8192);
    double late = 12288.0 / 7170;
    assert_near(report->f1_operations, (4 + 1 + 1 + 1 + late + 8192.0 / 4098) / 6);
    assert_near(report->f1_time, (4 * 100 + 200 + 100 + 300 + late * 300) / 1000);
    assert_near(report->f2, 1);
    assert_near(report->f3, late);
    assert_near(report->f4, 1.5);
    assert_near(report->retention, 8192.0 / 4098);
    ht_metrics_close(metrics);
}

static void time_without_a_live_byte_is_in_no_average(void **state)
{
    (void)state;
    struct ht_metrics *metrics = open_with(&small);
    put(metrics, -1000, 0, 0x1000, 2048); // 2 for 100 ns
    take(metrics, -900, 0);               // nothing for 900
    put(metrics, 0, 1, 0x1000, 1024);     // 4 for 300
    put(metrics, -500, 2, 0x1400, 1024);  // a clock that goes back stands still
    ht_metrics_pass(metrics, 300);        // 2 from here
    ht_metrics_pass(metrics, 400);
    const struct ht_metrics_report *report = finish(metrics);
    assert_near(report->f1_operations, (2.0 + 4 + 2 + 2 + 2) / 5);
    assert_near(report->f1_time, (2.0 * 100 + 2 * 300 + 2 * 100) / 500);
    ht_metrics_close(metrics);
}

static void reallocs_are_told_by_direction(void **state)
{
    (void)state;
    struct ht_metrics *metrics = open_with(&small);
    put(metrics, 0, 0, 0x1000, 50);
    put(metrics, 1, 0, 0x1000, 60);   // grows in place
    put(metrics, 2, 0, 0x2000, 5000); // grows and moves: 60 copied, 5060 at once
    put(metrics, 3, 0, 0x2000, 4000); // shrinks in place
    put(metrics, 4, 0, 0x1000, 1000); // shrinks and moves: 1000 copied, 5000 at once
    put(metrics, 5, 0, 0x1000, 1000); // same
    put(metrics, 6, 0, 0x3000, 1000); // same, but moves: 1000 copied
    put(metrics, 7, 0, 0x3000, 1001); // grows in place
    put(metrics, 8, 1, 0x9000, 7);    // made, no realloc
    const struct ht_metrics_report *report = finish(metrics);
    const struct ht_metrics_reallocs *grow = &report->reallocs[HT_DIRECTION_GROW];
    assert_int_equal(grow->count, 3);
    assert_int_equal(grow->moved, 1);
    assert_int_equal(grow->bytes_copied, 60);
    assert_int_equal(grow->requested_bytes, 60 + 5000 + 1001);
    const struct ht_metrics_reallocs *shrink = &report->reallocs[HT_DIRECTION_SHRINK];
    assert_int_equal(shrink->count, 2);
    assert_int_equal(shrink->moved, 1);
    assert_int_equal(shrink->bytes_copied, 1000);
    const struct ht_metrics_reallocs *same = &report->reallocs[HT_DIRECTION_SAME];
    assert_int_equal(same->count, 2);
    assert_int_equal(same->moved, 1);
    assert_int_equal(same->bytes_copied, 1000);
    assert_int_equal(report->grown[1].count, 2); // from 50 and from 60
    assert_int_equal(report->grown[1].in_place, 1);
    assert_int_equal(report->grown[3].count, 1); // from 1000
    assert_int_equal(report->grown[3].in_place, 1);
    assert_int_equal(report->doubling_bytes, 5060);
    assert_int_equal(report->doubling_operation, 2);
    ht_metrics_close(metrics);
}

static void an_operation_refused_changes_nothing_but_the_count(void **state)
{
    (void)state;
    struct ht_metrics *metrics = open_with(&small);
    put(metrics, 0, 0, 0x1000, 50);
    ht_metrics_pass(metrics, 1);
    take(metrics, 2, 5); // was never live
    const struct ht_metrics_report *report = finish(metrics);
    assert_int_equal(report->operations, 3);
    assert_int_equal(report->peak.operation, 0); // the first of three with as many bytes
    assert_int_equal(report->end.live_bytes, 50);
    assert_int_equal(report->reallocs[HT_DIRECTION_SAME].count, 0);
    ht_metrics_close(metrics);
}

static void usable_bytes_are_told_by_decade(void **state)
{
    (void)state;
    struct ht_metrics_options options = small;
    options.has_usable = true;
    struct ht_metrics *metrics = open_with(&options);
    struct ht_place place = {.address = 0x1000, .size = 9, .usable = 24};
    ht_metrics_step(metrics, 0, 0, &place);
    place = (struct ht_place){.address = 0x1100, .size = 10, .usable = 24};
    ht_metrics_step(metrics, 0, 1, &place);
    place = (struct ht_place){.address = 0x1100, .size = 99, .usable = 104};
    ht_metrics_step(metrics, 0, 1, &place);
    const struct ht_metrics_report *report = finish(metrics);
    assert_true(report->has_usable);
    assert_int_equal(report->end.live_bytes, 108);
    assert_int_equal(report->end.usable_bytes, 128);
    assert_int_equal(report->made[0].blocks, 1);
    assert_int_equal(report->made[0].usable_bytes, 24);
    assert_int_equal(report->made[1].blocks, 2);
    assert_int_equal(report->made[1].requested_bytes, 109);
    assert_int_equal(report->made[1].usable_bytes, 128);
    assert_int_equal(report->last.live[1].blocks, 1);
    assert_int_equal(report->last.live[1].requested_bytes, 99);
    assert_int_equal(report->last.live[1].usable_bytes, 104);
    ht_metrics_close(metrics);
}

static void decades_are_those_of_the_decimal_digits(void **state)
{
    (void)state;
    assert_int_equal(ht_metrics_decade(0), 0);
    assert_int_equal(ht_metrics_decade(9), 0);
    assert_int_equal(ht_metrics_decade(10), 1);
    assert_int_equal(ht_metrics_decade(99), 1);
    assert_int_equal(ht_metrics_decade(9999999), 6);
    assert_int_equal(ht_metrics_decade(10000000), 7);
    assert_int_equal(ht_metrics_decade(UINT64_MAX), 7);
}

static void blocks_that_pin_are_told_from_birth_to_end(void **state)
{
    (void)state;
    struct ht_metrics_options options = small;
    options.look_at = 2;
    struct ht_metrics *metrics = open_with(&options);
    put(metrics, 10, 0, 0x10000, 100); // shares its page with the next: pins 100 of 400 parts
    put(metrics, 20, 1, 0x10800, 300);
    put(metrics, 30, 2, 0x20000, 50); // alone
    put(metrics, 40, 2, 0x20000, 60); // a realloc is no end
    take(metrics, 50, 2);
    put(metrics, 60, 2, 0x30000, 70); // another block of that number
    take(metrics, 70, 2);
    const struct ht_metrics_report *report = finish(metrics);
    const struct ht_pinner *pinners = report->look.pinners;
    assert_int_equal(pinners[0].block, 2);
    assert_int_equal(pinners[0].pinned_bytes, 4096);
    assert_int_equal(pinners[0].size, 50);
    assert_int_equal(pinners[0].made_ns, 30);
    assert_true(pinners[0].is_ended);
    assert_int_equal(pinners[0].ended_ns, 50);
    assert_int_equal(pinners[1].block, 1);
    assert_int_equal(pinners[1].pinned_bytes, 3072);
    assert_int_equal(pinners[1].made_ns, 20);
    assert_false(pinners[1].is_ended);
    assert_int_equal(pinners[2].block, 0);
    assert_int_equal(pinners[2].pinned_bytes, 1024);
    assert_int_equal(pinners[3].pinned_bytes, 0);
    assert_int_equal(report->last.pinners[0].block, 1);
    assert_int_equal(report->last.pinners[1].block, 0);
    assert_int_equal(report->last.pinners[2].pinned_bytes, 0);
    ht_metrics_close(metrics);
}

static void a_look_tells_gaps_and_who_pins(void **state)
{
    (void)state;
    struct ht_metrics_options options = small;
    options.look_at = 2;
    options.gap_sizes[1] = 1000;
    struct ht_metrics *metrics = open_with(&options);
    put(metrics, 0, 0, 0x10000, 0x8000);
    put(metrics, 0, 1, 0x1F000, 200); // alone on its page, 3896 bytes behind it, 28672 before
    put(metrics, 0, 2, 0x1F100, 0);   // no byte: pins nothing
    take(metrics, 0, 1);
    const struct ht_metrics_report *report = finish(metrics);
    assert_true(report->look.is_taken);
    assert_int_equal(report->look.operation, 2);
    assert_int_equal(report->look.gaps.regions, 1);
    assert_int_equal(report->look.gaps.count, 2);
    assert_int_equal(report->look.gaps.free_bytes, 32768 - 200);
    assert_int_equal(report->look.gaps.largest_bytes, 28672);
    assert_int_equal(report->look.gaps.usable_bytes[1], 28000 + 3000);
    assert_int_equal(report->look.live[0].blocks, 1);
    assert_int_equal(report->look.live[2].blocks, 1);
    assert_int_equal(report->look.live[4].requested_bytes, 0x8000);
    const struct ht_look_pinning *pinning = &report->look.pinning;
    assert_int_equal(pinning->by_size[2].id, 100);
    assert_int_equal(pinning->by_size[2].blocks, 1);
    assert_int_equal(pinning->by_size[2].requested_bytes, 200);
    assert_int_equal(pinning->by_size[2].pinned_bytes, 4096);
    assert_int_equal(pinning->by_size[0].blocks + pinning->by_size[4].blocks, 0);
    assert_int_equal(pinning->by_age[0].blocks, 1);
    assert_int_equal(pinning->threads, 1);
    assert_int_equal(report->last.gaps.count, 1);
    assert_int_equal(report->last.gaps.largest_bytes, 0x8000);
    assert_int_equal(report->last.pinning.by_size[2].blocks, 0);
    assert_int_equal(report->last.pinning.threads, 0);
    ht_metrics_close(metrics);
}

static void who_pins_is_told_by_thread_stack_and_age(void **state)
{
    (void)state;
    struct ht_metrics *metrics = open_with(&small);
    for (uint32_t i = 0; i < 12; i++) { // each on a page of its own
        struct ht_place place = {
            .address = 0x10000 + i * 0x1000, .size = 50, .thread = i, .stack = 7};
        ht_metrics_step(metrics, 0, i, &place);
    }
    struct ht_place place = {.address = 0x20000, .size = 1000, .thread = 11, .stack = 9};
    ht_metrics_step(metrics, 0, 12, &place);
    place = (struct ht_place){.address = 0x10000, .size = 60, .thread = 11}; // as old as before
    ht_metrics_step(metrics, 0, 0, &place);
    const struct ht_look_pinning *pinning = &finish(metrics)->last.pinning;
    assert_int_equal(pinning->threads, HT_METRICS_PINNING);
    assert_int_equal(pinning->by_thread[0].id, 11);
    assert_int_equal(pinning->by_thread[0].blocks, 3);
    assert_int_equal(pinning->by_thread[0].requested_bytes, 50 + 1000 + 60);
    assert_int_equal(pinning->by_thread[0].pinned_bytes, 3 * 4096);
    for (uint32_t i = 1; i < HT_METRICS_PINNING; i++) {
        assert_int_equal(pinning->by_thread[i].id, i); // equal shares in the order of ids
        assert_int_equal(pinning->by_thread[i].pinned_bytes, 4096);
    }
    assert_int_equal(pinning->stacks, 3);
    assert_int_equal(pinning->by_stack[0].id, 7);
    assert_int_equal(pinning->by_stack[0].pinned_bytes, 11 * 4096);
    assert_int_equal(pinning->by_stack[1].id, 0);
    assert_int_equal(pinning->by_stack[2].id, 9);
    assert_int_equal(pinning->by_age[1].blocks, 4); // made at operations 0 to 3 of 13
    assert_int_equal(pinning->by_age[0].blocks, 9);
    ht_metrics_close(metrics);
}

static void hostile_sizes_are_counted_apart(void **state)
{
    (void)state;
    struct ht_metrics *metrics = open_with(&small);
    put(metrics, 0, 0, 0x1000, 100);
    put(metrics, 0, 1, 0x2000, UINT64_C(1) << 60);
    put(metrics, 0, 2, UINT64_MAX - 8, HT_METRICS_SIZE_MAX + 1);
    put(metrics, 0, 0, 0x1000, UINT64_MAX); // a realloc out of the figures and
    put(metrics, 0, 0, 0x1000, 200);        // back into them is none of the table's
    put(metrics, 0, 3, UINT64_MAX, HT_METRICS_SIZE_MAX);
    take(metrics, 0, 3);
    take(metrics, 0, 1);
    const struct ht_metrics_report *report = finish(metrics);
    assert_int_equal(report->oversized, 3);
    assert_int_equal(report->end.live_bytes, 200);
    assert_int_equal(report->end.live_blocks, 1);
    assert_int_equal(report->end.page_bytes, 4096);
    assert_int_equal(report->reallocs[HT_DIRECTION_GROW].count, 0);
    assert_int_equal(report->reallocs[HT_DIRECTION_SHRINK].count, 0);
    assert_int_equal(report->peak.operation, 5);
    assert_int_equal(report->peak.live_bytes, 200 + HT_METRICS_SIZE_MAX);
    ht_metrics_close(metrics);
}

static void hostile_places_leave_nothing_behind(void **state)
{
    (void)state;
    static const uint64_t addresses[] = {0,
                                         1,
                                         4095,
                                         4096,
                                         UINT32_MAX,
                                         UINT64_C(1) << 47,
                                         UINT64_MAX - 65536,
                                         UINT64_MAX - 4095,
                                         UINT64_MAX};
    static const uint64_t sizes[] = {
        0, 1, 4095, 4096, 8193, HT_METRICS_SIZE_MAX, HT_METRICS_SIZE_MAX + 1, UINT64_MAX};
    struct ht_metrics_options options = small;
    options.operations = 20000;
    struct ht_metrics *metrics = open_with(&options);
    uint64_t random = 99;
    for (int i = 0; i < 19000; i++) { // blocks overlap here as they like
        struct ht_place place = {.address = addresses[next_random(&random) % 9],
                                 .size = sizes[next_random(&random) % 8],
                                 .space = (uint32_t)(next_random(&random) % 3)};
        bool ends = next_random(&random) % 4 == 0;
        int64_t time_ns = i % 2 == 0 ? INT64_MIN : INT64_MAX;
        ht_metrics_step(metrics, time_ns, next_random(&random) % 16, ends ? NULL : &place);
    }
    for (uint32_t i = 0; i < 16; i++) {
        take(metrics, 0, i);
    }
    const struct ht_metrics_report *report = finish(metrics);
    assert_true(report->peak.page_bytes > 0 && report->oversized > 0);
    assert_int_equal(report->end.live_bytes, 0);
    assert_int_equal(report->end.live_blocks, 0);
    assert_int_equal(report->end.page_bytes, 0);
    assert_int_equal(report->end.sparse_bytes, 0);
    assert_int_equal(report->last.gaps.regions, 0);
    ht_metrics_close(metrics);
}

static void samples_are_even_and_end_with_the_last_operation(void **state)
{
    (void)state;
    enum { COUNT = 1300 };
    struct ht_metrics_options options = small;
    options.operations = COUNT;
    options.block_limit = COUNT;
    struct ht_metrics *metrics = open_with(&options);
    for (uint32_t i = 0; i < COUNT; i++) {
        put(metrics, i * 10, i, 0x100000 + i * 16, 16);
    }
    const struct ht_metrics_report *report = finish(metrics);
    assert_int_equal(report->sample_step, 3);
    assert_int_equal(report->sample_count, 434);
    assert_int_equal(report->samples[0].operation, 2);
    assert_int_equal(report->samples[0].live_bytes, 48);
    assert_int_equal(report->samples[1].operation, 5);
    assert_int_equal(report->samples[433].operation, COUNT - 1);
    assert_int_equal(report->samples[433].time_ns, (COUNT - 1) * 10);
    ht_metrics_close(metrics);
}

static void a_step_that_is_asked_for_is_kept(void **state)
{
    (void)state;
    struct ht_metrics_options options = small;
    options.sample_step = 2;
    struct ht_metrics *metrics = open_with(&options);
    for (uint32_t i = 0; i < 5; i++) {
        put(metrics, i, i, 0x100000 + i * 16, 16);
    }
    const struct ht_metrics_report *report = finish(metrics);
    assert_int_equal(report->sample_step, 2);
    assert_int_equal(report->sample_count, 3);
    assert_int_equal(report->samples[0].operation, 1);
    assert_int_equal(report->samples[1].operation, 3);
    assert_int_equal(report->samples[2].operation, 4);
    ht_metrics_close(metrics);
}

static void gaps_are_looked_for_over_the_run(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct ht_metrics_options options = small;
    options.operations = COUNT;
    options.block_limit = COUNT;
    options.wants_gaps = true;
    struct ht_metrics *metrics = open_with(&options);
    for (uint32_t i = 0; i < COUNT; i++) {
        put(metrics, i * 10, i, 0x100000 + i * 64, 32);
    }
    const struct ht_metrics_report *report = finish(metrics);
    assert_int_equal(report->gaps_count, 15); // every 7th
    assert_int_equal(report->gaps[0].operation, 6);
    assert_int_equal(report->gaps[0].time_ns, 60);
    assert_int_equal(report->gaps[0].gaps.count, 7);
    assert_int_equal(report->gaps[0].gaps.free_bytes, 65536 - 7 * 32);
    assert_int_equal(report->gaps[14].operation, COUNT - 1);
    assert_int_equal(report->gaps[14].gaps.count, report->last.gaps.count);
    assert_int_equal(report->gaps[14].gaps.free_bytes, report->last.gaps.free_bytes);
    ht_metrics_close(metrics);
}

static void growth_is_counted_by_its_factor(void **state)
{
    (void)state;
    static const struct {
        uint64_t old_size, size;
        int factor;
    } cases[] = {{100, 110, 0},
                 {100, 111, 1},
                 {100, 125, 1},
                 {100, 150, 2},
                 {100, 151, 3},
                 {1000, 2000, 4},
                 {1000, 2001, 5},
                 {7, 28, 6},
                 {7, 29, 7},
                 {0, 1, 7},
                 {UINT64_C(1) << 40, UINT64_C(1) << 40, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ht_metrics_factor(cases[i].old_size, cases[i].size), cases[i].factor);
    }
    struct ht_metrics *metrics = open_with(&small);
    put(metrics, 0, 0, 0x1000, 100);
    put(metrics, 1, 0, 0x1000, 150); // by 1.5, in place
    put(metrics, 2, 0, 0x2000, 210); // by 1.4, moved
    put(metrics, 3, 0, 0x2000, 200); // shrinks
    put(metrics, 4, 0, 0x3000, 900); // by 4.5, moved
    const struct ht_metrics_report *report = finish(metrics);
    assert_int_equal(report->factors[2].count, 2);
    assert_int_equal(report->factors[2].in_place, 1);
    assert_int_equal(report->factors[7].count, 1);
    assert_int_equal(report->factors[7].in_place, 0);
    assert_int_equal(report->end.reallocs, 4);
    assert_int_equal(report->end.moved, 2);
    assert_int_equal(report->samples[1].moved, 0);
    assert_int_equal(report->samples[2].moved, 1);
    ht_metrics_close(metrics);
}

// An independent implementation: at every step everything anew from the list of live blocks.
enum { SLOW_BLOCKS = 40, SLOW_STEPS = 3000, SLOW_PAGES = 256 };
#define SLOW_BASE UINT64_C(0xFFFFFFFFFFF00000) // the last 1 MiB of all addresses

struct slow {
    bool is_live[SLOW_BLOCKS];
    struct ht_place places[SLOW_BLOCKS];
    struct ht_metrics_report report; // of it: peaks, end, ratios, reallocs
    double ratio_sum, time_sum, ratio_time_sum;
    uint64_t ratio_count;
};

static struct ht_moment slow_moment(const struct slow *slow, uint64_t operation, int64_t time_ns)
{
    static uint32_t live_on[SLOW_PAGES];
    struct ht_moment moment = {.operation = operation, .time_ns = time_ns};
    memset(live_on, 0, sizeof live_on);
    for (int i = 0; i < SLOW_BLOCKS; i++) {
        const struct ht_place *place = &slow->places[i];
        for (uint64_t at = 0; slow->is_live[i] && at < place->size; at++) {
            live_on[(place->address - SLOW_BASE + at) / 4096]++;
        }
        moment.live_blocks += slow->is_live[i];
        moment.live_bytes += slow->is_live[i] ? place->size : 0;
        moment.usable_bytes += slow->is_live[i] ? place->usable : 0;
    }
    for (int i = 0; i < SLOW_PAGES; i++) {
        moment.page_bytes += live_on[i] > 0 ? 4096 : 0;
        moment.sparse_bytes += live_on[i] > 0 && live_on[i] * 4 < 4096 ? 4096 : 0;
    }
    return moment;
}

static void slow_step(struct slow *slow, int64_t time_ns, uint64_t operation)
{
    struct ht_metrics_report *report = &slow->report;
    const struct ht_moment *last = &report->end;
    if (operation > 0 && last->live_bytes > 0) {
        double passed = (double)(time_ns - last->time_ns);
        slow->time_sum += passed;
        slow->ratio_time_sum += passed * (double)last->page_bytes / (double)last->live_bytes;
    }
    struct ht_moment now = slow_moment(slow, operation, time_ns);
    if (now.live_bytes > 0) {
        slow->ratio_sum += (double)now.page_bytes / (double)now.live_bytes;
        slow->ratio_count++;
    }
    if (now.live_bytes > report->peak.live_bytes) {
        report->peak = now;
    }
    if (now.page_bytes > report->page_peak.page_bytes) {
        report->page_peak = now;
    }
    report->end = now;
}

static void slow_realloc(struct slow *slow, const struct ht_place *old,
                         const struct ht_place *place)
{
    int direction = 2;
    if (place->size > old->size) {
        direction = 0;
    } else if (place->size < old->size) {
        direction = 1;
    }
    struct ht_metrics_reallocs *reallocs = &slow->report.reallocs[direction];
    reallocs->count++;
    reallocs->requested_bytes += place->size;
    if (place->address != old->address) {
        reallocs->moved++;
        reallocs->bytes_copied += old->size < place->size ? old->size : place->size;
    }
}

// A place that no other live block is on; false when luck has none.
static bool find_place(const struct slow *slow, int block, uint64_t *random, struct ht_place *place)
{
    static const uint64_t most[] = {40, 600, 5000, 30000};
    bool may_stay = slow->is_live[block] && next_random(random) % 2 == 0;
    place->size = next_random(random) % most[next_random(random) % 4];
    place->usable = place->size + next_random(random) % 16;
    place->space = 0;
    // The very last byte too, now and then.
    uint64_t room = (UINT64_C(1) << 20) - place->size;
    uint64_t at =
        next_random(random) % 16 == 0 ? room - (place->size == 0) : next_random(random) % room;
    place->address = may_stay ? slow->places[block].address : SLOW_BASE + at;
    if (place->size > 0 && UINT64_MAX - place->address < place->size - 1) {
        return false;
    }
    for (int i = 0; i < SLOW_BLOCKS; i++) {
        const struct ht_place *other = &slow->places[i];
        uint64_t from = other->address - SLOW_BASE;
        uint64_t begin = place->address - SLOW_BASE;
        if (i != block && slow->is_live[i] && begin < from + other->size &&
            from < begin + place->size) {
            return false;
        }
    }
    return true;
}

static void assert_moment(const struct ht_moment *moment, const struct ht_moment *expected)
{
    assert_int_equal(moment->operation, expected->operation);
    assert_int_equal(moment->time_ns, expected->time_ns);
    assert_int_equal(moment->live_bytes, expected->live_bytes);
    assert_int_equal(moment->live_blocks, expected->live_blocks);
    assert_int_equal(moment->usable_bytes, expected->usable_bytes);
    assert_int_equal(moment->page_bytes, expected->page_bytes);
    assert_int_equal(moment->sparse_bytes, expected->sparse_bytes);
}

static void assert_as_slow(const struct ht_metrics_report *report, const struct slow *slow)
{
    const struct ht_metrics_report *expected = &slow->report;
    assert_moment(&report->peak, &expected->peak);
    assert_moment(&report->page_peak, &expected->page_peak);
    assert_moment(&report->end, &expected->end);
    assert_near(report->f1_operations, slow->ratio_sum / (double)slow->ratio_count);
    assert_near(report->f1_time, slow->ratio_time_sum / slow->time_sum);
    assert_near(report->f4,
                (double)expected->page_peak.page_bytes / (double)expected->peak.live_bytes);
    assert_memory_equal(report->reallocs, expected->reallocs, sizeof report->reallocs);
}

static void random_operations_are_as_recomputed_at_every_step(void **state)
{
    (void)state;
    static struct slow slow;
    struct ht_metrics_options options = {.operations = SLOW_STEPS,
                                         .block_limit = SLOW_BLOCKS,
                                         .look_at = UINT64_MAX,
                                         .gap_sizes = {1, 1, 1},
                                         .has_usable = true};
    struct ht_metrics *metrics = open_with(&options);
    uint64_t random = 20240506;
    int64_t time_ns = -5000;
    for (uint64_t i = 0; i < SLOW_STEPS; i++) {
        int block = (int)(next_random(&random) % SLOW_BLOCKS);
        struct ht_place place;
        bool ends = next_random(&random) % 3 == 0 || !find_place(&slow, block, &random, &place);
        time_ns += (int64_t)(next_random(&random) % 1000);
        if (!ends && slow.is_live[block]) {
            slow_realloc(&slow, &slow.places[block], &place);
        }
        slow.is_live[block] = !ends;
        slow.places[block] = ends ? slow.places[block] : place;
        slow_step(&slow, time_ns, i);
        ht_metrics_step(metrics, time_ns, (uint32_t)block, ends ? NULL : &place);
        if (ht_metrics_report(metrics)->sample_count > 0) {
            const struct ht_metrics_report *report = ht_metrics_report(metrics);
            const struct ht_moment *sample = &report->samples[report->sample_count - 1];
            if (sample->operation == i) {
                assert_moment(sample, &slow.report.end);
            }
        }
    }
    const struct ht_metrics_report *report = finish(metrics);
    assert_int_equal(report->sample_count, 500);
    assert_true(report->reallocs[HT_DIRECTION_GROW].count > 100);
    assert_as_slow(report, &slow);
    ht_metrics_close(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_operation_has_no_figure),
        cmocka_unit_test(the_classic_four_are_as_on_paper),
        cmocka_unit_test(time_without_a_live_byte_is_in_no_average),
        cmocka_unit_test(reallocs_are_told_by_direction),
        cmocka_unit_test(an_operation_refused_changes_nothing_but_the_count),
        cmocka_unit_test(usable_bytes_are_told_by_decade),
        cmocka_unit_test(decades_are_those_of_the_decimal_digits),
        cmocka_unit_test(blocks_that_pin_are_told_from_birth_to_end),
        cmocka_unit_test(a_look_tells_gaps_and_who_pins),
        cmocka_unit_test(who_pins_is_told_by_thread_stack_and_age),
        cmocka_unit_test(hostile_sizes_are_counted_apart),
        cmocka_unit_test(hostile_places_leave_nothing_behind),
        cmocka_unit_test(samples_are_even_and_end_with_the_last_operation),
        cmocka_unit_test(a_step_that_is_asked_for_is_kept),
        cmocka_unit_test(gaps_are_looked_for_over_the_run),
        cmocka_unit_test(growth_is_counted_by_its_factor),
        cmocka_unit_test(random_operations_are_as_recomputed_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
