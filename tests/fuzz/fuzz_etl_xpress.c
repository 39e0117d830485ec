// SPDX-License-Identifier: MIT
//
// Fuzz target: an XPRESS stream, unpacked whole and in part, into exactly the room it may use.
#include "formats/etl_xpress.h"

#include <stdlib.h>
#include <string.h>

enum { WHOLE = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *whole = malloc(WHOLE);
    if (whole == NULL)
        abort();
    size_t made = ht_etl_xpress_unpack(data, size, whole, WHOLE);
    for (size_t part = made; part > 0; part /= 3) {
        uint8_t *prefix = malloc(part);
        if (prefix == NULL || ht_etl_xpress_unpack(data, size, prefix, part) != part ||
            memcmp(prefix, whole, part) != 0)
            abort();
        free(prefix);
    }
    free(whole);
    return 0;
}
