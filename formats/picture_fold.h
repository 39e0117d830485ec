// SPDX-License-Identifier: MIT
//
// The small heaps of a process as one group, so that a process with hundreds of heaps can still be
// looked at.
#ifndef HT_FORMATS_PICTURE_FOLD_H
#define HT_FORMATS_PICTURE_FOLD_H

#include "formats/picture_model.h"

// Marks the heaps that never had one per cent of the peak of their process, but for the 16 largest
// of it.
void ht_picture_fold_heaps(struct ht_picture_model *model);

// Folds more. False when only the largest heap of each process is left.
bool ht_picture_fold_more(struct ht_picture_model *model);

uint32_t ht_picture_folded_count(const struct ht_picture_model *model, uint32_t process);

// Adds up the counters of the folded heaps of a process. Between the states that each heap kept its
// last one counts, so only the end is exact.
enum ht_status ht_picture_fold_series(const struct ht_picture_model *model, uint32_t process,
                                      struct ht_series *sum, struct ht_error *error);

#endif
