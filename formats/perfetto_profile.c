// SPDX-License-Identifier: MIT
//
// Heap profiles. Each is written on a packet sequence of its own and ends its dumps at stamps of
// its own within the process, which the importer needs to keep profiles apart.
#include "formats/perfetto_profile.h"

#include "formats/cache.h"
#include "formats/packet.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES_MAX = 1024, // in one packet
    AHEAD = 8,          // sites that are fetched into the caches
    // A dump ends at a multiple of this plus the number of its profile within the process.
    END_STEP_LOG2 = 12,
};
static_assert(HT_PICTURE_HEAPS_MAX + 3 <= 1 << END_STEP_LOG2, "profiles of a process fit a step");

// Fields of TracePacket, ProfilePacket and what is in that, see perfetto.proto.
enum {
    PACKET_PROFILE = 37,
    PROFILE_PROCESS_DUMPS = 5,
    PROFILE_CONTINUED = 6,
    PROFILE_INDEX = 7,
    DUMP_PID = 1,
    DUMP_SAMPLES = 2,
    DUMP_TIMESTAMP = 9,
    DUMP_HEAP_NAME = 11,
    DUMP_START_TIMESTAMP = 15,
    SAMPLE_CALLSTACK_ID = 1,
    SAMPLE_SELF_ALLOCATED = 2,
    SAMPLE_SELF_FREED = 3,
    SAMPLE_ALLOC_COUNT = 5,
    SAMPLE_FREE_COUNT = 6,
};

enum {
    SAMPLE_BYTES_MAX = 5 * (1 + HT_VARINT_SIZE_MAX), // without tag and length
    SMALL_BYTES_MAX = 64,                            // of what is around the samples of a packet
};
static_assert(SAMPLE_BYTES_MAX < 0x80, "the length of a sample is a byte");

enum measure { LIVE, AT_PEAK, MOVED };

struct profile {
    char name[40];
    enum measure measure;
    uint32_t process;
    uint32_t owner;  // only this one's sites, or HT_PICTURE_NONE: all of the process
    uint32_t number; // within the process
    uint64_t begin;  // stamps between which the process has its pid
    uint64_t last;   // a multiple of a step: no dump ends at a later one
};

// The sites of equal stack within a profile: their sums up to the current dump.
struct group {
    bool is_changed; // since the last dump that was written
    struct ht_picture_count count;
};

struct profiler {
    struct ht_perfetto_sink *sink;
    const struct ht_picture_model *model;
    struct ht_perfetto_stacks *stacks;
    uint32_t *stack_of;              // by site: the number of its stack, which groups go by
    uint32_t *group_of;              // by site; 0 outside of the profile
    struct ht_picture_count *before; // of each site, up to the current dump
    struct group *groups;            // by number
    uint32_t *changed;               // groups
    uint32_t changed_count;
    uint64_t packet_index;                                 // on the sequence
    uint64_t end;                                          // of the last dump written, or 0
    uint8_t samples[SAMPLES_MAX * (2 + SAMPLE_BYTES_MAX)]; // of the packet in the making
};

static bool is_in(const struct profiler *profiler, const struct profile *profile, uint32_t site)
{
    uint32_t owner = profiler->model->sites.sites[site].owner;
    return profile->owner != HT_PICTURE_NONE
               ? owner == profile->owner
               : ht_picture_owner_process(profiler->model, owner) == profile->process;
}

static void make_groups(struct profiler *profiler, const struct profile *profile)
{
    uint32_t site_count = profiler->model->sites.count;
    uint32_t stack_count = ht_perfetto_profile_stack_count(profiler->stacks);
    profiler->changed_count = 0;
    for (uint32_t i = 0; i < site_count; i++)
        profiler->group_of[i] = is_in(profiler, profile, i) ? profiler->stack_of[i] : 0;
    memset(profiler->before, 0, site_count * sizeof *profiler->before);
    memset(profiler->groups, 0, (stack_count + (size_t)1) * sizeof *profiler->groups);
}

// What a profile calls allocated and freed.
static struct ht_picture_count measured(const struct profile *profile,
                                        const struct ht_picture_count *count)
{
    if (profile->measure == MOVED)
        return (struct ht_picture_count){.allocated_bytes = count->copied_bytes,
                                         .allocs = count->moves};
    return *count;
}

static void mark(struct profiler *profiler, uint32_t group)
{
    if (profiler->groups[group].is_changed)
        return;
    profiler->groups[group].is_changed = true;
    profiler->changed[profiler->changed_count++] = group;
}

// Moves a site of the profile on to these counts.
static void move_on(struct profiler *profiler, uint32_t site,
                    const struct ht_picture_count *counted)
{
    struct ht_picture_count *sum = &profiler->groups[profiler->group_of[site]].count;
    struct ht_picture_count *before = &profiler->before[site];
    sum->allocated_bytes += counted->allocated_bytes - before->allocated_bytes;
    sum->freed_bytes += counted->freed_bytes - before->freed_bytes;
    sum->allocs += counted->allocs - before->allocs;
    sum->frees += counted->frees - before->frees;
    bool is_changed = counted->allocs != before->allocs || counted->frees != before->frees;
    *before = *counted;
    if (is_changed)
        mark(profiler, profiler->group_of[site]);
}

// Writes samples of a dump, those of the packet in the making up to `samples_end`.
static void put_samples(struct profiler *profiler, const struct profile *profile, uint64_t end,
                        const uint8_t *samples_end, bool is_last)
{
    uint8_t before[SMALL_BYTES_MAX];
    uint8_t pid[SMALL_BYTES_MAX];
    uint8_t after[SMALL_BYTES_MAX + sizeof profile->name];
    size_t samples_size = (size_t)(samples_end - profiler->samples);
    uint8_t *pid_end = ht_field_put_number(
        pid, DUMP_PID, (uint64_t)ht_picture_pid(profiler->model->processes[profile->process].pid));
    uint8_t *at = ht_field_put_number(after, DUMP_TIMESTAMP, end);
    at = ht_field_put_bytes(at, DUMP_HEAP_NAME, profile->name, strlen(profile->name));
    at = ht_field_put_number(at, DUMP_START_TIMESTAMP,
                             profiler->end > 0 ? profiler->end + 1 : profile->begin);
    size_t dump_size = (size_t)(pid_end - pid) + samples_size + (size_t)(at - after);
    at = ht_field_put_number(at, PROFILE_CONTINUED, !is_last);
    at = ht_field_put_number(at, PROFILE_INDEX, profiler->packet_index++);
    uint8_t *before_end = ht_field_put_head(before, PROFILE_PROCESS_DUMPS, dump_size);
    const struct ht_perfetto_piece pieces[] = {{before, (size_t)(before_end - before)},
                                               {pid, (size_t)(pid_end - pid)},
                                               {profiler->samples, samples_size},
                                               {after, (size_t)(at - after)}};
    struct ht_perfetto_head head = ht_perfetto_stacks_head(profiler->stacks);
    head.has_stamp = true;
    head.stamp = end;
    ht_perfetto_put_field(profiler->sink, &head, PACKET_PROFILE, pieces, 4);
}

static uint8_t *pack_sample(uint8_t *at, uint32_t number, const struct ht_picture_count *count)
{
    uint8_t *sample = ht_field_put_head(at, DUMP_SAMPLES, 0);
    uint8_t *end = ht_field_put_number(sample, SAMPLE_CALLSTACK_ID, number);
    end = ht_field_put_number(end, SAMPLE_SELF_ALLOCATED, count->allocated_bytes);
    end = ht_field_put_number(end, SAMPLE_SELF_FREED, count->freed_bytes);
    end = ht_field_put_number(end, SAMPLE_ALLOC_COUNT, count->allocs);
    end = ht_field_put_number(end, SAMPLE_FREE_COUNT, count->frees);
    sample[-1] = (uint8_t)(end - sample);
    return end;
}

// Writes what has changed as a dump that ends in this step. The last packet of a dump closes it.
static void put_dump(struct profiler *profiler, const struct profile *profile, uint64_t step_end)
{
    uint64_t end = step_end | profile->number;
    if (profiler->changed_count == 0 || end <= profile->begin)
        return;
    for (uint32_t i = 0; i < profiler->changed_count; i++)
        ht_perfetto_tell_stack(profiler->stacks, profiler->changed[i]);
    for (uint32_t i = 0; i < profiler->changed_count;) {
        uint8_t *at = profiler->samples;
        uint32_t left = profiler->changed_count - i;
        for (uint32_t k = left < SAMPLES_MAX ? left : SAMPLES_MAX; k > 0; k--, i++) {
            struct group *group = &profiler->groups[profiler->changed[i]];
            group->is_changed = false;
            at = pack_sample(at, profiler->changed[i], &group->count);
        }
        put_samples(profiler, profile, end, at, i == profiler->changed_count);
    }
    profiler->changed_count = 0;
    profiler->end = end;
}

static void begin_profile(struct profiler *profiler, const struct profile *profile)
{
    ht_perfetto_begin_profile(profiler->stacks);
    profiler->packet_index = 0;
    profiler->end = 0;
    make_groups(profiler, profile);
}

// Brings near what a site needs soon: there are more than the caches hold, in no order.
static void fetch_site(const struct profiler *profiler, uint32_t site)
{
    uint32_t group = profiler->group_of[site];
    ht_cache_fetch(&profiler->before[site]);
    if (group != 0)
        ht_cache_fetch(&profiler->groups[group]);
}

static void put_dumps(struct profiler *profiler, const struct profile *profile)
{
    const struct ht_picture_sites *sites = &profiler->model->sites;
    begin_profile(profiler, profile);
    for (uint32_t i = 0; i < sites->dump_count && profiler->sink->status == HT_OK; i++) {
        const struct ht_picture_dump *dump = &sites->dumps[i];
        for (uint32_t k = 0; k < dump->count; k++) {
            const struct ht_picture_dumped *dumped = &sites->dumped[dump->first + k];
            if (k + AHEAD < dump->count)
                fetch_site(profiler, dumped[AHEAD].site);
            struct ht_picture_count count = measured(profile, &dumped->count);
            if (profiler->group_of[dumped->site] != 0)
                move_on(profiler, dumped->site, &count);
        }
        if (dump->end < profile->last)
            put_dump(profiler, profile, dump->end);
    }
    put_dump(profiler, profile, profile->last);
}

static uint64_t step_after(uint64_t stamp)
{
    return ((stamp >> END_STEP_LOG2) + 1) << END_STEP_LOG2;
}

// One dump of what lived at the process's peak.
static void put_peak(struct profiler *profiler, const struct profile *profile)
{
    const struct ht_picture_sites *sites = &profiler->model->sites;
    const struct ht_picture_process *process = &profiler->model->processes[profile->process];
    uint64_t end = step_after(ht_picture_stamp(profiler->model, process->peak_ns));
    begin_profile(profiler, profile);
    for (uint32_t i = 0; i < sites->count && profiler->sink->status == HT_OK; i++) {
        const struct ht_picture_site *site = &sites->sites[i];
        const struct ht_picture_count *now = &site->count;
        bool is_taken = site->peak == process->peak;
        struct ht_picture_count live = {
            .allocated_bytes =
                is_taken ? site->peak_bytes : now->allocated_bytes - now->freed_bytes,
            .allocs = is_taken ? site->peak_blocks : now->allocs - now->frees};
        if (profiler->group_of[i] != 0)
            move_on(profiler, i, &live);
    }
    put_dump(profiler, profile, end < profile->last ? end : profile->last);
}

static void put_process(struct profiler *profiler, uint32_t process)
{
    const struct ht_picture_model *model = profiler->model;
    struct profile profile = {.name = "libc.malloc",
                              .process = process,
                              .owner = HT_PICTURE_NONE,
                              .begin = ht_picture_shown_stamp(model, process),
                              .last = step_after(ht_picture_stamp(model, model->last_ns))};
    uint32_t next = model->processes[process].next;
    if (next != HT_PICTURE_NONE) {
        // What ends after the next process has got the pid would be credited to that one.
        uint64_t steps = ht_picture_process_stamp(model, next) >> END_STEP_LOG2;
        if (steps < 2)
            return; // it had the pid for no time that a dump could end in
        profile.last = (steps - 1) << END_STEP_LOG2;
    }
    put_dumps(profiler, &profile);
    profile.number++;
    profile.measure = AT_PEAK;
    snprintf(profile.name, sizeof profile.name, "at_peak");
    put_peak(profiler, &profile);
    profile.number++;
    profile.measure = MOVED;
    snprintf(profile.name, sizeof profile.name, "realloc_moved_bytes");
    put_dumps(profiler, &profile);
    profile.measure = LIVE;
    for (uint32_t i = 0; i < model->heap_count; i++) {
        if (model->heaps[i].process != process || !model->heaps[i].is_shown ||
            model->heaps[i].is_folded)
            continue;
        uint32_t uses = ht_picture_uses_before(model, i);
        int length =
            snprintf(profile.name, sizeof profile.name, "heap_%" PRIx64, model->heaps[i].handle);
        if (uses > 0)
            snprintf(profile.name + length, sizeof profile.name - (size_t)length, "_%" PRIu32,
                     uses + 1);
        profile.number++;
        profile.owner = i;
        put_dumps(profiler, &profile);
    }
}

static void number_stacks(struct profiler *profiler)
{
    const struct ht_picture_sites *sites = &profiler->model->sites;
    for (uint32_t i = 0; i < sites->count && profiler->sink->status == HT_OK; i++)
        profiler->stack_of[i] =
            ht_perfetto_profile_stack(profiler->stacks, ht_picture_site_stack(sites, i));
}

static enum ht_status open_profiler(struct profiler *profiler, struct ht_error *error)
{
    uint32_t site_count = profiler->model->sites.count;
    profiler->stack_of = calloc(site_count, sizeof *profiler->stack_of);
    profiler->group_of = calloc(site_count, sizeof *profiler->group_of);
    profiler->before = calloc(site_count, sizeof *profiler->before);
    if (profiler->stack_of == NULL || profiler->group_of == NULL || profiler->before == NULL)
        return ht_fail_memory(error, "the heap profiles");
    number_stacks(profiler);
    if (profiler->sink->status != HT_OK)
        return profiler->sink->status;
    uint32_t stack_count = ht_perfetto_profile_stack_count(profiler->stacks);
    profiler->groups = calloc(stack_count + (size_t)1, sizeof *profiler->groups);
    profiler->changed = calloc(stack_count, sizeof *profiler->changed);
    bool is_open = profiler->groups != NULL && profiler->changed != NULL;
    return is_open ? HT_OK : ht_fail_memory(error, "the heap profiles");
}

static void close_profiler(struct profiler *profiler)
{
    free(profiler->stack_of);
    free(profiler->group_of);
    free(profiler->before);
    free(profiler->groups);
    free(profiler->changed);
    free(profiler);
}

void ht_perfetto_put_profiles(struct ht_perfetto_file *file)
{
    struct ht_perfetto_sink *sink = &file->sink;
    const struct ht_picture_model *model = file->model;
    if (!model->sites.has_stacks || sink->status != HT_OK)
        return;
    struct profiler *profiler = calloc(1, sizeof *profiler);
    if (profiler == NULL) {
        sink->status = ht_fail_memory(sink->error, "the heap profiles");
        return;
    }
    profiler->sink = sink;
    profiler->model = model;
    profiler->stacks = file->stacks;
    sink->status = open_profiler(profiler, sink->error);
    for (uint32_t i = 0; i < model->process_count && sink->status == HT_OK; i++) {
        if (model->processes[i].is_shown)
            put_process(profiler, i);
    }
    close_profiler(profiler);
}
