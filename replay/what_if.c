// SPDX-License-Identifier: MIT
//
// Changes of policy, block by block. See the header.
#include "replay/what_if.h"

#include "replay/os.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCKS_MIN = 4096 };

// A block that lives in the recording.
struct block {
    uint64_t wanted;   // bytes that the program wants of it
    uint64_t capacity; // that it has, on the heap or elsewhere
    bool is_elsewhere;
};

struct ht_what_if_filter {
    struct ht_what_if what_if;
    struct ht_what_if_counts counts;
    uint64_t spare_bytes;
    uint64_t elsewhere_bytes;
    struct block *blocks; // by number
    uint64_t block_count;
};

// A decimal number of digits only, and what is behind it.
static bool take_number(const char **text, uint64_t *number)
{
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    unsigned long long value = strtoull(*text, &end, 10);
    *text = end;
    *number = value;
    return value <= PTRDIFF_MAX;
}

static bool take_sizes(const char *text, struct ht_what_if *what_if)
{
    if (!take_number(&text, &what_if->class_from)) {
        return false;
    }
    what_if->class_to = what_if->class_from;
    if (*text == '-') {
        text++;
        if (!take_number(&text, &what_if->class_to)) {
            return false;
        }
    }
    return *text == '\0' && what_if->class_from <= what_if->class_to;
}

// "1.5": at most two digits behind the point.
static bool take_factor(const char *text, uint32_t *percent)
{
    uint64_t whole;
    unsigned part = 0;
    if (!take_number(&text, &whole) || whole > HT_WHAT_IF_GROWTH_MAX / 100) {
        return false;
    }
    if (*text == '.') {
        text++;
        for (unsigned unit = 10; unit > 0 && *text >= '0' && *text <= '9'; unit /= 10) {
            part += (unsigned)(*text++ - '0') * unit;
        }
    }
    *percent = (uint32_t)whole * 100 + part;
    return *text == '\0' && *percent > 100 && *percent <= HT_WHAT_IF_GROWTH_MAX;
}

enum ht_status ht_what_if_add(struct ht_what_if *what_if, const char *text, struct ht_error *error)
{
    static const char growth[] = "growth=";
    static const char class_off[] = "size-class-off";
    struct ht_what_if was = *what_if;
    bool is_one = false;
    if (strcmp(text, "realloc=copy") == 0) {
        is_one = !was.is_copying;
        what_if->is_copying = true;
    } else if (strncmp(text, growth, sizeof growth - 1) == 0) {
        is_one = was.growth_percent == 0 &&
                 take_factor(text + sizeof growth - 1, &what_if->growth_percent);
    } else if (strncmp(text, class_off, sizeof class_off - 1) == 0) {
        const char *sizes = text + sizeof class_off - 1;
        what_if->is_class_off = true;
        what_if->class_to = HT_WHAT_IF_CLASS_BYTES;
        is_one = !was.is_class_off &&
                 (*sizes == '\0' || (*sizes == '=' && take_sizes(sizes + 1, what_if)));
    }
    if (!is_one) {
        return ht_fail(error, HT_FORMAT,
                       "%.40s is no change, or the second of its kind: realloc=copy, growth=F "
                       "with F over 1 and at most 10, size-class-off[=N[-M]]",
                       text);
    }
    return HT_OK;
}

bool ht_what_if_is_any(const struct ht_what_if *what_if)
{
    return what_if->is_copying || what_if->growth_percent > 0 || what_if->is_class_off;
}

enum ht_status ht_what_if_open(struct ht_what_if_filter **filter, const struct ht_what_if *what_if,
                               struct ht_error *error)
{
    *filter = ht_os_map(sizeof **filter);
    if (*filter == NULL) {
        return ht_fail_memory(error, "the change of policy");
    }
    (*filter)->what_if = *what_if;
    return HT_OK;
}

void ht_what_if_close(struct ht_what_if_filter *filter)
{
    if (filter != NULL) {
        ht_os_unmap(filter->blocks, filter->block_count * sizeof *filter->blocks);
        ht_os_unmap(filter, sizeof *filter);
    }
}

static enum ht_status make_room(struct ht_what_if_filter *filter, uint32_t block,
                                struct ht_error *error)
{
    uint64_t count = filter->block_count > 0 ? filter->block_count : BLOCKS_MIN;
    while (count <= block) {
        count *= 2;
    }
    if (count == filter->block_count) {
        return HT_OK;
    }
    struct block *blocks = ht_os_map(count * sizeof *blocks);
    if (blocks == NULL) {
        return ht_fail_memory(error, "the blocks of the change of policy");
    }
    for (uint64_t i = 0; i < filter->block_count; i++) {
        blocks[i] = filter->blocks[i];
    }
    ht_os_unmap(filter->blocks, filter->block_count * sizeof *blocks);
    filter->blocks = blocks;
    filter->block_count = count;
    return HT_OK;
}

// `percent` of a capacity, at most PTRDIFF_MAX, over which no heap gives anything.
static uint64_t times(uint64_t capacity, uint32_t percent)
{
    double product = (double)capacity * percent / 100;
    return product < (double)PTRDIFF_MAX / 2
               ? capacity / 100 * percent + capacity % 100 * percent / 100
               : PTRDIFF_MAX;
}

// What a block has after its realloc.
static uint64_t capacity_for(const struct ht_what_if *what_if, uint64_t capacity, uint64_t size)
{
    uint32_t percent = what_if->growth_percent;
    if (percent == 0) {
        return size;
    }
    if (size > capacity) {
        uint64_t grown = times(capacity, percent);
        return size > grown ? size : grown;
    }
    return capacity > times(size, percent) ? size : capacity;
}

static bool is_off(const struct ht_what_if *what_if, uint64_t size)
{
    return what_if->is_class_off && size >= what_if->class_from && size <= what_if->class_to;
}

static void keep_most(uint64_t *most, uint64_t bytes)
{
    *most = bytes > *most ? bytes : *most;
}

// Takes a block out of the sums, and in again as it is then.
static void take_out(struct ht_what_if_filter *filter, const struct block *block)
{
    filter->spare_bytes -= block->capacity - block->wanted;
    filter->elsewhere_bytes -= block->is_elsewhere ? block->capacity : 0;
}

static void put_in(struct ht_what_if_filter *filter, const struct block *block)
{
    filter->spare_bytes += block->capacity - block->wanted;
    filter->elsewhere_bytes += block->is_elsewhere ? block->capacity : 0;
    keep_most(&filter->counts.spare_peak_bytes, filter->spare_bytes);
    keep_most(&filter->counts.elsewhere_peak_bytes, filter->elsewhere_bytes);
}

// A realloc from what the block was to what it is.
static bool resize(struct ht_what_if_filter *filter, const struct block *was,
                   const struct block *is, struct ht_change *change)
{
    change->size = is->capacity;
    change->old_size = was->capacity;
    if (was->is_elsewhere && is->is_elsewhere) {
        filter->counts.elsewhere++;
        return false;
    }
    if (was->is_elsewhere) {
        change->kind = HT_CHANGE_BEGIN;
        return true;
    }
    if (is->is_elsewhere) {
        change->kind = HT_CHANGE_END;
        change->size = was->capacity;
        return true;
    }
    bool is_spared = filter->what_if.growth_percent > 0 && is->capacity == was->capacity;
    filter->counts.spared += is_spared;
    return !is_spared;
}

enum ht_status ht_what_if_apply(struct ht_what_if_filter *filter, struct ht_change *change,
                                bool *is_left, struct ht_error *error)
{
    const struct ht_what_if *what_if = &filter->what_if;
    enum ht_status status = make_room(filter, change->block, error);
    if (status != HT_OK) {
        return status;
    }
    struct block *block = &filter->blocks[change->block];
    struct block was = *block;
    if (change->kind != HT_CHANGE_BEGIN) {
        take_out(filter, &was);
    }
    if (change->kind == HT_CHANGE_END) {
        *is_left = !was.is_elsewhere;
        filter->counts.elsewhere += was.is_elsewhere;
        change->size = was.capacity;
        return HT_OK;
    }
    block->wanted = change->size;
    block->capacity = change->kind == HT_CHANGE_BEGIN
                          ? change->size
                          : capacity_for(what_if, was.capacity, change->size);
    block->is_elsewhere = is_off(what_if, block->capacity);
    put_in(filter, block);
    if (change->kind == HT_CHANGE_BEGIN) {
        *is_left = !block->is_elsewhere;
        filter->counts.elsewhere += block->is_elsewhere;
    } else {
        *is_left = resize(filter, &was, block, change);
    }
    return HT_OK;
}

const struct ht_what_if_counts *ht_what_if_counts(const struct ht_what_if_filter *filter)
{
    return &filter->counts;
}
