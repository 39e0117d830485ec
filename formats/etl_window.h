// SPDX-License-Identifier: MIT
//
// Heap events that wait for their stacks. A stack is recorded after its event, on whatever CPU and
// in whatever buffer; the newest HT_ETL_WINDOW events are held back so that it finds its event.
// The order of events is not touched.
#ifndef HT_FORMATS_ETL_WINDOW_H
#define HT_FORMATS_ETL_WINDOW_H

#include "formats/etl_file.h"
#include "formats/etl_merge.h"
#include "formats/event.h"

struct ht_etl_window;

// A window over the events of a borrowed file, whose trace gets the stacks. NULL when there is no
// memory. Close accepts NULL.
struct ht_etl_window *ht_etl_window_open(struct ht_etl_file *file);
void ht_etl_window_close(struct ht_etl_window *window);

// Where to make the next event, NULL when the window is full. It enters with the push.
struct ht_event *ht_etl_window_room(struct ht_etl_window *window);
void ht_etl_window_push(struct ht_etl_window *window, int64_t ticks);

// Gives a stack to its event. A stack of another record, as most are, is let go by; one without
// frames anywhere in the file is counted as lost.
enum ht_status ht_etl_window_attach(struct ht_etl_window *window,
                                    const struct ht_etl_placed *placed, struct ht_error *error);

// Takes the oldest event; HT_END when the window is empty.
enum ht_status ht_etl_window_take(struct ht_etl_window *window, struct ht_event *event,
                                  struct ht_error *error);

#endif
