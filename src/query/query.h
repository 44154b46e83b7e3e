/* SPDX-License-Identifier: Apache-2.0
 * Opcode QUERY: from a question and what the zone knows of its name to an answer (RFC 1034 s4.3.2
 * as revised by 2181, 2308, 4035, 4592, 5155, 6672, 8482, 9471). */
#ifndef REEVE_QUERY_QUERY_H
#define REEVE_QUERY_QUERY_H

#include "request/request.h"

/* Is this a question for which query_answer() needs q->lookup: class IN (or ANY), a data type or
 * ANY, in a zone of ours? Finds the zone (for DS the parent side's) and sets q->zone and
 * q->version. False: query_verdict() says what becomes of it. */
bool query_locate(struct request *q);
/* NOERROR: query_answer() has an answer all the same (class CH); else the rcode of an answer
 * without data. */
enum rcode query_verdict(const struct request *q);

/* Fills the answer's sections from q->zone, q->version, q->lookup, and sets q->rcode and
 * q->answer_flags. The question is written already and room for OPT is reserved. Never fails: what
 * does not fit sets TC. Where query_verdict() is not NOERROR, that is the rcode. */
void query_answer(struct request *q);

#endif
