// SPDX-License-Identifier: MIT
//
// Outputs: a file written beside its target and renamed at commit, a stream, or a buffer.
#include "formats/output.h"

#include "formats/gzip.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <windows.h>
#define getpid _getpid
#else
#include <sys/stat.h>
#include <unistd.h>
#endif

enum { STREAM_BUFFER_SIZE = 1 << 17 };

struct ht_output {
    FILE *file;             // NULL for memory
    struct ht_buffer *sink; // borrowed, NULL for a file
    struct ht_gzip *gzip;   // on the way to the file, NULL when written as it is
    const char *name;
    char *path;      // owned copy of the target's path
    char *part_path; // owned; where the bytes are until commit, NULL when written directly
    uint64_t written;
    bool is_borrowed; // the file is the caller's
    bool is_committed;
};

static char *join(const char *head, const char *tail)
{
    size_t head_size = strlen(head);
    size_t tail_size = strlen(tail) + 1;
    char *joined = malloc(head_size + tail_size);
    if (joined != NULL) {
        memcpy(joined, head, head_size);
        memcpy(joined + head_size, tail, tail_size);
    }
    return joined;
}

bool ht_output_is_gzip(const char *path)
{
    static const char suffix[] = ".gz";
    size_t length = strlen(path);
    return length >= strlen(suffix) && strcmp(path + length - strlen(suffix), suffix) == 0;
}

// True for what exists and is no regular file: a pipe, a device, a directory.
static bool is_special(const char *path)
{
#ifdef _WIN32
    HANDLE file =
        CreateFileA(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    bool is_disk = GetFileType(file) == FILE_TYPE_DISK;
    CloseHandle(file);
    return !is_disk;
#else
    struct stat about;
    return stat(path, &about) == 0 && !S_ISREG(about.st_mode);
#endif
}

// The name of a file beside the target that no other run of heaptape uses.
static char *part_name(const char *path)
{
    char end[32];
    snprintf(end, sizeof end, ".%ld.part", (long)getpid());
    return join(path, end);
}

static enum ht_status open_path(struct ht_output *output, const char *path, struct ht_error *error)
{
    output->path = join(path, "");
    if (output->path == NULL)
        return ht_fail_memory(error, "an output");
    output->name = output->path;
    if (is_special(path)) {
        output->file = fopen(path, "wb");
    } else {
        output->part_path = part_name(path);
        if (output->part_path == NULL)
            return ht_fail_memory(error, "an output");
        output->file = fopen(output->part_path, "wb");
    }
    if (output->file == NULL)
        return ht_fail_errno(error, "%s", path);
    return ht_output_is_gzip(path) ? ht_gzip_open(output->file, &output->gzip, error) : HT_OK;
}

enum ht_status ht_output_open_stream(FILE *file, const char *name, struct ht_output **output,
                                     struct ht_error *error)
{
    *output = calloc(1, sizeof **output);
    if (*output == NULL)
        return ht_fail_memory(error, "an output");
#ifdef _WIN32
    _setmode(_fileno(file), _O_BINARY);
#endif
    (*output)->file = file;
    (*output)->is_borrowed = true;
    (*output)->name = name;
    setvbuf(file, NULL, _IOFBF, STREAM_BUFFER_SIZE);
    return HT_OK;
}

enum ht_status ht_output_open(const char *path, struct ht_output **output, struct ht_error *error)
{
    if (strcmp(path, "-") == 0)
        return ht_output_open_stream(stdout, "standard output", output, error);
    *output = NULL;
    struct ht_output *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return ht_fail_memory(error, "an output");
    enum ht_status status = open_path(opened, path, error);
    if (status != HT_OK) {
        ht_output_close(opened);
        return status;
    }
    setvbuf(opened->file, NULL, _IOFBF, STREAM_BUFFER_SIZE);
    *output = opened;
    return HT_OK;
}

enum ht_status ht_output_open_memory(struct ht_buffer *sink, struct ht_output **output,
                                     struct ht_error *error)
{
    *output = calloc(1, sizeof **output);
    if (*output == NULL)
        return ht_fail_memory(error, "an output");
    (*output)->sink = sink;
    (*output)->name = "memory";
    return HT_OK;
}

enum ht_status ht_output_write(struct ht_output *output, const void *data, size_t size,
                               struct ht_error *error)
{
    output->written += size;
    if (output->sink != NULL)
        return ht_buffer_append(output->sink, data, size, error);
    bool is_written = output->gzip != NULL ? ht_gzip_write(output->gzip, data, size, false)
                                           : fwrite(data, 1, size, output->file) == size;
    if (!is_written)
        return ht_fail_errno(error, "%s: writing", output->name);
    return HT_OK;
}

enum ht_status ht_output_print(struct ht_output *output, struct ht_error *error, const char *format,
                               ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof text)
        return ht_fail(error, HT_LIMIT, "%s: a text over %zu bytes", output->name, sizeof text - 1);
    return ht_output_write(output, text, (size_t)size, error);
}

uint64_t ht_output_bytes(const struct ht_output *output)
{
    return output->gzip != NULL ? ht_gzip_bytes(output->gzip) : output->written;
}

static int rename_over(const char *from, const char *to)
{
#ifdef _WIN32
    if (MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING))
        return 0;
    errno = EACCES;
    return -1;
#else
    return rename(from, to);
#endif
}

enum ht_status ht_output_commit(struct ht_output *output, struct ht_error *error)
{
    if (output->sink != NULL) {
        output->is_committed = true;
        return HT_OK;
    }
    bool is_ended = output->gzip == NULL || ht_gzip_write(output->gzip, "", 0, true);
    if (!is_ended || fflush(output->file) != 0)
        return ht_fail_errno(error, "%s: writing", output->name);
    if (output->part_path != NULL) {
        int closed = fclose(output->file);
        output->file = NULL;
        if (closed != 0 || rename_over(output->part_path, output->path) != 0)
            return ht_fail_errno(error, "%s: writing", output->name);
    }
    output->is_committed = true;
    return HT_OK;
}

void ht_output_close(struct ht_output *output)
{
    if (output == NULL)
        return;
    if (output->file != NULL && !output->is_borrowed)
        fclose(output->file);
    if (output->part_path != NULL && !output->is_committed)
        remove(output->part_path);
    ht_gzip_close(output->gzip);
    free(output->path);
    free(output->part_path);
    free(output);
}
