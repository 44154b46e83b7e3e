/* SPDX-License-Identifier: Apache-2.0
 * The verb explain query: the answer that a query would get, and what of the zone it came from.
 *
 * The message goes the way of every query; nothing is counted or remembered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "dns/print.h"
#include "edns/edns.h"
#include "server/control_explain.h"
#include "server/server_int.h"
#include "zone/lookup.h"

#define OPT_SIZE 1232
#define OPT_DO   0x8000u

/* clang-format off */
static const char *const kinds[] = {
    [LOOKUP_NODE]           = "exact",
    [LOOKUP_EMPTY]          = "empty non-terminal",
    [LOOKUP_CUT]            = "below a zone cut",
    [LOOKUP_DNAME]          = "below a DNAME",
    [LOOKUP_WILDCARD]       = "wildcard",
    [LOOKUP_WILDCARD_EMPTY] = "wildcard without data",
    [LOOKUP_ABSENT]         = "absent",
};
static const struct {
    uint16_t flag;
    const char *text;
} flags[] = {
    {FLAG_AA, "aa"}, {FLAG_TC, "tc"}, {FLAG_AD, "ad"},
};
/* clang-format on */

static size_t query_write(uint8_t *wire, size_t cap, struct name name, uint16_t type, bool has_do)
{
    struct wr w = wr_over(wire, cap);
    wr_u16(&w, 0);
    wr_u16(&w, 0);
    wr_u16(&w, 1);
    wr_u32(&w, 0);
    wr_u16(&w, has_do ? 1 : 0);
    wr_bytes(&w, name.wire, name.len);
    wr_u16(&w, type);
    wr_u16(&w, CLASS_IN);
    if (has_do) {
        wr_u8(&w, 0);
        wr_u16(&w, TYPE_OPT);
        wr_u16(&w, OPT_SIZE);
        wr_u32(&w, OPT_DO);
        wr_u16(&w, 0);
    }
    ASSERT(!w.bad);
    return wr_len(&w);
}

/* The live path, without its traces. */
static size_t ask(struct server *s, const struct exchange *given)
{
    struct exchange x = *given;
    struct counters before = s->count;
    s->is_asking = true;
    server_handle(s, &x, 1, s->now_us);
    s->is_asking = false;
    s->count = before;
    ASSERT(!x.is_waiting);
    return x.out_len;
}

static json_t *section_rows(const struct message *m, enum section section)
{
    json_t *list = json_array();
    struct rr_reader reader = rr_reader_of(m, section);
    uint8_t *rdata = mem_alloc(RDATA_LEN_MAX);
    char *line = mem_alloc(PRINT_RR_MAX(RDATA_LEN_MAX));
    for (;;) {
        struct rr rr;
        struct wr room = wr_over(rdata, RDATA_LEN_MAX);
        struct text t;
        if (rr_read(&reader, &room, &rr) != RR_READ_OK)
            break;
        if (rr.type == TYPE_OPT)
            continue;
        text_init(&t, line, PRINT_RR_MAX(RDATA_LEN_MAX));
        print_rr(&rr, &t);
        json_array_append_new(list, json_string(line));
    }
    free(line);
    free(rdata);
    return list;
}

static void put_flags(json_t *fields, uint16_t word)
{
    char text[32] = "";
    struct text t;
    text_init(&t, text, sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (word & flags[i].flag)
            text_fmt(&t, "%s%s", text_len(&t) ? " " : "", flags[i].text);
    control_put_text(fields, "flags", text);
}

static void put_answer(json_t *fields, const uint8_t *wire, size_t len)
{
    struct message m;
    char text[16];
    bool is_read = message_read_header(&m, wire, len) && message_read(&m) == NOERROR;
    ASSERT(is_read);
    control_put_text(fields, "rcode", rcode_text(m.flags & FLAG_RCODE_MASK, text));
    put_flags(fields, m.flags);
    json_object_set_new(fields, "answer", section_rows(&m, SECTION_ANSWER));
    json_object_set_new(fields, "authority", section_rows(&m, SECTION_AUTHORITY));
    json_object_set_new(fields, "additional", section_rows(&m, SECTION_ADDITIONAL));
}

/* What the version knows of the name itself; a CNAME may have led the answer elsewhere. */
static void put_lookup(json_t *fields, const struct version *v, struct name name)
{
    struct lookup found;
    lookup_find(v, name, &found);
    bool is_cut = found.kind == LOOKUP_CUT && found.is_exact;
    control_put_text(fields, "lookup", is_cut ? "zone cut" : kinds[found.kind]);
    if (found.node)
        control_put_name(fields, "node", node_owner(found.node));
    if (found.kind != LOOKUP_CUT && found.kind != LOOKUP_DNAME)
        control_put_name(fields, "encloser", found.encloser);
}

/* The zone, and why there is no data where there is none. */
static void put_zone(json_t *fields, const struct request *q, struct name name, uint16_t type)
{
    if (!q->entry) {
        bool is_served = rrtype_is_data(type) || type == TYPE_ANY;
        control_put_text(fields, "reason",
                         is_served ? "no zone of ours" : "nobody is answered this type here");
        return;
    }
    const struct server_zone *z = zone_owner(q->entry);
    control_put_name(fields, "zone", name_of(&q->entry->name));
    if (q->version) {
        control_put_number(fields, "serial", q->version->serial);
        put_lookup(fields, q->version, name);
        return;
    }
    char why[DIAG_TEXT_MAX];
    snprintf(why, sizeof(why), "the zone is not loaded%s%.400s", z->failure ? ": " : "",
             z->failure ? z->failure : "");
    control_put_text(fields, "reason", why);
}

/* What rate limits would make of it, if it came over UDP. */
static void put_rate(json_t *fields, const struct rrl *rrl, const struct request *q)
{
    struct rrl_about about;
    char network[PREFIX_TEXT_MAX];
    struct text t;
    if (!rrl->is_on)
        return;
    rrl_explain(rrl, q, &about);
    text_init(&t, network, sizeof(network));
    prefix_show(about.exempt ? about.exempt : &about.network, &t);
    control_put_text(fields, about.exempt ? "rate_exempt" : "rate_network", network);
    control_put_text(fields, "rate_class", about.class);
    if (about.name.len)
        control_put_name(fields, "rate_name", about.name);
    control_put_number(fields, "rate_per_second", about.per_second);
    control_put_number(fields, "rate_all_per_second", about.all_per_second);
}

enum control_next control_explain_query(struct control_call *call)
{
    enum control_next next;
    struct name_buf name;
    uint16_t type;
    uint8_t wire[NAME_LEN_MAX + 64];
    char text[16];
    const char *type_text = control_text(call, "type");
    struct exchange x = {.peer.transport = TRANSPORT_TCP, .in = wire};
    if (!control_name(call, control_text(call, "name"), &name, &next) ||
        !control_from(call, &x.peer.address, &next))
        return next;
    if (!rrtype_scan(type_text, strlen(type_text), &type))
        return control_fail_usage(call, "\"%.100s\" is no RR type", type_text);
    if (type == TYPE_AXFR || type == TYPE_IXFR)
        return control_fail_usage(call, "who may have a zone is told by: explain transfer");
    if (x.peer.address.any.sa_family == AF_UNSPEC)
        x.peer.address.v4 =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    x.in_len = query_write(wire, sizeof(wire), name_of(&name), type, control_is_set(call, "do"));
    x.out = mem_alloc(DNS_MESSAGE_MAX);
    size_t len = ask(call->server, &x);
    json_t *fields = json_object();
    control_put_name(fields, "name", name_of(&name));
    control_put_text(fields, "type", rrtype_text(type, text));
    put_zone(fields, &call->server->request[0], name_of(&name), type);
    put_answer(fields, x.out, len);
    put_rate(fields, &call->server->rrl, &call->server->request[0]);
    free(x.out);
    return control_answer(call, fields);
}
