// SPDX-License-Identifier: MIT
//
// Fold: a ring of the newest events. A realloc that moved meets the nearest earlier event of its
// thread and heap that names the same address, and so does an event that names an address of such a
// realloc: that is all that matching needs, in both directions. Only these look back: at the events
// just before, where Windows puts the records of a realloc, and then through hashes of the
// addresses that events name, many at a time, which are made when they are needed. The others,
// nearly all, pass by.
#include "convert/fold.h"

#include "convert/slots.h"

#include <stdlib.h>
#include <string.h>

enum {
    READ_MAX = 256,                   // events read at once
    RING = HT_FOLD_WINDOW + READ_MAX, // events held, and events lent: a cache takes them
    NEAR = 16,                        // events looked at before there is need of hashes
    SPAN = 64,                        // hashes looked at together
    BUCKETS = 4096,                   // of hashes, for those of open reallocs
};
static_assert(RING % SPAN == 0, "the ring is made of whole spans");

// What an event is marked with besides.
enum {
    OPEN = 1,  // a moved realloc that waits for its records
    TAKEN = 2, // stands no more for itself: part of a folded realloc
};

struct records {
    uint64_t alloc; // sequences of an open realloc's alloc and free, 0 when unknown
    uint64_t free;
};

struct fold {
    struct ht_reader reader;
    struct ht_reader *source; // owned
    uint64_t given;           // sequence of the oldest event that is not given yet
    uint64_t first;           // sequence of the oldest event held
    uint64_t end;             // sequence of the next event to come; they count from 1
    uint64_t untagged;        // sequence of the first event without hashes
    enum ht_status ended;     // what the source said last, HT_OK while it goes on
    struct ht_error failure;
    uint32_t open_count;
    uint16_t open[BUCKETS]; // addresses of open reallocs by their hash
    struct ht_event ring[RING];
    uint16_t tags[RING]; // hashes of addresses, 0 for none
    uint16_t old_tags[RING];
    uint8_t marks[RING];
    struct records records[RING]; // of open reallocs
};

static struct ht_event *event_at(struct fold *fold, uint64_t sequence)
{
    return &fold->ring[sequence % RING];
}

static uint8_t *mark_at(struct fold *fold, uint64_t sequence)
{
    return &fold->marks[sequence % RING];
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

static uint16_t tag_of(uint64_t address)
{
    return (uint16_t)(address * 0x9E3779B97F4A7C15u >> 48 | 1);
}

static uint16_t *open_at(struct fold *fold, uint16_t tag)
{
    return &fold->open[(tag >> 1) % BUCKETS];
}

static bool has_moved(const struct ht_event *event)
{
    return event->kind == HT_KIND_REALLOC && event->old_address != 0 &&
           !ht_event_is_in_place(event);
}

static uint16_t address_tag(const struct ht_event *event)
{
    return is_block_event(event) && event->address != 0 ? tag_of(event->address) : 0;
}

static uint16_t old_address_tag(const struct ht_event *event)
{
    return has_moved(event) ? tag_of(event->old_address) : 0;
}

static bool is_same_place(const struct ht_event *a, const struct ht_event *b)
{
    return a->tid == b->tid && a->pid == b->pid && a->heap == b->heap;
}

static bool has_tag(const uint16_t *span, uint16_t tag)
{
    unsigned hits = 0;
    for (int i = 0; i < SPAN; i++)
        hits |= span[i] == tag;
    return hits != 0;
}

// Whether the event names the address, which is not 0, in the thread and heap of another.
static bool names(const struct ht_event *event, uint64_t address, const struct ht_event *other)
{
    bool is_named = (event->address == address && is_block_event(event)) ||
                    (event->old_address == address && has_moved(event));
    return is_named && is_same_place(event, other);
}

// Sequence of the newest event from `begin` on and before `end` that names the address as above; 0
// when none does.
static uint64_t newest(struct fold *fold, const struct ht_event *event, uint64_t address,
                       uint64_t begin, uint64_t end)
{
    for (uint64_t sequence = end; sequence > begin; sequence--)
        if (names(event_at(fold, sequence - 1), address, event))
            return sequence - 1;
    return 0;
}

// Makes the hashes of the events before `end`.
static void tag_until(struct fold *fold, uint64_t end)
{
    uint64_t sequence = fold->untagged > fold->first ? fold->untagged : fold->first;
    for (; sequence < end; sequence++) {
        const struct ht_event *event = event_at(fold, sequence);
        fold->tags[sequence % RING] = address_tag(event);
        fold->old_tags[sequence % RING] = old_address_tag(event);
    }
    fold->untagged = sequence > fold->untagged ? sequence : fold->untagged;
}

// Sequence of the newest event before `end` that names the address in the thread and heap of
// `event`; 0 when none is held.
static uint64_t nearest(struct fold *fold, const struct ht_event *event, uint64_t address,
                        uint64_t end)
{
    uint64_t near = end - fold->first > NEAR ? end - NEAR : fold->first;
    uint64_t found = newest(fold, event, address, near, end);
    if (found != 0 || near == fold->first)
        return found;
    uint16_t tag = tag_of(address);
    end = near;
    tag_until(fold, end);
    while (found == 0 && end > fold->first) {
        size_t span = (end - 1) % RING / SPAN * SPAN;
        uint64_t begin = end - 1 - (end - 1) % SPAN;
        if (begin < fold->first)
            begin = fold->first;
        if (has_tag(fold->tags + span, tag) || has_tag(fold->old_tags + span, tag))
            found = newest(fold, event, address, begin, end);
        end = begin;
    }
    return found;
}

static bool is_there(struct fold *fold, uint64_t sequence)
{
    return sequence >= fold->first && *mark_at(fold, sequence) != TAKEN;
}

// Notes event `other` as the alloc or the free of an open realloc, if that is what it is and none
// is known. Both name `address`, and no event of the thread between them does.
static void match(struct fold *fold, uint64_t open, uint64_t other, uint64_t address)
{
    const struct ht_event *realloc_event = event_at(fold, open);
    const struct ht_event *event = event_at(fold, other);
    struct records *records = &fold->records[open % RING];
    if (address == realloc_event->address) {
        bool is_its_alloc = event->kind == HT_KIND_ALLOC && event->size == realloc_event->size;
        if (is_its_alloc && !is_there(fold, records->alloc))
            records->alloc = other;
    } else if (event->kind == HT_KIND_FREE && !is_there(fold, records->free)) {
        records->free = other;
    }
}

// Opens or closes a realloc, by 1 or -1.
static void count_open(struct fold *fold, const struct ht_event *event, int by)
{
    fold->open_count += (uint32_t)by;
    *open_at(fold, tag_of(event->address)) += (uint16_t)by;
    *open_at(fold, tag_of(event->old_address)) += (uint16_t)by;
}

static void set_open(struct fold *fold, uint64_t sequence)
{
    *mark_at(fold, sequence) = OPEN;
    fold->records[sequence % RING] = (struct records){0, 0};
    count_open(fold, event_at(fold, sequence), 1);
}

static void set_closed(struct fold *fold, uint64_t sequence)
{
    *mark_at(fold, sequence) = 0;
    count_open(fold, event_at(fold, sequence), -1);
}

static void fold_if_whole(struct fold *fold, uint64_t sequence)
{
    struct ht_event *event = event_at(fold, sequence);
    const struct records *records = &fold->records[sequence % RING];
    if (!is_there(fold, records->alloc) || !is_there(fold, records->free))
        return;
    *mark_at(fold, records->alloc) = TAKEN;
    *mark_at(fold, records->free) = TAKEN;
    set_closed(fold, sequence);
    event->flags |= HT_FLAG_FOLDED;
    if (ht_event_stack(event) == 0)
        ht_event_set_stack(event, ht_event_stack(event_at(fold, records->alloc)));
}

// Lets an event meet the nearest earlier one that names the address with this hash, whichever of
// the two is the realloc. The hash is 0 when there is no address.
static void meet(struct fold *fold, uint64_t sequence, uint16_t tag, uint64_t address)
{
    bool is_open = *mark_at(fold, sequence) == OPEN;
    if (tag == 0 || (!is_open && *open_at(fold, tag) == 0))
        return;
    uint64_t earlier = nearest(fold, event_at(fold, sequence), address, sequence);
    if (earlier == 0)
        return;
    if (is_open) {
        match(fold, sequence, earlier, address);
    } else if (*mark_at(fold, earlier) == OPEN) {
        match(fold, earlier, sequence, address);
        fold_if_whole(fold, earlier);
    }
}

// Matches an event that may be part of a moved realloc.
static void enter(struct fold *fold, uint64_t sequence)
{
    const struct ht_event *event = event_at(fold, sequence);
    bool is_open = can_fold(event);
    if (is_open)
        set_open(fold, sequence);
    meet(fold, sequence, address_tag(event), event->address);
    meet(fold, sequence, old_address_tag(event), event->old_address);
    if (is_open)
        fold_if_whole(fold, sequence);
}

// The events before this one can be given.
static void leave_until(struct fold *fold, uint64_t end)
{
    for (; fold->first < end && fold->open_count > 0; fold->first++)
        if (*mark_at(fold, fold->first) == OPEN)
            set_closed(fold, fold->first);
    if (fold->first < end)
        fold->first = end;
}

// Takes in the events up to `end`, which are in the ring.
static void take_in(struct fold *fold, uint64_t end)
{
    size_t at = fold->end % RING;
    for (; fold->end < end; fold->end++, at++) {
        if (fold->open_count == 0 && !can_fold(&fold->ring[at]))
            continue;
        leave_until(fold, fold->end + 1 > HT_FOLD_WINDOW ? fold->end + 1 - HT_FOLD_WINDOW : 0);
        enter(fold, fold->end);
    }
    leave_until(fold, end > HT_FOLD_WINDOW ? end - HT_FOLD_WINDOW : 0);
}

// Takes events from the source; when it has no more, lets go of those that are held.
static void pull(struct fold *fold)
{
    size_t at = fold->end % RING;
    struct ht_events events = {fold->ring + at, RING - at < READ_MAX ? RING - at : READ_MAX};
    if (fold->ended == HT_OK)
        fold->ended = fold->source->read(fold->source, &events, &fold->failure);
    if (fold->ended != HT_OK) {
        leave_until(fold, fold->end);
        return;
    }
    if (events.at != fold->ring + at)
        memcpy(fold->ring + at, events.at, events.count * sizeof *events.at);
    take_in(fold, fold->end + events.count);
}

// Steps over events that are part of another. False when none is left to be given.
static bool find_given(struct fold *fold)
{
    while (fold->given < fold->first && *mark_at(fold, fold->given) == TAKEN)
        *mark_at(fold, fold->given++) = 0;
    return fold->given < fold->first;
}

static enum ht_status fold_read(struct ht_reader *self, struct ht_events *events,
                                struct ht_error *error)
{
    struct fold *fold = (struct fold *)self;
    while (!find_given(fold)) {
        if (fold->ended != HT_OK) {
            if (error != NULL)
                *error = fold->failure;
            return fold->ended;
        }
        pull(fold);
    }
    size_t at = fold->given % RING;
    size_t count = (size_t)(fold->first - fold->given);
    if (count > RING - at)
        count = RING - at;
    if (count > events->count)
        count = events->count;
    const uint8_t *taken = memchr(fold->marks + at, TAKEN, count);
    if (taken != NULL)
        count = (size_t)(taken - (fold->marks + at));
    *events = (struct ht_events){fold->ring + at, count};
    fold->given += count;
    return HT_OK;
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
    fold->given = 1;
    fold->first = 1;
    fold->end = 1;
    fold->untagged = 1;
    *reader = &fold->reader;
    return HT_OK;
}
