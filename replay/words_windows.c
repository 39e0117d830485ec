// SPDX-License-Identifier: MIT
//
// Words that threads wait at on Windows, which has such waits since version 8. See
// replay/threads.h.
#include "replay/threads.h"

#include "replay/os.h"

#include <windows.h>

enum { NS_PER_MS = 1000000, NS_PER_TICK = 100 };

// Of synchapi.h, which in older headers lacks it.
enum { TIMER_HIGH_RESOLUTION = 2 };

// Rounded up, so that a short wait is none of 0 ms, which would not sleep at all.
static DWORD milliseconds(uint64_t time_ns)
{
    uint64_t whole = time_ns / NS_PER_MS + (time_ns % NS_PER_MS != 0);
    return whole < INFINITE ? (DWORD)whole : INFINITE - 1;
}

void ht_word_wait(_Atomic uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
    WaitOnAddress(word, &value, sizeof value, milliseconds(timeout_ns));
}

void ht_word_wake(_Atomic uint32_t *word)
{
    WakeByAddressAll((void *)word);
}

// A timer that keeps to less than a millisecond, which Windows has since version 10; else one that
// keeps to the system's tick. NULL when there is none.
static HANDLE open_timer(void)
{
    HANDLE timer = CreateWaitableTimerExW(NULL, NULL, TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    return timer != NULL ? timer : CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
}

void ht_thread_sleep_until(uint64_t time_ns)
{
    uint64_t now_ns = ht_os_clock_ns();
    if (now_ns >= time_ns) {
        return;
    }
    HANDLE timer = open_timer();
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)((time_ns - now_ns) / NS_PER_TICK)}; // from now
    if (timer != NULL && SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE)) {
        WaitForSingleObject(timer, INFINITE);
    } else {
        Sleep(milliseconds(time_ns - now_ns));
    }
    if (timer != NULL) {
        CloseHandle(timer);
    }
}

uint32_t ht_threads_at_once(void)
{
    DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return count > 0 ? count : 1;
}
