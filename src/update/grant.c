/* SPDX-License-Identifier: Apache-2.0
 * Does a grant match? Each test says how far the question came; the first miss decides. */
#include "update/grant.h"

#include "base/check.h"
#include "update/grant_int.h"
#include "update/reverse.h"

#define MILLI         1000
#define SECOND_US     INT64_C(1000000)
/* What a second's worth of tokens has room for. */
#define RATE_MAX      (UINT32_MAX / MILLI)
#define CHALLENGE_LEN (sizeof(GRANT_CHALLENGE) - 1)

static const uint16_t acme_types[] = {TYPE_TXT};
static const uint16_t dhcp_types[] = {TYPE_A, TYPE_AAAA, TYPE_PTR, TYPE_DHCID};
/* Beside those of signing and of the apex (RRTYPE_DNSSEC, RRTYPE_APEX): who can change these can
 * take over a child, or the keys of the zone. */
static const uint16_t explicit_types[] = {TYPE_DS, TYPE_CDS, TYPE_CDNSKEY};

static bool has_type(const uint16_t *types, unsigned count, uint16_t type)
{
    for (unsigned i = 0; i < count; i++)
        if (types[i] == type)
            return true;
    return false;
}

void grant_preset_types(const struct grant *g, const uint16_t **types, unsigned *count)
{
    *types = g->where == GRANT_ACME ? acme_types : g->where == GRANT_DHCP ? dhcp_types : NULL;
    *count = g->where == GRANT_ACME   ? ARRAY_LEN(acme_types)
             : g->where == GRANT_DHCP ? ARRAY_LEN(dhcp_types)
                                      : 0;
}

static bool is_default_type(const struct grant_question *q)
{
    if (rrtype_is(q->type, RRTYPE_DNSSEC | RRTYPE_APEX) || !rrtype_is_data(q->type))
        return false;
    if (q->type == TYPE_NS && name_is_equal(q->owner, q->zone))
        return false;
    return !has_type(explicit_types, ARRAY_LEN(explicit_types), q->type);
}

static bool match_type(const struct grant *g, const struct grant_question *q)
{
    const uint16_t *preset;
    unsigned count;
    if (q->type == TYPE_ANY) /* nothing there: a deny of some types does not deny that */
        return !(g->is_deny && g->types);
    grant_preset_types(g, &preset, &count);
    if (preset && !has_type(preset, count, q->type))
        return false;
    if (g->types)
        return has_type(g->types, g->type_count, q->type);
    return preset || is_default_type(q);
}

static bool match_self(const struct grant *g, const struct grant_question *q)
{
    struct name self = name_of(&g->self);
    if (self.len == 0)
        return false;
    if (g->where == GRANT_SELF)
        return name_is_equal(q->owner, self);
    return q->owner.len > self.len && name_is_under(q->owner, self);
}

struct name grant_challenge_base(struct name listed)
{
    return name_is_wildcard(listed) ? name_parent(listed) : listed;
}

/* RFC 8555 s8.4: "_acme-challenge" before the name; that of a wildcard is its parent's. */
static bool match_acme(const struct grant *g, const struct grant_question *q)
{
    if (q->owner.len <= CHALLENGE_LEN)
        return false;
    for (unsigned i = 0; i < CHALLENGE_LEN; i++)
        if (name_fold[q->owner.wire[i]] != (uint8_t)GRANT_CHALLENGE[i])
            return false;
    struct name base = name_parent(q->owner);
    if (g->is_any_name)
        return name_is_under(base, q->zone);
    for (unsigned i = 0; i < g->name_count; i++)
        if (name_is_equal(base, grant_challenge_base(name_of(&g->names[i]))))
            return true;
    return false;
}

static bool match_listed(const struct grant *g, const struct grant_question *q)
{
    for (unsigned i = 0; i < g->name_count; i++) {
        struct name listed = name_of(&g->names[i]);
        if (g->where == GRANT_UNDER ? name_is_under(q->owner, listed)
                                    : name_is_equal(q->owner, listed))
            return true;
    }
    return false;
}

static bool match_reverse(const struct grant_question *q)
{
    struct name_buf name;
    if (!q->from)
        return false;
    reverse_name(q->from, &name);
    return name_is_equal(q->owner, name_of(&name));
}

static bool match_name(const struct grant *g, const struct grant_question *q)
{
    switch (g->where) {
    case GRANT_NAME:
    case GRANT_UNDER:
        return match_listed(g, q);
    case GRANT_SELF:
    case GRANT_BELOW_SELF:
        return match_self(g, q);
    case GRANT_ACME:
        return match_acme(g, q);
    case GRANT_REVERSE:
        return match_reverse(q);
    case GRANT_DHCP:
    case GRANT_ALL:
        break;
    }
    return true;
}

static bool match_key(const struct grant *g, const struct grant_question *q)
{
    if (g->is_unsigned || !q->key)
        return g->is_unsigned && !q->key;
    return name_is_equal(tsig_key_name(q->key), name_of(&g->key));
}

static bool match_source(const struct grant *g, const struct grant_question *q)
{
    for (unsigned i = 0; i < g->from_count; i++)
        if (q->from && prefix_has(&g->from[i], q->from))
            return true;
    return g->from_count == 0;
}

/* The address that a record is about: false where it has to have one and has not. */
static bool address_of(const struct grant_question *q, uint8_t bytes[16], size_t *len)
{
    *len = 0;
    if (q->type == TYPE_PTR)
        return reverse_scan(q->owner, bytes, len);
    if ((q->type != TYPE_A && q->type != TYPE_AAAA) || q->rdata.len == 0)
        return true;
    if (q->rdata.len > 16)
        return false;
    *len = q->rdata.len;
    memcpy(bytes, q->rdata.bytes, *len);
    return true;
}

static bool match_within(const struct grant *g, const struct grant_question *q)
{
    uint8_t bytes[16];
    size_t len;
    if (g->within_count == 0)
        return true;
    if (!address_of(q, bytes, &len))
        return false;
    for (unsigned i = 0; i < g->within_count; i++)
        if (len == 0 || prefix_has_bytes(&g->within[i], bytes, len))
            return true;
    return false;
}

uint32_t grant_ttl_max(const struct grant *g)
{
    return g->ttl_max == 0 && g->where == GRANT_ACME ? GRANT_ACME_TTL_MAX : g->ttl_max;
}

static bool match_ttl(const struct grant *g, const struct grant_question *q)
{
    uint32_t max = grant_ttl_max(g);
    return q->op != GRANT_ADD || (q->ttl >= g->ttl_min && (max == 0 || q->ttl <= max));
}

uint32_t grant_per_name_max(const struct grant *g)
{
    return g->per_name_max == 0 && g->where == GRANT_ACME ? GRANT_ACME_PER_NAME_MAX
                                                          : g->per_name_max;
}

uint32_t grant_lease_s(const struct grant *g)
{
    if (g->lease_s == 0 && g->where == GRANT_ACME)
        return g->lease.max ? grant_clamp(g->lease, GRANT_ACME_LEASE_S) : GRANT_ACME_LEASE_S;
    return g->lease_s == GRANT_LEASE_NONE ? 0 : g->lease_s;
}

bool grants_give_leases(const struct grant *grants, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (grant_lease_s(&grants[i]))
            return true;
    return false;
}

struct grant_range grant_lease(const struct grant *g)
{
    struct grant_range range = {GRANT_LEASE_MIN_S, GRANT_LEASE_MAX_S};
    if (g->lease.max)
        return g->lease;
    uint32_t lease_s = grant_lease_s(g);
    if (lease_s && lease_s < range.min)
        range.min = lease_s;
    if (lease_s > range.max)
        range.max = lease_s;
    return range;
}

struct grant_range grant_key_lease(const struct grant *g)
{
    struct grant_range range = {GRANT_LEASE_MIN_S, GRANT_KEY_LEASE_MAX_S};
    return g->key_lease.max ? g->key_lease : range;
}

static enum grant_miss match(const struct grant *g, const struct grant_question *q)
{
    if (!match_key(g, q))
        return GRANT_OTHER_KEY;
    if (!match_source(g, q))
        return GRANT_OTHER_SOURCE;
    if (!match_name(g, q))
        return GRANT_OTHER_NAME;
    if (!match_type(g, q))
        return GRANT_OTHER_TYPE;
    if (g->ops != 0 && (g->ops & q->op) == 0)
        return GRANT_OTHER_OP;
    return match_ttl(g, q) && match_within(g, q) ? GRANT_MATCH : GRANT_OUT_OF_LIMITS;
}

enum grant_miss grant_match(const struct grant *g, const struct grant_question *question,
                            struct text *why)
{
    enum grant_miss miss = match(g, question);
    if (why && miss != GRANT_MATCH)
        grant_show_miss(g, question, miss, why);
    return miss;
}

bool grants_allow(const struct grant *grants, unsigned count, const struct grant_question *question,
                  int *rule)
{
    enum grant_miss nearest = GRANT_MATCH;
    *rule = -1;
    for (unsigned i = 0; i < count; i++) {
        enum grant_miss miss = match(&grants[i], question);
        if (miss == GRANT_MATCH) {
            *rule = (int)i;
            return !grants[i].is_deny;
        }
        if (miss > nearest && !grants[i].is_deny) {
            nearest = miss;
            *rule = (int)i;
        }
    }
    return false;
}

bool grant_is_for(const struct grant *g, const struct grant_question *question)
{
    return !g->is_deny && match_key(g, question) && match_source(g, question);
}

bool grant_covers(const struct grant *g, const struct grant_question *question)
{
    return match_name(g, question) && match_type(g, question);
}

bool grant_take_rate(const struct grant *g, int64_t now_us)
{
    struct grant_rate *s = g->state;
    if (!s || g->rate == 0)
        return true;
    uint32_t rate = g->rate < RATE_MAX ? g->rate : RATE_MAX, full = rate * MILLI;
    int64_t passed = now_us - s->at_us;
    if (s->at_us == 0 || passed >= SECOND_US) {
        s->tokens_milli = full;
        s->at_us = now_us;
    } else if (passed < 0) {
        s->at_us = now_us; /* the clock was set back: no gain, and no wait for the old time */
    } else {
        uint32_t gain = (uint32_t)(passed * rate / MILLI);
        s->tokens_milli = full - s->tokens_milli < gain ? full : s->tokens_milli + gain;
        s->at_us += (int64_t)gain * MILLI / rate; /* what made no token yet is kept */
    }
    if (s->tokens_milli < MILLI)
        return false;
    s->tokens_milli -= MILLI;
    return true;
}
