// SPDX-License-Identifier: MIT
//
// Who played an operation is dealt out once more, as for the schedule, so that the schedule need
// not keep it.
#include "replay/sightings.h"

#include "replay/os.h"

struct ht_sightings {
    struct ht_deal deal;
    uint64_t read; // operations
    struct ht_sighting *all;
    struct ht_sightings_of *by_worker;
};

// Each has one more than is needed, so that none is empty.
static uint64_t bytes_of_all(const struct ht_sightings *sightings)
{
    return (sightings->deal.operations + 1) * sizeof *sightings->all;
}

static uint64_t bytes_of_workers(const struct ht_sightings *sightings)
{
    return (sightings->deal.workers + UINT64_C(1)) * sizeof *sightings->by_worker;
}

static void share_out(struct ht_sightings *sightings, const struct ht_schedule *schedule)
{
    struct ht_sighting *next = sightings->all;
    for (uint32_t i = 0; i < ht_schedule_totals(schedule)->workers; i++) {
        sightings->by_worker[i] = (struct ht_sightings_of){next, next};
        next += ht_schedule_program(schedule, i)->operations;
    }
}

enum ht_status ht_sightings_open(struct ht_sightings **sightings, const struct ht_plan *plan,
                                 const struct ht_trail *trail, const struct ht_schedule *schedule,
                                 struct ht_error *error)
{
    struct ht_sightings *made = ht_os_map(sizeof *made);
    *sightings = NULL;
    if (made == NULL) {
        return ht_fail_memory(error, "what the workers see");
    }
    uint32_t workers = ht_schedule_totals(schedule)->workers;
    enum ht_status status = ht_deal_init(&made->deal, plan, trail, workers, error);
    if (status != HT_OK) {
        ht_os_unmap(made, sizeof *made);
        return status;
    }
    made->all = ht_os_map(bytes_of_all(made));
    made->by_worker = ht_os_map(bytes_of_workers(made));
    if (made->all == NULL || made->by_worker == NULL) {
        ht_sightings_close(made);
        return ht_fail_memory(error, "what the workers see");
    }
    share_out(made, schedule);
    *sightings = made;
    return HT_OK;
}

void ht_sightings_close(struct ht_sightings *sightings)
{
    if (sightings != NULL) {
        ht_os_unmap(sightings->by_worker, bytes_of_workers(sightings));
        ht_os_unmap(sightings->all, bytes_of_all(sightings));
        ht_deal_reset(&sightings->deal);
        ht_os_unmap(sightings, sizeof *sightings);
    }
}

struct ht_sightings_of *ht_sightings_by_worker(struct ht_sightings *sightings)
{
    return sightings->by_worker;
}

bool ht_sightings_next(struct ht_sightings *sightings, struct ht_sighting *sighting)
{
    if (sightings->read == sightings->deal.operations) {
        return false;
    }
    struct ht_sightings_of *of = &sightings->by_worker[sightings->deal.worker_of[sightings->read]];
    if (of->next == of->end) {
        return false;
    }
    *sighting = *of->next++;
    sightings->read++;
    return true;
}

uint64_t ht_sightings_memory_bytes(const struct ht_sightings *sightings)
{
    return sizeof *sightings + bytes_of_all(sightings) + bytes_of_workers(sightings) +
           sightings->deal.operations * sizeof *sightings->deal.worker_of;
}
