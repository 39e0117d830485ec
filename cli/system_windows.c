// SPDX-License-Identifier: MIT
//
// The operating system where that is Windows. See the header.
#include "cli/system.h"

#include "replay/wine.h"

#include <windows.h>

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

void ht_system_begin(void)
{
    _setmode(_fileno(stdout), _O_BINARY);
    _setmode(_fileno(stderr), _O_BINARY);
}

bool ht_system_is_terminal(FILE *stream)
{
    DWORD mode; // a console has one; _isatty is true for any device
    return GetConsoleMode((HANDLE)_get_osfhandle(_fileno(stream)), &mode) != 0;
}

static bool look(const char *path, BY_HANDLE_FILE_INFORMATION *about)
{
    HANDLE file = CreateFileA(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    bool is_seen =
        GetFileType(file) == FILE_TYPE_DISK && GetFileInformationByHandle(file, about) != 0;
    CloseHandle(file);
    return is_seen;
}

bool ht_system_is_same_file(const char *path, const char *other)
{
    BY_HANDLE_FILE_INFORMATION one;
    BY_HANDLE_FILE_INFORMATION two;
    return look(path, &one) && look(other, &two) &&
           one.dwVolumeSerialNumber == two.dwVolumeSerialNumber &&
           one.nFileIndexHigh == two.nFileIndexHigh && one.nFileIndexLow == two.nFileIndexLow;
}

// Nothing is gained by it: thread-local memory needs no room set aside, and no process can have the
// randomisation of its addresses switched off.
enum ht_status ht_system_restart(int argc, char **argv, struct ht_error *error)
{
    (void)argc;
    (void)argv;
    (void)error;
    return HT_OK;
}

bool ht_system_is_restarted(void)
{
    return false;
}

bool ht_system_has_fixed_addresses(void)
{
    return false;
}

// The C library's tmpfile would put it into the drive's root, where few may write.
FILE *ht_system_temporary_file(void)
{
    char folder[MAX_PATH];
    char path[MAX_PATH];
    if (GetTempPathA(sizeof folder, folder) == 0 || GetTempFileNameA(folder, "ht", 0, path) == 0) {
        errno = EACCES;
        return NULL;
    }
    return fopen(path, "w+bTD"); // T and D: kept in memory while there is room, deleted at the end
}

bool ht_system_set_variable(const char *setting)
{
    const char *equals = strchr(setting, '=');
    return equals != NULL && equals != setting && _putenv(setting) == 0;
}

static void remember(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void ht_system_catch_interrupt(void)
{
    signal(SIGINT, remember); // for once: the next one finds the default again
}

bool ht_system_is_interrupted(void)
{
    return interrupted != 0;
}

bool ht_system_show_page(const char *url)
{
    // What is no failure is over 32.
    return (INT_PTR)ShellExecuteA(NULL, "open", url, NULL, NULL, SW_SHOWNORMAL) > 32;
}

void ht_system_describe(char *text, size_t size)
{
    char system[64];
    SYSTEM_INFO info;
    GetNativeSystemInfo(&info);
    ht_wine_describe(system, sizeof system);
    snprintf(text, size, "%s %s", system,
             info.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_AMD64 ? "x86_64" : "(other)");
}
