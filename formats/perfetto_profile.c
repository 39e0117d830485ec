// SPDX-License-Identifier: MIT
//
// Heap profiles. Each is written on a packet sequence of its own and ends its dumps at stamps of
// its own within the process, which the importer needs to keep profiles apart.
#include "formats/perfetto_profile.h"

#include "formats/cache.h"
#include "formats/perfetto_file.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SAMPLES_MAX = 1024, // in one packet
    AHEAD = 8,          // sites that are fetched into the caches
    // A dump ends at a multiple of this plus the number of its profile within the process.
    END_STEP_LOG2 = 12,
};
static_assert(HT_PICTURE_HEAPS_MAX + 3 <= 1 << END_STEP_LOG2, "profiles of a process fit a step");

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

// The sites of equal stack within a profile, and their sums up to the current dump.
struct group {
    uint32_t stack;
    bool is_known;   // to the sequence
    bool is_changed; // since the last dump that was written
    struct ht_picture_count count;
};

struct profiler {
    struct ht_perfetto_sink *sink;
    const struct ht_picture_model *model;
    struct ht_perfetto_stacks *stacks;
    struct ht_picture_index index;   // groups by stack
    uint32_t *group_of;              // by site; HT_PICTURE_NONE outside of the profile
    struct ht_picture_count *before; // of each site, up to the current dump
    struct group *groups;
    uint32_t group_count;
    uint32_t *changed; // groups
    uint32_t changed_count;
    uint64_t packet_index; // on the sequence
    uint64_t end;          // of the last dump written, or 0
    Ht__Perfetto__ProfilePacket__HeapSample samples[SAMPLES_MAX];
    Ht__Perfetto__ProfilePacket__HeapSample *pointers[SAMPLES_MAX];
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
    const struct ht_picture_sites *sites = &profiler->model->sites;
    struct ht_perfetto_sink *sink = profiler->sink;
    ht_picture_index_reset(&profiler->index);
    profiler->group_count = 0;
    profiler->changed_count = 0;
    for (uint32_t i = 0; i < sites->count && sink->status == HT_OK; i++) {
        profiler->group_of[i] = HT_PICTURE_NONE;
        profiler->before[i] = (struct ht_picture_count){0};
        if (!is_in(profiler, profile, i))
            continue;
        uint32_t stack = ht_picture_site_stack(sites, i);
        uint32_t group = ht_picture_index_find(&profiler->index, stack, 0);
        if (group == HT_PICTURE_NONE) {
            group = profiler->group_count++;
            profiler->groups[group] = (struct group){.stack = stack};
            sink->status =
                ht_picture_index_put(&profiler->index, stack, 0, group, profiler->sink->error);
        }
        profiler->group_of[i] = group;
    }
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

static void put_samples(struct profiler *profiler, const struct profile *profile, uint64_t end,
                        size_t count, bool is_last)
{
    Ht__Perfetto__ProfilePacket__ProcessHeapSamples dump =
        HT__PERFETTO__PROFILE_PACKET__PROCESS_HEAP_SAMPLES__INIT;
    Ht__Perfetto__ProfilePacket__ProcessHeapSamples *dumps[1] = {&dump};
    Ht__Perfetto__ProfilePacket message = HT__PERFETTO__PROFILE_PACKET__INIT;
    char name[sizeof profile->name];
    snprintf(name, sizeof name, "%s", profile->name);
    dump.has_pid = true;
    dump.pid = (uint64_t)ht_picture_pid(profiler->model->processes[profile->process].pid);
    dump.heap_name = name;
    dump.has_timestamp = true;
    dump.timestamp = end;
    dump.has_start_timestamp = true;
    dump.start_timestamp = profiler->end > 0 ? profiler->end + 1 : profile->begin;
    dump.n_samples = count;
    dump.samples = profiler->pointers;
    message.n_process_dumps = 1;
    message.process_dumps = dumps;
    message.has_continued = true;
    message.continued = !is_last;
    message.has_index = true;
    message.index = profiler->packet_index++;
    Ht__Perfetto__TracePacket packet = ht_perfetto_stacks_packet(profiler->stacks);
    packet.has_timestamp = true;
    packet.timestamp = end;
    packet.profile_packet = &message;
    ht_perfetto_put(profiler->sink, &packet);
}

static void fill_sample(struct profiler *profiler, uint32_t group, size_t at)
{
    Ht__Perfetto__ProfilePacket__HeapSample *sample = &profiler->samples[at];
    const struct ht_picture_count *count = &profiler->groups[group].count;
    ht__perfetto__profile_packet__heap_sample__init(sample);
    sample->has_callstack_id = true;
    sample->callstack_id = (uint64_t)group + 1;
    sample->has_self_allocated = true;
    sample->self_allocated = count->allocated_bytes;
    sample->has_self_freed = true;
    sample->self_freed = count->freed_bytes;
    sample->has_alloc_count = true;
    sample->alloc_count = count->allocs;
    sample->has_free_count = true;
    sample->free_count = count->frees;
    profiler->pointers[at] = sample;
}

// Writes what has changed as a dump that ends in this step. The last packet of a dump closes it.
static void put_dump(struct profiler *profiler, const struct profile *profile, uint64_t step_end)
{
    uint64_t end = step_end | profile->number;
    if (profiler->changed_count == 0 || end <= profile->begin)
        return;
    for (uint32_t i = 0; i < profiler->changed_count; i++) {
        struct group *group = &profiler->groups[profiler->changed[i]];
        if (!group->is_known)
            ht_perfetto_put_stack(profiler->stacks, group->stack,
                                  profiler->changed[i] + UINT64_C(1));
        group->is_known = true;
        group->is_changed = false;
    }
    for (uint32_t i = 0; i < profiler->changed_count;) {
        size_t count = 0;
        while (count < SAMPLES_MAX && i < profiler->changed_count)
            fill_sample(profiler, profiler->changed[i++], count++);
        put_samples(profiler, profile, end, count, i == profiler->changed_count);
    }
    profiler->changed_count = 0;
    profiler->end = end;
}

static void begin_profile(struct profiler *profiler, const struct profile *profile)
{
    ht_perfetto_stacks_begin(profiler->stacks);
    profiler->packet_index = 0;
    profiler->end = 0;
    make_groups(profiler, profile);
}

// Brings near what a site needs soon: there are more than the caches hold, in no order.
static void fetch_site(const struct profiler *profiler, uint32_t site)
{
    uint32_t group = profiler->group_of[site];
    ht_cache_fetch(&profiler->before[site]);
    if (group != HT_PICTURE_NONE)
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
            if (profiler->group_of[dumped->site] != HT_PICTURE_NONE)
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
        if (profiler->group_of[i] != HT_PICTURE_NONE)
            move_on(profiler, i, &live);
    }
    put_dump(profiler, profile, end < profile->last ? end : profile->last);
}

// How many heaps before this one have its handle in its process.
static uint32_t uses_before(const struct ht_picture_model *model, uint32_t number)
{
    uint32_t uses = 0;
    for (uint32_t i = 0; i < number; i++)
        uses += model->heaps[i].process == model->heaps[number].process &&
                model->heaps[i].handle == model->heaps[number].handle;
    return uses;
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
        uint32_t uses = uses_before(model, i);
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

static enum ht_status open_profiler(struct profiler *profiler, struct ht_error *error)
{
    uint32_t count = profiler->model->sites.count;
    profiler->stacks = ht_perfetto_stacks_open(profiler->sink, profiler->model->trace->dict);
    profiler->group_of = calloc(count, sizeof *profiler->group_of);
    profiler->before = calloc(count, sizeof *profiler->before);
    profiler->groups = calloc(count, sizeof *profiler->groups);
    profiler->changed = calloc(count, sizeof *profiler->changed);
    bool is_open = profiler->stacks != NULL && profiler->group_of != NULL &&
                   profiler->before != NULL && profiler->groups != NULL &&
                   profiler->changed != NULL;
    return is_open ? HT_OK : ht_fail_memory(error, "the heap profiles");
}

static void close_profiler(struct profiler *profiler)
{
    ht_perfetto_stacks_close(profiler->stacks);
    ht_picture_index_reset(&profiler->index);
    free(profiler->group_of);
    free(profiler->before);
    free(profiler->groups);
    free(profiler->changed);
    free(profiler);
}

void ht_perfetto_put_profiles(struct ht_perfetto_sink *sink, const struct ht_picture_model *model)
{
    if (!model->sites.has_stacks || sink->status != HT_OK)
        return;
    struct profiler *profiler = calloc(1, sizeof *profiler);
    if (profiler == NULL) {
        sink->status = ht_fail_memory(sink->error, "the heap profiles");
        return;
    }
    profiler->sink = sink;
    profiler->model = model;
    sink->status = open_profiler(profiler, sink->error);
    for (uint32_t i = 0; i < model->process_count && sink->status == HT_OK; i++) {
        if (model->processes[i].is_shown)
            put_process(profiler, i);
    }
    close_profiler(profiler);
}
