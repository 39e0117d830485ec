// SPDX-License-Identifier: MIT
//
// The one door of replay/ to the operating system: memory of its own, a clock, and what the system
// says of the process's memory. One file a system implements it, chosen by CMake. Nothing here
// allocates from any heap, so that it may be called around the heap under test.
#ifndef HT_REPLAY_OS_H
#define HT_REPLAY_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes of a page, the step of the page touch.
size_t ht_os_page_size(void);

// Private memory of at least `size` bytes straight from the system: page-aligned, zeroed, and every
// page of it resident before this returns, so that using it later does not change what the process
// holds. In large pages where it is large and the system has them. NULL when there is none, or for
// a size of 0.
void *ht_os_map(uint64_t size);

// The same, but what a process writes that was forked after it is seen here, and the other way
// round.
void *ht_os_map_shared(uint64_t size);

// Bytes of memory that the machine has; 0 when the system does not tell.
uint64_t ht_os_machine_bytes(void);

// Gives it back; `size` is that of ht_os_map. NULL is fine.
void ht_os_unmap(void *memory, uint64_t size);

// A clock that only goes forward, in ns from an unstated origin.
uint64_t ht_os_clock_ns(void);

// A figure of memory and where it comes from.
struct ht_os_figure {
    uint64_t bytes;
    const char *source; // static text; NULL when the system does not tell, bytes is 0 then
};

// Bytes of the whole process that are in memory now: code, libraries and harness included, so only
// differences speak of a heap. Linux: Rss of /proc/self/smaps_rollup, which walks the page tables
// and is exact; where the kernel lacks that, the second number of /proc/self/statm, which may be
// off by some dozen pages a CPU.
struct ht_os_figure ht_os_resident(void);

// Bytes of address space that the whole process has mapped now, as exact as the system's own count.
// Linux: the first number of /proc/self/statm.
struct ht_os_figure ht_os_mapped(void);

// The most resident bytes since the process began or ht_os_resident_peak_reset. Linux: VmHWM of
// /proc/self/status, from the kernel's counters, not from a walk: compare it only with itself.
struct ht_os_figure ht_os_resident_peak(void);

// Lets the peak begin again at what is resident now (Linux: 5 into /proc/self/clear_refs). False
// when the system does not offer it.
bool ht_os_resident_peak_reset(void);

#endif
