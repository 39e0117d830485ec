// SPDX-License-Identifier: MIT
//
// A heap that never answers: its first call makes the file "waiting" and waits to be ended.
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

void *malloc(size_t size);
void *realloc(void *block, size_t size);
void free(void *block);

void *malloc(size_t size)
{
    (void)size;
    close(open("waiting", O_CREAT | O_WRONLY, 0600));
    for (;;)
        pause();
}

void *realloc(void *block, size_t size)
{
    (void)block;
    return malloc(size);
}

void free(void *block)
{
    (void)block;
}
