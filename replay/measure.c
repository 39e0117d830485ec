// SPDX-License-Identifier: MIT
//
// Feeds the metrics: from the trail for the recording, from a watched replay for the heap.
#include "replay/measure.h"

#include "replay/heap_map.h"
#include "replay/os.h"

struct ht_measure {
    const struct ht_plan *plan;
    const struct ht_trail *trail;
    const struct ht_heap *heap;
    void *const *selves;
    struct ht_trail_step step; // where the watched replay is
    uint64_t gap_sizes[HT_GAP_SIZES];
    size_t page_room; // that the recording took
    struct ht_metrics_report recorded;
    struct ht_metrics *replayed;
    struct ht_moment *samples; // those of the recording, then as many of the replay
    uint64_t sample_step;      // as asked for
    uint32_t sample_room;      // for each
    uint64_t *addresses; // of the replay's blocks after each operation; NULL: they are not kept
    uint64_t addresses_bytes;
    uint64_t seen; // operations of the replay
    struct ht_account account;
    struct ht_score score;
};

static bool is_request(const struct ht_op *op)
{
    return op->kind != HT_OP_FREE && op->kind != HT_OP_ADOPT;
}

// Counts requests by the byte of their size at `shift`, of those that have `prefix` above it.
static void count_digits(const struct ht_plan *plan, uint64_t prefix, int shift,
                         uint64_t counts[256])
{
    for (int digit = 0; digit < 256; digit++) {
        counts[digit] = 0;
    }
    for (const struct ht_plan_span *span = ht_plan_first(plan); span != NULL; span = span->next) {
        for (size_t i = 0; i < span->count; i++) {
            uint64_t above = span->ops[i].size >> shift;
            counts[above & 0xFF] += is_request(&span->ops[i]) && above >> 8 == prefix;
        }
    }
}

// The size of the request of this rank, from 0, were they sorted. Found a byte at a time, so that
// no copy of the sizes is needed.
static uint64_t size_of_rank(const struct ht_plan *plan, uint64_t rank)
{
    uint64_t size = 0;
    for (int shift = 56; shift >= 0; shift -= 8) {
        uint64_t counts[256];
        uint64_t digit = 0;
        count_digits(plan, size, shift, counts);
        while (digit < 255 && rank >= counts[digit]) {
            rank -= counts[digit++];
        }
        size = size << 8 | digit;
    }
    return size;
}

static void find_gap_sizes(struct ht_measure *measure, const uint64_t *asked)
{
    static const uint64_t percents[HT_GAP_SIZES] = {50, 90, 99};
    const uint64_t *by_kind = ht_plan_totals(measure->plan)->by_kind;
    uint64_t requests =
        by_kind[HT_OP_ALLOC] + by_kind[HT_OP_REALLOC_IN_PLACE] + by_kind[HT_OP_REALLOC_MOVED];
    for (int i = 0; i < HT_GAP_SIZES; i++) {
        uint64_t not_exceeding = (requests * percents[i] + 99) / 100;
        uint64_t size = asked != NULL   ? asked[i]
                        : requests == 0 ? 1
                                        : size_of_rank(measure->plan, not_exceeding - 1);
        measure->gap_sizes[i] = size > 0 ? size : 1;
    }
}

static struct ht_metrics_options options_of(const struct ht_measure *measure, uint64_t look_at)
{
    const struct ht_plan_totals *totals = ht_plan_totals(measure->plan);
    struct ht_metrics_options options = {
        .operations = totals->operations,
        .block_limit = totals->block_limit,
        .look_at = look_at,
        .wants_gaps = look_at != UINT64_MAX, // the first pass only finds the peak
        .page_room = measure->page_room,
        .samples = measure->samples,
        .sample_room = measure->sample_room,
        .sample_step = measure->sample_step,
    };
    for (int i = 0; i < HT_GAP_SIZES; i++) {
        options.gap_sizes[i] = measure->gap_sizes[i];
    }
    return options;
}

static void walk_recorded(const struct ht_measure *measure, struct ht_metrics *metrics)
{
    struct ht_trail_step step = ht_trail_begin(measure->trail);
    const struct ht_plan_span *span = ht_plan_first(measure->plan);
    for (; span != NULL; span = span->next) {
        for (size_t i = 0; i < span->count; i++) {
            const struct ht_op *op = &span->ops[i];
            const struct ht_trail_mark *mark = ht_trail_next(&step);
            struct ht_place place = {.address = mark->address,
                                     .size = op->size,
                                     .space = mark->space,
                                     .thread = mark->thread,
                                     .stack = mark->stack};
            ht_metrics_step(metrics, mark->time_ns, op->block,
                            op->kind == HT_OP_FREE ? NULL : &place);
        }
    }
}

static enum ht_status take_recorded(struct ht_measure *measure, uint64_t look_at,
                                    struct ht_error *error)
{
    struct ht_metrics_options options = options_of(measure, look_at);
    struct ht_metrics *metrics;
    enum ht_status status = ht_metrics_open(&metrics, &options, error);
    if (status != HT_OK) {
        return status;
    }
    walk_recorded(measure, metrics);
    status = ht_metrics_finish(metrics, error);
    measure->recorded = *ht_metrics_report(metrics);
    measure->page_room = ht_metrics_page_room(metrics);
    ht_metrics_close(metrics);
    return status;
}

static uint64_t samples_bytes(const struct ht_measure *measure)
{
    return 2 * measure->sample_room * (uint64_t)sizeof *measure->samples;
}

static enum ht_status make_room_for_samples(struct ht_measure *measure, struct ht_error *error)
{
    uint64_t operations = ht_plan_totals(measure->plan)->operations;
    uint64_t samples = HT_MEASURE_SAMPLES;
    if (measure->sample_step > 0) {
        samples = operations / measure->sample_step + 1;
    }
    if (samples > HT_MEASURE_SAMPLES_MAX) {
        return ht_fail(error, HT_LIMIT,
                       "a sample every %llu of %llu operations is %llu samples; %d are the limit",
                       (unsigned long long)measure->sample_step, (unsigned long long)operations,
                       (unsigned long long)samples, HT_MEASURE_SAMPLES_MAX);
    }
    measure->sample_room = (uint32_t)samples;
    measure->samples = ht_os_map(samples_bytes(measure));
    return measure->samples == NULL ? ht_fail_memory(error, "the samples") : HT_OK;
}

enum ht_status ht_measure_open(struct ht_measure **measure, const struct ht_plan *plan,
                               const struct ht_trail *trail, uint64_t sample_step,
                               const uint64_t *gap_sizes, struct ht_error *error)
{
    *measure = ht_os_map(sizeof **measure);
    if (*measure == NULL) {
        return ht_fail_memory(error, "the metrics");
    }
    (*measure)->plan = plan;
    (*measure)->trail = trail;
    (*measure)->sample_step = sample_step;
    find_gap_sizes(*measure, gap_sizes);
    enum ht_status status = make_room_for_samples(*measure, error);
    // Once to find the peak, and once more to look at the blocks there.
    if (status == HT_OK) {
        status = take_recorded(*measure, UINT64_MAX, error);
    }
    if (status == HT_OK) {
        status = take_recorded(*measure, (*measure)->recorded.peak.operation, error);
    }
    if (status != HT_OK) {
        ht_measure_close(*measure);
        *measure = NULL;
    }
    return status;
}

void ht_measure_close(struct ht_measure *measure)
{
    if (measure != NULL) {
        ht_metrics_close(measure->replayed);
        ht_os_unmap(measure->samples, samples_bytes(measure));
        ht_os_unmap(measure->addresses, measure->addresses_bytes);
        ht_os_unmap(measure, sizeof *measure);
    }
}

enum ht_status ht_measure_keep_addresses(struct ht_measure *measure, struct ht_error *error)
{
    measure->addresses_bytes =
        ht_plan_totals(measure->plan)->operations * sizeof *measure->addresses;
    measure->addresses = ht_os_map(measure->addresses_bytes);
    if (measure->addresses == NULL && measure->addresses_bytes > 0) {
        return ht_fail_memory(error, "the addresses of the replay");
    }
    return HT_OK;
}

enum ht_status ht_measure_begin(struct ht_measure *measure, const struct ht_heap *heap,
                                void *const *selves, struct ht_error *error)
{
    if (!heap->is_memory) {
        return ht_fail(error, HT_UNSUPPORTED,
                       "metrics: the blocks of heap %s are no memory and lie nowhere", heap->name);
    }
    struct ht_metrics_options options = options_of(measure, measure->recorded.peak.operation);
    options.has_usable = heap->usable != NULL && !heap->tells_requested;
    options.asks_system = true;
    options.samples = measure->samples + measure->sample_room;
    measure->heap = heap;
    measure->selves = selves;
    measure->step = ht_trail_begin(measure->trail);
    measure->seen = 0;
    measure->account = (struct ht_account){0};
    ht_metrics_close(measure->replayed);
    return ht_metrics_open(&measure->replayed, &options, error);
}

// The address of the next operation's block.
static void keep(struct ht_measure *measure, uint64_t address)
{
    if (measure->addresses != NULL) {
        measure->addresses[measure->seen] = address;
    }
    if (measure->seen++ == measure->recorded.peak.operation && measure->heap->account != NULL) {
        measure->heap->account(measure->selves[0], &measure->account);
    }
}

static void see(void *context, const struct ht_op *op, const struct ht_slot *slot)
{
    struct ht_measure *measure = context;
    const struct ht_trail_mark *mark = ht_trail_next(&measure->step);
    if (slot->address == NULL) {
        keep(measure, 0);
        ht_metrics_step(measure->replayed, mark->time_ns, op->block, NULL);
        return;
    }
    if (slot->size != op->size) {
        keep(measure, HT_HEAP_MAP_UNCHANGED);
        ht_metrics_pass(measure->replayed, mark->time_ns); // a realloc that failed
        return;
    }
    keep(measure, (uintptr_t)slot->address);
    const struct ht_heap *heap = measure->heap;
    struct ht_place place = {.address = (uintptr_t)slot->address,
                             .size = slot->size,
                             .thread = mark->thread,
                             .stack = mark->stack};
    if (heap->usable != NULL) {
        place.usable = heap->usable(measure->selves[op->heap], slot->address);
    }
    ht_metrics_step(measure->replayed, mark->time_ns, op->block, &place);
}

struct ht_watch ht_measure_watch(struct ht_measure *measure)
{
    return (struct ht_watch){.see = see, .context = measure};
}

static double ratio(double replayed, double recorded)
{
    return recorded > 0 ? replayed / recorded : 0;
}

static bool is_near(double replayed, double recorded)
{
    double percent = 100 * ratio(replayed, recorded);
    return replayed == recorded ||
           (percent <= 100 + HT_SCORE_SPREAD_PERCENT && percent >= 100 - HT_SCORE_SPREAD_PERCENT);
}

static void score_spread(struct ht_score *score, const struct ht_metrics_report *recorded,
                         const struct ht_metrics_report *replayed)
{
    score->f1_ratio = ratio(replayed->f1_operations, recorded->f1_operations);
    score->f2_ratio = ratio(replayed->f2, recorded->f2);
    score->retention_ratio = ratio(replayed->retention, recorded->retention);
    score->spread_agrees = is_near(replayed->f1_operations, recorded->f1_operations) &&
                           is_near(replayed->f2, recorded->f2) &&
                           is_near(replayed->retention, recorded->retention);
}

static void score_reallocs(struct ht_score *score, const uint64_t agreement[2][2])
{
    score->reallocs_agreed = agreement[0][0] + agreement[1][1];
    score->reallocs = score->reallocs_agreed + agreement[0][1] + agreement[1][0];
    score->reallocs_agree =
        score->reallocs > 0 &&
        (double)score->reallocs_agreed * 100 >= (double)score->reallocs * HT_SCORE_REALLOC_PERCENT;
}

static enum ht_verdict verdict_of(const struct ht_score *score)
{
    int agreeing = score->spread_agrees + score->reallocs_agree;
    int asked = 1 + (score->reallocs > 0);
    if (agreeing == asked) {
        return HT_VERDICT_YES;
    }
    return agreeing > 0 ? HT_VERDICT_PARTLY : HT_VERDICT_NO;
}

enum ht_status ht_measure_finish(struct ht_measure *measure, const struct ht_played *played,
                                 struct ht_error *error)
{
    enum ht_status status = ht_metrics_finish(measure->replayed, error);
    if (status != HT_OK) {
        return status;
    }
    const struct ht_metrics_report *replayed = ht_metrics_report(measure->replayed);
    measure->score = (struct ht_score){0};
    score_spread(&measure->score, &measure->recorded, replayed);
    score_reallocs(&measure->score, played->agreement);
    bool is_whole = replayed->operations == measure->recorded.operations;
    if (is_whole && measure->recorded.peak.live_bytes > 0) {
        measure->score.verdict = verdict_of(&measure->score);
    }
    return HT_OK;
}

uint64_t ht_measure_memory_bytes(const struct ht_measure *measure)
{
    uint64_t metrics = measure->replayed == NULL ? 0 : ht_metrics_memory_bytes(measure->replayed);
    return sizeof *measure + samples_bytes(measure) + measure->addresses_bytes +
           ht_trail_memory_bytes(measure->trail) + metrics;
}

const struct ht_metrics_report *ht_measure_recorded(const struct ht_measure *measure)
{
    return &measure->recorded;
}

const struct ht_metrics_report *ht_measure_replayed(const struct ht_measure *measure)
{
    return ht_metrics_report(measure->replayed);
}

const struct ht_score *ht_measure_score(const struct ht_measure *measure)
{
    return &measure->score;
}

const struct ht_account *ht_measure_account(const struct ht_measure *measure)
{
    return &measure->account;
}

const uint64_t *ht_measure_addresses(const struct ht_measure *measure)
{
    return measure->addresses;
}

const uint64_t *ht_measure_gap_sizes(const struct ht_measure *measure)
{
    return measure->gap_sizes;
}

const char *ht_verdict_name(enum ht_verdict verdict)
{
    static const char *const names[] = {"nothing to compare", "yes", "partly", "no"};
    return names[verdict];
}
