// SPDX-License-Identifier: MIT
//
// The HTTP of a server that has one file, for one web page: what a request is answered. No sockets
// here (cli/serve.h), and no more of HTTP than a browser needs to fetch a file.
#ifndef HT_CLI_HTTP_H
#define HT_CLI_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HT_HTTP_REQUEST_MAX = 8192, // bytes up to the empty line
    HT_HTTP_HEAD_MAX = 1024,
};

// The page that may read the file.
extern const char ht_http_origin[];

struct ht_http_file {
    const char *name; // letters, digits and "._-" only: it stands in the URL as it is
    uint64_t size;
    unsigned port; // that the server listens on
};

struct ht_http_answer {
    char head[HT_HTTP_HEAD_MAX]; // the status line and the headers
    size_t size;
    bool has_file; // the file follows
};

// True when the bytes hold a whole request: up to its empty line.
bool ht_http_is_whole(const char *request, size_t size);

// The answer to a request, whole or not: the bytes may be anything.
void ht_http_answer(const char *request, size_t size, const struct ht_http_file *file,
                    struct ht_http_answer *answer);

#endif
