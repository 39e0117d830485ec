// SPDX-License-Identifier: MIT
//
// The list of attributes. See the header; what they mean is in docs/formats/perfetto.md.
#include "formats/picture_attributes.h"

enum { SCHEMA = 1 }; // of all names in the picture

struct list {
    struct ht_picture_attribute *items;
    size_t count;
};

static void add_number(struct list *list, const char *key, uint64_t number)
{
    list->items[list->count++] = (struct ht_picture_attribute){.key = key, .number = number};
}

static void add_text(struct list *list, const char *key, const char *text)
{
    list->items[list->count++] = (struct ht_picture_attribute){.key = key, .text = text};
}

size_t ht_picture_attributes(const struct ht_picture_model *model, char host[HT_PICTURE_NAME_SIZE],
                             struct ht_picture_attribute items[HT_PICTURE_ATTRIBUTES_MAX])
{
    const struct ht_origin *origin = &model->trace->origin;
    const struct ht_budget *reallocs = &model->reallocs;
    struct list list = {.items = items};
    ht_picture_text(model->trace->dict, model->trace->host, host);
    add_text(&list, "writer", "heaptape " HT_VERSION);
    add_number(&list, "schema", SCHEMA);
    add_text(&list, "source_format", origin->format != NULL ? origin->format : "");
    add_text(&list, "host", host);
    add_number(&list, "pointer_size", origin->pointer_size);
    add_number(&list, "clock", origin->clock);
    add_number(&list, "clock_hz", origin->clock_hz);
    add_number(&list, "time_shift_ns", 0 - (uint64_t)model->base_ns);
    add_number(&list, "events", model->event_count - model->piece_count);
    add_number(&list, "events_of_dropped_processes", model->dropped_events);
    add_number(&list, "every_event", model->is_full);
    add_text(&list, "filters", model->trace->filters);
    add_number(&list, "events_left_out", model->trace->left_out);
    add_number(&list, "heaps_kept", model->heap_count);
    add_number(&list, "heaps_dropped", model->dropped_heaps);
    add_number(&list, "reallocs_kept", reallocs->count);
    add_number(&list, "reallocs_dropped", reallocs->offered - reallocs->count);
    for (int loss = 0; loss < HT_LOSS_COUNT; loss++)
        add_number(&list, ht_loss_name((enum ht_loss)loss), model->trace->loss[loss]);
    return list.count;
}
