// SPDX-License-Identifier: MIT
//
// Median, spread and place. See the header.
#include "replay/statistics.h"

#include <assert.h>

struct ht_spread ht_spread_of(const double *values, size_t count)
{
    double sorted[HT_RUNS_MAX];
    assert(count >= 1 && count <= HT_RUNS_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && sorted[at - 1] > values[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = values[i];
    }
    return (struct ht_spread){
        .median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
        .least = sorted[0],
        .most = sorted[count - 1],
        .runs = count,
    };
}

bool ht_spread_is_below(const struct ht_spread *one, const struct ht_spread *other)
{
    return one->runs >= HT_RUNS_TO_RANK && other->runs >= HT_RUNS_TO_RANK &&
           one->most < other->least;
}

size_t ht_spread_place(const struct ht_spread *spreads, size_t count, size_t index)
{
    size_t place = 1;
    for (size_t i = 0; i < count; i++) {
        place += ht_spread_is_below(&spreads[i], &spreads[index]);
    }
    return place;
}
