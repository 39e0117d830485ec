// SPDX-License-Identifier: MIT
//
// The server by POSIX sockets: one loop over a few connections, none of which can hold up another.
// See the header.
#include "cli/serve.h"

#include "cli/system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CLIENTS_MAX = 16, // browsers open a few ahead; more wait to be accepted
    IDLE_MS = 30000,  // for a request, or without taking a byte: let go
    TICK_MS = 500,
    PIECE_SIZE = 1 << 16,
};

enum stage { STAGE_REQUEST, STAGE_HEAD, STAGE_FILE, STAGE_PARTING };

struct client {
    int socket;
    enum stage stage;
    int64_t moved_ms; // when it came, or took bytes last
    char request[HT_HTTP_REQUEST_MAX];
    size_t request_size;
    struct ht_http_answer answer;
    uint64_t sent; // of the head, then of the file
};

struct ht_server {
    int listener;
    struct ht_http_file file;
    int source; // of the file's bytes
    struct client *clients[CLIENTS_MAX];
    size_t client_count;
    bool is_given;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool set_patient(int socket)
{
    int flags = fcntl(socket, F_GETFL);
    return flags >= 0 && fcntl(socket, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(socket, F_SETFD, FD_CLOEXEC) == 0;
}

static enum ht_status listen_on(struct ht_server *server, unsigned port, struct ht_error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server->listener < 0 || !set_patient(server->listener))
        return ht_fail_errno(error, "a socket cannot be had");
    // Connections of the last run that linger are no reason to wait.
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(server->listener, CLIENTS_MAX) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0)
        return ht_fail_errno(error, "listening on 127.0.0.1:%u", port);
    server->file.port = ntohs(address.sin_port);
    return HT_OK;
}

enum ht_status ht_server_open(unsigned port, struct ht_server **server, struct ht_error *error)
{
    *server = NULL;
    struct ht_server *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return ht_fail_memory(error, "a server");
    enum ht_status status = listen_on(opened, port, error);
    if (status == HT_OK)
        *server = opened;
    else
        ht_server_close(opened);
    return status;
}

unsigned ht_server_port(const struct ht_server *server)
{
    return server->file.port;
}

static void let_go(struct ht_server *server, size_t index)
{
    close(server->clients[index]->socket);
    free(server->clients[index]);
    server->clients[index] = server->clients[--server->client_count];
}

static void welcome(struct ht_server *server, int64_t now)
{
    int socket = accept(server->listener, NULL, NULL);
    if (socket < 0)
        return; // it has gone again
    struct client *client = set_patient(socket) ? calloc(1, sizeof *client) : NULL;
    if (client == NULL) {
        close(socket);
        return;
    }
    client->socket = socket;
    client->moved_ms = now;
    server->clients[server->client_count++] = client;
}

// False when the client is to be let go; so also below.
static bool hear(const struct ht_server *server, struct client *client)
{
    ssize_t got = recv(client->socket, client->request + client->request_size,
                       sizeof client->request - client->request_size, 0);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    client->request_size += (size_t)got;
    bool is_full = client->request_size == sizeof client->request;
    if (!is_full && !ht_http_is_whole(client->request, client->request_size))
        return true;
    ht_http_answer(client->request, client->request_size, &server->file, &client->answer);
    client->stage = STAGE_HEAD;
    return true;
}

// Sends from `bytes` and counts it; *size is what they are.
static bool put(struct client *client, const void *bytes, size_t size)
{
    ssize_t sent = send(client->socket, bytes, size, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    client->sent += (uint64_t)sent;
    return true;
}

// Ends our side, and waits for the client to end its own: closing at once may lose what is on the
// way.
static bool part(struct client *client)
{
    client->stage = STAGE_PARTING;
    return shutdown(client->socket, SHUT_WR) == 0;
}

static bool send_head(struct client *client)
{
    if (!put(client, client->answer.head + client->sent, client->answer.size - client->sent))
        return false;
    if (client->sent < client->answer.size)
        return true;
    client->sent = 0;
    client->stage = STAGE_FILE;
    return client->answer.has_file || part(client);
}

static bool send_file(struct ht_server *server, struct client *client)
{
    char piece[PIECE_SIZE];
    ssize_t got = pread(server->source, piece, sizeof piece, (off_t)client->sent);
    if (got < 0 || (got == 0 && client->sent < server->file.size))
        return false; // the file has become shorter, or cannot be read
    if (got > 0 && !put(client, piece, (size_t)got))
        return false;
    return client->sent < server->file.size || part(client);
}

static bool wait_for_end(struct ht_server *server, struct client *client)
{
    char unheard[256];
    ssize_t got = recv(client->socket, unheard, sizeof unheard, 0);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return true;
    server->is_given = server->is_given || (got == 0 && client->answer.has_file);
    return false;
}

static bool go_on(struct ht_server *server, struct client *client)
{
    switch (client->stage) {
    case STAGE_REQUEST:
        return hear(server, client);
    case STAGE_HEAD:
        return send_head(client);
    case STAGE_FILE:
        return send_file(server, client);
    case STAGE_PARTING:
        return wait_for_end(server, client);
    }
    return false;
}

// One round: waits until something can be done and does it.
static enum ht_status serve(struct ht_server *server, struct ht_error *error)
{
    struct pollfd polled[CLIENTS_MAX + 1];
    size_t count = server->client_count;
    for (size_t i = 0; i < count; i++) {
        bool is_sending =
            server->clients[i]->stage == STAGE_HEAD || server->clients[i]->stage == STAGE_FILE;
        polled[i] = (struct pollfd){.fd = server->clients[i]->socket,
                                    .events = is_sending ? POLLOUT : POLLIN};
    }
    polled[count] = (struct pollfd){.fd = server->listener, .events = POLLIN};
    if (poll(polled, (nfds_t)(count + (count < CLIENTS_MAX)), TICK_MS) < 0)
        return errno == EINTR ? HT_OK : ht_fail_errno(error, "waiting for a connection");
    int64_t now = now_ms();
    // From the last on, since letting one go moves the last into its place.
    for (size_t i = count; i-- > 0;) {
        struct client *client = server->clients[i];
        if ((polled[i].revents & POLLOUT) != 0)
            client->moved_ms = now;
        if ((polled[i].revents != 0 && !go_on(server, client)) || now - client->moved_ms > IDLE_MS)
            let_go(server, i);
    }
    if (count < CLIENTS_MAX && polled[count].revents != 0)
        welcome(server, now);
    return HT_OK;
}

enum ht_status ht_server_give(struct ht_server *server, FILE *file, const char *name,
                              struct ht_error *error)
{
    server->source = fileno(file);
    off_t size = lseek(server->source, 0, SEEK_END);
    if (size < 0)
        return ht_fail_errno(error, "%s", name);
    server->file.name = name;
    server->file.size = (uint64_t)size;
    enum ht_status status = HT_OK;
    while (status == HT_OK && !server->is_given && !ht_system_is_interrupted())
        status = serve(server, error);
    return status == HT_OK && !server->is_given ? HT_END : status;
}

void ht_server_close(struct ht_server *server)
{
    if (server == NULL)
        return;
    while (server->client_count > 0)
        let_go(server, 0);
    if (server->listener >= 0)
        close(server->listener);
    free(server);
}
