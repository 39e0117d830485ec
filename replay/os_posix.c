// SPDX-License-Identifier: MIT
//
// The door to the operating system on POSIX systems. Memory figures are those of Linux's /proc,
// read with plain read() because stdio would allocate; on a system without it they are unknown.
#include "replay/os.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    PROC_TEXT_SIZE = 8192,
    LARGE_BYTES = 4 << 20, // in which a large page of 2 MiB lies, wherever it begins
};

size_t ht_os_page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

static void *map(uint64_t size, int sharing)
{
    if (size == 0 || size > PTRDIFF_MAX) {
        return NULL;
    }
    void *memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    // The system takes a fifth of the time for it. Where it has none, nothing is lost.
    if (size >= LARGE_BYTES) {
        madvise(memory, (size_t)size, MADV_HUGEPAGE);
    }
#endif
    // A write, since a page that was only read is the shared page of zeros.
    volatile unsigned char *bytes = memory;
    size_t page_size = ht_os_page_size();
    for (size_t at = 0; at < (size_t)size; at += page_size) {
        bytes[at] = 0;
    }
    return memory;
}

void *ht_os_map(uint64_t size)
{
    return map(size, MAP_PRIVATE);
}

void *ht_os_map_shared(uint64_t size)
{
    return map(size, MAP_SHARED);
}

uint64_t ht_os_machine_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    return pages > 0 ? (uint64_t)pages * ht_os_page_size() : 0;
}

void ht_os_unmap(void *memory, uint64_t size)
{
    if (memory != NULL) {
        munmap(memory, (size_t)size);
    }
}

uint64_t ht_os_clock_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// The file's text, cut to the room there is, or "".
static void read_text(const char *path, char text[PROC_TEXT_SIZE])
{
    size_t length = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t got;
        while (length < PROC_TEXT_SIZE - 1 &&
               (got = read(file, text + length, PROC_TEXT_SIZE - 1 - length)) > 0) {
            length += (size_t)got;
        }
        close(file);
    }
    text[length] = '\0';
}

// The number behind `label`, which /proc gives in KiB; 0 when the label is not there.
static uint64_t labelled_bytes(const char *text, const char *label)
{
    const char *found = strstr(text, label);
    return found == NULL ? 0 : strtoull(found + strlen(label), NULL, 10) * 1024;
}

static struct ht_os_figure figure(uint64_t bytes, const char *source)
{
    // No process holds nothing: 0 is a figure that could not be read.
    return (struct ht_os_figure){bytes, bytes > 0 ? source : NULL};
}

struct ht_os_figure ht_os_resident(void)
{
    char text[PROC_TEXT_SIZE];
    read_text("/proc/self/smaps_rollup", text);
    uint64_t bytes = labelled_bytes(text, "\nRss:");
    if (bytes > 0) {
        return figure(bytes, "Rss of /proc/self/smaps_rollup");
    }
    read_text("/proc/self/statm", text);
    char *end = text;
    strtoull(text, &end, 10);
    return figure(strtoull(end, NULL, 10) * ht_os_page_size(), "resident of /proc/self/statm");
}

struct ht_os_figure ht_os_mapped(void)
{
    char text[PROC_TEXT_SIZE];
    read_text("/proc/self/statm", text);
    return figure(strtoull(text, NULL, 10) * ht_os_page_size(), "size of /proc/self/statm");
}

struct ht_os_figure ht_os_resident_peak(void)
{
    char text[PROC_TEXT_SIZE];
    read_text("/proc/self/status", text);
    return figure(labelled_bytes(text, "\nVmHWM:"), "VmHWM of /proc/self/status");
}

bool ht_os_resident_peak_reset(void)
{
    int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    bool is_reset = write(file, "5", 1) == 1;
    close(file);
    return is_reset;
}
