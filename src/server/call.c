/* SPDX-License-Identifier: Apache-2.0
 * The queue of what we ask others. */
#include "server/call.h"

#include "server/server_int.h"

void calls_init(struct calls *all)
{
    *all = (struct calls){0};
    list_init(&all->queue[TRANSPORT_UDP]);
    list_init(&all->queue[TRANSPORT_TCP]);
    list_init(&all->tcp);
}

void calls_configure(struct calls *all, unsigned tcp_max, unsigned tcp_per_host_max)
{
    all->tcp_max = tcp_max;
    all->tcp_per_host_max = tcp_per_host_max;
}

void call_start(struct server *s, struct call *c, const uint8_t *bytes, size_t len)
{
    (void)s;
    (void)c;
    (void)bytes;
    (void)len;
}

void call_end(struct server *s, struct call *c, bool may_reuse)
{
    (void)s;
    (void)c;
    (void)may_reuse;
}

void call_pause(struct server *s, struct call *c, bool is_paused)
{
    (void)s;
    (void)c;
    (void)is_paused;
}

void server_call_message(struct server *s, struct call *c, const uint8_t *bytes, size_t len)
{
    (void)s;
    (void)c;
    (void)bytes;
    (void)len;
}

void server_call_failed(struct server *s, struct call *c, const char *reason)
{
    (void)s;
    (void)c;
    (void)reason;
}
