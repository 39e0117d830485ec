// SPDX-License-Identifier: MIT
//
// The table of formats, and finding the right one. To add a format, add its line here.
#include "formats/format.h"

#include "formats/chrome.h"
#include "formats/compact.h"
#include "formats/etl.h"
#include "formats/null.h"
#include "formats/perfetto.h"
#include "formats/tsv.h"

#include <stdio.h>
#include <string.h>

static const struct ht_format *const formats[] = {
    &ht_format_etl,
    &ht_format_compact,
    &ht_format_perfetto,
    &ht_format_chrome,
    &ht_format_tsv,
    &ht_format_null,
    NULL,
};

const struct ht_format *ht_format_at(unsigned index)
{
    return index < sizeof formats / sizeof *formats ? formats[index] : NULL;
}

const struct ht_format *ht_format_by_name(const char *name)
{
    for (unsigned i = 0; ht_format_at(i) != NULL; i++)
        if (formats[i]->open_writer != NULL && strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

// True when the path, without the suffix of a gzipped file, ends in this suffix.
static bool has_suffix(const char *path, const char *suffix)
{
    size_t length = strlen(path) - (ht_output_is_gzip(path) ? strlen(".gz") : 0);
    size_t size = strlen(suffix);
    return size > 0 && length >= size && memcmp(path + length - size, suffix, size) == 0;
}

const struct ht_format *ht_format_by_path(const char *path)
{
    for (unsigned i = 0; ht_format_at(i) != NULL; i++)
        if (formats[i]->open_writer != NULL && has_suffix(path, formats[i]->suffix))
            return formats[i];
    return NULL;
}

// What people often pass instead of a trace, by its first bytes.
static const struct {
    const char *magic;
    size_t size;
    const char *what;
} strangers[] = {
    {"PK\3\4", 4, "a zip archive: unpack it first"},
    {"\x1f\x8b", 2, "a gzip file: unpack it first (gunzip)"},
    {"\xfd"
     "7zXZ",
     5, "an xz file: unpack it first (unxz)"},
    {"BZh", 3, "a bzip2 file: unpack it first (bunzip2)"},
    {"\x28\xb5\x2f\xfd", 4, "a zstd file: unpack it first (unzstd)"},
    {"\x04\x22\x4d\x18", 4, "an lz4 file that is no .htape"},
    {"MSCF", 4, "a cabinet file: unpack it first"},
};

static enum ht_status refuse(const struct ht_input *input, const uint8_t *head, size_t size,
                             struct ht_error *error)
{
    const char *name = ht_input_name(input);
    if (size == 0)
        return ht_fail(error, HT_FORMAT, "%s: is empty", name);
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (size >= strangers[i].size && memcmp(head, strangers[i].magic, strangers[i].size) == 0)
            return ht_fail(error, HT_FORMAT, "%s: is %s", name, strangers[i].what);
    char found[3 * 16 + 1] = "";
    for (size_t i = 0; i < size && i < 16; i++)
        snprintf(found + 3 * i, 4, " %02x", head[i]);
    return ht_fail(error, HT_FORMAT,
                   "%s: at offset 0: expected an .etl, .htape or .tsv trace, found bytes%s", name,
                   found);
}

enum ht_status ht_format_detect(struct ht_input *input, const struct ht_format **format,
                                struct ht_error *error)
{
    const uint8_t *head = NULL;
    size_t size = 0;
    *format = NULL;
    enum ht_status status = ht_input_taste(input, &head, &size, error);
    if (status != HT_OK)
        return status;
    for (unsigned i = 0; ht_format_at(i) != NULL; i++) {
        if (formats[i]->taste != NULL && formats[i]->taste(head, size)) {
            *format = formats[i];
            return HT_OK;
        }
    }
    return refuse(input, head, size, error);
}
