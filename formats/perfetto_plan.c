// SPDX-License-Identifier: MIT
//
// The plan of a .pftrace. See the header. The parts are written without an output to know what they
// take; as long as that is too much, the one that is furthest over its share gives up about half.
#include "formats/perfetto_plan.h"

#include "formats/bits.h"
#include "formats/perfetto_profile.h"
#include "formats/perfetto_slices.h"
#include "formats/perfetto_tracks.h"
#include "formats/picture_fold.h"

#include <inttypes.h>

enum {
    OTHER_BYTES_MAX = 64 << 10, // packets outside of the parts
    BUCKETS_MIN = 16,           // of a track, that shrinking leaves
    SLICES_MIN = 8,             // of a process and sort
    REALLOCS_MIN = 256,
};

// Parts of the budget, in per cent. Histograms are small and do not shrink.
static const unsigned shares[HT_PERFETTO_PARTS] = {
    [HT_PERFETTO_COUNTERS] = 25,  [HT_PERFETTO_SLICES] = 15,   [HT_PERFETTO_REALLOCS] = 15,
    [HT_PERFETTO_HISTOGRAMS] = 5, [HT_PERFETTO_PROFILES] = 40,
};

void ht_perfetto_put_part(struct ht_perfetto_file *file, struct ht_picture_model *model,
                          enum ht_perfetto_part part)
{
    switch (part) {
    case HT_PERFETTO_COUNTERS:
        ht_perfetto_put_tracks(file);
        break;
    case HT_PERFETTO_SLICES:
        ht_perfetto_put_slices(file, model);
        break;
    case HT_PERFETTO_REALLOCS:
        ht_perfetto_put_reallocs(file, model);
        break;
    case HT_PERFETTO_HISTOGRAMS:
        ht_perfetto_put_histograms(file);
        break;
    default:
        ht_perfetto_put_profiles(file);
    }
}

static enum ht_status measure(struct ht_picture_model *model, uint64_t bytes[HT_PERFETTO_PARTS],
                              struct ht_error *error)
{
    struct ht_perfetto_file *file = ht_perfetto_file_open(NULL, model, error);
    if (file == NULL)
        return ht_fail_memory(error, "the plan of the Perfetto trace");
    for (enum ht_perfetto_part part = 0; part < HT_PERFETTO_PARTS; part++) {
        uint64_t before = file->sink.bytes;
        ht_perfetto_put_part(file, model, part);
        bytes[part] = file->sink.bytes - before;
    }
    enum ht_status status = file->sink.status;
    ht_perfetto_file_close(file);
    return status;
}

// What one sample of a profile takes at most: no figure is larger than the sum over all sites.
static uint64_t sample_bytes(const struct ht_picture_sites *sites)
{
    enum { HEAD_BYTES = 7 }; // and the number of its stack
    uint64_t bytes = 0;
    uint64_t count = 0;
    for (uint32_t i = 0; i < sites->count; i++) {
        const struct ht_picture_count *site = &sites->sites[i].count;
        bytes += site->allocated_bytes + site->freed_bytes + site->copied_bytes;
        count += site->allocs + site->frees + site->moves;
    }
    uint64_t number_bytes = ht_bits_length(bytes) / 7 + ht_bits_length(count) / 7 + 2;
    return HEAD_BYTES + 2 * (number_bytes + 2);
}

// What profiles and the stacks of events take at most. A site is in four profiles: those of its
// process, live, at the peak and moved, and that of its heap.
static uint64_t most_of_stacks(const struct ht_perfetto_file *file,
                               const struct ht_picture_model *model)
{
    enum { OF_PROCESS = 3, OF_SITE = 4, PACKET_BYTES = 256 };
    const struct ht_picture_sites *sites = &model->sites;
    if (!sites->has_stacks)
        return 0;
    for (uint32_t i = 0; i < sites->count && file->sink.status == HT_OK; i++)
        ht_perfetto_profile_stack(file->stacks, ht_picture_site_stack(sites, i));
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < model->reallocs.count && file->sink.status == HT_OK; i++)
        bytes +=
            ht_perfetto_expect_stack(file->stacks, ht_event_stack(&model->reallocs.picks[i].event));
    struct ht_perfetto_extent extent = ht_perfetto_stacks_extent(file->stacks);
    uint64_t profiles = (uint64_t)model->process_count * OF_PROCESS + model->heap_count;
    uint64_t samples = (uint64_t)sites->dumped_count * OF_PROCESS + sites->count;
    return bytes + profiles * (sites->dump_count + 1) * PACKET_BYTES +
           samples * sample_bytes(sites) + OF_SITE * extent.stack_bytes +
           (profiles + 1) * extent.frame_bytes;
}

// Whether it is plain that everything fits, which saves measuring.
static bool is_small(const struct ht_perfetto_file *file, const struct ht_picture_model *model,
                     uint64_t room)
{
    enum { BUCKET_BYTES = 512, GROUP_BYTES = 16 << 10, REALLOC_BYTES = 256, SLICE_BYTES = 1024 };
    uint64_t bytes = most_of_stacks(file, model);
    bytes += OTHER_BYTES_MAX + (uint64_t)model->reallocs.count * REALLOC_BYTES;
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct ht_picture_process *process = &model->processes[i];
        uint64_t buckets = (uint64_t)process->live.count + process->live.limit; // and other heaps
        bytes += 2 * GROUP_BYTES + buckets * BUCKET_BYTES +
                 ((uint64_t)process->blocks.count + process->chains.count) * SLICE_BYTES;
    }
    for (uint32_t i = 0; i < model->heap_count; i++) {
        const struct ht_picture_heap *heap = &model->heaps[i];
        bytes += 2 * GROUP_BYTES + ((uint64_t)heap->live.count + heap->space.count) * BUCKET_BYTES;
    }
    return bytes <= room;
}

static bool shrink_counters(struct ht_picture_model *model)
{
    bool is_shrunk = false;
    uint32_t most = 0;
    for (uint32_t i = 0; i < model->process_count; i++)
        most = model->processes[i].live.count > most ? model->processes[i].live.count : most;
    for (uint32_t i = 0; i < model->heap_count; i++) {
        most = model->heaps[i].live.count > most ? model->heaps[i].live.count : most;
        most = model->heaps[i].space.count > most ? model->heaps[i].space.count : most;
    }
    is_shrunk = most / 2 >= BUCKETS_MIN;
    for (uint32_t i = 0; is_shrunk && i < model->process_count; i++)
        ht_series_shrink(&model->processes[i].live, most / 2);
    for (uint32_t i = 0; is_shrunk && i < model->heap_count; i++) {
        ht_series_shrink(&model->heaps[i].live, most / 2);
        ht_series_shrink(&model->heaps[i].space, most / 2);
    }
    return is_shrunk || ht_picture_fold_more(model);
}

static bool shrink_slices(struct ht_picture_model *model)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct ht_picture_process *process = &model->processes[i];
        most = process->blocks.count > most ? process->blocks.count : most;
        most = process->chains.count > most ? process->chains.count : most;
    }
    for (uint32_t i = 0; most / 2 >= SLICES_MIN && i < model->process_count; i++) {
        ht_budget_shrink(&model->processes[i].blocks, most / 2);
        ht_budget_shrink(&model->processes[i].chains, most / 2);
    }
    return most / 2 >= SLICES_MIN;
}

static bool shrink_reallocs(struct ht_picture_model *model)
{
    uint32_t limit = model->reallocs.count / 2;
    if (limit < REALLOCS_MIN)
        return false;
    ht_budget_shrink(&model->reallocs, limit);
    return true;
}

static bool shrink(struct ht_picture_model *model, enum ht_perfetto_part part)
{
    switch (part) {
    case HT_PERFETTO_COUNTERS:
        return shrink_counters(model);
    case HT_PERFETTO_SLICES:
        return shrink_slices(model);
    case HT_PERFETTO_REALLOCS:
        return shrink_reallocs(model);
    case HT_PERFETTO_PROFILES:
        return ht_picture_sites_shrink(&model->sites);
    default:
        return false;
    }
}

// Shrinks the part that is furthest over its share of those that still can be. False when none can.
static bool shrink_one(struct ht_picture_model *model, const uint64_t bytes[HT_PERFETTO_PARTS])
{
    bool is_spent[HT_PERFETTO_PARTS] = {false};
    for (int tries = 0; tries < HT_PERFETTO_PARTS; tries++) {
        int worst = -1;
        for (int part = 0; part < HT_PERFETTO_PARTS; part++) {
            if (!is_spent[part] &&
                (worst < 0 || bytes[part] / shares[part] > bytes[worst] / shares[worst]))
                worst = part;
        }
        if (shrink(model, (enum ht_perfetto_part)worst))
            return true;
        is_spent[worst] = true;
    }
    return false;
}

static uint64_t sum_of(const uint64_t bytes[HT_PERFETTO_PARTS])
{
    uint64_t sum = OTHER_BYTES_MAX;
    for (int part = 0; part < HT_PERFETTO_PARTS; part++)
        sum += bytes[part];
    return sum;
}

enum ht_status ht_perfetto_plan(const struct ht_perfetto_file *file, struct ht_picture_model *model,
                                const struct ht_quota *quota, struct ht_error *error)
{
    uint64_t bytes[HT_PERFETTO_PARTS] = {0};
    uint64_t taken = quota->turn != NULL ? file->sink.bytes : 0;
    uint64_t room = quota->budget > taken ? quota->budget - taken : 0;
    ht_picture_fold_heaps(model);
    if (is_small(file, model, room) || file->sink.status != HT_OK)
        return file->sink.status;
    for (;;) {
        enum ht_status status = measure(model, bytes, error);
        if (status != HT_OK || sum_of(bytes) <= room)
            return status;
        if (!shrink_one(model, bytes))
            return ht_fail(error, HT_LIMIT,
                           "a Perfetto trace of this recording takes at least %" PRIu64
                           " bytes: over the budget of %" PRIu64,
                           sum_of(bytes) + taken, quota->budget);
    }
}

uint64_t ht_perfetto_split_at(const struct ht_quota *quota)
{
    return quota->budget / 4 * 3;
}
