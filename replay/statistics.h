// SPDX-License-Identifier: MIT
//
// What several runs of the same say together: the middle, the spread, and who is ahead of whom.
#ifndef HT_REPLAY_STATISTICS_H
#define HT_REPLAY_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    HT_RUNS_MAX = 100,
    // Runs of each that it takes to tell two apart. With n runs of each, two that are the same come
    // out with one wholly below the other in 2 (n!)^2 / (2n)! of the cases: with 3 runs in one of
    // ten, with 4 in one of 35, with 5 in one of 126.
    HT_RUNS_TO_RANK = 4,
};

// The middle of the runs and their whole spread.
struct ht_spread {
    double median; // of an even number of runs the mean of the two in the middle
    double least;
    double most;
    size_t runs;
};

// Of 1 to HT_RUNS_MAX values, which stay as they are.
struct ht_spread ht_spread_of(const double *values, size_t count);

// True when every run of one is below every run of the other, and there are enough of both. Where
// spreads meet, neither is below the other.
bool ht_spread_is_below(const struct ht_spread *one, const struct ht_spread *other);

// The place of spreads[index] among `count`: one more than there are spreads below it. So spreads
// that cannot be told apart from the first are all in the first place.
size_t ht_spread_place(const struct ht_spread *spreads, size_t count, size_t index);

#endif
