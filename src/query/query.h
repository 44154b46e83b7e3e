/* SPDX-License-Identifier: Apache-2.0
 * Opcode QUERY: from a question and what the zone knows of its name to an answer (RFC 1034 s4.3.2
 * as revised by 2181, 2308, 4035, 4592, 5155, 6672, 8482, 9471). */
#ifndef REEVE_QUERY_QUERY_H
#define REEVE_QUERY_QUERY_H

#include "request/request.h"

/* Fills the answer's sections from q->zone, q->version, q->lookup, and sets q->rcode and
 * q->answer_flags. The question is written already and room for OPT is reserved. Never fails: what
 * does not fit sets TC, what is not ours is REFUSED. */
void query_answer(struct request *q);

/* Is this a question for which query_answer() needs q->lookup: class IN (or ANY), a data type or
 * ANY, in a zone of ours? Finds the zone (for DS the parent side's) and sets q->zone and
 * q->version. False: query_answer() answers without (CH, REFUSED, SERVFAIL). */
bool query_locate(struct request *q);

#endif
