/* SPDX-License-Identifier: Apache-2.0
 * A secondary that keeps nothing: asks a server for a zone, whole (AXFR) or from a serial on
 * (IXFR), reads it as fast as it comes and counts, with queries at a fixed rate beside it.
 *
 * The time of a transfer is from handing the question to the kernel, on a connection that is open
 * already, until the last byte was read. One thread, busy all the time. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "background.h"
#include "parts.h"

#define TYPE_SOA   6
#define TYPE_IXFR  251
#define TYPE_AXFR  252
#define BUFFER_LEN (1u << 20)
#define REPEAT_MAX 10000
#define STALL_NS   60000000000ULL

struct options {
    uint16_t port;
    const char *zone;
    bool is_ixfr;
    uint32_t serial; /* IXFR: of the version that we pretend to have */
    uint32_t repeat;
    const char *queries;
    uint64_t rate;
    double idle_s;
};

/* One transfer as it comes in. */
struct transfer {
    uint64_t messages, records, bytes, soas;
    uint32_t serial; /* of the first SOA */
    unsigned seen;   /* SOAs with that serial */
    bool is_differences, is_over;
    size_t len; /* bytes in the buffer */
    uint8_t buffer[BUFFER_LEN];
};

static size_t name_skip(const uint8_t *m, size_t len, size_t at)
{
    while (at < len && m[at] != 0 && m[at] < 0xc0)
        at += 1u + m[at];
    at += at < len && m[at] >= 0xc0 ? 2 : 1;
    if (at > len)
        errx(1, "a name runs out of its message");
    return at;
}

/* The end of a transfer is told by its SOAs (RFC 5936 s2.2, RFC 1995 s4). */
static void soa_take(struct transfer *t, const uint8_t *rdata, const uint8_t *end)
{
    uint32_t serial;
    if (end - rdata < 20)
        errx(1, "a SOA is too short");
    memcpy(&serial, end - 20, 4);
    serial = ntohl(serial);
    t->soas++;
    if (t->records == 1)
        t->serial = serial;
    if (t->records == 2)
        t->is_differences = serial != t->serial;
    t->seen += serial == t->serial;
    t->is_over = t->seen == (t->is_differences ? 3 : 2);
}

static void message_take(struct transfer *t, const uint8_t *m, size_t len, bool is_ixfr)
{
    if (len < 12 || (m[3] & 15) != 0)
        errx(1, "rcode %d", len < 12 ? -1 : m[3] & 15);
    size_t at = 12;
    for (unsigned i = 0; i < u16_get(m + 4); i++)
        at = name_skip(m, len, at) + 4;
    for (unsigned i = 0; i < u16_get(m + 6) && !t->is_over; i++) {
        at = name_skip(m, len, at);
        if (at + 10 > len || at + 10 + u16_get(m + at + 8) > len)
            errx(1, "a record runs out of its message");
        size_t end = at + 10 + u16_get(m + at + 8);
        t->records++;
        if (u16_get(m + at) == TYPE_SOA)
            soa_take(t, m + at + 10, m + end);
        at = end;
    }
    t->messages++;
    t->is_over = t->is_over || (is_ixfr && t->messages == 1 && t->records == 1);
}

/* Whole messages are taken, the rest moves to the front. */
static void buffer_take(struct transfer *t, bool is_ixfr)
{
    size_t at = 0;
    while (!t->is_over && t->len - at >= 2 && t->len - at >= 2u + u16_get(t->buffer + at)) {
        message_take(t, t->buffer + at + 2, u16_get(t->buffer + at), is_ixfr);
        at += 2u + u16_get(t->buffer + at);
    }
    memmove(t->buffer, t->buffer + at, t->len - at);
    t->len -= at;
}

static size_t name_put(uint8_t *out, const char *text)
{
    uint8_t *p = out;
    for (const char *dot; *text; text = *dot ? dot + 1 : dot) {
        dot = strchrnul(text, '.');
        *p++ = (uint8_t)(dot - text);
        memcpy(p, text, (size_t)(dot - text));
        p += dot - text;
    }
    *p++ = 0;
    return (size_t)(p - out);
}

/* With the length in front. An IXFR has our SOA in its authority section (RFC 1995 s3). */
static size_t question_put(const struct options *o, uint8_t *out)
{
    static const uint8_t head[12] = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    static const uint8_t soa_head[] = {0xc0, 12, 0, TYPE_SOA, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0};
    size_t len = 2;
    memcpy(out + len, head, sizeof head);
    out[len + 9] = o->is_ixfr;
    len += sizeof head;
    len += name_put(out + len, o->zone);
    memcpy(out + len, (uint8_t[]){0, o->is_ixfr ? TYPE_IXFR : TYPE_AXFR, 0, 1}, 4);
    len += 4;
    if (o->is_ixfr) {
        uint32_t serial = htonl(o->serial);
        memcpy(out + len, soa_head, sizeof soa_head);
        memcpy(out + len + sizeof soa_head, &serial, 4);
        memset(out + len + sizeof soa_head + 4, 0, 16);
        len += sizeof soa_head + 20;
    }
    out[0] = (uint8_t)((len - 2) >> 8);
    out[1] = (uint8_t)(len - 2);
    return len;
}

static int dial(uint16_t port)
{
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        err(1, "port %u", port);
    return fd;
}

/* Gives the nanoseconds that it took. */
static uint64_t transfer_run(const struct options *o, struct transfer *t, struct background *b)
{
    uint8_t question[512];
    size_t len = question_put(o, question);
    int fd = dial(o->port);
    memset(t, 0, offsetof(struct transfer, buffer));
    uint64_t start = now_ns(), now = start, heard = start;
    if (send(fd, question, len, MSG_NOSIGNAL) != (ssize_t)len)
        err(1, "question");
    while (!t->is_over) {
        ssize_t n = recv(fd, t->buffer + t->len, BUFFER_LEN - t->len, MSG_DONTWAIT);
        now = now_ns();
        if (n == 0 || (n < 0 && errno != EAGAIN))
            errx(1, "the connection ended after %lu records", t->records);
        if (n > 0) {
            heard = now;
            t->bytes += (uint64_t)n;
            t->len += (size_t)n;
            buffer_take(t, o->is_ixfr);
        } else if (now - heard > STALL_NS) {
            errx(1, "nothing came for a minute after %lu records", t->records);
        }
        background_turn(b, now);
    }
    now = now_ns();
    close(fd);
    return now - start;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void show(const struct options *o, const struct transfer *t, uint64_t *ns)
{
    qsort(ns, o->repeat, sizeof *ns, compare);
    printf("\"us\": %.1f, \"us_min\": %.1f, \"us_max\": %.1f, \"messages\": %lu, \"records\": %lu, "
           "\"soas\": %lu, \"bytes\": %lu, \"serial\": %u",
           (double)ns[o->repeat / 2] / 1e3, (double)ns[0] / 1e3, (double)ns[o->repeat - 1] / 1e3,
           t->messages, t->records, t->soas, t->bytes, t->serial);
}

static void usage(void)
{
    errx(2, "usage: transfer --port PORT --zone NAME [--serial N] [--repeat N] "
            "[--queries FILE [--rate N] [--idle S]]");
}

static void options_scan(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {{"port", 1, NULL, 'p'},    {"zone", 1, NULL, 'z'},
                                          {"serial", 1, NULL, 's'},  {"repeat", 1, NULL, 'n'},
                                          {"queries", 1, NULL, 'q'}, {"rate", 1, NULL, 'r'},
                                          {"idle", 1, NULL, 'i'},    {NULL, 0, NULL, 0}};
    *o = (struct options){.repeat = 1, .rate = 1000};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 'p')
            o->port = (uint16_t)strtoul(optarg, NULL, 10);
        else if (c == 'z')
            o->zone = optarg;
        else if (c == 'n')
            o->repeat = (uint32_t)strtoul(optarg, NULL, 10);
        else if (c == 'q')
            o->queries = optarg;
        else if (c == 'r')
            o->rate = strtoull(optarg, NULL, 10);
        else if (c == 'i')
            o->idle_s = strtod(optarg, NULL);
        else if (c == 's')
            o->serial = (uint32_t)strtoul(optarg, NULL, 10);
        else
            usage();
        o->is_ixfr = o->is_ixfr || c == 's';
    }
    if (optind != argc || !o->port || !o->zone || strlen(o->zone) > 255 || o->repeat == 0 ||
        o->repeat > REPEAT_MAX || o->rate == 0 || o->rate > BACKGROUND_SLOTS)
        usage();
}

int main(int argc, char **argv)
{
    static struct background background;
    static uint64_t ns[REPEAT_MAX];
    struct options o;
    struct transfer *t = calloc(1, sizeof *t);
    if (!t)
        err(1, "memory");
    options_scan(&o, argc, argv);
    background_open(&background, o.port, o.queries, o.rate);
    for (uint64_t end = now_ns() + (uint64_t)(o.idle_s * 1e9); now_ns() < end;)
        background_turn(&background, now_ns());
    printf("{\"idle\": ");
    background_show(&background);
    for (uint32_t i = 0; i < o.repeat; i++)
        ns[i] = transfer_run(&o, t, &background);
    printf(", \"during\": ");
    background_show(&background);
    printf(", ");
    show(&o, t, ns);
    printf("}\n");
    background_close(&background);
    free(t);
    return 0;
}
