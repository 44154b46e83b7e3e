/* SPDX-License-Identifier: Apache-2.0
 * Which questions are ours to answer, and by what. */
#include "query/query.h"

#include "base/attr.h"
#include "query/chaos.h"
#include "query/chase.h"

/* What becomes of a question for a type that is never data; NOERROR: it may be data. Transfers do
 * not come here. */
static enum rcode meta_rcode(uint16_t qtype)
{
    switch (qtype) {
    case TYPE_OPT: /* RFC 6891 s6.1.1, RFC 8945 s5: they are part of a message, not of the data */
    case TYPE_TSIG:
    case TYPE_NXNAME: /* RFC 9824 s3.5 */
        return FORMERR;
    case TYPE_TKEY:
    case TYPE_MAILA:
    case TYPE_MAILB:
        return NOTIMP;
    default:
        return NOERROR;
    }
}

bool query_locate(struct request *q)
{
    const struct message *m = &q->msg;
    q->entry = NULL;
    q->zone = NULL;
    q->version = NULL;
    if (m->qname.len == 0 || (m->qclass != CLASS_IN && m->qclass != CLASS_ANY) ||
        meta_rcode(m->qtype) != NOERROR)
        return false;
    q->entry = chase_entry(q->store, m->qname, m->qtype);
    if (!q->entry)
        return false;
    q->zone = q->entry->zone;
    q->version = chase_version(q->entry);
    return q->version != NULL;
}

enum rcode query_verdict(const struct request *q)
{
    const struct message *m = &q->msg;
    if (m->qname.len == 0) /* RFC 9619 s4 allows it, but there is nothing here to say to it */
        return FORMERR;
    enum rcode rc = meta_rcode(m->qtype);
    if (rc != NOERROR)
        return rc;
    if (m->qclass == CLASS_CH)
        return chaos_has(q) ? NOERROR : REFUSED;
    return q->entry ? SERVFAIL : REFUSED; /* other classes have no zones */
}

void query_answer(struct request *q)
{
    q->answer_flags = 0;
    q->rcode = LIKELY(q->version) ? NOERROR : query_verdict(q);
    if (UNLIKELY(q->rcode != NOERROR))
        return;
    if (UNLIKELY(!q->version)) {
        chaos_answer(q);
        return;
    }
    struct reply r;
    reply_init(&r, q);
    chase_run(&r);
}
