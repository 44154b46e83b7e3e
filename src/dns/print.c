/* SPDX-License-Identifier: Apache-2.0
 * A record as one line of text. */
#include "dns/print.h"

void print_rr(const struct rr *rr, struct text *t)
{
    char buf[16];
    name_show(rr->owner, t);
    text_char(t, ' ');
    text_u32(t, rr->ttl);
    text_char(t, ' ');
    text_add(t, class_text(rr->class, buf));
    text_char(t, ' ');
    text_add(t, rrtype_text(rr->type, buf));
    text_char(t, ' ');
    rdata_show(rr->type, rr->rdata, t);
}
