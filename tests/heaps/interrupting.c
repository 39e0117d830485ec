// SPDX-License-Identifier: MIT
//
// A heap in whose first call the user interrupts the program. It has no room for any block.
#include <signal.h>
#include <stddef.h>

void *malloc(size_t size);
void *realloc(void *block, size_t size);
void free(void *block);

void *malloc(size_t size)
{
    static int is_done;
    (void)size;
    if (!is_done)
        raise(SIGINT);
    is_done = 1;
    return NULL;
}

void *realloc(void *block, size_t size)
{
    (void)block;
    (void)size;
    return NULL;
}

void free(void *block)
{
    (void)block;
}
