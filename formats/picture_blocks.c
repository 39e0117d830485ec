// SPDX-License-Identifier: MIT
//
// What the changes do to the live blocks, and from there to counters, sites and budgets. The other
// half of the model, see its header.
#include "formats/picture_model.h"

#include <stdlib.h>
#include <string.h>

static enum ht_status reserve_block(struct ht_picture_model *model, uint32_t number,
                                    struct ht_error *error)
{
    if (number < model->block_capacity)
        return HT_OK;
    size_t capacity = model->block_capacity > 0 ? model->block_capacity : 64;
    while (capacity <= number)
        capacity *= 2;
    struct ht_picture_block *blocks = realloc(model->blocks, capacity * sizeof *blocks);
    if (blocks == NULL)
        return ht_fail_memory(error, "the live blocks");
    for (size_t i = model->block_capacity; i < capacity; i++)
        blocks[i].site = HT_PICTURE_NONE;
    model->blocks = blocks;
    if (model->is_full) {
        uint32_t *tids = realloc(model->tids, capacity * sizeof *tids);
        if (tids == NULL)
            return ht_fail_memory(error, "the live blocks");
        model->tids = tids;
    }
    model->block_capacity = (uint32_t)capacity;
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

static struct ht_picture_process *process_of(struct ht_picture_model *model, uint32_t owner)
{
    return &model->processes[ht_picture_owner_process(model, owner)];
}

// Makes ready to change the counts of a site.
static enum ht_status touch(struct ht_picture_model *model, uint32_t site, struct ht_error *error)
{
    const struct ht_picture_process *process = process_of(model, model->sites.sites[site].owner);
    return ht_picture_site_touch(&model->sites, site, ht_picture_stamp(model, model->event.time_ns),
                                 process->peak, error);
}

static enum ht_status count_alloc(struct ht_picture_model *model, uint32_t site, uint64_t size,
                                  struct ht_error *error)
{
    enum ht_status status = touch(model, site, error);
    if (status == HT_OK) {
        model->sites.sites[site].count.allocated_bytes += size;
        model->sites.sites[site].count.allocs++;
    }
    return status;
}

static enum ht_status count_free(struct ht_picture_model *model, uint32_t site, uint64_t size,
                                 struct ht_error *error)
{
    enum ht_status status = touch(model, site, error);
    if (status == HT_OK) {
        model->sites.sites[site].count.freed_bytes += size;
        model->sites.sites[site].count.frees++;
    }
    return status;
}

// Moves the pages of an owner and of its process on.
static void count_pages(struct ht_picture_model *model, uint32_t owner, uint64_t change)
{
    if (owner < HT_PICTURE_HEAPS_MAX)
        model->heaps[owner].live.now.pages += change;
    process_of(model, owner)->live.now.pages += change;
}

static enum ht_status enter_pages(struct ht_picture_model *model, uint32_t owner, uint64_t address,
                                  uint64_t size, struct ht_error *error)
{
    uint64_t change = 0;
    enum ht_status status =
        ht_picture_pages_add(&model->pages, owner, address, size, &change, error);
    count_pages(model, owner, change);
    return status;
}

static void leave_pages(struct ht_picture_model *model, uint32_t owner,
                        const struct ht_picture_block *block)
{
    uint64_t change = 0;
    ht_picture_pages_remove(&model->pages, owner, block->address, block->size, &change);
    count_pages(model, owner, change);
}

// Notes what the newest event is about.
static void note_life(struct ht_picture_model *model, const struct ht_change *change)
{
    const struct ht_picture_block *block = &model->blocks[change->block];
    if (change->cause != HT_CAUSE_EVENT)
        return;
    model->life = (struct ht_pick_life){.id = block->id, .site = block->site};
    if (block->chain != HT_PICTURE_NONE)
        model->life.steps = model->chains[block->chain].steps;
    model->life_tid = model->is_full ? model->tids[change->block] : 0;
    model->has_life = true;
}

// Counts a change in the tracks of its heap and its process, after the sites.
static enum ht_status count_live(struct ht_picture_model *model, uint32_t owner,
                                 const struct ht_change *change, struct ht_error *error)
{
    int64_t time_ns = model->event.time_ns;
    struct ht_picture_process *process = process_of(model, owner);
    enum ht_status status = HT_OK;
    if (owner < HT_PICTURE_HEAPS_MAX)
        status = ht_series_add(&model->heaps[owner].live, change, time_ns, error);
    if (status == HT_OK)
        status = ht_series_add(&process->live, change, time_ns, error);
    if (status == HT_OK && process->live.now.value[HT_LIVE_BYTES] > process->peak_bytes) {
        process->peak_bytes = process->live.now.value[HT_LIVE_BYTES];
        process->peak_ns = process->live.now.time_ns;
        process->peak++;
    }
    return status;
}

static void note_value(struct ht_picture_histogram *histogram, uint64_t value)
{
    unsigned bits = 0;
    for (; value > 0; value >>= 1)
        bits++;
    histogram->counts[bits]++;
}

static enum ht_status begin(struct ht_picture_model *model, const struct ht_change *change,
                            struct ht_error *error)
{
    struct ht_picture_block *block = &model->blocks[change->block];
    if (model->process == HT_PICTURE_NONE)
        return HT_OK;
    uint32_t owner =
        model->heap != HT_PICTURE_NONE ? model->heap : HT_PICTURE_HEAPS_MAX + model->process;
    uint32_t site = 0;
    enum ht_status status = ht_picture_site_find(&model->sites, model->trace->dict, owner,
                                                 ht_event_stack(&model->event), &site, error);
    if (status == HT_OK)
        status = count_alloc(model, site, change->size, error);
    if (status != HT_OK)
        return status;
    *block = (struct ht_picture_block){.begin_ns = model->event.time_ns,
                                       .address = change->address,
                                       .size = change->size,
                                       .id = model->begun_blocks++,
                                       .site = site,
                                       .chain = HT_PICTURE_NONE};
    if (model->is_full)
        model->tids[change->block] = model->event.tid;
    note_life(model, change);
    if (owner < HT_PICTURE_HEAPS_MAX)
        note_value(&model->heaps[owner].sizes, change->size);
    status = enter_pages(model, owner, change->address, change->size, error);
    return status == HT_OK ? count_live(model, owner, change, error) : status;
}

// The old size is freed where it was allocated; the new one is allocated where the realloc was
// called or, where that is not known, where the old one was.
static enum ht_status count_resize(struct ht_picture_model *model, struct ht_picture_block *block,
                                   const struct ht_change *change, struct ht_error *error)
{
    uint32_t owner = model->sites.sites[block->site].owner;
    uint32_t stack = ht_event_stack(&model->event);
    enum ht_status status = count_free(model, block->site, change->old_size, error);
    if (status == HT_OK && stack != 0)
        status = ht_picture_site_find(&model->sites, model->trace->dict, owner, stack, &block->site,
                                      error);
    if (status == HT_OK)
        status = count_alloc(model, block->site, change->size, error);
    return status;
}

static enum ht_status offer_realloc(struct ht_picture_model *model, uint32_t owner,
                                    struct ht_error *error)
{
    if (model->is_full)
        return HT_OK;
    struct ht_pick pick = ht_pick_realloc(&model->event);
    pick.event.pid = ht_picture_owner_process(model, owner);
    pick.life = model->life;
    return ht_budget_offer(&model->reallocs, &pick, error);
}

static enum ht_status resize(struct ht_picture_model *model, const struct ht_change *change,
                             struct ht_error *error)
{
    struct ht_picture_block *block = &model->blocks[change->block];
    enum ht_status status = count_resize(model, block, change, error);
    if (status == HT_OK && block->chain == HT_PICTURE_NONE)
        status = take_chain(model, change->old_size, &block->chain, error);
    if (status != HT_OK)
        return status;
    struct ht_picture_chain *chain = &model->chains[block->chain];
    uint32_t owner = model->sites.sites[block->site].owner;
    leave_pages(model, owner, block);
    block->address = change->address;
    block->size = change->size;
    status = enter_pages(model, owner, block->address, block->size, error);
    if (status != HT_OK)
        return status;
    chain->steps++;
    if (change->address != change->old_address) {
        struct ht_picture_count *count = &model->sites.sites[block->site].count;
        uint64_t copied = change->size < change->old_size ? change->size : change->old_size;
        chain->copied_bytes += copied;
        count->copied_bytes += copied;
        count->moves++;
    }
    note_life(model, change);
    status = offer_realloc(model, owner, error);
    return status == HT_OK ? count_live(model, owner, change, error) : status;
}

static uint64_t product(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t lifetime(const struct ht_picture_model *model, const struct ht_picture_block *block,
                         int64_t end_ns)
{
    uint64_t begun = ht_picture_stamp(model, block->begin_ns);
    uint64_t ended = ht_picture_stamp(model, end_ns);
    return ended > begun ? ended - begun : 0;
}

// Offers the reallocs of a block whose life is told to those shown, by bytes copied.
static enum ht_status offer_chain(struct ht_picture_model *model, struct ht_budget *chains,
                                  const struct ht_picture_block *block, struct ht_pick *pick,
                                  struct ht_error *error)
{
    const struct ht_picture_chain *chain = &model->chains[block->chain];
    pick->rank[0] = chain->copied_bytes;
    pick->rank[1] = chain->steps;
    pick->life.first_size = chain->first_size;
    pick->life.copied_bytes = chain->copied_bytes;
    pick->life.steps = chain->steps;
    return ht_budget_offer(chains, pick, error);
}

// Offers a block whose life is told to those shown, by size x lifetime, and its reallocs.
static enum ht_status offer(struct ht_picture_model *model, const struct ht_picture_block *block,
                            int64_t end_ns, struct ht_error *error)
{
    uint32_t owner = model->sites.sites[block->site].owner;
    struct ht_picture_process *process = process_of(model, owner);
    int64_t until_ns = end_ns != HT_TIME_UNKNOWN ? end_ns : model->last_ns;
    uint64_t rank = product(block->size, lifetime(model, block, until_ns));
    bool is_block = ht_budget_wants(&process->blocks, rank, block->size);
    bool is_chain = block->chain != HT_PICTURE_NONE &&
                    ht_budget_wants(&process->chains, model->chains[block->chain].copied_bytes,
                                    model->chains[block->chain].steps);
    if (!is_block && !is_chain)
        return HT_OK;
    struct ht_pick pick = {
        .rank = {rank, block->size},
        .event = {.time_ns = block->begin_ns, .address = block->address, .size = block->size},
        .life = {.id = block->id, .end_ns = end_ns, .site = block->site},
    };
    if (owner < HT_PICTURE_HEAPS_MAX)
        pick.event.heap = model->heaps[owner].handle;
    enum ht_status status = is_block ? ht_budget_offer(&process->blocks, &pick, error) : HT_OK;
    return status == HT_OK && is_chain ? offer_chain(model, &process->chains, block, &pick, error)
                                       : status;
}

static enum ht_status end(struct ht_picture_model *model, const struct ht_change *change,
                          struct ht_error *error)
{
    struct ht_picture_block *block = &model->blocks[change->block];
    uint32_t owner = model->sites.sites[block->site].owner;
    enum ht_status status = offer(model, block, model->event.time_ns, error);
    if (status == HT_OK)
        status = count_free(model, block->site, change->size, error);
    if (owner < HT_PICTURE_HEAPS_MAX)
        note_value(&model->heaps[owner].lifetimes, lifetime(model, block, model->event.time_ns));
    note_life(model, change);
    leave_pages(model, owner, block);
    give_chain(model, block->chain);
    block->site = HT_PICTURE_NONE;
    return status == HT_OK ? count_live(model, owner, change, error) : status;
}

// Gives up a block whose process is gone: that one never freed it.
static enum ht_status forget(struct ht_picture_model *model, struct ht_picture_block *block,
                             struct ht_error *error)
{
    if (block->site == HT_PICTURE_NONE)
        return HT_OK;
    enum ht_status status = offer(model, block, HT_TIME_UNKNOWN, error);
    uint64_t unused = 0; // the process keeps what it left
    ht_picture_pages_remove(&model->pages, model->sites.sites[block->site].owner, block->address,
                            block->size, &unused);
    give_chain(model, block->chain);
    block->site = HT_PICTURE_NONE;
    return status;
}

// Whether the block is one of a process that still has its pid.
static bool is_live(struct ht_picture_model *model, const struct ht_picture_block *block)
{
    return block->site != HT_PICTURE_NONE &&
           process_of(model, model->sites.sites[block->site].owner)->next == HT_PICTURE_NONE;
}

static enum ht_status apply(struct ht_picture_model *model, const struct ht_change *change,
                            struct ht_error *error)
{
    enum ht_status status = reserve_block(model, change->block, error);
    if (status != HT_OK)
        return status;
    struct ht_picture_block *block = &model->blocks[change->block];
    if (change->kind == HT_CHANGE_BEGIN)
        return begin(model, change, error);
    if (!is_live(model, block)) {
        status = forget(model, block, error);
        if (status != HT_OK || change->kind == HT_CHANGE_END)
            return status;
        // The numbers know no processes: the block that is resized was left by one that is gone.
        struct ht_change adopted = *change;
        adopted.kind = HT_CHANGE_BEGIN;
        adopted.address = change->old_address;
        adopted.size = change->old_size;
        status = begin(model, &adopted, error);
        if (status != HT_OK || block->site == HT_PICTURE_NONE)
            return status;
    }
    return change->kind == HT_CHANGE_END ? end(model, change, error) : resize(model, change, error);
}

enum ht_status ht_picture_model_change(struct ht_picture_model *model,
                                       const struct ht_change *change, struct ht_error *error)
{
    if (change->size <= HT_PICTURE_SIZE_MAX && change->old_size <= HT_PICTURE_SIZE_MAX)
        return apply(model, change, error);
    struct ht_change bounded = *change;
    bounded.size = change->size < HT_PICTURE_SIZE_MAX ? change->size : HT_PICTURE_SIZE_MAX;
    bounded.old_size =
        change->old_size < HT_PICTURE_SIZE_MAX ? change->old_size : HT_PICTURE_SIZE_MAX;
    return apply(model, &bounded, error);
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
    for (uint32_t i = 0; status == HT_OK && i < model->block_capacity; i++) {
        if (model->blocks[i].site != HT_PICTURE_NONE)
            status = offer(model, &model->blocks[i], HT_TIME_UNKNOWN, error);
    }
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
    for (uint32_t i = 0; i < model->block_capacity && status == HT_OK; i++) {
        const struct ht_picture_block *block = &model->blocks[i];
        if (block->site == HT_PICTURE_NONE)
            continue;
        uint32_t owner = model->sites.sites[block->site].owner;
        status = count_alloc(model, block->site, block->size, error);
        if (owner < HT_PICTURE_HEAPS_MAX)
            note_value(&model->heaps[owner].sizes, block->size);
    }
    return status;
}

enum ht_status ht_picture_model_restart(struct ht_picture_model *model, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    model->piece_ns = model->last_ns;
    model->piece_count = model->event_count;
    model->dropped_events = 0;
    ht_budget_restart(&model->reallocs);
    for (uint32_t i = 0; i < model->block_capacity && status == HT_OK; i++) {
        struct ht_picture_block *block = &model->blocks[i];
        if (!is_live(model, block))
            status = forget(model, block, error);
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
