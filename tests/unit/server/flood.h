/* SPDX-License-Identifier: Apache-2.0
 * For tests of limits: messages from any address, and what comes back. */
#ifndef FLOOD_H
#define FLOOD_H

#include <arpa/inet.h>

#include "bed.h"

/* IPv4 or IPv6, port 40053. */
static inline union address flood_from(const char *text)
{
    union address a;
    memset(&a, 0, sizeof(a));
    bool is_v6 = strchr(text, ':') != NULL;
    a.v4.sin_family = is_v6 ? AF_INET6 : AF_INET;
    a.v4.sin_port = htons(40053);
    cr_assert_eq(
        inet_pton(a.any.sa_family, text, is_v6 ? (void *)&a.v6.sin6_addr : (void *)&a.v4.sin_addr),
        1, "%s", text);
    return a;
}

/* The answer is in b->out; its length, 0 for none. */
static inline size_t flood_ask(struct bed *b, const char *from, enum transport transport,
                               const uint8_t *in, size_t len)
{
    struct exchange x = {.in = in, .in_len = len, .out = b->out};
    x.peer.transport = transport;
    x.peer.address = flood_from(from);
    server_handle(b->server, &x, 1, b->now_us);
    b->out_len = x.out_len;
    if (x.is_waiting)
        bed_commit(b);
    return b->out_len;
}

/* A question over UDP. */
static inline size_t flood_query(struct bed *b, const char *from, const char *name, uint16_t type)
{
    uint8_t wire[512];
    return flood_ask(b, from, TRANSPORT_UDP, wire, bed_query(wire, name, type));
}

static inline bool flood_is_truncated(const struct bed *b)
{
    return b->out_len && (b->out[2] & 2);
}

/* Of `times` such questions: how many are answered, and not by a truncated message. */
static inline unsigned flood_answered(struct bed *b, const char *from, const char *name,
                                      uint16_t type, unsigned times)
{
    unsigned n = 0;
    while (times-- > 0)
        n += flood_query(b, from, name, type) > 0 && !flood_is_truncated(b);
    return n;
}

#endif
