// SPDX-License-Identifier: MIT
//
// Heap events that wait for their stacks. A stack is recorded after its event, on whatever CPU and
// in whatever buffer; the newest HT_ETL_WINDOW events are held back so that it finds its event.
// The order of events is not touched, and they stay where they were made until they are given.
#ifndef HT_FORMATS_ETL_WINDOW_H
#define HT_FORMATS_ETL_WINDOW_H

#include "formats/etl_file.h"
#include "formats/etl_merge.h"
#include "formats/format.h"

struct ht_etl_window;

// A window over the events of a borrowed file, whose trace gets the stacks. NULL when there is no
// memory. Close accepts NULL.
struct ht_etl_window *ht_etl_window_open(struct ht_etl_file *file);
void ht_etl_window_close(struct ht_etl_window *window);

// Room for the next events, at least one and at most so many as are wanted until as many can be
// given; a limit of 0 when that is so already. They enter with the push of their count.
void ht_etl_window_room(struct ht_etl_window *window, size_t wanted, struct ht_etl_batch *room);
void ht_etl_window_push(struct ht_etl_window *window, size_t count);

// Gives a stack to its event. A stack of another record, as most are, is let go by; one without
// frames anywhere in the file is counted as lost, and so is one whose event is known to have left.
enum ht_status ht_etl_window_attach(struct ht_etl_window *window,
                                    const struct ht_etl_placed *placed, struct ht_error *error);

// Lends the oldest events, at most events->count, valid until the next call for room: those that
// need wait no longer, or any when no more come. HT_END when there are none.
enum ht_status ht_etl_window_take(struct ht_etl_window *window, bool is_last,
                                  struct ht_events *events, struct ht_error *error);

#endif
