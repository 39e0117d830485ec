// SPDX-License-Identifier: MIT
#include "formats/input.h"
#include "formats/limits.h"
#include "formats/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ht_test_XXXXXX";
static char target[64];
static char part[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(target, sizeof target, "%s/out", folder);
    snprintf(part, sizeof part, "%s/out.%ld.part", folder, (long)getpid());
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    remove(target);
    return rmdir(folder);
}

static bool exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

static void write_target(const char *text)
{
    struct ht_output *output = NULL;
    assert_int_equal(ht_output_open(target, &output, NULL), HT_OK);
    assert_int_equal(ht_output_write(output, text, strlen(text), NULL), HT_OK);
    assert_int_equal(ht_output_commit(output, NULL), HT_OK);
    ht_output_close(output);
}

static void a_file_has_its_name_only_after_commit(void **state)
{
    (void)state;
    struct ht_output *output = NULL;
    assert_int_equal(ht_output_open(target, &output, NULL), HT_OK);
    assert_int_equal(ht_output_print(output, NULL, "%d events\n", 42), HT_OK);
    assert_int_equal(ht_output_bytes(output), 10);
    assert_false(exists(target));
    assert_true(exists(part));
    assert_int_equal(ht_output_commit(output, NULL), HT_OK);
    assert_true(exists(target));
    assert_false(exists(part));
    ht_output_close(output);
}

static void an_output_that_is_not_committed_leaves_the_old_file(void **state)
{
    (void)state;
    write_target("old");
    struct ht_output *output = NULL;
    assert_int_equal(ht_output_open(target, &output, NULL), HT_OK);
    assert_int_equal(ht_output_write(output, "new and longer", 14, NULL), HT_OK);
    ht_output_close(output);
    assert_false(exists(part));
    struct ht_input *input = NULL;
    char text[16] = "";
    size_t got = 0;
    assert_int_equal(ht_input_open(target, &input, NULL), HT_OK);
    assert_int_equal(ht_input_read(input, text, sizeof text, &got, NULL), HT_OK);
    assert_int_equal(got, 3);
    assert_memory_equal(text, "old", 3);
    ht_input_close(input);
}

static void a_device_is_written_directly(void **state)
{
    (void)state;
    struct ht_output *output = NULL;
    assert_int_equal(ht_output_open("/dev/null", &output, NULL), HT_OK);
    assert_int_equal(ht_output_write(output, "x", 1, NULL), HT_OK);
    assert_int_equal(ht_output_commit(output, NULL), HT_OK);
    ht_output_close(output);
    assert_true(exists("/dev/null"));
    assert_false(exists("/dev/null.part"));
}

static void a_full_device_is_an_error(void **state)
{
    (void)state;
    struct ht_output *output = NULL;
    struct ht_error error;
    if (!exists("/dev/full"))
        skip();
    assert_int_equal(ht_output_open("/dev/full", &output, NULL), HT_OK);
    assert_int_equal(ht_output_write(output, "x", 1, NULL), HT_OK);
    assert_int_equal(ht_output_commit(output, &error), HT_IO);
    assert_non_null(strstr(error.text, "/dev/full: writing: "));
    ht_output_close(output);
}

static void a_missing_folder_is_named_in_the_error(void **state)
{
    (void)state;
    struct ht_output *output = NULL;
    struct ht_input *input = NULL;
    struct ht_error error;
    assert_int_equal(ht_output_open("/nonexistent/x", &output, &error), HT_IO);
    assert_null(output);
    assert_string_equal(error.text, "/nonexistent/x: No such file or directory");
    assert_int_equal(ht_input_open("/nonexistent/x", &input, &error), HT_IO);
    assert_null(input);
    assert_string_equal(error.text, "/nonexistent/x: No such file or directory");
}

static void a_directory_is_no_input(void **state)
{
    (void)state;
    struct ht_input *input = NULL;
    struct ht_error error;
    assert_int_equal(ht_input_open("/tmp", &input, &error), HT_IO);
    assert_string_equal(error.text, "/tmp: is a directory");
}

static void tasting_a_file_consumes_nothing(void **state)
{
    (void)state;
    write_target("0123456789");
    struct ht_input *input = NULL;
    const uint8_t *head = NULL;
    size_t size = 0;
    char text[4];
    assert_int_equal(ht_input_open(target, &input, NULL), HT_OK);
    assert_true(ht_input_is_seekable(input));
    assert_int_equal(ht_input_size(input), 10);
    assert_int_equal(ht_input_taste(input, &head, &size, NULL), HT_OK);
    assert_int_equal(size, 10);
    assert_memory_equal(head, "0123456789", 10);
    assert_int_equal(ht_input_read(input, text, 4, &size, NULL), HT_OK);
    assert_memory_equal(text, "0123", 4);
    assert_int_equal(ht_input_read_at(input, 8, text, 4, &size, NULL), HT_OK);
    assert_int_equal(size, 2);
    assert_memory_equal(text, "89", 2);
    assert_int_equal(ht_input_read(input, text, 4, &size, NULL), HT_OK);
    assert_memory_equal(text, "4567", 4); // reading elsewhere did not move the position
    assert_int_equal(ht_input_bytes_read(input), 10);
    ht_input_close(input);
}

static void tasting_a_pipe_consumes_nothing(void **state)
{
    (void)state;
    int ends[2];
    char sent[HT_TASTE_BYTES + 100];
    char text[sizeof sent + 1];
    const uint8_t *head = NULL;
    size_t size = 0;
    struct ht_input *input = NULL;
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 7);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], sent, sizeof sent), sizeof sent);
    close(ends[1]);
    char path[32];
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(ht_input_open(path, &input, NULL), HT_OK);
    assert_false(ht_input_is_seekable(input));
    assert_int_equal(ht_input_taste(input, &head, &size, NULL), HT_OK);
    assert_int_equal(size, HT_TASTE_BYTES);
    assert_int_equal(ht_input_read(input, text, 10, &size, NULL), HT_OK);
    assert_int_equal(ht_input_read(input, text + 10, sizeof text - 10, &size, NULL), HT_OK);
    assert_int_equal(size, sizeof sent - 10);
    assert_memory_equal(text, sent, sizeof sent);
    ht_input_close(input);
    close(ends[0]);
}

static void memory_is_read_like_a_file(void **state)
{
    (void)state;
    struct ht_input *input = NULL;
    char text[8];
    size_t got = 0;
    assert_int_equal(ht_input_open_memory("abcdef", 6, "bytes", &input, NULL), HT_OK);
    assert_string_equal(ht_input_name(input), "bytes");
    assert_int_equal(ht_input_read_at(input, 4, text, 8, &got, NULL), HT_OK);
    assert_int_equal(got, 2);
    assert_int_equal(ht_input_read_at(input, 9, text, 8, &got, NULL), HT_OK);
    assert_int_equal(got, 0);
    assert_int_equal(ht_input_read(input, text, 8, &got, NULL), HT_OK);
    assert_int_equal(got, 6);
    ht_input_close(input);
}

// gunzip as a program of another's.
static size_t gunzip(const char *path, char *text, size_t size)
{
    char command[128];
    snprintf(command, sizeof command, "gunzip -c <%s", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(text, 1, size, pipe);
    assert_int_equal(pclose(pipe), 0);
    return got;
}

static void a_name_that_ends_in_gz_is_gzipped(void **state)
{
    (void)state;
    static char random[300000];
    static char found[sizeof random + 1];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
    struct ht_output *output = NULL;
    char path[80];
    snprintf(path, sizeof path, "%s.gz", target);
    for (size_t size = 0; size <= sizeof random; size += sizeof random / 3) {
        struct stat about;
        assert_int_equal(ht_output_open(path, &output, NULL), HT_OK);
        assert_int_equal(ht_output_write(output, random, size / 2, NULL), HT_OK);
        assert_int_equal(ht_output_write(output, random + size / 2, size - size / 2, NULL), HT_OK);
        assert_int_equal(ht_output_commit(output, NULL), HT_OK);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(ht_output_bytes(output), about.st_size);
        ht_output_close(output);
        assert_int_equal(gunzip(path, found, sizeof found), size);
        assert_memory_equal(found, random, size);
    }
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_its_name_only_after_commit),
        cmocka_unit_test(an_output_that_is_not_committed_leaves_the_old_file),
        cmocka_unit_test(a_device_is_written_directly),
        cmocka_unit_test(a_full_device_is_an_error),
        cmocka_unit_test(a_missing_folder_is_named_in_the_error),
        cmocka_unit_test(a_directory_is_no_input),
        cmocka_unit_test(tasting_a_file_consumes_nothing),
        cmocka_unit_test(tasting_a_pipe_consumes_nothing),
        cmocka_unit_test(memory_is_read_like_a_file),
        cmocka_unit_test(a_name_that_ends_in_gz_is_gzipped),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
