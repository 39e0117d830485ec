// SPDX-License-Identifier: MIT
//
// Relay, with POSIX threads, which Windows has too (winpthreads). A ring of pieces: the caller
// fills one at its head while the thread works through those behind.
#include "formats/relay.h"

#include <pthread.h>
#include <stdlib.h>

enum { PIECES = HT_RELAY_PIECES };

struct ht_relay {
    struct ht_relay_work work;
    uint8_t *pieces; // owned
    bool is_apart;
    pthread_t thread;
    pthread_mutex_t lock; // of what follows
    pthread_cond_t changed;
    uint64_t passed; // pieces handed over so far
    uint64_t done;
    bool is_closing;
    enum ht_status status; // the first failure
    struct ht_error error;
};

static void *piece_at(const struct ht_relay *relay, uint64_t number)
{
    return relay->pieces + number % PIECES * relay->work.piece_size;
}

static void *run_thread(void *context)
{
    struct ht_relay *relay = context;
    pthread_mutex_lock(&relay->lock);
    for (;;) {
        while (relay->done == relay->passed && !relay->is_closing)
            pthread_cond_wait(&relay->changed, &relay->lock);
        if (relay->is_closing)
            break;
        enum ht_status status = relay->status;
        struct ht_error error = {0};
        pthread_mutex_unlock(&relay->lock);
        if (status == HT_OK)
            status = relay->work.run(relay->work.context, piece_at(relay, relay->done), &error);
        pthread_mutex_lock(&relay->lock);
        if (relay->status == HT_OK && status != HT_OK) {
            relay->status = status;
            relay->error = error;
        }
        relay->done++;
        pthread_cond_signal(&relay->changed);
    }
    pthread_mutex_unlock(&relay->lock);
    return NULL;
}

static bool start_thread(struct ht_relay *relay)
{
    if (pthread_mutex_init(&relay->lock, NULL) != 0)
        return false;
    if (pthread_cond_init(&relay->changed, NULL) != 0) {
        pthread_mutex_destroy(&relay->lock);
        return false;
    }
    if (pthread_create(&relay->thread, NULL, run_thread, relay) != 0) {
        pthread_cond_destroy(&relay->changed);
        pthread_mutex_destroy(&relay->lock);
        return false;
    }
    return true;
}

enum ht_status ht_relay_open(struct ht_relay **relay, const struct ht_relay_work *work,
                             bool is_apart, struct ht_error *error)
{
    *relay = calloc(1, sizeof **relay);
    if (*relay == NULL)
        return ht_fail_memory(error, "a second thread");
    (*relay)->work = *work;
    (*relay)->pieces = calloc(is_apart ? PIECES : 1, work->piece_size);
    if ((*relay)->pieces == NULL) {
        ht_relay_close(*relay);
        *relay = NULL;
        return ht_fail_memory(error, "a second thread");
    }
    // Without the thread the work is done all the same.
    (*relay)->is_apart = is_apart && start_thread(*relay);
    return HT_OK;
}

void ht_relay_close(struct ht_relay *relay)
{
    if (relay == NULL)
        return;
    if (relay->is_apart) {
        pthread_mutex_lock(&relay->lock);
        relay->is_closing = true;
        pthread_cond_signal(&relay->changed);
        pthread_mutex_unlock(&relay->lock);
        pthread_join(relay->thread, NULL);
        pthread_cond_destroy(&relay->changed);
        pthread_mutex_destroy(&relay->lock);
    }
    free(relay->pieces);
    free(relay);
}

void ht_relay_reach(struct ht_relay *relay, uint64_t count)
{
    if (!relay->is_apart)
        return;
    pthread_mutex_lock(&relay->lock);
    while (relay->done < count)
        pthread_cond_wait(&relay->changed, &relay->lock);
    pthread_mutex_unlock(&relay->lock);
}

void *ht_relay_piece(struct ht_relay *relay)
{
    if (!relay->is_apart)
        return relay->pieces;
    if (relay->passed >= PIECES)
        ht_relay_reach(relay, relay->passed - PIECES + 1);
    return piece_at(relay, relay->passed);
}

// The first failure so far. The lock is held.
static enum ht_status failure(const struct ht_relay *relay, struct ht_error *error)
{
    if (relay->status != HT_OK && error != NULL)
        *error = relay->error;
    return relay->status;
}

enum ht_status ht_relay_pass(struct ht_relay *relay, struct ht_error *error)
{
    if (!relay->is_apart) {
        if (relay->status == HT_OK)
            relay->status = relay->work.run(relay->work.context, relay->pieces, &relay->error);
        return failure(relay, error);
    }
    pthread_mutex_lock(&relay->lock);
    relay->passed++;
    pthread_cond_signal(&relay->changed);
    enum ht_status status = failure(relay, error);
    pthread_mutex_unlock(&relay->lock);
    return status;
}

enum ht_status ht_relay_wait(struct ht_relay *relay, struct ht_error *error)
{
    if (!relay->is_apart)
        return failure(relay, error);
    ht_relay_reach(relay, relay->passed);
    pthread_mutex_lock(&relay->lock);
    enum ht_status status = failure(relay, error);
    pthread_mutex_unlock(&relay->lock);
    return status;
}
