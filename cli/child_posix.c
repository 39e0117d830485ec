// SPDX-License-Identifier: MIT
//
// Processes by fork and exec. See the header.
#include "cli/child.h"

#include "cli/system.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char result_variable[] = "HEAPTAPE_RESULT_PIPE";

// Makes the pipe and the process. In the child *pipe_end is what it writes to, else -1.
static enum ht_status begin(struct ht_child *child, int *pipe_end, struct ht_error *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return ht_fail_errno(error, "a process cannot be begun");
    pid_t id = fork();
    if (id < 0) {
        enum ht_status status = ht_fail_errno(error, "a process cannot be begun");
        close(ends[0]);
        close(ends[1]);
        return status;
    }
    close(ends[id == 0 ? 0 : 1]);
    *pipe_end = id == 0 ? ends[1] : -1;
    *child = (struct ht_child){.id = id, .pipe = ends[0]};
    return HT_OK;
}

enum ht_status ht_child_fork(struct ht_child *child, void (*work)(void *context, int pipe),
                             void *context, struct ht_error *error)
{
    int pipe_end = -1;
    enum ht_status status = begin(child, &pipe_end, error);
    if (status == HT_OK && pipe_end >= 0) {
        work(context, pipe_end);
        _exit(0); // without what the program does at its end, which this is not
    }
    return status;
}

enum ht_status ht_child_spawn(struct ht_child *child, char *const arguments[],
                              struct ht_error *error)
{
    int pipe_end = -1;
    enum ht_status status = begin(child, &pipe_end, error);
    if (status == HT_OK && pipe_end >= 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", pipe_end);
        if (setenv(result_variable, number, 1) == 0)
            execv("/proc/self/exe", arguments);
        _exit(127);
    }
    return status;
}

bool ht_child_read(const struct ht_child *child, void *bytes, size_t size)
{
    unsigned char *to = bytes;
    while (size > 0) {
        ssize_t got = ht_system_is_interrupted() ? 0 : read(child->pipe, to, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        size -= (size_t)got;
    }
    return true;
}

void ht_child_end(struct ht_child *child, char *how, size_t size)
{
    int status = 0;
    close(child->pipe);
    if (ht_system_is_interrupted())
        kill((pid_t)child->id, SIGTERM);
    while (waitpid((pid_t)child->id, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status))
        snprintf(how, size, "signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, size, "status %d", WEXITSTATUS(status));
}

bool ht_child_write(int pipe, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    while (size > 0) {
        ssize_t put = send(pipe, from, size, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        from += put;
        size -= (size_t)put;
    }
    return true;
}

int ht_child_result_pipe(void)
{
    const char *number = getenv(result_variable);
    return number == NULL ? -1 : (int)strtol(number, NULL, 10);
}
