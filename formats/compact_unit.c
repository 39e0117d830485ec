// SPDX-License-Identifier: MIT
//
// Units. See the header.
#include "formats/compact_unit.h"

struct ht_unit ht_unit_of(uint64_t number)
{
    struct ht_unit unit = {number, 0, UINT64_MAX / number, 0};
    uint64_t odd = number;
    for (; (odd & 1) == 0; odd >>= 1)
        unit.shift++;
    unit.inverse = odd; // right in 3 bits, and in twice as many with each step
    for (int i = 0; i < 5; i++)
        unit.inverse *= 2 - odd * unit.inverse;
    return unit;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

uint64_t ht_unit_common(const uint64_t *values, size_t count, uint64_t number)
{
    size_t i = 0;
    for (; number == 0 && i < count; i++)
        number = ht_magnitude(values[i]);
    if (number == 0)
        return 0;
    struct ht_unit unit = ht_unit_of(number);
    for (; i < count; i++) {
        uint64_t magnitude = ht_magnitude(values[i]);
        if (ht_unit_divide(&unit, magnitude) > unit.most)
            unit = ht_unit_of(common_divisor(magnitude, unit.number));
    }
    return unit.number;
}

uint64_t ht_unit_usable(uint64_t number)
{
    return number == 0 || number > INT64_MAX ? 1 : number;
}
