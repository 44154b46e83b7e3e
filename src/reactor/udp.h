/* SPDX-License-Identifier: Apache-2.0
 * UDP: datagrams in and answers out, in batches.
 *
 * All UDP sockets share one set of buffers, taken once: nothing is allocated per packet. An answer
 * that the kernel does not take at once is dropped and counted; the client asks again. On a socket
 * bound to a wildcard address the answer's source is the address that the query was sent to; only
 * such sockets pay for asking the kernel for it. */
#ifndef REEVE_REACTOR_UDP_H
#define REEVE_REACTOR_UDP_H

#include <stdbool.h>

#include "server/server.h"

/* The longest datagram that is read whole. A longer one (an UPDATE could be) is answered FORMERR;
 * TCP takes 64 KB. */
#define UDP_IN_MAX 4096

enum udp_source {
    UDP_SOURCE_FIXED, /* the socket is bound to one address */
    UDP_SOURCE_V4,    /* 0.0.0.0: the address comes and goes in a struct in_pktinfo */
    UDP_SOURCE_V6     /* ::, in a struct in6_pktinfo */
};

struct udp;
struct listener;

/* server: borrowed. */
struct udp *udp_new(struct server *server);
/* NULL is fine. */
void udp_free(struct udp *u);

/* Takes a batch of what is there on the listener's socket, and answers it. *budget: datagrams, at
 * least one; what was taken is counted off. False: there was no more. */
bool udp_serve(struct udp *u, struct listener *l, unsigned *budget);

/* x, which udp_serve() has just given to server_handle(), is answered later: keeps the way back. */
void udp_hold(struct udp *u, const struct exchange *x, struct reply_path *path);
/* That answer, of at most SERVER_UDP_OUT_MAX bytes; 0: there is none. Sent with others of this
 * turn, at the latest by udp_flush(); dropped and counted if the kernel does not take it. */
void udp_answer(struct udp *u, const struct peer *peer, struct reply_path *path,
                const uint8_t *bytes, size_t len);
void udp_flush(struct udp *u);

#endif
