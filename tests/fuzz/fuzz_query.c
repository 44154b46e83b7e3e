/* SPDX-License-Identifier: Apache-2.0
 * The whole way of a query, without sockets: bytes are one or several messages for
 * server_handle(), over UDP and TCP.
 *
 * The zones are fixed and loaded once: plain data with chains, wildcards, cuts and odd names,
 * and the signed zones of RFC 4035 (NSEC) and RFC 5155 (NSEC3) under tests/data/query, which
 * have the same name and so a server each. Input: for each message one byte (bit 0: TCP, bit 1:
 * the second server), two of length, then its bytes; the last one may be shorter than it says.
 * Half of the mutations write a query that is worth asking, since random bytes rarely name
 * something that exists; of the others half write a message of the mutator's, which knows the
 * servers' keys. */
#include "base/attr.h"
#include "base/check.h"
#include "base/digits.h"
#include "base/log.h"
#include "dns/message.h"
#include "mutator.h"
#include "server/server.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW_US       INT64_C(1084000000000000)
#define MESSAGES_MAX 16
#define UDP_SIZE     1232
#define STORAGE_MAX  (1u << 20)

size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);

static const char plain_zone[] =
    "$TTL 3600\n"
    "@ SOA ns hostmaster 1 3600 900 1209600 300\n@ NS ns\n@ NS ns.far.test.\n@ MX 10 mail\n@ TXT "
    "\"apex\"\n"
    "ns A 192.0.2.53\nns AAAA 2001:db8::53\nmail A 192.0.2.25\nwww A 192.0.2.1\nwww A "
    "192.0.2.2\nwww TXT \"hello\"\n"
    "* TXT \"wild\"\n* MX 10 mail\nsub.* A 192.0.2.3\n*.w CNAME www\na.b.c.ent A 192.0.2.4\n"
    "c1 CNAME c2\nc2 CNAME c3\nc3 CNAME www\nloop CNAME pool\npool CNAME loop\ngone CNAME "
    "nothing.b.c.ent\nout CNAME x.w.example.\n"
    "d DNAME e\nwww.e A 192.0.2.5\nup DNAME @\nround DNAME dnuor\ndnuor DNAME round\ngrow DNAME "
    "x.grow\n"
    "cut NS ns.cut\ncut NS ns2.cut\nns.cut A 192.0.2.6\nns2.cut AAAA 2001:db8::6\nx.cut A "
    "192.0.2.7\nfar NS ns.other.test.\n"
    "dsc NS ns.other.test.\ndsc DS 1 13 2 "
    "0000000000000000000000000000000000000000000000000000000000000001\n"
    "srv SRV 0 0 1 mail\nsvcb SVCB 1 . alpn=h2\nhttps HTTPS 1 mail\nnaptr NAPTR 1 1 \"\" \"\" \"\" "
    "mail\nodd TYPE65281 \\# 3 010203\n"
    "$GENERATE 1-60 big A 198.51.100.$\n$GENERATE 0-20 bigtxt TXT \"${0,120,d}\"\n"
    "$GENERATE 1-13 bigcut NS name-server-$.bigcut\n$GENERATE 1-13 name-server-$.bigcut A "
    "192.0.2.$\n"
    "$GENERATE 1-13 name-server-$.bigcut AAAA 2001:db8::$\n";

static struct server *servers[2];
static struct mutator *mutator;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;

/* An UPDATE is answered at the end of the turn. */
static void hold(void *arg, const struct exchange *x, struct reply_path *path)
{
    (void)arg;
    *path = (struct reply_path){.channel = x->channel};
}

static void reply(void *arg, const struct peer *peer, struct reply_path *path, const uint8_t *bytes,
                  size_t len)
{
    struct exchange *x = path->channel;
    (void)arg;
    (void)peer;
    if (len)
        memcpy(x->out, bytes, len);
    x->out_len = len;
}

static void wake(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&woken);
    pthread_mutex_unlock(&lock);
}

static void no_log(enum log_level level, const char *message, const struct log_field *fields,
                   int count)
{
    (void)level;
    (void)message;
    (void)fields;
    (void)count;
}

/* The keys that the mutator signs with, as the configuration has them. */
static void show_keys(struct text *t)
{
    static const char *const names[] = {"hmac-md5",    "hmac-sha1",   "hmac-sha224",
                                        "hmac-sha256", "hmac-sha384", "hmac-sha512"};
    text_add(t, "keys:\n");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        uint8_t secret[SHA256_DIGEST_LENGTH];
        SHA256((const uint8_t *)names[i], strlen(names[i]), secret);
        text_fmt(t, "  %s: {algorithm: %s, secret: \"", names[i], names[i]);
        base64_show(secret, sizeof(secret), t);
        text_add(t, "\"}\n");
    }
}

/* With the plain zone, one that does not load, and the signed zone in `file`. The identity is as
 * long as it may be, so that NSID meets the limit of 512 bytes. */
static struct server *open_server(const char *dir, const char *file, const char *minimal)
{
    char text[4096], identity[256];
    struct text t;
    struct conf_faults *faults = malloc(sizeof(*faults));
    memset(identity, 'i', 255);
    identity[255] = 0;
    text_init(&t, text, sizeof(text));
    show_keys(&t);
    text_fmt(
        &t,
        "server: {listen: 127.0.0.1@5300, identity: %s, version: fuzz, minimal-responses: %s,\n"
        "  limits: {refusals-per-source: 0}}\n"
        "zones:\n  plain: {file: %s/plain}\n  broken.plain: {file: %s/absent}\n"
        "  example: {file: %s/query/%s}\n",
        identity, minimal, dir, dir, TEST_DATA, file);
    struct conf *conf = conf_load_bytes(text, text_len(&t), "/fuzz/reeved.yaml", faults);
    if (!conf)
        conf_faults_show(faults, text, stderr);
    ASSERT(conf);
    free(faults);
    const struct server_hooks hooks = {NULL, wake, hold, reply};
    struct server *s;
    struct diag diag;
    ASSERT(server_new(conf, &hooks, &s, &diag) == OK);
    server_start(s, NOW_US);
    pthread_mutex_lock(&lock);
    while (!server_collect(s, NOW_US))
        pthread_cond_wait(&woken, &lock);
    pthread_mutex_unlock(&lock);
    ASSERT(server_counters(s)->zone_loads == 2);
    return s;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char dir[] = "/tmp/reeve-fuzz-XXXXXX", path[64];
    (void)argc;
    (void)argv;
    ASSERT(mkdtemp(dir));
    mutator = mutator_new(1, TEST_DATA "/rdata.txt");
    snprintf(path, sizeof(path), "%s/plain", dir);
    FILE *f = fopen(path, "w");
    ASSERT(f && fputs(plain_zone, f) >= 0 && fclose(f) == 0);
    log_setup(LOG_ERROR_LEVEL, LOG_LOGFMT, false, no_log);
    servers[0] = open_server(dir, "rfc4035.zone", "no");
    servers[1] = open_server(dir, "rfc5155.zone", "yes");
    unlink(path);
    rmdir(dir);
    return 0;
}

/* --- what must be true of every answer --- */

static void check_header(const struct message *asked, const struct message *m)
{
    ASSERT(m->id == asked->id);
    ASSERT(m->flags & FLAG_QR);
    ASSERT(((m->flags ^ asked->flags) & FLAG_OPCODE_MASK) == 0);
    ASSERT((m->flags & (FLAG_RA | FLAG_AD | 0x0040)) == 0);
}

static void check_question(const struct message *asked, const struct message *m)
{
    ASSERT(m->count[SECTION_QUESTION] <= 1);
    if (m->count[SECTION_QUESTION] == 0)
        return;
    ASSERT(asked->qname.len && name_is_same(m->qname, asked->qname)); /* case and all */
    ASSERT(m->qtype == asked->qtype && m->qclass == asked->qclass);
}

/* Gives back the rcode. */
static unsigned check_opt(const struct message *asked, bool is_well_formed, const struct message *m)
{
    unsigned rcode = m->flags & FLAG_RCODE_MASK;
    if (m->opt_at == 0) {
        ASSERT(!is_well_formed || asked->opt_at == 0 || rcode == FORMERR);
        return rcode;
    }
    ASSERT(is_well_formed && asked->opt_at);
    const uint8_t *ttl = m->wire + m->opt_at + 5, *asked_ttl = asked->wire + asked->opt_at + 5;
    ASSERT(ttl[1] == 0);                                               /* version */
    ASSERT((get_u16(ttl + 2) & 0x7fff) == 0);                          /* flags beside DO */
    ASSERT(rcode == FORMERR || ((ttl[2] ^ asked_ttl[2]) & 0x80) == 0); /* DO */
    return rcode | (unsigned)ttl[0] << 4;
}

static size_t size_limit(const struct message *asked, bool is_well_formed, bool is_tcp)
{
    size_t limit = 512;
    if (is_tcp)
        return DNS_MESSAGE_MAX;
    if (is_well_formed && asked->opt_at)
        limit = get_u16(asked->wire + asked->opt_at + 3);
    return limit < 512 ? 512 : limit > UDP_SIZE ? UDP_SIZE : limit;
}

/* All records are well formed, and none is in its section twice. */
static void check_section(const struct message *m, enum section s)
{
    static uint8_t storage[STORAGE_MAX];
    static struct rr rr[256];
    static struct name_buf owner[256];
    struct wr rdata = wr_over(storage, sizeof(storage));
    struct rr_reader reader = rr_reader_of(m, s);
    ASSERT(m->count[s] <= ARRAY_LEN(rr));
    for (unsigned i = 0; i < m->count[s]; i++) {
        enum rr_read got = rr_read(&reader, &rdata, &rr[i]);
        ASSERT(got == RR_READ_OK);
        name_copy(&owner[i], rr[i].owner);
        rr[i].owner = name_of(&owner[i]);
        for (unsigned j = 0; j < i; j++)
            ASSERT(rr[i].type != rr[j].type || !name_is_equal(rr[i].owner, rr[j].owner) ||
                   rdata_compare(rr[i].type, rr[i].rdata, rr[j].rdata) != 0);
    }
}

static void check_answer(const struct exchange *x)
{
    struct message asked, m;
    bool is_tcp = x->peer.transport == TRANSPORT_TCP;
    if (!message_read_header(&asked, x->in, x->in_len) || asked.flags & FLAG_QR) {
        ASSERT(x->out_len == 0); /* nothing that may be answered */
        return;
    }
    bool is_well_formed = message_read(&asked) == NOERROR;
    ASSERT(message_read_header(&m, x->out, x->out_len));
    ASSERT(message_read(&m) == NOERROR);
    check_header(&asked, &m);
    check_question(&asked, &m);
    ASSERT(x->out_len <= size_limit(&asked, is_well_formed, is_tcp));
    unsigned rcode = check_opt(&asked, is_well_formed, &m);
    ASSERT(is_well_formed || rcode == FORMERR || rcode == NOTIMP);
    ASSERT(!(m.flags & FLAG_TC) || !is_tcp);
    ASSERT(!(m.flags & FLAG_AA) || rcode == NOERROR || rcode == NXDOMAIN || rcode == YXDOMAIN);
    if (rcode != NOERROR && rcode != NXDOMAIN && rcode != YXDOMAIN)
        ASSERT(m.count[SECTION_ANSWER] == 0 && m.count[SECTION_AUTHORITY] == 0);
    for (unsigned s = SECTION_ANSWER; s < SECTION_COUNT; s++)
        check_section(&m, (enum section)s);
}

/* --- input --- */

/* The next message of the input in memory of its exact size; false at the end. */
static bool next_message(struct rd *r, struct exchange *x, unsigned *which)
{
    if (rd_left(r) < 3)
        return false;
    unsigned flags = rd_u8(r);
    size_t len = rd_u16(r);
    if (len > rd_left(r))
        len = rd_left(r);
    uint8_t *in = malloc(len ? len : 1);
    memcpy(in, rd_bytes(r, len), len);
    *x = (struct exchange){.in = in, .in_len = len};
    x->peer.transport = flags & 1 ? TRANSPORT_TCP : TRANSPORT_UDP;
    x->peer.address.v4.sin_family = AF_INET;
    x->peer.address.v4.sin_port = htons(40053);
    x->out = malloc(flags & 1 ? DNS_MESSAGE_MAX : SERVER_UDP_OUT_MAX);
    *which = flags >> 1 & 1;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct exchange x[2][MESSAGES_MAX];
    unsigned count[2] = {0, 0}, which;
    struct rd r = rd_over(data, len);
    struct exchange next;
    while (count[0] + count[1] < MESSAGES_MAX && next_message(&r, &next, &which))
        x[which][count[which]++] = next;
    for (which = 0; which < 2; which++) {
        for (unsigned i = 0; i < count[which]; i++)
            x[which][i].channel = &x[which][i];
        server_handle(servers[which], x[which], count[which], NOW_US);
        while (!server_is_idle(servers[which]))
            server_turn(servers[which]);
        for (unsigned i = 0; i < count[which]; i++) {
            check_answer(&x[which][i]);
            free((void *)(uintptr_t)x[which][i].in);
            free(x[which][i].out);
        }
    }
    return 0;
}

/* --- mutations that are queries --- */

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

static void write_name(struct wr *w, uint32_t *state)
{
    static const char *const names[] = {"plain",         "www.plain",
                                        "c1.plain",      "loop.plain",
                                        "gone.plain",    "out.plain",
                                        "d.plain",       "www.d.plain",
                                        "x.up.plain",    "x.round.plain",
                                        "x.grow.plain",  "cut.plain",
                                        "ns.cut.plain",  "far.plain",
                                        "dsc.plain",     "srv.plain",
                                        "svcb.plain",    "https.plain",
                                        "naptr.plain",   "odd.plain",
                                        "big.plain",     "bigtxt.plain",
                                        "bigcut.plain",  "ent.plain",
                                        "b.c.ent.plain", "sub.*.plain",
                                        "*.plain",       "x.w.plain",
                                        "broken.plain",  "x.broken.plain",
                                        "mail.plain",    "example",
                                        "a.example",     "b.example",
                                        "c.example",     "ai.example",
                                        "ns1.example",   "w.example",
                                        "x.w.example",   "y.w.example",
                                        "*.w.example",   "x.y.w.example",
                                        "xx.example",    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example",
                                        "version.bind",  "id.server",
                                        "other",         ""};
    static const char *const prefixes[] = {"",  "",  "",   "x",       "x.y",
                                           "*", "a", "zz", "_x._tcp", "WWW"};
    char text[256];
    const char *name = names[draw(state, ARRAY_LEN(names))],
               *prefix = prefixes[draw(state, ARRAY_LEN(prefixes))];
    snprintf(text, sizeof(text), "%s%s%s", prefix, *prefix && *name ? "." : "", name);
    for (char *label = text; *label;) {
        size_t len = strcspn(label, ".");
        if (draw(state, 8) == 0 && label[0] >= 'a' && label[0] <= 'z')
            label[0] = (char)(label[0] - 32);
        wr_u8(w, (uint8_t)len);
        wr_bytes(w, label, len);
        label += len + (label[len] == '.');
    }
    wr_u8(w, 0);
}

static void write_opt(struct wr *w, uint32_t *state)
{
    static const uint16_t sizes[] = {0, 512, 600, 1232, 4096, 65535};
    static const uint8_t nsid[4] = {0, 3, 0, 0}, unknown[6] = {0xfd, 0xe9, 0, 2, 1, 2};
    bool has_nsid = draw(state, 3) == 0, has_unknown = draw(state, 6) == 0;
    wr_u8(w, 0);
    wr_u16(w, TYPE_OPT);
    wr_u16(w, sizes[draw(state, ARRAY_LEN(sizes))]);
    wr_u8(w, 0);
    wr_u8(w, draw(state, 20) == 0);
    wr_u16(w, draw(state, 3) ? 0x8000 : 0);
    wr_u16(w, (uint16_t)((has_nsid ? sizeof(nsid) : 0) + (has_unknown ? sizeof(unknown) : 0)));
    if (has_nsid)
        wr_bytes(w, nsid, sizeof(nsid));
    if (has_unknown)
        wr_bytes(w, unknown, sizeof(unknown));
}

static void write_query(struct wr *w, uint32_t *state)
{
    static const uint16_t types[] = {1,   2,   5,   6,   12, 15,  16,  28,   33,    35,
                                     39,  43,  46,  47,  48, 50,  51,  64,   65,    255,
                                     251, 252, 253, 254, 41, 249, 250, 1000, 65281, 128};
    uint8_t *head = wr_room(w, 3);
    if (!head)
        return;
    uint8_t *start = w->at;
    bool has_opt = draw(state, 3) != 0;
    wr_u16(w, (uint16_t)draw(state, 65536));
    wr_u16(w, draw(state, 10) ? (uint16_t)(draw(state, 8) << 4) : (uint16_t)draw(state, 32768));
    wr_u16(w, 1);
    wr_u32(w, 0);
    wr_u16(w, has_opt);
    write_name(w, state);
    wr_u16(w, types[draw(state, ARRAY_LEN(types))]);
    wr_u16(w, draw(state, 12) ? CLASS_IN : (uint16_t)(draw(state, 2) ? CLASS_CH : CLASS_ANY));
    if (has_opt)
        write_opt(w, state);
    if (w->bad)
        return;
    head[0] = (uint8_t)draw(state, 4);
    put_u16(head + 1, (uint16_t)(w->at - start));
}

/* Signed, if at all, at the time that it is here. */
static void write_mutant(struct wr *w, uint32_t *state, unsigned number)
{
    struct mutant what;
    uint8_t *head = wr_room(w, 3);
    if (!head || wr_left(w) < 512)
        return;
    size_t max = wr_left(w) < UINT16_MAX ? wr_left(w) : UINT16_MAX;
    size_t len = mutator_write(mutator, number, NOW_US / 1000000, w->at, max, &what);
    head[0] = (uint8_t)draw(state, 4);
    put_u16(head + 1, (uint16_t)len);
    (void)wr_room(w, len);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned seed)
{
    uint32_t state = seed;
    if (draw(&state, 2))
        return LLVMFuzzerMutate(data, len, max);
    bool is_mutant = draw(&state, 2);
    struct wr w = wr_over(data, max);
    for (unsigned count = 1 + draw(&state, 3); count-- > 0 && !w.bad;) {
        if (is_mutant)
            write_mutant(&w, &state, seed + count);
        else
            write_query(&w, &state);
    }
    return wr_len(&w);
}
