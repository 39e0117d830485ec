// SPDX-License-Identifier: MIT
//
// What the writer makes of processes, heaps and names. The rules of the importer are checked by
// tests/tools/pftrace_walk.py, also on the sample that is written here.
#include "formats/perfetto.h"

#include "convert/number.h"
#include "formats/perfetto_sink.h"
#include "formats/picture_sites.h"
#include "perfetto.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PID = 8, TID = 12, MS = 1000000 };

// A trace and a writer of it into memory, numbered as the pipeline does.
struct picture {
    struct ht_trace trace;
    struct ht_buffer bytes;
    struct ht_output *output;
    struct ht_writer *writer;
    struct ht_number *number;
    Ht__Perfetto__Trace *decoded;
};

static int open_picture(void **state)
{
    struct picture *picture = calloc(1, sizeof *picture);
    *state = picture;
    if (picture == NULL || ht_trace_init(&picture->trace, NULL) != HT_OK)
        return -1;
    picture->trace.origin = (struct ht_origin){.format = "etl",
                                               .os_major = 10,
                                               .os_build = 19041,
                                               .pointer_size = 8,
                                               .cpu_count = 2,
                                               .clock = HT_CLOCK_QPC,
                                               .clock_hz = 10000000,
                                               .start_unix_ns = 1700000000000000000};
    picture->bytes = ht_buffer_with_limit(64 << 20);
    if (ht_number_open(&picture->number, NULL, NULL) != HT_OK ||
        ht_output_open_memory(&picture->bytes, &picture->output, NULL) != HT_OK)
        return -1;
    enum ht_status status =
        ht_format_perfetto.open_writer(picture->output, &picture->trace, &picture->writer, NULL);
    if (status != HT_OK)
        return -1;
    ht_number_keep_notes(picture->number, picture->writer->note_size);
    picture->writer->blocks = ht_number_blocks(picture->number);
    return 0;
}

static int close_picture(void **state)
{
    struct picture *picture = *state;
    if (picture->decoded != NULL)
        ht__perfetto__trace__free_unpacked(picture->decoded, NULL);
    picture->writer->close(picture->writer);
    ht_number_close(picture->number);
    ht_output_close(picture->output);
    ht_buffer_reset(&picture->bytes);
    ht_trace_reset(&picture->trace);
    free(picture);
    return 0;
}

static uint32_t string_id(struct picture *picture, const char *text)
{
    uint32_t id;
    assert_int_equal(ht_dict_add_string(picture->trace.dict, text, strlen(text), &id, NULL), HT_OK);
    return id;
}

static void note_process(struct picture *picture, int64_t start_ns, int64_t end_ns,
                         const char *name)
{
    struct ht_process process = {.pid = PID,
                                 .start_ns = start_ns,
                                 .end_ns = end_ns,
                                 .name = string_id(picture, name),
                                 .command = string_id(picture, "run it")};
    assert_int_equal(ht_trace_note_process(&picture->trace, &process, NULL), HT_OK);
}

static void note_thread(struct picture *picture, int64_t start_ns, int64_t end_ns, const char *name)
{
    struct ht_thread thread = {.pid = PID,
                               .tid = TID,
                               .start_ns = start_ns,
                               .end_ns = end_ns,
                               .name = string_id(picture, name)};
    assert_int_equal(ht_threads_note(&picture->trace.threads, &thread, NULL), HT_OK);
}

static uint32_t stack_id(struct picture *picture, uint64_t offset)
{
    struct ht_frame frames[] = {{0x10, string_id(picture, "ntdll.dll")},
                                {offset, string_id(picture, "C:\\app\\it's: 100%.dll")},
                                {0x7ff600001000, 0}};
    uint32_t id;
    assert_int_equal(ht_dict_add_stack(picture->trace.dict, frames, 3, &id, NULL), HT_OK);
    return id;
}

static void put(struct picture *picture, const struct ht_event *event)
{
    const struct ht_change *change;
    assert_int_equal(picture->writer->write(picture->writer, event, 1, NULL), HT_OK);
    assert_int_equal(ht_number_push(picture->number, event, NULL), HT_OK);
    while ((change = ht_number_next(picture->number)) != NULL)
        assert_int_equal(picture->writer->change(picture->writer, change, NULL), HT_OK);
}

static struct ht_event event_of(enum ht_kind kind, int64_t time_ns, uint64_t address, uint64_t size)
{
    return (struct ht_event){.kind = (uint8_t)kind,
                             .time_ns = time_ns,
                             .pid = PID,
                             .tid = TID,
                             .heap = 0x1f0,
                             .address = address,
                             .size = size};
}

static void put_alloc(struct picture *picture, int64_t time_ns, uint64_t address, uint64_t size,
                      uint32_t stack)
{
    struct ht_event event = event_of(HT_KIND_ALLOC, time_ns, address, size);
    ht_event_set_stack(&event, stack);
    put(picture, &event);
}

static void put_realloc(struct picture *picture, int64_t time_ns, uint64_t old_address,
                        uint64_t old_size, uint64_t address, uint64_t size)
{
    struct ht_event event = event_of(HT_KIND_REALLOC, time_ns, address, size);
    event.old_address = old_address;
    event.old_size = old_size;
    put(picture, &event);
}

static void put_plain(struct picture *picture, enum ht_kind kind, int64_t time_ns, uint64_t address)
{
    struct ht_event event = event_of(kind, time_ns, address, 0);
    put(picture, &event);
}

static Ht__Perfetto__Trace *finish(struct picture *picture)
{
    assert_int_equal(picture->writer->finish(picture->writer, NULL), HT_OK);
    assert_int_equal(ht_output_commit(picture->output, NULL), HT_OK);
    picture->decoded = ht__perfetto__trace__unpack(NULL, picture->bytes.size, picture->bytes.data);
    assert_non_null(picture->decoded);
    return picture->decoded;
}

// The n-th track of this name, from 0; NULL past the last.
static const Ht__Perfetto__TrackDescriptor *find_track(const Ht__Perfetto__Trace *trace,
                                                       const char *name, uint64_t parent, int n)
{
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Ht__Perfetto__TrackDescriptor *track = trace->packet[i]->track_descriptor;
        bool is_found = track != NULL && track->name != NULL && strcmp(track->name, name) == 0 &&
                        (parent == 0 || track->parent_uuid == parent);
        if (is_found && n-- == 0)
            return track;
    }
    return NULL;
}

// The packet of the n-th process.
static const Ht__Perfetto__TracePacket *find_process(const Ht__Perfetto__Trace *trace, int n)
{
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Ht__Perfetto__TrackDescriptor *track = trace->packet[i]->track_descriptor;
        if (track != NULL && track->process != NULL && n-- == 0)
            return trace->packet[i];
    }
    return NULL;
}

static const Ht__Perfetto__TracePacket *find_event(const Ht__Perfetto__Trace *trace, uint64_t track,
                                                   int n)
{
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Ht__Perfetto__TrackEvent *event = trace->packet[i]->track_event;
        if (event != NULL && event->track_uuid == track && n-- == 0)
            return trace->packet[i];
    }
    return NULL;
}

// The n-th sample of a counter in a group.
static void expect_sample(const Ht__Perfetto__Trace *trace, uint64_t group, const char *counter,
                          int n, uint64_t stamp, int64_t value)
{
    const Ht__Perfetto__TrackDescriptor *track = find_track(trace, counter, group, 0);
    assert_non_null(track);
    const Ht__Perfetto__TracePacket *packet = find_event(trace, track->uuid, n);
    assert_non_null(packet);
    assert_int_equal(packet->timestamp, stamp);
    assert_int_equal(packet->track_event->counter_value, value);
}

static const char *text_attribute(const Ht__Perfetto__Trace *trace, const char *key)
{
    for (size_t p = 0; p < trace->n_packet; p++) {
        const Ht__Perfetto__TraceAttributes *attributes = trace->packet[p]->trace_attributes;
        for (size_t i = 0; attributes != NULL && i < attributes->n_attribute; i++)
            if (strcmp(attributes->attribute[i]->key, key) == 0)
                return attributes->attribute[i]->string_value;
    }
    return NULL;
}

static int64_t attribute(const Ht__Perfetto__Trace *trace, const char *key)
{
    for (size_t p = 0; p < trace->n_packet; p++) {
        const Ht__Perfetto__TraceAttributes *attributes = trace->packet[p]->trace_attributes;
        for (size_t i = 0; attributes != NULL && i < attributes->n_attribute; i++)
            if (strcmp(attributes->attribute[i]->key, key) == 0)
                return attributes->attribute[i]->long_value;
    }
    fail_msg("no attribute %s", key);
    return 0;
}

static void clocks_come_first_and_move_with_negative_times(void **state)
{
    struct picture *picture = *state;
    put_alloc(picture, -300, 0x1000, 10, 0);
    put_alloc(picture, 200, 0x2000, 20, 0);
    const Ht__Perfetto__Trace *trace = finish(picture);
    const Ht__Perfetto__ClockSnapshot *clocks = trace->packet[0]->clock_snapshot;
    assert_int_equal(clocks->n_clocks, 4);
    assert_int_equal(clocks->clocks[3]->clock_id, 1);
    assert_int_equal(clocks->clocks[3]->timestamp, 1700000000000000000 - 300);
    assert_int_equal(attribute(trace, "winheap.time_shift_ns"), 300);
    uint64_t group = find_track(trace, "Heap 0x1f0", 0, 0)->uuid;
    expect_sample(trace, group, "live_bytes", 0, 0, 10);
    expect_sample(trace, group, "live_bytes", 1, 500, 30);
}

static void equal_stamps_of_a_counter_move_on(void **state)
{
    struct picture *picture = *state;
    put_alloc(picture, 100, 0x1000, 1000, 0);
    put_plain(picture, HT_KIND_FREE, 100, 0x1000);
    put_alloc(picture, 101, 0x1000, 1, 0);
    const Ht__Perfetto__Trace *trace = finish(picture);
    uint64_t group = find_track(trace, "Heap activity", 0, 0)->uuid;
    expect_sample(trace, group, "live_bytes", 0, 100, 1000); // the peak is not lost
    expect_sample(trace, group, "live_bytes", 1, 101, 0);
    expect_sample(trace, group, "live_bytes", 2, 102, 1);
}

static void a_pid_used_again_is_another_process(void **state)
{
    struct picture *picture = *state;
    note_process(picture, HT_TIME_UNKNOWN, 4 * MS, "old.exe");
    put_alloc(picture, 1 * MS, 0x1000, 100, stack_id(picture, 0x20));
    put_alloc(picture, 2 * MS, 0x2000, 200, stack_id(picture, 0x30));
    note_process(picture, 5 * MS, HT_TIME_UNKNOWN, "new.exe");
    put_alloc(picture, 6 * MS, 0x1000, 7, stack_id(picture, 0x20)); // over a block of the old one
    put_realloc(picture, 7 * MS, 0x2000, 200, 0x2000, 50);          // so is this
    const Ht__Perfetto__Trace *trace = finish(picture);
    const Ht__Perfetto__TracePacket *old_process = find_process(trace, 0); // by peak
    const Ht__Perfetto__TracePacket *new_process = find_process(trace, 1);
    assert_string_equal(old_process->track_descriptor->process->process_name, "old.exe");
    assert_int_equal(old_process->timestamp, 0);
    assert_string_equal(new_process->track_descriptor->process->process_name, "new.exe");
    assert_int_equal(new_process->timestamp, 5 * MS);
    uint64_t old_group =
        find_track(trace, "Heap 0x1f0", old_process->track_descriptor->uuid, 0)->uuid;
    uint64_t new_group =
        find_track(trace, "Heap 0x1f0", new_process->track_descriptor->uuid, 0)->uuid;
    expect_sample(trace, old_group, "live_bytes", 1, 2 * MS, 300);
    assert_null(find_event(trace, find_track(trace, "live_bytes", old_group, 0)->uuid, 2));
    expect_sample(trace, new_group, "live_bytes", 0, 6 * MS, 7);
    expect_sample(trace, new_group, "live_bytes", 1, 7 * MS, 207); // adopted, then resized
    expect_sample(trace, new_group, "live_bytes", 2, 7 * MS + 1, 57);
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Ht__Perfetto__ProfilePacket *profile = trace->packet[i]->profile_packet;
        if (profile != NULL && profile->process_dumps[0]->start_timestamp < 5 * MS)
            assert_in_range(profile->process_dumps[0]->timestamp, 1 * MS, 5 * MS - 1);
    }
}

static void a_late_event_does_not_revive_the_old_process(void **state)
{
    struct picture *picture = *state;
    note_process(picture, HT_TIME_UNKNOWN, 4 * MS, "old.exe");
    put_alloc(picture, 1 * MS, 0x1000, 100, 0);
    note_process(picture, 5 * MS, HT_TIME_UNKNOWN, "new.exe");
    put_alloc(picture, 6 * MS, 0x2000, 7, 0);
    put_alloc(picture, 4 * MS, 0x3000, 7, 0);
    put_alloc(picture, 7 * MS, 0x4000, 7, 0);
    const Ht__Perfetto__Trace *trace = finish(picture);
    assert_non_null(find_process(trace, 1));
    assert_null(find_process(trace, 2));
}

static void a_handle_used_again_is_another_heap(void **state)
{
    struct picture *picture = *state;
    put_alloc(picture, 100, 0x1000, 10, 0);
    put_plain(picture, HT_KIND_DESTROY, 200, 0);
    put_alloc(picture, 300, 0x1000, 5, 0);
    const Ht__Perfetto__Trace *trace = finish(picture);
    const Ht__Perfetto__TrackDescriptor *first = find_track(trace, "Heap 0x1f0", 0, 0);
    const Ht__Perfetto__TrackDescriptor *second = find_track(trace, "Heap 0x1f0 #2", 0, 0);
    expect_sample(trace, first->uuid, "live_bytes", 1, 200, 0);
    expect_sample(trace, second->uuid, "live_bytes", 0, 300, 5);
    assert_int_equal(second->sibling_merge_behavior, 2); // groups of one name would become one
}

static void space_is_what_the_heap_tells(void **state)
{
    struct picture *picture = *state;
    struct ht_event extend = event_of(HT_KIND_EXTEND, 100, 0x10000, 4096);
    static const uint64_t told[] = {100, 65536, 1048576, 1, 0};
    extend.detail = ht_dict_add_detail(picture->trace.dict, told, 5);
    put(picture, &extend);
    put_alloc(picture, 200, 0x10000, 16384, 0);
    struct ht_event commit = event_of(HT_KIND_COMMIT, 300, 0x20000, 4096);
    put(picture, &commit); // counted in the next extend already
    const Ht__Perfetto__Trace *trace = finish(picture);
    uint64_t group = find_track(trace, "Heap 0x1f0", 0, 0)->uuid;
    expect_sample(trace, group, "committed_bytes", 0, 100, 65536);
    expect_sample(trace, group, "reserved_bytes", 0, 100, 1048576);
    const Ht__Perfetto__TrackDescriptor *track =
        find_track(trace, "free_inside_committed", group, 0);
    assert_null(find_event(trace, find_track(trace, "committed_bytes", group, 0)->uuid, 1));
    assert_true(find_event(trace, track->uuid, 0)->track_event->double_counter_value > 99.9);
    assert_int_equal(find_event(trace, track->uuid, 1)->track_event->double_counter_value, 75);
}

static void names_are_made_safe(void **state)
{
    struct picture *picture = *state;
    note_process(picture, HT_TIME_UNKNOWN, HT_TIME_UNKNOWN,
                 "\\Device\\x\\a\x01\"b\":\xF0\x9F\x98\x80\xED\xA0\x80.exe");
    picture->trace.host = string_id(picture, "PC\n1\xED\xA0\x80");
    put_alloc(picture, 100, 0x1000, 10, 0);
    const Ht__Perfetto__Trace *trace = finish(picture);
    const char *name =
        "a\xEF\xBF\xBD\"b\":\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD.exe";
    assert_string_equal(find_process(trace, 0)->track_descriptor->process->process_name, name);
    assert_string_equal(text_attribute(trace, "winheap.host"),
                        "PC\xEF\xBF\xBD"
                        "1\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void heaps_past_the_cap_count_in_their_process(void **state)
{
    struct picture *picture = *state;
    for (uint32_t i = 0; i < 1030; i++) {
        struct ht_event event = event_of(HT_KIND_ALLOC, i, 0x1000, 10);
        event.heap = 0x10000 + i;
        put(picture, &event);
    }
    const Ht__Perfetto__Trace *trace = finish(picture);
    assert_int_equal(attribute(trace, "winheap.heaps_kept"), 1024);
    assert_int_equal(attribute(trace, "winheap.heaps_dropped"), 6);
    assert_null(find_track(trace, "Heap 0x10400", 0, 0));
    uint64_t group = find_track(trace, "Heap activity", 0, 0)->uuid;
    expect_sample(trace, group, "live_blocks", 1029, 1029, 1030);
}

static void a_failed_realloc_is_shown(void **state)
{
    struct picture *picture = *state;
    put_alloc(picture, 100, 0x1000, 10, 0);
    put_realloc(picture, 200, 0x1000, 10, 0, 1 << 30);
    const Ht__Perfetto__Trace *trace = finish(picture);
    int shown = 0;
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Ht__Perfetto__TrackEvent *event = trace->packet[i]->track_event;
        if (event != NULL && event->name_iid == 3) { // "realloc failed"
            assert_int_equal(trace->packet[i]->timestamp, 200);
            assert_int_equal(event->type, 3);
            shown++;
        }
    }
    assert_int_equal(shown, 1);
}

static void a_burst_in_one_tick_is_all_there(void **state)
{
    struct picture *picture = *state;
    enum { REALLOCS = 1000 };
    put_alloc(picture, 100, 0x1000, 10, 0);
    for (uint64_t i = 0; i < REALLOCS; i++)
        put_realloc(picture, 200, 0x1000, 10 + i, 0x1000, 11 + i);
    const Ht__Perfetto__Trace *trace = finish(picture);
    uint64_t stamp = 199;
    uint64_t step = 0;
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Ht__Perfetto__TrackEvent *event = trace->packet[i]->track_event;
        if (event == NULL || event->name_iid != 2) // "realloc in place"
            continue;
        assert_int_equal(trace->packet[i]->timestamp, ++stamp);
        step++;
    }
    assert_int_equal(step, REALLOCS);
}

static void small_heaps_are_one_group(void **state)
{
    struct picture *picture = *state;
    for (uint32_t i = 0; i < 40; i++) {
        struct ht_event event = event_of(HT_KIND_ALLOC, i, 0x1000, i == 7 ? 1 << 20 : 10 + i);
        event.heap = 0x10000 + i;
        put(picture, &event);
    }
    const Ht__Perfetto__Trace *trace = finish(picture);
    // Apart: the large one, and of the others the 15 largest.
    assert_null(find_track(trace, "Heap 0x10000", 0, 0));
    assert_null(find_track(trace, "Heap 0x10018", 0, 0));
    assert_non_null(find_track(trace, "Heap 0x10007", 0, 0));
    assert_non_null(find_track(trace, "Heap 0x10019", 0, 0));
    uint64_t group = find_track(trace, "Other heaps (24)", 0, 0)->uuid;
    expect_sample(trace, group, "live_bytes", 0, 0, 10);
    expect_sample(trace, group, "live_bytes", 1, 1, 21);
    expect_sample(trace, group, "live_bytes", 23, 24, 10 * 24 + 24 * 25 / 2 - 7);
    expect_sample(trace, group, "live_blocks", 23, 24, 24);
}

static void pages_with_a_live_block_are_counted(void **state)
{
    struct picture *picture = *state;
    put_alloc(picture, 100, 0x1000, 4096, 0);  // one page
    put_alloc(picture, 200, 0x2800, 4096, 0);  // two
    put_alloc(picture, 300, 0x2000, 2048, 0);  // on one of these
    put_alloc(picture, 400, 0x9000, 40960, 0); // ten
    put_realloc(picture, 500, 0x9000, 40960, 0x9000, 4096);
    put_plain(picture, HT_KIND_FREE, 600, 0x2800);
    put_plain(picture, HT_KIND_FREE, 700, 0x1000);
    static const double spread[] = {1,
                                    12288.0 / 8192,
                                    12288.0 / 10240,
                                    53248.0 / 51200,
                                    16384.0 / 14336,
                                    12288.0 / 10240,
                                    8192.0 / 6144};
    const Ht__Perfetto__Trace *trace = finish(picture);
    uint64_t group = find_track(trace, "Heap 0x1f0", 0, 0)->uuid;
    uint64_t track = find_track(trace, "page_spread", group, 0)->uuid;
    for (int i = 0; i < 7; i++) {
        double found = find_event(trace, track, i)->track_event->double_counter_value;
        assert_in_range((int64_t)(found * 1e9), (int64_t)(spread[i] * 1e9) - 1,
                        (int64_t)(spread[i] * 1e9) + 1);
    }
}

static void a_parent_is_named_where_it_is_shown(void **state)
{
    struct picture *picture = *state;
    static const struct ht_process processes[] = {
        {.pid = PID, .parent_pid = 4, .start_ns = HT_TIME_UNKNOWN, .end_ns = HT_TIME_UNKNOWN},
        {.pid = 16, .parent_pid = PID, .start_ns = 50, .end_ns = HT_TIME_UNKNOWN}};
    for (int i = 0; i < 2; i++) {
        struct ht_process process = processes[i];
        process.name = string_id(picture, "a.exe");
        assert_int_equal(ht_trace_note_process(&picture->trace, &process, NULL), HT_OK);
        struct ht_event event = event_of(HT_KIND_ALLOC, 100, 0x1000, 10);
        event.pid = process.pid;
        put(picture, &event);
    }
    const Ht__Perfetto__Trace *trace = finish(picture);
    int named = 0;
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Ht__Perfetto__ProcessTree *tree = trace->packet[i]->process_tree;
        if (tree == NULL)
            continue;
        assert_int_equal(tree->processes[0]->has_ppid, tree->processes[0]->pid == 16);
        assert_int_equal(tree->processes[0]->ppid, tree->processes[0]->pid == 16 ? PID : 0);
        named++;
    }
    assert_int_equal(named, 2);
}

static void a_chain_is_linked_with_its_reallocs(void **state)
{
    struct picture *picture = *state;
    put_alloc(picture, 100, 0x9000, 10, 0);
    put_alloc(picture, 100, 0x1000, 10, stack_id(picture, 0x20));
    for (uint64_t i = 0; i < 60; i++)
        put_realloc(picture, 200 + (int64_t)i, 0x1000, 10 + i, 0x1000, 11 + i);
    const Ht__Perfetto__Trace *trace = finish(picture);
    int linked = 0;
    int reallocs = 0;
    for (size_t i = 0; i < trace->n_packet; i++) {
        const Ht__Perfetto__TrackEvent *event = trace->packet[i]->track_event;
        if (event == NULL || event->type == 4)
            continue;
        reallocs += event->name_iid == 2;
        linked += event->n_flow_ids == 1 && event->flow_ids[0] == 2; // of the second block
        if (event->name_iid == 2)
            assert_int_equal(event->n_flow_ids, reallocs <= 50);
    }
    assert_int_equal(reallocs, 60);
    assert_int_equal(linked, 51);
}

// The counts of two sites up to each dump, whatever was merged.
// A thousand stacks of the same frames, in another order each.
static void many_stacks_are_told_in_packets_of_a_fair_size(void **state)
{
    struct picture *picture = *state;
    enum { STACKS = 1000, DEPTH = 200, FRAMES = 97, SEQUENCES = 6, PACKET_BYTES_MAX = 36 << 10 };
    uint32_t module = string_id(picture, "app.exe");
    for (uint32_t i = 0; i < STACKS; i++) {
        struct ht_frame frames[DEPTH];
        uint32_t stack;
        for (uint32_t k = 0; k < DEPTH; k++)
            frames[k] = (struct ht_frame){0x1000 + (i * k + i / FRAMES + k) % FRAMES, module};
        assert_int_equal(ht_dict_add_stack(picture->trace.dict, frames, DEPTH, &stack, NULL),
                         HT_OK);
        assert_int_equal(stack, i + 1);
        put_alloc(picture, 1 * MS, 0x1000 + 16 * (uint64_t)i, 8, stack);
    }
    const Ht__Perfetto__Trace *trace = finish(picture);
    size_t told[SEQUENCES] = {0};
    size_t packets = 0;
    for (size_t p = 0; p < trace->n_packet; p++) {
        const Ht__Perfetto__InternedData *data = trace->packet[p]->interned_data;
        uint32_t sequence = trace->packet[p]->trusted_packet_sequence_id;
        if (data == NULL || sequence == HT_PERFETTO_TRACKS)
            continue;
        assert_in_range(sequence, 2, SEQUENCES - 1);
        assert_in_range(ht__perfetto__interned_data__get_packed_size(data), 1, PACKET_BYTES_MAX);
        packets++;
        for (size_t i = 0; i < data->n_callstacks; i++) {
            assert_int_equal(data->callstacks[i]->n_frame_ids, DEPTH);
            assert_int_equal(data->callstacks[i]->iid, ++told[sequence]);
        }
    }
    // All are told of what lives, at the peak and of the heap; nothing moved.
    assert_int_equal(told[2], STACKS);
    assert_int_equal(told[3], STACKS);
    assert_int_equal(told[4], 0);
    assert_int_equal(told[5], STACKS);
    assert_in_range(packets, 3 * STACKS * DEPTH * 2 / PACKET_BYTES_MAX, 60);
}

static void merged_dumps_keep_the_last_counts(void **state)
{
    (void)state;
    struct ht_picture_sites sites = {0};
    struct ht_dict *dict = ht_dict_open();
    enum { CHANGES = 5000 };
    for (uint32_t owner = 0; owner < 2; owner++) {
        uint32_t site;
        assert_int_equal(ht_picture_site_find(&sites, dict, owner, 0, &site, NULL), HT_OK);
        assert_int_equal(site, owner);
    }
    for (uint64_t i = 0; i < CHANGES; i++) {
        uint32_t site = i % 100 == 7; // the second one seldom
        assert_int_equal(ht_picture_site_touch(&sites, site, i * 777777, 0, NULL), HT_OK);
        sites.sites[site].count.allocs = i;
    }
    assert_int_equal(ht_picture_sites_finish(&sites, NULL), HT_OK);
    assert_in_range(sites.dump_count, HT_PICTURE_DUMPS_MAX / 4, HT_PICTURE_DUMPS_MAX);
    uint64_t counts[2] = {0, 0};
    uint64_t before = 0;
    for (uint32_t i = 0; i < sites.dump_count; i++) {
        const struct ht_picture_dump *dump = &sites.dumps[i];
        assert_true(dump->end > before);
        before = dump->end;
        for (uint32_t k = 0; k < dump->count; k++) {
            const struct ht_picture_dumped *dumped = &sites.dumped[dump->first + k];
            assert_true(dumped->count.allocs >= counts[dumped->site]);
            counts[dumped->site] = dumped->count.allocs;
        }
        uint64_t last = (dump->end - 1) / 777777; // the last change before the end
        if (last >= CHANGES)
            last = CHANGES - 1;
        uint64_t seldom = last % 100 >= 7 ? last - (last % 100 - 7) : last - last % 100 - 93;
        assert_int_equal(counts[1], last < 7 ? 0 : seldom);
        assert_int_equal(counts[0], last % 100 == 7 ? last - 1 : last);
    }
    ht_picture_sites_reset(&sites);
    ht_dict_close(dict);
}

// Everything of a small trace, as a file for the walker and the golden text.
static void the_sample_is_written(void **state)
{
    struct picture *picture = *state;
    note_process(picture, HT_TIME_UNKNOWN, 5 * MS, "C:\\app\\old 'a': \xF0\x9F\x98\x80.exe");
    note_thread(picture, HT_TIME_UNKNOWN, 5 * MS, "worker");
    picture->trace.host = string_id(picture, "PC-1");
    uint32_t stack = stack_id(picture, 0x20);
    struct ht_event create = event_of(HT_KIND_CREATE, -100, 0, 8192);
    static const uint64_t told[] = {2, 1048576, 0};
    create.detail = ht_dict_add_detail(picture->trace.dict, told, 3);
    put(picture, &create);
    put_alloc(picture, 1 * MS, 0x1000, 100, stack);
    put_alloc(picture, 1 * MS, 0x3000, 50, stack_id(picture, 0x30));
    put_realloc(picture, 2 * MS, 0x1000, 100, 0x2000, 300);
    put_realloc(picture, 2 * MS, 0x2000, 300, 0x2000, 400);
    put_plain(picture, HT_KIND_FREE, 3 * MS, 0x2000);
    put_plain(picture, HT_KIND_DESTROY, 3 * MS, 0);
    put_alloc(picture, 4 * MS, 0x1000, 60, 0);
    note_process(picture, 6 * MS, HT_TIME_UNKNOWN, "new.exe");
    put_alloc(picture, 7 * MS, 0x1000, 70, stack);
    put_realloc(picture, 9 * MS, 0x1000, 70, 0, 80);
    finish(picture);
    struct ht_output *file = NULL;
    assert_int_equal(ht_output_open("perfetto_sample.pftrace", &file, NULL), HT_OK);
    assert_int_equal(ht_output_write(file, picture->bytes.data, picture->bytes.size, NULL), HT_OK);
    assert_int_equal(ht_output_commit(file, NULL), HT_OK);
    ht_output_close(file);
}

int main(void)
{
#define PICTURE(test) cmocka_unit_test_setup_teardown(test, open_picture, close_picture)
    const struct CMUnitTest tests[] = {
        PICTURE(clocks_come_first_and_move_with_negative_times),
        PICTURE(equal_stamps_of_a_counter_move_on),
        PICTURE(a_pid_used_again_is_another_process),
        PICTURE(a_late_event_does_not_revive_the_old_process),
        PICTURE(a_handle_used_again_is_another_heap),
        PICTURE(space_is_what_the_heap_tells),
        PICTURE(names_are_made_safe),
        PICTURE(heaps_past_the_cap_count_in_their_process),
        PICTURE(a_failed_realloc_is_shown),
        PICTURE(a_burst_in_one_tick_is_all_there),
        PICTURE(small_heaps_are_one_group),
        PICTURE(pages_with_a_live_block_are_counted),
        PICTURE(a_parent_is_named_where_it_is_shown),
        PICTURE(a_chain_is_linked_with_its_reallocs),
        PICTURE(many_stacks_are_told_in_packets_of_a_fair_size),
        cmocka_unit_test(merged_dumps_keep_the_last_counts),
        PICTURE(the_sample_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
