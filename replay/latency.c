// SPDX-License-Identifier: MIT
//
// Times calls of a heap. Counts stand in a histogram of fixed size: each power of two is cut into
// 32 equal steps.
#include "replay/latency.h"

#include "formats/mix.h"
#include "replay/os.h"

#include <string.h>

enum {
    STEP_BITS = 5,
    STEPS = 1 << STEP_BITS, // of a power of two
    OCTAVES = 40,           // times over some 5 hours are counted as that
    CELLS = OCTAVES * STEPS,
    PAIRS = 1001,
};

struct histogram {
    uint64_t cells[CELLS];
    uint64_t count;
    uint64_t most;
};

// A heap that passes calls on. There are two, for the heap and for its form of several apart.
struct timed_heap {
    struct ht_heap heap; // first, so that open finds the rest
    const struct ht_heap *inner;
    struct ht_latency *latency;
};

// What one thread counts.
struct table {
    uint32_t every;
    uint32_t left; // calls until one is timed
    uint64_t random;
    uint64_t pair_ns;
    struct histogram histograms[HT_LATENCY_KIND_COUNT];
};

// One that was opened, or entered.
struct timed {
    const struct ht_heap *inner;
    void *inner_self;
    struct ht_latency *latency;
    struct table *table;
};

struct entered {
    struct timed timed;
    struct table table;
    struct entered *next;
};

struct ht_latency {
    struct timed_heap whole;
    struct timed_heap apart;
    struct table table; // of all heaps that were opened
    struct entered *entered;
    uint32_t entered_count;
};

const char *ht_latency_kind_name(enum ht_latency_kind kind)
{
    static const char *const names[HT_LATENCY_KIND_COUNT] = {
        "alloc",
        "realloc_in_place",
        "realloc_moved",
        "free",
    };
    return names[kind];
}

// Below two times STEPS each ns has its cell; above, the leading bits choose it.
static uint32_t cell_of(uint64_t ns)
{
    uint32_t shift = 0;
    while (ns >> shift >= 2 * STEPS) {
        shift++;
    }
    uint32_t cell = shift * STEPS + (uint32_t)(ns >> shift);
    return cell < CELLS ? cell : CELLS - 1;
}

// The most ns that fall into a cell.
static uint64_t most_of_cell(uint32_t cell)
{
    if (cell < 2 * STEPS) {
        return cell;
    }
    uint32_t shift = cell / STEPS - 1;
    uint64_t lead = cell - shift * STEPS;
    return ((lead + 1) << shift) - 1;
}

static void add(struct table *table, enum ht_latency_kind kind, uint64_t ns)
{
    struct histogram *histogram = &table->histograms[kind];
    histogram->cells[cell_of(ns)]++;
    histogram->count++;
    if (ns > histogram->most) {
        histogram->most = ns;
    }
}

void ht_latency_add(struct ht_latency *latency, enum ht_latency_kind kind, uint64_t ns)
{
    add(&latency->table, kind, ns);
}

static void merge(struct histogram *sum, const struct histogram *histogram)
{
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        sum->cells[cell] += histogram->cells[cell];
    }
    sum->count += histogram->count;
    sum->most = histogram->most > sum->most ? histogram->most : sum->most;
}

// The time that `permille` of the calls do not exceed.
static uint64_t quantile(const struct histogram *histogram, uint64_t permille)
{
    uint64_t rank = (histogram->count * permille + 999) / 1000;
    uint64_t seen = 0;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        seen += histogram->cells[cell];
        if (seen >= rank && seen > 0) {
            uint64_t most = most_of_cell(cell);
            return most < histogram->most ? most : histogram->most;
        }
    }
    return 0;
}

struct ht_latency_figures ht_latency_figures(const struct ht_latency *latency,
                                             enum ht_latency_kind kind)
{
    struct histogram sum = latency->table.histograms[kind];
    for (const struct entered *each = latency->entered; each != NULL; each = each->next) {
        merge(&sum, &each->table.histograms[kind]);
    }
    return (struct ht_latency_figures){
        .timed = sum.count,
        .p50_ns = quantile(&sum, 500),
        .p90_ns = quantile(&sum, 900),
        .p99_ns = quantile(&sum, 990),
        .p999_ns = quantile(&sum, 999),
        .most_ns = sum.most,
    };
}

// Chooses the next call to be timed, 1 to 2 * every - 1 calls on.
static void choose(struct table *table)
{
    // Marsaglia's xorshift of 64 bits.
    uint64_t random = table->random;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    table->random = random;
    table->left = 1 + (uint32_t)((random >> 32) % (2 * (uint64_t)table->every - 1));
}

// True when this call is to be timed.
static inline bool is_due(struct table *table)
{
    if (--table->left > 0) {
        return false;
    }
    choose(table);
    return true;
}

// Counts a call between two looks at the clock that lie `ns` apart.
static void note(struct table *table, enum ht_latency_kind kind, uint64_t ns)
{
    add(table, kind, ns > table->pair_ns ? ns - table->pair_ns : 0);
}

static void *allocate(void *self, size_t size)
{
    struct timed *timed = self;
    if (!is_due(timed->table)) {
        return timed->inner->allocate(timed->inner_self, size);
    }
    uint64_t start_ns = ht_os_clock_ns();
    void *block = timed->inner->allocate(timed->inner_self, size);
    note(timed->table, HT_LATENCY_ALLOC, ht_os_clock_ns() - start_ns);
    return block;
}

static void *reallocate(void *self, void *block, size_t size)
{
    struct timed *timed = self;
    if (!is_due(timed->table)) {
        return timed->inner->reallocate(timed->inner_self, block, size);
    }
    // As a number, for the pointer is not to be looked at once its block is gone.
    uintptr_t old_address = (uintptr_t)block;
    uint64_t start_ns = ht_os_clock_ns();
    void *resized = timed->inner->reallocate(timed->inner_self, block, size);
    uint64_t ns = ht_os_clock_ns() - start_ns;
    if (resized != NULL) {
        bool is_moved = (uintptr_t)resized != old_address;
        note(timed->table, is_moved ? HT_LATENCY_MOVED : HT_LATENCY_IN_PLACE, ns);
    }
    return resized;
}

static void release(void *self, void *block)
{
    struct timed *timed = self;
    if (!is_due(timed->table)) {
        timed->inner->release(timed->inner_self, block);
        return;
    }
    uint64_t start_ns = ht_os_clock_ns();
    timed->inner->release(timed->inner_self, block);
    note(timed->table, HT_LATENCY_FREE, ht_os_clock_ns() - start_ns);
}

static size_t usable(void *self, void *block)
{
    struct timed *timed = self;
    return timed->inner->usable(timed->inner_self, block);
}

static void account(void *self, struct ht_account *told)
{
    const struct timed *timed = self;
    timed->inner->account(timed->inner_self, told);
}

static void version(void *self, char *text, size_t size)
{
    struct timed *timed = self;
    timed->inner->version(timed->inner_self, text, size);
}

static enum ht_status open_timed(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    const struct timed_heap *outer = (const struct timed_heap *)heap;
    struct timed *timed = ht_os_map(sizeof *timed);
    if (timed == NULL) {
        return ht_fail_memory(error, "the timed heap");
    }
    *timed = (struct timed){
        .inner = outer->inner, .latency = outer->latency, .table = &outer->latency->table};
    enum ht_status status = timed->inner->open(timed->inner, &timed->inner_self, error);
    if (status != HT_OK) {
        ht_os_unmap(timed, sizeof *timed);
        return status;
    }
    *self = timed;
    return HT_OK;
}

// It has gaps that no other thread has, and stays until the times are closed, for its counts.
static enum ht_status enter(void *self, void **of_thread, struct ht_error *error)
{
    const struct timed *timed = self;
    struct ht_latency *latency = timed->latency;
    struct entered *entered = ht_os_map(sizeof *entered);
    if (entered == NULL) {
        return ht_fail_memory(error, "the times of a thread's calls");
    }
    entered->timed = *timed;
    entered->timed.table = &entered->table;
    entered->table.every = latency->table.every;
    entered->table.pair_ns = latency->table.pair_ns;
    entered->table.random = ht_mix(++latency->entered_count) | 1;
    choose(&entered->table);
    entered->next = latency->entered;
    latency->entered = entered;
    *of_thread = &entered->timed;
    return timed->inner->enter == NULL
               ? HT_OK
               : timed->inner->enter(timed->inner_self, &entered->timed.inner_self, error);
}

static void close_timed(void *self)
{
    struct timed *timed = self;
    timed->inner->close(timed->inner_self);
    ht_os_unmap(timed, sizeof *timed);
}

static struct timed_heap around(const struct ht_heap *inner, struct ht_latency *latency)
{
    return (struct timed_heap){
        .heap = {.name = inner->name,
                 .what = inner->what,
                 .is_memory = inner->is_memory,
                 .open = open_timed,
                 .close = close_timed,
                 .enter = enter,
                 .version = version,
                 .allocate = allocate,
                 .reallocate = reallocate,
                 .release = release,
                 .usable = inner->usable == NULL ? NULL : usable,
                 .account = inner->account == NULL ? NULL : account},
        .inner = inner,
        .latency = latency,
    };
}

// The median of many pairs, found in the histogram that it leaves empty again.
static void measure_pair(struct ht_latency *latency)
{
    struct histogram *histogram = &latency->table.histograms[0];
    for (int i = 0; i < PAIRS; i++) {
        uint64_t start_ns = ht_os_clock_ns();
        ht_latency_add(latency, 0, ht_os_clock_ns() - start_ns);
    }
    latency->table.pair_ns = quantile(histogram, 500);
    memset(histogram, 0, sizeof *histogram);
}

enum ht_status ht_latency_open(struct ht_latency **latency, const struct ht_heap *heap,
                               uint32_t every, struct ht_error *error)
{
    struct ht_latency *opened = ht_os_map(sizeof *opened);
    *latency = opened;
    if (opened == NULL) {
        return ht_fail_memory(error, "the times of calls");
    }
    opened->table.every = every;
    opened->table.left = every;
    opened->table.random = UINT64_C(0x9e3779b97f4a7c15); // any that is not 0
    opened->whole = around(heap, opened);
    if (heap->apart != NULL) {
        opened->apart = around(heap->apart, opened);
        opened->whole.heap.apart = &opened->apart.heap;
    }
    measure_pair(opened);
    return HT_OK;
}

void ht_latency_close(struct ht_latency *latency)
{
    if (latency == NULL) {
        return;
    }
    for (struct entered *each = latency->entered; each != NULL;) {
        struct entered *next = each->next;
        ht_os_unmap(each, sizeof *each);
        each = next;
    }
    ht_os_unmap(latency, sizeof *latency);
}

const struct ht_heap *ht_latency_heap(const struct ht_latency *latency)
{
    return &latency->whole.heap;
}

struct ht_latency_report ht_latency_report(const struct ht_latency *latency)
{
    struct ht_latency_report report = {.every = latency->table.every,
                                       .pair_ns = latency->table.pair_ns};
    for (int kind = 0; kind < HT_LATENCY_KIND_COUNT; kind++) {
        report.of[kind] = ht_latency_figures(latency, (enum ht_latency_kind)kind);
    }
    return report;
}

// The next is due as many calls on as there are numbers, which is never.
void ht_latency_stop(struct ht_latency *latency)
{
    latency->table.left = 0;
    for (struct entered *each = latency->entered; each != NULL; each = each->next) {
        each->table.left = 0;
    }
}

uint64_t ht_latency_memory_bytes(const struct ht_latency *latency)
{
    return sizeof *latency + latency->entered_count * (uint64_t)sizeof *latency->entered;
}
