// SPDX-License-Identifier: MIT
//
// Two runs of a trace that differ by the policy of its program. See the header.
#include "cli/what_if.h"

#include "cli/figures.h"
#include "cli/system.h"
#include "replay/os.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 512 };

bool ht_changes_take(struct ht_changes *changes, struct ht_options *options)
{
    struct ht_error error;
    if (ht_what_if_add(&changes->what_if, options->value, &error) != HT_OK) {
        options->exit = ht_options_misuse(options->command, "--what-if: %s", error.text);
        return false;
    }
    changes->texts[changes->count++] = options->value;
    return true;
}

// The text of a change that ends the word, which may be all of it or be behind the option's name.
static const char *change_in(const struct ht_changes *changes, const char *word)
{
    const char *end = word + strlen(word);
    for (size_t i = 0; i < changes->count; i++)
        if (changes->texts[i] + strlen(changes->texts[i]) == end)
            return changes->texts[i];
    return NULL;
}

// All words but those of the changes, and NULL.
static void copy_unchanged(char **words, int argc, char **argv, const struct ht_changes *changes)
{
    for (int i = 0; i < argc; i++) {
        bool is_before_change = i + 1 < argc && change_in(changes, argv[i + 1]) == argv[i + 1];
        if (!is_before_change && change_in(changes, argv[i]) == NULL)
            *words++ = argv[i];
    }
    *words = NULL;
}

enum ht_status ht_baseline_take(struct ht_baseline *baseline, int argc, char **argv,
                                const struct ht_changes *changes, bool has_metrics,
                                struct ht_error *error)
{
    char program[] = "heaptape";
    char *words[WORDS_MAX] = {program};
    struct ht_child child;
    *baseline = (struct ht_baseline){0};
    if (argc + 2 > WORDS_MAX)
        return ht_fail(error, HT_LIMIT, "the command line has more than %d words", WORDS_MAX - 2);
    copy_unchanged(words + 1, argc, argv, changes);
    if (has_metrics && (baseline->details = ht_os_map(sizeof *baseline->details)) == NULL)
        return ht_fail_memory(error, "the unchanged run");
    enum ht_status status = ht_child_spawn(&child, words, error);
    if (status == HT_OK && ht_run_receive(&child, "unchanged", &baseline->run, baseline->details,
                                          error) != HT_RECEIVED_RUN)
        status = ht_system_is_interrupted()
                     ? ht_fail(error, HT_IO, "interrupted in the unchanged run")
                     : HT_IO;
    if (status != HT_OK)
        ht_baseline_close(baseline);
    return status;
}

void ht_baseline_close(struct ht_baseline *baseline)
{
    ht_os_unmap(baseline->details, sizeof *baseline->details);
    baseline->details = NULL;
}

struct list {
    struct ht_difference *differences;
    size_t count;
};

static void add(struct list *list, const char *label, const char *key, enum ht_difference_unit unit,
                double unchanged, double changed)
{
    list->differences[list->count++] = (struct ht_difference){label, key, unit, unchanged, changed};
}

static void add_count(struct list *list, const char *label, const char *key, uint64_t unchanged,
                      uint64_t changed)
{
    add(list, label, key, HT_DIFFERENCE_COUNT, (double)unchanged, (double)changed);
}

static void add_ratio(struct list *list, const char *label, const char *key, double unchanged,
                      double changed)
{
    if (unchanged > 0 || changed > 0)
        add(list, label, key, HT_DIFFERENCE_RATIO, unchanged, changed);
}

static void add_metrics(struct list *list, const struct ht_run_metrics *was,
                        const struct ht_run_metrics *is)
{
    add_ratio(list, "F1 average by operation", "f1_operations", was->f1_operations,
              is->f1_operations);
    add_ratio(list, "F1 average by recorded time", "f1_time", was->f1_time, is->f1_time);
    add_ratio(list, "F2 at the live peak", "f2", was->f2, is->f2);
    add_ratio(list, "F3 at the page peak", "f3", was->f3, is->f3);
    add_ratio(list, "F4 page peak / live peak", "f4", was->f4, is->f4);
    add_ratio(list, "retention: at the end", "retention", was->retention, is->retention);
    add_count(list, "page peak, bytes", "page_peak_bytes", was->page_peak_bytes,
              is->page_peak_bytes);
    add_count(list, "sparse pages at the end", "sparse_bytes", was->sparse_bytes, is->sparse_bytes);
    add(list, "gaps not in the largest", "largest_free_index", HT_DIFFERENCE_SHARE,
        was->largest_free, is->largest_free);
    if (was->has_waste && is->has_waste)
        add(list, "wasted in blocks, live peak", "waste", HT_DIFFERENCE_SHARE, was->waste,
            is->waste);
    if (was->has_resident && is->has_resident)
        add_count(list, "resident growth at live peak", "resident_at_peak_bytes",
                  was->resident_bytes, is->resident_bytes);
}

static void add_latency(struct list *list, const struct ht_latency_report *was,
                        const struct ht_latency_report *is)
{
    static const struct {
        const char *labels[2];
        const char *keys[2];
    } kinds[HT_LATENCY_KIND_COUNT] = {
        [HT_LATENCY_ALLOC] = {{"alloc, 50 %, ns", "  99 %"}, {"alloc_p50_ns", "alloc_p99_ns"}},
        [HT_LATENCY_IN_PLACE] = {{"realloc in place, 50 %, ns", "  99 %"},
                                 {"realloc_in_place_p50_ns", "realloc_in_place_p99_ns"}},
        [HT_LATENCY_MOVED] = {{"realloc moved, 50 %, ns", "  99 %"},
                              {"realloc_moved_p50_ns", "realloc_moved_p99_ns"}},
        [HT_LATENCY_FREE] = {{"free, 50 %, ns", "  99 %"}, {"free_p50_ns", "free_p99_ns"}},
    };
    for (int i = 0; i < HT_LATENCY_KIND_COUNT; i++) {
        if (was->of[i].timed == 0 || is->of[i].timed == 0)
            continue;
        add_count(list, kinds[i].labels[0], kinds[i].keys[0], was->of[i].p50_ns, is->of[i].p50_ns);
        add_count(list, kinds[i].labels[1], kinds[i].keys[1], was->of[i].p99_ns, is->of[i].p99_ns);
    }
}

size_t ht_differences_of(const struct ht_run *was, const struct ht_run *is,
                         struct ht_difference differences[HT_DIFFERENCES_MAX])
{
    struct list list = {.differences = differences};
    add_count(&list, "calls", "operations", was->operations, is->operations);
    if (was->is_timed && is->is_timed)
        add(&list, "time of all calls, one run", "elapsed_ns", HT_DIFFERENCE_NS,
            (double)was->elapsed_ns, (double)is->elapsed_ns);
    add_count(&list, "peak live bytes", "peak_bytes", was->peak_bytes, is->peak_bytes);
    add_count(&list, "live bytes at end", "end_bytes", was->end_bytes, is->end_bytes);
    add_count(&list, "reallocs in place", "in_place", was->in_place, is->in_place);
    add_count(&list, "reallocs moved", "moved", was->moved, is->moved);
    add_count(&list, "bytes copied by moves", "bytes_copied", was->bytes_copied, is->bytes_copied);
    if (was->has_growth && is->has_growth)
        add(&list, "resident growth", "growth_bytes", HT_DIFFERENCE_COUNT,
            (double)was->growth_bytes, (double)is->growth_bytes);
    if (was->has_peak_growth && is->has_peak_growth)
        add_count(&list, "  at its peak", "peak_growth_bytes", was->peak_growth_bytes,
                  is->peak_growth_bytes);
    add_latency(&list, &was->latency, &is->latency);
    if (was->has_metrics && is->has_metrics)
        add_metrics(&list, &was->metrics, &is->metrics);
    return list.count;
}

struct ht_shown ht_difference_value(const struct ht_difference *difference, double value)
{
    struct ht_shown shown;
    double distance = value < 0 ? -value : value;
    const char *sign = value < 0 ? "-" : "";
    switch (difference->unit) {
    case HT_DIFFERENCE_RATIO:
        return ht_figure_ratio(value);
    case HT_DIFFERENCE_SHARE:
        snprintf(shown.text, sizeof shown.text, "%.1f %%", 100 * value);
        return shown;
    case HT_DIFFERENCE_NS:
        snprintf(shown.text, sizeof shown.text, "%s%.3f ms", sign, distance / 1e6);
        return shown;
    default:
        snprintf(shown.text, sizeof shown.text, "%s%.40s", sign,
                 ht_show_count((uint64_t)(distance + 0.5)).text);
        return shown;
    }
}

struct ht_shown ht_difference_text(const struct ht_difference *difference)
{
    struct ht_shown shown = {"-"};
    double by = difference->changed - difference->unchanged;
    double from = difference->unchanged < 0 ? -difference->unchanged : difference->unchanged;
    if (difference->unit == HT_DIFFERENCE_SHARE)
        snprintf(shown.text, sizeof shown.text, "%+.1f points", 100 * by);
    else if (from > 0)
        snprintf(shown.text, sizeof shown.text, "%+.1f %%", 100 * by / from);
    return shown;
}
