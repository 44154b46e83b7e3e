/* SPDX-License-Identifier: Apache-2.0
 * A client for tools that send what no client should: its own questions must be answered.
 *
 * It sends to 127.0.0.1. Its questions are for example. SOA, over UDP on a socket that is shared
 * with whatever else is sent, or over TCP. Every answer that it reads must be one: a response with
 * well formed sections, one OPT at most, a TSIG only as the last record, no longer than a datagram
 * may be. What is not as it must be ends the program with exit code 1 and a sentence. */
#ifndef TESTS_TOOLS_CLIENT_H
#define TESTS_TOOLS_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define CLIENT_QUESTION_MAX 64
#define CLIENT_BATCH_MAX    64

/* Each answer, as it is read. */
typedef void (*client_heard_fn)(void *arg, const uint8_t *answer, size_t len);

struct client {
    struct sockaddr_in to;
    int udp;
    unsigned long answers, questions;
    client_heard_fn heard; /* may be NULL */
    void *arg;
};

/* Ends the program with what errno says. */
_Noreturn void client_fail(const char *what);

/* *c is all zero, or has `heard`. */
void client_open(struct client *c, uint16_t port);

/* Writes the next question, with an id of its own; gives back its length. */
size_t client_question(struct client *c, uint8_t p[CLIENT_QUESTION_MAX]);
bool client_is_answer(const uint8_t *answer, size_t len, const uint8_t *asked, size_t asked_len);
/* Asks over UDP, again when no answer came, and reads whatever comes until then. */
void client_ask_udp(struct client *c);
/* Sends up to CLIENT_BATCH_MAX datagrams. */
void client_send(struct client *c, struct iovec *datagrams, unsigned count);

/* A connection. */
int client_dial(struct client *c);
/* Puts the length before the `len` bytes behind p + 2; gives back both lengths together. */
size_t client_frame(uint8_t *p, size_t len);
/* As much as the server takes at once; it may have closed already. */
void client_push(int fd, const uint8_t *p, size_t len);
/* Reads answers until that to the question has come; false: the connection ended before. */
bool client_await(struct client *c, int fd, const uint8_t *asked, size_t asked_len);

#endif
