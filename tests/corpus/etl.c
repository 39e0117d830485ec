// SPDX-License-Identifier: MIT
//
// Real ETL files, read whole: their totals are those that independent readers counted. None of
// them has a heap event, so the stacks of all events stand in for those of heap events. Takes the
// corpus folder, which HT_CORPUS overrides; skipped where that or unzip is absent.
#include "formats/etl_survey.h"
#include "formats/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SKIPPED = 77, FILE_MAX = 16 << 20 };

static const char *corpus;
static struct ht_trace trace;

static int tear_down(void **state)
{
    (void)state;
    ht_trace_reset(&trace);
    return 0;
}

// What the stacks of all events come to.
static struct {
    uint64_t refs;
    uint64_t unresolved;
    uint64_t frames;
    uint64_t frames_in_modules;
    uint64_t frames_with_debug_file;
} stacks;

static void count_frames(const struct ht_etl_survey *survey, const struct ht_etl_stack_ref *ref,
                         const uint8_t *frames, size_t size, int64_t ticks)
{
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint32_t name;
        const struct ht_etl_module *module =
            ht_etl_modules_find(survey->modules, ref->pid, ht_load64(frames + i), ticks);
        stacks.frames++;
        if (module == NULL)
            continue;
        stacks.frames_in_modules++;
        assert_int_equal(
            ht_etl_modules_name(survey->modules, module->identity, &trace, &name, NULL), HT_OK);
        for (uint32_t k = 0; k < trace.module_count; k++)
            if (trace.modules[k].path == name)
                stacks.frames_with_debug_file += trace.modules[k].debug_name != 0;
    }
}

static void count_ref(const struct ht_etl_survey *survey, const struct ht_etl_file *file,
                      const struct ht_etl_record *record)
{
    static struct ht_etl_frames frames;
    struct ht_etl_stack_ref ref;
    if (!ht_etl_stack_is_ref(record))
        return;
    assert_true(ht_etl_stack_read_ref(record, &ref));
    int64_t ticks = ht_etl_clock_ticks(&file->header.clock, ref.event_stamp);
    if (ref.has_key)
        frames.bytes = ht_store_get(&survey->stacks, ht_etl_survey_stack(survey, ref.key, ticks),
                                    &frames.size);
    else
        ht_etl_stack_read_frames(record, &frames);
    stacks.refs++;
    stacks.unresolved += frames.size == 0;
    count_frames(survey, &ref, frames.bytes, frames.size, ticks);
}

static void count_stacks(struct ht_input *input)
{
    struct ht_etl_file file;
    struct ht_etl_survey survey;
    memset(&stacks, 0, sizeof stacks);
    assert_int_equal(ht_etl_file_open(&file, input, &trace, NULL), HT_OK);
    assert_int_equal(ht_etl_survey_make(&survey, &file, NULL), HT_OK);
    uint8_t *bytes = malloc(HT_ETL_BUFFER_MAX);
    assert_non_null(bytes);
    for (uint32_t i = 0; i < file.buffer_count; i++) {
        uint32_t valid;
        struct ht_etl_record record;
        assert_int_equal(
            ht_etl_file_load(&file, &file.buffers[i], &file.packed, bytes, &valid, NULL), HT_OK);
        struct ht_etl_walk walk = {bytes, HT_ETL_BUFFER_HEADER_SIZE, valid};
        while (ht_etl_walk_next(&walk, &record) == HT_ETL_STEP_RECORD)
            count_ref(&survey, &file, &record);
    }
    free(bytes);
    ht_etl_survey_reset(&survey);
    ht_etl_file_reset(&file);
}

static void read_input(struct ht_input *input)
{
    const struct ht_format *format = NULL;
    struct ht_reader *reader = NULL;
    struct ht_event event;
    assert_int_equal(ht_trace_init(&trace, NULL), HT_OK);
    assert_int_equal(ht_format_detect(input, &format, NULL), HT_OK);
    assert_string_equal(format->name, "etl");
    assert_int_equal(format->open_reader(input, &trace, &reader, NULL), HT_OK);
    assert_int_equal(ht_reader_next(reader, &event, NULL), HT_END);
    reader->close(reader);
    count_stacks(input);
    ht_input_close(input);
    for (int loss = 0; loss < HT_LOSS_COUNT; loss++)
        assert_int_equal(trace.loss[loss], 0);
}

static void read_file(const char *name)
{
    char path[4096];
    struct ht_input *input = NULL;
    snprintf(path, sizeof path, "%s/etl/%s", corpus, name);
    assert_int_equal(ht_input_open(path, &input, NULL), HT_OK);
    read_input(input);
}

static void read_zipped_file(const char *zip, const char *name)
{
    char path[4096];
    struct ht_buffer file = ht_buffer_with_limit(FILE_MAX);
    struct ht_input *input = NULL;
    snprintf(path, sizeof path, "%s/etl/%s", corpus, zip);
    // By the environment, so that the shell never parses the path.
    assert_int_equal(setenv("HT_ZIP", path, 1), 0);
    assert_int_equal(setenv("HT_NAME", name, 1), 0);
    FILE *pipe = popen("unzip -p \"$HT_ZIP\" \"$HT_NAME\"", "r");
    assert_non_null(pipe);
    assert_int_equal(ht_buffer_reserve(&file, FILE_MAX, NULL), HT_OK);
    file.size = fread(file.data, 1, FILE_MAX, pipe);
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(ht_input_open_memory(file.data, file.size, name, &input, NULL), HT_OK);
    read_input(input);
    ht_buffer_reset(&file);
}

struct expected {
    const char *name;
    uint64_t count;
};

// The counters must be those expected, but for hooks and GUIDs: of these only some are named.
static void assert_counters(const struct expected *expected, size_t count)
{
    size_t found = 0;
    for (uint32_t i = 0; i < trace.counter_count; i++) {
        const struct ht_counter *counter = &trace.counters[i];
        size_t at = 0;
        while (at < count && strcmp(expected[at].name, counter->name) != 0)
            at++;
        if (at < count) {
            if (expected[at].count != counter->count)
                fail_msg("%s: expected %llu, found %llu", counter->name,
                         (unsigned long long)expected[at].count,
                         (unsigned long long)counter->count);
            found++;
        } else if (strncmp(counter->name, "hook.", 5) != 0 &&
                   strncmp(counter->name, "guid.", 5) != 0) {
            fail_msg("%s: not expected, found %llu", counter->name,
                     (unsigned long long)counter->count);
        }
    }
    assert_int_equal(found, count);
}

#define ASSERT_COUNTERS(...)                                                                       \
    do {                                                                                           \
        const struct expected expected_[] = {__VA_ARGS__};                                         \
        assert_counters(expected_, sizeof expected_ / sizeof *expected_);                          \
    } while (0)

static const struct ht_process *process(uint32_t pid)
{
    for (uint32_t i = 0; i < trace.process_count; i++)
        if (trace.processes[i].pid == pid)
            return &trace.processes[i];
    fail_msg("no process %u", pid);
    return NULL;
}

static const char *name_of(uint32_t pid)
{
    size_t length;
    return ht_dict_string(trace.dict, process(pid)->name, &length);
}

static void assert_threads(uint32_t named, uint32_t pid, uint32_t tid, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < trace.threads.count; i++)
        count += trace.threads.list[i].name != 0;
    assert_int_equal(count, named);
    uint32_t id = ht_threads_name(&trace.threads, pid, tid, 0, INT64_MAX);
    assert_string_equal(ht_dict_string(trace.dict, id, NULL), name);
}

static void a_tiny_compressed_file(void **state)
{
    (void)state;
    read_file("perfview-SelfDescribingSingleEvent.etl");
    ASSERT_COUNTERS({"records", 23}, {"buffers", 3}, {"buffers.compressed", 2},
                    {"header.FULL64", 18}, {"header.SYSTEM64", 4}, {"header.EVENT_HEADER64", 1},
                    {"group.0x00", 4});
    assert_int_equal(trace.origin.pointer_size, 8);
}

static void a_merged_file_of_a_32_bit_process(void **state)
{
    (void)state;
    read_zipped_file("perfview-net.4.5.2.x86.etl.zip", "net.4.5.2.x86.etl");
    ASSERT_COUNTERS(
        {"records", 168298}, {"buffers", 276}, {"buffers.compressed", 275},
        {"header.PERFINFO64", 115091}, {"header.EVENT_HEADER32", 39425}, {"header.FULL64", 8162},
        {"header.SYSTEM64", 4472}, {"header.EVENT_HEADER64", 1073}, {"header.FULL32", 73},
        {"header.SYSTEM32", 2}, {"group.0x0f", 88811}, {"group.0x18", 16474}, {"group.0x01", 4786},
        {"group.0x14", 3679}, {"group.0x04", 3030}, {"group.0x05", 1442}, {"group.0x06", 478},
        {"group.0x02", 394}, {"group.0x0b", 248}, {"group.0x03", 167}, {"group.0x08", 48},
        {"group.0x00", 8}, {"hook.0x0f2e", 88809}, {"hook.0x1826", 8532}, {"hook.0x1825", 3640},
        {"hook.0x1823", 3049}, {"hook.0x0424", 2917}, {"hook.0x010a", 2339}, {"hook.0x010c", 2339},
        {"hook.0x1404", 1820}, {"hook.0x1403", 1810}, {"hook.0x1824", 1024}, {"hook.0x0503", 705},
        {"hook.0x0504", 692}, {"hook.0x0220", 394}, {"hook.0x1820", 229}, {"hook.0x030a", 57},
        {"hook.0x061b", 241});
    assert_int_equal(trace.origin.pointer_size, 8);
    assert_int_equal(stacks.refs, 8532 + 3640 + 229);
    assert_int_equal(stacks.unresolved, 0);
    // The rest is code that the runtime compiled as the program ran.
    assert_int_equal(stacks.frames, 294739);
    assert_int_equal(stacks.frames_in_modules, 256151);
    assert_int_equal(stacks.frames_with_debug_file, 256151);
    assert_int_equal(trace.module_count, 152);
    assert_string_equal(ht_dict_string(trace.dict, trace.host, NULL), "BRIANROB-W8");
}

static void a_plain_kernel_file(void **state)
{
    (void)state;
    read_file("etl-parser-ShutdownPerfDiagLogger.etl");
    ASSERT_COUNTERS(
        {"records", 17078}, {"buffers", 49}, {"buffers.compressed", 0}, {"header.PERFINFO64", 8645},
        {"header.SYSTEM64", 8433}, {"group.0x14", 13683}, {"group.0x05", 3058}, {"group.0x03", 328},
        {"group.0x00", 9}, {"hook.0x1403", 6745}, {"hook.0x1402", 4791}, {"hook.0x1404", 2145},
        {"hook.0x0503", 1175}, {"hook.0x0502", 1032}, {"hook.0x0504", 501}, {"hook.0x0501", 350});
    assert_int_equal(trace.origin.os_build, 18362);
    assert_string_equal(name_of(4), "System");
    assert_string_equal(name_of(348), "smss.exe");
    assert_int_equal(process(348)->parent_pid, 4);
    assert_threads(47, 428, 564, "Win32k Desktop Thread (IO_DT)");
    assert_int_equal(trace.host, 0);
}

static void a_32_bit_session(void **state)
{
    (void)state;
    read_file("syzygy-image_data_32_v2.etl");
    ASSERT_COUNTERS({"records", 27}, {"buffers", 2}, {"buffers.compressed", 0},
                    {"header.FULL32", 26}, {"header.SYSTEM32", 1}, {"group.0x00", 1},
                    {"guid.0x1403", 24}, {"guid.0x1402", 1}, {"guid.0x140a", 1});
    assert_int_equal(trace.origin.pointer_size, 4);
    assert_int_equal(trace.origin.clock_hz, 2337949);
}

static bool has_corpus(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/etl/syzygy-image_data_32_v2.etl", corpus);
    FILE *file = fopen(path, "rb");
    if (file == NULL || fclose(file) != 0) {
        printf("skipped: no corpus at %s (HT_CORPUS can say where it is)\n", corpus);
        return false;
    }
    if (system("command -v unzip >/dev/null") != 0) {
        printf("skipped: unzip is not installed\n");
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_tiny_compressed_file, tear_down),
        cmocka_unit_test_teardown(a_merged_file_of_a_32_bit_process, tear_down),
        cmocka_unit_test_teardown(a_plain_kernel_file, tear_down),
        cmocka_unit_test_teardown(a_32_bit_session, tear_down),
    };
    corpus = getenv("HT_CORPUS");
    if (corpus == NULL)
        corpus = argc > 1 ? argv[1] : ".";
    return has_corpus() ? cmocka_run_group_tests(tests, NULL, NULL) : SKIPPED;
}
