/* SPDX-License-Identifier: Apache-2.0
 * Which questions are ours to answer, and by what. */
#include "query/query.h"

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

void query_answer(struct request *q)
{
    const struct message *m = &q->msg;
    q->rcode = NOERROR;
    q->answer_flags = 0;
    if (m->qname.len == 0) { /* RFC 9619 s4 allows it, but there is nothing here to say to it */
        q->rcode = FORMERR;
        return;
    }
    q->rcode = meta_rcode(m->qtype);
    if (q->rcode != NOERROR)
        return;
    if (m->qclass == CLASS_CH) {
        chaos_answer(q);
        return;
    }
    if (!q->entry || !q->version) { /* other classes have no zones */
        q->rcode = q->entry ? SERVFAIL : REFUSED;
        return;
    }
    struct reply r;
    reply_init(&r, q);
    chase_run(&r);
}
