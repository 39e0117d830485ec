// SPDX-License-Identifier: MIT
//
// Number: the live blocks of every heap. A block's record stands at its number in one array; a
// hash finds it by heap and address, and each heap has the numbers of its blocks in the order they
// were made. It does not read events or decide what becomes of the changes.
//
// All of these are larger than the caches and used in no order, so that an event would cost three
// waits for memory: what the events ahead will need is fetched while those before them are done.
#include "convert/number.h"

#include "convert/lowest.h"
#include "convert/places.h"
#include "convert/slots.h"
#include "formats/limits.h"

#include <assert.h>
#include <stdlib.h>

enum {
    CHANGES_MAX = 3,  // of one event, those of a destroy apart: end, adopt, resize
    LINES_AHEAD = 24, // events, for which the line of the hash is fetched
    BLOCKS_AHEAD = 8, // and the block, by the line that is there by then
};

// What is random in the hash, so that no input can be made to collide.
struct salt {
    uint64_t address;
    uint64_t handle;
    uint64_t pid;
};

// The births are an array and not a list through the blocks: so the end of a block writes to one
// place and reads none.
struct heap {
    struct ht_number_heap name;
    uint32_t *births; // its blocks, oldest first, HT_BLOCK_NONE where one has ended; owned
    uint32_t birth_count;
    uint32_t birth_capacity;
    uint32_t live_count;
};

struct ht_number {
    const struct ht_trace *trace; // borrowed, NULL when the processes are not known
    struct ht_number_counts counts;
    struct ht_blocks blocks; // owned
    uint32_t block_capacity;
    struct ht_lowest numbers;
    struct ht_places places; // of blocks, by heap and address
    struct heap *heaps;      // by index of first use
    uint32_t heap_count;
    uint32_t heap_capacity;
    struct ht_slots heap_slots; // by pid and handle
    struct salt salt;
    const struct ht_event *ahead; // the next event to be pushed, as far as is known
    size_t ahead_count;           // known from there on
    uint32_t heap;                // of the event pushed last
    struct ht_number_heap name;   // of that heap
    uint64_t heap_hash;           // of that name
    struct ht_pid_use use;        // of that heap's pid
    uint32_t revision;            // of the trace, when it was asked for
    bool is_destroyed;            // that heap: its blocks are being ended
    struct ht_change changes[CHANGES_MAX];
    uint32_t change_count;
    uint32_t change_next;
};

enum ht_status ht_number_open(struct ht_number **number, const struct ht_trace *trace,
                              struct ht_error *error)
{
    *number = NULL;
    struct ht_number *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return ht_fail_memory(error, "the live blocks");
    opened->trace = trace;
    opened->blocks.stride = sizeof(struct ht_block);
    opened->salt.address = ht_mix((uintptr_t)opened) | 1;
    opened->salt.handle = ht_mix(opened->salt.address) | 1;
    opened->salt.pid = ht_mix(opened->salt.handle) | 1;
    opened->use = (struct ht_pid_use){INT64_MAX, INT64_MIN, NULL}; // no event is of it
    enum ht_status status = ht_places_grow(&opened->places, error);
    if (status == HT_OK)
        status = ht_slots_init(&opened->heap_slots, error);
    if (status != HT_OK) {
        ht_number_close(opened);
        return status;
    }
    *number = opened;
    return HT_OK;
}

void ht_number_keep_notes(struct ht_number *number, size_t size)
{
    assert(number->block_capacity == 0 && size % sizeof(uint64_t) == 0);
    number->blocks.stride = sizeof(struct ht_block) + size;
}

void ht_number_close(struct ht_number *number)
{
    if (number == NULL)
        return;
    for (uint32_t i = 0; i < number->heap_count; i++)
        free(number->heaps[i].births);
    free(number->blocks.at);
    ht_lowest_reset(&number->numbers);
    ht_places_reset(&number->places);
    free(number->heaps);
    ht_slots_reset(&number->heap_slots);
    free(number);
}

// Hashes are sums of products with random odd numbers: two keys meet as rarely as can be in the
// upper half, whatever they are.
static uint64_t hash_of_heap(const struct ht_number *number, uint32_t pid, uint64_t handle)
{
    return handle * number->salt.handle + pid * number->salt.pid;
}

static uint64_t hash_of_block(const struct ht_number *number, uint64_t heap_hash, uint64_t address)
{
    return heap_hash + address * number->salt.address;
}

// Finds a block of the current heap.
static bool find_block(const struct ht_number *number, uint64_t hash, uint64_t address,
                       struct ht_place *place)
{
    *place = ht_places_search(&number->places, hash);
    while (ht_places_next(&number->places, place)) {
        const struct ht_block *block = ht_block_at(&number->blocks, place->index);
        if (block->address == address && block->heap == number->heap)
            return true;
    }
    return false;
}

static void fetch_lines(const struct ht_number *number, const struct ht_event *event)
{
    uint64_t heap_hash = hash_of_heap(number, event->pid, event->heap);
    uint64_t hash = hash_of_block(number, heap_hash, event->address);
    ht_cache_fetch(ht_places_home(&number->places, hash));
    if (event->kind != HT_KIND_REALLOC)
        return;
    hash = hash_of_block(number, heap_hash, event->old_address);
    ht_cache_fetch(ht_places_home(&number->places, hash));
}

// Fetches the block that the event names, by its tag alone.
static void fetch_block(const struct ht_number *number, const struct ht_event *event)
{
    if (event->kind == HT_KIND_ALLOC)
        return;
    uint64_t address = event->kind == HT_KIND_REALLOC ? event->old_address : event->address;
    uint64_t heap_hash = hash_of_heap(number, event->pid, event->heap);
    struct ht_place place =
        ht_places_search(&number->places, hash_of_block(number, heap_hash, address));
    if (!ht_places_next(&number->places, &place))
        return;
    const unsigned char *block = number->blocks.at + place.index * number->blocks.stride;
    ht_cache_fetch(block);
    ht_cache_fetch(block + number->blocks.stride - 1);
}

void ht_number_expect(struct ht_number *number, const struct ht_event *events, size_t count)
{
    number->ahead = events;
    number->ahead_count = count;
    for (size_t i = 0; i < count && i < LINES_AHEAD; i++)
        fetch_lines(number, &events[i]);
}

static void look_ahead(struct ht_number *number, const struct ht_event *event)
{
    if (event != number->ahead)
        number->ahead_count = 0;
    if (number->ahead_count == 0)
        return;
    if (number->ahead_count > LINES_AHEAD)
        fetch_lines(number, event + LINES_AHEAD);
    if (number->ahead_count > BLOCKS_AHEAD)
        fetch_block(number, event + BLOCKS_AHEAD);
    number->ahead++;
    number->ahead_count--;
}

static enum ht_status reserve_heap(struct ht_number *number, struct ht_error *error)
{
    if (number->heap_count >= HT_HEAPS_MAX)
        return ht_fail(error, HT_LIMIT, "more than %d heaps", HT_HEAPS_MAX);
    if (number->heap_count == number->heap_capacity) {
        uint32_t capacity = number->heap_capacity > 0 ? number->heap_capacity * 2 : 16;
        struct heap *heaps = realloc(number->heaps, capacity * sizeof *heaps);
        if (heaps == NULL)
            return ht_fail_memory(error, "the heaps");
        number->heaps = heaps;
        number->heap_capacity = capacity;
    }
    return ht_slots_reserve(&number->heap_slots, error);
}

// Whether the event is of the current heap.
static bool is_current(const struct ht_number *number, const struct ht_event *event)
{
    return event->heap == number->name.handle && event->pid == number->name.pid &&
           event->time_ns >= number->use.from_ns && event->time_ns <= number->use.to_ns &&
           (number->trace == NULL || number->trace->revision == number->revision);
}

// Notes whose heap the event is of.
static void name_heap(struct ht_number *number, const struct ht_event *event)
{
    number->name = (struct ht_number_heap){event->pid, event->heap, HT_TIME_UNKNOWN};
    number->heap_hash = hash_of_heap(number, event->pid, event->heap);
    number->use = (struct ht_pid_use){INT64_MIN, INT64_MAX, NULL};
    if (number->trace == NULL)
        return;
    number->revision = number->trace->revision;
    number->use = ht_trace_pid_use(number->trace, event->pid, event->time_ns);
    if (number->use.process != NULL)
        number->name.start_ns = number->use.process->start_ns;
}

// Makes the event's heap the current one.
static enum ht_status find_heap(struct ht_number *number, const struct ht_event *event,
                                struct ht_error *error)
{
    enum ht_status status = reserve_heap(number, error);
    if (status != HT_OK)
        return status;
    name_heap(number, event);
    const struct ht_number_heap *name = &number->name;
    struct ht_slots *slots = &number->heap_slots;
    uint32_t tag = (uint32_t)(number->heap_hash >> 32);
    uint32_t slot = ht_slots_first(slots, tag);
    for (; !ht_slots_is_empty(slots, slot); slot = ht_slots_next(slots, tag, slot)) {
        number->heap = ht_slots_index(slots, slot);
        const struct ht_number_heap *found = &number->heaps[number->heap].name;
        if (found->handle == name->handle && found->pid == name->pid &&
            found->start_ns == name->start_ns)
            return HT_OK;
    }
    number->heap = number->heap_count++;
    number->heaps[number->heap] = (struct heap){.name = *name};
    ht_slots_put(slots, slot, tag, number->heap);
    return HT_OK;
}

static struct ht_change *add_change(struct ht_number *number, enum ht_change_kind kind,
                                    enum ht_change_cause cause, uint32_t index)
{
    assert(number->change_count < CHANGES_MAX);
    const struct ht_block *block = ht_block_at(&number->blocks, index);
    struct ht_change *change = &number->changes[number->change_count++];
    change->kind = (uint8_t)kind;
    change->cause = (uint8_t)cause;
    change->heap = number->heap;
    change->block = index;
    change->address = block->address;
    change->size = block->size;
    change->old_address = 0;
    change->old_size = 0;
    return change;
}

// Closes the gaps in a heap's births.
static void close_births(struct ht_number *number, struct heap *heap)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < heap->birth_count; i++) {
        uint32_t index = heap->births[i];
        if (i + LINES_AHEAD < heap->birth_count && heap->births[i + LINES_AHEAD] != HT_BLOCK_NONE)
            ht_cache_fetch(ht_block_at(&number->blocks, heap->births[i + LINES_AHEAD]));
        if (index == HT_BLOCK_NONE)
            continue;
        ht_block_at(&number->blocks, index)->birth = count;
        heap->births[count++] = index;
    }
    heap->birth_count = count;
}

// Makes room for a birth. More than a quarter of the births are gaps then, or as many are unused,
// so that closing them costs a birth little.
static enum ht_status reserve_birth(struct ht_number *number, struct heap *heap,
                                    struct ht_error *error)
{
    if (heap->birth_count < heap->birth_capacity)
        return HT_OK;
    close_births(number, heap);
    if (heap->live_count <= heap->birth_capacity / 4 * 3 && heap->birth_capacity > 0)
        return HT_OK;
    size_t capacity = heap->birth_capacity > 0 ? (size_t)heap->birth_capacity * 2 : 8;
    uint32_t *births = NULL;
    if (capacity <= SIZE_MAX / sizeof *births)
        births = realloc(heap->births, capacity * sizeof *births);
    if (births == NULL)
        return ht_fail_memory(error, "the live blocks");
    heap->births = births;
    heap->birth_capacity = (uint32_t)capacity;
    return HT_OK;
}

static enum ht_status reserve_block(struct ht_number *number, struct ht_error *error)
{
    if (number->numbers.limit < number->block_capacity)
        return HT_OK;
    size_t capacity = number->block_capacity > 0 ? (size_t)number->block_capacity * 2 : 64;
    unsigned char *blocks = NULL;
    if (capacity <= SIZE_MAX / number->blocks.stride)
        blocks = realloc(number->blocks.at, capacity * number->blocks.stride);
    if (blocks == NULL)
        return ht_fail_memory(error, "the live blocks");
    number->blocks.at = blocks;
    number->block_capacity = (uint32_t)capacity;
    return HT_OK;
}

static enum ht_status reserve_place(struct ht_number *number, struct ht_error *error)
{
    if (!ht_places_is_full(&number->places))
        return HT_OK;
    enum ht_status status = ht_places_grow(&number->places, error);
    for (uint32_t i = 0; status == HT_OK && i < number->blocks.limit; i++) {
        const struct ht_block *block = ht_block_at(&number->blocks, i);
        if (block->heap == HT_BLOCK_NONE)
            continue;
        const struct ht_number_heap *name = &number->heaps[block->heap].name;
        uint64_t heap_hash = hash_of_heap(number, name->pid, name->handle);
        ht_places_put(&number->places, hash_of_block(number, heap_hash, block->address), i);
    }
    return status;
}

static enum ht_status grow(struct ht_number *number, struct ht_error *error)
{
    enum ht_status status = reserve_block(number, error);
    if (status == HT_OK)
        status = reserve_birth(number, &number->heaps[number->heap], error);
    return status == HT_OK ? reserve_place(number, error) : status;
}

// Makes room for a block more in the current heap.
static enum ht_status reserve(struct ht_number *number, struct ht_error *error)
{
    const struct heap *heap = &number->heaps[number->heap];
    bool has_room = number->numbers.limit < number->block_capacity &&
                    heap->birth_count < heap->birth_capacity && !ht_places_is_full(&number->places);
    return has_room ? HT_OK : grow(number, error);
}

// Begins a block, for which there is room.
static enum ht_status begin_block(struct ht_number *number, uint64_t hash, uint64_t address,
                                  uint64_t size, enum ht_change_cause cause, uint32_t *index,
                                  struct ht_error *error)
{
    enum ht_status status = ht_lowest_take(&number->numbers, index, error);
    if (status != HT_OK)
        return status;
    number->blocks.limit = number->numbers.limit;
    struct heap *heap = &number->heaps[number->heap];
    *ht_block_at(&number->blocks, *index) =
        (struct ht_block){address, size, number->heap, heap->birth_count};
    heap->births[heap->birth_count++] = *index;
    heap->live_count++;
    ht_places_put(&number->places, hash, *index);
    add_change(number, HT_CHANGE_BEGIN, cause, *index);
    return HT_OK;
}

// Forgets a block of the current heap; its record keeps the other values until the number is given
// again.
static void end_block(struct ht_number *number, const struct ht_place *place, uint64_t hash,
                      enum ht_change_cause cause)
{
    struct ht_block *block = ht_block_at(&number->blocks, place->index);
    struct heap *heap = &number->heaps[number->heap];
    ht_places_remove(&number->places, place, hash);
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a block that is found has a birth
    heap->births[block->birth] = HT_BLOCK_NONE;
    heap->live_count--;
    block->heap = HT_BLOCK_NONE;
    ht_lowest_give(&number->numbers, place->index);
    add_change(number, HT_CHANGE_END, cause, place->index);
}

// Makes way for a block. One that lives where it is to be has lost its free.
static void make_way(struct ht_number *number, uint64_t hash, uint64_t address)
{
    struct ht_place place;
    if (!find_block(number, hash, address, &place))
        return;
    number->counts.replaced++;
    end_block(number, &place, hash, HT_CAUSE_REPLACED);
}

static enum ht_status push_alloc(struct ht_number *number, const struct ht_event *event,
                                 struct ht_error *error)
{
    if (event->address == 0) {
        number->counts.failed++;
        return HT_OK;
    }
    enum ht_status status = reserve(number, error);
    if (status != HT_OK)
        return status;
    uint32_t index = 0;
    uint64_t hash = hash_of_block(number, number->heap_hash, event->address);
    make_way(number, hash, event->address);
    return begin_block(number, hash, event->address, event->size, HT_CAUSE_EVENT, &index, error);
}

static void count_resize(struct ht_realloc_cases *cases, uint64_t old_size, uint64_t size,
                         bool is_moved)
{
    cases->grown += size > old_size;
    cases->shrunk += size < old_size;
    cases->same_size += size == old_size;
    cases->to_zero += size == 0;
    cases->in_place += !is_moved;
}

// A realloc without an old block or without a new one.
static enum ht_status push_half(struct ht_number *number, const struct ht_event *event,
                                struct ht_error *error)
{
    number->counts.reallocs.failed += event->address == 0;
    number->counts.reallocs.of_null += event->address != 0;
    return push_alloc(number, event, error);
}

// Finds the block that a realloc names, and makes it first when it is not known. The block is to be
// found by `hash` after that.
static enum ht_status take_old(struct ht_number *number, const struct ht_event *event,
                               uint64_t hash, uint32_t *index, struct ht_error *error)
{
    struct ht_place place;
    uint64_t old_hash = hash_of_block(number, number->heap_hash, event->old_address);
    if (!find_block(number, old_hash, event->old_address, &place)) {
        number->counts.adopted++;
        return begin_block(number, hash, event->old_address, event->old_size, HT_CAUSE_ADOPTED,
                           index, error);
    }
    *index = place.index;
    if (hash != old_hash) {
        ht_places_remove(&number->places, &place, old_hash);
        ht_places_put(&number->places, hash, place.index);
    }
    return HT_OK;
}

static enum ht_status push_realloc(struct ht_number *number, const struct ht_event *event,
                                   struct ht_error *error)
{
    if (event->old_address == 0 || event->address == 0)
        return push_half(number, event, error);
    uint32_t index = 0;
    uint64_t replaced = number->counts.replaced;
    bool is_moved = !ht_event_is_in_place(event);
    enum ht_status status = reserve(number, error);
    if (status != HT_OK)
        return status;
    uint64_t hash = hash_of_block(number, number->heap_hash, event->address);
    if (is_moved)
        make_way(number, hash, event->address);
    number->counts.reallocs.onto_live += number->counts.replaced - replaced;
    status = take_old(number, event, hash, &index, error);
    if (status != HT_OK)
        return status;
    struct ht_block *block = ht_block_at(&number->blocks, index);
    uint64_t old_size = block->size;
    count_resize(&number->counts.reallocs, old_size, event->size, is_moved);
    number->counts.old_size_differs += old_size != event->old_size;
    block->address = event->address;
    block->size = event->size;
    struct ht_change *change = add_change(number, HT_CHANGE_RESIZE, HT_CAUSE_EVENT, index);
    change->old_address = event->old_address;
    change->old_size = old_size;
    return HT_OK;
}

static void push_free(struct ht_number *number, const struct ht_event *event)
{
    struct ht_place place;
    uint64_t hash = hash_of_block(number, number->heap_hash, event->address);
    if (event->address == 0)
        return;
    if (find_block(number, hash, event->address, &place))
        end_block(number, &place, hash, HT_CAUSE_EVENT);
    else
        number->counts.unknown_frees++;
}

enum ht_status ht_number_push(struct ht_number *number, const struct ht_event *event,
                              struct ht_error *error)
{
    assert(!number->is_destroyed || number->heaps[number->heap].live_count == 0);
    number->change_count = 0;
    number->change_next = 0;
    number->is_destroyed = false;
    look_ahead(number, event);
    enum ht_status status = is_current(number, event) ? HT_OK : find_heap(number, event, error);
    if (status != HT_OK)
        return status;
    switch (event->kind) {
    case HT_KIND_ALLOC:
        return push_alloc(number, event, error);
    case HT_KIND_REALLOC:
        return push_realloc(number, event, error);
    case HT_KIND_FREE:
        push_free(number, event);
        return HT_OK;
    case HT_KIND_DESTROY:
        number->is_destroyed = true;
        return HT_OK;
    default:
        return HT_OK;
    }
}

// One block of the destroyed heap at a time: a heap may hold any number of them.
static bool end_destroyed(struct ht_number *number)
{
    if (!number->is_destroyed)
        return false;
    struct heap *heap = &number->heaps[number->heap];
    while (heap->birth_count > 0 && heap->births[heap->birth_count - 1] == HT_BLOCK_NONE)
        heap->birth_count--;
    if (heap->birth_count == 0) { // it will hardly be used again
        free(heap->births);
        heap->births = NULL;
        heap->birth_capacity = 0;
        return false;
    }
    const struct ht_block *newest =
        ht_block_at(&number->blocks, heap->births[heap->birth_count - 1]);
    number->change_count = 0;
    number->change_next = 0;
    struct ht_place place;
    uint64_t hash = hash_of_block(number, number->heap_hash, newest->address);
    bool is_found = find_block(number, hash, newest->address, &place);
    assert(is_found);
    (void)is_found;
    end_block(number, &place, hash, HT_CAUSE_DESTROYED);
    return true;
}

const struct ht_change *ht_number_next(struct ht_number *number)
{
    if (number->change_next == number->change_count && !end_destroyed(number))
        return NULL;
    return &number->changes[number->change_next++];
}

const struct ht_blocks *ht_number_blocks(const struct ht_number *number)
{
    return &number->blocks;
}

uint32_t ht_number_current_heap(const struct ht_number *number)
{
    return number->heap;
}

const struct ht_number_counts *ht_number_counts(const struct ht_number *number)
{
    return &number->counts;
}

uint32_t ht_number_heap_count(const struct ht_number *number)
{
    return number->heap_count;
}

struct ht_number_heap ht_number_heap(const struct ht_number *number, uint32_t index)
{
    return number->heaps[index].name;
}

uint64_t ht_number_live_count(const struct ht_number *number)
{
    return number->places.used;
}

uint32_t ht_number_block_limit(const struct ht_number *number)
{
    return number->numbers.limit;
}
