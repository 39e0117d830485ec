// SPDX-License-Identifier: MIT
//
// Redact: pseudonyms for the names of a recording, numbered in order of first use: "process-1",
// "module-1", "thread-1". The same name has the same one wherever it is used; nothing in a
// pseudonym is of the name, so that no guess at the name can be checked.
#ifndef HT_CONVERT_REDACT_H
#define HT_CONVERT_REDACT_H

#include "formats/dict.h"

enum ht_name_sort {
    HT_NAME_PROCESS,
    HT_NAME_MODULE,
    HT_NAME_THREAD,
    HT_NAME_SORTS,
};

// A value; zero is "no names yet".
struct ht_redact {
    struct ht_dict *names[HT_NAME_SORTS]; // whose ids are the numbers, owned
};

void ht_redact_reset(struct ht_redact *redact);

struct ht_pseudonym {
    char text[32];
};

// HT_LIMIT at the caps of a dictionary, HT_MEMORY.
enum ht_status ht_redact_name(struct ht_redact *redact, enum ht_name_sort sort, const char *name,
                              size_t length, struct ht_pseudonym *pseudonym,
                              struct ht_error *error);

#endif
