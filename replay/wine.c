// SPDX-License-Identifier: MIT
//
// Asks ntdll, which has a function more under Wine. See the header.
#include "replay/wine.h"

#include <windows.h>

#include <stdint.h>
#include <stdio.h>

static void *function_of_ntdll(const char *name)
{
    return (void *)(uintptr_t)GetProcAddress(GetModuleHandleA("ntdll.dll"), name);
}

const char *ht_wine_version(void)
{
    const char *(*wine_version)(void) =
        (const char *(*)(void))(uintptr_t)function_of_ntdll("wine_get_version");
    return wine_version == NULL ? NULL : wine_version();
}

void ht_wine_describe(char *text, size_t size)
{
    // Unlike GetVersionEx it tells the truth to programs of any manifest.
    LONG(WINAPI * get_version)
    (OSVERSIONINFOW *) =
        (LONG(WINAPI *)(OSVERSIONINFOW *))(uintptr_t)function_of_ntdll("RtlGetVersion");
    OSVERSIONINFOW about = {.dwOSVersionInfoSize = sizeof about};
    if (ht_wine_version() != NULL) {
        snprintf(text, size, "Wine %s, not Microsoft's", ht_wine_version());
    } else if (get_version != NULL && get_version(&about) == 0) {
        snprintf(text, size, "Windows %lu.%lu.%lu", about.dwMajorVersion, about.dwMinorVersion,
                 about.dwBuildNumber);
    } else {
        snprintf(text, size, "Windows");
    }
}
