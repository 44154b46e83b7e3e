/* SPDX-License-Identifier: Apache-2.0
 * RR types: what the table rrtype.tbl.h says of each.
 *
 * A type without a row (private use, unassigned) has the row of an unknown type: opaque rdata, text
 * by RFC 3597. */
#ifndef REEVE_DNS_RRTYPE_H
#define REEVE_DNS_RRTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* enum rrtype: TYPE_A = 1, ...; made from the table's rows. The value 0 is no type. */
#include "dns/rrtype_enum.h"

enum rrtype_flag {
    RRTYPE_META =
        1 << 0, /* never data: OPT, TSIG, TKEY, NXNAME, and the QTYPEs; rdata is opaque here */
    RRTYPE_QTYPE =
        1 << 1, /* only in questions (and RFC 2136 clauses): AXFR, IXFR, MAILA, MAILB, ANY */
    RRTYPE_SINGLE = 1 << 2, /* at most one record in an RRset: SOA, CNAME, DNAME ... */
    RRTYPE_DNSSEC = 1 << 3, /* is made by signing: RRSIG, NSEC, NSEC3... */
    RRTYPE_APEX =
        1 << 4, /* has a meaning only at the apex: SOA, DNSKEY, NSEC3PARAM, CSYNC, ZONEMD */
    RRTYPE_PARENT = 1 << 5, /* authoritative at the parent side of a cut: DS, NSEC */
    RRTYPE_ADDITIONAL =
        1 << 6, /* the last name in the rdata is a target that additional data is found for */
    RRTYPE_UNKNOWN = 1 << 7,      /* has no row */
    RRTYPE_NOZONE = 1 << 8,       /* data, but not allowed in zone files (NULL) */
    RRTYPE_BESIDE_CNAME = 1 << 9, /* what signing makes, and KEY (RFC 4035 s2.5) */
};

struct rdata;

/* A type's row. `fields`, `check` and `decompress` are private to dns/. */
struct rrtype_info {
    uint16_t code;         /* 0 when RRTYPE_UNKNOWN */
    uint16_t flags;        /* enum rrtype_flag */
    const char *mnemonic;  /* NULL when RRTYPE_UNKNOWN */
    const uint8_t *fields; /* kinds of kind.tbl.h in wire and text order */
    const char *(*check)(
        struct rdata rd); /* rules across fields: NULL, or what is wrong; may be NULL itself */
    uint8_t field_count;
    uint8_t name_count; /* names in the rdata that rdata_name() gives */
    bool decompress;    /* its names may be compressed on input (RFC 3597 s4) */
    bool compress;      /* its names may be compressed on output (RFC 3597 s4) */
    bool fold;          /* its canonical form differs from the stored form (RFC 4034 s6.2) */
    int16_t name_at;    /* bytes before the first name where that is fixed, else -1 (or no names) */
};

/* Never NULL. */
const struct rrtype_info *rrtype_info(uint16_t type);
static inline bool rrtype_is(uint16_t type, unsigned flags)
{
    return (rrtype_info(type)->flags & flags) != 0;
}
/* May stand in a zone: neither META nor QTYPE, and not 0. */
bool rrtype_is_data(uint16_t type);
/* "MX", or "TYPE731" in the caller's 16 bytes. */
const char *rrtype_text(uint16_t type, char buf[16]);
/* The i-th row in the order of the table, NULL behind the last: for tests and documentation. */
const struct rrtype_info *rrtype_row(unsigned i);
/* Mnemonic in either case, or TYPEnnn (RFC 3597 s5); false if it is neither. */
bool rrtype_scan(const char *s, size_t len, uint16_t *out);

#endif
