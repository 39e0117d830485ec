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

static void count_sites(const struct ht_picture_sites *sites, struct ht_kept *kept)
{
    for (uint32_t i = 0; i < sites->count; i++) {
        uint32_t stack = ht_picture_site_stack(sites, i);
        kept->sites += stack != 0 && stack != HT_PICTURE_OTHER_STACKS;
        kept->sites_left_out += stack == HT_PICTURE_OTHER_STACKS;
    }
}

struct ht_kept ht_picture_kept(const struct ht_picture_model *model)
{
    const struct ht_budget *reallocs = &model->reallocs;
    struct ht_kept kept = {.reallocs = reallocs->count,
                           .reallocs_left_out = reallocs->offered - reallocs->count,
                           .events_left_out = model->dropped_events};
    for (uint32_t i = 0; i < model->process_count; i++) {
        const struct ht_picture_process *process = &model->processes[i];
        kept.chains += process->chains.count;
        kept.chains_left_out += process->chains.offered - process->chains.count;
        kept.blocks += process->blocks.count;
        kept.blocks_left_out += process->blocks.offered - process->blocks.count;
    }
    count_sites(&model->sites, &kept);
    return kept;
}

// The width of a bucket, of the track whose buckets are widest.
static uint64_t widest_ns(const struct ht_picture_model *model)
{
    uint32_t widest = 0;
    for (uint32_t i = 0; i < model->process_count; i++)
        if (model->processes[i].live.width_log2 > widest)
            widest = model->processes[i].live.width_log2;
    for (uint32_t i = 0; i < model->heap_count; i++)
        if (model->heaps[i].live.width_log2 > widest)
            widest = model->heaps[i].live.width_log2;
    return UINT64_C(1) << widest;
}

size_t ht_picture_attributes(const struct ht_picture_model *model, const struct ht_kept *kept,
                             char host[HT_PICTURE_NAME_SIZE],
                             struct ht_picture_attribute items[HT_PICTURE_ATTRIBUTES_MAX])
{
    const struct ht_origin *origin = &model->trace->origin;
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
    add_number(&list, "reallocs_kept", kept->reallocs);
    add_number(&list, "reallocs_dropped", kept->reallocs_left_out);
    add_number(&list, "chains_kept", kept->chains);
    add_number(&list, "chains_dropped", kept->chains_left_out);
    add_number(&list, "blocks_kept", kept->blocks);
    add_number(&list, "blocks_dropped", kept->blocks_left_out);
    add_number(&list, "sites_kept", kept->sites);
    add_number(&list, "sites_dropped", kept->sites_left_out);
    add_number(&list, "counter_width_ns", widest_ns(model));
    for (int loss = 0; loss < HT_LOSS_COUNT; loss++)
        add_number(&list, ht_loss_name((enum ht_loss)loss), model->trace->loss[loss]);
    return list.count;
}
