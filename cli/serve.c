// SPDX-License-Identifier: MIT
//
// One loop over a few connections, none of which can hold up another. See the header.
#include "cli/serve.h"

#include "cli/socket.h"
#include "cli/system.h"
#include "replay/os.h"

#include <stdlib.h>
#include <string.h>

enum {
    CLIENTS_MAX = 16, // browsers open a few ahead; more wait to be accepted
    IDLE_MS = 30000,  // for a request, or without taking a byte: let go
    TICK_MS = 500,
    PIECE_SIZE = 1 << 16,
};

enum stage { STAGE_REQUEST, STAGE_HEAD, STAGE_FILE, STAGE_PARTING };

struct client {
    intptr_t socket;
    enum stage stage;
    int64_t moved_ms; // when it came, or took bytes last
    char request[HT_HTTP_REQUEST_MAX];
    size_t request_size;
    struct ht_http_answer answer;
    uint64_t sent; // of the head, then of the file
};

struct ht_server {
    intptr_t listener;
    struct ht_http_file file;
    FILE *source; // of the file's bytes
    struct client *clients[CLIENTS_MAX];
    size_t client_count;
    bool is_given;
};

static int64_t now_ms(void)
{
    return (int64_t)(ht_os_clock_ns() / 1000000);
}

enum ht_status ht_server_open(unsigned port, struct ht_server **server, struct ht_error *error)
{
    *server = NULL;
    struct ht_server *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return ht_fail_memory(error, "a server");
    opened->file.port = port;
    enum ht_status status =
        ht_socket_listen(&opened->listener, &opened->file.port, CLIENTS_MAX, error);
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
    ht_socket_close(server->clients[index]->socket);
    free(server->clients[index]);
    server->clients[index] = server->clients[--server->client_count];
}

static void welcome(struct ht_server *server, int64_t now)
{
    intptr_t socket = ht_socket_accept(server->listener);
    if (socket == HT_SOCKET_NONE)
        return; // it has gone again
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        ht_socket_close(socket);
        return;
    }
    client->socket = socket;
    client->moved_ms = now;
    server->clients[server->client_count++] = client;
}

// False when the client is to be let go; so also below.
static bool hear(const struct ht_server *server, struct client *client)
{
    size_t got;
    enum ht_socket_state state =
        ht_socket_receive(client->socket, client->request + client->request_size,
                          sizeof client->request - client->request_size, &got);
    if (state != HT_SOCKET_MOVED)
        return state == HT_SOCKET_LATER;
    client->request_size += got;
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
    size_t sent;
    enum ht_socket_state state = ht_socket_send(client->socket, bytes, size, &sent);
    client->sent += sent;
    return state != HT_SOCKET_GONE;
}

// Ends our side, and waits for the client to end its own: closing at once may lose what is on the
// way.
static bool part(struct client *client)
{
    client->stage = STAGE_PARTING;
    return ht_socket_end_sending(client->socket);
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
    if (fseeko(server->source, (off_t)client->sent, SEEK_SET) != 0)
        return false;
    size_t got = fread(piece, 1, sizeof piece, server->source);
    if (got == 0 && client->sent < server->file.size)
        return false; // the file has become shorter, or cannot be read
    if (got > 0 && !put(client, piece, got))
        return false;
    return client->sent < server->file.size || part(client);
}

static bool wait_for_end(struct ht_server *server, struct client *client)
{
    char unheard[256];
    size_t got;
    enum ht_socket_state state = ht_socket_receive(client->socket, unheard, sizeof unheard, &got);
    if (state == HT_SOCKET_MOVED || state == HT_SOCKET_LATER)
        return true;
    server->is_given = server->is_given || (state == HT_SOCKET_ENDED && client->answer.has_file);
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
    struct ht_socket_watch watched[CLIENTS_MAX + 1];
    size_t count = server->client_count;
    for (size_t i = 0; i < count; i++) {
        enum stage stage = server->clients[i]->stage;
        watched[i] =
            (struct ht_socket_watch){.socket = server->clients[i]->socket,
                                     .is_to_send = stage == STAGE_HEAD || stage == STAGE_FILE};
    }
    watched[count] = (struct ht_socket_watch){.socket = server->listener};
    enum ht_status status = ht_socket_wait(watched, count + (count < CLIENTS_MAX), TICK_MS, error);
    if (status != HT_OK)
        return status;
    int64_t now = now_ms();
    // From the last on, since letting one go moves the last into its place.
    for (size_t i = count; i-- > 0;) {
        struct client *client = server->clients[i];
        if (watched[i].is_ready && watched[i].is_to_send)
            client->moved_ms = now;
        if ((watched[i].is_ready && !go_on(server, client)) || now - client->moved_ms > IDLE_MS)
            let_go(server, i);
    }
    if (watched[count].is_ready)
        welcome(server, now);
    return HT_OK;
}

enum ht_status ht_server_give(struct ht_server *server, FILE *file, const char *name,
                              struct ht_error *error)
{
    off_t size = fseeko(file, 0, SEEK_END) == 0 ? ftello(file) : -1;
    server->source = file;
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
    ht_socket_close(server->listener);
    free(server);
}
