/* SPDX-License-Identifier: Apache-2.0
 * For the tests of secondaries: a primary that says what the test has it say. The calls that the
 * server starts are kept here, and the test answers them one by one. */
#ifndef PRIMARY_H
#define PRIMARY_H

#include "bed.h"
#include "disk.h"
#include "server/secondary.h"

enum { PRIMARY_CALLS = 64 };

struct primary_bed {
    struct bed *bed;
    struct call *calls[PRIMARY_CALLS]; /* under way */
    unsigned count, paused, reused;
    unsigned dialed; /* in all */
};

static struct primary_bed primary;

static inline void primary_dial(void *arg, struct call *c)
{
    (void)arg;
    cr_assert_lt(primary.count, PRIMARY_CALLS);
    primary.calls[primary.count++] = c;
    primary.dialed++;
}

static inline void primary_pause(void *arg, struct call *c)
{
    (void)arg;
    primary.paused += c->is_paused;
}

static inline void primary_forget(struct call *c)
{
    unsigned i = 0;
    while (i < primary.count && primary.calls[i] != c)
        i++;
    cr_assert_lt(i, primary.count, "hung up, and not under way");
    memmove(primary.calls + i, primary.calls + i + 1,
            (--primary.count - i) * sizeof(struct call *));
}

static inline void primary_hang_up(void *arg, struct call *c, bool may_reuse)
{
    (void)arg;
    primary.reused += may_reuse;
    primary_forget(c);
}

/* Remotes p1 (192.0.2.1) and p2 (192.0.2.2), keys none. */
#define PRIMARY_REMOTES "}\nremotes: {p1: {address: 192.0.2.1@53}, p2: {address: 192.0.2.2@53}"
#define PRIMARY_Z       "  z.example: {primaries: [p1]}\n"

static inline void primary_pass(struct bed *b, int64_t us);

/* settings: as bed_conf() has them. */
static inline void primary_start_with(struct bed *b, const char *settings, const char *zones)
{
    struct server_hooks hooks = bed_hooks(b);
    struct diag diag = {0};
    hooks.dial = primary_dial;
    hooks.dial_pause = primary_pause;
    hooks.hang_up = primary_hang_up;
    primary = (struct primary_bed){.bed = b};
    struct conf *conf = bed_conf(b, settings, zones);
    cr_assert_eq(server_new(conf, &hooks, &b->server, &diag), OK, "%s", diag.text);
    server_start(b->server, b->now_us);
}

static inline void primary_start(struct bed *b, const char *zones)
{
    primary_start_with(b, PRIMARY_REMOTES, zones);
}

static inline void primary_reload(struct bed *b, const char *zones)
{
    struct diag diag = {0};
    struct conf *conf = bed_conf(b, PRIMARY_REMOTES, zones);
    cr_assert_eq(server_reload(b->server, conf, b->now_us, &diag), OK, "%s", diag.text);
    disk_rest(b);
    primary_pass(b, 0);
}

static inline void primary_restart(struct bed *b, const char *zones)
{
    server_free(b->server);
    b->waiting = 0;
    primary_start(b, zones);
    disk_rest(b);
    primary_pass(b, 0);
}

static inline struct secondary *primary_secondary(struct bed *b)
{
    struct secondary *sec = disk_zone(b, "z.example.")->secondary;
    cr_assert_not_null(sec);
    return sec;
}

/* Turns until nothing is under way but questions. */
static inline void primary_rest(struct bed *b)
{
    for (;;) {
        disk_rest(b);
        if (!disk_zone(b, "z.example.")->secondary || !primary_secondary(b)->taking)
            return;
        cr_assert(bed_wait(b), "a transfer is being taken and nobody wakes the reactor");
    }
}

/* The same, and what has come of the transfer is all of it, which a helper reads. */
static inline void primary_until_over(struct bed *b)
{
    const struct incoming *in = primary_secondary(b)->incoming;
    uint64_t failed = b->server->count.transfers_in_failed; /* the next one may be at its place */
    while (in && primary_secondary(b)->incoming == in &&
           b->server->count.transfers_in_failed == failed) {
        cr_assert(bed_wait(b), "a transfer is being read and nobody wakes the reactor");
        (void)server_collect(b->server, b->now_us);
        server_turn(b->server);
    }
    primary_rest(b);
}

/* The server's clock moves on, and what is due is done. */
static inline void primary_pass(struct bed *b, int64_t us)
{
    b->now_us += us;
    while (server_next_us(b->server) <= b->now_us) {
        server_time(b->server, b->now_us);
        primary_rest(b);
    }
}

/* --- what is asked --- */

static inline struct call *primary_call(void)
{
    cr_assert_eq(primary.count, 1, "%u questions instead of one", primary.count);
    return primary.calls[0];
}

static inline void primary_question(struct call *c, struct message *m)
{
    cr_assert(message_read_header(m, c->bytes, c->len));
    cr_assert_eq(message_read(m), NOERROR);
}

/* The type of the one question under way; 0: there is none. */
static inline unsigned primary_asked(void)
{
    struct message m;
    if (primary.count == 0)
        return 0;
    primary_question(primary_call(), &m);
    return m.qtype;
}

/* --- answers --- */

/* A message under construction: the answer to the call's question. */
struct primary_answer {
    uint8_t wire[DNS_MESSAGE_MAX];
    struct wr w;
    unsigned count;
};

static inline struct primary_answer *primary_answer(struct call *c)
{
    struct primary_answer *a = mem_alloc(sizeof(*a));
    struct message m;
    primary_question(c, &m);
    a->count = 0;
    a->w = wr_over(a->wire, sizeof(a->wire));
    wr_u16(&a->w, m.id);
    wr_u16(&a->w, 0x8400);
    wr_u16(&a->w, 1);
    wr_u16(&a->w, 0);
    wr_u32(&a->w, 0);
    wr_bytes(&a->w, m.qname.wire, m.qname.len);
    wr_u16(&a->w, m.qtype);
    wr_u16(&a->w, m.qclass);
    return a;
}

/* "OWNER TTL TYPE RDATA", a name in it absolute. */
static inline void primary_rr(struct primary_answer *a, const char *text)
{
    char owner[256], type[32], rdata[512];
    unsigned ttl;
    uint16_t code;
    struct lex lex;
    cr_assert_eq(sscanf(text, "%255s %u %31s %511[^\n]", owner, &ttl, type, rdata), 4, "%s", text);
    cr_assert(rrtype_scan(type, strlen(type), &code), "%s", type);
    bed_name(&a->w, owner);
    wr_u16(&a->w, code);
    wr_u16(&a->w, CLASS_IN);
    wr_u32(&a->w, ttl);
    uint8_t *len_at = wr_room(&a->w, 2), *start = a->w.at;
    lex_init(&lex, rdata, strlen(rdata));
    cr_assert_eq(rdata_scan(code, &lex, NAME_ROOT, &a->w, NULL), OK, "%s", text);
    put_u16(len_at, (uint16_t)(a->w.at - start));
    a->count++;
}

#define PRIMARY_REFRESH 100
#define PRIMARY_RETRY   20
#define PRIMARY_EXPIRE  1000

static inline void primary_soa(struct primary_answer *a, uint32_t serial)
{
    char text[200];
    snprintf(text, sizeof(text), "z.example. 300 SOA ns.z.example. h.example. %u %u %u %u 5",
             serial, PRIMARY_REFRESH, PRIMARY_RETRY, PRIMARY_EXPIRE);
    primary_rr(a, text);
}

/* Gives it to the server; it is freed. */
static inline void primary_send(struct call *c, struct primary_answer *a)
{
    cr_assert_not(a->w.bad);
    size_t len = wr_len(&a->w);
    put_u16(a->wire + 6, (uint16_t)a->count);
    uint8_t *copy = mem_alloc(len);
    memcpy(copy, a->wire, len);
    server_call_message(primary.bed->server, c, copy, len);
    free(copy);
    free(a);
}

static inline void primary_cut(struct call *c, const char *why)
{
    primary_forget(c);
    server_call_failed(primary.bed->server, c, why);
}

static inline bool primary_has_opt(void)
{
    struct message m;
    primary_question(primary_call(), &m);
    return m.opt_at;
}

/* The one question under way is answered with an error, and with OPT if it had one. */
static inline void primary_refuses(enum rcode rcode)
{
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    a->wire[3] = (uint8_t)rcode;
    if (primary_has_opt()) {
        wr_bytes(&a->w, (const uint8_t *)"\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
        a->wire[11] = 1;
    }
    primary_send(c, a);
    primary_rest(primary.bed);
}

/* The same by a server that has never heard of OPT (RFC 6891 s7). */
static inline void primary_refuses_opt(enum rcode rcode)
{
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    cr_assert(primary_has_opt());
    a->wire[3] = (uint8_t)rcode;
    primary_send(c, a);
    primary_rest(primary.bed);
}

/* The probe is answered with that serial. */
static inline void primary_says(uint32_t serial)
{
    struct call *c = primary_call();
    cr_assert_eq(primary_asked(), TYPE_SOA);
    struct primary_answer *a = primary_answer(c);
    primary_soa(a, serial);
    primary_send(c, a);
    primary_rest(primary.bed);
}

/* A whole zone with `hosts` addresses h0, h1..., in answer to AXFR or IXFR. */
static inline void primary_gives_whole(uint32_t serial, unsigned hosts)
{
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    char text[100];
    primary_soa(a, serial);
    primary_rr(a, "z.example. 300 NS ns.z.example.");
    primary_rr(a, "ns.z.example. 300 A 192.0.2.53");
    for (unsigned i = 0; i < hosts; i++) {
        snprintf(text, sizeof(text), "h%u.z.example. 300 A 192.0.2.%u", i, serial % 256);
        primary_rr(a, text);
    }
    primary_soa(a, serial);
    primary_send(c, a);
    primary_until_over(primary.bed);
}

/* Fit a message. */
#define PRIMARY_STEPS 300

/* Differences from serial to serial + steps: each step exchanges host hN's address. */
static inline void primary_sends_steps(uint32_t serial, unsigned steps)
{
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    char text[100];
    primary_soa(a, serial + steps);
    for (unsigned i = 0; i < steps; i++) {
        if (i > 0 && i % PRIMARY_STEPS == 0) {
            primary_send(c, a);
            a = primary_answer(c);
        }
        primary_soa(a, serial + i);
        snprintf(text, sizeof(text), "h0.z.example. 300 A 192.0.2.%u", (serial + i) % 256);
        primary_rr(a, text);
        primary_soa(a, serial + i + 1);
        snprintf(text, sizeof(text), "h0.z.example. 300 A 192.0.2.%u", (serial + i + 1) % 256);
        primary_rr(a, text);
    }
    primary_soa(a, serial + steps);
    primary_send(c, a);
}

/* The same, and they are taken. */
static inline void primary_gives_steps(uint32_t serial, unsigned steps)
{
    primary_sends_steps(serial, steps);
    primary_until_over(primary.bed);
}

/* --- what the log has of it --- */

struct primary_rows {
    unsigned count;
    uint32_t from[1100], to[1100];
    char text[400];
};

static inline bool primary_on_row(void *arg, const struct change *c)
{
    struct primary_rows *r = arg;
    r->from[r->count] = c->serial_from;
    r->to[r->count++] = c->serial_to;
    snprintf(r->text, sizeof(r->text), "%s|%s|%s", change_kind_text(c->kind), c->actor, c->peer);
    return r->count < ARRAY_LEN(r->from);
}

static inline struct primary_rows primary_rows(struct bed *b)
{
    struct primary_rows r = {0};
    struct diag diag = {0};
    struct journal_range all = {disk_zone(b, "z.example.")->log_id, 1, INT64_MAX, 1};
    cr_assert_eq(journal_read(state_journal(b->server->state), &all, primary_on_row, &r, &diag), OK,
                 "%s", diag.text);
    return r;
}

/* --- set-ups --- */

/* A server whose zones are opened: the first question is about to be asked. */
static inline struct disk primary_disk_with(const char *settings, const char *zones)
{
    struct disk d = disk_new();
    primary_start_with(d.bed, settings, zones);
    disk_rest(d.bed);
    primary_pass(d.bed, 0);
    return d;
}

static inline struct disk primary_disk(const char *zones)
{
    return primary_disk_with(PRIMARY_REMOTES, zones);
}

/* The same, with z.example at serial 1 and two hosts in it. */
static inline struct disk primary_served(const char *zones)
{
    struct disk d = primary_disk(zones);
    cr_assert_eq(primary_asked(), TYPE_AXFR);
    primary_gives_whole(1, 2);
    cr_assert_eq(bed_serial(d.bed, "z.example."), 1);
    cr_assert_eq(primary.count, 0);
    return d;
}

/* z.example is to look for news now. */
static inline void primary_look(struct bed *b)
{
    struct secondary *sec = primary_secondary(b);
    b->server->now_us = b->now_us;
    secondary_step(b->server, sec, &(struct refresh_event){.kind = REFRESH_ASKED});
}

/* The last byte of the address that a host has; 0: there is no such host. */
static inline unsigned primary_host(struct bed *b, const char *name)
{
    return disk_ask(b, name) == NOERROR ? b->out[b->out_len - 1] : 0;
}

#endif
