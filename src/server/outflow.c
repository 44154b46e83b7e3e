/* SPDX-License-Identifier: Apache-2.0
 * Outflows. The usual course: transfer.c begins one; the reactor asks for message after message as
 * the client takes them, and says when it is over. One whose steps are in the change log has a
 * reading under way now and then, and says "later" meanwhile; until the first one is back it is
 * open whether it will be of steps or of the whole zone. */
#include "server/outflow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "edns/edns.h"
#include "request/address.h"

/* A grant that is for the one who asks. */
struct shown {
    const struct grant *grant;
    bool is_deny;
};

struct outflow {
    struct list link; /* in server.outflows */
    struct server *server;
    void *channel;
    struct xfr_out *out; /* NULL: not decided yet */

    /* of the messages */
    struct name_buf qname;
    struct xfr_out_head head; /* its pointers are into this struct */
    struct tsig_session tsig;
    uint8_t opt[OUTFLOW_OPT_MAX];

    /* what it is made of */
    const struct version *version; /* pinned; NULL: not needed any more */
    struct xfr_filter filter;      /* is_granted: what is shown */
    bool holds_conf;               /* that the grants below are of */
    struct shown *shown;
    unsigned shown_count;
    struct transfer_read read;
    bool is_reading, has_more; /* has_more: to be read behind what was given */

    /* how it stands */
    struct timer pause; /* it is to look on in another turn */
    struct timer limit; /* of its time */
    bool is_awaited;    /* the reactor was told "later" */
    bool is_last;       /* it has been given the last message */
    bool is_over;       /* it has said its last word; the struct waits for the reading */
    struct diag broken;
    int64_t started_us;

    /* for the log */
    struct name_buf zone;
    union address from;
    bool is_incremental, is_granted, is_whole, is_condensed;
    uint32_t serial_from, serial_to;
    char rule[OUTFLOW_RULE_MAX];
};

/* --- the messages' head --- */

void outflow_head(struct request *q, struct exchange *x, struct xfr_out_head *head)
{
    struct build *b = q->answer;
    build_init(b, x->out,
               q->peer.transport == TRANSPORT_TCP ? DNS_MESSAGE_MAX : SERVER_UDP_OUT_MAX);
    bool fits = edns_reserve(q);
    ASSERT(fits);
    size_t at = b->len;
    edns_write(q);
    *head = (struct xfr_out_head){
        .id = q->msg.id,
        /* RFC 5936 s2.2.1: AD and CD must be zero, RD is copied */
        .flags = (uint16_t)(FLAG_QR | FLAG_AA | (q->msg.flags & FLAG_RD)),
        .qname = q->msg.qname,
        .qtype = q->msg.qtype,
        .qclass = q->msg.qclass,
        .opt = b->len > at ? x->out + at : NULL,
        .opt_len = b->len - at,
        .tsig = &q->tsig,
    };
}

struct xfr_out_soa outflow_soa(const struct version *v)
{
    return (struct xfr_out_soa){rrset_first(v->soa), v->soa.ttl};
}

static void head_keep(struct outflow *f, struct request *q, struct exchange *x)
{
    struct xfr_out_head *head = &f->head;
    outflow_head(q, x, head);
    ASSERT(head->opt_len <= sizeof(f->opt));
    if (head->opt_len)
        memcpy(f->opt, head->opt, head->opt_len);
    head->opt = f->opt;
    name_copy(&f->qname, head->qname);
    head->qname = name_of(&f->qname);
    tsig_session_copy(&f->tsig, &q->tsig);
    head->tsig = &f->tsig;
}

/* --- what the asking key may update --- */

static struct grant_question question_of(const struct outflow *f)
{
    return (struct grant_question){
        .zone = name_of(&f->zone), .key = f->tsig.key, .from = &f->from, .op = GRANT_ADD};
}

/* The first grant that covers an RRset decides, as it would for an update of it. */
static bool is_shown(void *arg, struct name owner, struct rrset set)
{
    const struct outflow *f = arg;
    struct grant_question question = question_of(f);
    question.owner = owner;
    question.type = set.type;
    for (unsigned i = 0; i < f->shown_count; i++)
        if (grant_covers(f->shown[i].grant, &question))
            return !f->shown[i].is_deny;
    return false;
}

/* Those of the grants that are for the asking key. The grants of a reload that comes meanwhile do
 * not count any more for what is under way. */
static void show_granted(struct server *s, struct outflow *f, const struct conf_zone *conf)
{
    struct grant_question question = question_of(f);
    (void)conf_hold(s);
    f->holds_conf = true;
    f->shown = mem_alloc((conf->grant_count + 1u) * sizeof(struct shown));
    for (unsigned i = 0; i < conf->grant_count; i++) {
        struct grant g = conf->grants[i];
        bool denies_all = g.ops == 0 || g.ops == (GRANT_ADD | GRANT_DELETE);
        if (g.is_deny && !denies_all)
            continue;
        g.is_deny = false;
        if (grant_is_for(&g, &question))
            f->shown[f->shown_count++] = (struct shown){&conf->grants[i], conf->grants[i].is_deny};
    }
    f->filter = (struct xfr_filter){f, is_shown};
}

/* --- telling of it --- */

static struct xfr_question who(const struct outflow *f)
{
    return (struct xfr_question){f->tsig.key, &f->from};
}

static void heard(struct outflow *f, enum peer_event what)
{
    struct server *s = f->server;
    struct store_entry *e = store_get(&s->store, name_of(&f->zone));
    struct xfr_question question = who(f);
    if (e && zone_owner(e)->peers && !f->is_granted) /* who has a part is no secondary */
        peers_heard(s, zone_owner(e), &question, what, f->serial_to);
}

static const char *kind_text(const struct outflow *f)
{
    if (f->is_granted)
        return "AXFR of what is granted";
    if (!f->is_incremental)
        return "AXFR";
    return f->is_whole ? "AXFR for IXFR" : f->is_condensed ? "IXFR condensed" : "IXFR";
}

static void log_end(const struct outflow *f, bool is_sent)
{
    struct address_text from;
    char key[NAME_TEXT_MAX], zone[NAME_TEXT_MAX];
    struct xfr_out_count count = f->out ? xfr_out_count(f->out) : (struct xfr_out_count){0};
    int64_t took_us = f->server->now_us - f->started_us;
    log_info(is_sent ? "transfer sent" : "transfer broken off",
             {"zone", name_text(name_of(&f->zone), zone)}, {"to", address_show(&f->from, &from)},
             {"key", f->tsig.key ? name_text(tsig_key_name(f->tsig.key), key) : NULL},
             {"rule", f->rule}, {"kind", kind_text(f)},
             {"from_serial", f->is_incremental ? LOG_U64(f->serial_from) : NULL},
             {"serial", LOG_U64(f->serial_to)}, {"messages", LOG_U64(count.messages)},
             {"records", LOG_U64(count.records)}, {"bytes", LOG_U64(count.bytes)},
             {"ms", LOG_U64(took_us > 0 ? (uint64_t)took_us / 1000 : 0)},
             {"reason", is_sent             ? NULL
                        : f->broken.text[0] ? f->broken.text
                                            : "the connection was closed"});
}

/* --- life --- */

static void unpin(struct outflow *f)
{
    if (f->version)
        version_unpin(f->version);
    f->version = NULL;
}

static void outflow_free(struct outflow *f)
{
    ASSERT(f->server->outflow_count > 0);
    f->server->outflow_count--; /* not before: a reading under way takes a helper's time */
    list_remove(&f->link);
    timer_stop(&f->server->timers, &f->pause);
    timer_stop(&f->server->timers, &f->limit);
    xfr_out_free(f->out);
    unpin(f);
    transfer_read_done(&f->read);
    if (f->holds_conf)
        conf_release(f->server);
    tsig_session_done(&f->tsig);
    free(f->shown);
    free(f);
}

/* The reactor, if it waits, can have more now. */
static void resume(struct outflow *f)
{
    const struct server_hooks *hooks = &f->server->hooks;
    if (!f->is_awaited)
        return;
    f->is_awaited = false;
    hooks->outflow_ready(hooks->arg, f->channel, f);
}

static void on_pause(void *arg, struct timer *t)
{
    (void)arg;
    resume(container_of(t, struct outflow, pause));
}

static void break_off(struct outflow *f, const char *why)
{
    if (!f->broken.text[0])
        err_say(&f->broken, ERR_IO, "%s", why);
}

/* A client that takes little, or nothing while it asks for other things, is never given the next
 * message: so it is not there that its time is looked at. */
static void on_limit(void *arg, struct timer *t)
{
    struct server *s = arg;
    struct outflow *f = container_of(t, struct outflow, limit);
    s->count.transfers_timed_out++;
    break_off(f, "longer than transfer-time");
    s->hooks.outflow_late(s->hooks.arg, f->channel, f);
}

unsigned outflow_count_of(const struct server *s, const struct xfr_question *who)
{
    unsigned count = 0;
    LIST_EACH(link, &s->outflows) {
        const struct outflow *f = list_entry(link, struct outflow, link);
        bool is_same_key = who->key && f->tsig.key &&
                           name_is_equal(tsig_key_name(who->key), tsig_key_name(f->tsig.key));
        count += is_same_key || address_is_same_host(who->from, &f->from);
    }
    return count;
}

static struct outflow *outflow_new(struct server *s, struct request *q, struct exchange *x,
                                   const struct transfer *t)
{
    struct outflow *f = mem_alloc_zero(sizeof(*f));
    struct text rule;
    f->server = s;
    f->channel = x->channel;
    f->pause.fire = on_pause;
    name_copy(&f->zone, name_of(&t->zone->entry->name));
    f->from = q->peer.address;
    f->is_incremental = t->is_incremental;
    f->is_granted = t->rule->scope == XFR_GRANTED;
    f->serial_from = t->serial;
    f->serial_to = t->version->serial;
    f->started_us = q->now_us;
    f->limit.fire = on_limit;
    timer_set(&s->timers, &f->limit, q->now_us + (int64_t)s->conf->transfer_time_ms * 1000);
    f->version = version_pin(t->zone->entry->zone->published);
    text_init(&rule, f->rule, sizeof(f->rule));
    xfr_rule_show(t->rule, &rule);
    head_keep(f, q, x);
    s->outflow_count++;
    list_add_last(&s->outflows, &f->link);
    s->count.answers++;
    s->count.noerror++;
    x->outflow = f;
    heard(f, PEER_TAKES);
    return f;
}

static void make_whole(struct outflow *f)
{
    f->is_whole = true;
    f->server->count.ixfr_fallbacks += f->is_incremental && !f->is_granted;
    f->out = xfr_out_whole(&f->head, f->version, f->is_granted ? &f->filter : NULL);
}

/* From here on nothing of the version is needed but its SOA, which is copied. */
static void make_steps(struct outflow *f)
{
    struct xfr_out_soa soa = outflow_soa(f->version);
    f->out = xfr_out_steps(&f->head, &soa);
    unpin(f);
}

static void give(struct outflow *f, struct xfr_steps *steps, bool is_end)
{
    xfr_out_give(f->out, steps);
    if (is_end)
        xfr_out_end(f->out);
    f->has_more = !is_end;
}

/* --- readings --- */

static struct outflow *outflow_of(struct transfer_read *r)
{
    return container_of(r, struct outflow, read);
}

/* The steps were in memory: only a shorter form of them was looked for. */
static void take_held(struct outflow *f)
{
    struct transfer_read *r = &f->read;
    f->is_condensed = r->is_condensed;
    make_steps(f);
    give(f, r->is_condensed ? &r->steps : &r->held, true);
    xfr_steps_done(&r->held);
}

/* Whoever asks for more than what is behind it gets the whole zone from now on. */
static void note_unreadable(const struct outflow *f)
{
    const struct store_entry *e = store_get(&f->server->store, name_of(&f->zone));
    struct server_zone *z = e ? zone_owner(e) : NULL;
    if (z && z->log_id == f->read.log_id && z->unreadable <= f->read.seq)
        z->unreadable = f->read.seq + 1;
}

static void take_read(struct outflow *f)
{
    struct transfer_read *r = &f->read;
    transfer_traced(f->server, name_of(&f->zone), r);
    if (r->end == TRANSFER_READ_USELESS) {
        char zone[NAME_TEXT_MAX];
        log_debug("whole zone in place of differences",
                  {"zone", name_text(name_of(&f->zone), zone)},
                  {"from_serial", LOG_U64(f->serial_from)}, {"reason", r->diag.text});
        transfer_read_done(r);
        make_whole(f);
        return;
    }
    if (r->end == TRANSFER_READ_FAILED) {
        note_unreadable(f);
        xfr_steps_done(&r->steps);
        break_off(f, r->diag.text);
        return;
    }
    if (!f->out)
        make_steps(f);
    f->is_condensed = r->is_condensed;
    give(f, &r->steps, r->end == TRANSFER_READ_LAST);
}

static void take(struct outflow *f)
{
    if (f->read.held.count && f->read.end != TRANSFER_READ_USELESS)
        take_held(f);
    else
        take_read(f);
}

static void read_more(struct outflow *f)
{
    f->is_reading = true;
    f->has_more = false;
    transfer_read_start(&f->read, f->server->helpers);
}

static void read_over(void *owner, struct transfer_read *r)
{
    (void)owner;
    struct outflow *f = outflow_of(r);
    f->is_reading = false;
    if (f->is_over) {
        outflow_free(f);
        return;
    }
    if (r->end == TRANSFER_READ_AGAIN) {
        read_more(f);
        return;
    }
    take(f);
    resume(f);
}

/* The helpers have ended, and the reactor has let go of it before. */
static void read_drop(struct transfer_read *r)
{
    outflow_free(outflow_of(r));
}

static void read_prepare(struct outflow *f, const struct transfer *t)
{
    struct server *s = f->server;
    f->read = (struct transfer_read){
        .over = read_over,
        .drop = read_drop,
        .state = s->state,
        .is_ending = helpers_is_ending(s->helpers),
        .log_id = t->zone->log_id,
        .until = t->zone->seq_published,
        .serial = t->serial,
        .serial_to = t->version->serial,
        .zone_bytes = t->version->byte_count,
        .unreadable = t->zone->unreadable,
        .wants_trace = !t->zone->is_traced,
        .backs = t->zone->backs,
    };
    name_copy(&f->read.zone, name_of(&f->zone));
}

/* --- beginning --- */

void outflow_start_whole(struct server *s, struct request *q, struct exchange *x,
                         const struct transfer *t)
{
    struct outflow *f = outflow_new(s, q, x, t);
    if (f->is_granted)
        show_granted(s, f, t->zone->conf);
    make_whole(f);
}

void outflow_start_steps(struct server *s, struct request *q, struct exchange *x,
                         const struct transfer *t, struct xfr_steps *steps, enum transfer_form form)
{
    struct outflow *f = outflow_new(s, q, x, t);
    if (form == TRANSFER_CONDENSED) {
        read_prepare(f, t);
        f->read.held = *steps;
        *steps = (struct xfr_steps){0};
        if (f->read.held.bytes > TRANSFER_CONDENSE_HERE) {
            read_more(f);
            return;
        }
        transfer_read_here(&f->read);
        take(f);
        return;
    }
    make_steps(f);
    give(f, steps, true);
}

void outflow_start_read(struct server *s, struct request *q, struct exchange *x,
                        const struct transfer *t)
{
    struct outflow *f = outflow_new(s, q, x, t);
    read_prepare(f, t);
    read_more(f);
}

/* --- the reactor's side --- */

static enum outflow_next later(struct outflow *f)
{
    f->is_awaited = true;
    return OUTFLOW_LATER;
}

static enum outflow_next need_steps(struct outflow *f)
{
    if (!f->is_reading)
        read_more(f);
    return later(f);
}

enum outflow_next server_outflow_next(struct server *s, struct outflow *f, int64_t now_us,
                                      uint8_t *out, size_t *len)
{
    ASSERT(!f->is_last && !f->is_over);
    server_now(s, now_us);
    if (f->broken.text[0])
        return OUTFLOW_BROKEN;
    if (!f->out)
        return need_steps(f);
    switch (xfr_out_next(f->out, now_us, out, len, &f->broken)) {
    case XFR_OUT_MESSAGE:
        return OUTFLOW_MESSAGE;
    case XFR_OUT_LAST:
        f->is_last = true;
        return OUTFLOW_LAST;
    case XFR_OUT_HUNGRY:
        return need_steps(f);
    case XFR_OUT_PAUSE:
        timer_set(&s->timers, &f->pause, now_us);
        return later(f);
    case XFR_OUT_BROKEN:
        break;
    }
    break_off(f, "a record that fits no message");
    return OUTFLOW_BROKEN;
}

void server_outflow_end(struct server *s, struct outflow *f, bool is_sent)
{
    bool is_whole = is_sent && f->is_last;
    ASSERT(!f->is_over);
    s->count.axfr_out += is_whole && f->is_whole;
    s->count.ixfr_out += is_whole && !f->is_whole;
    s->count.ixfr_condensed += is_whole && f->is_condensed;
    s->count.transfers_broken += !is_whole;
    heard(f, is_whole ? PEER_TAKEN : PEER_BROKE_OFF);
    log_end(f, is_whole);
    f->is_over = true;
    timer_stop(&s->timers, &f->limit);
    if (f->is_reading)
        atomic_store(&f->read.is_unwanted, true);
    else
        outflow_free(f);
}
