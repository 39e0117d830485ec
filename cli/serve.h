// SPDX-License-Identifier: MIT
//
// A server on this machine's own address that gives one file to one web page, once. What is
// answered is in cli/http.h, the sockets are in cli/socket.h.
#ifndef HT_CLI_SERVE_H
#define HT_CLI_SERVE_H

#include "cli/http.h"
#include "formats/error.h"

#include <stdio.h>

struct ht_server;

// Listens on 127.0.0.1; port 0 is any that is free. On failure *server is NULL.
enum ht_status ht_server_open(unsigned port, struct ht_server **server, struct ht_error *error);

unsigned ht_server_port(const struct ht_server *server);

// Answers until somebody has fetched the whole file under `name`, or an interrupt that
// ht_system_catch_interrupt caught: HT_END. Clients that say nothing, nonsense, or stop half way
// are let go; they neither stop the server nor the others.
enum ht_status ht_server_give(struct ht_server *server, FILE *file, const char *name,
                              struct ht_error *error);

// Accepts NULL.
void ht_server_close(struct ht_server *server);

#endif
