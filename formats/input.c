// SPDX-License-Identifier: MIT
//
// Inputs: a file read by position, a stream, or bytes in memory. The first bytes of a stream are
// kept so that they can be tasted before they are read.
#include "formats/input.h"

#include "formats/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <windows.h>
#else
#include <sys/stat.h>
#include <unistd.h>
#endif

struct ht_input {
    FILE *file;            // NULL for memory
    const uint8_t *memory; // borrowed, NULL for a file
    const char *name;
    char *owned_name;
    bool is_seekable;
    uint64_t size;
    uint64_t position; // of the sequential reads
    uint64_t file_position;
    _Atomic uint64_t bytes_read;  // threads may read at offsets at once
    uint8_t head[HT_TASTE_BYTES]; // the tasted start of a stream
    size_t head_size;
    bool is_tasted;
};

static bool is_folder(const char *path)
{
#ifdef _WIN32
    DWORD attributes = GetFileAttributesA(path);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
#else
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
#endif
}

// Finds out whether the file can be read anywhere, and its size.
static enum ht_status measure(struct ht_input *input, struct ht_error *error)
{
#ifndef _WIN32
    struct stat about;
    if (fstat(fileno(input->file), &about) != 0)
        return ht_fail_errno(error, "%s", input->name);
    if (!S_ISREG(about.st_mode))
        return HT_OK;
#else
    // A seek in a pipe does not always fail.
    if (GetFileType((HANDLE)_get_osfhandle(_fileno(input->file))) != FILE_TYPE_DISK)
        return HT_OK;
#endif
    off_t start = ftello(input->file);
    if (start < 0 || fseeko(input->file, 0, SEEK_END) != 0)
        return HT_OK;
    off_t end = ftello(input->file);
    if (fseeko(input->file, 0, SEEK_SET) != 0 || end < 0)
        return ht_fail_errno(error, "%s", input->name);
    input->is_seekable = true;
    input->size = (uint64_t)end;
    return HT_OK;
}

static enum ht_status open_file(struct ht_input *input, const char *path, struct ht_error *error)
{
    if (strcmp(path, "-") == 0) {
#ifdef _WIN32
        _setmode(_fileno(stdin), _O_BINARY);
#endif
        input->file = stdin;
        input->name = "standard input";
        return measure(input, error);
    }
    size_t length = strlen(path) + 1;
    input->owned_name = malloc(length);
    if (input->owned_name == NULL)
        return ht_fail_memory(error, "an input");
    memcpy(input->owned_name, path, length);
    input->name = input->owned_name;
    if (is_folder(path))
        return ht_fail(error, HT_IO, "%s: is a directory", path);
    input->file = fopen(path, "rb");
    if (input->file == NULL)
        return ht_fail_errno(error, "%s", path);
    return measure(input, error);
}

enum ht_status ht_input_open(const char *path, struct ht_input **input, struct ht_error *error)
{
    *input = NULL;
    struct ht_input *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return ht_fail_memory(error, "an input");
    enum ht_status status = open_file(opened, path, error);
    if (status != HT_OK) {
        ht_input_close(opened);
        return status;
    }
    // Our reads are large and by position: a second buffer would only copy.
    if (opened->is_seekable)
        setvbuf(opened->file, NULL, _IONBF, 0);
    *input = opened;
    return HT_OK;
}

enum ht_status ht_input_open_memory(const void *data, size_t size, const char *name,
                                    struct ht_input **input, struct ht_error *error)
{
    *input = calloc(1, sizeof **input);
    if (*input == NULL)
        return ht_fail_memory(error, "an input");
    (*input)->memory = data;
    (*input)->size = size;
    (*input)->name = name;
    (*input)->is_seekable = true;
    return HT_OK;
}

void ht_input_close(struct ht_input *input)
{
    if (input == NULL)
        return;
    if (input->file != NULL && input->file != stdin)
        fclose(input->file);
    free(input->owned_name);
    free(input);
}

const char *ht_input_name(const struct ht_input *input)
{
    return input->name;
}

bool ht_input_is_seekable(const struct ht_input *input)
{
    return input->is_seekable;
}

uint64_t ht_input_size(const struct ht_input *input)
{
    return input->size;
}

uint64_t ht_input_bytes_read(const struct ht_input *input)
{
    return input->bytes_read;
}

static enum ht_status read_file(struct ht_input *input, void *data, size_t size, size_t *got,
                                struct ht_error *error)
{
    *got = fread(data, 1, size, input->file);
    input->file_position += *got;
    if (*got < size && ferror(input->file))
        return ht_fail_errno(error, "%s: reading at offset %llu", input->name,
                             (unsigned long long)input->file_position);
    return HT_OK;
}

// By offset, so that threads may read at once.
#ifdef _WIN32
enum { READ_MAX = 1 << 30 };

static enum ht_status read_file_at(struct ht_input *input, uint64_t offset, void *data, size_t size,
                                   size_t *got, struct ht_error *error)
{
    HANDLE file = (HANDLE)_get_osfhandle(_fileno(input->file));
    while (*got < size) {
        uint64_t at = offset + *got;
        OVERLAPPED place = {0};
        DWORD wanted = size - *got < READ_MAX ? (DWORD)(size - *got) : READ_MAX;
        DWORD count = 0;
        place.Offset = (DWORD)at;
        place.OffsetHigh = (DWORD)(at >> 32);
        bool is_read = ReadFile(file, (uint8_t *)data + *got, wanted, &count, &place);
        if (!is_read && GetLastError() != ERROR_HANDLE_EOF)
            return ht_fail(error, HT_IO, "%s: reading at offset %llu: error %lu of Windows",
                           input->name, (unsigned long long)at, GetLastError());
        if (count == 0)
            break;
        *got += count;
    }
    return HT_OK;
}
#else
static enum ht_status read_file_at(struct ht_input *input, uint64_t offset, void *data, size_t size,
                                   size_t *got, struct ht_error *error)
{
    while (*got < size) {
        uint64_t at = offset + *got;
        ssize_t count = pread(fileno(input->file), (uint8_t *)data + *got, size - *got, (off_t)at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return ht_fail_errno(error, "%s: reading at offset %llu", input->name,
                                 (unsigned long long)at);
        if (count == 0)
            break;
        *got += (size_t)count;
    }
    return HT_OK;
}
#endif

static enum ht_status read_somewhere(struct ht_input *input, uint64_t offset, void *data,
                                     size_t size, size_t *got, struct ht_error *error)
{
    *got = 0;
    if (offset >= input->size)
        return HT_OK;
    if (input->memory == NULL)
        return read_file_at(input, offset, data, size, got, error);
    *got = size < input->size - offset ? size : (size_t)(input->size - offset);
    memcpy(data, input->memory + offset, *got);
    return HT_OK;
}

enum ht_status ht_input_taste(struct ht_input *input, const uint8_t **head, size_t *size,
                              struct ht_error *error)
{
    enum ht_status status = HT_OK;
    if (!input->is_tasted) {
        status = input->is_seekable
                     ? read_somewhere(input, 0, input->head, sizeof input->head, &input->head_size,
                                      error)
                     : read_file(input, input->head, sizeof input->head, &input->head_size, error);
        input->is_tasted = status == HT_OK;
    }
    *head = input->head;
    *size = input->head_size;
    return status;
}

// A stream gives its tasted head first, then the rest.
static enum ht_status read_stream(struct ht_input *input, uint8_t *data, size_t size, size_t *got,
                                  struct ht_error *error)
{
    size_t from_head = 0;
    if (input->position < input->head_size) {
        size_t left = input->head_size - (size_t)input->position;
        from_head = size < left ? size : left;
        memcpy(data, input->head + input->position, from_head);
    }
    size_t from_file = 0;
    enum ht_status status =
        from_head < size ? read_file(input, data + from_head, size - from_head, &from_file, error)
                         : HT_OK;
    *got = from_head + from_file;
    return status;
}

enum ht_status ht_input_read(struct ht_input *input, void *data, size_t size, size_t *got,
                             struct ht_error *error)
{
    enum ht_status status = input->is_seekable
                                ? read_somewhere(input, input->position, data, size, got, error)
                                : read_stream(input, data, size, got, error);
    input->position += *got;
    input->bytes_read += *got;
    return status;
}

enum ht_status ht_input_read_at(struct ht_input *input, uint64_t offset, void *data, size_t size,
                                size_t *got, struct ht_error *error)
{
    enum ht_status status = read_somewhere(input, offset, data, size, got, error);
    input->bytes_read += *got;
    return status;
}
