/* SPDX-License-Identifier: Apache-2.0
 * UDP in batches: recvmmsg, server_handle(), sendmmsg.
 *
 * Everything that can be set once is set once: the kernel writes name length, control length and
 * flags of a message header, so only these are put back, and only in the headers that were used.
 * The buffers of neighbouring slots are a few cache lines further apart than a power of two, so
 * that the first lines of all of them do not fall into the same cache set. */
#include "reactor/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "dns/codes.h"
#include "request/address.h"
#include "reactor/listen.h"
#include "reactor/turn.h"

#define SLOT_SKEW 192 /* three cache lines */

/* Room for the larger of the two control messages. */
union control {
    struct cmsghdr head; /* for its alignment */
    uint8_t v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
    uint8_t v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* An answer that came later and goes out with others. */
struct late {
    union address to;
    uint8_t control_len;
    size_t len;
    _Alignas(union control) uint8_t control[sizeof(union control)];
    uint8_t bytes[SERVER_UDP_OUT_MAX];
};

struct udp {
    struct server *server;
    struct counters *count;
    enum udp_source source; /* what the receive headers are set for */
    struct mmsghdr recv[TURN_UDP_BATCH], send[TURN_UDP_BATCH];
    struct exchange x[TURN_UDP_BATCH];
    struct iovec recv_part[TURN_UDP_BATCH], send_part[TURN_UDP_BATCH];
    union control control[TURN_UDP_BATCH];
    uint8_t in[TURN_UDP_BATCH][UDP_IN_MAX + SLOT_SKEW];
    uint8_t out[TURN_UDP_BATCH][SERVER_UDP_OUT_MAX + SLOT_SKEW];
    struct listener *late_from; /* held once for each of them */
    unsigned late_count;
    struct late late[TURN_UDP_BATCH];
};

_Static_assert(TURN_UDP_BATCH <= SERVER_BATCH_MAX, "a batch goes to server_handle() in one call");
_Static_assert(sizeof(union address) == sizeof(struct sockaddr_in6),
               "msg_namelen is the size of the union");

static size_t control_len(enum udp_source source)
{
    static const size_t len[] = {
        [UDP_SOURCE_FIXED] = 0,
        [UDP_SOURCE_V4] = CMSG_SPACE(sizeof(struct in_pktinfo)),
        [UDP_SOURCE_V6] = CMSG_SPACE(sizeof(struct in6_pktinfo)),
    };
    return len[source];
}

/* Puts back what the kernel changes in the first n receive headers. */
static void headers_reset(struct udp *u, unsigned n)
{
    size_t len = control_len(u->source);
    for (unsigned i = 0; i < n; i++) {
        u->recv[i].msg_hdr.msg_namelen = sizeof(union address);
        u->recv[i].msg_hdr.msg_controllen = len;
    }
}

struct udp *udp_new(struct server *server)
{
    struct udp *u = mem_alloc_zero(sizeof(*u));
    u->server = server;
    u->count = server_counters(server);
    for (unsigned i = 0; i < TURN_UDP_BATCH; i++) {
        u->recv_part[i] = (struct iovec){u->in[i], UDP_IN_MAX};
        u->recv[i].msg_hdr = (struct msghdr){
            .msg_name = &u->x[i].peer.address,
            .msg_iov = &u->recv_part[i],
            .msg_iovlen = 1,
            .msg_control = &u->control[i],
        };
        u->send[i].msg_hdr = (struct msghdr){.msg_iov = &u->send_part[i], .msg_iovlen = 1};
        u->x[i].peer.transport = TRANSPORT_UDP;
        u->x[i].in = u->in[i];
        u->x[i].out = u->out[i];
    }
    headers_reset(u, TURN_UDP_BATCH);
    return u;
}

void udp_free(struct udp *u)
{
    for (; u && u->late_count; u->late_count--) /* the server, and its counters, are gone */
        listen_release(u->late_from);
    free(u);
}

/* Makes what the kernel told about the query into what it is to be told about the answer: the
 * interface is taken out, so that routing decides about the way back; only a link-local source
 * needs it. False: it told something else. */
static bool control_answer(union control *c, enum udp_source source)
{
    if (c->head.cmsg_type != (source == UDP_SOURCE_V4 ? IP_PKTINFO : IPV6_PKTINFO))
        return false;
    if (source == UDP_SOURCE_V4) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(&c->head), sizeof(info));
        info.ipi_ifindex = 0;
        memcpy(CMSG_DATA(&c->head), &info, sizeof(info));
    } else {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(&c->head), sizeof(info));
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            info.ipi6_ifindex = 0;
        memcpy(CMSG_DATA(&c->head), &info, sizeof(info));
    }
    return true;
}

/* Sends the first n headers of u->send. A message that the kernel refuses is skipped; when it takes
 * no more now, the rest is dropped. */
static void send_all(struct udp *u, int fd, unsigned n)
{
    for (unsigned at = 0; at < n;) {
        int sent = sendmmsg(fd, &u->send[at], n - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            at += (unsigned)sent;
        } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
            u->count->dropped_send += n - at;
            return;
        } else if (errno !=
                   EINTR) { /* ECONNREFUSED, EPERM, ENETUNREACH...: this message's own trouble */
            u->count->dropped_send++;
            at++;
        }
    }
}

/* Fills u->send with the answers of the first n exchanges; how many there are. */
static unsigned answers_gather(struct udp *u, unsigned n)
{
    size_t control = control_len(u->source);
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++) {
        struct exchange *x = &u->x[i];
        if (!x->out_len)
            continue;
        ASSERT(x->out_len <= SERVER_UDP_OUT_MAX);
        struct msghdr *h = &u->send[count].msg_hdr;
        u->send_part[count] = (struct iovec){x->out, x->out_len};
        h->msg_name = &x->peer.address;
        h->msg_namelen = u->recv[i].msg_hdr.msg_namelen;
        h->msg_control = NULL;
        h->msg_controllen = 0;
        if (control && u->recv[i].msg_hdr.msg_controllen &&
            control_answer(&u->control[i], u->source)) {
            h->msg_control = &u->control[i];
            h->msg_controllen = control;
        }
        count++;
    }
    return count;
}

/* What the kernel gave in header i becomes exchange i. */
static void query_take(struct udp *u, unsigned i, struct listener *l)
{
    struct exchange *x = &u->x[i];
    x->in_len = u->recv[i].msg_len;
    x->out_len = 0;
    x->channel = l;
    if (UNLIKELY(u->recv[i].msg_hdr.msg_flags & MSG_TRUNC)) {
        /* Its end is lost. The header alone cannot pass for a whole message: the answer is FORMERR.
         */
        u->count->udp_too_long++;
        x->in_len = DNS_HEADER_LEN;
    }
}

/* A reply to port 0 cannot arrive, and nobody asks from there but to make us send to a strange
 * place. */
static void answer_check(struct udp *u, struct exchange *x)
{
    if (UNLIKELY(!address_port(&x->peer.address))) {
        u->count->dropped_port_zero++;
        x->out_len = 0;
    }
}

void udp_hold(struct udp *u, const struct exchange *x, struct reply_path *path)
{
    size_t i = (size_t)(x - u->x), len = control_len(u->source);
    struct listener *l = x->channel;
    *path = (struct reply_path){.channel = l};
    listen_hold(l);
    if (len && u->recv[i].msg_hdr.msg_controllen && control_answer(&u->control[i], u->source)) {
        path->control_len = (uint8_t)len;
        memcpy(path->control, &u->control[i], len);
    }
}

/* All of them go out of one socket: `u->late_from`. */
void udp_flush(struct udp *u)
{
    struct listener *l = u->late_from;
    if (!l)
        return;
    for (unsigned i = 0; i < u->late_count; i++) {
        struct late *late = &u->late[i];
        struct msghdr *h = &u->send[i].msg_hdr;
        u->send_part[i] = (struct iovec){late->bytes, late->len};
        h->msg_name = &late->to;
        h->msg_namelen = address_len(&late->to);
        h->msg_control = late->control_len ? late->control : NULL;
        h->msg_controllen = late->control_len;
    }
    if (!l->is_closed)
        send_all(u, l->io.fd, u->late_count);
    else
        u->count->dropped_send += u->late_count;
    for (; u->late_count; u->late_count--)
        listen_release(l);
    u->late_from = NULL;
}

void udp_answer(struct udp *u, const struct peer *peer, struct reply_path *path,
                const uint8_t *bytes, size_t len)
{
    struct listener *l = path->channel;
    if (!len) {
        listen_release(l);
        return;
    }
    ASSERT(len <= SERVER_UDP_OUT_MAX);
    if (u->late_count == TURN_UDP_BATCH || u->late_from != l)
        udp_flush(u);
    struct late *late = &u->late[u->late_count++];
    u->late_from = l;
    late->to = peer->address;
    late->control_len = path->control_len;
    memcpy(late->control, path->control, path->control_len);
    late->len = len;
    memcpy(late->bytes, bytes, len);
}

bool udp_serve(struct udp *u, struct listener *l, unsigned *budget)
{
    int fd = l->io.fd;
    ASSERT(*budget > 0);
    if (UNLIKELY(u->source != l->source)) {
        u->source = l->source;
        headers_reset(u, TURN_UDP_BATCH);
    }
    int got = recvmmsg(fd, u->recv, TURN_UDP_BATCH, MSG_DONTWAIT, NULL);
    if (got <= 0) {
        bool is_error = got < 0 && errno != EAGAIN; /* queued by an earlier answer: nothing that we
                                                       could act on, and more may be behind it */
        *budget -= is_error;
        return is_error;
    }
    unsigned n = (unsigned)got;
    *budget -= n < *budget ? n : *budget;
    for (unsigned i = 0; i < n; i++)
        query_take(u, i, l);
    server_handle(u->server, u->x, n, clock_wall_us());
    for (unsigned i = 0; i < n; i++)
        answer_check(u, &u->x[i]);
    unsigned answers = answers_gather(u, n);
    if (answers)
        send_all(u, fd, answers);
    headers_reset(u, n);
    return n == TURN_UDP_BATCH;
}
