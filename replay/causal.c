// SPDX-License-Identifier: MIT
//
// The workers. A gate is one word: closed, wanted or open. Who waits for it says so in the word, so
// who opens it makes a call of the system only for a sleeper. A slice's gate is the same with many
// sleepers.
#include "replay/causal.h"

#include "replay/os.h"
#include "replay/player.h"
#include "replay/threads.h"

#include <stdatomic.h>

#define NO_SLICE UINT32_MAX

enum gate_state { GATE_CLOSED, GATE_WANTED, GATE_OPEN };

enum {
    LINE_BYTES = 128, // two lines of a processor's cache: they are fetched in pairs
    SPINS = 4000,     // looks at a gate before sleeping: about what a sleep costs
    NS_PER_MS = 1000000,
    PULSE_NS = 100 * NS_PER_MS,
    // A sleep ends about so much late. What is left of the time is spent looking at the clock.
    SLEEP_LATE_NS = 80000,
};

struct worker {
    _Alignas(LINE_BYTES) struct ht_player player;
    _Atomic uint64_t live_bytes; // the player's, to be seen by others. Frees of what others made
                                 // may take it below 0, that is wrap it
    struct ht_causal *causal;
    void *self;               // of the heap
    struct ht_sighting *seen; // where its next goes; NULL unless it is watched
    uint32_t slice;           // of its last operation, or NO_SLICE
    uint64_t operations;
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t late_sum_ns;
    uint64_t drift_sum_bytes;
    uint64_t peak_bytes; // of all workers, as this one saw it
    struct ht_causal_report report;
};

struct slice {
    _Atomic uint32_t left; // workers that have not ended it
    _Atomic uint32_t gate; // open: it may begin
};

struct ht_causal {
    const struct ht_schedule *schedule;
    struct ht_schedule_totals totals;
    const struct ht_causal_watch *watch; // may be NULL
    enum ht_touch touch;
    uint32_t spins;
    struct ht_slot *slots;
    struct ht_threads *threads;
    struct worker *workers;
    struct slice *slices;
    _Atomic uint32_t *gates;
    uint64_t start_ns;
    _Atomic uint32_t ended; // all slices below this number have ended
    _Atomic uint32_t is_stopped;
};

// False when the play is to stop.
static bool goes_on(const struct ht_causal *causal)
{
    return atomic_load_explicit(&causal->is_stopped, memory_order_relaxed) == 0;
}

static bool is_open(_Atomic uint32_t *gate)
{
    return atomic_load_explicit(gate, memory_order_acquire) == GATE_OPEN;
}

static void open_gate(_Atomic uint32_t *gate)
{
    if (atomic_exchange(gate, GATE_OPEN) == GATE_WANTED) {
        ht_word_wake(gate);
    }
}

static void sleep_at(_Atomic uint32_t *gate)
{
    uint32_t state = GATE_CLOSED;
    while (atomic_compare_exchange_strong(gate, &state, GATE_WANTED) || state == GATE_WANTED) {
        ht_word_wait(gate, GATE_WANTED, PULSE_NS);
        state = GATE_CLOSED;
    }
}

// Waits until the gate is open. A stop opens all, so that is asked for after it.
static bool pass_gate(struct worker *worker, _Atomic uint32_t *gate, uint64_t *waits)
{
    if (!is_open(gate)) {
        (*waits)++;
        uint32_t spins = worker->causal->spins;
        while (spins > 0 && !is_open(gate)) {
            spins--;
        }
        if (spins == 0) {
            worker->report.sleeps++;
            sleep_at(gate);
        }
    }
    return goes_on(worker->causal);
}

static void raise_to(uint64_t *most, uint64_t value)
{
    *most = value > *most ? value : *most;
}

// Looks at the live bytes of all workers. They go on meanwhile, so the sum may even be below 0.
static uint64_t live_now(const struct ht_causal *causal)
{
    uint64_t live = 0;
    for (uint32_t i = 0; i < causal->totals.workers; i++) {
        live += atomic_load_explicit(&causal->workers[i].live_bytes, memory_order_relaxed);
    }
    return live <= INT64_MAX ? live : 0;
}

static void sample(struct worker *worker, uint64_t recorded_bytes)
{
    uint64_t live = live_now(worker->causal);
    uint64_t drift = live > recorded_bytes ? live - recorded_bytes : recorded_bytes - live;
    raise_to(&worker->peak_bytes, live);
    raise_to(&worker->report.drift_most_bytes, drift);
    worker->drift_sum_bytes += drift;
    worker->report.samples++;
}

// Counts the slices that all have ended, and opens those that may begin now. Of two workers that
// end the last two at once, at least one sees both ended.
static void count_ended(struct ht_causal *causal)
{
    uint32_t ended = atomic_load(&causal->ended);
    while (ended < causal->totals.slices && atomic_load(&causal->slices[ended].left) == 0) {
        if (!atomic_compare_exchange_strong(&causal->ended, &ended, ended + 1)) {
            continue; // another did, and `ended` is what it is now
        }
        ended++;
        if (ended + 1 < causal->totals.slices) {
            open_gate(&causal->slices[ended + 1].gate);
        }
    }
}

static void end_slice(struct ht_causal *causal, uint32_t slice)
{
    if (atomic_fetch_sub(&causal->slices[slice].left, 1) == 1) {
        count_ended(causal);
    }
}

static bool enter_slice(struct worker *worker, uint32_t slice)
{
    struct ht_causal *causal = worker->causal;
    if (worker->slice != NO_SLICE) {
        end_slice(causal, worker->slice);
    }
    worker->slice = slice;
    return pass_gate(worker, &causal->slices[slice].gate, &worker->report.slice_waits);
}

static void note_lateness(struct worker *worker, uint64_t late_ns)
{
    worker->report.due++;
    worker->late_sum_ns += late_ns;
    worker->report.late_over_1ms += late_ns > NS_PER_MS;
    raise_to(&worker->report.late_most_ns, late_ns);
}

static bool await_time(struct worker *worker, uint64_t due_ns)
{
    uint64_t now_ns = ht_os_clock_ns();
    uint64_t time_ns = worker->causal->start_ns + due_ns;
    uint64_t early_ns = worker->causal->spins > 0 ? SLEEP_LATE_NS : 0;
    while (now_ns < time_ns && goes_on(worker->causal)) {
        if (time_ns - now_ns > early_ns) {
            uint64_t left_ns = time_ns - now_ns - early_ns;
            ht_thread_sleep_until(now_ns + (left_ns < PULSE_NS ? left_ns : PULSE_NS));
        }
        now_ns = ht_os_clock_ns();
    }
    note_lateness(worker, now_ns > time_ns ? now_ns - time_ns : 0);
    return goes_on(worker->causal);
}

// A step that is no operation. False when the play is to stop.
static bool obey(struct worker *worker, const struct ht_step *step)
{
    struct ht_causal *causal = worker->causal;
    switch (step->kind) {
    case HT_STEP_ENTER:
        return enter_slice(worker, step->at);
    case HT_STEP_DUE:
        return await_time(worker, step->size);
    case HT_STEP_WAIT:
        return pass_gate(worker, &causal->gates[step->at], &worker->report.waits);
    case HT_STEP_OPEN:
        open_gate(&causal->gates[step->at]);
        return true;
    case HT_STEP_SEE:
        *worker->seen++ =
            ht_sighting_of(worker->player.heap, worker->self, step->size, &causal->slots[step->at]);
        return true;
    case HT_STEP_STOP:
        causal->watch->ask(causal->watch->context, step->at);
        return true;
    default:
        sample(worker, step->size);
        return true;
    }
}

// Plays a program; what stopped it stands at the step returned.
static inline const struct ht_step *play(struct worker *worker, const struct ht_program *program,
                                         enum ht_touch touch)
{
    struct ht_player *player = &worker->player;
    void *self = worker->self;
    struct ht_slot *slots = worker->causal->slots;
    const struct ht_step *end = program->steps + program->count;
    const struct ht_step *step = program->steps;
    for (; step != end; step++) {
        bool is_operation = step->kind < HT_OP_KIND_COUNT;
        if (!is_operation && !obey(worker, step)) {
            break;
        }
        if (is_operation) {
            ht_player_play(player, self, &slots[step->at], step->kind, (size_t)step->size, touch);
            atomic_store_explicit(&worker->live_bytes, player->played.live_bytes,
                                  memory_order_relaxed);
        }
    }
    return step;
}

static const struct ht_step *play_touching(struct worker *worker, const struct ht_program *program,
                                           enum ht_touch touch)
{
    switch (touch) {
    case HT_TOUCH_NONE:
        return play(worker, program, HT_TOUCH_NONE);
    case HT_TOUCH_FIRST:
        return play(worker, program, HT_TOUCH_FIRST);
    case HT_TOUCH_FILL:
        return play(worker, program, HT_TOUCH_FILL);
    default:
        return play(worker, program, HT_TOUCH_PAGE);
    }
}

static uint64_t operations_until(const struct ht_program *program, const struct ht_step *end)
{
    uint64_t operations = 0;
    for (const struct ht_step *step = program->steps; step != end; step++) {
        operations += step->kind < HT_OP_KIND_COUNT;
    }
    return operations;
}

static void work(void *context, uint32_t index)
{
    struct ht_causal *causal = context;
    struct worker *worker = &causal->workers[index];
    const struct ht_program *program = ht_schedule_program(causal->schedule, index);
    worker->start_ns = ht_os_clock_ns();
    if (causal->watch != NULL) {
        worker->seen = causal->watch->sightings[index].end;
    }
    const struct ht_step *end = play_touching(worker, program, causal->touch);
    worker->end_ns = ht_os_clock_ns();
    if (end == program->steps + program->count && worker->slice != NO_SLICE) {
        end_slice(causal, worker->slice);
    }
    worker->operations = operations_until(program, end);
    if (causal->watch != NULL) {
        causal->watch->sightings[index].end = worker->seen;
    }
}

static void stop(struct ht_causal *causal)
{
    atomic_store(&causal->is_stopped, 1);
    for (uint32_t i = 0; i < causal->totals.gates; i++) {
        open_gate(&causal->gates[i]);
    }
    for (uint32_t i = 0; i < causal->totals.slices; i++) {
        open_gate(&causal->slices[i].gate);
    }
}

static void add_played(struct ht_played *sum, const struct worker *worker)
{
    const struct ht_played *played = &worker->player.played;
    sum->operations += worker->operations;
    sum->live_bytes += played->live_bytes;
    for (int i = 0; i < 2; i++) {
        sum->agreement[i][0] += played->agreement[i][0];
        sum->agreement[i][1] += played->agreement[i][1];
    }
    sum->bytes_copied += played->bytes_copied;
    sum->failed_allocs += played->failed_allocs;
    sum->failed_reallocs += played->failed_reallocs;
    sum->skipped += played->skipped;
}

static void add_report(struct ht_causal_report *sum, const struct worker *worker)
{
    const struct ht_causal_report *report = &worker->report;
    sum->waits += report->waits;
    sum->slice_waits += report->slice_waits;
    sum->sleeps += report->sleeps;
    sum->due += report->due;
    sum->late_over_1ms += report->late_over_1ms;
    sum->samples += report->samples;
    raise_to(&sum->late_most_ns, report->late_most_ns);
    raise_to(&sum->drift_most_bytes, report->drift_most_bytes);
}

static void sum_up(struct ht_causal *causal, struct ht_played *played,
                   struct ht_causal_report *report)
{
    uint64_t start_ns = UINT64_MAX;
    uint64_t end_ns = 0;
    uint64_t late_sum_ns = 0;
    uint64_t drift_sum_bytes = 0;
    *played = (struct ht_played){0};
    *report = (struct ht_causal_report){0};
    for (uint32_t i = 0; i < causal->totals.workers; i++) {
        const struct worker *worker = &causal->workers[i];
        add_played(played, worker);
        add_report(report, worker);
        raise_to(&played->peak_bytes, worker->peak_bytes);
        raise_to(&end_ns, worker->end_ns);
        late_sum_ns += worker->late_sum_ns;
        drift_sum_bytes += worker->drift_sum_bytes;
        start_ns = worker->start_ns < start_ns ? worker->start_ns : start_ns;
    }
    played->elapsed_ns = end_ns > start_ns ? end_ns - start_ns : 0;
    raise_to(&played->peak_bytes, played->live_bytes);
    report->drift_mean_bytes = report->samples == 0 ? 0 : drift_sum_bytes / report->samples;
    report->late_mean_ns = report->due == 0 ? 0 : late_sum_ns / report->due;
}

void ht_causal_play(struct ht_causal *causal, const struct ht_pulse *pulse,
                    struct ht_played *played, struct ht_causal_report *report)
{
    uint64_t slice_operations = causal->totals.window / 2;
    causal->start_ns = ht_os_clock_ns();
    ht_threads_begin(causal->threads, work, causal);
    while (!ht_threads_wait(causal->threads, PULSE_NS)) {
        uint64_t done = atomic_load(&causal->ended) * slice_operations;
        if (pulse != NULL && goes_on(causal) && !pulse->beat(pulse->context, done)) {
            stop(causal);
        }
    }
    sum_up(causal, played, report);
}

// Each table has one more than is needed, so that none is empty.
static uint64_t bytes_of_workers(const struct ht_causal *causal)
{
    return (causal->totals.workers + UINT64_C(1)) * sizeof *causal->workers;
}

static uint64_t bytes_of_slices(const struct ht_causal *causal)
{
    return (causal->totals.slices + UINT64_C(1)) * sizeof *causal->slices;
}

static uint64_t bytes_of_gates(const struct ht_causal *causal)
{
    return (causal->totals.gates + UINT64_C(1)) * sizeof *causal->gates;
}

static enum ht_status set_up_workers(struct ht_causal *causal, const struct ht_heap *heap,
                                     void *self, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (uint32_t i = 0; i < causal->totals.workers && status == HT_OK; i++) {
        struct worker *worker = &causal->workers[i];
        worker->player = (struct ht_player){.heap = heap, .page_mask = ht_os_page_size() - 1};
        worker->causal = causal;
        worker->slice = NO_SLICE;
        worker->self = self;
        if (heap->enter != NULL) {
            status = heap->enter(self, &worker->self, error);
        }
    }
    return status;
}

static void set_up_slices(struct ht_causal *causal)
{
    for (uint32_t i = 0; i < causal->totals.slices; i++) {
        causal->slices[i].left = ht_schedule_slice_workers(causal->schedule, i);
        causal->slices[i].gate = i < 2 ? GATE_OPEN : GATE_CLOSED;
    }
}

enum ht_status ht_causal_open(struct ht_causal **causal, const struct ht_schedule *schedule,
                              const struct ht_heap *heap, void *self, enum ht_touch touch,
                              struct ht_slot *slots, const struct ht_causal_watch *watch,
                              struct ht_error *error)
{
    struct ht_causal *made = ht_os_map(sizeof *made);
    *causal = NULL;
    if (made == NULL) {
        return ht_fail_memory(error, "the workers");
    }
    made->schedule = schedule;
    made->totals = *ht_schedule_totals(schedule);
    made->watch = watch;
    made->touch = ht_player_touch_on(heap, touch);
    // With more workers than the machine runs at once, who is waited for may be waiting to run.
    made->spins = made->totals.workers <= ht_threads_at_once() ? SPINS : 0;
    made->slots = slots;
    made->workers = ht_os_map(bytes_of_workers(made));
    made->slices = ht_os_map(bytes_of_slices(made));
    made->gates = ht_os_map(bytes_of_gates(made));
    if (made->workers == NULL || made->slices == NULL || made->gates == NULL) {
        ht_causal_close(made);
        return ht_fail_memory(error, "the workers");
    }
    set_up_slices(made);
    enum ht_status status = set_up_workers(made, heap, self, error);
    if (status == HT_OK) {
        status = ht_threads_open(&made->threads, made->totals.workers, error);
    }
    if (status != HT_OK) {
        ht_causal_close(made);
        return status;
    }
    *causal = made;
    return HT_OK;
}

void ht_causal_close(struct ht_causal *causal)
{
    if (causal != NULL) {
        ht_threads_close(causal->threads);
        ht_os_unmap(causal->gates, bytes_of_gates(causal));
        ht_os_unmap(causal->slices, bytes_of_slices(causal));
        ht_os_unmap(causal->workers, bytes_of_workers(causal));
        ht_os_unmap(causal, sizeof *causal);
    }
}

uint64_t ht_causal_memory_bytes(const struct ht_causal *causal)
{
    return sizeof *causal + bytes_of_workers(causal) + bytes_of_slices(causal) +
           bytes_of_gates(causal);
}
