// SPDX-License-Identifier: MIT
//
// Any bytes as an HTTP request: the answer is one whole head, and the file goes only to a GET.
#include "cli/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ht_http_file file = {"a.pftrace", 12345, 9001};
    struct ht_http_answer answer;
    // In memory of this very size, so that a look past it is seen.
    char *request = malloc(size + (size == 0));
    check(request != NULL);
    memcpy(request, data, size);
    ht_http_answer(request, size, &file, &answer);
    check(answer.size > 0 && answer.size < sizeof answer.head);
    check(strlen(answer.head) == answer.size);
    check(ht_http_is_whole(answer.head, answer.size));
    if (answer.has_file)
        check(ht_http_is_whole(request, size) && memcmp(request, "GET /a.pftrace", 14) == 0);
    free(request);
    return 0;
}
