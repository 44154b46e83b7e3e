/* SPDX-License-Identifier: Apache-2.0
 * Following a question through our zones to its answer.
 *
 * One step looks at one name: it writes an answer RRset and goes on to the next name, or says how
 * the chain ends. Only then authority and additional are written, in the order of the sections. A
 * chain ends early, with what it has, at a name that is not ours, that it has passed already, or
 * beyond the limit; a resolver goes on from there. */
#include "query/chase.h"

#include "base/check.h"
#include "query/additional.h"
#include "query/any.h"
#include "query/denial.h"
#include "query/referral.h"

enum end {
    END_NOT_YET,
    END_ANSWER, /* the last RRset is what was asked for */
    END_NODATA,
    END_NXDOMAIN,
    END_REFERRAL,
    END_SHORT /* nothing more to say of the last name */
};

const struct store_entry *chase_entry(const struct store *s, struct name qname, uint16_t qtype)
{
    const struct store_entry *e = store_find(s, qname);
    if (qtype != TYPE_DS || !e || e->name.len != qname.len)
        return e;
    const struct store_entry *above = store_find_above(s, qname);
    return above ? above : e;
}

const struct version *chase_version(const struct store_entry *e)
{
    return e->zone && e->zone->published->apex && !e->is_expired ? e->zone->published : NULL;
}

/* False: the zone is not loaded; the reply is where it was. */
static bool enter(struct reply *r, const struct store_entry *e, struct name qname)
{
    const struct version *v = chase_version(e);
    if (!v)
        return false;
    r->qname = qname;
    r->zone = e->zone;
    r->version = v;
    lookup_find(v, qname, &r->lookup);
    return true;
}

static bool has_passed(const struct reply *r, struct name name)
{
    for (unsigned i = 0; i < r->link_count; i++)
        if (name_is_equal(r->links[i].name, name))
            return true;
    return false;
}

/* The current name leads on to target. */
static enum end follow(struct reply *r, struct name target, const struct node *dname)
{
    struct request *q = r->q;
    struct link *link = &r->links[r->link_count++];
    link->name = r->qname;
    link->dname = dname;
    if (has_passed(r, target))
        return END_SHORT;
    const struct store_entry *e = chase_entry(q->store, target, q->msg.qtype);
    if (!e)
        return END_SHORT;
    if (r->link_count >= q->self->chain_max || r->link_count == REPLY_STEPS_MAX) {
        q->count->chains_cut++;
        return END_SHORT;
    }
    return enter(r, e, target) ? END_NOT_YET : END_SHORT;
}

/* The current name was answered: if by a wildcard, that needs a proof later. */
static void note_expansion(struct reply *r)
{
    if (r->lookup.kind == LOOKUP_WILDCARD)
        r->expansions[r->expansion_count++] =
            (struct expansion){r->version, r->qname, r->lookup.encloser};
}

/* Writes an answer RRset of the current name. */
static bool answer(struct reply *r, const struct rrset *set, const struct rrset *sigs)
{
    note_expansion(r);
    return reply_rrset(r, SECTION_ANSWER, r->qname, set, sigs);
}

static enum end at_cname(struct reply *r)
{
    struct rrset set, sigs;
    if (!node_find_both(r->lookup.node, TYPE_CNAME, &set, &sigs))
        return END_NODATA;
    if (!answer(r, &set, &sigs))
        return END_SHORT;
    struct rdata rd = rrset_first(set);
    return follow(r, (struct name){rd.bytes, (uint8_t)rd.len}, NULL);
}

static enum end at_node(struct reply *r)
{
    const struct node *n = r->lookup.node;
    uint16_t qtype = r->q->msg.qtype;
    struct rrset set, sigs;
    if (any_is_asked(qtype)) {
        if (!any_has(n, qtype))
            return END_NODATA;
        any_answer(r, n, qtype);
        note_expansion(r);
        return END_ANSWER;
    }
    if (node_find_both(n, qtype, &set, &sigs)) {
        if (answer(r, &set, &sigs))
            additional_note(r, &set);
        return END_ANSWER;
    }
    /* RFC 4035 s2.5: such types stand beside a CNAME, so a question for one is about this name */
    return n->has & NODE_HAS_CNAME && !rrtype_is(qtype, RRTYPE_BESIDE_CNAME) ? at_cname(r)
                                                                             : END_NODATA;
}

/* Was this DNAME written for an earlier name of the chain? */
static bool has_dname(const struct reply *r, const struct node *dname)
{
    for (unsigned i = 0; i < r->link_count; i++)
        if (r->links[i].dname == dname)
            return true;
    return false;
}

static enum end at_dname(struct reply *r)
{
    const struct node *n = r->lookup.node;
    struct name owner = reply_ancestor(r->qname, n->owner_len);
    struct rrset set, sigs;
    bool is_found = node_find_both(n, TYPE_DNAME, &set, &sigs);
    ASSERT(is_found);
    if (!has_dname(r, n) && !reply_rrset(r, SECTION_ANSWER, owner, &set, &sigs))
        return END_SHORT;

    struct rdata target = rrset_first(set);
    struct name_buf *made = &r->links[r->link_count].made;
    if (!name_replace(r->qname, owner, (struct name){target.bytes, (uint8_t)target.len}, made)) {
        r->q->rcode = YXDOMAIN; /* RFC 6672 s2.2: the new name is too long */
        return END_SHORT;
    }
    uint8_t data[2 + NAME_LEN_MAX];
    put_u16(data, made->len);
    memcpy(data + 2, made->wire, made->len);
    /* s3.1: with the DNAME's TTL; not signed */
    struct rrset cname = {
        .type = TYPE_CNAME, .count = 1, .ttl = set.ttl, .data = data, .len = 2u + made->len};
    struct rrset none = {0};
    if (!reply_rrset(r, SECTION_ANSWER, r->qname, &cname, &none))
        return END_SHORT;
    if (r->q->msg.qtype == TYPE_CNAME)
        return END_ANSWER; /* it is what was asked for; s3.2 would go on, no other server does */
    return follow(r, name_of(made), n);
}

static enum end at_cut(struct reply *r)
{
    struct request *q = r->q;
    if (q->msg.qtype != TYPE_DS)
        return END_REFERRAL;
    if (r->lookup.is_exact) { /* RFC 4035 s3.1.4.1: the parent's own data */
        struct rrset set, sigs;
        if (!node_find_both(r->lookup.node, TYPE_DS, &set, &sigs))
            return END_NODATA;
        (void)answer(r, &set, &sigs);
        return END_ANSWER;
    }
    /* the zone above us that we have is not the parent: then the child says what it knows */
    const struct store_entry *child = store_get(q->store, r->qname);
    return child && enter(r, child, r->qname) ? END_NOT_YET : END_REFERRAL;
}

static enum end step(struct reply *r)
{
    switch (r->lookup.kind) {
    case LOOKUP_NODE:
    case LOOKUP_WILDCARD:
        return at_node(r);
    case LOOKUP_CUT:
        return at_cut(r);
    case LOOKUP_DNAME:
        return at_dname(r);
    case LOOKUP_EMPTY:
    case LOOKUP_WILDCARD_EMPTY:
        return END_NODATA;
    case LOOKUP_ABSENT:
        return END_NXDOMAIN;
    }
    return END_SHORT;
}

/* The zone's NS beside an answer, where that is not the answer itself: useful, not needed. Those
 * who ask for the keys of a chain of trust know the servers already; like others we keep that
 * answer small. */
static void authority_ns(struct reply *r)
{
    const struct node *apex = r->version->apex;
    struct owner owner = {reply_ancestor(r->qname, apex->owner_len), 0};
    uint16_t qtype = r->q->msg.qtype;
    struct rrset set, sigs;
    if (qtype == TYPE_DNSKEY || qtype == TYPE_DS || (qtype == TYPE_NS && r->lookup.node == apex))
        return;
    if (node_find_both(apex, TYPE_NS, &set, &sigs) &&
        reply_optional(r, SECTION_AUTHORITY, owner, &set, &sigs))
        additional_note(r, &set);
}

static void finish(struct reply *r, enum end end)
{
    if (end == END_ANSWER && !r->q->self->minimal_responses)
        authority_ns(r);
    if (end == END_NXDOMAIN)
        r->q->rcode = NXDOMAIN; /* also at the end of a chain (RFC 6604 s3) */
    if (end == END_NODATA || end == END_NXDOMAIN)
        reply_soa(r);
    if (end == END_NODATA)
        denial_nodata(r);
    if (end == END_NXDOMAIN)
        denial_nxdomain(r);
    if (end == END_REFERRAL)
        referral_authority(r);
    for (unsigned i = 0; i < r->expansion_count; i++)
        denial_expansion(r, &r->expansions[i]);
    if (end == END_REFERRAL)
        referral_glue(r);
    else
        additional_write(r);
}

void chase_run(struct reply *r)
{
    struct request *q = r->q;
    enum end end;
    do
        end = step(r);
    while (end == END_NOT_YET);
    /* AA speaks of the first name (RFC 1035 s4.1.1); RFC 1034 s3.7.1: class ANY is never answered
     * with authority */
    if ((end != END_REFERRAL || r->link_count > 0) && q->msg.qclass != CLASS_ANY)
        q->answer_flags |= FLAG_AA;
    finish(r, end);
}
