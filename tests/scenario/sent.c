/* SPDX-License-Identifier: Apache-2.0
 * The other servers of a scenario: they have heard what was sent, and say what its steps say. */
#include "sent.h"

#include "base/attr.h"
#include "base/text.h"
#include "dns/build.h"
#include "dns/message.h"
#include "request/address.h"
#include "tsig/tsig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX 65535
#define SOA_ROOM   1024

static struct sent_message *message_of(struct list *link)
{
    return list_entry(link, struct sent_message, link);
}

void sent_init(struct sent *s)
{
    list_init(&s->messages);
}

void sent_done(struct sent *s)
{
    LIST_EACH(link, &s->messages) {
        free(message_of(link));
    }
    list_init(&s->messages);
}

static struct sent_message *find(struct sent *s, const struct call *c)
{
    LIST_EACH(link, &s->messages) {
        if (message_of(link)->call == c)
            return message_of(link);
    }
    return NULL;
}

/* What was expected and is over is of no use. */
static void drop_done(struct sent_message *m)
{
    if (m->call || !m->is_seen)
        return;
    list_remove(&m->link);
    free(m);
}

void sent_dial(struct sent *s, struct call *c, int64_t now_us)
{
    struct sent_message *m = mem_alloc_zero(sizeof(*m) + c->len);
    m->call = c;
    m->to = c->to;
    m->sent_us = now_us;
    m->until_us = now_us + c->wait_us;
    m->len = c->len;
    memcpy(m->bytes, c->bytes, c->len);
    list_add_last(&s->messages, &m->link);
}

void sent_pause(struct sent *s, struct call *c, int64_t now_us)
{
    struct sent_message *m = find(s, c);
    m->until_us = c->is_paused ? INT64_MAX : now_us + c->wait_us;
}

void sent_hang_up(struct sent *s, struct call *c)
{
    struct sent_message *m = find(s, c);
    m->call = NULL;
    drop_done(m);
}

int64_t sent_next_us(const struct sent *s)
{
    int64_t next = INT64_MAX;
    LIST_EACH(link, &s->messages) {
        const struct sent_message *m = message_of(link);
        next = m->call && m->until_us < next ? m->until_us : next;
    }
    return next;
}

static void fail(struct server *server, struct sent_message *m, const char *reason)
{
    struct call *c = m->call;
    m->call = NULL;
    drop_done(m);
    server_call_failed(server, c, reason);
}

static struct sent_message *find_due(struct sent *s, int64_t now_us)
{
    LIST_EACH(link, &s->messages) {
        struct sent_message *m = message_of(link);
        if (m->call && m->until_us <= now_us)
            return m;
    }
    return NULL;
}

void sent_time(struct sent *s, struct server *server, int64_t now_us)
{
    for (struct sent_message *m; (m = find_due(s, now_us));)
        fail(server, m, "no answer");
}

/* --- looking at one --- */

static const char *kind_text(const struct message *m)
{
    static const struct {
        enum opcode opcode;
        uint16_t qtype;
        const char *text;
    } kinds[] = {{OPCODE_NOTIFY, TYPE_SOA, "notify"},
                 {OPCODE_QUERY, TYPE_SOA, "soa"},
                 {OPCODE_QUERY, TYPE_IXFR, "ixfr"},
                 {OPCODE_QUERY, TYPE_AXFR, "axfr"},
                 {OPCODE_UPDATE, TYPE_SOA, "update"}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].opcode == message_opcode(m) && kinds[i].qtype == m->qtype)
            return kinds[i].text;
    return "something else";
}

/* The serial of the SOA that it carries; false: none. */
static bool serial_of(const struct message *m, uint32_t *serial)
{
    uint8_t room[SOA_ROOM];
    for (enum section s = SECTION_ANSWER; s <= SECTION_AUTHORITY; s++) {
        struct rr_reader reader = rr_reader_of(m, s);
        struct wr rdata = wr_over(room, sizeof(room));
        struct rr rr;
        if (rr_read(&reader, &rdata, &rr) != RR_READ_OK || rr.type != TYPE_SOA || !rr.rdata.len)
            continue;
        *serial = soa_of(rr.rdata).serial;
        return true;
    }
    return false;
}

/* Is it one of the addresses in "192.0.2.1" or "[192.0.2.1@5353, 2001:db8::1]"? */
static bool has_address(const char *list, const union address *a)
{
    struct address_text text;
    address_show(a, &text);
    while (*(list += strspn(list, "[], \""))) {
        char one[ADDRESS_TEXT_MAX + 4];
        int len = (int)strcspn(list, "[], \"");
        bool has_port = memchr(list, '@', (size_t)len);
        snprintf(one, sizeof(one), "%.*s%s", len, list, has_port ? "" : "@53");
        if (strcmp(one, text.text) == 0)
            return true;
        list += len;
    }
    return false;
}

static const char *remote_setting(const struct script *script, const char *name, const char *key)
{
    for (const struct script_remote *r = script->remotes; r; r = r->next)
        for (const struct script_setting *s = r->settings; s; s = s->next)
            if (strcmp(r->name, name) == 0 && strcmp(s->key, key) == 0)
                return s->value;
    return NULL;
}

static const char *name_of_remote(const struct script *script, const union address *a)
{
    for (const struct script_remote *r = script->remotes; r; r = r->next) {
        const char *list = remote_setting(script, r->name, "address");
        if (list && has_address(list, a))
            return r->name;
    }
    return "nobody";
}

/* "notify example. to ns1 udp serial 8" */
static void describe(const struct script *script, const struct sent_message *sent,
                     const struct message *m, struct text *t)
{
    uint32_t serial;
    text_fmt(t, "%s ", kind_text(m));
    name_show(m->qname, t);
    text_fmt(t, " to %s %s", name_of_remote(script, &sent->to.address),
             sent->to.transport == TRANSPORT_UDP ? "udp" : "tcp");
    if (serial_of(m, &serial))
        text_fmt(t, " serial %u", serial);
}

static bool is_as_expected(const struct script *script, const struct sent_message *sent,
                           const struct message *m, const struct script_sent *want)
{
    uint32_t serial = 0;
    unsigned transport = sent->to.transport == TRANSPORT_UDP ? SCRIPT_UDP : SCRIPT_TCP;
    bool has_serial = serial_of(m, &serial);
    return strcmp(kind_text(m), want->kind) == 0 && name_is_equal(m->qname, want->zone) &&
           strcmp(name_of_remote(script, &sent->to.address), want->to) == 0 &&
           (!want->transports || want->transports & transport) &&
           (!want->has_serial || (has_serial && serial == want->serial));
}

/* Said of every message: it is signed with the remote's key, or not at all. */
static enum err check_key(const struct script *script, const struct message *m,
                          struct server *server, const struct script_sent *want, int64_t now_us,
                          struct tsig_session *tsig, struct diag *diag)
{
    const char *key = remote_setting(script, want->to, "key");
    if (strcmp(want->kind, "update") == 0)
        return OK; /* as its client has signed it */
    if (!key != !m->tsig_at)
        return err_say(diag, ERR_INVALID, key ? "it is not signed" : "it is signed");
    if (tsig_verify(tsig, server_keyring(server), m, now_us) != NOERROR)
        return err_say(diag, ERR_INVALID, "its signature is wrong");
    struct name_buf name = {0};
    if (key && (name_scan(key, strlen(key), NAME_ROOT, &name, NULL) != OK ||
                !name_is_equal(name_of(&name), tsig_key_name(tsig->key))))
        return err_say(diag, ERR_INVALID, "it is signed with another key than %s", key);
    return OK;
}

/* --- answering --- */

static size_t make_answer(const struct message *m, const struct script_sent *want,
                          struct tsig_session *tsig, int64_t now_us, uint8_t *out)
{
    static const uint16_t other_id = 0x5555;
    struct build b;
    build_init(&b, out, ANSWER_MAX - tsig_room(tsig));
    (void)build_question(&b, m->qname, m->qtype, m->qclass);
    for (const struct script_record *r = want->records; r; r = r->next) {
        struct rr rr = {r->owner, r->type, r->class, r->ttl, r->rdata};
        (void)build_rr(&b, SECTION_ANSWER, &rr);
    }
    uint16_t flags = (uint16_t)(FLAG_QR | FLAG_AA | (m->flags & FLAG_OPCODE_MASK) | want->rcode);
    build_header(&b, want->is_forged ? m->id ^ other_id : m->id, flags);
    size_t len = b.len;
    if (!want->is_unsigned)
        tsig_sign(tsig, out, &len, now_us);
    return len;
}

static void give_back(struct sent_message *sent, struct server *server, const struct message *m,
                      const struct script_sent *want, struct tsig_session *tsig, int64_t now_us)
{
    if (want->reply == SENT_FAIL) {
        fail(server, sent, "connection refused");
    } else if (want->reply == SENT_ANSWER) {
        struct call *call = sent->call;
        uint8_t *out = mem_alloc(ANSWER_MAX);
        size_t len = make_answer(m, want, tsig, now_us, out);
        server_call_message(server, call, out, len);
        free(out);
    } else {
        drop_done(sent);
    }
}

static struct sent_message *oldest(struct sent *s, const struct script *script, const char *to)
{
    LIST_EACH(link, &s->messages) {
        struct sent_message *m = message_of(link);
        if (!m->is_seen && (!to || strcmp(name_of_remote(script, &m->to.address), to) == 0))
            return m;
    }
    return NULL;
}

enum err sent_check(struct sent *s, struct server *server, const struct script *script,
                    const struct script_step *step, int64_t now_us, struct diag *diag)
{
    const struct script_sent *want = &step->sent;
    struct sent_message *sent = oldest(s, script, want->to);
    struct tsig_session tsig = {0};
    struct message m;
    char buf[NAME_TEXT_MAX + 128];
    struct text t;
    text_init(&t, buf, sizeof(buf));
    if (!sent)
        return want->kind ? err_say(diag, ERR_INVALID, "nothing was sent") : OK;
    if (!message_read_header(&m, sent->bytes, sent->len) || message_read(&m) != NOERROR)
        return err_say(diag, ERR_INVALID, "what was sent is malformed");
    describe(script, sent, &m, &t);
    if (!want->kind || !is_as_expected(script, sent, &m, want))
        return err_say(diag, ERR_INVALID, "this was sent: %s", buf);
    if (want->reply != SENT_KEEP && !sent->call)
        return err_say(diag, ERR_INVALID, "this is not waited for any more: %s", buf);
    enum err e = check_key(script, &m, server, want, sent->sent_us, &tsig, diag);
    sent->is_seen = true;
    if (e == OK)
        give_back(sent, server, &m, want, &tsig, now_us);
    tsig_session_done(&tsig);
    return e;
}
