// SPDX-License-Identifier: MIT
//
// Makes a schedule in two walks along the plan: the first finds what waits for what and how long
// the programs are, the second writes them.
#include "replay/schedule.h"

#include "replay/os.h"

#define NO_SLICE UINT32_MAX

enum {
    // New slots come to a worker in runs, so that workers do not write side by side into one line
    // of the processor's cache.
    SLOT_RUN = 64,
    // There is a sample for so many operations at least, and for as many as there are workers, for
    // a sample looks at each.
    SAMPLE_RUN = 64,
};

#define DUE_MOST_NS 1e18 // no clock will ever show it

// What stands at an operation besides itself: gate numbers from 1, 0 for none.
struct mark {
    uint32_t wait;
    uint32_t open;
    uint32_t is_sampled;
};

// A block of the plan as it is on the way.
struct block {
    uint64_t size;
    uint32_t last; // number of the last operation on it, from 1
    uint32_t worker;
    uint32_t slot;
};

// A worker on the way.
struct worker {
    uint64_t steps;     // of its program, as far as it is known
    uint64_t due_ns;    // of its last operation
    uint32_t slice;     // of its last operation, or NO_SLICE
    uint32_t free_slot; // the first of its list of free ones, by number from 1; 0 for none
    uint32_t new_slot;  // those never used: from this number
    uint32_t new_end;   // up to this
};

struct ht_schedule {
    struct ht_schedule_totals totals;
    uint64_t slice_operations;
    uint32_t *slice_workers;
    struct ht_program programs[HT_WORKERS_MAX];
    struct ht_step *steps; // of all programs
    uint64_t step_count;
};

// What is only needed to make one.
struct maker {
    struct ht_schedule *schedule;
    const struct ht_plan *plan;
    const struct ht_trail *trail;
    const struct ht_schedule_options *options;
    uint32_t next_stop;
    struct ht_deal deal;
    struct worker *workers;
    struct block *blocks;
    struct mark *marks;  // by operation
    uint32_t *waited;    // by worker that waited and by worker waited for: the operation, from 1
    uint32_t *next_slot; // by slot: the next in a list of free ones
    uint64_t most_bytes; // that lived in this run of operations
    uint64_t most_index; // after this operation
};

// Where a walk is.
struct place {
    const struct ht_op *op;
    uint64_t index;
    uint64_t due_ns;
    uint64_t live_bytes; // after it, in the recording
    uint32_t slice;
    uint32_t worker_index;
    struct worker *worker;
    struct block *block;
};

static bool begins_block(const struct ht_op *op)
{
    return op->kind <= HT_OP_ADOPT;
}

static void mark_sample(struct maker *maker)
{
    maker->marks[maker->most_index].is_sampled = 1;
    maker->workers[maker->deal.worker_of[maker->most_index]].steps++;
    maker->schedule->totals.samples++;
}

// Finds what to sample: in each run the operation that left most alive, the first of them.
static void survey_live(struct maker *maker, const struct place *place)
{
    uint32_t workers = maker->deal.workers;
    uint64_t run = workers > SAMPLE_RUN ? workers : SAMPLE_RUN;
    if (place->index % run == 0 || place->live_bytes > maker->most_bytes) {
        maker->most_bytes = place->live_bytes;
        maker->most_index = place->index;
    }
    if (place->index % run == run - 1 || place->index + 1 == maker->deal.operations) {
        mark_sample(maker);
    }
}

static bool is_stop(const struct maker *maker, const struct place *place)
{
    const struct ht_schedule_options *options = maker->options;
    return maker->next_stop < options->stop_count &&
           options->stops[maker->next_stop] == place->index;
}

// The first walk's step: finds whether the operation has to wait for that of another worker.
static void survey(struct maker *maker, const struct place *place)
{
    struct ht_schedule_totals *totals = &maker->schedule->totals;
    struct block *block = place->block;
    uint64_t last_worker = block->worker;
    struct worker *worker = place->worker;
    worker->steps += 1u + (worker->slice != place->slice) +
                     (totals->speed > 0 && worker->due_ns != place->due_ns);
    if (!begins_block(place->op) && last_worker != place->worker_index) {
        uint32_t *waited =
            &maker->waited[place->worker_index * (uint64_t)totals->workers + last_worker];
        totals->crossings++;
        if (*waited < block->last) {
            *waited = block->last;
            totals->gates++;
            maker->marks[place->index].wait = totals->gates;
            maker->marks[block->last - 1].open = totals->gates;
            worker->steps++;
            maker->workers[last_worker].steps++;
        }
    }
    worker->steps += maker->options->is_watched;
    worker->steps += is_stop(maker, place);
    block->last = (uint32_t)place->index + 1;
    block->worker = place->worker_index;
    survey_live(maker, place);
}

static void put(struct maker *maker, const struct place *place, uint32_t kind, uint32_t at,
                uint64_t size)
{
    struct ht_program *program = &maker->schedule->programs[place->worker_index];
    program->steps[program->count++] = (struct ht_step){.size = size, .at = at, .kind = kind};
    program->operations += kind < HT_OP_KIND_COUNT;
}

static uint32_t take_slot(struct maker *maker, struct worker *worker)
{
    uint32_t slot = worker->free_slot;
    if (slot != 0) {
        worker->free_slot = maker->next_slot[slot - 1];
        return slot - 1;
    }
    if (worker->new_slot == worker->new_end) {
        worker->new_slot = maker->schedule->totals.slots;
        worker->new_end = worker->new_slot + SLOT_RUN;
        maker->schedule->totals.slots = worker->new_end;
    }
    return worker->new_slot++;
}

static void give_slot(struct maker *maker, struct worker *worker, uint32_t slot)
{
    maker->next_slot[slot] = worker->free_slot;
    worker->free_slot = slot + 1;
}

// The second walk's step: writes the operation and what stands at it.
static void emit(struct maker *maker, const struct place *place)
{
    const struct mark *mark = &maker->marks[place->index];
    struct worker *worker = place->worker;
    struct block *block = place->block;
    if (worker->slice != place->slice) {
        maker->schedule->slice_workers[place->slice]++;
        put(maker, place, HT_STEP_ENTER, place->slice, 0);
    }
    if (maker->schedule->totals.speed > 0 && worker->due_ns != place->due_ns) {
        put(maker, place, HT_STEP_DUE, 0, place->due_ns);
    }
    if (mark->wait != 0) {
        put(maker, place, HT_STEP_WAIT, mark->wait - 1, 0);
    }
    if (begins_block(place->op)) {
        block->slot = take_slot(maker, worker);
    }
    put(maker, place, place->op->kind, block->slot, place->op->size);
    if (maker->options->is_watched) {
        put(maker, place, HT_STEP_SEE, block->slot, place->op->size);
    }
    if (mark->open != 0) {
        put(maker, place, HT_STEP_OPEN, mark->open - 1, 0);
    }
    if (mark->is_sampled) {
        put(maker, place, HT_STEP_SAMPLE, 0, place->live_bytes);
    }
    if (is_stop(maker, place)) {
        put(maker, place, HT_STEP_STOP, maker->next_stop, 0);
    }
    if (place->op->kind == HT_OP_FREE) {
        give_slot(maker, worker, block->slot);
    }
}

// When the next operation is due. Time that goes backwards in the recording stands still.
static void follow_time(const struct maker *maker, const struct ht_trail_mark *mark,
                        int64_t *first_ns, int64_t *last_ns, struct place *place)
{
    if (place->index == 0) {
        *first_ns = mark->time_ns;
        *last_ns = mark->time_ns;
    }
    if (mark->time_ns > *last_ns) {
        *last_ns = mark->time_ns;
    }
    uint64_t recorded_ns = (uint64_t)*last_ns - (uint64_t)*first_ns;
    double due_ns = (double)recorded_ns / maker->schedule->totals.speed;
    place->due_ns = due_ns < DUE_MOST_NS ? (uint64_t)due_ns : (uint64_t)DUE_MOST_NS;
}

// Keeps up with the recorded live bytes.
static void follow_live(struct place *place)
{
    uint64_t size = place->op->kind == HT_OP_FREE ? 0 : place->op->size;
    place->live_bytes += size - (begins_block(place->op) ? 0 : place->block->size);
    place->block->size = size;
}

static void begin_walk(struct maker *maker)
{
    maker->next_stop = 0;
    for (uint32_t i = 0; i < maker->deal.workers; i++) {
        maker->workers[i].slice = NO_SLICE;
        maker->workers[i].due_ns = 0;
    }
}

// What a walk keeps of the recorded time.
struct times {
    struct ht_trail_step step;
    int64_t first_ns;
    int64_t last_ns;
};

static void walk_op(struct maker *maker, const struct ht_op *op, struct place *place,
                    struct times *times, bool is_second)
{
    place->op = op;
    place->slice = (uint32_t)(place->index / maker->schedule->slice_operations);
    place->worker_index = maker->deal.worker_of[place->index];
    place->worker = &maker->workers[place->worker_index];
    place->block = &maker->blocks[op->block];
    if (maker->schedule->totals.speed > 0) {
        follow_time(maker, ht_trail_next(&times->step), &times->first_ns, &times->last_ns, place);
    }
    follow_live(place);
    if (is_second) {
        emit(maker, place);
    } else {
        survey(maker, place);
    }
    maker->next_stop += is_stop(maker, place);
    place->worker->slice = place->slice;
    place->worker->due_ns = place->due_ns;
}

static void walk(struct maker *maker, bool is_second)
{
    struct times times = {.step = ht_trail_begin(maker->trail)};
    struct place place = {0};
    begin_walk(maker);
    for (const struct ht_plan_span *span = ht_plan_first(maker->plan); span != NULL;
         span = span->next) {
        for (size_t i = 0; i < span->count; i++, place.index++) {
            walk_op(maker, &span->ops[i], &place, &times, is_second);
        }
    }
    maker->schedule->totals.duration_ns = place.due_ns;
}

static enum ht_status make_room(struct maker *maker, struct ht_error *error)
{
    uint64_t memory_limit = maker->options->memory_limit;
    struct ht_schedule *schedule = maker->schedule;
    struct ht_schedule_totals *totals = &schedule->totals;
    for (uint32_t i = 0; i < totals->workers; i++) {
        schedule->step_count += maker->workers[i].steps;
    }
    totals->memory_bytes = sizeof *schedule + schedule->step_count * sizeof *schedule->steps +
                           totals->slices * (uint64_t)sizeof *schedule->slice_workers;
    if (totals->memory_bytes > memory_limit) {
        return ht_fail(error, HT_LIMIT,
                       "replay schedule: %llu bytes of memory are the limit, and it takes %llu",
                       (unsigned long long)memory_limit, (unsigned long long)totals->memory_bytes);
    }
    schedule->steps = ht_os_map(schedule->step_count * sizeof *schedule->steps);
    schedule->slice_workers = ht_os_map(totals->slices * (uint64_t)sizeof *schedule->slice_workers);
    if (schedule->steps == NULL || schedule->slice_workers == NULL) {
        return ht_fail_memory(error, "the replay schedule");
    }
    struct ht_step *steps = schedule->steps;
    for (uint32_t i = 0; i < totals->workers; i++) {
        schedule->programs[i].steps = steps;
        steps += maker->workers[i].steps;
    }
    return HT_OK;
}

// The slots are at most the blocks that begin, and a run a worker.
static uint64_t slots_most(const struct maker *maker)
{
    const struct ht_plan_totals *plan = ht_plan_totals(maker->plan);
    return plan->by_kind[HT_OP_ALLOC] + plan->by_kind[HT_OP_ADOPT] +
           (uint64_t)maker->deal.workers * SLOT_RUN;
}

static uint64_t waited_bytes(const struct maker *maker)
{
    return (uint64_t)maker->deal.workers * maker->deal.workers * sizeof *maker->waited;
}

static enum ht_status maker_open(struct maker *maker, struct ht_error *error)
{
    struct ht_schedule_totals *totals = &maker->schedule->totals;
    uint32_t asked = maker->options->workers;
    uint32_t workers = asked == 0 ? HT_WORKERS_MAX : asked;
    const struct ht_plan_totals *plan = ht_plan_totals(maker->plan);
    enum ht_status status = ht_deal_init(&maker->deal, maker->plan, maker->trail, workers, error);
    if (status != HT_OK) {
        return status;
    }
    totals->threads = maker->deal.threads;
    totals->workers = maker->deal.operations == 0 ? 0 : maker->deal.workers;
    totals->operations = plan->operations;
    totals->slices = (uint32_t)((plan->operations + maker->schedule->slice_operations - 1) /
                                maker->schedule->slice_operations);
    maker->workers = ht_os_map(maker->deal.workers * (uint64_t)sizeof *maker->workers);
    maker->blocks = ht_os_map(plan->block_limit * (uint64_t)sizeof *maker->blocks);
    maker->marks = ht_os_map(plan->operations * sizeof *maker->marks);
    maker->waited = ht_os_map(waited_bytes(maker));
    maker->next_slot = ht_os_map(slots_most(maker) * sizeof *maker->next_slot);
    bool has_room = maker->workers != NULL && maker->blocks != NULL && maker->marks != NULL &&
                    maker->waited != NULL && maker->next_slot != NULL;
    return has_room ? HT_OK : ht_fail_memory(error, "making the replay schedule");
}

static void maker_close(struct maker *maker)
{
    const struct ht_plan_totals *plan = ht_plan_totals(maker->plan);
    ht_os_unmap(maker->next_slot, slots_most(maker) * sizeof *maker->next_slot);
    ht_os_unmap(maker->waited, waited_bytes(maker));
    ht_os_unmap(maker->marks, plan->operations * sizeof *maker->marks);
    ht_os_unmap(maker->blocks, plan->block_limit * (uint64_t)sizeof *maker->blocks);
    ht_os_unmap(maker->workers, maker->deal.workers * (uint64_t)sizeof *maker->workers);
    ht_deal_reset(&maker->deal);
}

static enum ht_status make(struct maker *maker, struct ht_error *error)
{
    if (slots_most(maker) + HT_WORKERS_MAX * SLOT_RUN >= UINT32_MAX ||
        ht_plan_totals(maker->plan)->operations >= UINT32_MAX) {
        return ht_fail(error, HT_LIMIT, "replay schedule: 4 billion operations are the limit");
    }
    enum ht_status status = maker_open(maker, error);
    if (status == HT_OK) {
        walk(maker, false);
        status = make_room(maker, error);
    }
    if (status == HT_OK) {
        walk(maker, true);
    }
    return status;
}

// Half a window. A plan of a few thousand operations would be one slice or two of the longest, and
// its threads as good as free.
static uint64_t slice_of(uint64_t window, uint64_t operations)
{
    if (window == 0) {
        window = operations / HT_SCHEDULE_WINDOW_PART;
        window = window < HT_SCHEDULE_WINDOW ? window : HT_SCHEDULE_WINDOW;
    }
    return window < 2 ? 1 : window / 2;
}

enum ht_status ht_schedule_open(struct ht_schedule **schedule, const struct ht_plan *plan,
                                const struct ht_trail *trail,
                                const struct ht_schedule_options *options, struct ht_error *error)
{
    *schedule = ht_os_map(sizeof **schedule);
    if (*schedule == NULL) {
        return ht_fail_memory(error, "the replay schedule");
    }
    (*schedule)->totals.memory_bytes = sizeof **schedule;
    (*schedule)->slice_operations = slice_of(options->window, ht_plan_totals(plan)->operations);
    (*schedule)->totals.window = 2 * (*schedule)->slice_operations;
    (*schedule)->totals.speed = options->speed;
    if (ht_plan_totals(plan)->operations == 0) {
        return HT_OK;
    }
    struct maker maker = {.schedule = *schedule, .plan = plan, .trail = trail, .options = options};
    enum ht_status status = make(&maker, error);
    maker_close(&maker);
    if (status != HT_OK) {
        ht_schedule_close(*schedule);
        *schedule = NULL;
    }
    return status;
}

void ht_schedule_close(struct ht_schedule *schedule)
{
    if (schedule != NULL) {
        ht_os_unmap(schedule->slice_workers,
                    schedule->totals.slices * (uint64_t)sizeof *schedule->slice_workers);
        ht_os_unmap(schedule->steps, schedule->step_count * sizeof *schedule->steps);
        ht_os_unmap(schedule, sizeof *schedule);
    }
}

const struct ht_schedule_totals *ht_schedule_totals(const struct ht_schedule *schedule)
{
    return &schedule->totals;
}

const struct ht_program *ht_schedule_program(const struct ht_schedule *schedule, uint32_t worker)
{
    return &schedule->programs[worker];
}

uint32_t ht_schedule_slice_workers(const struct ht_schedule *schedule, uint32_t slice)
{
    return schedule->slice_workers[slice];
}
