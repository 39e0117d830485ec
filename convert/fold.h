// SPDX-License-Identifier: MIT
//
// Fold: the three records that Windows logs for a realloc that moves (alloc of the new block, free
// of the old, realloc) become one realloc, at the time and place of the realloc record.
//
// The three are matched within one thread (pid, tid), one heap and a window of HT_FOLD_WINDOW
// events, in whatever order they come: going away from the realloc record in both directions
// through its thread's events, the nearest one that names the new address must be its alloc, of
// the same size, and the nearest that names the old address must be its free. What lies before the
// realloc is taken before what follows it. Unless both are found the realloc stays as it is, and
// so do the others. Folding a folded trace changes nothing, short of records that only the first
// folding brought within the window.
//
// An event that is not near a moved realloc costs a few instructions. A moved realloc without its
// records looks back over the whole window, which takes as long as some dozens of events.
//
// The realloc keeps its own fields and gets HT_FLAG_FOLDED. Up to HT_FOLD_WINDOW events are held
// back; when the source ends or fails they are delivered first, then its end or failure.
#ifndef HT_CONVERT_FOLD_H
#define HT_CONVERT_FOLD_H

#include "formats/format.h"

// Wraps `source`, which then belongs to the fold and is closed with it. On failure the source
// stays the caller's and *reader is NULL.
enum ht_status ht_fold_open(struct ht_reader *source, struct ht_reader **reader,
                            struct ht_error *error);

#endif
