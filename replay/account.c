// SPDX-License-Identifier: MIT
//
// Asks jemalloc, tcmalloc and mimalloc. glibc's are in replay/heap_libc.c.
#include "replay/account.h"

#include "replay/library.h"

static const char *const jemalloc_names[] = {
    "stats.allocated", "stats.active", "stats.metadata",
    "stats.resident",  "stats.mapped", "stats.retained",
};

static const char *const tcmalloc_names[] = {
    "generic.current_allocated_bytes",   "generic.heap_size",
    "tcmalloc.pageheap_free_bytes",      "tcmalloc.pageheap_unmapped_bytes",
    "tcmalloc.central_cache_free_bytes", "tcmalloc.current_total_thread_cache_bytes",
};

bool ht_account_find(void *library, struct ht_account_calls *calls)
{
    calls->mallctl = (int (*)(const char *, void *, size_t *, void *, size_t))ht_library_function(
        library, "mallctl");
    calls->tcmalloc_property = (int (*)(const char *, size_t *))ht_library_function(
        library, "MallocExtension_GetNumericProperty");
    calls->mi_process_info =
        (void (*)(size_t *, size_t *, size_t *, size_t *, size_t *, size_t *, size_t *,
                  size_t *))ht_library_function(library, "mi_process_info");
    return calls->mallctl != NULL || calls->tcmalloc_property != NULL ||
           calls->mi_process_info != NULL;
}

void ht_account_add(struct ht_account *account, const char *name, uint64_t bytes)
{
    if (account->count < HT_ACCOUNT_FIGURES) {
        account->names[account->count] = name;
        account->bytes[account->count++] = bytes;
    }
}

static void ask_jemalloc(const struct ht_account_calls *calls, struct ht_account *account)
{
    uint64_t epoch = 1;
    account->source = "mallctl";
    // Until it is written the figures are those of the time before.
    calls->mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
    for (size_t i = 0; i < sizeof jemalloc_names / sizeof *jemalloc_names; i++) {
        size_t bytes = 0;
        size_t size = sizeof bytes;
        if (calls->mallctl(jemalloc_names[i], &bytes, &size, NULL, 0) == 0) {
            ht_account_add(account, jemalloc_names[i], bytes);
        }
    }
}

static void ask_tcmalloc(const struct ht_account_calls *calls, struct ht_account *account)
{
    account->source = "MallocExtension_GetNumericProperty";
    for (size_t i = 0; i < sizeof tcmalloc_names / sizeof *tcmalloc_names; i++) {
        size_t bytes = 0;
        if (calls->tcmalloc_property(tcmalloc_names[i], &bytes)) {
            ht_account_add(account, tcmalloc_names[i], bytes);
        }
    }
}

static void ask_mimalloc(const struct ht_account_calls *calls, struct ht_account *account)
{
    size_t commit = 0;
    size_t peak = 0;
    account->source = "mi_process_info";
    calls->mi_process_info(NULL, NULL, NULL, NULL, NULL, &commit, &peak, NULL);
    ht_account_add(account, "current_commit", commit);
    ht_account_add(account, "peak_commit", peak);
}

void ht_account_read(const struct ht_account_calls *calls, struct ht_account *account)
{
    *account = (struct ht_account){0};
    if (calls->mallctl != NULL) {
        ask_jemalloc(calls, account);
    } else if (calls->tcmalloc_property != NULL) {
        ask_tcmalloc(calls, account);
    } else if (calls->mi_process_info != NULL) {
        ask_mimalloc(calls, account);
    }
}
