// SPDX-License-Identifier: MIT
//
// Fold: a ring of the newest events, and a hash of the addresses they name. An event that enters
// meets the nearest earlier one of its thread and heap that names the same address: that is all
// that matching needs, in both directions, so an event costs the same whatever the ring holds. Only
// a realloc that moved, and an event that names an address of one that is still open, has to look;
// the others, nearly all, leave their addresses in the hash and pass.
#include "convert/fold.h"

#include "convert/slots.h"

#include <stdlib.h>

// A mention is an event naming an address: 2 * sequence of the event + which of its addresses.
// Sequences count from 1, so that mention 0 is older than everything.
enum { ADDRESS = 0, OLD_ADDRESS = 1, ADDRESSES = 2 };

enum { BUCKETS = ADDRESSES * HT_FOLD_WINDOW };

struct held {
    struct ht_event event;
    uint64_t alloc; // of a realloc: sequences of its alloc and its free, 0 when unknown
    uint64_t free;
    bool is_taken; // stands no more for itself: part of a folded realloc
    bool is_open;  // a moved realloc that waits for its records
};

struct fold {
    struct ht_reader reader;
    struct ht_reader *source; // owned
    uint64_t first;           // sequence of the oldest event held
    uint64_t end;             // sequence of the next event to come
    enum ht_status ended;     // what the source said last, HT_OK while it goes on
    struct ht_error failure;
    uint64_t newest[BUCKETS];                  // mention of each
    uint16_t open[BUCKETS];                    // mentions of each by open reallocs
    uint64_t older[HT_FOLD_WINDOW][ADDRESSES]; // the mention before it in the same bucket
    uint32_t tags[HT_FOLD_WINDOW][ADDRESSES];  // 0 for no address
    struct held ring[HT_FOLD_WINDOW];
};
static_assert(HT_FOLD_WINDOW * ADDRESSES <= UINT16_MAX, "open counts what the window can hold");

static struct held *held_at(struct fold *fold, uint64_t sequence)
{
    return &fold->ring[sequence % HT_FOLD_WINDOW];
}

static bool is_block_event(const struct ht_event *event)
{
    return event->kind == HT_KIND_ALLOC || event->kind == HT_KIND_REALLOC ||
           event->kind == HT_KIND_FREE;
}

// A realloc that may still be folded. One that did not move never finds both records: it names
// one address or none.
static bool can_fold(const struct ht_event *event)
{
    return event->kind == HT_KIND_REALLOC && (event->flags & HT_FLAG_FOLDED) == 0 &&
           event->address != 0 && event->old_address != 0 && !ht_event_is_in_place(event);
}

static uint32_t tag_of(const struct ht_event *event, uint64_t address)
{
    uint64_t thread = (uint64_t)event->pid << 32 | event->tid;
    uint64_t key = address ^ event->heap * 0x9E3779B97F4A7C15u ^ thread * 0xC2B2AE3D27D4EB4Fu;
    return (uint32_t)(ht_mix(key) >> 32) | 1;
}

static uint32_t bucket_of(uint32_t tag)
{
    return (tag >> 1) % BUCKETS;
}

static bool is_same_place(const struct ht_event *a, const struct ht_event *b)
{
    return a->tid == b->tid && a->pid == b->pid && a->heap == b->heap;
}

// Sequence of the newest event, from a mention of its bucket on, that names the address in the
// thread and heap of `event`; 0 when none is held.
static uint64_t nearest(struct fold *fold, const struct ht_event *event, uint32_t tag,
                        uint64_t address, uint64_t mention)
{
    while (mention / ADDRESSES >= fold->first) {
        uint64_t sequence = mention / ADDRESSES;
        uint64_t which = mention % ADDRESSES;
        if (fold->tags[sequence % HT_FOLD_WINDOW][which] == tag) {
            const struct ht_event *other = &held_at(fold, sequence)->event;
            uint64_t named = which == ADDRESS ? other->address : other->old_address;
            if (named == address && is_same_place(other, event))
                return sequence;
        }
        mention = fold->older[sequence % HT_FOLD_WINDOW][which];
    }
    return 0;
}

static bool is_there(struct fold *fold, uint64_t sequence)
{
    return sequence >= fold->first && !held_at(fold, sequence)->is_taken;
}

// Notes `sequence` as the alloc or the free of an open realloc, if that is what it is and none is
// known. Both name `address`, and no event of the thread between them does.
static void match(struct fold *fold, struct held *realloc_held, uint64_t sequence, uint64_t address)
{
    const struct ht_event *realloc_event = &realloc_held->event;
    const struct ht_event *other = &held_at(fold, sequence)->event;
    if (address == realloc_event->address) {
        bool is_its_alloc = other->kind == HT_KIND_ALLOC && other->size == realloc_event->size;
        if (is_its_alloc && !is_there(fold, realloc_held->alloc))
            realloc_held->alloc = sequence;
    } else if (other->kind == HT_KIND_FREE && !is_there(fold, realloc_held->free)) {
        realloc_held->free = sequence;
    }
}

// Counts the addresses of a realloc that becomes open, or stops to be.
static void set_open(struct fold *fold, uint64_t sequence, bool is_open)
{
    struct held *held = held_at(fold, sequence);
    if (held->is_open == is_open)
        return;
    held->is_open = is_open;
    for (int which = 0; which < ADDRESSES; which++) {
        uint16_t *count = &fold->open[bucket_of(fold->tags[sequence % HT_FOLD_WINDOW][which])];
        *count = (uint16_t)(is_open ? *count + 1 : *count - 1);
    }
}

static void fold_if_whole(struct fold *fold, uint64_t sequence)
{
    struct held *held = held_at(fold, sequence);
    if (!is_there(fold, held->alloc) || !is_there(fold, held->free))
        return;
    struct held *alloc = held_at(fold, held->alloc);
    alloc->is_taken = true;
    held_at(fold, held->free)->is_taken = true;
    set_open(fold, sequence, false);
    held->event.flags |= HT_FLAG_FOLDED;
    if (ht_event_stack(&held->event) == 0)
        ht_event_set_stack(&held->event, ht_event_stack(&alloc->event));
}

// Enters one address of an event into the hash and lets the event meet the nearest earlier one
// that names it, whichever of the two is the realloc.
static void mention(struct fold *fold, uint64_t sequence, unsigned which, uint64_t address)
{
    struct held *held = held_at(fold, sequence);
    uint32_t tag = fold->tags[sequence % HT_FOLD_WINDOW][which];
    uint32_t bucket = bucket_of(tag);
    uint64_t newest = fold->newest[bucket];
    fold->older[sequence % HT_FOLD_WINDOW][which] = newest;
    fold->newest[bucket] = ADDRESSES * sequence + which;
    if (!held->is_open && fold->open[bucket] == 0)
        return;
    uint64_t earlier = nearest(fold, &held->event, tag, address, newest);
    if (earlier == 0)
        return;
    if (held->is_open) {
        match(fold, held, earlier, address);
    } else if (held_at(fold, earlier)->is_open) {
        match(fold, held_at(fold, earlier), sequence, address);
        fold_if_whole(fold, earlier);
    }
}

static void enter(struct fold *fold, uint64_t sequence)
{
    struct held *held = held_at(fold, sequence);
    const struct ht_event *event = &held->event;
    uint32_t *tags = fold->tags[sequence % HT_FOLD_WINDOW];
    held->alloc = 0;
    held->free = 0;
    held->is_taken = false;
    held->is_open = false;
    tags[ADDRESS] = 0;
    tags[OLD_ADDRESS] = 0;
    if (!is_block_event(event))
        return;
    if (event->address != 0)
        tags[ADDRESS] = tag_of(event, event->address);
    if (event->kind == HT_KIND_REALLOC && event->old_address != 0 && !ht_event_is_in_place(event))
        tags[OLD_ADDRESS] = tag_of(event, event->old_address);
    if (can_fold(event))
        set_open(fold, sequence, true);
    if (tags[ADDRESS] != 0)
        mention(fold, sequence, ADDRESS, event->address);
    if (tags[OLD_ADDRESS] != 0)
        mention(fold, sequence, OLD_ADDRESS, event->old_address);
    if (held->is_open)
        fold_if_whole(fold, sequence);
}

static void fill(struct fold *fold)
{
    while (fold->ended == HT_OK && fold->end - fold->first < HT_FOLD_WINDOW) {
        struct ht_event *event = &held_at(fold, fold->end)->event;
        fold->ended = ht_reader_next(fold->source, event, &fold->failure);
        if (fold->ended == HT_OK)
            enter(fold, fold->end++);
    }
}

static enum ht_status fold_read(struct ht_reader *self, struct ht_events *events,
                                struct ht_error *error)
{
    struct fold *fold = (struct fold *)self;
    for (;;) {
        fill(fold);
        if (fold->first == fold->end)
            break;
        const struct held *held = held_at(fold, fold->first);
        set_open(fold, fold->first++, false);
        if (held->is_taken)
            continue;
        events->at[0] = held->event;
        events->count = 1;
        return HT_OK;
    }
    if (error != NULL)
        *error = fold->failure;
    return fold->ended;
}

static void fold_close(struct ht_reader *self)
{
    struct fold *fold = (struct fold *)self;
    fold->source->close(fold->source);
    free(fold);
}

enum ht_status ht_fold_open(struct ht_reader *source, struct ht_reader **reader,
                            struct ht_error *error)
{
    *reader = NULL;
    struct fold *fold = calloc(1, sizeof *fold);
    if (fold == NULL)
        return ht_fail_memory(error, "the window of events to fold");
    fold->reader = (struct ht_reader){fold_read, fold_close};
    fold->source = source;
    fold->first = 1;
    fold->end = 1;
    *reader = &fold->reader;
    return HT_OK;
}
