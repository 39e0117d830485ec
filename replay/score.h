// SPDX-License-Identifier: MIT
//
// How well the metrics of a replay agree with those of its recording.
#ifndef HT_REPLAY_SCORE_H
#define HT_REPLAY_SCORE_H

#include "replay/metrics.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    // What counts as the recorded fragmentation.
    HT_SCORE_SPREAD_PERCENT = 10,  // each of three page spreads is at most so far off
    HT_SCORE_REALLOC_PERCENT = 90, // at least so many reallocs moved, or did not, as recorded
};

enum ht_verdict {
    HT_VERDICT_NONE,   // nothing was live, or the replay was stopped: there is nothing to say
    HT_VERDICT_YES,    // spread and reallocs agree; without any realloc, the spread does
    HT_VERDICT_PARTLY, // one of the two agrees
    HT_VERDICT_NO,
};

struct ht_score {
    double f1_ratio;          // replayed f1_operations / recorded; 0 where one has no value
    double f2_ratio;          // the same of f2
    double retention_ratio;   // and of retention
    uint64_t reallocs;        // that were replayed
    uint64_t reallocs_agreed; // of these, those that moved or stayed as recorded
    bool spread_agrees;       // all three, as far as they have a value
    bool reallocs_agree;      // false when there are none
    enum ht_verdict verdict;
};

// The verdict is none unless the replay had all operations. `agreement` is of its reallocs, by
// [moved in the recording][moved here].
struct ht_score ht_score_of(const struct ht_metrics_report *recorded,
                            const struct ht_metrics_report *replayed,
                            const uint64_t agreement[2][2]);

// "nothing to compare", "yes", "partly", "no".
const char *ht_verdict_name(enum ht_verdict verdict);

#endif
