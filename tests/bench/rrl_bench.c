/* SPDX-License-Identifier: Apache-2.0
 * What response rate limiting costs an answer: rrl_bench [ROUNDS [NETWORKS [on|off]]].
 *
 * The same questions, in full batches, go through the whole pipeline of one server in this process
 * with rate limits and without them, in turn: what is printed is CPU time, and the difference is
 * what they cost. No limit is reached. Each network asks for one name, and they come in an order
 * without locality: a thousand stay in the nearest cache, a hundred thousand do not, and of a
 * million the table has forgotten nearly every one when it comes again. With the third argument
 * only one of the two is run, and nothing is measured: for a tool that counts instructions. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "server/server_int.h"

enum { NAMES = 4096, QUESTION_MAX = 64, QUESTIONS = 1 << 17, ROUNDS_MAX = 1000 };

#define NOW_US INT64_C(1700000000000000)

struct bench {
    struct server *server;
    char dir[32];
    uint32_t networks;
    struct exchange x[NAMES];
    uint8_t wire[NAMES][QUESTION_MAX];
    uint8_t out[SERVER_BATCH_MAX][SERVER_UDP_OUT_MAX];
    int64_t now_us;
};

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void wake(void *arg)
{
    (void)arg;
}

static void write_file(const struct bench *b, const char *name, const char *text)
{
    char path[80];
    snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    FILE *f = fopen(path, "w");
    ASSERT(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* Labels of 2 to 21 characters: names of 15 to 34 bytes. */
static void label_of(unsigned i, char out[32])
{
    snprintf(out, 32, "%.*s%u", (int)(i % NAMES * 7 % 18), "a-host-by-the-name", i % NAMES + 1000);
}

static void zone_write(const struct bench *b)
{
    char *text = mem_alloc((size_t)NAMES * 64 + 200), label[32];
    int at = sprintf(text, "$TTL 300\n@ SOA ns.example.net. h.example.net. 1 2 3 4 5\n"
                           "@ NS ns.example.net.\n");
    for (unsigned i = 0; i < NAMES; i++) {
        label_of(i, label);
        at += sprintf(text + at, "%s A 192.0.2.%u\n", label, i % 250);
    }
    write_file(b, "zone", text);
    free(text);
}

static struct conf *conf_make(const struct bench *b)
{
    static struct conf_faults faults;
    static const char text[] = "server: {listen: 127.0.0.1@5300, state-dir: ., "
                               "rate-limit: {responses: 1000000, table-size: 131072}}\n"
                               "zones: {example.org.: {file: zone}}\n";
    char path[80];
    snprintf(path, sizeof(path), "%s/reeved.yaml", b->dir);
    struct conf *conf = conf_load_bytes(text, strlen(text), path, &faults);
    if (!conf)
        fprintf(stderr, "%s\n", faults.list[0].text);
    ASSERT(conf);
    return conf;
}

static void server_make(struct bench *b)
{
    struct server_hooks hooks = {.arg = b, .wake = wake};
    struct diag diag = {0};
    strcpy(b->dir, "/tmp/rrl_bench.XXXXXX");
    ASSERT(mkdtemp(b->dir));
    log_setup(LOG_ERROR_LEVEL, LOG_LOGFMT, false, NULL);
    zone_write(b);
    b->now_us = NOW_US;
    ASSERT(server_new(conf_make(b), &hooks, &b->server, &diag) == OK);
    server_start(b->server, b->now_us);
    while (!server_collect(b->server, b->now_us)) {
        server_turn(b->server);
        usleep(1000);
    }
}

static size_t question(uint8_t *wire, unsigned i)
{
    static const uint8_t head[] = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    char text[64], label[32];
    struct name_buf n;
    label_of(i, label);
    snprintf(text, sizeof(text), "%s.example.org.", label);
    ASSERT(name_scan(text, strlen(text), NAME_ROOT, &n, NULL) == OK);
    memcpy(wire, head, sizeof(head));
    memcpy(wire + sizeof(head), n.wire, n.len);
    put_u16(wire + sizeof(head) + n.len, TYPE_A);
    put_u16(wire + sizeof(head) + n.len + 2, CLASS_IN);
    return sizeof(head) + n.len + 4u;
}

static void questions_make(struct bench *b)
{
    for (unsigned i = 0; i < NAMES; i++) {
        struct exchange *x = &b->x[i];
        x->in = b->wire[i];
        x->in_len = question(b->wire[i], i * 1597 % NAMES);
        x->peer.transport = TRANSPORT_UDP;
        x->peer.address.v4.sin_family = AF_INET;
        x->peer.address.v4.sin_port = htons(40053);
    }
}

/* ns an answer. */
static double ask_all(struct bench *b, bool is_limited)
{
    static uint32_t random = 1;
    uint64_t answers = b->server->count.answers;
    double took = 0;
    b->server->rrl.is_on = is_limited;
    for (unsigned at = 0; at < QUESTIONS; at += SERVER_BATCH_MAX) {
        struct exchange batch[SERVER_BATCH_MAX];
        for (unsigned i = 0; i < SERVER_BATCH_MAX; i++) {
            random = random * 1664525u + 1013904223u;
            uint32_t network = (uint32_t)((uint64_t)random * b->networks >> 32);
            batch[i] = b->x[network % NAMES];
            batch[i].out = b->out[i];
            batch[i].peer.address.v4.sin_addr.s_addr = htonl((network + 65536) << 8 | 1);
        }
        b->now_us += 100;
        double start = cpu_ns();
        server_handle(b->server, batch, SERVER_BATCH_MAX, b->now_us);
        took += cpu_ns() - start;
    }
    ASSERT(b->server->count.answers - answers == QUESTIONS && !b->server->count.rrl_limited);
    return took / QUESTIONS;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sorted_at(double *v, long count, double part)
{
    qsort(v, (size_t)count, sizeof(*v), compare);
    return v[(long)((double)(count - 1) * part)];
}

static void measure(struct bench *b, long rounds)
{
    static double on[ROUNDS_MAX], off[ROUNDS_MAX], cost[ROUNDS_MAX];
    (void)ask_all(b, true);
    for (long i = 0; i < rounds; i++) {
        off[i] = ask_all(b, false);
        on[i] = ask_all(b, true);
        cost[i] = on[i] - off[i];
    }
    printf("%7u networks: %6.1f ns an answer without, %6.1f with: cost %5.1f (median; quarters "
           "%5.1f to %5.1f), of the lowest rounds %5.1f\n",
           b->networks, sorted_at(off, rounds, 0.5), sorted_at(on, rounds, 0.5),
           sorted_at(cost, rounds, 0.5), sorted_at(cost, rounds, 0.25),
           sorted_at(cost, rounds, 0.75), sorted_at(on, rounds, 0) - sorted_at(off, rounds, 0));
}

static void clean(struct bench *b)
{
    server_free(b->server);
    DIR *d = opendir(b->dir);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(b->dir);
}

int main(int argc, char **argv)
{
    static const uint32_t usual[] = {1000, 100000, 1000000};
    static struct bench b;
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 31;
    long networks = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    ASSERT(rounds > 0 && rounds <= ROUNDS_MAX && networks >= 0 && networks < 8000000);
    server_make(&b);
    questions_make(&b);
    for (size_t i = 0; i < (networks ? 1 : ARRAY_LEN(usual)); i++) {
        b.networks = networks ? (uint32_t)networks : usual[i];
        if (argc <= 3)
            measure(&b, rounds);
        for (long k = 0; argc > 3 && k < rounds; k++)
            (void)ask_all(&b, strcmp(argv[3], "on") == 0);
    }
    clean(&b);
    return 0;
}
