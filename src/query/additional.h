/* SPDX-License-Identifier: Apache-2.0
 * Additional data: addresses (and a few other types) of the names that answer records point to,
 * from the same zone. Private to query/. */
#ifndef REEVE_QUERY_ADDITIONAL_H
#define REEVE_QUERY_ADDITIONAL_H

#include "query/reply.h"

/* Remembers the targets of an RRset that was written, if additional data is wanted for it: with
 * minimal-responses only for a question for NS. At most REPLY_TARGETS_MAX in all. */
void additional_note(struct reply *r, const struct rrset *set);
/* Looks them up and writes what fits. */
void additional_write(struct reply *r);

/* The A and AAAA at a node. False: not all of them fit. */
bool additional_addresses(struct reply *r, struct owner owner, const struct node *n);

#endif
