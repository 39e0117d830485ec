// SPDX-License-Identifier: MIT
//
// Relay: work that is handed over piece by piece, to a second thread where there is a second
// processor, else done at once. Either way it is done in the order in which it was handed over, so
// what comes of it is the same.
#ifndef HT_FORMATS_RELAY_H
#define HT_FORMATS_RELAY_H

#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Does the work of one piece. What it uses must not be touched by others until it is done.
struct ht_relay_work {
    enum ht_status (*run)(void *context, void *piece, struct ht_error *error);
    void *context;
    size_t piece_size;
};

struct ht_relay;

enum { HT_RELAY_PIECES = 16 }; // handed over and not done, at most

// Whether this process may run on more than one processor. One file a system implements it
// (processors_*.c), chosen by CMake.
bool ht_relay_has_processors(void);

// Pieces are done by a thread of their own when `is_apart`. HT_MEMORY.
enum ht_status ht_relay_open(struct ht_relay **relay, const struct ht_relay_work *work,
                             bool is_apart, struct ht_error *error);

// Ends the thread; pieces that were not waited for may be left undone. NULL is accepted.
void ht_relay_close(struct ht_relay *relay);

// The piece to fill next, as it was left when its turn came round, at first zero. Waits for one.
void *ht_relay_piece(struct ht_relay *relay);

// Hands over the piece got last. Gives the first failure of the pieces done so far, after which
// none is done any more.
enum ht_status ht_relay_pass(struct ht_relay *relay, struct ht_error *error);

// Waits until so many pieces of all that were handed over are done, whether well or not.
void ht_relay_reach(struct ht_relay *relay, uint64_t count);

// Waits until all that was handed over is done, and gives the first failure.
enum ht_status ht_relay_wait(struct ht_relay *relay, struct ht_error *error);

#endif
