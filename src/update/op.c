/* SPDX-License-Identifier: Apache-2.0
 * The update section (RFC 2136 s2.5 and s3.4): prescan, then each operation inside the txn.
 *
 * An operation looks at its name as it is at that moment, decides whether it would change anything,
 * and only then asks whether it may: what changes nothing is never refused. */
#include "base/check.h"
#include "update/look.h"
#include "update/update_int.h"
#include "zone/base.h"
#include "zone/lookup.h"

/* s3.4.2 ignores it silently; we count it, and a strict zone refuses it. */
static enum rcode ignore(struct update *u, const struct item *item, const char *why)
{
    u->report->ignored++;
    return u->rules->is_strict ? update_say(u, REFUSED, item, "%s (strict: yes)", why) : NOERROR;
}

/* protect: file. At the apex, where file and updates meet, RRset by RRset. */
bool op_is_protected(const struct update *u, struct name owner, uint16_t type)
{
    const struct base *file = u->rules->protect;
    if (!file || !update_is_peers(u))
        return false;
    return update_at_apex(u, owner) ? base_has_rrset(file, owner, type)
                                    : base_has_name(file, owner);
}

static enum rcode guard(struct update *u, const struct item *item, uint16_t type)
{
    if (!op_is_protected(u, item->rr.owner, type))
        return NOERROR;
    return update_say(u, REFUSED, item, "owned by the zone file (protect: file)");
}

/* What is below a zone cut is not the zone's any more (RFC 1034 s4.2.1), what is below a DNAME is
 * not reached (RFC 6672 s2.4): who adds one hides names. */
static bool hides_below(const struct update *u, const struct rr *rr)
{
    return rr->type == TYPE_DNAME || (rr->type == TYPE_NS && !update_at_apex(u, rr->owner));
}

/* protect: file. Its names are not hidden either. */
static enum rcode guard_below(struct update *u, const struct item *item)
{
    const struct base *file = u->rules->protect;
    struct walk w;
    if (!file || !update_is_peers(u) || !hides_below(u, &item->rr))
        return NOERROR;
    walk_start_at(&w, u->zone->tip, item->rr.owner);
    for (const struct node *n; (n = walk_next(&w));) {
        char text[NAME_TEXT_MAX];
        enum rcode rcode = update_work(u, item, UPDATE_WORK_NAME);
        if (rcode != NOERROR)
            return rcode;
        if (n->owner_len > item->rr.owner.len && base_has_name(file, node_owner(n)))
            return update_say(u, REFUSED, item,
                              "it would hide %s, owned by the zone file (protect: file)",
                              name_text(node_owner(n), text));
    }
    return NOERROR;
}

/* --- add --- */

static enum rcode put(struct update *u, struct item *item)
{
    if (txn_add(u->txn, &item->rr) == TXN_FULL)
        return update_say(u, REFUSED, item, "the name has no room for more records");
    item->is_done = true;
    return NOERROR;
}

/* s3.4.2.2 forward only, in the arithmetic of RFC 1982, where two steps forward can be one back: so
 * from the update's last SOA, and from that of the zone. Zero (s7.11) is no serial that we would
 * take. */
static bool is_serial_ahead(const struct update *u, const struct edit_entry *last, uint32_t serial)
{
    uint32_t was = soa_of((struct rdata){last->bytes, last->len}).serial;
    return serial != 0 && serial_compare(serial, was) == 1 &&
           serial_compare(serial, u->zone->tip->serial) == 1;
}

/* s3.4.2.2: at the apex. */
static enum rcode add_soa(struct update *u, struct item *item, const struct edit *e)
{
    struct look_range set = look_rrset(e, TYPE_SOA);
    if (set.from == set.to)
        return ignore(u, item, "there is no SOA to replace");
    if (!is_serial_ahead(u, &e->entry[set.from], soa_of(item->rr.rdata).serial))
        return ignore(u, item, "its serial is not ahead of the zone's");
    enum rcode rcode = guard(u, item, TYPE_SOA);
    if (rcode != NOERROR)
        return rcode;
    u->report->is_serial_set = true;
    txn_remove_rrset(u->txn, item->rr.owner, TYPE_SOA);
    return put(u, item);
}

/* s1.1.5: a WKS of the same address and protocol gives way. */
static void drop_same_service(struct update *u, const struct rr *rr)
{
    const struct edit_entry *old;
    while ((old = look_service(txn_look(u->txn, rr->owner, TYPE_WKS), rr->rdata)))
        txn_remove(u->txn, rr->owner, TYPE_WKS, (struct rdata){old->bytes, old->len});
}

/* CNAME and other data do not mix (s3.4.2.2), DNAME being other data (RFC 6672 s5.2); KEY
 * and what signing puts beside a CNAME do (RFC 4035 s2.5). */
static bool is_beside_cname(const struct edit *e, uint16_t type)
{
    if (type == TYPE_CNAME)
        return look_has_other_data(e);
    return !rrtype_is(type, RRTYPE_BESIDE_CNAME) && look_has(e, TYPE_CNAME);
}

static enum rcode add(struct update *u, struct item *item)
{
    const struct rr *rr = &item->rr;
    const struct edit *e = txn_look(u->txn, rr->owner, look_type(rr));
    const struct edit_entry *same = look_record(e, rr->type, rr->rdata);
    item->was_there = same != NULL;
    if (same && same->ttl == rr->ttl)
        return NOERROR; /* s2.5.1 */
    if (rr->type == TYPE_SOA)
        return add_soa(u, item, e);
    if (is_beside_cname(e, rr->type)) {
        enum rcode rcode = guard(u, item, rr->type);
        return rcode != NOERROR ? rcode : ignore(u, item, "CNAME and other data");
    }
    enum rcode rcode = guard(u, item, rr->type);
    if (rcode == NOERROR)
        rcode = guard_below(u, item);
    if (rcode != NOERROR)
        return rcode;
    if (rrtype_is(rr->type, RRTYPE_SINGLE))
        txn_remove_rrset(u->txn, rr->owner, rr->type);
    if (rr->type == TYPE_WKS)
        drop_same_service(u, rr);
    return put(u, item);
}

/* --- delete --- */

static bool is_apex_own(uint16_t type)
{
    return type == TYPE_SOA || type == TYPE_NS;
}

static enum rcode delete_rrset(struct update *u, struct item *item)
{
    const struct rr *rr = &item->rr;
    if (!look_has(txn_look(u->txn, rr->owner, rr->type), rr->type) &&
        !(rr->type == TYPE_RRSIG && look_has(txn_look(u->txn, rr->owner, TYPE_NSEC3), TYPE_RRSIG)))
        return NOERROR; /* s2.5.2 */
    if (update_at_apex(u, rr->owner) && is_apex_own(rr->type))
        return ignore(u, item, "SOA and NS of the apex stay"); /* s3.4.2.3 */
    enum rcode rcode = guard(u, item, rr->type);
    if (rcode == NOERROR)
        txn_remove_rrset(u->txn, rr->owner, rr->type);
    return rcode;
}

/* s3.4.2.3: all but SOA and NS go. */
static enum rcode delete_apex(struct update *u, struct item *item)
{
    for (;;) {
        const struct edit *e = txn_look(u->txn, item->rr.owner, TYPE_ANY);
        uint32_t at = 0;
        while (at < e->count && is_apex_own(e->entry[at].type))
            at++;
        if (at == e->count)
            return NOERROR;
        uint16_t type = e->entry[at].type;
        enum rcode rcode = guard(u, item, type);
        if (rcode != NOERROR)
            return rcode;
        txn_remove_rrset(u->txn, item->rr.owner, type);
    }
}

static enum rcode delete_name(struct update *u, struct item *item)
{
    struct name owner = item->rr.owner;
    if (update_at_apex(u, owner))
        return delete_apex(u, item);
    if (txn_look(u->txn, owner, TYPE_ANY)->count == 0 &&
        txn_look(u->txn, owner, TYPE_NSEC3)->count == 0)
        return NOERROR; /* s2.5.3 */
    enum rcode rcode = guard(u, item, TYPE_ANY);
    if (rcode == NOERROR)
        txn_remove_name(u->txn, owner);
    return rcode;
}

static bool is_last_ns(const struct update *u, const struct rr *rr, const struct edit *e)
{
    if (rr->type != TYPE_NS || !update_at_apex(u, rr->owner))
        return false;
    struct look_range set = look_rrset(e, TYPE_NS);
    return set.to - set.from == 1;
}

static enum rcode delete_rr(struct update *u, struct item *item)
{
    const struct rr *rr = &item->rr;
    const struct edit *e = txn_look(u->txn, rr->owner, look_type(rr));
    if (!look_record(e, rr->type, rr->rdata))
        return NOERROR; /* s2.5.4 */
    if (rr->type == TYPE_SOA)
        return ignore(u, item, "the SOA stays"); /* s3.4.2.4 */
    if (is_last_ns(u, rr, e))
        return ignore(u, item, "the last NS of the apex stays"); /* s3.4.2.4 */
    enum rcode rcode = guard(u, item, rr->type);
    if (rcode == NOERROR)
        txn_remove(u->txn, rr->owner, rr->type, rr->rdata);
    return rcode;
}

/* clang-format off */
/*   name            class           type          form                     run              RFC 2136 */
static const struct clause table[] = {
    {"add",          CLASS_IS_ZONE,  TYPE_IS_DATA, RDATA_VALID,             add},           /* s2.5.1 */
    {"delete-rrset", CLASS_IS_ANY,   TYPE_IS_DATA, TTL_ZERO | RDATA_EMPTY,  delete_rrset},  /* s2.5.2 */
    {"delete-name",  CLASS_IS_ANY,   TYPE_IS_ANY,  TTL_ZERO | RDATA_EMPTY,  delete_name},   /* s2.5.3 */
    {"delete-rr",    CLASS_IS_NONE,  TYPE_IS_DATA, TTL_ZERO | RDATA_VALID,  delete_rr},     /* s2.5.4 */
};
/* clang-format on */

const struct clause *op_clause(const struct update *u, const struct rr *rr)
{
    return clause_find(u, table, ARRAY_LEN(table), rr);
}

bool op_is_delete_name(const struct item *item)
{
    return item->clause->run == delete_name;
}

bool op_is_add(const struct item *item)
{
    return item->clause->run == add;
}

enum rcode op_fault(const struct update *u, const struct item *item, const char **why)
{
    if (!name_is_under(item->rr.owner, u->apex)) {
        *why = "the name is not in the zone";
        return NOTZONE;
    }
    *why = item->clause ? clause_fault(item->clause, item) : "no such class and type";
    return *why ? FORMERR : NOERROR;
}

/* s3.4.1.3 */
enum rcode op_prescan(struct update *u, struct item *item)
{
    const char *why;
    enum rcode rcode = op_fault(u, item, &why);
    return rcode == NOERROR ? NOERROR : update_say(u, rcode, item, "%s", why);
}

enum rcode op_run(struct update *u, struct item *item)
{
    uint64_t before = txn_reopened(u->txn);
    enum rcode rcode = item->clause->run(u, item);
    if (rcode == NOERROR)
        rcode = update_work(u, item, txn_reopened(u->txn) - before);
    if (update_is_peers(u) && txn_bytes(u->txn) > UPDATE_BYTES_MAX)
        rcode = update_say(u, REFUSED, item, "more work than one update may make");
    return rcode;
}
