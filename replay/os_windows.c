// SPDX-License-Identifier: MIT
//
// The door to the operating system on Windows. See the header.
#include "replay/os.h"

#include <windows.h>

#include <psapi.h>

enum { NS_PER_SECOND = 1000000000 };

size_t ht_os_page_size(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}

void *ht_os_map(uint64_t size)
{
    if (size == 0 || size > PTRDIFF_MAX) {
        return NULL;
    }
    volatile unsigned char *bytes =
        VirtualAlloc(NULL, (SIZE_T)size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    size_t page_size = ht_os_page_size();
    for (size_t at = 0; bytes != NULL && at < (size_t)size; at += page_size) {
        bytes[at] = 0;
    }
    return (void *)bytes;
}

void *ht_os_map_shared(uint64_t size)
{
    return ht_os_map(size); // there is no fork
}

uint64_t ht_os_machine_bytes(void)
{
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    return GlobalMemoryStatusEx(&status) ? status.ullTotalPhys : 0;
}

void ht_os_unmap(void *memory, uint64_t size)
{
    (void)size;
    if (memory != NULL) {
        VirtualFree(memory, 0, MEM_RELEASE);
    }
}

uint64_t ht_os_clock_ns(void)
{
    LARGE_INTEGER frequency;
    LARGE_INTEGER counter;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&counter);
    uint64_t per_second = (uint64_t)frequency.QuadPart;
    uint64_t count = (uint64_t)counter.QuadPart;
    // In two steps, since their product would overflow within days.
    return count / per_second * NS_PER_SECOND + count % per_second * NS_PER_SECOND / per_second;
}

static struct ht_os_figure figure(uint64_t bytes, const char *source)
{
    return (struct ht_os_figure){bytes, bytes > 0 ? source : NULL};
}

struct ht_os_figure ht_os_resident(void)
{
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof counters};
    GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters);
    return figure(counters.WorkingSetSize, "WorkingSetSize of GetProcessMemoryInfo");
}

struct ht_os_figure ht_os_mapped(void)
{
    MEMORY_BASIC_INFORMATION region;
    const unsigned char *at = NULL;
    uint64_t bytes = 0;
    while (VirtualQuery(at, &region, sizeof region) != 0) {
        bytes += region.State == MEM_FREE ? 0 : region.RegionSize;
        at = (const unsigned char *)region.BaseAddress + region.RegionSize;
    }
    return figure(bytes, "VirtualQuery, all that is not free");
}

struct ht_os_figure ht_os_resident_peak(void)
{
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof counters};
    GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters);
    return figure(counters.PeakWorkingSetSize, "PeakWorkingSetSize of GetProcessMemoryInfo");
}

bool ht_os_resident_peak_reset(void)
{
    return false; // no documented call does
}
