/* SPDX-License-Identifier: Apache-2.0
 * Sockets to listen on and to ask with. */
#include "reactor/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "request/address.h"

/* Connections that may wait to be accepted; the kernel cuts it to net.core.somaxconn (4096 by
 * default). */
#define BACKLOG         4096
/* IPv6 fragments made by ourselves are of the size that passes everywhere (RFC 8200 s5). */
#define IPV6_MTU_MIN    1280
/* What the kernel may hold of unsent answers of one connection; it would take megabytes for a peer
 * that reads nothing. */
#define TCP_SEND_BUFFER (256 << 10)
/* And of what it could not send yet: what is answered while a transfer goes on waits for no more
 * than that. Twice what the kernel sends in one go (64 KB): with half of that it waits for more to
 * send while we wait for it to send, 5 ms for each message. */
#define TCP_NOTSENT_MAX (128 << 10)

/* One setsockopt with a number; false: errno says why. */
static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static const char *transport_name(enum transport transport)
{
    return transport == TRANSPORT_UDP ? "UDP" : "TCP";
}

/* More than net.core.rmem_max only with CAP_NET_ADMIN. Gives what there is then. */
static uint64_t receive_buffer_set(int fd, uint64_t want)
{
    int value = want > INT32_MAX / 2 ? INT32_MAX / 2 : (int)want;
    if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, value))
        (void)set(fd, SOL_SOCKET, SO_RCVBUF, value);
    int got = 0;
    socklen_t len = sizeof(got);
    (void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len);
    return (uint64_t)(got > 0 ? got : 0);
}

/* OMIT ignores what ICMP says about the path and lets the local interface fragment; older kernels
 * know only DONT. */
static bool fragments_set(int fd, bool is_v4)
{
    if (is_v4)
        return set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT) ||
               set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    return (set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT) ||
            set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT)) &&
           set(fd, IPPROTO_IPV6, IPV6_MTU, IPV6_MTU_MIN);
}

static enum err udp_set_up(int fd, const union address *address, const struct socket_options *o,
                           struct socket_made *out, struct diag *diag)
{
    bool is_v4 = address->any.sa_family == AF_INET;
    if (!fragments_set(fd, is_v4))
        return err_say(diag, ERR_SYSTEM, "path MTU discovery not switched off: %s",
                       strerror(errno));
    if (address_is_wildcard(address) &&
        !(is_v4 ? set(fd, IPPROTO_IP, IP_PKTINFO, 1) : set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)))
        return err_say(diag, ERR_SYSTEM, "address of queries not available: %s", strerror(errno));
    out->receive_buffer = receive_buffer_set(fd, o->receive_buffer);
    return OK;
}

/* None of these is needed for right answers. */
static void tcp_set_up(int fd, const struct socket_options *o)
{
    (void)set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
              o->stall_ms > INT32_MAX ? INT32_MAX : (int)o->stall_ms);
    (void)set(fd, SOL_SOCKET, SO_SNDBUF, TCP_SEND_BUFFER);
    (void)set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_NOTSENT_MAX);
}

/* Options of the open socket that do not concern its address. */
static enum err set_up(enum transport transport, const union address *address,
                       const struct socket_options *o, struct socket_made *out, struct diag *diag)
{
    if (transport == TRANSPORT_UDP)
        return udp_set_up(out->fd, address, o, out, diag);
    tcp_set_up(out->fd, o);
    return OK;
}

/* Binds and listens. */
static enum err take_address(enum transport transport, const union address *address, int fd,
                             struct diag *diag)
{
    if (address->any.sa_family == AF_INET6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
        return err_say(diag, ERR_SYSTEM, "IPV6_V6ONLY: %s", strerror(errno));
    /* For TCP it lets us start again while old connections linger, but never two listen at once.
     * For UDP it would let another process take the address. */
    if (transport == TRANSPORT_TCP && !set(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        return err_say(diag, ERR_SYSTEM, "SO_REUSEADDR: %s", strerror(errno));
    if (bind(fd, &address->any, address_len(address)) == 0 &&
        (transport == TRANSPORT_UDP || listen(fd, BACKLOG) == 0))
        return OK;
    if (errno == EADDRINUSE)
        return err_say(diag, ERR_EXISTS,
                       "address in use: another server, or another reeved, is running on it");
    if (errno == EACCES)
        return err_say(diag, ERR_SYSTEM,
                       "%s: a port below 1024 can be opened by root before it becomes `user`, "
                       "or with CAP_NET_BIND_SERVICE",
                       strerror(errno));
    return err_say(diag, ERR_SYSTEM, "%s", strerror(errno));
}

static enum err open_steps(enum transport transport, const union address *address,
                           const struct socket_options *o, struct socket_made *out,
                           struct diag *diag)
{
    int type =
        (transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    out->fd = socket(address->any.sa_family, type, 0);
    if (out->fd < 0)
        return err_say(diag, errno == EAFNOSUPPORT ? ERR_ABSENT : ERR_SYSTEM, "%s",
                       strerror(errno));
    enum err e = set_up(transport, address, o, out, diag);
    if (e == OK && o->is_shared)
        socket_share(out->fd, transport, true);
    return e == OK ? take_address(transport, address, out->fd, diag) : e;
}

enum err socket_open(enum transport transport, const union address *address,
                     const struct socket_options *o, struct socket_made *out, struct diag *diag)
{
    struct socket_made made = {.fd = -1};
    struct address_text text;
    enum err e = open_steps(transport, address, o, &made, diag);
    if (e == OK) {
        *out = made;
        return OK;
    }
    if (made.fd >= 0)
        close(made.fd);
    return err_note(diag, e, "listen %s over %s", address_show(address, &text),
                    transport_name(transport));
}

enum err socket_adopt(enum transport transport, const union address *address,
                      const struct socket_options *o, struct socket_made *made, struct diag *diag)
{
    struct address_text text;
    enum err e = OK;
    int flags = fcntl(made->fd, F_GETFL);
    if (flags < 0 || fcntl(made->fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(made->fd, F_SETFD, FD_CLOEXEC) < 0)
        e = err_say(diag, ERR_SYSTEM, "%s", strerror(errno));
    if (e == OK)
        e = set_up(transport, address, o, made, diag);
    return e == OK ? OK
                   : err_note(diag, e, "passed socket %s over %s", address_show(address, &text),
                              transport_name(transport));
}

void socket_share(int fd, enum transport transport, bool share)
{
    (void)set(fd, SOL_SOCKET, transport == TRANSPORT_UDP ? SO_REUSEADDR : SO_REUSEPORT, share);
}

/* --- to ask with --- */

static enum err call_failed(int error, const char *what, struct diag *diag)
{
    return err_say(diag, error == EMFILE || error == ENFILE ? ERR_LIMIT : ERR_SYSTEM, "%s: %s",
                   what, strerror(error));
}

static enum err call_steps(const struct socket_call *call, int fd, struct diag *diag)
{
    int family = call->to->any.sa_family;
    if (call->transport == TRANSPORT_UDP) {
        (void)fragments_set(fd, family == AF_INET);
    } else {
        (void)set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        /* one port may serve connections to different servers */
        (void)set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    }
    if (call->source->any.sa_family == family) {
        union address source = *call->source;
        source.v4.sin_port = 0; /* at the same place in both */
        if (bind(fd, &source.any, address_len(&source)) < 0)
            return call_failed(errno, "source", diag);
    }
    if (connect(fd, &call->to->any, address_len(call->to)) < 0 && errno != EINPROGRESS)
        return call_failed(errno, "connect", diag);
    return OK;
}

enum err socket_call(const struct socket_call *call, int *out, struct diag *diag)
{
    int type = call->transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(call->to->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return call_failed(errno, "socket", diag);
    enum err e = call_steps(call, fd, diag);
    if (e != OK) {
        close(fd);
        return e;
    }
    *out = fd;
    return OK;
}
