/* SPDX-License-Identifier: Apache-2.0
 * Load generator: sends the queries of a file over one UDP socket to 127.0.0.1 and counts what is
 * answered.
 *
 * Without --rate it keeps a fixed number of queries outstanding (closed loop: the server is the
 * bottleneck). With --rate it sends by the clock whatever the server does, and the time of an
 * answer counts from when its query was due, so that a stall of the server is seen by every query
 * that a user would have sent meanwhile.
 *
 * A message ID is a slot number in its low bits and random above; an answer counts if its ID is
 * that of the slot's query and its question is repeated byte for byte. A slot without answer for
 * TIMEOUT_NS is lost and used again.
 *
 * The result is one line of JSON on stdout. SIGUSR1 prints the line so far and starts anew: a phase
 * ends. SIGTERM stops. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "histogram.h"
#include "parts.h"
#include "queries.h"

#define BATCH           64
#define ANSWER_LEN_MAX  4096
#define OUTSTANDING_MAX 32768 /* half of the IDs, so that an ID has at least one random bit */
#define TIMEOUT_NS      1000000000ULL /* loopback: what takes a second is lost */
#define SWEEP_NS        50000000ULL   /* how often the slots are searched for lost queries */
#define TAIL_OPT_LEN    11            /* the OPT record behind the question */

struct options {
    uint16_t port;
    const char *queries;
    double seconds;
    uint64_t count;       /* stop after this many queries; 0: only the time counts */
    uint64_t rate;        /* queries per second; 0: closed loop */
    uint32_t outstanding; /* a power of two */
};

struct slot {
    uint64_t since_ns; /* when the query was sent, or due */
    uint32_t query;
    uint16_t id;
    bool busy;
};

struct totals {
    uint64_t since_ns, sent, answered, lost, stray, bytes, truncated, authoritative;
    uint64_t records[3]; /* answer, authority, additional */
    uint64_t rcode[16];
};

struct load {
    struct options options;
    struct queries queries;
    int fd;
    struct slot *slots;
    uint16_t *free; /* a stack of slot numbers */
    uint32_t free_count, next;
    uint64_t random, start_ns, swept_ns, sent;
    struct totals totals;
    struct histogram times;
    struct mmsghdr out[BATCH], in[BATCH];
    struct iovec out_part[BATCH], in_part[BATCH];
    uint8_t out_bytes[BATCH][QUERY_LEN_MAX], in_bytes[BATCH][ANSWER_LEN_MAX];
};

static volatile sig_atomic_t phase_ended, stopped;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        phase_ended = 1;
    else
        stopped = 1;
}

static void totals_show(struct load *l)
{
    const struct totals *t = &l->totals;
    double answered = t->answered ? (double)t->answered : 1;
    printf("{\"seconds\": %.6f, \"sent\": %lu, \"answered\": %lu, \"lost\": %lu, \"stray\": %lu,",
           (double)(now_ns() - t->since_ns) / 1e9, t->sent, t->answered, t->lost, t->stray);
    printf(
        " \"size\": %.2f, \"tc\": %lu, \"aa\": %lu, \"records\": [%.3f, %.3f, %.3f], \"rcode\": {",
        (double)t->bytes / answered, t->truncated, t->authoritative,
        (double)t->records[0] / answered, (double)t->records[1] / answered,
        (double)t->records[2] / answered);
    const char *comma = "";
    for (int i = 0; i < 16; i++)
        if (t->rcode[i]) {
            printf("%s\"%d\": %lu", comma, i, t->rcode[i]);
            comma = ", ";
        }
    printf("}, \"us\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": "
           "%.1f}}\n",
           (double)histogram_get(&l->times, 0.5) / 1e3, (double)histogram_get(&l->times, 0.9) / 1e3,
           (double)histogram_get(&l->times, 0.99) / 1e3,
           (double)histogram_get(&l->times, 0.999) / 1e3, (double)l->times.max / 1e3);
    fflush(stdout);
}

static void totals_init(struct load *l)
{
    l->totals = (struct totals){.since_ns = now_ns()};
    histogram_init(&l->times);
}

/* One query into place i of the batch, due at since_ns. */
static void query_put(struct load *l, uint32_t i, uint64_t since_ns)
{
    uint16_t at = l->free[--l->free_count];
    uint16_t id =
        (uint16_t)((random_next(&l->random) & ~(uint64_t)(l->options.outstanding - 1)) | at);
    l->slots[at] = (struct slot){.since_ns = since_ns, .query = l->next, .id = id, .busy = true};
    uint32_t from = l->queries.at[l->next], len = l->queries.at[l->next + 1] - from;
    memcpy(l->out_bytes[i], l->queries.bytes + from, len);
    l->out_bytes[i][0] = (uint8_t)(id >> 8);
    l->out_bytes[i][1] = (uint8_t)id;
    l->out_part[i].iov_len = len;
    l->next = l->next + 1 < l->queries.count ? l->next + 1 : 0;
}

static void slot_release(struct load *l, struct slot *s)
{
    s->busy = false;
    l->free[l->free_count++] = (uint16_t)(s - l->slots);
}

static void batch_send(struct load *l, uint32_t count)
{
    for (uint32_t sent = 0; sent < count;) {
        int n = sendmmsg(l->fd, l->out + sent, count - sent, 0);
        if (n < 0 && errno == ECONNREFUSED)
            errx(1, "port %u: nobody answers there", l->options.port);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            err(1, "send");
        sent += n > 0 ? (uint32_t)n : 0;
    }
    l->sent += count;
    l->totals.sent += count;
}

/* How many queries may go out now. */
static uint64_t due_count(const struct load *l, uint64_t now)
{
    const struct options *o = &l->options;
    uint64_t due = l->free_count;
    if (o->rate) {
        uint64_t by_clock = (uint64_t)((double)(now - l->start_ns) / 1e9 * (double)o->rate) + 1;
        due = by_clock > l->sent ? by_clock - l->sent : 0;
    }
    if (o->count && due > o->count - l->sent)
        due = o->count - l->sent;
    return due < l->free_count ? due : l->free_count;
}

static void load_send(struct load *l, uint64_t now)
{
    for (uint64_t due = due_count(l, now); due > 0;) {
        uint32_t count = due < BATCH ? (uint32_t)due : BATCH;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t since = now;
            if (l->options.rate)
                since = l->start_ns + (l->sent + i) * SECOND_NS / l->options.rate;
            query_put(l, i, since);
        }
        batch_send(l, count);
        due -= count;
    }
}

static bool is_answer(const struct load *l, const struct slot *s, const uint8_t *p, uint32_t len)
{
    uint32_t from = l->queries.at[s->query],
             question = l->queries.at[s->query + 1] - from - TAIL_OPT_LEN;
    return s->busy && s->id == (p[0] << 8 | p[1]) && (p[2] & 0x80) && len >= question &&
           memcmp(p + 12, l->queries.bytes + from + 12, question - 12) == 0;
}

static void answer_take(struct load *l, const uint8_t *p, uint32_t len, uint64_t now)
{
    struct totals *t = &l->totals;
    struct slot *s = &l->slots[(p[0] << 8 | p[1]) & (int)(l->options.outstanding - 1)];
    if (len < 12 || !is_answer(l, s, p, len)) {
        t->stray++;
        return;
    }
    t->answered++;
    t->bytes += len;
    t->authoritative += (p[2] >> 2) & 1;
    t->truncated += (p[2] >> 1) & 1;
    t->rcode[p[3] & 15]++;
    for (int i = 0; i < 3; i++)
        t->records[i] += (uint64_t)(p[6 + 2 * i] << 8 | p[7 + 2 * i]);
    histogram_add(&l->times, now > s->since_ns ? now - s->since_ns : 0);
    slot_release(l, s);
}

static int load_receive(struct load *l)
{
    int count = recvmmsg(l->fd, l->in, BATCH, MSG_DONTWAIT, NULL);
    if (count < 0 && errno == ECONNREFUSED)
        errx(1, "port %u: nobody answers there", l->options.port);
    uint64_t now = now_ns();
    for (int i = 0; i < count; i++)
        answer_take(l, l->in_bytes[i], l->in[i].msg_len, now);
    return count;
}

static void load_sweep(struct load *l, uint64_t now)
{
    if (now - l->swept_ns < SWEEP_NS)
        return;
    l->swept_ns = now;
    for (uint32_t i = 0; i < l->options.outstanding; i++)
        if (l->slots[i].busy && now > l->slots[i].since_ns + TIMEOUT_NS) {
            l->totals.lost++;
            slot_release(l, &l->slots[i]);
        }
}

static bool is_done(const struct load *l, uint64_t now)
{
    if (l->options.count && l->sent == l->options.count)
        return l->free_count == l->options.outstanding;
    return stopped || now - l->start_ns > (uint64_t)(l->options.seconds * 1e9);
}

/* Receiving never sleeps: the generator has a core of its own, and a sleeper would have to be woken
 * up by the server, at the server's expense. */
static void load_run(struct load *l)
{
    l->start_ns = l->swept_ns = now_ns();
    totals_init(l);
    for (uint64_t now = l->start_ns; !is_done(l, now); now = now_ns()) {
        load_send(l, now);
        load_receive(l);
        load_sweep(l, now);
        if (phase_ended) {
            phase_ended = 0;
            totals_show(l);
            totals_init(l);
        }
    }
    totals_show(l);
}

static void load_open(struct load *l)
{
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(l->options.port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->fd = socket(AF_INET, SOCK_DGRAM, 0);
    int room = 4 << 20;
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&server, sizeof server) < 0)
        err(1, "port %u", l->options.port);
    setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    queries_open(&l->queries, l->options.queries);
    l->slots = calloc(l->options.outstanding, sizeof *l->slots);
    l->free = calloc(l->options.outstanding, sizeof *l->free);
    if (!l->slots || !l->free || getrandom(&l->random, sizeof l->random, 0) != sizeof l->random)
        err(1, "start");
    l->random |= 1;
    for (uint32_t i = 0; i < l->options.outstanding; i++)
        l->free[l->free_count++] = (uint16_t)i;
    for (uint32_t i = 0; i < BATCH; i++) {
        l->out_part[i].iov_base = l->out_bytes[i];
        l->out[i].msg_hdr = (struct msghdr){.msg_iov = &l->out_part[i], .msg_iovlen = 1};
        l->in_part[i] = (struct iovec){l->in_bytes[i], ANSWER_LEN_MAX};
        l->in[i].msg_hdr = (struct msghdr){.msg_iov = &l->in_part[i], .msg_iovlen = 1};
    }
}

static void usage(void)
{
    errx(2, "usage: load --port PORT --queries FILE [--seconds S] [--count N] [--outstanding N] "
            "[--rate N]");
}

static void options_scan(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {{"port", 1, NULL, 'p'},    {"queries", 1, NULL, 'q'},
                                          {"seconds", 1, NULL, 's'}, {"count", 1, NULL, 'c'},
                                          {"rate", 1, NULL, 'r'},    {"outstanding", 1, NULL, 'o'},
                                          {NULL, 0, NULL, 0}};
    *o = (struct options){.seconds = 10, .outstanding = 128};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;)
        switch (c) {
        case 'p':
            o->port = (uint16_t)strtoul(optarg, NULL, 10);
            break;
        case 'q':
            o->queries = optarg;
            break;
        case 's':
            o->seconds = strtod(optarg, NULL);
            break;
        case 'c':
            o->count = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            o->rate = strtoull(optarg, NULL, 10);
            break;
        case 'o':
            o->outstanding = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        default:
            usage();
        }
    uint32_t n = o->outstanding;
    if (optind != argc || !o->port || !o->queries || n == 0 || (n & (n - 1)) || n > OUTSTANDING_MAX)
        usage();
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof *l);
    if (!l)
        err(1, "memory");
    options_scan(&l->options, argc, argv);
    load_open(l);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    load_run(l);
    queries_close(&l->queries);
    free(l->slots);
    free(l->free);
    free(l);
    return 0;
}
