// SPDX-License-Identifier: MIT
//
// The writer that writes nothing. See the header.
#include "formats/null.h"

#include <stdlib.h>

static enum ht_status write_events(struct ht_writer *self, const struct ht_event *events,
                                   size_t count, struct ht_error *error)
{
    (void)self;
    (void)events;
    (void)count;
    (void)error;
    return HT_OK;
}

static enum ht_status finish(struct ht_writer *self, struct ht_error *error)
{
    (void)self;
    (void)error;
    return HT_OK;
}

static void close_writer(struct ht_writer *self)
{
    free(self);
}

static enum ht_status open_writer(struct ht_output *output, const struct ht_trace *trace,
                                  struct ht_writer **writer, struct ht_error *error)
{
    (void)output;
    (void)trace;
    *writer = calloc(1, sizeof **writer);
    if (*writer == NULL)
        return ht_fail_memory(error, "a writer");
    **writer = (struct ht_writer){.write = write_events, .finish = finish, .close = close_writer};
    return HT_OK;
}

const struct ht_format ht_format_null = {
    .name = "null",
    .suffix = "",
    .what = "nothing (write only), to check or time the reading",
    .open_writer = open_writer,
    .is_text = true,
};
