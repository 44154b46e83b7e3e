/* SPDX-License-Identifier: Apache-2.0
 * What it costs to take in a transfer that is in memory already: xfr_in_bench ZONE FILE [MESSAGE
 * [ORDER]].
 *
 * The zone is written into messages of at most MESSAGE bytes (16384), once in canonical order, once
 * with its names shuffled, and once with its records shuffled; then each is read as AXFR. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "dns/build.h"
#include "given.h"
#include "xfr/in.h"
#include "zone/contrast.h"
#include "zone/lookup.h"

struct record {
    const struct node *node;
    struct rrset set;
    struct rdata rdata;
};

struct stream {
    uint8_t *bytes; /* messages, each behind its length */
    size_t len, cap;
    uint64_t records;
};

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void stream_add(struct stream *s, struct build *b)
{
    build_header(b, 7, FLAG_QR | FLAG_AA);
    if (s->cap - s->len < b->len + 2) {
        s->cap = 2 * s->cap + b->len + 2;
        s->bytes = mem_grow(s->bytes, s->cap);
    }
    put_u16(s->bytes + s->len, (uint16_t)b->len);
    memcpy(s->bytes + s->len + 2, b->wire, b->len);
    s->len += b->len + 2;
}

static void put(struct stream *s, struct build *b, size_t message, const struct record *r)
{
    struct rr rr = {node_owner(r->node), r->set.type, CLASS_IN, r->set.ttl, r->rdata};
    s->records++;
    if (build_rr(b, SECTION_ANSWER, &rr))
        return;
    stream_add(s, b);
    build_init(b, b->wire, message);
    ASSERT(build_rr(b, SECTION_ANSWER, &rr));
}

static struct stream stream_of(const struct version *v, const struct record *r, size_t count,
                               size_t message)
{
    static uint8_t wire[DNS_MESSAGE_MAX];
    struct stream s = {0};
    struct build b;
    struct record soa = {v->apex, v->soa, rrset_first(v->soa)};
    build_init(&b, wire, message);
    ASSERT(build_question(&b, name_of(&v->zone->name), TYPE_AXFR, CLASS_IN));
    put(&s, &b, message, &soa);
    for (size_t i = 0; i < count; i++)
        if (r[i].set.type != TYPE_SOA)
            put(&s, &b, message, &r[i]);
    put(&s, &b, message, &soa);
    stream_add(&s, &b);
    return s;
}

static struct zone *take(const char *what, const struct version *v, const struct stream *s)
{
    struct tsig_session none = {0};
    struct xfr_in_order order = {.zone = name_of(&v->zone->name), .id = 7, .qtype = TYPE_AXFR};
    struct diag diag = {0};
    double start = cpu_s();
    struct xfr_in *x = xfr_in_new(&order, &none);
    enum xfr_in_next next = XFR_IN_MORE;
    for (size_t at = 0; next == XFR_IN_MORE && at < s->len;) {
        size_t len = get_u16(s->bytes + at);
        next = xfr_in_message(x, s->bytes + at + 2, len, 0, &diag);
        at += len + 2;
    }
    double took = cpu_s() - start;
    if (next != XFR_IN_WHOLE) {
        fprintf(stderr, "%s\n", diag.text);
        exit(1);
    }
    printf("%-18s %llu records %.1f MB: %.3f s, %.0f ns a record\n", what,
           (unsigned long long)s->records, (double)s->len / 1e6, took,
           took * 1e9 / (double)s->records);
    struct zone *z = xfr_in_zone(x);
    xfr_in_free(x);
    return z;
}

static void compare(const struct version *a, const struct version *b)
{
    struct diff d;
    double start = cpu_s();
    contrast_versions(a, b, &d);
    printf("%-18s %llu names: %.3f s, %u removed, %u added\n", "compared",
           (unsigned long long)a->node_count, cpu_s() - start, d.removed_count, d.added_count);
    diff_done(&d);
}

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void shuffle_records(struct record *r, size_t count)
{
    uint64_t state = 1;
    for (size_t i = count; i > 1; i--) {
        size_t j = draw(&state) % i;
        struct record t = r[i - 1];
        r[i - 1] = r[j];
        r[j] = t;
    }
}

/* By a keyed hash of the node: records of one stay together, nodes do not stay in order. */
static int by_mixed(const void *pa, const void *pb)
{
    const struct record *a = pa, *b = pb;
    uint64_t x = (uintptr_t)a->node * 0x9e3779b97f4a7c15u,
             y = (uintptr_t)b->node * 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    y ^= y >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    y *= 0xbf58476d1ce4e5b9u;
    return x < y ? -1 : x > y;
}

static void shuffle_names(struct record *r, size_t count)
{
    qsort(r, count, sizeof(*r), by_mixed);
}

static const struct {
    const char *what;
    void (*mix)(struct record *r, size_t count);
} orders[] = {{"canonical", NULL}, {"names", shuffle_names}, {"records", shuffle_records}};

static void run(const char *what, const struct version *v, const struct record *r, size_t count,
                size_t message)
{
    struct stream s = stream_of(v, r, count, message);
    struct zone *z = take(what, v, &s);
    free(s.bytes);
    compare(v, z->published);
    zone_free(z);
}

int main(int argc, char **argv)
{
    struct zone *z = given_zone(argc, argv, "xfr_in_bench ZONE FILE [MESSAGE [ORDER]]");
    const struct version *v = z->published;
    struct record *r = mem_alloc(v->record_count * sizeof(*r));
    size_t count = 0, message = argc > 3 ? (size_t)atoi(argv[3]) : 16384;
    struct walk w;
    walk_start(&w, v);
    for (const struct node *n; (n = walk_next(&w));)
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
            for (struct rdata d = rrset_first(s); d.bytes; d = rrset_next(s, d))
                r[count++] = (struct record){n, s, d};
    const char *only = argc > 4 ? argv[4] : NULL;
    for (unsigned i = 0; i < ARRAY_LEN(orders); i++)
        if (!only || strcmp(only, orders[i].what) == 0) {
            if (orders[i].mix)
                orders[i].mix(r, count);
            run(orders[i].what, v, r, count, message);
        }
    free(r);
    zone_free(z);
    return 0;
}
