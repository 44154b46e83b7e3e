/* SPDX-License-Identifier: Apache-2.0
 * Sockets: opened, bound and set up for DNS, those that we listen on and those that we ask with.
 *
 * UDP: answers leave with the address the query came to, never with "do not fragment" and whatever
 * the path's MTU is said to be, so that nobody can shrink it by forged ICMP; a large receive
 * buffer. TCP: options are set on the listening socket, accepted ones inherit them. IPv6 sockets
 * take no IPv4. All are non-blocking and close on exec. */
#ifndef REEVE_REACTOR_SOCKET_H
#define REEVE_REACTOR_SOCKET_H

#include <stdbool.h>

#include "base/err.h"
#include "request/request.h"

struct socket_options {
    uint64_t receive_buffer; /* UDP: bytes asked for */
    uint32_t stall_ms;       /* TCP: give up when the peer acknowledges nothing for so long */
    bool is_shared;          /* as socket_share() */
};

struct socket_made {
    int fd;
    uint64_t receive_buffer; /* UDP: what the kernel granted: bytes as it counts them, about twice
                                the payload */
};

/* A new socket, bound and, for TCP, listening. OK, or with a sentence: ERR_EXISTS if something else
 * has the address, ERR_ABSENT if this system has no IPv6 (or no IPv4), ERR_SYSTEM. */
enum err socket_open(enum transport transport, const union address *address,
                     const struct socket_options *o, struct socket_made *out, struct diag *diag);
/* Sets up made->fd, which the service manager has opened and bound. It stays open if that fails. */
enum err socket_adopt(enum transport transport, const union address *address,
                      const struct socket_options *o, struct socket_made *made, struct diag *diag);
/* Sets or clears the permission for another socket of ours to bind an overlapping address (a
 * wildcard and one address of it), which the other has to have too. */
void socket_share(int fd, enum transport transport, bool share);

/* A new socket to ask `to` with: over UDP connected, from a port that the kernel drew at random;
 * over TCP on the way to be connected (EV_WRITE says when). source: family AF_UNSPEC, or another
 * one than to's: the system chooses; its port is not used. ERR_LIMIT: no descriptor is left;
 * ERR_SYSTEM; both with a sentence. */
struct socket_call {
    enum transport transport;
    const union address *to, *source;
};
enum err socket_call(const struct socket_call *call, int *out, struct diag *diag);

#endif
