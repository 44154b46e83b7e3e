/* SPDX-License-Identifier: Apache-2.0
 * Semantic checks of a whole zone.
 *
 * Error or warning: what named-checkzone or kzonecheck refuse to load is an error here (no or two
 * SOAs, no NS at the apex, an apex NS of ours without address or behind a CNAME, CNAME beside other
 * data, records below a DNAME, NS beside a DNAME, NS at a wildcard, DS at the apex, NSEC3 at no
 * hash), and so is an RRset that no message can hold, which they let pass; what only breaks the one
 * name is a warning (missing glue, targets that do not exist or are CNAMEs, DS without NS). */
#include "zone/check.h"

#include <stdio.h>

#include "base/digits.h"
#include "zone/lookup.h"
#include "zone/zone.h"

/* Registries have few name servers for many names: the ones met last are not looked up again. */
#define FOUND_SLOTS 1024

struct check {
    const struct version *v;
    const struct check_sink *sink;
    struct check_result *result;
    /* the last DNAME passed that is not below one: what follows may be below it */
    const struct node *dname;
    /* targets that have addresses, whoever points to them; len 0: none */
    struct name found[FOUND_SLOTS];
};

static void fault(struct check *c, enum master_severity severity, struct name owner, uint16_t type,
                  const char *sentence)
{
    uint64_t *count = severity == MASTER_ERROR ? &c->result->errors : &c->result->warnings;
    if (++*count <= CHECK_FAULTS_MAX)
        c->sink->fault(c->sink->arg, severity, owner, type, sentence);
}

static void fault_target(struct check *c, enum master_severity severity, struct name owner,
                         uint16_t type, struct name target, const char *what)
{
    char sentence[DIAG_TEXT_MAX + NAME_TEXT_MAX], text[NAME_TEXT_MAX], mnemonic[16];
    snprintf(sentence, sizeof(sentence), "%s target \"%s\" %s", rrtype_text(type, mnemonic),
             name_text(target, text), what);
    fault(c, severity, owner, type, sentence);
}

static bool has_address(const struct node *n)
{
    struct rrset s;
    return n && (node_find(n, TYPE_A, &s) || node_find(n, TYPE_AAAA, &s));
}

static struct name *found_slot(struct check *c, struct name target)
{
    uint32_t h = target.len;
    for (unsigned i = 0; i < target.len; i++)
        h = h * 31 + target.wire[i];
    return &c->found[(h ^ h >> 12) % FOUND_SLOTS];
}

/* The address records of a host that a record points to. */
static void check_target(struct check *c, struct name owner, uint16_t type, struct name target)
{
    struct name apex = name_of(&c->v->zone->name);
    bool is_ns = type == TYPE_NS;
    bool is_apex_ns = is_ns && owner.len == apex.len;
    enum master_severity severity = is_apex_ns ? MASTER_ERROR : MASTER_WARNING;
    struct lookup found;
    if (name_is_root(target) || !name_is_under(target, apex))
        return; /* "." means none (RFC 2782, RFC 7505); the rest is not ours to know */
    struct name *slot = found_slot(c, target);
    if (slot->len && name_is_same(*slot, target))
        return;
    lookup_find(c->v, target, &found);
    switch (found.kind) {
    case LOOKUP_CUT:
        if (!is_ns)
            return;
        if (has_address(lookup_exact(c->v, target))) {
            *slot = target;
            return;
        }
        if (name_is_under(target, owner))
            fault_target(c, MASTER_WARNING, owner, type, target,
                         "has no glue, and cannot be found without");
        else
            fault_target(c, MASTER_WARNING, owner, type, target,
                         "is in another delegation and has no glue there");
        return;
    case LOOKUP_NODE:
    case LOOKUP_WILDCARD:
        if (found.node->has & NODE_HAS_CNAME)
            fault_target(c, severity, owner, type, target, "is a CNAME (RFC 2181 s10.3)");
        else if (!has_address(found.node))
            fault_target(c, severity, owner, type, target, "has no address records");
        else
            *slot = target;
        return;
    case LOOKUP_DNAME:
        fault_target(c, severity, owner, type, target, "is below a DNAME");
        return;
    case LOOKUP_EMPTY:
    case LOOKUP_WILDCARD_EMPTY:
    case LOOKUP_ABSENT:
        fault_target(c, severity, owner, type, target, "has no address records");
        return;
    }
}

static bool looks_like_address(struct name n)
{
    unsigned labels = 0;
    for (const uint8_t *p = n.wire; *p; p += *p + 1, labels++)
        for (unsigned i = 1; i <= *p; i++)
            if (p[i] < '0' || p[i] > '9')
                return false;
    return labels == 4;
}

static void check_targets(struct check *c, struct name owner, struct rrset s)
{
    if (s.type != TYPE_NS && s.type != TYPE_MX && s.type != TYPE_SRV)
        return;
    for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r)) {
        struct name target = rdata_name(s.type, r, 0);
        if (s.type == TYPE_MX && looks_like_address(target))
            fault_target(c, MASTER_WARNING, owner, s.type, target, "is an address, not a name");
        else
            check_target(c, owner, s.type, target);
    }
}

/* CNAME stands alone but for KEY and what signing puts beside it (RFC 1034 s3.6.2, RFC 4035 s2.5).
 */
static void check_cname(struct check *c, const struct node *n)
{
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
        if (s.type != TYPE_CNAME && !rrtype_is(s.type, RRTYPE_BESIDE_CNAME)) {
            fault(c, MASTER_ERROR, node_owner(n), TYPE_CNAME, "CNAME and other data");
            return;
        }
}

static void check_single(struct check *c, struct name owner, struct rrset s)
{
    char sentence[64], mnemonic[16];
    if (s.count < 2 || !rrtype_is(s.type, RRTYPE_SINGLE))
        return;
    snprintf(sentence, sizeof(sentence), "%u %s records where only one can be", s.count,
             rrtype_text(s.type, mnemonic));
    fault(c, MASTER_ERROR, owner, s.type, sentence);
}

bool check_fits_message(struct name owner, struct rrset s)
{
    size_t len = DNS_HEADER_LEN + owner.len + 4u + s.len + 10u * s.count + CHECK_ROOM_KEPT;
    if (s.count == 1 || !rrtype_info(s.type)->compress)
        return len <= DNS_MESSAGE_MAX;
    return s.len <= UINT16_MAX;
}

/* What no message can hold nobody can ask for, and of one record a transfer could not go on behind
 * it. */
static void check_size(struct check *c, struct name owner, struct rrset s)
{
    char sentence[128], mnemonic[16];
    if (check_fits_message(owner, s))
        return;
    snprintf(sentence, sizeof(sentence),
             "%s RRset of %u bytes in %u records does not fit a message",
             rrtype_text(s.type, mnemonic), s.len, s.count);
    fault(c, MASTER_ERROR, owner, s.type, sentence);
}

/* RFC 5155 s3: the owner's first label is the hash in base32hex. */
static void check_nsec3(struct check *c, const struct node *n)
{
    uint8_t hash[LABEL_LEN_MAX];
    struct wr w = wr_over(hash, sizeof(hash));
    const uint8_t *label = n->bytes;
    bool is_apex = n->owner_len == c->v->zone->name.len;
    if ((n->has & NODE_HAS_NSEC3) &&
        (is_apex || !base32hex_scan((const char *)label + 1, *label, &w)))
        fault(c, MASTER_ERROR, node_owner(n), TYPE_NSEC3, "NSEC3 whose owner is not a hash");
}

static void check_node(struct check *c, const struct node *n)
{
    struct name owner = node_owner(n);
    bool is_apex = owner.len == c->v->zone->name.len;
    if (c->dname && name_is_under(owner, node_owner(c->dname)))
        fault(c, MASTER_ERROR, owner, 0, "stands below a DNAME (RFC 6672 s2.4)");
    else if (n->has & NODE_HAS_DNAME)
        c->dname = n;
    if ((n->has & NODE_HAS_SOA) && !is_apex)
        fault(c, MASTER_ERROR, owner, TYPE_SOA, "SOA that is not at the apex");
    if ((n->has & NODE_HAS_NS) && (n->has & NODE_HAS_DNAME) && !is_apex)
        fault(c, MASTER_ERROR, owner, TYPE_NS, "NS beside a DNAME (RFC 6672 s2.3)");
    if ((n->has & NODE_HAS_NS) && name_is_wildcard(owner))
        fault(c, MASTER_ERROR, owner, TYPE_NS, "NS at a wildcard (RFC 4592 s4.2)");
    if ((n->has & NODE_HAS_DS) && is_apex)
        fault(c, MASTER_ERROR, owner, TYPE_DS, "DS at the apex (RFC 4035 s2.4)");
    else if ((n->has & NODE_HAS_DS) && !(n->has & NODE_HAS_NS))
        fault(c, MASTER_WARNING, owner, TYPE_DS, "DS without NS");
    if (n->has & NODE_HAS_CNAME)
        check_cname(c, n);
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) {
        check_single(c, owner, s);
        check_size(c, owner, s);
        check_targets(c, owner, s);
    }
}

static void check_apex(struct check *c)
{
    struct name apex = name_of(&c->v->zone->name);
    if (c->v->soa.count == 0)
        fault(c, MASTER_ERROR, apex, 0, "no SOA at the apex");
    if (!c->v->apex || !(c->v->apex->has & NODE_HAS_NS))
        fault(c, MASTER_ERROR, apex, 0, "no NS at the apex");
}

void zone_check(const struct version *v, const struct check_sink *sink, struct check_result *result)
{
    struct check c = {.v = v, .sink = sink, .result = result};
    struct walk w;
    *result = (struct check_result){0};
    check_apex(&c);
    walk_start(&w, v);
    for (const struct node *n; (n = walk_next(&w));)
        if (w.in_nsec3)
            check_nsec3(&c, n);
        else
            check_node(&c, n);
}
