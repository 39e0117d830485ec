// SPDX-License-Identifier: MIT
//
// Sockets by POSIX. See the header.
#include "cli/socket.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static bool set_patient(int id)
{
    int flags = fcntl(id, F_GETFL);
    return flags >= 0 && fcntl(id, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(id, F_SETFD, FD_CLOEXEC) == 0;
}

static enum ht_status listen_on(int id, unsigned *port, int waiting_most, struct ht_error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t size = sizeof address;
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Connections of the last run that linger are no reason to wait.
    setsockopt(id, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(id, (struct sockaddr *)&address, size) != 0 || listen(id, waiting_most) != 0 ||
        getsockname(id, (struct sockaddr *)&address, &size) != 0)
        return ht_fail_errno(error, "listening on 127.0.0.1:%u", *port);
    *port = ntohs(address.sin_port);
    return HT_OK;
}

enum ht_status ht_socket_listen(intptr_t *socket_id, unsigned *port, int waiting_most,
                                struct ht_error *error)
{
    int id = socket(AF_INET, SOCK_STREAM, 0);
    enum ht_status status = id < 0 || !set_patient(id)
                                ? ht_fail_errno(error, "a socket cannot be had")
                                : listen_on(id, port, waiting_most, error);
    if (status != HT_OK)
        ht_socket_close(id);
    *socket_id = status == HT_OK ? id : HT_SOCKET_NONE;
    return status;
}

intptr_t ht_socket_accept(intptr_t listener)
{
    int id = accept((int)listener, NULL, NULL);
    if (id >= 0 && set_patient(id))
        return id;
    ht_socket_close(id);
    return HT_SOCKET_NONE;
}

void ht_socket_close(intptr_t socket_id)
{
    if (socket_id >= 0)
        close((int)socket_id);
}

static enum ht_socket_state state_of(ssize_t moved, size_t *count)
{
    *count = moved > 0 ? (size_t)moved : 0;
    if (moved > 0)
        return HT_SOCKET_MOVED;
    return errno == EAGAIN || errno == EINTR ? HT_SOCKET_LATER : HT_SOCKET_GONE;
}

enum ht_socket_state ht_socket_receive(intptr_t socket_id, void *bytes, size_t size, size_t *count)
{
    ssize_t got = recv((int)socket_id, bytes, size, 0);
    *count = 0;
    return got == 0 ? HT_SOCKET_ENDED : state_of(got, count);
}

enum ht_socket_state ht_socket_send(intptr_t socket_id, const void *bytes, size_t size,
                                    size_t *count)
{
    return state_of(send((int)socket_id, bytes, size, MSG_NOSIGNAL), count);
}

bool ht_socket_end_sending(intptr_t socket_id)
{
    return shutdown((int)socket_id, SHUT_WR) == 0;
}

enum ht_status ht_socket_wait(struct ht_socket_watch *watches, size_t count, int timeout_ms,
                              struct ht_error *error)
{
    struct pollfd polled[HT_SOCKET_WATCHES_MAX];
    assert(count <= HT_SOCKET_WATCHES_MAX);
    for (size_t i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = (int)watches[i].socket,
                                    .events = watches[i].is_to_send ? POLLOUT : POLLIN};
    int ready = poll(polled, (nfds_t)count, timeout_ms);
    if (ready < 0 && errno != EINTR)
        return ht_fail_errno(error, "waiting for a connection");
    for (size_t i = 0; i < count; i++)
        watches[i].is_ready = ready > 0 && polled[i].revents != 0;
    return HT_OK;
}
