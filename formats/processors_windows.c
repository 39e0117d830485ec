// SPDX-License-Identifier: MIT
//
// The processors of a process on Windows.
#include "formats/relay.h"

#include <windows.h>

bool ht_relay_has_processors(void)
{
    DWORD_PTR own;
    DWORD_PTR all;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &own, &all))
        return false;
    return (own & (own - 1)) != 0; // more than one bit
}
