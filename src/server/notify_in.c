/* SPDX-License-Identifier: Apache-2.0
 * NOTIFY that comes in (RFC 1996): answered at once, whatever it leads to.
 *
 * It is heeded from a primary of the zone only: from one of its addresses and, where it has a key,
 * signed with that. What it says is a hint (s3.11): the machine of xfr/refresh.h decides whether
 * anybody is asked, and a storm of them leads to few questions. */
#include <string.h>

#include "base/check.h"
#include "request/address.h"
#include "server/secondary.h"

static void turn_down(struct server *s, struct request *q, enum rcode rcode, const char *reason)
{
    struct refusal_cause cause = {.rcode = rcode, .reason = reason};
    q->rcode = rcode;
    s->count.notifies_in_refused++;
    refusal_note(s, q, &cause);
}

/* Which of the primaries sends it; false: none, and *why is the closest one's reason. */
static bool find_sender(const struct secondary *sec, const struct request *q,
                        struct refresh_event *e, const char **why)
{
    *why = "NOTIFY from an address that is no primary's of the zone";
    for (unsigned i = 0; i < sec->primary_count; i++) {
        const struct primary *p = &sec->primaries[i];
        bool has_key = p->key.len == 0 ||
                       (q->tsig.key && name_is_equal(tsig_key_name(q->tsig.key), name_of(&p->key)));
        for (unsigned k = 0; k < p->address_count; k++) {
            if (!address_is_same_host(&p->addresses[k], &q->peer.address))
                continue;
            if (has_key) {
                e->from = i + 1;
                e->from_address = k;
                return true;
            }
            *why = "NOTIFY of a primary, not signed with its key";
        }
    }
    return false;
}

/* s3.7: the new SOA in the answer section, if it says so. */
static void read_hint(const struct request *q, struct refresh_event *e)
{
    struct rr_reader reader = rr_reader_of(&q->msg, SECTION_ANSWER);
    uint8_t room[2 * NAME_LEN_MAX + 20];
    struct wr w = wr_over(room, sizeof(room));
    struct rr rr;
    if (rr_read(&reader, &w, &rr) != RR_READ_OK || rr.type != TYPE_SOA || rr.class != CLASS_IN ||
        w.bad || rr.rdata.len == 0 || !name_is_equal(rr.owner, q->msg.qname))
        return;
    e->has_serial = true;
    e->serial = soa_of(rr.rdata).serial;
}

void notify_handle(struct server *s, struct request *q)
{
    struct refresh_event e = {.kind = REFRESH_NOTIFIED};
    const char *why;
    s->count.notifies_in++;
    if (q->msg.qname.len == 0 || q->msg.qtype != TYPE_SOA) {
        turn_down(s, q, FORMERR, "NOTIFY that is not about one zone's SOA");
        return;
    }
    q->entry = store_get(&s->store, q->msg.qname);
    if (!q->entry || q->msg.qclass != CLASS_IN) {
        q->entry = NULL;
        turn_down(s, q, NOTAUTH, "no zone of ours");
        return;
    }
    struct secondary *sec = zone_owner(q->entry)->secondary;
    if (!sec) {
        turn_down(s, q, REFUSED, "NOTIFY for a zone that has no primaries here");
        return;
    }
    if (!find_sender(sec, q, &e, &why)) {
        turn_down(s, q, REFUSED, why);
        return;
    }
    q->rcode = NOERROR;
    q->answer_flags |= FLAG_AA; /* s4.7: the answer is the question, with QR and AA */
    read_hint(q, &e);
    secondary_tell(s, sec, &e);
}
