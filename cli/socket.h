// SPDX-License-Identifier: MIT
//
// Sockets that never make their caller wait, but for ht_socket_wait. One file a system implements
// it, chosen by CMake.
#ifndef HT_CLI_SOCKET_H
#define HT_CLI_SOCKET_H

#include "formats/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A socket is the system's number of it, or this.
enum { HT_SOCKET_NONE = -1 };

// Listens on 127.0.0.1 for connections, of which so many may wait; port 0 is any that is free, and
// *port then says which. On failure *socket is HT_SOCKET_NONE.
enum ht_status ht_socket_listen(intptr_t *socket, unsigned *port, int waiting_most,
                                struct ht_error *error);

// The next connection, HT_SOCKET_NONE when there is none any more.
intptr_t ht_socket_accept(intptr_t listener);

// HT_SOCKET_NONE is fine.
void ht_socket_close(intptr_t socket);

enum ht_socket_state {
    HT_SOCKET_MOVED, // at least one byte
    HT_SOCKET_LATER, // nothing now
    HT_SOCKET_ENDED, // the other sends no more
    HT_SOCKET_GONE,
};

// At most `size` bytes; *count is how many were moved.
enum ht_socket_state ht_socket_receive(intptr_t socket, void *bytes, size_t size, size_t *count);
enum ht_socket_state ht_socket_send(intptr_t socket, const void *bytes, size_t size, size_t *count);

// Tells the other that nothing more comes. False when it has gone.
bool ht_socket_end_sending(intptr_t socket);

// What is waited for at a socket: that it can send, else that it can receive or accept. An end or
// a failure is something that can be received.
struct ht_socket_watch {
    intptr_t socket;
    bool is_to_send;
    bool is_ready; // the answer
};

// Waits until one of them is ready, at most so long; an interrupt may end it before.
enum ht_status ht_socket_wait(struct ht_socket_watch *watches, size_t count, int timeout_ms,
                              struct ht_error *error);

enum { HT_SOCKET_WATCHES_MAX = 64 };

#endif
