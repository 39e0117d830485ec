// SPDX-License-Identifier: MIT
//
// Sockets by Winsock. See the header.
#include "cli/socket.h"

#include "replay/windows_failure.h"

#include <winsock2.h>

#include <assert.h>

static enum ht_status fail(struct ht_error *error, const char *what)
{
    return ht_fail_windows(error, (unsigned long)WSAGetLastError(), "%s", what);
}

static bool set_patient(SOCKET id)
{
    u_long on = 1;
    return ioctlsocket(id, (long)FIONBIO, &on) == 0 &&
           SetHandleInformation((HANDLE)id, HANDLE_FLAG_INHERIT, 0);
}

static enum ht_status listen_on(SOCKET id, unsigned *port, int waiting_most, struct ht_error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((u_short)*port)};
    int size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Unlike elsewhere, a port that lingers can be had without more, and SO_REUSEADDR would share
    // it.
    if (bind(id, (struct sockaddr *)&address, size) != 0 || listen(id, waiting_most) != 0 ||
        getsockname(id, (struct sockaddr *)&address, &size) != 0)
        return ht_fail_windows(error, (unsigned long)WSAGetLastError(), "listening on 127.0.0.1:%u",
                               *port);
    *port = ntohs(address.sin_port);
    return HT_OK;
}

enum ht_status ht_socket_listen(intptr_t *socket_id, unsigned *port, int waiting_most,
                                struct ht_error *error)
{
    WSADATA data;
    *socket_id = HT_SOCKET_NONE;
    int code = WSAStartup(MAKEWORD(2, 2), &data); // undone by the process's end
    if (code != 0)
        return ht_fail_windows(error, (unsigned long)code, "a socket cannot be had");
    SOCKET id = socket(AF_INET, SOCK_STREAM, 0);
    if (id == INVALID_SOCKET)
        return fail(error, "a socket cannot be had");
    enum ht_status status = set_patient(id) ? listen_on(id, port, waiting_most, error)
                                            : fail(error, "a socket cannot be had");
    if (status == HT_OK)
        *socket_id = (intptr_t)id;
    else
        closesocket(id);
    return status;
}

intptr_t ht_socket_accept(intptr_t listener)
{
    SOCKET id = accept((SOCKET)listener, NULL, NULL);
    if (id == INVALID_SOCKET)
        return HT_SOCKET_NONE;
    if (set_patient(id))
        return (intptr_t)id;
    closesocket(id);
    return HT_SOCKET_NONE;
}

void ht_socket_close(intptr_t socket_id)
{
    if (socket_id != HT_SOCKET_NONE)
        closesocket((SOCKET)socket_id);
}

static enum ht_socket_state state_of(int moved, size_t *count)
{
    *count = moved > 0 ? (size_t)moved : 0;
    if (moved > 0)
        return HT_SOCKET_MOVED;
    return WSAGetLastError() == WSAEWOULDBLOCK ? HT_SOCKET_LATER : HT_SOCKET_GONE;
}

static int at_once(size_t size)
{
    return size < INT_MAX ? (int)size : INT_MAX;
}

enum ht_socket_state ht_socket_receive(intptr_t socket_id, void *bytes, size_t size, size_t *count)
{
    int got = recv((SOCKET)socket_id, bytes, at_once(size), 0);
    *count = 0;
    return got == 0 ? HT_SOCKET_ENDED : state_of(got, count);
}

enum ht_socket_state ht_socket_send(intptr_t socket_id, const void *bytes, size_t size,
                                    size_t *count)
{
    return state_of(send((SOCKET)socket_id, bytes, at_once(size), 0), count);
}

bool ht_socket_end_sending(intptr_t socket_id)
{
    return shutdown((SOCKET)socket_id, SD_SEND) == 0;
}

enum ht_status ht_socket_wait(struct ht_socket_watch *watches, size_t count, int timeout_ms,
                              struct ht_error *error)
{
    WSAPOLLFD polled[HT_SOCKET_WATCHES_MAX];
    assert(count <= HT_SOCKET_WATCHES_MAX);
    for (size_t i = 0; i < count; i++)
        polled[i] = (WSAPOLLFD){.fd = (SOCKET)watches[i].socket,
                                .events = watches[i].is_to_send ? POLLWRNORM : POLLRDNORM};
    int ready = WSAPoll(polled, (ULONG)count, timeout_ms);
    if (ready < 0)
        return fail(error, "waiting for a connection");
    for (size_t i = 0; i < count; i++)
        watches[i].is_ready = ready > 0 && polled[i].revents != 0;
    return HT_OK;
}
