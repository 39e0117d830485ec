// SPDX-License-Identifier: MIT
//
// The score of a replay. See the header.
#include "replay/score.h"

static double ratio(double replayed, double recorded)
{
    return recorded > 0 ? replayed / recorded : 0;
}

static bool is_near(double replayed, double recorded)
{
    double percent = 100 * ratio(replayed, recorded);
    return replayed == recorded ||
           (percent <= 100 + HT_SCORE_SPREAD_PERCENT && percent >= 100 - HT_SCORE_SPREAD_PERCENT);
}

static void score_spread(struct ht_score *score, const struct ht_metrics_report *recorded,
                         const struct ht_metrics_report *replayed)
{
    score->f1_ratio = ratio(replayed->f1_operations, recorded->f1_operations);
    score->f2_ratio = ratio(replayed->f2, recorded->f2);
    score->retention_ratio = ratio(replayed->retention, recorded->retention);
    score->spread_agrees = is_near(replayed->f1_operations, recorded->f1_operations) &&
                           is_near(replayed->f2, recorded->f2) &&
                           is_near(replayed->retention, recorded->retention);
}

static void score_reallocs(struct ht_score *score, const uint64_t agreement[2][2])
{
    score->reallocs_agreed = agreement[0][0] + agreement[1][1];
    score->reallocs = score->reallocs_agreed + agreement[0][1] + agreement[1][0];
    score->reallocs_agree =
        score->reallocs > 0 &&
        (double)score->reallocs_agreed * 100 >= (double)score->reallocs * HT_SCORE_REALLOC_PERCENT;
}

static enum ht_verdict verdict_of(const struct ht_score *score)
{
    int agreeing = score->spread_agrees + score->reallocs_agree;
    int asked = 1 + (score->reallocs > 0);
    if (agreeing == asked) {
        return HT_VERDICT_YES;
    }
    return agreeing > 0 ? HT_VERDICT_PARTLY : HT_VERDICT_NO;
}

struct ht_score ht_score_of(const struct ht_metrics_report *recorded,
                            const struct ht_metrics_report *replayed,
                            const uint64_t agreement[2][2])
{
    struct ht_score score = {0};
    score_spread(&score, recorded, replayed);
    score_reallocs(&score, agreement);
    bool is_whole = replayed->operations == recorded->operations;
    if (is_whole && recorded->peak.live_bytes > 0) {
        score.verdict = verdict_of(&score);
    }
    return score;
}

const char *ht_verdict_name(enum ht_verdict verdict)
{
    static const char *const names[] = {"nothing to compare", "yes", "partly", "no"};
    return names[verdict];
}
