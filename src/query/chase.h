/* SPDX-License-Identifier: Apache-2.0
 * The algorithm of RFC 1034 s4.3.2 (as revised by RFC 6672 s3.2): match, follow CNAME and DNAME
 * through all our zones, and say what the last name's answer is. Private to query/. */
#ifndef REEVE_QUERY_CHASE_H
#define REEVE_QUERY_CHASE_H

#include "query/reply.h"
#include "zone/store.h"

/* The zone of ours that answers for the name; NULL: none. DS is a question to the parent's side, if
 * we have it (RFC 4035 s3.1.4.1). */
const struct store_entry *chase_entry(const struct store *s, struct name qname, uint16_t qtype);
/* What an entry serves now; NULL: it is not loaded, or expired. */
const struct version *chase_version(const struct store_entry *e);

/* From the lookup in r to the finished sections. */
void chase_run(struct reply *r);

#endif
