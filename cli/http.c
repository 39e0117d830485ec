// SPDX-License-Identifier: MIT
//
// Requests and their answers. See the header.
#include "cli/http.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char ht_http_origin[] = "https://ui.perfetto.dev";

// A piece of the request.
struct piece {
    const char *at;
    size_t size;
};

static bool is_text(struct piece piece, const char *text)
{
    return piece.size == strlen(text) && memcmp(piece.at, text, piece.size) == 0;
}

// Takes what stands before `end` off the front of `rest`, and `end` itself. All of it when there is
// no `end`.
static struct piece take(struct piece *rest, char end)
{
    const char *found = rest->size > 0 ? memchr(rest->at, end, rest->size) : NULL;
    size_t size = found != NULL ? (size_t)(found - rest->at) : rest->size;
    struct piece taken = {rest->at, size};
    size_t gone = size + (found != NULL);
    *rest = (struct piece){rest->at + gone, rest->size - gone};
    return taken;
}

static struct piece take_line(struct piece *rest)
{
    struct piece line = take(rest, '\n');
    if (line.size > 0 && line.at[line.size - 1] == '\r')
        line.size--;
    return line;
}

static struct piece without_blanks(struct piece piece)
{
    while (piece.size > 0 && (*piece.at == ' ' || *piece.at == '\t'))
        piece = (struct piece){piece.at + 1, piece.size - 1};
    while (piece.size > 0 && (piece.at[piece.size - 1] == ' ' || piece.at[piece.size - 1] == '\t'))
        piece.size--;
    return piece;
}

// The same in whatever case; `text` is in the small one.
static bool is_name(struct piece piece, const char *text)
{
    for (size_t i = 0; i < piece.size; i++)
        if (tolower((unsigned char)piece.at[i]) != text[i]) // ends at the end of `text`, too
            return false;
    return piece.size == strlen(text);
}

// The value of a header, from the lines behind the first. Empty without.
static struct piece value_of(struct piece lines, const char *name)
{
    while (lines.size > 0) {
        struct piece value = take_line(&lines);
        struct piece key = take(&value, ':');
        if (is_name(key, name))
            return without_blanks(value);
    }
    return (struct piece){"", 0};
}

// True when the request was meant for us. Another name means that a page of that name was told our
// address as its own, to read what it may not.
static bool is_our_host(struct piece host, unsigned port)
{
    char ours[2][32];
    snprintf(ours[0], sizeof ours[0], "127.0.0.1:%u", port);
    snprintf(ours[1], sizeof ours[1], "localhost:%u", port);
    return is_text(host, ours[0]) || is_text(host, ours[1]);
}

// True when no other web page asks. A browser would keep the file from it, but has fetched it by
// then.
static bool is_our_page(struct piece origin)
{
    return origin.size == 0 || is_text(origin, ht_http_origin);
}

static void put(struct ht_http_answer *answer, const char *status, uint64_t size, const char *more)
{
    int length = snprintf(answer->head, sizeof answer->head,
                          "HTTP/1.1 %s\r\n"
                          "Access-Control-Allow-Origin: %s\r\n"
                          "%s"
                          "Cache-Control: no-store\r\n"
                          "Connection: close\r\n"
                          "Content-Length: %llu\r\n"
                          "\r\n",
                          status, ht_http_origin, more, (unsigned long long)size);
    answer->size = (size_t)length;
}

bool ht_http_is_whole(const char *request, size_t size)
{
    struct piece rest = {request, size};
    while (rest.size > 0 && memchr(rest.at, '\n', rest.size) != NULL)
        if (take_line(&rest).size == 0)
            return true;
    return false;
}

void ht_http_answer(const char *request, size_t size, const struct ht_http_file *file,
                    struct ht_http_answer *answer)
{
    struct piece rest = {request, size};
    struct piece line = take_line(&rest);
    struct piece method = take(&line, ' ');
    struct piece target = take(&line, ' ');
    struct piece path = take(&target, '?');
    bool is_get = is_text(method, "GET");
    bool is_ours = path.size > 0 && path.at[0] == '/' &&
                   is_text((struct piece){path.at + 1, path.size - 1}, file->name);
    *answer = (struct ht_http_answer){.size = 0};
    if (!ht_http_is_whole(request, size) || line.size < 5 || memcmp(line.at, "HTTP/", 5) != 0)
        put(answer, "400 Bad Request", 0, "");
    else if (!is_our_host(value_of(rest, "host"), file->port) ||
             !is_our_page(value_of(rest, "origin")))
        put(answer, "403 Forbidden", 0, "");
    else if (is_text(method, "OPTIONS"))
        put(answer, "204 No Content", 0,
            "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"
            "Access-Control-Allow-Headers: *\r\n"
            "Access-Control-Allow-Private-Network: true\r\n");
    else if (!is_get && !is_text(method, "HEAD"))
        put(answer, "405 Method Not Allowed", 0, "Allow: GET, HEAD, OPTIONS\r\n");
    else if (!is_ours)
        put(answer, "404 Not Found", 0, "");
    else
        put(answer, "200 OK", file->size, "Content-Type: application/octet-stream\r\n");
    answer->has_file = is_get && memcmp(answer->head, "HTTP/1.1 200", 12) == 0;
}
