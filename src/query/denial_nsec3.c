/* SPDX-License-Identifier: Apache-2.0
 * Denial with NSEC3 (RFC 5155 s7.2).
 *
 * Hashing is what costs here, so no name is hashed twice: on the way up to an encloser that has an
 * NSEC3, the hash of the name below it is the one of the next closer name. Only in an opt-out zone
 * that way has more than one step. */
#include "query/denial.h"

#include "base/check.h"
#include "zone/zone.h"

_Static_assert(NSEC3_HASH_LEN == DIGEST_SHA1_LEN, "NSEC3 hashes are SHA-1");

struct hash {
    uint8_t at[NSEC3_HASH_LEN];
};

static struct digest_job job_of(const struct version *v, struct name name,
                                uint8_t folded[NAME_LEN_MAX])
{
    const struct nsec3_param *p = &v->nsec3_param;
    name_lower(name, folded);
    return (struct digest_job){folded, p->salt, name.len, p->salt_len, p->iterations};
}

static void hash_name(const struct reply *r, const struct version *v, struct name name,
                      struct hash *out)
{
    uint8_t folded[NAME_LEN_MAX];
    struct digest_job job = job_of(v, name, folded);
    digest_salted(r->q->digest, &job, out->at);
}

/* For names that the zone makes, not the question: enclosers and their wildcards. */
static void hash_known(const struct reply *r, struct name name, struct hash *out)
{
    uint8_t folded[NAME_LEN_MAX];
    struct digest_job job = job_of(r->version, name, folded);
    digest_salted_known(r->q->digest, &job, out->at);
}

/* The ancestor of name, or name itself, that is one label longer than its ancestor `encloser`. */
static struct name next_closer(struct name name, struct name encloser)
{
    ASSERT(name.len > encloser.len);
    for (;;) {
        struct name up = name_parent(name);
        if (up.len == encloser.len)
            return name;
        name = up;
    }
}

static void prove_match(struct reply *r, const struct version *v, const struct hash *h)
{
    reply_proof(r, lookup_nsec3(v, h->at), TYPE_NSEC3);
}

static void prove_cover(struct reply *r, const struct version *v, const struct hash *h)
{
    reply_proof(r, lookup_nsec3_cover(v, h->at), TYPE_NSEC3);
}

/* Where the search for an encloser has come to. */
struct rung {
    struct name name;
    struct hash hash;
    const struct node *match; /* NULL: it has no NSEC3 */
};

static void rung_look(const struct reply *r, struct rung *at)
{
    hash_known(r, at->name, &at->hash);
    at->match = lookup_nsec3(r->version, at->hash.at);
}

/* low has no NSEC3, an ancestor of it that is `labels` above it may. s7.1: whose descendant has an
 * NSEC3 has one itself, so the lowest one is found by halving, and a peer that knows of a deep
 * insecure delegation cannot have more than sixteen names hashed for one question. False: there is
 * none. */
static bool climb(const struct reply *r, struct rung *low, struct rung *high, unsigned labels)
{
    unsigned step = 1;
    high->match = NULL;
    while (labels > 0) { /* most are just above */
        step = step < labels ? step : labels;
        high->name = name_suffix(low->name, step);
        rung_look(r, high);
        if (high->match)
            break;
        *low = *high;
        labels -= step;
        step *= 2;
    }
    while (high->match && step > 1) {
        struct rung middle = {.name = name_suffix(low->name, step / 2)};
        rung_look(r, &middle);
        if (middle.match) {
            *high = middle;
            step /= 2;
        } else {
            *low = middle;
            step -= step / 2;
        }
    }
    return high->match;
}

/* s7.2.1: the closest provable encloser of name at `encloser` or above it, and that the name next
 * to it does not exist. below: the hash of the next closer name if the caller has it, else NULL.
 * The encloser found; len 0: the chain has a hole. */
static struct name prove_encloser(struct reply *r, struct name name, struct name encloser,
                                  const struct hash *below)
{
    const struct version *v = r->version;
    struct rung low = {.name = encloser}, high;
    struct hash next;
    rung_look(r, &low);
    if (low.match) {
        high = low;
    } else {
        unsigned labels = name_labels(encloser) - v->zone->labels;
        if (!climb(r, &low, &high, labels))
            return (struct name){0};
        below = &low.hash;
    }
    reply_proof(r, high.match, TYPE_NSEC3);
    if (!below) {
        hash_name(r, v, next_closer(name, high.name), &next);
        below = &next;
    }
    prove_cover(r, v, below);
    return high.name;
}

/* s7.2.3, s7.2.4, s7.2.7: the name's own NSEC3, or in an opt-out span the proof that it lies in
 * one. Names without DS, and the empty non-terminals above nothing but such names, have no NSEC3
 * there. */
static void prove_name(struct reply *r, struct name name)
{
    struct hash h;
    hash_name(r, r->version, name, &h);
    const struct node *match = lookup_nsec3(r->version, h.at);
    if (match)
        reply_proof(r, match, TYPE_NSEC3);
    else if (name.len > r->version->apex->owner_len)
        (void)prove_encloser(r, name, name_parent(name), &h);
}

void denial_nsec3_no_ds(struct reply *r)
{
    prove_name(r, reply_ancestor(r->qname, r->lookup.node->owner_len));
}

void denial_nsec3_nodata(struct reply *r)
{
    const struct lookup *l = &r->lookup;
    struct name_buf star;
    struct hash h;
    if (l->kind != LOOKUP_WILDCARD && l->kind != LOOKUP_WILDCARD_EMPTY) {
        prove_name(r, r->qname);
        return;
    }
    struct name encloser = prove_encloser(r, r->qname, l->encloser, NULL);
    if (encloser.len == 0 || !name_wildcard_of(encloser, &star))
        return;
    hash_known(r, name_of(&star), &h);
    prove_match(r, r->version, &h); /* s7.2.5 */
}

void denial_nsec3_nxdomain(struct reply *r)
{
    struct name_buf star;
    struct hash h;
    struct name encloser = prove_encloser(r, r->qname, r->lookup.encloser, NULL);
    if (encloser.len == 0 || !name_wildcard_of(encloser, &star))
        return;
    hash_known(r, name_of(&star), &h);
    prove_cover(r, r->version, &h); /* s7.2.2 */
}

void denial_nsec3_expansion(struct reply *r, const struct expansion *e)
{
    struct hash h;
    hash_name(r, e->version, next_closer(e->qname, e->encloser), &h);
    prove_cover(r, e->version, &h); /* s7.2.6: the wildcard itself proves the encloser */
}
