/* SPDX-License-Identifier: Apache-2.0
 * The set of listening sockets.
 *
 * A wildcard and one address of it overlap, and the kernel refuses the second bind, though between
 * our own sockets it is just what a change of configuration means. So all sockets are allowed to
 * share while new ones are opened, and not afterwards: a second server is still refused. */
#include "reactor/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "request/address.h"
#include "reactor/socket.h"
#include "reactor/turn.h"

static const enum transport transports[] = {TRANSPORT_UDP, TRANSPORT_TCP};

void listen_init(struct listen_set *set, listen_event_fn on_udp, listen_event_fn on_tcp, void *data)
{
    *set = (struct listen_set){.data = data};
    set->on_event[TRANSPORT_UDP] = on_udp;
    set->on_event[TRANSPORT_TCP] = on_tcp;
    list_init(&set->all);
}

static enum udp_source source_of(const union address *a)
{
    if (!address_is_wildcard(a))
        return UDP_SOURCE_FIXED;
    return a->any.sa_family == AF_INET ? UDP_SOURCE_V4 : UDP_SOURCE_V6;
}

/* Enters an open socket. */
static struct listener *add(struct listen_set *set, enum transport transport,
                            const union address *a, int fd)
{
    struct listener *l = mem_alloc_zero(sizeof(*l));
    l->transport = transport;
    l->address = *a;
    l->source = source_of(a);
    list_init(&l->turn);
    ev_io_init(&l->io, set->on_event[transport], fd, EV_READ);
    ev_set_priority(&l->io, transport == TRANSPORT_UDP ? TURN_UDP : TURN_ACCEPT);
    l->io.data = set->data;
    list_add_last(&set->all, &l->link);
    return l;
}

static void end(struct listener *l)
{
    ASSERT(!ev_is_active(&l->io));
    close(l->io.fd);
    list_remove(&l->link);
    list_remove(&l->turn);
    l->is_closed = true;
    if (!l->waiting)
        free(l);
}

void listen_release(struct listener *l)
{
    ASSERT(l->waiting > 0);
    if (--l->waiting == 0 && l->is_closed)
        free(l);
}

void listen_done(struct listen_set *set, struct ev_loop *ev)
{
    LIST_EACH(link, &set->all) {
        ev_io_stop(ev, &listen_of(link)->io);
        end(listen_of(link));
    }
}

static struct socket_options options_of(const struct conf *conf)
{
    return (struct socket_options){.receive_buffer = conf->udp_receive_buffer,
                                   .stall_ms = conf->tcp_message_ms};
}

/* Half of what is asked for or less is worth a word: the kernel counts double, so it grants twice
 * when it grants all. */
static void buffer_check(const union address *a, enum transport transport, uint64_t asked,
                         uint64_t got)
{
    struct address_text text;
    if (transport == TRANSPORT_UDP && got < asked)
        log_notice("receive buffer smaller than asked for, raise net.core.rmem_max",
                   {"address", address_show(a, &text)}, {"asked", LOG_U64(asked)},
                   {"got", LOG_U64(got)});
}

/* --- sockets passed by the service manager --- */

/* Which transport the socket is for and where it is bound. */
static bool describe(int fd, enum transport *transport, union address *a)
{
    struct sockaddr_storage name;
    int type = 0, is_listening = 0;
    socklen_t name_len = sizeof(name), type_len = sizeof(type),
              listening_len = sizeof(is_listening);
    if (getsockname(fd, (struct sockaddr *)&name, &name_len) < 0 || !address_read(&name, a) ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &listening_len) < 0)
        return false;
    *transport = type == SOCK_DGRAM ? TRANSPORT_UDP : TRANSPORT_TCP;
    return type == SOCK_DGRAM || (type == SOCK_STREAM && is_listening);
}

/* What comes in by IPv4 would have the addresses of one /64, and options that we set for IPv6 only.
 */
static bool takes_both_families(int fd, const union address *a)
{
    int is_v6_only = 0;
    socklen_t len = sizeof(is_v6_only);
    return a->any.sa_family == AF_INET6 &&
           (address_is_wildcard(a) || IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr)) &&
           (getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_v6_only, &len) < 0 || !is_v6_only);
}

enum err listen_adopt(struct listen_set *set, int fd, const struct conf *conf, struct diag *diag)
{
    struct socket_made made = {.fd = fd};
    struct socket_options o = options_of(conf);
    enum transport transport;
    union address a;
    if (!describe(fd, &transport, &a))
        return err_say(diag, ERR_INVALID,
                       "passed descriptor %d is no bound UDP or listening TCP socket", fd);
    if (takes_both_families(fd, &a)) {
        struct address_text text;
        return err_say(diag, ERR_INVALID,
                       "passed socket %s takes IPv4 too: its unit needs BindIPv6Only=ipv6-only and "
                       "an address for IPv4 beside it",
                       address_show(&a, &text));
    }
    enum err e = socket_adopt(transport, &a, &o, &made, diag);
    if (e != OK)
        return e;
    buffer_check(&a, transport, o.receive_buffer, made.receive_buffer);
    add(set, transport, &a, fd)->is_passed = true;
    return OK;
}

/* --- following the configuration --- */

static struct listener *find(struct listen_set *set, enum transport transport,
                             const union address *a)
{
    LIST_EACH(link, &set->all) {
        struct listener *l = listen_of(link);
        if (l->transport == transport && address_is_same(&l->address, a))
            return l;
    }
    return NULL;
}

static enum err open_one(struct listen_set *set, enum transport transport, const union address *a,
                         const struct socket_options *o, struct diag *diag)
{
    struct socket_made made;
    enum err e = socket_open(transport, a, o, &made, diag);
    if (e == ERR_ABSENT && address_is_wildcard(a)) {
        /* "all addresses" is what is wanted and this family has none: so the default configuration
         * runs anywhere */
        log_warn("address family not available", {"reason", diag->text});
        return OK;
    }
    if (e != OK)
        return e;
    buffer_check(a, transport, o->receive_buffer, made.receive_buffer);
    struct listener *l = add(set, transport, a, made.fd);
    l->is_wanted = l->is_new = true;
    return OK;
}

static enum err open_missing(struct listen_set *set, const struct conf *conf, struct diag *diag)
{
    struct socket_options o = options_of(conf);
    o.is_shared = !list_is_empty(&set->all);
    for (unsigned i = 0; i < conf->listen.count; i++) {
        union address a;
        ASSERT(address_read(&conf->listen.items[i].address, &a));
        for (size_t k = 0; k < ARRAY_LEN(transports); k++) {
            struct listener *l = find(set, transports[k], &a);
            if (l) {
                l->is_wanted = true;
                continue;
            }
            enum err e = open_one(set, transports[k], &a, &o, diag);
            if (e != OK)
                return e;
        }
    }
    return list_is_empty(&set->all)
               ? err_say(diag, ERR_ABSENT, "no address to listen on is available")
               : OK;
}

static void share_all(struct listen_set *set, bool share)
{
    LIST_EACH(link, &set->all) {
        struct listener *l = listen_of(link);
        if (!l->is_passed) /* those are shared by whoever bound them, or not */
            socket_share(l->io.fd, l->transport, share);
    }
}

enum err listen_open(struct listen_set *set, const struct conf *conf, struct diag *diag)
{
    LIST_EACH(link, &set->all) {
        listen_of(link)->is_wanted = false;
    }
    bool is_change = !list_is_empty(&set->all);
    if (is_change)
        share_all(set, true);
    enum err e = open_missing(set, conf, diag);
    if (is_change)
        share_all(set, false);
    if (e != OK)
        listen_rollback(set);
    return e;
}

/* Options may have changed for a socket that stays. */
static void options_renew(struct listener *l, const struct conf *conf)
{
    struct socket_options o = options_of(conf);
    struct socket_made made = {.fd = l->io.fd};
    struct diag diag;
    if (!l->is_new && socket_adopt(l->transport, &l->address, &o, &made, &diag) != OK)
        log_warn("socket options not renewed", {"reason", diag.text});
}

void listen_commit(struct listen_set *set, const struct conf *conf, struct ev_loop *ev,
                   void (*last)(struct listener *l))
{
    LIST_EACH(link, &set->all) {
        struct listener *l = listen_of(link);
        struct address_text text;
        options_renew(l, conf);
        l->is_new = false;
        if (l->is_wanted)
            continue;
        if (l->is_passed) {
            log_notice("passed socket is not in the configuration, used all the same",
                       {"address", address_show(&l->address, &text)},
                       {"transport", l->transport == TRANSPORT_UDP ? "udp" : "tcp"});
            continue;
        }
        ev_io_stop(ev, &l->io);
        last(l);
        end(l);
    }
}

void listen_rollback(struct listen_set *set)
{
    LIST_EACH(link, &set->all) {
        struct listener *l = listen_of(link);
        if (l->is_new)
            end(l);
        else
            l->is_wanted = true;
    }
}

void listen_start(struct listen_set *set, struct ev_loop *ev, enum transport transport)
{
    LIST_EACH(link, &set->all) {
        if (listen_of(link)->transport == transport)
            ev_io_start(ev, &listen_of(link)->io);
    }
}

void listen_stop(struct listen_set *set, struct ev_loop *ev, enum transport transport)
{
    LIST_EACH(link, &set->all) {
        if (listen_of(link)->transport == transport)
            ev_io_stop(ev, &listen_of(link)->io);
    }
}
