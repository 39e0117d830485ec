// SPDX-License-Identifier: MIT
#include "formats/bytes.h"
#include "formats/etl_heap.h"
#include "formats/etl_order.h"
#include "formats/etl_plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORD_MAX = 0x20 + 44, ROUNDS = 200000, CONTESTANTS = 37 };

static uint32_t random_state;
static struct ht_etl_counts counts;

static int set_up(void **state)
{
    (void)state;
    random_state = 1;
    return 0;
}

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % limit;
}

// A record that is plain or nearly so, and behind it what may be looked at.
static uint8_t *make_record(size_t *size)
{
    static const uint8_t opcodes[] = {0x21, 0x22, 0x24};
    static const uint8_t headers[] = {1, 2};
    *size = RECORD_MAX - random_below(50);
    uint8_t *record = calloc(1, *size + HT_ETL_PLAIN_PAD);
    assert_non_null(record);
    for (size_t i = 0; i < *size; i++)
        record[i] = (uint8_t)random_below(256);
    ht_store16(record, 2);
    record[2] = headers[random_below(2)];
    record[3] = 0xC0;
    ht_store16(record + 4, (uint16_t)(*size - random_below(3)));
    record[6] = opcodes[random_below(3)];
    record[7] = 0x10;
    if (random_below(4) == 0)
        record[random_below(8)] = (uint8_t)random_below(64);
    if (random_below(16) == 0)
        memset(record, 0, *size);
    return record;
}

static struct ht_etl_lane lane_over(const uint8_t *record, size_t size)
{
    struct ht_etl_lane lane = {.walk = {record, 0, size}, .cpu = 7};
    ht_etl_plain_look(&lane);
    return lane;
}

static bool is_plain(const uint8_t *record)
{
    return lane_over(record, RECORD_MAX).is_plain;
}

static bool take(struct ht_etl_lane *lane, struct ht_event *event)
{
    int64_t ticks;
    struct ht_etl_order order = {0};
    const struct ht_etl_clock clock = ht_etl_clock_at(10000000, 0);
    struct ht_etl_batch batch = {event, &ticks, 1, 0, INT64_MIN};
    assert_true(ht_etl_order_reserve(&order, 1));
    ht_etl_order_set(&order, 0, (struct ht_etl_place){lane->ticks, 0});
    enum ht_etl_plain how = ht_etl_plain_merge(lane, &order, INT64_MAX, &clock, &batch, &counts);
    ht_etl_order_reset(&order);
    assert_int_equal(how == HT_ETL_PLAIN_STUCK, batch.count == 0);
    return batch.count == 1;
}

static void what_is_plain_is_decoded_as_any_record_is(void **state)
{
    (void)state;
    unsigned plain = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t size;
        uint8_t *bytes = make_record(&size);
        struct ht_etl_walk walk = {bytes, 0, size};
        struct ht_etl_lane lane = lane_over(bytes, size);
        static struct ht_etl_heap_details details;
        struct ht_etl_record record;
        struct ht_event event;
        struct ht_event expected;
        if (lane.is_plain) {
            assert_int_equal(ht_etl_walk_next(&walk, &record), HT_ETL_STEP_RECORD);
            assert_true(ht_etl_heap_is(&record));
            assert_int_equal(record.stamp, lane.ticks);
            bool is_event = ht_etl_heap_decode(&record, &expected, &details);
            assert_int_equal(take(&lane, &event), is_event);
            if (is_event) {
                plain++;
                expected.time_ns = event.time_ns;
                expected.cpu = 7;
                assert_memory_equal(&event, &expected, sizeof event);
            }
        }
        free(bytes);
    }
    assert_true(plain > ROUNDS / 4);
}

static void nothing_else_is_plain(void **state)
{
    (void)state;
    uint8_t record[RECORD_MAX + HT_ETL_PLAIN_PAD] = {0};
    assert_false(is_plain(record)); // zeros
    memset(record, 0xFF, sizeof record);
    assert_false(is_plain(record)); // filler
    for (unsigned hook = 0; hook < 65536; hook++) {
        static const uint8_t start[] = {2, 0, 2, 0xC0, RECORD_MAX, 0};
        memcpy(record, start, sizeof start);
        ht_store16(record + 6, (uint16_t)hook);
        assert_int_equal(is_plain(record), hook == 0x1021 || hook == 0x1022 || hook == 0x1024);
    }
}

static void the_tournament_gives_the_earliest(void **state)
{
    (void)state;
    struct ht_etl_order order = {0};
    int64_t ticks[CONTESTANTS];
    for (uint32_t i = 0; i < CONTESTANTS; i++) {
        assert_true(ht_etl_order_reserve(&order, i + 1));
        ticks[i] = random_below(100);
        ht_etl_order_set(&order, i, (struct ht_etl_place){ticks[i], i});
    }
    for (int round = 0; round < 1000; round++) {
        uint32_t first = 0;
        int64_t second = INT64_MAX;
        for (uint32_t i = 1; i < CONTESTANTS; i++)
            first = ticks[i] < ticks[first] ? i : first;
        for (uint32_t i = 0; i < CONTESTANTS; i++)
            second = i != first && ticks[i] < second ? ticks[i] : second;
        assert_int_equal(ht_etl_place_number(ht_etl_order_top(&order)), first);
        assert_int_equal(ht_etl_order_top(&order).ticks, ticks[first]);
        assert_int_equal(ht_etl_order_next_ticks(&order), second);
        ticks[first] += random_below(20);
        ht_etl_order_set(&order, first, (struct ht_etl_place){ticks[first], first});
    }
    ht_etl_order_set(&order, ht_etl_place_number(ht_etl_order_top(&order)), HT_ETL_PLACE_NONE);
    assert_true(ht_etl_order_top(&order).ticks < INT64_MAX);
    ht_etl_order_reset(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_plain_is_decoded_as_any_record_is, set_up),
        cmocka_unit_test_setup(nothing_else_is_plain, set_up),
        cmocka_unit_test_setup(the_tournament_gives_the_earliest, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
