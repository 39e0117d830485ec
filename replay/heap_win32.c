// SPDX-License-Identifier: MIT
//
// Windows' own heap. Each open is a HeapCreate, so a recorded heap has one of its own and the
// process's heap, which the program itself uses, is not touched. Which implementation Windows
// gives, the NT heap or the segment heap, is settled for the process before it begins, by its
// manifest or its image options; no call asks for one or tells which it is.
//
// HeapWalk tells of the heap, never HeapSummary, which under Wine 8 is there and aborts.
#include "replay/heap.h"

#include "replay/os.h"
#include "replay/windows_failure.h"
#include "replay/wine.h"

#include <windows.h>

#include <stdint.h>
#include <stdio.h>

// What is asked for of the low-fragmentation heap, which Windows puts in front of a heap by itself.
enum lfh { LFH_NOT_ASKED, LFH_ASKED, LFH_RULED_OUT };

enum { COMPATIBILITY_LFH = 2 }; // of HeapCompatibilityInformation

// A heap that is open.
struct win32 {
    HANDLE heap;
    enum lfh lfh;
    bool is_refused;       // what was asked for
    CRITICAL_SECTION lock; // of one that has none of its own
    struct win32 *next;
};

// All that are open, for their account. They are opened and closed by one thread.
static struct win32 *first;

// A heap that does not lock cannot have the low-fragmentation heap: that is how it is ruled out.
static enum ht_status open_heap(enum lfh lfh, void **self, struct ht_error *error)
{
    struct win32 *made = ht_os_map(sizeof *made);
    if (made == NULL) {
        return ht_fail_memory(error, "a heap");
    }
    made->lfh = lfh;
    made->heap = HeapCreate(lfh == LFH_RULED_OUT ? HEAP_NO_SERIALIZE : 0, 0, 0);
    if (made->heap == NULL) {
        ht_os_unmap(made, sizeof *made);
        return ht_fail_windows(error, GetLastError(), "HeapCreate");
    }
    if (lfh == LFH_ASKED) {
        ULONG wanted = COMPATIBILITY_LFH;
        made->is_refused =
            !HeapSetInformation(made->heap, HeapCompatibilityInformation, &wanted, sizeof wanted);
    }
    InitializeCriticalSection(&made->lock);
    made->next = first;
    first = made;
    *self = made;
    return HT_OK;
}

static enum ht_status open_plain(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)heap;
    return open_heap(LFH_NOT_ASKED, self, error);
}

static enum ht_status open_lfh(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)heap;
    return open_heap(LFH_ASKED, self, error);
}

static enum ht_status open_no_lfh(const struct ht_heap *heap, void **self, struct ht_error *error)
{
    (void)heap;
    return open_heap(LFH_RULED_OUT, self, error);
}

static void close_heap(void *self)
{
    struct win32 *closed = self;
    struct win32 **link = &first;
    while (*link != closed) {
        link = &(*link)->next;
    }
    *link = closed->next;
    HeapDestroy(closed->heap);
    DeleteCriticalSection(&closed->lock);
    ht_os_unmap(closed, sizeof *closed);
}

static void version(void *self, char *text, size_t size)
{
    static const char *const requests[] = {"LFH not asked for", "LFH asked for", "LFH ruled out"};
    const struct win32 *win32 = self;
    char system[40];
    ULONG answer = 0;
    ht_wine_describe(system, sizeof system);
    BOOL is_told = HeapQueryInformation(win32->heap, HeapCompatibilityInformation, &answer,
                                        sizeof answer, NULL);
    int used = snprintf(text, size, "%s; %s, ", system,
                        win32->is_refused ? "LFH refused" : requests[win32->lfh]);
    if (used < 0 || (size_t)used >= size) {
        return;
    }
    if (is_told) {
        snprintf(text + used, size - (size_t)used, "answer %lu", answer);
    } else {
        snprintf(text + used, size - (size_t)used, "no answer");
    }
}

static void *allocate(void *self, size_t size)
{
    const struct win32 *win32 = self;
    return HeapAlloc(win32->heap, 0, size);
}

static void *reallocate(void *self, void *block, size_t size)
{
    const struct win32 *win32 = self;
    return HeapReAlloc(win32->heap, 0, block, size);
}

static void release(void *self, void *block)
{
    const struct win32 *win32 = self;
    HeapFree(win32->heap, 0, block);
}

static size_t usable(void *self, void *block)
{
    const struct win32 *win32 = self;
    return HeapSize(win32->heap, 0, block);
}

// The same on a heap that does not lock, so that threads may share it and a call costs what the
// others cost.
static void *allocate_locked(void *self, size_t size)
{
    struct win32 *win32 = self;
    EnterCriticalSection(&win32->lock);
    void *block = HeapAlloc(win32->heap, 0, size);
    LeaveCriticalSection(&win32->lock);
    return block;
}

static void *reallocate_locked(void *self, void *block, size_t size)
{
    struct win32 *win32 = self;
    EnterCriticalSection(&win32->lock);
    void *resized = HeapReAlloc(win32->heap, 0, block, size);
    LeaveCriticalSection(&win32->lock);
    return resized;
}

static void release_locked(void *self, void *block)
{
    struct win32 *win32 = self;
    EnterCriticalSection(&win32->lock);
    HeapFree(win32->heap, 0, block);
    LeaveCriticalSection(&win32->lock);
}

// Sums over the entries of all heaps.
struct walked {
    uint64_t committed;
    uint64_t uncommitted;
    uint64_t outside; // blocks so large that they have memory of their own, in no region
    uint64_t busy;
    uint64_t free;
    uint64_t largest_free;
    uint64_t overhead;
};

static void add_region(struct walked *walked, const PROCESS_HEAP_ENTRY *entry)
{
    walked->committed += entry->Region.dwCommittedSize;
    walked->uncommitted += entry->Region.dwUnCommittedSize;
    walked->overhead += entry->cbData + (uint64_t)entry->cbOverhead; // the heap's own
}

static void add_block(struct walked *walked, const PROCESS_HEAP_ENTRY *entry, bool is_outside)
{
    uint64_t bytes = entry->cbData;
    walked->overhead += entry->cbOverhead;
    if ((entry->wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0) {
        walked->busy += bytes;
        walked->outside += is_outside ? bytes + entry->cbOverhead : 0;
        return;
    }
    walked->free += bytes;
    walked->largest_free = bytes > walked->largest_free ? bytes : walked->largest_free;
}

// A region comes before what lies in it.
static void walk(HANDLE heap, struct walked *walked)
{
    PROCESS_HEAP_ENTRY entry = {.lpData = NULL};
    uintptr_t begin = 0;
    uintptr_t end = 0;
    while (HeapWalk(heap, &entry)) {
        uintptr_t at = (uintptr_t)entry.lpData;
        if ((entry.wFlags & PROCESS_HEAP_REGION) != 0) {
            begin = at;
            end = at + entry.Region.dwCommittedSize + entry.Region.dwUnCommittedSize;
            add_region(walked, &entry);
        } else if ((entry.wFlags & PROCESS_HEAP_UNCOMMITTED_RANGE) == 0) {
            add_block(walked, &entry, at < begin || at >= end);
        }
    }
}

static void account(void *self, struct ht_account *told)
{
    struct walked walked = {0};
    (void)self;
    for (struct win32 *at = first; at != NULL; at = at->next) {
        EnterCriticalSection(&at->lock);
        BOOL is_locked = HeapLock(at->heap);
        walk(at->heap, &walked);
        if (is_locked) {
            HeapUnlock(at->heap);
        }
        LeaveCriticalSection(&at->lock);
    }
    *told = (struct ht_account){.source = "HeapWalk", .scope = "the heaps replayed on"};
    ht_account_add(told, "committed", walked.committed);
    ht_account_add(told, "uncommitted", walked.uncommitted);
    ht_account_add(told, "outside_regions", walked.outside);
    ht_account_add(told, "busy", walked.busy);
    ht_account_add(told, "free", walked.free);
    ht_account_add(told, "largest_free", walked.largest_free);
    ht_account_add(told, "overhead", walked.overhead);
}

const struct ht_heap ht_heap_win32 = {
    .name = "win32",
    .what = "HeapAlloc, HeapReAlloc and HeapFree of Windows, on heaps of HeapCreate",
    .is_memory = true,
    .apart = &ht_heap_win32,
    .open = open_plain,
    .close = close_heap,
    .version = version,
    .allocate = allocate,
    .reallocate = reallocate,
    .release = release,
    .usable = usable,
    .tells_requested = true,
    .account = account,
};

const struct ht_heap ht_heap_win32_lfh = {
    .name = "win32-lfh",
    .what = "the same, the low-fragmentation heap asked for",
    .is_memory = true,
    .apart = &ht_heap_win32_lfh,
    .open = open_lfh,
    .close = close_heap,
    .version = version,
    .allocate = allocate,
    .reallocate = reallocate,
    .release = release,
    .usable = usable,
    .tells_requested = true,
    .account = account,
};

const struct ht_heap ht_heap_win32_no_lfh = {
    .name = "win32-no-lfh",
    .what = "the same, the low-fragmentation heap ruled out by HEAP_NO_SERIALIZE",
    .is_memory = true,
    .apart = &ht_heap_win32_no_lfh,
    .open = open_no_lfh,
    .close = close_heap,
    .version = version,
    .allocate = allocate_locked,
    .reallocate = reallocate_locked,
    .release = release_locked,
    .usable = usable,
    .tells_requested = true,
    .account = account,
};
