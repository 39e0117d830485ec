// SPDX-License-Identifier: MIT
//
// The units of a block of a .htape file: the largest number that divides all values of a column,
// and fast exact division by it.
#ifndef HT_FORMATS_COMPACT_UNIT_H
#define HT_FORMATS_COMPACT_UNIT_H

#include <stddef.h>
#include <stdint.h>

// A number to divide by, prepared so that an exact division is a multiplication: by the inverse of
// its odd part modulo 2^64, then a rotation by its power of two. What is above `most` then was not
// divisible (Warren, Hacker's Delight, 10-17).
struct ht_unit {
    uint64_t number;
    uint64_t inverse;
    uint64_t most;
    unsigned shift;
};

// `number` is not 0.
struct ht_unit ht_unit_of(uint64_t number);

static inline uint64_t ht_unit_divide(const struct ht_unit *unit, uint64_t value)
{
    uint64_t product = value * unit->inverse;
    return unit->shift == 0 ? product : product >> unit->shift | product << (64 - unit->shift);
}

// Of a signed number in two's complement.
static inline uint64_t ht_magnitude(uint64_t value)
{
    return value >> 63 != 0 ? 0 - value : value;
}

// The largest number that divides `number` and all of the signed values; 0 is divided by any.
uint64_t ht_unit_common(const uint64_t *values, size_t count, uint64_t number);

// A common divisor as a unit to write: at least 1 and within int64_t.
uint64_t ht_unit_usable(uint64_t number);

#endif
