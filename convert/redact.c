// SPDX-License-Identifier: MIT
//
// Pseudonyms. See the header.
#include "convert/redact.h"

#include <inttypes.h>
#include <stdio.h>

void ht_redact_reset(struct ht_redact *redact)
{
    for (int sort = 0; sort < HT_NAME_SORTS; sort++)
        ht_dict_close(redact->names[sort]);
    *redact = (struct ht_redact){{NULL}};
}

enum ht_status ht_redact_name(struct ht_redact *redact, enum ht_name_sort sort, const char *name,
                              size_t length, struct ht_pseudonym *pseudonym, struct ht_error *error)
{
    static const char *const words[HT_NAME_SORTS] = {"process", "module", "thread"};
    struct ht_dict **names = &redact->names[sort];
    uint32_t number = 0;
    if (*names == NULL)
        *names = ht_dict_open();
    if (*names == NULL)
        return ht_fail_memory(error, "the pseudonyms");
    enum ht_status status = ht_dict_add_string(*names, name, length, &number, error);
    if (status == HT_OK)
        snprintf(pseudonym->text, sizeof pseudonym->text, "%s-%" PRIu32, words[sort], number);
    return status;
}
