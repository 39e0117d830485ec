// SPDX-License-Identifier: MIT
//
// Feeds the metrics: from the trail for the recording, from a watched replay for the heap. What
// several workers saw is fed after they have ended, in recorded order.
#include "replay/measure.h"

#include "replay/heap_map.h"
#include "replay/os.h"
#include "replay/sightings.h"
#include "replay/sort.h"

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
    struct ht_measure_options options;
    uint64_t mark_at[HT_METRICS_MARKS]; // operations
    struct ht_moment *samples;          // those of the recording, then as many of the replay
    uint32_t sample_room;               // for each
    uint64_t *addresses; // of the replay's blocks after each operation; NULL: they are not kept
    uint64_t addresses_bytes;
    uint64_t seen; // operations of the replay
    struct ht_account account;
    struct ht_score score;

    // What the process holds: the whole of it before, then by how much more.
    struct ht_metrics_held before;
    struct ht_metrics_held at_end;
    bool is_ended;
    uint64_t *stops; // operations in order, after which it is to be told
    uint32_t stop_count;
    uint32_t next_stop;              // that is read back
    struct ht_metrics_held *at_stop; // of a replay by workers
    struct ht_sightings *sightings;  // NULL unless it is one
    struct ht_causal_watch watch;
};

// The marks and the peak.
enum { STOPS_BESIDES_SAMPLES = HT_METRICS_MARKS + 1 };

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

static void find_gap_sizes(struct ht_measure *measure)
{
    const uint64_t *asked = measure->options.gap_sizes;
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
        .sample_step = measure->options.sample_step,
    };
    for (int i = 0; i < HT_GAP_SIZES; i++) {
        options.gap_sizes[i] = measure->gap_sizes[i];
    }
    options.mark_count = options.wants_gaps ? measure->options.mark_count : 0;
    for (uint32_t i = 0; i < options.mark_count; i++) {
        options.mark_at[i] = measure->mark_at[i];
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
    uint64_t step = measure->options.sample_step;
    if (step > 0) {
        samples = operations / step + 1;
    }
    if (samples > HT_MEASURE_SAMPLES_MAX) {
        return ht_fail(error, HT_LIMIT,
                       "a sample every %llu of %llu operations is %llu samples; %d are the limit",
                       (unsigned long long)step, (unsigned long long)operations,
                       (unsigned long long)samples, HT_MEASURE_SAMPLES_MAX);
    }
    measure->sample_room = (uint32_t)samples;
    measure->samples = ht_os_map(samples_bytes(measure));
    return measure->samples == NULL ? ht_fail_memory(error, "the samples") : HT_OK;
}

static bool is_less(const void *one, const void *other)
{
    return *(const uint64_t *)one < *(const uint64_t *)other;
}

static bool is_earlier(const void *one, const void *other)
{
    return *(const int64_t *)one < *(const int64_t *)other;
}

// Finds the operation of each mark. Time that goes backwards in the recording stands still.
static enum ht_status find_marks(struct ht_measure *measure, struct ht_error *error)
{
    struct ht_measure_options *options = &measure->options;
    struct ht_trail_step step = ht_trail_begin(measure->trail);
    uint64_t operations = ht_plan_totals(measure->plan)->operations;
    uint32_t found = 0;
    ht_sort(options->mark_ns, options->mark_count, sizeof *options->mark_ns, is_earlier);
    for (uint64_t i = 0; i < operations && found < options->mark_count; i++) {
        int64_t time_ns = ht_trail_next(&step)->time_ns;
        for (; found < options->mark_count && options->mark_ns[found] <= time_ns; found++) {
            measure->mark_at[found] = i;
        }
    }
    return found == options->mark_count
               ? HT_OK
               : ht_fail(error, HT_FORMAT, "there is no operation at the mark %lld ns or later",
                         (long long)options->mark_ns[found]);
}

static uint64_t stops_bytes(const struct ht_measure *measure)
{
    return (measure->sample_room + UINT64_C(1) + STOPS_BESIDES_SAMPLES) * sizeof *measure->stops;
}

// Samples, peak and marks, each operation once.
static enum ht_status find_stops(struct ht_measure *measure, struct ht_error *error)
{
    uint64_t operations = ht_plan_totals(measure->plan)->operations;
    uint64_t step = measure->recorded.sample_step;
    uint64_t *stops = measure->stops = ht_os_map(stops_bytes(measure));
    uint32_t count = 0;
    if (stops == NULL) {
        return ht_fail_memory(error, "the metrics");
    }
    for (uint64_t at = step - 1; at < operations && count < measure->sample_room; at += step) {
        stops[count++] = at;
    }
    if (operations > 0) {
        stops[count++] = measure->recorded.peak.operation;
    }
    for (uint32_t i = 0; i < measure->options.mark_count; i++) {
        stops[count++] = measure->mark_at[i];
    }
    ht_sort(stops, count, sizeof *stops, is_less);
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || stops[i] != stops[i - 1]) {
            stops[measure->stop_count++] = stops[i];
        }
    }
    return HT_OK;
}

enum ht_status ht_measure_open(struct ht_measure **measure, const struct ht_plan *plan,
                               const struct ht_trail *trail,
                               const struct ht_measure_options *options, struct ht_error *error)
{
    *measure = ht_os_map(sizeof **measure);
    if (*measure == NULL) {
        return ht_fail_memory(error, "the metrics");
    }
    (*measure)->plan = plan;
    (*measure)->trail = trail;
    (*measure)->options = *options;
    find_gap_sizes(*measure);
    enum ht_status status = find_marks(*measure, error);
    if (status == HT_OK) {
        status = make_room_for_samples(*measure, error);
    }
    // Once to find the peak, and once more to look at the blocks there.
    if (status == HT_OK) {
        status = take_recorded(*measure, UINT64_MAX, error);
    }
    if (status == HT_OK) {
        status = take_recorded(*measure, (*measure)->recorded.peak.operation, error);
    }
    if (status == HT_OK) {
        status = find_stops(*measure, error);
    }
    if (status != HT_OK) {
        ht_measure_close(*measure);
        *measure = NULL;
    }
    return status;
}

static uint64_t at_stop_bytes(const struct ht_measure *measure)
{
    return (measure->stop_count + UINT64_C(1)) * sizeof *measure->at_stop;
}

void ht_measure_close(struct ht_measure *measure)
{
    if (measure != NULL) {
        ht_metrics_close(measure->replayed);
        ht_sightings_close(measure->sightings);
        ht_os_unmap(measure->at_stop, at_stop_bytes(measure));
        ht_os_unmap(measure->stops, stops_bytes(measure));
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

static uint64_t less(uint64_t bytes, uint64_t by)
{
    return bytes > by ? bytes - by : 0;
}

static uint64_t own_bytes(const struct ht_measure *measure)
{
    return measure->replayed == NULL ? 0 : ht_metrics_memory_bytes(measure->replayed);
}

// The whole process, but for the metrics, which grow.
static struct ht_metrics_held held_by_process(const struct ht_measure *measure)
{
    return (struct ht_metrics_held){.resident_bytes =
                                        less(ht_os_resident().bytes, own_bytes(measure)),
                                    .mapped_bytes = less(ht_os_mapped().bytes, own_bytes(measure))};
}

static struct ht_metrics_held held_now(const struct ht_measure *measure)
{
    struct ht_metrics_held now = held_by_process(measure);
    return (struct ht_metrics_held){
        .resident_bytes = less(now.resident_bytes, measure->before.resident_bytes),
        .mapped_bytes = less(now.mapped_bytes, measure->before.mapped_bytes)};
}

// What was held after an operation: asked now, or at its stop when workers played.
static struct ht_metrics_held held_after(void *context, uint64_t operation)
{
    struct ht_measure *measure = context;
    if (measure->is_ended) {
        return measure->at_end;
    }
    if (measure->sightings == NULL) {
        return held_now(measure);
    }
    while (measure->stops[measure->next_stop] < operation) {
        measure->next_stop++;
    }
    return measure->at_stop[measure->next_stop];
}

static enum ht_status open_replayed(struct ht_measure *measure, struct ht_error *error)
{
    struct ht_metrics_options options = options_of(measure, measure->recorded.peak.operation);
    options.has_usable = measure->heap->usable != NULL && !measure->heap->tells_requested;
    options.samples = measure->samples + measure->sample_room;
    options.system = (struct ht_metrics_system){.resident_source = ht_os_resident().source,
                                                .mapped_source = ht_os_mapped().source,
                                                .held = held_after,
                                                .context = measure};
    return ht_metrics_open(&measure->replayed, &options, error);
}

static enum ht_status prepare(struct ht_measure *measure, const struct ht_heap *heap,
                              void *const *selves, struct ht_error *error)
{
    if (!heap->is_memory) {
        return ht_fail(error, HT_UNSUPPORTED,
                       "metrics: the blocks of heap %s are no memory and lie nowhere", heap->name);
    }
    measure->heap = heap;
    measure->selves = selves;
    measure->step = ht_trail_begin(measure->trail);
    measure->seen = 0;
    measure->is_ended = false;
    measure->account = (struct ht_account){0};
    ht_metrics_close(measure->replayed);
    measure->replayed = NULL;
    ht_sightings_close(measure->sightings);
    measure->sightings = NULL;
    return HT_OK;
}

enum ht_status ht_measure_begin(struct ht_measure *measure, const struct ht_heap *heap,
                                void *const *selves, struct ht_error *error)
{
    enum ht_status status = prepare(measure, heap, selves, error);
    return status == HT_OK ? open_replayed(measure, error) : status;
}

static void ask_account(struct ht_measure *measure)
{
    if (measure->heap->account != NULL) {
        measure->heap->account(measure->selves[0], &measure->account);
    }
}

// Takes the next operation in recorded order.
static void take(struct ht_measure *measure, const struct ht_op *op, struct ht_sighting sighting)
{
    const struct ht_trail_mark *mark = ht_trail_next(&measure->step);
    if (measure->addresses != NULL) {
        measure->addresses[measure->seen] = sighting.address;
    }
    measure->seen++;
    if (sighting.address == HT_HEAP_MAP_UNCHANGED) {
        ht_metrics_pass(measure->replayed, mark->time_ns);
        return;
    }
    struct ht_place place = {.address = sighting.address,
                             .size = op->size,
                             .usable = sighting.usable,
                             .thread = mark->thread,
                             .stack = mark->stack};
    ht_metrics_step(measure->replayed, mark->time_ns, op->block,
                    sighting.address == 0 ? NULL : &place);
}

static void see(void *context, const struct ht_op *op, const struct ht_slot *slot)
{
    struct ht_measure *measure = context;
    if (measure->seen == measure->recorded.peak.operation) {
        ask_account(measure);
    }
    take(measure, op, ht_sighting_of(measure->heap, measure->selves[op->heap], op->size, slot));
}

struct ht_watch ht_measure_watch(struct ht_measure *measure)
{
    return (struct ht_watch){.see = see, .context = measure};
}

const uint64_t *ht_measure_stops(const struct ht_measure *measure, uint32_t *count)
{
    *count = measure->stop_count;
    return measure->stops;
}

// A worker's: each stop is one worker's only, and has its own place.
static void ask(void *context, uint32_t stop)
{
    struct ht_measure *measure = context;
    measure->at_stop[stop] = held_now(measure);
    if (measure->stops[stop] == measure->recorded.peak.operation) {
        ask_account(measure);
    }
}

enum ht_status ht_measure_begin_causal(struct ht_measure *measure, const struct ht_heap *heap,
                                       void *const *selves, const struct ht_schedule *schedule,
                                       struct ht_error *error)
{
    enum ht_status status = prepare(measure, heap, selves, error);
    if (status == HT_OK) {
        status =
            ht_sightings_open(&measure->sightings, measure->plan, measure->trail, schedule, error);
    }
    if (status != HT_OK) {
        return status;
    }
    if (measure->at_stop == NULL &&
        (measure->at_stop = ht_os_map(at_stop_bytes(measure))) == NULL) {
        return ht_fail_memory(error, "the metrics");
    }
    measure->next_stop = 0;
    measure->watch = (struct ht_causal_watch){
        .sightings = ht_sightings_by_worker(measure->sightings), .ask = ask, .context = measure};
    return HT_OK;
}

const struct ht_causal_watch *ht_measure_causal_watch(const struct ht_measure *measure)
{
    return &measure->watch;
}

// False when the operation was not played.
static bool take_seen(struct ht_measure *measure, const struct ht_op *op)
{
    struct ht_sighting sighting;
    bool is_played = ht_sightings_next(measure->sightings, &sighting);
    if (is_played) {
        take(measure, op, sighting);
    }
    return is_played;
}

// Takes what the workers saw, up to the first operation that was not played.
static void walk_sightings(struct ht_measure *measure)
{
    const struct ht_plan_span *span = ht_plan_first(measure->plan);
    bool is_on = true;
    for (; span != NULL && is_on; span = span->next) {
        for (size_t i = 0; i < span->count && is_on; i++) {
            is_on = take_seen(measure, &span->ops[i]);
        }
    }
}

void ht_measure_start(struct ht_measure *measure)
{
    measure->before = held_by_process(measure);
}

void ht_measure_end(struct ht_measure *measure)
{
    measure->at_end = held_now(measure);
}

enum ht_status ht_measure_finish(struct ht_measure *measure, const struct ht_played *played,
                                 struct ht_error *error)
{
    enum ht_status status = HT_OK;
    if (measure->sightings != NULL && (status = open_replayed(measure, error)) == HT_OK) {
        walk_sightings(measure);
    }
    measure->is_ended = true;
    if (status == HT_OK) {
        status = ht_metrics_finish(measure->replayed, error);
    }
    if (status == HT_OK) {
        measure->score = ht_score_of(&measure->recorded, ht_metrics_report(measure->replayed),
                                     played->agreement);
    }
    return status;
}

uint64_t ht_measure_memory_bytes(const struct ht_measure *measure)
{
    uint64_t workers = measure->sightings == NULL
                           ? 0
                           : at_stop_bytes(measure) + ht_sightings_memory_bytes(measure->sightings);
    return sizeof *measure + samples_bytes(measure) + stops_bytes(measure) +
           measure->addresses_bytes + ht_trail_memory_bytes(measure->trail) + own_bytes(measure) +
           workers;
}

const int64_t *ht_measure_mark_ns(const struct ht_measure *measure)
{
    return measure->options.mark_ns;
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
