// SPDX-License-Identifier: MIT
//
// Shared libraries by LoadLibrary. A function is looked for in the library alone, which is where
// the heap of a DLL is. Paths are told with "/", which Windows takes as well.
#include "replay/library.h"

#include "replay/os.h"
#include "replay/windows_failure.h"
#include "replay/wine.h"

#include <windows.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

bool ht_library_is_path(const char *name)
{
    return strpbrk(name, "/\\") != NULL;
}

enum ht_library_state ht_library_load(const char *file, void **library, struct ht_error *error)
{
    *library = LoadLibraryA(file);
    if (*library != NULL) {
        return HT_LIBRARY_LOADED;
    }
    DWORD code = GetLastError();
    ht_fail_windows(error, code, "%s", file);
    return code == ERROR_MOD_NOT_FOUND ? HT_LIBRARY_ABSENT : HT_LIBRARY_BROKEN;
}

ht_function *ht_library_function(void *library, const char *name)
{
    return (ht_function *)(uintptr_t)GetProcAddress(library, name);
}

const char *ht_library_path(ht_function *function)
{
    HMODULE module;
    // Once a library, for the rest of the process.
    char *path = ht_os_map(PATH_BYTES);
    if (path == NULL ||
        !GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            (const char *)(uintptr_t)function, &module) ||
        GetModuleFileNameA(module, path, PATH_BYTES) == 0) {
        return "";
    }
    for (char *at = path; (at = strchr(at, '\\')) != NULL; at++) {
        *at = '/';
    }
    return path;
}

const char *ht_library_note(void)
{
    static char note[32];
    if (ht_wine_version() != NULL) {
        snprintf(note, sizeof note, " under Wine %s", ht_wine_version());
    }
    return note;
}
