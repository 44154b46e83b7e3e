/* SPDX-License-Identifier: Apache-2.0
 * What it costs to make the messages of a transfer: xfr_out_bench ZONE FILE [ROUNDS].
 *
 * The zone as AXFR, unsigned and signed, and a thousand differences of one record as IXFR; a walk
 * that looks at every record and writes nothing is the floor below the first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/check.h"
#include "given.h"
#include "xfr/out.h"
#include "zone/version.h"

enum { STEPS = 1000 };

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(const char *what, double took, double slowest, struct xfr_out_count count)
{
    printf("%-14s %8llu records %7llu messages %6.1f MB: %6.1f ms, %5.1f ns a record, "
           "slowest message %.0f us\n",
           what, (unsigned long long)count.records, (unsigned long long)count.messages,
           (double)count.bytes / 1e6, took / 1e6, took / (double)count.records, slowest / 1e3);
}

static void hear(const char *what, struct xfr_out *x)
{
    static uint8_t wire[DNS_MESSAGE_MAX];
    struct diag diag = {0};
    enum xfr_out_next next;
    double start = cpu_ns(), before = start, slowest = 0;
    size_t len;
    do {
        next = xfr_out_next(x, 1000000, wire, &len, &diag);
        double now = cpu_ns();
        slowest = now - before > slowest ? now - before : slowest;
        before = now;
    } while (next == XFR_OUT_MESSAGE);
    if (next != XFR_OUT_LAST) {
        fprintf(stderr, "%s\n", diag.text);
        exit(1);
    }
    report(what, before - start, slowest, xfr_out_count(x));
    xfr_out_free(x);
}

static void look(const struct version *v)
{
    struct xfr_out_count count = {0};
    struct walk w;
    double start = cpu_ns();
    walk_start(&w, v);
    for (const struct node *n; (n = walk_next(&w));)
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) {
            count.records += s.count;
            for (struct rdata d = rrset_first(s); d.bytes; d = rrset_next(s, d))
                count.bytes += d.len;
        }
    report("walk", cpu_ns() - start, 0, count);
}

static void sign_request(struct keyring *ring, struct tsig_session *server)
{
    const struct name name = {(const uint8_t *)"\1k", 3};
    const struct tsig_secret secret = {(const uint8_t *)"0123456789abcdef0123456789abcdef", 32, 0};
    uint8_t wire[512] = {0};
    size_t len = DNS_HEADER_LEN;
    struct tsig_session asking = {0};
    struct message m;
    ASSERT(keyring_add(ring, name, "hmac-sha256", &secret, 1, NULL) == OK);
    tsig_session_start(&asking, keyring_at(ring, 0));
    tsig_sign(&asking, wire, &len, 1000000);
    ASSERT(message_read_header(&m, wire, len) && message_read(&m) == NOERROR);
    ASSERT(tsig_verify(server, ring, &m, 1000000) == NOERROR);
    tsig_session_done(&asking);
}

/* An address moves on by one, a thousand times. */
static struct xfr_steps make_steps(struct zone *z)
{
    struct name_buf owner;
    struct xfr_steps steps = {0};
    const struct name label = {(const uint8_t *)"\4host", 6};
    ASSERT(name_join(label, name_of(&z->name), &owner));
    for (uint32_t i = 0; i < STEPS; i++) {
        uint8_t address[4], soa[512];
        struct rdata old = rrset_first(z->tip->soa);
        struct rr rr = {name_of(&owner), TYPE_A, z->class, 300, {address, 4}};
        struct txn *t = txn_begin(z, TXN_CHANGE);
        struct diff d;
        put_u32(address, 0x0a000000 + i);
        txn_remove_rrset(t, name_of(&owner), TYPE_A);
        txn_add(t, &rr);
        memcpy(soa, old.bytes, old.len);
        put_u32(soa + old.len - 20, z->tip->serial + 1);
        rr = (struct rr){name_of(&z->name), TYPE_SOA, z->class, z->tip->soa.ttl, {soa, old.len}};
        txn_remove_rrset(t, name_of(&z->name), TYPE_SOA);
        txn_add(t, &rr);
        zone_publish(z, txn_seal(&t, &d));
        xfr_steps_add(&steps, xfr_step_new(&d));
    }
    return steps;
}

static void hear_steps(struct xfr_out_head *head, struct zone *z, const struct xfr_steps *steps)
{
    struct xfr_out_soa soa = {rrset_first(z->published->soa), z->published->soa.ttl};
    struct xfr_out *x = xfr_out_steps(head, &soa);
    struct xfr_steps given = {0};
    for (unsigned i = 0; i < steps->count; i++)
        xfr_steps_add(&given, xfr_step_hold(steps->at[i]));
    xfr_out_give(x, &given);
    xfr_out_end(x);
    hear("1,000 steps", x);
}

static void condense(const struct xfr_steps *steps)
{
    double start = cpu_ns();
    struct xfr_step *step = xfr_condense(steps);
    struct xfr_out_count count = {.records = 4 * STEPS, .bytes = step->diff.len};
    report("condensed", cpu_ns() - start, 0, count);
    xfr_step_release(step);
}

int main(int argc, char **argv)
{
    struct zone *z = given_zone(argc, argv, "xfr_out_bench ZONE FILE [ROUNDS]");
    struct keyring *ring = keyring_new();
    struct tsig_session none = {0}, server = {0};
    sign_request(ring, &server);
    struct xfr_out_head head = {.flags = FLAG_QR | FLAG_AA,
                                .qname = name_of(&z->name),
                                .qtype = TYPE_AXFR,
                                .qclass = z->class};
    struct xfr_steps steps = make_steps(z);
    condense(&steps);
    for (long rounds = argc > 3 ? strtol(argv[3], NULL, 10) : 3; rounds > 0; rounds--) {
        look(z->published);
        head.tsig = &none;
        hear("AXFR", xfr_out_whole(&head, z->published, NULL));
        hear_steps(&head, z, &steps);
        head.tsig = &server;
        hear("AXFR, signed", xfr_out_whole(&head, z->published, NULL));
        hear_steps(&head, z, &steps);
    }
    xfr_steps_done(&steps);
    tsig_session_done(&server);
    keyring_free(ring);
    zone_free(z);
    return 0;
}
