// SPDX-License-Identifier: MIT
#include "formats/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { PIECES = 1000, NEVER = PIECES };

struct log {
    int fail_at; // number of the piece whose work fails
    int count;
    int numbers[PIECES];
};

static enum ht_status note(void *context, void *piece, struct ht_error *error)
{
    struct log *log = context;
    int number = *(int *)piece;
    if (number == log->fail_at)
        return ht_fail(error, HT_IO, "piece %d", number);
    log->numbers[log->count++] = number;
    return HT_OK;
}

static struct ht_relay *open_relay(struct log *log, bool is_apart)
{
    const struct ht_relay_work work = {note, log, sizeof(int)};
    struct ht_relay *relay = NULL;
    assert_int_equal(ht_relay_open(&relay, &work, is_apart, NULL), HT_OK);
    return relay;
}

static enum ht_status pass(struct ht_relay *relay, int number, struct ht_error *error)
{
    *(int *)ht_relay_piece(relay) = number;
    return ht_relay_pass(relay, error);
}

static void pieces_are_done_in_their_order(void **state)
{
    (void)state;
    for (int is_apart = 0; is_apart < 2; is_apart++) {
        struct log log = {.fail_at = NEVER};
        struct ht_relay *relay = open_relay(&log, is_apart);
        for (int i = 0; i < PIECES; i++) {
            assert_int_equal(pass(relay, i, NULL), HT_OK);
            if (i % 100 == 0) {
                assert_int_equal(ht_relay_wait(relay, NULL), HT_OK);
                assert_int_equal(log.count, i + 1);
            }
        }
        assert_int_equal(ht_relay_wait(relay, NULL), HT_OK);
        ht_relay_close(relay);
        assert_int_equal(log.count, PIECES);
        for (int i = 0; i < PIECES; i++)
            assert_int_equal(log.numbers[i], i);
    }
}

static void a_failure_is_told_and_ends_the_work(void **state)
{
    (void)state;
    for (int is_apart = 0; is_apart < 2; is_apart++) {
        struct log log = {.fail_at = 20};
        struct ht_error error = {0};
        struct ht_relay *relay = open_relay(&log, is_apart);
        enum ht_status status = HT_OK;
        for (int i = 0; i < PIECES && status == HT_OK; i++)
            status = pass(relay, i, &error);
        assert_int_equal(status, HT_IO);
        assert_string_equal(error.text, "piece 20");
        error.text[0] = 0;
        assert_int_equal(pass(relay, 21, NULL), HT_IO);
        assert_int_equal(ht_relay_wait(relay, &error), HT_IO);
        assert_string_equal(error.text, "piece 20");
        ht_relay_close(relay);
        assert_int_equal(log.count, 20);
    }
}

static void a_piece_can_be_waited_for(void **state)
{
    (void)state;
    for (int is_apart = 0; is_apart < 2; is_apart++) {
        struct log log = {.fail_at = NEVER};
        struct ht_relay *relay = open_relay(&log, is_apart);
        for (int i = 0; i < PIECES; i++) {
            assert_int_equal(pass(relay, i, NULL), HT_OK);
            if (i < HT_RELAY_PIECES)
                continue;
            int number = i - HT_RELAY_PIECES / 2;
            ht_relay_reach(relay, (uint64_t)number + 1);
            assert_int_equal(log.numbers[number], number);
        }
        ht_relay_close(relay);
    }
}

static void closing_does_not_wait_for_work(void **state)
{
    (void)state;
    struct log log = {.fail_at = NEVER};
    struct ht_relay *relay = open_relay(&log, true);
    for (int i = 0; i < 5; i++)
        assert_int_equal(pass(relay, i, NULL), HT_OK);
    ht_relay_close(relay);
    assert_true(log.count <= 5);
    ht_relay_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_done_in_their_order),
        cmocka_unit_test(a_failure_is_told_and_ends_the_work),
        cmocka_unit_test(a_piece_can_be_waited_for),
        cmocka_unit_test(closing_does_not_wait_for_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
