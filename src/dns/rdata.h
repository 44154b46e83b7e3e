/* SPDX-License-Identifier: Apache-2.0
 * Rdata: everything that can be done with it, derived from the table of RR types.
 *
 * "Stored form" is uncompressed wire with case kept. It is what zones, diffs and the log hold;
 * rdata that came through one of the constructors here (rdata_check, rdata_scan, rdata_from_wire)
 * is valid for its type, and the other functions rely on it (as an ASSERT). 65535 bytes at most. */
#ifndef REEVE_DNS_RDATA_H
#define REEVE_DNS_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "base/wire.h"
#include "dns/name.h"

struct lex;

#define RDATA_LEN_MAX       65535
/* Room that the text of any rdata of `len` bytes fits in. The worst are type bitmaps: eight times "
 * TYPE65535" a byte. */
#define RDATA_TEXT_MAX(len) ((size_t)(len)*80 + 1024)

struct rdata {
    const uint8_t *bytes;
    uint16_t len;
};

/* Is this the stored form of a record of that type? With why != NULL says what is wrong as a static
 * string. */
bool rdata_check(uint16_t type, struct rdata rd, const char **why);

/* From a message: rdlen bytes at the cursor, names decompressed where RFC 3597 s4 says so, then
 * checked. Appends the stored form to out. False: malformed, or out is too small (out->bad then).
 * The cursor lies over the whole message. */
bool rdata_from_wire(uint16_t type, struct rd *message, uint16_t rdlen, struct wr *out,
                     const char **why);

/* Canonical form (RFC 4034 s6.2, RFC 6840 s5.1): names of the listed types in lower case. Same
 * length; out may be rd.bytes itself. */
void rdata_canonical(uint16_t type, struct rdata rd, uint8_t *out);
/* Canonical order of two records of one RRset (RFC 4034 s6.3): <0, 0, >0. 0 is what RFC 2136 s1.1
 * calls equal. */
int rdata_compare(uint16_t type, struct rdata a, struct rdata b);

/* The i-th name in the rdata, or len 0 when there is none. Gateways of IPSECKEY and AMTRELAY and
 * HIP's servers, which are names only now and then, do not count. */
struct name rdata_name(uint16_t type, struct rdata rd, unsigned i);

/* From presentation form: the fields up to the end of the entry (RFC 1035 s5.1), or \# (RFC 3597
 * s5) for any type. Relative names are completed with origin. Appends to out. On success *lex
 * stands before the TOKEN_END, which lex_next() will give. On failure the sentence says what was
 * read and what was expected, and lex_peek() gives the token where that was noticed. ERR_LIMIT: no
 * room in out, which is bad then. */
enum err rdata_scan(uint16_t type, struct lex *lex, struct name origin, struct wr *out,
                    struct diag *diag);

/* Presentation form, fields separated by one blank, on one line; names absolute. */
void rdata_show(uint16_t type, struct rdata rd, struct text *t);
/* The RFC 3597 form: \# length hex. */
void rdata_show_generic(struct rdata rd, struct text *t);

#endif
