// SPDX-License-Identifier: MIT
//
// What the changes do to the live blocks, and from there to counters, sites and budgets. The other
// half of the model, see its header.
#include "formats/picture_model.h"

#include "formats/bits.h"

#include <stdlib.h>
#include <string.h>

static struct ht_picture_note *note_of(const struct ht_picture_model *model, uint32_t number)
{
    return ht_block_note(ht_block_at(model->writer->blocks, number));
}

static enum ht_status keep_tid(struct ht_picture_model *model, uint32_t number,
                               struct ht_error *error)
{
    if (number >= model->tid_capacity) {
        size_t capacity = model->tid_capacity > 0 ? model->tid_capacity : 64;
        while (capacity <= number)
            capacity *= 2;
        uint32_t *tids = realloc(model->tids, capacity * sizeof *tids);
        if (tids == NULL)
            return ht_fail_memory(error, "the live blocks");
        model->tids = tids;
        model->tid_capacity = (uint32_t)capacity;
    }
    model->tids[number] = model->event.tid;
    return HT_OK;
}

static enum ht_status take_chain(struct ht_picture_model *model, uint64_t first_size,
                                 uint32_t *chain, struct ht_error *error)
{
    if (model->free_chain != HT_PICTURE_NONE) {
        *chain = model->free_chain;
        model->free_chain = model->chains[*chain].next_free;
    } else {
        if (model->chain_count == model->chain_capacity) {
            uint32_t capacity = model->chain_capacity > 0 ? model->chain_capacity * 2 : 64;
            struct ht_picture_chain *chains = realloc(model->chains, capacity * sizeof *chains);
            if (chains == NULL)
                return ht_fail_memory(error, "the realloc chains");
            model->chains = chains;
            model->chain_capacity = capacity;
        }
        *chain = model->chain_count++;
    }
    model->chains[*chain] = (struct ht_picture_chain){.first_size = first_size};
    return HT_OK;
}

static void give_chain(struct ht_picture_model *model, uint32_t chain)
{
    if (chain == HT_PICTURE_NONE)
        return;
    model->chains[chain].next_free = model->free_chain;
    model->free_chain = chain;
}

// Where a block counts.
struct place {
    uint32_t owner;
    struct ht_picture_heap *heap; // NULL past the cap
    struct ht_picture_process *process;
};

static struct place place_of(struct ht_picture_model *model, uint32_t owner)
{
    return (struct place){owner, owner < HT_PICTURE_HEAPS_MAX ? &model->heaps[owner] : NULL,
                          &model->processes[ht_picture_owner_process(model, owner)]};
}

static struct place place_of_site(struct ht_picture_model *model, uint32_t site)
{
    return place_of(model, model->sites.sites[site].owner);
}

// Makes ready to change the counts of a site.
static enum ht_status touch(struct ht_picture_model *model, const struct place *place,
                            uint32_t site, struct ht_error *error)
{
    return ht_picture_site_touch(&model->sites, site, ht_picture_stamp(model, model->event.time_ns),
                                 place->process->peak, error);
}

static enum ht_status count_alloc(struct ht_picture_model *model, const struct place *place,
                                  uint32_t site, uint64_t size, struct ht_error *error)
{
    enum ht_status status = touch(model, place, site, error);
    if (status == HT_OK) {
        model->sites.sites[site].count.allocated_bytes += size;
        model->sites.sites[site].count.allocs++;
    }
    return status;
}

static enum ht_status count_free(struct ht_picture_model *model, const struct place *place,
                                 uint32_t site, uint64_t size, struct ht_error *error)
{
    enum ht_status status = touch(model, place, site, error);
    if (status == HT_OK) {
        model->sites.sites[site].count.freed_bytes += size;
        model->sites.sites[site].count.frees++;
    }
    return status;
}

static struct ht_pick_life life_of(const struct ht_picture_model *model,
                                   const struct ht_picture_note *note)
{
    struct ht_pick_life life = {.id = note->id, .site = note->site};
    if (note->chain != HT_PICTURE_NONE)
        life.steps = model->chains[note->chain].steps;
    return life;
}

// Notes what the newest event is about, where it will be shown.
static void note_life(struct ht_picture_model *model, const struct ht_change *change)
{
    if (!model->is_full || change->cause != HT_CAUSE_EVENT)
        return;
    model->life = life_of(model, note_of(model, change->block));
    model->life_tid = model->tids[change->block];
    model->has_life = true;
}

// Counts a change and the pages that it entered less those that it left in the tracks of its heap
// and its process, after the sites.
static enum ht_status count_live(struct ht_picture_model *model, const struct place *place,
                                 const struct ht_change *change, uint64_t pages,
                                 struct ht_error *error)
{
    int64_t time_ns = model->event.time_ns;
    struct ht_picture_process *process = place->process;
    struct ht_series_step step = ht_series_step_of(change);
    enum ht_status status = HT_OK;
    step.pages = pages;
    if (place->heap != NULL)
        status = ht_series_add(&place->heap->live, &step, time_ns, error);
    if (status == HT_OK)
        status = ht_series_add(&process->live, &step, time_ns, error);
    if (status == HT_OK && process->live.now.value[HT_LIVE_BYTES] > process->peak_bytes) {
        process->peak_bytes = process->live.now.value[HT_LIVE_BYTES];
        process->peak_ns = process->live.now.time_ns;
        process->peak++;
    }
    return status;
}

static void note_value(struct ht_picture_histogram *histogram, uint64_t value)
{
    histogram->counts[ht_bits_length(value)]++;
}

static enum ht_status begin(struct ht_picture_model *model, const struct ht_change *change,
                            struct ht_picture_note *note, struct ht_error *error)
{
    note->site = HT_PICTURE_NONE;
    if (model->process == HT_PICTURE_NONE)
        return HT_OK;
    struct place place =
        place_of(model, model->heap != HT_PICTURE_NONE ? model->heap
                                                       : HT_PICTURE_HEAPS_MAX + model->process);
    uint32_t site = 0;
    uint64_t pages = 0;
    enum ht_status status = ht_picture_site_find(&model->sites, model->trace->dict, place.owner,
                                                 ht_event_stack(&model->event), &site, error);
    if (status == HT_OK)
        status = count_alloc(model, &place, site, change->size, error);
    if (status == HT_OK && model->is_full)
        status = keep_tid(model, change->block, error);
    if (status != HT_OK)
        return status;
    *note = (struct ht_picture_note){.begin_ns = model->event.time_ns,
                                     .id = model->begun_blocks++,
                                     .site = site,
                                     .chain = HT_PICTURE_NONE};
    note_life(model, change);
    if (place.heap != NULL)
        note_value(&place.heap->sizes, change->size);
    status = ht_picture_pages_add(&model->pages, place.owner, change->address, change->size, &pages,
                                  error);
    return status == HT_OK ? count_live(model, &place, change, pages, error) : status;
}

// The old size is freed where it was allocated; the new one is allocated where the realloc was
// called or, where that is not known, where the old one was.
static enum ht_status count_resize(struct ht_picture_model *model, struct ht_picture_note *note,
                                   const struct place *place, const struct ht_change *change,
                                   struct ht_error *error)
{
    uint32_t stack = ht_event_stack(&model->event);
    enum ht_status status = count_free(model, place, note->site, change->old_size, error);
    if (status == HT_OK && stack != 0)
        status = ht_picture_site_find(&model->sites, model->trace->dict, place->owner, stack,
                                      &note->site, error);
    if (status == HT_OK)
        status = count_alloc(model, place, note->site, change->size, error);
    return status;
}

static enum ht_status offer_realloc(struct ht_picture_model *model, const struct place *place,
                                    const struct ht_picture_note *note, struct ht_error *error)
{
    uint64_t rank[2];
    ht_pick_rank_realloc(&model->event, rank);
    if (model->is_full || !ht_budget_wants(&model->reallocs, rank[0], rank[1]))
        return HT_OK;
    struct ht_pick pick = ht_pick_realloc(&model->event);
    pick.event.pid = (uint32_t)(place->process - model->processes);
    pick.life = life_of(model, note);
    return ht_budget_offer(&model->reallocs, &pick, error);
}

// Counts a step of a block's chain, which is there.
static void count_step(struct ht_picture_model *model, const struct ht_picture_note *note,
                       const struct ht_change *change)
{
    struct ht_picture_chain *chain = &model->chains[note->chain];
    chain->steps++;
    if (change->address == change->old_address)
        return;
    struct ht_picture_count *count = &model->sites.sites[note->site].count;
    uint64_t copied = change->size < change->old_size ? change->size : change->old_size;
    chain->copied_bytes += copied;
    count->copied_bytes += copied;
    count->moves++;
}

// Moves a block's pages. *pages changes by those entered less those left.
static enum ht_status move_pages(struct ht_picture_model *model, uint32_t owner,
                                 const struct ht_change *change, uint64_t *pages,
                                 struct ht_error *error)
{
    ht_picture_pages_remove(&model->pages, owner, change->old_address, change->old_size, pages);
    return ht_picture_pages_add(&model->pages, owner, change->address, change->size, pages, error);
}

static enum ht_status resize(struct ht_picture_model *model, const struct ht_change *change,
                             struct ht_picture_note *note, struct ht_error *error)
{
    struct place place = place_of_site(model, note->site);
    uint64_t pages = 0;
    enum ht_status status = count_resize(model, note, &place, change, error);
    if (status == HT_OK && note->chain == HT_PICTURE_NONE)
        status = take_chain(model, change->old_size, &note->chain, error);
    if (status == HT_OK)
        status = move_pages(model, place.owner, change, &pages, error);
    if (status != HT_OK)
        return status;
    count_step(model, note, change);
    note_life(model, change);
    status = offer_realloc(model, &place, note, error);
    return status == HT_OK ? count_live(model, &place, change, pages, error) : status;
}

static uint64_t product(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t lifetime(const struct ht_picture_model *model, const struct ht_picture_note *note,
                         int64_t end_ns)
{
    uint64_t begun = ht_picture_stamp(model, note->begin_ns);
    uint64_t ended = ht_picture_stamp(model, end_ns);
    return ended > begun ? ended - begun : 0;
}

// Offers the reallocs of a block whose life is told to those shown, by bytes copied.
static enum ht_status offer_chain(struct ht_picture_model *model, struct ht_budget *chains,
                                  const struct ht_picture_note *note, struct ht_pick *pick,
                                  struct ht_error *error)
{
    const struct ht_picture_chain *chain = &model->chains[note->chain];
    pick->rank[0] = chain->copied_bytes;
    pick->rank[1] = chain->steps;
    pick->life.first_size = chain->first_size;
    pick->life.copied_bytes = chain->copied_bytes;
    pick->life.steps = chain->steps;
    return ht_budget_offer(chains, pick, error);
}

// The end of a block, or its state where that is not known.
struct ending {
    const struct ht_picture_note *note;
    uint64_t address;
    uint64_t size;
    int64_t end_ns; // HT_TIME_UNKNOWN
};

// Offers a block whose life is told to those shown, by size x lifetime, and its reallocs.
static enum ht_status offer(struct ht_picture_model *model, const struct place *place,
                            const struct ending *ending, struct ht_error *error)
{
    const struct ht_picture_note *note = ending->note;
    struct ht_picture_process *process = place->process;
    int64_t until_ns = ending->end_ns != HT_TIME_UNKNOWN ? ending->end_ns : model->last_ns;
    uint64_t rank = product(ending->size, lifetime(model, note, until_ns));
    bool is_block = ht_budget_wants(&process->blocks, rank, ending->size);
    bool is_chain = note->chain != HT_PICTURE_NONE &&
                    ht_budget_wants(&process->chains, model->chains[note->chain].copied_bytes,
                                    model->chains[note->chain].steps);
    if (!is_block && !is_chain)
        return HT_OK;
    struct ht_pick pick = {
        .rank = {rank, ending->size},
        .event = {.time_ns = note->begin_ns, .address = ending->address, .size = ending->size},
        .life = {.id = note->id, .end_ns = ending->end_ns, .site = note->site},
    };
    if (place->heap != NULL)
        pick.event.heap = place->heap->handle;
    enum ht_status status = is_block ? ht_budget_offer(&process->blocks, &pick, error) : HT_OK;
    return status == HT_OK && is_chain ? offer_chain(model, &process->chains, note, &pick, error)
                                       : status;
}

static enum ht_status end(struct ht_picture_model *model, const struct ht_change *change,
                          struct ht_picture_note *note, struct ht_error *error)
{
    struct ending ending = {note, change->address, change->size, model->event.time_ns};
    struct place place = place_of_site(model, note->site);
    uint64_t pages = 0;
    enum ht_status status = offer(model, &place, &ending, error);
    if (status == HT_OK)
        status = count_free(model, &place, note->site, change->size, error);
    if (place.heap != NULL)
        note_value(&place.heap->lifetimes, lifetime(model, note, model->event.time_ns));
    note_life(model, change);
    ht_picture_pages_remove(&model->pages, place.owner, change->address, change->size, &pages);
    give_chain(model, note->chain);
    note->site = HT_PICTURE_NONE;
    return status == HT_OK ? count_live(model, &place, change, pages, error) : status;
}

// Gives up a block whose process is gone: that one never freed it.
static enum ht_status forget(struct ht_picture_model *model, struct ht_picture_note *note,
                             uint64_t address, uint64_t size, struct ht_error *error)
{
    if (note->site == HT_PICTURE_NONE)
        return HT_OK;
    struct ending ending = {note, address, size, HT_TIME_UNKNOWN};
    struct place place = place_of_site(model, note->site);
    enum ht_status status = offer(model, &place, &ending, error);
    uint64_t unused = 0; // the process keeps what it left
    ht_picture_pages_remove(&model->pages, place.owner, address, size, &unused);
    give_chain(model, note->chain);
    note->site = HT_PICTURE_NONE;
    return status;
}

// Whether the block is one of a process that still has its pid.
static bool is_live(struct ht_picture_model *model, const struct ht_picture_note *note)
{
    return note->site != HT_PICTURE_NONE &&
           place_of_site(model, note->site).process->next == HT_PICTURE_NONE;
}

// A change of a block that is nobody's, because its process is gone or was never counted.
static enum ht_status apply_to_none(struct ht_picture_model *model, const struct ht_change *change,
                                    struct ht_picture_note *note, struct ht_error *error)
{
    if (change->kind == HT_CHANGE_END)
        return forget(model, note, change->address, change->size, error);
    enum ht_status status = forget(model, note, change->old_address, change->old_size, error);
    if (status != HT_OK)
        return status;
    struct ht_change adopted = *change;
    adopted.kind = HT_CHANGE_BEGIN;
    adopted.address = change->old_address;
    adopted.size = change->old_size;
    status = begin(model, &adopted, note, error);
    return status == HT_OK && note->site != HT_PICTURE_NONE ? resize(model, change, note, error)
                                                            : status;
}

static enum ht_status apply(struct ht_picture_model *model, const struct ht_change *change,
                            struct ht_error *error)
{
    struct ht_picture_note *note = note_of(model, change->block);
    if (change->kind == HT_CHANGE_BEGIN)
        return begin(model, change, note, error);
    if (!is_live(model, note))
        return apply_to_none(model, change, note, error);
    return change->kind == HT_CHANGE_END ? end(model, change, note, error)
                                         : resize(model, change, note, error);
}

static uint64_t bounded(uint64_t size)
{
    return size < HT_PICTURE_SIZE_MAX ? size : HT_PICTURE_SIZE_MAX;
}

enum ht_status ht_picture_model_change(struct ht_picture_model *model,
                                       const struct ht_change *change, struct ht_error *error)
{
    if (change->size <= HT_PICTURE_SIZE_MAX && change->old_size <= HT_PICTURE_SIZE_MAX)
        return apply(model, change, error);
    struct ht_change smaller = *change;
    smaller.size = bounded(change->size);
    smaller.old_size = bounded(change->old_size);
    return apply(model, &smaller, error);
}

// Goes through the blocks that live and are in the picture: `*number` is where to begin, and then
// that of the block. NULL when there are no more.
static struct ht_picture_note *next_live(const struct ht_picture_model *model, uint32_t *number)
{
    const struct ht_blocks *blocks = model->writer->blocks;
    for (; *number < blocks->limit; ++*number) {
        struct ht_block *block = ht_block_at(blocks, *number);
        struct ht_picture_note *note = ht_block_note(block);
        if (block->heap != HT_BLOCK_NONE && note->site != HT_PICTURE_NONE)
            return note;
    }
    return NULL;
}

// Finds the processes that the recording told of only behind their last event.
static void complete_processes(struct ht_picture_model *model)
{
    for (uint32_t i = 0; i < model->process_count; i++) {
        struct ht_picture_process *process = &model->processes[i];
        const struct ht_process *entry =
            ht_trace_process_at(model->trace, process->pid, process->first_ns);
        if (process->entry == HT_PICTURE_NONE && entry != NULL)
            process->entry = (uint32_t)(entry - model->trace->processes);
    }
}

enum ht_status ht_picture_model_finish(struct ht_picture_model *model, struct ht_error *error)
{
    enum ht_status status = ht_picture_sites_finish(&model->sites, error);
    complete_processes(model);
    const struct ht_picture_note *note;
    for (uint32_t i = 0; status == HT_OK && (note = next_live(model, &i)) != NULL; i++) {
        const struct ht_block *block = ht_block_at(model->writer->blocks, i);
        struct ending ending = {note, block->address, bounded(block->size), HT_TIME_UNKNOWN};
        struct place place = place_of_site(model, note->site);
        status = offer(model, &place, &ending, error);
    }
    ht_budget_settle(&model->reallocs);
    for (uint32_t i = 0; i < model->process_count; i++) {
        ht_budget_settle(&model->processes[i].blocks);
        ht_budget_settle(&model->processes[i].chains);
        ht_series_settle(&model->processes[i].live);
    }
    for (uint32_t i = 0; i < model->heap_count; i++)
        ht_series_settle(&model->heaps[i].live);
    return status;
}

static enum ht_status restart_process(struct ht_picture_model *model,
                                      struct ht_picture_process *process, struct ht_error *error)
{
    bool is_retired = process->next != HT_PICTURE_NONE;
    ht_series_restart(&process->live);
    ht_budget_restart(&process->blocks);
    ht_budget_restart(&process->chains);
    if (is_retired)
        memset(process->live.now.value, 0, sizeof process->live.now.value);
    process->peak_bytes = process->live.now.value[HT_LIVE_BYTES];
    process->peak_ns = model->piece_ns;
    process->peak++; // after the sites were counted: they are now as they are at this peak
    return is_retired
               ? HT_OK
               : ht_series_set(&process->live, process->live.now.value, model->piece_ns, error);
}

static enum ht_status restart_heap(struct ht_picture_model *model, struct ht_picture_heap *heap,
                                   struct ht_error *error)
{
    bool has_space = heap->space.count > 0;
    heap->is_shown = !heap->is_destroyed && model->processes[heap->process].is_shown;
    ht_series_restart(&heap->live);
    ht_series_restart(&heap->space);
    memset(&heap->sizes, 0, sizeof heap->sizes);
    memset(&heap->lifetimes, 0, sizeof heap->lifetimes);
    if (!heap->is_shown)
        return HT_OK;
    enum ht_status status =
        ht_series_set(&heap->live, heap->live.now.value, model->piece_ns, error);
    return status == HT_OK && has_space
               ? ht_series_set(&heap->space, heap->space.now.value, model->piece_ns, error)
               : status;
}

// Counts what lives as allocated now.
static enum ht_status recount(struct ht_picture_model *model, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    ht_picture_sites_restart(&model->sites);
    const struct ht_picture_note *note;
    for (uint32_t i = 0; status == HT_OK && (note = next_live(model, &i)) != NULL; i++) {
        uint64_t size = bounded(ht_block_at(model->writer->blocks, i)->size);
        struct place place = place_of_site(model, note->site);
        status = count_alloc(model, &place, note->site, size, error);
        if (place.heap != NULL)
            note_value(&place.heap->sizes, size);
    }
    return status;
}

enum ht_status ht_picture_model_restart(struct ht_picture_model *model, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    model->piece_ns = model->last_ns;
    model->use = (struct ht_pid_use){INT64_MAX, INT64_MIN, NULL}; // who is shown is asked anew
    model->piece_count = model->event_count;
    model->dropped_events = 0;
    ht_budget_restart(&model->reallocs);
    struct ht_picture_note *note;
    for (uint32_t i = 0; status == HT_OK && (note = next_live(model, &i)) != NULL; i++) {
        const struct ht_block *block = ht_block_at(model->writer->blocks, i);
        if (!is_live(model, note))
            status = forget(model, note, block->address, bounded(block->size), error);
    }
    for (uint32_t i = 0; i < model->process_count; i++)
        model->processes[i].is_shown = model->processes[i].next == HT_PICTURE_NONE;
    for (uint32_t i = 0; i < model->heap_count && status == HT_OK; i++)
        status = restart_heap(model, &model->heaps[i], error);
    if (status == HT_OK)
        status = recount(model, error);
    for (uint32_t i = 0; i < model->process_count && status == HT_OK; i++)
        status = restart_process(model, &model->processes[i], error);
    return status;
}
