/* SPDX-License-Identifier: Apache-2.0
 * An answer being made: where the chain of names has led so far, and what the sections will need
 * when it ends.
 *
 * Sections are written in order, so what is found on the way and belongs to a later section is
 * remembered here: wildcard expansions that need a proof, targets that may get addresses. Private
 * to query/. A struct reply lives on the stack for one call of query_answer(); its arrays are not
 * cleared, the counts say what is set. */
#ifndef REEVE_QUERY_REPLY_H
#define REEVE_QUERY_REPLY_H

#include "request/request.h"
#include "zone/version.h"
#include "zone/zone.h"

/* CNAME and DNAME steps that there is room for; self->chain_max is what counts up to here. */
#define REPLY_STEPS_MAX   128
/* Names that optional addresses are looked up for in one answer: the work is small whatever the
 * zone says. */
#define REPLY_TARGETS_MAX 16
/* Denial records remembered so that each is sent once. */
#define REPLY_PROOFS_MAX  32

/* A name that a wildcard answered: RFC 4035 s3.1.3.3 wants proof that nothing closer exists. */
struct expansion {
    const struct version *version;
    struct name qname, encloser;
};

struct target {
    struct name name;
    uint16_t type; /* of the RRset that names it */
};

/* A name that the chain has passed, and if it was a DNAME that led on, its owner's node and the
 * name it made. */
struct link {
    struct name name;
    const struct node *dname;
    struct name_buf made;
};

struct reply {
    struct request *q;
    bool is_full; /* TC is set: nothing more is written */

    /* the name at the end of the chain and where it leads */
    struct name qname;
    const struct zone *zone;
    const struct version *version;
    struct lookup lookup;

    size_t referral_at; /* where in the message the NS of a referral begin */
    unsigned link_count, expansion_count, target_count, proof_count;
    struct link links[REPLY_STEPS_MAX];
    struct expansion expansions[REPLY_STEPS_MAX + 1];
    struct target targets[REPLY_TARGETS_MAX];
    const struct node *proofs[REPLY_PROOFS_MAX];
};

/* Starts at the question. */
void reply_init(struct reply *r, struct request *q);

/* Whose RRset is written, and where in the message that name stands already (0: not known). */
struct owner {
    struct name name;
    size_t at;
};

/* Writes an RRset, and with DO its RRSIGs, as one: both or neither. False and TC: no room. */
bool reply_rrset(struct reply *r, enum section s, struct name owner, const struct rrset *set,
                 const struct rrset *sigs);
/* The same where the RRset is of use but not needed: no room, no TC (RFC 2181 s9). */
bool reply_optional(struct reply *r, enum section s, struct owner owner, const struct rrset *set,
                    const struct rrset *sigs);
/* What does not fit is needed: TC, and nothing more is written. */
void reply_truncate(struct reply *r);

/* The zone's SOA in authority with the negative TTL (RFC 2308 s3). */
void reply_soa(struct reply *r);
/* The NSEC or NSEC3 of that node in authority, unless it is there already. NULL: nothing. */
void reply_proof(struct reply *r, const struct node *n, uint16_t type);
/* The name that ends n and has `len` bytes: an ancestor's owner spelled as in the question. */
static inline struct name reply_ancestor(struct name n, unsigned len)
{
    return (struct name){n.wire + (n.len - len), (uint8_t)len};
}

/* Are denial records wanted (DO) and to be had (the zone is signed)? */
static inline bool reply_wants_proof(const struct reply *r, const struct version *v)
{
    return r->q->edns.dnssec_ok && v->is_signed && !r->is_full;
}

#endif
