// SPDX-License-Identifier: MIT
//
// Processes by CreateProcess. Windows has no fork, so a part of the work that needs no process of
// its own is a thread. The pipe of either is a named one, the only kind that goes both ways;
// handles are numbers of 32 bits, whatever their type. See the header.
#include "cli/child.h"

#include "cli/system.h"
#include "replay/windows_failure.h"

#include <windows.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIPE_BYTES = 65536,
    STACK_BYTES = 8 << 20, // as a process has elsewhere
    COMMAND_LINE_MAX = 32767,
    STEP_MS = 100,
};

static const char result_variable[] = "HEAPTAPE_RESULT_PIPE";

static HANDLE handle_of(long number)
{
    return (HANDLE)(intptr_t)number;
}

static long number_of(HANDLE handle)
{
    return (long)(intptr_t)handle;
}

static enum ht_status fail(struct ht_error *error)
{
    return ht_fail_windows(error, GetLastError(), "a process cannot be begun");
}

// Makes both ends of a pipe; the other one is inherited by processes.
static enum ht_status open_pipe(HANDLE *own, HANDLE *other, struct ht_error *error)
{
    static unsigned long made;
    char name[64];
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    snprintf(name, sizeof name, "\\\\.\\pipe\\heaptape-%lu-%lu", GetCurrentProcessId(), made++);
    *own = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
                            PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, PIPE_BYTES,
                            PIPE_BYTES, 0, NULL);
    if (*own == INVALID_HANDLE_VALUE)
        return fail(error);
    *other = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, &inherited, OPEN_EXISTING, 0, NULL);
    if (*other != INVALID_HANDLE_VALUE)
        return HT_OK;
    enum ht_status status = fail(error);
    CloseHandle(*own);
    return status;
}

struct part {
    void (*work)(void *context, int pipe);
    void *context;
    HANDLE pipe;
};

static DWORD WINAPI run_part(void *parameter)
{
    struct part part = *(struct part *)parameter;
    free(parameter);
    part.work(part.context, (int)number_of(part.pipe));
    CloseHandle(part.pipe);
    return 0;
}

enum ht_status ht_child_fork(struct ht_child *child, void (*work)(void *context, int pipe),
                             void *context, struct ht_error *error)
{
    HANDLE own;
    struct part *part = malloc(sizeof *part);
    if (part == NULL)
        return ht_fail_memory(error, "a part of the work");
    *part = (struct part){.work = work, .context = context};
    enum ht_status status = open_pipe(&own, &part->pipe, error);
    if (status != HT_OK) {
        free(part);
        return status;
    }
    HANDLE other = part->pipe; // the thread's own once it has begun
    HANDLE thread =
        CreateThread(NULL, STACK_BYTES, run_part, part, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (thread == NULL) {
        status = fail(error);
        CloseHandle(own);
        CloseHandle(other);
        free(part);
        return status;
    }
    *child = (struct ht_child){.id = number_of(thread), .pipe = (int)number_of(own)};
    return HT_OK;
}

struct line {
    char *text;
    size_t size;
    size_t length;
};

static void put(struct line *line, char byte, size_t times)
{
    for (; times > 0 && line->length + 1 < line->size; times--)
        line->text[line->length++] = byte;
}

// Quotes a word so that the program gets it back: of backslashes only those before a quote count.
static void put_word(struct line *line, const char *word)
{
    size_t backslashes = 0;
    put(line, '"', 1);
    for (; *word != '\0'; word++) {
        if (*word == '"')
            put(line, '\\', backslashes + 1);
        backslashes = *word == '\\' ? backslashes + 1 : 0;
        put(line, *word, 1);
    }
    put(line, '\\', backslashes);
    put(line, '"', 1);
}

static enum ht_status make_line(char *text, char *const arguments[], struct ht_error *error)
{
    struct line line = {.text = text, .size = COMMAND_LINE_MAX};
    for (size_t i = 0; arguments[i] != NULL; i++) {
        put(&line, ' ', i > 0);
        put_word(&line, arguments[i]);
    }
    text[line.length] = '\0';
    if (line.length + 1 < line.size)
        return HT_OK;
    return ht_fail(error, HT_LIMIT, "the command line has more than %d bytes",
                   COMMAND_LINE_MAX - 2);
}

// Begins this program with the command line, which is told of the pipe by its environment.
static enum ht_status begin(char *line, HANDLE pipe, HANDLE *process, struct ht_error *error)
{
    char program[MAX_PATH];
    char number[16];
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION about;
    DWORD length = GetModuleFileNameA(NULL, program, sizeof program);
    if (length == 0 || length == sizeof program)
        return fail(error);
    snprintf(number, sizeof number, "%ld", number_of(pipe));
    SetEnvironmentVariableA(result_variable, number);
    BOOL is_begun =
        CreateProcessA(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &about);
    enum ht_status status = is_begun ? HT_OK : fail(error);
    SetEnvironmentVariableA(result_variable, NULL);
    if (is_begun) {
        CloseHandle(about.hThread);
        *process = about.hProcess;
    }
    return status;
}

enum ht_status ht_child_spawn(struct ht_child *child, char *const arguments[],
                              struct ht_error *error)
{
    HANDLE own = NULL;
    HANDLE other = NULL;
    HANDLE process = NULL;
    char *line = malloc(COMMAND_LINE_MAX);
    if (line == NULL)
        return ht_fail_memory(error, "a process");
    enum ht_status status = make_line(line, arguments, error);
    if (status == HT_OK)
        status = open_pipe(&own, &other, error);
    if (status == HT_OK) {
        status = begin(line, other, &process, error);
        CloseHandle(other);
        if (status != HT_OK)
            CloseHandle(own);
    }
    free(line);
    if (status == HT_OK)
        *child = (struct ht_child){.id = number_of(process), .pipe = (int)number_of(own)};
    return status;
}

bool ht_child_read(const struct ht_child *child, void *bytes, size_t size)
{
    unsigned char *to = bytes;
    while (size > 0) {
        DWORD got = 0;
        DWORD wanted = size < PIPE_BYTES ? (DWORD)size : PIPE_BYTES;
        // After an interrupt, what is waited for still comes, or the other ends by the same.
        if (ht_system_is_interrupted() ||
            !ReadFile(handle_of(child->pipe), to, wanted, &got, NULL) || got == 0)
            return false;
        to += got;
        size -= got;
    }
    return true;
}

// What is no call for a thread, or for a process, fails for it without harm.
static void hasten(HANDLE child)
{
    CancelSynchronousIo(child); // a thread that waits for its input
    TerminateProcess(child, 1);
}

void ht_child_end(struct ht_child *child, char *how, size_t size)
{
    HANDLE handle = handle_of(child->id);
    DWORD status = 0;
    CloseHandle(handle_of(child->pipe));
    do {
        if (ht_system_is_interrupted())
            hasten(handle);
    } while (WaitForSingleObject(handle, STEP_MS) == WAIT_TIMEOUT);
    if (!GetExitCodeProcess(handle, &status))
        GetExitCodeThread(handle, &status);
    CloseHandle(handle);
    if (status >= 0xC0000000)
        snprintf(how, size, "exception 0x%lX", status);
    else
        snprintf(how, size, "status %lu", status);
}

bool ht_child_write(int pipe, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    while (size > 0) {
        DWORD put_bytes = 0;
        DWORD wanted = size < PIPE_BYTES ? (DWORD)size : PIPE_BYTES;
        if (!WriteFile(handle_of(pipe), from, wanted, &put_bytes, NULL) || put_bytes == 0)
            return false;
        from += put_bytes;
        size -= put_bytes;
    }
    return true;
}

int ht_child_result_pipe(void)
{
    const char *number = getenv(result_variable);
    return number == NULL ? -1 : (int)strtol(number, NULL, 10);
}
