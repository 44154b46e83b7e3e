/* SPDX-License-Identifier: Apache-2.0
 * The algorithms of TSIG (RFC 8945 s6): one row each. */
#ifndef REEVE_TSIG_ALGORITHM_H
#define REEVE_TSIG_ALGORITHM_H

#include <stddef.h>
#include <stdint.h>

#include "dns/name.h"

#define TSIG_ALGORITHM_TEXT_MAX 32 /* "hmac-sha512-256" and a NUL, with room */

struct tsig_algorithm {
    const char *text;      /* "hmac-sha256" */
    const char *wire_text; /* the name on the wire as text; another way to write it */
    const char *digest;    /* the library's name of the hash function */
    uint8_t mac_len;       /* of the whole MAC */
    uint8_t name_len;
    const char *name; /* on the wire, in canonical form */
};

/* From text, in either case, with or without a final dot. "hmac-sha256-128" is hmac-sha256 of which
 * MACs shorter than 128 bits are not accepted (as BIND has it; on the wire the name stays
 * hmac-sha256); without a number every truncation is accepted that the RFC allows. *mac_min: that
 * number in bytes. NULL: unknown, or the RFC allows no such truncation. */
const struct tsig_algorithm *tsig_algorithm_scan(const char *text, size_t len, uint8_t *mac_min);

/* The shortest MAC that may be sent: RFC 8945 s5.2.2.1. */
static inline uint8_t tsig_algorithm_floor(const struct tsig_algorithm *a)
{
    return a->mac_len / 2 > 10 ? a->mac_len / 2 : 10;
}

static inline struct name tsig_algorithm_name(const struct tsig_algorithm *a)
{
    return (struct name){(const uint8_t *)a->name, a->name_len};
}

#endif
