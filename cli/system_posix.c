// SPDX-License-Identifier: MIT
//
// The operating system by POSIX, with Linux's path of the running program and its switch for
// addresses. See the header.
#include "cli/system.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { WORDS_MAX = 128 };
#define PERSONALITY_ASKED 0xFFFFFFFFul // tells, changes nothing

static const char restarted_variable[] = "HEAPTAPE_RESTARTED";

extern char **environ;

static volatile sig_atomic_t interrupted;

void ht_system_begin(void)
{
}

bool ht_system_is_terminal(FILE *stream)
{
    return isatty(fileno(stream)) == 1;
}

bool ht_system_is_same_file(const char *path, const char *other)
{
    struct stat about;
    struct stat about_other;
    return stat(path, &about) == 0 && stat(other, &about_other) == 0 && S_ISREG(about.st_mode) &&
           about.st_dev == about_other.st_dev && about.st_ino == about_other.st_ino;
}

bool ht_system_is_restarted(void)
{
    return getenv(restarted_variable) != NULL;
}

bool ht_system_has_fixed_addresses(void)
{
    int personality_now = personality(PERSONALITY_ASKED);
    return personality_now != -1 && (personality_now & ADDR_NO_RANDOMIZE) != 0;
}

// Holds from the next exec on. Some containers forbid it.
static void fix_addresses(void)
{
    int personality_now = personality(PERSONALITY_ASKED);
    if (personality_now != -1)
        personality((unsigned long)personality_now | ADDR_NO_RANDOMIZE);
}

// glibc sets thread-local memory aside for libraries loaded late, 512 bytes unless it is told
// otherwise before a program begins. jemalloc as Debian builds it needs 2632.
static bool set_thread_room(void)
{
    static const char room[] = "glibc.rtld.optional_static_tls=16384";
    char text[1024];
    const char *before = getenv("GLIBC_TUNABLES");
    int length = snprintf(text, sizeof text, "%s%s%s", before != NULL ? before : "",
                          before != NULL ? ":" : "", room);
    return length < (int)sizeof text && setenv("GLIBC_TUNABLES", text, 1) == 0;
}

enum ht_status ht_system_restart(int argc, char **argv, struct ht_error *error)
{
    char *words[WORDS_MAX] = {"heaptape"};
    if (argc + 2 > WORDS_MAX)
        return ht_fail(error, HT_LIMIT, "the command line has more than %d words", WORDS_MAX - 2);
    memcpy(words + 1, argv, (size_t)argc * sizeof *argv);
    if (ht_system_is_restarted() || setenv(restarted_variable, "1", 1) != 0 || !set_thread_room())
        return ht_fail(error, HT_UNSUPPORTED, "the program cannot be begun anew");
    fix_addresses();
    execv("/proc/self/exe", words);
    return ht_fail_errno(error, "the program cannot be begun anew");
}

FILE *ht_system_temporary_file(void)
{
    return tmpfile();
}

bool ht_system_set_variable(const char *setting)
{
    char name[128];
    size_t length = strcspn(setting, "=");
    if (length == 0 || length >= sizeof name || setting[length] != '=')
        return false;
    memcpy(name, setting, length);
    name[length] = '\0';
    return setenv(name, setting + length + 1, 1) == 0;
}

static void remember(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void ht_system_catch_interrupt(void)
{
    // Without SA_RESTART, so that a read that waits ends, too.
    struct sigaction action = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

bool ht_system_is_interrupted(void)
{
    return interrupted != 0;
}

bool ht_system_show_page(const char *url)
{
    char program[] = "xdg-open";
    char page[256];
    char *words[] = {program, page, NULL};
    posix_spawn_file_actions_t silence;
    pid_t id;
    if (getenv("DISPLAY") == NULL && getenv("WAYLAND_DISPLAY") == NULL)
        return false;
    if ((size_t)snprintf(page, sizeof page, "%s", url) >= sizeof page ||
        posix_spawn_file_actions_init(&silence) != 0)
        return false;
    bool is_silent = posix_spawn_file_actions_addopen(&silence, 1, "/dev/null", O_WRONLY, 0) == 0 &&
                     posix_spawn_file_actions_adddup2(&silence, 1, 2) == 0;
    bool is_begun = is_silent && posix_spawnp(&id, program, &silence, NULL, words, environ) == 0;
    posix_spawn_file_actions_destroy(&silence);
    return is_begun; // what becomes of it is seen on the screen
}

void ht_system_describe(char *text, size_t size)
{
    struct utsname name;
    if (uname(&name) < 0)
        snprintf(text, size, "unknown");
    else
        snprintf(text, size, "%.60s %.60s %.60s", name.sysname, name.release, name.machine);
}
