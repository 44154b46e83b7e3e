/* SPDX-License-Identifier: Apache-2.0
 * A record as one line of text. */
#ifndef REEVE_DNS_PRINT_H
#define REEVE_DNS_PRINT_H

#include "base/text.h"
#include "dns/rr.h"

/* Room for a line whose rdata has `len` bytes, with the NUL: owner, TTL, class, type and rdata. */
#define PRINT_RR_MAX(len) (NAME_TEXT_MAX + 64 + RDATA_TEXT_MAX(len))

/* owner TTL class type rdata, one blank between them, names absolute, no line end. The same record
 * always gives the same line, and the line read as a zone file gives the record again. */
void print_rr(const struct rr *rr, struct text *t);

#endif
