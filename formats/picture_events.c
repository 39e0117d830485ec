// SPDX-License-Identifier: MIT
//
// What instants and slices say. See the header; names and arguments are in
// docs/formats/perfetto.md.
#include "formats/picture_events.h"

#include "formats/picture_marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// Flows of a chain link its first steps only: more arrows cannot be told apart.
enum { LINKED_STEPS_MAX = 50 };

const char *const ht_picture_category_texts[HT_PICTURE_CATEGORIES] = {
    [HT_PICTURE_CATEGORY_REALLOC] = "realloc", [HT_PICTURE_CATEGORY_BLOCK] = "block",
    [HT_PICTURE_CATEGORY_CHAIN] = "chain",     [HT_PICTURE_CATEGORY_HISTOGRAM] = "histogram",
    [HT_PICTURE_CATEGORY_ALLOC] = "alloc",     [HT_PICTURE_CATEGORY_FREE] = "free",
    [HT_PICTURE_CATEGORY_MARK] = "mark",
};

const char *const ht_picture_row_texts[HT_PICTURE_CATEGORIES] = {
    [HT_PICTURE_CATEGORY_CHAIN] = "Realloc chains",
    [HT_PICTURE_CATEGORY_BLOCK] = "Large and long-lived blocks",
};

const char *const ht_picture_name_texts[HT_PICTURE_NAMES] = {
    [HT_PICTURE_REALLOC_MOVED] = "realloc moved",
    [HT_PICTURE_REALLOC_IN_PLACE] = "realloc in place",
    [HT_PICTURE_REALLOC_FAILED] = "realloc failed",
    [HT_PICTURE_ALLOC] = "alloc",
    [HT_PICTURE_ALLOC_FAILED] = "alloc failed",
    [HT_PICTURE_FREE] = "free",
};

const char *const ht_picture_arg_texts[HT_PICTURE_ARGS] = {
    [HT_PICTURE_ARG_HEAP] = "heap",
    [HT_PICTURE_ARG_ADDRESS] = "address",
    [HT_PICTURE_ARG_OLD_ADDRESS] = "old_address",
    [HT_PICTURE_ARG_SIZE] = "size",
    [HT_PICTURE_ARG_OLD_SIZE] = "old_size",
    [HT_PICTURE_ARG_MOVED] = "moved",
    [HT_PICTURE_ARG_BLOCK_ID] = "block_id",
    [HT_PICTURE_ARG_STEP] = "step",
    [HT_PICTURE_ARG_SOURCE] = "source",
    [HT_PICTURE_ARG_STACK_ID] = "stack_id",
    [HT_PICTURE_ARG_STEPS] = "steps",
    [HT_PICTURE_ARG_COPIED_BYTES] = "copied_bytes",
    [HT_PICTURE_ARG_GROWTH] = "growth",
    [HT_PICTURE_ARG_FIRST_SIZE] = "first_size",
    [HT_PICTURE_ARG_LAST_SIZE] = "last_size",
    [HT_PICTURE_ARG_KIND] = "kind",
    [HT_PICTURE_ARG_BUCKET_LO] = "bucket_lo",
    [HT_PICTURE_ARG_BUCKET_HI] = "bucket_hi",
    [HT_PICTURE_ARG_COUNT] = "count",
    [HT_PICTURE_ARG_ALLOC_TID] = "alloc_tid",
};

void ht_picture_begin_event(struct ht_picture_event *shown, enum ht_picture_category category)
{
    shown->category = category;
    shown->name = HT_PICTURE_TITLED;
    shown->title[0] = '\0';
    shown->stack = 0;
    shown->flow = 0;
    shown->arg_count = 0;
}

static struct ht_picture_argument *add(struct ht_picture_event *shown, enum ht_picture_arg arg,
                                       enum ht_picture_type type)
{
    struct ht_picture_argument *argument = &shown->args[shown->arg_count++];
    argument->arg = arg;
    argument->type = type;
    return argument;
}

void ht_picture_add_number(struct ht_picture_event *shown, enum ht_picture_arg arg, uint64_t value)
{
    add(shown, arg, HT_PICTURE_NUMBER)->number = value;
}

void ht_picture_add_pointer(struct ht_picture_event *shown, enum ht_picture_arg arg, uint64_t value)
{
    add(shown, arg, HT_PICTURE_POINTER)->number = value;
}

void ht_picture_add_text(struct ht_picture_event *shown, enum ht_picture_arg arg, const char *value)
{
    add(shown, arg, HT_PICTURE_TEXT)->text = value;
}

static uint64_t flow_of(uint64_t block_id)
{
    return block_id + 1; // not 0
}

static enum ht_picture_name name_of(const struct ht_event *event)
{
    switch (event->kind) {
    case HT_KIND_ALLOC:
        return event->address != 0 ? HT_PICTURE_ALLOC : HT_PICTURE_ALLOC_FAILED;
    case HT_KIND_FREE:
        return HT_PICTURE_FREE;
    default:
        if (event->address == 0)
            return HT_PICTURE_REALLOC_FAILED;
        return ht_event_is_in_place(event) ? HT_PICTURE_REALLOC_IN_PLACE : HT_PICTURE_REALLOC_MOVED;
    }
}

static enum ht_picture_category category_of(const struct ht_event *event)
{
    switch (event->kind) {
    case HT_KIND_ALLOC:
        return HT_PICTURE_CATEGORY_ALLOC;
    case HT_KIND_FREE:
        return HT_PICTURE_CATEGORY_FREE;
    default:
        return HT_PICTURE_CATEGORY_REALLOC;
    }
}

static void add_realloc(struct ht_picture_event *shown, const struct ht_event *event)
{
    ht_picture_add_pointer(shown, HT_PICTURE_ARG_OLD_ADDRESS, event->old_address);
    ht_picture_add_number(shown, HT_PICTURE_ARG_OLD_SIZE, event->old_size);
    add(shown, HT_PICTURE_ARG_MOVED, HT_PICTURE_FLAG)->flag =
        shown->name == HT_PICTURE_REALLOC_MOVED;
}

static void add_life(struct ht_picture_event *shown, const struct ht_picture_instant *what)
{
    const struct ht_pick_life *life = what->life;
    ht_picture_add_number(shown, HT_PICTURE_ARG_BLOCK_ID, life->id);
    if (what->event->kind == HT_KIND_REALLOC) {
        ht_picture_add_number(shown, HT_PICTURE_ARG_STEP, life->steps);
        if (what->is_linked && life->steps <= LINKED_STEPS_MAX)
            shown->flow = flow_of(life->id);
    }
    if (what->event->kind == HT_KIND_FREE)
        ht_picture_add_number(shown, HT_PICTURE_ARG_ALLOC_TID, what->alloc_tid);
}

void ht_picture_show_instant(struct ht_picture_event *shown, const struct ht_picture_instant *what)
{
    const struct ht_event *event = what->event;
    ht_picture_begin_event(shown, category_of(event));
    shown->name = name_of(event);
    shown->stack = ht_event_stack(event);
    ht_picture_add_pointer(shown, HT_PICTURE_ARG_HEAP, event->heap);
    ht_picture_add_pointer(shown, HT_PICTURE_ARG_ADDRESS, event->address);
    ht_picture_add_number(shown, HT_PICTURE_ARG_SIZE, event->size);
    if (event->kind == HT_KIND_REALLOC)
        add_realloc(shown, event);
    if (what->life != NULL)
        add_life(shown, what);
    ht_picture_add_number(shown, HT_PICTURE_ARG_SOURCE, ht_event_source(event));
    if (shown->stack != 0)
        ht_picture_add_number(shown, HT_PICTURE_ARG_STACK_ID, shown->stack);
}

enum ht_status ht_picture_find_linked(const struct ht_picture_model *model,
                                      struct ht_picture_index *linked, struct ht_error *error)
{
    enum ht_status status = HT_OK;
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct ht_budget *chains = &model->processes[i].chains;
        for (uint32_t k = 0; k < chains->count && status == HT_OK; k++)
            status = ht_picture_index_put(linked, chains->picks[k].life.id, 0, 1, error);
    }
    return status;
}

struct ht_picture_instant ht_picture_kept_realloc(const struct ht_pick *pick, uint64_t stamp,
                                                  const struct ht_picture_index *linked)
{
    // Picks carry the number of their process in place of the pid, because a pid can be used again.
    return (struct ht_picture_instant){
        .event = &pick->event,
        .life = pick->life.steps > 0 ? &pick->life : NULL,
        .process = pick->event.pid,
        .stamp = stamp,
        .is_linked = ht_picture_index_find(linked, pick->life.id, 0) != HT_PICTURE_NONE,
    };
}

// The stack of a block's site, 0 where there is none.
static uint32_t stack_of(const struct ht_picture_model *model, const struct ht_pick *pick)
{
    uint32_t stack = model->sites.sites[pick->life.site].stack;
    return stack != HT_PICTURE_OTHER_STACKS ? stack : 0;
}

static void add_block(struct ht_picture_event *shown, const struct ht_pick *pick)
{
    if (pick->event.heap != 0)
        ht_picture_add_pointer(shown, HT_PICTURE_ARG_HEAP, pick->event.heap);
    ht_picture_add_pointer(shown, HT_PICTURE_ARG_ADDRESS, pick->event.address);
    ht_picture_add_number(shown, HT_PICTURE_ARG_SIZE, pick->event.size);
    ht_picture_add_number(shown, HT_PICTURE_ARG_BLOCK_ID, pick->life.id);
}

static void add_chain(struct ht_picture_event *shown, const struct ht_pick *pick)
{
    const struct ht_pick_life *life = &pick->life;
    ht_picture_add_number(shown, HT_PICTURE_ARG_STEPS, life->steps);
    ht_picture_add_number(shown, HT_PICTURE_ARG_COPIED_BYTES, life->copied_bytes);
    ht_picture_add_number(shown, HT_PICTURE_ARG_FIRST_SIZE, life->first_size);
    ht_picture_add_number(shown, HT_PICTURE_ARG_LAST_SIZE, pick->event.size);
    add(shown, HT_PICTURE_ARG_GROWTH, HT_PICTURE_REAL)->real =
        life->first_size > 0 ? (double)pick->event.size / (double)life->first_size : 0;
}

// "app.exe+0x1234": few distinct names, so that the viewer's tables add up by site. "block 4.0 KiB"
// where that is not known.
void ht_picture_show_slice(struct ht_picture_event *shown, const struct ht_picture_model *model,
                           const struct ht_pick *pick, enum ht_picture_category category)
{
    char site[HT_PICTURE_NAME_SIZE];
    char size[32];
    ht_picture_begin_event(shown, category);
    shown->stack = stack_of(model, pick);
    ht_picture_site_name(model->trace->dict, shown->stack, site);
    bool has_site = site[0] != '\0';
    ht_picture_describe_size(pick->event.size, size);
    add_block(shown, pick);
    if (category != HT_PICTURE_CATEGORY_CHAIN) {
        snprintf(shown->title, sizeof shown->title, "%s%s", has_site ? site : "block ",
                 has_site ? "" : size);
        return;
    }
    if (!has_site)
        snprintf(site, sizeof site, "%s", ht_picture_category_texts[category]);
    snprintf(shown->title, sizeof shown->title, "%s x%" PRIu32 " to %s", site, pick->life.steps,
             size);
    add_chain(shown, pick);
    shown->flow = flow_of(pick->life.id);
}

static int compare_begin(const void *left, const void *right)
{
    const struct ht_pick *a = left;
    const struct ht_pick *b = right;
    if (a->stamp_ns != b->stamp_ns)
        return a->stamp_ns < b->stamp_ns ? -1 : 1;
    return a->life.id < b->life.id ? -1 : a->life.id > b->life.id;
}

void ht_picture_stamp_slices(const struct ht_picture_model *model, struct ht_budget *slices)
{
    uint64_t least = ht_picture_stamp(model, model->piece_ns);
    for (uint32_t i = 0; i < slices->count; i++) {
        uint64_t stamp = ht_picture_stamp(model, slices->picks[i].event.time_ns);
        slices->picks[i].stamp_ns = stamp > least ? stamp : least;
    }
    if (slices->count > 0)
        qsort(slices->picks, slices->count, sizeof *slices->picks, compare_begin);
}

uint64_t ht_picture_slice_end(const struct ht_picture_model *model, const struct ht_pick *pick)
{
    if (pick->life.end_ns == HT_TIME_UNKNOWN)
        return UINT64_MAX;
    uint64_t end = ht_picture_stamp(model, pick->life.end_ns);
    return end > pick->stamp_ns ? end : pick->stamp_ns + 1;
}
