// SPDX-License-Identifier: MIT
//
// A heap with a fault: the program ends at the first free.
#include <signal.h>
#include <stddef.h>

void *malloc(size_t size);
void *realloc(void *block, size_t size);
void free(void *block);

#ifndef SIGKILL
#define SIGKILL SIGABRT // of Windows, the nearest
#endif

static _Alignas(16) unsigned char room[1 << 20];
static size_t used;

void *malloc(size_t size)
{
    size_t at = used;
    if (size > sizeof room - used)
        return NULL;
    used += (size + 15) / 16 * 16;
    return room + at;
}

void *realloc(void *block, size_t size)
{
    (void)block;
    return malloc(size);
}

void free(void *block)
{
    (void)block;
    raise(SIGKILL);
}
