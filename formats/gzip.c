// SPDX-License-Identifier: MIT
//
// gzip by zlib. See the header.
#include "formats/gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    PIECE_SIZE = 1 << 16,
    INPUT_MAX = 1 << 30,     // zlib counts in unsigned int
    WINDOW_BITS = MAX_WBITS, // the usual 32 KiB
    GZIP_WRAPPER = 16,       // added to the window's bits: gzip's header and trailer
    MEMORY_LEVEL = 8,        // zlib's own
    OS_UNIX = 3,             // of gzip's header
};

struct ht_gzip {
    z_stream stream;
    gz_header header;
    FILE *file;
    uint64_t written;
    uint8_t piece[PIECE_SIZE];
};

enum ht_status ht_gzip_open(FILE *file, struct ht_gzip **gzip, struct ht_error *error)
{
    *gzip = NULL;
    struct ht_gzip *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return ht_fail_memory(error, "gzip");
    opened->file = file;
    if (deflateInit2(&opened->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS + GZIP_WRAPPER,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(opened);
        return ht_fail_memory(error, "gzip");
    }
    opened->header.os = OS_UNIX; // on every system, so that the bytes are the same
    deflateSetHeader(&opened->stream, &opened->header);
    *gzip = opened;
    return HT_OK;
}

// Compresses what the stream has been given, until it has taken all, and at the end given all.
static bool deflate_all(struct ht_gzip *gzip, int flush)
{
    z_stream *stream = &gzip->stream;
    do {
        stream->next_out = gzip->piece;
        stream->avail_out = PIECE_SIZE;
        deflate(stream, flush); // a full piece is its only way not to be done
        size_t size = PIECE_SIZE - stream->avail_out;
        if (fwrite(gzip->piece, 1, size, gzip->file) != size)
            return false;
        gzip->written += size;
    } while (stream->avail_out == 0);
    return true;
}

bool ht_gzip_write(struct ht_gzip *gzip, const void *data, size_t size, bool is_end)
{
    const Bytef *from = data;
    while (size > 0) {
        size_t taken = size < INPUT_MAX ? size : INPUT_MAX;
        gzip->stream.next_in = (Bytef *)(uintptr_t)from; // which it only reads
        gzip->stream.avail_in = (uInt)taken;
        if (!deflate_all(gzip, Z_NO_FLUSH))
            return false;
        from += taken;
        size -= taken;
    }
    return !is_end || deflate_all(gzip, Z_FINISH);
}

uint64_t ht_gzip_bytes(const struct ht_gzip *gzip)
{
    return gzip->written;
}

void ht_gzip_close(struct ht_gzip *gzip)
{
    if (gzip == NULL)
        return;
    deflateEnd(&gzip->stream);
    free(gzip);
}
