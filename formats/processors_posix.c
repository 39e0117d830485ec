// SPDX-License-Identifier: MIT
//
// The processors of a process by POSIX, and where there is one by Linux's call.
#include "formats/relay.h"

#include <sched.h>
#include <unistd.h>

bool ht_relay_has_processors(void)
{
#ifdef CPU_COUNT
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set) > 1;
#endif
    return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}
