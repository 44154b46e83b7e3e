/* SPDX-License-Identifier: Apache-2.0
 * Requests for AXFR (RFC 5936) and IXFR (RFC 1995), and what is remembered for the latter.
 *
 * Who asks is settled before anything is given: the zone, the rule, then whether there is something
 * to send and room for one more. An answer that is one message is made at once, as that to a query
 * is; longer ones become an outflow. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "edns/edns.h"
#include "server/outflow.h"

/* --- may it be had? --- */

static struct xfr_question who(const struct request *q)
{
    return (struct xfr_question){q->tsig.key, &q->peer.address};
}

static enum rcode turn_down(struct server *s, struct request *q, enum rcode rcode,
                            const char *reason)
{
    struct refusal_cause cause = {.rcode = rcode, .reason = reason};
    refusal_note(s, q, &cause);
    return rcode;
}

static enum rcode turn_down_expired(struct server *s, struct request *q)
{
    struct refusal_cause cause = {
        .rcode = SERVFAIL, .reason = "the zone has expired here", .ede = EDE_INVALID_DATA};
    refusal_note(s, q, &cause);
    return SERVFAIL;
}

/* "transfer[0] {key: k, deny: yes}", "no rule is for it, the closest: secondaries[0] ns1: other
 * key" */
static enum rcode refuse(struct server *s, struct request *q, const struct xfr_rule *denies,
                         const struct xfr_rule *closest)
{
    char reason[512];
    struct text t;
    struct xfr_question question = who(q);
    s->count.transfers_refused++;
    text_init(&t, reason, sizeof(reason));
    if (denies) {
        xfr_rule_show(denies, &t);
    } else if (closest) {
        text_add(&t, "no rule is for it, the closest: ");
        xfr_rule_show(closest, &t);
        text_add(&t, ": ");
        (void)xfr_rule_match(closest, &question, &t);
    } else {
        text_add(&t, "nobody may have it: no secondaries, no transfer");
    }
    struct refusal_cause cause = {.rcode = REFUSED, .reason = reason, .names_rules = true};
    refusal_note(s, q, &cause);
    return REFUSED;
}

/* RFC 1995 s3: in the authority section stands the SOA of the client's version. */
static bool read_serial(const struct request *q, uint32_t *serial)
{
    uint8_t room[RDATA_LEN_MAX];
    struct wr rdata = wr_over(room, sizeof(room));
    struct rr rr;
    struct rr_reader reader = rr_reader_of(&q->msg, SECTION_AUTHORITY);
    if (rr_read(&reader, &rdata, &rr) != RR_READ_OK || rr.type != TYPE_SOA ||
        rr.class != CLASS_IN || !name_is_equal(rr.owner, q->msg.qname) || rr.rdata.len == 0)
        return false;
    *serial = soa_of(rr.rdata).serial;
    return true;
}

/* NOERROR: it is to be answered, *t is set. */
static enum rcode admit(struct server *s, struct request *q, struct transfer *t)
{
    const struct xfr_rule *closest;
    struct xfr_question question = who(q);
    bool is_udp = q->peer.transport == TRANSPORT_UDP;
    t->is_incremental = q->msg.qtype == TYPE_IXFR;
    if (is_udp && !t->is_incremental) /* RFC 5936 s4.2 */
        return turn_down(s, q, FORMERR, "AXFR over UDP is not defined");
    struct store_entry *e = q->msg.qclass == CLASS_IN ? store_get(&s->store, q->msg.qname) : NULL;
    if (!e) /* RFC 5936 s2.2.1 e): not a zone of ours */
        return turn_down(s, q, NOTAUTH, "no zone of ours");
    q->entry = e;
    q->zone = e->zone;
    t->zone = zone_owner(e);
    const struct conf_zone *conf = t->zone->conf;
    t->rule = xfr_rule_find(conf->transfer, conf->transfer_count, &question, &closest);
    if (!t->rule || t->rule->is_deny)
        return refuse(s, q, t->rule, closest);
    if (t->is_incremental && !read_serial(q, &t->serial))
        return turn_down(s, q, FORMERR, "IXFR without the SOA of the client's version");
    t->version = e->zone ? e->zone->published : NULL;
    if (!t->version || t->version->soa.count == 0)
        return turn_down(s, q, SERVFAIL, "the zone is not loaded");
    if (e->is_expired)
        return turn_down_expired(s, q);
    q->version = t->version;
    return NOERROR;
}

/* --- one message --- */

/* Counts it, and says so in the log; not above debug, since it takes a datagram to have it said. */
static void note_answered(struct server *s, const struct request *q, const struct transfer *t,
                          const char *kind)
{
    struct address_text to;
    char key[NAME_TEXT_MAX], zone[NAME_TEXT_MAX];
    s->count.answers++;
    s->count.noerror++;
    if (!log_is_on(LOG_DEBUG_LEVEL))
        return;
    log_debug("transfer answered", {"zone", name_text(name_of(&q->entry->name), zone)},
              {"to", address_show(&q->peer.address, &to)},
              {"transport", q->peer.transport == TRANSPORT_UDP ? "udp" : "tcp"},
              {"key", q->tsig.key ? name_text(tsig_key_name(q->tsig.key), key) : NULL},
              {"kind", kind}, {"from_serial", LOG_U64(t->serial)},
              {"serial", LOG_U64(t->version->serial)});
}

/* All that out has, if that is one message of at most `max` bytes. Takes out. */
static bool answer_with(struct server *s, struct request *q, struct exchange *x,
                        struct xfr_out *out, size_t max)
{
    struct diag diag;
    size_t len;
    /* over UDP the exchange has less room than a message may take */
    uint8_t *bytes = q->peer.transport == TRANSPORT_TCP ? x->out : s->late_out;
    bool fits = xfr_out_next(out, q->now_us, bytes, &len, &diag) == XFR_OUT_LAST && len <= max;
    if (fits && bytes != x->out)
        memcpy(x->out, bytes, len);
    if (fits)
        x->out_len = len;
    xfr_out_free(out);
    return fits;
}

/* Without any record: over TCP there is more (TC). */
static void answer_truncated(struct server *s, struct request *q, struct exchange *x)
{
    q->answer_flags |= FLAG_AA | FLAG_TC;
    x->out_len = answer_compose(s, q, x->out, COMPOSE_DECIDED);
}

/* The SOA alone: the client is up to date, or is to ask over TCP (RFC 1995 s2). */
static void answer_soa(struct server *s, struct request *q, struct exchange *x,
                       const struct transfer *t, const char *kind)
{
    struct xfr_out_head head;
    struct xfr_out_soa soa = outflow_soa(t->version);
    outflow_head(q, x, &head);
    struct xfr_out *out = xfr_out_steps(&head, &soa);
    xfr_out_end(out);
    if (answer_with(s, q, x, out, edns_answer_max(q)))
        note_answered(s, q, t, kind);
    else
        answer_truncated(s, q, x); /* a SOA with long names behind a long question */
}

/* Takes the steps. False: they are more than one datagram. */
static bool answer_steps_udp(struct server *s, struct request *q, struct exchange *x,
                             const struct transfer *t, struct xfr_steps *steps)
{
    struct xfr_out_head head;
    struct xfr_out_soa soa = outflow_soa(t->version);
    outflow_head(q, x, &head);
    struct xfr_out *out = xfr_out_steps(&head, &soa);
    xfr_out_give(out, steps);
    xfr_out_end(out);
    if (!answer_with(s, q, x, out, edns_answer_max(q)))
        return false;
    note_answered(s, q, t, "IXFR");
    s->count.ixfr_out++;
    return true;
}

/* --- what is sent? --- */

/* What a datagram without signature says may be anybody's word: that somebody has asked. */
static void tell_peers(struct server *s, const struct request *q, const struct transfer *t)
{
    struct xfr_question question = who(q);
    bool is_proved = q->tsig.key || q->peer.transport == TRANSPORT_TCP;
    if (t->zone->peers)
        peers_heard(s, t->zone, &question, is_proved ? PEER_HAS : PEER_ASKED_SOA, t->serial);
}

/* RFC 1995 s2: the same or a newer version than ours. Serials half of all numbers apart have no
 * order (RFC 1982 s3.2): who has such a one is helped by the whole zone only. */
static bool is_current(const struct transfer *t)
{
    int order = serial_compare(t->serial, t->version->serial);
    return order == 0 || order == 1;
}

static bool is_over_limit(struct server *s, struct request *q)
{
    struct xfr_question question = who(q);
    bool is_full = s->outflow_count >= s->conf->transfers_out;
    if (!is_full && outflow_count_of(s, &question) < s->conf->transfers_out_per_client)
        return false;
    s->count.transfers_over_limit += is_full;
    s->count.transfers_over_client += !is_full;
    (void)turn_down(s, q, SERVFAIL,
                    is_full ? "limit transfers-out is reached"
                            : "limit transfers-out-per-client is reached");
    return true;
}

/* A serial that the zone had before it went back, and may have had again since, for another state:
 * who has it is not helped by what came after that. */
static bool is_doubtful(const struct transfer *t)
{
    return t->zone->twice && serials_has(t->zone->twice, t->serial);
}

/* What is in memory and fits, perhaps with the best compression. What is not there is not waited
 * for, and a whole zone fits rarely: then the client asks again over TCP. */
static void ixfr_udp(struct server *s, struct request *q, struct exchange *x,
                     const struct transfer *t)
{
    struct xfr_steps steps = {0};
    bool has_steps = t->zone->is_traced && !is_doubtful(t) &&
                     recent_from(&t->zone->recent, t->serial, XFR_OUT_FILL, &steps) &&
                     answer_steps_udp(s, q, x, t, &steps);
    xfr_steps_done(&steps);
    if (has_steps)
        return;
    s->count.ixfr_over_udp++;
    answer_soa(s, q, x, t, "SOA, the rest over TCP");
}

/* Of steps that are in memory. More than a piece of the log are condensed as that is read. */
static void ixfr_here(struct server *s, struct request *q, struct exchange *x,
                      const struct transfer *t, struct xfr_steps *steps)
{
    struct transfer_size size = {
        .steps = steps->count, .bytes = steps->bytes, .zone_bytes = t->version->byte_count};
    enum transfer_form form = transfer_form_of(&size);
    bool is_beyond = size.bytes > size.zone_bytes; /* RFC 1995 s5 */
    if (form == TRANSFER_CONDENSED && size.bytes > TRANSFER_CONDENSE_MAX)
        form = is_beyond ? TRANSFER_WHOLE : TRANSFER_AS_MADE;
    if (form != TRANSFER_WHOLE)
        outflow_start_steps(s, q, x, t, steps, form);
    else if (t->zone->is_kept && size.steps > 1)
        outflow_start_read(s, q, x, t);
    else
        outflow_start_whole(s, q, x, t);
}

static void ixfr_tcp(struct server *s, struct request *q, struct exchange *x,
                     const struct transfer *t)
{
    struct xfr_steps steps = {0};
    /* whether that serial stands for two states is in the log, where it is not known here */
    bool is_here =
        t->zone->is_traced && recent_from(&t->zone->recent, t->serial, UINT64_MAX, &steps);
    bool is_ordered = serial_compare(t->serial, t->version->serial) == -1;
    if (!is_ordered || is_doubtful(t))
        outflow_start_whole(s, q, x, t);
    else if (is_here)
        ixfr_here(s, q, x, t, &steps);
    else if (t->zone->is_kept)
        outflow_start_read(s, q, x, t);
    else
        outflow_start_whole(s, q, x, t);
    xfr_steps_done(&steps);
}

/* IXFR that is answered by one message at once. */
static bool answer_short(struct server *s, struct request *q, struct exchange *x,
                         const struct transfer *t)
{
    bool is_udp = q->peer.transport == TRANSPORT_UDP;
    tell_peers(s, q, t);
    if (is_current(t)) {
        s->count.ixfr_current++;
        answer_soa(s, q, x, t, "SOA, the client is up to date");
    } else if (is_udp) {
        ixfr_udp(s, q, x, t);
    }
    return is_udp || x->out_len > 0;
}

bool transfer_handle(struct server *s, struct request *q, struct exchange *x)
{
    struct transfer t = {0};
    q->rcode = admit(s, q, &t);
    if (q->rcode != NOERROR)
        return true;
    if (!answer_is_within_rate(s, q, x))
        return false;
    bool is_steps = t.is_incremental && t.rule->scope != XFR_GRANTED;
    if (is_steps && answer_short(s, q, x, &t))
        return false;
    if (q->peer.transport == TRANSPORT_UDP) { /* a part of the zone is always all of that part */
        s->count.ixfr_over_udp++;
        answer_truncated(s, q, x);
        return false;
    }
    if (is_over_limit(s, q)) {
        q->rcode = SERVFAIL;
        return true;
    }
    if (is_steps)
        ixfr_tcp(s, q, x, &t);
    else
        outflow_start_whole(s, q, x, &t);
    return false;
}

/* --- what is remembered --- */

/* Steps of IXFR begin and end with a SOA, which a change has when it moves the serial, and go
 * forward: what leads over one that does not is answered with the whole zone. */
static void remember(struct server *s, struct server_zone *z, struct xfr_step *step)
{
    const struct diff *d = &step->diff;
    if (serial_compare(d->serial_to, d->serial_from) == 1 && d->removed_count > 0 &&
        d->added_count > 0) {
        recent_add(&s->recents, &z->recent, step);
        return;
    }
    recent_clear(&s->recents, &z->recent);
    xfr_step_release(step);
}

static void note_way(struct server_zone *z, const struct diff *d)
{
    if (serial_compare(d->serial_to, d->serial_from) == 1)
        return;
    z->is_traced = false; /* until the log was asked which serials it has had */
    z->backs++;
}

static struct serials *twice_of(struct server_zone *z)
{
    if (!z->twice)
        z->twice = mem_alloc_zero(sizeof(*z->twice));
    return z->twice;
}

void transfer_traced(struct server *s, struct name zone, const struct transfer_read *r)
{
    const struct store_entry *e = store_get(&s->store, zone);
    struct server_zone *z = e ? zone_owner(e) : NULL;
    if (!r->is_traced || !z || z->log_id != r->log_id || z->backs != r->backs)
        return;
    z->is_traced = true;
    if (r->twice.count)
        serials_add_all(twice_of(z), &r->twice);
}

void transfer_replaced(struct server_zone *z, uint32_t from, uint32_t to)
{
    if (serial_compare(to, from) != 1)
        serials_add(twice_of(z), to, from);
}

void transfer_changed(struct server *s, struct server_zone *z, struct pending *p)
{
    note_way(z, &p->diff);
    if (z->conf->transfer_count == 0) {
        recent_clear(&s->recents, &z->recent); /* what is there has a gap from here on */
        return;
    }
    for (unsigned i = 0; i < p->steps.count; i++)
        remember(s, z, xfr_step_hold(p->steps.at[i]));
    if (p->steps.count == 0 && p->diff.len > 0)
        remember(s, z, xfr_step_new(&p->diff));
}

void transfer_forget(struct server *s, struct server_zone *z)
{
    recent_clear(&s->recents, &z->recent);
    z->is_traced = false;
}
