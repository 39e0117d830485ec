// SPDX-License-Identifier: MIT
//
// Number: the live blocks of every heap. A block's record stands at its number in one array; a
// hash finds it by heap and address, and each heap has the numbers of its blocks in the order they
// were made. It does not read events or decide what becomes of the changes.
#include "convert/number.h"

#include "convert/lowest.h"
#include "convert/slots.h"
#include "formats/limits.h"

#include <assert.h>
#include <stdlib.h>

enum { CHANGES_MAX = 3 }; // of one event, those of a destroy apart: end, adopt, resize

#define NO_BLOCK UINT32_MAX

struct block {
    uint64_t address;
    uint64_t size;
    uint32_t heap;
    uint32_t birth; // place in the heap's births
};

// The births are an array and not a list through the blocks: so the end of a block writes to one
// place and reads none.
struct heap {
    struct ht_number_heap name;
    uint32_t *births; // numbers of its blocks, oldest first, NO_BLOCK where one has ended; owned
    uint32_t birth_count;
    uint32_t birth_capacity;
    uint32_t live_count;
};

struct ht_number {
    const struct ht_trace *trace; // borrowed, NULL when the processes are not known
    struct ht_number_counts counts;
    struct block *blocks; // by number
    uint32_t block_capacity;
    struct ht_lowest numbers;
    struct ht_slots block_slots; // by heap and address
    struct heap *heaps;          // by index of first use
    uint32_t heap_count;
    uint32_t heap_capacity;
    struct ht_slots heap_slots; // by pid and handle
    uint64_t seed;              // of the hash, odd, so that no input can be made to collide
    uint32_t heap;              // of the event pushed last
    uint32_t revision;          // of the trace, when it was asked for
    struct ht_pid_use use;      // the use of that heap's pid
    bool is_destroyed;          // that heap: its blocks are being ended
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
    opened->seed = ht_mix((uintptr_t)opened) | 1;
    enum ht_status status = ht_slots_init(&opened->block_slots, error);
    if (status == HT_OK)
        status = ht_slots_init(&opened->heap_slots, error);
    if (status != HT_OK) {
        ht_number_close(opened);
        return status;
    }
    *number = opened;
    return HT_OK;
}

void ht_number_close(struct ht_number *number)
{
    if (number == NULL)
        return;
    for (uint32_t i = 0; i < number->heap_count; i++)
        free(number->heaps[i].births);
    free(number->blocks);
    ht_lowest_reset(&number->numbers);
    ht_slots_reset(&number->block_slots);
    free(number->heaps);
    ht_slots_reset(&number->heap_slots);
    free(number);
}

// The upper half of a product with a random odd number: two keys meet as rarely as can be.
static uint32_t tag_of(const struct ht_number *number, uint64_t key, uint32_t owner)
{
    return (uint32_t)((key + owner * 0x9E3779B97F4A7C15u) * number->seed >> 32);
}

static uint32_t block_tag(const struct ht_number *number, uint64_t address)
{
    return tag_of(number, address, number->heap);
}

// The slot of a block of the current heap, or the empty one where it would be.
static uint32_t find_block(const struct ht_number *number, uint32_t tag, uint64_t address)
{
    const struct ht_slots *slots = &number->block_slots;
    uint32_t slot = ht_slots_first(slots, tag);
    for (; !ht_slots_is_empty(slots, slot); slot = ht_slots_next(slots, tag, slot)) {
        const struct block *block = &number->blocks[ht_slots_index(slots, slot)];
        if (block->address == address && block->heap == number->heap)
            break;
    }
    return slot;
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
    if (number->heap_count == 0)
        return false;
    const struct ht_number_heap *name = &number->heaps[number->heap].name;
    bool is_same_use = number->trace == NULL || (number->trace->revision == number->revision &&
                                                 event->time_ns >= number->use.from_ns &&
                                                 event->time_ns <= number->use.to_ns);
    return event->heap == name->handle && event->pid == name->pid && is_same_use;
}

static struct ht_number_heap heap_of(struct ht_number *number, const struct ht_event *event)
{
    struct ht_number_heap name = {event->pid, event->heap, HT_TIME_UNKNOWN};
    if (number->trace != NULL) {
        number->revision = number->trace->revision;
        number->use = ht_trace_pid_use(number->trace, event->pid, event->time_ns);
        if (number->use.process != NULL)
            name.start_ns = number->use.process->start_ns;
    }
    return name;
}

// Makes the event's heap the current one.
static enum ht_status find_heap(struct ht_number *number, const struct ht_event *event,
                                struct ht_error *error)
{
    if (is_current(number, event))
        return HT_OK;
    enum ht_status status = reserve_heap(number, error);
    if (status != HT_OK)
        return status;
    struct ht_number_heap name = heap_of(number, event);
    struct ht_slots *slots = &number->heap_slots;
    uint32_t tag = tag_of(number, event->heap, event->pid);
    uint32_t slot = ht_slots_first(slots, tag);
    for (; !ht_slots_is_empty(slots, slot); slot = ht_slots_next(slots, tag, slot)) {
        number->heap = ht_slots_index(slots, slot);
        const struct ht_number_heap *found = &number->heaps[number->heap].name;
        if (found->handle == name.handle && found->pid == name.pid &&
            found->start_ns == name.start_ns)
            return HT_OK;
    }
    number->heap = number->heap_count++;
    number->heaps[number->heap] = (struct heap){.name = name};
    ht_slots_put(slots, slot, tag, number->heap);
    return HT_OK;
}

static struct ht_change *add_change(struct ht_number *number, enum ht_change_kind kind,
                                    enum ht_change_cause cause, uint32_t index)
{
    assert(number->change_count < CHANGES_MAX);
    const struct block *block = &number->blocks[index];
    struct ht_change *change = &number->changes[number->change_count++];
    *change = (struct ht_change){.kind = (uint8_t)kind,
                                 .cause = (uint8_t)cause,
                                 .heap = block->heap,
                                 .block = index,
                                 .address = block->address,
                                 .size = block->size};
    return change;
}

// Closes the gaps in a heap's births.
static void close_births(struct ht_number *number, struct heap *heap)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < heap->birth_count; i++) {
        uint32_t index = heap->births[i];
        if (index == NO_BLOCK)
            continue;
        number->blocks[index].birth = count;
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
    struct block *blocks = NULL;
    if (capacity <= SIZE_MAX / sizeof *blocks)
        blocks = realloc(number->blocks, capacity * sizeof *blocks);
    if (blocks == NULL)
        return ht_fail_memory(error, "the live blocks");
    number->blocks = blocks;
    number->block_capacity = (uint32_t)capacity;
    return HT_OK;
}

// Makes room for a block more in the current heap.
static enum ht_status reserve(struct ht_number *number, struct ht_error *error)
{
    enum ht_status status = reserve_block(number, error);
    if (status == HT_OK)
        status = reserve_birth(number, &number->heaps[number->heap], error);
    return status == HT_OK ? ht_slots_reserve(&number->block_slots, error) : status;
}

// Begins a block, for which there is room, in the empty slot where it would be found.
static enum ht_status begin_block(struct ht_number *number, uint32_t slot, uint32_t tag,
                                  uint64_t address, uint64_t size, enum ht_change_cause cause,
                                  struct ht_error *error)
{
    uint32_t index = 0;
    enum ht_status status = ht_lowest_take(&number->numbers, &index, error);
    if (status != HT_OK)
        return status;
    struct heap *heap = &number->heaps[number->heap];
    number->blocks[index] = (struct block){address, size, number->heap, heap->birth_count};
    heap->births[heap->birth_count++] = index;
    heap->live_count++;
    ht_slots_put(&number->block_slots, slot, tag, index);
    add_change(number, HT_CHANGE_BEGIN, cause, index);
    return HT_OK;
}

// Forgets the block in a slot; its record keeps the last values until the number is given again.
static void end_block(struct ht_number *number, uint32_t slot, enum ht_change_cause cause)
{
    uint32_t index = ht_slots_index(&number->block_slots, slot);
    const struct block *block = &number->blocks[index];
    struct heap *heap = &number->heaps[block->heap];
    ht_slots_remove(&number->block_slots, slot);
    heap->births[block->birth] = NO_BLOCK;
    heap->live_count--;
    ht_lowest_give(&number->numbers, index);
    add_change(number, HT_CHANGE_END, cause, index);
}

// Finds where a block is to be made. One that stands there has lost its free.
static uint32_t make_place(struct ht_number *number, uint32_t tag, uint64_t address)
{
    uint32_t slot = find_block(number, tag, address);
    if (ht_slots_is_empty(&number->block_slots, slot))
        return slot;
    number->counts.replaced++;
    end_block(number, slot, HT_CAUSE_REPLACED);
    return find_block(number, tag, address);
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
    uint32_t tag = block_tag(number, event->address);
    uint32_t slot = make_place(number, tag, event->address);
    return begin_block(number, slot, tag, event->address, event->size, HT_CAUSE_EVENT, error);
}

// Finds the block that a realloc names, and makes it first when it is not known.
static enum ht_status find_or_adopt(struct ht_number *number, const struct ht_event *event,
                                    uint32_t *slot, struct ht_error *error)
{
    uint32_t tag = block_tag(number, event->old_address);
    *slot = find_block(number, tag, event->old_address);
    if (!ht_slots_is_empty(&number->block_slots, *slot))
        return HT_OK;
    number->counts.adopted++;
    return begin_block(number, *slot, tag, event->old_address, event->old_size, HT_CAUSE_ADOPTED,
                       error);
}

// Puts the block of a slot where it will be found by another address, which no block has.
static void move_block(struct ht_number *number, uint32_t slot, uint32_t tag)
{
    uint32_t index = ht_slots_index(&number->block_slots, slot);
    ht_slots_remove(&number->block_slots, slot);
    slot = ht_slots_first(&number->block_slots, tag);
    while (!ht_slots_is_empty(&number->block_slots, slot))
        slot = ht_slots_next(&number->block_slots, tag, slot);
    ht_slots_put(&number->block_slots, slot, tag, index);
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

static enum ht_status push_realloc(struct ht_number *number, const struct ht_event *event,
                                   struct ht_error *error)
{
    if (event->old_address == 0 || event->address == 0)
        return push_half(number, event, error);
    enum ht_status status = reserve(number, error);
    if (status != HT_OK)
        return status;
    uint32_t tag = block_tag(number, event->address);
    bool is_moved = !ht_event_is_in_place(event);
    uint64_t replaced = number->counts.replaced;
    if (is_moved)
        make_place(number, tag, event->address);
    number->counts.reallocs.onto_live += number->counts.replaced - replaced;
    uint32_t slot = 0;
    status = find_or_adopt(number, event, &slot, error);
    if (status != HT_OK)
        return status;
    uint32_t index = ht_slots_index(&number->block_slots, slot);
    if (is_moved)
        move_block(number, slot, tag);
    struct block *block = &number->blocks[index];
    uint64_t old_size = block->size;
    count_resize(&number->counts.reallocs, old_size, event->size, is_moved);
    if (old_size != event->old_size)
        number->counts.old_size_differs++;
    block->address = event->address;
    block->size = event->size;
    struct ht_change *change = add_change(number, HT_CHANGE_RESIZE, HT_CAUSE_EVENT, index);
    change->old_address = event->old_address;
    change->old_size = old_size;
    return HT_OK;
}

static void push_free(struct ht_number *number, const struct ht_event *event)
{
    if (event->address == 0)
        return;
    uint32_t slot = find_block(number, block_tag(number, event->address), event->address);
    if (ht_slots_is_empty(&number->block_slots, slot))
        number->counts.unknown_frees++;
    else
        end_block(number, slot, HT_CAUSE_EVENT);
}

enum ht_status ht_number_push(struct ht_number *number, const struct ht_event *event,
                              struct ht_error *error)
{
    assert(!number->is_destroyed || number->heaps[number->heap].live_count == 0);
    number->change_count = 0;
    number->change_next = 0;
    number->is_destroyed = false;
    enum ht_status status = find_heap(number, event, error);
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
    while (heap->birth_count > 0 && heap->births[heap->birth_count - 1] == NO_BLOCK)
        heap->birth_count--;
    if (heap->birth_count == 0)
        return false;
    const struct block *newest = &number->blocks[heap->births[heap->birth_count - 1]];
    number->change_count = 0;
    number->change_next = 0;
    uint32_t slot = find_block(number, block_tag(number, newest->address), newest->address);
    end_block(number, slot, HT_CAUSE_DESTROYED);
    return true;
}

const struct ht_change *ht_number_next(struct ht_number *number)
{
    if (number->change_next == number->change_count && !end_destroyed(number))
        return NULL;
    return &number->changes[number->change_next++];
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
    return number->block_slots.used;
}

uint32_t ht_number_block_limit(const struct ht_number *number)
{
    return number->numbers.limit;
}
