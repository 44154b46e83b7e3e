/* SPDX-License-Identifier: Apache-2.0
 * The pipeline of a query for tests. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dns/master.h"
#include "edns/edns.h"
#include "zone/txn.h"
#include "zone/zone.h"
#include "unit.h"

#define LINES_MAX 1024

struct world *world_new(void)
{
    struct world *w = mem_alloc_zero(sizeof(*w));
    w->self.minimal_responses = true;
    w->self.chain_max = 16;
    w->self.nsec3_iterations_max = 100;
    w->self.udp_size_max = 4096;
    w->self.edns_size = 1232;
    store_init(&w->store, (struct hash_key){1, 2});
    arena_init(&w->arena, 4096, 1 << 20);
    cr_assert(digest_init(&w->digest));
    return w;
}

void world_free(struct world *w)
{
    for (unsigned i = 0; i < w->zone_count; i++)
        zone_free(w->zones[i]);
    store_done(&w->store);
    arena_done(&w->arena);
    digest_done(&w->digest);
    free(w);
}

static struct name_buf scan_name(const char *s, size_t len)
{
    struct name_buf out;
    struct diag diag = {0};
    cr_assert_eq(name_scan(s, len, NAME_ROOT, &out, &diag), OK, "%s: %s", s, diag.text);
    return out;
}

static enum err take_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    (void)where;
    (void)txn_add(arg, rr);
    return OK;
}

static void take_fault(void *arg, enum master_severity severity, const struct master_where *where,
                       const char *sentence)
{
    (void)arg;
    cr_assert(severity == MASTER_WARNING, "%s:%u:%u: %s", where->file, where->line, where->column,
              sentence);
}

void world_add(struct world *w, const char *origin, const char *text)
{
    struct name_buf name = scan_name(origin, strlen(origin));
    struct zone *z = zone_new(name_of(&name), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    struct master_options options = {.origin = name_of(&name), .class = CLASS_IN};
    struct master_sink sink = {.arg = t, .record = take_record, .fault = take_fault};
    struct master_result result;
    struct diag diag = {0};
    cr_assert_eq(master_read_bytes(origin, text, strlen(text), &options, &sink, &result, &diag), OK,
                 "%s", diag.text);
    zone_publish(z, txn_seal(&t, NULL));
    cr_assert(w->zone_count < WORLD_ZONES_MAX);
    w->zones[w->zone_count++] = z;
    store_add(&w->store, name_of(&name))->zone = z;
}

void world_add_file(struct world *w, const char *origin, const char *path)
{
    char whole[512];
    snprintf(whole, sizeof(whole), "%s/%s", TEST_DATA, path);
    FILE *f = fopen(whole, "r");
    cr_assert(f, "%s", whole);
    char *text = mem_alloc_zero(1 << 20);
    size_t len = fread(text, 1, (1 << 20) - 1, f);
    cr_assert_gt(len, 0);
    fclose(f);
    world_add(w, origin, text);
    free(text);
}

void world_add_unloaded(struct world *w, const char *origin)
{
    struct name_buf name = scan_name(origin, strlen(origin));
    store_add(&w->store, name_of(&name));
}

/* --- the question --- */

static uint16_t scan_class(const char *s)
{
    static const struct {
        const char *text;
        uint16_t class;
    } rows[] = {{"IN", CLASS_IN},
                {"CH", CLASS_CH},
                {"HS", CLASS_HS},
                {"NONE", CLASS_NONE},
                {"ANY", CLASS_ANY}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].text, s) == 0)
            return rows[i].class;
    cr_assert_fail("class %s", s);
    return 0;
}

static size_t write_query(const char *question, unsigned ask, uint16_t size, uint8_t *wire,
                          size_t cap)
{
    char name[1100], first[32], second[32];
    int count = sscanf(question, "%1099s %31s %31s", name, first, second);
    cr_assert(count == 2 || count == 3, "%s", question);
    struct name_buf qname = scan_name(name, strlen(name));
    uint16_t qclass = count == 3 ? scan_class(first) : CLASS_IN, qtype;
    const char *type = count == 3 ? second : first;
    cr_assert(rrtype_scan(type, strlen(type), &qtype), "%s", type);

    static struct build b;
    build_init(&b, wire, cap);
    cr_assert(build_question(&b, name_of(&qname), qtype, qclass));
    if (ask & (ASK_DO | ASK_EDNS)) {
        struct rr opt = {.owner = NAME_ROOT,
                         .type = TYPE_OPT,
                         .class = size,
                         .ttl = ask & ASK_DO ? 0x8000 : 0,
                         .rdata = {(const uint8_t *)"", 0}};
        cr_assert(build_rr(&b, SECTION_ADDITIONAL, &opt));
    }
    build_header(&b, 4711, 0);
    return b.len;
}

/* What server/ does with a query. */
static void answer_query(struct world *w, const uint8_t *in, size_t in_len, unsigned ask)
{
    static struct build b;
    static struct request q;
    memset(&q, 0, sizeof(q));
    q.self = &w->self;
    q.store = &w->store;
    q.count = &w->count;
    q.arena = &w->arena;
    q.digest = &w->digest;
    q.peer.transport = ask & ASK_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
    q.answer = &b;
    cr_assert(message_read_header(&q.msg, in, in_len));
    cr_assert_eq(message_read(&q.msg), NOERROR);
    edns_clear(&q.edns);
    cr_assert_eq(edns_read(&q), NOERROR);
    cr_assert_eq(edns_apply(&q), NOERROR);
    build_init(&b, w->wire, edns_answer_max(&q));
    cr_assert(build_question(&b, q.msg.qname, q.msg.qtype, q.msg.qclass));
    cr_assert(edns_reserve(&q));
    if (query_locate(&q))
        lookup_find(q.version, q.msg.qname, &q.lookup);
    query_answer(&q);
    edns_write(&q);
    cr_assert_leq(b.len, edns_answer_max(&q));
    build_header(&b, q.msg.id, (uint16_t)(FLAG_QR | q.answer_flags | (q.rcode & FLAG_RCODE_MASK)));
    w->wire_len = b.len;
    arena_reset(&w->arena);
}

/* --- the answer --- */

static void show_rdata(const struct rr *rr, struct text *t)
{
    char all[1 << 16];
    struct text whole;
    text_init(&whole, all, sizeof(all));
    rdata_show(rr->type, rr->rdata, &whole);
    if (rr->type == TYPE_RRSIG) {
        char covered[64];
        int algorithm, labels;
        cr_assert_eq(sscanf(all, "%63s %d %d", covered, &algorithm, &labels), 3);
        text_fmt(t, "%s %d %d", covered, algorithm, labels);
    } else
        text_add(t, all);
}

static void show_section(const struct message *m, enum section s, const char *word, struct text *t)
{
    static uint8_t room[RDATA_LEN_MAX];
    struct rr_reader reader = rr_reader_of(m, s);
    for (;;) {
        struct wr rdata = wr_over(room, sizeof(room));
        struct rr rr;
        char buf[NAME_TEXT_MAX];
        enum rr_read got = rr_read(&reader, &rdata, &rr);
        cr_assert_neq(got, RR_READ_BAD);
        if (got == RR_READ_END)
            return;
        if (rr.type == TYPE_OPT)
            continue;
        text_fmt(t, "%s %s %u ", word, name_text(rr.owner, buf), rr.ttl);
        if (rr.class != CLASS_IN)
            text_fmt(t, "%s ", class_text(rr.class, buf));
        text_fmt(t, "%s ", rrtype_text(rr.type, buf));
        show_rdata(&rr, t);
        text_char(t, '\n');
    }
}

static const char *show_answer(struct world *w)
{
    static struct message m;
    struct text t;
    char buf[16];
    text_init(&t, w->shown, sizeof(w->shown));
    cr_assert(message_read_header(&m, w->wire, w->wire_len));
    cr_assert_eq(message_read(&m), NOERROR, "our own answer cannot be read");
    text_fmt(&t, "%s%s%s\n", rcode_text(m.flags & FLAG_RCODE_MASK, buf),
             m.flags & FLAG_AA ? " aa" : "", m.flags & FLAG_TC ? " tc" : "");
    show_section(&m, SECTION_ANSWER, "an", &t);
    show_section(&m, SECTION_AUTHORITY, "ns", &t);
    show_section(&m, SECTION_ADDITIONAL, "ad", &t);
    cr_assert(!t.bad);
    return w->shown;
}

const char *world_ask_sized(struct world *w, const char *question, unsigned ask, uint16_t size)
{
    uint8_t in[600];
    bool before = w->self.minimal_responses;
    w->self.minimal_responses = !(ask & ASK_FULL);
    size_t len = write_query(question, ask, size, in, sizeof(in));
    answer_query(w, in, len, ask);
    w->self.minimal_responses = before;
    return show_answer(w);
}

const char *world_ask(struct world *w, const char *question, unsigned ask)
{
    return world_ask_sized(w, question, ask, 4096);
}

/* --- comparison --- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Cuts s into its lines, sorted. */
static size_t sort_lines(char *s, char **lines)
{
    size_t count = 0;
    for (char *line = strtok(s, "\n"); line; line = strtok(NULL, "\n")) {
        cr_assert(count < LINES_MAX);
        lines[count++] = line;
    }
    qsort(lines, count, sizeof(*lines), compare_lines);
    return count;
}

bool world_is_same(const char *a, const char *b)
{
    char *copy_a = strdup(a), *copy_b = strdup(b);
    char *lines_a[LINES_MAX], *lines_b[LINES_MAX];
    size_t count_a = sort_lines(copy_a, lines_a), count_b = sort_lines(copy_b, lines_b);
    bool is_same = count_a == count_b;
    for (size_t i = 0; is_same && i < count_a; i++) {
        bool has_hash = strstr(lines_a[i], " NSEC3 "); /* base32hex is the same in either case */
        is_same =
            (has_hash ? strcasecmp(lines_a[i], lines_b[i]) : strcmp(lines_a[i], lines_b[i])) == 0;
    }
    free(copy_a);
    free(copy_b);
    return is_same;
}

void world_check(struct world *w, const struct world_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = world_ask(w, rows[i].question, rows[i].ask);
        cr_expect(world_is_same(got, rows[i].answer), "%s: %s\n--- expected\n%s--- got\n%s",
                  rows[i].name, rows[i].question, rows[i].answer, got);
    }
}
