// SPDX-License-Identifier: MIT
//
// Number: the live blocks of every heap. A block's record stands at its number in one array; a
// hash finds it by heap and address, and a list through the records holds each heap's blocks.
// It does not read events or decide what becomes of the changes.
#include "convert/number.h"

#include "convert/lowest.h"
#include "convert/slots.h"
#include "formats/limits.h"

#include <assert.h>
#include <stdlib.h>

enum { CHANGES_MAX = 3 }; // of one event, those of a destroy apart: end, adopt, resize

#define NO_BLOCK UINT32_MAX
#define NO_HEAP UINT32_MAX

struct block {
    uint64_t address;
    uint64_t size;
    uint32_t heap;
    uint32_t older; // neighbours in the list of the heap's blocks, NO_BLOCK at its ends
    uint32_t newer;
};

struct heap {
    struct ht_number_heap name;
    uint32_t newest; // head of the list of its blocks
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
    uint64_t seed;              // of the hash, so that no input can be made to collide
    uint32_t heap;              // of the event pushed last
    uint32_t destroyed;         // heap whose blocks are being ended, or NO_HEAP
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
    opened->seed = ht_mix((uintptr_t)opened);
    opened->destroyed = NO_HEAP;
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
    free(number->blocks);
    ht_lowest_reset(&number->numbers);
    ht_slots_reset(&number->block_slots);
    free(number->heaps);
    ht_slots_reset(&number->heap_slots);
    free(number);
}

static uint32_t tag_of(const struct ht_number *number, uint64_t key, uint32_t owner)
{
    return (uint32_t)(ht_mix((key ^ number->seed) + owner * 0x9E3779B97F4A7C15u) >> 32);
}

// The slot of a live block, or HT_SLOT_NONE.
static uint32_t find_block(const struct ht_number *number, uint32_t heap, uint64_t address)
{
    const struct ht_slots *slots = &number->block_slots;
    uint32_t tag = tag_of(number, address, heap);
    uint32_t slot = ht_slots_first(slots, tag);
    for (; slot != HT_SLOT_NONE; slot = ht_slots_next(slots, tag, slot)) {
        const struct block *block = &number->blocks[ht_slots_index(slots, slot)];
        if (block->address == address && block->heap == heap)
            break;
    }
    return slot;
}

static enum ht_status add_heap(struct ht_number *number, const struct ht_number_heap *name,
                               uint32_t tag, struct ht_error *error)
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
    enum ht_status status = ht_slots_add(&number->heap_slots, tag, number->heap_count, error);
    if (status != HT_OK)
        return status;
    number->heap = number->heap_count++;
    number->heaps[number->heap] = (struct heap){*name, NO_BLOCK};
    return HT_OK;
}

static bool is_heap(const struct heap *heap, const struct ht_number_heap *name)
{
    return heap->name.handle == name->handle && heap->name.pid == name->pid &&
           heap->name.start_ns == name->start_ns;
}

static struct ht_number_heap heap_of(const struct ht_number *number, const struct ht_event *event)
{
    struct ht_number_heap name = {event->pid, event->heap, HT_TIME_UNKNOWN};
    if (number->trace != NULL) {
        const struct ht_process *process =
            ht_trace_process_at(number->trace, event->pid, event->time_ns);
        if (process != NULL)
            name.start_ns = process->start_ns;
    }
    return name;
}

// Makes the event's heap the current one.
static enum ht_status find_heap(struct ht_number *number, const struct ht_event *event,
                                struct ht_error *error)
{
    struct ht_number_heap name = heap_of(number, event);
    if (number->heap_count > 0 && is_heap(&number->heaps[number->heap], &name))
        return HT_OK;
    const struct ht_slots *slots = &number->heap_slots;
    uint32_t tag = tag_of(number, event->heap, event->pid);
    uint32_t slot = ht_slots_first(slots, tag);
    for (; slot != HT_SLOT_NONE; slot = ht_slots_next(slots, tag, slot)) {
        number->heap = ht_slots_index(slots, slot);
        if (is_heap(&number->heaps[number->heap], &name))
            return HT_OK;
    }
    return add_heap(number, &name, tag, error);
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

static void link_block(struct ht_number *number, uint32_t index)
{
    struct block *block = &number->blocks[index];
    struct heap *heap = &number->heaps[block->heap];
    block->newer = NO_BLOCK;
    block->older = heap->newest;
    if (heap->newest != NO_BLOCK)
        number->blocks[heap->newest].newer = index;
    heap->newest = index;
}

static void unlink_block(struct ht_number *number, uint32_t index)
{
    const struct block *block = &number->blocks[index];
    if (block->newer != NO_BLOCK)
        number->blocks[block->newer].older = block->older;
    else
        number->heaps[block->heap].newest = block->older;
    if (block->older != NO_BLOCK)
        number->blocks[block->older].newer = block->newer;
}

static enum ht_status reserve_block(struct ht_number *number, uint32_t index,
                                    struct ht_error *error)
{
    if (index < number->block_capacity)
        return HT_OK;
    size_t capacity = number->block_capacity > 0 ? (size_t)number->block_capacity * 2 : 64;
    if (capacity > SIZE_MAX / sizeof *number->blocks)
        return ht_fail_memory(error, "the live blocks");
    struct block *blocks = realloc(number->blocks, capacity * sizeof *blocks);
    if (blocks == NULL)
        return ht_fail_memory(error, "the live blocks");
    number->blocks = blocks;
    number->block_capacity = (uint32_t)capacity;
    return HT_OK;
}

static enum ht_status begin_block(struct ht_number *number, uint64_t address, uint64_t size,
                                  enum ht_change_cause cause, struct ht_error *error)
{
    uint32_t index = 0;
    enum ht_status status = ht_lowest_take(&number->numbers, &index, error);
    if (status != HT_OK)
        return status;
    status = reserve_block(number, index, error);
    if (status == HT_OK)
        status =
            ht_slots_add(&number->block_slots, tag_of(number, address, number->heap), index, error);
    if (status != HT_OK) {
        ht_lowest_give(&number->numbers, index);
        return status;
    }
    struct block *block = &number->blocks[index];
    block->address = address;
    block->size = size;
    block->heap = number->heap;
    link_block(number, index);
    add_change(number, HT_CHANGE_BEGIN, cause, index);
    return HT_OK;
}

// Forgets the block in a slot; its record keeps the last values until the number is given again.
static uint32_t end_block(struct ht_number *number, uint32_t slot)
{
    uint32_t index = ht_slots_index(&number->block_slots, slot);
    ht_slots_remove(&number->block_slots, slot);
    unlink_block(number, index);
    ht_lowest_give(&number->numbers, index);
    return index;
}

// A block that stands where another one is made has lost its free.
static void replace_block(struct ht_number *number, uint64_t address)
{
    uint32_t slot = find_block(number, number->heap, address);
    if (slot == HT_SLOT_NONE)
        return;
    number->counts.replaced++;
    add_change(number, HT_CHANGE_END, HT_CAUSE_REPLACED, end_block(number, slot));
}

static enum ht_status push_alloc(struct ht_number *number, const struct ht_event *event,
                                 struct ht_error *error)
{
    if (event->address == 0) {
        number->counts.failed++;
        return HT_OK;
    }
    replace_block(number, event->address);
    return begin_block(number, event->address, event->size, HT_CAUSE_EVENT, error);
}

static enum ht_status push_realloc(struct ht_number *number, const struct ht_event *event,
                                   struct ht_error *error)
{
    if (event->old_address == 0 || event->address == 0)
        return push_alloc(number, event, error);
    bool is_moved = !ht_event_is_in_place(event);
    if (is_moved)
        replace_block(number, event->address);
    uint32_t slot = find_block(number, number->heap, event->old_address);
    if (slot == HT_SLOT_NONE) {
        number->counts.adopted++;
        enum ht_status status =
            begin_block(number, event->old_address, event->old_size, HT_CAUSE_ADOPTED, error);
        if (status != HT_OK)
            return status;
        slot = find_block(number, number->heap, event->old_address);
    }
    uint32_t index = ht_slots_index(&number->block_slots, slot);
    uint64_t old_size = number->blocks[index].size;
    if (old_size != event->old_size)
        number->counts.old_size_differs++;
    if (is_moved)
        ht_slots_move(&number->block_slots, slot, tag_of(number, event->address, number->heap));
    number->blocks[index].address = event->address;
    number->blocks[index].size = event->size;
    struct ht_change *change = add_change(number, HT_CHANGE_RESIZE, HT_CAUSE_EVENT, index);
    change->old_address = event->old_address;
    change->old_size = old_size;
    return HT_OK;
}

static void push_free(struct ht_number *number, const struct ht_event *event)
{
    if (event->address == 0)
        return;
    uint32_t slot = find_block(number, number->heap, event->address);
    if (slot == HT_SLOT_NONE)
        number->counts.unknown_frees++;
    else
        add_change(number, HT_CHANGE_END, HT_CAUSE_EVENT, end_block(number, slot));
}

enum ht_status ht_number_push(struct ht_number *number, const struct ht_event *event,
                              struct ht_error *error)
{
    assert(number->destroyed == NO_HEAP || number->heaps[number->destroyed].newest == NO_BLOCK);
    number->change_count = 0;
    number->change_next = 0;
    number->destroyed = NO_HEAP;
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
        number->destroyed = number->heap;
        return HT_OK;
    default:
        return HT_OK;
    }
}

// One block of the destroyed heap at a time: a heap may hold any number of them.
static bool end_destroyed(struct ht_number *number)
{
    if (number->destroyed == NO_HEAP || number->heaps[number->destroyed].newest == NO_BLOCK)
        return false;
    uint32_t index = number->heaps[number->destroyed].newest;
    end_block(number, find_block(number, number->destroyed, number->blocks[index].address));
    number->change_count = 0;
    number->change_next = 0;
    add_change(number, HT_CHANGE_END, HT_CAUSE_DESTROYED, index);
    return true;
}

bool ht_number_next(struct ht_number *number, struct ht_change *change)
{
    if (number->change_next == number->change_count && !end_destroyed(number))
        return false;
    *change = number->changes[number->change_next++];
    return true;
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
