// SPDX-License-Identifier: MIT
//
// Deals recorded threads out, the busiest first, each to the worker that has least until then.
#include "replay/deal.h"

#include "formats/mix.h"
#include "replay/os.h"
#include "replay/sort.h"

enum { FIRST_CAPACITY = 1 << 10 };

struct thread {
    uint64_t key; // process and thread
    uint64_t operations;
    uint32_t number; // in order of first use, from 1; 0 in a place that is free
};

// Recorded threads by key, at most half full.
struct table {
    struct thread *places;
    uint32_t capacity; // a power of two
    uint32_t count;
};

static uint64_t bytes_of(const struct table *table)
{
    return table->capacity * (uint64_t)sizeof *table->places;
}

static struct thread *place_of(const struct table *table, uint64_t key)
{
    uint32_t at = (uint32_t)ht_mix(key) & (table->capacity - 1);
    while (table->places[at].number != 0 && table->places[at].key != key) {
        at = (at + 1) & (table->capacity - 1);
    }
    return &table->places[at];
}

// False when there is no memory.
static bool grow(struct table *table)
{
    struct table grown = {.capacity = table->capacity == 0 ? FIRST_CAPACITY : 2 * table->capacity,
                          .count = table->count};
    grown.places = grown.capacity == 0 ? NULL : ht_os_map(bytes_of(&grown));
    if (grown.places == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->places[i].number != 0) {
            *place_of(&grown, table->places[i].key) = table->places[i];
        }
    }
    ht_os_unmap(table->places, bytes_of(table));
    *table = grown;
    return true;
}

// The thread of a key, which may be new. NULL when there is no memory.
static struct thread *thread_of(struct table *table, uint64_t key)
{
    if (table->count >= table->capacity / 2 && !grow(table)) {
        return NULL;
    }
    struct thread *thread = place_of(table, key);
    if (thread->number == 0) {
        *thread = (struct thread){.key = key, .number = ++table->count};
    }
    return thread;
}

// Writes the number of each operation's thread, from 0, where its worker is to stand.
static enum ht_status number_threads(struct ht_deal *deal, const struct ht_trail *trail,
                                     struct table *table, struct ht_error *error)
{
    struct ht_trail_step step = ht_trail_begin(trail);
    for (uint64_t i = 0; i < deal->operations; i++) {
        const struct ht_trail_mark *mark = ht_trail_next(&step);
        struct thread *thread = thread_of(table, (uint64_t)mark->space << 32 | mark->thread);
        if (thread == NULL) {
            return ht_fail_memory(error, "the table of recorded threads");
        }
        thread->operations++;
        deal->worker_of[i] = thread->number - 1;
    }
    return HT_OK;
}

static bool is_busier(const void *one, const void *other)
{
    const struct thread *a = one;
    const struct thread *b = other;
    if (a->operations != b->operations) {
        return a->operations > b->operations;
    }
    return a->number < b->number;
}

static uint32_t least_of(const uint64_t *loads, uint32_t count)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i < count; i++) {
        least = loads[i] < loads[least] ? i : least;
    }
    return least;
}

// Chooses the worker of each thread; the table is none any more.
static void choose_workers(const struct ht_deal *deal, struct table *table, uint32_t *worker_of)
{
    uint64_t loads[HT_WORKERS_MAX] = {0};
    ht_sort(table->places, table->capacity, sizeof *table->places, is_busier);
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t least = least_of(loads, deal->workers);
        loads[least] += table->places[i].operations;
        worker_of[table->places[i].number - 1] = least;
    }
}

static enum ht_status deal_out(struct ht_deal *deal, struct table *table, struct ht_error *error)
{
    uint64_t size_bytes = table->count * (uint64_t)sizeof(uint32_t);
    uint32_t *worker_of = ht_os_map(size_bytes);
    if (worker_of == NULL) {
        return ht_fail_memory(error, "the table of recorded threads");
    }
    deal->threads = table->count;
    deal->workers = deal->workers < table->count ? deal->workers : table->count;
    choose_workers(deal, table, worker_of);
    for (uint64_t i = 0; i < deal->operations; i++) {
        deal->worker_of[i] = worker_of[deal->worker_of[i]];
    }
    ht_os_unmap(worker_of, size_bytes);
    return HT_OK;
}

enum ht_status ht_deal_init(struct ht_deal *deal, const struct ht_plan *plan,
                            const struct ht_trail *trail, uint32_t workers, struct ht_error *error)
{
    struct table table = {0};
    *deal = (struct ht_deal){.workers = workers, .operations = ht_plan_totals(plan)->operations};
    if (deal->operations == 0) {
        return HT_OK;
    }
    deal->worker_of = ht_os_map(deal->operations * sizeof *deal->worker_of);
    if (deal->worker_of == NULL) {
        return ht_fail_memory(error, "the workers of the operations");
    }
    enum ht_status status = number_threads(deal, trail, &table, error);
    if (status == HT_OK) {
        status = deal_out(deal, &table, error);
    }
    ht_os_unmap(table.places, bytes_of(&table));
    if (status != HT_OK) {
        ht_deal_reset(deal);
    }
    return status;
}

void ht_deal_reset(struct ht_deal *deal)
{
    ht_os_unmap(deal->worker_of, deal->operations * sizeof *deal->worker_of);
    *deal = (struct ht_deal){0};
}
