// SPDX-License-Identifier: MIT
//
// A heap that counts its calls: blocks of a fixed room from one array, never used again, each with
// its size in front. Requests over the room fail.
#include <stddef.h>
#include <string.h>

enum { ROOM = 64, HEAD = 16, BLOCKS = 4096 };

int counted_mallocs;
int counted_reallocs;
int counted_frees;
size_t last_size;

static _Alignas(16) unsigned char blocks[BLOCKS][HEAD + ROOM];
static size_t used;

void *malloc(size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
size_t malloc_usable_size(void *block);
int MallocExtension_GetNumericProperty(const char *name, size_t *value);

static void *take(size_t size)
{
    last_size = size;
    if (size > ROOM || used == BLOCKS)
        return NULL;
    return blocks[used++] + HEAD;
}

void *malloc(size_t size)
{
    counted_mallocs++;
    return take(size);
}

// Always moves.
void *realloc(void *block, size_t size)
{
    counted_reallocs++;
    void *moved = take(size);
    if (moved != NULL)
        memcpy(moved, block, ROOM);
    return moved;
}

void free(void *block)
{
    (void)block;
    counted_frees++;
}

size_t malloc_usable_size(void *block)
{
    (void)block;
    return ROOM;
}

// Of tcmalloc's figures one that is counted here, and no other.
int MallocExtension_GetNumericProperty(const char *name, size_t *value)
{
    if (strcmp(name, "generic.current_allocated_bytes") != 0)
        return 0;
    *value = used * ROOM;
    return 1;
}
